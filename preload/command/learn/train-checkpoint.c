// SPDX-License-Identifier: MIT
/*
 * train-checkpoint.c - all that a training depends on, in a file; see train.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "quern.h"
#include "train.h"

#define MAGIC "QNTRAIN3"

/* Of all that the result depends on */
static u32 sum_of(const struct qn_train *t)
{
	const u64 numbers[] = {
		t->what,          t->seed,
		t->nr_seeds,      t->nr_episodes,
		t->nr_lessons,    t->nr_mixes,
		t->nr_learners,   t->nr,
		t->events,        t->part,
		t->without,       sizeof(*t->s),
		QN_VERSION_MAJOR, QN_VERSION_MINOR,
		QN_VERSION_PATCH,
	};
	u32 sum = qn_crc32(0, numbers, sizeof(numbers));

	for (u32 i = 0; i < t->nr; i++)
		sum = qn_crc32(sum, &t->traces[i].sum,
			       sizeof(t->traces[i].sum));
	return sum;
}

/* Of what a checkpoint has: numbers of it are indices */
static u32 check_of(const struct qn_train_state *s)
{
	size_t from = offsetof(struct qn_train_state, seed);

	return qn_crc32(0, (const char *)s + from, sizeof(*s) - from);
}

/* Written beside it and renamed, so there is always a whole one */
int qn_train_keep(struct qn_train *t)
{
	char *next = qn_xprintf("%s.new", t->checkpoint);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : 0;

	t->s->check = check_of(t->s);
	if (!err)
		err = qn_write_all(fd, (const char *)t->s, sizeof(*t->s));
	if (fd >= 0)
		close(fd);
	if (!err && rename(next, t->checkpoint))
		err = -errno;
	if (err)
		qn_error_write(t->checkpoint, err);
	free(next);
	t->kept_ns = qn_clock_ns();
	return err;
}

int qn_train_go_on(struct qn_train *t)
{
	int fd = open(t->checkpoint, O_RDONLY | O_CLOEXEC);
	struct qn_train_state *s = t->s;
	u32 sum = sum_of(t);
	ssize_t size;

	if (fd < 0 && errno == ENOENT) {
		memcpy(s->magic, MAGIC, sizeof(s->magic));
		s->sum = sum;
		return 0;
	}
	size = fd < 0 ? -1 : read(fd, s, sizeof(*s));
	if (fd >= 0)
		close(fd);
	if (size == sizeof(*s) && !memcmp(s->magic, MAGIC, sizeof(s->magic)) &&
	    s->sum == sum && s->check == check_of(s)) {
		qn_error("goes on from %s: seed %u, episode %u", t->checkpoint,
			 t->seed + s->seed, s->episode);
		return 1;
	}
	qn_error("%s is of another training, or damaged; remove it, or name "
		 "another: --checkpoint=FILE",
		 t->checkpoint);
	return -EINVAL;
}
