/* SPDX-License-Identifier: MIT */
/*
 * trace-import.h - what the readers of other formats share.
 *
 * Between trace-write.h and trace-text.c, which reads text and opens the files, with
 * trace-heaptrack.c.
 */
#ifndef QN_TRACE_IMPORT_H
#define QN_TRACE_IMPORT_H

#include "trace-write.h"

/**
 * struct qn_heaptrack - what is known of a file of heaptrack's
 * @kinds, @nr_kinds: of allocations, where it is interpreted
 * @strings, @nr_strings: names, counted from 1 on
 * @modules, @nr_modules: where files are mapped, of the raw kind
 * @program:	what they call "x"
 * @functions, @nr_functions: numbers of the names of all @ips
 * @ips, @nr_ips: addresses, counted from 1 on; with the functions at each, the
 *		innermost first: all but the last are inlined there
 * @traces, @nr_traces: an address and the number of its caller's, likewise
 */
struct qn_heaptrack {
	struct qn_heaptrack_kind {
		u64 size;
		u32 site;
		u32 *slots;
		u32 nr;
	} * kinds;

	u32 nr_kinds;
	char **strings;
	u32 nr_strings;

	struct qn_heaptrack_module {
		char *name;
		u64 base;
		u64 start, end;
	} * modules;

	u32 nr_modules;
	char *program;
	u64 *functions;
	u32 nr_functions;

	struct qn_heaptrack_ip {
		u64 address;
		u64 module;
		u32 first;
		u32 nr;
	} * ips;

	u32 nr_ips;

	struct qn_heaptrack_trace {
		u64 ip;
		u64 parent;
	} * traces;

	u32 nr_traces;
};

/**
 * struct qn_import - what is being read
 * @w:		the trace
 * @objects:	live ones, by their numbers or addresses in the file
 * @sites:	call sites
 * @heaptrack:	see there
 * @first:	line that was read to recognise the format, or NULL
 * @ns:		of the next event, where it does not tell
 * @file, @line: for messages
 * @nr_bad:	lines that were not understood
 */
struct qn_import {
	struct qn_writer w;
	struct qn_objects objects;
	struct qn_stacks sites;
	struct qn_heaptrack heaptrack;
	char *first;
	u64 ns;
	const char *file;
	u64 line;
	u64 nr_bad;
};

/* The line makes no sense: say so, the first few times */
void qn_import_bad(struct qn_import *m, const char *why);

/* An event about the object @key; its slot is filled in */
void qn_import_add(struct qn_import *m, u64 key, struct qn_op *op);

/* A line of heaptrack's, raw or interpreted */
void qn_import_heaptrack(struct qn_import *m, char *line);

void qn_heaptrack_exit(struct qn_heaptrack *h);

#endif /* QN_TRACE_IMPORT_H */
