// SPDX-License-Identifier: MIT
/*
 * process-place.c - where a block lies of which the compiler told something.
 *
 * Blocks that live long, or are seldom used, lie apart from the others: in slabs and chunks
 * of a second local of their thread (qn_self_apart). So they pin no slab in which all other
 * objects are free, and do not share cache lines and pages with what is used all the time.
 * Which tokens these are is learned (place.h); cold blocks are told. Hint records (quern-hint.h)
 * say which types are cold, for a start.
 *
 * free() of such a block goes the way of other threads' blocks, and is the owner's where a
 * batch would begin (remote.c): those paths are as short as before. A thread gets its second
 * local with the first such block, and not while its blocks are fenced.
 *
 * A thread has a countdown of bytes for each token. Its samples are followed objects
 * (follow.h), of which the end is noticed.
 */
#include "process/process-internal.h"

#include <string.h>

#include "hint/record.h"

/* Have modules been loaded? Asked once in so many samples of a thread */
#define SAMPLES_A_LOOK 64
/* Longer blocks are not followed: the store keeps what they took */
#define FOLLOW_MOST ((size_t)4096)

/* Of a thread that has no countdowns yet: a request with a token finds that a sample is due */
static s32 no_countdowns[QN_PLACES] __bss_apart;

/* Bytes to the next sample, by the token's slot */
static __thread s32 *until_sample
	__attribute__((tls_model("initial-exec"))) = no_countdowns;

/* ---- blocks that lie apart ---- */

/* Return: &qn_local_none if the thread has to do without one */
static __apart struct qn_local *apart_get(void)
{
	struct qn_local *l = qn_self;

	/* Without a thread's own local there is no second one either */
	if (l->front != &qn_front || qn_fence_is_on(l) ||
	    !qn_hub_knobs(&qn_hub)->hints)
		return &qn_local_none;
	l = qn_local_get_apart(&qn_hub);
	if (!l)
		return &qn_local_none;
	qn_self_apart = l;
	return l;
}

/* Also while the thread has no local, for the time of a look at its stack */
static __always_inline struct qn_local *apart(void)
{
	struct qn_local *l = qn_self_apart;

	if (unlikely(l == &qn_local_none || qn_self == &qn_local_none))
		return qn_self == &qn_local_none ? &qn_local_none : apart_get();
	return l;
}

static void *apart_medium(struct qn_local *l, size_t size)
{
	void *p = qn_medium_get(&l->medium, qn_medium_bytes(size), false);

	return p ? p : qn_local_medium_alloc(l, size, QN_ALIGN);
}

/* Return: NULL where it cannot lie apart */
static void *apart_alloc(size_t size)
{
	struct qn_local *l;
	void **head, *p;

	if (size > QN_MEDIUM_MAX)
		return NULL;
	l = apart();
	if (unlikely(l == &qn_local_none))
		return NULL;
	if (size > QN_SLAB_MAX)
		return apart_medium(l, size);
	head = qn_local_head(l, l->front->map[qn_size_steps(size)]);
	p = *head;
	if (unlikely(!p))
		return qn_local_refill(l, size);
	*head = qn_link_get(p);
	return p;
}

__seldom void *qn_process_malloc_cold(size_t size)
{
	void *p = apart_alloc(size);

	return likely(p != NULL) ? p : qn_process_malloc(size);
}

/* ---- hint records ---- */

#define TOLD_COLD 1
#define TOLD_WARM 2

/* What records say of the sites of each slot; modules that had been loaded when they were read */
static u8 told[QN_PLACES] __bss_apart;
static u64 told_modules __bss_apart;
static bool is_telling __bss_apart;

/* As quern's plugins make it where there is no limit to tokens (plugin/sites.h) */
static size_t token_of(const struct qn_hint_place *at)
{
	size_t half = (size_t)1 << (8 * sizeof(size_t) - 1);

	return at->hint.type_hash +
	       (at->hint.flags & QN_HINT_HAS_POINTERS ? half : 0);
}

static __always_inline void tell(const struct qn_hint_place *at)
{
	u8 what = at->hint.flags & QN_HINT_COLD ? TOLD_COLD : TOLD_WARM;
	u8 *slot;

	if (!(at->hint.flags & QN_HINT_TYPED))
		return;
	/* Few records say anything new: no write waits for the last one */
	slot = &told[qn_place_slot(token_of(at))];
	if (unlikely(!(*slot & what)))
		*slot |= what;
}

