// SPDX-License-Identifier: MIT
/*
 * zone.c - blocks and free runs of one piece of memory; zone.h tells the code in
 * which the bits are written and why.
 *
 * Nothing here has a loop, but for the bounded search of the bins, qn_zone_init()
 * and qn_zone_check().
 */
#include <string.h>

#include "zone.h"

/* Holding needs a free run of this part of the zone */
#define QN_ROOMY_PART 4
/* Blocks of a list of held ones looked through before a second free is denied */
#define QN_HELD_TRIES 64

/* ---- the bits ---- */

/* From the marker of a long block on: bit @g % 8 is that of granule @g */
static struct qn_word *tail_word(const struct qn_zone *z, size_t g)
{
	return (struct qn_word *)(void *)(z->bits + (g + 2) / 8);
}

static unsigned int tail_shift(size_t g)
{
	return (unsigned int)((g + 2) % 8);
}

static bool bit_at(const struct qn_zone *z, size_t g)
{
	return z->bits[(g + 2) / 8] >> (g + 2) % 8 & 1;
}

static void set_bit(struct qn_zone *z, size_t g)
{
	z->bits[(g + 2) / 8] |= (u8)(1u << (g + 2) % 8);
}

static void clear_bit(struct qn_zone *z, size_t g)
{
	z->bits[(g + 2) / 8] &= (u8) ~(1u << (g + 2) % 8);
}

/* Does a block begin here, if it does not begin behind a block */
static bool is_behind_free(const struct qn_zone *z, size_t g, u32 window)
{
	return (window & 7) == QN_WINDOW_BEHIND_FREE && bit_at(z, g - 3);
}

static noinline size_t long_block(const struct qn_zone *z, size_t g)
{
	size_t tail = g + QN_ZONE_SHORT;
	unsigned long w = tail_word(z, tail)->v >> tail_shift(tail);
	size_t k;

	if (w & 1)
		k = w >> 1 & qn_low_mask(QN_ZONE_FIELD);
	else
		k = QN_ZONE_SHORT + 1 + qn_ctz(w);
	return k <= z->nr - g ? k : 0;
}

size_t qn_zone_block(const struct qn_zone *z, size_t g)
{
	u32 window, body;

	if (g >= z->nr)
		return 0;
	window = qn_zone_window(z, g);
	if ((window & 7) != QN_WINDOW_BEHIND_USED &&
	    !is_behind_free(z, g, window))
		return 0;
	body = window >> 3 & (u32)qn_low_mask(QN_ZONE_SHORT - 1);
	return body ? qn_ctz(body) + 2 : long_block(z, g);
}

/* The bits of a long block that differ from those of a free run */
static noinline void mark_long(struct qn_zone *z, size_t g, size_t k)
{
	size_t tail = g + QN_ZONE_SHORT, end = g + k;
	unsigned int shift = tail_shift(tail);
	unsigned long head = qn_low_mask(QN_ZONE_SHORT);
	unsigned long ones = qn_low_mask(QN_ZONE_FIELD) << 1;
	struct qn_word *w = tail_word(z, tail);

	qn_zone_word(z, g)->v &= ~(u32)(head << (g % 8 + 2));
	if (k < QN_ZONE_LONG) {
		ones = qn_low_mask((unsigned int)(k - QN_ZONE_GAP));
		w->v &= ~(ones << shift);
	} else {
		w->v = (w->v & ~(ones << shift)) | k << (shift + 1);
		clear_bit(z, end - 2);
	}
	set_bit(z, end - 1);
}

static noinline void unmark_long(struct qn_zone *z, size_t g, size_t k)
{
	size_t tail = g + QN_ZONE_SHORT, end = g + k;
	unsigned int shift = tail_shift(tail);
	struct qn_word *w = tail_word(z, tail);

	qn_zone_word(z, g)->v |= (u32)qn_low_mask(QN_ZONE_SHORT) << (g % 8 + 2);
	if (k < QN_ZONE_LONG) {
		w->v -= 1ul << shift;
	} else {
		w->v |= qn_low_mask(QN_ZONE_FIELD) << (shift + 1);
		set_bit(z, end - 2);
		clear_bit(z, end - 1);
	}
}

/* From the bits of the first @k granules of a free run to those of a block */
static void mark_used(struct qn_zone *z, size_t g, size_t k)
{
	struct qn_word32 *w = qn_zone_word(z, g);
	unsigned int shift = g % 8 + 2;
	u32 last;

	if (unlikely(k > QN_ZONE_SHORT)) {
		mark_long(z, g, k);
		return;
	}
	last = 1u << (k - 1);
	w->v = (w->v & ~((last - 1) << shift)) | last << shift;
}

