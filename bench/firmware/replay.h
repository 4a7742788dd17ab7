/* SPDX-License-Identifier: MIT */
/*
 * replay.h - a trace through the subject: does it complete, what does it cost.
 *
 * Above gauge.h and image.h; replay-main.c decides what is replayed.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "gauge.h"
#include "image.h"
#include "trace.h"

/* Operations between two looks at the heap */
#define LOOK_EVERY 64

/* What a heap's memory is filled with before it is made */
#define FIRST_FILL 0xa5

/**
 * struct slot - a block that the trace holds
 * @p:		the block, or NULL
 * @size:	bytes asked for
 */
struct slot {
	u8 *p;
	u32 size;
};

/**
 * struct replay - one run, and what is kept between runs
 * @image:	memory as it is before a trace is loaded; puts static data back
 * @trace:	what is replayed
 * @gauge:	counts calls where @is_measured
 * @setup:	handed to the subject
 * @is_measured: cost and fragmentation are wanted, not only the outcome
 * @step_every:	operations between two of the subject's steps, 0 for none
 * @arena, @arena_size: where heaps are made
 * @size:	bytes of the current heap
 * @slots:	as many as the trace uses
 * @scratch:	for gaps_find(), one a slot
 * @costs:	NR_GAUGE_KINDS of them
 * @nr_looks:	times that the heap was looked at
 * @factors:	sum of the fragmentation factors that it told then, in 1/10000
 * @gaps:	the same for what lies between blocks, whatever it tells
 * @error:	what the subject did wrong, or NULL
 */
struct replay {
	struct image image;
	struct trace trace;
	struct gauge gauge;
	struct subject_setup setup;
	bool is_measured;
	u32 step_every;
	u8 *arena;
	u32 arena_size;
	u32 size;
	struct slot *slots;
	struct slot **scratch;
	struct costs *costs;
	u32 nr_looks;
	u64 factors;
	u64 gaps;
	const char *error;
};

/**
 * replay_init() - nothing is measured, nothing held
 * @r:		filled in; @r->costs counts from here on
 * @image:	memory is taken from here
 *
 * Return: false, with a message, if this machine counts no instructions.
 */
bool replay_init(struct replay *r, struct image *image);

/**
 * replay_load() - the trace to be replayed from now on
 * @r:		the run
 * @path:	of the trace, on the machine that answers semihosting
 *
 * The trace before it is forgotten; all memory that is left becomes the arena.
 *
 * Return: false, with a message, if the file cannot be read or is no trace.
 */
bool replay_load(struct replay *r, const char *path);

/**
 * replay_run() - the whole trace through a new heap
 * @r:		the run
 * @size:	bytes for the heap
 *
 * Where @r->is_measured costs and factors are added to those of earlier runs.
 *
 * Return: false if a request failed, or on @r->error.
 */
bool replay_run(struct replay *r, u32 size);

/* Mean of the factors that the subject told, in 1/10000; of the gaps */
u32 replay_factor(const struct replay *r);
u32 replay_gaps(const struct replay *r);

#endif /* REPLAY_H */
