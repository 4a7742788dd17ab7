/* SPDX-License-Identifier: MIT */
/*
 * hard-internal.h - what the files hard*.c have of each other.
 *
 *	hard-report.c	messages, the look at the end, faults
 *	hard-slab.c	slabs, magazines, threads
 *	hard-large.c	blocks of more than 32 KB
 *	hard.c		slots in use, and the choice between the two
 */
#ifndef QN_HARD_INTERNAL_H
#define QN_HARD_INTERNAL_H

#include <string.h>

#include "process/hard.h"
#include "process/hub.h"

/* A guard */
#define QN_HARD_WORD ((size_t)8)
/* The longest slot, guard included; the largest alignment of one */
#define QN_HARD_SLOT    ((size_t)32 << 10)
#define QN_HARD_ALIGN   ((size_t)4096)
#define QN_HARD_CLASSES 72u
/* Marks before the first slot of a slab */
#define QN_HARD_FRONT ((size_t)128)
/* Longest block whose class is looked up */
#define QN_HARD_LISTED ((size_t)1024)
/* An address of a process is below 2^57, a class below 2^7 */
#define QN_HARD_KEPT_SHIFT 57
/* Shorter slots are filled without a call */
#define QN_HARD_INLINE ((size_t)512)
/* Slots of a magazine: twice as many as are fetched at a time. The magazine has 256 bytes. */
#define QN_HARD_MAGAZINE 30u
/* The page is told of so many blocks, or freed bytes, at a time */
#define QN_HARD_TELL       256u
#define QN_HARD_TELL_BYTES ((u64)256 << 10)

/* A slot's state; the bits below it are the bytes to spare */
enum qn_hard_state {
	QN_HARD_FRESH = 0,
	QN_HARD_BUSY = 1u << 14, /* some thread is changing it */
	QN_HARD_USED = 2u << 14,
	QN_HARD_FREE = 3u << 14,
};

#define QN_HARD_STATE 0xc000u
#define QN_HARD_SPARE 0x3fffu

/**
 * struct qn_hard_slab - slots of one size
 * @next, @prev: slabs of the class that have slots to give
 * @base:	the first block
 * @u:		first descriptor of its run
 * @inverse:	2^40 / @slot, rounded up
 * @slot:	bytes from one block to the next
 * @class:	of @slot
 * @nr:		slots
 * @nr_given:	in use, in a quarantine or in a magazine
 * @nr_used:	slots that were ever in use: those behind were never touched
 * @zeroed:	what was never in use reads as zero
 * @touched:	all of its pages are resident
 * @given:	which those are, a bit each
 * @state:	of each slot; behind the bits
 *
 * The lock guards all but @state, which belongs to who has the slot.
 */
struct qn_hard_slab {
	struct qn_hard_slab *next, *prev;
	char *base;
	struct qn_unit *u;
	u64 inverse;
	u32 slot;
	u16 class;
	u16 nr;
	u16 nr_given;
	u16 nr_used;
	bool zeroed;
	bool touched;
	u16 *state;
	u64 given[];
};

/**
 * struct qn_hard_magazine - free slots of a class
 * @nr:		how many
 * @most:	of @slot
 * @osize:	bytes of a slot of the class
 * @nr_in_order: of these, the first; they came of a slab, and are taken from the last to the first:
 *		programs walk through what they allocate together, and any other order costs them
 *		up to three times the time
 * @slot:	of the others, which were freed, any is next, once there are some
 */
struct qn_hard_magazine {
	u32 nr;
	u32 nr_in_order;
	u32 most;
	u32 osize;
	void *slot[QN_HARD_MAGAZINE];
};

/**
 * struct qn_hard_thread - what a thread has
 * @next:	in the list of those that nobody has
 * @busy:	it is at it: a signal handler has to go elsewhere
 * @rng:	which slot is next
 * @asked, @nr:	bytes and blocks allocated that the page does not know of
 * @freed, @grown: bytes freed, and that resizes added, likewise
 * @bytes:	of slots in the quarantine
 * @head, @nr_kept: oldest slot in @kept, and how many
 * @magazine:	by class
 * @kept:	the quarantine, a ring: a slot, and its class from QN_HARD_KEPT_SHIFT on
 */
struct qn_hard_thread {
	struct qn_hard_thread *next;
	bool busy;
	u64 rng;
	u64 asked, freed;
	s64 grown;
	u32 nr;
	u32 nr_tells;
	size_t bytes;
	u32 head, nr_kept;
	struct qn_hard_magazine magazine[QN_HARD_CLASSES];
	u64 kept[];
};

