// SPDX-License-Identifier: MIT
/*
 * policy-bandit.c - presets are tried, and those that cost least are preferred.
 *
 * A bandit with four contexts: discounted upper confidence bounds (Garivier and Moulines, On
 * upper-confidence bound policies for switching bandit problems, 2011), in fixed point. What
 * an interval cost, as a logarithm, is credited to the preset that was in force. Of each
 * context's presets the one is chosen whose mean cost, less a bonus for being little tried,
 * is lowest. What is old counts for less: all weights lose one part in 64 with each interval.
 *
 * It draws no random numbers, so the same views give the same choices. Nothing of it
 * outlives the process.
 */
#include "learn/controller.h"

#include "base/bits.h"
#include "learn/features.h"
#include "learn/presets.h"

/* Logarithms have so many steps a doubling; their means so many fractional bits */
#define LOG_SHIFT  4
#define MEAN_SHIFT 5
/* Weights of intervals have so many, and lose one part in so many */
#define WEIGHT_SHIFT 8
#define WEIGHT_DECAY 64
/* A preset that was not tried counts as tried a quarter */
#define WEIGHT_LEAST ((1u << WEIGHT_SHIFT) / 4)
/* The bonus of a preset that was tried once: half a doubling of the cost */
#define BONUS ((1u << LOG_SHIFT << MEAN_SHIFT) / 2)
/* Shares from which on a context is another */
#define MUCH 32

#define NR_CONTEXTS 4

/* @mean of the costs of a preset, and how many intervals it is of */
struct arm {
	u16 mean;
	u16 weight;
};

/* The words of @state */
struct bandit {
	u32 history[QN_FEATURES_WORDS];
	u32 context;
	struct arm arms[NR_CONTEXTS][QN_NR_PRESETS];
};

_Static_assert(!QN_POLICY_BANDIT ||
		       sizeof(struct bandit) <= QN_POLICY_WORDS * sizeof(u32),
	       "the state of a policy");

static u32 logarithm(u32 n)
{
	unsigned int order = qn_ilog2(++n);

	n = order < LOG_SHIFT ? n << (LOG_SHIFT - order) :
				n >> (order - LOG_SHIFT);
	return (order << LOG_SHIFT) + (n & ((1 << LOG_SHIFT) - 1));
}

/* Of 32 bits, rounded down */
static u32 root(u32 n)
{
	u32 r = 0;

	for (u32 bit = 1u << 15; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= n)
			r += bit;
	return r;
}

static void credit(struct arm *arms, unsigned int preset, u32 cost)
{
	struct arm *a = &arms[preset];
	s32 n = (s32)(logarithm(cost) << MEAN_SHIFT), one = 1 << WEIGHT_SHIFT;

	for (unsigned int i = 0; i < QN_NR_PRESETS; i++)
		arms[i].weight -= arms[i].weight / WEIGHT_DECAY;
	a->weight = (u16)(a->weight + one);
	a->mean = (u16)(a->mean + (n - a->mean) * one / a->weight);
}

/* What a preset may cost if we are lucky: with what little is known of it, it may be less */
static s32 bound(const struct arm *arms, unsigned int preset, u32 total)
{
	const struct arm *a = arms[preset].weight ? &arms[preset] : arms;
	u32 tries = qn_ilog2(max(total >> WEIGHT_SHIFT, 1u)) + 1;
	u32 weight = max((u32)arms[preset].weight, WEIGHT_LEAST);

	return (s32)a->mean -
	       (s32)(BONUS * root((tries << (2 * WEIGHT_SHIFT)) / weight) >>
		     (WEIGHT_SHIFT / 2));
}

static unsigned int best(const struct arm *arms)
{
	unsigned int best = QN_PRESET_RULE;
	s32 least, b;
	u32 total = 0;

	for (unsigned int i = 0; i < QN_NR_PRESETS; i++)
		total += arms[i].weight;
	least = bound(arms, best, total);
	for (unsigned int i = 0; i < QN_NR_PRESETS; i++) {
		b = bound(arms, i, total);
		if (b < least) {
			least = b;
			best = i;
		}
	}
	return best;
}

static void choose(struct bandit *b, u32 context,
		   const struct qn_aftermath *last, struct qn_pick *choice)
{
	if (last->is_known && last->preset < QN_NR_PRESETS)
		credit(b->arms[b->context % NR_CONTEXTS], last->preset,
		       last->cost);
	b->context = context;
	choice->action = best(b->arms[context]);
}

static void bandit_choose(const struct qn_view *view, u32 *state,
			  const struct qn_aftermath *last,
			  struct qn_pick *choice)
{
	struct bandit *b = (struct bandit *)(void *)state;
	const s8 *in = choice->in;

	qn_features_process(view, b->history, choice->in);
	/* Dirty memory of all; refaults of what was purged */
	choose(b, (in[7] >= MUCH) + 2u * (in[11] >= MUCH), last, choice);
}

static void bandit_choose_heap(const struct qn_view *view, u32 *state,
			       const struct qn_aftermath *last,
			       struct qn_pick *choice)
{
	struct bandit *b = (struct bandit *)(void *)state;
	const s8 *in = choice->in;

	qn_features_heap(view, b->history, choice->in);
	/* Free memory in one piece; requests that had blocks merged */
	choose(b, (in[3] >= MUCH) + 2u * (in[11] > 0), last, choice);
}

const struct qn_policy qn_policy_bandit = {
	.name = "bandit",
	.choose = bandit_choose,
	.choose_heap = bandit_choose_heap,
	.explores = true,
};
