// SPDX-License-Identifier: MIT
/*
 * record.c - a library to preload: writes the trace of a real program.
 *
 *	QUERN_OPS=FILE.ops LD_PRELOAD=build/firmware/bench/record.so PROGRAM...
 *
 * For programs of one thread; child processes write nothing. The sizes are those
 * of this machine: scale-ops.c makes them those of a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

/* Twice as many as there are slots: a look-up stays short */
#define TABLE_SIZE (2 * OPS_SLOTS)

/**
 * struct block - an entry of the table of live blocks
 * @p:		the block, or NULL
 * @slot:	its slot
 */
struct block {
	void *p;
	u16 slot;
};

/**
 * struct record - what is being written
 * @fd:		to here; -1 before the start and after a failure
 * @pid:	the process that is recorded
 * @nr_free:	entries of @free
 * @free:	empty slots
 * @table:	live blocks, by address
 * @nr_ops:	entries of @ops
 * @ops:	not yet written
 */
static struct record {
	int fd;
	pid_t pid;
	u32 nr_free;
	u16 free[OPS_SLOTS];
	struct block table[TABLE_SIZE];
	u32 nr_ops;
	struct op ops[4096];
} record = { .fd = -1 };

static void stop(const char *why)
{
	ssize_t n = write(STDERR_FILENO, why, strlen(why));

	(void)n;
	record.fd = -1;
}

static void flush(void)
{
	size_t size = record.nr_ops * sizeof(record.ops[0]);

	if (record.fd < 0 || record.pid != getpid())
		return;
	if (write(record.fd, record.ops, size) != (ssize_t)size)
		stop("record: cannot write the trace\n");
	record.nr_ops = 0;
}

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("QUERN_OPS");

	if (!path)
		return;
	record.pid = getpid();
	for (u32 i = 0; i < OPS_SLOTS; i++)
		record.free[record.nr_free++] = (u16)(OPS_SLOTS - 1 - i);
	record.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (record.fd < 0)
		stop("record: cannot open the file that QUERN_OPS names\n");
	unsetenv("QUERN_OPS");
}

__attribute__((destructor)) static void finish(void)
{
	flush();
}

static bool is_on(void)
{
	return record.fd >= 0 && record.pid == getpid();
}

/* Where a search for a block begins */
static u32 home_of(const void *p)
{
	return (u32)((uintptr_t)p >> 4) * 2654435769u % TABLE_SIZE;
}

/* Where a block stands in the table, or would */
static struct block *find(const void *p)
{
	u32 i = home_of(p);

	while (record.table[i].p && record.table[i].p != p)
		i = (i + 1) % TABLE_SIZE;
	return &record.table[i];
}

/* Take an entry out and close the gap, so that find() may stop at a gap */
static void forget(struct block *b)
{
	u32 hole = (u32)(b - record.table), i = hole;

	for (;;) {
		i = (i + 1) % TABLE_SIZE;
		if (!record.table[i].p)
			break;
		if ((i - home_of(record.table[i].p)) % TABLE_SIZE <
		    (i - hole) % TABLE_SIZE)
			continue;
		record.table[hole] = record.table[i];
		hole = i;
	}
	record.table[hole].p = NULL;
}

static void put(enum op_kind kind, u32 align, u16 slot, size_t size)
{
	record.ops[record.nr_ops++] = (struct op){
		.kind = (u8)kind,
		.align_log2 = (u8)(align ? __builtin_ctz(align) : 0),
		.slot = slot,
		.size = (u32)size,
	};
	if (record.nr_ops == ARRAY_SIZE(record.ops))
		flush();
}

static void note_alloc(void *p, size_t align, size_t size)
{
	u16 slot;

	if (!p || !is_on())
		return;
	if (!record.nr_free || size > UINT32_MAX) {
		stop("record: too many blocks, or too large a one\n");
		return;
	}
	slot = record.free[--record.nr_free];
	*find(p) = (struct block){ p, slot };
	put(OP_ALLOC, (u32)align, slot, size);
}

static void note_free(void *p)
{
	struct block *b;

	if (!p || !is_on())
		return;
	b = find(p);
	if (!b->p)
		return; /* allocated before the start */
	put(OP_FREE, 0, b->slot, 0);
	record.free[record.nr_free++] = b->slot;
	forget(b);
}

void *malloc(size_t size)
{
	void *p = __libc_malloc(size);

	note_alloc(p, 4, size);
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = __libc_calloc(n, size);

	note_alloc(p, 4, n * size);
	return p;
}

void free(void *p)
{
	note_free(p);
	__libc_free(p);
}

void *realloc(void *p, size_t size)
{
	struct block *b = p && is_on() ? find(p) : NULL;
	void *to = __libc_realloc(p, size);
	u16 slot;

	if (!b || !b->p) {
		note_alloc(to, 4, size);
		return to;
	}
	if (!to && size)
		return NULL;
	slot = b->slot;
	forget(b);
	if (to) {
		*find(to) = (struct block){ to, slot };
		put(OP_REALLOC, 4, slot, size);
	} else {
		put(OP_FREE, 0, slot, 0);
		record.free[record.nr_free++] = slot;
	}
	return to;
}

void *memalign(size_t align, size_t size)
{
	void *p = __libc_memalign(align, size);

	note_alloc(p, align, size);
	return p;
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	*p = memalign(align, size);
	return *p ? 0 : ENOMEM;
}