/**
 * struct qn_hard_heap - the rest of the mode's state
 * @hub:	of the process
 * @secret:	what guards are made of
 * @error:	what follows a finding
 * @keep:	see qn_hard_start()
 * @most_kept:	slots of a thread's quarantine, a power of two; @most_bytes: of them
 * @page:	bytes of a page of the system
 * @class:	of a block of so many words, not aligned
 */
struct qn_hard_heap {
	struct qn_hub *hub;
	u64 secret;
	enum qn_hard_error error;
	void (*keep)(void *thread);
	u32 most_kept;
	size_t most_bytes;
	size_t page;
	u8 class[QN_HARD_LISTED / QN_HARD_WORD + 1];
};

extern struct qn_hard_heap qn_hard_heap __attribute__((visibility("hidden")));

/* The descriptor of an address, or NULL: at once in segment 0. Any context. */
static __always_inline struct qn_unit *qn_hard_find(const void *p)
{
	const struct qn_segments *s = &qn_hard_heap.hub->segments;
	const struct qn_segment *seg = &s->space.seg[0];
	size_t i = qn_unit_index(seg->base, p);

	/* Pairs with the release where it grows */
	if (likely(i < smp_load_acquire(&seg->committed)))
		return &seg->units[i];
	return qn_segments_find(s, p);
}

/* ---- guards and marks ---- */

/* No byte of it is 0 or a character of a text: what strings leave behind is noticed */
static __always_inline u64 qn_hard_word(const void *at)
{
	u64 w = (uintptr_t)at * 0x9e3779b97f4a7c15u ^ qn_hard_heap.secret;

	return w | 0x8080808080808080u;
}

/* Marks in a slot are those of the guard before it */
static __always_inline u64 qn_hard_slot_marks(const char *p)
{
	return qn_hard_word(p - QN_HARD_WORD);
}

static __always_inline u64 *qn_hard_at(const void *p)
{
	return (u64 *)(uintptr_t)p;
}

/* Of the word that @from lies in: its bytes from there on */
static __always_inline u64 qn_hard_mask(const void *from)
{
	return ~(u64)0 << (8 * (uintptr_t)from & 63);
}

static __always_inline const char *qn_hard_word_of(const char *p)
{
	return p - ((uintptr_t)p & (QN_HARD_WORD - 1));
}

/* Marks from @from to @end, which is aligned to a word */
static __always_inline void qn_hard_mark(const char *from, const char *end,
					 u64 word)
{
	u64 *at = qn_hard_at(qn_hard_word_of(from)), mask = qn_hard_mask(from);

	if (at >= qn_hard_at(end))
		return;
	*at = (*at & ~mask) | (word & mask);
	while (++at < qn_hard_at(end))
		*at = word;
}

/* Are they there? */
static __always_inline bool qn_hard_is_marked(const char *from, const char *end,
					      u64 word)
{
	const u64 *at = qn_hard_at(qn_hard_word_of(from));
	u64 other;

	if (at >= qn_hard_at(end))
		return true;
	other = (*at ^ word) & qn_hard_mask(from);
	while (++at < qn_hard_at(end))
		other |= *at ^ word;
	return !other;
}

/* Are those before the first slot? The word next to it is its guard. */
static __always_inline bool qn_hard_has_front(const struct qn_hard_slab *s)
{
	return qn_hard_is_marked(s->base - QN_HARD_FRONT,
				 s->base - QN_HARD_WORD, qn_hard_word(s->base));
}

/* Two words at a time */
typedef u64 qn_hard_pair __attribute__((vector_size(16), may_alias));

static __always_inline qn_hard_pair *qn_hard_pair_at(const void *p)
{
	return (qn_hard_pair *)(uintptr_t)p;
}

/* Is @word in [@p, @end)? Both are multiples of 16, but there may be a word at the end. */
static __always_inline bool qn_hard_has(const char *p, const char *end,
					u64 word)
{
	const qn_hard_pair words = { word, word };
	const qn_hard_pair *at = qn_hard_pair_at(p);
	qn_hard_pair other = { 0, 0 };

	for (; (size_t)(end - (const char *)at) >= 4 * sizeof(*at); at += 4)
		other |= (at[0] ^ words) | (at[1] ^ words) | (at[2] ^ words) |
			 (at[3] ^ words);
	for (; (size_t)(end - (const char *)at) >= sizeof(*at); at++)
		other |= *at ^ words;
	if ((const char *)at < end)
		other[0] |= *qn_hard_at(at) ^ word;
	return !(other[0] | other[1]);
}

/* The pattern in @size bytes, a multiple of 8, from a multiple of 16 on */
bool qn_hard_is_filled(const char *p, size_t size);

