// SPDX-License-Identifier: MIT
/*
 * cmd-flame.c - quern flame: whose memory it is, as a picture or for other tools; from a
 * trace, from the statistics file of a run, or from a process that lives.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/options.h"
#include "command/base/proc.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "command/flame/flame.h"
#include "command/report/pages.h"
#include "flame-trace.h"

/* In the order of the words of --of: the first is what suits the file */
enum flame_of {
	OF_ANY,
	OF_PEAK,
};

/**
 * struct request - one call of quern flame
 * @file:	a trace or a statistics file; NULL: @pid
 * @output:	--output
 * @of:		--of
 * @pid:	--pid; 0: none
 * @process:	--process
 * @is_folded, @is_pprof, @is_massif, @is_speedscope: one at most
 * @is_whole:	--all
 */
struct request {
	const char *file;
	const char *output;
	enum flame_of of;
	u32 pid;
	u32 process;
	bool is_folded;
	bool is_pprof;
	bool is_massif;
	bool is_speedscope;
	bool is_whole;
};

/* ---- output ---- */

static int put(FILE *out, const struct request *q, const struct qn_flame *f,
	       enum qn_flame_of of)
{
	int err = 0;

	if (q->is_folded)
		qn_flame_folded(out, f, of);
	else if (q->is_massif)
		qn_flame_massif(out, f);
	else if (q->is_speedscope)
		err = qn_flame_speedscope(out, f, of);
	else if (q->is_pprof)
		err = qn_flame_pprof(out, f, of);
	else
		qn_flame_svg(out, f, of, true);
	if (err == -ENOTSUP)
		qn_error(
			"this command was built without zlib, which --pprof "
			"needs (Debian: apt-get install zlib1g-dev, then build "
			"it again)");
	return err;
}

static int write_out(const struct request *q, const struct qn_flame *f,
		     enum qn_flame_of of)
{
	const char *name = q->output ?: "-";
	FILE *out = qn_stream_out(name);
	int err, closed;

	if (!out) {
		qn_error_write(name, -errno);
		return -errno;
	}
	err = put(out, q, f, of);
	closed = qn_stream_close(out, name);
	if (!err && closed)
		qn_error_write(name, closed);
	return err ?: closed;
}

/* What was asked for, or what there is most to say of */
static int choose(const struct request *q, const struct qn_flame *f,
		  enum qn_flame_of *of)
{
	if (q->of != OF_ANY)
		*of = (enum qn_flame_of)(q->of - OF_PEAK);
	else if (f->has_peak)
		*of = QN_FLAME_PEAK;
	else
		*of = qn_flame_total(f, QN_FLAME_LEAKED) ? QN_FLAME_LEAKED :
							   QN_FLAME_BYTES;
	if (*of == QN_FLAME_PEAK && !f->has_peak)
		qn_error("samples do not tell what was in use at the peak: ask "
			 "for --of=leaked or --of=bytes, or record a trace "
			 "(quern record --sites)");
	else if (!qn_flame_total(f, *of))
		qn_error("there is nothing to draw: %s: none",
			 qn_flame_about(f, *of));
	else
		return 0;
	return -EINVAL;
}

static int draw(const struct request *q, struct qn_flame *f)
{
	enum qn_flame_of of;
	int err;

	f->is_whole = q->is_whole;
	err = choose(q, f, &of);
	return err ?: write_out(q, f, of);
}

/* ---- a trace ---- */

static int draw_trace(struct request *q, const char *file)
{
	struct qn_flame_trace t;
	int err = qn_flame_trace_open(&t, file, &q->process);

	if (err)
		return err;
	if (t.flame.nr) {
		err = draw(q, &t.flame);
	} else {
		qn_error("%s holds no call sites: record it with --sites",
			 file);
		err = -ENODATA;
	}
	qn_flame_trace_close(&t);
	return err;
}

/* ---- samples ---- */

static int draw_samples(const struct request *q, const char *file,
			const struct qn_stats_page *page,
			const struct qn_sites_page *sites)
{
	struct qn_sitelist list = { .is_kept = false };
	struct qn_symbols symbols;
	struct qn_flame f;
	char exe[sizeof(page->exe)];
	int err = 0;

	qn_text_clean(exe, sizeof(exe), page->exe);
	qn_symbols_init(&symbols, "", 0);
	qn_sitelist_add(&list, sites);
	qn_flame_of_samples(&f, exe, &list, &symbols);
	if (page->end_usec > page->start_usec)
		f.end_ms = (page->end_usec - page->start_usec) / 1000;
	if (f.nr) {
		err = draw(q, &f);
	} else {
		qn_error("%s: no request was sampled yet; --conf=sample:4K "
			 "takes more samples",
			 file);
		err = -ENODATA;
	}
	qn_flame_exit(&f);
	qn_sitelist_exit(&list);
	qn_symbols_exit(&symbols);
	return err;
}

static int draw_page(const struct request *q, const char *file, int fd)
{
	struct qn_stats_page page;
	struct qn_sites_page *sites;
	char error[QN_PAGE_ERROR];
	int err = qn_page_read_at(fd, &page, &sites, error);

	if (err) {
		qn_error("%s %s", file, error);
		return err;
	}
	if (!sites) {
		qn_error("%s holds no call sites: the program has to run with "
			 "`quern run --sites` or QUERN_CONF=sites:1",
			 file);
		return -ENODATA;
	}
	err = draw_samples(q, file, &page, sites);
	free(sites);
	return err;
}

