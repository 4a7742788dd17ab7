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

	qn_json_real(ratio, "ratio", i->ratio);
	qn_json_put(ratio, "low",
		    i->has_bounds ? json_real(i->low) : json_null());
	qn_json_put(ratio, "high",
		    i->has_bounds ? json_real(i->high) : json_null());
	qn_json_put(ratio, "is_real",
		    i->has_bounds ? json_boolean(qn_interval_is_real(i)) :
				    json_null());
	return ratio;
}

static json_t *make_measure(const struct qn_trial *t, u32 s,
			    const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_ratio(t, s, m);
	double value = qn_shown_value(t, s, m);
	json_t *measure = json_object();

	qn_json_put(measure, "median",
		    value > 0 ? json_real(value) : json_null());
	qn_json_put(measure, "rounds", make_values(t, s, m));
	qn_json_put(measure, "to_first",
		    s && i.is_known ? make_ratio(&i) : json_null());
	return measure;
}

static json_t *make_candidate(const struct qn_trial *t, u32 s)
{
	const struct qn_candidate *c = &t->who.at[s];
	const char *failed = qn_compare_cell(&t->compare, 0, s)->failed;
	json_t *one = json_object();

	qn_json_put(one, "given", qn_json_text(c->given));
	qn_json_put(one, "name", qn_json_text(c->name));
	qn_json_put(one, "allocator", qn_json_text(c->which.name));
	qn_json_put(one, "version",
		    qn_json_text(*c->which.version ? c->which.version : NULL));
	qn_json_put(one, "library", qn_json_text(c->library));
	qn_json_put(one, "settings", qn_json_text(c->settings));
	qn_json_put(one, "failed", qn_json_text(failed));
	qn_json_put(one, "output_differs_from", qn_json_text(t->differs[s]));
	for (u32 i = 0; i < QN_NR_SHOWN; i++)
		qn_json_put(one, qn_shown[i].key,
			    failed ? json_null() :
				     make_measure(t, s, &qn_shown[i]));
	return one;
}

void qn_show_json(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f)
{
	json_t *root = json_object(), *list = json_array();

	for (u32 s = 0; s < t->who.nr; s++)
		json_array_append_new(list, make_candidate(t, s));
	qn_json_number(root, "format", QN_COMPARE_FORMAT);
	qn_json_put(root, "program", qn_json_texts(t->argv, UINT32_MAX));
	qn_json_put(root, "until", qn_json_text(t->load.command));
	qn_json_number(root, "rounds", t->compare.nr_done);
	qn_json_number(root, "rounds_wanted", t->nr_rounds);
	qn_json_put(root, "candidates", list);
	qn_json_put(root, "fastest", qn_json_text(f->fastest));
	qn_json_put(root, "leanest", qn_json_text(f->leanest));
	qn_json_put(root, "advice", qn_json_text(f->advice));
	qn_json_put(root, "losses", qn_json_text(f->losses));
	qn_json_put(root, "notes", qn_json_texts(f->notes, f->nr_notes));
	qn_json_print(out, root);
}
