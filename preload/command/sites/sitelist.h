/* SPDX-License-Identifier: MIT */
/*
 * sitelist.h - call sites of one program's statistics file, or of many added up.
 *
 * Beside figures.h: filled from what pages.c read, printed by report.c and
 * report-json.c. Sites of two programs are one if they have the same files and offsets.
 */
#ifndef QN_SITELIST_H
#define QN_SITELIST_H

#include <stdio.h>

#include "format/sitespage.h"
#include "stacks.h"

/**
 * struct qn_sitelist_sum - of one site
 * @bytes, @live, @brief, @nr, @nr_live: as in struct qn_site
 * @site:	its number in @stacks of the list
 */
struct qn_sitelist_sum {
	u64 bytes;
	u64 live;
	u64 brief;
	u64 nr;
	u64 nr_live;
	u32 site;
};

/**
 * struct qn_sitelist - of all programs that were added
 * @is_kept:	one of them kept its sites
 * @stacks:	their frames
 * @sums, @nr:	one a site
 * @full_bytes, @full_nr, @unknown_bytes, @unknown_nr, @unfollowed: sums of those of
 *		struct qn_sites_page
 */
struct qn_sitelist {
	bool is_kept;
	struct qn_stacks stacks;
	struct qn_sitelist_sum *sums;
	u32 nr;
	u64 full_bytes;
	u64 full_nr;
	u64 unknown_bytes;
	u64 unknown_nr;
	u64 unfollowed;
};

/**
 * qn_sitelist_check() - are these call sites that this command understands
 * @page:	as read; its names are terminated here if they were not
 * @size:	bytes that were read
 */
bool qn_sitelist_check(struct qn_sites_page *page, size_t size);

/* Add what qn_sitelist_check() found sound */
void qn_sitelist_add(struct qn_sitelist *list,
		     const struct qn_sites_page *page);
void qn_sitelist_exit(struct qn_sitelist *list);

/* Bytes asked for, in use, freed soon */
enum qn_sitelist_by {
	QN_SITES_BY_BYTES,
	QN_SITES_BY_LIVE,
	QN_SITES_BY_BRIEF,
};

u64 qn_sitelist_get(const struct qn_sitelist_sum *sum, enum qn_sitelist_by by);

/**
 * qn_sitelist_next() - sites from the largest on
 * @last:	what this returned before, or NULL
 * @by:		what of; sites without any are left out
 *
 * Return: NULL at the end.
 */
const struct qn_sitelist_sum *
qn_sitelist_next(const struct qn_sitelist *list,
		 const struct qn_sitelist_sum *last, enum qn_sitelist_by by);

#endif /* QN_SITELIST_H */
