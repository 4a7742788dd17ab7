/* SPDX-License-Identifier: MIT */
/*
 * queue.h - values on their way out: batched, encoded into packets with a CRC,
 * and queued while the link is down.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "channel.h"

#define BATCH_MAX 96

/**
 * struct batch - values of one channel that will share a packet
 * @nr:		values so far
 * @wanted:	values that make a packet
 * @entries:	they, and when they were taken
 */
struct batch {
	u32 nr;
	u32 wanted;

	struct {
		u32 tick;
		s32 value;
	} entries[BATCH_MAX];
};

/**
 * struct queue - packets
 * @waiting:	oldest first
 * @batch:	what is not yet in a packet, by channel
 * @sequence:	number of the next packet
 * @nr_sent:	packets that went out
 * @nr_overrun:	oldest packets dropped because the budget was used up
 * @nr_dropped:	packets lost because the heap was exhausted
 * @nr_bad:	packets whose contents did not decode
 * @checksum:	over what the receiver decoded
 */
struct queue {
	struct fifo waiting;
	struct batch batch[NR_CHANNELS];
	u32 sequence;
	u32 nr_sent;
	u32 nr_overrun;
	u32 nr_dropped;
	u32 nr_bad;
	u32 checksum;
};

/* A value to send; makes a packet when the batch is full */
void queue_add(struct queue *q, struct store *s, struct rng *rng,
	       unsigned int channel, u32 tick, s32 value);

/**
 * queue_send() - hand the oldest packet to the receiver
 *
 * Return: false if none is waiting.
 */
bool queue_send(struct queue *q, struct store *s);

/**
 * queue_drop() - give up the oldest packet for its memory
 * @failed:	the heap is exhausted, not only the budget
 *
 * Return: false if none is waiting.
 */
bool queue_drop(struct queue *q, struct store *s, bool failed);

#endif /* QUEUE_H */
