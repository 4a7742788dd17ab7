// SPDX-License-Identifier: MIT
/*
 * port.c - the port to a Rust program without an operating system, whatever the processor.
 *
 * The lock is what the crate's features say (QN_RUST_LOCK, build.rs). There is no clock: what
 * a heap of one's own learns it learns by requests. A finding becomes a panic, so that it
 * arrives where the program's other panics do.
 */
#include <string.h>

#include "base/config.h"
#include "port/mask.h"
#include "port/port.h"

/* Values of QN_RUST_LOCK */
#define LOCK_NONE     0
#define LOCK_CRITICAL 1
#define LOCK_MASK     2
#define LOCK_SPIN     3

/* In the crate: panics with the text */
void quern_rust_stop(const char *text, size_t size) __noreturn;

#if QN_RUST_LOCK == LOCK_CRITICAL
/* The program's: quern::critical_section! defines them */
u32 quern_rust_acquire(void);
void quern_rust_release(u32 token);

void qn_port_lock(struct qn_lock *lock)
{
	u32 token = quern_rust_acquire();

	lock->word = token;
}

void qn_port_unlock(struct qn_lock *lock)
{
	quern_rust_release(lock->word);
}
#elif QN_RUST_LOCK == LOCK_SPIN
void qn_port_lock(struct qn_lock *lock)
{
	/* Pairs with the release in qn_port_unlock() */
	while (__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(lock->word))
			;
}

void qn_port_unlock(struct qn_lock *lock)
{
	smp_store_release(&lock->word, 0);
}
#else
/* Interrupts are masked with knob QN_LOCK_IRQ, else there is nothing to do */
_Static_assert(QN_LOCK_IRQ == (QN_RUST_LOCK == LOCK_MASK), "one lock");

void qn_port_lock(struct qn_lock *lock)
{
	qn_mask_lock(lock);
}

void qn_port_unlock(struct qn_lock *lock)
{
	qn_mask_unlock(lock);
}
#endif

bool qn_port_trylock(struct qn_lock *lock)
{
	qn_port_lock(lock);
	return true;
}

u64 qn_port_clock(void)
{
	return 0;
}

u32 qn_port_seed(void)
{
	return 0x9e3779b9u;
}

/* A finding comes in pieces, and the end of the program follows */
static char finding[96];
static size_t finding_size;

void qn_port_write(const char *text, size_t size)
{
	size = min(size, sizeof(finding) - finding_size);
	memcpy(finding + finding_size, text, size);
	finding_size += size;
}

void qn_port_abort(void)
{
	quern_rust_stop(finding, finding_size);
}
