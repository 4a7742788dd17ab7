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

#include "base/compiler.h"

/* ---- both ---- */

/**
 * struct qn_lock - mutual exclusion for one heap
 *
 * Linux: a futex word that names who holds it. Firmware: the saved interrupt mask, or nothing
 * when the knob QN_LOCK_IRQ is 0. All-zero is free.
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
 * qn_port_read() - what a file begins with
 * @path:	its name, terminated
 * @text:	filled with as much as one call of read() gives
 * @size:	bytes at @text
 *
 * The file is open within the call alone, so no descriptor is there that a program could
 * close or take for its own; a fork() or exec() meanwhile must be kept away by the caller.
 *
 * Return: bytes, or -errno.
 */
long qn_port_read(const char *path, char *text, size_t size);

/**
 * qn_port_files_apart() - the calling thread has no descriptors from now on
 *
 * Those of the process stay open, and what the thread opens is seen by nobody else.
 *
 * Return: false if the system cannot do that (Linux before 5.9).
 */
bool qn_port_files_apart(void);

/**
 * qn_port_limit() - how many bytes the process may map
 * @data:	private memory that it may write (RLIMIT_DATA), else all (RLIMIT_AS)
 *
 * Return: UINT64_MAX if there is no limit, or the system would not say.
 */
u64 qn_port_limit(bool data);

/**
 * qn_port_wait() - sleep while a word has a value
 * @word:	atomic
 * @value:	returns at once if @word is something else
 * @ms:		at most so long; 0: until it is woken
 *
 * May return for no reason.
 */
void qn_port_wait(u32 *word, u32 value, u32 ms);

/* Wake whoever waits for a word */
void qn_port_wake(u32 *word);

/* The same of a word in a file that other processes have mapped as well */
void qn_port_wait_shared(u32 *word, u32 value, u32 ms);
void qn_port_wake_shared(u32 *word);

/**
 * struct qn_port_thread - a thread that the C library does not know of; zeroed: none
 * @tid:	its number; the system clears it when the thread has ended
 * @mem, @tls:	its stack, behind that so many bytes for its thread-local variables; kept
 *		for the next one
 */
struct qn_port_thread {
	u32 tid;
	char *mem;
	size_t tls;
};

/**
 * qn_port_thread_start() - make a thread
 * @t:		without a thread
 * @run:	what it runs, with @arg; it ends when that returns. It must not call libc.
 *
 * All its signals are blocked. Context: any; allocates nothing from the heap.
 * Return: false if the system has none, or there is no code for this processor.
 */
bool qn_port_thread_start(struct qn_port_thread *t, void (*run)(void *),
			  void *arg);

/*
 * Wait until it is gone, also for who counts the threads of the process. Bounded by what it is
 * at, and by a second where the process never had it.
 */
void qn_port_thread_join(struct qn_port_thread *t);

/* The name of the calling thread for ps and top, 15 bytes at most */
void qn_port_thread_name(const char *name);

/**
 * qn_port_clock_coarse() - as qn_port_clock(), some milliseconds behind, for less
 */
u64 qn_port_clock_coarse(void);

/**
 * qn_port_clock_first() - as qn_port_clock(), for who looks once when a process starts
 */
u64 qn_port_clock_first(void);

/**
 * qn_port_thread_ns() - CPU time of the calling thread in nanoseconds; a system call
 */
u64 qn_port_thread_ns(void);

/**
 * qn_port_fork_begin() - the calling thread is about to fork and holds its locks
 *
 * Until qn_port_fork_end() its own locking and unlocking does nothing, so that
 * handlers of other libraries may allocate meanwhile.
 */
void qn_port_fork_begin(void);
void qn_port_fork_end(void);

/* A number of the calling thread, that no other has as long as it lives; not 0 */
u32 qn_port_self(void);

/**
 * qn_port_holds() - does the calling thread hold a lock, perhaps in what a signal
 * handler interrupted?
 */
bool qn_port_holds(const struct qn_lock *lock);

/**
 * qn_port_seed_fix() - from now on qn_port_seed() is @seed
 */
void qn_port_seed_fix(u32 seed);

/**
 * qn_port_page_size() - bytes of an operating system page; a power of two
 */
size_t qn_port_page_size(void);

/**
 * qn_port_map() - memory that reads as zero
 * @at:		where, page aligned: there or nowhere; or NULL: anywhere
 * @size:	bytes, a multiple of the page size
 *
 * Only touched pages cost memory, and all of it counts for limits on memory; what was
 * mapped before is never touched.
 *
 * Return: its start, page aligned, or NULL.
 */
void *qn_port_map(void *at, size_t size);

/**
 * qn_port_extend() - more of it behind memory from qn_port_map()
 * @end:	where that memory ends
 * @size:	bytes, a multiple of the page size
 *
 * Also where the process may have no more mappings.
 *
 * Return: false if there is none, or something else lies there.
 */
bool qn_port_extend(void *end, size_t size);

/**
 * qn_port_release() - give memory back
 *
 * Pre: [@p, @p + @size) is mapped, page aligned.
 */
void qn_port_release(void *p, size_t size);

/**
 * qn_port_purge() - drop the contents of whole pages; they read as zero again
 *
 * A system that refuses it is not asked again for some calls, more of them each time.
 *
 * Return: 0 or -errno; on error contents may be lost, but pages that read as zero do so still.
 * -EINVAL: the memory is locked.
 */
int qn_port_purge(void *p, size_t size);

/**
 * qn_port_move() - contents of whole pages go elsewhere, without a copy
 * @to, @from:	mapped, page aligned, apart
 * @size:	bytes, whole pages
 *
 * Post: @from is mapped, reads as zero, and nothing of it is resident.
 *
 * Return: 0 or -errno: then @from is as it was, and what was at @to is lost; at
 * -ENOTRECOVERABLE it is no memory any more.
 */
int qn_port_move(void *to, void *from, size_t size);

/**
 * qn_port_make_huge() - make whole, mapped, untouched pages one huge page
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
