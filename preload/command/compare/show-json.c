// SPDX-License-Identifier: MIT
/*
 * show-json.c - a trial for other programs.
 *
 * Sizes are bytes, times are seconds. A figure that is not known is null.
 */
#define _GNU_SOURCE 1
#include <jansson.h>
#include <stdlib.h>
#include "command/base/json.h"
#include "command/base/text.h"
#include "show.h"

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *make_values(const struct qn_trial *t, u32 s,
			   const struct qn_shown *m)
{
	const u64 *values =
		qn_compare_cell(&t->compare, 0, s)->round[m->measure];
	json_t *list = json_array();

	for (u32 i = 0; i < t->compare.nr_done; i++)
		json_array_append_new(
			list, m->is_time ? json_real((double)values[i] / 1e6) :
					   json_integer((json_int_t)values[i]));
	return list;
}

static json_t *make_ratio(const struct qn_interval *i)
{
	json_t *ratio = json_object();

	put(ratio, "ratio", json_real(i->ratio));
	put(ratio, "low", i->has_bounds ? json_real(i->low) : json_null());
	put(ratio, "high", i->has_bounds ? json_real(i->high) : json_null());
	put(ratio, "is_real",
	    i->has_bounds ? json_boolean(qn_interval_is_real(i)) : json_null());
	return ratio;
}

static json_t *make_measure(const struct qn_trial *t, u32 s,
			    const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_ratio(t, s, m);
	double value = qn_shown_value(t, s, m);
	json_t *measure = json_object();

	put(measure, "median", value > 0 ? json_real(value) : json_null());
	put(measure, "rounds", make_values(t, s, m));
	put(measure, "to_first",
	    s && i.is_known ? make_ratio(&i) : json_null());
	return measure;
}

static json_t *make_candidate(const struct qn_trial *t, u32 s)
{
	const struct qn_candidate *c = &t->who.at[s];
	const char *failed = qn_compare_cell(&t->compare, 0, s)->failed;
	json_t *one = json_object();

	put(one, "given", qn_json_text(c->given));
	put(one, "name", qn_json_text(c->name));
	put(one, "allocator", qn_json_text(c->which.name));
	put(one, "version",
	    qn_json_text(*c->which.version ? c->which.version : NULL));
	put(one, "library", qn_json_text(c->library));
	put(one, "settings", qn_json_text(c->settings));
	put(one, "failed", qn_json_text(failed));
	put(one, "output_differs_from", qn_json_text(t->differs[s]));
	for (u32 i = 0; i < QN_NR_SHOWN; i++)
		put(one, qn_shown[i].key,
		    failed ? json_null() : make_measure(t, s, &qn_shown[i]));
	return one;
}

static json_t *make_strings(char *const *strings, u32 nr)
{
	json_t *list = json_array();

	for (u32 i = 0; i < nr; i++)
		json_array_append_new(list, qn_json_text(strings[i]));
	return list;
}

void qn_show_json(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f)
{
	json_t *root = json_object(), *list = json_array();
	u32 nr_args = 0;

	while (t->argv[nr_args])
		nr_args++;
	for (u32 s = 0; s < t->who.nr; s++)
		json_array_append_new(list, make_candidate(t, s));
	put(root, "format", json_integer(QN_COMPARE_FORMAT));
	put(root, "program", make_strings(t->argv, nr_args));
	put(root, "until", qn_json_text(t->load.command));
	put(root, "rounds", json_integer(t->compare.nr_done));
	put(root, "rounds_wanted", json_integer(t->nr_rounds));
	put(root, "candidates", list);
	put(root, "fastest", qn_json_text(f->fastest));
	put(root, "leanest", qn_json_text(f->leanest));
	put(root, "advice", qn_json_text(f->advice));
	put(root, "losses", qn_json_text(f->losses));
	put(root, "notes", make_strings(f->notes, f->nr_notes));
	qn_json_print(out, root);
}
