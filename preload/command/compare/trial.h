/* SPDX-License-Identifier: MIT */
/*
 * trial.h - a program run under one allocator after another, and what is measured.
 *
 * The rounds are those of compare.h. A run before them, unmeasured, fills the caches of
 * the system and says what the others are held to: the exit status and the output.
 *
 * A server is measured under a load: a command starts with it, and when that ends the
 * server gets SIGTERM. Wall time is the load's then, all other figures are the server's.
 */
#ifndef QN_TRIAL_H
#define QN_TRIAL_H

#include "candidates.h"
#include "command/base/compare.h"
#include "tree.h"

/* Figures besides those of enum qn_measure */
enum {
	QN_AVERAGE = QN_OWN, /* bytes, the mean of the resident set over time */
	QN_FAULTS,           /* page faults, major and minor */
};

/**
 * struct qn_load - what drives a server
 * @command:	for sh; NULL: the program is no server
 * @grace_usec:	between SIGTERM and SIGKILL
 * @server:	the program, once it runs
 * @pid:	of the command's shell, which leads a group; 0: it has not begun
 * @status:	as wait() has it
 * @begin_usec, @end_usec: when it ran; @end_usec 0: it has not ended
 * @error:	why it could not be started, or 0
 * @was_killed:	the server did not end by SIGTERM in time
 */
struct qn_load {
	const char *command;
	u64 grace_usec;
	pid_t server;
	pid_t pid;
	int status;
	u64 begin_usec;
	u64 end_usec;
	int error;
	bool was_killed;
};

/**
 * struct qn_trial - a comparison of allocators on one program
 * @argv, @path: the program
 * @load:	what drives it, if it is a server
 * @must_agree:	another output is an error
 * @nr_rounds:	wanted
 * @who:	the candidates
 * @fd_in, @in_at: standard input of each run, from this place
 * @fd_out:	what the last run printed
 * @fd_first:	what the first one did
 * @fd_log:	what the last run said on standard error, and a server printed
 * @status:	of the first run
 * @subjects, @contest, @compare: the rounds
 * @tree:	the program that runs now
 * @outcome:	of it
 * @lines:	timelines, by candidate and round
 * @differs:	where a candidate's output first was another one; NULL: nowhere
 * @is_unsteady: output changes from run to run under the first candidate as well
 * @was_loaded:	the candidate's library was seen in a process of the program
 * @nr_looks:	looks at its processes, of all rounds
 * @least_peak:	peaks below this are not known, for every process has them
 * @failed:	a candidate's program ended otherwise than the first one's
 */
struct qn_trial {
	char **argv;
	char *path;
	struct qn_load load;
	bool must_agree;
	u32 nr_rounds;
	struct qn_candidates who;
	int fd_in;
	off_t in_at;
	int fd_out;
	int fd_first;
	int fd_log;
	int status;
	struct qn_subject *subjects;
	struct qn_contest contest;
	struct qn_compare compare;
	struct qn_tree tree;
	struct qn_outcome outcome;
	struct qn_timeline *lines;
	char **differs;
	bool is_unsteady;
	bool *was_loaded;
	u32 *nr_looks;
	u64 least_peak;
	bool failed;
};

/**
 * qn_trial_run() - all rounds
 * @t:		program, load, rounds, candidates and descriptors are set
 *
 * Return: 0, also where an interrupt left whole rounds; -EINTR without one; else an exit
 * status, with a message.
 */
int qn_trial_run(struct qn_trial *t);
void qn_trial_exit(struct qn_trial *t);

/* Does a candidate have figures */
bool qn_trial_takes_part(const struct qn_trial *t, u32 subject);

#endif /* QN_TRIAL_H */
