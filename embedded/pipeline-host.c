// SPDX-License-Identifier: MIT
/*
 * pipeline-host.c - the pipeline as a program for Linux, over the same core:
 * what it computes must agree with the firmware to the bit.
 *
 * Blocks are rounded to 16 bytes here and to 8 on the target, so the same
 * budget needs a little more heap; there is room for a larger one.
 */
#include <stdio.h>
#include <unistd.h>

#include "print.h"
#include "run.h"

#define HOST_SRAM ((size_t)4 << 20)
#define HOST_CCM  ((size_t)1 << 20)

static _Alignas(64) u8 sram[HOST_SRAM];
static _Alignas(64) u8 ccm[HOST_CCM];

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

static FILE *trace;

static bool create(const char *path)
{
	trace = fopen(path, "wb");
	return trace;
}

static bool send(void *arg, const void *p, size_t size)
{
	(void)arg;
	return fwrite(p, 1, size, trace) == size && !fflush(trace);
}

int main(int argc, char **argv)
{
	struct run_machine machine = {
		.sram = sram,
		.sram_size = sizeof(sram),
		.ccm = ccm,
		.ccm_size = sizeof(ccm),
		.create = create,
		.send = send,
	};

	return run_pipeline(&machine, argc, argv);
}
