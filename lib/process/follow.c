// SPDX-License-Identifier: MIT
/*
 * follow.c - the store of followed objects, and what their lives say.
 */
#include "process/follow.h"

#include <string.h>

#include "port/probe.h"
#include "process/slab.h"

/**
 * struct qn_followed - what stands before an object
 * @check:	its address, scrambled: one number while it is in use, another while it
 *		is free; nothing else has it
 * @next:	free: in its list
 * @born:	clock when it was allocated; of a token: qn_places.dead then
 * @ms:		of the port's clock, likewise
 * @size:	bytes requested
 * @weight:	bytes of requests that it stands for
 * @bin:	its list
 * @class:	of the table
 * @site:	number of its call site, or 0; TOKEN, and the slot of its token
 */
struct qn_followed {
	uintptr_t check;

	union {
		struct qn_followed *next;
		u64 born;
	};

	u32 ms;
	u32 size;
	u32 weight;
	u8 bin;
	u8 class;
	u16 site;
};

_Static_assert(sizeof(struct qn_followed) % QN_ALIGN == 0,
	       "objects are aligned");
_Static_assert(sizeof(struct qn_followed) == QN_FOLLOW_HEADER || QN_SMALL,
	       "QN_FOLLOW_HEADER");

#define TOKEN 0x8000u
_Static_assert(QN_SITES_NR < TOKEN && QN_PLACES <= TOKEN, "both fit");

#define BLOCK_LEAST 64u
#define IN_USE      ((uintptr_t)0x5bd1e995u)
#define IS_FREE     ((uintptr_t)0x9e3779b9u)

static uintptr_t check_of(const struct qn_followed *b, uintptr_t state)
{
	return ((uintptr_t)b >> 4) * state;
}

/* Bytes of the blocks of a bin: four a doubling */
static u32 bin_bytes(unsigned int bin)
{
	return (4 + bin % 4) * (BLOCK_LEAST / 4) << bin / 4;
}

static unsigned int bin_for(size_t bytes)
{
	unsigned int bin;

	if (bytes <= BLOCK_LEAST)
		return 0;
	bin = 4 * qn_ilog2((bytes - 1) / BLOCK_LEAST);
	while (bin_bytes(bin) < bytes)
		bin++;
	return bin;
}

static size_t capacity(const struct qn_followed *b)
{
	return bin_bytes(b->bin) - sizeof(*b);
}

/* ---- lives ---- */

/* Doublings of @least in @n, as many as there are classes for */
static unsigned int life_class(u64 n, u64 least)
{
	unsigned int class = 0;

	for (; n >= least && class < QN_STATS_LIVES - 1; n >>= 1)
		class ++;
	return class;
}

static struct qn_stats_life *life_of(struct qn_follow *f,
				     const struct qn_followed *b)
{
	return &f->page->lives[qn_stats_life_group(b->size)];
}

static u32 now_ms(void)
{
	return (u32)(qn_port_clock_coarse() / 1000);
}

/* Of a token: only that is counted. Return: whether it has one */
static __always_inline bool token_live(const struct qn_followed *b, s64 sign)
{
	if (likely(!(b->site & TOKEN)))
		return false;
	qn_place_live(&qn_places, b->site & ~TOKEN, sign * b->weight, b->born);
	return true;
}

static void life_begin(struct qn_follow *f, const struct qn_followed *b)
{
	struct qn_stats_life *life = life_of(f, b);

	if (token_live(b, 1))
		return;
	WRITE_ONCE(f->nr_live, f->nr_live + 1);
	life->nr_live++;
	life->live += b->weight;
	qn_sites_live(&f->sites, b->site, b->weight, 1);
}

static void life_leave(struct qn_follow *f, const struct qn_followed *b)
{
	struct qn_stats_life *life = life_of(f, b);

	if (token_live(b, -1))
		return;
	WRITE_ONCE(f->nr_live, f->nr_live - 1);
	life->nr_live--;
	life->live -= b->weight;
	qn_sites_live(&f->sites, b->site, -(s64)b->weight, -1);
}

