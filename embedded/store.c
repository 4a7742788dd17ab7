// SPDX-License-Identifier: MIT
/*
 * store.c - allocation with accounts, patterns and sums.
 *
 * Nothing is said when a block turns out to be damaged: it is counted, and the
 * pipeline stops before it would follow a link that cannot be trusted.
 */
#include <string.h>

#include "checksum.h"
#include "store.h"

#define SIZE_BITS 10
#define SIZE_MASK ((1u << SIZE_BITS) - 1)

/* How often room is made for one request before it is given up */
#define MAX_RETRIES 16

/**
 * struct kind_info - what blocks of a kind have in common
 * @start:	offset of what the sum covers: behind what changes, as links do
 * @min, @max:	size in bytes
 */
struct kind_info {
	u16 start;
	u16 min;
	u16 max;
};

/* clang-format off */
static const struct kind_info kinds[NR_BLOCK_KINDS] = {
	[BLOCK_RECORD]	= {  8, 12,  40 },
	[BLOCK_WINDOW]	= { 12, 60, 700 },
	[BLOCK_SCRATCH]	= {  4, 44, 700 },
	[BLOCK_NODE]	= { 12, 24,  56 },
	[BLOCK_PACKET]	= {  8, 20, 300 },
	[BLOCK_REPORT]	= { 12, 80, 900 },
};

/* clang-format on */

static u16 make_shape(enum block_kind kind, u32 size)
{
	return (u16)((u32)kind << SIZE_BITS | size);
}

u32 block_size(const struct block *b)
{
	return b->shape & SIZE_MASK;
}

enum block_kind block_kind(const struct block *b)
{
	return (enum block_kind)(b->shape >> SIZE_BITS);
}

static u8 pattern(u32 offset)
{
	return (u8)(offset * 37 + 0x5a);
}

static void fill(struct block *b, u32 from)
{
	u8 *byte = (u8 *)b;

	for (u32 i = from; i < block_size(b); i++)
		byte[i] = pattern(i);
}

static bool is_filled(const struct block *b, u32 from)
{
	const u8 *byte = (const u8 *)b;

	for (u32 i = from; i < block_size(b); i++)
		if (byte[i] != pattern(i))
			return false;
	return true;
}

static u16 sum_of(const struct block *b, u32 used)
{
	u32 start = kinds[block_kind(b)].start;
	u8 shape[] = { (u8)b->shape, (u8)(b->shape >> 8) };
	u16 sum = crc16(0xffff, shape, sizeof(shape));

	return crc16(sum, (const u8 *)b + start, used - start);
}

static bool has_good_shape(const struct block *b)
{
	const struct kind_info *info;

	if (block_kind(b) >= NR_BLOCK_KINDS)
		return false;
	info = &kinds[block_kind(b)];
	return block_size(b) >= info->min && block_size(b) <= info->max;
}

bool block_is_intact(const struct block *b, u32 used)
{
	if (!has_good_shape(b))
		return false;
	if (used < kinds[block_kind(b)].start || used > block_size(b))
		return false;
	return b->sum == sum_of(b, used) && is_filled(b, used);
}

void block_seal(struct block *b, u32 used)
{
	b->sum = sum_of(b, used);
}

void block_extend(struct block *b, u32 used, u32 size)
{
	b->sum = crc16(b->sum, (const u8 *)b + used, size);
}

void store_init(struct store *s, const struct heap_ops *heap, const void *base,
		u32 budget)
{
	*s = (struct store){
		.heap = heap,
		.base = (uintptr_t)base - 1,
		.budget = budget,
	};
}

static void account(struct store *s, enum block_kind kind, u32 size)
{
	s->live += size;
	s->kind_live[kind] += size;
	if (s->live > s->peak) {
		s->peak = s->live;
		s->peak_nr = s->nr_live;
	}
}

static void unaccount(struct store *s, enum block_kind kind, u32 size)
{
	s->live -= size;
	s->kind_live[kind] -= size;
}

static void keep_budget(struct store *s, u32 size)
{
	while (s->live + size > s->budget)
		if (!s->make_room || !s->make_room(s->arg, false))
			return;
}

/* @p NULL: a new block */
static void *try_heap(struct store *s, void *p, u32 size)
{
	s->nr_ops++;
	if (p)
		return s->heap->realloc(s->heap->heap, p, size);
	return s->heap->alloc(s->heap->heap, size);
}

static void *get(struct store *s, void *p, u32 size)
{
	void *got = try_heap(s, p, size);

	for (int i = 0; !got && i < MAX_RETRIES; i++) {
		s->nr_failed++;
		if (!s->make_room || !s->make_room(s->arg, true))
			return NULL;
		got = try_heap(s, p, size);
	}
	return got;
}

void *store_alloc(struct store *s, enum block_kind kind, u32 size)
{
	struct block *b;

	keep_budget(s, size);
	b = get(s, NULL, size);
	if (!b)
		return NULL;
	b->shape = make_shape(kind, size);
	b->sum = 0;
	fill(b, sizeof(*b));
	s->nr_live++;
	s->kind_allocs[kind]++;
	account(s, kind, size);
	return b;
}

static bool verify(struct store *s, const struct block *b, u32 used)
{
	if (block_is_intact(b, used))
		return true;
	s->nr_damaged++;
	return false;
}

void *store_resize(struct store *s, struct block *b, u32 used, u32 size)
{
	enum block_kind kind = block_kind(b);
	u32 old = block_size(b);

	if (!verify(s, b, used))
		return NULL;
	if (size > old)
		keep_budget(s, size - old);
	b = get(s, b, size);
	if (!b)
		return NULL;
	/* the heap has kept what fits into the new size */
	if (size >= old)
		verify(s, b, used);
	else if (b->sum != sum_of(b, used))
		s->nr_damaged++;
	b->shape = make_shape(kind, size);
	fill(b, used);
	block_seal(b, used);
	unaccount(s, kind, old);
	account(s, kind, size);
	return b;
}

void store_free(struct store *s, struct block *b, u32 used)
{
	if (!verify(s, b, used))
		return;
	unaccount(s, block_kind(b), block_size(b));
	s->nr_live--;
	s->nr_ops++;
	memset(b, 0xdd, block_size(b));
	s->heap->free(s->heap->heap, b);
}

u32 store_link(const struct store *s, const void *p)
{
	return p ? (u32)((uintptr_t)p - s->base) : 0;
}

/* Sign-extended, so that a second zone may lie below the first */
void *store_deref(const struct store *s, u32 link)
{
	return link ? (void *)(s->base + (uintptr_t)(intptr_t)(s32)link) : NULL;
}

struct item *fifo_first(struct store *s, const struct fifo *f)
{
	return store_deref(s, f->head);
}

struct item *fifo_next(struct store *s, const struct item *item)
{
	return store_deref(s, item->next);
}

void fifo_push(struct store *s, struct fifo *f, struct item *item)
{
	struct item *last = store_deref(s, f->tail);

	item->next = 0;
	f->tail = store_link(s, item);
	if (last)
		last->next = f->tail;
	else
		f->head = f->tail;
	f->bytes += block_size(&item->block);
}

void fifo_del(struct store *s, struct fifo *f, struct item *before,
	      struct item *item)
{
	if (before)
		before->next = item->next;
	else
		f->head = item->next;
	if (!item->next)
		f->tail = store_link(s, before);
	f->bytes -= block_size(&item->block);
}

struct item *fifo_pop(struct store *s, struct fifo *f)
{
	struct item *item = fifo_first(s, f);

	if (item)
		fifo_del(s, f, NULL, item);
	return item;
}
