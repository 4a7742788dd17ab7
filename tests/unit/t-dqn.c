// SPDX-License-Identifier: MIT
/*
 * t-dqn.c - the learner of preload/command/learn/dqn.c, on worlds that are made up.
 *
 * Invariants checked here:
 * - it finds what pays at once, and what pays later, where that is more;
 * - the gradient is that of the loss, by differences;
 * - an input that it is blind to changes nothing, also in whole numbers;
 * - the latest samples are kept; the same seed gives the same network;
 * - in whole numbers the network chooses as in floating point, but where two actions are
 *   worth the same, nearly.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "command/learn/dqn.h"
#include "command/learn/random.h"

static struct qn_dqn d, other;

/* A state is one of eight: input n is high. Action 1 walks on, action 0 stays. */
static void put_state(s8 in[QN_DQN_IN], u32 state)
{
	memset(in, 0, QN_DQN_IN);
	in[state] = 100;
}

/* To stay pays a little each time; to arrive at the last state pays much */
static void add_world(struct qn_dqn *to, float at_last)
{
	struct qn_dqn_sample s;

	for (u32 state = 0; state < 8; state++)
		for (u8 action = 0; action < 2; action++) {
			u32 next = min(state + action, 7u);

			memset(&s, 0, sizeof(s));
			put_state(s.in, state);
			put_state(s.next, next);
			s.action = action;
			s.discount = 0.9f;
			s.reward = action ? 0 : 0.1f;
			if (state == 7) {
				s.is_last = 1;
				s.reward = action ? 0 : at_last;
			}
			qn_dqn_add(to, &s);
		}
}

static void learn(struct qn_dqn *to, float at_last, u64 seed)
{
	qn_dqn_init(to, 2, 0, seed);
	add_world(to, at_last);
	for (int i = 0; i < 6000; i++)
		qn_dqn_learn(to, 16, 0.002f);
}

static u32 action_in(u32 state)
{
	s8 in[QN_DQN_IN];

	put_state(in, state);
	return qn_dqn_best(&d.net, in, 2);
}

/* To stay for ever is worth 1; 10 in seven steps is worth 4.8, 1.2 is worth less */
static void test_learns(void **state)
{
	float out[QN_DQN_OUT];
	s8 in[QN_DQN_IN];

	(void)state;
	learn(&d, 10, 1);
	for (u32 i = 0; i < 7; i++)
		assert_int_equal(action_in(i), 1);
	assert_int_equal(action_in(7), 0);
	put_state(in, 0);
	qn_dqn_run(&d.net, in, out);
	if (fabsf(out[1] - 10 * powf(0.9f, 7)) > 0.5f)
		fail_msg("worth %g", (double)out[1]);
	learn(&d, 1.2f, 1);
	for (u32 i = 0; i < 5; i++)
		assert_int_equal(action_in(i), 0);
}

static double loss_of(struct qn_dqn_net *net, const struct qn_dqn_sample *s)
{
	float out[QN_DQN_OUT];
	double error;

	qn_dqn_run(net, s->in, out);
	error = (double)out[s->action] - (double)s->reward;
	return error * error / 2;
}

/* After one step of Adam from rest each weight goes by the rate, against the gradient */
static void test_gradient(void **state)
{
	struct qn_dqn_sample s = { .action = 3, .is_last = 1, .reward = 2 };
	u64 random = 5;
	float *w, *was;
	u32 nr = 0;

	(void)state;
	qn_dqn_init(&d, 6, 0, 1);
	for (int i = 0; i < QN_DQN_IN; i++)
		s.in[i] = (s8)(qn_random(&random) % 200 - 100);
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		d.net.third[3][i] *= 10;
	qn_dqn_add(&d, &s);
	other.net = d.net;
	was = &other.net.first[0][0];
	qn_dqn_learn(&d, 1, 0.001f);
	w = &d.net.first[0][0];
	for (size_t i = 0; i < QN_DQN_WEIGHTS; i++) {
		float kept = was[i];
		double slope;

		was[i] = kept + 0.01f;
		slope = loss_of(&other.net, &s);
		was[i] = kept - 0.01f;
		slope -= loss_of(&other.net, &s);
		was[i] = kept;
		if (fabs(slope) < 1e-4)
			continue;
		nr++;
		if ((w[i] < kept) != (slope > 0))
			fail_msg("weight %zu goes the wrong way", i);
	}
	assert_true(nr > 100);
}

static void test_samples(void **state)
{
	struct qn_dqn_sample s = { .action = 0 };

	(void)state;
	qn_dqn_init(&d, 2, 0, 1);
	for (u32 i = 0; i < QN_DQN_ROOM + 10; i++) {
		s.reward = (float)i;
		qn_dqn_add(&d, &s);
	}
	assert_true(d.samples[9].reward == QN_DQN_ROOM + 9);
	assert_true(d.samples[10].reward == 10);
}

