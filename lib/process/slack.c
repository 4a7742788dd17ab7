// SPDX-License-Identifier: MIT
/*
 * slack.c - marks behind large blocks.
 *
 * Which kind of slack a block has is in @slack of its unit; other numbers tell nothing.
 */
#include "process/slack.h"

#include <string.h>

#include "process/slab.h"

/* So many bytes are looked at */
#define SLACK_MOST ((size_t)32)

enum {
	SLACK_ZERO = 0xc1,
	SLACK_MARK = 0xc2,
};

/* Bytes of the block's last page that are behind it */
static size_t slack_bytes(const struct qn_unit *u)
{
	return min(-u->bytes % QN_PART_SIZE, SLACK_MOST);
}

static unsigned char mark_at(const char *p)
{
	return (unsigned char)(((uintptr_t)p * 0x9e3779b1u) >> 24 | 1);
}

static bool is_zero(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_marked(const char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)p[i] != mark_at(p + i))
			return false;
	return true;
}

void qn_slack_set(struct qn_unit *u, char *start, bool zeroed)
{
	char *p = start + u->bytes;
	size_t size = slack_bytes(u);

	if (zeroed || is_zero(p, size)) {
		u->slack = SLACK_ZERO;
		return;
	}
	for (size_t i = 0; i < size; i++)
		p[i] = (char)mark_at(p + i);
	qn_in_order();
	u->slack = SLACK_MARK;
}

bool qn_slack_is_sound(const struct qn_unit *u, const char *start)
{
	const char *p = start + u->bytes;
	size_t size = slack_bytes(u);

	/* A signal handler may look at a block that is being made */
	if ((u->slack != SLACK_ZERO && u->slack != SLACK_MARK) ||
	    u->bytes > u->run.size << QN_UNIT_SHIFT)
		return true;
	return is_zero(p, size) ||
	       (u->slack == SLACK_MARK && is_marked(p, size));
}

void qn_slack_look(const struct qn_unit *u, const char *start,
		   const char *where)
{
	if (unlikely(!qn_slack_is_sound(u, start)))
		qn_misuse_of(where, start, u->bytes, QN_SLACK_WRITTEN);
}
