/* SPDX-License-Identifier: MIT */
/*
 * link.h - the link of a free object on Linux: its first word, whatever list it is on.
 *
 * Objects of slabs, objects on their way to their owner, and medium blocks that wait are
 * linked by it alone. Heads of lists are plain pointers. So links that are encoded, or
 * looked at when they are followed, are a change of this file.
 */
#ifndef QN_LINK_H
#define QN_LINK_H

#include "base/compiler.h"

/* What @p leads to, or NULL. @p may have any contents where a program misused it */
static __always_inline void *qn_link_get(const void *p)
{
	return *(void *const *)p;
}

static __always_inline void qn_link_set(void *p, void *next)
{
	*(void **)p = next;
}

/* Push on a list that the caller alone reads and writes */
static __always_inline void qn_link_push(void **head, void *p)
{
	qn_link_set(p, *head);
	*head = p;
}

/* What follows @before, or what is first if that is NULL, is @next now */
static __always_inline void qn_link_after(void **head, void *before, void *next)
{
	if (before)
		qn_link_set(before, next);
	else
		*head = next;
}

#endif /* QN_LINK_H */
