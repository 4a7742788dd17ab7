// SPDX-License-Identifier: MIT
/*
 * trace-columns.c - events to columns and back.
 *
 * A young object of the same block is told by how many younger ones of it are alive:
 * of programs that free what they had last that is mostly 0, whatever they did
 * meanwhile. Any other is told by its distance from the one that was told so before:
 * of programs that free in the order of allocation that is mostly 1. Both refer to
 * nothing outside the block, so each block can be read alone.
 */
#include "trace-columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "command/base/fail.h"
#include "trace-pack.h"

/* Bits of a word, and of the words that are counted together */
#define WORD  64u
#define GROUP 4096u

/* Objects of a block: an event has two bytes at least */
#define NR_OBJECTS (QN_TRACE_COLUMNS_SIZE / 2)

/* What the first byte of an event that is told by number may have */
#define FIRST_BITS (QN_TRACE_OP_MASK | QN_TRACE_TIME | QN_TRACE_SITE)

/* So many younger ones and more are noise: from 32 to 128 files are smallest */
#define NEAR 64

enum column {
	OPS,
	TIMES,
	SITES,
	SIZES,
	YOUNGER, /* living objects of the block that are younger, and 1; 0: FAR tells */
	FAR,
	OTHER,
	NR_COLUMNS,
};

/**
 * struct column_data - one column
 * @at, @end:	what is to be read, or where to write and what is written
 */
struct column_data {
	u8 *memory;
	u8 *at;
	const u8 *end;
};

/**
 * struct table - a block in columns
 * @live:	a bit for each object of the block
 * @counts:	set bits of each group
 * @nr:		objects so far
 * @base:	number of the first one
 * @old:	number of the object that was told last by a distance
 * @ticks:	of the event before
 */
struct table {
	struct column_data columns[NR_COLUMNS];
	u64 live[NR_OBJECTS / WORD];
	u32 counts[NR_OBJECTS / GROUP];
	u32 nr;
	u64 base;
	u64 old;
	u64 ticks;
};

static struct table *make_table(const struct qn_trace_head *head)
{
	struct table *t = qn_xrealloc(NULL, sizeof(*t));

	memset(t, 0, sizeof(*t));
	t->base = head->base;
	t->old = head->base;
	t->ticks = head->ticks;
	return t;
}

static void free_table(struct table *t)
{
	for (u32 i = 0; i < NR_COLUMNS; i++)
		free(t->columns[i].memory);
	free(t);
}

/* ---- objects that live ---- */

static void add_object(struct table *t)
{
	t->live[t->nr / WORD] |= 1ull << t->nr % WORD;
	t->counts[t->nr / GROUP]++;
	t->nr++;
}

static bool is_live(const struct table *t, u64 i)
{
	return i < t->nr && t->live[i / WORD] >> i % WORD & 1;
}

static void end_object(struct table *t, u64 i)
{
	t->live[i / WORD] &= ~(1ull << i % WORD);
	t->counts[i / GROUP]--;
}

/* The compiler's own would be a call: not every x86-64 has the instruction */
static __always_inline u32 nr_set(u64 w)
{
	w -= w >> 1 & 0x5555555555555555;
	w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (u32)(w * 0x0101010101010101 >> 56);
}

static u64 nr_younger(const struct table *t, u64 i)
{
	u64 n = nr_set(t->live[i / WORD] >> i % WORD) - 1;

	for (i = i / WORD + 1; i % (GROUP / WORD) && i * WORD < t->nr; i++)
		n += nr_set(t->live[i]);
	for (i = DIV_ROUND_UP(i, GROUP / WORD); i * GROUP < t->nr; i++)
		n += t->counts[i];
	return n;
}

/* The object that so many are younger than; false: there is none */
static bool find_object(const struct table *t, u64 younger, u64 *object)
{
	u32 i = t->nr / GROUP;
	u64 word;

	if (i == ARRAY_SIZE(t->counts))
		i--;
	for (; younger >= t->counts[i]; i--) {
		if (!i)
			return false;
		younger -= t->counts[i];
	}
	i = (i + 1) * (GROUP / WORD) - 1;
	for (; younger >= nr_set(t->live[i]); i--)
		younger -= nr_set(t->live[i]);
	word = t->live[i];
	while (younger--)
		word &= ~(1ull << qn_ilog2(word));
	*object = i * (u64)WORD + qn_ilog2(word);
	return true;
}

