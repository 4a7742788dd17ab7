// SPDX-License-Identifier: MIT
/*
 * fence.c - blocks between marks; fence.h has the picture.
 *
 * Order in this file: headers, marks, looks, messages, units, allocation, free.
 */
#include "process/fence.h"

#include <string.h>

#include "process/local.h"

/* Bytes of a thread's short blocks */
#define BYTES_MOST ((size_t)2 << 20)
/*
 * Freed bytes after which there are no more fences: of short blocks in the first local and
 * in others, which may be many; of large ones in the process. More see more errors and keep
 * more memory.
 */
#define WASTE_FIRST  ((size_t)256 << 10)
#define WASTE_OTHERS ((size_t)64 << 10)
#define WASTE_LARGE  ((size_t)4 << 20)
/* The first header of a unit: a large block is aligned to a cache line */
#define FIRST ((size_t)48)
/* A large block has the pattern to the end of its first page when it is free */
#define LARGE_FILLED (QN_PART_SIZE - FIRST - HEAD)
/* A unit is cut anew once so much of it was used */
#define AGAIN_LEAST ((size_t)8 << 10)
/* Users of a unit that blocks are cut from: more than it can have */
#define OPEN ((u32)QN_UNIT_SIZE)
/* What stands in a free block */
#define PATTERN ((u64)0xdbdbdbdbdbdbdbdb)

/**
 * struct head - what stands before a block
 * @what:	bytes of the block, bytes to the next header in steps of 16, its class
 * @seal:	made of @what, the address and the state
 */
struct head {
	u64 what;
	u64 seal;
};

#define HEAD sizeof(struct head)

enum state {
	USED,
	FREEING,
	FREE,
	PADDING,
	DAMAGED,
};

static const char before[] __rodata_apart =
	"the word before the block was overwritten";
static const char written[] __rodata_apart =
	"the block was written to after it was freed";
static const char already[] __rodata_apart = "the block was freed already";

/* ---- headers ---- */

/*
 * The byte in front of the block is no character of a text, nor 0: whoever writes one is
 * noticed. The highest bit that is lost for it is in another one, too.
 */
static u64 seal_of(const struct head *h, u64 what, enum state state)
{
	u64 seal = ((uintptr_t)h + what) * 0x9e3779b97f4a7c15u ^
		   (u64)state * 0xc2b2ae3d27d4eb4fu;

	return (seal ^ seal >> 32) | (u64)1 << 63;
}

static size_t size_in(u64 what)
{
	return (u32)what;
}

static size_t span_in(u64 what)
{
	return (what >> 32 & 0xffffff) * 16;
}

static unsigned int class_in(u64 what)
{
	return (unsigned int)(what >> 56);
}

static u64 what_of(size_t size, size_t span, unsigned int class)
{
	return size | (u64)span / 16 << 32 | (u64) class << 56;
}

static bool is_large(size_t size)
{
	return size > QN_FENCE_SHORT;
}

/* There are 1 to 16 bytes behind a block */
static size_t span_of(size_t size)
{
	return HEAD + round_up(size + 1, (size_t)16);
}

static struct head *head_of(const void *p)
{
	return (struct head *)(uintptr_t)p - 1;
}

static noinline __cold enum state state_of(const struct head *h)
{
	u64 seal = __atomic_load_n(&h->seal, __ATOMIC_ACQUIRE);

	for (enum state s = USED; s < DAMAGED; s++)
		if (seal == seal_of(h, h->what, s))
			return s;
	return DAMAGED;
}

/* ---- marks ---- */

/* Of a block in use: eight times a byte that is no character of a text */
static u64 marks_of(const struct head *h)
{
	u64 byte = seal_of(h, h->what, USED) >> 56 | 0x80;

	return byte * 0x0101010101010101;
}

static const char *end_of(const struct head *h)
{
	return (const char *)h + span_in(h->what);
}

/* All blocks and their ends are aligned */
static u64 word_at(const char *p)
{
	return *(const u64 *)(const void *)p;
}

static __always_inline void marks_set(struct head *h)
{
	char *p = (char *)(h + 1) + size_in(h->what);
	u64 marks = marks_of(h);

	memset(p, (int)(marks & 0xff), (size_t)(end_of(h) - p));
}

