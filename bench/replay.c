// SPDX-License-Identifier: MIT
/*
 * replay.c - asks malloc for what a program asked for, as record.c wrote it down.
 *
 *	replay TRACE
 *
 * One thread does it all, in the order of the trace. Addresses become numbers of
 * blocks before, by a table that knows which blocks live; what was there before
 * recording began is left out. The work is done in counted(), whose calls
 * callgrind counts (traces.sh); the memory of all the rest is mapped.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "count.h"
#include "trace.h"

/* Slots of the table, more than twice the blocks that can live */
#define TABLE_SIZE (1ul << 21)

/* Pointers, lest the compiler knows that it is malloc */
static void *(*volatile call_malloc)(size_t) = malloc;
static void *(*volatile call_calloc)(size_t, size_t) = calloc;
static void *(*volatile call_memalign)(size_t, size_t) = memalign;
static void *(*volatile call_realloc)(void *, size_t) = realloc;
static void (*volatile call_free)(void *) = free;

/**
 * struct op - an event, as it is replayed
 * @block:	which block is given and which is returned
 */
struct op {
	unsigned char op;
	unsigned char align_shift;
	unsigned int block;
	unsigned long size;
};

/**
 * struct slot - of the table from addresses to blocks; open addressing
 * @address:	0: never used. A block that was freed leaves its address behind
 *		with @block 0, to be used again when that address comes back.
 */
struct slot {
	unsigned long address;
	unsigned int block;
};

static const struct trace *trace;
static struct op *ops;
static unsigned long nr_ops;
static void **blocks;
static struct slot *table;

static void *map(size_t size, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (p == MAP_FAILED) {
		perror("replay: mmap");
		exit(1);
	}
	return p;
}

/* The slot of @address, or the one where it belongs */
static struct slot *find(unsigned long address)
{
	unsigned long i = address / 16 * 0x9e3779b97f4a7c15ul;

	for (i >>= 20;; i++) {
		struct slot *s = &table[i % TABLE_SIZE];

		if (!s->address || s->address == address)
			return s;
	}
}

/* The block that lives at @address until now, 0 if none is known */
static unsigned int take(unsigned long address)
{
	struct slot *s = find(address);
	unsigned int block = s->block;

	s->block = 0;
	return block;
}

static void give(unsigned long address, unsigned int block)
{
	struct slot *s = find(address);

	s->address = address;
	s->block = block;
}

static void read_event(const struct trace_event *e)
{
	struct op *op = &ops[nr_ops];

	op->op = e->op;
	op->align_shift = e->align_shift;
	op->size = e->size;
	op->block = e->old ? take(e->old) : 0;
	if (e->op == TRACE_FREE && !op->block)
		return;
	if (e->op == TRACE_REALLOC && !op->block)
		op->op = TRACE_MALLOC;
	nr_ops++;
	if (!op->block)
		op->block = (unsigned int)nr_ops;
	if (e->p)
		give(e->p, op->block);
}

static void read_trace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		perror("replay: the trace");
		exit(1);
	}
	if (fstat(fd, &st) || st.st_size != (off_t)sizeof(*trace)) {
		fputs("replay: this is no trace\n", stderr);
		exit(1);
	}
	trace = map(sizeof(*trace), fd);
	ops = map(TRACE_EVENTS * sizeof(*ops), -1);
	blocks = map((TRACE_EVENTS + 1) * sizeof(*blocks), -1);
	table = map(TABLE_SIZE * sizeof(*table), -1);
	for (unsigned long i = 0; i < trace->nr && i < TRACE_EVENTS; i++)
		read_event(&trace->events[i]);
}

/* By these names traces.sh tells apart who called what */
static APART void do_malloc(const struct op *op, void **block)
{
	if (op->op == TRACE_MALLOC)
		*block = call_malloc(op->size);
	else if (op->op == TRACE_CALLOC)
		*block = call_calloc(1, op->size);
	else
		*block = call_memalign(1ul << op->align_shift, op->size);
}

static APART void do_realloc(const struct op *op, void **block)
{
	*block = call_realloc(*block, op->size);
}

static APART void do_free(void **block)
{
	call_free(*block);
}

static APART void counted(void)
{
	for (const struct op *op = ops; op < ops + nr_ops; op++) {
		void **block = &blocks[op->block];

		if (op->op == TRACE_FREE)
			do_free(block);
		else if (op->op == TRACE_REALLOC)
			do_realloc(op, block);
		else
			do_malloc(op, block);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: replay TRACE\n", stderr);
		return 2;
	}
	read_trace(argv[1]);
	counted();
	return 0;
}
