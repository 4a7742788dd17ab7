// SPDX-License-Identifier: MIT
/*
 * trace-groups.c - events to groups and back.
 *
 * A call site asks for like sizes, and frees what another site asked for, in its order or
 * the opposite one. So sizes lie beside those of the same site, and an object is told by
 * the group that it was allocated in and its place among the living ones of it: from the
 * youngest, or from the one that was told before. Where the order is random the place is a
 * number of as many bits as there are living ones to choose from.
 *
 * Both ways need the places of all objects first: the objects of a group lie together,
 * group by group. So pack() and unpack() go through the events twice.
 */
#include "trace-groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "command/base/fail.h"
#include "trace-objects.h"
#include "trace-ranks.h"
#include "trace-row.h"

/* Places so far away and more are told by their bits alone */
#define NEAR 42

/* No column of such a block is larger: a number for each byte of the events */
#define COLUMN_MOST ((size_t)QN_TRACE_GROUPS_SIZE * QN_VARINT_MAX)

enum column {
	/* In the order of the events */
	CALLS,  /* the group; 0: the next one, which GROUPS tells of */
	GROUPS, /* op, and site as a distance from the largest so far and 1 */
	TIMES,  /* events until time passes, and the ticks then */
	OTHER,  /* alignments, and numbers of THREAD, LOST and FORK */
	BITS,   /* of places that are not near */
	/* Of the first group, then of the second, ... */
	SIZES,
	HOMES, /* the group that the object was allocated in; 0: FARS tells of it */
	PLACES, /* enum from and 3 * living ones between, and 1; 0: BITS tells */
	FARS, /* distance from the one before of this group, at first from the base */
	NR_COLUMNS,
};

#define NR_GROUPED (NR_COLUMNS - SIZES)

/* Where living ones are counted from */
enum from {
	YOUNGEST, /* downwards */
	ABOVE,    /* the one that was told last of its home, and upwards */
	BELOW,    /* downwards from there */
	NR_FROM,
};

/**
 * struct group - the calls of one kind at one site
 * @op, @site:	which
 * @nr:		events
 * @first, @end: places of its objects, as far as they were allocated
 * @last:	place that was told last
 * @far:	number that was told last by a distance
 * @columns:	what is to be read of SIZES and those behind it
 */
struct group {
	u8 op;
	u32 site;
	u32 nr;
	u32 first, end;
	u32 last;
	u64 far;
	struct qn_column columns[NR_GROUPED];
};

/**
 * struct table - a block in groups
 * @groups, @nr_groups: group 1 is the first
 * @top_site:	the largest site of any group
 * @calls:	group of each of @nr events
 * @live:	places of living objects
 * @place_of, @home_of: by object, from @base on; @object_at: the other way round
 * @nr_objects:	so far
 * @base:	number of the first object
 * @ticks:	of the event before
 * @even:	events since time passed, or until it passes
 * @bits, @nr_bits: not yet in BITS, or read from it and not used up
 */
struct table {
	struct qn_column columns[NR_COLUMNS];
	struct group *groups;
	u32 nr_groups;
	u32 top_site;
	u32 *calls;
	u32 nr;
	struct qn_ranks live;
	u32 *place_of;
	u32 *home_of;
	u32 *object_at;
	u32 nr_objects;
	u64 base;
	u64 ticks;
	u64 even;
	u64 bits;
	u32 nr_bits;
};

static void make_table(struct table *t, const struct qn_trace_head *head)
{
	*t = (struct table){ .nr = head->nr,
			     .base = head->base,
			     .ticks = head->ticks };
	t->calls = qn_xrealloc(NULL, ((size_t)t->nr + 1) * sizeof(u32));
}

static void free_table(struct table *t)
{
	qn_row_free(t->columns, NR_COLUMNS);
	free(t->groups);
	free(t->calls);
	free(t->place_of);
	free(t->home_of);
	free(t->object_at);
	qn_ranks_exit(&t->live);
}

static void add_group(struct table *t, u8 op, u32 site)
{
	u32 i = t->nr_groups++;

	QN_GROW(t->groups, i);
	t->groups[i] = (struct group){ .op = op, .site = site, .far = t->base };
	t->top_site = max(t->top_site, site);
}

