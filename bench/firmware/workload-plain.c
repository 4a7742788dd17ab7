// SPDX-License-Identifier: MIT
/*
 * workload-plain.c - patterns rather than programs: each asks one question of a
 * heap.
 */
#include "workload.h"

#define MAX_BLOCKS 8192

static u16 blocks[MAX_BLOCKS];

/* Sizes of a program that knows no favourites */
static u32 any_size(struct rng *rng)
{
	return rng_range(rng, 8, 2000);
}

/* Sizes of most programs: small ones often */
static u32 usual_size(struct rng *rng)
{
	return rng_range(rng, 1, 1u << rng_range(rng, 4, 10));
}

/* Nothing to learn: any size, any block freed next */
void workload_random(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 size = any_size(&rng);
		u32 i;

		if (nr < MAX_BLOCKS && writer_has_room(w, size) &&
		    !(nr && rng_one_in(&rng, 3))) {
			blocks[nr++] = writer_alloc(w, size);
			continue;
		}
		i = rng_range(&rng, 0, nr - 1);
		writer_free(w, blocks[i]);
		blocks[i] = blocks[--nr];
	}
}

/* First in, first out: memory is walked through from end to end */
void workload_queue(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 first = 0, nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 size = usual_size(&rng);

		if (nr < MAX_BLOCKS && writer_has_room(w, size)) {
			blocks[(first + nr++) % MAX_BLOCKS] =
				writer_alloc(w, size);
			continue;
		}
		writer_free(w, blocks[first]);
		first = (first + 1) % MAX_BLOCKS;
		nr--;
	}
}

/* Last in, first out: every free undoes the allocation before it */
void workload_stack(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 up = rng_range(&rng, 1, 60), down;

		for (; up > 0 && nr < MAX_BLOCKS; up--) {
			u32 size = usual_size(&rng);

			if (!writer_has_room(w, size))
				break;
			blocks[nr++] = writer_alloc(w, size);
		}
		down = rng_range(&rng, 1, min(nr, 60u));
		for (; down > 0; down--)
			writer_free(w, blocks[--nr]);
	}
}

/* Phases, each with sizes of its own: fill up, then free in any order */
void workload_ramps(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 low = 8u << rng_range(&rng, 0, 6);
		u32 keep = rng_range(&rng, 0, 40);

		for (; nr < MAX_BLOCKS; nr++) {
			u32 size = rng_range(&rng, low, 2 * low);

			if (!writer_has_room(w, size))
				break;
			blocks[nr] = writer_alloc(w, size);
		}
		while (nr > keep) {
			u32 i = rng_range(&rng, 0, nr - 1);

			writer_free(w, blocks[i]);
			blocks[i] = blocks[--nr];
		}
	}
}

/*
 * Against every heap that cannot move blocks: fill up with one size, free every
 * second block, ask for a little more than a hole has; the next size is twice as
 * large. After Robson's argument for the lower bound.
 */
void workload_comb(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0, size = 16;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 kept = 0;

		for (; nr < MAX_BLOCKS && writer_has_room(w, size); nr++)
			blocks[nr] = writer_alloc(
				w, size - rng_range(&rng, 0, size / 16));
		for (u32 i = 0; i < nr; i++) {
			if (i % 2)
				blocks[kept++] = blocks[i];
			else
				writer_free(w, blocks[i]);
		}
		nr = kept;
		size = 2 * size;
		if (size <= 1024)
			continue;
		while (nr)
			writer_free(w, blocks[--nr]);
		size = 16 + 8 * rng_range(&rng, 0, 4);
	}
}

/* Frames and lines of a display: few blocks, each large, any one freed next */
void workload_large(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 size = rng_range(&rng, 1024, 8192);
		u32 i;

		if (nr < MAX_BLOCKS && writer_has_room(w, size) &&
		    !(nr && rng_one_in(&rng, 4))) {
			blocks[nr++] = writer_alloc(w, size);
			continue;
		}
		i = rng_range(&rng, 0, nr - 1);
		writer_free(w, blocks[i]);
		blocks[i] = blocks[--nr];
	}
}

/* Sizes that nobody asked for before, each many times in a row, then half of them freed */
void workload_bursts(struct writer *w, u32 seed)
{
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 size = usual_size(&rng), left;

		for (left = rng_range(&rng, 1, 40); left > 0; left--) {
			if (nr == MAX_BLOCKS || !writer_has_room(w, size))
				break;
			blocks[nr++] = writer_alloc(w, size);
		}
		for (left = rng_range(&rng, 0, nr / 2); left > 0; left--) {
			u32 i = rng_range(&rng, 0, nr - 1);

			writer_free(w, blocks[i]);
			blocks[i] = blocks[--nr];
		}
	}
}
