/* SPDX-License-Identifier: MIT */
/*
 * local.h - what one thread keeps: lists of objects ready for malloc, its slabs,
 * and the frees of other threads' objects on their way home.
 *
 * Up to QN_SLAB_MAX malloc pops from the list of its class. free pushes on the slab's
 * own list if the slab is the thread's, else on the batch of the owner's. When a list is
 * empty, refill fetches in this order: what other threads sent (inbox, looked at now and
 * then), the free list of the current slab or, where that is short, of one that woke, a
 * partial slab, uncarved objects, a new unit. Blocks up to QN_MEDIUM_MAX are cut from the
 * thread's chunks (medium.h).
 *
 * A refill where a sample is due hands over a part of a list (class_limit_due()), so that the
 * refill that follows is the sample. It costs the fast path nothing. A class without a slab
 * borrows from one whose objects are up to a quarter larger (class_borrow()).
 *
 * The lists, and the map from sizes to them, lie in the thread's own storage (qn_front), so
 * malloc asks no local; those of a local without a thread lie in the local (spare).
 *
 * A local outlives its thread: without one it is an orphan with its slabs and its
 * inbox, until a new thread adopts it.
 *
 * Remote frees: a sender collects objects of one owner in its batch and publishes
 * the chain on the owner's inbox with one compare-and-swap, after 64 objects or
 * 32 KB, at a change of owner and at each of its refills. So a sleeping thread holds
 * back at most 64 objects and 32 KB of others; the owner takes the whole inbox with
 * one exchange. An owner that does not look sleeps, perhaps: when much waits for it, the
 * sender gives back what it can without the owner (remote.c). There is no ABA: only whole
 * chains are taken. An object in a chain names one some places on as well (struct qn_sent),
 * so that the owner can fetch it ahead from the cache of the sender; at a chain's end it
 * may name any other, or nothing.
 */
#ifndef QN_LOCAL_H
#define QN_LOCAL_H

#include "base/compiler.h"
#include "process/hub.h"
#include "process/medium.h"
#include "process/slab.h"

#define QN_BATCH_OBJECTS 64
#define QN_BATCH_BYTES   (32 << 10)
/* So many places on */
#define QN_BATCH_AHEAD   8
#define QN_LOCAL_SAMPLES 8

/**
 * struct qn_sent - what stands in an object of a chain
 * @link:	to the next of the chain (link.h)
 * @ahead:	bytes from here to the one some places on
 * @key:	of the batch: an object that has it may be in the batch already
 */
struct qn_sent {
	void *link;
	u32 ahead;
	u32 key;
};

_Static_assert(sizeof(struct qn_sent) <= QN_ALIGN || QN_SMALL,
	       "fits the smallest object");

enum qn_local_state {
	/* Its thread did not survive fork(): never touched. And so is qn_local_none. */
	QN_LOCAL_LOST,
	QN_LOCAL_OWNED,  /* a thread has it */
	QN_LOCAL_ORPHAN, /* on hub.orphans */
};

/**
 * struct qn_local_class - a thread's side of one class
 * @current:	the slab that refills come from, or NULL
 * @until_sample: bytes to hand out until the next sampled object
 * @osize:	object size of its slabs; 0 before the first and after it changed
 * @pending_allocs: objects not yet accounted in the statistics page, less those that came
 *		back from a list
 * @pending_live, @pending_slab: bytes in use and bytes carved, likewise
 * @ahead:	bytes by which a sample was taken too early: added to the next distance
 * @nr_slabs:	slabs owned that are not draining
 * @nr_few:	looks around that found few objects at hand
 * @nr_borrowed: objects that a larger class lent
 * @interval:	that @until_sample was drawn with
 * @head, @tail: queue of partial slabs
 */
struct qn_local_class {
	struct qn_unit *current;
	u32 until_sample;
	u32 osize;
	s32 pending_allocs;
	s32 pending_live;
	s32 pending_slab;
	u32 ahead;
	struct qn_unit *head, *tail;
	u32 nr_slabs;
	u32 nr_few;
	u32 nr_borrowed;
	u32 interval;
} __aligned(64);

