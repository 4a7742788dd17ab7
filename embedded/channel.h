/* SPDX-License-Identifier: MIT */
/*
 * channel.h - one sensor: a model of what it measures, and its recent samples.
 *
 * Above store.h; the filters, the tree and the packets take the values from
 * here.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "checksum.h"
#include "store.h"

enum {
	CHANNEL_TEMPERATURE, /* 1/1000 degree Celsius */
	CHANNEL_PRESSURE,    /* pascal */
	CHANNEL_HUMIDITY,    /* 1/1000 percent */
	NR_CHANNELS,
};

/**
 * struct channel - a sensor and the history of its samples
 * @id:		which one
 * @drift:	where the measured quantity has wandered to
 * @due:	tick of the next sample
 * @nr_samples:	samples kept so far
 * @history:	records, oldest first
 * @limit:	bytes that the history may have
 */
struct channel {
	u8 id;
	s32 drift;
	u32 due;
	u32 nr_samples;
	struct fifo history;
	u32 limit;
};

void channel_init(struct channel *c, unsigned int id, u32 limit);
const char *channel_name(unsigned int id);

/**
 * channel_sample() - take a sample if one is due, and keep a record of it
 * @c:		the channel
 * @s:		where records are kept
 * @rng:	noise
 * @tick:	the time
 * @burst:	sample faster and keep more raw readings
 * @value:	filled in
 *
 * Return: true if @value is a new one; false if none was due or there was no
 * memory for its record.
 */
bool channel_sample(struct channel *c, struct store *s, struct rng *rng,
		    u32 tick, bool burst, s32 *value);

/* Free the oldest records until at most @limit bytes are left */
void channel_trim(struct channel *c, struct store *s, u32 limit);

#endif /* CHANNEL_H */
