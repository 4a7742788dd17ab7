/* SPDX-License-Identifier: MIT */
/*
 * flame.h - call sites with weights, and what others read of them: flame graphs, folded
 * stacks, profiles of pprof, massif and speedscope.
 *
 * Above sites and draw, below who fills a flame in: `quern flame` from traces and from
 * statistics files, `quern run` from those of its run.
 */
#ifndef QN_FLAME_H
#define QN_FLAME_H

#include <stdio.h>
#include "base/compiler.h"
#include "command/base/text.h"
#include "command/sites/people.h"
#include "command/sites/sitelist.h"

/* What a flame graph is of, in the order of the words of --of */
enum qn_flame_of {
	QN_FLAME_PEAK,   /* bytes in use when most were */
	QN_FLAME_LEAKED, /* bytes in use at the end, or now */
	QN_FLAME_BYTES,  /* bytes asked for */
	QN_FLAME_COUNT,  /* calls, or samples of them */
	QN_FLAME_NR,
};

/**
 * struct qn_flame_site - one stack
 * @value:	by enum qn_flame_of
 * @peak_nr, @live_nr: blocks that two of these are made of
 * @site:	its number in the stacks
 */
struct qn_flame_site {
	u64 value[QN_FLAME_NR];
	u64 peak_nr;
	u64 live_nr;
	u32 site;
};

/**
 * struct qn_flame_moment - what was in use at some time
 * @ms:		since the start
 */
struct qn_flame_moment {
	u64 ms;
	u64 bytes;
};

/**
 * struct qn_flame - all stacks of a program
 * @program:	its name
 * @stacks:	the frames, somebody else's
 * @symbols:	names, somebody else's
 * @sites, @nr:	those with a value
 * @moments, @nr_moments: in order; none where nothing is known of it
 * @peak_ms, @end_ms: when most was in use, and the end
 * @has_peak:	values of QN_FLAME_PEAK are known
 * @is_sampled:	counts are of samples, bytes are estimates
 * @is_whole:	all frames are shown, also those of the standard library
 */
struct qn_flame {
	const char *program;
	const struct qn_stacks *stacks;
	struct qn_symbols *symbols;
	struct qn_flame_site *sites;
	u32 nr;
	struct qn_flame_moment *moments;
	u32 nr_moments;
	u64 peak_ms;
	u64 end_ms;
	bool has_peak;
	bool is_sampled;
	bool is_whole;
};

/* Room for one more site, zeroed */
struct qn_flame_site *qn_flame_add(struct qn_flame *f, u32 site);
void qn_flame_exit(struct qn_flame *f);

/**
 * qn_flame_of_samples() - what a run's samples say
 * @program:	its name, kept
 * @list:	call sites, kept
 * @symbols:	kept
 */
void qn_flame_of_samples(struct qn_flame *f, const char *program,
			 const struct qn_sitelist *list,
			 struct qn_symbols *symbols);

/* The sum of all sites */
u64 qn_flame_total(const struct qn_flame *f, enum qn_flame_of of);

/**
 * qn_flame_frames() - the functions of a site that are shown, the innermost first
 * @people:	room for them
 * @list:	QN_PEOPLE_FRAMES pointers into it
 *
 * Return: how many, at least 1.
 */
u32 qn_flame_frames(const struct qn_flame *f, u32 site,
		    struct qn_people *people,
		    const struct qn_symbols_frame **list);

/* "peak", and "bytes in use at the peak" */
const char *qn_flame_word(enum qn_flame_of of);
const char *qn_flame_about(const struct qn_flame *f, enum qn_flame_of of);

/* "12.3 MiB" or "1,234": a value as people read it */
struct qn_text qn_flame_text(enum qn_flame_of of, u64 value);

/**
 * qn_flame_svg() - the flame graph
 * @is_file:	it is a file of its own; else a part of an HTML page
 *
 * A picture without scripts; with them a click makes a function as wide as the picture,
 * and a search marks functions. The widths of functions are shares of the sum.
 */
void qn_flame_svg(FILE *out, const struct qn_flame *f, enum qn_flame_of of,
		  bool is_file);

/* A line a stack: "main;load;strdup 1234" */
void qn_flame_folded(FILE *out, const struct qn_flame *f, enum qn_flame_of of);

/* What ms_print reads: memory over time, and stacks at the peak, or at the end */
void qn_flame_massif(FILE *out, const struct qn_flame *f);

/* JSON for speedscope. Return: 0 or -errno. */
int qn_flame_speedscope(FILE *out, const struct qn_flame *f,
			enum qn_flame_of of);

/**
 * qn_flame_pprof() - profile.proto of pprof, all values at once, packed by gzip
 *
 * Return: 0 or -errno; -ENOTSUP: the command was built without zlib.
 */
int qn_flame_pprof(FILE *out, const struct qn_flame *f, enum qn_flame_of of);

#endif /* QN_FLAME_H */