static bool is_marked(const struct head *h)
{
	const char *end = end_of(h);
	size_t n = span_in(h->what) - HEAD - size_in(h->what);
	u64 marks = marks_of(h), high = word_at(end - 8) ^ marks, low;

	if (n <= 8)
		return !(high >> (8 * (8 - n)));
	low = word_at(end - 16) ^ marks;
	return !high && !(low >> (8 * (16 - n)));
}

/* Behind a large block: a program may give pages back that its block has to itself */
static __apart bool is_given_back(const struct head *h)
{
	const char *end = end_of(h);
	const char *p = (const char *)(h + 1) + size_in(h->what);

	while (p < end && !*p)
		p++;
	return p == end && is_large(size_in(h->what));
}

static bool is_sound(const struct head *h)
{
	return likely(is_marked(h)) || is_given_back(h);
}

/* Of a free block so much has the pattern */
static size_t filled(size_t size)
{
	return is_large(size) ? LARGE_FILLED : size;
}

static bool is_filled(const char *p, size_t size)
{
	const char *end = p + size;
	u64 other = 0;

	for (; end - p >= 32; p += 32) {
		other |= word_at(p) ^ PATTERN;
		other |= word_at(p + 8) ^ PATTERN;
		other |= word_at(p + 16) ^ PATTERN;
		other |= word_at(p + 24) ^ PATTERN;
	}
	for (; end - p >= 8; p += 8)
		other |= word_at(p) ^ PATTERN;
	/* What is behind the block's last byte is not looked at */
	if (p < end)
		other |= (word_at(p) ^ PATTERN) << (8 * (8 - (end - p)));
	return !other;
}

/* ---- looks ---- */

struct fault {
	const struct head *at;
	const char *what;
};

static struct fault head_look(const struct head *h)
{
	struct fault f = { h, NULL };
	size_t size = size_in(h->what);
	enum state s = state_of(h);

	if (s == DAMAGED)
		f.what = before;
	else if (s == USED && !is_sound(h))
		f.what = QN_SLACK_WRITTEN;
	else if (s == FREE && !is_filled((const char *)(h + 1), filled(size)))
		f.what = written;
	else if (s == FREE && !is_large(size) && !is_marked(h))
		f.what = QN_SLACK_WRITTEN;
	return f;
}

static u32 steps_of(const struct head *h)
{
	if (h->seal == seal_of(h, h->what, USED))
		return 1;
	return 1 + (u32)filled(size_in(h->what)) / 64;
}

static noinline __cold struct fault unit_look(const struct qn_unit *u,
					      const char *start, u32 *budget)
{
	/* Pairs with the release in block_make() */
	size_t cut = smp_load_acquire(&u->cut), at = FIRST;
	struct fault f = { NULL, NULL };

	while (at < cut && *budget) {
		const void *h = start + at;
		u32 steps;

		f = head_look(h);
		if (f.what)
			return f;
		steps = steps_of(h);
		*budget -= min(steps, *budget);
		at += span_in(f.at->what);
	}
	return f;
}

/* ---- messages ---- */

static __noreturn __apart void misuse(const char *where, struct fault f)
{
	const void *p = f.at + 1;

	if (f.what == before)
		qn_misuse(where, p, before);
	qn_misuse_of(where, p, size_in(f.at->what), f.what);
}

void qn_fence_look(const struct qn_unit *u, const char *start, u32 *budget)
{
	struct fault f = unit_look(u, start, budget);

	if (unlikely(f.what))
		misuse("free", f);
}

/* The unit's memory: a block begins in the first unit of its run */
static const char *start_of(const void *p)
{
	return (const char *)p - (uintptr_t)p % QN_UNIT_SIZE;
}

/* May a block begin there */
static bool is_place(const void *p)
{
	size_t at = (uintptr_t)p % QN_UNIT_SIZE;

	return at % 16 == 0 && at >= FIRST + HEAD;
}

/* @p is no block in use, or its header is damaged. Return: NULL. */
static __apart struct head *refused(const struct qn_unit *u, const void *p,
				    const char *where)
{
	const struct head *h = head_of(p);
	u32 budget = UINT32_MAX;
	struct fault f;

	if (is_place(p) && (state_of(h) == FREE || state_of(h) == FREEING)) {
		qn_refuse(where, p, size_in(h->what), already);
		return NULL;
	}
	f = unit_look(u, start_of(p), &budget);
	if (f.what)
		misuse(where, f);
	qn_refuse(where, p, SIZE_MAX, QN_SLAB_INTERIOR);
	return NULL;
}

