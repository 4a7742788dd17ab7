// SPDX-License-Identifier: MIT
/*
 * t-policy-dqn.c - policy "dqn": a network with the weights that are in the tree.
 *
 * Invariants checked here, on each target where the policy is built:
 * - the weights are valid;
 * - of any views it chooses what the network says of the features, and the rule's preset
 *   unless another one is above by more than the margin;
 * - the same views give the same choices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/controller.h"
#include "learn/features.h"
#include "learn/network.h"
#include "learn/presets.h"
#include "learn/weights-heap.h"
#include "learn/weights-process.h"
#include "../random.h"

static u32 state_words[QN_POLICY_WORDS], history[QN_FEATURES_WORDS];
static struct qn_view view;
static struct qn_knobs knobs;
static struct qn_heap_knobs heap_knobs;
static struct qn_stats_trend trend;

static size_t any(void)
{
	u64 n = (u64)random_next(&random_state) << 32 |
		random_next(&random_state);

	return (size_t)(n >> roll(64));
}

static void any_view(void)
{
	knobs = qn_knobs_preset;
	knobs.price = 1 + any() % 1000000000;
	heap_knobs = qn_heap_knobs_preset;
	view = (struct qn_view){
		.knobs = &knobs,
		.asked = &knobs,
		.heap_knobs = &heap_knobs,
		.trend = &trend,
		.page_ns = 1600,
		.idle_ms = (u32)any(),
		.used = any(),
		.recent_peak = any(),
		.recent_purged = any(),
		.recent_refaults = any(),
		.memory = { .usec = any(),
			    .live = any(),
			    .dirty = any(),
			    .purged = any(),
			    .refaults = any() },
		.held = { .most = any(),
			  .total = any(),
			  .free = any(),
			  .largest_free = any(),
			  .refused = (u32)any() },
	};
}

static void test_weights(void **state)
{
	(void)state;
	assert_true(qn_network_is_valid(&qn_weights_process));
	assert_true(qn_network_is_valid(&qn_weights_heap));
}

static unsigned int expected(const struct qn_network *net, const s8 *in)
{
	s32 out[QN_NETWORK_RESULTS];
	unsigned int best = 0;

	qn_network_run(net, in, out);
	for (unsigned int a = 1; a < QN_NR_PRESETS; a++)
		if (out[a] > out[best])
			best = a;
	return (s64)out[best] > (s64)out[0] + net->margin ? best : 0;
}

static u32 run(u32 seed, bool is_process)
{
	const struct qn_aftermath last = { 0 };
	s8 in[QN_NR_FEATURES];
	u32 hash = 0;

	random_state = seed;
	memset(state_words, 0, sizeof(state_words));
	memset(history, 0, sizeof(history));
	for (unsigned int i = 0; i < (QN_SMALL ? 200 : 20000); i++) {
		struct qn_pick pick = { 0 };

		any_view();
		if (is_process) {
			qn_policy_dqn.choose(&view, state_words, &last, &pick);
			qn_features_process(&view, history, in);
			assert_int_equal(pick.action,
					 expected(&qn_weights_process, in));
		} else {
			qn_policy_dqn.choose_heap(&view, state_words, &last,
						  &pick);
			qn_features_heap(&view, history, in);
			assert_int_equal(pick.action,
					 expected(&qn_weights_heap, in));
		}
		assert_memory_equal(in, pick.in, sizeof(in));
		assert_true(pick.action < QN_NR_PRESETS);
		hash = hash * 31 + pick.action;
	}
	return hash;
}

static void test_choices(void **state)
{
	(void)state;
	assert_int_equal(run(1, false), run(1, false));
	if (!QN_SMALL)
		assert_int_equal(run(1, true), run(1, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
