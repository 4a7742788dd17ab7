/* SPDX-License-Identifier: MIT */
/*
 * report.h - text about each channel, in blocks that grow by realloc.
 */
#ifndef REPORT_H
#define REPORT_H

#include "channel.h"

/**
 * struct reporter - reports being written and reports kept
 * @open:	links to the report that each channel writes to, 0 for none
 * @closed:	finished ones, oldest first
 * @limit:	bytes that the finished ones may have
 * @nr_reports:	finished ever
 * @nr_cut:	finished early because they could not grow
 * @checksum:	over the text of those that were freed
 */
struct reporter {
	u32 open[NR_CHANNELS];
	struct fifo closed;
	u32 limit;
	u32 nr_reports;
	u32 nr_cut;
	u32 checksum;
};

/**
 * report_add() - write a line
 * @r:		the reports
 * @s:		where they are kept
 * @rng:	decides how long reports become
 * @channel:	whose report
 * @text:	the line
 * @size:	its bytes, at most 60
 */
void report_add(struct reporter *r, struct store *s, struct rng *rng,
		unsigned int channel, const char *text, u32 size);

/* Close and free all reports */
void report_exit(struct reporter *r, struct store *s);

#endif /* REPORT_H */
