// SPDX-License-Identifier: MIT
/*
 * app-pipeline.c - the pipeline of embedded/ as the application of a trial.
 */
#include "app.h"

static struct pipeline pipeline;

void app_init(const struct pipeline_config *config, const struct heap_ops *heap,
	      const void *base)
{
	pipeline_init(&pipeline, config, heap, base);
}

bool app_tick(void)
{
	return pipeline_tick(&pipeline);
}

void app_exit(struct app_result *result)
{
	const struct store *s = &pipeline.store;
	bool is_sound = pipeline_check(&pipeline);

	pipeline_exit(&pipeline);
	*result = (struct app_result){
		.peak = s->peak,
		.peak_nr = s->peak_nr,
		.checksum = pipeline_checksum(&pipeline),
		.nr_failed = s->nr_failed,
		.is_bad = !is_sound || s->nr_damaged || s->live,
	};
}