/* There may be ten thousand: those of a note go by in registers, a copy of the reader */
static __apart void notes_found(const void *notes, size_t size)
{
	const struct qn_hint_place *at;
	struct qn_hint_reader r, note;

	qn_hint_reader_init(&r, notes, size);
	while (qn_hint_reader_note(&r)) {
		note = r;
		while ((at = qn_hint_reader_record(&note)))
			tell(at);
	}
}

/*
 * Types of which all sites seldom run are cold until there is evidence. Again when modules were
 * loaded since. Not in a child of fork(): a thread that is gone may have had the dynamic
 * linker's lock.
 */
static __apart void hints_read(void)
{
	u64 modules;

	if (!qn_process_notes || qn_hub.nr_forks ||
	    __atomic_exchange_n(&is_telling, true, __ATOMIC_ACQUIRE))
		return;
	modules = qn_process_notes(told_modules, notes_found);
	if (modules != told_modules) {
		told_modules = modules;
		for (unsigned int i = 0; i < QN_PLACES; i++)
			if (told[i] == TOLD_COLD)
				qn_place_told(i);
	}
	smp_store_release(&is_telling, false);
}

/* ---- tokens ---- */

/*
 * The thread's countdowns stay with its local, which another thread may adopt. Return: false
 * if it can have none now.
 */
static __apart bool countdowns_get(void)
{
	struct qn_local *l = qn_self;

	if (l->front != &qn_front || qn_fence_is_on(l) ||
	    !qn_hub_knobs(&qn_hub)->hints)
		return false;
	if (!l->until_sample) {
		qn_port_lock(&qn_hub.threads);
		l->until_sample =
			qn_hub_meta_alloc(&qn_hub, sizeof(no_countdowns));
		qn_port_unlock(&qn_hub.threads);
	}
	if (!l->until_sample)
		return false;
	until_sample = l->until_sample;
	hints_read();
	return true;
}

/* A sample is due. Return: a followed object in the place of the block, or NULL. */
static __apart void *token_sample(size_t size, unsigned int slot)
{
	struct qn_local *l = qn_self;
	struct qn_sampler next = { .interval = qn_place_interval(slot) };
	unsigned int c;
	void *p;

	/* A thread at its end, or in a look at its stack, has none for now */
	if (l == &qn_local_none)
		return NULL;
	if (until_sample == no_countdowns && !countdowns_get()) {
		WRITE_ONCE(no_countdowns[slot], 0);
		return NULL;
	}
	if (unlikely(++l->nr_token_samples % SAMPLES_A_LOOK == 0))
		hints_read();
	next.rng = l->sampler.rng;
	WRITE_ONCE(until_sample[slot], (s32)qn_sampler_draw(&next));
	l->sampler.rng = next.rng;
	if (size > FOLLOW_MOST)
		return NULL;
	c = l->front->map[qn_size_steps(min(size, QN_SLAB_MAX))];
	p = qn_follow_token(&qn_hub.follow, size, c, next.interval, slot);
	if (p)
		qn_hub_account(&qn_hub, c, 0, 1);
	return p;
}

/*
 * A sample is due, or the token is long-lived.
 * Return: NULL: it is a request like all others.
 */
static __seldom void *token_alloc(size_t size, unsigned int slot)
{
	void *p = NULL;

	if (unlikely(READ_ONCE(until_sample[slot]) < 0))
		p = token_sample(size, slot);
	if (!p && qn_place_is_long(slot))
		p = apart_alloc(size);
	return p;
}

static __seldom void *malloc_token_slow(size_t size, unsigned int slot)
{
	void *p = token_alloc(size, slot);

	return likely(p != NULL) ? p : qn_process_malloc(size);
}

/* Nothing to be done but a look: ten instructions */
static __always_inline bool is_plain(size_t size, unsigned int slot)
{
	if (unlikely(size > QN_UNIT_SIZE / 2))
		return true;
	/* Threads without countdowns share some, and all find that a sample is due */
	qn_subtract_once(until_sample[slot], (s32)size);
	return likely(READ_ONCE(until_sample[slot]) >= 0) &&
	       likely(!qn_place_is_long(slot));
}

__seldom void *qn_process_malloc_token(size_t size, size_t token)
{
	unsigned int slot = qn_place_slot(token);

	if (likely(is_plain(size, slot)))
		return qn_process_malloc(size);
	return malloc_token_slow(size, slot);
}

__seldom void *qn_process_calloc_token(size_t size, size_t token)
{
	unsigned int slot = qn_place_slot(token);
	void *p = NULL;

	if (unlikely(!is_plain(size, slot)))
		p = token_alloc(size, slot);
	return unlikely(p != NULL) ? memset(p, 0, size) :
				     qn_process_calloc(1, size);
}
