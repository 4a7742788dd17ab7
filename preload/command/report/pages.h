/* SPDX-License-Identifier: MIT */
/*
 * pages.h - finding and reading the statistics pages of a run.
 *
 * A page was written by another process, maybe killed half way, maybe by a
 * library of another version: nothing in it is believed before qn_page_check().
 */
#ifndef QN_PAGES_H
#define QN_PAGES_H

#include <sys/types.h>
#include "base/compiler.h"
#include "figures.h"
#include "format/statspage.h"

#define QN_PAGE_ERROR 160

/**
 * qn_page_check() - is this a statistics page that this command understands
 * @page:	as read; its strings are terminated here if they were not
 * @size:	bytes that were read
 * @error:	QN_PAGE_ERROR bytes, filled on error with what is wrong and what to do
 *
 * Return: 0, -ENODATA (empty: its process ended before it began), -EBADMSG (no
 * such page, or damaged), -EPROTONOSUPPORT (another version).
 */
int qn_page_check(struct qn_stats_page *page, size_t size, char *error);

/**
 * qn_page_read() - read and check one file
 * @dir:	descriptor of the directory
 * @name:	in it
 *
 * Return: as qn_page_check(), or -errno of what could not be done.
 */
int qn_page_read(int dir, const char *name, struct qn_stats_page *page,
		 char *error);

/**
 * qn_page_read_at() - read a statistics file and the call sites behind its page
 * @fd:		the file, at its beginning or not
 * @sites:	the caller's to free; NULL: there are none
 *
 * Return: as qn_page_read().
 */
int qn_page_read_at(int fd, struct qn_stats_page *page,
		    struct qn_sites_page **sites, char *error);

/**
 * enum qn_children - what becomes of the pages of other processes
 * @QN_CHILDREN_SUM: added to the program's
 * @QN_CHILDREN_EACH: kept apart
 * @QN_CHILDREN_NONE: left out
 */
enum qn_children {
	QN_CHILDREN_SUM,
	QN_CHILDREN_EACH,
	QN_CHILDREN_NONE,
};

/**
 * struct qn_run_pages - the pages of one run
 * @path:	the directory
 * @dir:	its descriptor
 * @is_ours:	pages may be removed once they are read
 * @children:	see there
 * @root:	pid of the program
 * @since_usec:	older pages are somebody else's
 * @figures:	@nr of them: one for SUM and NONE, one a program for EACH, that of
 *		the program itself first
 * @own:	the page of the program itself, as the last of its exec chain
 * @has_own:	there was one
 * @nr_execs:	programs that it replaced
 * @nr_unread:	files that could not be used
 * @note:	why the first of them could not
 */
struct qn_run_pages {
	const char *path;
	int dir;
	bool is_ours;
	enum qn_children children;
	pid_t root;
	u64 since_usec;
	struct qn_figures *figures;
	unsigned int nr;
	struct qn_stats_page own;
	bool has_own;
	unsigned int nr_execs;
	unsigned int nr_unread;
	char note[QN_PAGE_ERROR + 40];
};

/**
 * qn_pages_make_dir() - a directory for the pages of one run
 *
 * In memory where there is such a place, else in TMPDIR or /tmp; its name fits
 * into QUERN_CONF. Says on stderr what to do where no place will have it.
 *
 * Return: its path, the caller's to free, or NULL.
 */
char *qn_pages_make_dir(void);

/**
 * qn_pages_open() - begin with a directory
 *
 * Return: 0 or -errno.
 */
int qn_pages_open(struct qn_run_pages *r, const char *path, bool is_ours,
		  enum qn_children children);

/**
 * qn_pages_sweep() - take in the pages of processes that are gone
 *
 * Called from time to time while the program runs, so that one that starts a
 * hundred thousand processes does not fill the directory's file system. Does
 * nothing in a directory that is not ours.
 */
void qn_pages_sweep(struct qn_run_pages *r);

/**
 * qn_pages_collect() - take in all that is left
 *
 * Context: once, after the program has ended.
 */
void qn_pages_collect(struct qn_run_pages *r);

/* Forget everything; removes the directory if it is ours */
void qn_pages_close(struct qn_run_pages *r);

#endif /* QN_PAGES_H */
