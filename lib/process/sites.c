// SPDX-License-Identifier: MIT
/*
 * sites.c - two hash tables with linear probing: one of sites, of which none ever
 * leaves, read without a lock; one of large blocks.
 */
#include "process/sites.h"

#include <string.h>

#include "port/debug.h"

#define GOLD ((u64)0x9e3779b97f4a7c15)

static void add(u64 *word, u64 n)
{
	__atomic_fetch_add(word, n, __ATOMIC_RELAXED);
}

void qn_sites_init(struct qn_sites *s, void *memory,
		   const struct qn_sites_ops *ops)
{
	struct qn_sites_page *page = memory;

	page->magic = QN_SITES_MAGIC;
	page->version = QN_SITES_VERSION;
	page->size = sizeof(*page);
	s->held = (void *)((char *)memory + QN_SITES_PAGE_BYTES);
	s->ops = ops;
	s->page = page;
}

/* ---- sites ---- */

/* The end of a name tells more than its beginning */
static void copy_name(struct qn_sites_module *m, const char *name)
{
	size_t size = strlen(name);

	if (size >= sizeof(m->name)) {
		name += size - (sizeof(m->name) - 1);
		size = sizeof(m->name) - 1;
	}
	memcpy(m->name, name, size + 1);
}

/* Does the module have this name, or its end */
static bool is_named(const struct qn_sites_module *m, const char *name)
{
	size_t size = strlen(name), most = sizeof(m->name) - 1;

	return !strcmp(m->name, size > most ? name + size - most : name);
}

/* Return: number + 1, or 0 if there is no room */
static u32 module_of(struct qn_sites_page *page, const char *name, u64 base)
{
	u32 i;

	for (i = 0; i < page->nr_modules; i++)
		if (page->modules[i].base == base &&
		    is_named(&page->modules[i], name))
			return i + 1;
	if (i == QN_SITES_MODULES)
		return 0;
	page->modules[i].base = base;
	copy_name(&page->modules[i], name);
	/* Pairs with nothing: a reader takes a module's name as text, whatever it is */
	WRITE_ONCE(page->nr_modules, i + 1);
	return i + 1;
}

static u64 frame_of(struct qn_sites *s, uintptr_t pc)
{
	uintptr_t base;
	const char *name = s->ops->locate(pc, &base);
	u32 module = name ? module_of(s->page, name, base) : 0;
	u64 offset = module ? pc - base : pc;

	return (u64)module << QN_SITES_SHIFT |
	       (offset & (((u64)1 << QN_SITES_SHIFT) - 1));
}

/* The place of a site, or the one that it would have: some are always free */
static struct qn_site *find(struct qn_sites_page *page, u64 hash)
{
	u32 i = (u32)(hash >> 32);

	for (;; i++) {
		struct qn_site *site = &page->sites[i % QN_SITES_NR];
		u64 is = smp_load_acquire(&site->hash);

		if (!is || is == hash)
			return site;
	}
}

/* Return: NULL if there is no room for another */
static struct qn_site *site_add(struct qn_sites *s, u64 hash,
				const uintptr_t *pcs, u32 nr)
{
	struct qn_sites_page *page = s->page;
	struct qn_site *site;

	qn_port_lock(&s->lock);
	site = find(page, hash);
	if (!site->hash && page->nr_sites >= QN_SITES_NR / 4 * 3) {
		site = NULL;
	} else if (!site->hash) {
		for (u32 i = 0; i < nr; i++)
			site->frames[i] = frame_of(s, pcs[i]);
		site->nr_frames = nr;
		WRITE_ONCE(page->nr_sites, page->nr_sites + 1);
		/* Pairs with the acquire in find(): the frames come first */
		smp_store_release(&site->hash, hash);
	}
	qn_port_unlock(&s->lock);
	return site;
}

static u64 hash_of(const uintptr_t *pcs, u32 nr)
{
	u64 hash = nr;

	for (u32 i = 0; i < nr; i++) {
		hash = (hash ^ pcs[i]) * GOLD;
		hash ^= hash >> 29;
	}
	return hash | 1;
}

