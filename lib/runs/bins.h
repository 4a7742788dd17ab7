/* SPDX-License-Identifier: MIT */
/*
 * bins.h - free runs by size, and the one rule by which a run is chosen.
 *
 * Serves three owners. Zones (zone.h) and chunks of medium blocks (medium.h) keep the
 * node inside the free memory; the segments of Linux keep it in a descriptor, since free
 * memory may have been purged there. A size is counted in the owner's granules; a node
 * must lie at a higher address than another exactly if its run does.
 *
 * Sizes below QN_BINS_EXACT have a bin each, larger ones share four bins an
 * octave; the last bin takes what is larger still. A mask tells which bins hold
 * something, bin 0 in its top bit, so that "the first at or above" is one count
 * of leading zeroes.
 *
 * Placement: a run of exactly the size; if the size shares its bin, one that is
 * large enough of the first QN_BINS_TRIES there; else, of the first runs of the
 * next three bins (within one word of the mask), the one at the lowest address.
 * A run is added in front if it lies below its bin's first, else second, which
 * keeps the lists nearly in address order at a constant price. Low addresses
 * fill up and the top of the memory stays whole: that decides about
 * fragmentation more than the fit does. On traces of firmware each step away
 * from it costs memory: two candidates instead of three, one, adding always in
 * front; all candidates and lists in exact address order, which nobody can
 * afford, gain less than any of these lose. A size that shares its bin is
 * better served by a longer search there than by the lowest of three at once.
 * Best fit, worst fit, allocating from both ends and a designated victim lose
 * as well.
 *
 * Time: nothing here has a loop but the search of a shared bin. So a run less
 * than a quarter longer than a request, and than everything else that is free, can
 * hide behind QN_BINS_TRIES shorter ones of its bin. A heap brings it forward before
 * it refuses the request (qn_zone_unhide()).
 */
#ifndef QN_BINS_H
#define QN_BINS_H

#include "base/bits.h"
#include "base/compiler.h"
#include "base/config.h"

#define QN_BINS_EXACT 24
#define QN_BINS_WORD  ((unsigned int)(8 * sizeof(unsigned long)))
#define QN_BINS_WORDS (QN_NR_BINS / QN_BINS_WORD)
#define QN_BINS_TRIES 4
_Static_assert(QN_NR_BINS % QN_BINS_WORD == 0, "QN_NR_BINS: whole words");
_Static_assert(QN_BINS_EXACT < QN_BINS_WORD, "exact bins: in the first word");

/**
 * struct qn_run - a free run's node
 * @next:	the next of its bin, or NULL
 * @prev:	what points to this one: the bin's head or the @next of another
 * @size:	granules
 */
struct qn_run {
	struct qn_run *next;
	struct qn_run **prev;
	size_t size;
};

/**
 * struct qn_bins - free runs by size
 * @mask:	bin b in bit (top - b % word) of word b / word
 * @head:	first of each bin
 *
 * Invariant: a bin's bit is set exactly if its head is not NULL; every run of
 * bin b has qn_bin_of(size) == b.
 */
struct qn_bins {
	unsigned long mask[QN_BINS_WORDS];
	struct qn_run *head[QN_NR_BINS];
};

/**
 * struct qn_choice - a run that was found
 * @run:	NULL if there is none
 * @bin:	where it is
 */
struct qn_choice {
	struct qn_run *run;
	unsigned int bin;
};

/* The bin of a size of at least QN_BINS_EXACT */
static __hot_inline unsigned int qn_bin_of_large(size_t size)
{
	unsigned int zeroes = (unsigned int)__builtin_clzl(size);
	size_t bin = size >> (QN_BINS_WORD - 3 - zeroes);

	/* Four times the octave, its quarter, which is 4 to 7, and 2 */
	bin += 4 * (QN_BINS_WORD - 1) + 2 - 4 * zeroes;
	return (unsigned int)min(bin, (size_t)QN_NR_BINS - 1);
}

/* The bin of a size; 0 is never used */
static __hot_inline unsigned int qn_bin_of(size_t size)
{
	return size < QN_BINS_EXACT ? (unsigned int)size :
				      qn_bin_of_large(size);
}

