// SPDX-License-Identifier: MIT
/*
 * program.c - the file behind a program's name, and what a preloaded library can
 * do with it.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "elf.h"
#include "launch.h"
#include "program.h"

/* 0 if @path can be executed, else an errno */
static int try_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

/* The next element of PATH with @name behind it; an empty one means here */
static char *next_candidate(const char **path, const char *name)
{
	size_t size = strcspn(*path, ":");
	char *candidate = size ? qn_xprintf("%.*s/%s", (int)size, *path, name) :
				 qn_xprintf("./%s", name);

	*path += size;
	*path = **path ? *path + 1 : NULL;
	return candidate;
}

/*
 * The first that can be executed. Where there is none, the errno of the first
 * that is there.
 */
static int search(const char *name, char **found)
{
	const char *path = getenv("PATH");
	int err, result = ENOENT;

	if (!path)
		path = "/bin:/usr/bin";
	while (path) {
		*found = next_candidate(&path, name);
		err = try_file(*found);
		if (!err)
			return 0;
		if (result == ENOENT && err != EISDIR &&
		    access(*found, F_OK) == 0)
			result = err;
		free(*found);
	}
	*found = NULL;
	return result;
}

static int refuse(const char *name, int err)
{
	if (err == ENOENT || err == ENOTDIR) {
		qn_error("there is no program '%s'%s", name,
			 strchr(name, '/') ? "; check the path" :
					     " on PATH; check its spelling, or "
					     "give a path with a slash");
		return QN_EXIT_NOT_FOUND;
	}
	if (err == EISDIR)
		qn_error("'%s' is a directory, not a program", name);
	else if (err == EACCES)
		qn_error("'%s' may not be executed; make it so with chmod +x, "
			 "or name its interpreter",
			 name);
	else
		qn_error("cannot run '%s': %s", name, strerror(err));
	return QN_EXIT_NOT_EXECUTABLE;
}

int qn_program_find(const char *name, char **path)
{
	int err;

	*path = NULL;
	if (!*name || strchr(name, '/')) {
		err = *name ? try_file(name) : ENOENT;
		if (!err)
			*path = qn_xprintf("%s", name);
	} else {
		err = search(name, path);
	}
	return err ? refuse(name, err) : 0;
}

int qn_program_refuse(const char *path, int err)
{
	if (err == -ENOENT)
		qn_error("'%s' cannot run: the interpreter it names is missing",
			 path);
	else
		qn_error("'%s' cannot run: %s", path, strerror(-err));
	return QN_EXIT_NOT_EXECUTABLE;
}

static bool is_privileged(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_ISUID) &&
	    st.st_uid != getuid())
		return true;
	if (stat(path, &st) == 0 && (st.st_mode & S_ISGID) &&
	    st.st_gid != getgid())
		return true;
	return geteuid() != 0 &&
	       getxattr(path, "security.capability", NULL, 0) > 0;
}

static const char for_musl[] =
	"It is a program for the C library musl, whose loader cannot load "
	"libquern.so, which is built for glibc: it ran without. Build the "
	"program for glibc to see its heap.";

static bool is_of_musl(const char *loader)
{
	const char *slash = strrchr(loader, '/');

	return !strncmp(slash ? slash + 1 : loader, "ld-musl-", 8);
}

static const char *obstacle_of_elf(const struct qn_elf *e)
{
	const char *loader;

	if (!e->header)
		return "It is a program for another word size (32 against 64 "
		       "bit), which cannot load this libquern.so.";
	if (!qn_elf_is_native(e))
		return "It is a program for another processor, which cannot "
		       "load this libquern.so.";
	loader = qn_elf_loader(e);
	if (loader && !*loader)
		return "It is linked statically, so nothing can be preloaded "
		       "into it. Link it dynamically, or against libquern.a.";
	return loader && is_of_musl(loader) ? for_musl : NULL;
}

/* ---- scripts ---- */

/* Scripts whose interpreter is a script, and so on, are followed so far */
#define MOST_SCRIPTS 4

/* The next word of a line, cut out of it; "" at its end */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t size = strcspn(word, " \t\n");

	*line = word + size + (word[size] && word[size] != '\n');
	word[size] = 0;
	return word;
}

static bool is_env(const char *name)
{
	const char *slash = strrchr(name, '/');

	return !strcmp(slash ? slash + 1 : name, "env");
}

