// SPDX-License-Identifier: MIT
/*
 * demo-table.c - the comparison of `quern demo` as a table, and in words.
 */
#define _GNU_SOURCE 1
#include <math.h>
#include <stdio.h>
#include "demo.h"
#include "command/base/text.h"

/* ---- the table ---- */

static double ratio(const struct qn_demo_contest *c, unsigned int who,
		    unsigned int m)
{
	u64 base = c->results[GLIBC].median[m];

	return base ? (double)c->results[who].median[m] / (double)base : 1;
}

/* Geometric mean of the ratios of all programs that ran */
static double mean_ratio(const struct qn_demo *demo, unsigned int who,
			 unsigned int m)
{
	unsigned int i, nr = 0;
	double sum = 0;

	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		if (!demo->contests[i].path)
			continue;
		sum += log(ratio(&demo->contests[i], who, m));
		nr++;
	}
	return nr ? exp(sum / nr) : 1;
}

static void print_missing(const struct qn_demo_allocator *a)
{
	printf("  %-10s not installed; to include it: apt-get install %s\n",
	       a->name, a->package);
}

static void print_result(const struct qn_demo_contest *c,
			 const struct qn_demo_allocator *a, unsigned int who)
{
	const u64 *median = c->results[who].median;

	if (a->missing) {
		print_missing(a);
		return;
	}
	printf("  %-10s%10.3f%10.3f%14.1f%14.2f%8.2f%8.2f\n", a->name,
	       (double)median[WALL] / 1e6, (double)median[CPU] / 1e6,
	       (double)median[PEAK] / 1048576, ratio(c, who, WALL),
	       ratio(c, who, CPU), ratio(c, who, PEAK));
}

static void print_contest(const struct qn_demo *demo,
			  const struct qn_demo_contest *c)
{
	unsigned int a;

	if (!c->path) {
		printf("%s: not installed; to include it: apt-get install %s\n",
		       c->program->name, c->program->package);
		return;
	}
	printf("%s: %s; %s allocations\n", c->program->name, c->program->work,
	       qn_text_count(c->nr_allocs).s);
	for (a = 0; a < NR_ALLOCATORS; a++)
		print_result(c, &demo->allocators[a], a);
}

static void print_means(const struct qn_demo *demo)
{
	unsigned int a;

	printf("all of them, geometric mean\n");
	for (a = 0; a < NR_ALLOCATORS; a++)
		if (!demo->allocators[a].missing)
			printf("  %-10s%34s%14.2f%8.2f%8.2f\n",
			       demo->allocators[a].name, "",
			       mean_ratio(demo, a, WALL),
			       mean_ratio(demo, a, CPU),
			       mean_ratio(demo, a, PEAK));
}

void qn_demo_print_table(const struct qn_demo *demo)
{
	unsigned int i;

	printf("%71s\n", "ratio to glibc");
	printf("%22s%10s%14s%14s%8s%8s\n", "wall s", "CPU s", "peak MiB",
	       "wall", "CPU", "peak");
	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++)
		print_contest(demo, &demo->contests[i]);
	print_means(demo);
	printf("Medians of %u interleaved round%s; peak is the peak resident "
	       "set.\nWhat the programs print is the same under all.\n\n",
	       demo->rounds, demo->rounds == 1 ? "" : "s");
}

/* ---- the summary, wins and losses alike ---- */

static const char *const measure_names[NR_MEASURES] = {
	[WALL] = "wall time",
	[CPU] = "CPU time",
	[PEAK] = "peak resident set",
};

/* The allocator with the least of @m, quern left out if @others */
static unsigned int find_best(const struct qn_demo *demo, unsigned int m,
			      const struct qn_demo_contest *c, bool others)
{
	unsigned int a, best = GLIBC;

	for (a = GLIBC + 1; a < NR_ALLOCATORS; a++) {
		if (demo->allocators[a].missing || (others && a == QUERN))
			continue;
		if (c ? ratio(c, a, m) < ratio(c, best, m) :
			mean_ratio(demo, a, m) < mean_ratio(demo, best, m))
			best = a;
	}
	return best;
}

static void print_verdict(const struct qn_demo *demo, unsigned int m)
{
	unsigned int rival = find_best(demo, m, NULL, true);
	double own = mean_ratio(demo, QUERN, m);
	double other = mean_ratio(demo, rival, m);
	double percent = 100 * (own / other - 1);

	printf("%s: quern needs %.1f %% %s than %s, the best of the others.\n",
	       measure_names[m], fabs(percent), percent > 0 ? "more" : "less",
	       demo->allocators[rival].name);
}

/* Where something else is better by more than half a percent */
static unsigned int print_losses(const struct qn_demo *demo,
				 const struct qn_demo_contest *c)
{
	unsigned int m, best, nr = 0;

	for (m = 0; m < NR_MEASURES; m++) {
		best = find_best(demo, m, c, true);
		if (ratio(c, QUERN, m) < 1.005 * ratio(c, best, m))
			continue;
		printf("  %s, %s: %.2f, %s %.2f\n", c->program->name,
		       measure_names[m], ratio(c, QUERN, m),
		       demo->allocators[best].name, ratio(c, best, m));
		nr++;
	}
	return nr;
}

void qn_demo_print_summary(const struct qn_demo *demo)
{
	unsigned int i, m, losses = 0;

	for (m = 0; m < NR_MEASURES; m++)
		print_verdict(demo, m);
	printf("Where quern is not the best (ratios to glibc):\n");
	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++)
		if (demo->contests[i].path)
			losses += print_losses(demo, &demo->contests[i]);
	if (!losses)
		printf("  nowhere\n");
	printf("\n");
}