/**
 * struct qn_front - what malloc reads of a thread
 * @heads:	objects ready, by class
 * @map:	size in steps -> class, a copy of the table's
 *
 * One for all sizes up to QN_SLAB_MAX: sizes on either side of a bound cannot be predicted.
 */
struct qn_front {
	void *heads[QN_NR_CLASSES];
	u8 map[QN_HUB_STEPS + 7];
};

/**
 * struct qn_local - one thread's cache
 * @base, @reach: segment 0: where it begins, bytes of it known to be committed
 * @units:	its descriptors
 * @front:	lists and map: qn_front, or @spare of a local that no thread is at home in
 * @table:	the table that the map was copied from
 * @nr_base:	its permanent classes
 * @hub:	shared by all
 * @class:	the rest, by class
 * @batch_to, @batch, @batch_last: objects to send, and to whom
 * @batch_key:	of this batch, another after each
 * @batch_before: the last ones that were added, a ring
 * @batch_nr, @batch_bytes: how many, how large
 * @sampler:	draws the sample distances
 * @samples, @nr_samples: requests sampled and not yet handed in
 * @medium_interval: that @medium.credit was drawn with
 * @nr_forks:	hub.nr_forks when its sequence of distances began
 * @followed:	the sampled object, where a refill ends with one that is followed
 * @nr_refills:	since the start
 * @handed_in:	@nr_refills when samples were last handed in
 * @seen, @nr_rounds: @handed_in in the last rounds of the helper; how many of them
 * @is_trimmed:	an orphan from which it took all that it could
 * @is_apart:	the second one of a thread, for blocks that lie apart
 * @nr_slow:	slow refills, up to some number
 * @exact:	mallocs that are still to be counted one by one: so long its lists stay
 *		empty, and @nr_refills is such that each refill is a slow one
 * @sparse:	free bytes that came with sparse slabs since they were last looked at
 * @sparse_looked: when that was, in ms
 * @sparse_waits: there was more than the limit, of slabs that may soon be empty
 * @pressed:	the pressure that its chunks and sparse slabs were last looked at for
 * @until_sample: of tokens (process-place.c): bytes to the next sample; NULL: it has none yet
 * @nr_token_samples: so far
 * @fence:	its first blocks
 * @state:	enum qn_local_state; guarded by hub.threads
 * @thread:	who has it, by qn_port_self(); likewise
 * @next:	in hub.locals; @next_orphan: in hub.orphans
 * @inbox:	chain of objects freed by others
 * @sent:	bytes that were sent there since somebody looked
 * @kept:	bytes that were left there when another than the owner looked
 * @patience:	bytes beyond @kept that may wait there before a sender looks at it for the
 *		owner: the knob patience at first and where the owner slept, up to
 *		patience_most where it was only late; the owner's to change
 * @relieved:	when another looked, in ms, 0 if it did not since the owner did
 * @medium:	blocks larger than QN_SLAB_MAX
 */
struct qn_local {
	char *base;
	char *units;
	size_t reach;
	struct qn_front *front;

	const struct qn_table *table;
	u32 nr_base;
	struct qn_hub *hub;
	struct qn_local *batch_to;
	struct qn_sent *batch;
	struct qn_sent *batch_last;
	struct qn_sent *batch_before[QN_BATCH_AHEAD];
	u32 batch_nr;
	u32 batch_bytes;
	u32 batch_key;
	struct qn_sampler sampler;
	struct qn_sample samples[QN_LOCAL_SAMPLES];
	u32 nr_samples;
	u32 medium_interval;
	u32 nr_forks;
	void *followed;
	u32 nr_refills;
	u32 handed_in;
	u32 seen;
	u32 nr_rounds;
	bool is_trimmed;
	bool is_apart;
	u32 nr_slow;
	u32 exact;
	size_t sparse;
	u32 sparse_looked;
	bool sparse_waits;
	u32 pressed;
	s32 *until_sample;
	u32 nr_token_samples;
	struct qn_fence fence;
	u32 state;
	u32 thread;
	struct qn_local *next;
	struct qn_local *next_orphan;

