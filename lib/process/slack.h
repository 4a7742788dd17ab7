/* SPDX-License-Identifier: MIT */
/*
 * slack.h - the bytes between a large block and the end of its last page.
 *
 * Nobody may write there: malloc_usable_size() of a large block is what was asked for.
 * So the first bytes of it tell whether the block was overrun. Memory that reads as
 * zero is left alone, since no page is to be touched for this: there the slack has to
 * stay zero. Elsewhere it gets a mark. A mark that turned to zeroes is no damage: a
 * program may give pages back to the system that its block has to itself.
 */
#ifndef QN_SLACK_H
#define QN_SLACK_H

#include "base/compiler.h"
#include "process/segment.h"

/**
 * qn_slack_set() - from now on the slack of a block tells
 * @u:		the block's unit, @bytes and run.size set
 * @start:	the block
 * @zeroed:	its memory is known to read as zero
 */
void qn_slack_set(struct qn_unit *u, char *start, bool zeroed);

/* The block is about to change: its slack tells nothing */
static __always_inline void qn_slack_end(struct qn_unit *u)
{
	u->slack = 0;
	qn_in_order();
}

/**
 * qn_slack_is_sound() - was nothing written behind a block
 * @u:		the block's unit
 * @start:	the block
 *
 * Return: true as well where the slack does not tell.
 */
bool qn_slack_is_sound(const struct qn_unit *u, const char *start);

/* The same; a message if something was. @where names what noticed it. */
void qn_slack_look(const struct qn_unit *u, const char *start,
		   const char *where);

#endif /* QN_SLACK_H */
