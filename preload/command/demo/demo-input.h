/* SPDX-License-Identifier: MIT */
/*
 * demo-input.h - what the demonstration's programs do, and what they do it on.
 *
 * Three programs that Debian ships, with work that their users know: a script of
 * SQL, an evaluation of an access log, records of JSON. The input is made by rule
 * from a fixed seed, so that it is the same on every machine.
 */
#ifndef QN_DEMO_INPUT_H
#define QN_DEMO_INPUT_H

#include "base/compiler.h"

/**
 * struct qn_demo_program - one program at work
 * @name:	in tables
 * @file:	where Debian has it; looked for on PATH if it is not there
 * @package:	of Debian
 * @argv:	arguments; run in the directory of the files
 * @input:	file that is its standard input; NULL: none
 * @work:	in a few words
 */
struct qn_demo_program {
	const char *name;
	const char *file;
	const char *package;
	const char *argv[6];
	const char *input;
	const char *work;
};

#define QN_DEMO_NR_PROGRAMS 3

extern const struct qn_demo_program qn_demo_programs[QN_DEMO_NR_PROGRAMS];

/**
 * qn_demo_input_make() - write all files
 * @dir:	descriptor of an empty directory
 *
 * Return: 0 or -errno.
 */
int qn_demo_input_make(int dir);

/* Remove what qn_demo_input_make() made */
void qn_demo_input_remove(int dir);

#endif /* QN_DEMO_INPUT_H */
