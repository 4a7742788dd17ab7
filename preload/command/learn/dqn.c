// SPDX-License-Identifier: MIT
/*
 * dqn.c - the learner; see dqn.h.
 */
#include <math.h>
#include <string.h>

#include "dqn.h"
#include "random.h"

#define IN_ONE   64.0f
#define UNIT_ONE 32.0f
/* As far as a unit goes in 8 bits */
#define UNIT_MOST (127.0f / UNIT_ONE)
/* No weight is beyond; so the finest step of a layer is at least 1/64 */
#define WEIGHT_MOST (127.0f / 64)
/* Weights that nothing holds go to 0: what is small is coarse in 8 bits */
#define DECAY 0.05f
/* Errors beyond count by their size, not by its square */
#define HUBER 10.0f
/* How fast the slow copy follows */
#define FOLLOW 0.005f
/* Adam */
#define MEAN_KEPT   0.9f
#define SQUARE_KEPT 0.999f
#define TINY        1e-8f

/**
 * struct units - what a network made of some inputs
 */
struct units {
	float in[QN_DQN_IN];
	float first[QN_DQN_HIDDEN];
	float second[QN_DQN_HIDDEN];
	float out[QN_DQN_OUT];
};

/* ---- forward ---- */

static float dot(const float a[], const float b[])
{
	float sum = 0;

	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		sum += a[i] * b[i];
	return sum;
}

static float unit(float sum)
{
	return min(max(sum, 0.0f), UNIT_MOST);
}

static void forward(const struct qn_dqn_net *net, const s8 in[],
		    struct units *u)
{
	for (int i = 0; i < QN_DQN_IN; i++)
		u->in[i] = (float)in[i] / IN_ONE;
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		u->first[i] =
			unit(dot(net->first[i], u->in) + net->bias_first[i]);
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		u->second[i] = unit(dot(net->second[i], u->first) +
				    net->bias_second[i]);
	for (int i = 0; i < QN_DQN_OUT; i++)
		u->out[i] = dot(net->third[i], u->second) + net->bias_third[i];
}

void qn_dqn_run(const struct qn_dqn_net *net, const s8 in[], float out[])
{
	struct units u;

	forward(net, in, &u);
	memcpy(out, u.out, sizeof(u.out));
}

static u32 best_of(const float out[], u32 nr)
{
	u32 best = 0;

	for (u32 i = 1; i < nr; i++)
		if (out[i] > out[best])
			best = i;
	return best;
}

u32 qn_dqn_best(const struct qn_dqn_net *net, const s8 in[], u32 nr_actions)
{
	float out[QN_DQN_OUT];

	qn_dqn_run(net, in, out);
	return best_of(out, nr_actions);
}

/* ---- backward ---- */

/* A unit at one of its ends does not change */
static bool moves(float u)
{
	return u > 0 && u < UNIT_MOST;
}

static void add_row(float row[], const float in[], float by)
{
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		row[i] += by * in[i];
}

/* The gradient of the results in the last layer; @second: that of its units is added */
static void backward_last(const struct qn_dqn_net *net, const struct units *u,
			  const float error[], struct qn_dqn_net *gradient,
			  float second[])
{
	for (int a = 0; a < QN_DQN_OUT; a++) {
		if (error[a] == 0)
			continue;
		add_row(gradient->third[a], u->second, error[a]);
		gradient->bias_third[a] += error[a];
		add_row(second, net->third[a], error[a]);
	}
}

/* Add the gradient of each result times its @error */
static void backward(const struct qn_dqn_net *net, const struct units *u,
		     const float error[], struct qn_dqn_net *gradient)
{
	float first[QN_DQN_HIDDEN] = { 0 }, second[QN_DQN_HIDDEN] = { 0 };

	backward_last(net, u, error, gradient, second);
	for (int i = 0; i < QN_DQN_HIDDEN; i++) {
		float by = second[i];

		if (!moves(u->second[i]))
			continue;
		add_row(gradient->second[i], u->first, by);
		gradient->bias_second[i] += by;
		add_row(first, net->second[i], by);
	}
	for (int i = 0; i < QN_DQN_HIDDEN; i++) {
		if (!moves(u->first[i]))
			continue;
		add_row(gradient->first[i], u->in, first[i]);
		gradient->bias_first[i] += first[i];
	}
}