static void life_end(struct qn_follow *f, const struct qn_followed *b)
{
	struct qn_stats_life *life = life_of(f, b);
	u64 age = READ_ONCE(f->clock) - b->born;

	life_leave(f, b);
	if (unlikely(b->site & TOKEN))
		return;
	life->nr_ended++;
	if (unlikely(b->site) && age < QN_STATS_LIFE_BYTES)
		qn_sites_brief(&f->sites, b->site, b->weight);
	life->by_bytes[life_class(age, QN_STATS_LIFE_BYTES)] += b->weight;
	life->by_time[life_class(now_ms() - b->ms, QN_STATS_LIFE_MS)] +=
		b->weight;
}

/* ---- blocks ---- */

/* What it can hold counts as an object in use of its class; its block as carved, once */
static void account(struct qn_follow *f, const struct qn_followed *b, s64 bytes)
{
	/* A peak is seen when the next list is accounted */
	qn_ledger_live(f->ledger, bytes);
	qn_ledger_class(f->ledger, b->class, bytes);
}

static bool unit_get(struct qn_follow *f)
{
	size_t used = READ_ONCE(f->segments->resident.used) >> QN_UNIT_SHIFT;
	struct qn_unit *u;

	if (f->nr_units >= QN_FOLLOW_LEAST + used / f->share)
		return false;
	u = qn_run_alloc(f->segments, 1, 1, QN_UNIT_FOLLOW, NULL);
	if (!u)
		return false;
	f->at = qn_unit_start(f->segments, u);
	f->left = QN_UNIT_SIZE;
	f->nr_units++;
	return true;
}

static struct qn_followed *block_cut(struct qn_follow *f, unsigned int bin,
				     unsigned int class)
{
	size_t bytes = bin_bytes(bin);
	struct qn_followed *b;

	if (f->left < bytes && !unit_get(f))
		return NULL;
	b = (struct qn_followed *)(void *)f->at;
	f->at += bytes;
	f->left -= bytes;
	b->bin = (u8)bin;
	qn_ledger_slab(f->ledger, class, (s64)bytes);
	return b;
}

static __seldom struct qn_followed *block_get(struct qn_follow *f, size_t size,
					      unsigned int class)
{
	unsigned int bin = bin_for(size + sizeof(struct qn_followed));
	struct qn_followed *b = f->bins[bin];

	if (b)
		f->bins[bin] = b->next;
	else
		b = block_cut(f, bin, class);
	if (!b)
		return NULL;
	b->check = check_of(b, IN_USE);
	b->class = (u8) class;
	b->size = (u32)size;
	account(f, b, (s64)capacity(b));
	return b;
}

static void block_put(struct qn_follow *f, struct qn_followed *b)
{
	account(f, b, -(s64)capacity(b));
	b->check = check_of(b, IS_FREE);
	b->next = f->bins[b->bin];
	f->bins[b->bin] = b;
}

/* Return: NULL after a message if the program goes on then */
static __seldom struct qn_followed *block_of(const char *where, const void *p)
{
	struct qn_followed *b = (struct qn_followed *)(uintptr_t)p - 1;

	const char *what = "the pointer is not the start of a block";

	if (likely((uintptr_t)p % QN_ALIGN == 0 &&
		   (uintptr_t)p % QN_UNIT_SIZE >= sizeof(*b))) {
		if (likely(b->check == check_of(b, IN_USE)))
			return b;
		if (b->check == check_of(b, IS_FREE))
			what = "the block was freed already";
	}
	qn_refuse(where, p, SIZE_MAX, what);
	return NULL;
}

/* ---- what others ask for ---- */

void qn_follow_init(struct qn_follow *f, struct qn_segments *s,
		    struct qn_ledger *ledger)
{
	memset(f, 0, sizeof(*f));
	f->segments = s;
	f->ledger = ledger;
	f->page = ledger->page;
	f->after = QN_FOLLOW_AFTER;
	f->most = QN_FOLLOW_MOST;
	f->one_in = QN_FOLLOW_ONE_IN;
	f->share = QN_FOLLOW_SHARE;
}

/* Context: the lock is held */
static __seldom struct qn_followed *follow(struct qn_follow *f, size_t size,
					   unsigned int class, u32 weight,
					   u32 site)
{
	struct qn_followed *b;

	b = block_get(f, size, class);
	if (!b)
		return NULL;
	b->born = site & TOKEN ? qn_places.dead : READ_ONCE(f->clock);
	b->ms = now_ms();
	b->weight = weight;
	b->site = (u16)site;
	life_begin(f, b);
	qn_probe_alloc(b + 1, size, (size_t)weight);
	return b;
}

