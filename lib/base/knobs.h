/* SPDX-License-Identifier: MIT */
/*
 * knobs.h - every number that changes how a heap behaves while it runs, once.
 *
 * A set of knobs is immutable while it is in use. A heap reads it through one pointer, so
 * a policy changes behaviour by publishing another set, as it publishes a table. The
 * settings of QUERN_CONF, the help and the manual page are made from the rows below.
 * Numbers that would cost the fast path if they were variables stay in config.h.
 *
 * Any combination of values in their ranges is sound: of two that contradict each other
 * (a least above a most) the most holds.
 *
 * A row: name, unit, default, least, most, help: what more or less of it does.
 */
#ifndef QN_KNOBS_H
#define QN_KNOBS_H

#include "base/compiler.h"
#include "base/config.h"

/* A price is counted in thousandths */
#define QN_PRICE_PRESET 2000

#define QN_KNOB_MUCH ((size_t)1 << (sizeof(size_t) > 4 ? 40 : 30))

/* clang-format off */
#define QN_KNOBS(K)                                                            \
	K(price, PRICE, QN_PRICE_PRESET, 1, 1000000000,                        \
	  "GB-seconds of memory that one CPU-second is worth. Freed memory "   \
	  "is kept while that is cheaper than to fetch it again: about 1 s "   \
	  "at 2, 3 s at 7.5, which clouds charge; 30 ms at 0.075.")            \
	K(keep, SIXTEENTHS, 16, 0, 1 << 20,                                    \
	  "Freed memory is kept for so many sixteenths of the time that the "  \
	  "price says. Less keeps it shorter; 0 returns it when it is next "   \
	  "looked at.")                                                        \
	K(learn, COUNT, 1, 0, 1,                                               \
	  "0 keeps a policy that chooses among sets of knobs from doing so: "  \
	  "the rule's, which are as set here, stay in force.")                 \
	K(helper, COUNT, 1, 0, 1,                                              \
	  "1 lets a thread of the heap give memory back while the program "    \
	  "is idle, once that is 4 MB, less at low prices. It is gone before " \
	  "the program forks, unshares or restricts itself. 0: only malloc "   \
	  "and free do so.")                                                   \
	K(pressure, COUNT, 1, 0, 2,                                            \
	  "The price falls while memory is scarce. 1 lets the helper ask the " \
	  "system, once 16 MB are dirty; 2 also calls of malloc: they open "   \
	  "files, which a sandbox may forbid. 0: it never falls.")             \
	K(dirty, BYTES, (size_t)512 << 10, 0, QN_KNOB_MUCH,                    \
	  "Freed memory that is always kept for reuse; more is where it is "   \
	  "soon wanted back. Lower returns memory to the system sooner and "   \
	  "costs more time; 0 keeps none, but for 64 KB a thread, at any "     \
	  "price.")                                                            \
	K(dirty_part, PART, 16, 1, 65536,                                      \
	  "Beside that, one part in so many of the memory in use may be "      \
	  "dirty. More parts keep less.")                                      \
	K(purge_keep, SIXTEENTHS, 12, 0, 16,                                   \
	  "Dirty memory beyond its limit is purged down to so many "           \
	  "sixteenths of the limit. Less purges more at a time.")              \
	K(boost_most, BYTES, (size_t)256 << 20, 0, QN_KNOB_MUCH,               \
	  "Refaults add at most this to the limit, and a part of the memory "  \
	  "in use. Less keeps less for loops over much memory.")               \
	K(boost_part, PART, 2, 1, 65536,                                       \
	  "That part is one in so many. More parts keep less.")                \
	K(slack_part, PART, 4, 1, 65536,                                       \
	  "Refaults add no more than the memory in use has fallen by lately, "  \
	  "and one part in so many of it. More parts keep less where free "     \
	  "memory does not fit requests.")                                     \
	K(boost_gain, COUNT, 2, 0, 64,                                         \
	  "A refault raises the limit by so many times its bytes. More "       \
	  "learns faster and keeps more.")                                     \
	K(refault_ms, MS, 2000, 1, 60000,                                      \
	  "Memory that is wanted back within this time was purged too soon. "  \
	  "More learns from slower loops.")                                    \
	K(sparse_boost, BYTES, (size_t)8 << 20, 0, QN_KNOB_MUCH,               \
	  "Refaults add at most this to the limit of sparse slabs, which "     \
	  "only their own classes can use. More keeps more.")                  \
	K(sparse_objects, COUNT, 32, 1, 4096,                                  \
	  "A slab with at most so many objects is sparse. More looks for "     \
	  "pages to purge in fuller slabs.")                                   \
	K(spare_units, COUNT, 64, 1, 65536,                                    \
	  "Empty slabs that wait on a list before they are merged. More "      \
	  "makes slabs faster and merges later.")                              \
	K(wake_part, PART, 16, 1, 64,                                          \
	  "A full slab is used again when one part in so many of it is free. " \
	  "More parts use it sooner.")                                         \
	K(carve, BYTES, 4096, 16, 65536,                                       \
	  "Bytes of a slab that are cut into objects at once. More takes "     \
	  "fewer refills and touches more memory.")                            \
	K(carve_slab, BYTES, 2048, 0, 65536,                                   \
	  "So many bytes for each slab of the class are cut at once, if that " \
	  "is more.")                                                          \
	K(carve_most, BYTES, 16384, 16, 65536,                                 \
	  "Bytes that are cut at once at most, but for a slab that is "        \
	  "resident. Less touches less memory at a time.")                     \
	K(borrow, BYTES, 4096, 0, 65536,                                       \
	  "A class without a slab first borrows so many bytes of objects "     \
	  "from larger classes. More spares pages of rare sizes.")             \
	K(few_times, COUNT, 16, 1, 65536,                                      \
	  "A class that is found with few objects so many times is given "     \
	  "more. A higher number waits longer.")                               \
	K(chunk_least, COUNT, 4, 1, 256,                                       \
	  "Units of 64 KB in a chunk of medium blocks, at least. More asks "   \
	  "for chunks less often.")                                            \
	K(chunk_most, COUNT, 16, 1, 256,                                       \
	  "Units in a chunk, at most. More is given back less easily.")        \
	K(chunk_blocks, COUNT, 4, 1, 64,                                       \
	  "Where dirty memory has less in a row than a chunk, room for so many "\
	  "blocks will do. More touches clean memory sooner.")                 \
	K(clear_most, BYTES, (size_t)32 << 20, 0, QN_KNOB_MUCH,                \
	  "Old contents of at least 1 MB are cleared for calloc; of so many "  \
	  "bytes they are returned to the system instead. Less costs more page "\
	  "faults and keeps less.")                                            \
	K(patience, BYTES, (size_t)256 << 10, 0, QN_KNOB_MUCH,                 \
	  "Freed blocks may wait in so many bytes for the thread that owns "   \
	  "them, until another thread looks. Less looks sooner.")              \
	K(patience_most, BYTES, (size_t)16 << 20, 0, QN_KNOB_MUCH,             \
	  "An owner that turns out to be awake is given up to so many bytes. " \
	  "Less keeps less in the inboxes of busy threads.")                   \
	K(fence, COUNT, 1024, 0, 1 << 20,                                      \
	  "So many blocks of each thread, its first, lie between marks that "  \
	  "tell of writes around them and after their free. More notices more "\
	  "and costs more; 0: none.")                                          \
	K(hints, COUNT, 1, 0, 1,                                               \
	  "1 lets blocks that compilers say are seldom used, and those whose " \
	  "token proves to be long-lived, lie apart. 0: all lie together.")    \
	K(promote_bytes, BYTES, 65536, 1, QN_KNOB_MUCH,                        \
	  "A size gets a class of its own when that would save so many bytes " \
	  "of live objects. A class costs each thread that uses it about half " \
	  "a slab, so less can cost more in holes than it saves.")

