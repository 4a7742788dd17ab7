// SPDX-License-Identifier: MIT
/*
 * e-zone.c - the bits of a zone: every sequence of a few operations on a few blocks.
 *
 * The model knows of each granule which block it belongs to. After each operation:
 * - qn_zone_check() finds nothing, and its sums are the model's;
 * - a granule reads as the start of a block of k granules exactly if one begins there, but
 *   for those whose bits hold the length of a long block;
 * - each block has its contents, and free neighbours are one run;
 * - a request that finds nothing has no run that it could be cut from, once all that is
 *   held is merged.
 *
 * The worlds differ in lengths: those that one window shows, those around the gap, and long
 * ones, whose length is a number.
 */
#include "heap/zone.h"

#include "enumerate.h"

#define MOST_GRANULES 160
#define NR_BLOCKS     5
#define MOST_LENGTHS  6

struct block {
	u16 at;
	u16 k; /* 0: none */
	u16 id;
	bool is_held;
};

static struct {
	u8 memory[MOST_GRANULES * QN_GRANULE + 64] __aligned(64);
	struct qn_zone zone;
} world;

static struct {
	struct block block[NR_BLOCKS];
	u16 next_id;
} model;

static struct qn_zone *const z = &world.zone;
static struct qn_heap_knobs knobs;

/* Of the world in use: granules of memory, where it begins, lengths of blocks */
static size_t nr_granules, skew;
static const u16 *lengths;
static unsigned int nr_lengths;

static u8 *granule(size_t at)
{
	return (u8 *)qn_zone_start(z) + at * QN_GRANULE;
}

static size_t place_of(const void *p)
{
	return (size_t)((const u8 *)p - granule(0)) / QN_GRANULE;
}

static void start(size_t nr, size_t at, const u16 *list, unsigned int n)
{
	nr_granules = nr;
	skew = at;
	lengths = list;
	nr_lengths = n;
	memset(&world, 0, sizeof(world));
	memset(&model, 0, sizeof(model));
	knobs = qn_heap_knobs_preset;
	/* All of it may be held, until a quarter is the longest run */
	knobs.held_part = 1;
	if (!qn_zone_init(z, world.memory + skew * QN_GRANULE,
			  nr_granules * QN_GRANULE))
		abort();
	qn_zone_set_knobs(z, &knobs);
	enum_add(&world, sizeof(world));
	enum_add(&model, sizeof(model));
}

/* ---- contents ---- */

static u32 *words(const struct block *b)
{
	return (u32 *)(void *)granule(b->at);
}

static size_t nr_words(size_t k)
{
	return k * QN_GRANULE / sizeof(u32);
}

static void fill(struct block *b, size_t from)
{
	for (size_t i = nr_words(from); i < nr_words(b->k); i++)
		words(b)[i] = b->id * 1000u + (u32)i;
}

static bool is_filled(const struct block *b, size_t k)
{
	for (size_t i = 0; i < nr_words(k); i++)
		if (words(b)[i] != b->id * 1000u + (u32)i)
			return false;
	return true;
}

/* ---- the model ---- */

/* Which block a granule belongs to, or NULL */
static struct block *owner(size_t at)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (model.block[i].k && at >= model.block[i].at &&
		    at < (size_t)model.block[i].at + model.block[i].k)
			return &model.block[i];
	return NULL;
}

/* The longest run of free granules */
static size_t longest(void)
{
	size_t best = 0, run = 0;

	for (size_t at = 0; at < z->nr; at++) {
		run = owner(at) ? 0 : run + 1;
		best = max(best, run);
	}
	return best;
}

static struct block *spare(void)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (!model.block[i].k)
			return &model.block[i];
	return NULL;
}

/* A block came: over nothing, or over one of its length that was held */
static void came(void *p, size_t k)
{
	size_t at = place_of(p);
	struct block *b = owner(at);

	if (b) {
		enum_expect(b->is_held && b->at == at && b->k == k,
			    "a block was handed out twice");
	} else {
		for (size_t i = 0; i < k; i++)
			enum_expect(at + i < z->nr && !owner(at + i),
				    "a block lies over another");
		b = spare();
	}
	if (!b || enum_wrong)
		return;
	*b = (struct block){ (u16)at, (u16)k, ++model.next_id, false };
	fill(b, 0);
}