/* From the bits of a block to those of a free run */
static void mark_free(struct qn_zone *z, size_t g, size_t k)
{
	if (unlikely(k > QN_ZONE_SHORT))
		unmark_long(z, g, k);
	else
		qn_zone_word(z, g)->v -= 4u << g % 8;
}

/* ---- the runs ---- */

static struct qn_run *run_at(const struct qn_zone *z, size_t g)
{
	return qn_zone_at(z, g);
}

static size_t granule_of(const struct qn_zone *z, const struct qn_run *run)
{
	return ((uintptr_t)run - z->base) / QN_GRANULE;
}

/* The word that holds the length of the free run that ends at @end */
static size_t *last_word(void *end)
{
	return (size_t *)end - 1;
}

static void set_size(struct qn_run *run, size_t size)
{
	run->size = size;
	*last_word((char *)run + size * QN_GRANULE) = size;
}

static void add_run(struct qn_zone *z, struct qn_run *run, size_t size)
{
	set_size(run, size);
	qn_bins_add(&z->bins, run);
}

/* Cut a block of @k granules off the low end of a free run */
static struct qn_run *carve(struct qn_zone *z, struct qn_run *run, size_t k)
{
	size_t g = granule_of(z, run);
	size_t rest = run->size - k;
	struct qn_run *tail = run_at(z, g + k);

	qn_assert(run->size >= k);
	if (rest < QN_ZONE_MIN) {
		k += rest;
		qn_bins_del(&z->bins, run);
	} else if (qn_bin_of(rest) == qn_bin_of(run->size)) {
		qn_bins_replace(run, tail);
		set_size(tail, rest);
	} else {
		qn_bins_del(&z->bins, run);
		add_run(z, tail, rest);
	}
	mark_used(z, g, k);
	run->size = k;
	return run;
}

/*
 * A run of QN_ZONE_GAP granules is no use for a block one shorter: the granule
 * left over cannot stand alone, nor belong to the block
 */
static struct qn_run *find(const struct qn_zone *z, size_t k)
{
	if (k == QN_ZONE_GAP - 1 && !z->bins.head[k])
		k = QN_ZONE_GAP + 1;
	return qn_bins_find(&z->bins, k);
}

/* Hold blocks only while that costs no memory anybody else could want */
static void update_hold(struct qn_zone *z)
{
	u32 hold = qn_bins_has(&z->bins, z->roomy) ? z->hot : 0;

	if (z->hold && !hold)
		z->undrained = QN_HELD_SIZES;
	z->hold = hold;
}

struct qn_run *qn_zone_alloc(struct qn_zone *z, size_t k)
{
	struct qn_run *run = find(z, k);

	if (!run)
		return NULL;
	run = carve(z, run, k);
	update_hold(z);
	return run;
}

/* Granules between @run and the first block at @align; none or enough for a run */
static size_t lead(const struct qn_run *run, size_t align)
{
	size_t bytes = -(uintptr_t)run & (align - 1);

	if (bytes == QN_GRANULE)
		bytes += align;
	return bytes / QN_GRANULE;
}

/* Let the first @skip granules of a free run be a run of their own */
static struct qn_run *split(struct qn_zone *z, struct qn_run *run, size_t skip)
{
	size_t g = granule_of(z, run) + skip;
	size_t rest = run->size - skip;

	qn_bins_del(&z->bins, run);
	add_run(z, run, skip);
	clear_bit(z, g - 1);
	add_run(z, run_at(z, g), rest);
	return run_at(z, g);
}

struct qn_run *qn_zone_alloc_aligned(struct qn_zone *z, size_t k, size_t align)
{
	struct qn_run *run = find(z, k + align / QN_GRANULE + 1);
	size_t skip;

	if (!run)
		return NULL;
	skip = lead(run, align);
	run = carve(z, skip ? split(z, run, skip) : run, k);
	update_hold(z);
	return run;
}

/* Take the free run out that begins at @g, if one does; its granules */
static size_t absorb_next(struct qn_zone *z, size_t g)
{
	struct qn_run *run = run_at(z, g);

	if (!bit_at(z, g))
		return 0;
	set_bit(z, g - 1);
	qn_bins_del(&z->bins, run);
	return run->size;
}

size_t qn_zone_before(const struct qn_zone *z, size_t g)
{
	return bit_at(z, g - 1) ? 0 : *last_word(run_at(z, g));
}

