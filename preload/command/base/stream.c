// SPDX-License-Identifier: MIT
/*
 * stream.c - "-", and pipes where a file is needed.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fail.h"
#include "interrupt.h"
#include "stream.h"
#include "text.h"

/* After so long a command says that it waits for standard input */
#define WAIT_MSEC 2000

bool qn_is_standard(const char *name)
{
	return name && !strcmp(name, "-");
}

/* ---- temporary files ---- */

char *qn_temp_path(const char *name)
{
	const char *parent = getenv("TMPDIR");

	return qn_xprintf("%s/%s", parent && *parent == '/' ? parent : "/tmp",
			  name);
}

static bool make_file(char *path)
{
	int fd = mkstemp(path);

	return fd >= 0 && !close(fd);
}

char *qn_temp_make(const char *name, bool is_dir, const char *room)
{
	char *path = qn_temp_path(name);

	if (is_dir ? mkdtemp(path) != NULL : make_file(path))
		return path;
	qn_error("cannot make '%s': %s; set TMPDIR to a directory with %s",
		 path, strerror(errno), room);
	free(path);
	return NULL;
}

int qn_temp_nameless(void)
{
	char *path = qn_temp_path("quern-XXXXXX");
	int fd = mkostemp(path, O_CLOEXEC);
	int err = fd < 0 ? -errno : fd;

	if (fd >= 0)
		unlink(path);
	free(path);
	return err;
}

int qn_write_all(int fd, const char *p, size_t size)
{
	ssize_t n;

	for (; size; p += n, size -= (size_t)n) {
		n = write(fd, p, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		n = max(n, (ssize_t)0);
	}
	return 0;
}

/* Not more than @most bytes; -E2BIG: there are more */
static int copy(int to, int from, u64 most)
{
	char buffer[65536];
	ssize_t n;
	int err = 0;

	while (!err) {
		n = read(from, buffer, sizeof(buffer));
		if (!n)
			return 0;
		if (n > 0 && (u64)n > most)
			return -E2BIG;
		if (n > 0) {
			err = qn_write_all(to, buffer, (size_t)n);
			most -= (u64)n;
		}
		if (n < 0 && (errno != EINTR || qn_interrupted()))
			err = -errno;
	}
	return err;
}

/* All that @from has to give, in a file that can be read anywhere */
static int spool(int from, u64 most)
{
	int fd = qn_temp_nameless();
	int err = fd < 0 ? fd : copy(fd, from, most);

	if (!err && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err ? err : -EIO;
}

int qn_stream_in(const char *name)
{
	bool is_standard = qn_is_standard(name);
	int fd = is_standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
			       open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int spooled;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
	     (S_ISCHR(st.st_mode) && !is_standard)))
		return fd;
	spooled = spool(fd, UINT64_MAX);
	close(fd);
	/* To be opened again, and read from where it begins */
	if (is_standard && spooled >= 0)
		dup2(spooled, STDIN_FILENO);
	return spooled;
}

/* A pipe that nobody writes to looks like a command that hangs */
static void tell_of_waiting(int fd)
{
	struct pollfd at = { .fd = fd, .events = POLLIN };

	if (poll(&at, 1, WAIT_MSEC) == 0)
		qn_error("waiting for standard input, which is read to its end "
			 "first; without input: </dev/null");
}

/* The same file, not to be written; whatever is not to be had without /proc */
static int make_readonly(int fd)
{
	char *name = qn_xprintf("/proc/self/fd/%d", fd);
	int readonly = open(name, O_RDONLY | O_CLOEXEC);

	free(name);
	if (readonly < 0)
		return fd;
	close(fd);
	return readonly;
}

int qn_stream_keep_input(void)
{
	int fd;

	tell_of_waiting(STDIN_FILENO);
	fd = spool(STDIN_FILENO, QN_STREAM_KEPT_MOST);
	if (fd >= 0)
		return make_readonly(fd);
	if (fd == -E2BIG)
		qn_error("standard input is longer than the %s that are kept "
			 "of a pipe; give it as a file: <FILE",
			 qn_text_size(QN_STREAM_KEPT_MOST).s);
	else if (!qn_interrupted())
		qn_error("cannot keep standard input: %s; set TMPDIR to a "
			 "directory with room for it, or give it as a file: "
			 "<FILE",
			 strerror(-fd));
	return fd;
}

FILE *qn_stream_out(const char *name)
{
	int fd;

	if (!qn_is_standard(name))
		return fopen(name, "w+e");
	fd = qn_temp_nameless();
	errno = fd < 0 ? -fd : errno;
	return fd < 0 ? NULL : fdopen(fd, "w+");
}

static int copy_to_stdout(FILE *out)
{
	if (fflush(out) || fflush(stdout) || lseek(fileno(out), 0, SEEK_SET))
		return -errno;
	return copy(STDOUT_FILENO, fileno(out), UINT64_MAX);
}

/* A write before failed, and nobody knows why any more: the next one tells */
static int why_it_failed(FILE *out)
{
	clearerr(out);
	errno = 0;
	if (fputc('\n', out) == EOF || fflush(out))
		return errno;
	return EIO;
}

FILE *qn_stream_beside(const char *name)
{
	return qn_is_standard(name) ? stderr : stdout;
}

int qn_stream_close(FILE *out, const char *name)
{
	int err = ferror(out) ? -why_it_failed(out) : 0;

	if (!err && qn_is_standard(name))
		err = copy_to_stdout(out);
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

static void close_stdout(void)
{
	int err = ferror(stdout) ? why_it_failed(stdout) : 0;

	errno = 0;
	if (fclose(stdout) && !err)
		err = errno ? errno : EIO;
	if (!err)
		return;
	qn_error("cannot write to standard output: %s", strerror(err));
	fflush(stderr);
	_exit(QN_EXIT_FAILURE);
}

void qn_stream_watch_stdout(void)
{
	atexit(close_stdout);
}
