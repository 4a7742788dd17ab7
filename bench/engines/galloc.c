// SPDX-License-Identifier: MIT
/*
 * galloc.c - the three benchmarks.
 */
#include "galloc.h"

/* Of an action: what to do, a size, an alignment, which block */
struct draw {
	u32 what;
	u32 size;
	u32 align;
	u32 which;
};

static u32 draw(struct galloc *g)
{
	g->random = g->random * 1664525u + 1013904223u;
	return g->random;
}

/* 0 to @n - 1 */
static u32 below(u32 random, u32 n)
{
	return (u32)(((u64)random * n) >> 32);
}

static struct draw draw_action(struct galloc *g)
{
	return (struct draw){ draw(g), draw(g), draw(g), draw(g) };
}

static u32 between(const struct galloc *g, u32 random, u32 low, u32 high)
{
	low /= g->divide;
	high /= g->divide;
	return low + below(random, high - low + 1);
}

/* A power of two from 1 to @most / divide */
static u32 alignment(const struct galloc *g, u32 random, u32 most)
{
	u32 nr = 1;

	while (1u << nr <= most / g->divide)
		nr++;
	return 1u << below(random, nr);
}

static void count(struct tally *t, u32 cost)
{
	t->min = t->nr ? min(t->min, cost) : cost;
	t->max = max(t->max, cost);
	t->nr++;
	t->sum += cost;
	t->bins[min(cost, TALLY_BINS - 1u)]++;
}

u32 tally_median(const struct tally *t)
{
	u32 seen = 0, i = 0;

	for (; i < TALLY_BINS - 1; i++) {
		seen += t->bins[i];
		if (2 * seen >= t->nr)
			break;
	}
	return i;
}

/* ---- blocks ---- */

static void set_mark(struct galloc *g, struct galloc_block *b)
{
	b->mark = (u8)draw(g);
	b->p[0] = b->mark;
	b->p[b->size - 1] = b->mark;
}

static void check_mark(struct galloc *g, const struct galloc_block *b)
{
	if (b->p[0] != b->mark || b->p[b->size - 1] != b->mark)
		g->nr_damaged++;
}

static bool add_block(struct galloc *g, u32 align, u32 size)
{
	struct galloc_block *b = &g->blocks[g->nr_live];

	b->p = g->player->alloc(g->player, align, size);
	count(&g->alloc, g->player->cost);
	if (!b->p) {
		g->nr_failed++;
		return false;
	}
	b->size = size;
	set_mark(g, b);
	g->live += size;
	g->nr_live++;
	return true;
}

static void free_block(struct galloc *g, const struct galloc_block *b)
{
	check_mark(g, b);
	g->live -= b->size;
	g->player->free(g->player, b->p);
	count(&g->free, g->player->cost);
}

/* The last one takes its place */
static void del_block(struct galloc *g, u32 i)
{
	free_block(g, &g->blocks[i]);
	g->blocks[i] = g->blocks[--g->nr_live];
}

static void resize_block(struct galloc *g, struct galloc_block *b, u32 size)
{
	u8 *p;

	check_mark(g, b);
	p = g->player->resize(g->player, b->p, size);
	count(&g->resize, g->player->cost);
	if (!p) {
		g->nr_failed++;
		return;
	}
	g->nr_moved += p != b->p;
	if (p[0] != b->mark)
		g->nr_damaged++;
	g->live += size - b->size;
	b->p = p;
	b->size = size;
	set_mark(g, b);
}

static void free_all(struct galloc *g)
{
	while (g->nr_live)
		free_block(g, &g->blocks[--g->nr_live]);
}

/* ---- random_actions ---- */

static void act(struct galloc *g, const struct draw *d)
{
	u32 what = below(d->what, 3);

	if (what == 0)
		add_block(g, alignment(g, d->align, 1024),
			  between(g, d->size, 100, 1000));
	else if (!g->nr_live)
		return;
	else if (what == 1)
		del_block(g, below(d->which, g->nr_live));
	else
		resize_block(g, &g->blocks[below(d->which, g->nr_live)],
			     between(g, d->size, 100, 10000));
}

void galloc_actions(struct galloc *g)
{
	for (u32 i = 0; i < g->nr_actions; i++) {
		struct draw d = draw_action(g);

		act(g, &d);
	}
	free_all(g);
}

/* ---- heap_exhaustion ---- */

static bool fill_one(struct galloc *g)
{
	struct draw d = draw_action(g);

	return add_block(g, alignment(g, d.align, 1024),
			 between(g, d.size, 100, 1000));
}

static void fill(struct galloc *g)
{
	while (g->nr_live < g->nr_actions && fill_one(g))
		;
}

void galloc_exhaustion(struct galloc *g)
{
	fill(g);
	g->first_full = g->live;
	for (u32 i = 0; i < g->nr_actions && g->nr_live; i++) {
		del_block(g, below(draw(g), g->nr_live));
		fill(g);
		/* The state that it settles into, not the way there */
		if (i < g->nr_actions / 2)
			continue;
		g->nr_full++;
		g->sum_full += g->live;
	}
	free_all(g);
}

/* ---- simple-chunk-allocator's ---- */

static void free_oldest(struct galloc *g, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		free_block(g, &g->blocks[i]);
	g->nr_live -= nr;
	for (u32 i = 0; i < g->nr_live; i++)
		g->blocks[i] = g->blocks[i + nr];
}

void galloc_chunks(struct galloc *g)
{
	for (u32 i = 0; i < g->nr_actions; i++) {
		struct draw d = draw_action(g);

		add_block(g, alignment(g, d.align, 64),
			  between(g, d.size, 64, 16384));
		if (below(d.what, 10) == 0 && g->nr_live > 10)
			free_oldest(g, 7);
	}
	free_all(g);
}