/* The same for the one that ends at @g */
static size_t absorb_prev(struct qn_zone *z, size_t g)
{
	size_t size = qn_zone_before(z, g);

	if (size) {
		set_bit(z, g - 1);
		qn_bins_del(&z->bins, run_at(z, g - size));
	}
	return size;
}

void qn_zone_free(struct qn_zone *z, size_t g, size_t k)
{
	size_t before;

	mark_free(z, g, k);
	k += absorb_next(z, g + k);
	before = absorb_prev(z, g);
	add_run(z, run_at(z, g - before), k + before);
	update_hold(z);
}

/* ---- blocks held ---- */

bool qn_zone_is_held(const struct qn_zone *z, const struct qn_held *held,
		     unsigned int n)
{
	const struct qn_held *h = z->held[n];

	for (unsigned int i = 0; h && i < QN_HELD_TRIES; i++) {
		if (h == held)
			return true;
		h = h->next;
	}
	return false;
}

bool qn_zone_drain(struct qn_zone *z, unsigned int tries)
{
	for (; tries > 0; tries--) {
		unsigned int n = z->drain;
		void *block = qn_zone_unhold(z, n);

		if (block) {
			qn_zone_free(z, granule_of(z, block), n + QN_ZONE_MIN);
			return true;
		}
		z->drain = (u8)(n + 1 < QN_HELD_SIZES ? n + 1 : 0);
		if (z->undrained)
			z->undrained--;
	}
	return false;
}

size_t qn_zone_nr_held(const struct qn_zone *z)
{
	const struct qn_held *held;
	size_t sum = 0;

	for (unsigned int n = 0; n < QN_HELD_SIZES; n++)
		for (held = z->held[n]; held; held = held->next)
			sum += n + QN_ZONE_MIN;
	return sum;
}

void qn_zone_set_hot(struct qn_zone *z, u32 hot)
{
	z->hot = hot & ~(~0u >> QN_HELD_SIZES);
	update_hold(z);
}

/* ---- blocks resized ---- */

static size_t after(const struct qn_zone *z, size_t end)
{
	return bit_at(z, end) ? run_at(z, end)->size : 0;
}

/* The length of a block for @want in @avail granules, or 0 */
static size_t settle(size_t avail, size_t want)
{
	if (want > avail)
		return 0;
	if (avail - want >= QN_ZONE_MIN)
		return want;
	return avail == QN_ZONE_GAP ? 0 : avail;
}

/* A block of @k granules where free bits are, and a free run behind it */
static void cut(struct qn_zone *z, size_t g, size_t avail, size_t k)
{
	if (k < avail)
		add_run(z, run_at(z, g + k), avail - k);
	mark_used(z, g, k);
}

size_t qn_zone_resize(struct qn_zone *z, size_t g, size_t k, size_t want)
{
	size_t avail = k + after(z, g + k);
	size_t size = settle(avail, want);

	if (!size || size == k)
		return size;
	mark_free(z, g, k);
	absorb_next(z, g + k);
	cut(z, g, avail, size);
	return size;
}

void *qn_zone_slide(struct qn_zone *z, size_t g, size_t k, size_t *want)
{
	size_t before = qn_zone_before(z, g);
	size_t avail = before + k + after(z, g + k);
	size_t size = settle(avail, *want);
	void *to = run_at(z, g - before);

	if (!before || !size)
		return NULL;
	mark_free(z, g, k);
	absorb_next(z, g + k);
	absorb_prev(z, g);
	memmove(to, run_at(z, g), k * QN_GRANULE);
	cut(z, g - before, avail, size);
	*want = size;
	return to;
}

/* ---- the whole ---- */

/* Bytes of bits for @nr granules: with the two before, and what a word reads over */
static size_t bits_size(size_t nr)
{
	return round_up((nr + 2) / 8 + 1 + sizeof(struct qn_word), QN_GRANULE);
}

bool qn_zone_init(struct qn_zone *z, void *mem, size_t size)
{
	uintptr_t start = round_up((uintptr_t)mem, QN_GRANULE);
	uintptr_t end = round_down((uintptr_t)mem + size, QN_GRANULE);
	size_t nr, bits;

	if (end <= start)
		return false;
	nr = min((end - start) / QN_GRANULE, QN_ZONE_LIMIT);
	bits = bits_size(nr);
	if (end - start < bits + QN_ZONE_MIN * QN_GRANULE)
		return false;
	nr = min((end - start - bits) / QN_GRANULE, QN_ZONE_LIMIT);
	memset(z, 0, sizeof(*z));
	z->bits = (u8 *)start;
	z->base = start + bits;
	z->nr = nr;
	z->roomy = (u8)qn_bin_of(nr / QN_ROOMY_PART);
	memset(z->bits, 0xff, bits);
	z->bits[0] = 0xfe;
	clear_bit(z, nr - 1);
	clear_bit(z, nr);
	add_run(z, run_at(z, 0), nr);
	return true;
}

