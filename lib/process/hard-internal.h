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

#include "process/hard.h"
#include "process/hub.h"

/* A guard */
#define QN_HARD_WORD ((size_t)8)
/* The longest slot, guard included; the largest alignment of one */
#define QN_HARD_SLOT    ((size_t)32 << 10)
#define QN_HARD_ALIGN   ((size_t)4096)
#define QN_HARD_CLASSES 72u
/* Slots of a magazine: twice as many as are fetched at a time */
#define QN_HARD_MAGAZINE 32u
/* The page is told of so many blocks, or freed bytes, at a time */
#define QN_HARD_TELL       256u
#define QN_HARD_TELL_BYTES ((s64)256 << 10)

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
	u16 *state;
	u64 given[];
};

/**
 * struct qn_hard_magazine - free slots of a class
 * @nr:		how many
 * @nr_in_order: of these, the first; they came of a slab, and are taken from the last to the first:
 *		programs walk through what they allocate together, and any other order costs them
 *		up to three times the time
 * @slot:	of the others, which were freed, any is next, once there are some
 */
struct qn_hard_magazine {
	u32 nr;
	u32 nr_in_order;
	void *slot[QN_HARD_MAGAZINE];
};

/**
 * struct qn_hard_thread - what a thread has
 * @next:	in the list of those that nobody has
 * @busy:	it is at it: a signal handler has to go elsewhere
 * @rng:	which slot is next
 * @live, @asked, @nr: bytes more in use, bytes and blocks allocated, that the page does not
 *		know of
 * @bytes:	of slots in the quarantine
 * @head, @nr_kept: oldest slot in @kept, and how many
 * @magazine:	by class
 * @kept_class:	classes of @kept
 * @kept:	the quarantine, a ring
 */
struct qn_hard_thread {
	struct qn_hard_thread *next;
	bool busy;
	u64 rng;
	s64 live;
	u64 asked;
	u32 nr;
	u32 nr_tells;
	size_t bytes;
	u32 head, nr_kept;
	struct qn_hard_magazine magazine[QN_HARD_CLASSES];
	u8 *kept_class;
	void *kept[];
};

/**
 * struct qn_hard_heap - the rest of the mode's state
 * @hub:	of the process
 * @secret:	what guards are made of
 * @error:	what follows a finding
 * @keep:	see qn_hard_start()
 * @most_kept:	slots of a thread's quarantine, a power of two; @most_bytes: of them
 * @page:	bytes of a page of the system
 */
struct qn_hard_heap {
	struct qn_hub *hub;
	u64 secret;
	enum qn_hard_error error;
	void (*keep)(void *thread);
	u32 most_kept;
	size_t most_bytes;
	size_t page;
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
	u64 w = ((uintptr_t)at ^ qn_hard_heap.secret) * 0x9e3779b97f4a7c15u;

	return (w ^ w >> 32) | 0x8080808080808080u;
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

/* Of a word of which the last @n bytes are marks; 8 for 0 */
static __always_inline u64 qn_hard_mask(size_t n)
{
	return ~(u64)0 << (8 * ((8 - n) & 7));
}

/* Marks in the last @n bytes before @end, which is aligned to a word */
static __always_inline void qn_hard_mark(char *end, size_t n, u64 word)
{
	u64 *at = qn_hard_at(end), mask = qn_hard_mask(n & 7);

	for (; n >= 8; n -= 8)
		*--at = word;
	if (n) {
		at--;
		*at = (*at & ~mask) | (word & mask);
	}
}

/* Are they there? */
static __always_inline bool qn_hard_is_marked(const char *end, size_t n,
					      u64 word)
{
	const u64 *at = qn_hard_at(end);
	u64 other = 0, mask = qn_hard_mask(n & 7);

	for (; n >= 8; n -= 8)
		other |= *--at ^ word;
	if (n)
		other |= (*--at ^ word) & mask;
	return !other;
}

/* The pattern in @size bytes, a multiple of 8, from a multiple of 16 on */
bool qn_hard_is_filled(const char *p, size_t size);

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
unsigned int qn_hard_class(size_t size, size_t align);

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

static __always_inline void qn_hard_leave(struct qn_hard_thread *t)
{
	if (unlikely(t->nr >= QN_HARD_TELL || t->live < -QN_HARD_TELL_BYTES))
		qn_hard_account(t);
	qn_in_order();
	if (unlikely(t == qn_hard_common))
		qn_port_unlock(&qn_hard.lock);
	else
		t->busy = false;
}

/* A free slot of the class, any; NULL if there is no memory. */
void *qn_hard_slot_get(struct qn_hard_thread *t, unsigned int class);

/* A slot was freed: it waits in the quarantine. */
void qn_hard_slot_keep(struct qn_hard_thread *t, struct qn_hard_slab *s,
		       void *p);

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
