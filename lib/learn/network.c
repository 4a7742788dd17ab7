// SPDX-License-Identifier: MIT
/*
 * network.c - products, sums and shifts; see network.h.
 */
#include "learn/network.h"

#define NR_ABREAST 6
_Static_assert(QN_NETWORK_INPUTS % NR_ABREAST == 0 &&
		       QN_NETWORK_HIDDEN % NR_ABREAST == 0 &&
		       QN_NETWORK_INPUTS == QN_NETWORK_HIDDEN,
	       "rows are summed some abreast, and all are as long");

/* Several at once: a compiler for size unrolls nothing, and the loop would cost as much */
static noinline s32 sum(const s8 *weight, const s8 *in, s32 bias)
{
	for (const s8 *end = in + QN_NETWORK_INPUTS; in < end;
	     in += NR_ABREAST, weight += NR_ABREAST) {
		bias += weight[0] * in[0];
		bias += weight[1] * in[1];
		bias += weight[2] * in[2];
		bias += weight[3] * in[3];
		bias += weight[4] * in[4];
		bias += weight[5] * in[5];
	}
	return bias;
}

/* Negative ones are 0; the others are rounded, and end at the largest input */
static s8 squeeze(s32 sum, unsigned int shift)
{
	if (sum <= 0)
		return 0;
	sum = (sum + (1 << shift >> 1)) >> shift;
	return (s8)min(sum, (s32)INT8_MAX);
}

static noinline void layer(const s8 weights[][QN_NETWORK_INPUTS],
			   const s32 bias[], unsigned int shift, const s8 in[],
			   s8 out[])
{
	for (unsigned int i = 0; i < QN_NETWORK_HIDDEN; i++)
		out[i] = squeeze(sum(weights[i], in, bias[i]), shift);
}

void qn_network_run(const struct qn_network *net, const s8 in[], s32 out[])
{
	s8 first[QN_NETWORK_HIDDEN], second[QN_NETWORK_HIDDEN];

	layer(net->first, net->bias_first, net->shift[0], in, first);
	layer(net->second, net->bias_second, net->shift[1], first, second);
	for (unsigned int i = 0; i < QN_NETWORK_RESULTS; i++)
		out[i] = sum(net->third[i], second, net->bias_third[i]) >>
			 net->shift[2];
}

unsigned int qn_network_best(const struct qn_network *net, const s32 out[],
			     unsigned int nr)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < nr; i++)
		if (out[i] > out[best])
			best = i;
	return (s64)out[best] - out[0] > net->margin ? best : 0;
}

static bool are_biases_valid(const s32 bias[], unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (bias[i] < -QN_NETWORK_BIAS || bias[i] > QN_NETWORK_BIAS)
			return false;
	return true;
}

bool qn_network_is_valid(const struct qn_network *net)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(net->shift); i++)
		if (net->shift[i] > QN_NETWORK_SHIFT)
			return false;
	return net->margin >= 0 &&
	       are_biases_valid(net->bias_first, QN_NETWORK_HIDDEN) &&
	       are_biases_valid(net->bias_second, QN_NETWORK_HIDDEN) &&
	       are_biases_valid(net->bias_third, QN_NETWORK_RESULTS);
}