static void step(struct qn_dqn *d, const struct qn_dqn_net *gradient, u32 nr,
		 float rate)
{
	float *w = &d->net.first[0][0], *mean = &d->mean.first[0][0];
	float *square = &d->square.first[0][0];
	float *target = &d->target.first[0][0];
	const float *g = &gradient->first[0][0];
	float steps = (float)++d->nr_steps;
	float by = rate * sqrtf(1 - powf(SQUARE_KEPT, steps)) /
		   (1 - powf(MEAN_KEPT, steps));

	for (size_t i = 0; i < QN_DQN_WEIGHTS; i++) {
		float at = g[i] / (float)nr;

		mean[i] = MEAN_KEPT * mean[i] + (1 - MEAN_KEPT) * at;
		square[i] =
			SQUARE_KEPT * square[i] + (1 - SQUARE_KEPT) * at * at;
		w[i] -= by * mean[i] / (sqrtf(square[i]) + TINY) +
			rate * DECAY * w[i];
		w[i] = min(max(w[i], -WEIGHT_MOST), WEIGHT_MOST);
		target[i] += FOLLOW * (w[i] - target[i]);
	}
}

/* The net chooses the next action, the target says what it is worth */
static float worth(const struct qn_dqn *d, const struct qn_dqn_sample *s)
{
	float out[QN_DQN_OUT];

	if (s->is_last)
		return s->reward;
	qn_dqn_run(&d->target, s->next, out);
	return s->reward +
	       s->discount * out[qn_dqn_best(&d->net, s->next, d->nr_actions)];
}

float qn_dqn_learn(struct qn_dqn *d, u32 nr, float rate)
{
	struct qn_dqn_net gradient;
	u64 room = min(d->nr_samples, (u64)QN_DQN_ROOM);
	float loss = 0;

	memset(&gradient, 0, sizeof(gradient));
	for (u32 i = 0; i < nr; i++) {
		const struct qn_dqn_sample *s =
			&d->samples[qn_random(&d->state) % room];
		float error[QN_DQN_OUT] = { 0 }, *e = &error[s->action];
		struct units u;

		forward(&d->net, s->in, &u);
		*e = u.out[s->action] - worth(d, s);
		loss += *e * *e;
		*e = min(max(*e, -HUBER), HUBER);
		backward(&d->net, &u, error, &gradient);
	}
	step(d, &gradient, nr, rate);
	return loss / (float)nr;
}

/* Of all results at once. Return: the loss. */
static float teach_one(const struct qn_dqn *d, const struct qn_dqn_lesson *l,
		       struct qn_dqn_net *gradient)
{
	float error[QN_DQN_OUT] = { 0 }, loss = 0;
	s8 in[QN_DQN_IN];
	struct units u;

	for (int i = 0; i < QN_DQN_IN; i++)
		in[i] = d->blind >> i & 1 ? 0 : l->in[i];
	forward(&d->net, in, &u);
	for (u32 a = 0; a < d->nr_actions; a++) {
		error[a] = u.out[a] - l->worth[a];
		loss += error[a] * error[a];
		error[a] = min(max(error[a], -HUBER), HUBER);
	}
	backward(&d->net, &u, error, gradient);
	return loss / (float)d->nr_actions;
}

float qn_dqn_teach(struct qn_dqn *d, const struct qn_dqn_book *b, u32 nr,
		   float rate)
{
	struct qn_dqn_net gradient;
	float loss = 0;

	memset(&gradient, 0, sizeof(gradient));
	for (u32 i = 0; i < nr; i++) {
		u32 chapter = (u32)(qn_random(&d->state) % b->nr_chapters);
		u32 from = b->begins[chapter], to = b->begins[chapter + 1];
		u32 at = from + (u32)(qn_random(&d->state) % (to - from));

		loss += teach_one(d, &b->lessons[at], &gradient);
	}
	step(d, &gradient, nr, rate);
	return loss / (float)nr;
}

