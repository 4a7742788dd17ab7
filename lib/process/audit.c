// SPDX-License-Identifier: MIT
/*
 * audit.c - free lists, tags and slack, looked at once more at the end.
 *
 * Nothing here writes to the heap. The process may end in a signal handler in the
 * middle of malloc(), so what may look damaged meanwhile does not count: see
 * qn_slab_look(), qn_medium.busy and qn_slack_is_sound().
 */
#include "process/audit.h"

#include <string.h>

#include "process/slack.h"
#include "process/trap.h"

/* Links and tags; slabs and chunks; descriptors: at most so many are looked at */
#define LINKS_MOST  4096u
#define UNITS_MOST  256u
#define SCAN_MOST   ((size_t)1024)
#define THREAD_MOST 64u
/* Fenced blocks, and 64 bytes of freed ones: half a millisecond */
#define FENCES_MOST (32u << 10)

/**
 * struct look - a look that goes on
 * @l:		whose slabs are looked at now
 * @links:	that may still be followed
 * @units:	that may still be looked at
 * @fences:	steps that fenced blocks may still take
 * @seen:	objects of the slab that were found free
 * @chunks:	has @self one
 * @waits:	if so: its medium blocks that wait, by list
 * @self:	the caller's local, or NULL
 * @locked:	hub.threads is held, so orphans may be looked at
 */
struct look {
	struct qn_local *l;
	u32 links;
	u32 units;
	u32 fences;
	u8 seen[QN_SLAB_SEEN];
	u8 waits[QN_MEDIUM_LISTS];
	struct qn_local *self;
	bool locked;
	bool chunks;
};

static void report(const struct qn_unit *u, struct qn_slab_fault f)
{
	if (unlikely(f.what))
		qn_misuse_of("free", f.p, u->osize, f.what);
}

/*
 * A list of any objects of the local: those of @u must not be free as well. The list
 * ends where a link leads elsewhere: list_look() has a message for that.
 */
static void slab_cross(struct look *k, const struct qn_unit *u,
		       const char *start, const char *p)
{
	for (; p && k->links; k->links--) {
		size_t at = (size_t)(p - start), i = at / u->osize;

		if (at >= QN_UNIT_SIZE) {
			if (!qn_local_find(k->l, &k->l->hub->segments, p))
				return;
		} else if (at % u->osize == 0 && k->seen[i / 8] >> i % 8 & 1) {
			qn_misuse_of("free", p, u->osize, QN_SLAB_TWICE);
		}
		p = qn_link_get(p);
	}
}

static void list_of_slab_look(struct look *k, const struct qn_unit *u)
{
	const char *start = qn_unit_start(&k->l->hub->segments, u);

	memset(k->seen, 0, u->nr / 8 + 1u);
	report(u, qn_slab_look(u, start, u->free, k->seen, &k->links));
}

static void slab_look(struct look *k, const struct qn_unit *u)
{
	struct qn_local *l = k->l;
	const char *start = qn_unit_start(&l->hub->segments, u);

	if (!k->units || !k->links || u->kind != QN_UNIT_SLAB)
		return;
	k->units--;
	list_of_slab_look(k, u);
	if (!u->free)
		return;
	if (u == l->class[u->class].current)
		slab_cross(k, u, start, *qn_local_head(l, u->class));
	slab_cross(k, u, start, (const char *)READ_ONCE(l->inbox));
}

static void written(const char *p, u32 osize)
{
	if (!osize)
		qn_misuse("free", p, QN_SLAB_WRITTEN);
	qn_misuse_of("free", p, osize, QN_SLAB_WRITTEN);
}

/* Objects that are ready for malloc(), of one class: do the links lead to such? */
static void list_look(struct look *k, const char *p)
{
	const struct qn_segments *s = &k->l->hub->segments;
	const char *from = p;
	u32 osize = 0;

	for (; p && k->links; k->links--) {
		const struct qn_unit *u = qn_segments_find(s, p);

		if (!u || u->owner != k->l || (osize && u->osize != osize) ||
		    ((uintptr_t)p % QN_UNIT_SIZE) % u->osize)
			written(from, osize);
		osize = u->osize;
		from = p;
		p = qn_link_get(p);
	}
}

/*
 * What others sent and nobody fetched yet: a chain that comes back to itself. The step
 * that is compared with moves on at each power of two, so a circle is found (Brent).
 */
