/* SPDX-License-Identifier: MIT */
/*
 * trace-objects.h - which objects of a trace live, by their address or number in the
 * file, and a slot for each.
 *
 * Between what is read, event by event, and what is handed out: the reader of
 * traces and the readers of other formats share it. A slot is a small number that
 * is an object's own while it lives.
 */
#ifndef QN_TRACE_OBJECTS_H
#define QN_TRACE_OBJECTS_H

#include "base/compiler.h"

#define QN_NO_SLOT UINT32_MAX

/**
 * struct qn_object - what is known of a live object
 * @key:	its address or its number in the file
 * @id:		number of the object, from 1 on in the order of allocation
 * @size:	bytes asked for
 */
struct qn_object {
	u64 key;
	u64 id;
	u64 size;
};

/**
 * struct qn_objects - all of them; zeroed memory is an empty one
 * @at, @room:	by slot
 * @free, @nr_free: slots not in use
 * @table, @room_table, @nr_live: slots + 1 of live objects, hashed by their keys
 * @nr_ids:	objects so far
 */
struct qn_objects {
	struct qn_object *at;
	u32 room;
	u32 *free;
	u32 nr_free;
	u32 *table;
	u32 room_table;
	u32 nr_live;
	u64 nr_ids;
};

/* Return: the slot of the live object @key, or QN_NO_SLOT */
u32 qn_objects_find(const struct qn_objects *o, u64 key);

/* Return: a slot that nobody has, for an object that no key leads to */
u32 qn_objects_slot(struct qn_objects *o);

/* A new object under a key under which there is none. Return: its slot. */
u32 qn_objects_add(struct qn_objects *o, u64 key, u64 size);

/**
 * qn_objects_take() - no key leads to an object any more
 *
 * Its slot stays taken, for qn_objects_put() or qn_objects_release().
 *
 * Return: the slot, or QN_NO_SLOT if there is no such object.
 */
u32 qn_objects_take(struct qn_objects *o, u64 key);

/* An object that was taken is there again, under a key under which there is none */
void qn_objects_put(struct qn_objects *o, u32 slot, u64 key, u64 size);

/* A slot that no key leads to is nobody's from now on */
void qn_objects_release(struct qn_objects *o, u32 slot);

void qn_objects_exit(struct qn_objects *o);

#endif /* QN_TRACE_OBJECTS_H */
