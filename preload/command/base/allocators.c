// SPDX-License-Identifier: MIT
/*
 * allocators.c - the allocators that programs are compared under.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "allocators.h"
#include "fail.h"
#include "preload.h"

static const struct allocator {
	const char *name;
	const char *soname;
	const char *missing;
} allocators[QN_NR_ALLOCATORS] = {
	[QN_GLIBC] = { "glibc", NULL, NULL },
	[QN_JEMALLOC] = { "jemalloc", "libjemalloc.so.2",
			  "not installed; to include it: apt-get install "
			  "libjemalloc2" },
	[QN_MIMALLOC] = { "mimalloc", "libmimalloc.so.2",
			  "not installed; to include it: apt-get install "
			  "libmimalloc2.0" },
	[QN_QUERN] = { "quern", NULL, NULL },
};

int qn_allocators_find(struct qn_allocators *a, const char *library)
{
	*a = (struct qn_allocators){ 0 };
	a->output = memfd_create("output", MFD_CLOEXEC);
	for (u32 i = 0; i < QN_NR_ALLOCATORS; i++) {
		const struct allocator *from = &allocators[i];

		a->subjects[i].name = from->name;
		if (from->soname)
			a->paths[i] = qn_preload_peer(from->soname);
		if (from->soname && !a->paths[i])
			a->subjects[i].missing = from->missing;
	}
	a->compare.subjects = a->subjects;
	a->compare.nr_subjects = QN_NR_ALLOCATORS;
	a->paths[QN_QUERN] = qn_preload_find("libquern.so", library);
	return a->paths[QN_QUERN] && a->output >= 0 ? 0 : QN_EXIT_FAILURE;
}

void qn_allocators_exit(struct qn_allocators *a)
{
	qn_compare_exit(&a->compare);
	for (u32 i = 0; i < QN_NR_ALLOCATORS; i++)
		free(a->paths[i]);
	if (a->output > 0)
		close(a->output);
}

int qn_allocators_run(struct qn_allocators *a, u32 contest, u32 subject,
		      const char *conf, struct qn_cell *cell)
{
	struct qn_launch what = a->programs[contest];
	const char *path = a->paths[subject];
	char *preload =
		qn_xprintf("LD_PRELOAD%s%s", path ? "=" : "", path ? path : "");
	const char *const changes[] = { preload,
					conf ? conf : "QUERN_CONF",
					"LC_ALL=C",
					"PYTHONMALLOC=malloc",
					"PYTHONHASHSEED=0",
					"MALLOC_CONF",
					"GLIBC_TUNABLES",
					NULL };
	int err;

	what.fd_out = a->output;
	what.fd_err = -1;
	err = qn_compare_launch(&a->compare, contest, subject, &what, changes,
				cell);
	free(preload);
	return err;
}

static int run(struct qn_compare *c, u32 contest, u32 subject,
	       struct qn_cell *cell)
{
	return qn_allocators_run(c->data, contest, subject, NULL, cell);
}

int qn_allocators_compare(struct qn_allocators *a)
{
	a->compare.run = run;
	a->compare.data = a;
	a->compare.must_agree = true;
	return qn_compare_run(&a->compare);
}
