// SPDX-License-Identifier: MIT
/*
 * progress.c - one line on stderr that says how far a long task is.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "progress.h"
#include "text.h"

/* Some ten million are read in a second */
#define EVENTS_STEP (2u << 20)

static bool is_shown;

bool qn_progress_is_live(void)
{
	return isatty(STDERR_FILENO);
}

void qn_progress(const char *format, ...)
{
	bool is_live = qn_progress_is_live();
	va_list args;

	va_start(args, format);
	fputs(is_live ? "\r\033[K" : "", stderr);
	vfprintf(stderr, format, args);
	fputs(is_live ? "" : "\n", stderr);
	fflush(stderr);
	va_end(args);
	is_shown = is_live;
}

void qn_progress_events(u64 nr, u64 all)
{
	if (nr % EVENTS_STEP || !qn_progress_is_live())
		return;
	qn_progress("quern: read %s of %s events", qn_text_count(nr).s,
		    qn_text_count(all).s);
}

void qn_progress_clear(void)
{
	if (is_shown)
		fputs("\r\033[K", stderr);
	is_shown = false;
}
