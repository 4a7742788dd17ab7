// SPDX-License-Identifier: MIT
/*
 * findings.c - what a trial says.
 *
 * Who is not behind the best beyond noise shares its place. An allocator that shares both
 * first places is the one to take, and the one that the program has now comes first among
 * them. Where nobody has both, the product of CPU time and memory decides: it is what
 * machines are paid by.
 */
#define _GNU_SOURCE 1
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "command/base/fail.h"
#include "command/base/program.h"
#include "findings.h"

const struct qn_shown qn_shown[QN_NR_SHOWN] = {
	{ QN_CPU, "cpu", "CPU time", QN_UNIT_SECONDS, true },
	{ QN_WALL, "wall", "wall time", QN_UNIT_SECONDS, true },
	{ QN_PEAK, "peak", "peak memory", QN_UNIT_BYTES, false },
	{ QN_AVERAGE, "average", "average memory", QN_UNIT_BYTES, false },
	{ QN_FAULTS, "faults", "page faults", QN_UNIT_PLAIN, false },
};

static const struct qn_shown *const cpu = &qn_shown[0];

/* ---- figures ---- */

static u64 median(const struct qn_trial *t, u32 subject,
		  const struct qn_shown *m)
{
	return qn_compare_median(&t->compare, 0, subject,
				 (enum qn_measure)m->measure);
}

double qn_shown_value(const struct qn_trial *t, u32 subject,
		      const struct qn_shown *m)
{
	return (double)median(t, subject, m) / (m->is_time ? 1e6 : 1);
}

struct qn_text qn_shown_text(const struct qn_trial *t, u32 subject,
			     const struct qn_shown *m)
{
	u64 value = median(t, subject, m);

	if (!value)
		return (struct qn_text){ "-" };
	if (m->is_time)
		return qn_text_time(value);
	return m->unit == QN_UNIT_BYTES ? qn_text_size(value) :
					  qn_text_count(value);
}

struct qn_interval qn_findings_between(const struct qn_trial *t, u32 subject,
				       u32 base, const struct qn_shown *m)
{
	const struct qn_compare *c = &t->compare;

	return qn_interval_ratio(
		qn_compare_cell(c, 0, subject)->round[m->measure],
		qn_compare_cell(c, 0, base)->round[m->measure], c->nr_done);
}

struct qn_interval qn_findings_ratio(const struct qn_trial *t, u32 subject,
				     const struct qn_shown *m)
{
	return qn_findings_between(t, subject, 0, m);
}

static double percent(double ratio)
{
	/* No "-0.0" */
	return round(1000 * (ratio - 1)) / 10 + 0.0;
}

/* Three digits at most: a column has room for no more */
static int digits_of(double value)
{
	return fabs(value) < 9.95 ? 1 : 0;
}

struct qn_text qn_interval_text(const struct qn_interval *i)
{
	double low = percent(i->low), high = percent(i->high);
	struct qn_text t = { "-" };

	if (i->is_known && i->has_bounds)
		snprintf(t.s, sizeof(t.s), "%s%+.*f to %+.*f",
			 qn_interval_is_real(i) ? "" : "~", digits_of(low), low,
			 digits_of(high), high);
	else if (i->is_known)
		snprintf(t.s, sizeof(t.s), "? %+.1f", percent(i->ratio));
	return t;
}

/* ---- who is best ---- */

/* Is @a better by so much that it matters, and surely */
static bool beats(const struct qn_trial *t, u32 a, u32 b,
		  const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_between(t, a, b, m);

	return qn_interval_is_real(&i) && i.ratio < 1 - QN_FINDINGS_LEAST;
}

static u32 find_best(const struct qn_trial *t, const struct qn_shown *m)
{
	u32 best = 0;

	for (u32 s = 1; s < t->who.nr; s++)
		if (qn_trial_takes_part(t, s) &&
		    qn_findings_between(t, s, best, m).ratio < 1)
			best = s;
	return best;
}

/* Not behind the best beyond noise */
static bool is_first(const struct qn_trial *t, u32 s, const struct qn_shown *m)
{
	u32 best = find_best(t, m);

	return qn_trial_takes_part(t, s) &&
	       (s == best || !beats(t, best, s, m));
}

