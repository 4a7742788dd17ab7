// SPDX-License-Identifier: MIT
/*
 * channel.c - temperature, pressure and humidity of an imaginary place: a daily
 * curve, a random walk on top and noise on each reading.
 */
#include "channel.h"

/* Ticks in a day */
#define DAY     4096
#define MAX_RAW 14

/**
 * struct sensor - what tells one channel from another
 * @name:	for reports
 * @mean, @swing: the daily curve goes from @mean - @swing to @mean + @swing
 * @noise:	a reading is off by at most so much
 * @period:	ticks between samples; a quarter of it in a burst
 * @nr_raw:	readings that a sample is the mean of
 * @nr_burst:	the same in a burst
 */
struct sensor {
	const char *name;
	s32 mean;
	s32 swing;
	s32 noise;
	u16 period;
	u8 nr_raw;
	u8 nr_burst;
};

/* clang-format off */
static const struct sensor sensors[NR_CHANNELS] = {
	[CHANNEL_TEMPERATURE] = { "temperature",  21500,  6000,  40,  8, 6, 10 },
	[CHANNEL_PRESSURE]    = { "pressure",    101325,   900,  12,  4, 8, 14 },
	[CHANNEL_HUMIDITY]    = { "humidity",     45000, 15000, 150, 14, 2,  6 },
};

/* clang-format on */

/**
 * struct record - one sample, 12 to 40 bytes
 * @item:	place in the history
 * @value:	the mean of the readings
 * @raw:	the readings, as distances from the true value
 */
struct record {
	struct item item;
	s32 value;
	s16 raw[];
};

static u32 record_size(u32 nr_raw)
{
	return (u32)(offsetof(struct record, raw) + nr_raw * sizeof(s16));
}

void channel_init(struct channel *c, unsigned int id, u32 limit)
{
	*c = (struct channel){ .id = (u8)id, .due = id, .limit = limit };
}

const char *channel_name(unsigned int id)
{
	return sensors[id].name;
}

/* A triangle instead of a sine: the same on every machine */
static s32 daily_curve(const struct sensor *sensor, u32 tick)
{
	s32 phase = (s32)(tick % DAY);
	s32 rise = phase < DAY / 2 ? phase : DAY - phase;

	return sensor->mean + sensor->swing * (4 * rise - DAY) / DAY;
}

static s32 noise(const struct sensor *sensor, struct rng *rng)
{
	u32 span = (u32)(2 * sensor->noise);

	return (s32)rng_range(rng, 0, span) - sensor->noise;
}

/* Some samples keep more readings than others, so sizes vary */
static u32 pick_nr_raw(const struct sensor *sensor, struct rng *rng, bool burst)
{
	u32 n = burst ? sensor->nr_burst : sensor->nr_raw;

	if (rng_one_in(rng, 6))
		n = rng_range(rng, 0, MAX_RAW);
	return n;
}

static void drop_oldest(struct channel *c, struct store *s)
{
	struct item *item = fifo_pop(s, &c->history);

	store_free(s, &item->block, block_size(&item->block));
}

void channel_trim(struct channel *c, struct store *s, u32 limit)
{
	while (c->history.bytes > limit && !s->nr_damaged)
		drop_oldest(c, s);
}

/* Readings around @truth; the mean of them, or a single one that is not kept */
static s32 measure(struct record *r, u32 nr_raw, const struct sensor *sensor,
		   struct rng *rng, s32 truth)
{
	s32 sum = 0;

	if (!nr_raw)
		return truth + noise(sensor, rng);
	for (u32 i = 0; i < nr_raw; i++) {
		r->raw[i] = (s16)noise(sensor, rng);
		sum += r->raw[i];
	}
	return truth + sum / (s32)nr_raw;
}

static bool keep_record(struct channel *c, struct store *s, struct rng *rng,
			u32 nr_raw, s32 truth, s32 *value)
{
	u32 size = record_size(nr_raw);
	struct record *r = store_alloc(s, BLOCK_RECORD, size);

	if (!r)
		return false;
	r->value = measure(r, nr_raw, &sensors[c->id], rng, truth);
	*value = r->value;
	block_seal(&r->item.block, size);
	fifo_push(s, &c->history, &r->item);
	c->nr_samples++;
	return true;
}

bool channel_sample(struct channel *c, struct store *s, struct rng *rng,
		    u32 tick, bool burst, s32 *value)
{
	const struct sensor *sensor = &sensors[c->id];
	u32 nr_raw;

	if (tick < c->due)
		return false;
	c->due = tick + (burst ? sensor->period / 4 : sensor->period);
	c->drift += noise(sensor, rng);
	nr_raw = pick_nr_raw(sensor, rng, burst);
	channel_trim(c, s, c->limit - min(c->limit, record_size(nr_raw)));
	return keep_record(c, s, rng, nr_raw,
			   daily_curve(sensor, tick) + c->drift, value);
}
