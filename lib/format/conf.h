/* SPDX-License-Identifier: MIT */
/*
 * conf.h - run-time knobs of the Linux build: QUERN_CONF=key:value,key:value
 *
 * One typed table; the parser, the command's help and the manual page come from
 * it. No libc beyond string functions: it runs inside the first malloc's
 * process start-up and in the command alike.
 */
#ifndef QN_CONF_H
#define QN_CONF_H

#include "base/compiler.h"

/**
 * struct qn_conf - the values
 * @policy:	name of a policy: fixed, rule
 * @stats:	directory for the statistics file, "" for none
 * @sample:	mean bytes between samples
 * @dirty:	bytes of freed memory that may always stay
 * @huge:	bytes in use from which on memory grows by huge pages; 0: never
 * @seed:	what random numbers begin with; 0: differs from process to process
 * @sites:	1: call sites of sampled requests are kept
 * @engine:	name of the engine that serves the process; quern: its own heap
 */
struct qn_conf {
	char policy[16];
	char stats[200];
	size_t sample;
	size_t dirty;
	size_t huge;
	size_t seed;
	size_t sites;
	char engine[16];
};

enum qn_conf_type {
	QN_CONF_SIZE,   /* unsigned, with an optional suffix K, M, G (1024) */
	QN_CONF_CHOICE, /* one of a list of words */
	QN_CONF_PATH,   /* text without ',' */
};

/**
 * struct qn_conf_option - one key
 * @key:	its name
 * @type:	how its value is read
 * @offset:	of the member of struct qn_conf
 * @size:	of that member
 * @min, @max:	range of a QN_CONF_SIZE
 * @choices:	space-separated words of a QN_CONF_CHOICE
 * @preset:	the default, as text; "" for an empty path
 * @help:	one or two sentences
 */
struct qn_conf_option {
	const char *key;
	enum qn_conf_type type;
	u16 offset;
	u16 size;
	size_t min, max;
	const char *choices;
	const char *preset;
	const char *help;
};

extern const struct qn_conf_option qn_conf_options[];
extern const unsigned int qn_conf_nr_options;

/* All values as preset */
void qn_conf_init(struct qn_conf *conf);

/**
 * qn_conf_parse() - read a string of settings
 * @conf:	changed where the text says so; as it was on error
 * @text:	the settings; NULL or "" is fine. Of a key given twice the last
 *		counts.
 * @error:	filled with a terminated message on error: which key, which
 *		value, what is allowed. Cut short if it does not fit.
 * @size:	bytes at @error; 256 hold any message
 *
 * Context: allocates nothing, takes no lock.
 * Return: 0 or -EINVAL.
 */
int qn_conf_parse(struct qn_conf *conf, const char *text, char *error,
		  size_t size);

#endif /* QN_CONF_H */
