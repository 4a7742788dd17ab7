// SPDX-License-Identifier: MIT
/*
 * host.c - what the examples need of a machine with an operating system: where text
 * goes.
 */
#include <unistd.h>

#include "print.h"

void print_write(enum print_stream to, const char *text, size_t size)
{
	int fd = to == PRINT_OUT ? STDOUT_FILENO : STDERR_FILENO;

	while (size) {
		ssize_t n = write(fd, text, size);

		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}