static __always_inline unsigned long qn_bin_bit(unsigned int bin)
{
	return (~0ul ^ (~0ul >> 1)) >> bin % QN_BINS_WORD;
}

/* Do runs of two sizes share a bin, by more than their size */
static __always_inline bool qn_bins_share(size_t a, size_t b)
{
	unsigned int zeroes = (unsigned int)__builtin_clzl(a);

	return a >= QN_BINS_EXACT && !((a ^ b) >> (QN_BINS_WORD - 3 - zeroes));
}

/* Tell the compiler that a bin is in the first word of the mask */
static __always_inline void qn_bins_assume_exact(unsigned int bin)
{
	if (bin >= QN_BINS_EXACT)
		__builtin_unreachable();
}

static __hot_inline void qn_bins_mark(struct qn_bins *b, unsigned int bin)
{
	b->mask[bin / QN_BINS_WORD] |= qn_bin_bit(bin);
}

static __hot_inline void qn_bins_unmark(struct qn_bins *b, unsigned int bin)
{
	b->mask[bin / QN_BINS_WORD] &= ~qn_bin_bit(bin);
}

static inline void qn_bins_init(struct qn_bins *b)
{
	for (unsigned int i = 0; i < QN_BINS_WORDS; i++)
		b->mask[i] = 0;
	for (unsigned int i = 0; i < QN_NR_BINS; i++)
		b->head[i] = NULL;
}

/* The bins lie elsewhere now: tell the first runs */
static inline void qn_bins_moved(struct qn_bins *b)
{
	for (unsigned int i = 0; i < QN_NR_BINS; i++)
		if (b->head[i])
			b->head[i]->prev = &b->head[i];
}

/* Put a run into its bin, which is known */
static __always_inline void qn_bins_insert(struct qn_bins *b, unsigned int bin,
					   struct qn_run *run)
{
	struct qn_run **at = &b->head[bin], *first, *next;

	qn_keep(at);
	first = *at;
	if (!first)
		qn_bins_mark(b, bin);
	else if (run > first)
		at = &first->next;
	next = *at;
	run->next = next;
	run->prev = at;
	*at = run;
	if (next)
		next->prev = &run->next;
}

/**
 * qn_bins_add() - a run is free
 * @b:		the bins
 * @run:	its node, size set
 */
static inline void qn_bins_add(struct qn_bins *b, struct qn_run *run)
{
	qn_bins_insert(b, qn_bin_of(run->size), run);
}

/* Take the first run out of a bin, which is known */
static __hot_inline void qn_bins_pop(struct qn_bins *b, unsigned int bin,
				     struct qn_run *first)
{
	struct qn_run *next = first->next;

	b->head[bin] = next;
	if (next)
		next->prev = &b->head[bin];
	else
		qn_bins_unmark(b, bin);
}

/**
 * qn_bins_del() - a run is no longer free
 * @b:		the bins
 * @run:	a node that was added
 *
 * Does not look at its size: the bin of the last one is found by where @prev
 * points.
 */
static __hot_inline void qn_bins_del(struct qn_bins *b, struct qn_run *run)
{
	struct qn_run *next = run->next, **prev = run->prev;
	uintptr_t offset;

	*prev = next;
	if (next) {
		next->prev = prev;
		return;
	}
	offset = (uintptr_t)prev - (uintptr_t)b->head;
	if (offset < sizeof(b->head))
		qn_bins_unmark(b, (unsigned int)(offset / sizeof(*b->head)));
}

/* Take a run out of a bin, which is known */
static __hot_inline void qn_bins_del_from(struct qn_bins *b, unsigned int bin,
					  struct qn_run *run)
{
	struct qn_run *next = run->next, **prev = run->prev;

	*prev = next;
	if (next)
		next->prev = prev;
	else if (!b->head[bin])
		qn_bins_unmark(b, bin);
}

/* A run of the same bin takes a run's place */
static __hot_inline void qn_bins_replace(struct qn_run *run, struct qn_run *by)
{
	struct qn_run *next = run->next, **prev = run->prev;

	by->next = next;
	by->prev = prev;
	*prev = by;
	if (next)
		next->prev = &by->next;
}