/* A site as it is told: most are the next one */
static u64 site_from_top(const struct table *t, u32 site)
{
	return qn_varint_from_signed((s64)site - (s64)t->top_site - 1);
}

static bool is_alloc(u8 op)
{
	return op < QN_TRACE_REALLOC;
}

static bool has_object(u8 op)
{
	return op == QN_TRACE_REALLOC || op == QN_TRACE_FREE;
}

/* ---- places of objects ---- */

/* All groups are known, and how many events each has */
static void make_places(struct table *t)
{
	u32 nr = 0;

	for (u32 i = 0; i < t->nr_groups; i++) {
		struct group *g = &t->groups[i];

		g->first = g->end = g->last = nr;
		nr += is_alloc(g->op) ? g->nr : 0;
	}
	t->place_of = qn_xrealloc(NULL, ((size_t)nr + 1) * sizeof(u32));
	t->home_of = qn_xrealloc(NULL, ((size_t)nr + 1) * sizeof(u32));
	t->object_at = qn_xrealloc(NULL, ((size_t)nr + 1) * sizeof(u32));
	qn_ranks_init(&t->live, nr);
}

static void add_object(struct table *t, u32 group)
{
	struct group *g = &t->groups[group - 1];

	t->place_of[t->nr_objects] = g->end;
	t->home_of[t->nr_objects] = group;
	t->object_at[g->end] = t->nr_objects++;
	qn_ranks_add(&t->live, g->end++);
}

/* The object at a place of @home was told */
static void end_told(struct table *t, struct group *home, u32 place, u8 op)
{
	home->last = place;
	if (op == QN_TRACE_FREE)
		qn_ranks_del(&t->live, place);
}

/* ---- bits ---- */

static void flush_bits(struct table *t)
{
	if (t->nr_bits)
		qn_column_put_byte(&t->columns[BITS],
				   (u8)(t->bits << (8 - t->nr_bits)));
}

static void put_bits(struct table *t, u32 value, u32 nr)
{
	t->bits = t->bits << nr | value;
	for (t->nr_bits += nr; t->nr_bits >= 8; t->nr_bits -= 8)
		qn_column_put_byte(&t->columns[BITS],
				   (u8)(t->bits >> (t->nr_bits - 8)));
}

static bool get_bits(struct table *t, u32 *value, u32 nr)
{
	struct qn_column *c = &t->columns[BITS];

	for (; t->nr_bits < nr; t->nr_bits += 8) {
		if (c->at == c->end)
			return false;
		t->bits = t->bits << 8 | *c->at++;
	}
	t->nr_bits -= nr;
	*value = (u32)(t->bits >> t->nr_bits & ((1ull << nr) - 1));
	return true;
}

/*
 * One of @nr numbers, each as likely as the next: some take a bit less than the others,
 * so that none is in vain (truncated binary).
 */
static void put_one_of(struct table *t, u32 value, u32 nr)
{
	u32 bits = qn_ilog2(nr), few = (u32)((2ull << bits) - nr);

	if (value < few)
		put_bits(t, value, bits);
	else
		put_bits(t, value + few, bits + 1);
}

static bool get_one_of(struct table *t, u32 *value, u32 nr)
{
	u32 bits = qn_ilog2(nr), few = (u32)((2ull << bits) - nr), low;

	if (!get_bits(t, value, bits))
		return false;
	if (*value < few)
		return true;
	if (!get_bits(t, &low, 1))
		return false;
	*value = (*value << 1 | low) - few;
	return *value < nr;
}

/* ---- events to groups ---- */

/**
 * struct entry - a number that is to lie with others of its group
 */
struct entry {
	u32 group;
	u64 value;
};

/**
 * struct packer - events on their way into a table
 * @known:	groups, by operation and site
 * @entries, @nr_entries: what the columns from SIZES on are to hold
 */
struct packer {
	struct table t;
	struct qn_objects known;
	struct entry *entries[NR_GROUPED];
	u32 nr_entries[NR_GROUPED];
};

static void put_grouped(struct packer *p, enum column c, u32 group, u64 value)
{
	u32 i = c - SIZES, nr = p->nr_entries[i]++;

	QN_GROW(p->entries[i], nr);
	p->entries[i][nr] = (struct entry){ group, value };
}

