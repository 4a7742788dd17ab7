// SPDX-License-Identifier: MIT
/*
 * galloc-main.c - galloc's benchmarks on the heap of this image, costs in instructions,
 * as key=value words.
 *
 *	do=actions, do=exhaustion, do=chunks
 *	divide=N	sizes are so much smaller than galloc's
 *	heap=BYTES nr=N	the heap, and how much is done
 *
 * Copying is the caller's data and not counted (bench/firmware/gauge.h).
 */
#include <string.h>

#include "direct.h"
#include "galloc.h"
#include "gauge.h"
#include "image.h"
#include "print.h"
#include "quern.h"
#include "words.h"

#define STATUS_OK    0
#define STATUS_BAD   1
#define STATUS_USAGE 2

/* The call and the return of a function that does nothing: they are its cost */
#define EMPTY_CALL 2

/**
 * struct gauged - the heap behind a gauge, as a player
 */
struct gauged {
	struct player player;
	struct gauge gauge;
	struct subject subject;
};

static struct gauged *gauged_of(struct player *p)
{
	return container_of(p, struct gauged, player);
}

static void *gauged_alloc(struct player *p, size_t align, size_t size)
{
	struct gauged *g = gauged_of(p);
	void *block;

	if (align <= QN_ALIGN)
		block = gauge_alloc(&g->gauge, size);
	else
		block = gauge_aligned(&g->gauge, align, size);
	p->cost = g->gauge.cost;
	return block;
}

static void *gauged_resize(struct player *p, void *block, size_t size)
{
	struct gauged *g = gauged_of(p);
	void *moved = gauge_resize(&g->gauge, block, size);

	p->cost = g->gauge.cost;
	return moved;
}

static void gauged_free(struct player *p, void *block)
{
	struct gauged *g = gauged_of(p);

	gauge_free(&g->gauge, block);
	p->cost = g->gauge.cost;
}

/* ---- the gauge, for functions without a jump in front ---- */

static noinline void *empty_alloc(void *heap, size_t size)
{
	__asm__ volatile("" : "+r"(heap), "+r"(size));
	return heap;
}

static void calibrate_direct(struct gauged *g)
{
	const struct subject empty = { .alloc = empty_alloc };
	u32 excess;

	g->gauge.subject = &empty;
	gauge_alloc(&g->gauge, 0);
	/* As a difference: it may well be below zero */
	excess = g->gauge.cost - EMPTY_CALL;
	for (u32 i = 0; i < NR_GAUGE_KINDS; i++)
		g->gauge.overhead[i] += excess;
}

static bool start(struct gauged *g, void *mem, u32 size)
{
	const struct subject_setup setup = { .can_hold = true };

	g->player =
		(struct player){ gauged_alloc, gauged_resize, gauged_free, 0 };
	if (!gauge_init(&g->gauge)) {
		print_error("this machine counts no instructions\n");
		return false;
	}
	if (direct_subject(&g->subject))
		calibrate_direct(g);
	g->gauge.subject = &g->subject;
	memset(mem, 0xa5, size);
	g->gauge.heap = g->subject.init(mem, size, &setup);
	return g->gauge.heap;
}

static void print_tally(const char *name, const struct tally *t)
{
	u32 mean = t->nr ? (u32)((10 * t->sum + t->nr / 2) / t->nr) : 0;

	if (!t->nr)
		return;
	print("%s.nr=%u %s.mean=%u.%u ", name, t->nr, name, mean / 10,
	      mean % 10);
	print("%s.median=%u %s.min=%u %s.max=%u\n", name, tally_median(t), name,
	      t->min, name, t->max);
}

static void print_share(const char *name, u64 part, u64 whole)
{
	u32 share = whole ? (u32)(part * 10000 / whole) : 0;

	print("%s=%u.%02u\n", name, share / 100, share % 100);
}

static int report(const struct galloc *g, const char *error)
{
	print_tally("alloc", &g->alloc);
	print_tally("free", &g->free);
	print_tally("resize", &g->resize);
	print("failed=%u moved=%u\n", g->nr_failed, g->nr_moved);
	print_share("first", g->first_full, g->heap);
	if (g->nr_full)
		print_share("steady", g->sum_full, (u64)g->heap * g->nr_full);
	if (!error && !g->nr_damaged)
		return STATUS_OK;
	print_error("%s: %u blocks damaged; %s\n", subject.name, g->nr_damaged,
		    error ? error : "");
	return STATUS_BAD;
}

static bool play(struct galloc *g, const char *what)
{
	if (strcmp(what, "actions") == 0)
		galloc_actions(g);
	else if (strcmp(what, "exhaustion") == 0)
		galloc_exhaustion(g);
	else if (strcmp(what, "chunks") == 0)
		galloc_chunks(g);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	const char *what = "actions", *error = NULL;
	u32 heap = 131072, divide = 8, nr = 10000;
	const struct word words[] = {
		{ "do", .text = &what },
		{ "heap", .number = &heap },
		{ "divide", .number = &divide },
		{ "nr", .number = &nr },
	};
	struct image image;
	struct gauged *gauged;
	struct galloc *g;

	if (!words_parse(words, ARRAY_SIZE(words), argc, argv))
		return STATUS_USAGE;
	image_init(&image);
	gauged = image_get(&image, sizeof(*gauged));
	g = image_get(&image, sizeof(*g));
	g->blocks = image_get(&image, nr * sizeof(*g->blocks));
	g->player = &gauged->player;
	g->heap = heap;
	g->divide = max(divide, 1u);
	g->nr_actions = nr;
	g->random = 1;
	if (!start(gauged, image_get(&image, heap), heap) || !play(g, what)) {
		print_error("do=%s heap=%u: no such benchmark, or too small\n",
			    what, heap);
		return STATUS_USAGE;
	}
	if (gauged->subject.check)
		error = gauged->subject.check(gauged->gauge.heap);
	return report(g, error);
}
