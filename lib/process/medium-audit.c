// SPDX-License-Identifier: MIT
/*
 * medium-audit.c - medium blocks and free runs of a chunk, looked at one by one: for what was
 * written where it should not have been, and for mistakes of ours.
 */
#include "process/medium-internal.h"

/* ---- a look at what was written where it should not have been ---- */

/*
 * Blocks that wait: do their links lead to such, and to all? @tags: how many by their
 * tags do. The first may be about to come or go.
 */
static __apart void list_look(const struct qn_medium *m, size_t list, u32 tags,
			      u32 *budget)
{
	const char *from = NULL, *p = m->waiting[list];

	for (; p && *budget; --*budget, tags--) {
		size_t flags = from ? QN_TAG_WAITS : 0;

		if (!qn_medium_is_place(m, p))
			qn_medium_damaged(from ? from : p, QN_MEDIUM_WRITTEN);
		if (!qn_tag_is_sound(p, *qn_tag_of(p), flags, flags))
			qn_medium_damaged(p, QN_MEDIUM_OVERRUN);
		from = p;
		p = qn_link_get(p);
	}
	if (*budget && from && (s32)tags > 1)
		qn_medium_damaged(from, QN_MEDIUM_WRITTEN);
}

static __apart void free_run_look(const struct qn_medium *m, const char *p,
				  size_t size)
{
	const struct qn_run *run = (const struct qn_run *)(const void *)p;
	const char *prev = (const char *)run->prev;

	qn_medium_run_look(m, p);
	if (!((prev >= (const char *)m && prev < (const char *)(m + 1)) ||
	      qn_medium_is_place(m, prev - offsetof(struct qn_run, next))) ||
	    *run->prev != run)
		qn_medium_damaged(p, QN_MEDIUM_WRITTEN);
	if (*qn_tag_of(p + size - sizeof(size_t)) != size)
		qn_medium_damaged(p, QN_MEDIUM_WRITTEN);
}

__apart void qn_medium_audit(const struct qn_medium *m, const struct qn_unit *u,
			     u8 *waits, u32 *budget)
{
	const char *start = qn_unit_start(m->segments, u);
	const char *end = start + (u->run.size << QN_UNIT_SHIFT);
	const char *from = start, *p = start + 2 * sizeof(size_t);

	for (; *budget; --*budget) {
		size_t tag = *qn_tag_of(p), size = qn_tag_size(tag);

		if (!qn_tag_is_sound(p, tag, 0, 0) ||
		    size > (size_t)(end - p) || (!size && p != end))
			qn_medium_damaged(from == start ? p : from,
					  from == start ? QN_MEDIUM_OVERRUN :
							  QN_MEDIUM_OVERFLOW);
		if (!size)
			break;
		if (tag & QN_TAG_FREE)
			free_run_look(m, p, size);
		else if (waits && tag & QN_TAG_WAITS && size <= QN_MEDIUM_MAX &&
			 waits[qn_medium_list(size)] < UINT8_MAX)
			waits[qn_medium_list(size)]++;
		from = p;
		p += size;
	}
}

__apart void qn_medium_audit_lists(const struct qn_medium *m, const u8 *waits,
				   u32 *budget)
{
	for (size_t i = 0; i < QN_MEDIUM_LISTS; i++)
		if (m->group[i / QN_MEDIUM_GROUP])
			list_look(m, i, waits ? waits[i] : 0, budget);
}

/* ---- checks ---- */

static const char *run_check(const void *medium, const struct qn_run *run)
{
	const struct qn_medium *m = medium;
	const char *p = (const char *)run;
	size_t size, tag;

	if (!qn_medium_is_place(m, p))
		return "a free run lies in no chunk of its thread";
	size = run->size * QN_MEDIUM_STEP;
	tag = *qn_tag_of(p) ^ qn_tag_seal(p);
	if ((tag & ~(size_t)QN_TAG_HOLES) != (size | QN_TAG_FREE))
		return "the tag of a free run is damaged";
	if (*qn_tag_of(p + size - sizeof(size_t)) != size)
		return "a free run ends with another size than it begins";
	if ((*qn_tag_of(p + size) & (QN_TAG_FREE | QN_TAG_PREV_FREE)) !=
	    QN_TAG_PREV_FREE)
		return "what is behind a free run does not know of it";
	return NULL;
}

/* Bytes of a list of blocks that wait; 0 if there is one that does not belong there */
static size_t list_sum(const struct qn_medium *m, size_t list)
{
	const char *p = m->waiting[list];
	size_t sum = 0;

	for (; p; p = qn_link_get(p)) {
		size_t tag = *qn_tag_of(p) ^ qn_tag_seal(p);

		if ((tag & (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)) !=
			    QN_TAG_WAITS ||
		    qn_medium_list(qn_tag_size(tag)) != list)
			return 0;
		sum += qn_tag_size(tag);
	}
	return sum;
}

__apart const char *qn_medium_check(const struct qn_medium *m)
{
	size_t sum = qn_medium_used(m);

	for (size_t i = 0; i < QN_MEDIUM_LISTS; i++) {
		size_t bytes = list_sum(m, i);

		if (m->waiting[i] && (!bytes || !m->group[i / QN_MEDIUM_GROUP]))
			return "a list of blocks that wait is damaged";
		sum += bytes;
	}
	if (sum > m->bytes || (m->bytes - sum) % QN_MEDIUM_STEP)
		return "chunks are not the sum of their blocks and free runs";
	return qn_bins_check(&m->bins, (m->bytes - sum) / QN_MEDIUM_STEP,
			     run_check, m);
}
