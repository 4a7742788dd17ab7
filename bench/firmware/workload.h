/* SPDX-License-Identifier: MIT */
/*
 * workload.h - programs of a kind that firmware is, as far as their heap shows.
 *
 * Each writes a trace by one of these functions until writer_is_done(), within
 * the writer's budget, and by nothing but the seed's chance. Only integers of 32
 * bits decide, so every machine writes the same.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "checksum.h"
#include "writer.h"

/**
 * struct workload - a kind of program
 * @name:	for the command line and the tables
 * @about:	one line of what it does
 * @run:	writes the trace
 */
struct workload {
	const char *name;
	const char *about;
	void (*run)(struct writer *w, u32 seed);
};

/* The sensor pipeline of embedded/, run for real */
void workload_sensor(struct writer *w, u32 seed);

void workload_network(struct writer *w, u32 seed);
void workload_interpreter(struct writer *w, u32 seed);
void workload_store(struct writer *w, u32 seed);
void workload_trees(struct writer *w, u32 seed);

void workload_random(struct writer *w, u32 seed);
void workload_queue(struct writer *w, u32 seed);
void workload_stack(struct writer *w, u32 seed);
void workload_ramps(struct writer *w, u32 seed);
void workload_comb(struct writer *w, u32 seed);
void workload_large(struct writer *w, u32 seed);
void workload_bursts(struct writer *w, u32 seed);

#endif /* WORKLOAD_H */