/* What "env -S NAME=value program" runs; NULL: nothing that can be found */
static char *find_by_env(char *line)
{
	char *word, *found;

	do {
		word = next_word(&line);
	} while (*word == '-' || strchr(word, '='));
	if (!*word || strchr(word, '/'))
		return *word ? qn_xprintf("%s", word) : NULL;
	return search(word, &found) ? NULL : found;
}

/* The file that a script names; NULL: it is no script, or names none */
static char *interpreter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[256] = { 0 }, *line = head + 2, *name;
	ssize_t size = fd < 0 ? 0 : read(fd, head, sizeof(head) - 1);

	if (fd >= 0)
		close(fd);
	if (size <= 2 || memcmp(head, "#!", 2) != 0)
		return NULL;
	head[strcspn(head, "\n")] = 0;
	name = next_word(&line);
	if (!*name)
		return NULL;
	return is_env(name) ? find_by_env(line) : qn_xprintf("%s", name);
}

char *qn_program_image(const char *path)
{
	char *image = qn_xprintf("%s", path), *next;

	for (u32 i = 0; i < MOST_SCRIPTS; i++) {
		next = interpreter(image);
		if (!next)
			break;
		free(image);
		image = next;
	}
	return image;
}

static const char *obstacle_of_file(const char *path)
{
	char *image = qn_program_image(path);
	const char *obstacle = NULL;
	struct qn_elf e;

	if (!qn_elf_open(&e, image)) {
		obstacle = obstacle_of_elf(&e);
		qn_elf_close(&e);
	}
	free(image);
	return obstacle;
}

bool qn_program_is_for_musl(const char *path)
{
	return obstacle_of_file(path) == for_musl;
}

const char *qn_program_known_obstacle(const char *path)
{
	if (is_privileged(path))
		return "It changes its user, group or capabilities when it "
		       "starts, so the system keeps libraries from being "
		       "preloaded into it. Run it as the user it changes to.";
	return obstacle_of_file(path);
}

const char *qn_program_obstacle(const char *path)
{
	const char *obstacle = qn_program_known_obstacle(path);

	if (obstacle)
		return obstacle;
	return "It did not load libquern.so, or could not write its statistics "
	       "page. The system's loader says on stderr if it refused the "
	       "library; a program that clears its environment loses it.";
}

/* ---- the malloc that it gets ---- */

bool qn_program_has_malloc(const char *file, bool is_dynamic)
{
	struct qn_elf e;
	bool has;

	if (qn_elf_open(&e, file))
		return false;
	has = qn_elf_defines(&e, "malloc", is_dynamic);
	qn_elf_close(&e);
	return has;
}

/* What the loader would load, a line a file; the caller's, NULL on error */
static char *list_libraries(const char *loader, const char *image)
{
	char *argv[] = { (char *)(uintptr_t)loader, "--list",
			 (char *)(uintptr_t)image, NULL };
	int fd = memfd_create("libraries", MFD_CLOEXEC);
	int null = qn_launch_null();
	const struct qn_launch what = { .path = loader,
					.argv = argv,
					.envp = environ,
					.fd_in = null,
					.fd_out = fd,
					.fd_err = null };
	struct qn_outcome outcome = { 0 };
	char *text = NULL;
	off_t size;

	if (fd >= 0 && null >= 0 && !qn_launch(&what, &outcome) &&
	    !outcome.status && (size = lseek(fd, 0, SEEK_END)) >= 0) {
		text = qn_xrealloc(NULL, (size_t)size + 1);
		size = pread(fd, text, (size_t)size, 0);
		text[max(size, (off_t)0)] = 0;
	}
	if (fd >= 0)
		close(fd);
	if (null >= 0)
		close(null);
	return text;
}

/* Of "libx.so => /lib/libx.so (0x...)": the path; libraries are in the order of search */
static char *first_with_malloc(char *list)
{
	char *line, *path;

	while ((line = strsep(&list, "\n")) != NULL) {
		path = strchr(line, '/');
		if (!path)
			continue;
		path[strcspn(path, " ")] = 0;
		if (qn_program_has_malloc(path, true))
			return realpath(path, NULL);
	}
	return NULL;
}

char *qn_program_malloc(const char *path)
{
	char *image = qn_program_image(path), *found = NULL, *list = NULL;
	const char *loader;
	struct qn_elf e;

	if (qn_program_has_malloc(image, true))
		return image;
	if (!qn_elf_open(&e, image)) {
		loader = qn_elf_loader(&e);
		if (loader && *loader && qn_elf_is_native(&e))
			list = list_libraries(loader, image);
		qn_elf_close(&e);
	}
	if (list)
		found = first_with_malloc(list);
	free(list);
	free(image);
	return found;
}
