/* SPDX-License-Identifier: MIT */
/*
 * store.h - the pipeline's blocks: accounted, filled, verified before freed.
 *
 * Between the heap (heap-ops.h) and the modules that keep data in it. Every
 * block begins with a header that says what it is, and carries a sum over its
 * content. The part without content is filled with a pattern. Both are verified
 * when the block is freed, so a heap that hands out memory twice, or moves a
 * block badly, is found out.
 *
 * Blocks refer to each other by offsets from a base address, not by pointers: a
 * block has the same size on the target and on a 64-bit host.
 */
#ifndef STORE_H
#define STORE_H

#include "base/compiler.h"
#include "heap-ops.h"

enum block_kind {
	BLOCK_RECORD,  /* a sample */
	BLOCK_WINDOW,  /* a filter at work */
	BLOCK_SCRATCH, /* a copy to sort, freed at once */
	BLOCK_NODE,    /* of the calibration tree */
	BLOCK_PACKET,  /* encoded, waits for the link */
	BLOCK_REPORT,  /* text that grows */
	NR_BLOCK_KINDS,
};

/**
 * struct block - the header of each block
 * @shape:	size in bytes in the low 10 bits, kind in the next 3
 * @sum:	CRC-16 of @shape and of the content behind the links
 */
struct block {
	u16 shape;
	u16 sum;
};

/**
 * struct item - a block that waits in a fifo
 * @block:	header
 * @next:	link, not part of the sum
 */
struct item {
	struct block block;
	u32 next;
};

/**
 * struct fifo - items in order of arrival
 * @head, @tail: links to the first and the last, 0 if empty
 * @bytes:	of all items
 */
struct fifo {
	u32 head;
	u32 tail;
	u32 bytes;
};

/**
 * struct store - all blocks of one pipeline
 * @heap:	where they come from
 * @base:	links are offsets from here; below every block, so none is 0
 * @budget:	bytes that may be live; room is made before it is exceeded
 * @live, @peak: bytes requested now, and at most so far
 * @nr_live, @peak_nr: blocks now, and when @live was at its peak
 * @kind_live:	bytes by kind
 * @kind_allocs: blocks ever, by kind
 * @nr_ops:	calls of the heap
 * @nr_failed:	calls that returned NULL
 * @nr_damaged:	blocks whose content was not what had been written
 * @make_room:	frees something less important than what is asked for; false if
 *		there is nothing
 * @arg:	its argument
 *
 * Invariant: @live is the sum of @kind_live.
 */
struct store {
	const struct heap_ops *heap;
	uintptr_t base;
	u32 budget;
	u32 live;
	u32 peak;
	u32 nr_live;
	u32 peak_nr;
	u32 kind_live[NR_BLOCK_KINDS];
	u32 kind_allocs[NR_BLOCK_KINDS];
	u32 nr_ops;
	u32 nr_failed;
	u32 nr_damaged;
	bool (*make_room)(void *arg, bool failed);
	void *arg;
};

/**
 * store_init() - no blocks yet
 * @s:		filled in
 * @heap:	kept
 * @base:	start of the heap's memory
 * @budget:	bytes
 */
void store_init(struct store *s, const struct heap_ops *heap, const void *base,
		u32 budget);

/**
 * store_alloc() - a block, filled with the pattern
 * @s:		the store
 * @kind:	what it is to be
 * @size:	bytes, header included, in the range of its kind
 *
 * Makes room where the budget or the heap is exhausted.
 *
 * Return: the block, or NULL if no room could be made.
 */
void *store_alloc(struct store *s, enum block_kind kind, u32 size);

/**
 * store_resize() - the same block with another size
 * @s:		the store
 * @b:		verified first; its content is the same afterwards
 * @used:	bytes of header and content
 * @size:	new size, at least @used
 *
 * Return: the block, perhaps moved and with its sum renewed, or NULL with @b as
 * it was.
 */
void *store_resize(struct store *s, struct block *b, u32 used, u32 size);

/**
 * store_free() - verify a block and give it back
 * @s:		the store
 * @b:		the block
 * @used:	bytes of header and content; the rest must still be the pattern
 */
void store_free(struct store *s, struct block *b, u32 used);

/* Is the block as it was when it was last sealed? */
bool block_is_intact(const struct block *b, u32 used);

/* The content up to @used is complete: compute its sum */
void block_seal(struct block *b, u32 used);

/* Content was appended to a sealed block, from @used on, of @size bytes */
void block_extend(struct block *b, u32 used, u32 size);

u32 block_size(const struct block *b);
enum block_kind block_kind(const struct block *b);

/* Links: 0 is NULL */
u32 store_link(const struct store *s, const void *p);
void *store_deref(const struct store *s, u32 link);

void fifo_push(struct store *s, struct fifo *f, struct item *item);
struct item *fifo_pop(struct store *s, struct fifo *f);
struct item *fifo_first(struct store *s, const struct fifo *f);
struct item *fifo_next(struct store *s, const struct item *item);

/* Take @item out; @before is the one in front of it, NULL if it is the first */
void fifo_del(struct store *s, struct fifo *f, struct item *before,
	      struct item *item);

#endif /* STORE_H */
