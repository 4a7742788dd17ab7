// SPDX-License-Identifier: MIT
/*
 * heap-make.c - how a heap of one's own comes to its memory: the layout of heap.h, further
 * zones, and the order in which requests try them.
 */
#include "heap/heap-const.h"
#include "heap/heap-internal.h"

const u32 qn_heap_const_layout = QN_HEAP_CONST_LAYOUT;

/* What lies behind @size bytes at @p */
static void *behind(void *p, size_t size)
{
	return (void *)((uintptr_t)p + round_up(size, QN_GRANULE));
}

/* What a zone needs at least, with its struct */
#define ZONE_LEAST (2 * sizeof(struct qn_zone))

/* Where the granules of a zone end */
static uintptr_t zone_end(const struct qn_zone *z)
{
	return (uintptr_t)qn_granules_on(qn_zone_start(z), z->nr);
}

/*
 * Lay a zone out from @start on in the memory [@mem, @end), and further ones in what
 * exceeds the limit of a zone. What is too little for another one stays unused. They use the
 * heap's knobs, which have the values that they begin with
 */
static bool make_zones(struct qn_heap *h, struct qn_zone *z, uintptr_t start,
		       uintptr_t mem, uintptr_t end)
{
	qn_assert(mem <= start && start <= end);
	while (qn_zone_init(z, (void *)start, end - start)) {
		z->knobs = &h->knobs;
		z->mem = mem;
		mem = zone_end(z);
		qn_assert(mem > start && mem <= end);
		if (end - mem < ZONE_LEAST) {
			z->size = end - z->mem;
			return true;
		}
		z->size = mem - z->mem;
		z->next = (struct qn_zone *)mem;
		z = z->next;
		start = (uintptr_t)(z + 1);
	}
	return false;
}

struct qn_heap *qn_heap_init(void *mem, size_t size)
{
	uintptr_t end = (uintptr_t)mem + size;
	struct qn_heap *h = (void *)round_up((uintptr_t)mem, QN_GRANULE);
	struct qn_table *table = behind(h, sizeof(*h));
	struct qn_table *next = behind(table, qn_table_bytes(QN_HEAP_STEPS));
	void *profile = behind(next, qn_table_bytes(QN_HEAP_STEPS));
	void *start = behind(profile, qn_profile_bytes(QN_HEAP_STEPS));

	if (!mem || end < (uintptr_t)h ||
	    end - (uintptr_t)h < (uintptr_t)start - (uintptr_t)h)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->table = table;
	h->next_table = next;
	h->profile = profile;
	h->knobs = qn_heap_knobs_preset;
	if (!make_zones(h, &h->zone, (uintptr_t)start, (uintptr_t)mem, end))
		return NULL;
	h->nr_regions = 1;
	h->error = "";
	h->mark = QN_HEAP_NO_MARK;
	qn_assert(!qn_heap_live(h));
	return h;
}

static bool overlaps(const struct qn_heap *h, const void *mem, size_t size)
{
	uintptr_t start = (uintptr_t)mem;
	const struct qn_zone *z;

	for (z = &h->zone; z; z = z->next) {
		if (start < z->mem + z->size && z->mem < start + size)
			return true;
	}
	return false;
}

/* Two zones change places, each with what follows it */
static void swap_zones(struct qn_zone *a, struct qn_zone *b)
{
	unsigned char *x = (unsigned char *)a, *y = (unsigned char *)b, byte;

	qn_assert(a != b);
	for (size_t i = 0; i < sizeof(*a); i++) {
		byte = x[i];
		x[i] = y[i];
		y[i] = byte;
	}
	qn_bins_moved(&a->bins);
	qn_bins_moved(&b->bins);
}

/* An empty zone becomes the first, and what was the first takes its place */
static void change_first(struct qn_heap *h, struct qn_zone *z)
{
	size_t live = qn_heap_live(h);
	size_t used = qn_heap_zone_live(h, &h->zone);

	swap_zones(&h->zone, z);
	h->zone.limit = h->zone.credit + (ptrdiff_t)(h->top - live);
	z->limit = z->credit - (ptrdiff_t)used;
}

static struct qn_zone *last_of(struct qn_zone *z)
{
	while (z->next)
		z = z->next;
	return z;
}

/*
 * @z and those behind it, in this order. What is to be first is; of the rest, memory that
 * only some requests can use comes before the others, each in order
 */
static void link_zones(struct qn_heap *h, struct qn_zone *z)
{
	struct qn_zone *at = &h->zone;

	qn_assert(z != at && h->nr_regions <= QN_NR_ZONES);
	if (z->flags & QN_ZONE_FIRST ||
	    (z->flags & QN_ZONE_NODMA && !(at->flags & QN_ZONE_NODMA))) {
		change_first(h, z);
		last_of(at)->next = z;
		return;
	}
	while (at->next &&
	       (!(z->flags & QN_ZONE_NODMA) || at->next->flags & QN_ZONE_NODMA))
		at = at->next;
	last_of(z)->next = at->next;
	at->next = z;
}

static int add_zones(struct qn_heap *h, void *mem, size_t size,
		     unsigned int flags)
{
	struct qn_zone *z = (void *)round_up((uintptr_t)mem, QN_GRANULE), *part;
	uintptr_t end = (uintptr_t)mem + size;

	if (end < (uintptr_t)z || overlaps(h, mem, size))
		return -EINVAL;
	if (h->nr_regions == QN_NR_ZONES)
		return -EMFILE;
	if (end - (uintptr_t)z < sizeof(*z) ||
	    !make_zones(h, z, (uintptr_t)(z + 1), (uintptr_t)mem, end))
		return -ENOSPC;
	h->nr_regions++;
	qn_heap_zones_set_knobs(z, &h->knobs);
	for (part = z; part; part = part->next)
		part->flags = (u8)flags;
	link_zones(h, z);
	if (h->pressure)
		qn_heap_zones_press(h);
	return 0;
}

int qn_heap_add_zone(struct qn_heap *h, void *mem, size_t size, unsigned flags)
{
	int err;

	if (!h || !mem ||
	    flags & ~(QN_ZONE_NODMA | QN_ZONE_FIRST | QN_ZONE_ATTRIBUTES))
		return -EINVAL;
	qn_heap_lock(h);
	err = add_zones(h, mem, size, flags);
	qn_heap_unlock(h);
	return err;
}

void qn_heap_set_hook(struct qn_heap *h, bool (*hook)(void *arg, size_t size),
		      void *arg)
{
	qn_heap_lock(h);
	h->hook = hook;
	h->hook_arg = arg;
	qn_heap_unlock(h);
}
