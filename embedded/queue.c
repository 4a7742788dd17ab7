// SPDX-License-Identifier: MIT
/*
 * queue.c - a packet is: sequence number (2 bytes, low first), channel, number
 * of values, then for each value the ticks and the difference to the one before
 * as varints, and a CRC-32 (4 bytes).
 *
 * The receiver is simulated: it checks the CRC, decodes, and sums up what it
 * got.
 */
#include <string.h>

#include "queue.h"

#define HEADER_SIZE 4
#define CRC_SIZE    4
#define MAX_SIZE    300
#define MAX_DATA    (MAX_SIZE - sizeof(struct item))
#define MAX_VARINT  5
/* So that no packet is below 20 bytes */
#define MIN_VALUES 3

/**
 * struct packet - 20 to 300 bytes
 * @item:	place in the queue
 * @data:	as it goes over the link
 */
struct packet {
	struct item item;
	u8 data[];
};

static u32 zigzag(s32 v)
{
	return (u32)v << 1 ^ (u32)(v >> 31);
}

static u32 unzigzag(u32 v)
{
	return v >> 1 ^ (0u - (v & 1));
}

static u8 *put_varint(u8 *p, u32 v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (u8)(v | 0x80);
	*p++ = (u8)v;
	return p;
}

/* Return: behind the number, or NULL if it does not end before @end */
static const u8 *get_varint(const u8 *p, const u8 *end, u32 *v)
{
	*v = 0;
	for (unsigned int shift = 0; p < end && shift < 35; shift += 7) {
		*v |= (u32)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80))
			return p;
	}
	return NULL;
}

static void put_word(u8 *p, u32 v)
{
	for (int i = 0; i < 4; i++, v >>= 8)
		p[i] = (u8)v;
}

static u32 get_word(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* As many values as fit; the others are the start of the next batch */
static u32 encode(struct queue *q, unsigned int channel, u8 *data)
{
	struct batch *b = &q->batch[channel];
	const u8 *limit = data + MAX_DATA - CRC_SIZE - 2 * MAX_VARINT;
	u8 *p = data + HEADER_SIZE;
	u32 tick = 0;
	s32 value = 0;
	u32 n = 0;

	for (; n < b->nr && p <= limit; n++) {
		p = put_varint(p, b->entries[n].tick - tick);
		p = put_varint(p, zigzag(b->entries[n].value - value));
		tick = b->entries[n].tick;
		value = b->entries[n].value;
	}
	data[0] = (u8)q->sequence;
	data[1] = (u8)(q->sequence >> 8);
	data[2] = (u8)channel;
	data[3] = (u8)n;
	put_word(p, crc32(0, data, (size_t)(p - data)));
	b->nr -= n;
	memmove(b->entries, b->entries + n, b->nr * sizeof(b->entries[0]));
	return (u32)(p + CRC_SIZE - data);
}

static void enqueue(struct queue *q, struct store *s, const u8 *data, u32 size)
{
	u32 bytes = (u32)sizeof(struct packet) + size;
	struct packet *packet = store_alloc(s, BLOCK_PACKET, bytes);

	if (!packet) {
		q->nr_dropped++;
		return;
	}
	memcpy(packet->data, data, size);
	block_seal(&packet->item.block, bytes);
	fifo_push(s, &q->waiting, &packet->item);
}

static void flush(struct queue *q, struct store *s, unsigned int channel)
{
	u8 data[MAX_DATA];
	u32 size = encode(q, channel, data);

	q->sequence++;
	enqueue(q, s, data, size);
}

/* Most packets are small, some fill up */
static u32 pick_wanted(struct rng *rng)
{
	u32 most = rng_one_in(rng, 3) ? BATCH_MAX : BATCH_MAX / 4;

	return rng_range(rng, MIN_VALUES, most);
}

void queue_add(struct queue *q, struct store *s, struct rng *rng,
	       unsigned int channel, u32 tick, s32 value)
{
	struct batch *b = &q->batch[channel];

	if (!b->nr)
		b->wanted = pick_wanted(rng);
	b->entries[b->nr].tick = tick;
	b->entries[b->nr].value = value;
	b->nr++;
	if (b->nr >= b->wanted)
		flush(q, s, channel);
}

static bool receive(struct queue *q, const u8 *data, u32 size)
{
	const u8 *end = data + size - CRC_SIZE;
	const u8 *p = data + HEADER_SIZE;
	u32 sum = fnv1a(q->checksum, data, HEADER_SIZE);
	u32 tick = 0, value = 0;
	u32 ticks, diff;

	if (get_word(end) != crc32(0, data, size - CRC_SIZE))
		return false;
	for (u32 n = data[3]; n; n--) {
		p = get_varint(p, end, &ticks);
		p = p ? get_varint(p, end, &diff) : NULL;
		if (!p)
			return false;
		tick += ticks;
		value += unzigzag(diff);
		sum = fnv1a_word(fnv1a_word(sum, tick), value);
	}
	q->checksum = sum;
	return p == end;
}

bool queue_send(struct queue *q, struct store *s)
{
	struct item *item = fifo_pop(s, &q->waiting);
	u32 size;

	if (!item)
		return false;
	size = block_size(&item->block);
	if (receive(q, container_of(item, struct packet, item)->data,
		    size - (u32)sizeof(struct packet)))
		q->nr_sent++;
	else
		q->nr_bad++;
	store_free(s, &item->block, size);
	return true;
}

bool queue_drop(struct queue *q, struct store *s, bool failed)
{
	struct item *item = fifo_pop(s, &q->waiting);

	if (!item)
		return false;
	if (failed)
		q->nr_dropped++;
	else
		q->nr_overrun++;
	store_free(s, &item->block, block_size(&item->block));
	return true;
}
