// SPDX-License-Identifier: MIT
/*
 * cmd-merge.c - quern merge: the statistics of many runs as one profile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/options.h"
#include "command/base/stream.h"
#include "merged.h"

/**
 * struct merge - one call of quern merge
 */
struct merge {
	struct qn_operands files;
	const char *output;
};

/* "FILE" or "FILE:WEIGHT"; a file of the whole name goes first. Return: the weight. */
static double split_weight(char *name)
{
	char *colon = strrchr(name, ':'), *end;
	FILE *in = colon ? fopen(name, "r") : NULL;
	double weight;

	if (in)
		fclose(in);
	if (!colon || in)
		return 1;
	weight = strtod(colon + 1, &end);
	if (!colon[1] || *end || !(weight > 0) || !(weight <= 1e6))
		return 0;
	*colon = 0;
	return weight;
}

static int read_all(struct qn_merged *m, const struct merge *merge)
{
	int err = 0;

	for (u32 i = 0; i < merge->files.nr && !err; i++) {
		char *name = qn_xprintf("%s", merge->files.at[i]);
		double weight = split_weight(name);

		if (weight > 0) {
			err = qn_merged_read(m, name, weight);
		} else {
			qn_error("'%s': a weight is a number above 0, behind "
				 "the file: run.json:3",
				 name);
			err = -EINVAL;
		}
		free(name);
	}
	return err;
}

static int write_file(struct qn_merged *m, const char *name)
{
	FILE *out = qn_stream_out(name);
	int err;

	if (out) {
		qn_merged_write(out, m);
		err = qn_stream_close(out, name);
	} else {
		err = -errno;
	}
	if (err)
		qn_error_write(name, err);
	return err;
}

static int merge_main(const struct qn_command *command, int argc, char **argv)
{
	struct merge merge = { .output = NULL };
	struct qn_merged m;
	int err;

	(void)argc;
	qn_merged_init(&m);
	err = qn_options_read(command, argv, &merge);
	if (!err)
		err = read_all(&m, &merge);
	if (!err)
		err = write_file(&m, merge.output);
	qn_merged_exit(&m);
	free(merge.files.at);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option merge_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct merge, output), .is_needed = true, .help =
	  "Where the profile goes; - is standard output." },
	{ "a file", 0, NULL, QN_OPERANDS(struct merge, files), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_merge = {
	.name = "merge",
	.brief = "make one profile of the statistics of many runs",
	.synopsis = "-o FILE RUNS",
	.about =
		"Makes one profile of the statistics of many runs: means of peaks, "
		"calls, returned memory and shares of sizes. A run is a statistics "
		"file (QUERN_CONF=stats:DIR), a report (quern run --json "
		"--report=FILE), or a profile merged before. FILE:3 counts three "
		"times. quern tune --profile takes a profile as a starting point.",
	.options = merge_options,
	.run = merge_main,
};
