/* SPDX-License-Identifier: MIT */
/*
 * trap-internal.h - what trap.c, which has the slots, and trap-report.c, which has messages and
 * faults, have of each other.
 */
#ifndef QN_TRAP_INTERNAL_H
#define QN_TRAP_INTERNAL_H

#include "process/hub.h"
#include "process/trap.h"

/* Return addresses that are kept of a stack: more cost more, some 1500 instructions each */
#define QN_TRAP_DEPTH 10u

enum qn_trap_state {
	QN_TRAP_NEVER, /* nobody had the slot so far */
	QN_TRAP_USED,
	QN_TRAP_FREED,
};

/**
 * struct qn_trap_stack - who did something
 * @thread:	its number, as the system has it
 * @nr:		of @pcs
 */
struct qn_trap_stack {
	u32 thread;
	u32 nr;
	uintptr_t pcs[QN_TRAP_DEPTH];
};

/**
 * struct qn_trap_slot - what is known of a slot
 * @p, @size:	its block, the last one if it is free
 * @state:	enum qn_trap_state
 * @pages:	that are permitted, from the second on
 * @is_told:	a message was said of this block
 * @alloc, @free: who
 *
 * @p lies in [start + page, start + page + @pages * page - @size], start being the slot's.
 */
struct qn_trap_slot {
	char *p;
	u32 size;
	u8 state;
	u8 pages;
	bool is_told;
	struct qn_trap_stack alloc, free;
};

/**
 * struct qn_trap_heap - the rest of the mode's state
 * @hub:	of the process
 * @error:	what follows a finding
 * @ops:	how stacks are had, or NULL
 * @page:	bytes of a page of the system
 * @slots:	QN_TRAP_SLOTS
 * @waiting:	numbers of free slots, a ring; the oldest first
 * @head, @nr_waiting: of it
 * @nr_used:	in use; @bytes: of permitted pages
 * @is_right:	the next block lies at the right end
 *
 * QN_TRAP_SLOTS == @nr_waiting + @nr_used + slots that were lost.
 */
struct qn_trap_heap {
	struct qn_hub *hub;
	enum qn_hard_error error;
	const struct qn_sites_ops *ops;
	size_t page;
	struct qn_trap_slot *slots;
	u16 waiting[QN_TRAP_SLOTS];
	u32 head, nr_waiting;
	u32 nr_used;
	size_t bytes;
	bool is_right;
};

extern struct qn_trap_heap qn_trap_heap __attribute__((visibility("hidden")));

/* Where the permitted pages of a slot begin */
static inline char *qn_trap_pages(size_t i)
{
	return qn_trap.base + (i * QN_TRAP_PAGES + 1) * qn_trap_heap.page;
}

/* Number of the slot that @p lies in */
static inline size_t qn_trap_index(const void *p)
{
	return (size_t)((const char *)p - qn_trap.base) /
	       (QN_TRAP_PAGES * qn_trap_heap.page);
}

/* The calling thread, and the stack that it is at. Context: none of the heap's locks held. */
void qn_trap_take(struct qn_trap_stack *stack);

/**
 * qn_trap_report() - say what was found, and stop unless on_error lets the program go on
 * @where:	the function
 * @p:		the pointer that it got
 * @what:	the finding
 * @slot:	the block, a copy that nobody changes
 */
void qn_trap_report(const char *where, const void *p, const char *what,
		    const struct qn_trap_slot *slot);

/* An access was refused: is it ours? @how: enum qn_port_access */
bool qn_trap_fault(void *p, int how);

#endif /* QN_TRAP_INTERNAL_H */