/* What a server has all the time; of a program, the memory that has to be there */
static const struct qn_shown *memory_of(const struct qn_trial *t)
{
	const struct qn_shown *average = &qn_shown[3], *peak = &qn_shown[2];

	if (!t->load.command)
		return peak;
	for (u32 s = 0; s < t->who.nr; s++)
		if (qn_trial_takes_part(t, s) &&
		    !qn_findings_ratio(t, s, average).is_known)
			return peak;
	return average;
}

static double cost_of(const struct qn_trial *t, u32 s)
{
	return qn_findings_ratio(t, s, cpu).ratio *
	       qn_findings_ratio(t, s, memory_of(t)).ratio;
}

/**
 * struct choice - which to take
 * @pick:	the candidate
 * @has_both:	nobody is better in CPU time or in memory
 */
struct choice {
	u32 pick;
	bool has_both;
};

static struct choice choose(const struct qn_trial *t)
{
	const struct qn_shown *memory = memory_of(t);
	struct choice c = { 0, false };
	bool has_both;

	for (u32 s = 0; s < t->who.nr; s++) {
		if (!qn_trial_takes_part(t, s))
			continue;
		has_both = is_first(t, s, cpu) && is_first(t, s, memory);
		if (!s && has_both)
			return (struct choice){ 0, true };
		if (has_both > c.has_both ||
		    (has_both == c.has_both &&
		     cost_of(t, s) < cost_of(t, c.pick)))
			c = (struct choice){ s, has_both };
	}
	return c;
}

/* ---- sentences ---- */

static const char *name_of(const struct qn_trial *t, u32 s)
{
	return t->who.at[s].name;
}

/* Takes @text and gives it back longer */
static char *append(char *text, const char *separator, const char *more)
{
	char *longer = qn_xprintf("%s%s%s", text ? text : "",
				  text ? separator : "", more);

	free(text);
	return longer;
}

static char *list_first(const struct qn_trial *t, const struct qn_shown *m)
{
	u32 best = find_best(t, m), nr = 1;
	char *list = qn_xprintf("%s", name_of(t, best)), *text;

	for (u32 s = 0; s < t->who.nr; s++) {
		if (s == best || !is_first(t, s, m))
			continue;
		list = append(list, ", ", name_of(t, s));
		nr++;
	}
	text = qn_xprintf("Least %s: %s%s.", m->name, list,
			  nr > 1 ? " (what is between these is noise, or less "
				   "than 1 %)" :
				   "");
	free(list);
	return text;
}

/* "12 % less CPU time", "the same CPU time" */
static char *change(const struct qn_trial *t, u32 s, u32 base,
		    const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_between(t, s, base, m);

	if (!i.is_known)
		return qn_xprintf("unknown %s", m->name);
	if (i.has_bounds && !qn_interval_is_real(&i))
		return qn_xprintf("the same %s within noise", m->name);
	return qn_xprintf("%.1f %% %s %s", fabs(percent(i.ratio)),
			  i.ratio < 1 ? "less" : "more", m->name);
}

static char *both_changes(const struct qn_trial *t, u32 s, u32 base)
{
	char *a = change(t, s, base, cpu);
	char *b = change(t, s, base, memory_of(t));
	char *text = qn_xprintf("%s and %s", a, b);

	free(a);
	free(b);
	return text;
}

/* "jemalloc 5.3.0 takes 3 % less CPU time and ..."; NULL: @s is @pick */
static char *alternative(const struct qn_trial *t, u32 s, u32 pick,
			 const struct qn_shown *m)
{
	char *changes, *text;

	if (s == pick)
		return NULL;
	changes = both_changes(t, s, pick);
	text = qn_xprintf(" Where %s alone counts: %s, with %s than %s.",
			  m->name, name_of(t, s), changes, name_of(t, pick));
	free(changes);
	return text;
}

static char *advise_both(const struct qn_trial *t, u32 pick)
{
	char *changes, *text;

	if (!pick)
		return qn_xprintf("Stay with %s: no other takes less CPU time "
				  "or less memory beyond noise.",
				  name_of(t, 0));
	changes = both_changes(t, pick, 0);
	text = qn_xprintf("Take %s: %s than under %s, and none of the others "
			  "takes less of either beyond noise.",
			  name_of(t, pick), changes, name_of(t, 0));
	free(changes);
	return text;
}