/* Entries into their column, those of the first group first */
static void sort_entries(struct packer *p, enum column c)
{
	const struct entry *e = p->entries[c - SIZES];
	u32 nr = p->nr_entries[c - SIZES], nr_groups = p->t.nr_groups;
	u32 *next = qn_xrealloc(NULL, (nr_groups + 2) * sizeof(*next));
	u64 *sorted = qn_xrealloc(NULL, ((size_t)nr + 1) * sizeof(*sorted));

	memset(next, 0, (nr_groups + 2) * sizeof(*next));
	for (u32 i = 0; i < nr; i++)
		next[e[i].group + 1]++;
	for (u32 i = 1; i <= nr_groups; i++)
		next[i + 1] += next[i];
	for (u32 i = 0; i < nr; i++)
		sorted[next[e[i].group]++] = e[i].value;
	for (u32 i = 0; i < nr; i++)
		qn_column_put(&p->t.columns[c], sorted[i]);
	free(next);
	free(sorted);
}

/* Return: the group, which has one event more */
static u32 put_call(struct packer *p, const struct qn_trace_event *e)
{
	u64 key = (u64)e->site << 8 | e->op;
	u32 slot = qn_objects_find(&p->known, key), group = 0;
	struct table *t = &p->t;

	if (slot != QN_NO_SLOT)
		group = (u32)p->known.at[slot].id;
	qn_column_put(&t->columns[CALLS], group);
	if (!group) {
		qn_objects_add(&p->known, key, 0);
		qn_column_put(&t->columns[GROUPS], e->op);
		qn_column_put(&t->columns[GROUPS], site_from_top(t, e->site));
		add_group(t, e->op, e->site);
		group = t->nr_groups;
	}
	t->groups[group - 1].nr++;
	return group;
}

static void put_time(struct table *t, u64 ticks)
{
	t->even++;
	if (ticks == t->ticks)
		return;
	qn_column_put(&t->columns[TIMES], t->even - 1);
	qn_column_put(&t->columns[TIMES], ticks - t->ticks);
	t->even = 0;
	t->ticks = ticks;
}

/* All but the object */
static u32 put_event(struct packer *p, const struct qn_trace_event *e)
{
	u32 group = put_call(p, e);

	put_time(&p->t, e->ticks);
	if (e->op <= QN_TRACE_REALLOC)
		put_grouped(p, SIZES, group, e->size);
	if (e->op == QN_TRACE_ALIGNED)
		qn_column_put(&p->t.columns[OTHER], e->align_shift);
	if (e->op > QN_TRACE_FREE && e->op != QN_TRACE_START &&
	    e->op != QN_TRACE_STOP)
		qn_column_put(&p->t.columns[OTHER], e->size);
	return group;
}

/* Which way is shortest, and how many living ones lie on it */
static u32 find_nearest(const struct table *t, const struct group *home,
			u32 place, enum from *from)
{
	u32 n = qn_ranks_count(&t->live, place + 1, home->end), other;

	*from = YOUNGEST;
	if (place >= home->last)
		other = qn_ranks_count(&t->live, home->last, place);
	else
		other = qn_ranks_count(&t->live, place + 1, home->last);
	if (other >= n)
		return n;
	*from = place >= home->last ? ABOVE : BELOW;
	return other;
}

static void put_place(struct packer *p, u32 group, struct group *home,
		      u32 place)
{
	struct table *t = &p->t;
	enum from from;
	u32 n = find_nearest(t, home, place, &from);

	if (n < NEAR) {
		put_grouped(p, PLACES, group, NR_FROM * n + from + 1);
		return;
	}
	put_grouped(p, PLACES, group, 0);
	put_one_of(t, qn_ranks_count(&t->live, home->first, place),
		   qn_ranks_count(&t->live, home->first, home->end));
}

static void put_object(struct packer *p, u32 group,
		       const struct qn_trace_event *e)
{
	struct table *t = &p->t;
	struct group *g = &t->groups[group - 1], *home;
	u64 i = e->object - t->base;
	u32 place;

	if (i >= t->nr_objects || !qn_ranks_has(&t->live, t->place_of[i])) {
		put_grouped(p, HOMES, group, 0);
		put_grouped(p, FARS, group,
			    qn_varint_from_signed((s64)(e->object - g->far)));
		g->far = e->object;
		return;
	}
	place = t->place_of[i];
	home = &t->groups[t->home_of[i] - 1];
	put_grouped(p, HOMES, group, t->home_of[i]);
	put_place(p, group, home, place);
	end_told(t, home, place, e->op);
}