void qn_dqn_taught(struct qn_dqn *d)
{
	d->target = d->net;
	memset(&d->mean, 0, sizeof(d->mean));
	memset(&d->square, 0, sizeof(d->square));
	d->nr_steps = 0;
}

/* ---- samples and start ---- */

void qn_dqn_add(struct qn_dqn *d, const struct qn_dqn_sample *s)
{
	struct qn_dqn_sample *to = &d->samples[d->nr_samples++ % QN_DQN_ROOM];

	*to = *s;
	for (int i = 0; i < QN_DQN_IN; i++)
		if (d->blind >> i & 1)
			to->in[i] = to->next[i] = 0;
}

/* Uniform, as He et al. have it for units of this kind */
static void draw_row(struct qn_dqn *d, float row[], float most)
{
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		row[i] = most * ((float)(qn_random(&d->state) >> 40) /
					 (float)(1 << 23) -
				 1);
}

void qn_dqn_init(struct qn_dqn *d, u32 nr_actions, u32 blind, u64 seed)
{
	float most = sqrtf(6.0f / QN_DQN_IN);

	memset(d, 0, sizeof(*d));
	d->state = seed;
	d->nr_actions = nr_actions;
	d->blind = blind;
	for (int i = 0; i < QN_DQN_HIDDEN; i++) {
		draw_row(d, d->net.first[i], most);
		draw_row(d, d->net.second[i], most);
	}
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		for (int n = 0; n < QN_DQN_IN; n++)
			if (blind >> n & 1)
				d->net.first[i][n] = 0;
	for (int i = 0; i < QN_DQN_OUT; i++)
		draw_row(d, d->net.third[i], most / 10);
	d->target = d->net;
}

/* ---- whole numbers ---- */

/* Doublings that bring the largest weight as near to 127 as can be */
static u32 shift_of(const float w[], size_t nr)
{
	float most = 1.0f / 64;
	u32 shift = 0;

	for (size_t i = 0; i < nr; i++)
		most = max(most, fabsf(w[i]));
	while (most * (float)(2 << shift) <= 127)
		shift++;
	return shift;
}

static s32 rounded(float x)
{
	return (s32)lrintf(x);
}

static void round_row(const float from[], s8 to[], u32 shift)
{
	for (int i = 0; i < QN_DQN_HIDDEN; i++)
		to[i] = (s8)min(
			max(rounded(from[i] * (float)(1 << shift)), -127), 127);
}

void qn_dqn_quantise(const struct qn_dqn_net *net, struct qn_network *to)
{
	u32 a = shift_of(&net->first[0][0], QN_DQN_HIDDEN * QN_DQN_IN);
	u32 b = shift_of(&net->second[0][0], QN_DQN_HIDDEN * QN_DQN_HIDDEN);
	u32 c = shift_of(&net->third[0][0], QN_DQN_OUT * QN_DQN_HIDDEN);
	float one = UNIT_ONE * (float)(1 << c);

	memset(to, 0, sizeof(*to));
	for (int i = 0; i < QN_DQN_HIDDEN; i++) {
		round_row(net->first[i], to->first[i], a);
		to->bias_first[i] =
			rounded(net->bias_first[i] * IN_ONE * (float)(1 << a));
		round_row(net->second[i], to->second[i], b);
		to->bias_second[i] = rounded(net->bias_second[i] * UNIT_ONE *
					     (float)(1 << b));
	}
	for (int i = 0; i < QN_DQN_OUT; i++) {
		round_row(net->third[i], to->third[i], c);
		to->bias_third[i] = rounded(net->bias_third[i] * one);
	}
	/* An input of 64 is 1, a unit of 32 is: the sum halves */
	to->shift[0] = (u8)(a + 1);
	to->shift[1] = (u8)b;
	while (one > QN_DQN_ONE) {
		one /= 2;
		to->shift[2]++;
	}
}
