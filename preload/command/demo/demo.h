/* SPDX-License-Identifier: MIT */
/*
 * demo.h - the comparison that `quern demo` makes: who, on what, with what result.
 *
 * cmd-demo.c fills it in by running programs; demo-table.c prints it.
 */
#ifndef QN_DEMO_H
#define QN_DEMO_H

#include "base/compiler.h"
#include "demo-input.h"
#include "command/base/options.h"

#define QN_DEMO_MAX_ROUNDS 99

enum qn_demo_allocators {
	GLIBC,
	JEMALLOC,
	MIMALLOC,
	QUERN,
	NR_ALLOCATORS
};

enum qn_demo_measures {
	WALL,
	CPU,
	PEAK,
	NR_MEASURES
};

/**
 * struct qn_demo_allocator - one of those that are compared
 * @name:	in tables
 * @soname:	of its library; NULL: found otherwise, or none
 * @package:	of Debian
 * @path:	of its library, NULL if it has none or is missing
 * @missing:	it cannot take part
 */
struct qn_demo_allocator {
	const char *name;
	const char *soname;
	const char *package;
	char *path;
	bool missing;
};

/**
 * struct qn_demo_result - one program under one allocator
 * @round:	measured values: microseconds, bytes
 * @median:	of each measure
 */
struct qn_demo_result {
	u64 round[NR_MEASURES][QN_DEMO_MAX_ROUNDS];
	u64 median[NR_MEASURES];
};

/**
 * struct qn_demo_contest - one program
 * @program:	what it does
 * @path:	its file, NULL if it is missing
 * @output:	hash of what it must print
 * @nr_allocs:	counted under quern
 * @nr_changes:	of the table, likewise
 * @report:	of the counted run, as text
 * @results:	by allocator
 */
struct qn_demo_contest {
	const struct qn_demo_program *program;
	char *path;
	u64 output;
	u64 nr_allocs;
	u64 nr_changes;
	char *report;
	struct qn_demo_result results[NR_ALLOCATORS];
};

/**
 * struct qn_demo - all of it
 * @rounds:	--rounds; less where it was interrupted
 * @library:	--library
 * @program:	operands, of which there may be none
 * @own_dir:	where the command is, and the firmware
 * @dir:	where the input is
 * @dir_fd:	its descriptor
 * @output:	descriptor of what the running program prints
 * @is_live:	stderr is a terminal
 * @is_measured: there is a round at least, and the table is printed
 * @allocators:	who is compared
 * @contests:	on what
 */
struct qn_demo {
	u32 rounds;
	const char *library;
	char **program;
	char *own_dir;
	char *dir;
	int dir_fd;
	int output;
	bool is_live;
	bool is_measured;
	struct qn_demo_allocator allocators[NR_ALLOCATORS];
	struct qn_demo_contest contests[QN_DEMO_NR_PROGRAMS];
};

/* Every program under every allocator, with ratios to glibc */
void qn_demo_print_table(const struct qn_demo *demo);

/* Where quern stands, wins and losses alike, in words */
void qn_demo_print_summary(const struct qn_demo *demo);

#endif /* QN_DEMO_H */
