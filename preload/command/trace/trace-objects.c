// SPDX-License-Identifier: MIT
/*
 * trace-objects.c - a table with linear probing from keys to slots. It is not malloc's
 * memory, so that a replay on that does not measure it.
 */
#include "trace-objects.h"

#include "command/base/fail.h"

static u32 home_of(const struct qn_objects *o, u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15ull >> 32) & (o->room_table - 1);
}

/* Where the key is in the table, or would be */
static u32 find(const struct qn_objects *o, u64 key)
{
	u32 i = home_of(o, key);

	while (o->table[i] && o->at[o->table[i] - 1].key != key)
		i = (i + 1) & (o->room_table - 1);
	return i;
}

static void grow_table(struct qn_objects *o)
{
	u32 *old = o->table, nr = o->room_table;

	o->room_table = nr ? 2 * nr : 1024;
	o->table = qn_xremap(NULL, 0, o->room_table * sizeof(*o->table));
	for (u32 i = 0; i < nr; i++)
		if (old[i])
			o->table[find(o, o->at[old[i] - 1].key)] = old[i];
	qn_xremap(old, nr * sizeof(*old), 0);
}

/* Close the gap, so that find() may stop at one */
static void table_del(struct qn_objects *o, u32 hole)
{
	u32 mask = o->room_table - 1;

	for (u32 i = (hole + 1) & mask; o->table[i]; i = (i + 1) & mask) {
		u32 home = home_of(o, o->at[o->table[i] - 1].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		o->table[hole] = o->table[i];
		hole = i;
	}
	o->table[hole] = 0;
}

static void more_slots(struct qn_objects *o)
{
	u32 room = o->room ? 2 * o->room : 256;

	o->at = qn_xremap(o->at, o->room * sizeof(*o->at),
			  room * sizeof(*o->at));
	o->free = qn_xremap(o->free, o->room * sizeof(*o->free),
			    room * sizeof(*o->free));
	for (u32 i = room; i > o->room; i--)
		o->free[o->nr_free++] = i - 1;
	o->room = room;
}

u32 qn_objects_find(const struct qn_objects *o, u64 key)
{
	return o->room_table ? o->table[find(o, key)] - 1 : QN_NO_SLOT;
}

u32 qn_objects_slot(struct qn_objects *o)
{
	if (!o->nr_free)
		more_slots(o);
	return o->free[--o->nr_free];
}

void qn_objects_put(struct qn_objects *o, u32 slot, u64 key, u64 size)
{
	if (2 * (o->nr_live + 1) > o->room_table)
		grow_table(o);
	o->at[slot].key = key;
	o->at[slot].size = size;
	o->table[find(o, key)] = slot + 1;
	o->nr_live++;
}

u32 qn_objects_add(struct qn_objects *o, u64 key, u64 size)
{
	u32 slot = qn_objects_slot(o);

	o->at[slot].id = ++o->nr_ids;
	qn_objects_put(o, slot, key, size);
	return slot;
}

u32 qn_objects_take(struct qn_objects *o, u64 key)
{
	u32 i = o->room_table ? find(o, key) : 0;
	u32 slot;

	if (!o->room_table || !o->table[i])
		return QN_NO_SLOT;
	slot = o->table[i] - 1;
	table_del(o, i);
	o->nr_live--;
	return slot;
}

void qn_objects_release(struct qn_objects *o, u32 slot)
{
	o->free[o->nr_free++] = slot;
}

void qn_objects_exit(struct qn_objects *o)
{
	qn_xremap(o->at, o->room * sizeof(*o->at), 0);
	qn_xremap(o->free, o->room * sizeof(*o->free), 0);
	qn_xremap(o->table, o->room_table * sizeof(*o->table), 0);
}
