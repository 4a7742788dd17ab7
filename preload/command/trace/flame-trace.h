/* SPDX-License-Identifier: MIT */
/*
 * flame-trace.h - the flame of a process of a trace.
 *
 * Above trace-read.c, trace-sites.c and flame.h, below the subcommands.
 */
#ifndef QN_FLAME_TRACE_H
#define QN_FLAME_TRACE_H

#include "command/flame/flame.h"
#include "trace-file.h"

/**
 * struct qn_flame_trace - a trace that was read as a whole
 * @program:	its name
 */
struct qn_flame_trace {
	struct qn_tracefile file;
	struct qn_stacks stacks;
	struct qn_symbols symbols;
	struct qn_flame flame;
	char *program;
};

/**
 * qn_flame_trace_open() - add up what each call site asked for
 * @process:	as qn_tracefile_choose()
 *
 * The events are read twice: the second time up to the peak.
 *
 * Return: 0, or -errno and the message was printed.
 */
int qn_flame_trace_open(struct qn_flame_trace *t, const char *path,
			u32 *process);
void qn_flame_trace_close(struct qn_flame_trace *t);

#endif /* QN_FLAME_TRACE_H */