/* The same, of all that a slot has for its block: an odd number of words */
static __always_inline bool qn_hard_slot_is_filled(const char *p, size_t room)
{
	return qn_hard_has(p, p + room - QN_HARD_WORD, QN_HARD_PATTERN) &&
	       *qn_hard_at(p + room - QN_HARD_WORD) == QN_HARD_PATTERN;
}

static __always_inline void qn_hard_slot_fill(char *p, size_t room)
{
	const qn_hard_pair pattern = { QN_HARD_PATTERN, QN_HARD_PATTERN };
	qn_hard_pair *at = qn_hard_pair_at(p);
	char *last = p + room - QN_HARD_WORD;

	if (room >= QN_HARD_INLINE) {
		memset(p, (int)(QN_HARD_PATTERN & 0xff), room);
		return;
	}
	for (; last - (char *)at >= 4 * (ptrdiff_t)sizeof(*at); at += 4)
		at[0] = at[1] = at[2] = at[3] = pattern;
	while ((char *)at < last)
		*at++ = pattern;
	*qn_hard_at(last) = QN_HARD_PATTERN;
}

/* ---- hard-report.c ---- */

/**
 * qn_hard_report() - say what was found, and stop unless on_error lets the program go on
 * @where:	the function
 * @p:		the pointer
 * @size:	of its block; SIZE_MAX: not known
 * @what:	the finding
 */
void qn_hard_report(const char *where, const void *p, size_t size,
		    const char *what);

/* An access was refused: is it ours? */
bool qn_hard_fault(void *p, int how);

/* The guard before a block, which is the one behind its neighbour */
extern const char qn_hard_before[] __attribute__((visibility("hidden")));

#define QN_HARD_FOREIGN     "the pointer is not from this heap"
#define QN_HARD_NONE        "the pointer is not the start of a block"
#define QN_HARD_AGAIN       "the block was freed already"
#define QN_HARD_BEHIND      "the bytes behind the block were overwritten"
#define QN_HARD_FREE_USED   "a block was read or written after it was freed"
#define QN_HARD_BEFORE_USED "memory before a block was read or written"
#define QN_HARD_BEHIND_USED "memory behind a block was read or written"
#define QN_HARD_NOBODY      "memory that no block has was written to"
#define QN_HARD_WRITTEN     "the block was written to after it was freed"

/* ---- hard-slab.c ---- */

/* The class whose slots hold so many bytes at such an alignment */
unsigned int qn_hard_class_slow(size_t size, size_t align);

static __always_inline unsigned int qn_hard_class(size_t size, size_t align)
{
	if (likely(size <= QN_HARD_LISTED && align <= QN_ALIGN))
		return qn_hard_heap
			.class[(size + QN_HARD_WORD - 1) / QN_HARD_WORD];
	return qn_hard_class_slow(size, align);
}

/* The slab that @p lies in, or NULL. Any context. */
static __always_inline struct qn_hard_slab *
qn_hard_slab_of(const struct qn_unit *u)
{
	return u && u->kind == QN_UNIT_HARD ? u->hard : NULL;
}

/* Number of the slot that @p lies in; @p is not before the first */
static __always_inline size_t qn_hard_index(const struct qn_hard_slab *s,
					    const void *p)
{
	size_t at = (size_t)((const char *)p - s->base);

	return (size_t)(at * s->inverse >> 40);
}

/* Bytes that a slot has for its block */
static __always_inline size_t qn_hard_room(const struct qn_hard_slab *s)
{
	return s->slot - QN_HARD_WORD;
}

extern __thread struct qn_hard_thread *qn_hard_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
/* For threads without a part, and signal handlers: who has it holds the lock */
extern struct qn_hard_thread *qn_hard_common
	__attribute__((visibility("hidden")));

/* The page has what @t did */
void qn_hard_account(struct qn_hard_thread *t);

struct qn_hard_thread *qn_hard_enter_slow(void);

/* Take the calling thread's part. Return: NULL in a signal handler that has to do without. */
static __always_inline struct qn_hard_thread *qn_hard_enter(void)
{
	struct qn_hard_thread *t = qn_hard_self;

	if (unlikely(!t || t->busy))
		return qn_hard_enter_slow();
	t->busy = true;
	qn_in_order();
	return t;
}

/* @much: the page is to hear of it */
static __always_inline void qn_hard_leave(struct qn_hard_thread *t, bool much)
{
	if (unlikely(much))
		qn_hard_account(t);
	qn_in_order();
	if (unlikely(t == qn_hard_common))
		qn_port_unlock(&qn_hard.lock);
	else
		t->busy = false;
}

