/* SPDX-License-Identifier: MIT */
/*
 * trace-columns.h - blocks with QN_TRACE_COLUMNS, as older quern wrote them: like
 * beside like, all first bytes, all times, all sizes. They are only read.
 *
 * Above trace-row.h and trace-ranks.h, below trace-file.c. lib/format/trace.h has the format;
 * trace-groups.h is what is written now.
 */
#ifndef QN_TRACE_COLUMNS_H
#define QN_TRACE_COLUMNS_H

#include "format/trace.h"

/**
 * qn_columns_unpack() - the events again
 * @head:	of the block as the file has it
 * @payload:	of @head->size bytes; nothing of it is trusted
 * @size:	filled in
 *
 * Return: memory with a payload of @size bytes; NULL if this is no such block.
 */
u8 *qn_columns_unpack(const struct qn_trace_head *head, const u8 *payload,
		      size_t *size);

#endif /* QN_TRACE_COLUMNS_H */
