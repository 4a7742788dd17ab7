// SPDX-License-Identifier: MIT
/*
 * which.c - the malloc that serves a process, with its version.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fail.h"
#include "launch.h"
#include "preload.h"
#include "quern.h"
#include "which.h"

static void set(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* ---- whose it is ---- */

static bool ask_glibc(struct qn_which *w)
{
	if (!strstr(w->file, "/libc.so.") && !strstr(w->file, "/libc-2."))
		return false;
	set(w->version, sizeof(w->version), gnu_get_libc_version());
	return true;
}

static bool ask_quern(struct qn_which *w)
{
	if (!dlsym(RTLD_DEFAULT, "qn_heap_census"))
		return false;
	snprintf(w->version, sizeof(w->version), "%d.%d.%d", QN_VERSION_MAJOR,
		 QN_VERSION_MINOR, QN_VERSION_PATCH);
	return true;
}

static bool ask_jemalloc(struct qn_which *w)
{
	int (*ctl)(const char *name, void *old, size_t *size, void *new,
		   size_t new_size);
	const char *version = "";
	size_t size = sizeof(version);

	*(void **)&ctl = dlsym(RTLD_DEFAULT, "mallctl");
	if (!ctl || ctl("version", &version, &size, NULL, 0))
		return false;
	/* "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c" */
	snprintf(w->version, sizeof(w->version), "%.*s",
		 (int)strcspn(version, "-"), version);
	return true;
}

/* 209 is 2.0.9 in version 2; 2.2.3 and 3.0.3 say 22 and 30 in front of it */
static bool ask_mimalloc(struct qn_which *w)
{
	int (*ask)(void), v;

	*(void **)&ask = dlsym(RTLD_DEFAULT, "mi_version");
	if (!ask)
		return false;
	v = ask();
	if (v >= 1000)
		snprintf(w->version, sizeof(w->version), "%d.%d.%d", v / 1000,
			 v / 100 % 10, v % 100);
	else
		snprintf(w->version, sizeof(w->version), "%d.%d.%d", v / 100,
			 v / 10 % 10, v % 10);
	return true;
}

static bool ask_tcmalloc(struct qn_which *w)
{
	const char *(*ask)(int *major, int *minor, const char **patch);
	const char *patch = "";
	int major, minor;

	*(void **)&ask = dlsym(RTLD_DEFAULT, "tc_version");
	if (!ask)
		return false;
	ask(&major, &minor, &patch);
	snprintf(w->version, sizeof(w->version), "%d.%d%s", major, minor,
		 patch ? patch : "");
	return true;
}

/* The name of its file, without what follows ".so" */
static void take_file_name(struct qn_which *w)
{
	const char *slash = strrchr(w->file, '/');
	const char *name = slash ? slash + 1 : w->file;
	const char *end = strstr(name, ".so");
	size_t size = end ? (size_t)(end - name) : strlen(name);

	snprintf(w->name, sizeof(w->name), "%.*s", (int)min(size, (size_t)30),
		 name);
}

static const struct known {
	const char *name;
	bool (*ask)(struct qn_which *w);
} knowns[] = {
	{ "glibc", ask_glibc },       { "quern", ask_quern },
	{ "jemalloc", ask_jemalloc }, { "mimalloc", ask_mimalloc },
	{ "tcmalloc", ask_tcmalloc },
};

void qn_which_own(struct qn_which *w)
{
	Dl_info info;
	char *path = NULL;

	*w = (struct qn_which){ "", "", "" };
	if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) && info.dli_fname)
		path = realpath(info.dli_fname, NULL);
	if (path)
		set(w->file, sizeof(w->file), path);
	free(path);
	for (size_t i = 0; i < ARRAY_SIZE(knowns); i++) {
		if (!knowns[i].ask(w))
			continue;
		set(w->name, sizeof(w->name), knowns[i].name);
		return;
	}
	take_file_name(w);
}

/* ---- from process to process ---- */

int qn_which_print(void)
{
	struct qn_which w;

	qn_which_own(&w);
	printf("%s\t%s\t%s\n", w.name, w.version, w.file);
	return 0;
}

static int read_answer(int fd, struct qn_which *w)
{
	char text[640];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	char *at = text;

	if (n < 0)
		return -errno;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	set(w->name, sizeof(w->name), strsep(&at, "\t"));
	set(w->version, sizeof(w->version), at ? strsep(&at, "\t") : "");
	set(w->file, sizeof(w->file), at ? at : "");
	return *w->name ? 0 : -ENOEXEC;
}

/* This command again, as `quern compare --which` */
static int launch(const char *library, int fd, struct qn_outcome *outcome)
{
	char *argv[] = { "quern", "compare", "--which", NULL };
	char *list = library ? qn_preload_list(library, getenv("LD_PRELOAD")) :
			       NULL;
	char *preload = list ? qn_xprintf("LD_PRELOAD=%s", list) : NULL;
	const char *const changes[] = { preload, NULL };
	int null = qn_launch_null();
	char *own = qn_preload_own_file();
	const struct qn_launch what = { .path = own ? own : "/proc/self/exe",
					.argv = argv,
					.fd_in = null,
					.fd_out = fd,
					.fd_err = null };
	int err = qn_launch_changed(&what, changes, outcome);

	if (null >= 0)
		close(null);
	free(own);
	free(preload);
	free(list);
	return err;
}

int qn_which_ask(const char *library, struct qn_which *w)
{
	int fd = memfd_create("answer", MFD_CLOEXEC);
	struct qn_outcome outcome = { 0 };
	int err;

	*w = (struct qn_which){ "", "", "" };
	if (fd < 0)
		return -errno;
	err = launch(library, fd, &outcome);
	if (!err)
		err = outcome.status ? -ENOEXEC : read_answer(fd, w);
	close(fd);
	return err;
}
