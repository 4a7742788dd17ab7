// SPDX-License-Identifier: MIT
/*
 * check-process.c - does quern serve a process that runs.
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "checks.h"
#include "command/base/fail.h"
#include "command/base/proc.h"
#include "command/base/program.h"

/* ---- its mappings ---- */

static void check_other_malloc(struct qn_checks *c, const char *maps)
{
	static const char *const names[] = { "/libjemalloc", "/libmimalloc",
					     "/libtcmalloc", "/libasan",
					     "/libtsan" };
	char *path;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path = qn_maps_find(maps, names[i]);
		if (path)
			qn_checks_add(
				c, QN_VERDICT_NOTE, "mapped",
				"%s is loaded too; whichever stands first "
				"in LD_PRELOAD serves malloc.",
				path);
		free(path);
	}
}

/* The bytes of the auxiliary vector say whether the loader obeyed LD_PRELOAD */
static bool is_secure(pid_t pid)
{
	char *path = qn_xprintf("/proc/%d/auxv", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_auxv_t entry;
	bool is = false;

	while (fd >= 0 && read(fd, &entry, sizeof(entry)) == sizeof(entry) &&
	       entry.a_type != AT_NULL)
		is |= entry.a_type == AT_SECURE && entry.a_un.a_val;
	if (fd >= 0)
		close(fd);
	free(path);
	return is;
}

/* The environment is a list of terminated texts */
static bool names_quern(pid_t pid)
{
	char *path = qn_xprintf("/proc/%d/environ", (int)pid);
	FILE *in = fopen(path, "re");
	char *entry = NULL;
	size_t room = 0;
	bool does = false;

	while (in && !does && getdelim(&entry, &room, 0, in) > 0)
		does = !strncmp(entry, "LD_PRELOAD=", 11) &&
		       strstr(entry, "libquern");
	if (in)
		fclose(in);
	free(entry);
	free(path);
	return does;
}

static void explain_absence(struct qn_checks *c, pid_t pid)
{
	if (is_secure(pid))
		qn_checks_add(c, QN_VERDICT_NO, "active",
			      "quern does not serve process %d: it changed its "
			      "user or has capabilities, so the loader ignored "
			      "LD_PRELOAD. Start it as the user it changes to.",
			      (int)pid);
	else if (names_quern(pid))
		qn_checks_add(
			c, QN_VERDICT_NO, "active",
			"quern does not serve process %d, though its LD_PRELOAD names "
			"libquern.so: the loader could not load the file (is it "
			"there, inside the container too?), or nothing can be "
			"preloaded into the program; see below.",
			(int)pid);
	else
		qn_checks_add(c, QN_VERDICT_NO, "active",
			      "quern does not serve process %d: it was started "
			      "without. Use quern run, or LD_PRELOAD=%s in its "
			      "environment (systemd: Environment=).",
			      (int)pid,
			      c->library ? c->library : "/path/libquern.so");
}

static void check_active(struct qn_checks *c, pid_t pid, const char *maps)
{
	char *library = qn_maps_find(maps, "/libquern.so");

	if (library && strstr(library, " (deleted)"))
		qn_checks_add(c, QN_VERDICT_NOTE, "active",
			      "quern serves process %d by a file that was "
			      "replaced since: %s. Restart it to have the new "
			      "one.",
			      (int)pid, library);
	else if (library)
		qn_checks_add(c, QN_VERDICT_OK, "active",
			      "quern serves process %d: %s.", (int)pid,
			      library);
	else
		explain_absence(c, pid);
	free(library);
}

static void check_page(struct qn_checks *c, const char *maps)
{
	char *page = qn_maps_find(maps, "/quern-");

	if (page)
		qn_checks_add(c, QN_VERDICT_OK, "page",
			      "It writes a statistics page, %s.", page);
	free(page);
}

/* ---- what surrounds it ---- */

static void check_profile(struct qn_checks *c, pid_t pid)
{
	char *label = qn_proc_read(pid, "attr/apparmor/current");

	if (!label)
		label = qn_proc_read(pid, "attr/current");
	if (label)
		label[strcspn(label, "\n")] = 0;
	if (label && *label && strcmp(label, "unconfined") != 0)
		qn_checks_add(c, QN_VERDICT_NOTE, "confined",
			      "It runs as '%s' of AppArmor or SELinux, which "
			      "may refuse libquern.so and statistics pages: "
			      "look into the log for what was denied.",
			      label);
	free(label);
}

static void check_container(struct qn_checks *c, pid_t pid)
{
	char *its = qn_proc_link(pid, "ns/mnt"),
	     *own = qn_proc_link(getpid(), "ns/mnt");

	if (its && own && strcmp(its, own) != 0)
		qn_checks_add(c, QN_VERDICT_NOTE, "container",
			      "It has another view of the file system, as in a "
			      "container: libquern.so has to be there too, by "
			      "the path that its LD_PRELOAD has.");
	free(its);
	free(own);
}

static void check_maps(struct qn_checks *c, const char *maps)
{
	char *text = qn_file_read("/proc/sys/vm/max_map_count");
	unsigned long most = text ? strtoul(text, NULL, 10) : 0, nr = 0;

	for (const char *at = maps; *at; at++)
		nr += *at == '\n';
	if (most && nr > most / 2)
		qn_checks_add(c, QN_VERDICT_NOTE, "mappings",
			      "It has %lu mappings of %lu that are allowed; at "
			      "the limit malloc fails. Raise it: sysctl "
			      "vm.max_map_count=%lu.",
			      nr, most, 4 * most);
	free(text);
}

int qn_check_process(struct qn_checks *c, pid_t pid)
{
	char *maps = qn_proc_read(pid, "maps"), *exe;
	int err = maps ? 0 : -errno;

	if (err)
		return err;
	exe = qn_proc_link(pid, "exe");
	if (exe)
		qn_checks_add(c, QN_VERDICT_OK, "process",
			      "Process %d runs %s.", (int)pid, exe);
	check_active(c, pid, maps);
	check_page(c, maps);
	check_other_malloc(c, maps);
	check_container(c, pid);
	check_profile(c, pid);
	check_maps(c, maps);
	free(exe);
	free(maps);
	return 0;
}
