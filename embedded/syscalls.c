// SPDX-License-Identifier: MIT
/*
 * syscalls.c - what newlib asks of a system, over the console of this folder: stdio
 * writes there and reads nothing. There is no _sbrk(): memory comes from newlib.c.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"
#include "semihost.h"

int _write(int fd, const char *text, int size);
int _read(int fd, char *to, int size);
int _close(int fd);
int _lseek(int fd, int offset, int whence);
int _fstat(int fd, struct stat *st);
int _isatty(int fd);
int _kill(int pid, int signal);
int _getpid(void);
void _exit(int status);

int _write(int fd, const char *text, int size)
{
	print_write(fd == STDERR_FILENO ? PRINT_ERR : PRINT_OUT, text,
		    (size_t)size);
	return size;
}

int _fstat(int fd, struct stat *st)
{
	(void)fd;
	st->st_mode = S_IFCHR;
	st->st_blksize = 512;
	return 0;
}

int _isatty(int fd)
{
	return fd <= STDERR_FILENO;
}

int _read(int fd, char *to, int size)
{
	(void)fd, (void)to, (void)size;
	return 0;
}

int _close(int fd)
{
	(void)fd;
	errno = EBADF;
	return -1;
}

int _lseek(int fd, int offset, int whence)
{
	(void)fd, (void)offset, (void)whence;
	return 0;
}

int _kill(int pid, int signal)
{
	(void)pid, (void)signal;
	errno = EINVAL;
	return -1;
}

int _getpid(void)
{
	return 1;
}

void _exit(int status)
{
	semihost_exit(status);
}
