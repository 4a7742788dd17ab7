/* SPDX-License-Identifier: MIT */
/*
 * options.h - what a run of the pipeline can be told: key=value words, on the
 * host's command line or through semihosting.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base/compiler.h"

/**
 * struct options - one run
 * @seed:	of everything random
 * @scale:	KB live at peak
 * @ops:	calls of the heap
 * @heap:	bytes given to the heap from SRAM
 * @ccm:	bytes given to it from CCM, 0 for none
 * @step:	calls between two runs of qn_heap_step(), 0 for none
 * @is_fixed:	policy=fixed: nothing is learned
 * @trace:	file to record a trace to, or NULL
 */
struct options {
	u32 seed;
	u32 scale;
	u32 ops;
	u32 heap;
	u32 ccm;
	u32 step;
	bool is_fixed;
	const char *trace;
};

/**
 * options_parse() - defaults, then what the words say
 * @o:		filled in
 * @argc, @argv: as main()'s
 *
 * Prints what is wrong and what is allowed.
 *
 * Return: true if all words were understood.
 */
bool options_parse(struct options *o, int argc, char **argv);

#endif /* OPTIONS_H */