/* Do granules [@from, @to) all read @value */
static bool is_all(const struct qn_zone *z, size_t from, size_t to, bool value)
{
	for (; from < to; from++)
		if (bit_at(z, from) != value)
			return false;
	return true;
}

static const char *check_block(const struct qn_zone *z, size_t g, size_t k)
{
	if (k < QN_ZONE_MIN || k == QN_ZONE_GAP)
		return "no block begins where one should";
	if (bit_at(z, g + k - 2) || !bit_at(z, g + k - 1))
		return "the end of a block is not marked";
	if (k >= QN_ZONE_LONG &&
	    !is_all(z, g + QN_ZONE_LONG - 2, g + k - 2, true))
		return "the inside of a long block is not marked";
	return NULL;
}

static const char *check_run(const struct qn_zone *z, size_t g)
{
	const struct qn_run *run = run_at(z, g);
	size_t size = run->size;

	if (size < QN_ZONE_MIN || size > z->nr - g)
		return "a free run has an impossible size";
	if (*last_word(run_at(z, g + size)) != size)
		return "the two ends of a free run differ";
	if (!is_all(z, g, g + size - 1, true) || bit_at(z, g + size - 1))
		return "the inside of a free run is not marked";
	if (!bit_at(z, g - 1) || bit_at(z, g + size))
		return "two free runs touch";
	if (*run->pprev != run || (run->next && run->next->pprev != &run->next))
		return "a free run is not in its list";
	return NULL;
}

/* Every run in a bin is of this zone, of this bin; @free is what they sum to */
static const char *check_bins(const struct qn_zone *z, size_t free)
{
	size_t sum = 0;

	for (unsigned int bin = 0; bin < QN_NR_BINS; bin++) {
		const struct qn_run *run = z->bins.head[bin];
		unsigned long mask = z->bins.mask[bin / QN_BINS_WORD];

		if (!run != !(mask & qn_bin_bit(bin)))
			return "the mask of the bins is wrong";
		for (; run; run = run->next) {
			if (qn_zone_granule(z, run) >= z->nr)
				return "a bin leads out of the zone";
			sum += run->size;
			if (qn_bin_of(run->size) != bin || sum > free)
				return "a free run is in the wrong bin";
		}
	}
	return sum == free ? NULL : "a free run is in no bin";
}

static const char *check_held(const struct qn_zone *z, unsigned int n,
			      struct qn_zone_sums *sums)
{
	const struct qn_held *held = z->held[n];

	for (; held; held = held->next) {
		size_t g = qn_zone_granule(z, held);

		if (qn_zone_block(z, g) != n + QN_ZONE_MIN)
			return "a held block is no block of its length";
		if (!qn_zone_is_suspect(held))
			return "a held block has lost its tag";
		sums->held += n + QN_ZONE_MIN;
		sums->nr_held++;
		if (sums->held > sums->used)
			return "held blocks go round in a circle";
	}
	return NULL;
}

static const char *check_all_held(const struct qn_zone *z,
				  struct qn_zone_sums *sums)
{
	const char *error = NULL;

	for (unsigned int n = 0; n < QN_HELD_SIZES && !error; n++)
		error = check_held(z, n, sums);
	return error;
}

const char *qn_zone_check(const struct qn_zone *z, struct qn_zone_sums *sums)
{
	const char *error;
	size_t g = 0, k;

	memset(sums, 0, sizeof(*sums));
	if ((z->bits[0] & 3) != 2 || bit_at(z, z->nr))
		return "the borders of a zone are not marked";
	while (g < z->nr) {
		if (bit_at(z, g)) {
			error = check_run(z, g);
			k = run_at(z, g)->size;
			sums->free += k;
		} else {
			k = qn_zone_block(z, g);
			error = check_block(z, g, k);
			sums->used += k;
			sums->nr_used++;
		}
		if (error)
			return error;
		g += k;
	}
	error = check_bins(z, sums->free);
	return error ? error : check_all_held(z, sums);
}
