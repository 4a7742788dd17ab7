/* SPDX-License-Identifier: MIT */
/*
 * filter.h - filters over windows of samples that open, fill, and go.
 *
 * Takes the values of channel.h; what comes out is calibrated by tree.h and
 * sent by queue.h.
 */
#ifndef FILTER_H
#define FILTER_H

#include "checksum.h"
#include "store.h"

enum filter_kind {
	FILTER_MEDIAN,
	FILTER_MEAN,
	FILTER_LOW_PASS,
	NR_FILTERS,
};

/**
 * struct filter_result - what a full window gave
 * @channel:	whose samples they were
 * @kind:	how they were filtered
 * @value:	the result
 */
struct filter_result {
	u8 channel;
	u8 kind;
	s32 value;
};

/**
 * struct filter_bank - the windows of all channels
 * @windows:	in order of opening
 * @limit:	bytes that they may have together
 * @emit:	called with each result
 * @arg:	its first argument
 */
struct filter_bank {
	struct fifo windows;
	u32 limit;
	void (*emit)(void *arg, const struct filter_result *result);
	void *arg;
};

/**
 * filter_feed() - one more sample
 *
 * Appends it to each open window of its channel, closes windows that are full,
 * and opens a new one where the limit allows.
 */
void filter_feed(struct filter_bank *bank, struct store *s, struct rng *rng,
		 unsigned int channel, s32 value);

/* Close all windows, full or not, without results */
void filter_exit(struct filter_bank *bank, struct store *s);

#endif /* FILTER_H */
