// SPDX-License-Identifier: MIT
/*
 * hard-large.c - blocks of more than 32 KB of the hardened mode: runs with marks at both ends.
 *
 *	level 1:  marks | block | marks
 *	level 2:  forbidden page | marks | block | forbidden pages
 *
 * A block that grew lies as at level 1: else each step of its growth would move it.
 * A block in use is its owner's. One that is free is in the quarantine, and under the lock.
 * Order in this file: marks, the pattern, the quarantine, allocation, free, resizes.
 */
#include "process/hard-internal.h"

#include <errno.h>
#include <string.h>

#include "port/guard.h"

/* Marks before a block; behind it, up to the end of a page */
#define MARKS_BEFORE ((size_t)256)
#define MARKS_BEHIND ((size_t)256)
/* Freed blocks that wait, by level: their number, and bytes of those that are not forbidden */
#define WAIT_1     256u
#define WAIT_2     1024u
#define WAIT_BYTES ((size_t)1 << 20)
#define WAIT_PART  16
#define WAIT_SPAN  ((size_t)4 << 30)
/* Blocks between forbidden pages: each takes three mappings of the 65 530 that there are */
#define GUARDED_MOST 8192u
/* Blocks from this length on are moved by their page tables, so many times in all */
#define MOVE_LEAST ((size_t)1 << 20)
#define MOVES_MOST 4096u

/**
 * struct quarantine - blocks that wait, a ring
 * @bytes:	of those that are not forbidden
 * @span:	address space of the others
 * @nr_guarded:	blocks in use between forbidden pages; atomic
 */
static struct {
	struct qn_unit **kept;
	u32 most, head, nr;
	size_t bytes, span;
	u32 nr_guarded;
	u32 nr_moves;
} waits __bss_apart;

static struct qn_segments *segments(void)
{
	return &qn_hard_heap.hub->segments;
}

static size_t run_bytes(const struct qn_unit *u)
{
	return u->run.size << QN_UNIT_SHIFT;
}

/* ---- marks ---- */

char *qn_hard_large_start(const struct qn_unit *u)
{
	return qn_unit_start(segments(), u) + u->front;
}

/* From the start of a run to the end of the marks behind its block */
static size_t span_of(size_t front, size_t size)
{
	return round_up(front + round_up(size, (size_t)16) + MARKS_BEHIND,
			QN_PART_SIZE);
}

/* Where the marks behind a block end */
static char *end_of(const struct qn_unit *u, char *p)
{
	if (u->hard_state == QN_HARD_GUARDED)
		return (char *)round_up((uintptr_t)p + u->asked,
					qn_hard_heap.page);
	return p + span_of(u->front, u->asked) - u->front;
}

static size_t marks_before(const struct qn_unit *u)
{
	size_t page = u->hard_state == QN_HARD_GUARDED ? qn_hard_heap.page : 0;

	return min(u->front - page, MARKS_BEFORE);
}

static void marks_set(const struct qn_unit *u, char *p)
{
	char *end = end_of(u, p);

	qn_hard_mark(p - marks_before(u), p, qn_hard_word(p));
	qn_hard_mark(p + u->asked, end, qn_hard_word(p));
}

/*
 * A program may give pages back that its block has to itself: marks that turned to zeroes are
 * no damage.
 */
static bool is_given_back(const char *p, const char *end)
{
	while (p < end && !*p)
		p++;
	return p == end;
}

static const char *marks_look(const struct qn_unit *u, char *p)
{
	char *end = end_of(u, p);

	if (!qn_hard_is_marked(p - marks_before(u), p, qn_hard_word(p)))
		return qn_hard_before;
	if (!qn_hard_is_marked(p + u->asked, end, qn_hard_word(p)) &&
	    (u->hard_state == QN_HARD_GUARDED ||
	     !is_given_back(p + u->asked, end)))
		return QN_HARD_BEHIND;
	return NULL;
}

/* ---- the pattern ---- */

/* Bytes of a free block that have it: all, but where the system would not forbid a long one */
static size_t filled(size_t size)
{
	return round_down(min(size, QN_HARD_FORBID), (size_t)8);
}

const char *qn_hard_large_check(const struct qn_unit *u)
{
	char *p = qn_hard_large_start(u);

	switch (u->hard_state) {
	case QN_HARD_WAITS:
		return qn_hard_is_filled(p, filled(u->asked)) ? NULL :
								QN_HARD_WRITTEN;
	case QN_HARD_FORBIDDEN:
		return NULL;
	default:
		return marks_look(u, p);
	}
}

/* ---- the quarantine ---- */

/* A block leaves: its run is free from now on */
static void wait_end(struct qn_unit *u)
{
	char *start = qn_unit_start(segments(), u);
	bool gone = u->hard_state == QN_HARD_FORBIDDEN;
	const char *what = qn_hard_large_check(u);
	size_t dirty = span_of(u->front, u->asked);

	if (what)
		qn_hard_report("free", start + u->front, u->asked, what);
	if (gone)
		waits.span -= run_bytes(u);
	else
		waits.bytes -= u->asked;
	/* There is no room for a mapping: it is lost */
	if (gone && !qn_port_permit(start, run_bytes(u)))
		return;
	if (gone)
		qn_resident_forget(u, u->run.size);
	u->kind = QN_UNIT_LARGE;
	qn_run_free(segments(), u, gone ? 0 : min(dirty, run_bytes(u)));
}

