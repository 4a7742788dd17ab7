// SPDX-License-Identifier: MIT
/*
 * trap-report.c - what guarded samples found: whose memory a refused access was for, and the line
 * that tells.
 *
 * The handler may run on a small stack, on any thread, in the middle of anything. So the line
 * is put together in memory of its own, which one thread has at a time, and what it tells of a
 * slot is a copy.
 */
#include "process/trap-internal.h"

#include "format/print.h"
#include "port/guard.h"

/* Room for three stacks of names as they are on disks */
#define LINE_BYTES 6144

/* ---- lines ---- */

/* "program+0x1136 libc.so.6+0x27249": of return addresses, the call before them */
static __apart void print_stack(struct qn_print *line, const char *how,
				const struct qn_trap_stack *stack)
{
	uintptr_t base, pc;
	const char *name;

	qn_print(line, how);
	qn_print_number(line, stack->thread);
	if (!stack->nr)
		return;
	qn_print(line, " at");
	for (u32 i = 0; i < stack->nr; i++) {
		pc = stack->pcs[i] - 1;
		name = qn_trap_heap.ops->locate(pc, &base);
		qn_print(line, " ");
		qn_print(line, name ? name : "?");
		qn_print(line, "+");
		qn_print_pointer(line,
				 (void *)(name && *name ? pc - base : pc));
	}
}

static __apart void print_distance(struct qn_print *line, const char *p,
				   const struct qn_trap_slot *slot)
{
	const char *how = " bytes into the block ";
	size_t n = (size_t)(p - slot->p);

	if (!n) {
		qn_print(line, "the block ");
		return;
	}
	if (p < slot->p) {
		n = (size_t)(slot->p - p);
		how = n == 1 ? " byte before the block " :
			       " bytes before the block ";
	} else if (n >= slot->size) {
		n -= slot->size - 1;
		how = n == 1 ? " byte behind the block " :
			       " bytes behind the block ";
	}
	qn_print_number(line, n);
	qn_print(line, how);
}

static __apart void print_block(struct qn_print *line, const char *p,
				const struct qn_trap_slot *slot)
{
	bool is_free = slot->state == QN_TRAP_FREED;

	qn_print(line, "; it is ");
	if (slot->state == QN_TRAP_NEVER) {
		qn_print(line, "in memory that no block had");
		return;
	}
	print_distance(line, p, slot);
	qn_print_pointer(line, slot->p);
	qn_print(line, " (");
	qn_print_number(line, slot->size);
	qn_print(line, is_free ? " bytes, free)" : " bytes, in use)");
	print_stack(line, "; allocated by thread ", &slot->alloc);
	if (slot->free.thread)
		print_stack(line, "; freed by thread ", &slot->free);
}

static __apart void print_here(struct qn_print *line)
{
	struct qn_trap_stack here;

	here.thread = qn_port_thread_id();
	here.nr = 0;
	if (!qn_port_on_small_stack())
		qn_trap_take(&here);
	print_stack(line, "; thread ", &here);
}

static __apart void print_next(struct qn_print *line)
{
	qn_print(line,
		 qn_trap_heap.ops ?
			 "; next: addr2line -fie FILE OFFSET names each "
			 "FILE+OFFSET; QUERN_CONF=hard:1 looks at all blocks" :
			 "; next: libgcc_s.so.1 in LD_PRELOAD shows stacks; "
			 "QUERN_CONF=hard:1 looks at all blocks");
}

static __apart void say(const char *where, const void *p, const char *what,
			const struct qn_trap_slot *slot)
{
	static char text[LINE_BYTES] __bss_apart;
	static u32 busy __bss_apart;
	struct qn_print line = { text, sizeof(text) - 1 };

	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
		qn_port_wait(&busy, 1, 1);
	text[0] = '\0';
	qn_print_finding(&line, where, p, what);
	print_block(&line, p, slot);
	print_here(&line);
	print_next(&line);
	*line.at = '\n';
	qn_port_write(text, (size_t)(line.at - text) + 1);
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

__apart void qn_trap_report(const char *where, const void *p, const char *what,
			    const struct qn_trap_slot *slot)
{
	if (qn_trap_heap.error != QN_HARD_IGNORE)
		say(where, p, what, slot);
	if (qn_trap_heap.error == QN_HARD_ABORT)
		qn_port_abort();
}

/* ---- faults ---- */

/* Bytes from a block to an address; 0: it lies inside; SIZE_MAX: nobody ever had the slot */
static __apart size_t distance(const struct qn_trap_slot *slot, const char *p)
{
	if (slot->state == QN_TRAP_NEVER)
		return SIZE_MAX;
	if (p < slot->p)
		return (size_t)(slot->p - p);
	return p < slot->p + slot->size ?
		       0 :
		       (size_t)(p - slot->p) - slot->size + 1;
}

/* The block that an access was meant for, as far as one can tell: the nearest of three */
static __apart struct qn_trap_slot *nearest(const char *p)
{
	struct qn_trap_slot *slots = qn_trap_heap.slots, *best;
	size_t i = min(qn_trap_index(p), (size_t)QN_TRAP_SLOTS - 1);

	best = &slots[i];
	if (i && distance(&slots[i - 1], p) < distance(best, p))
		best = &slots[i - 1];
	if (i + 1 < QN_TRAP_SLOTS &&
	    distance(&slots[i + 1], p) < distance(best, p))
		best = &slots[i + 1];
	return best;
}

__apart bool qn_trap_fault(void *p, int how)
{
	static const char where[][8] = { "access", "read", "write" };
	struct qn_trap_heap *h = &qn_trap_heap;
	const char *what = "memory behind a block was used";
	struct qn_trap_slot *slot, copy;

	if ((uintptr_t)p - (uintptr_t)qn_trap.base >= qn_trap.size)
		return false;
	slot = nearest(p);
	copy = *slot;
	if (copy.state == QN_TRAP_FREED)
		what = "a block was used after it was freed";
	else if ((char *)p < copy.p)
		what = "memory before a block was used";
	else if (copy.state == QN_TRAP_USED && !distance(&copy, p))
		return false;
	if (h->error != QN_HARD_IGNORE && !copy.is_told)
		say(where[how], p, what, &copy);
	slot->is_told = true;
	return h->error != QN_HARD_ABORT &&
	       qn_port_open((char *)round_down((uintptr_t)p, h->page), h->page);
}