/* ---- a process ---- */

/* The statistics file that a process has mapped; to be freed, NULL: it has none */
static char *page_of(u32 pid)
{
	char *maps = qn_proc_read((pid_t)pid, "maps"), *name, *found = NULL;

	name = maps ? qn_maps_find(maps, ".qstat\n") : NULL;
	/* As the process sees it: it may be in a container */
	if (name)
		found = qn_xprintf("/proc/%u/root%s", pid, name);
	free(name);
	free(maps);
	return found;
}

static int refuse_pid(u32 pid)
{
	char *maps = qn_proc_read((pid_t)pid, "maps");

	if (maps)
		qn_error("process %u shows no statistics: start it by "
			 "`quern run --sites`, or with "
			 "QUERN_CONF=sites:1,stats:DIR",
			 pid);
	else if (errno == ENOENT)
		qn_error("there is no process %u", pid);
	else
		qn_error("cannot look into process %u: %s; ask as its user, or "
			 "as root",
			 pid, strerror(errno));
	free(maps);
	return -ENODATA;
}

/* ---- all of it ---- */

/* A pipe has given what it had: that takes the place of standard input */
static const char *name_again(const char *file, int fd)
{
	struct stat st;

	if (stat(file, &st) || !S_ISFIFO(st.st_mode))
		return file;
	dup2(fd, STDIN_FILENO);
	return "-";
}

static int draw_file(struct request *q, const char *file)
{
	u32 magic = 0;
	int fd = qn_stream_in(file), err;

	if (fd < 0) {
		qn_error_read(file, fd);
		return fd;
	}
	if (pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) &&
	    magic == QN_STATS_MAGIC) {
		err = draw_page(q, file, fd);
	} else {
		err = draw_trace(q, name_again(file, fd));
	}
	close(fd);
	return err;
}

static int check_formats(const struct request *q)
{
	if (q->is_folded + q->is_pprof + q->is_massif + q->is_speedscope > 1)
		qn_error("choose one of --folded, --pprof, --massif and "
			 "--speedscope");
	else if (!q->file == !q->pid)
		qn_error("flame needs a trace or a statistics file, or "
			 "--pid=PID: one of them");
	else if (!q->output && isatty(STDOUT_FILENO) && !q->is_folded)
		qn_error("this is not for a terminal: name a file, -o FILE");
	else
		return 0;
	return -EINVAL;
}

static int flame_main(const struct qn_command *command, int argc, char **argv)
{
	struct request q = { .process = UINT32_MAX };
	char *page = NULL;
	int err;

	(void)argc;
	err = qn_options_read(command, argv, &q);
	if (err)
		return err;
	err = check_formats(&q);
	if (!err && q.pid) {
		page = page_of(q.pid);
		err = page ? 0 : refuse_pid(q.pid);
	}
	if (!err)
		err = draw_file(&q, page ?: q.file);
	free(page);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option flame_options[] = {
	{ "a file", 0, NULL, QN_OPERAND(struct request, file) },
	{ "pid", 0, "PID", QN_NUMBER(struct request, pid), .least = 1,
	  .most = INT32_MAX, .help =
	  "A process that lives, instead of a file: what it has in use now. It was "
	  "started by quern run --sites, or with QUERN_CONF=sites:1,stats:DIR." },
	{ "output", 'o', "FILE", QN_TEXT(struct request, output), .help =
	  "Where to write to; - is standard output, as without this." },
	{ "of", 0, NULL, QN_CHOICE(struct request, of),
	  .choices = "any|peak|leaked|bytes|count", .preset = "any", .help =
	  "What the widths are: bytes in use when most were (of traces alone), bytes in use "
	  "at the end or now, bytes asked for, or calls. any takes the first of these that "
	  "FILE has." },
	{ "folded", 0, NULL, QN_FLAG(struct request, is_folded), .help =
	  "A line a stack, functions with ; between them and a number: what "
	  "flamegraph.pl and many others read." },
	{ "pprof", 0, NULL, QN_FLAG(struct request, is_pprof), .help =
	  "A profile for pprof (profile.proto in gzip), with all of the values." },
	{ "massif", 0, NULL, QN_FLAG(struct request, is_massif), .help =
	  "What ms_print and massif-visualizer read." },
	{ "speedscope", 0, NULL, QN_FLAG(struct request, is_speedscope), .help =
	  "JSON for speedscope.app." },
	{ "all", 0, NULL, QN_FLAG(struct request, is_whole), .help =
	  "Show functions of the standard library and wrappers of malloc, too; without this "
	  "only the last of them is shown." },
	{ "process", 0, "N", QN_NUMBER(struct request, process),
	  .most = UINT32_MAX - 1, .help =
	  "Which process of a trace, as quern trace info numbers them. By default "
	  "the one with the most events." },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_flame = {
	.name = "flame",
	.brief =
		"whose memory it is: a flame graph, or a profile for other tools",
	.synopsis = "[OPTIONS] FILE",
	.about =
		"Draws whose memory it is as a flame graph: one SVG file, in which "
		"a click zooms and a box searches. FILE is a trace that was "
		"recorded with --sites, or a statistics file (PID.qstat) of a "
		"program that ran with --sites and stats:DIR; - is standard "
		"input.",
	.options = flame_options,
	.run = flame_main,
};
