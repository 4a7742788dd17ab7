/* SPDX-License-Identifier: MIT */
/*
 * search.h - looks for the sequence of calls whose last one costs the subject
 * most.
 *
 * Not random tests: a sequence that made a call dearer than any before is kept
 * and changed further. One is kept for every cost that was seen of every kind of
 * call, the shortest, so that the search does not stand still on the first hill:
 * a state that is rare shows itself by a cost that is rare.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "checksum.h"
#include "gauge.h"
#include "image.h"

/* Longest sequence, and how many blocks it may have at once */
#define SEARCH_MOVES 160
#define SEARCH_SLOTS 40

/* Costs above are one; a step is measured, but not searched for */
#define SEARCH_COSTS 768
#define SEARCH_KINDS (GAUGE_ALIGNED + 1)

/*
 * A move that is no call: the program writes into its block what a heap might take
 * for a mark of its own
 */
#define SEARCH_WRITE NR_GAUGE_KINDS

/**
 * struct move - one call of a sequence
 * @kind:	enum gauge_kind, or SEARCH_WRITE
 * @slot:	which block; a call that the slot does not allow is left out
 * @size:	bytes asked for, or what to write
 */
struct move {
	u8 kind;
	u8 slot;
	u16 size;
};

/**
 * struct sequence - calls on a heap that was just made, or warmed up
 * @nr:		how many, 0 for no sequence
 * @cost:	of the last one
 * @moves:	in order
 */
struct sequence {
	u16 nr;
	u16 cost;
	struct move moves[SEARCH_MOVES];
};

/**
 * struct search - the state of a search
 * @gauge:	counts
 * @rng:	chance; the same seed finds the same
 * @setup:	handed to the subject
 * @has_steps:	sequences may call the subject's upkeep
 * @heap_size:	bytes of the heap
 * @arena:	the heap's memory
 * @first:	the heap as every sequence finds it
 * @slots:	the blocks of the sequence that runs
 * @kept:	SEARCH_KINDS by SEARCH_COSTS sequences
 * @max:	highest cost seen, by kind; GAUGE_STEP too
 * @squeeze:	the same of requests that merged what is held; nothing is searched for them
 * @squeeze_short: the same of those for up to 176 bytes
 * @latest:	the sequence that ran last, or runs
 * @nr_runs:	sequences run so far
 * @error:	what the subject did wrong, or NULL
 */
struct search {
	struct gauge gauge;
	struct rng rng;
	struct subject_setup setup;
	bool has_steps;
	u32 heap_size;
	u8 *arena;
	u8 *first;
	void *slots[SEARCH_SLOTS];
	struct sequence *kept;
	u32 max[NR_GAUGE_KINDS];
	u32 squeeze[NR_GAUGE_KINDS];
	u32 squeeze_short[NR_GAUGE_KINDS];
	const struct sequence *latest;
	u32 nr_runs;
	const char *error;
};

/**
 * search_init() - make the heap
 * @s:		filled in, apart from @gauge and @setup, which are read
 * @image:	memory is taken from here
 * @seed:	of chance
 * @heap_size:	bytes
 *
 * Return: false if that is too small for the subject.
 */
bool search_init(struct search *s, struct image *image, u32 seed,
		 u32 heap_size);

/**
 * search_warm() - use the heap before the search begins
 * @s:		after search_init()
 * @nr:		calls
 *
 * A few sizes again and again, with the subject's upkeep in between, so that it
 * learns them.
 */
void search_warm(struct search *s, u32 nr);

/* Run @nr sequences, each made from one that was kept */
void search_run(struct search *s, u32 nr);

/**
 * search_worst() - the dearest call of a kind
 * @s:		the search
 * @kind:	of calls
 * @found:	filled in: as short as leaving out single calls makes it
 *
 * Return: false if there was no such call.
 */
bool search_worst(struct search *s, enum gauge_kind kind,
		  struct sequence *found);

#endif /* SEARCH_H */
