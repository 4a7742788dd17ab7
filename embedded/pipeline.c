// SPDX-License-Identifier: MIT
/*
 * pipeline.c - what happens in a tick.
 *
 * Memory follows the weather: histories are long in bursts and short otherwise,
 * and while the link is down packets fill what is left of the budget; then the
 * oldest are dropped. So live bytes reach the budget at every longer outage and
 * fall by a third between, which is what fragments a heap.
 */
#include <string.h>

#include "pipeline.h"
#include "print.h"

/* Shares of the budget in percent; what is left is for packets */
#define HISTORY_SHARE 30
#define WINDOW_SHARE  15
#define TREE_SHARE    20
#define REPORT_SHARE  12

/* Between bursts a history keeps so much of its share */
#define CALM_SHARE 60

/* Bursts come once in so many ticks and last for at most so many */
#define BURST_ONE_IN 600
#define BURST_MIN    40
#define BURST_MAX    300

/* Ticks of an outage per KB of budget: long enough for the queue to fill */
#define OUTAGE_MIN  8
#define OUTAGE_MAX  100
#define LINK_UP_MIN 100
#define LINK_UP_MAX 1500

/* Packets that go out in a tick */
#define SEND_MAX 2

/* One sample in so many is taken as a calibration point, or reported */
#define CALIBRATE_ONE_IN 3
#define REPORT_ONE_IN    5

static u32 share(const struct pipeline *p, u32 percent)
{
	return p->config.budget / 100 * percent;
}

static bool drop_packet(void *arg, bool failed)
{
	struct pipeline *p = arg;

	return queue_drop(&p->queue, &p->store, failed);
}

static void account(struct pipeline *p, unsigned int channel, s32 value)
{
	p->checksum = fnv1a_word(p->checksum, channel);
	p->checksum = fnv1a_word(p->checksum, (u32)value);
}

static void report(struct pipeline *p, unsigned int channel, const char *what,
		   s32 value)
{
	char line[60];
	size_t size = print_to(line, sizeof(line), "%u %s %s %d\n", p->tick,
			       channel_name(channel), what, value);

	report_add(&p->reports, &p->store, &p->rng, channel, line, (u32)size);
}

static void handle_result(void *arg, const struct filter_result *result)
{
	static const char *const names[NR_FILTERS] = { "median", "mean",
						       "low-pass" };
	struct pipeline *p = arg;
	s32 value = tree_calibrate(&p->tree, &p->store, result->channel,
				   result->value);

	account(p, result->channel, value);
	report(p, result->channel, names[result->kind], value);
	queue_add(&p->queue, &p->store, &p->rng, result->channel, p->tick,
		  value);
}

static void handle_sample(struct pipeline *p, unsigned int channel, s32 raw)
{
	struct store *s = &p->store;
	s32 value = tree_calibrate(&p->tree, s, channel, raw);

	account(p, channel, value);
	if (rng_one_in(&p->rng, CALIBRATE_ONE_IN))
		tree_add(&p->tree, s, &p->rng, channel, raw);
	if (rng_one_in(&p->rng, REPORT_ONE_IN))
		report(p, channel, "sample", value);
	queue_add(&p->queue, s, &p->rng, channel, p->tick, value);
	filter_feed(&p->filters, s, &p->rng, channel, value);
}

static void set_histories(struct pipeline *p, u32 percent)
{
	u32 limit = share(p, HISTORY_SHARE) / NR_CHANNELS / 100 * percent;

	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		p->channels[i].limit = limit;
}

static bool is_burst(const struct pipeline *p)
{
	return p->tick < p->burst_until;
}

static void update_burst(struct pipeline *p)
{
	if (is_burst(p) || !rng_one_in(&p->rng, BURST_ONE_IN)) {
		if (p->tick == p->burst_until)
			set_histories(p, CALM_SHARE);
		return;
	}
	p->burst_until = p->tick + rng_range(&p->rng, BURST_MIN, BURST_MAX);
	set_histories(p, 100);
}

static void update_link(struct pipeline *p)
{
	u32 kb = p->config.budget / 1024;

	if (p->tick < p->link_until)
		return;
	p->is_link_up = !p->is_link_up;
	if (p->is_link_up)
		p->link_until =
			p->tick + rng_range(&p->rng, LINK_UP_MIN, LINK_UP_MAX);
	else
		p->link_until = p->tick + rng_range(&p->rng, kb * OUTAGE_MIN,
						    kb * OUTAGE_MAX);
}

