// SPDX-License-Identifier: MIT
/*
 * process-figures.c - figures of a process that are asked for, and the last ones.
 */
#include "process/process-internal.h"

#include <sys/resource.h>

#include "port/sys.h"

#include "process/guest.h"

/* ---- figures that are asked for ---- */

__apart struct qn_stats_page *qn_process_stats(void)
{
	if (!qn_process_is_ready && !qn_process_hub_start())
		return NULL;
	if (qn_hard_is_on())
		qn_hard_tell();
	qn_hub_refresh(&qn_hub);
	return qn_hub.page;
}

__apart struct qn_stats_page *qn_process_tally(struct qn_tally *t)
{
	struct qn_local *l = NULL;

	if (!qn_process_is_ready && !qn_process_hub_start())
		return NULL;
	/* An engine's blocks are all known to the page */
	if (!qn_guest_is_on())
		l = qn_process_self();
	else if (qn_hard_is_on())
		qn_hard_tell();
	qn_tally(t, &qn_hub, l);
	if (l)
		qn_process_self_put(l);
	return qn_hub.page;
}

/* ---- the last ones ---- */

/* What the kernel knows of the process; nobody may wait for it */
static __apart void page_note_usage(struct qn_stats_page *page)
{
	struct rusage u;

	if (qn_sys3(SYS_getrusage, RUSAGE_SELF, (long)&u, 0))
		return;
	page->cpu_usec =
		(u64)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
		(u64)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	page->peak_resident = (u64)u.ru_maxrss * 1024;
}

__apart void qn_process_finish(void)
{
	const struct qn_conf *conf = &qn_hub.conf;

	if (!qn_process_is_ready)
		return;
	if (qn_self != &qn_local_none)
		qn_local_account_end(qn_self);
	if (qn_self_apart != &qn_local_none)
		qn_local_account_end(qn_self_apart);
	if (qn_hard_is_on())
		qn_hard_tell();
	/* Of others that run it is not known what waits in their lists */
	if (qn_hub.page->nr_threads <= (qn_self != &qn_local_none))
		qn_hub.page->exact |= QN_STATS_EXACT_COUNT;
	qn_hub_refresh(&qn_hub);
	page_note_usage(qn_hub.page);
	qn_hub.page->end_usec = qn_port_clock();
	qn_hub.page->state = QN_STATS_EXITED;
	qn_process_live_finish();
	if (conf->report[0])
		qn_process_report(conf->report);
}