static char *advise_product(const struct qn_trial *t, u32 pick)
{
	char *text, *changes;

	if (!pick)
		return qn_xprintf("Stay with %s: it has the least CPU time "
				  "times memory.",
				  name_of(t, 0));
	changes = both_changes(t, pick, 0);
	text = qn_xprintf("Take %s, which has the least CPU time times memory: "
			  "%s than under %s.",
			  name_of(t, pick), changes, name_of(t, 0));
	free(changes);
	return text;
}

static char *advise(const struct qn_trial *t)
{
	const struct qn_shown *memory = memory_of(t);
	struct choice c;
	char *text, *more;

	if (t->compare.nr_done < QN_INTERVAL_LEAST)
		return qn_xprintf("None yet: differences are told from noise "
				  "from %d rounds on, and there %s %u.",
				  QN_INTERVAL_LEAST,
				  t->compare.nr_done == 1 ? "is" : "are",
				  t->compare.nr_done);
	c = choose(t);
	if (c.has_both)
		return advise_both(t, c.pick);
	text = advise_product(t, c.pick);
	more = alternative(t, find_best(t, cpu), c.pick, cpu);
	if (more && !is_first(t, c.pick, cpu))
		text = append(text, "", more);
	free(more);
	more = alternative(t, find_best(t, memory), c.pick, memory);
	if (more && !is_first(t, c.pick, memory))
		text = append(text, "", more);
	free(more);
	return text;
}

/* ---- quern's losses ---- */

static bool is_quern(const struct qn_trial *t, u32 s)
{
	return qn_trial_takes_part(t, s) &&
	       !strcmp(t->who.at[s].which.name, "quern");
}

/* The one that is best of those that are not quern */
static u32 find_rival(const struct qn_trial *t, const struct qn_shown *m)
{
	u32 best = UINT32_MAX;

	for (u32 s = 0; s < t->who.nr; s++)
		if (qn_trial_takes_part(t, s) && !is_quern(t, s) &&
		    (best == UINT32_MAX ||
		     qn_findings_between(t, s, best, m).ratio < 1))
			best = s;
	return best;
}

static char *add_loss(const struct qn_trial *t, u32 s, char *losses,
		      const struct qn_shown *m)
{
	u32 rival = find_rival(t, m);
	struct qn_interval i;
	char *one;

	if (rival == UINT32_MAX)
		return losses;
	i = qn_findings_between(t, s, rival, m);
	if (!qn_interval_is_real(&i) || i.ratio < 1)
		return losses;
	one = qn_xprintf("%.1f %% more %s than %s", percent(i.ratio), m->name,
			 name_of(t, rival));
	losses = append(losses, "; ", one);
	free(one);
	return losses;
}

/* Those that are behind nowhere, in one sentence; takes both texts */
static char *add_even(char *all, char *even)
{
	char *one;

	if (!even)
		return all;
	one = qn_xprintf("%s: nowhere behind the best of the others beyond "
			 "noise.",
			 even);
	all = append(all, " ", one);
	free(one);
	free(even);
	return all;
}

static char *list_losses(const struct qn_trial *t)
{
	char *all = NULL, *even = NULL, *losses, *one;

	if (t->compare.nr_done < QN_INTERVAL_LEAST)
		return NULL;
	for (u32 s = 0; s < t->who.nr; s++) {
		if (!is_quern(t, s))
			continue;
		losses = NULL;
		for (u32 i = 0; i < QN_NR_RESULTS; i++)
			losses = add_loss(t, s, losses, &qn_shown[i]);
		if (!losses) {
			even = append(even, ", ", name_of(t, s));
			continue;
		}
		one = qn_xprintf("%s: %s.", name_of(t, s), losses);
		all = append(all, " ", one);
		free(losses);
		free(one);
	}
	return add_even(all, even);
}

/* ---- notes ---- */

static void add_note(struct qn_findings *f, char *note)
{
	QN_GROW(f->notes, f->nr_notes);
	f->notes[f->nr_notes++] = note;
}