/* Of two runs the lower one, the second being the first of bin @bin */
static __always_inline struct qn_choice
qn_bins_lower(struct qn_choice best, struct qn_run *run, unsigned int bin)
{
	if (run < best.run) {
		best.run = run;
		best.bin = bin;
	}
	return best;
}

/*
 * Of the first runs of the first three bins in @mask, a word whose bins begin at
 * @head, the lowest; bins are counted from there
 */
static __hot_inline struct qn_choice qn_bins_three(struct qn_run *const *head,
						   unsigned long mask)
{
	unsigned int bin = (unsigned int)__builtin_clzl(mask);
	struct qn_choice best = { head[bin], bin };
	unsigned long top = qn_bin_bit(0);

	qn_keep(top);
	mask &= ~(top >> bin);
	if (!mask)
		return best;
	bin = (unsigned int)__builtin_clzl(mask);
	best = qn_bins_lower(best, head[bin], bin);
	mask &= ~(top >> bin);
	if (!mask)
		return best;
	bin = (unsigned int)__builtin_clzl(mask);
	return qn_bins_lower(best, head[bin], bin);
}

/* Of the first word of the mask, the bins from @bin on */
static __always_inline unsigned long qn_bins_from(const struct qn_bins *b,
						  unsigned int bin)
{
	return b->mask[0] & (~0ul >> bin);
}

/* Is there a run in the bins of @mask, of the first word, or in later words */
static __always_inline bool qn_bins_are_any(const struct qn_bins *b,
					    unsigned long mask)
{
	for (unsigned int w = 1; w < QN_BINS_WORDS; w++)
		mask |= b->mask[w];
	return mask != 0;
}

/*
 * The lowest of the first runs of the first three bins in @mask, which is of
 * word @w, or in later words
 */
static __always_inline struct qn_choice
qn_bins_choose(const struct qn_bins *b, unsigned int w, unsigned long mask)
{
	struct qn_choice best;

	while (unlikely(!mask)) {
		if (++w == QN_BINS_WORDS)
			return (struct qn_choice){ NULL, QN_NR_BINS };
		mask = b->mask[w];
	}
	w *= QN_BINS_WORD;
	best = qn_bins_three(b->head + w, mask);
	best.bin += w;
	return best;
}

/* Its bin of those from @bin on; QN_NR_BINS if there is none */
static __hot_inline unsigned int qn_bins_lowest_of(const struct qn_bins *b,
						   unsigned int bin)
{
	unsigned int w = bin / QN_BINS_WORD;

	return qn_bins_choose(b, w, b->mask[w] & (~0ul >> bin % QN_BINS_WORD))
		.bin;
}

/* The lowest of the first three at or above @bin, all of which fit */
static __always_inline struct qn_choice qn_bins_lowest(const struct qn_bins *b,
						       unsigned int bin)
{
	unsigned int w = bin / QN_BINS_WORD;
	unsigned long mask = b->mask[w] & (~0ul >> bin % QN_BINS_WORD);

	if (!QN_FOR_SIZE)
		return qn_bins_choose(b, w, mask);
	bin = qn_bins_lowest_of(b, bin);
	return (struct qn_choice){ bin < QN_NR_BINS ? b->head[bin] : NULL,
				   bin };
}

/* Choose for a size of at least QN_BINS_EXACT */
static __always_inline struct qn_choice
qn_bins_find_large(const struct qn_bins *b, size_t size)
{
	unsigned int bin = qn_bin_of_large(size);
	struct qn_run *run = b->head[bin];

	for (unsigned int n = QN_BINS_TRIES; run && n > 0; n--) {
		if (run->size >= size)
			return (struct qn_choice){ run, bin };
		run = run->next;
	}
	if (unlikely(bin + 1 == QN_NR_BINS))
		return (struct qn_choice){ NULL, bin };
	return qn_bins_lowest(b, bin + 1);
}

/**
 * qn_bins_find() - choose a run
 * @b:		the bins
 * @size:	granules needed, at least 1
 *
 * Return: a run of at least @size, still in its bin, or NULL.
 */