/* ---- events to columns ---- */

static __always_inline void put(struct table *t, enum column c, u64 value)
{
	t->columns[c].at = qn_trace_varint(t->columns[c].at, value);
}

static void put_object(struct table *t, const struct qn_trace_event *e)
{
	u64 i = e->object - t->base;
	u64 younger = is_live(t, i) ? nr_younger(t, i) : NEAR;

	if (younger < NEAR) {
		put(t, YOUNGER, younger + 1);
	} else {
		put(t, YOUNGER, 0);
		put(t, FAR, qn_varint_from_signed((s64)(e->object - t->old)));
		t->old = e->object;
	}
	if (e->op == QN_TRACE_FREE && is_live(t, i))
		end_object(t, i);
}

static void put_event(struct table *t, const struct qn_trace_event *e)
{
	u8 op = e->op;

	op |= e->ticks > t->ticks ? QN_TRACE_TIME : 0;
	op |= e->site ? QN_TRACE_SITE : 0;
	*t->columns[OPS].at++ = op;
	if (op & QN_TRACE_TIME)
		put(t, TIMES, e->ticks - t->ticks);
	t->ticks = e->ticks;
	if (e->site)
		put(t, SITES, e->site);
	if (e->op <= QN_TRACE_REALLOC)
		put(t, SIZES, e->size);
	if (e->op == QN_TRACE_ALIGNED)
		put(t, OTHER, e->align_shift);
	if (e->op < QN_TRACE_REALLOC)
		add_object(t);
	else if (e->op <= QN_TRACE_FREE)
		put_object(t, e);
	else if (e->op != QN_TRACE_START && e->op != QN_TRACE_STOP)
		put(t, OTHER, e->size);
}

static size_t put_columns(struct table *t, u8 *to, size_t room, u32 size)
{
	u8 *at = to + qn_varint_put(to, size);

	for (u32 i = 0; i < NR_COLUMNS; i++) {
		struct column_data *c = &t->columns[i];
		size_t used = (size_t)(c->at - c->memory), packed = 0;
		size_t left = room - (size_t)(at - to);

		if (left < 2 * QN_VARINT_MAX)
			return 0;
		if (used)
			packed = qn_pack(at + QN_VARINT_MAX,
					 left - QN_VARINT_MAX, c->memory, used);
		if (used && !packed)
			return 0;
		used = qn_varint_put(at, packed);
		memmove(at + used, at + QN_VARINT_MAX, packed);
		at += used + packed;
	}
	return (size_t)(at - to);
}

size_t qn_columns_pack(u8 *to, size_t room, const struct qn_trace_head *head,
		       const u8 *payload)
{
	struct table *t = make_table(head);
	struct qn_trace_cursor cursor;
	struct qn_trace_event e;
	size_t size = 0;
	int got;

	/* No number is longer in its column than among the events, but those of objects */
	for (u32 i = 0; i < NR_COLUMNS; i++) {
		struct column_data *c = &t->columns[i];

		c->memory = qn_xrealloc(NULL, head->nr * (size_t)QN_VARINT_MAX);
		c->at = c->memory;
	}
	qn_trace_cursor_init(&cursor, head, payload);
	while ((got = qn_trace_get(&cursor, &e)) == 1)
		put_event(t, &e);
	if (!got && room > QN_VARINT_MAX)
		size = put_columns(t, to, room, head->size);
	free_table(t);
	return size;
}

/* ---- and back ---- */

static bool get(struct table *t, enum column c, u64 *value)
{
	struct column_data *d = &t->columns[c];
	size_t n = qn_varint_get(d->at, (size_t)(d->end - d->at), value);

	d->at += n;
	return n;
}