/* clang-format on */

/* clang-format off */
/* Those of policy paper-dqn alone: rounding costs an allocation that misses some steps */
#if QN_POLICY_PAPER
#define QN_HEAP_KNOBS_PAPER(K)                                                 \
	K(granule, COUNT, 1, 1, 256,                                           \
	  "A short block that is cut from a longer run gets a multiple of so " \
	  "many granules. More leaves fewer lengths of free runs, and wastes " \
	  "more in blocks.")                                                   \
	K(granule_most, COUNT, 0, 0, 256,                                      \
	  "So do blocks of up to so many granules; 0: none.")
#else
#define QN_HEAP_KNOBS_PAPER(K)
#endif

#define QN_HEAP_KNOBS(K)                                                       \
	K(held_part, PART, 24, 0, 65536,                                       \
	  "Freed short blocks wait, unmerged, for a request of their length in " \
	  "one part in so many of a zone; 0: in none. Fewer parts serve more "  \
	  "requests at once, more keep the free memory in one piece.")         \
	K(held_most, COUNT, 1024, 0, (size_t)1 << 24,                          \
	  "Granules that wait in a zone at most, however large it is. They "   \
	  "are merged by the requests that use the zone up, so less makes "    \
	  "those cheaper.")                                                    \
	K(roomy_part, PART, 4, 1, 256,                                         \
	  "Blocks wait only while a free run has one part in so many of the "  \
	  "zone. More parts let them wait in fuller zones, and need larger "   \
	  "heaps.")                                                            \
	K(step_drains, COUNT, 6, 0, 256,                                       \
	  "Held blocks of a zone that one qn_heap_step() merges at most.")     \
	K(drain_hot, COUNT, 4, 1, 256,                                         \
	  "Of so many steps one merges held blocks of hot lengths, too.")      \
	K(promote_share, COUNT, 48, 1, 1024,                                   \
	  "A length is hot once so many of 1024 requests are for it. Fewer "   \
	  "make more lengths hot.")                                            \
	K(held_refused, COUNT, 32, 1, 65536,                                   \
	  "Policy rule lets twice as many blocks wait once so many had no "    \
	  "room to wait. Fewer let them wait sooner.")                         \
	K(held_wait, COUNT, 256, 0, (size_t)1 << 20,                           \
	  "Steps before it tries that again, once a request had all of them "  \
	  "merged. More keep free memory in one piece for longer.")            \
	QN_HEAP_KNOBS_PAPER(K)