/* What is behind a block was overwritten: if the program goes on then, it is mended */
static __apart void mend(struct head *h, const char *where)
{
	qn_refuse(where, h + 1, size_in(h->what), QN_SLACK_WRITTEN);
	marks_set(h);
}

/* The header of a block; NULL after a message if there is none and the program goes on then */
static __always_inline struct head *head_at(const struct qn_unit *u,
					    const void *p, const char *where)
{
	struct head *h = head_of(p);

	if (unlikely(!is_place(p) ||
		     READ_ONCE(h->seal) != seal_of(h, h->what, USED)))
		return refused(u, p, where);
	if (unlikely(!is_sound(h)))
		mend(h, where);
	return h;
}

size_t qn_fence_size(const struct qn_unit *u, const void *p, const char *where)
{
	const struct head *h = head_at(u, p, where);

	return likely(h) ? size_in(h->what) : SIZE_MAX;
}

/* ---- units ---- */

static noinline __cold struct qn_unit *unit_get(struct qn_local *l, size_t nr,
						size_t bytes, bool *zeroed)
{
	struct qn_unit *u;

	qn_local_make_room(l, nr << QN_UNIT_SHIFT);
	u = qn_run_alloc(&l->hub->segments, nr, 1, QN_UNIT_FENCE, zeroed);
	if (!u)
		return NULL;
	WRITE_ONCE(u->fenced, bytes);
	u->nr_live = OPEN;
	smp_store_release(&u->cut, (u32)FIRST);
	qn_local_see_units(l);
	return u;
}

/* All of a unit is free: look at it a last time */
static __seldom void unit_check(struct qn_hub *hub, struct qn_local *l,
				const struct qn_unit *u)
{
	u32 budget = UINT32_MAX;
	size_t bytes = u->cut - FIRST;

	qn_fence_look(u, qn_unit_start(&hub->segments, u), &budget);
	if (!l)
		return;
	l->fence.freed -= min(l->fence.freed, bytes);
	l->fence.bytes += bytes;
}

/* @nr users less of a unit: the last one gives it back */
static noinline void unit_put(struct qn_hub *hub, struct qn_local *l,
			      struct qn_unit *u, u32 nr)
{
	/* Pairs with itself: who is last sees what all others did */
	if (__atomic_sub_fetch(&u->nr_live, nr, __ATOMIC_ACQ_REL))
		return;
	unit_check(hub, l, u);
	qn_run_free(&hub->segments, u, u->cut);
}

static noinline void unit_close(struct qn_local *l)
{
	struct qn_fence *f = &l->fence;
	struct qn_unit *u = f->u;

	f->u = NULL;
	if (u)
		unit_put(l->hub, l, u, OPEN - f->nr_cut);
}

/*
 * If all that was cut of a unit is free, cut it anew: a program whose blocks come and go
 * touches few pages. The lock keeps looks away.
 */
static noinline void unit_again(struct qn_local *l)
{
	struct qn_segments *s = &l->hub->segments;
	struct qn_fence *f = &l->fence;
	struct qn_unit *u = f->u;

	/* Pairs with the release in unit_put() */
	if (__atomic_load_n(&u->nr_live, __ATOMIC_ACQUIRE) !=
		    OPEN - f->nr_cut ||
	    !qn_port_trylock(&s->lock))
		return;
	unit_check(l->hub, l, u);
	/* Less of it may be cut when it goes back */
	qn_resident_carve(u, qn_parts_of(0, 0,
					 DIV_ROUND_UP(u->cut, QN_PART_SIZE)));
	u->nr_live = OPEN;
	WRITE_ONCE(u->cut, (u32)FIRST);
	qn_port_unlock(&s->lock);
	f->nr_cut = 0;
	f->zeroed = false;
}

/* ---- allocation ---- */

