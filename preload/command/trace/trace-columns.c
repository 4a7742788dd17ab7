// SPDX-License-Identifier: MIT
/*
 * trace-columns.c - columns to events.
 *
 * A young object of the same block is told by how many younger ones of it are alive. Any
 * other is told by its distance from the one that was told so before.
 */
#include "trace-columns.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "trace-ranks.h"
#include "trace-row.h"

/* Objects of a block: an event has two bytes at least */
#define NR_OBJECTS (QN_TRACE_COLUMNS_SIZE / 2)

/* What the first byte of an event that is told by number may have */
#define FIRST_BITS (QN_TRACE_OP_MASK | QN_TRACE_TIME | QN_TRACE_SITE)

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
 * struct table - a block in columns
 * @live:	the objects of the block that live
 * @nr:		objects so far
 * @base:	number of the first one
 * @old:	number of the object that was told last by a distance
 * @ticks:	of the event before
 */
struct table {
	struct qn_column columns[NR_COLUMNS];
	struct qn_ranks live;
	u32 nr;
	u64 base;
	u64 old;
	u64 ticks;
};

static bool get(struct table *t, enum column c, u64 *value)
{
	return qn_column_get(&t->columns[c], value);
}

static bool get_object(struct table *t, struct qn_trace_event *e)
{
	u64 younger, distance;
	u32 i;

	if (!get(t, YOUNGER, &younger))
		return false;
	if (younger) {
		if (!qn_ranks_below(&t->live, 0, t->nr, younger - 1, &i))
			return false;
		e->object = t->base + i;
	} else {
		if (!get(t, FAR, &distance))
			return false;
		t->old += (u64)qn_varint_to_signed(distance);
		e->object = t->old;
	}
	if (e->op == QN_TRACE_FREE &&
	    qn_ranks_has(&t->live, e->object - t->base))
		qn_ranks_del(&t->live, (u32)(e->object - t->base));
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
		qn_ranks_add(&t->live, t->nr++);
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
	struct qn_column *ops = &t->columns[OPS];
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
	struct table t = { .base = head->base,
			   .old = head->base,
			   .ticks = head->ticks };
	const u8 *end = payload + head->size;
	struct qn_trace_block b;
	u64 unpacked;
	size_t n = qn_varint_get(payload, head->size, &unpacked);
	u8 *to;

	if (!n || unpacked > QN_TRACE_COLUMNS_SIZE)
		return NULL;
	unpacked += QN_TRACE_BLOCK_HEADER + QN_TRACE_EVENT_MAX;
	to = qn_xrealloc(NULL, unpacked);
	qn_trace_block_open(&b, to, (u32)unpacked, head);
	qn_ranks_init(&t.live, NR_OBJECTS);
	if (qn_row_unpack(payload + n, end, t.columns, NR_COLUMNS,
			  NR_OBJECTS * QN_VARINT_MAX) &&
	    get_events(&t, &b)) {
		*size = b.at - QN_TRACE_BLOCK_HEADER;
		memmove(to, to + QN_TRACE_BLOCK_HEADER, *size);
	} else {
		free(to);
		to = NULL;
	}
	qn_ranks_exit(&t.live);
	qn_row_free(t.columns, NR_COLUMNS);
	return to;
}