static void oldest_end(void)
{
	struct qn_unit *u = waits.kept[waits.head];

	waits.head = (waits.head + 1) & (waits.most - 1);
	waits.nr--;
	wait_end(u);
}

static size_t wait_bytes_most(void)
{
	return WAIT_BYTES +
	       qn_ledger_get(&qn_hard_heap.hub->ledger.live) / WAIT_PART;
}

static void wait_begin(struct qn_unit *u)
{
	if (waits.nr == waits.most)
		oldest_end();
	waits.kept[(waits.head + waits.nr++) & (waits.most - 1)] = u;
	if (u->hard_state == QN_HARD_FORBIDDEN)
		waits.span += run_bytes(u);
	else
		waits.bytes += u->asked;
	while (waits.nr &&
	       (waits.bytes > wait_bytes_most() || waits.span > WAIT_SPAN))
		oldest_end();
}

bool qn_hard_large_relax(void)
{
	bool any = waits.nr;

	while (waits.nr)
		oldest_end();
	return any;
}

__apart bool qn_hard_large_init(void)
{
	waits.most = qn_hard.level > 1 ? WAIT_2 : WAIT_1;
	waits.kept = qn_hard_meta(waits.most * sizeof(waits.kept[0]));
	return waits.kept;
}

/* ---- allocation ---- */

/* Bytes before the block, and of its run */
struct layout {
	size_t front, span;
	bool guarded;
};

static struct layout layout_of(size_t size, size_t align, bool grows)
{
	size_t page = qn_hard_heap.page, body;
	struct layout l = { .front = align > QN_HARD_ALIGN ?
					     0 :
					     max(align, MARKS_BEFORE) };

	l.guarded = qn_hard.level > 1 && !grows && align <= page &&
		    READ_ONCE(waits.nr_guarded) < GUARDED_MOST;
	if (l.guarded) {
		body = round_up(size, max(align, (size_t)16));
		l.front = page + (round_up(body, page) - body);
		l.span = l.front + body + page;
	} else {
		l.span = span_of(l.front, size);
	}
	return l;
}

/*
 * Pages before and behind a block are forbidden, unless the system would not. Return: false if it
 * then has no way back either, so that the run is lost.
 */
static bool guard(const struct qn_unit *u, struct layout *l)
{
	size_t page = qn_hard_heap.page, end = l->span - page;
	char *start = qn_unit_start(segments(), u);

	if (!l->guarded)
		return true;
	if (qn_port_forbid(start, page) &&
	    qn_port_forbid(start + end, run_bytes(u) - end))
		return true;
	l->guarded = false;
	return qn_port_permit(start, page);
}

static struct qn_unit *run_get(const struct layout *l, size_t align,
			       bool *zeroed)
{
	size_t nr = DIV_ROUND_UP(l->span, QN_UNIT_SIZE);
	size_t units = max(align >> QN_UNIT_SHIFT, (size_t)1);
	struct qn_unit *u;
	bool any;

	u = qn_run_alloc(segments(), nr, units, QN_UNIT_LARGE, zeroed);
	if (u || qn_port_holds(&qn_hard.lock))
		return u;
	qn_port_lock(&qn_hard.lock);
	any = qn_hard_large_relax();
	qn_port_unlock(&qn_hard.lock);
	if (!any)
		return NULL;
	return qn_run_alloc(segments(), nr, units, QN_UNIT_LARGE, zeroed);
}

/* @grows: it was resized, and is so again, perhaps: it lies between marks */
static void *alloc(size_t size, size_t align, bool grows, size_t *old)
{
	struct layout l;
	struct qn_unit *u;
	bool zeroed;
	char *p;

	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX / 2)
		return NULL;
	l = layout_of(size, align, grows);
	u = run_get(&l, align, &zeroed);
	if (!u || !guard(u, &l))
		return NULL;
	u->asked = size;
	u->front = (u32)l.front;
	u->hard_state = l.guarded ? QN_HARD_GUARDED : QN_HARD_LIVE;
	if (l.guarded)
		__atomic_fetch_add(&waits.nr_guarded, 1, __ATOMIC_RELAXED);
	p = qn_hard_large_start(u);
	marks_set(u, p);
	smp_store_release(&u->kind, (u8)QN_UNIT_HARD_LARGE);
	*old = zeroed ? 0 : size;
	qn_hub_account_large(qn_hard_heap.hub, (s64)size, 1);
	return p;
}

void *qn_hard_large_alloc(size_t size, size_t align, size_t *old)
{
	return alloc(size, align, false, old);
}

/* ---- free ---- */

static bool is_free(const struct qn_unit *u)
{
	return u->hard_state == QN_HARD_WAITS ||
	       u->hard_state == QN_HARD_FORBIDDEN;
}