/* clang-format on */

/**
 * struct qn_heap_knobs - those of a heap of one's own: a member for each row
 */
struct qn_heap_knobs {
#define QN_KNOB_MEMBER(name, unit, preset, least, most, help) size_t name;
	QN_HEAP_KNOBS(QN_KNOB_MEMBER)
#undef QN_KNOB_MEMBER
};

extern const struct qn_heap_knobs qn_heap_knobs_preset;

/* Is each knob in its range. Bounded by their number. Context: any. */
bool qn_heap_knobs_are_valid(const struct qn_heap_knobs *knobs);

/**
 * struct qn_knobs - a set of knobs of a process's heap: a member for each row
 */
struct qn_knobs {
#define QN_KNOB_MEMBER(name, unit, preset, least, most, help) size_t name;
	QN_KNOBS(QN_KNOB_MEMBER)
#undef QN_KNOB_MEMBER
};

/* Are two texts the same? Firmware need not have strcmp(). */
static inline bool qn_is_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* All as preset */
extern const struct qn_knobs qn_knobs_preset;

/**
 * qn_knobs_are_valid() - is each knob in its range
 *
 * Bounded by the number of knobs. Context: any.
 */
bool qn_knobs_are_valid(const struct qn_knobs *knobs);

#endif /* QN_KNOBS_H */
