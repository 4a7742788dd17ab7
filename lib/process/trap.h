/* SPDX-License-Identifier: MIT */
/*
 * trap.h - sampled blocks on pages of their own, between forbidden pages: QUERN_CONF=guard:N.
 *
 * Between the hub and the locals, which ask here for an object where one is sampled, as they
 * ask follow.h. The idea is GWP-ASan's: of many processes that run the same program, one comes
 * upon its error, at a price that all of them can pay.
 *
 *	slot:	| forbidden | block, margin | forbidden ... | forbidden | margin, block | ...
 *
 * A slot has QN_TRAP_PAGES pages. Its first page is never permitted; the others are while
 * its block is in use, as far as the block needs them. A block lies at the left end of
 * its pages, or at the right one as far as its alignment allows: by turns. So whoever runs
 * off that end faults at once. The margin at the other end has a pattern, which free() looks at.
 *
 * A freed block's pages are forbidden, and its slot waits behind all other free slots. So
 * whoever uses a freed block faults, until the slot comes into use again.
 *
 * All slots lie in one piece of address space, which guest.h takes for that of a guest. So no
 * path that did not ask a guest asks here. A thread's countdowns to its next sample are drawn
 * so that one block in N is due (qn_trap_draw(), qn_trap_sample()): the fast path has no test.
 *
 * The budget is in the table below. A sample that finds no room is served as all others are. In
 * the last quarter of the slots fewer and fewer samples get one, unless N is 1.
 *
 *	slots				QN_TRAP_SLOTS
 *	of them in use			QN_TRAP_LIVE: at most twice as many mappings, and one
 *	memory of blocks		QN_TRAP_BYTES
 *	address space			QN_TRAP_SLOTS * QN_TRAP_PAGES pages, 64 MB with 4 KB
 *	what is known of slots		192 bytes for each
 *
 * What is found is one line, put together without a lock or an allocation. An access ends as
 * it would have without the line, so that a core file shows who did it.
 */
#ifndef QN_TRAP_H
#define QN_TRAP_H

#include "base/compiler.h"
#include "learn/sampler.h"
#include "port/port.h"
#include "process/hard.h"
#include "process/sites.h"

struct qn_hub;

#define QN_TRAP_SLOTS 1024u
#define QN_TRAP_LIVE  512u
#define QN_TRAP_PAGES 16u
#define QN_TRAP_BYTES ((size_t)8 << 20)

/**
 * struct qn_trap_gate - what others have to know at once
 * @one_in:	of so many blocks one is due; 0: the mode is off
 * @base, @size: where all slots lie
 * @lock:	over slots; nothing is called with it but the port
 */
struct qn_trap_gate {
	u32 one_in;
	char *base;
	size_t size;
	struct qn_lock lock;
};

extern struct qn_trap_gate qn_trap;

static __always_inline bool qn_trap_is_on(void)
{
	return unlikely(qn_trap.one_in != 0);
}

/**
 * qn_trap_start() - from now on samples get slots
 * @hub:	of the process
 * @one_in:	of so many blocks one, not 0
 * @error:	what follows a finding
 * @ops:	how stacks are had, kept; NULL: there are none
 *
 * Context: once, while there is one thread.
 * Return: 0, or -ENOMEM.
 */
int qn_trap_start(struct qn_hub *hub, u32 one_in, enum qn_hard_error error,
		  const struct qn_sites_ops *ops);

/**
 * qn_trap_draw() - bytes to the next sample of a countdown
 * @s:		the thread's sampler
 * @least:	bytes of the smallest block that it counts; 0: the mode has no part in it
 * @interval:	set to the mean that the countdown is drawn with: the sampler's, or less
 *
 * Context: as qn_sampler_draw().
 */
u32 qn_trap_draw(struct qn_sampler *s, u32 least, u32 *interval);

/**
 * qn_trap_sample() - a block that is sampled, perhaps in a slot
 * @s:		the thread's sampler
 * @bytes:	that the sample stands for
 * @osize:	bytes that the countdown took for this block: by chance it is served where one
 *		block in N is to be, not one byte
 * @size:	bytes
 * @align:	a power of two
 *
 * Context: none of the heap's locks held; takes the lock.
 * Return: a block that reads as zero, or NULL.
 */
void *qn_trap_sample(struct qn_sampler *s, u64 bytes, u32 osize, size_t size,
		     size_t align);

/* A block's end. A message if @p is none in use. Context: takes the lock. */
void qn_trap_free(void *p);

/* Bytes of it; SIZE_MAX after a message from @where if it is none in use. Context: any. */
size_t qn_trap_size(const void *p, const char *where);

/* May @p be freed as a block of @size bytes? A message from @where if not. */
bool qn_trap_sized_look(const void *p, size_t size, bool is_exact,
			const char *where);

/* The process ends: look at the margins of all blocks in use. Context: any. */
void qn_trap_audit(void);

#endif /* QN_TRAP_H */
