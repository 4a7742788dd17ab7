// SPDX-License-Identifier: MIT
/*
 * report-json.c - what a run of a program looked like, for other programs.
 *
 * Sizes are bytes, times are seconds unless the key ends in a unit. A figure that
 * is not known is null, never 0. Keys are stable: see QN_REPORT_FORMAT.
 */
#define _GNU_SOURCE 1
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>
#include "learn/controller.h"
#include "learn/presets.h"
#include "quern.h"
#include "report.h"
#include "command/base/json.h"
#include "command/base/symbols.h"
#include "command/base/text.h"

#define STRINGIFY(x)    #x
#define DOTTED(a, b, c) STRINGIFY(a) "." STRINGIFY(b) "." STRINGIFY(c)

/* 0 stands for "not recorded" in the page */
static void put_known(json_t *object, const char *key, u64 n)
{
	qn_json_known(object, key, n, n != 0);
}

static void put_seconds(json_t *object, const char *key, u64 usec)
{
	qn_json_real(object, key, (double)usec / 1e6);
}

static json_t *make_use(const struct qn_figures *f, const struct qn_use *use)
{
	json_t *o = json_object();

	qn_json_number(o, "live", use->live);
	qn_json_known(o, "internal", use->internal, f->sampled);
	qn_json_number(o, "external", use->external);
	qn_json_known(o, "dirty", use->dirty, f->is_whole);
	qn_json_known(o, "metadata", use->metadata, f->is_whole);
	qn_json_known(o, "resident", qn_use_total(use), f->is_whole);
	return o;
}

static json_t *make_entry(const struct qn_entry *e, u64 all_bytes)
{
	json_t *o = json_object();

	qn_json_put(o, "kind", json_string(e->osize ? "slab" : "direct"));
	put_known(o, "object_size", e->osize);
	qn_json_bool(o, "promoted", e->promoted);
	qn_json_put(o, "mean_requested",
		    e->asked_allocs ?
			    json_real(e->asked / 16 / (double)e->asked_allocs) :
			    json_null());
	qn_json_number(o, "allocations", e->nr_allocs);
	qn_json_number(o, "allocated_bytes", e->bytes);
	qn_json_real(o, "share_of_bytes",
		     all_bytes ? (double)e->bytes / (double)all_bytes : 0);
	qn_json_number(o, "live", e->live);
	qn_json_number(o, "carved", e->carved);
	qn_json_number(o, "peak_carved", e->peak);
	return o;
}

static json_t *make_table(const struct qn_figures *f)
{
	struct qn_entry total = qn_figures_total(f);
	json_t *o = json_object(), *entries = json_array();
	unsigned int i;

	for (i = 0; i < f->nr_entries; i++)
		json_array_append_new(entries,
				      make_entry(&f->entries[i], total.bytes));
	qn_json_number(o, "generation", f->generation);
	qn_json_put(o, "entries", entries);
	return o;
}

static const char *action_name(unsigned int action)
{
	switch (action) {
	case QN_ACTION_PROMOTE:
		return "promote";
	case QN_ACTION_KNOBS:
		return "knobs";
	case QN_ACTION_DEMOTE:
		return "demote";
	default:
		return "other";
	}
}

static json_t *make_event(const struct qn_event *event, u64 start)
{
	const struct qn_stats_change *c = &event->change;
	json_t *o = json_object();

	put_seconds(o, "at_seconds",
		    event->usec > start ? event->usec - start : 0);
	qn_json_put(o, "program", qn_json_text(event->exe));
	qn_json_put(o, "action", json_string(action_name(c->action)));
	qn_json_number(o, "size", c->size);
	qn_json_number(o, "expected_gain", c->gain);
	qn_json_number(o, "generation", c->generation);
	return o;
}

static json_t *preset_name(unsigned int preset)
{
	if (preset >= QN_NR_PRESETS)
		return json_null();
	return json_string(qn_preset_names[preset]);
}

