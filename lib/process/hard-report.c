// SPDX-License-Identifier: MIT
/*
 * hard-report.c - messages of the hardened mode, the look at the end, and faults.
 *
 * A message is one line and one write(), made on the stack: it may be said anywhere. All
 * that it tells is read without a lock, so a neighbour may just have changed.
 */
#include "process/hard-internal.h"

#include <string.h>

#include "format/print.h"
#include "port/guard.h"

#define LINE_BYTES 512
/* What another thread is at may look like damage: it has so often, a millisecond apart */
#define LOOKS 4

static const char access[] = "access";
const char qn_hard_before[] = "the word before the block was overwritten";

/* ---- messages ---- */

/* "@how 0x7f00 (24 bytes, in use)" of a slot that was ever used */
static __apart void print_slot(struct qn_print *line, const char *how,
			       const struct qn_hard_slab *s, size_t i)
{
	u16 state;

	if (i >= s->nr)
		return;
	state = READ_ONCE(s->state[i]);
	if (!(state & QN_HARD_STATE))
		return;
	qn_print(line, how);
	qn_print_pointer(line, s->base + i * s->slot);
	qn_print(line, " (");
	qn_print_number(line, qn_hard_room(s) - (state & QN_HARD_SPARE));
	qn_print(line, (state & QN_HARD_STATE) == QN_HARD_FREE ?
			       " bytes, free)" :
			       " bytes, in use)");
}

/* The first unit of the run that @p lies in, or NULL */
static __apart const struct qn_unit *run_of(const void *p)
{
	const struct qn_space *space = &qn_hard_heap.hub->segments.space;
	const struct qn_unit *u = qn_space_find(space, p), *first;

	if (!u)
		return NULL;
	first = qn_space_segment(space, u)->units;
	while (u->kind == QN_UNIT_NONE && u > first)
		u--;
	return u;
}

static __apart void print_large(struct qn_print *line, const struct qn_unit *u,
				const char *p)
{
	const char *start = qn_hard_large_start(u);

	if (p == start)
		return;
	qn_print(line, "; it is ");
	if (p < start)
		qn_print_number(line, (u64)(start - p));
	else
		qn_print_number(line, (u64)(p - start));
	qn_print(line, p < start ? " bytes before " : " bytes behind ");
	qn_print_pointer(line, start);
	qn_print(line, " (");
	qn_print_number(line, u->asked);
	qn_print(line, u->hard_state < QN_HARD_WAITS ? " bytes, in use)" :
						       " bytes, free)");
}

static __apart void print_place(struct qn_print *line, const char *p)
{
	const struct qn_unit *u = run_of(p);
	const struct qn_hard_slab *s = qn_hard_slab_of(u);
	size_t i;

	if (u && u->kind == QN_UNIT_HARD_LARGE)
		print_large(line, u, p);
	if (!s || p < s->base)
		return;
	i = qn_hard_index(s, p);
	if (i < s->nr && s->base + i * s->slot != p)
		print_slot(line, "; it lies in ", s, i);
	else if (i)
		print_slot(line, "; before it is ", s, i - 1);
	print_slot(line, "; behind it is ", s, i + 1);
}

/* What finds the cause */
static __apart void print_next(struct qn_print *line, const char *where,
			       const char *p)
{
	const struct qn_unit *u = run_of(p);

	if (!strcmp(where, access))
		qn_print(line, "; next: a debugger shows who did it");
	else if (qn_hard.level < QN_HARD_MOST && u &&
		 u->kind == QN_UNIT_HARD_LARGE)
		qn_print(line, "; next: QUERN_CONF=hard:2 stops at the access");
	else
		qn_print(line, "; next: valgrind tells the line");
}

