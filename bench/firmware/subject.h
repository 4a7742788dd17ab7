/* SPDX-License-Identifier: MIT */
/*
 * subject.h - the heap under measurement, one per image.
 *
 * subject-NAME.c define it; replay.c and search.c measure it and know nothing
 * else of it. The functions that are measured do nothing but hand their
 * arguments on: a jump, which calibration takes off again.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include "base/compiler.h"

/**
 * struct subject_setup - how the subject is to work
 * @can_hold:	freed blocks may be held unmerged, if it knows such a thing
 * @zone, @zone_size: a second piece of memory, for those that can use one
 * @policy:	of that name, where @can_hold and it knows policies; NULL: its own
 * @knobs, @nr_knobs: texts NAME:VALUE, if it knows knobs
 */
struct subject_setup {
	bool can_hold;
	const char *policy;
	const char **knobs;
	u32 nr_knobs;
	void *zone;
	size_t zone_size;
};

/**
 * struct subject_view - what a heap says of itself, in bytes
 * @free:	what requests could have in all
 * @largest:	what one request could have
 * @metadata:	of its memory, what it keeps for itself
 * @learning:	of @metadata, what it needs only to learn
 */
struct subject_view {
	size_t free;
	size_t largest;
	size_t metadata;
	size_t learning;
};

/**
 * struct subject - an allocator
 * @name:	for the tables
 * @heap:	first argument of all below; set by @init
 * @alloc, @alloc_aligned, @resize, @free: as malloc, memalign, realloc, free
 * @step:	upkeep for the idle loop, or NULL
 * @init:	start afresh over a piece of memory; false if it is too small
 * @look:	fill in the view, or NULL if it cannot tell
 * @check:	NULL or what is wrong with the heap; or NULL if it cannot tell
 * @merges:	a number that changes with each request that does work whose bound is the
 *		length of the request; or NULL if there is no such work
 */
struct subject {
	const char *name;
	void *heap;
	void *(*alloc)(void *heap, size_t size);
	void *(*alloc_aligned)(void *heap, size_t align, size_t size);
	void *(*resize)(void *heap, void *p, size_t size);
	void (*free)(void *heap, void *p);
	int (*step)(void *heap);
	void *(*init)(void *mem, size_t size,
		      const struct subject_setup *setup);
	void (*look)(void *heap, struct subject_view *view);
	const char *(*check)(void *heap);
	size_t (*merges)(void *heap);
};

extern const struct subject subject;

#endif /* SUBJECT_H */