static void note_method(struct qn_findings *f, const struct qn_trial *t)
{
	u32 nr = t->compare.nr_done;

	add_note(f, qn_xprintf("Medians of %u interleaved round%s, after one "
			       "unmeasured run.",
			       nr, nr == 1 ? "" : "s"));
	if (nr < QN_INTERVAL_LEAST)
		add_note(f, qn_xprintf("Differences marked ? are of too few "
				       "rounds to tell them from noise."));
	else
		add_note(f, qn_xprintf("Intervals have 95 %% confidence, by "
				       "Wilcoxon's signed-rank test on the "
				       "rounds' ratios; ~ marks those with 0: "
				       "noise. Of 20 intervals one is wrong by "
				       "chance."));
}

/* A program that was called wrongly is soon done under any of them */
static void note_status(struct qn_findings *f, const struct qn_trial *t)
{
	if (t->load.command || !WIFEXITED(t->status) || !WEXITSTATUS(t->status))
		return;
	add_note(f, qn_xprintf("The program ended with status %d: see whether "
			       "it did its work.",
			       WEXITSTATUS(t->status)));
}

static void note_output(struct qn_findings *f, const struct qn_trial *t)
{
	bool is_same = true;

	if (t->load.command && !t->must_agree)
		return;
	if (t->is_unsteady) {
		add_note(f, qn_xprintf("The output changes from run to run, "
				       "under %s as well (%s): it was not "
				       "compared.",
				       name_of(t, 0), t->differs[0]));
		return;
	}
	for (u32 s = 1; s < t->who.nr; s++) {
		if (!t->differs[s])
			continue;
		is_same = false;
		add_note(f, qn_xprintf("Under %s the output is another one, "
				       "from %s on.",
				       name_of(t, s), t->differs[s]));
	}
	if (is_same)
		add_note(f, qn_xprintf("The output is the same under all."));
}

static void note_loaded(struct qn_findings *f, const struct qn_trial *t)
{
	for (u32 s = 0; s < t->who.nr; s++)
		if (t->who.at[s].library && qn_trial_takes_part(t, s) &&
		    t->nr_looks[s] > 2 * t->compare.nr_done &&
		    !t->was_loaded[s])
			add_note(f, qn_xprintf("%s was not seen in the "
					       "program, whose figures may be "
					       "those of its own malloc; quern "
					       "doctor -- %s tells more.",
					       name_of(t, s), t->argv[0]));
}

static void note_python(struct qn_findings *f, const struct qn_trial *t)
{
	char *image = qn_program_image(t->path);
	const char *slash = strrchr(image, '/');

	if (!strncmp(slash ? slash + 1 : image, "python3", 7) &&
	    !getenv("PYTHONMALLOC"))
		add_note(f, qn_xprintf("Python serves small objects itself; "
				       "with PYTHONMALLOC=malloc in the "
				       "environment the allocator does."));
	free(image);
}

static void note_memory(struct qn_findings *f, const struct qn_trial *t)
{
	add_note(f, qn_xprintf("Memory is the resident set, of all processes "
			       "of the program together."));
	if (t->least_peak)
		add_note(f, qn_xprintf("Peaks below %s are sampled: the last "
				       "moment of a program may be missing.",
				       qn_text_size(t->least_peak).s));
	if (t->load.command)
		add_note(f, qn_xprintf("Wall time is that of the command of "
				       "--until, the rest the program's."));
}

void qn_findings_make(struct qn_findings *f, const struct qn_trial *t)
{
	*f = (struct qn_findings){ 0 };
	if (t->compare.nr_done >= QN_INTERVAL_LEAST) {
		f->fastest = list_first(t, cpu);
		f->leanest = list_first(t, memory_of(t));
	}
	f->advice = advise(t);
	f->losses = list_losses(t);
	note_method(f, t);
	note_memory(f, t);
	note_status(f, t);
	note_output(f, t);
	note_loaded(f, t);
	note_python(f, t);
	if (t->who.missing)
		add_note(f, qn_xprintf("Not installed: %s.", t->who.missing));
}

void qn_findings_exit(struct qn_findings *f)
{
	for (u32 i = 0; i < f->nr_notes; i++)
		free(f->notes[i]);
	free(f->notes);
	free(f->fastest);
	free(f->leanest);
	free(f->advice);
	free(f->losses);
}