	struct qn_sent *inbox __aligned(64);
	size_t sent;
	size_t kept;
	size_t patience;
	u32 relieved;
	struct qn_local_class class[QN_NR_CLASSES] __aligned(64);

	struct qn_medium medium; /* most of it is seldom touched */
	struct qn_front spare;
};

/* The thread's local; &qn_local_none before its first allocation */
extern __thread struct qn_local *qn_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
/* Its second one, for blocks that lie apart (process-place.c); else &qn_local_none */
extern __thread struct qn_local *qn_self_apart
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
extern struct qn_local qn_local_none;
extern __thread struct qn_front qn_front
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The list of a class */
static __always_inline void **qn_local_head(struct qn_local *l, unsigned int c)
{
	return &l->front->heads[c];
}

/* Units of segment 0 grow: take note. Any thread may have made them. */
static __always_inline void qn_local_see_units(struct qn_local *l)
{
	l->reach = READ_ONCE(l->hub->segments.space.seg[0].committed)
		   << QN_UNIT_SHIFT;
}

/* The unit of a block of @s, or NULL: at once where @l knows of it */
static __always_inline struct qn_unit *
qn_local_find(const struct qn_local *l, const struct qn_segments *s,
	      const void *p)
{
	size_t at = (uintptr_t)p - (uintptr_t)l->base;

	if (likely(at < l->reach))
		return qn_unit_of(l->units, at);
	return qn_segments_find(s, p);
}

/**
 * qn_local_get() - a local for a thread: an orphan or a new one
 *
 * Context: takes hub.threads.
 * Return: NULL if there is no memory.
 */
struct qn_local *qn_local_get(struct qn_hub *hub);

/* A second one for a thread, which the figures do not count as a thread's */
struct qn_local *qn_local_get_apart(struct qn_hub *hub);

/**
 * qn_local_put() - the thread is done with it: lists go back, it becomes an orphan
 *
 * Context: takes hub.threads.
 */
void qn_local_put(struct qn_local *l);

/**
 * qn_local_refill() - an object of a class whose list is empty
 * @l:		the thread's local
 * @size:	bytes requested, at most QN_SLAB_MAX
 *
 * Return: an object, or NULL.
 */
void *qn_local_refill(struct qn_local *l, size_t size);

/* The memory of a slab; cheaper than qn_unit_start() */
static __always_inline char *qn_local_slab_start(const struct qn_local *l,
						 const struct qn_unit *u)
{
	size_t index = ((uintptr_t)u - (uintptr_t)l->units) / sizeof(*u);

	if (likely(index < l->reach >> QN_UNIT_SHIFT))
		return l->base + (index << QN_UNIT_SHIFT);
	return qn_unit_start(&l->hub->segments, u);
}

/**
 * qn_local_medium_alloc() - a block above QN_SLAB_MAX, or aligned to more than QN_ALIGN
 * @l:		the thread's local
 * @size:	bytes, at most QN_MEDIUM_MAX
 * @align:	a power of two, at most QN_MEDIUM_MAX
 *
 * Return: a block, or NULL.
 */
void *qn_local_medium_alloc(struct qn_local *l, size_t size, size_t align);

/**
 * qn_local_medium_calloc() - a block that reads as zero
 * @l:		the thread's local
 * @size:	bytes, as above
 *
 * What was never touched is not written.
 *
 * Return: a block, or NULL.
 */
void *qn_local_medium_calloc(struct qn_local *l, size_t size);

/**
 * qn_local_medium_free() - free a block of the thread's own
 * @l:		the thread's local, which holds @u
 * @u:		the block's unit
 * @p:		the block
 */
void qn_local_medium_free(struct qn_local *l, const struct qn_unit *u, void *p);

/**
 * qn_local_medium_much() - medium.free exceeds medium.most: see to it
 * @l:		the thread's local
 */
void qn_local_medium_much(struct qn_local *l);

/**
 * qn_local_make_room() - units are about to be taken: let what waits serve, if it can
 * @l:		the thread's local
 * @bytes:	how many
 */
