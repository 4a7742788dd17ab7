// SPDX-License-Identifier: MIT
/*
 * process-report.c - figures of the process as text: OpenMetrics, and a short report.
 *
 * The command's report says more, in the same words; this one needs nobody who waits for the
 * process. Both are put together by hand (format/print.h).
 */
#include "process/process-internal.h"

#include <fcntl.h>
#include <string.h>

#include "port/sys.h"

#define REPORT_BYTES 2048

/* ---- figures ---- */

static __apart u64 allocations(const struct qn_stats_page *page)
{
	u64 nr = READ_ONCE(page->nr_large);

	for (unsigned int c = 1; c < QN_STATS_CLASSES; c++)
		nr += READ_ONCE(page->classes[c].nr_allocs);
	return nr;
}

/* Free, and pinned by blocks in use */
static __apart u64 pinned(const struct qn_stats_page *page)
{
	u64 held = READ_ONCE(page->carved) + READ_ONCE(page->large);

	return held - min(held, READ_ONCE(page->live));
}

/* What the heap can keep resident; blocks between marks are live and not carved */
static __apart u64 resident(const struct qn_stats_page *page)
{
	return READ_ONCE(page->live) + pinned(page) + READ_ONCE(page->dirty) +
	       READ_ONCE(page->metadata);
}

/* A name of the program's: nothing that has a meaning between quotes */
static __apart void print_name(struct qn_print *p, const char *name,
			       size_t most)
{
	char text[2] = "";

	for (; most-- > 0 && *name; name++) {
		text[0] = *name < ' ' || *name > '~' || *name == '"' ||
					  *name == '\\' ?
				  '_' :
				  *name;
		qn_print(p, text);
	}
}

/* ---- OpenMetrics ---- */

/**
 * struct metric - a family of one sample
 * @name:	without what its kind adds
 * @unit:	the end of its name, or ""
 * @is_counter:	it never falls
 * @help:	what it is
 */
struct metric {
	const char *name;
	const char *unit;
	bool is_counter;
	const char *help;
};

static __apart void print_labels(struct qn_print *p,
				 const struct qn_stats_page *page)
{
	qn_print(p, "{pid=\"");
	qn_print_number(p, page->pid);
	qn_print(p, "\",program=\"");
	print_name(p, page->exe, sizeof(page->exe));
	qn_print(p, "\",policy=\"");
	print_name(p, page->policy, sizeof(page->policy));
	qn_print(p, "\"} ");
}

static __apart void print_comment(struct qn_print *p, const char *what,
				  const char *name, const char *text)
{
	qn_print(p, "# ");
	qn_print(p, what);
	qn_print(p, " ");
	qn_print(p, name);
	qn_print(p, " ");
	qn_print(p, text);
	qn_print(p, "\n");
}

static __apart void print_head(struct qn_print *p, const struct metric *m)
{
	print_comment(p, "TYPE", m->name, m->is_counter ? "counter" : "gauge");
	if (m->unit[0])
		print_comment(p, "UNIT", m->name, m->unit);
	print_comment(p, "HELP", m->name, m->help);
}

/* @micro: millionths of the unit, if @is_micro */
static __apart void print_metric(struct qn_print *p,
				 const struct qn_stats_page *page,
				 const struct metric *m, u64 value,
				 bool is_micro)
{
	print_head(p, m);
	qn_print(p, m->name);
	if (m->is_counter)
		qn_print(p, "_total");
	print_labels(p, page);
	if (is_micro)
		qn_print_micro(p, value);
	else
		qn_print_number(p, value);
	qn_print(p, "\n");
}

/* clang-format off */
#define GAUGE(name, unit, help, value) \
	print_metric(p, page, &(const struct metric){ name, unit, false, help }, value, false)
#define COUNTER(name, unit, help, value) \
	print_metric(p, page, &(const struct metric){ name, unit, true, help }, value, false)
#define WORD(member) READ_ONCE(page->member)

/* clang-format on */

static __apart void print_memory(struct qn_print *p,
				 const struct qn_stats_page *page)
{
	GAUGE("quern_heap_live_bytes", "bytes",
	      "Blocks in use by the program, as served.", WORD(live));
	GAUGE("quern_heap_live_peak_bytes", "bytes",
	      "The highest quern_heap_live_bytes so far.", WORD(peak_live));
	GAUGE("quern_heap_pinned_bytes", "bytes",
	      "Free memory that blocks in use keep from being returned.",
	      pinned(page));
	GAUGE("quern_heap_kept_bytes", "bytes",
	      "Free memory that is kept for reuse.", WORD(dirty));
	GAUGE("quern_heap_metadata_bytes", "bytes",
	      "Memory of the allocator itself.", WORD(metadata));
	GAUGE("quern_heap_resident_bytes", "bytes",
	      "All of these: what the heap can keep resident.", resident(page));
	GAUGE("quern_heap_reserved_bytes", "bytes",
	      "Address space of the heap.", WORD(reserved));
}