u32 qn_sites_note_it(struct qn_sites *s, u64 bytes, u32 nr)
{
	struct qn_sites_page *page = s->page;
	uintptr_t pcs[QN_SITES_DEPTH];
	struct qn_site *site;
	u32 depth;
	u64 hash;

	depth = s->ops->take(pcs, QN_SITES_DEPTH);
	qn_assert(depth <= QN_SITES_DEPTH);
	if (!depth) {
		add(&page->unknown_bytes, bytes);
		add(&page->unknown_nr, nr);
		return 0;
	}
	hash = hash_of(pcs, depth);
	site = find(page, hash);
	if (!site->hash)
		site = site_add(s, hash, pcs, depth);
	if (!site) {
		add(&page->full_bytes, bytes);
		add(&page->full_nr, nr);
		return 0;
	}
	add(&site->bytes, bytes);
	__atomic_fetch_add(&site->nr, nr, __ATOMIC_RELAXED);
	return (u32)(site - page->sites) + 1;
}

void qn_sites_live_it(struct qn_sites *s, u32 site, s64 bytes, s32 nr)
{
	qn_assert(site <= QN_SITES_NR);
	add(&s->page->sites[site - 1].live, (u64)bytes);
	__atomic_fetch_add(&s->page->sites[site - 1].nr_live, (u32)nr,
			   __ATOMIC_RELAXED);
}

void qn_sites_brief(struct qn_sites *s, u32 site, u64 bytes)
{
	qn_assert(site <= QN_SITES_NR);
	if (site)
		add(&s->page->sites[site - 1].brief, bytes);
}

void qn_sites_restart(struct qn_sites *s)
{
	struct qn_sites_page *page = s->page;

	if (!page)
		return;
	for (u32 i = 0; i < QN_SITES_NR; i++) {
		page->sites[i].bytes = 0;
		page->sites[i].brief = 0;
		page->sites[i].nr = 0;
	}
	page->full_bytes = 0;
	page->full_nr = 0;
	page->unknown_bytes = 0;
	page->unknown_nr = 0;
	page->unfollowed = 0;
}

/* ---- large blocks ---- */

#define WAS_USED 1

static u32 home_of(uintptr_t p)
{
	return (u32)((u64)p * GOLD >> 40);
}

void qn_sites_hold(struct qn_sites *s, const void *p, u32 site, u64 bytes)
{
	u32 i = home_of((uintptr_t)p);
	struct qn_sites_held *h;

	if (!site)
		return;
	qn_port_lock(&s->lock);
	do {
		h = &s->held[i++ % QN_SITES_HELD];
	} while (h->p > WAS_USED);
	/* Some stay free, or looking for what is not there would not end */
	if (h->p || s->nr_held < QN_SITES_HELD / 4 * 3) {
		s->nr_held += !h->p;
		*h = (struct qn_sites_held){ (uintptr_t)p, bytes, site, 0 };
		qn_sites_live(s, site, (s64)bytes, 1);
	} else {
		qn_sites_skip(s, bytes);
	}
	qn_port_unlock(&s->lock);
}

void qn_sites_drop(struct qn_sites *s, const void *p)
{
	u32 i = home_of((uintptr_t)p);
	struct qn_sites_held *h;

	qn_port_lock(&s->lock);
	do {
		h = &s->held[i++ % QN_SITES_HELD];
	} while (h->p && h->p != (uintptr_t)p);
	if (h->p) {
		qn_sites_live(s, h->site, -(s64)h->bytes, -1);
		h->p = WAS_USED;
		/* Behind it nobody was put: it is as if it had never been used */
		for (i--; s->held[i % QN_SITES_HELD].p == WAS_USED &&
			  !s->held[(i + 1) % QN_SITES_HELD].p;
		     i--) {
			s->held[i % QN_SITES_HELD].p = 0;
			s->nr_held--;
		}
	}
	qn_port_unlock(&s->lock);
}
