/* SPDX-License-Identifier: MIT */
/*
 * network.h - a small neural network in whole numbers, the same on every target.
 *
 * Three layers: 24 inputs, 24 and 24 units in between, 8 results, one for each action. It
 * stands beside the policies, which ask it, and knows nothing of heaps. Weights are a
 * constant table of 1572 bytes that `quern train` writes.
 *
 *	unit = ReLU(round((bias + sum of weight x input) / 2^shift)), at most 127
 *	result = floor((bias + sum of weight x unit) / 2^shift)
 *
 * Sums are exact in 32 bits: 24 products are below 2^19, and a bias is at most 2^30. So
 * x86-64 and Cortex-M4 agree to the bit.
 */
#ifndef QN_NETWORK_H
#define QN_NETWORK_H

#include "base/compiler.h"

#define QN_NETWORK_INPUTS  24
#define QN_NETWORK_HIDDEN  24
#define QN_NETWORK_RESULTS 8
/* Bounds on what a table may hold */
#define QN_NETWORK_BIAS  (1 << 30)
#define QN_NETWORK_SHIFT 24

/**
 * struct qn_network - weights, a row for each unit
 * @first, @second, @third: of the three layers
 * @bias_first, @bias_second, @bias_third: added to the sums, before they are shifted
 * @margin:	a result must be so much above that of action 0 before it is followed
 * @shift:	of each layer
 */
struct qn_network {
	s8 first[QN_NETWORK_HIDDEN][QN_NETWORK_INPUTS];
	s8 second[QN_NETWORK_HIDDEN][QN_NETWORK_HIDDEN];
	s8 third[QN_NETWORK_RESULTS][QN_NETWORK_HIDDEN];
	s32 bias_first[QN_NETWORK_HIDDEN];
	s32 bias_second[QN_NETWORK_HIDDEN];
	s32 bias_third[QN_NETWORK_RESULTS];
	s32 margin;
	u8 shift[3];
};

_Static_assert(sizeof(struct qn_network) <= 2048, "a table is small");

/**
 * qn_network_run() - the results for some inputs
 * @net:	the weights
 * @in:		QN_NETWORK_INPUTS of them
 * @out:	QN_NETWORK_RESULTS results
 *
 * Context: any; no memory but the stack. Time: 1344 products whatever the inputs are, at
 * most 8000 instructions on a Cortex-M4.
 */
void qn_network_run(const struct qn_network *net, const s8 in[], s32 out[]);

/**
 * qn_network_best() - the action with the highest result
 * @net:	the weights, for the margin
 * @out:	what qn_network_run() gave
 * @nr:		how many of them are actions
 *
 * Return: the first of the highest if it is above that of action 0 by more than the
 * margin; else 0. Context: any.
 */
unsigned int qn_network_best(const struct qn_network *net, const s32 out[],
			     unsigned int nr);

/* Are shifts, biases and the margin within their bounds? For whoever writes a table. */
bool qn_network_is_valid(const struct qn_network *net);

#endif /* QN_NETWORK_H */
