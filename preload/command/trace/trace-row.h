/* SPDX-License-Identifier: MIT */
/*
 * trace-row.h - columns of numbers, and a row of columns as a block holds it: each
 * with its size before it, compressed.
 *
 * Above trace-pack.h, below trace-columns.c and trace-groups.c, which say what is in them.
 */
#ifndef QN_TRACE_ROW_H
#define QN_TRACE_ROW_H

#include "base/compiler.h"
#include "base/varint.h"

/**
 * struct qn_column - one column; zeroed memory is an empty one
 * @memory:	its bytes
 * @at, @end:	what is to be read, or where to write and the end of @memory
 */
struct qn_column {
	u8 *memory;
	u8 *at;
	const u8 *end;
};

/* Room for one more number of QN_VARINT_MAX bytes */
void qn_column_grow(struct qn_column *c);

static inline void qn_column_put(struct qn_column *c, u64 value)
{
	if (c->end - c->at < QN_VARINT_MAX)
		qn_column_grow(c);
	c->at += qn_varint_put(c->at, value);
}

static inline void qn_column_put_byte(struct qn_column *c, u8 byte)
{
	if (c->at == c->end)
		qn_column_grow(c);
	*c->at++ = byte;
}

/* False at the end, or if there is no number */
static inline bool qn_column_get(struct qn_column *c, u64 *value)
{
	size_t n = qn_varint_get(c->at, (size_t)(c->end - c->at), value);

	c->at += n;
	return n;
}

/**
 * qn_row_pack() - columns that were written, compressed
 * @to, @room:	where to
 *
 * Return: bytes of @to; 0: there is no room.
 */
size_t qn_row_pack(u8 *to, size_t room, const struct qn_column *row, u32 nr);

/**
 * qn_row_unpack() - columns to be read
 * @at, @end:	what qn_row_pack() wrote; nothing of it is trusted
 * @row, @nr:	empty ones, filled in
 * @most:	bytes that a column may have
 *
 * Return: false if this is no such row. The columns are the caller's to free either way.
 */
bool qn_row_unpack(const u8 *at, const u8 *end, struct qn_column *row, u32 nr,
		   size_t most);

void qn_row_free(struct qn_column *row, u32 nr);

#endif /* QN_TRACE_ROW_H */
