// SPDX-License-Identifier: MIT
/*
 * process-sized.c - frees whose caller tells the size: operator delete, free_sized().
 *
 * The size is compared with what the block has: a block that cannot have been allocated
 * with it stops the program with a message.
 */
#include "process/process-internal.h"

#include "process/guest.h"

/* @slack: of hub; a class may borrow of what such a table gives, too */
static size_t slab_served_most(size_t size, size_t slack)
{
	size_t most = round_up(max(size, (size_t)1), QN_STEP);

	if (unlikely(slack))
		most += slack + (most + slack) / 4;
	return max(most, size + size / 4);
}

/*
 * The largest block that can come of a request: objects may be a quarter larger where a
 * class borrowed them; a medium block that waited may be longer by a part, or by what was
 * too short to be cut off.
 */
static size_t served_most(const struct qn_unit *u, size_t size)
{
	size_t need;

	if (u->kind == QN_UNIT_SLAB)
		return slab_served_most(size, READ_ONCE(qn_hub.slack));
	if (u->kind == QN_UNIT_SHARED)
		return round_up(max(size, (size_t)1), QN_PART_SIZE);
	if (u->kind != QN_UNIT_MEDIUM)
		return max(size, (size_t)1);
	if (size <= QN_SLAB_MAX || size > QN_MEDIUM_MAX)
		return 0;
	need = qn_medium_bytes(size);
	return need + max(need / QN_MEDIUM_NEAR + QN_MEDIUM_ROUND_LONG,
			  QN_MEDIUM_LEAST);
}

/* No more than what a free with a size may say; see served_most() */
__apart size_t qn_process_room(const void *p)
{
	static const char where[] __rodata_apart = "operator new";
	struct qn_unit *u;

	if (qn_guest_owns(p))
		return qn_guest_usable(p);
	u = qn_process_unit(where, p);
	if (!u)
		return 0;
	if (u->kind == QN_UNIT_FOLLOW)
		return qn_follow_asked(where, p);
	if (u->kind == QN_UNIT_MEDIUM)
		return min(qn_process_block_size(u, p, where), QN_MEDIUM_MAX);
	return qn_process_block_size(u, p, where);
}

/*
 * Can @size be what the block was allocated with? A message if not. Return: whether there is such a
 * block, which is freed in any case.
 */
static bool sized_look(struct qn_unit *u, const void *p, size_t size,
		       enum qn_sized kind, const char *where)
{
	size_t have = u ? qn_process_block_size(u, p, where) : SIZE_MAX;

	if (unlikely(have == SIZE_MAX))
		return false;
	qn_process_block_look(u, p, where);
	if (u->kind == QN_UNIT_FOLLOW)
		have = qn_follow_asked(where, p);
	if (unlikely(size > have ||
		     (kind != QN_SIZED_OTHER && have > served_most(u, size))))
		qn_refuse(where, p, have,
			  "the block was not allocated with the size given");
	return true;
}

/*
 * A medium block of the thread's own, the next likely case: looked up once for both. Its
 * size is as near to that given as served_most() allows for any request.
 */
static __always_inline bool medium_free_sized(struct qn_local *l, void *p,
					      size_t size)
{
	size_t at = (uintptr_t)p - (uintptr_t)l->base, have;
	struct qn_medium *m = &l->medium;
	const struct qn_unit *u;

	if (unlikely(at >= l->reach))
		return false;
	u = qn_unit_of(l->units, at);
	if (unlikely(u->kind != QN_UNIT_MEDIUM || u->holder != l))
		return false;
	if (unlikely(size - QN_SLAB_MAX - 1 >= QN_MEDIUM_MAX - QN_SLAB_MAX))
		return false;
	/* Where this is no block it may say anything: then it is not put */
	have = qn_tag_size(qn_load_any((char *)p - sizeof(have))) -
	       sizeof(have);
	if (unlikely(have - size > QN_MEDIUM_ROUND_LONG ||
		     !qn_medium_put(m, p)))
		return false;
	if (unlikely(m->free > m->most))
		qn_local_medium_much(l);
	return true;
}

/* A block of the thread's own that lies apart, likewise */
static __seldom bool apart_free_sized(void *p, size_t size)
{
	struct qn_local *l = qn_self_apart;
	size_t at = (uintptr_t)p - (uintptr_t)l->base;
	struct qn_unit *u;

	if (at >= l->reach)
		return false;
	u = qn_unit_of(l->units, at);
	if (u->owner != l || u->osize - size >= QN_STEP)
		return medium_free_sized(l, p, size);
	qn_link_push(&u->free, p);
	if (unlikely(--u->count == 0))
		qn_local_event(l, u);
	return true;
}

static __seldom void free_looked_at(void *p, size_t size, enum qn_sized kind,
				    const char *where)
{
	if (qn_self_apart != &qn_local_none && apart_free_sized(p, size))
		return;
	if (!p)
		return;
	if (qn_guest_owns(p) ?
		    qn_guest_sized_look(p, size, kind == QN_SIZED_NEW, where) :
		    sized_look(qn_process_unit(where, p), p, size, kind, where))
		qn_process_free(p);
}

__seldom void qn_process_free_sized_slow(void *p, size_t size,
					 enum qn_sized kind, const char *where)
{
	if (unlikely(!medium_free_sized(qn_self, p, size)))
		free_looked_at(p, size, kind, where);
}