static void account(struct qn_hub *hub, struct qn_local *l, u64 what,
		    bool is_new)
{
	s64 bytes = (s64)size_in(what);
	unsigned int class = class_in(what);

	/* As of other blocks of its length */
	if (class == QN_CLASS_DIRECT && !is_large(size_in(what)))
		bytes += (s64)sizeof(size_t);
	if (!is_new)
		bytes = -bytes;
	if (class == QN_CLASS_DIRECT) {
		qn_hub_account_large(hub, bytes, is_new);
	} else if (l) {
		l->class[class].pending_live += (s32)bytes;
		l->class[class].pending_allocs += is_new;
	} else {
		qn_hub_account(hub, class, bytes, is_new);
	}
}

static void head_set(struct head *h, u64 what, enum state state)
{
	h->what = what;
	smp_store_release(&h->seal, seal_of(h, what, state));
}

static void *block_make(struct qn_local *l, struct qn_unit *u, struct head *h,
			size_t size)
{
	unsigned int class = size <= QN_SLAB_MAX ?
				     l->front->map[qn_size_steps(size)] :
				     QN_CLASS_DIRECT;
	size_t span = span_of(size);

	head_set(h, what_of(size, span, class), USED);
	marks_set(h);
	/* Pairs with the acquire in unit_look() */
	smp_store_release(&u->cut, (u32)((uintptr_t)h % QN_UNIT_SIZE + span));
	account(l->hub, l, h->what, true);
	return h + 1;
}

/* Up to where a header makes a block aligned */
static __seldom struct head *pad(struct qn_unit *u, char *at, size_t align)
{
	uintptr_t p = round_up((uintptr_t)at + HEAD, align);
	struct head *h = (struct head *)p - 1;
	size_t span = (size_t)((char *)h - at);

	if (!span)
		return h;
	head_set((struct head *)(void *)at, what_of(0, span, 0), PADDING);
	smp_store_release(&u->cut, (u32)(u->cut + span));
	return h;
}

/* No more, not of samples either */
static __apart void fence_end(struct qn_local *l)
{
	l->fence.nr = 0;
	l->fence.is_over = true;
	unit_close(l);
}

static void *short_alloc(struct qn_local *l, size_t size, size_t align,
			 size_t *old)
{
	struct qn_fence *f = &l->fence;
	size_t need = span_of(size) + (align > QN_ALIGN ? align : 0);
	struct head *h;
	char *at;

	if (f->u && f->u->cut > AGAIN_LEAST)
		unit_again(l);
	if (f->freed > f->waste || need > f->bytes) {
		fence_end(l);
		return NULL;
	}
	if (f->u && f->u->cut + need > QN_UNIT_SIZE)
		unit_close(l);
	if (!f->u) {
		f->u = unit_get(l, 1, 0, &f->zeroed);
		if (!f->u)
			return NULL;
		f->start = qn_unit_start(&l->hub->segments, f->u);
		f->nr_cut = 0;
	}
	at = f->start + f->u->cut;
	f->bytes -= need;
	f->nr_cut++;
	f->nr--;
	h = (struct head *)(void *)at;
	if (f->zeroed)
		*old = 0;
	if (unlikely(align > QN_ALIGN))
		h = pad(f->u, at, align);
	return block_make(l, f->u, h, size);
}

