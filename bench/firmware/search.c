// SPDX-License-Identifier: MIT
/*
 * search.c - sequences, what becomes of them, and how they are changed.
 */
#include <string.h>

#include "search.h"

/* Every so many sequences the heap is walked through at the end of one */
#define CHECK_EVERY 256

/* Kept sequences with the highest costs, of which half of the parents come */
#define NR_TOP 8

#define LARGEST 3000
/* Bytes that one window of a zone shows */
#define SHORT 176
#define ALIGN 64

#define FILL 0xa5

/* Sizes at which something may change: around lengths of interest in granules */
static const u16 edges[] = { 16, 24, 176, 184, 192, 368, 376, 384, 512, 1024 };

/* Sizes that a warmed-up heap has seen often */
static const u16 hot_sizes[] = { 16, 24, 40, 64, 104, 168 };

static struct sequence *kept_at(struct search *s, u32 kind, u32 cost)
{
	return &s->kept[kind * SEARCH_COSTS + min(cost, SEARCH_COSTS - 1u)];
}

/* ---- to run a sequence ---- */

static void restore(struct search *s)
{
	memset(s->slots, 0, sizeof(s->slots));
	memcpy(s->arena, s->first, s->heap_size);
}

static bool is_possible(const struct search *s, const struct move *m)
{
	switch (m->kind) {
	case GAUGE_ALLOC:
	case GAUGE_ALIGNED:
		return !s->slots[m->slot];
	case GAUGE_STEP:
		return s->has_steps;
	default:
		return s->slots[m->slot];
	}
}

/* Into the two words that a heap is likely to use once the block is free */
static void write_mark(void *p, u32 what)
{
	const uintptr_t marks[] = { 0, ~(uintptr_t)0, (uintptr_t)p,
				    ~(uintptr_t)p };
	uintptr_t *words = p;

	words[0] = marks[what % ARRAY_SIZE(marks)];
	words[1] = words[0];
}

static void play(struct search *s, const struct move *m)
{
	void **slot = &s->slots[m->slot];
	void *p;

	switch (m->kind) {
	case GAUGE_ALLOC:
		*slot = gauge_alloc(&s->gauge, m->size);
		break;
	case GAUGE_ALIGNED:
		*slot = gauge_aligned(&s->gauge, ALIGN, m->size);
		break;
	case GAUGE_FREE:
		gauge_free(&s->gauge, *slot);
		*slot = NULL;
		break;
	case GAUGE_RESIZE:
		p = gauge_resize(&s->gauge, *slot, m->size);
		*slot = p ? p : *slot;
		break;
	case SEARCH_WRITE:
		write_mark(*slot, m->size);
		break;
	default:
		gauge_step(&s->gauge);
	}
}

/* New of its cost, or shorter than the one that was kept */
static void keep(struct search *s, const struct sequence *seq, u32 nr)
{
	u32 kind = seq->moves[nr - 1].kind;
	struct sequence *kept;

	if (kind == SEARCH_WRITE)
		return;
	s->max[kind] = max(s->max[kind], s->gauge.cost);
	if (kind >= SEARCH_KINDS)
		return;
	kept = kept_at(s, kind, s->gauge.cost);
	if (kept->nr && kept->nr <= nr && kept->cost >= s->gauge.cost)
		return;
	kept->nr = (u16)nr;
	kept->cost = (u16)min(s->gauge.cost, (u32)UINT16_MAX);
	memcpy(kept->moves, seq->moves, nr * sizeof(*seq->moves));
}

static void check(struct search *s)
{
	if (subject.check && !s->error)
		s->error = subject.check(s->gauge.heap);
}

static size_t merges(const struct search *s)
{
	return subject.merges ? subject.merges(s->gauge.heap) : 0;
}

static void keep_squeeze(struct search *s, const struct move *m)
{
	u32 *max = &s->squeeze[m->kind];

	*max = max(*max, s->gauge.cost);
	max = &s->squeeze_short[m->kind];
	if (m->size <= SHORT)
		*max = max(*max, s->gauge.cost);
}

/* A request that merges what is held is no example of its kind: its bound is another */
static void play_and_keep(struct search *s, const struct sequence *seq, u32 i)
{
	bool is_free = seq->moves[i].kind == GAUGE_FREE;
	size_t before = merges(s);

	play(s, &seq->moves[i]);
	if (is_free || merges(s) == before)
		keep(s, seq, i + 1);
	else
		keep_squeeze(s, &seq->moves[i]);
}