static inline struct qn_run *qn_bins_find(const struct qn_bins *b, size_t size)
{
	if (size >= QN_BINS_EXACT)
		return qn_bins_find_large(b, size).run;
	if (b->head[size])
		return b->head[size];
	return qn_bins_lowest(b, (unsigned int)size + 1).run;
}

/* Is there a run in @bin or a later one */
static inline bool qn_bins_has(const struct qn_bins *b, unsigned int bin)
{
	unsigned int w = bin / QN_BINS_WORD;
	unsigned long found = b->mask[w] & (~0ul >> bin % QN_BINS_WORD);

	while (++w < QN_BINS_WORDS)
		found |= b->mask[w];
	return found != 0;
}

/**
 * qn_bins_largest() - size of a longest run
 * @b:		the bins
 *
 * Looks through the last bin in use, so its time grows with what is there: for
 * statistics, not for allocation.
 *
 * Return: granules, 0 if there is no run.
 */
static inline size_t qn_bins_largest(const struct qn_bins *b)
{
	unsigned int bin = QN_NR_BINS;
	size_t size = 0;

	while (bin > 0 && !b->head[bin - 1])
		bin--;
	if (bin == 0 || --bin < QN_BINS_EXACT)
		return bin;
	for (struct qn_run *run = b->head[bin]; run; run = run->next)
		size = max(size, run->size);
	return size;
}

/**
 * qn_bins_largest_found() - size of the longest run that qn_bins_find() finds at once
 * @b:		the bins
 *
 * Bounded time: a look at QN_BINS_TRIES runs of the last bin in use.
 *
 * Return: granules, 0 if there is no run.
 */
static inline size_t qn_bins_largest_found(const struct qn_bins *b)
{
	unsigned int w = QN_BINS_WORDS, n = QN_BINS_TRIES;
	const struct qn_run *run;
	size_t size = 0;

	while (w > 1 && !b->mask[w - 1])
		w--;
	if (!b->mask[w - 1])
		return 0;
	run = b->head[w * QN_BINS_WORD - 1 -
		      (unsigned int)qn_ctz(b->mask[w - 1])];
	for (; run && n > 0; n--, run = run->next)
		size = max(size, run->size);
	return size;
}

/* Of one bin; its granules are added to @sum. A list with a loop is torn where it closes */
static __always_inline const char *qn_bins_check_one(
	const struct qn_bins *b, unsigned int bin, size_t *sum,
	const char *(*look)(const void *owner, const struct qn_run *run),
	const void *owner)
{
	static const char torn[] __rodata_apart = "a list of free runs is torn";
	static const char wrong[] __rodata_apart =
		"a free run is in the wrong bin";
	struct qn_run *const *prev = &b->head[bin], *run = *prev;
	const char *what;

	for (; run; run = run->next) {
		what = look(owner, run);
		if (what)
			return what;
		if (run->prev != prev)
			return torn;
		if (qn_bin_of(run->size) != bin)
			return wrong;
		*sum += run->size;
		prev = &run->next;
	}
	return NULL;
}

/**
 * qn_bins_check() - masks, lists and sizes, as far as bins can tell
 * @b:		the bins
 * @sum:	granules of all runs that are to be there
 * @look:	NULL, or what is wrong with a run; no node is read before
 * @owner:	given to @look
 *
 * Time: a step for each run.
 *
 * Return: NULL, or what was found.
 */
static __always_inline const char *
qn_bins_check(const struct qn_bins *b, size_t sum,
	      const char *(*look)(const void *owner, const struct qn_run *run),
	      const void *owner)
{
	static const char mask_wrong[] __rodata_apart =
		"the mask of the bins is wrong";
	static const char lacks[] __rodata_apart = "a free run is in no bin";
	const char *what;
	size_t found = 0;

	for (unsigned int bin = 0; bin < QN_NR_BINS; bin++) {
		unsigned long mask = b->mask[bin / QN_BINS_WORD];

		if (!b->head[bin] != !(mask & qn_bin_bit(bin)))
			return mask_wrong;
		what = qn_bins_check_one(b, bin, &found, look, owner);
		if (what)
			return what;
	}
	return found == sum ? NULL : lacks;
}

#endif /* QN_BINS_H */