static void inbox_look(struct look *k)
{
	const struct qn_sent *p = READ_ONCE(k->l->inbox), *mark = NULL;
	u32 most = k->links / 4;

	for (u32 i = 1; p && i < most; i++, k->links--) {
		if (p == mark)
			qn_misuse("free", p, QN_SLAB_TWICE);
		if (is_power_of_2(i))
			mark = p;
		if (!qn_segments_find(&k->l->hub->segments, p))
			qn_misuse("free", mark, QN_SLAB_WRITTEN);
		p = qn_link_get(p);
	}
}

static void lists_look(struct look *k, struct qn_local *l)
{
	k->l = l;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		list_look(k, *qn_local_head(l, c));
	inbox_look(k);
}

noinline __cold void qn_audit_thread(struct qn_local *l)
{
	struct look k;

	k.l = l;
	k.links = THREAD_MOST;
	k.units = UNITS_MOST;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_unit *u = l->class[c].current;

		if (u && u->free)
			list_of_slab_look(&k, u);
	}
}

/* May @l be looked at: the caller's, or nobody's */
static bool is_quiet(const struct look *k, const struct qn_local *l)
{
	return l &&
	       (l == k->self || (k->locked && l->state == QN_LOCAL_ORPHAN));
}

/* A large block may be another thread's, so there must be none */
static void large_look(struct qn_hub *hub, const struct qn_unit *u)
{
	if (READ_ONCE(hub->page->nr_threads) <= 1)
		qn_slack_look(u, qn_unit_start(&hub->segments, u), "free");
}

static void chunk_look(struct look *k, const struct qn_unit *u)
{
	const struct qn_medium *m = &u->holder->medium;

	if (m->busy || !k->units)
		return;
	k->units--;
	if (u->holder != k->self) {
		qn_medium_audit(m, u, NULL, &k->links);
		return;
	}
	if (!k->chunks)
		memset(k->waits, 0, sizeof(k->waits));
	k->chunks = true;
	qn_medium_audit(m, u, k->waits, &k->links);
}

static void unit_look(struct look *k, struct qn_hub *hub, struct qn_unit *u)
{
	struct qn_local *l = READ_ONCE(u->owner);

	if (is_quiet(k, l)) {
		k->l = l;
		slab_look(k, u);
	} else if (u->kind == QN_UNIT_LARGE) {
		large_look(hub, u);
	} else if (u->kind == QN_UNIT_FENCE) {
		qn_fence_look(u, qn_unit_start(&hub->segments, u), &k->fences);
	} else if (u->kind == QN_UNIT_MEDIUM && u->first == u &&
		   is_quiet(k, u->holder)) {
		chunk_look(k, u);
	}
}

/* Units to the next run: see segment_check() */
static size_t units_of(const struct qn_unit *u)
{
	bool single = u->kind == QN_UNIT_NONE || u->kind == QN_UNIT_SLAB ||
		      u->kind == QN_UNIT_SPARE;

	return single ? 1 : max(u->run.size, (size_t)1);
}

/* Of segment 0, which most programs do not leave */
static void units_look(struct look *k, struct qn_hub *hub)
{
	const struct qn_segment *seg = &hub->segments.space.seg[0];
	struct qn_unit *u = seg->units;
	size_t end = seg->frontier, steps = SCAN_MOST;

	for (size_t i = 0; i < end && k->links && steps; i += units_of(u + i)) {
		unit_look(k, hub, u + i);
		steps--;
	}
}

noinline __cold void qn_audit_process(struct qn_hub *hub, struct qn_local *l)
{
	struct look k;

	k.links = LINKS_MOST;
	k.units = UNITS_MOST;
	k.fences = FENCES_MOST;
	k.self = l;
	k.locked = qn_port_trylock(&hub->threads);
	k.chunks = false;
	if (l)
		lists_look(&k, l);
	if (qn_port_trylock(&hub->segments.lock)) {
		units_look(&k, hub);
		qn_port_unlock(&hub->segments.lock);
	}
	/* Without a chunk that part of the local may not have been touched yet */
	if (l && k.chunks && !l->medium.busy)
		qn_medium_audit_lists(&l->medium, k.waits, &k.links);
	if (k.locked)
		qn_port_unlock(&hub->threads);
	if (qn_trap_is_on())
		qn_trap_audit();
}
