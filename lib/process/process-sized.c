// SPDX-License-Identifier: MIT
/*
 * process-sized.c - frees whose caller tells the size: operator delete, free_sized().
 *
 * The size is compared with what the block has: a block that cannot have been allocated
 * with it stops the program with a message.
 */
#include "process/process-internal.h"

#include "process/guest.h"

/*
 * The largest block that can come of a request: objects may be a quarter larger where a
 * class borrowed them; a medium block that waited may be longer by a part, or by what was
 * too short to be cut off.
 */
static size_t served_most(const struct qn_unit *u, size_t size)
{
	size_t need;

	if (u->kind == QN_UNIT_SLAB)
		return max(round_up(max(size, (size_t)1), QN_STEP),
			   size + size / 4);
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

/* Can @size be what the block was allocated with? */
static void sized_look(struct qn_unit *u, const void *p, size_t size,
		       enum qn_sized kind, const char *where)
{
	size_t have = qn_process_block_size(u, p, where);

	qn_process_block_look(u, p, where);
	if (u->kind == QN_UNIT_FOLLOW)
		have = qn_follow_asked(where, p);
	if (likely(size <= have &&
		   (kind == QN_SIZED_OTHER || have <= served_most(u, size))))
		return;
	qn_misuse_of(where, p, have,
		     "the block was not allocated with the size given");
}

/* A medium block of the thread's own, the next likely case: looked up once for both */
static bool medium_free_sized(void *p, size_t size, const char *where)
{
	struct qn_local *l = qn_self;
	size_t at = (uintptr_t)p - (uintptr_t)l->base, have;
	struct qn_unit *u;

	if (unlikely(at >= l->reach))
		return false;
	u = qn_unit_of(l->units, at);
	if (unlikely(u->kind != QN_UNIT_MEDIUM || u->holder != l))
		return false;
	have = qn_medium_size(u, p, where);
	if (unlikely(size > have || have > served_most(u, size)))
		return false;
	qn_process_free_in(p, l, u);
	return true;
}

__seldom void qn_process_free_sized_slow(void *p, size_t size,
					 enum qn_sized kind, const char *where)
{
	if (medium_free_sized(p, size, where))
		return;
	if (p && !qn_guest_owns(p))
		sized_look(qn_process_unit(where, p), p, size, kind, where);
	qn_process_free(p);
}
