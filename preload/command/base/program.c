// SPDX-License-Identifier: MIT
/*
 * program.c - the file behind a program's name, and what a preloaded library can
 * do with it.
 */
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "program.h"

#define NR_HEADERS 64

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

/* The file of the loader that a program names: "" if none, "?" if that cannot be told */
static void find_loader(int fd, const Elf64_Ehdr *elf, char *name, size_t size)
{
	Elf64_Phdr headers[NR_HEADERS];
	size_t nr = min((size_t)elf->e_phnum, (size_t)NR_HEADERS), i;
	ssize_t n;

	snprintf(name, size, "?");
	if (elf->e_phentsize != sizeof(headers[0]) ||
	    pread(fd, headers, nr * sizeof(headers[0]), (off_t)elf->e_phoff) !=
		    (ssize_t)(nr * sizeof(headers[0])))
		return;
	for (i = 0; i < nr && headers[i].p_type != PT_INTERP; i++)
		;
	if (i == nr) {
		*name = 0;
		return;
	}
	n = pread(fd, name, min(size - 1, (size_t)headers[i].p_filesz),
		  (off_t)headers[i].p_offset);
	name[max(n, (ssize_t)0)] = 0;
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

static const char *obstacle_of_elf(int fd, const Elf64_Ehdr *elf)
{
	static const unsigned char own_class =
		sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	char loader[256];

	if (elf->e_ident[EI_CLASS] != own_class)
		return "It is a program for another word size (32 against 64 "
		       "bit), which cannot load this libquern.so.";
	if (own_class != ELFCLASS64)
		return NULL;
	find_loader(fd, elf, loader, sizeof(loader));
	if (!*loader)
		return "It is linked statically, so nothing can be preloaded "
		       "into it. Link it dynamically, or against libquern.a.";
	return is_of_musl(loader) ? for_musl : NULL;
}

/* The interpreter of a script, cut out of its first line; NULL if there is none */
static char *interpreter(char *head)
{
	char *name = head + 2;

	name += strspn(name, " \t");
	name[strcspn(name, " \t\n")] = 0;
	return *name ? name : NULL;
}

static const char *obstacle_of_file(const char *path, bool follow)
{
	union {
		Elf64_Ehdr elf;
		char text[256];
	} head;

	const char *obstacle = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t size;

	if (fd < 0)
		return NULL;
	memset(&head, 0, sizeof(head));
	size = read(fd, &head, sizeof(head) - 1);
	if (size >= (ssize_t)sizeof(head.elf) &&
	    !memcmp(head.elf.e_ident, ELFMAG, SELFMAG))
		obstacle = obstacle_of_elf(fd, &head.elf);
	else if (follow && size > 2 && !memcmp(head.text, "#!", 2) &&
		 interpreter(head.text))
		obstacle = obstacle_of_file(interpreter(head.text), false);
	close(fd);
	return obstacle;
}

bool qn_program_is_for_musl(const char *path)
{
	return obstacle_of_file(path, true) == for_musl;
}

const char *qn_program_obstacle(const char *path)
{
	const char *obstacle;

	if (is_privileged(path))
		return "It changes its user, group or capabilities when it "
		       "starts, so the system keeps libraries from being "
		       "preloaded into it. Run it as the user it changes to.";
	obstacle = obstacle_of_file(path, true);
	if (obstacle)
		return obstacle;
	return "It did not load libquern.so, or could not write its statistics "
	       "page. The system's loader says on stderr if it refused the "
	       "library; a program that clears its environment loses it.";
}