/* The worlds differ in inputs that it does not see */
static void test_blind(void **state)
{
	struct qn_network net;
	float a[QN_DQN_OUT], b[QN_DQN_OUT];
	s8 in[QN_DQN_IN];

	(void)state;
	qn_dqn_init(&d, 2, 1u << 8 | 1u << 23, 3);
	add_world(&d, 10);
	d.samples[0].in[8] = d.samples[0].next[23] = 50;
	qn_dqn_add(&d, &d.samples[0]);
	assert_true(!d.samples[16].in[8] && !d.samples[16].next[23]);
	d.nr_samples = 0;
	add_world(&d, 10);
	for (int i = 0; i < 500; i++)
		qn_dqn_learn(&d, 16, 0.002f);
	put_state(in, 3);
	qn_dqn_run(&d.net, in, a);
	in[8] = 127;
	in[23] = -127;
	qn_dqn_run(&d.net, in, b);
	assert_memory_equal(a, b, sizeof(a));
	qn_dqn_quantise(&d.net, &net);
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		assert_true(!net.first[i][8] && !net.first[i][23]);
}

static void test_repeats(void **state)
{
	(void)state;
	learn(&d, 10, 7);
	learn(&other, 10, 7);
	assert_memory_equal(&d, &other, sizeof(d));
	qn_dqn_init(&other, 2, 0, 8);
	assert_memory_not_equal(&d.net, &other.net, sizeof(d.net));
}

/* The distance from the best to the action that was chosen is small */
static void test_quantises(void **state)
{
	struct qn_network net;
	u64 random = 1;
	u32 nr_same = 0;

	(void)state;
	for (u64 seed = 0; seed < 5; seed++) {
		qn_dqn_init(&d, 6, 0, seed);
		for (size_t i = 0; i < QN_DQN_WEIGHTS; i++)
			(&d.net.first[0][0])[i] *= 1.0f + (float)seed / 4;
		for (int i = 0; i < QN_DQN_OUT; i++)
			for (int n = 0; n < QN_DQN_HIDDEN; n++)
				d.net.third[i][n] *= 5;
		qn_dqn_quantise(&d.net, &net);
		assert_true(qn_network_is_valid(&net));
		for (int n = 0; n < 400; n++) {
			s8 in[QN_DQN_IN];
			s32 out[QN_NETWORK_RESULTS];
			float exact[QN_DQN_OUT];
			u32 a, b;

			for (int i = 0; i < QN_DQN_IN; i++)
				in[i] = (s8)(qn_random(&random) % 255 - 127);
			qn_network_run(&net, in, out);
			qn_dqn_run(&d.net, in, exact);
			a = qn_network_best(&net, out, 6);
			b = qn_dqn_best(&d.net, in, 6);
			nr_same += a == b;
			if (exact[b] - exact[a] > 0.15f)
				fail_msg("%g instead of %g", (double)exact[a],
					 (double)exact[b]);
			for (int i = 0; i < 6; i++)
				if (fabsf((float)out[i] / QN_DQN_ONE -
					  exact[i]) > 0.3f)
					fail_msg("%g for %g",
						 (double)out[i] / QN_DQN_ONE,
						 (double)exact[i]);
		}
	}
	assert_true(nr_same > 2000 * 9 / 10);
}

/* What an action is worth depends on one input; a chapter of few lessons counts as others */
static void test_lessons(void **state)
{
	static struct qn_dqn_lesson lessons[40];
	u32 begins[] = { 0, 2, 40 };
	const struct qn_dqn_book book = { lessons, 40, begins, 2 };
	float out[QN_DQN_OUT];

	(void)state;
	for (u32 i = 0; i < 40; i++) {
		bool is_first = i < 2;

		put_state(lessons[i].in, is_first ? 3 : 5);
		lessons[i].worth[1] = is_first ? 2 : -1;
		lessons[i].worth[2] = is_first ? -1 : 0.5f;
	}
	qn_dqn_init(&d, 3, 0, 1);
	for (int i = 0; i < 3000; i++)
		qn_dqn_teach(&d, &book, 16, 0.002f);
	for (u32 i = 0; i < 40; i += 39) {
		qn_dqn_run(&d.net, lessons[i].in, out);
		for (int a = 0; a < 3; a++)
			assert_true(fabsf(out[a] - lessons[i].worth[a]) < 0.1f);
	}
	assert_int_equal(qn_dqn_best(&d.net, lessons[0].in, 3), 1);
	assert_int_equal(qn_dqn_best(&d.net, lessons[39].in, 3), 2);
	qn_dqn_taught(&d);
	assert_memory_equal(&d.target, &d.net, sizeof(d.net));
	assert_int_equal(d.nr_steps, 0);
	/* It is not shown the input that tells them apart */
	qn_dqn_init(&d, 3, 1u << 3 | 1u << 5, 1);
	for (int i = 0; i < 3000; i++)
		qn_dqn_teach(&d, &book, 16, 0.002f);
	qn_dqn_run(&d.net, lessons[0].in, out);
	assert_true(fabsf(out[1] - 0.5f) < 0.3f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learns),
		cmocka_unit_test(test_gradient),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_lessons),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_quantises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