/* Fetch slots for an empty magazine. Return: whether there are any. */
bool qn_hard_magazine_fill(struct qn_hard_thread *t,
			   struct qn_hard_magazine *m);
/* Give slots of a magazine back to their slabs: half of those that fit in */
void qn_hard_magazine_give(struct qn_hard_thread *t,
			   struct qn_hard_magazine *m);

static __always_inline u32 qn_hard_random_below(struct qn_hard_thread *t,
						u32 nr)
{
	t->rng = t->rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)((t->rng >> 32) * nr >> 32);
}

/* A free slot of the class, any; NULL if there is no memory. */
static __always_inline void *qn_hard_slot_get(struct qn_hard_thread *t,
					      unsigned int class)
{
	struct qn_hard_magazine *m = &t->magazine[class];
	u32 i, nr_freed;
	void *p;

	if (unlikely(!m->nr) && !qn_hard_magazine_fill(t, m))
		return NULL;
	nr_freed = m->nr - m->nr_in_order;
	/* Chance needs some to choose among; the last freed one takes its place */
	if (m->nr_in_order && nr_freed < m->most / 4)
		i = --m->nr_in_order;
	else
		i = m->nr_in_order + qn_hard_random_below(t, nr_freed);
	p = m->slot[i];
	m->slot[i] = m->slot[--m->nr];
	return p;
}

/* A slot leaves the quarantine */
static __always_inline void qn_hard_kept_out(struct qn_hard_thread *t, u64 kept)
{
	unsigned int class = (unsigned int)(kept >> QN_HARD_KEPT_SHIFT);
	struct qn_hard_magazine *m = &t->magazine[class];

	if (unlikely(m->nr == m->most))
		qn_hard_magazine_give(t, m);
	kept &= ((u64)1 << QN_HARD_KEPT_SHIFT) - 1;
	m->slot[m->nr++] = (void *)(uintptr_t)kept;
	t->bytes -= m->osize;
}

/* The one that waited longest does */
void qn_hard_kept_put(struct qn_hard_thread *t);

/* A slot was freed: it waits in the quarantine. */
static __always_inline void qn_hard_slot_keep(struct qn_hard_thread *t,
					      const struct qn_hard_slab *s,
					      void *p)
{
	u32 mask = qn_hard_heap.most_kept - 1, head = t->head;
	u64 kept = (uintptr_t)p | (u64)s->class << QN_HARD_KEPT_SHIFT;

	t->bytes += s->slot;
	if (likely(t->nr_kept > mask)) {
		u64 oldest = t->kept[head];

		t->kept[head] = kept;
		t->head = (head + 1) & mask;
		qn_hard_kept_out(t, oldest);
	} else {
		t->kept[(head + t->nr_kept++) & mask] = kept;
	}
	while (unlikely(t->bytes > qn_hard_heap.most_bytes))
		qn_hard_kept_put(t);
}

/* Memory that stays the heap's own; NULL if there is none. Context: the lock is held. */
void *qn_hard_meta(size_t size);

/* Return: false if there is no memory. Context: as qn_hard_start(). */
bool qn_hard_slabs_init(void);

/* Look at a slot, in use or not. Return: NULL, or what is wrong. */
const char *qn_hard_slot_look(const struct qn_hard_slab *s, size_t i);

/* ---- hard-large.c ---- */

enum qn_hard_large {
	QN_HARD_LIVE,
	QN_HARD_GUARDED,   /* in use between forbidden pages */
	QN_HARD_WAITS,     /* free, with the pattern */
	QN_HARD_FORBIDDEN, /* free, and nobody may touch it */
};

void *qn_hard_large_alloc(size_t size, size_t align, size_t *old);
void qn_hard_large_free(struct qn_unit *u, char *p);
/* Return: NULL if there is no memory */
void *qn_hard_large_realloc(struct qn_unit *u, char *p, size_t size);
/* Is @p a large block in use? A message from @where if not, or if its marks are damaged. */
bool qn_hard_large_look(struct qn_unit *u, const char *p, const char *where);
/* Look at one, in use or not. Return: NULL, or what is wrong. */
const char *qn_hard_large_check(const struct qn_unit *u);
/* Where its block begins */
char *qn_hard_large_start(const struct qn_unit *u);
/* All that wait go. Context: the lock is held. Return: whether there were any. */
bool qn_hard_large_relax(void);
/* Return: false if there is no memory. Context: as qn_hard_start(). */
bool qn_hard_large_init(void);

#endif /* QN_HARD_INTERNAL_H */