static bool put_events(struct packer *p, const struct qn_trace_head *head,
		       const u8 *payload)
{
	struct qn_trace_cursor cursor;
	struct qn_trace_event e;
	u32 nr = 0;
	int got;

	qn_trace_cursor_init(&cursor, head, payload);
	while ((got = qn_trace_get(&cursor, &e)) == 1)
		p->t.calls[nr++] = put_event(p, &e);
	make_places(&p->t);
	qn_trace_cursor_init(&cursor, head, payload);
	for (u32 i = 0; i < nr && qn_trace_get(&cursor, &e) == 1; i++) {
		if (is_alloc(e.op))
			add_object(&p->t, p->t.calls[i]);
		else if (has_object(e.op))
			put_object(p, p->t.calls[i], &e);
	}
	flush_bits(&p->t);
	return !got;
}

size_t qn_groups_pack(u8 *to, size_t room, const struct qn_trace_head *head,
		      const u8 *payload)
{
	struct packer p = { 0 };
	size_t size = 0, n;

	if (room < QN_VARINT_MAX)
		return 0;
	make_table(&p.t, head);
	if (put_events(&p, head, payload)) {
		for (u32 c = SIZES; c < NR_COLUMNS; c++)
			sort_entries(&p, c);
		n = qn_varint_put(to, head->size);
		size = qn_row_pack(to + n, room - n, p.t.columns, NR_COLUMNS);
		size += size ? n : 0;
	}
	for (u32 i = 0; i < NR_GROUPED; i++)
		free(p.entries[i]);
	qn_objects_exit(&p.known);
	free_table(&p.t);
	return size;
}

/* ---- and back ---- */

static bool get(struct table *t, enum column c, u64 *value)
{
	return qn_column_get(&t->columns[c], value);
}

static bool get_grouped(struct group *g, enum column c, u64 *value)
{
	return qn_column_get(&g->columns[c - SIZES], value);
}

static bool get_group(struct table *t)
{
	u64 op, more;
	s64 site;

	if (!get(t, GROUPS, &op) || !get(t, GROUPS, &more))
		return false;
	site = (s64)((u64)t->top_site + 1 + (u64)qn_varint_to_signed(more));
	if (!op || op >= QN_TRACE_NR_OPS || site < 0 || site > UINT32_MAX)
		return false;
	add_group(t, (u8)op, (u32)site);
	return true;
}

static bool get_calls(struct table *t)
{
	for (u32 i = 0; i < t->nr; i++) {
		u64 group;

		if (!get(t, CALLS, &group) || group > t->nr_groups ||
		    (!group && !get_group(t)))
			return false;
		t->calls[i] = group ? (u32)group : t->nr_groups;
		t->groups[t->calls[i] - 1].nr++;
	}
	return true;
}

/* The group's part of a column: @nr numbers, of which @nr_zero are 0 */
static bool split_column(struct table *t, struct group *g, enum column c,
			 u32 nr, u32 *nr_zero)
{
	struct qn_column *part = &g->columns[c - SIZES];
	u64 value;

	*part = t->columns[c];
	*nr_zero = 0;
	while (nr--) {
		if (!get(t, c, &value))
			return false;
		*nr_zero += !value;
	}
	part->end = t->columns[c].at;
	return true;
}

static bool split_group(struct table *t, struct group *g)
{
	u32 nr_far, none;

	if (g->op <= QN_TRACE_REALLOC &&
	    !split_column(t, g, SIZES, g->nr, &none))
		return false;
	if (!has_object(g->op))
		return true;
	return split_column(t, g, HOMES, g->nr, &nr_far) &&
	       split_column(t, g, PLACES, g->nr - nr_far, &none) &&
	       split_column(t, g, FARS, nr_far, &none);
}

static bool split_columns(struct table *t)
{
	for (u32 i = 0; i < t->nr_groups; i++)
		if (!split_group(t, &t->groups[i]))
			return false;
	return true;
}

