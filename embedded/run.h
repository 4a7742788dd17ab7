/* SPDX-License-Identifier: MIT */
/*
 * run.h - one run of the pipeline on quern's heap, and its figures.
 *
 * Above everything portable; pipeline-main.c (target) and pipeline-host.c
 * (host) say what memory there is.
 */
#ifndef RUN_H
#define RUN_H

#include "counter.h"

/* Statuses of a run */
enum {
	RUN_OK,
	RUN_FAILED,    /* damaged blocks, heap or accounts */
	RUN_BAD_USAGE, /* options, or a heap too small to begin with */
	RUN_EXHAUSTED, /* the heap ran out: results are incomplete */
};

/**
 * struct run_machine - where it runs
 * @sram, @sram_size: memory for the heap
 * @ccm, @ccm_size: memory without DMA, of size 0 if there is none
 * @counter:	@counter.read is NULL if there is none
 * @create:	make a file for a trace; false if it cannot be
 * @send:	write to it, as struct recorder has it
 */
struct run_machine {
	void *sram;
	size_t sram_size;
	void *ccm;
	size_t ccm_size;
	struct counter counter;
	bool (*create)(const char *path);
	bool (*send)(void *arg, const void *p, size_t size);
};

/**
 * run_pipeline() - parse options, run, print figures
 *
 * Return: a status for the emulator or the shell.
 */
int run_pipeline(const struct run_machine *machine, int argc, char **argv);

#endif /* RUN_H */
