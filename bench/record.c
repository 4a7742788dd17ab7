// SPDX-License-Identifier: MIT
/*
 * record.c - a library to preload: writes down what a program asks of malloc.
 *
 * QUERN_TRACE names the file, which must be there already; the first process that
 * finds it empty records into it, its children and what it execs do not. The
 * file is mapped, so that nothing is lost when the program ends by _exit() or a
 * signal. Recording ends after TRACE_EVENTS events. The memory itself comes from
 * the C library. replay.c does to another allocator what was written.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

static struct trace *trace;
/* Orders the events of threads: a block is freed before it is handed out again */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread unsigned int thread __attribute__((tls_model("initial-exec")));
static unsigned int nr_threads;

static void forget_in_child(void)
{
	trace = NULL;
	pthread_mutex_init(&lock, NULL);
}

static void hold(void)
{
	pthread_mutex_lock(&lock);
}

static void let_go(void)
{
	pthread_mutex_unlock(&lock);
}

static void __attribute__((constructor)) start(void)
{
	const char *path = getenv("QUERN_TRACE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct stat st;
	void *p;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size == 0 &&
	    !ftruncate(fd, (off_t)sizeof(*trace))) {
		p = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0);
		if (p != MAP_FAILED)
			trace = p;
	}
	close(fd);
	pthread_atfork(hold, let_go, forget_in_child);
}

/* The lock is held. What fails is not worth a place. */
static void note(unsigned int op, const void *old, const void *p, size_t size,
		 size_t align)
{
	struct trace_event *e;

	if (!trace || trace->nr == TRACE_EVENTS || (!p && op != TRACE_FREE))
		return;
	if (!thread)
		thread = ++nr_threads;
	e = &trace->events[trace->nr++];
	e->op = (unsigned char)op;
	e->align_shift = (unsigned char)(align ? __builtin_ctzl(align) : 0);
	e->thread = (unsigned short)thread;
	e->size = size;
	e->old = (unsigned long)old;
	e->p = (unsigned long)p;
}

void *malloc(size_t size)
{
	void *p;

	hold();
	p = __libc_malloc(size);
	note(TRACE_MALLOC, NULL, p, size, 0);
	let_go();
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p;

	hold();
	p = __libc_calloc(n, size);
	note(TRACE_CALLOC, NULL, p, n * size, 0);
	let_go();
	return p;
}

void free(void *p)
{
	int saved = errno;

	if (!p)
		return;
	hold();
	note(TRACE_FREE, p, NULL, 0, 0);
	__libc_free(p);
	let_go();
	errno = saved;
}

void *realloc(void *p, size_t size)
{
	void *q;

	if (!p)
		return malloc(size);
	if (!size) {
		free(p);
		return NULL;
	}
	hold();
	q = __libc_realloc(p, size);
	note(TRACE_REALLOC, p, q, size, 0);
	let_go();
	return q;
}

void *memalign(size_t align, size_t size)
{
	void *p;

	hold();
	p = __libc_memalign(align, size);
	note(TRACE_MEMALIGN, NULL, p, size, align);
	let_go();
	return p;
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **to, size_t align, size_t size)
{
	void *p = memalign(align, size);

	if (!p)
		return ENOMEM;
	*to = p;
	return 0;
}
