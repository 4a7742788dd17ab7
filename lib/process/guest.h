/* SPDX-License-Identifier: MIT */
/*
 * guest.h - an engine in place of the process's own heap: QUERN_CONF=engine:NAME.
 *
 * Between the engines and process.c, which asks here in its slow paths. While a guest
 * is there, threads keep the empty local, so that every malloc and free comes to the
 * slow path, and the fast path has no test for it. One lock, one piece of address
 * space, of which only touched pages cost memory; nothing is returned to the system.
 *
 * Blocks from before the guest came stay where they are; process.c tells them apart by
 * their addresses.
 *
 * The hardened mode (hard.h) is let in here as well, though it lives in units of quern's own.
 * Guarded samples (trap.h) are let in where blocks are freed and asked about: they are found
 * by their addresses, and no engine is there.
 *
 * Beside what the engine served, guest.c adds up what quern's own table would have served
 * for the same requests; the report shows both.
 */
#ifndef QN_GUEST_H
#define QN_GUEST_H

#include "base/compiler.h"
#include "engine/engine.h"
#include "process/hard.h"
#include "process/hub.h"
#include "process/trap.h"
#include "port/port.h"

/**
 * struct qn_guest - the engine of this process
 * @engine:	NULL: there is none
 * @heap:	its handle
 * @mem, @size:	its memory
 * @lock:	held around every call of it
 * @hub:	whose statistics page its figures go to
 * @table:	what quern's own table would have served these sizes by
 */
struct qn_guest {
	const struct qn_engine *engine;
	void *heap;
	char *mem;
	size_t size;
	struct qn_lock lock;
	struct qn_hub *hub;
	const struct qn_table *table;
};

extern struct qn_guest qn_guest;

static __always_inline bool qn_guest_is_on(void)
{
	return unlikely(qn_guest.engine != NULL);
}

/* Likely: free() is to ask it first */
static __always_inline bool qn_guest_may_own(const void *p)
{
	return unlikely((uintptr_t)p - (uintptr_t)qn_guest.mem < qn_guest.size);
}

/* Is @p a block of the guest? No block is if there is none */
static __always_inline bool qn_guest_owns(const void *p)
{
	return qn_guest_may_own(p) && (!qn_hard_is_on() || qn_hard_owns(p));
}

/**
 * qn_guest_start() - an engine takes over
 * @engine:	which
 * @hub:	of the process
 *
 * Context: once, before there are threads that allocate.
 * Return: 0, or -ENOMEM (no address space).
 */
int qn_guest_start(const struct qn_engine *engine, struct qn_hub *hub);

/**
 * qn_guest_harden() - the hardened mode is the guest; see qn_hard_start()
 *
 * Every address is its own, until qn_hard_owns() says more.
 */
int qn_guest_harden(struct qn_hub *hub, unsigned int level,
		    enum qn_hard_error error, void (*keep)(void *thread));

/* Guarded samples are found from now on; see qn_trap_start() */
int qn_guest_guard(struct qn_hub *hub, u32 one_in, enum qn_hard_error error,
		   const struct qn_sites_ops *ops);

/*
 * As malloc and its kin, of a guest that is on; without errno. Take the lock. @old: bytes at its
 * start that may not be zero. free() returns false if it is none of the guest's blocks.
 */
void *qn_guest_alloc(size_t size, size_t align, size_t *old);
void *qn_guest_realloc(void *p, size_t size);
bool qn_guest_free(void *p);
size_t qn_guest_usable(const void *p);

/*
 * May @p be freed as a block of @size bytes? @is_exact: it was asked for with just that. A
 * message from @where if not. Return: false: it must not be freed.
 */
bool qn_guest_sized_look(const void *p, size_t size, bool is_exact,
			 const char *where);

/* The process ends: look for damage, where the guest can tell */
void qn_guest_audit(void);

/* NULL or what is wrong with its heap; NULL without a guest */
const char *qn_guest_check(void);

#endif /* QN_GUEST_H */
