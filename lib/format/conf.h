/* SPDX-License-Identifier: MIT */
/*
 * conf.h - settings of the Linux build: QUERN_CONF=key:value,key:value
 *
 * Two typed tables, of options and of knobs; the parser, the command's help and the manual
 * page come from them. No libc beyond string functions: it runs inside the first malloc's
 * process start-up and in the command alike.
 */
#ifndef QN_CONF_H
#define QN_CONF_H

#include "base/compiler.h"
#include "base/knobs.h"

/**
 * struct qn_conf - the values
 * @policy:	name of a policy, of base/policies.h
 * @tuned:	file of knobs and classes (tuned.h), "" for none
 * @stats:	directory for the statistics file, "" for none
 * @live:	1: the statistics page is a file where live views look for it (rundir.h)
 * @report:	file for a short report at the end, "stderr", or "" for none
 * @metrics:	file for the figures as OpenMetrics, "" for none
 * @sample:	mean bytes between samples
 * @huge:	bytes in use from which on memory grows by huge pages; 0: never
 * @seed:	what random numbers begin with; 0: differs from process to process
 * @sites:	1: call sites of sampled requests are kept
 * @alpha, @beta: weights of memory and of time, in thousandths: another way to say the
 *		price, @beta / @alpha
 * @pressure_root: directory that stands before /proc and /sys, "" for none
 * @engine:	name of the engine that serves the process; quern: its own heap
 * @hard:	level of the hardened mode; 0: it is off
 * @guard:	of so many blocks one lies between forbidden pages; 0: none
 * @on_error:	what follows a finding: abort, report, ignore
 * @knobs:	numbers that the heap reads while it runs
 */
struct qn_conf {
	char policy[16];
	char tuned[200];
	char stats[200];
	size_t live;
	char report[128];
	char metrics[128];
	size_t sample;
	size_t huge;
	size_t seed;
	size_t sites;
	size_t alpha;
	size_t beta;
	char pressure_root[96];
	char engine[16];
	size_t hard;
	size_t guard;
	char on_error[8];
	struct qn_knobs knobs;
};

enum qn_conf_type {
	QN_CONF_SIZE,   /* unsigned, with an optional suffix K, M, G (1024) */
	QN_CONF_CHOICE, /* one of a list of words */
	QN_CONF_MILLI,  /* a decimal, kept in thousandths */
	QN_CONF_FILE,   /* a path without ',' */
	QN_CONF_DIR,    /* the same, of a directory */
};

/**
 * struct qn_conf_option - one key
 * @key:	its name
 * @type:	how its value is read
 * @offset:	of the member of struct qn_conf
 * @size:	of that member
 * @min, @max:	range of a QN_CONF_SIZE or QN_CONF_MILLI
 * @choices:	space-separated words of a QN_CONF_CHOICE
 * @preset:	the default, as text; "" for an empty path
 * @help:	one or two sentences
 *
 * Few pointers, for the start of a process relocates each of them.
 */
struct qn_conf_option {
	char key[16];
	enum qn_conf_type type;
	u16 offset;
	u16 size;
	size_t min, max;
	const char *choices;
	char preset[16];
	const char *help;
};

extern const struct qn_conf_option qn_conf_options[];
extern const unsigned int qn_conf_nr_options;

/**
 * struct qn_conf_knob - one key that sets a knob: a row of knobs.h
 * @key:	its name, that of the member of struct qn_knobs
 * @unit:	what its value counts: a word for the help
 * @help:	one or two sentences
 * @is_milli:	its value is in thousandths, and is written as a decimal
 * @offset:	of the member
 * @least, @most, @preset: of its value
 *
 * No pointers, so the start of a process relocates nothing here.
 */
struct qn_conf_knob {
	char key[16];
	char unit[16];
	char help[216];
	bool is_milli;
	size_t offset;
	size_t least, most, preset;
};

extern const struct qn_conf_knob qn_conf_knobs[];
extern const unsigned int qn_conf_nr_knobs;

/* Bytes that hold any message of qn_conf_parse() */
#define QN_CONF_ERROR 640

/* All values as preset */
void qn_conf_init(struct qn_conf *conf);

/**
 * qn_conf_parse() - read a string of settings
 * @conf:	changed where the text says so; as it was on error
 * @text:	the settings; NULL or "" is fine. Of a key given twice the last
 *		counts.
 * @error:	filled with a terminated message on error: which key, which
 *		value, what is allowed. Cut short if it does not fit.
 * @size:	bytes at @error; QN_CONF_ERROR hold any message
 *
 * Context: allocates nothing, takes no lock.
 * Return: 0 or -EINVAL.
 */
int qn_conf_parse(struct qn_conf *conf, const char *text, char *error,
		  size_t size);

/**
 * qn_conf_set_knob() - the value of one knob, as text
 * @knobs:	changed unless there is an error
 * @key, @key_size: its name
 * @value, @value_size: as in QUERN_CONF
 *
 * Return: 0, -ENOENT (no such knob), -ERANGE (no such value).
 */
int qn_conf_set_knob(struct qn_knobs *knobs, const char *key, size_t key_size,
		     const char *value, size_t value_size);

#endif /* QN_CONF_H */