__seldom void *qn_follow_alloc(struct qn_follow *f, size_t size,
			       unsigned int class, u32 weight, u32 site)
{
	struct qn_followed *b;

	if (READ_ONCE(f->clock) < f->after)
		return NULL;
	qn_port_lock(&f->lock);
	b = f->nr_live < f->most ? follow(f, size, class, weight, site) : NULL;
	qn_port_unlock(&f->lock);
	if (!b)
		qn_sites_skip(&f->sites, weight);
	return b ? b + 1 : NULL;
}

__apart void *qn_follow_token(struct qn_follow *f, size_t size,
			      unsigned int class, u32 bytes, unsigned int slot)
{
	u64 clock = READ_ONCE(f->clock), heap = qn_ledger_get(&f->ledger->live);
	struct qn_followed *b = NULL;
	bool is_worth;
	u64 weight;

	if (clock < f->after)
		return NULL;
	is_worth = READ_ONCE(f->segments->resident.peak) >= QN_PLACE_HEAP;
	qn_port_lock(&f->lock);
	weight =
		qn_place_sample(&qn_places, slot, bytes, clock, heap, is_worth);
	if (weight && qn_places.nr_live < QN_PLACE_FOLLOWED)
		b = follow(f, size, class, (u32)min(weight, (u64)UINT32_MAX),
			   TOKEN | slot);
	qn_port_unlock(&f->lock);
	return b ? b + 1 : NULL;
}

__seldom void qn_follow_free(struct qn_follow *f, const char *where, void *p)
{
	struct qn_followed *b;

	qn_port_lock(&f->lock);
	b = block_of(where, p);
	if (likely(b)) {
		life_end(f, b);
		qn_probe_free(p);
		block_put(f, b);
	}
	qn_port_unlock(&f->lock);
}

__seldom size_t qn_follow_size(const char *where, const void *p)
{
	const struct qn_followed *b = block_of(where, p);

	return likely(b) ? capacity(b) : SIZE_MAX;
}

__seldom size_t qn_follow_asked(const char *where, const void *p)
{
	const struct qn_followed *b = block_of(where, p);

	return likely(b) ? b->size : SIZE_MAX;
}

/* It stays where it is if that wastes less than half of it */
static bool resize_here(struct qn_followed *b, size_t size)
{
	size_t have = capacity(b);

	return size <= have && (size > have / 2 || b->bin == 0);
}

static void note_resize(struct qn_follow *f, const struct qn_followed *b,
			size_t size)
{
	struct qn_stats_life *life = life_of(f, b);

	if (size <= b->size) {
		life->nr_shrunk++;
		return;
	}
	life->nr_grown++;
	life->grown_from += b->size;
	life->grown_to += size;
}

__apart void *qn_follow_resize(struct qn_follow *f, void *p, size_t size)
{
	struct qn_followed *b, *to;

	qn_port_lock(&f->lock);
	b = block_of("realloc", p);
	if (unlikely(!b)) {
		qn_port_unlock(&f->lock);
		return NULL;
	}
	to = resize_here(b, size) ? b : block_get(f, size, b->class);
	if (to) {
		note_resize(f, b, size);
		life_leave(f, b);
		qn_probe_free(p);
	}
	if (to && to != b) {
		to->born = b->born;
		to->ms = b->ms;
		to->weight = b->weight;
		to->site = b->site;
		memcpy(to + 1, b + 1, min(size, capacity(b)));
		block_put(f, b);
	}
	if (to) {
		to->size = (u32)size;
		life_begin(f, to);
		qn_probe_alloc(to + 1, size, (size_t)to->weight);
	}
	qn_port_unlock(&f->lock);
	return to ? to + 1 : NULL;
}

__apart const char *qn_follow_check(struct qn_follow *f)
{
	const char *what = NULL;

	qn_port_lock(&f->lock);
	for (unsigned int bin = 0; bin < QN_FOLLOW_BINS; bin++)
		for (struct qn_followed *b = f->bins[bin]; b; b = b->next)
			if (b->check != check_of(b, IS_FREE) || b->bin != bin) {
				what = "a free block of a sampled object was "
				       "written to";
				break;
			}
	qn_port_unlock(&f->lock);
	return what;
}
