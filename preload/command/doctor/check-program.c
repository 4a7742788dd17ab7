// SPDX-License-Identifier: MIT
/*
 * check-program.c - can libquern.so be preloaded into a program.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "checks.h"
#include "command/base/elf.h"
#include "command/base/fail.h"
#include "command/base/preload.h"
#include "command/base/proc.h"
#include "command/base/program.h"

/* ---- by its path ---- */

static bool begins(const char *text, const char *with)
{
	return text && !strncmp(text, with, strlen(with));
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void check_snap(struct qn_checks *c, const char *path)
{
	char *real = realpath(path, NULL);

	if (begins(path, "/snap/") || begins(real, "/snap/") ||
	    (real && !strcmp(real, "/usr/bin/snap")))
		qn_checks_add(c, QN_VERDICT_NO, "snap",
			      "It is a snap: confined, with libraries of its "
			      "own, so it does not see libquern.so. Run the "
			      "program from a package or a container, or put "
			      "the library below $SNAP_COMMON and set "
			      "LD_PRELOAD inside (snap run --shell).");
	free(real);
}

/* "/usr/sbin/mysqld" is in /etc/apparmor.d/usr.sbin.mysqld */
static char *profile_path(const char *real)
{
	char *path = qn_xprintf("/etc/apparmor.d/%s", real + 1);

	for (char *at = path + strlen("/etc/apparmor.d/"); *at; at++)
		if (*at == '/')
			*at = '.';
	return path;
}

static bool is_listed(const char *real)
{
	char *list = qn_file_read("/sys/kernel/security/apparmor/profiles");
	char *line = qn_xprintf("%s (enforce)", real);
	bool is_there = list && strstr(list, line);

	free(list);
	free(line);
	return is_there;
}

static void check_apparmor(struct qn_checks *c, const char *image)
{
	char *real = realpath(image, NULL);
	char *profile = real && *real == '/' ? profile_path(real) : NULL;

	if (profile && (access(profile, F_OK) == 0 || is_listed(real)))
		qn_checks_add(c, QN_VERDICT_NOTE, "apparmor",
			      "There is an AppArmor profile for %s. It may "
			      "refuse libquern.so and statistics pages, and "
			      "the log says so (apparmor=\"DENIED\"): add "
			      "'%s mr,' to %s.",
			      real, c->library ? c->library : "libquern.so",
			      profile);
	free(profile);
	free(real);
}

/* ---- by what is linked into it ---- */

/* clang-format off */
static const struct sanitizer {
	const char *prefix;
	const char *name;
} sanitizers[] = {
	{ "__asan_init", "AddressSanitizer" },
	{ "__tsan_init", "ThreadSanitizer" },
	{ "__msan_init", "MemorySanitizer" },
	{ "__hwasan_init", "HWAddressSanitizer" },
};

/* By a function, or in a stripped program by the beginning of its messages */
static const struct inside {
	const char *name;
	const char *symbol;
	const char *message;
} insides[] = {
	{ "jemalloc", "_rjem_mallocx", "<jemalloc>: " },
	{ "jemalloc", "je_mallocx", NULL },
	{ "mimalloc", "mi_malloc_small", "mimalloc: error: " },
	{ "tcmalloc", "tc_malloc", "tcmalloc.max_total_thread_cache_bytes" },
	{ "rpmalloc", "rpmalloc", NULL },
	{ "snmalloc", "sn_malloc", NULL },
};

/* clang-format on */

static void check_sanitizers(struct qn_checks *c, const struct qn_elf *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(sanitizers); i++)
		if (qn_elf_mentions(e, sanitizers[i].prefix))
			qn_checks_add(c, QN_VERDICT_NO, "sanitizer",
				      "It is built with %s, which needs its "
				      "own malloc. Preload nothing into it: "
				      "build it without -fsanitize.",
				      sanitizers[i].name);
}

static bool is_inside(const struct qn_elf *e, const struct inside *i)
{
	return qn_elf_defines(e, i->symbol, false) ||
	       (i->message && !qn_elf_has_section(e, ".symtab") &&
		qn_elf_contains(e, i->message));
}

static bool has_inside(struct qn_checks *c, const struct qn_elf *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(insides); i++) {
		if (!is_inside(e, &insides[i]))
			continue;
		qn_checks_add(c, QN_VERDICT_NO, "own malloc",
			      "%s is linked into it; calls of that do not "
			      "reach a preloaded malloc. Build it without (in "
			      "Rust: without #[global_allocator]).",
			      insides[i].name);
		return true;
	}
	return false;
}

