/* SPDX-License-Identifier: MIT */
/*
 * live.h - statistics pages of processes that run: finding them, and removing what is left of
 * processes that are gone.
 *
 * Pages lie in the directories of format/rundir.h, and in those that quern run made for runs
 * that are under way. A page may have been written by anybody's library, so it is checked as
 * pages.h has it.
 */
#ifndef QN_LIVE_H
#define QN_LIVE_H

#include "command/report/pages.h"

/**
 * struct qn_live - one page
 * @path:	of its file
 * @is_elsewhere: its process is of another pid namespace: whether it runs is not known
 * @page:	as read last
 */
struct qn_live {
	char *path;
	bool is_elsewhere;
	struct qn_stats_page page;
};

/**
 * struct qn_live_list - the pages that were found
 * @at, @nr:	they; by pid, and no process has two
 * @nr_removed:	files of processes that are gone, which were removed
 * @nr_unread:	files that could not be used
 * @wanted:	number of the process that it is about; 0: all. Set by the caller
 * @note:	why the last file of @wanted, or of all, could not be used
 */
struct qn_live_list {
	struct qn_live *at;
	u32 nr;
	u32 nr_removed;
	u32 nr_unread;
	u32 wanted;
	char note[QN_PAGE_ERROR + 128];
};

/**
 * qn_live_find() - the pages of all processes that run
 * @list:	filled; zeroed before, but for @wanted
 * @everybody:	of other users as well, as far as their directories can be read
 *
 * Pages of processes that are gone are removed where they are the user's own.
 */
void qn_live_find(struct qn_live_list *list, bool everybody);

void qn_live_free(struct qn_live_list *list);

/* Read it again. Return: false if it is no page any more. */
bool qn_live_read(struct qn_live *live);

/* Has its process ended, as far as can be told from here */
bool qn_live_is_over(const struct qn_live *live);

/* Does its process run without it: it became another program */
bool qn_live_is_left(const struct qn_live *live);

/**
 * qn_live_follow() - the page of the program that its process became
 * @live:	its path and page are replaced
 *
 * Return: false if there is none yet.
 */
bool qn_live_follow(struct qn_live *live);

/**
 * qn_live_name() - the page that a user means
 * @target:	the number of a process, or a file
 * @live:	filled; its path is the caller's to free
 *
 * Says on stderr why there is none: no such process, not under quern, shows nothing, another
 * user's, another version.
 *
 * Return: 0, or an exit status.
 */
int qn_live_name(const char *target, struct qn_live *live);

#endif /* QN_LIVE_H */