/* ---- operations ---- */

/* Can a run of @size granules have a block of @k, and leave a run or nothing? */
static bool is_cut(size_t size, size_t k)
{
	if (size < k)
		return false;
	return size != k + 1 || size != QN_ZONE_GAP;
}

/* No run that is free can have a block of @k */
static void expect_none(size_t k)
{
	size_t run = 0;

	for (size_t at = 0; at <= z->nr; at++) {
		if (at < z->nr && !owner(at)) {
			run++;
			continue;
		}
		enum_expect(!is_cut(run, k),
			    "a request fails though there is a run");
		run = 0;
	}
}

static void drain_all(void)
{
	while (qn_zone_drain(z, ~0u, NR_BLOCKS))
		;
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (model.block[i].is_held)
			model.block[i] = (struct block){ 0 };
}

/* Blocks that were merged by the way, as a call pays for what it takes */
static void forget_merged(void)
{
	for (unsigned int i = 0; i < NR_BLOCKS; i++) {
		struct block *b = &model.block[i];
		struct qn_held *held = z->held[min(b->k, QN_ZONE_SHORT + 1)];

		if (!b->is_held)
			continue;
		while (held && (void *)held != (void *)granule(b->at))
			held = held->next;
		if (!held)
			*b = (struct block){ 0 };
	}
}

/* As heap.c does: what is held is merged, and then it is tried once more */
static bool alloc(size_t want, bool aligned)
{
	size_t k = want, align = 4 * QN_GRANULE;
	void *p;

	if (!spare())
		return false;
	qn_zone_pay(z, k);
	forget_merged();
	p = aligned ? qn_zone_alloc_aligned(z, &k, align) :
		      qn_zone_alloc(z, &k);
	if (!p && !aligned) {
		drain_all();
		qn_zone_unhide(z, want);
		k = want;
		p = qn_zone_alloc(z, &k);
		if (!p)
			expect_none(want);
	}
	if (!p)
		return !aligned;
	enum_expect(k >= want && k <= want + 2, "a block of another length");
	enum_expect(!aligned || is_aligned((uintptr_t)p, align),
		    "a block at another alignment");
	came(p, k);
	return true;
}

static bool release(struct block *b, bool may_hold)
{
	void *p = granule(b->at);

	if (!b->k || b->is_held)
		return false;
	if (may_hold) {
		if (b->k > QN_ZONE_SHORT || z->fate[b->k + 1] != QN_FATE_HOLD ||
		    !qn_zone_hold(z, p, b->k))
			return false;
		b->is_held = true;
		return true;
	}
	z->limit += b->k;
	qn_zone_free(z, p, b->k, qn_zone_free_before(z, p));
	*b = (struct block){ 0 };
	return true;
}

static bool resize(struct block *b, size_t want)
{
	size_t old = b->k, k;

	if (!b->k || b->is_held || want == b->k)
		return false;
	k = qn_zone_resize(z, granule(b->at), b->k, want);
	if (!k)
		return false;
	enum_expect(k >= want && k <= want + 2, "a block of another length");
	b->k = (u16)k;
	enum_expect(is_filled(b, min(old, k)), "a resized block lost contents");
	fill(b, min(old, k));
	return true;
}

static bool slide(struct block *b, size_t want)
{
	size_t old = b->k, k = want;
	void *to;

	if (!b->k || b->is_held || want < b->k)
		return false;
	to = qn_zone_slide(z, granule(b->at), b->k, &k);
	if (!to)
		return false;
	enum_expect(k >= want && place_of(to) < b->at, "a block slid wrongly");
	b->at = (u16)place_of(to);
	b->k = (u16)k;
	enum_expect(is_filled(b, old), "a block that slid lost contents");
	fill(b, old);
	return true;
}

enum kind {
	ALLOC,
	ALIGNED,
	FREE,
	HOLD,
	RESIZE,
	SLIDE,
	DRAIN,
	NR_KINDS
};

