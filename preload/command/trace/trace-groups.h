/* SPDX-License-Identifier: MIT */
/*
 * trace-groups.h - the events of a block by group: what one call site asks for in one
 * way lies together, which packs into a fraction.
 *
 * Above trace-row.h and trace-ranks.h, below trace-write.c and trace-file.c.
 * lib/format/trace.h has the format.
 *
 * A block refers to nothing outside. Blocks grow with the file, from 64 KB to
 * QN_TRACE_GROUPS_SIZE bytes of events: a damaged block costs no more than about what
 * lies before it.
 */
#ifndef QN_TRACE_GROUPS_H
#define QN_TRACE_GROUPS_H

#include "format/trace.h"

/**
 * qn_groups_pack() - pack a block of events that are told by number
 * @to, @room:	the payload that the block is to have
 * @head:	of the block as it is
 * @payload:	its events
 *
 * Return: bytes of @to; 0: there is no room.
 */
size_t qn_groups_pack(u8 *to, size_t room, const struct qn_trace_head *head,
		      const u8 *payload);

/**
 * qn_groups_unpack() - the events again
 * @head:	of the block as the file has it
 * @payload:	of @head->size bytes; nothing of it is trusted
 * @size:	filled in
 *
 * Return: memory with a payload of @size bytes; NULL if this is no such block.
 */
u8 *qn_groups_unpack(const struct qn_trace_head *head, const u8 *payload,
		     size_t *size);

#endif /* QN_TRACE_GROUPS_H */
