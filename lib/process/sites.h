/* SPDX-License-Identifier: MIT */
/*
 * sites.h - call sites of sampled requests: from a stack to a number, with sums.
 *
 * Below follow.h, which counts lives at their sites, and what makes up a local, whose
 * sample slow paths alone come here. How a stack is taken is the caller's business: two functions
 * of the preload library. Bounded: QN_SITES_NR sites of QN_SITES_DEPTH frames; what
 * comes when it is full is counted and has no site.
 *
 * Large blocks are no objects of the store of followed ones. Those that are sampled are
 * held in a table by their addresses, which their slow path of free looks into.
 *
 * With QUERN_CONF=sites:1 all samples are followed, those of 1 to 32 KB too, in a larger
 * share of the heap: bytes in use are known of followed objects alone. Samples that find
 * no room are told as bytes that were not followed. Without the setting a sample
 * looks at one pointer (@page), and so does the free of a large block.
 *
 * The sites lie behind the statistics page in its file. The command adds up those of all
 * processes, and looks functions up when they have ended.
 *
 * Code that was registered with the unwinder at run time makes it allocate once. Meanwhile
 * the thread has the empty local: its calls are served from lists that are ready, or
 * refused, which libgcc copes with (tests/process/x-sites.sh).
 */
#ifndef QN_SITES_H
#define QN_SITES_H

#include "base/compiler.h"
#include "port/port.h"
#include "format/sitespage.h"

/* Large blocks that are sampled and in use; more are not counted as live */
#define QN_SITES_HELD 4096u

/**
 * struct qn_sites_ops - how stacks are had
 * @take:	fills in return addresses, the innermost first; takes no lock and does not
 *		allocate. Returns how many.
 * @locate:	the name of the file that an address lies in and where that begins, or NULL
 */
struct qn_sites_ops {
	unsigned int (*take)(uintptr_t *pcs, unsigned int most);
	const char *(*locate)(uintptr_t pc, uintptr_t *base);
};

/**
 * struct qn_sites_held - a large block in use
 * @p:		where it is; 0: the place is free; 1: it was used
 * @bytes:	that it stands for
 * @site:	its number
 */
struct qn_sites_held {
	uintptr_t p;
	u64 bytes;
	u32 site;
	u32 reserved;
};

/**
 * struct qn_sites - of a process
 * @page:	NULL: nothing is kept. Sums lie there.
 * @ops:	see there
 * @held, @nr_held: QN_SITES_HELD places, hashed; how many are not free
 * @lock:	held to add a site or a module, and around @held
 */
struct qn_sites {
	struct qn_sites_page *page;
	const struct qn_sites_ops *ops;
	struct qn_sites_held *held;
	u32 nr_held;
	struct qn_lock lock;
};

/* Bytes of memory for qn_sites_init(): the page, which may be shared, then the rest */
#define QN_SITES_PAGE_BYTES \
	round_up(sizeof(struct qn_sites_page), (size_t)65536)
#define QN_SITES_BYTES \
	(QN_SITES_PAGE_BYTES + QN_SITES_HELD * sizeof(struct qn_sites_held))

/**
 * qn_sites_init() - keep call sites from now on
 * @s:		zeroed
 * @memory:	QN_SITES_BYTES bytes, zeroed
 * @ops:	kept
 */
void qn_sites_init(struct qn_sites *s, void *memory,
		   const struct qn_sites_ops *ops);

u32 qn_sites_note_it(struct qn_sites *s, u64 bytes, u32 nr);
void qn_sites_live_it(struct qn_sites *s, u32 site, s64 bytes, s32 nr);

/**
 * qn_sites_note() - a request is sampled
 * @s:		the sites
 * @bytes:	that the samples stand for
 * @nr:		samples
 *
 * Takes a stack and counts at its site.
 *
 * Context: any but with one of the heap's locks held; takes the lock.
 * Return: the number of the site; 0: none is known, or none is kept.
 */
static inline u32 qn_sites_note(struct qn_sites *s, u64 bytes, u32 nr)
{
	return unlikely(s->page) ? qn_sites_note_it(s, bytes, nr) : 0;
}

/* @bytes more or less of a site are in use; site 0 is none. Context: any. */
static inline void qn_sites_live(struct qn_sites *s, u32 site, s64 bytes,
				 s32 nr)
{
	if (unlikely(site))
		qn_sites_live_it(s, site, bytes, nr);
}

/* @bytes of a site lived for a short time; site 0 is none. Context: any. */
void qn_sites_brief(struct qn_sites *s, u32 site, u64 bytes);

/* What stands for @bytes cannot be followed. Context: any. */
static inline void qn_sites_skip(struct qn_sites *s, u64 bytes)
{
	if (unlikely(s->page))
		__atomic_fetch_add(&s->page->unfollowed, bytes,
				   __ATOMIC_RELAXED);
}

/* A large block is in use, and is not any more. Context: takes the lock. */
void qn_sites_hold(struct qn_sites *s, const void *p, u32 site, u64 bytes);
void qn_sites_drop(struct qn_sites *s, const void *p);

/* What was not asked for by this process does not belong into its sums */
void qn_sites_restart(struct qn_sites *s);

#endif /* QN_SITES_H */