static void run(struct search *s, const struct sequence *seq)
{
	s->latest = seq;
	restore(s);
	for (u32 i = 0; i < seq->nr; i++) {
		if (!is_possible(s, &seq->moves[i]))
			continue;
		play_and_keep(s, seq, i);
	}
	if (s->nr_runs++ % CHECK_EVERY == 0)
		check(s);
}

/* What the last call of a sequence costs; 0 if it cannot be made */
static u32 last_cost(struct search *s, const struct sequence *seq)
{
	u32 cost = 0;

	s->latest = seq;
	restore(s);
	for (u32 i = 0; i < seq->nr; i++) {
		cost = 0;
		if (!is_possible(s, &seq->moves[i]))
			continue;
		play(s, &seq->moves[i]);
		cost = s->gauge.cost;
	}
	check(s);
	return cost;
}

/* ---- to change it ---- */

static u16 any_size(struct rng *rng)
{
	u32 i;

	switch (rng_range(rng, 0, 3)) {
	case 0:
		i = rng_range(rng, 0, ARRAY_SIZE(edges) - 1);
		return (u16)(edges[i] + 8 * rng_range(rng, 0, 2) - 8);
	case 1:
		i = rng_range(rng, 0, ARRAY_SIZE(hot_sizes) - 1);
		return hot_sizes[i];
	case 2:
		return (u16)rng_range(rng, 1, 256);
	default:
		return (u16)rng_range(rng, 1, LARGEST);
	}
}

static struct move any_move(struct rng *rng)
{
	static const u8 kinds[] = {
		GAUGE_ALLOC,  GAUGE_ALLOC,  GAUGE_ALLOC,   GAUGE_ALLOC,
		GAUGE_FREE,   GAUGE_FREE,   GAUGE_FREE,    GAUGE_FREE,
		GAUGE_ALLOC,  GAUGE_RESIZE, GAUGE_ALIGNED, GAUGE_STEP,
		SEARCH_WRITE,
	};

	return (struct move){
		.kind = kinds[rng_range(rng, 0, ARRAY_SIZE(kinds) - 1)],
		.slot = (u8)rng_range(rng, 0, SEARCH_SLOTS - 1),
		.size = any_size(rng),
	};
}

static void insert(struct sequence *seq, u32 at, struct move m)
{
	if (seq->nr == SEARCH_MOVES)
		seq->nr--;
	at = min(at, (u32)seq->nr);
	memmove(&seq->moves[at + 1], &seq->moves[at],
		(seq->nr - at) * sizeof(m));
	seq->moves[at] = m;
	seq->nr++;
}

static void leave_out(struct sequence *seq, u32 at)
{
	seq->nr--;
	memmove(&seq->moves[at], &seq->moves[at + 1],
		(seq->nr - at) * sizeof(*seq->moves));
}

/* Go on with a part of another sequence */
static void splice(struct rng *rng, struct sequence *seq,
		   const struct sequence *other)
{
	u32 from = rng_range(rng, 0, other->nr - 1u);

	for (; from < other->nr && seq->nr < SEARCH_MOVES; from++)
		seq->moves[seq->nr++] = other->moves[from];
}

static void extend(struct rng *rng, struct sequence *seq)
{
	for (u32 n = rng_range(rng, 1, 24); n > 0; n--)
		if (seq->nr < SEARCH_MOVES)
			seq->moves[seq->nr++] = any_move(rng);
}

/* The same call on several slots in a row: many blocks of a kind */
static void repeat(struct rng *rng, struct sequence *seq, u32 at)
{
	struct move m = seq->moves[at];

	for (u32 n = rng_range(rng, 1, 12); n > 0; n--) {
		m.slot = (u8)((m.slot + 1) % SEARCH_SLOTS);
		insert(seq, ++at, m);
	}
}

static void change_move(struct rng *rng, struct move *m)
{
	switch (rng_range(rng, 0, 3)) {
	case 0:
		m->size = any_size(rng);
		break;
	case 1:
		m->size = (u16)(m->size + 8 * rng_range(rng, 0, 4) - 16);
		if (m->size > LARGEST)
			m->size = LARGEST;
		break;
	case 2:
		m->slot = (u8)rng_range(rng, 0, SEARCH_SLOTS - 1);
		break;
	default:
		*m = any_move(rng);
	}
}