static bool has_malloc(struct qn_checks *c, const struct qn_elf *e)
{
	if (has_inside(c, e))
		return true;
	if (!qn_elf_defines(e, "malloc", false))
		return false;
	qn_checks_add(c, QN_VERDICT_NO, "own malloc",
		      "It has a malloc of its own linked in, which comes "
		      "before all that is preloaded. Link it without that, or "
		      "against libquern.a.");
	return true;
}

/* Heaps that are none of malloc's */
static void check_language(struct qn_checks *c, const struct qn_elf *e,
			   const char *image)
{
	const char *name = file_name(image);

	if (qn_elf_has_section(e, ".go.buildinfo"))
		qn_checks_add(c, QN_VERDICT_NOTE, "language",
			      "It is written in Go, whose heap is not "
			      "malloc's: quern serves what C libraries in it "
			      "ask for, and no more.");
	if (begins(name, "python") && !getenv("PYTHONMALLOC"))
		qn_checks_add(c, QN_VERDICT_NOTE, "language",
			      "Python serves objects of up to 512 bytes "
			      "itself. Set PYTHONMALLOC=malloc to have quern "
			      "serve them.");
	if (!strcmp(name, "java") || begins(name, "node"))
		qn_checks_add(c, QN_VERDICT_NOTE, "language",
			      "%s has a heap of its own for its objects; quern "
			      "serves the rest: buffers, the compiler, native "
			      "libraries.",
			      name);
}

/* ---- by the loader ---- */

static char *malloc_with(const char *library, const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char *kept = before ? qn_xprintf("%s", before) : NULL;
	char *list = qn_preload_list(library, before), *found;

	setenv("LD_PRELOAD", list, 1);
	found = qn_program_malloc(path);
	if (kept)
		setenv("LD_PRELOAD", kept, 1);
	else
		unsetenv("LD_PRELOAD");
	free(list);
	free(kept);
	return found;
}

static void check_loader(struct qn_checks *c, const char *path)
{
	char *found = c->library ? malloc_with(c->library, path) : NULL;
	char *real = c->library ? realpath(c->library, NULL) : NULL;

	if (found && real && !strcmp(found, real))
		qn_checks_add(c, QN_VERDICT_OK, "loader",
			      "The loader takes malloc from libquern.so.");
	else if (found)
		qn_checks_add(c, QN_VERDICT_NO, "loader",
			      "The loader takes malloc from %s, not from %s. "
			      "LD_PRELOAD=%s ldd %s shows what it loads.",
			      found, c->library, c->library, path);
	else if (c->library)
		qn_checks_add(c, QN_VERDICT_NO, "loader",
			      "The loader does not tell from which file it "
			      "takes malloc. LD_PRELOAD=%s ldd %s shows what "
			      "it says.",
			      c->library, path);
	free(found);
	free(real);
}

static void check_linked(struct qn_checks *c, const char *path)
{
	char *own = qn_program_malloc(path);

	if (own && !strstr(own, "/libc.so.") && !strstr(own, "/libc-2."))
		qn_checks_add(c, QN_VERDICT_NOTE, "linked",
			      "Without quern its malloc is that of %s; what is "
			      "preloaded comes before it.",
			      own);
	free(own);
}

static void check_image(struct qn_checks *c, const char *path,
			const char *image)
{
	struct qn_elf e;
	bool has_own;

	if (qn_elf_open(&e, image)) {
		qn_checks_add(c, QN_VERDICT_NO, "program",
			      "%s is no program that can be looked into; its "
			      "interpreter may be missing.",
			      image);
		return;
	}
	check_sanitizers(c, &e);
	has_own = has_malloc(c, &e);
	check_language(c, &e, image);
	qn_elf_close(&e);
	if (has_own)
		return;
	check_linked(c, path);
	check_loader(c, path);
}

void qn_check_program(struct qn_checks *c, const char *path)
{
	const char *obstacle = qn_program_known_obstacle(path);
	char *image = qn_program_image(path);

	if (strcmp(image, path) != 0)
		qn_checks_add(c, QN_VERDICT_OK, "script",
			      "%s is a script: what counts is its interpreter, "
			      "%s.",
			      path, image);
	check_snap(c, path);
	check_apparmor(c, image);
	if (obstacle)
		qn_checks_add(c, QN_VERDICT_NO, "program", "%s", obstacle);
	else
		check_image(c, path, image);
	free(image);
}