void qn_local_make_room(struct qn_local *l, size_t bytes);

/**
 * qn_local_medium_resize() - make a block fit where it lies
 * @l:		the thread's local
 * @u:		the block's unit
 * @p:		the block
 * @size:	bytes, at most QN_MEDIUM_MAX
 *
 * Return: false if it cannot, or if the block is another thread's.
 */
bool qn_local_medium_resize(struct qn_local *l, const struct qn_unit *u,
			    void *p, size_t size);

/**
 * qn_local_sample() - account @bytes to the sampler of a class
 * @l:		the thread's local
 * @k:		the class that serves the request
 * @size:	bytes requested
 * @bytes:	bytes served
 *
 * Hands in what was sampled when there is enough of it.
 *
 * Return: how many samples there were.
 */
u32 qn_local_sample(struct qn_local *l, struct qn_local_class *k, size_t size,
		    size_t bytes);

/* The interval is another: distances to the next samples are drawn anew */
void qn_local_resample(struct qn_local *l);

/**
 * qn_local_fork_child() - the calling thread is alone in a child
 * @l:		its local
 *
 * What the parent has sampled or counted and not yet handed in is the parent's, and
 * distances are drawn anew, as hub.sampler has them now.
 */
void qn_local_fork_child(struct qn_local *l);

/**
 * qn_local_event() - a slab's count reached 0
 * @l:		its owner
 * @u:		the slab
 */
void qn_local_event(struct qn_local *l, struct qn_unit *u);

/**
 * qn_local_free_remote() - free an object of another local
 * @l:		the calling thread's
 * @u:		the object's slab
 * @p:		the object
 */
void qn_local_free_remote(struct qn_local *l, struct qn_unit *u, void *p);

/**
 * qn_local_trim() - give back what the thread does not need: lists, empty slabs
 *
 * Context: the owner, or hub.threads held for an orphan.
 */
void qn_local_trim(struct qn_local *l);

/*
 * The same of all that can be reached: of the calling thread, of those that are gone, and
 * chunks of others. Context: the owner, with no lock held.
 */
void qn_local_give_all(struct qn_local *l);

/* Publish the batch, if there is one */
void qn_local_flush_batch(struct qn_local *l);

/* Account everything pending in the statistics page */
void qn_local_account(struct qn_local *l);

/**
 * qn_local_ready() - objects of a class that wait in the list for malloc
 * @l:		the calling thread's local
 * @c:		the class
 *
 * They count as live and as allocations. Time: some steps for each.
 */
u32 qn_local_ready(struct qn_local *l, unsigned int c);

/* Bytes of them, of all classes. Context: the owner. */
size_t qn_local_ready_bytes(struct qn_local *l);

/**
 * qn_local_account_end() - the figures of a thread that allocates no more
 * @l:		the calling thread's local
 *
 * What waits in its lists and inbox is not in use, and what it freed is known of each
 * slab. Time: some steps for each unit of the heap.
 */
void qn_local_account_end(struct qn_local *l);

/**
 * qn_local_exact_begin() - from now on each malloc of the thread is counted by itself
 * @l:		its local
 *
 * Its lists stay empty for hub.exact mallocs, so that each comes to the slow path. What it
 * freed is looked for where there may be a new peak. So both the counts and the peak of a
 * small program are exact, also where it is killed.
 */
void qn_local_exact_begin(struct qn_local *l);

/* More is live, and @l->exact is not 0: account it, and the peak. Context: the owner. */
void qn_local_exact_note(struct qn_local *l);

/**
 * qn_local_check() - the local's lists against the descriptors
 *
 * Context: the owner.
 * Return: NULL, or what was found.
 */
const char *qn_local_check(struct qn_local *l);

/**
 * qn_local_idle() - give back what a thread that is idle does not need
 * @l:		any local
 *
 * Of a thread that handed in nothing since the last call, free whole pages of its chunks
 * are purged; an orphan gives back all it can, once.
 *
 * Context: the helper, with hub.threads held.
 * Return: whether the thread was idle.
 */
bool qn_local_idle(struct qn_local *l);

#endif /* QN_LOCAL_H */