static json_t *make_decision(const struct qn_stats_decision *d)
{
	json_t *o = json_object(), *in = json_array();

	put_seconds(o, "at_seconds", d->usec);
	qn_json_put(o, "chosen", preset_name(d->action));
	qn_json_put(o, "in_force", preset_name(d->preset));
	qn_json_bool(o, "leads", d->phase);
	qn_json_real(o, "cost", d->cost / 1024.0);
	qn_json_real(o, "gain", d->gain / 1024.0);
	qn_json_real(o, "ahead", d->ahead / 1024.0);
	for (unsigned int i = 0; i < QN_STATS_INPUTS; i++)
		json_array_append_new(in, json_integer(d->in[i]));
	qn_json_put(o, "inputs", in);
	return o;
}

/* Null of a policy that does not choose among presets */
static json_t *make_choices(const struct qn_figures *f)
{
	json_t *o, *last;

	if (!f->decisions.nr)
		return json_null();
	o = json_object();
	last = json_array();
	qn_json_number(o, "choices", f->decisions.nr);
	qn_json_number(o, "departed", f->decisions.nr_departed);
	qn_json_number(o, "changes", f->decisions.nr_changes);
	qn_json_number(o, "reverts", f->decisions.nr_reverts);
	for (unsigned int i = 0; i < qn_figures_nr_decisions(f); i++)
		json_array_append_new(last,
				      make_decision(qn_figures_decision(f, i)));
	qn_json_put(o, "last", last);
	return o;
}

static json_t *make_controller(const struct qn_figures *f)
{
	json_t *o = json_object(), *changes = json_array();
	unsigned int i;

	for (i = 0; i < f->nr_events; i++)
		json_array_append_new(changes,
				      make_event(&f->events[i], f->start_usec));
	qn_json_put(o, "policy", qn_json_text(f->policy));
	qn_json_number(o, "nr_changes", f->nr_changes);
	qn_json_put(o, "changes", changes);
	qn_json_put(o, "presets", make_choices(f));
	qn_json_number(o, "slices", f->nr_slices);
	qn_json_number(o, "samples", f->nr_samples);
	qn_json_real(o, "cost_seconds", (double)f->sample_ns / 1e9);
	return o;
}

static json_t *make_ages(const u64 *bytes)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < QN_STATS_LIVES; i++)
		json_array_append_new(list, json_integer((json_int_t)bytes[i]));
	return list;
}

static json_t *make_life(const struct qn_stats_life *life, unsigned int group)
{
	json_t *o = json_object();

	if (group < QN_STATS_LIFE_GROUPS - 1)
		qn_json_number(o, "size_max", (u64)32 << 2 * group);
	else
		qn_json_put(o, "size_max", json_null());
	qn_json_number(o, "ended", life->nr_ended);
	qn_json_put(o, "ended_bytes_by_age_in_bytes",
		    make_ages(life->by_bytes));
	qn_json_put(o, "ended_bytes_by_age_in_time", make_ages(life->by_time));
	qn_json_number(o, "live", life->nr_live);
	qn_json_number(o, "live_bytes", life->live);
	qn_json_number(o, "grown", life->nr_grown);
	qn_json_number(o, "shrunk", life->nr_shrunk);
	qn_json_number(o, "grown_from", life->grown_from);
	qn_json_number(o, "grown_to", life->grown_to);
	return o;
}

