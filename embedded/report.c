// SPDX-License-Identifier: MIT
/*
 * report.c - a report starts small, grows as lines are added, and is cut to
 * size when it is finished; finished ones are kept for a while.
 */
#include <string.h>

#include "report.h"

#define MIN_SIZE 80u
#define MAX_SIZE 900u

/**
 * struct report - a text, in a block of 80 to 900 bytes
 * @item:	place among the finished
 * @used:	bytes of text; it changes, so it is not summed up
 * @wanted:	bytes of text after which it is finished
 * @text:	not terminated
 */
struct report {
	struct item item;
	u32 used;
	u32 wanted;
	char text[];
};

static u32 bytes_of(u32 text)
{
	return (u32)offsetof(struct report, text) + text;
}

static struct report *get_open(struct reporter *r, struct store *s,
			       unsigned int channel)
{
	return store_deref(s, r->open[channel]);
}

static struct report *open_report(struct reporter *r, struct store *s,
				  struct rng *rng, unsigned int channel)
{
	struct report *rep = store_alloc(s, BLOCK_REPORT, MIN_SIZE);

	if (!rep)
		return NULL;
	rep->used = 0;
	rep->wanted = rng_range(rng, 40, MAX_SIZE - 60 - bytes_of(0));
	block_seal(&rep->item.block, bytes_of(0));
	r->open[channel] = store_link(s, rep);
	return rep;
}

static void free_oldest(struct reporter *r, struct store *s)
{
	struct report *rep = (struct report *)fifo_pop(s, &r->closed);

	r->checksum = fnv1a(r->checksum, rep->text, rep->used);
	store_free(s, &rep->item.block, bytes_of(rep->used));
}

/* Cut to size; where even that fails the longer block is kept */
static void close_report(struct reporter *r, struct store *s,
			 unsigned int channel)
{
	struct report *rep = get_open(r, s, channel);
	u32 used = bytes_of(rep->used);
	struct report *cut;

	cut = store_resize(s, &rep->item.block, used, max(used, MIN_SIZE));
	if (cut)
		rep = cut;
	r->open[channel] = 0;
	r->nr_reports++;
	fifo_push(s, &r->closed, &rep->item);
	while (r->closed.bytes > r->limit && !s->nr_damaged)
		free_oldest(r, s);
}

static struct report *grow(struct reporter *r, struct store *s, struct rng *rng,
			   struct report *rep, unsigned int channel, u32 text)
{
	u32 room = block_size(&rep->item.block) - bytes_of(rep->used);
	u32 size = bytes_of(rep->used) + text + rng_range(rng, 20, 120);

	if (room >= text)
		return rep;
	size = min(size, MAX_SIZE);
	rep = store_resize(s, &rep->item.block, bytes_of(rep->used), size);
	if (rep)
		r->open[channel] = store_link(s, rep);
	return rep;
}

void report_add(struct reporter *r, struct store *s, struct rng *rng,
		unsigned int channel, const char *text, u32 size)
{
	struct report *rep = get_open(r, s, channel);
	u32 used;

	if (!rep)
		rep = open_report(r, s, rng, channel);
	if (!rep)
		return;
	rep = grow(r, s, rng, rep, channel, size);
	if (!rep) {
		r->nr_cut++;
		close_report(r, s, channel);
		return;
	}
	used = bytes_of(rep->used);
	memcpy(rep->text + rep->used, text, size);
	rep->used += size;
	block_extend(&rep->item.block, used, size);
	if (rep->used >= rep->wanted)
		close_report(r, s, channel);
}

void report_exit(struct reporter *r, struct store *s)
{
	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		if (r->open[i] && !s->nr_damaged)
			close_report(r, s, i);
	while (r->closed.head && !s->nr_damaged)
		free_oldest(r, s);
}
