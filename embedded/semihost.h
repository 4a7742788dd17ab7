/* SPDX-License-Identifier: MIT */
/*
 * semihost.h - the firmware's console, command line, files and exit, by
 * semihosting.
 *
 * Lowest layer of embedded/. QEMU (system and user mode) or a debugger on the
 * host answers; on a board with neither, startup.c makes every call fail
 * quietly, so the same image also runs alone.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stddef.h>

enum semihost_stream {
	SEMIHOST_STDOUT = 4, /* values are the open modes "w" and "a" */
	SEMIHOST_STDERR = 8,
};

void semihost_write(enum semihost_stream to, const char *text, size_t size);

/**
 * semihost_cmdline() - the command line, the image's name first
 * @buf:	filled with a terminated string; "" if there is none
 * @size:	bytes at @buf
 */
void semihost_cmdline(char *buf, size_t size);

/**
 * semihost_file_size() - bytes of a file of the host
 * @path:	where, as the emulator or the debugger sees it
 *
 * Return: -1 if it cannot be read.
 */
long semihost_file_size(const char *path);

/**
 * semihost_read_file() - read the start of a file of the host
 * @path:	where
 * @buf:	filled with @size bytes
 * @size:	not more than the file has
 *
 * Return: 0 if it cannot be read, else 1.
 */
int semihost_read_file(const char *path, void *buf, size_t size);

/**
 * semihost_create() - an empty file of the host
 * @path:	where; what is there is overwritten
 *
 * Return: a handle, or -1 if it cannot be written.
 */
long semihost_create(const char *path);

/* Write to its end. Return: 0 if that failed, else 1. */
int semihost_append(long handle, const void *p, size_t size);

/* End the emulation; @status is what the emulator's process returns. */
void semihost_exit(int status) __attribute__((noreturn));

#endif /* SEMIHOST_H */
