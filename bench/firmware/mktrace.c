// SPDX-License-Identifier: MIT
/*
 * mktrace.c - writes the trace of a workload to standard output.
 *
 *	mktrace KIND SEED [OPERATIONS [BYTES]] >FILE.trace
 *
 * OPERATIONS: how many at least; BYTES: what is live at most.
 */
#include <stdlib.h>
#include <string.h>

#include "workload.h"

#define OPERATIONS 30000
#define BYTES      60000

static const struct workload workloads[] = {
	{ "sensor", "the pipeline of embedded/", workload_sensor },
	{ "network", "buffers and connections", workload_network },
	{ "interpreter", "calls, values, strings", workload_interpreter },
	{ "store", "keys, and values that grow", workload_store },
	{ "trees", "documents, parsed and dropped", workload_trees },
	{ "random", "8 to 2000 bytes, any order", workload_random },
	{ "queue", "first in, first out", workload_queue },
	{ "stack", "last in, first out", workload_stack },
	{ "ramps", "phases of sizes of their own", workload_ramps },
	{ "comb", "holes that fit nothing", workload_comb },
	{ "large", "1 to 8 KB, any order", workload_large },
	{ "bursts", "one size at a time, any order", workload_bursts },
};

static int usage(const char *what)
{
	fprintf(stderr,
		"mktrace: %s\n"
		"usage: mktrace KIND SEED [OPERATIONS [BYTES]] >FILE.trace\n"
		"kinds are:\n",
		what);
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		fprintf(stderr, "  %-12s %s\n", workloads[i].name,
			workloads[i].about);
	return 2;
}

static const struct workload *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
		if (strcmp(workloads[i].name, name) == 0)
			return &workloads[i];
	return NULL;
}

static bool read_number(const char *text, u32 *number)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*number = (u32)v;
	return *text && !*end && v <= UINT32_MAX;
}

int main(int argc, char **argv)
{
	static struct writer w;
	const struct workload *workload;
	u32 seed, nr = OPERATIONS, bytes = BYTES;

	if (argc < 3 || argc > 5)
		return usage("a kind and a seed are needed");
	workload = find(argv[1]);
	if (!workload)
		return usage("no such kind");
	if (!read_number(argv[2], &seed) ||
	    (argc > 3 && !read_number(argv[3], &nr)) ||
	    (argc > 4 && !read_number(argv[4], &bytes)))
		return usage("that is no number");
	if (bytes < 8192)
		return usage("BYTES below 8192 leave no room to work");
	writer_init(&w, stdout, nr, bytes);
	workload->run(&w, seed);
	if (!writer_exit(&w)) {
		perror("mktrace: standard output");
		return 1;
	}
	return 0;
}
