/* SPDX-License-Identifier: MIT */
/*
 * trace-columns.h - the events of a block with like beside like, which packs into a
 * fraction: all first bytes, all times, all sizes.
 *
 * Above trace-pack.h, below trace-write.c and trace-file.c. lib/format/trace.h has the format.
 *
 * A freed object is told by how many younger ones of the block are alive, if those are
 * few; else by its distance from the one told so before (trace-columns.c). Blocks refer to
 * nothing outside, and grow with the file, from 64 KB to QN_TRACE_COLUMNS_SIZE bytes of
 * events: a damaged block costs no more than about what lies before it.
 */
#ifndef QN_TRACE_COLUMNS_H
#define QN_TRACE_COLUMNS_H

#include "format/trace.h"

/**
 * qn_columns_pack() - pack a block of events that are told by number
 * @to, @room:	the payload that the block is to have
 * @head:	of the block as it is
 * @payload:	its events
 *
 * Return: bytes of @to; 0: there is no room.
 */
size_t qn_columns_pack(u8 *to, size_t room, const struct qn_trace_head *head,
		       const u8 *payload);

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