static bool get_object(struct table *t, struct qn_trace_event *e)
{
	u64 younger, i, distance;

	if (!get(t, YOUNGER, &younger))
		return false;
	if (younger) {
		if (!find_object(t, younger - 1, &i))
			return false;
		e->object = t->base + i;
	} else {
		if (!get(t, FAR, &distance))
			return false;
		t->old += (u64)qn_varint_to_signed(distance);
		e->object = t->old;
		i = e->object - t->base;
	}
	if (e->op == QN_TRACE_FREE && is_live(t, i))
		end_object(t, i);
	return e->object < t->base + t->nr;
}

static bool get_rest(struct table *t, struct qn_trace_event *e)
{
	u64 align = 0;

	if (e->op <= QN_TRACE_REALLOC && !get(t, SIZES, &e->size))
		return false;
	if (e->op == QN_TRACE_ALIGNED && (!get(t, OTHER, &align) || align > 47))
		return false;
	e->align_shift = (u8)align;
	if (e->op < QN_TRACE_REALLOC) {
		if (t->nr == NR_OBJECTS)
			return false;
		add_object(t);
		return true;
	}
	if (e->op <= QN_TRACE_FREE)
		return get_object(t, e);
	return e->op == QN_TRACE_START || e->op == QN_TRACE_STOP ||
	       get(t, OTHER, &e->size);
}

/* Return: 1, 0 at the end, or -1 */
static int get_event(struct table *t, struct qn_trace_event *e)
{
	struct column_data *ops = &t->columns[OPS];
	u64 more = 0, site = 0;
	u8 op;

	if (ops->at == ops->end)
		return 0;
	op = *ops->at++;
	*e = (struct qn_trace_event){ .op = op & QN_TRACE_OP_MASK };
	if (!e->op || e->op >= QN_TRACE_NR_OPS || op & ~FIRST_BITS ||
	    (op & QN_TRACE_TIME && !get(t, TIMES, &more)) ||
	    (op & QN_TRACE_SITE && !get(t, SITES, &site)) || site > UINT32_MAX)
		return -1;
	t->ticks += more;
	e->ticks = t->ticks;
	e->site = (u32)site;
	return get_rest(t, e) ? 1 : -1;
}

static bool get_columns(struct table *t, const u8 *at, const u8 *end)
{
	for (u32 i = 0; i < NR_COLUMNS; i++) {
		struct column_data *c = &t->columns[i];
		size_t n, unpacked = 0;
		u64 size;

		n = qn_varint_get(at, (size_t)(end - at), &size);
		at += n;
		if (!n || size > (size_t)(end - at))
			return false;
		if (size)
			c->memory = qn_unpack(at, (size_t)size,
					      NR_OBJECTS * QN_VARINT_MAX,
					      &unpacked);
		if (size && !c->memory)
			return false;
		c->at = c->memory;
		c->end = c->memory + unpacked;
		at += size;
	}
	return true;
}

static bool get_events(struct table *t, struct qn_trace_block *b)
{
	struct qn_trace_event e;
	int got;

	while ((got = get_event(t, &e)) == 1)
		if (!qn_trace_put(b, &e))
			return false;
	return !got;
}

u8 *qn_columns_unpack(const struct qn_trace_head *head, const u8 *payload,
		      size_t *size)
{
	const u8 *end = payload + head->size;
	struct table *t = make_table(head);
	struct qn_trace_block b;
	u64 unpacked;
	size_t n = qn_varint_get(payload, head->size, &unpacked);
	u8 *to = NULL;

	if (!n || unpacked > QN_TRACE_COLUMNS_SIZE)
		goto out;
	unpacked += QN_TRACE_BLOCK_HEADER + QN_TRACE_EVENT_MAX;
	to = qn_xrealloc(NULL, unpacked);
	qn_trace_block_open(&b, to, (u32)unpacked, head);
	if (get_columns(t, payload + n, end) && get_events(t, &b)) {
		*size = b.at - QN_TRACE_BLOCK_HEADER;
		memmove(to, to + QN_TRACE_BLOCK_HEADER, *size);
	} else {
		free(to);
		to = NULL;
	}
out:
	free_table(t);
	return to;
}
