// SPDX-License-Identifier: MIT
/*
 * semihost.c - the semihosting calls that quern's firmware needs.
 *
 * One object serves every way of running: M-profile cores trap with bkpt 0xab,
 * A-profile cores (which QEMU's user mode emulates in versions that lack
 * M-profile there) with svc 0xab. The two are told apart at run time.
 */
#include <stdint.h>

#include "semihost.h"

enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITE = 0x05,
	SYS_READ = 0x06,
	SYS_FLEN = 0x0c,
	SYS_GET_CMDLINE = 0x15,
	SYS_EXIT_EXTENDED = 0x20,
};

/* Reason for SYS_EXIT_EXTENDED under which the status is handed on */
#define APPLICATION_EXIT 0x20026u

/*
 * The same encoding reads APSR on M-profile, where the low bits are zero, and
 * CPSR on A-profile, where they are the processor's mode, never zero.
 */
static int is_a_profile(void)
{
	uint32_t psr;

	__asm__ volatile("mrs %0, apsr" : "=r"(psr));
	return psr & 0x1f;
}

static intptr_t call(uint32_t op, const void *args)
{
	register uint32_t r0 __asm__("r0") = op;
	register const void *r1 __asm__("r1") = args;

	if (is_a_profile())
		__asm__ volatile("svc 0xab" : "+r"(r0) : "r"(r1) : "memory");
	else
		__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return (intptr_t)r0;
}

/* Opening modes "rb", "wb" */
#define MODE_READ  1
#define MODE_WRITE 5

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static intptr_t open_file(const char *path, uintptr_t mode)
{
	const uintptr_t args[] = { (uintptr_t)path, mode, length(path) };

	return call(SYS_OPEN, args);
}

static void close_file(intptr_t handle)
{
	const uintptr_t args[] = { (uintptr_t)handle };

	call(SYS_CLOSE, args);
}

long semihost_file_size(const char *path)
{
	intptr_t handle = open_file(path, MODE_READ);
	const uintptr_t args[] = { (uintptr_t)handle };
	long size;

	if (handle == -1)
		return -1;
	size = call(SYS_FLEN, args);
	close_file(handle);
	return size;
}

int semihost_read_file(const char *path, void *buf, size_t size)
{
	intptr_t handle = open_file(path, MODE_READ);
	const uintptr_t args[] = { (uintptr_t)handle, (uintptr_t)buf, size };
	intptr_t rest;

	if (handle == -1)
		return 0;
	rest = call(SYS_READ, args);
	close_file(handle);
	return rest == 0;
}

long semihost_create(const char *path)
{
	return open_file(path, MODE_WRITE);
}

int semihost_append(long handle, const void *p, size_t size)
{
	const uintptr_t args[] = { (uintptr_t)handle, (uintptr_t)p, size };

	return call(SYS_WRITE, args) == 0;
}

static intptr_t console(enum semihost_stream mode)
{
	const uintptr_t args[] = { (uintptr_t) ":tt", mode, 3 };

	return call(SYS_OPEN, args);
}

void semihost_write(enum semihost_stream to, const char *text, size_t size)
{
	static intptr_t out = -1, err = -1;
	intptr_t *handle = to == SEMIHOST_STDOUT ? &out : &err;
	uintptr_t args[3];

	if (*handle == -1)
		*handle = console(to);
	args[0] = (uintptr_t)*handle;
	args[1] = (uintptr_t)text;
	args[2] = size;
	call(SYS_WRITE, args);
}

void semihost_cmdline(char *buf, size_t size)
{
	uintptr_t args[] = { (uintptr_t)buf, size };

	buf[0] = '\0';
	if (call(SYS_GET_CMDLINE, args) != 0)
		buf[0] = '\0';
}

void semihost_exit(int status)
{
	const uintptr_t args[] = { APPLICATION_EXIT, (uintptr_t)status };

	call(SYS_EXIT_EXTENDED, args);
	for (;;)
		__asm__ volatile("wfe");
}
