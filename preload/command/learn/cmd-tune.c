// SPDX-License-Identifier: MIT
/*
 * cmd-tune.c - quern tune: knobs and classes for one program, from its traces.
 *
 * Each setting is tried by an episode of each trace (sim.h). Traces are learned from up to a
 * point, and what was found has to be cheaper on calls that the search did not see: those
 * of another trace, or behind that point. Else nothing is written.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/knobs.h"
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/json.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "format/conf.h"
#include "heap-cost.h"
#include "merged.h"
#include "quern.h"
#include "search.h"
#include "sim.h"
#include "tuned.h"

/* Of a trace so many calls in ten are learned from, where no other trace validates */
#define LEARNED_TENTHS 7
/* Time between two lines of progress where stderr is no terminal, in nanoseconds */
#define PROGRESS_NS 5000000000u
/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/* ---- what is tuned ---- */

#define ROW(name, unit, preset, least, most, help) \
	{ #name, offsetof(struct qn_heap_knobs, name), preset, least, most },
static const struct qn_search_knob heap_knobs[] = { QN_HEAP_KNOBS(ROW) };
#undef ROW

/**
 * struct input - a trace
 * @nr_learned:	calls from its start that are learned from; 0: none
 * @base, @base_learned: cost with the defaults of all calls, and of those
 */
struct input {
	struct qn_sim_trace trace;
	u64 nr_learned;
	double base, base_learned;
};

/**
 * struct tune - one call of quern tune
 * @files, @output, @validate, @profile, @heap, @tries, @seed, @events: options
 * @is_json:	--json
 * @settings, @conf: the price
 * @inputs, @nr: traces
 * @nr_learners: of them, the first so many are learned from
 * @knobs, @nr_knobs: that are searched
 * @sizes, @nr_sizes: with a class of their own, in what is tried now
 * @found, @found_heap: the cheapest knobs
 * @learned, @validated: cost over that of the defaults
 * @nr_tried:	settings so far
 * @shown_ns:	when progress was shown last
 */
struct tune {
	struct qn_operands files;
	const char *output;
	const char *validate;
	const char *profile;
	u64 heap;
	u32 tries;
	u64 seed;
	u64 events;
	bool is_json;
	char *settings;
	struct qn_conf conf;
	struct input *inputs;
	u32 nr, nr_learners;
	struct qn_search_knob knobs[QN_TUNED_KNOBS];
	u32 nr_knobs;
	u32 sizes[QN_NR_CLASSES];
	u32 nr_sizes;
	struct qn_knobs found;
	struct qn_heap_knobs found_heap;
	double learned, validated;
	u32 nr_tried;
	u64 shown_ns;
};

/* ---- costs of a process's heap ---- */

/* All of the CPU time, and memory at its price */
static double cost_of(const struct tune *t, const struct qn_sim_result *r)
{
	return qn_sim_price_cost(r, t->conf.knobs.price) - qn_sim_kept_ns(r) +
	       qn_sim_time_ns(r);
}

static void episode(const struct tune *t, struct qn_sim_episode *e,
		    const struct input *in, u64 nr_calls)
{
	qn_sim_episode_init(e);
	qn_sim_mix_whole(&e->mixes[0], &in->trace);
	e->mixes[0].parts[0].to = nr_calls;
	e->knobs = t->conf.knobs;
}

static void tuned_episode(const struct tune *t, struct qn_sim_episode *e,
			  const struct input *in, u64 nr_calls,
			  const struct qn_knobs *knobs)
{
	episode(t, e, in, nr_calls);
	e->knobs = *knobs;
	e->policy = &qn_policy_fixed;
	memcpy(e->promoted, t->sizes, sizeof(e->promoted));
	e->nr_promoted = t->nr_sizes;
}

/* The defaults, and the classes that the rule made */
static int find_base(struct tune *t)
{
	struct qn_sim_episode *e = qn_xrealloc(NULL, 2 * t->nr * sizeof(*e));
	int err;

	for (u32 i = 0; i < t->nr; i++) {
		episode(t, &e[2 * i], &t->inputs[i], t->inputs[i].trace.nr);
		episode(t, &e[2 * i + 1], &t->inputs[i],
			max(t->inputs[i].nr_learned, (u64)1));
	}
	err = qn_sim_run(e, 2 * t->nr);
	for (u32 i = 0; i < t->nr && !err; i++) {
		t->inputs[i].base = cost_of(t, &e[2 * i].result);
		t->inputs[i].base_learned = cost_of(t, &e[2 * i + 1].result);
	}
	if (!err) {
		t->nr_sizes = e[1].result.nr_promoted;
		memcpy(t->sizes, e[1].result.promoted, sizeof(t->sizes));
	}
	free(e);
	return err;
}

static void show_progress(struct tune *t)
{
	u64 now = qn_clock_ns();

	if (!qn_progress_is_live() && now - t->shown_ns < PROGRESS_NS)
		return;
	t->shown_ns = now;
	qn_progress("quern: tried %u of %u settings", t->nr_tried, t->tries);
}

/* Geometric mean over the traces of cost over that of the defaults */
static int costs_of(void *data, const void *sets, u32 nr, double *costs)
{
	struct tune *t = data;
	const struct qn_knobs *knobs = sets;
	u32 nr_in = t->nr_learners;
	struct qn_sim_episode *e = qn_xrealloc(NULL, nr * nr_in * sizeof(*e));
	int err;

	for (u32 i = 0; i < nr * nr_in; i++) {
		const struct input *in = &t->inputs[i % nr_in];

		tuned_episode(t, &e[i], in, in->nr_learned, &knobs[i / nr_in]);
	}
	err = qn_sim_run(e, nr * nr_in);
	for (u32 i = 0; i < nr && !err; i++) {
		double sum = 0;

		for (u32 n = 0; n < nr_in; n++)
			sum += log(cost_of(t, &e[i * nr_in + n].result) /
				   t->inputs[n].base_learned);
		costs[i] = exp(sum / nr_in);
	}
	free(e);
	t->nr_tried += nr;
	show_progress(t);
	return err;
}

/* Cost on calls that were not learned from, over that of the defaults */
static int validate(struct tune *t)
{
	struct qn_sim_episode *e = qn_xrealloc(NULL, 2 * sizeof(*e));
	double sum = 0;
	u32 nr = 0;
	int err = 0;

	for (u32 i = 0; i < t->nr && !err; i++) {
		const struct input *in = &t->inputs[i];
		double cost, learned;

		if (in->nr_learned == in->trace.nr)
			continue;
		tuned_episode(t, &e[0], in, in->trace.nr, &t->found);
		tuned_episode(t, &e[1], in, max(in->nr_learned, (u64)1),
			      &t->found);
		err = qn_sim_run(e, 2);
		/* What comes first is the same in both, so the difference is the rest */
		learned = in->nr_learned ? cost_of(t, &e[1].result) : 0;
		cost = cost_of(t, &e[0].result) - learned;
		sum += log(cost / (in->base -
				   (in->nr_learned ? in->base_learned : 0)));
		nr++;
	}
	t->validated = nr ? exp(sum / nr) : 1;
	free(e);
	return err;
}

/* Other classes, if they cost less by @gain */
static int try_sizes(struct tune *t, const u32 *sizes, u32 nr, double gain)
{
	u32 kept[QN_NR_CLASSES], nr_kept = t->nr_sizes;
	double cost;
	int err;

	memcpy(kept, t->sizes, sizeof(kept));
	memcpy(t->sizes, sizes, nr * sizeof(*sizes));
	t->nr_sizes = nr;
	err = costs_of(t, &t->found, 1, &cost);
	if (!err && cost < t->learned * (1 - gain)) {
		t->learned = cost;
		return 0;
	}
	memcpy(t->sizes, kept, sizeof(kept));
	t->nr_sizes = nr_kept;
	return err;
}

/* Those of the profile, or none: fewer settings are better ones */
static int find_sizes(struct tune *t)
{
	u32 sizes[QN_NR_CLASSES], nr = 0;
	struct qn_merged m;
	int err = 0;

	qn_merged_init(&m);
	if (t->profile) {
		err = qn_merged_read(&m, t->profile, 1);
		nr = qn_merged_promoted(&m, sizes, ARRAY_SIZE(sizes));
	}
	if (!err && nr)
		err = try_sizes(t, sizes, nr, QN_SEARCH_GAIN);
	if (!err && t->nr_sizes)
		err = try_sizes(t, sizes, 0, -QN_SEARCH_GAIN);
	qn_merged_exit(&m);
	return err;
}

static int tune_process(struct tune *t)
{
	struct qn_search s = {
		.preset = &t->conf.knobs,
		.bytes = sizeof(t->found),
		.seed = t->seed,
		.tries = t->tries,
		.cost = costs_of,
		.data = t,
	};
	int err;

	t->nr_knobs = qn_tuned_knobs(t->knobs);
	s.knobs = t->knobs;
	s.nr = t->nr_knobs;
	err = find_base(t);
	if (!err)
		err = qn_search_run(&s, &t->found, &t->learned);
	if (!err)
		err = find_sizes(t);
	if (!err)
		err = validate(t);
	return err;
}

/* ---- costs of a heap of one's own ---- */

static int heap_costs_of(void *data, const void *sets, u32 nr, double *costs)
{
	struct tune *t = data;
	const struct qn_heap_knobs *knobs = sets;

	for (u32 i = 0; i < nr; i++) {
		double sum = 0;

		for (u32 n = 0; n < t->nr_learners; n++) {
			const struct input *in = &t->inputs[n];

			sum += log(qn_heap_cost(&in->trace, in->nr_learned,
						t->heap, &knobs[i]) /
				   in->base_learned);
			if (qn_interrupted())
				return -EINTR;
		}
		costs[i] = exp(sum / t->nr_learners);
	}
	t->nr_tried += nr;
	show_progress(t);
	return 0;
}

static int find_heap_base(struct tune *t)
{
	for (u32 i = 0; i < t->nr; i++) {
		struct input *in = &t->inputs[i];

		in->base =
			qn_heap_cost(&in->trace, in->trace.nr, t->heap, NULL);
		in->base_learned =
			qn_heap_cost(&in->trace, in->nr_learned, t->heap, NULL);
		if (in->base < QN_HEAP_COST_FAILED)
			continue;
		qn_error("%s does not fit into a heap of %s; give more, or cut "
			 "the trace first: quern trace cut",
			 in->trace.path, qn_text_size(t->heap).s);
		return -ENOMEM;
	}
	return 0;
}

static void validate_heap(struct tune *t)
{
	double sum = 0;
	u32 nr = 0;

	for (u32 i = 0; i < t->nr; i++) {
		const struct input *in = &t->inputs[i];

		if (in->nr_learned == in->trace.nr)
			continue;
		/* All of it, since a heap has to serve all of it */
		sum += log(qn_heap_cost(&in->trace, in->trace.nr, t->heap,
					&t->found_heap) /
			   in->base);
		nr++;
	}
	t->validated = nr ? exp(sum / nr) : 1;
}

static int tune_heap(struct tune *t)
{
	const struct qn_search s = {
		.knobs = heap_knobs,
		.nr = ARRAY_SIZE(heap_knobs),
		.preset = &qn_heap_knobs_preset,
		.bytes = sizeof(t->found_heap),
		.seed = t->seed,
		.tries = t->tries,
		.cost = heap_costs_of,
		.data = t,
	};
	int err = find_heap_base(t);

	if (!err)
		err = qn_search_run(&s, &t->found_heap, &t->learned);
	if (!err)
		validate_heap(t);
	return err;
}

/* ---- files ---- */

static int load_one(struct tune *t, const char *path, bool is_learned)
{
	struct input *in = &t->inputs[t->nr];
	int err = qn_sim_load(&in->trace, path, t->events);

	if (err)
		return err;
	t->nr++;
	if (is_learned)
		in->nr_learned = t->validate ?
					 in->trace.nr :
					 in->trace.nr * LEARNED_TENTHS / 10;
	if (is_learned && !in->nr_learned) {
		qn_error("%s has too few calls to learn from", path);
		return -EINVAL;
	}
	return 0;
}

static int load(struct tune *t)
{
	int err = 0;

	t->inputs = calloc(t->files.nr + 1, sizeof(*t->inputs));
	if (!t->inputs)
		return -ENOMEM;
	for (u32 i = 0; i < t->files.nr && !err; i++)
		err = load_one(t, t->files.at[i], true);
	t->nr_learners = t->nr;
	if (!err && t->validate)
		err = load_one(t, t->validate, false);
	return err;
}

static void unload(struct tune *t)
{
	for (u32 i = 0; i < t->nr; i++)
		qn_sim_unload(&t->inputs[i].trace);
	free(t->inputs);
	free(t->files.at);
	free(t->settings);
}

static void put_provenance(const struct tune *t, FILE *out)
{
	fprintf(out, "quern tune %d.%d.%d, seed %llu, %u settings tried\n",
		QN_VERSION_MAJOR, QN_VERSION_MINOR, QN_VERSION_PATCH,
		(unsigned long long)t->seed, t->nr_tried);
	for (u32 i = 0; i < t->nr; i++) {
		const struct input *in = &t->inputs[i];

		fprintf(out,
			"trace %s, crc32 %08x, %llu calls, learned from %llu\n",
			in->trace.name, in->trace.sum,
			(unsigned long long)in->trace.nr,
			(unsigned long long)in->nr_learned);
	}
	if (t->heap)
		fprintf(out, "a heap of %llu bytes; ",
			(unsigned long long)t->heap);
	else
		fprintf(out, "price %g; ", (double)t->conf.knobs.price / 1000);
	fprintf(out,
		"cost over that of the defaults: %.4f learned, %.4f "
		"validated\n",
		t->learned, t->validated);
}

static int write_file(const struct tune *t)
{
	struct qn_tuned tuned = {
		.knobs = t->heap ? heap_knobs : t->knobs,
		.nr_knobs = t->heap ? ARRAY_SIZE(heap_knobs) : t->nr_knobs,
		.set = t->heap ? (const void *)&t->found_heap : &t->found,
		.sizes = t->sizes,
		.nr_sizes = t->heap ? 0 : t->nr_sizes,
	};
	char *comments = NULL;
	size_t size;
	FILE *text = open_memstream(&comments, &size);
	FILE *out = text ? qn_stream_out(t->output) : NULL;
	int err;

	if (!out) {
		err = -errno;
		qn_error_write(t->output, -errno);
		if (text)
			fclose(text);
		free(comments);
		return err;
	}
	put_provenance(t, text);
	fclose(text);
	tuned.comments = comments;
	if (qn_tuned_is_header(t->output))
		qn_tuned_write_header(out, &tuned);
	else
		qn_tuned_write(out, &tuned);
	free(comments);
	err = qn_stream_close(out, t->output);
	if (err)
		qn_error_write(t->output, err);
	return err;
}

/* ---- the command ---- */

static int read_price(struct tune *t)
{
	char error[QN_CONF_ERROR];

	qn_conf_init(&t->conf);
	if (qn_conf_parse(&t->conf, t->settings, error, sizeof(error))) {
		qn_error("%s", error);
		return -EINVAL;
	}
	if (!t->heap && qn_tuned_is_header(t->output)) {
		qn_error("a header is for firmware; say how large its heap is: "
			 "--heap=128K");
		return -EINVAL;
	}
	return 0;
}

static bool wins(const struct tune *t)
{
	return t->validated < 1 - QN_SEARCH_GAIN &&
	       t->learned < 1 - QN_SEARCH_GAIN;
}

/* What differs from the defaults, by name */
static json_t *make_knobs(const struct tune *t)
{
	const struct qn_search_knob *knobs = t->heap ? heap_knobs : t->knobs;
	u32 nr = t->heap ? ARRAY_SIZE(heap_knobs) : t->nr_knobs;
	const void *set = t->heap ? (const void *)&t->found_heap : &t->found;
	json_t *o = json_object();

	for (u32 i = 0; i < nr; i++) {
		size_t value = qn_search_get(&knobs[i], set);

		if (value != knobs[i].preset)
			qn_json_number(o, knobs[i].name, value);
	}
	return o;
}

static json_t *make_sizes(const struct tune *t)
{
	json_t *list = json_array();

	for (u32 i = 0; i < t->nr_sizes && !t->heap; i++)
		json_array_append_new(list, json_integer(t->sizes[i]));
	return list;
}

static void print_json(const struct tune *t)
{
	json_t *o = json_object();

	qn_json_number(o, "format", FORMAT);
	json_object_set_new(o, "written",
			    qn_json_text(wins(t) ? t->output : NULL));
	qn_json_known(o, "heap", t->heap, t->heap);
	qn_json_number(o, "tried", t->nr_tried);
	json_object_set_new(o, "learned", json_real(t->learned));
	json_object_set_new(o, "validated", json_real(t->validated));
	json_object_set_new(o, "knobs", wins(t) ? make_knobs(t) : json_null());
	json_object_set_new(o, "sizes", wins(t) ? make_sizes(t) : json_null());
	qn_json_print(qn_stream_beside(t->output), o);
}

static void print_text(const struct tune *t)
{
	FILE *out = qn_stream_beside(t->output);

	fprintf(out,
		"%u settings tried; cost over that of the defaults: %.3f where "
		"learned, %.3f where validated\n",
		t->nr_tried, t->learned, t->validated);
	if (!wins(t))
		fprintf(out, "The defaults are best; %s is not written.\n",
			t->output);
	else if (t->heap)
		fprintf(out, "%s is written.\n", t->output);
	else
		fprintf(out,
			"%s is written; to use it: "
			"QUERN_CONF=policy:tuned,tuned:%s\n",
			t->output, t->output);
}

static int conclude(const struct tune *t)
{
	int err = wins(t) ? write_file(t) : 0;

	if (err)
		return err;
	if (t->is_json)
		print_json(t);
	else
		print_text(t);
	return 0;
}

static int tune_main(const struct qn_command *command, int argc, char **argv)
{
	struct tune t = { .nr = 0 };
	int err;

	(void)argc;
	err = qn_options_read(command, argv, &t);
	if (err)
		goto out;
	qn_interrupt_catch();
	t.shown_ns = qn_clock_ns();
	err = read_price(&t);
	if (!err)
		err = load(&t);
	if (!err)
		err = t.heap ? tune_heap(&t) : tune_process(&t);
	qn_progress_clear();
	if (!err)
		err = conclude(&t);
out:
	unload(&t);
	if (qn_interrupted()) {
		qn_error("interrupted; nothing was written");
		qn_launch_end_like(qn_interrupted());
	}
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option tune_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct tune, output), .is_needed = true, .help =
	  "Where the settings go; a name that ends in .h makes a C header for firmware." },
	{ "validate", 0, "TRACE", QN_TEXT(struct tune, validate), .help =
	  "Another run of the program, on other input; by default the last three tenths "
	  "of each trace are not learned from, and serve for that." },
	{ "profile", 0, "FILE", QN_TEXT(struct tune, profile), .help =
	  "A profile of quern merge, whose classes are tried, too." },
	{ "price", 0, "GB-SECONDS", QN_SETTING(struct tune, settings), .key = "price:",
	  .help = "GB-seconds of memory that a CPU-second is worth; by default as the setting "
	  "price has it." },
	{ "heap", 0, "BYTES", QN_SIZE(struct tune, heap), .least = 1024,
	  .most = (u64)1 << 30, .help =
	  "For firmware: a heap of BYTES instead of a process." },
	{ "tries", 0, "N", QN_NUMBER(struct tune, tries), .least = 1, .most = 100000,
	  .preset = "300", .help = "About how many settings are tried." },
	{ "seed", 0, "N", QN_NUMBER(struct tune, seed), .preset = "1", .help =
	  "The same seed tries the same settings." },
	{ "events", 0, "N", QN_SIZE(struct tune, events), .least = 1000,
	  .preset = "2M", .help = "Read at most N calls of each trace." },
	{ "json", 0, NULL, QN_FLAG(struct tune, is_json), .help =
	  "Print what was found as a JSON object; its keys stay as they are." },
	{ "a trace", 0, NULL, QN_OPERANDS(struct tune, files), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_tune = {
	.name = "tune",
	.brief =
		"find the settings with which the heap costs least for a program",
	.synopsis = "[OPTIONS] -o FILE TRACES",
	.about =
		"Looks for the settings with which the heap costs least for a "
		"program: knobs, and sizes that get a class of their own. The "
		"cost is CPU time of malloc and free, and memory at its price. "
		"Each setting is tried by a replay of each trace. Settings are "
		"written only if they are cheaper than the defaults, also on "
		"calls that the search did not see.",
	.json = "The keys are format, written (the file; null where the "
		"defaults are best), heap (of firmware), tried, learned and "
		"validated (cost over that of the defaults), knobs (those that "
		"differ from the defaults, by name) and sizes (that get a class "
		"of their own). On standard error where the settings go to "
		"standard output.",
	.options = tune_options,
	.run = tune_main,
};