static __apart void print_events(struct qn_print *p,
				 const struct qn_stats_page *page)
{
	COUNTER("quern_allocations", "", "Blocks handed out.",
		allocations(page));
	COUNTER("quern_allocations_failed", "", "Requests that were refused.",
		WORD(nr_failed));
	COUNTER("quern_remote_frees", "",
		"Blocks freed by another thread than their owner.",
		WORD(nr_remote));
	COUNTER("quern_purged_bytes", "bytes", "Memory returned to the system.",
		WORD(purged));
	COUNTER("quern_refault_bytes", "bytes",
		"Returned memory that was wanted back soon.", WORD(refaults));
	COUNTER("quern_samples", "", "Requests that were sampled.",
		WORD(nr_samples));
	COUNTER("quern_decisions", "",
		"Changes of the granule table and of knobs.", WORD(nr_changes));
	GAUGE("quern_threads", "", "Threads with a cache of the heap.",
	      WORD(nr_threads));
	GAUGE("quern_table_generation", "", "Number of the granule table.",
	      WORD(generation));
}

__apart void qn_process_print_metrics(struct qn_print *p,
				      const struct qn_stats_page *page)
{
	static const struct metric pressure = { "quern_memory_pressure_ratio",
						"ratio", false,
						"How scarce memory is." };
	static const struct metric price = {
		"quern_price_gigabyte_seconds", "gigabyte_seconds", false,
		"GB-seconds of memory that one CPU-second is worth."
	};

	print_memory(p, page);
	print_events(p, page);
	print_metric(p, page, &pressure, (u64)WORD(pressure) * 1000000 / 1024,
		     true);
	print_metric(p, page, &price, (u64)qn_hub_knobs(&qn_hub)->price * 1000,
		     true);
	qn_print(p, "# EOF\n");
}

/* ---- the short report ---- */

static __apart void print_line(struct qn_print *p, const char *label, u64 bytes,
			       const char *then)
{
	qn_print(p, label);
	qn_print_size(p, bytes);
	qn_print(p, then);
}

static __apart void print_report(struct qn_print *p,
				 const struct qn_stats_page *page)
{
	qn_print(p, "quern: heap of ");
	print_name(p, page->exe, sizeof(page->exe));
	qn_print(p, " (pid ");
	qn_print_number(p, page->pid);
	qn_print(p, ") at exit, policy ");
	print_name(p, page->policy, sizeof(page->policy));
	print_line(p, "\n  in use by the program          ", WORD(live), "");
	print_line(p, ", at most ", WORD(peak_live), "\n");
	print_line(p, "  free, pinned by blocks in use  ", pinned(page), "\n");
	print_line(p, "  free, kept for reuse           ", WORD(dirty), "\n");
	print_line(p, "  quern itself                   ", WORD(metadata),
		   "\n");
	print_line(p, "  together                       ", resident(page), "");
	print_line(p, "; the process at most ", WORD(peak_resident), "\n");
	qn_print(p, "  allocations                    ");
	qn_print_number(p, allocations(page));
	print_line(p, "\n  returned to the system         ", WORD(purged), "");
	print_line(p, ", wanted back soon ", WORD(refaults), "\n");
	qn_print(p,
		 "  quern run -- PROGRAM tells more, --sites whose memory it "
		 "is\n");
}

__apart void qn_process_report(const char *where)
{
	const long flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
	char path[sizeof(qn_hub.conf.report) + 12] = "", text[REPORT_BYTES];
	struct qn_print p = { text, sizeof(text) };
	struct qn_print name = { path, sizeof(path) };
	long fd;

	/* A shell has a child for each command that it takes the output of */
	if (qn_hub.nr_forks && !strstr(where, "%p"))
		return;
	print_report(&p, qn_hub.page);
	if (!strcmp(where, "stderr")) {
		qn_port_write(text, (size_t)(p.at - text));
		return;
	}
	qn_print_path(&name, where, qn_hub.page->pid);
	fd = qn_sys6(SYS_openat, AT_FDCWD, (long)path, flags, 0666, 0, 0);
	if (fd < 0) {
		static const char no[] __rodata_apart =
			"quern: cannot write the file of QUERN_CONF=report:FILE; "
			"check its path and rights\n";

		qn_port_write(no, sizeof(no) - 1);
		return;
	}
	qn_sys3(SYS_write, fd, (long)text, p.at - text);
	qn_sys3(SYS_close, fd, 0, 0);
}