static void sample_all(struct pipeline *p)
{
	s32 raw;

	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		if (channel_sample(&p->channels[i], &p->store, &p->rng, p->tick,
				   is_burst(p), &raw))
			handle_sample(p, i, raw);
}

static void send(struct pipeline *p)
{
	for (int i = 0; p->is_link_up && i < SEND_MAX; i++)
		if (!queue_send(&p->queue, &p->store))
			return;
}

static void idle(struct pipeline *p)
{
	const struct heap_ops *heap = p->store.heap;

	if (!heap->step || !p->config.step_every)
		return;
	if (p->store.nr_ops - p->last_step < p->config.step_every)
		return;
	p->last_step = p->store.nr_ops;
	p->nr_steps++;
	heap->step(heap->heap);
}

void pipeline_init(struct pipeline *p, const struct pipeline_config *config,
		   const struct heap_ops *heap, const void *base)
{
	memset(p, 0, sizeof(*p));
	p->config = *config;
	p->checksum = FNV1A_START;
	store_init(&p->store, heap, base, config->budget);
	p->store.make_room = drop_packet;
	p->store.arg = p;
	rng_init(&p->rng, config->seed);
	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		channel_init(&p->channels[i], i, 0);
	set_histories(p, CALM_SHARE);
	p->filters = (struct filter_bank){
		.limit = share(p, WINDOW_SHARE),
		.emit = handle_result,
		.arg = p,
	};
	p->tree.limit = share(p, TREE_SHARE);
	p->reports.limit = share(p, REPORT_SHARE);
	p->reports.checksum = FNV1A_START;
	p->queue.checksum = FNV1A_START;
	/* it starts far from the network */
	p->link_until = config->budget / 1024 * OUTAGE_MAX;
}

bool pipeline_tick(struct pipeline *p)
{
	update_burst(p);
	update_link(p);
	sample_all(p);
	send(p);
	idle(p);
	p->tick++;
	return p->store.nr_ops < p->config.nr_ops && !p->store.nr_damaged;
}

void pipeline_exit(struct pipeline *p)
{
	struct store *s = &p->store;

	while (!s->nr_damaged && queue_send(&p->queue, s))
		;
	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		channel_trim(&p->channels[i], s, 0);
	filter_exit(&p->filters, s);
	tree_exit(&p->tree, s);
	report_exit(&p->reports, s);
}

u32 pipeline_checksum(const struct pipeline *p)
{
	u32 sum = fnv1a_word(p->checksum, p->queue.checksum);

	sum = fnv1a_word(sum, p->reports.checksum);
	sum = fnv1a_word(sum, p->queue.nr_sent);
	return fnv1a_word(sum, p->store.nr_ops);
}

static u32 fifo_bytes(struct store *s, const struct fifo *f)
{
	u32 bytes = 0;

	for (struct item *i = fifo_first(s, f); i; i = fifo_next(s, i))
		bytes += block_size(&i->block);
	return bytes;
}

/* Records and packets are complete: their content can always be verified */
static bool check_full(struct store *s, const struct fifo *f)
{
	for (struct item *i = fifo_first(s, f); i; i = fifo_next(s, i))
		if (!block_is_intact(&i->block, block_size(&i->block)))
			return false;
	return true;
}

bool pipeline_check(struct pipeline *p)
{
	struct store *s = &p->store;
	u32 records = 0;

	for (unsigned int i = 0; i < NR_CHANNELS; i++) {
		if (!check_full(s, &p->channels[i].history))
			return false;
		records += fifo_bytes(s, &p->channels[i].history);
	}
	return check_full(s, &p->queue.waiting) && tree_check(&p->tree, s) &&
	       records == s->kind_live[BLOCK_RECORD] &&
	       fifo_bytes(s, &p->queue.waiting) == s->kind_live[BLOCK_PACKET] &&
	       fifo_bytes(s, &p->filters.windows) ==
		       s->kind_live[BLOCK_WINDOW] &&
	       p->tree.bytes == s->kind_live[BLOCK_NODE];
}
