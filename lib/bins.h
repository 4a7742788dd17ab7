/* SPDX-License-Identifier: MIT */
/*
 * bins.h - free runs by size, and the one rule by which a run is chosen.
 *
 * Serves two owners: zone.c, which keeps the node inside the free memory, and
 * the segments of Linux, which keep it in a descriptor since free memory may have
 * been purged there. A size is counted in the owner's granules; a node must lie
 * at a higher address than another exactly if its run does.
 *
 * Sizes below QN_BINS_EXACT have a bin each, larger ones share four bins an
 * octave; the last bin takes what is larger still. A mask tells which bins hold
 * something, bin 0 in its top bit, so that "the first at or above" is one count
 * of leading zeroes.
 *
 * Placement: a run of exactly the size; else, of the first runs of the first
 * three bins that fit, the one at the lowest address. An added run goes in front
 * if it lies below the bin's first, else second, which keeps the lists nearly in
 * address order for a constant price. Low addresses fill up and the top of the
 * memory stays whole: that decides about fragmentation more than the fit does.
 * Best fit, worst fit, allocating from both ends and a designated victim were
 * tried and lose.
 *
 * Time: qn_bins_add() and qn_bins_del() have no loop. qn_bins_find() looks at
 * three heads; only if nothing larger exists does it search the one bin whose
 * runs may or may not be large enough, QN_BINS_TRIES runs of it at most. So a
 * request can be refused while a run longer by less than a quarter than it, and
 * than nothing else, hides behind as many shorter ones of its bin.
 */
#ifndef QN_BINS_H
#define QN_BINS_H

#include "bits.h"
#include "compiler.h"
#include "knobs.h"

#define QN_BINS_EXACT 24
#define QN_BINS_WORD  (8 * sizeof(unsigned long))
#define QN_BINS_WORDS (QN_NR_BINS / QN_BINS_WORD)
#define QN_BINS_TRIES 8
_Static_assert(QN_NR_BINS % QN_BINS_WORD == 0, "QN_NR_BINS: whole words");

/**
 * struct qn_run - a free run's node
 * @next:	the next of its bin, or NULL
 * @pprev:	what points here: the bin's head or the next of another node
 * @size:	granules
 */
struct qn_run {
	struct qn_run *next;
	struct qn_run **pprev;
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

/* The bin of a size; 0 is never used */
static __always_inline unsigned int qn_bin_of(size_t size)
{
	unsigned int octave;
	size_t bin;

	if (size < QN_BINS_EXACT)
		return (unsigned int)size;
	octave = qn_ilog2(size);
	bin = 4 * octave + (size >> (octave - 2)) + 2;
	return (unsigned int)min(bin, (size_t)QN_NR_BINS - 1);
}

static __always_inline unsigned long qn_bin_bit(unsigned int bin)
{
	return (~0ul ^ (~0ul >> 1)) >> bin % QN_BINS_WORD;
}

static inline void qn_bins_init(struct qn_bins *b)
{
	for (unsigned int i = 0; i < QN_BINS_WORDS; i++)
		b->mask[i] = 0;
	for (unsigned int i = 0; i < QN_NR_BINS; i++)
		b->head[i] = NULL;
}

/**
 * qn_bins_add() - a run is free
 * @b:		the bins
 * @run:	its node, size set
 */
static inline void qn_bins_add(struct qn_bins *b, struct qn_run *run)
{
	unsigned int bin = qn_bin_of(run->size);
	struct qn_run **link = &b->head[bin];
	struct qn_run *next = *link;

	if (!next) {
		b->mask[bin / QN_BINS_WORD] |= qn_bin_bit(bin);
	} else {
		if (next < run) {
			link = &next->next;
			next = *link;
		}
		if (next)
			next->pprev = &run->next;
	}
	run->next = next;
	run->pprev = link;
	*link = run;
}

/**
 * qn_bins_del() - a run is no longer free
 * @b:		the bins
 * @run:	a node that was added
 */
static inline void qn_bins_del(struct qn_bins *b, struct qn_run *run)
{
	struct qn_run *next = run->next;
	struct qn_run **link = run->pprev;
	size_t bin;

	*link = next;
	if (next) {
		next->pprev = link;
		return;
	}
	/* The last of its list; the list is empty if a head points here */
	bin = ((uintptr_t)link - (uintptr_t)b->head) / sizeof(*link);
	if (bin < QN_NR_BINS)
		b->mask[bin / QN_BINS_WORD] &= ~qn_bin_bit((unsigned int)bin);
}

/* @to takes the place of @run, whose bin its size falls into as well */
static inline void qn_bins_replace(struct qn_run *run, struct qn_run *to)
{
	struct qn_run *next = run->next;
	struct qn_run **link = run->pprev;

	to->next = next;
	to->pprev = link;
	*link = to;
	if (next)
		next->pprev = &to->next;
}

/* Of the first runs of up to @n bins at or above @bin, the lowest */
static inline struct qn_run *qn_bins_lowest(const struct qn_bins *b,
					    unsigned int bin, unsigned int n,
					    struct qn_run *best)
{
	unsigned int w = bin / QN_BINS_WORD;
	unsigned long mask = b->mask[w] & (~0ul >> bin % QN_BINS_WORD);

	for (;;) {
		for (; mask && n > 0; n--) {
			unsigned int i = (unsigned int)__builtin_clzl(mask);
			struct qn_run *run = b->head[w * QN_BINS_WORD + i];

			if (!best || run < best)
				best = run;
			mask &= ~qn_bin_bit(i);
		}
		if (n == 0 || ++w == QN_BINS_WORDS)
			return best;
		mask = b->mask[w];
	}
}

/* Search one bin whose runs may be too small; bounded */
static inline struct qn_run *qn_bins_try(struct qn_run *run, size_t size)
{
	for (unsigned int n = QN_BINS_TRIES; run && n > 0; n--) {
		if (run->size >= size)
			return run;
		run = run->next;
	}
	return NULL;
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
	unsigned int bin = qn_bin_of(size);
	struct qn_run *first = b->head[bin];
	struct qn_run *run;
	unsigned int n = 3;

	if (first && size < QN_BINS_EXACT)
		return first;
	run = first && first->size >= size ? first : NULL;
	if (run)
		n--;
	if (bin + 1 < QN_NR_BINS)
		run = qn_bins_lowest(b, bin + 1, n, run);
	return run ? run : qn_bins_try(first, size);
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
 * qn_bins_largest() - a longest run
 * @b:		the bins
 *
 * Looks through the last bin in use, so its time grows with what is there: for
 * statistics, not for allocation.
 *
 * Return: the run, or NULL if there is none.
 */
static inline struct qn_run *qn_bins_largest(const struct qn_bins *b)
{
	unsigned int bin = QN_NR_BINS;
	struct qn_run *best, *run;

	while (bin > 0 && !b->head[bin - 1])
		bin--;
	best = run = bin > 0 ? b->head[bin - 1] : NULL;
	for (; run; run = run->next)
		if (run->size > best->size)
			best = run;
	return best;
}

#endif /* QN_BINS_H */
