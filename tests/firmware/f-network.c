// SPDX-License-Identifier: MIT
/*
 * f-network.c - what a look at the network costs on the target.
 *
 * - a run takes at most 8000 instructions, and as many whatever the inputs are, but for
 *   where a unit's sum ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "board.h"
#include "learn/network.h"
#include "print.h"
#include "../random.h"

#define MOST 8000
#define RUNS 50

static struct qn_network net;
static s8 in[QN_NETWORK_INPUTS];
static s32 out[QN_NETWORK_RESULTS];

static void fill(void *p, size_t size)
{
	u8 *byte = p;

	while (size--)
		*byte++ = (u8)roll(256);
}

static u32 count(const struct counter *counter)
{
	u32 from = counter->read();

	qn_network_run(&net, in, out);
	return counter_units(counter, from, counter->read());
}

static void test_count(void **state)
{
	struct counter counter;
	u32 most = 0;

	(void)state;
	board_counter_init(&counter);
	if (!counter.read)
		return;
	random_state = 1;
	for (unsigned int i = 0; i < RUNS; i++) {
		fill(&net, offsetof(struct qn_network, bias_first));
		fill(in, sizeof(in));
		memset(net.shift, (int)roll(12), sizeof(net.shift));
		most = max(most, count(&counter));
	}
	print("# at most %u %s\n", most, counter.unit);
	assert_true(most > QN_NETWORK_INPUTS * QN_NETWORK_HIDDEN);
	assert_true(most <= MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
