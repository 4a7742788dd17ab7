// SPDX-License-Identifier: MIT
/*
 * pipeline-main.c - the pipeline as firmware: on the STM32F407, and in QEMU's
 * system and user mode.
 */
#include "board.h"
#include "run.h"
#include "semihost.h"

static long trace;

static bool create(const char *path)
{
	trace = semihost_create(path);
	return trace >= 0;
}

static bool send(void *arg, const void *p, size_t size)
{
	(void)arg;
	return semihost_append(trace, p, size);
}

int main(int argc, char **argv)
{
	struct board_memory sram = board_sram();
	struct board_memory ccm = board_ccm();
	struct run_machine machine = {
		.sram = sram.start,
		.sram_size = sram.size,
		.ccm = ccm.start,
		.ccm_size = ccm.size,
		.create = create,
		.send = send,
	};

	board_counter_init(&machine.counter);
	return run_pipeline(&machine, argc, argv);
}