static __apart bool large_is_due(struct qn_fences *all)
{
	u32 nr = READ_ONCE(all->nr_large);

	if (READ_ONCE(all->freed_large) > WASTE_LARGE)
		return false;
	while (nr &&
	       !__atomic_compare_exchange_n(&all->nr_large, &nr, nr - 1, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return nr;
}

static __apart void *large_alloc(struct qn_local *l, size_t size, size_t *old)
{
	bool zeroed;
	size_t nr = DIV_ROUND_UP(FIRST + span_of(size), QN_UNIT_SIZE);
	struct qn_unit *u;
	char *start;

	if (!large_is_due(&l->hub->fences))
		return NULL;
	u = unit_get(l, nr, size, &zeroed);
	if (!u)
		return NULL;
	if (zeroed)
		*old = 0;
	start = qn_unit_start(&l->hub->segments, u);
	return block_make(l, u, (struct head *)(void *)(start + FIRST), size);
}

void *qn_fence_alloc(struct qn_local *l, size_t size, size_t align, size_t *old)
{
	if (align > QN_FENCE_ALIGN || size > QN_FENCE_LONG)
		return NULL;
	if (is_large(size))
		return align > FIRST + HEAD ? NULL : large_alloc(l, size, old);
	return l->fence.nr ? short_alloc(l, size, align, old) : NULL;
}

/* ---- free ---- */

static void short_free(struct qn_hub *hub, struct qn_local *l,
		       struct qn_unit *u, struct head *h)
{
	size_t span = span_in(h->what);

	memset(h + 1, (int)(PATTERN & 0xff), size_in(h->what));
	/* Pairs with the acquire in state_of() */
	smp_store_release(&h->seal, seal_of(h, h->what, FREE));
	if (l)
		l->fence.freed += span;
	unit_put(hub, l, u, 1);
}

/* The unit of a freed large block goes back: its first page is all that it has */
static __apart void large_put(struct qn_hub *hub, struct qn_unit *u)
{
	char *start = qn_unit_start(&hub->segments, u);
	u32 budget = UINT32_MAX;

	qn_fence_look(u, start, &budget);
	/* A look has the lock: from now on none finds anything there */
	qn_port_lock(&hub->segments.lock);
	WRITE_ONCE(u->cut, 0);
	qn_port_unlock(&hub->segments.lock);
	if (qn_resident_drop(start, QN_UNIT_SIZE))
		qn_resident_forget(u, 1);
	else
		qn_resident_carve(u, UINT16_MAX);
	qn_run_free(&hub->segments, u, 0);
}

/* A freed unit is kept in the place of an older one */
static void unit_keep(struct qn_hub *hub, struct qn_local *l, struct qn_unit *u)
{
	struct qn_unit **kept, *old = u;

	if (l) {
		kept = &l->fence.kept[l->fence.nr_kept++ % QN_FENCE_KEPT];
		old = *kept;
		*kept = u;
	}
	if (old)
		large_put(hub, old);
}

__apart void qn_fence_give(struct qn_hub *hub, struct qn_local *l)
{
	for (unsigned int i = 0; i < QN_FENCE_KEPT; i++) {
		struct qn_unit *u = l->fence.kept[i];

		l->fence.kept[i] = NULL;
		if (u)
			large_put(hub, u);
	}
}

static __apart void large_free(struct qn_hub *hub, struct qn_local *l,
			       struct qn_unit *u, struct head *h)
{
	char *start = (char *)h - FIRST;
	size_t page = max(hub->page_size, QN_PART_SIZE);
	size_t size = u->run.size << QN_UNIT_SHIFT, dirty = 0;

	__atomic_fetch_add(&hub->fences.freed_large, span_in(h->what),
			   __ATOMIC_RELAXED);
	/* Of the unit only the first page counts from now on */
	WRITE_ONCE(u->fenced, 0);
	WRITE_ONCE(u->cut, (u32)QN_PART_SIZE);
	memset(h + 1, (int)(PATTERN & 0xff), LARGE_FILLED);
	smp_store_release(&h->seal, seal_of(h, h->what, FREE));
	/* Perhaps little of it was touched */
	if (qn_resident_drop(start + page, size - page))
		qn_resident_forget(u + 1, u->run.size - 1);
	else
		dirty = size - QN_UNIT_SIZE;
	if (u->run.size > 1)
		qn_run_resize(&hub->segments, u, 1, dirty);
	unit_keep(hub, l, u);
}

void qn_fence_free(struct qn_hub *hub, struct qn_local *l, struct qn_unit *u,
		   void *p)
{
	struct head *h = head_at(u, p, "free");
	u64 used;

	if (unlikely(!h))
		return;
	used = seal_of(h, h->what, USED);
	if (unlikely(!__atomic_compare_exchange_n(
		    &h->seal, &used, seal_of(h, h->what, FREEING), false,
		    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
		qn_refuse("free", p, size_in(h->what), already);
		return;
	}
	account(hub, l, h->what, false);
	if (is_large(size_in(h->what)))
		large_free(hub, l, u, h);
	else
		short_free(hub, l, u, h);
}

/* ---- beginning ---- */

noinline void qn_fence_init(struct qn_hub *hub, struct qn_local *l)
{
	bool is_on = !hub->is_watched && !hub->conf.sites;
	size_t nr = is_on ? qn_hub_knobs(hub)->fence : 0;

	if (!nr)
		hub->fences.nr_large = 0;
	l->fence.nr = (u32)nr;
	l->fence.is_over = !nr;
	l->fence.bytes = BYTES_MOST;
	l->fence.waste = hub->locals ? WASTE_OTHERS : WASTE_FIRST;
}