static bool get_time(struct table *t)
{
	u64 more;

	if (t->even--)
		return true;
	if (!get(t, TIMES, &more))
		return false;
	t->ticks += more;
	/* After the last one no time passes */
	if (!get(t, TIMES, &t->even))
		t->even = UINT64_MAX;
	return true;
}

static bool get_place(struct table *t, struct group *g,
		      const struct group *home, u32 *place)
{
	u64 told;
	u32 i;

	if (!get_grouped(g, PLACES, &told))
		return false;
	if (!told) {
		i = qn_ranks_count(&t->live, home->first, home->end);
		return i && get_one_of(t, &i, i) &&
		       qn_ranks_above(&t->live, home->first, home->end, i,
				      place);
	}
	told--;
	switch (told % NR_FROM) {
	case YOUNGEST:
		return qn_ranks_below(&t->live, home->first, home->end,
				      told / NR_FROM, place);
	case ABOVE:
		return qn_ranks_above(&t->live, home->last, home->end,
				      told / NR_FROM, place);
	default:
		return qn_ranks_below(&t->live, home->first, home->last,
				      told / NR_FROM, place);
	}
}

static bool get_object(struct table *t, struct group *g,
		       struct qn_trace_event *e)
{
	struct group *home;
	u64 value;
	u32 place;

	if (!get_grouped(g, HOMES, &value) || value > t->nr_groups)
		return false;
	if (!value) {
		if (!get_grouped(g, FARS, &value))
			return false;
		g->far += (u64)qn_varint_to_signed(value);
		e->object = g->far;
		return e->object < t->base + t->nr_objects;
	}
	home = &t->groups[value - 1];
	if (!get_place(t, g, home, &place))
		return false;
	e->object = t->base + t->object_at[place];
	end_told(t, home, place, e->op);
	return true;
}

static bool get_event(struct table *t, u32 group, struct qn_trace_event *e)
{
	struct group *g = &t->groups[group - 1];
	u64 align = 0;

	*e = (struct qn_trace_event){ .op = g->op, .site = g->site };
	if (!get_time(t) ||
	    (e->op <= QN_TRACE_REALLOC && !get_grouped(g, SIZES, &e->size)) ||
	    (e->op == QN_TRACE_ALIGNED &&
	     (!get(t, OTHER, &align) || align > 47)))
		return false;
	e->ticks = t->ticks;
	e->align_shift = (u8)align;
	if (is_alloc(e->op))
		add_object(t, group);
	if (has_object(e->op))
		return get_object(t, g, e);
	return e->op <= QN_TRACE_FREE || e->op == QN_TRACE_START ||
	       e->op == QN_TRACE_STOP || get(t, OTHER, &e->size);
}

static bool get_events(struct table *t, struct qn_trace_block *b)
{
	struct qn_trace_event e;

	make_places(t);
	if (!get(t, TIMES, &t->even))
		t->even = UINT64_MAX;
	for (u32 i = 0; i < t->nr; i++)
		if (!get_event(t, t->calls[i], &e) || !qn_trace_put(b, &e))
			return false;
	return true;
}

u8 *qn_groups_unpack(const struct qn_trace_head *head, const u8 *payload,
		     size_t *size)
{
	const u8 *end = payload + head->size;
	struct qn_trace_block b;
	struct table t;
	u64 unpacked;
	size_t n = qn_varint_get(payload, head->size, &unpacked);
	u8 *to;

	/* An event has a byte at least */
	if (!n || unpacked > QN_TRACE_GROUPS_SIZE || head->nr > unpacked)
		return NULL;
	unpacked += QN_TRACE_BLOCK_HEADER + QN_TRACE_EVENT_MAX;
	to = qn_xrealloc(NULL, unpacked);
	qn_trace_block_open(&b, to, (u32)unpacked, head);
	make_table(&t, head);
	if (qn_row_unpack(payload + n, end, t.columns, NR_COLUMNS,
			  COLUMN_MOST) &&
	    get_calls(&t) && split_columns(&t) && get_events(&t, &b)) {
		*size = b.at - QN_TRACE_BLOCK_HEADER;
		memmove(to, to + QN_TRACE_BLOCK_HEADER, *size);
	} else {
		free(to);
		to = NULL;
	}
	free_table(&t);
	return to;
}