static const char *const kinds[] = { "alloc",  "alloc aligned", "free", "hold",
				     "resize", "slide",         "drain" };

/* Operations: kind, block, length */
#define NR_OPS (NR_KINDS * NR_BLOCKS * MOST_LENGTHS)

static bool do_op(enum kind kind, unsigned int i, unsigned int l)
{
	struct block *b = &model.block[i];

	switch (kind) {
	case ALLOC:
	case ALIGNED:
		return !i && alloc(lengths[l], kind == ALIGNED);
	case FREE:
	case HOLD:
		return !l && release(b, kind == HOLD);
	case RESIZE:
		return resize(b, lengths[l]);
	case SLIDE:
		return slide(b, lengths[l]);
	default:
		return !i && !l && qn_zone_drain(z, ~0u, 1);
	}
}

static bool apply(unsigned int op)
{
	unsigned int i = op / MOST_LENGTHS % NR_BLOCKS, l = op % MOST_LENGTHS;

	if (l >= nr_lengths)
		return false;
	if (!do_op(op / MOST_LENGTHS / NR_BLOCKS, i, l))
		return false;
	forget_merged();
	return true;
}

static void tell(char *to, size_t size, unsigned int op)
{
	snprintf(to, size, "%s, block %u, %u granules",
		 kinds[op / MOST_LENGTHS / NR_BLOCKS],
		 op / MOST_LENGTHS % NR_BLOCKS, lengths[op % MOST_LENGTHS]);
}

/* ---- what must hold ---- */

/* Granules of a long block whose bits hold its length may look like starts */
static bool is_length_field(const struct block *b, size_t at)
{
	size_t i = at - b->at;

	return b->k >= QN_ZONE_LONG && i > QN_ZONE_SHORT &&
	       i <= QN_ZONE_SHORT + QN_ZONE_FIELD;
}

static const char *check_starts(void)
{
	for (size_t at = 0; at < z->nr; at++) {
		const struct block *b = owner(at);
		size_t k = qn_zone_block(z, granule(at));

		if (b && b->at == at) {
			if (k != b->k)
				return "a block reads with another length";
		} else if (k && !(b && is_length_field(b, at))) {
			return "a block seems to begin where none does";
		}
	}
	return NULL;
}

static const char *check(void)
{
	struct qn_zone_sums sums;
	const char *what = qn_zone_check(z, &sums);
	size_t used = 0, held = 0;

	if (what)
		return what;
	for (unsigned int i = 0; i < NR_BLOCKS; i++) {
		const struct block *b = &model.block[i];

		used += b->k;
		held += b->is_held ? b->k : 0;
		if (b->k && !b->is_held && !is_filled(b, b->k))
			return "a block lost its contents";
	}
	if (sums.used != used || sums.held != held ||
	    sums.used + sums.free != z->nr)
		return "the sums of the zone are not those of its blocks";
	if (sums.longest != longest())
		return "the longest run is another";
	return check_starts();
}

/* ---- the worlds ---- */

static void begin_short(void)
{
	static const u16 list[] = { 2, 3, 5 };

	start(26, 1, list, ARRAY_SIZE(list));
}

static void begin_gap(void)
{
	static const u16 list[] = { 2, QN_ZONE_SHORT - 1, QN_ZONE_SHORT,
				    QN_ZONE_GAP + 1 };

	start(62, 3, list, ARRAY_SIZE(list));
}

static void begin_long(void)
{
	static const u16 list[] = { 2, QN_ZONE_SHORT, QN_ZONE_LONG - 1,
				    QN_ZONE_LONG, QN_ZONE_LONG + 9 };

	start(MOST_GRANULES, 0, list, ARRAY_SIZE(list));
}

static const struct enum_world worlds[] = {
	{ "short blocks", 5, NR_OPS, begin_short, apply, tell, check },
	{ "around the gap", 5, NR_OPS, begin_gap, apply, tell, check },
	{ "long blocks", 4, NR_OPS, begin_long, apply, tell, check },
	{ 0 },
};

ENUM_MAIN(worlds)
