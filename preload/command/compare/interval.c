// SPDX-License-Identifier: MIT
/*
 * interval.c - how far two subjects are apart, and how sure that is.
 */
#include <math.h>
#include <stdlib.h>
#include "command/base/compare.h"
#include "command/base/fail.h"
#include "interval.h"

#define MOST_SUM (QN_COMPARE_MAX_ROUNDS * (QN_COMPARE_MAX_ROUNDS + 1) / 2)
#define TAIL     0.025

/*
 * The ranks 1 to @nr are in the sum or not, each with a chance of a half: so the
 * distribution grows rank by rank.
 */
int qn_interval_critical(u32 nr)
{
	double *share, below = 0;
	u32 sum = 0;
	int w = -1;

	if (nr > QN_COMPARE_MAX_ROUNDS)
		return -1;
	share = qn_xrealloc(NULL, (MOST_SUM + 1) * sizeof(*share));
	share[0] = 1;
	for (u32 rank = 1; rank <= nr; rank++) {
		for (u32 s = 0; s < rank; s++)
			share[sum + 1 + s] = 0;
		sum += rank;
		for (u32 s = sum; s >= rank; s--)
			share[s] = (share[s] + share[s - rank]) / 2;
		for (u32 s = 0; s < rank; s++)
			share[s] /= 2;
	}
	while (w < (int)sum && below + share[w + 1] <= TAIL)
		below += share[++w];
	free(share);
	return w;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The means of all pairs of @x, each with itself as well, least first */
static double *make_means(const double *x, u32 nr, u32 *nr_means)
{
	double *means;
	u32 n = 0;

	means = qn_xrealloc(NULL, ((size_t)nr * (nr + 1) / 2) * sizeof(*means));
	for (u32 i = 0; i < nr; i++)
		for (u32 k = i; k < nr; k++)
			means[n++] = (x[i] + x[k]) / 2;
	qsort(means, n, sizeof(*means), by_value);
	*nr_means = n;
	return means;
}

static bool take_logs(const u64 *a, const u64 *b, u32 nr, double *x)
{
	for (u32 i = 0; i < nr; i++) {
		if (!a[i] || !b[i])
			return false;
		x[i] = log((double)a[i] / (double)b[i]);
	}
	return nr > 0;
}

struct qn_interval qn_interval_ratio(const u64 *a, const u64 *b, u32 nr)
{
	struct qn_interval i = { 1, 1, 1, false, false };
	double x[QN_COMPARE_MAX_ROUNDS], *means;
	u32 nr_means;
	int w;

	if (nr > QN_COMPARE_MAX_ROUNDS || !take_logs(a, b, nr, x))
		return i;
	means = make_means(x, nr, &nr_means);
	i.is_known = true;
	i.ratio = exp((means[(nr_means - 1) / 2] + means[nr_means / 2]) / 2);
	i.low = i.high = i.ratio;
	w = qn_interval_critical(nr);
	if (w >= 0) {
		i.has_bounds = true;
		i.low = exp(means[w]);
		i.high = exp(means[nr_means - 1 - (u32)w]);
	}
	free(means);
	return i;
}

bool qn_interval_is_real(const struct qn_interval *i)
{
	return i->has_bounds && (i->low > 1 || i->high < 1);
}
