/* SPDX-License-Identifier: MIT */
/*
 * tuned.h - a file of knobs and classes that were found for one program.
 *
 * Text, by lines:
 *
 *	quern tuned 1		first: the version
 *	# anything		a comment; empty lines are fine, too
 *	knob NAME VALUE		as in QUERN_CONF
 *	class SIZE		a size of so many bytes gets a class of its own
 *
 * `quern tune` writes it, QUERN_CONF=tuned:FILE reads it. The order of lines does not
 * matter; of a knob that is given twice the last counts.
 */
#ifndef QN_FORMAT_TUNED_H
#define QN_FORMAT_TUNED_H

#include "base/compiler.h"
#include "base/knobs.h"

#define QN_TUNED_FIRST "quern tuned 1"
/* Bytes of a file at most, and sizes in it */
#define QN_TUNED_MOST    16384
#define QN_TUNED_CLASSES QN_NR_CLASSES
/* The largest size: larger ones have no classes */
#define QN_TUNED_SIZE 1024

/**
 * struct qn_tuned_file - what such a file says
 * @knobs:	all of them, as preset where it says nothing
 * @nr_classes:	how many sizes
 * @classes:	the sizes, in bytes
 */
struct qn_tuned_file {
	struct qn_knobs knobs;
	unsigned int nr_classes;
	u16 classes[QN_TUNED_CLASSES];
};

/* Bytes that hold any message of qn_tuned_parse() */
#define QN_TUNED_ERROR 128

/**
 * qn_tuned_parse() - read such a file
 * @t:		set to what it says; all as preset on error
 * @text:	its text
 * @size:	bytes
 * @error:	QN_TUNED_ERROR bytes, filled with a message on error: the line, and what is
 *		wrong with it
 *
 * Context: allocates nothing, takes no lock.
 * Return: 0 or -EINVAL.
 */
int qn_tuned_parse(struct qn_tuned_file *t, const char *text, size_t size,
		   char *error);

/* Take over the knobs that the user left as preset. Both are valid. */
void qn_tuned_merge(const struct qn_tuned_file *t, struct qn_knobs *knobs);

#endif /* QN_FORMAT_TUNED_H */
