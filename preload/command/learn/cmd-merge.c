// SPDX-License-Identifier: MIT
/*
 * cmd-merge.c - quern merge: the statistics of many runs as one profile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/stream.h"
#include "merged.h"

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/**
 * struct merge - one call of quern merge
 * @files:	the runs
 * @output:	--output
 * @is_json:	--json
 */
struct merge {
	struct qn_operands files;
	const char *output;
	bool is_json;
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

static json_t *make_size(const struct qn_merged_size *s, double runs)
{
	json_t *one = json_object();

	qn_json_known(one, "size", s->osize, s->osize);
	qn_json_real(one, "promoted", s->promoted / runs);
	qn_json_real(one, "calls", s->calls / runs);
	qn_json_real(one, "bytes", s->bytes / runs);
	qn_json_real(one, "carved", s->carved / runs);
	qn_json_put(one, "asked",
		    s->asked_runs > 0 ? json_real(s->asked / s->asked_runs) :
					json_null());
	return one;
}

static void print_json(const struct merge *merge, const struct qn_merged *m)
{
	json_t *o = json_object(), *sizes = json_array();

	for (u32 i = 0; i < m->nr; i++)
		json_array_append_new(sizes, make_size(&m->sizes[i], m->runs));
	qn_json_number(o, "format", FORMAT);
	qn_json_put(o, "written", qn_json_text(merge->output));
	qn_json_real(o, "runs", m->runs);
	qn_json_real(o, "peak_live_mean", m->peak_live / m->runs);
	qn_json_real(o, "peak_live_most", m->most_live);
	qn_json_real(o, "peak_used_mean", m->peak_used / m->runs);
	qn_json_real(o, "peak_used_most", m->most_used);
	qn_json_real(o, "allocations_mean", m->allocations / m->runs);
	qn_json_real(o, "returned_mean", m->returned / m->runs);
	qn_json_real(o, "wanted_back_mean", m->wanted_back / m->runs);
	qn_json_put(o, "sizes", sizes);
	qn_json_print(qn_stream_beside(merge->output), o);
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
	if (!err && merge.is_json)
		print_json(&merge, &m);
	qn_merged_exit(&m);
	free(merge.files.at);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option merge_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct merge, output), .is_needed = true, .help =
	  "Where the profile goes; - is standard output." },
	{ "json", 0, NULL, QN_FLAG(struct merge, is_json), .help =
	  "Print the profile as a JSON object, too; its keys stay as they are. On standard "
	  "error where the profile goes to standard output." },
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
	.json = "The keys are format, written, runs, peak_live_mean, "
		"peak_live_most, peak_used_mean, peak_used_most, "
		"allocations_mean, returned_mean, wanted_back_mean and sizes. A "
		"size has size (null: all direct runs), promoted (share of runs "
		"in which it had a class of its own), calls and bytes (shares "
		"of all), carved (mean of the most bytes cut into its objects) "
		"and asked (mean size asked for).",
	.options = merge_options,
	.run = merge_main,
};
