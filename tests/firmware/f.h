/* SPDX-License-Identifier: MIT */
/*
 * f.h - what the images f-*.c share: blocks that are filled and verified, by
 * somebody who takes and gives them back at random.
 *
 * An image is linked for the target alone, with f.c, and prints what it found; a
 * script x-firmware-*.sh runs it.
 */
#ifndef TESTS_F_H
#define TESTS_F_H

#include "base/compiler.h"

#define F_BLOCKS 24

/**
 * struct f_ops - the heap under test
 * @alloc, @free:	as malloc and free
 * @resize:		as realloc, or NULL
 */
struct f_ops {
	void *(*alloc)(size_t size);
	void (*free)(void *p);
	void *(*resize)(void *p, size_t size);
};

/**
 * struct f_block - a block, and what it holds
 * @p:		the block, or NULL
 * @size:	bytes asked for, all of them filled
 * @fill:	the first of them; each next one is larger by 7
 */
struct f_block {
	u8 *p;
	u32 size;
	u8 fill;
};

/**
 * struct f_actor - one who uses the heap: a task, an interrupt, the main loop
 * @ops:	the heap
 * @random:	state of its random numbers (random.h)
 * @most:	sizes are up to this
 * @nr_allocs, @nr_frees, @nr_failed: what it did
 * @damage:	what was found wrong first, or NULL
 * @blocks:	what it holds
 */
struct f_actor {
	const struct f_ops *ops;
	u32 random;
	u32 most;
	u32 nr_allocs;
	u32 nr_frees;
	u32 nr_failed;
	const char *damage;
	struct f_block blocks[F_BLOCKS];
};

/* An actor that holds nothing; different @number, different random numbers */
void f_actor_init(struct f_actor *a, const struct f_ops *ops, u32 seed,
		  u32 number);

/* Take, resize or give back one block, verified before it changes hands */
void f_actor_step(struct f_actor *a);

/* Verify and give back all; the damage, or NULL */
const char *f_actor_finish(struct f_actor *a);

/* Blocks that an actor holds */
u32 f_actor_nr(const struct f_actor *a);

/* The number behind "@key=" among the arguments, or @otherwise */
u32 f_option(int argc, char **argv, const char *key, u32 otherwise);

#endif /* TESTS_F_H */
