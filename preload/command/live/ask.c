// SPDX-License-Identifier: MIT
/*
 * ask.c - requests to a process; see ask.h.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "command/base/fail.h"
#include "port/sys.h"
#include "ask.h"

/* A process that ends does not answer: looked for so often */
#define LOOK_MS 100
/* For a request that was being dealt with as it was taken back */
#define GRACE_MS 50

static int refuse(const struct qn_live *live, const char *what)
{
	qn_error("process %u (%s): %s", live->page.pid, live->path, what);
	return QN_EXIT_FAILURE;
}

static int check(const struct qn_ask *ask)
{
	struct stat st;

	if (ask->fd < 0)
		return refuse(ask->live, strerror(errno));
	if (fstat(ask->fd, &st) || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size < sizeof(*ask->shared))
		return refuse(ask->live,
			      "the file of its page is too short, as "
			      "of another version of quern");
	if (st.st_uid != geteuid() && geteuid() != 0)
		return refuse(ask->live, "its page is another user's");
	if (qn_live_is_over(ask->live))
		return refuse(ask->live, "it has ended");
	if (ask->live->page.engine.name[0])
		return refuse(ask->live,
			      "an engine serves it, which has no settings");
	return 0;
}

int qn_ask_begin(struct qn_ask *ask, struct qn_live *live)
{
	int status;

	memset(ask, 0, sizeof(*ask));
	ask->live = live;
	ask->fd =
		open(live->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	status = check(ask);
	if (!status && flock(ask->fd, LOCK_EX | LOCK_NB))
		status = refuse(live, "another quern ctl is asking it");
	if (!status) {
		ask->shared = mmap(NULL, sizeof(*ask->shared),
				   PROT_READ | PROT_WRITE, MAP_SHARED, ask->fd,
				   0);
		if (ask->shared == MAP_FAILED) {
			ask->shared = NULL;
			status = refuse(live, strerror(errno));
		}
	}
	if (status)
		qn_ask_end(ask);
	return status;
}

static void futex(u32 *word, int op, u32 value, u32 ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	syscall(SYS_futex, word, op, value, ms ? &t : NULL, NULL, 0);
}

/* Return: whether it answered within the time */
static bool wait_for(struct qn_stats_control *c, u32 number, u64 until)
{
	u64 now;
	u32 seen;

	while ((seen = smp_load_acquire(&c->answered)) != number) {
		now = qn_clock_usec();
		if (now >= until)
			return false;
		futex(&c->answered, QN_FUTEX_WAIT, seen,
		      (u32)min((until - now) / 1000 + 1, (u64)LOOK_MS));
	}
	return true;
}

static void ring(struct qn_stats_control *c)
{
	__atomic_fetch_add(&c->bell, 1, __ATOMIC_SEQ_CST);
	futex(&c->bell, QN_FUTEX_WAKE, INT32_MAX, 0);
}

static bool wait_answer(struct qn_ask *ask, u32 number, u32 wait_ms)
{
	struct qn_stats_control *c = &ask->shared->control;
	u64 until = qn_clock_usec() + (u64)wait_ms * 1000;

	while (!wait_for(c, number,
			 min(until, qn_clock_usec() + LOOK_MS * 1000)))
		if (qn_clock_usec() >= until || qn_live_is_over(ask->live) ||
		    qn_live_is_left(ask->live))
			return false;
	return true;
}

int qn_ask(struct qn_ask *ask, u32 command, const char *text, u32 wait_ms,
	   u64 *value)
{
	struct qn_stats_control *c = &ask->shared->control;
	u32 number = READ_ONCE(c->asked) + 1;

	WRITE_ONCE(c->command, command);
	strncpy(c->text, text, sizeof(c->text) - 1);
	c->text[sizeof(c->text) - 1] = 0;
	/* It may have been answered under this number by the one before who gave up */
	WRITE_ONCE(c->answered, number - 1);
	smp_store_release(&c->asked, number);
	ring(c);
	if (!wait_answer(ask, number, wait_ms)) {
		WRITE_ONCE(c->command, QN_STATS_COMMAND_LOOK);
		if (qn_live_is_over(ask->live))
			return -ESRCH;
		if (qn_live_is_left(ask->live))
			return -ESTALE;
		if (!wait_for(c, number, qn_clock_usec() + GRACE_MS * 1000))
			return -ETIMEDOUT;
	}
	*value = READ_ONCE(c->value);
	qn_live_read(ask->live);
	return READ_ONCE(c->result);
}

void qn_ask_end(struct qn_ask *ask)
{
	if (ask->shared)
		munmap(ask->shared, sizeof(*ask->shared));
	if (ask->fd >= 0)
		close(ask->fd);
	ask->shared = NULL;
	ask->fd = -1;
}
