/* SPDX-License-Identifier: MIT */
/*
 * stacks.h - call sites by their numbers: return addresses in modules.
 *
 * Above fail.c, below those who read call sites of a trace or of a statistics file,
 * and those who print or write them.
 */
#ifndef QN_STACKS_H
#define QN_STACKS_H

#include "base/strtab.h"
#include "format/trace.h"

/* Larger numbers of sites are damage, more modules are taken for none */
#define QN_STACKS_MOST  (1u << 20)
#define QN_MODULES_MOST 4096u
/* Bytes of the name of a module; what is beyond is cut off */
#define QN_MODULE_NAME ((size_t)1024)

/**
 * struct qn_site_range - one site
 * @first, @nr:	its frames; none: nothing is known of it
 */
struct qn_site_range {
	u32 first;
	u32 nr;
};

/**
 * struct qn_stacks - all of them; zeroed memory is an empty table
 * @modules:	names; "": the program
 * @memory:	of @modules, or NULL
 * @frames, @nr_frames: of all sites; modules are numbers in @modules + 1
 * @sites, @nr:	by number; 0 is no site
 */
struct qn_stacks {
	struct qn_strtab modules;
	void *memory;
	struct qn_trace_frame *frames;
	u32 nr_frames;
	struct qn_site_range *sites;
	u32 nr;
};

void qn_stacks_exit(struct qn_stacks *s);

/* Return: number + 1 of the module of that name, which may be new; 0: too many */
u32 qn_stacks_module(struct qn_stacks *s, const char *name, size_t size);

/* A site gets its frames, 1 to QN_TRACE_DEPTH of them; false: the number is none */
bool qn_stacks_set(struct qn_stacks *s, u64 site,
		   const struct qn_trace_frame *frames, u32 nr);

/* Return: the frames of a site, @nr of them; of one that is not known none */
const struct qn_trace_frame *qn_stacks_frames(const struct qn_stacks *s,
					      u32 site, u32 *nr);

/* Return: the name of a frame's module, NULL if it is of none */
const char *qn_stacks_name(const struct qn_stacks *s,
			   const struct qn_trace_frame *f);

#endif /* QN_STACKS_H */
