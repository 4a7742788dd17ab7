// SPDX-License-Identifier: MIT
/*
 * process-page.c - the statistics page of a process: who it is, and the file it lies in.
 *
 * The heap writes counters into the page (format/statspage.h). This file makes others see
 * it; process-live.c does where it is a file for live views. Order: the page, its file, a
 * child's page.
 */
#include "process/process-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "format/print.h"
#include "port/sys.h"

#include "process/control.h"
#include "process/process-sites.h"

_Static_assert(sizeof(struct qn_stats_page) <= QN_UNIT_SIZE,
	       "the statistics page has a unit of its own");

/* ---- the page ---- */

void qn_process_page_init(struct qn_stats_page *page, u64 start)
{
	page->magic = QN_STATS_MAGIC;
	page->version = QN_STATS_VERSION;
	page->size = sizeof(*page);
	page->state = QN_STATS_RUNNING;
	page->start_usec = start ? start : qn_port_clock();
	__builtin_memcpy(page->policy, "rule", sizeof("rule"));
}

__apart void qn_process_page_sign(struct qn_stats_page *page)
{
	page->pid = (u32)qn_sys3(SYS_getpid, 0, 0, 0);
	page->ppid = (u32)qn_sys3(SYS_getppid, 0, 0, 0);
	qn_sys3(SYS_prctl, PR_GET_NAME, (long)page->exe, 0);
}

/* ---- its file ---- */

/*
 * DIR/PID.qstat, or DIR/PID.N.qstat where an earlier program had the number
 *
 * Return: a descriptor or -errno.
 */
static int stats_open(const char *dir)
{
	char path[sizeof(qn_hub.conf.stats) + 40];
	int fd = -EEXIST;

	for (unsigned int i = 0; i < 1000 && fd == -EEXIST; i++) {
		struct qn_print to = { path, sizeof(path) };

		qn_print(&to, dir);
		qn_print(&to, "/");
		qn_print_number(&to, qn_hub.page->pid);
		if (i) {
			qn_print(&to, ".");
			qn_print_number(&to, i);
		}
		qn_print(&to, ".qstat");
		fd = (int)qn_sys6(SYS_openat, AT_FDCWD, (long)path,
				  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
				  0, 0);
	}
	return fd;
}

/* Other memory at the page's place: the file @fd, or nobody's if it is -1 */
static void page_map(size_t size, int flags, int fd)
{
	qn_sys6(SYS_mmap, (long)qn_hub.page, (long)size, PROT_READ | PROT_WRITE,
		flags | MAP_FIXED, fd, 0);
}

__apart bool qn_process_page_map(int fd)
{
	size_t size = round_up(sizeof(*qn_hub.page), qn_port_page_size());

	/* Others may ask as soon as the file has the page */
	qn_control_begin(&qn_hub);
	if (qn_sys6(SYS_pwrite64, fd, (long)qn_hub.page, (long)size, 0, 0, 0) !=
	    (long)size) {
		qn_control_end(&qn_hub);
		return false;
	}
	page_map(size, MAP_SHARED, fd);
	return true;
}

__apart void qn_process_page_publish(const char *dir)
{
	size_t size = round_up(sizeof(*qn_hub.page), qn_port_page_size());
	bool is_locked;
	int fd;

	qn_process_page_sign(qn_hub.page);
	fd = stats_open(dir);
	if (fd < 0) {
		static const char text[] =
			"quern: cannot make a statistics file in the directory "
			"that QUERN_CONF=stats: names; going on without\n";

		if (fd != -ENOENT || !strstr(dir, "/" QN_STATS_RUN_DIR))
			qn_port_write(text, sizeof(text) - 1);
		return;
	}
	/* In a child of a signal handler this thread may hold it, or one that is gone */
	is_locked = qn_port_trylock(&qn_hub.learn);
	qn_process_page_map(fd);
	if (is_locked)
		qn_port_unlock(&qn_hub.learn);
	qn_process_sites_map(&qn_hub, fd, round_up(size, (size_t)65536));
	qn_sys3(SYS_close, fd, 0, 0);
}

/* ---- a child's page ---- */

/*
 * Other memory, with the figures so far, takes the place of the file. The thread that forked
 * may have little stack, and the child has no other.
 */
__apart void qn_process_page_leave(void)
{
	size_t size = round_up(sizeof(*qn_hub.page), qn_port_page_size());
	static __bss_apart struct qn_stats_page copy;

	copy = *qn_hub.page;
	page_map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	*qn_hub.page = copy;
}

static void life_restart(struct qn_stats_life *life)
{
	memset(life->by_bytes, 0, sizeof(life->by_bytes));
	memset(life->by_time, 0, sizeof(life->by_time));
	life->nr_ended = 0;
	life->nr_grown = 0;
	life->nr_shrunk = 0;
	life->grown_from = 0;
	life->grown_to = 0;
}

/* What the child did not do itself does not belong into its figures */
__apart void qn_process_page_restart(struct qn_stats_page *page)
{
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		page->classes[c].nr_allocs = 0;
	page->nr_large = 0;
	page->large_total = 0;
	page->nr_threads = qn_self != &qn_local_none;
	page->nr_threads_total = page->nr_threads;
	page->nr_remote = 0;
	page->nr_failed = 0;
	qn_hub.ledger.nr_samples = 0;
	page->nr_samples = 0;
	page->sample_ns = 0;
	page->nr_slices = 0;
	page->nr_changes = 0;
	qn_hub.ledger.peak_live = qn_ledger_get(&qn_hub.ledger.live);
	page->peak_live = qn_hub.ledger.peak_live;
	memset(&page->at_live, 0, sizeof(page->at_live));
	page->peak_used = 0;
	page->refreshed = 0;
	qn_hub.is_peak_new = qn_hub.is_watched;
	for (unsigned int i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		life_restart(&page->lives[i]);
	memset(&page->trend, 0, sizeof(page->trend));
	memset(&page->decisions, 0, sizeof(page->decisions));
	page->engine.asked = 0;
	page->engine.served = 0;
	page->engine.by_table = 0;
	qn_resident_restart(&qn_hub.segments.resident);
}
