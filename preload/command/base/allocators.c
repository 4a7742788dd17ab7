// SPDX-License-Identifier: MIT
/*
 * allocators.c - the allocators that programs are compared under.
 */
#include <stdlib.h>
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
	for (u32 i = 0; i < QN_NR_ALLOCATORS; i++) {
		const struct allocator *from = &allocators[i];

		a->subjects[i].name = from->name;
		if (from->soname)
			a->paths[i] = qn_preload_peer(from->soname);
		if (from->soname && !a->paths[i])
			a->subjects[i].missing = from->missing;
	}
	a->paths[QN_QUERN] = qn_preload_find("libquern.so", library);
	return a->paths[QN_QUERN] ? 0 : QN_EXIT_FAILURE;
}

void qn_allocators_exit(struct qn_allocators *a)
{
	for (u32 i = 0; i < QN_NR_ALLOCATORS; i++)
		free(a->paths[i]);
}

int qn_allocators_launch(const struct qn_allocators *a, u32 subject,
			 const char *conf, const struct qn_launch *what,
			 struct qn_outcome *outcome)
{
	const char *path = a->paths[subject];
	char *preload =
		qn_xprintf("LD_PRELOAD%s%s", path ? "=" : "", path ? path : "");
	const char *changes[] = { preload,
				  conf ? conf : "QUERN_CONF",
				  "LC_ALL=C",
				  "PYTHONMALLOC=malloc",
				  "PYTHONHASHSEED=0",
				  "MALLOC_CONF",
				  "GLIBC_TUNABLES",
				  NULL };
	char **envp = qn_preload_environ(changes);
	struct qn_launch with = *what;
	int err;

	with.envp = envp;
	err = qn_launch(&with, outcome);
	free(envp);
	free(preload);
	return err;
}
