// SPDX-License-Identifier: MIT
/*
 * medium-purge.c - pages of free runs in chunks: when they are given back, and how.
 */
#include "process/medium-internal.h"

/* What is cut again within this time need not have been merged */
#define ROOM_MS 20u
/* Of the limit of what waits, at most */
#define ROOM_TIMES 32u
/* Runs of less are not looked into for pages */
#define PURGE_LEAST ((size_t)8192)

/* The pages of a free run that hold nothing of it */
static void run_pages(const struct qn_medium *m, const struct qn_run *run,
		      char **from, char **to)
{
	uintptr_t p = (uintptr_t)run;
	uintptr_t end = p + run->size * QN_MEDIUM_STEP - 2 * sizeof(size_t);

	*from = (char *)round_up(p + sizeof(*run), m->page_size);
	*to = (char *)round_down(end, m->page_size);
}

/*
 * Pages that are purged for an owner that sleeps are of more use to others, even if the owner
 * wants them back some day. It was a mistake only if that is so soon that it did not sleep.
 */
static u32 purge_age(const struct qn_medium *m)
{
	u32 recent = qn_resident_refault_ms(&m->segments->resident);

	return m->count == &m->free ? 0 : recent - min(recent, QN_SLEEP_MS);
}

/* Resident bytes of [@from, @to), which lies in one chunk */
static size_t pages_sum(const struct qn_medium *m, char *from, char *to)
{
	size_t sum = 0;

	for (char *next; from < to; from = next) {
		size_t at = (uintptr_t)from % QN_UNIT_SIZE;

		next = min(from - at + QN_UNIT_SIZE, to);
		sum += qn_nr_parts(qn_parts_between(
					   at, at + (size_t)(next - from)) &
				   qn_medium_unit(m, from)->touched) *
		       QN_PART_SIZE;
	}
	return sum;
}

static size_t run_purge(struct qn_medium *m, struct qn_run *run)
{
	char *from, *to, *start;
	size_t sum;

	run_pages(m, run, &from, &to);
	if (from >= to)
		return 0;
	start = (char *)round_down((uintptr_t)from, QN_UNIT_SIZE);
	sum = qn_resident_purge(&m->segments->resident, qn_medium_unit(m, from),
				start, (size_t)(from - start) / QN_PART_SIZE,
				(size_t)(to - start) / QN_PART_SIZE,
				purge_age(m));
	if (!sum)
		return 0;
	qn_assert(sum <= (size_t)(to - from));
	*qn_tag_of(run) |= QN_TAG_HOLES;
	m->holes += sum;
	*m->count -= sum;
	return sum;
}

static __seldom size_t runs_sum(const struct qn_medium *m)
{
	size_t sum = 0;
	char *from, *to;

	for (unsigned int b = qn_bin_of(PURGE_LEAST / QN_MEDIUM_STEP);
	     b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run;
		     run = run->next) {
			run_pages(m, run, &from, &to);
			sum += pages_sum(m, from, to);
		}
	return sum;
}

static __apart void runs_purge(struct qn_medium *m)
{
	size_t sum = 0;

	for (unsigned int b = qn_bin_of(PURGE_LEAST / QN_MEDIUM_STEP);
	     b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run; run = run->next)
			sum += run_purge(m, run);
	if (sum)
		m->moved = true;
}

/* More in whole pages than may be kept goes, all of it */
static __seldom void runs_purge_beyond(struct qn_medium *m, enum qn_keep keep)
{
	if (runs_sum(m) > qn_resident_limit(&m->segments->resident, keep))
		runs_purge(m);
}

/* Of all threads together: others cannot merge what waits here */
static __apart size_t room_most(const struct qn_resident *r)
{
	return ROOM_TIMES * qn_resident_limit(r, QN_KEEP_WAITING) /
	       max(READ_ONCE(r->nr_holders), 1u);
}

/*
 * A loop that cuts again at once what was merged has more room for it next time. Else the
 * room is forgotten, by half for each second.
 */
static noinline void room_adapt(struct qn_medium *m)
{
	u32 now = (u32)(qn_port_clock_coarse() / 1000), past = now - m->looked;

	if (past < ROOM_MS)
		m->room = min(m->room + m->cut,
			      room_most(&m->segments->resident));
	else
		m->room >>= min(past / 1000, 31u);
	m->cut = 0;
	m->looked = now;
}

noinline void qn_medium_look(struct qn_medium *m)
{
	/* While a burst is freed, less and less is in use */
	m->look = min(m->look, qn_medium_look_next(m));
	if (m->free <= m->look)
		return;
	room_adapt(m);
	qn_medium_merge_now(m);
	runs_purge_beyond(m, QN_KEEP_CHUNK);
	m->look = qn_medium_look_next(m);
}

__apart void qn_medium_yield(struct qn_medium *m)
{
	if (m->free <= qn_resident_limit(&m->segments->resident, QN_KEEP_YIELD))
		return;
	qn_medium_merge_now(m);
	runs_purge_beyond(m, QN_KEEP_YIELD);
	m->look = qn_medium_look_next(m);
}

__apart void qn_medium_press(struct qn_medium *m)
{
	m->look = 0;
	m->room = 0;
	qn_medium_look(m);
}

__apart void qn_medium_settle(struct qn_medium *m)
{
	qn_medium_merge(m);
	qn_medium_empty_free(m);
}

__apart void qn_medium_relieve(struct qn_medium *m)
{
	qn_medium_empty_free(m);
	runs_purge_beyond(m, QN_KEEP_SHARE);
}

__apart void qn_medium_idle(struct qn_medium *m)
{
	qn_medium_empty_free(m);
	runs_purge(m);
	qn_assert(!m->empty);
}

__apart void qn_medium_trim(struct qn_medium *m)
{
	qn_medium_settle(m);
	runs_purge(m);
}
