/* SPDX-License-Identifier: MIT */
/*
 * app.h - the application of a trial, one per image.
 *
 * app-pipeline.c has the pipeline of embedded/, in C; bench/rust the same work in Rust.
 */
#ifndef APP_H
#define APP_H

#include "heap-ops.h"
#include "pipeline.h"

/**
 * struct app_result - what came of a run
 * @peak:	bytes asked for and not yet freed, at the most
 * @peak_nr:	blocks then
 * @checksum:	over all that was processed
 * @nr_failed:	calls of the heap that returned NULL
 * @is_bad:	something was damaged, or never freed
 */
struct app_result {
	u32 peak;
	u32 peak_nr;
	u32 checksum;
	u32 nr_failed;
	bool is_bad;
};

/**
 * app_init() - ready to run
 * @config:	copied
 * @heap:	kept
 * @base:	below every block
 */
void app_init(const struct pipeline_config *config, const struct heap_ops *heap,
	      const void *base);

/* One tick, and the idle time after it. Return: true if there is more to do. */
bool app_tick(void);

/* Free all, and say what came of it */
void app_exit(struct app_result *result);

#endif /* APP_H */
