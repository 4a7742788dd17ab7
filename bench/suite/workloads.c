// SPDX-License-Identifier: MIT
/*
 * workloads.c - the classic patterns of allocation, each with a fixed amount of
 * work, fixed numbers to start from, and a check of everything that it stored.
 *
 *	workloads NAME [THREADS [PERCENT]]
 *
 * prints the name and a sum that is the same in every run, under every
 * allocator. Without a name it lists them.
 */
#include <stdio.h>
#include <string.h>

#include "work.h"

static const struct workload {
	const char *name;
	unsigned int threads;
	uint64_t (*run)(const struct job *job);
	const char *what;
} workloads[] = {
	/* clang-format off */
	{ "pair", 1, work_pair, "a malloc and free at a time" },
	{ "lifo", 1, work_lifo, "stacks of objects of one size" },
	{ "fifo", 1, work_fifo, "a queue whose length swings" },
	{ "mix", 1, work_mix, "random slots, sizes to 4 KB" },
	{ "sizes", 1, work_sizes, "real sizes, freed in batches" },
	{ "phases", 1, work_phases, "other sizes in each phase" },
	{ "leak", 1, work_leak, "grows, hardly frees" },
	{ "nodes", 1, work_nodes, "built, freed in random order" },
	{ "aligned", 1, work_aligned, "aligned to 64 bytes" },
	{ "symbols", 1, work_symbols, "a symbol table with scopes" },
	{ "trees", 1, work_trees, "treap and binary trees" },
	{ "bignum", 1, work_bignum, "arithmetic of large numbers" },
	{ "documents", 1, work_documents, "text to trees and back" },
	{ "cache", 1, work_cache, "values that get another length" },
	{ "vectors", 1, work_vectors, "doubled by realloc" },
	{ "strings", 1, work_strings, "appended to by realloc" },
	{ "large", 1, work_large, "32 KB to 4 MB, written whole" },
	{ "huge", 1, work_huge, "1 to 64 MB, one at a time" },
	{ "calloc", 1, work_calloc, "zeroed arrays to 256 KB" },
	{ "server", 2, work_server, "random lifetimes across threads" },
	{ "larson", 2, work_larson, "random sizes, threads that end" },
	{ "producer", 2, work_producer, "one allocates, one frees" },
	{ "handoff", 4, work_handoff, "batches to the next thread" },
	{ "exchange", 4, work_exchange, "buffers that anybody frees" },
	{ "thrash", 2, work_thrash, "small objects written often" },
	{ "scratch", 2, work_scratch, "the same, neighbours freed" },
	{ "threads", 2, work_threads, "thousands of short threads" },
	{ "crowd", 200, work_crowd, "two hundred threads, few at work" },
	{ "service", 1, work_service, "bursts, and pauses of seconds" },
	/* clang-format on */
};

#define NR_WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

static void list(void)
{
	puts("usage: workloads NAME [THREADS [PERCENT]]\n");
	for (size_t i = 0; i < NR_WORKLOADS; i++)
		printf("  %-10s %u  %s\n", workloads[i].name,
		       workloads[i].threads, workloads[i].what);
}

static unsigned int number(const char *s, unsigned int low, unsigned int high)
{
	char *end;
	unsigned long value = strtoul(s, &end, 10);

	if (!*s || *end || value < low || value > high)
		die("%s: give a number from %u to %u", s, low, high);
	return (unsigned int)value;
}

static const struct workload *find(const char *name)
{
	for (size_t i = 0; i < NR_WORKLOADS; i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	die("%s: no such workload; call it without a name for a list", name);
}

int main(int argc, char **argv)
{
	const struct workload *workload;
	struct job job = { 1, 100 };

	if (argc < 2) {
		list();
		return 0;
	}
	if (argc > 4)
		die("at most three arguments: NAME THREADS PERCENT");
	workload = find(argv[1]);
	job.threads = workload->threads;
	if (argc > 2)
		job.threads = number(argv[2], 1, MAX_THREADS);
	if (argc > 3)
		job.percent = number(argv[3], 1, 1000);
	printf("%s %llu\n", workload->name,
	       (unsigned long long)workload->run(&job));
	return 0;
}
