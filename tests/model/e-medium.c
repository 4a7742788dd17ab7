// SPDX-License-Identifier: MIT
/*
 * e-medium.c - the tags of a chunk: every sequence of a few operations on a few blocks.
 *
 * Links: tests/unit/linuxport.c, lib/process/medium*.c and all below them.
 *
 * One chunk of 64 KB. The model knows the blocks in use. After each operation a walk over the
 * tags (tests/unit/tags.h) finds just these, each long enough and with its contents; blocks,
 * runs and what waits fill the chunk; no two free runs are neighbours; blocks lie in pages that
 * may be resident; the sums of medium.h hold, and qn_medium_check() finds nothing.
 *
 * Two ways of a free: the owner's, whose block waits, and another thread's, which merges.
 */
#include "process/medium.h"

#include "../unit/linuxport.h"
#include "../unit/tags.h"
#include "enumerate.h"

#define NR_BLOCKS 4
#define PAGE      4096

static const size_t sizes[] = { 1100, 9000, 15000, 30000 };
#define NR_SIZES ARRAY_SIZE(sizes)

struct block {
	char *p;
	size_t size;
	int value;
};

static struct {
	struct block block[NR_BLOCKS];
	int next;
} model;

static struct qn_segments s;
static struct qn_knobs knobs;
static struct qn_medium m;
static u64 owner;
static struct qn_unit *unit;
static char *chunk;

/* ---- the state ---- */

static void begin(void)
{
	port_reset(PAGE);
	memset(&s, 0, sizeof(s));
	memset(&m, 0, sizeof(m));
	memset(&model, 0, sizeof(model));
	knobs = qn_knobs_preset;
	knobs.chunk_least = 1;
	knobs.chunk_blocks = 1;
	qn_segments_init(&s, &knobs, 0);
	qn_medium_init(&m, &s, (struct qn_local *)(void *)&owner, PAGE);
	m.credit = PTRDIFF_MAX;
	m.look = SIZE_MAX;
	if (!qn_medium_grow(&m, 1000))
		abort();
	unit = m.empty ? qn_segments_find(&s, m.empty) : NULL;
	if (!unit || m.nr_chunks != 1 || unit->chunk_size != 1)
		abort();
	chunk = qn_unit_start(&s, unit);
	enum_add(&s, sizeof(s));
	enum_add(&m, sizeof(m));
	enum_add(unit, sizeof(*unit));
	enum_add(&model, sizeof(model));
	enum_add(chunk, QN_UNIT_SIZE);
}

/* ---- contents: a word at both ends, which is where tags could be written over ---- */

static void fill(struct block *b)
{
	b->value = ++model.next & 127;
	memset(b->p, b->value, 32);
	memset(b->p + b->size - 32, b->value, 32);
}

static bool is_filled(const struct block *b, size_t size)
{
	for (size_t i = 0; i < 32; i++)
		if (b->p[i] != b->value ||
		    (size >= b->size && b->p[b->size - 1 - i] != b->value))
			return false;
	return true;
}

/* ---- operations ---- */

static bool alloc(size_t size, size_t align)
{
	struct block *b = model.block;
	size_t bytes = qn_medium_bytes(size);
	void *p;

	while (b < model.block + NR_BLOCKS && b->p)
		b++;
	if (b == model.block + NR_BLOCKS)
		return false;
	if (align > QN_MEDIUM_STEP) {
		p = qn_medium_alloc_aligned(&m, size, align);
	} else {
		p = qn_medium_get(&m, bytes, true);
		if (!p)
			p = qn_medium_cut(&m, bytes);
	}
	if (!p)
		return true;
	*b = (struct block){ p, size, 0 };
	enum_expect(is_aligned((uintptr_t)p, align), "another alignment");
	fill(b);
	return true;
}

static bool release(struct block *b)
{
	if (!b->p)
		return false;
	qn_medium_free(&m, unit, b->p);
	*b = (struct block){ 0 };
	return true;
}

/* Another thread has the lock, as local-medium.c takes it */
static void others(void (*act)(void *arg), void *arg)
{
	enum_expect(qn_medium_trylock(&m), "the lock was not given back");
	m.count = &m.owed;
	act(arg);
	m.count = &m.free;
	qn_medium_unlock(&m);
	/* The owner, when it has the lock next */
	m.free += m.owed;
	m.owed = 0;
}

static void take(void *p)
{
	qn_medium_take(&m, unit, p);
}

static void idle(void *arg)
{
	struct qn_run *run;
	bool is_whole = m.empty;

	(void)arg;
	/* The chunk itself stays, or there would be another one */
	if (is_whole)
		return;
	qn_medium_idle(&m);
	for (unsigned int bin = 0; bin < QN_NR_BINS; bin++)
		for (run = m.bins.head[bin]; run; run = run->next)
			enum_expect(run->size * QN_MEDIUM_STEP < QN_UNIT_SIZE,
				    "a run is longer than its chunk");
}

static bool other_frees(struct block *b)
{
	if (!b->p)
		return false;
	others(take, b->p);
	*b = (struct block){ 0 };
	return true;
}