/* Half of the time one of the dearest, else one of any cost */
static const struct sequence *choose(struct search *s)
{
	u32 kind = rng_range(&s->rng, 0, SEARCH_KINDS - 1);
	u32 cost = min(s->max[kind], SEARCH_COSTS - 1u), skip = 0;

	if (rng_one_in(&s->rng, 2))
		skip = rng_range(&s->rng, 0, NR_TOP - 1);
	else if (cost)
		cost = rng_range(&s->rng, 1, cost);
	for (; cost > 0; cost--) {
		const struct sequence *seq = kept_at(s, kind, cost);

		if (seq->nr && skip-- == 0)
			return seq;
	}
	return NULL;
}

static void change_once(struct search *s, struct sequence *seq)
{
	struct rng *rng = &s->rng;
	const struct sequence *other;
	u32 at = rng_range(rng, 0, seq->nr - 1u);

	switch (rng_range(rng, 0, 7)) {
	case 0:
		extend(rng, seq);
		break;
	case 1:
		other = choose(s);
		if (other)
			splice(rng, seq, other);
		break;
	case 2:
		repeat(rng, seq, at);
		break;
	case 3:
		if (seq->nr > 1)
			leave_out(seq, at);
		break;
	case 4:
	case 5:
		insert(seq, at, any_move(rng));
		break;
	default:
		change_move(rng, &seq->moves[at]);
	}
}

static void make(struct search *s, struct sequence *seq)
{
	const struct sequence *parent = choose(s);

	seq->nr = 0;
	if (parent)
		*seq = *parent;
	else
		extend(&s->rng, seq);
	for (u32 n = rng_range(&s->rng, 1, 4); n > 0; n--)
		change_once(s, seq);
}

void search_run(struct search *s, u32 nr)
{
	static struct sequence seq;

	for (; nr > 0 && !s->error; nr--) {
		make(s, &seq);
		run(s, &seq);
	}
}

/* ---- the outcome ---- */

bool search_worst(struct search *s, enum gauge_kind kind,
		  struct sequence *found)
{
	u32 at;

	*found = *kept_at(s, kind, s->max[kind]);
	if (!found->nr || last_cost(s, found) != found->cost)
		return false;
	for (at = found->nr - 1u; at > 0;) {
		struct sequence shorter = *found;

		leave_out(&shorter, --at);
		if (last_cost(s, &shorter) == found->cost)
			*found = shorter;
	}
	return true;
}

/* ---- the heap that it starts with ---- */

static void warm_once(struct search *s)
{
	struct rng *rng = &s->rng;
	void **slot = &s->slots[rng_range(rng, 0, SEARCH_SLOTS - 1)];
	u32 i = rng_range(rng, 0, ARRAY_SIZE(hot_sizes) - 1);

	if (*slot) {
		subject.free(s->gauge.heap, *slot);
		*slot = NULL;
	} else {
		*slot = subject.alloc(s->gauge.heap, hot_sizes[i]);
	}
}

void search_warm(struct search *s, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		warm_once(s);
		if (subject.step && i % 8 == 0)
			subject.step(s->gauge.heap);
	}
	for (u32 i = 0; i < SEARCH_SLOTS; i++)
		if (s->slots[i])
			subject.free(s->gauge.heap, s->slots[i]);
	memset(s->slots, 0, sizeof(s->slots));
	memcpy(s->first, s->arena, s->heap_size);
}

bool search_init(struct search *s, struct image *image, u32 seed, u32 heap_size)
{
	rng_init(&s->rng, seed);
	s->heap_size = heap_size;
	s->nr_runs = 0;
	s->error = NULL;
	memset(s->max, 0, sizeof(s->max));
	memset(s->squeeze, 0, sizeof(s->squeeze));
	memset(s->squeeze_short, 0, sizeof(s->squeeze_short));
	memset(s->slots, 0, sizeof(s->slots));
	s->kept = image_get(image,
			    SEARCH_KINDS * SEARCH_COSTS * sizeof(*s->kept));
	s->first = image_get(image, heap_size);
	s->arena = image_get(image, heap_size);
	memset(s->arena, FILL, heap_size);
	s->gauge.heap = subject.init(s->arena, heap_size, &s->setup);
	memcpy(s->first, s->arena, heap_size);
	return s->gauge.heap;
}
