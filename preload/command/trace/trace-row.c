// SPDX-License-Identifier: MIT
/*
 * trace-row.c - columns that grow, and rows of them.
 */
#include "trace-row.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "trace-pack.h"

void qn_column_grow(struct qn_column *c)
{
	size_t used = (size_t)(c->at - c->memory), room = 2 * used + 256;

	c->memory = qn_xrealloc(c->memory, room);
	c->at = c->memory + used;
	c->end = c->memory + room;
}

size_t qn_row_pack(u8 *to, size_t room, const struct qn_column *row, u32 nr)
{
	u8 *at = to;

	for (u32 i = 0; i < nr; i++) {
		size_t used = (size_t)(row[i].at - row[i].memory), packed = 0;
		size_t left = room - (size_t)(at - to);

		if (left < 2 * QN_VARINT_MAX)
			return 0;
		if (used)
			packed = qn_pack(at + QN_VARINT_MAX,
					 left - QN_VARINT_MAX, row[i].memory,
					 used);
		if (used && !packed)
			return 0;
		used = qn_varint_put(at, packed);
		memmove(at + used, at + QN_VARINT_MAX, packed);
		at += used + packed;
	}
	return (size_t)(at - to);
}

bool qn_row_unpack(const u8 *at, const u8 *end, struct qn_column *row, u32 nr,
		   size_t most)
{
	static u8 nothing[1];

	for (u32 i = 0; i < nr; i++) {
		size_t n, unpacked = 0;
		u64 size;

		n = qn_varint_get(at, (size_t)(end - at), &size);
		at += n;
		if (!n || size > (size_t)(end - at))
			return false;
		if (size)
			row[i].memory =
				qn_unpack(at, (size_t)size, most, &unpacked);
		if (size && !row[i].memory)
			return false;
		/* An empty column has no memory of its own */
		row[i].at = row[i].memory ? row[i].memory : nothing;
		row[i].end = row[i].at + unpacked;
		at += size;
	}
	return true;
}

void qn_row_free(struct qn_column *row, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		free(row[i].memory);
}
