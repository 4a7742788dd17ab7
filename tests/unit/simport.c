// SPDX-License-Identifier: MIT
/*
 * simport.c - a port that tests control: the code of firmware on the host.
 *
 * Counts locks, keeps what is written, turns the end of the program into a jump
 * back into the test, and tells the time that the test set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "simport.h"

struct simport simport;

void simport_reset(void)
{
	memset(&simport, 0, sizeof(simport));
}

void qn_port_lock(struct qn_lock *lock)
{
	if (lock->word)
		abort();
	lock->word = 1;
	simport.nr_locks++;
}

bool qn_port_trylock(struct qn_lock *lock)
{
	if (lock->word)
		return false;
	qn_port_lock(lock);
	return true;
}

void qn_port_unlock(struct qn_lock *lock)
{
	if (!lock->word)
		abort();
	lock->word = 0;
	simport.nr_unlocks++;
}

u64 qn_port_clock(void)
{
	return simport.clock;
}

u32 qn_port_seed(void)
{
	return 0x9e3779b9u;
}

void qn_port_write(const char *text, size_t size)
{
	size_t room = sizeof(simport.text) - 1 - simport.size;

	if (size > room)
		size = room;
	memcpy(simport.text + simport.size, text, size);
	simport.size += size;
}

void qn_port_abort(void)
{
	if (!simport.expects_abort)
		abort();
	longjmp(simport.abort, 1);
}

/*
 * ---- what only the Linux heap asks for: the host's, with failures on demand
 */

static bool fails(void)
{
	return simport.fail_in && --simport.fail_in == 0;
}

void qn_port_fork_begin(void)
{
}

void qn_port_fork_end(void)
{
}

size_t qn_port_page_size(void)
{
	return 4096;
}

void *qn_port_map(void *at, size_t size)
{
	void *p;

	if (fails())
		return NULL;
	p = mmap(at, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void qn_port_release(void *p, size_t size)
{
	munmap(p, size);
}

int qn_port_purge(void *p, size_t size)
{
	if (fails())
		return -ENOMEM;
	return madvise(p, size, MADV_DONTNEED) ? -errno : 0;
}
