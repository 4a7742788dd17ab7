// SPDX-License-Identifier: MIT
/*
 * filter.c - median, moving average and a recursive low-pass, in integers.
 *
 * The sum over a window's content grows with each sample, so that the whole
 * window can be verified when it closes.
 */
#include <string.h>

#include "filter.h"

#define MIN_SAMPLES 11
#define MAX_SAMPLES 171

/* The low-pass moves by 1/16 of the distance each time, in units of 1/256 */
#define LOW_PASS_SHIFT 4
#define LOW_PASS_UNIT  256

/**
 * struct window - samples that a filter waits for, 60 to 700 bytes
 * @item:	place in the bank
 * @nr_filled:	samples so far; like a link it changes, so it is not summed up
 * @channel:	whose samples
 * @kind:	what to do with them
 * @nr_wanted:	samples that make it full
 * @value:	the samples
 */
struct window {
	struct item item;
	u32 nr_filled;
	u8 channel;
	u8 kind;
	u16 nr_wanted;
	s32 value[];
};

/**
 * struct scratch - samples in the course of being sorted
 */
struct scratch {
	struct block block;
	s32 value[];
};

/* clang-format off */
static const struct { u16 min, max; } nr_samples[NR_FILTERS] = {
	[FILTER_MEDIAN]   = { MIN_SAMPLES, 41 },
	[FILTER_MEAN]     = { 16, 120 },
	[FILTER_LOW_PASS] = { 48, MAX_SAMPLES },
};

/* clang-format on */

static struct window *to_window(struct item *item)
{
	return item ? container_of(item, struct window, item) : NULL;
}

static u32 bytes_of(u32 nr)
{
	return (u32)(offsetof(struct window, value) + nr * sizeof(s32));
}

/* Ciura's gaps suffice for MAX_SAMPLES */
static void shell_sort(s32 *v, u32 n)
{
	static const u8 gaps[] = { 132, 57, 23, 10, 4, 1 };

	for (u32 g = 0; g < ARRAY_SIZE(gaps); g++)
		for (u32 i = gaps[g]; i < n; i++) {
			s32 x = v[i];
			u32 j = i;

			for (; j >= gaps[g] && v[j - gaps[g]] > x; j -= gaps[g])
				v[j] = v[j - gaps[g]];
			v[j] = x;
		}
}

static bool find_median(const struct window *w, struct store *s, s32 *result)
{
	size_t bytes = w->nr_filled * sizeof(s32);
	u32 size = (u32)(sizeof(struct scratch) + bytes);
	struct scratch *copy = store_alloc(s, BLOCK_SCRATCH, size);

	if (!copy)
		return false;
	memcpy(copy->value, w->value, bytes);
	shell_sort(copy->value, w->nr_filled);
	*result = copy->value[w->nr_filled / 2];
	block_seal(&copy->block, size);
	store_free(s, &copy->block, size);
	return true;
}

static s32 find_mean(const struct window *w)
{
	s32 sum = 0;

	for (u32 i = 0; i < w->nr_filled; i++)
		sum += w->value[i];
	return sum / (s32)w->nr_filled;
}

static s32 find_low_pass(const struct window *w)
{
	s32 y = w->value[0] * LOW_PASS_UNIT;

	for (u32 i = 1; i < w->nr_filled; i++)
		y += (w->value[i] * LOW_PASS_UNIT - y) >> LOW_PASS_SHIFT;
	return y / LOW_PASS_UNIT;
}

static bool compute(const struct window *w, struct store *s, s32 *result)
{
	if (w->kind == FILTER_MEDIAN)
		return find_median(w, s, result);
	*result = w->kind == FILTER_MEAN ? find_mean(w) : find_low_pass(w);
	return true;
}

static void append(struct window *w, s32 value)
{
	u32 used = bytes_of(w->nr_filled);

	w->value[w->nr_filled] = value;
	w->nr_filled++;
	block_extend(&w->item.block, used, sizeof(s32));
}

static void open_window(struct filter_bank *bank, struct store *s,
			struct rng *rng, unsigned int channel)
{
	u32 kind = rng_range(rng, 0, NR_FILTERS - 1);
	u32 nr = rng_range(rng, nr_samples[kind].min, nr_samples[kind].max);
	struct window *w;

	if (bank->windows.bytes + bytes_of(nr) > bank->limit)
		return;
	w = store_alloc(s, BLOCK_WINDOW, bytes_of(nr));
	if (!w)
		return;
	w->channel = (u8)channel;
	w->kind = (u8)kind;
	w->nr_wanted = (u16)nr;
	w->nr_filled = 0;
	block_seal(&w->item.block, bytes_of(0));
	fifo_push(s, &bank->windows, &w->item);
}

static void close_window(struct filter_bank *bank, struct store *s,
			 struct item *before, struct window *w)
{
	struct filter_result result = { .channel = w->channel,
					.kind = w->kind };
	bool is_good = compute(w, s, &result.value);

	fifo_del(s, &bank->windows, before, &w->item);
	store_free(s, &w->item.block, bytes_of(w->nr_filled));
	if (is_good)
		bank->emit(bank->arg, &result);
}

void filter_feed(struct filter_bank *bank, struct store *s, struct rng *rng,
		 unsigned int channel, s32 value)
{
	struct item *before = NULL;
	struct item *item, *next;

	for (item = fifo_first(s, &bank->windows); item && !s->nr_damaged;
	     item = next) {
		struct window *w = to_window(item);

		next = fifo_next(s, item);
		if (w->channel == channel)
			append(w, value);
		if (w->nr_filled >= w->nr_wanted)
			close_window(bank, s, before, w);
		else
			before = item;
	}
	open_window(bank, s, rng, channel);
}

void filter_exit(struct filter_bank *bank, struct store *s)
{
	struct window *w;

	while (!s->nr_damaged && (w = to_window(fifo_pop(s, &bank->windows))))
		store_free(s, &w->item.block, bytes_of(w->nr_filled));
}