static bool resize(struct block *b, size_t size)
{
	size_t old = b->size;

	if (!b->p || size == old)
		return false;
	if (!qn_medium_resize(&m, b->p, size))
		return false;
	enum_expect(is_filled(b, size), "a resized block lost its contents");
	b->size = size;
	fill(b);
	return true;
}

static bool merge(void)
{
	if (!m.waits)
		return false;
	qn_medium_merge(&m);
	enum_expect(!m.waits, "something waits after a merge");
	return true;
}

#define ALLOCS  NR_SIZES
#define ALIGNED (ALLOCS + 2)
#define FREES   (ALIGNED + NR_BLOCKS)
#define TAKES   (FREES + NR_BLOCKS)
#define RESIZES (TAKES + NR_BLOCKS * NR_SIZES)
#define ALL_OPS (RESIZES + 2)

static bool apply(unsigned int op)
{
	struct block *b = model.block;

	if (op < ALLOCS)
		return alloc(sizes[op], QN_MEDIUM_STEP);
	if (op < ALIGNED)
		return alloc(op == ALLOCS ? 2000 : 9000,
			     op == ALLOCS ? 64 : 4096);
	if (op < FREES)
		return release(&b[op - ALIGNED]);
	if (op < TAKES)
		return other_frees(&b[op - FREES]);
	op -= TAKES;
	if (op < NR_BLOCKS * NR_SIZES)
		return resize(&b[op / NR_SIZES], sizes[op % NR_SIZES]);
	if (op == NR_BLOCKS * NR_SIZES)
		return merge();
	others(idle, NULL);
	return true;
}

static void tell(char *to, size_t size, unsigned int op)
{
	if (op < ALLOCS)
		snprintf(to, size, "alloc %zu", sizes[op]);
	else if (op < ALIGNED)
		snprintf(to, size, "alloc aligned, %zu", op - ALLOCS);
	else if (op < FREES)
		snprintf(to, size, "free block %zu", op - ALIGNED);
	else if (op < TAKES)
		snprintf(to, size, "another frees block %zu", op - FREES);
	else if (op < RESIZES)
		snprintf(to, size, "resize block %zu to %zu",
			 (op - TAKES) / NR_SIZES,
			 sizes[(op - TAKES) % NR_SIZES]);
	else
		snprintf(to, size, op == RESIZES ? "merge" : "idle");
}

/* ---- what must hold ---- */

static struct block *block_at(const char *p)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (model.block[i].p == p)
			return &model.block[i];
	return NULL;
}

/* Sums of one walk over the chunk */
struct walk {
	size_t used;
	unsigned int nr_used;
	bool is_behind_free;
};

/* All of a block may be resident */
static bool is_touched(const char *p)
{
	size_t from = (size_t)(p - chunk) >> QN_PART_SHIFT;
	size_t to = (size_t)(block_next(p) - 1 - chunk) >> QN_PART_SHIFT;

	for (; from <= to; from++)
		if (!(unit->touched >> from & 1))
			return false;
	return true;
}

static const char *look_at(const char *p, struct walk *w)
{
	const struct block *b = block_at(p);
	bool is_free = block_is_free(p);

	if (block_is_behind_free(p) != w->is_behind_free)
		return "a tag does not know what is before it";
	if (is_free && w->is_behind_free)
		return "two free runs are neighbours";
	w->is_behind_free = is_free;
	if (!is_free && !is_touched(p))
		return "a block lies in a page that is said to be purged";
	if (is_free || block_waits(p))
		return b ? "a block in use is free" : NULL;
	if (!b)
		return "a block is in use that nobody has";
	if (block_length(p) < b->size + sizeof(size_t))
		return "a block is too short";
	w->used += block_length(p);
	w->nr_used++;
	return is_filled(b, b->size) ? NULL : "a block lost its contents";
}

static const char *check_chunk(void)
{
	struct walk w = { 0 };
	const char *p = chunk_first(&s, unit), *what;
	unsigned int nr = 0;

	for (; !is_chunk_end(p); p = block_next(p)) {
		if (block_length(p) < QN_MEDIUM_LEAST ||
		    block_next(p) > chunk + QN_UNIT_SIZE)
			return "a block ends where none can";
		what = look_at(p, &w);
		if (what)
			return what;
	}
	if (p != chunk + QN_UNIT_SIZE ||
	    block_is_behind_free(p) != w.is_behind_free)
		return "the end of the chunk is not marked";
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		nr += model.block[i].p != NULL;
	if (nr != w.nr_used)
		return "a block was lost";
	return w.used == qn_medium_used(&m) ? NULL : "the sums do not hold";
}

static const char *check(void)
{
	size_t holes = QN_UNIT_SIZE - qn_nr_parts(unit->touched) * QN_PART_SIZE;
	const char *what = check_chunk();

	if (what)
		return what;
	if (m.nr_chunks != 1 || m.bytes != QN_UNIT_SIZE - 2 * sizeof(size_t))
		return "the chunk is another";
	if (m.holes != holes)
		return "holes are not the parts that are not touched";
	return qn_medium_check(&m);
}

static const struct enum_world worlds[] = {
	{ "four blocks in a chunk", 5, ALL_OPS, begin, apply, tell, check },
	{ 0 },
};

ENUM_MAIN(worlds)
