// SPDX-License-Identifier: MIT
/*
 * t-network.c - the neural network in whole numbers.
 *
 * Invariants checked here, on each target:
 * - the results of pseudo-random tables are to the bit those of a model with unlimited
 *   numbers, network-model.py, at small and large shifts and biases, and where all
 *   products are as large as they can be;
 * - an action is followed only if it is above action 0 by more than the margin, and of
 *   equal ones the first;
 * - a table with a value out of its bounds is not valid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/network.h"
#include "../random.h"

#define RESULTS QN_NETWORK_RESULTS
/* No such weight: they are random */
#define RANDOM 999

static struct qn_network net;
static s8 in[QN_NETWORK_INPUTS];
static s32 out[RESULTS];

/**
 * struct test_case - a pseudo-random table, as network-model.py makes it
 * @bits:	of a bias
 * @shift:	of the layers
 * @weight, @input: of all, or RANDOM
 */
struct test_case {
	unsigned int bits;
	u8 shift[3];
	s16 weight;
	s16 input;
};

static const struct test_case cases[] = {
	{ 13, { 7, 7, 0 }, RANDOM, RANDOM },
	{ 16, { 9, 8, 3 }, RANDOM, RANDOM },
	{ 20, { 13, 6, 0 }, RANDOM, RANDOM },
	{ 8, { 6, 9, 5 }, RANDOM, RANDOM },
	{ 13, { 8, 8, 24 }, RANDOM, RANDOM },
	{ 31, { 24, 0, 0 }, RANDOM, RANDOM },
	{ 13, { 0, 0, 0 }, RANDOM, RANDOM },
	{ 13, { 12, 12, 0 }, -128, -127 },
	{ 13, { 12, 12, 0 }, 127, 127 },
	{ 13, { 10, 9, 1 }, -128, 127 },
};

/* What network-model.py prints */
static const s32 expected[][RESULTS] = {
	{ -25183, 1120, -5088, 28822, 31139, 6925, -50499, -45391 },
	{ -10, 6037, -914, 2199, -2819, 198, -313, -5139 },
	{ 218305, 36298, 382550, -57769, -431590, 391970, -225534, -35717 },
	{ -1332, 14, -388, -501, -87, -253, 566, 344 },
	{ -1, -1, 0, 0, -1, -1, 0, -1 },
	{ -62100413, -972537516, 534071529, 856776117, 779874381, -462622086,
	  117917468, 462232236 },
	{ -30999, -17529, 17458, -19701, -21459, -53493, -49354, 29403 },
	{ -3912, 1863, 1384, -2728, 2113, 697, -1178, 464 },
	{ 212341, 214549, 215052, 212366, 215678, 215924, 216099, 217906 },
	{ -3794, -4474, -3731, -4362, -3470, -2516, -5499, -4513 },
};

_Static_assert(ARRAY_SIZE(cases) == ARRAY_SIZE(expected),
	       "a row for each case");

/* The upper @n bits of a random number, with a sign */
static s32 bits(unsigned int n)
{
	return (s32)random_turn(&random_state) >> (32 - n);
}

static void set_weights(s8 weights[][QN_NETWORK_INPUTS], unsigned int nr,
			s16 weight)
{
	for (unsigned int i = 0; i < nr; i++) {
		for (unsigned int k = 0; k < QN_NETWORK_INPUTS; k++) {
			s32 value = bits(8);

			weights[i][k] = (s8)(weight == RANDOM ? value : weight);
		}
	}
}

static void set_biases(s32 bias[], unsigned int nr, unsigned int nr_bits)
{
	for (unsigned int i = 0; i < nr; i++)
		bias[i] = bits(nr_bits);
}

static void set_case(unsigned int i)
{
	const struct test_case *c = &cases[i];

	random_state = (i + 1) * 2654435761u;
	set_weights(net.first, QN_NETWORK_HIDDEN, c->weight);
	set_weights(net.second, QN_NETWORK_HIDDEN, c->weight);
	set_weights(net.third, RESULTS, c->weight);
	set_biases(net.bias_first, QN_NETWORK_HIDDEN, c->bits);
	set_biases(net.bias_second, QN_NETWORK_HIDDEN, c->bits);
	set_biases(net.bias_third, RESULTS, c->bits);
	memcpy(net.shift, c->shift, sizeof(net.shift));
	net.margin = 0;
	for (unsigned int k = 0; k < QN_NETWORK_INPUTS; k++)
		in[k] = (s8)max(bits(8), -127);
	if (c->input != RANDOM)
		memset(in, (u8)c->input, sizeof(in));
}

static void test_model(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		set_case(i);
		assert_true(qn_network_is_valid(&net));
		qn_network_run(&net, in, out);
		for (unsigned int k = 0; k < RESULTS; k++)
			assert_int_equal(out[k], expected[i][k]);
	}
}

static unsigned int best(s32 zero, s32 one, s32 two, s32 margin)
{
	const s32 results[] = { zero, one, two };

	net.margin = margin;
	return qn_network_best(&net, results, 3);
}

static void test_best(void **state)
{
	(void)state;
	assert_int_equal(best(5, 5, 5, 0), 0);
	assert_int_equal(best(5, 6, 6, 0), 1);
	assert_int_equal(best(5, 6, 7, 0), 2);
	assert_int_equal(best(5, 6, 7, 2), 0);
	assert_int_equal(best(5, 6, 8, 2), 2);
	assert_int_equal(best(8, 6, 7, 0), 0);
	assert_int_equal(best(INT32_MIN, INT32_MAX, 0, INT32_MAX), 1);
	assert_int_equal(best(INT32_MIN, -2, 0, INT32_MAX), 2);
}

static void test_valid(void **state)
{
	(void)state;
	set_case(0);
	assert_true(qn_network_is_valid(&net));
	net.shift[1] = QN_NETWORK_SHIFT + 1;
	assert_false(qn_network_is_valid(&net));
	set_case(0);
	net.bias_third[RESULTS - 1] = -QN_NETWORK_BIAS - 1;
	assert_false(qn_network_is_valid(&net));
	set_case(0);
	net.bias_first[0] = QN_NETWORK_BIAS + 1;
	assert_false(qn_network_is_valid(&net));
	set_case(0);
	net.bias_second[3] = INT32_MIN;
	assert_false(qn_network_is_valid(&net));
	set_case(0);
	net.margin = -1;
	assert_false(qn_network_is_valid(&net));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