static json_t *make_lives(const struct qn_figures *f)
{
	json_t *o = json_object(), *sizes = json_array();
	unsigned int i;

	for (i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		json_array_append_new(sizes, make_life(&f->lives[i], i));
	qn_json_number(o, "age_bytes", QN_STATS_LIFE_BYTES);
	qn_json_real(o, "age_seconds", QN_STATS_LIFE_MS / 1e3);
	qn_json_put(o, "sizes", sizes);
	return o;
}

/* @sum in 1/QN_STATS_ONE of each of @nr */
static json_t *make_mean(u64 sum, u64 nr)
{
	return json_real((double)sum / QN_STATS_ONE / (double)nr);
}

static json_t *make_waste(const struct qn_stats_waste *sum, u64 nr)
{
	json_t *o = json_object();

	qn_json_put(o, "internal", make_mean(sum->internal, nr));
	qn_json_put(o, "external", make_mean(sum->external, nr));
	qn_json_put(o, "dirty", make_mean(sum->dirty, nr));
	qn_json_put(o, "metadata", make_mean(sum->metadata, nr));
	return o;
}

static json_t *make_slope(s64 slope)
{
	return json_real((double)slope / (1 << QN_STATS_SLOPE));
}

/* Bytes an epoch, of the last ones */
static void put_slopes(json_t *o, const struct qn_stats_trend *t)
{
	qn_json_put(o, "live_slope", make_slope(t->live_slope));
	qn_json_put(o, "peak_slope", make_slope(t->peak_slope));
	qn_json_put(o, "returned_slope", make_slope(t->purged_slope));
	qn_json_put(o, "wanted_back_slope", make_slope(t->refaults_slope));
}

/* Shares: means over all epochs, and those of the last one of a program that is alone */
static void put_shares(json_t *o, const struct qn_stats_trend *t, bool is_alone)
{
	u64 nr = t->nr_epochs;

	qn_json_put(o, "live_of_peak_mean", make_mean(t->sum_live_of_peak, nr));
	qn_json_put(o, "shift_mean", make_mean(t->sum_shift, nr));
	qn_json_put(o, "shift_most", make_mean(t->most_shift, 1));
	qn_json_put(o, "waste_mean", make_waste(&t->sum_waste, nr));
	qn_json_put(o, "live_of_peak",
		    is_alone ? make_mean(t->live_of_peak, 1) : json_null());
	qn_json_put(o, "shift",
		    is_alone ? make_mean(t->shift, 1) : json_null());
	qn_json_put(o, "waste",
		    is_alone ? make_waste(&t->waste, 1) : json_null());
}

static json_t *make_trend(const struct qn_figures *f)
{
	const struct qn_stats_trend *t = &f->trend;
	json_t *o;

	if (!t->nr_epochs)
		return json_null();
	o = json_object();
	qn_json_number(o, "epochs", t->nr_epochs);
	qn_json_real(o, "epoch_seconds", QN_TREND_MS / 1e3);
	qn_json_number(o, "growing", t->nr_growing);
	qn_json_number(o, "shrinking", t->nr_shrinking);
	put_slopes(o, t);
	put_shares(o, t, f->nr_programs == 1);
	return o;
}

static json_t *make_returned(const struct qn_figures *f)
{
	json_t *o = json_object();

	qn_json_number(o, "bytes", f->purged);
	qn_json_number(o, "calls", f->nr_purges);
	qn_json_number(o, "wanted_back", f->refaults);
	return o;
}

static json_t *make_pressure(const struct qn_figures *f)
{
	json_t *o = json_object();

	qn_json_real(o, "now", qn_figures_level(f->pressure));
	qn_json_real(o, "highest", qn_figures_level(f->most_pressure));
	qn_json_put(o, "from", json_string(qn_figures_pressure_source(f)));
	return o;
}

static const char *state_name(const struct qn_figures *f)
{
	if (f->replaced)
		return "replaced";
	if (f->nr_running && f->nr_programs == 1)
		return "running";
	return f->finished ? "exited" : "ended";
}

/* Known only of a program that is alone and ran its exit handlers */
static void put_times(json_t *o, const struct qn_figures *f)
{
	bool known = f->nr_programs == 1 && f->end_usec > f->start_usec;

	qn_json_put(
		o, "wall_seconds",
		known ? json_real((double)(f->end_usec - f->start_usec) / 1e6) :
			json_null());
	qn_json_put(o, "cpu_seconds",
		    known ? json_real((double)f->cpu_usec / 1e6) : json_null());
	put_known(o, "peak_resident", known ? f->peak_resident : 0);
}

static void put_counts(json_t *o, const struct qn_figures *f)
{
	qn_json_number(o, "processes", f->nr_processes);
	qn_json_number(o, "programs", f->nr_programs);
	qn_json_number(o, "still_running", f->nr_running);
	qn_json_number(o, "peak_live", f->peak_live);
	qn_json_bool(o, "peak_live_exact", f->exact & QN_STATS_EXACT_PEAK);
	put_known(o, "peak_used", f->peak_used);
	qn_json_number(o, "allocations", f->nr_allocs);
	qn_json_bool(o, "allocations_exact", f->exact & QN_STATS_EXACT_COUNT);
	qn_json_number(o, "failed", f->nr_failed);
	qn_json_number(o, "threads", f->nr_threads_total);
	qn_json_number(o, "remote_frees", f->nr_remote);
}

static json_t *make_engine(const struct qn_stats_engine *e)
{
	json_t *o = json_object();

	qn_json_put(o, "name", qn_json_text(*e->name ? e->name : "quern"));
	if (!*e->name)
		return o;
	qn_json_number(o, "asked", e->asked);
	qn_json_number(o, "served", e->served);
	qn_json_number(o, "quern_would_serve", e->by_table);
	qn_json_number(o, "address_space", e->size);
	return o;
}

/* A return address, with the functions that are inlined there, the innermost first */
static json_t *make_frame(struct qn_symbols *symbols, const char *module,
			  u64 offset)
{
	struct qn_symbols_frame found[QN_SYMBOLS_INLINED];
	u32 nr = qn_symbols_find(symbols, module, offset, found);
	json_t *o = json_object(), *lines = json_array();
	char text[512];

	qn_symbols_text(symbols, module, offset, QN_SYMBOLS_SHORT, text,
			sizeof(text));
	qn_json_put(o, "function", qn_json_text(text));
	qn_json_put(o, "module", module ? qn_json_text(module) : json_null());
	qn_json_number(o, "offset", offset);
	for (u32 i = 0; i < nr; i++) {
		json_t *line = json_object();

		qn_json_put(line, "name", qn_json_text(found[i].function));
		qn_json_put(line, "file",
			    found[i].file ? qn_json_text(found[i].file) :
					    json_null());
		qn_json_put(line, "line",
			    found[i].file ? json_integer(found[i].line) :
					    json_null());
		json_array_append_new(lines, line);
	}
	qn_json_put(o, "source", lines);
	return o;
}

static json_t *make_stack(const struct qn_sitelist *list,
			  struct qn_symbols *symbols, u32 site)
{
	json_t *stack = json_array();
	u32 nr;
	const struct qn_trace_frame *f =
		qn_stacks_frames(&list->stacks, site, &nr);

	for (u32 i = 0; i < nr; i++)
		json_array_append_new(
			stack, make_frame(symbols,
					  qn_stacks_name(&list->stacks, &f[i]),
					  f[i].offset));
	return stack;
}

static json_t *make_sites(const struct qn_figures *f)
{
	const struct qn_sitelist *list = &f->sites;
	const struct qn_sitelist_sum *sum = NULL;
	struct qn_symbols symbols;
	json_t *o, *sites;

	if (!list->is_kept)
		return json_null();
	sites = json_array();
	qn_symbols_init(&symbols, "", 0);
	while ((sum = qn_sitelist_next(list, sum, QN_SITES_BY_BYTES))) {
		o = json_object();
		qn_json_number(o, "bytes", sum->bytes);
		qn_json_number(o, "samples", sum->nr);
		qn_json_number(o, "live_bytes", sum->live);
		qn_json_number(o, "live_samples", sum->nr_live);
		qn_json_number(o, "brief_bytes", sum->brief);
		qn_json_put(o, "stack", make_stack(list, &symbols, sum->site));
		json_array_append_new(sites, o);
	}
	qn_symbols_exit(&symbols);
	o = json_object();
	qn_json_number(o, "no_room_bytes", list->full_bytes);
	qn_json_number(o, "no_stack_bytes", list->unknown_bytes);
	qn_json_number(o, "unfollowed_bytes", list->unfollowed);
	qn_json_put(o, "sites", sites);
	return o;
}

static json_t *make_heap(const struct qn_figures *f)
{
	json_t *o = json_object();

	qn_json_put(o, "program", qn_json_text(f->exe));
	qn_json_number(o, "pid", f->pid);
	qn_json_put(o, "state", json_string(state_name(f)));
	put_times(o, f);
	put_counts(o, f);
	qn_json_put(o, "at_peak", make_use(f, &f->at_peak));
	qn_json_put(o, "at_resident_peak", make_use(f, &f->at_resident));
	qn_json_put(o, "at_end", make_use(f, &f->at_end));
	qn_json_put(o, "table", make_table(f));
	qn_json_put(o, "controller", make_controller(f));
	qn_json_put(o, "lives", make_lives(f));
	qn_json_put(o, "trend", make_trend(f));
	qn_json_put(o, "call_sites", make_sites(f));
	qn_json_put(o, "returned", make_returned(f));
	qn_json_put(o, "pressure", make_pressure(f));
	qn_json_put(o, "engine", make_engine(&f->engine));
	return o;
}

static json_t *make_status(int status)
{
	json_t *o = json_object();

	if (WIFEXITED(status)) {
		qn_json_number(o, "exit", (u64)WEXITSTATUS(status));
		qn_json_put(o, "signal", json_null());
	} else {
		qn_json_put(o, "exit", json_null());
		qn_json_number(o, "signal", (u64)WTERMSIG(status));
	}
	return o;
}

static void put_outcome(json_t *o, const struct qn_outcome *outcome)
{
	qn_json_number(o, "pid", (u64)outcome->pid);
	qn_json_put(o, "status", make_status(outcome->status));
	put_seconds(o, "wall_seconds", outcome->wall_usec);
	put_seconds(o, "user_seconds", qn_usec(outcome->usage.ru_utime));
	put_seconds(o, "system_seconds", qn_usec(outcome->usage.ru_stime));
	qn_json_number(o, "peak_resident", qn_usage_peak(&outcome->usage));
}

static json_t *make_other_run(const struct qn_outcome *outcome)
{
	json_t *o = json_object();

	put_outcome(o, outcome);
	return o;
}

static void put_pages(json_t *o, const struct qn_report *report)
{
	static const char *const modes[] = {
		[QN_CHILDREN_SUM] = "sum",
		[QN_CHILDREN_EACH] = "each",
		[QN_CHILDREN_NONE] = "none",
	};
	const struct qn_run_pages *pages = report->pages;
	json_t *heaps = json_array();
	unsigned int i;

	for (i = 0; i < pages->nr; i++)
		json_array_append_new(heaps, make_heap(&pages->figures[i]));
	qn_json_bool(o, "library_loaded", pages->has_own);
	qn_json_put(o, "obstacle",
		    pages->has_own ? json_null() :
				     qn_json_text(report->obstacle));
	qn_json_number(o, "unread_pages", pages->nr_unread);
	qn_json_put(o, "children", json_string(modes[pages->children]));
	qn_json_put(o, "heaps", heaps);
}

void qn_report_json(FILE *out, const struct qn_report *report)
{
	json_t *o = json_object();

	qn_json_number(o, "format", QN_REPORT_FORMAT);
	qn_json_put(o, "quern",
		    json_string(DOTTED(QN_VERSION_MAJOR, QN_VERSION_MINOR,
				       QN_VERSION_PATCH)));
	qn_json_put(o, "command", qn_json_texts(report->argv, UINT32_MAX));
	put_outcome(o, report->outcome);
	qn_json_put(
		o, "on_quern",
		report->compare ?
			make_other_run(&qn_compare_cell(report->compare, 0, 0)
						->outcome) :
			json_null());
	put_pages(o, report);
	qn_json_print(out, o);
}
