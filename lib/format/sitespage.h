/* SPDX-License-Identifier: MIT */
/*
 * sitespage.h - which call sites asked for what was sampled, in shared memory.
 *
 * Beside statspage.h: where a process keeps call sites (QUERN_CONF=sites:1) this lies
 * in the same file behind the statistics page, and @sites_at of that says where. Every
 * counter is a word written with relaxed atomics; a site is there, with its frames,
 * before @hash is, and never goes away.
 */
#ifndef QN_SITESPAGE_H
#define QN_SITESPAGE_H

#include "base/compiler.h"

#define QN_SITES_MAGIC   0x31505351u /* "QSP1" */
#define QN_SITES_VERSION 2
/* Places for sites, of which three quarters are used; modules; return addresses */
#define QN_SITES_NR      1024u
#define QN_SITES_MODULES 128u
#define QN_SITES_DEPTH   16u
/* A frame is the number of its module + 1 (0: none) above so many bits of offset */
#define QN_SITES_SHIFT 48

/**
 * struct qn_sites_module - a file that frames lie in
 * @base:	where its addresses began
 * @name:	of the file, terminated, its end if it is too long; "": the program
 */
struct qn_sites_module {
	u64 base;
	char name[248];
};

/**
 * struct qn_site - one call site
 * @hash:	of its frames; 0: the place is free
 * @bytes:	of requests that its samples stand for
 * @live:	of them, those of objects that are followed and in use
 * @brief:	of them, those of followed objects that were freed before
 *		QN_STATS_LIFE_BYTES more were asked for
 * @nr, @nr_live: how many samples, how many such objects
 * @nr_frames:	return addresses, the innermost first
 * @frames:	see QN_SITES_SHIFT
 */
struct qn_site {
	u64 hash;
	u64 bytes;
	u64 live;
	u64 brief;
	u32 nr;
	u32 nr_live;
	u64 nr_frames;
	u64 frames[QN_SITES_DEPTH];
};

/**
 * struct qn_sites_page - all of them
 * @magic, @version, @size: checked by a reader first
 * @nr_sites, @nr_modules: in use
 * @full_bytes, @full_nr: samples that found no place for their site
 * @unknown_bytes, @unknown_nr: samples without a stack
 * @unfollowed: bytes that samples stand for whose objects are not followed: @live of
 *		their sites is too small by those in use
 * @modules, @sites: sites by hash, with linear probing
 */
struct qn_sites_page {
	u32 magic;
	u32 version;
	u32 size;
	u32 nr_sites;
	u32 nr_modules;
	u32 reserved;
	u64 full_bytes;
	u64 full_nr;
	u64 unknown_bytes;
	u64 unknown_nr;
	u64 unfollowed;
	struct qn_sites_module modules[QN_SITES_MODULES];
	struct qn_site sites[QN_SITES_NR];
};

#endif /* QN_SITESPAGE_H */