bool qn_hard_large_look(struct qn_unit *u, const char *p, const char *where)
{
	const char *what;

	if (unlikely(qn_hard_large_start(u) != p)) {
		qn_hard_report(where, p, SIZE_MAX, QN_HARD_NONE);
		return false;
	}
	if (unlikely(is_free(u))) {
		qn_hard_report(where, p, u->asked, QN_HARD_AGAIN);
		return false;
	}
	what = marks_look(u, (char *)(uintptr_t)p);
	if (unlikely(what)) {
		qn_hard_report(where, p, u->asked, what);
		marks_set(u, (char *)(uintptr_t)p);
	}
	return true;
}

/* A block that was looked at: it waits */
static void retire(struct qn_unit *u, char *p)
{
	bool guarded = u->hard_state == QN_HARD_GUARDED, gone = false;
	size_t size = u->asked;

	if (unlikely(qn_port_holds(&qn_hard.lock)))
		return;
	qn_port_lock(&qn_hard.lock);
	if (unlikely(is_free(u))) {
		qn_port_unlock(&qn_hard.lock);
		qn_hard_report("free", p, size, QN_HARD_AGAIN);
		return;
	}
	if (guarded || qn_hard.level > 1 || size >= QN_HARD_FORBID)
		gone = qn_port_forbid(qn_unit_start(segments(), u),
				      run_bytes(u));
	/* Where the system would not, its guards stay: it is lost */
	u->hard_state = gone ? QN_HARD_FORBIDDEN : QN_HARD_WAITS;
	if (!gone)
		memset(p, (int)(QN_HARD_PATTERN & 0xff), filled(size));
	if (gone || !guarded)
		wait_begin(u);
	if (guarded)
		__atomic_fetch_sub(&waits.nr_guarded, 1, __ATOMIC_RELAXED);
	qn_port_unlock(&qn_hard.lock);
	qn_hub_account_large(qn_hard_heap.hub, -(s64)size, 0);
}

void qn_hard_large_free(struct qn_unit *u, char *p)
{
	if (likely(qn_hard_large_look(u, p, "free")))
		retire(u, p);
}

/* ---- resizes ---- */

/*
 * In the run that it has, or that it can have. What a block loses has no marks beyond the first,
 * so it loses no more than a quarter. Return: false if it has to move.
 */
static bool resize(struct qn_unit *u, char *p, size_t size)
{
	size_t old = u->asked, end, nr;
	char *marks = end_of(u, p);

	if (u->hard_state == QN_HARD_GUARDED || size > PTRDIFF_MAX ||
	    size <= QN_HARD_SLOT || size < old - old / 4)
		return false;
	end = span_of(u->front, size);
	nr = DIV_ROUND_UP(end, QN_UNIT_SIZE);
	if (nr > u->run.size || nr < u->run.size - u->run.size / 4)
		if (!qn_run_resize(segments(), u, nr,
				   nr < u->run.size ?
					   (u->run.size - nr) << QN_UNIT_SHIFT :
					   0))
			return false;
	/* Nobody is told the marks */
	if (size > old)
		memset(p + old, 0, min(size - old, (size_t)(marks - p) - old));
	u->asked = size;
	marks_set(u, p);
	qn_hub_account_large(qn_hard_heap.hub, (s64)size - (s64)old, 0);
	return true;
}

/* What is in one block goes to another by way of page tables. Return: whether it did. */
static bool move(struct qn_unit *from, struct qn_unit *to)
{
	if (from->asked < MOVE_LEAST || from->front != to->front ||
	    from->hard_state != QN_HARD_LIVE ||
	    to->hard_state != QN_HARD_LIVE || from->run.size > to->run.size ||
	    __atomic_fetch_add(&waits.nr_moves, 1, __ATOMIC_RELAXED) >=
		    MOVES_MOST)
		return false;
	if (qn_port_move(qn_unit_start(segments(), to),
			 qn_unit_start(segments(), from), run_bytes(from)))
		return false;
	marks_set(to, qn_hard_large_start(to));
	return true;
}

void *qn_hard_large_realloc(struct qn_unit *u, char *p, size_t size)
{
	struct qn_unit *to;
	size_t old, nr;
	bool grows;
	char *q;

	if (unlikely(!qn_hard_large_look(u, p, "realloc")))
		return NULL;
	if (resize(u, p, size))
		return p;
	grows = size > u->asked && size > QN_HARD_SLOT;
	q = grows ? alloc(size, QN_ALIGN, true, &old) :
		    qn_hard_alloc(size, QN_ALIGN, &old);
	if (!q)
		return NULL;
	to = qn_segments_find(segments(), q);
	/* Who grows does so again: room behind it, if there is any */
	if (grows) {
		nr = to->run.size;
		qn_run_resize(segments(), to, nr + nr / 8 + 1, 0);
	}
	if (!grows || !move(u, to))
		memcpy(q, p, min(size, u->asked));
	retire(u, p);
	return q;
}