__apart void qn_hard_report(const char *where, const void *p, size_t size,
			    const char *what)
{
	char text[LINE_BYTES];
	struct qn_print line = { text, sizeof(text) - 1 };

	if (qn_hard_heap.error == QN_HARD_IGNORE)
		return;
	text[0] = '\0';
	qn_print_finding(&line, where, p, what);
	if (size != SIZE_MAX) {
		qn_print(&line, " (");
		qn_print_number(&line, size);
		qn_print(&line, " bytes)");
	}
	print_place(&line, p);
	print_next(&line, where, p);
	*line.at = '\n';
	qn_port_write(text, (size_t)(line.at - text) + 1);
	if (qn_hard_heap.error == QN_HARD_ABORT)
		qn_port_abort();
}

/* ---- faults ---- */

__apart bool qn_hard_fault(void *p, int how __maybe_unused)
{
	size_t page = qn_hard_heap.page;
	const struct qn_unit *u = run_of(p);
	const char *start, *what = QN_HARD_BEHIND_USED;

	if (!u || u->kind != QN_UNIT_HARD_LARGE ||
	    (char *)p >= qn_unit_start(&qn_hard_heap.hub->segments, u) +
				 (u->run.size << QN_UNIT_SHIFT))
		return false;
	start = qn_hard_large_start(u);
	if (u->hard_state == QN_HARD_FORBIDDEN)
		what = QN_HARD_FREE_USED;
	else if (u->hard_state != QN_HARD_GUARDED)
		return false;
	else if ((const char *)p < start)
		what = QN_HARD_BEFORE_USED;
	else if ((const char *)p < start + u->asked)
		return false;
	qn_hard_report(access, p, u->asked, what);
	return qn_port_permit((char *)round_down((uintptr_t)p, page), page);
}

/* ---- the end ---- */

/* Is it damage that was not told of, or another thread's work? That is over soon. */
static __apart bool lasts(const struct qn_hard_slab *s, size_t i,
			  const char *what)
{
	u16 state = READ_ONCE(s->state[i]);
	u32 word = 0;

	/* The neighbour was looked at just now */
	if (what == qn_hard_before && i && s->state[i - 1] & QN_HARD_STATE)
		return false;
	for (int looks = 1; looks < LOOKS; looks++) {
		qn_port_wait(&word, 0, 1);
		if (READ_ONCE(s->state[i]) != state ||
		    qn_hard_slot_look(s, i) != what)
			return false;
	}
	return true;
}

static __apart void slab_audit(const struct qn_hard_slab *s)
{
	const char *what;

	for (size_t i = 0; i < s->nr_used; i++) {
		what = qn_hard_slot_look(s, i);
		if (unlikely(what) && lasts(s, i, what))
			qn_hard_report("free", s->base + i * s->slot,
				       qn_hard_room(s) -
					       (s->state[i] & QN_HARD_SPARE),
				       what);
	}
}

static __apart void large_audit(const struct qn_unit *u)
{
	const char *what = qn_hard_large_check(u);
	u32 word = 0;

	for (int looks = 1; what && looks < LOOKS; looks++) {
		qn_port_wait(&word, 0, 1);
		what = READ_ONCE(u->kind) == QN_UNIT_HARD_LARGE ?
			       qn_hard_large_check(u) :
			       NULL;
	}
	if (what)
		qn_hard_report("free", qn_hard_large_start(u), u->asked, what);
}

__apart void qn_hard_audit(void)
{
	const struct qn_space *space = &qn_hard_heap.hub->segments.space;

	/* In a signal handler that interrupted the heap all may look like damage */
	if (qn_port_holds(&qn_hard.lock))
		return;
	qn_port_lock(&qn_hard.lock);
	for (unsigned int n = 0; n < space->nr; n++) {
		const struct qn_segment *seg = &space->seg[n];

		for (size_t i = 0; i < seg->frontier; i++) {
			const struct qn_unit *u = &seg->units[i];

			if (u->kind == QN_UNIT_HARD && u->hard->u == u)
				slab_audit(u->hard);
			else if (u->kind == QN_UNIT_HARD_LARGE)
				large_audit(u);
		}
	}
	qn_port_unlock(&qn_hard.lock);
}
