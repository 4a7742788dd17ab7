/* SPDX-License-Identifier: MIT */
/*
 * port.h - everything quern asks of what lies below it.
 *
 * One of posix.c (Linux), bare.c (firmware) or the tests' simulated port
 * implements it. Nothing here allocates, takes a lock of libc or prints through
 * stdio. A bare port implements only the part marked "both".
 */
#ifndef QN_PORT_H
#define QN_PORT_H

#include "compiler.h"

/* ---- both ---- */

/**
 * struct qn_lock - mutual exclusion for one heap
 *
 * Linux: a futex word (0 free, 1 held, 2 held with waiters). Firmware: the saved
 * interrupt mask, or nothing when the knob QN_LOCK_IRQ is 0. All-zero is free.
 */
struct qn_lock {
	u32 word;
};

void qn_port_lock(struct qn_lock *lock);
bool qn_port_trylock(struct qn_lock *lock);
void qn_port_unlock(struct qn_lock *lock);

/**
 * qn_port_clock() - monotonic time in microseconds; 0 forever if there is none
 */
u64 qn_port_clock(void);

/**
 * qn_port_seed() - a number that differs from run to run where the platform can
 *
 * Pre: none. Post: any value; firmware returns a constant, so runs repeat.
 */
u32 qn_port_seed(void);

/**
 * qn_port_write() - a diagnostic, not terminated, to where people look (stderr)
 */
void qn_port_write(const char *text, size_t size);

/**
 * qn_port_abort() - stop the program after a diagnostic
 */
void qn_port_abort(void) __noreturn;

/* ---- Linux and the simulated port ---- */

/**
 * qn_port_clock_coarse() - as qn_port_clock(), some milliseconds behind, for less
 */
u64 qn_port_clock_coarse(void);

/**
 * qn_port_fork_begin() - the calling thread is about to fork and holds its locks
 *
 * Until qn_port_fork_end() its own locking and unlocking does nothing, so that
 * handlers of other libraries may allocate meanwhile.
 */
void qn_port_fork_begin(void);
void qn_port_fork_end(void);

/**
 * qn_port_seed_fix() - from now on qn_port_seed() is @seed
 */
void qn_port_seed_fix(u32 seed);

/**
 * qn_port_page_size() - bytes of an operating system page; a power of two
 */
size_t qn_port_page_size(void);

/**
 * qn_port_reserve() - address space that may not be touched yet
 * @hint:	where it should start, or NULL
 * @size:	bytes, a multiple of the page size
 *
 * Return: its start, at @hint if that was free, page aligned; or NULL.
 */
void *qn_port_reserve(void *hint, size_t size);

/**
 * qn_port_commit() - make reserved pages usable; they read as zero
 *
 * Pre: [@p, @p + @size) is reserved, page aligned, not yet committed. Post: on
 * error the pages are as before.
 * Return: 0 or -errno.
 */
int qn_port_commit(void *p, size_t size);

/**
 * qn_port_release() - give address space back
 *
 * Pre: [@p, @p + @size) lies in one reservation, page aligned.
 */
void qn_port_release(void *p, size_t size);

/**
 * qn_port_purge() - drop the contents of whole pages; they read as zero again
 *
 * Return: 0 or -errno; on error the contents are unspecified but still mapped.
 */
int qn_port_purge(void *p, size_t size);

/**
 * qn_port_resident() - which of whole pages are resident
 * @p, @size:	committed, page aligned
 * @in:		a byte a page: its lowest bit is set if the page is
 *
 * A page that is not resident may have contents all the same: it may be swapped out.
 *
 * Return: 0 or -errno: then @in tells nothing.
 */
int qn_port_resident(const void *p, size_t size, unsigned char *in);

/**
 * qn_port_move() - contents of whole pages go elsewhere, without a copy
 * @to, @from:	committed, page aligned, apart
 * @size:	bytes, whole pages
 *
 * Post: @from is committed, reads as zero, and nothing of it is resident.
 *
 * Return: 0 or -errno: then @from is as it was, and what was at @to is lost; at
 * -ENOTRECOVERABLE it is no memory any more.
 */
int qn_port_move(void *to, void *from, size_t size);

/**
 * qn_port_make_huge() - make whole, committed, untouched pages one huge page
 * @p:		aligned to @size
 * @size:	QN_PORT_HUGE
 *
 * Only this range: its neighbours, and what is purged of it later, have pages of the
 * usual size again. Post: the memory reads as zero, and is resident if true.
 *
 * Return: false if the system has no huge page for it, or none of this size at all.
 */
bool qn_port_make_huge(void *p, size_t size);

/* Bytes of a huge page */
#define QN_PORT_HUGE ((size_t)2 << 20)

#endif /* QN_PORT_H */
