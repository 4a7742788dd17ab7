// SPDX-License-Identifier: MIT
/*
 * cmd-record.c - quern record: a program with libquern-record.so in front of its
 * malloc, and a trace of what it asked for.
 *
 * While the program runs, its processes write FILE.raw; when it has ended, that is
 * merged into FILE. Should the command itself be killed, FILE.raw is a trace as well.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/json.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "record/record.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "trace-pack.h"
#include "trace-write.h"

/* How long the time stamp counter is held against the clock */
#define CALIBRATE_NS 20000000

/*
 * Where the file is to be small times are multiples of 10 ms: the rest is noise, which
 * takes more room than all else of an event
 */
#define PACKED_TICK_NS 10000000

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/**
 * struct record - one call of quern record
 * @output:	--output
 * @given_library: --library
 * @has_sites:	--sites
 * @is_packed:	--zstd
 * @is_json:	--json
 * @argv:	the program
 * @path:	its file
 * @library:	libquern-record.so
 * @raw:	absolute name of what is written meanwhile
 * @shared:	mapped from it
 * @ns:		nanoseconds of 2^20 ticks
 * @features:	QN_TRACE_WITH_*, by the two flags
 */
struct record {
	const char *output;
	const char *given_library;
	bool has_sites;
	bool is_packed;
	bool is_json;
	char **argv;
	char *path;
	char *library;
	char *raw;
	struct qn_record_shared *shared;
	u32 ns;
	u32 features;
};

/* Return: 0, or the exit status */
static int read_options(struct record *rec, const struct qn_command *command,
			char **argv)
{
	int err = qn_options_read(command, argv, rec);

	if (err)
		return err;
	rec->features = (rec->has_sites ? QN_TRACE_WITH_SITES : 0) |
			(rec->is_packed ? QN_TRACE_WITH_ZSTD : 0);
	if (!rec->is_packed || qn_can_pack())
		return 0;
	qn_error("--zstd: " QN_PACK_ADVICE);
	return QN_EXIT_FAILURE;
}

/* Does the counter run at one speed, also while a processor sleeps */
static bool has_steady_tsc(void)
{
#ifdef __x86_64__
	u32 a = 0x80000007, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return d >> 8 & 1;
#else
	return false;
#endif
}

/* Nanoseconds of 2^20 ticks */
static u32 calibrate(bool has_tsc)
{
	const struct timespec wait = { .tv_nsec = CALIBRATE_NS };
	u64 ns = qn_clock_ns(), ticks = qn_record_ticks(has_tsc);

	if (!has_tsc)
		return 1u << 20;
	nanosleep(&wait, NULL);
	ns = qn_clock_ns() - ns;
	ticks = qn_record_ticks(has_tsc) - ticks;
	return (u32)((ns << 20) / (ticks ? ticks : 1));
}

static int fill_raw(struct record *rec, int fd)
{
	u8 *p;

	if (ftruncate(fd, QN_TRACE_BLOCK_SIZE))
		return -errno;
	p = mmap(NULL, QN_TRACE_BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	rec->shared = (void *)(p + QN_RECORD_SHARED);
	rec->shared->next = 1;
	rec->shared->has_tsc = has_steady_tsc();
	rec->ns = calibrate(rec->shared->has_tsc);
	if (rec->features & QN_TRACE_WITH_SITES)
		rec->shared->depth = QN_RECORD_DEPTH;
	/* What the processes write is never packed */
	qn_trace_put_header(p, rec->ns, rec->features & QN_TRACE_WITH_SITES);
	return 0;
}

/* Beside the trace, or, where that is standard output, where temporary files go */
static char *raw_name(const struct record *rec)
{
	char *name, *path;

	if (!qn_is_standard(rec->output))
		return qn_xprintf("%s.raw", rec->output);
	name = qn_xprintf("quern-%d.raw", (int)getpid());
	path = qn_temp_path(name);
	free(name);
	return path;
}

static int make_raw(struct record *rec)
{
	char *name = raw_name(rec);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : fill_raw(rec, fd);

	if (fd >= 0)
		close(fd);
	rec->raw = err ? NULL : realpath(name, NULL);
	if (!err && !rec->raw)
		err = -errno;
	if (err)
		qn_error("cannot write the trace to '%s': %s; name another "
			 "file: -o FILE",
			 name, strerror(-err));
	free(name);
	return err ? QN_EXIT_FAILURE : 0;
}

static int prepare(struct record *rec)
{
	int err = qn_program_find(rec->argv[0], &rec->path);

	if (err)
		return err;
	rec->library =
		qn_preload_find("libquern-record.so", rec->given_library);
	return rec->library ? make_raw(rec) : QN_EXIT_FAILURE;
}

static int launch(const struct record *rec, struct qn_outcome *outcome)
{
	char *list = qn_preload_list(rec->library, getenv("LD_PRELOAD"));
	char *raw = qn_xprintf("%s=%s", QN_RECORD_ENV, rec->raw);
	const struct qn_launch what = { .path = rec->path,
					.argv = rec->argv,
					.fd_in = -1,
					.fd_out = -1,
					.fd_err = -1 };
	int err = qn_preload_launch(&what, list, raw, outcome);

	free(raw);
	free(list);
	if (err == -EINTR) {
		qn_error("interrupted before the program began");
		return err;
	}
	return err ? qn_program_refuse(rec->path, err) : 0;
}

/* Time that recording took, of all threads, in microseconds */
static u64 cost_of(const struct record *rec)
{
	return (u64)((unsigned __int128)rec->shared->cost * rec->ns >> 20) /
	       1000;
}

/* On standard error: standard output is the program's */
static void report_json(const struct record *rec, const struct qn_writer *w,
			const struct qn_outcome *outcome, u64 nr_unknown)
{
	const struct qn_record_shared *shared = rec->shared;
	json_t *o = json_object();

	qn_json_number(o, "format", FORMAT);
	json_object_set_new(o, "file", qn_json_text(rec->output));
	qn_json_number(o, "bytes", w->at);
	qn_json_number(o, "events", w->nr_events);
	qn_json_number(o, "processes", shared->nr_processes);
	json_object_set_new(
		o, "cpu_seconds",
		json_real((double)qn_usage_cpu(&outcome->usage) / 1e6));
	json_object_set_new(o, "recording_seconds",
			    json_real((double)cost_of(rec) / 1e6));
	qn_json_number(o, "left_out", nr_unknown);
	qn_json_number(o, "lost", shared->nr_lost);
	qn_json_number(o, "without_site", shared->nr_sites_lost);
	json_object_set_new(o, "has_sites",
			    json_boolean(rec->has_sites && !shared->no_stacks));
	qn_json_print(stderr, o);
}

static void report(const struct record *rec, const struct qn_writer *w,
		   const struct qn_outcome *outcome, u64 nr_unknown)
{
	u64 cpu = qn_usage_cpu(&outcome->usage);
	u64 lost = rec->shared->nr_lost;

	qn_error("%s: %s events of %u process%s, %s", rec->output,
		 qn_text_count(w->nr_events).s, rec->shared->nr_processes,
		 rec->shared->nr_processes == 1 ? "" : "es",
		 qn_text_size(w->at).s);
	/* The counter goes on while a thread waits: no part of the CPU time */
	qn_error("recording took about %s by the clock, all threads together; "
		 "the program's CPU time was %s",
		 qn_text_time(cost_of(rec)).s, qn_text_time(cpu).s);
	if (nr_unknown)
		qn_error(
			"%s calls were left out: of blocks from before a fork, "
			"or from before recording began",
			qn_text_count(nr_unknown).s);
	if (rec->shared->no_stacks)
		qn_error("call sites cannot be had on this system: they need "
			 "glibc 2.35 and libgcc_s.so.1 (Debian: apt-get "
			 "install libgcc-s1)");
	if (rec->shared->nr_sites_lost)
		qn_error("%s events have no call site: the table of %s sites a "
			 "process was full",
			 qn_text_count(rec->shared->nr_sites_lost).s,
			 qn_text_count(QN_RECORD_SITES).s);
	if (lost)
		qn_error("%s events were lost; the disk may be full, or the "
			 "program may not open '%s'",
			 qn_text_count(lost).s, rec->raw);
}

/* What the processes wrote becomes one trace, in order */
static int merge(const struct record *rec, const struct qn_outcome *outcome)
{
	struct qn_tracefile t;
	struct qn_writer w;
	struct qn_reader r;
	u64 nr_unknown = 0;
	int err;

	if (!rec->shared->nr_processes) {
		qn_error("nothing was recorded: %s",
			 qn_interrupted() ? "interrupted too early" :
					    qn_program_obstacle(rec->path));
		return -ENODATA;
	}
	/* What ended the program; one more is to end this */
	qn_interrupt_forget();
	err = qn_tracefile_open(&t, rec->raw);
	if (err == -ENODATA)
		qn_error("%s events were lost: the file may not grow; is the "
			 "disk full, does ulimit -f allow it?",
			 qn_text_count(rec->shared->nr_lost).s);
	if (err)
		return err;
	err = qn_writer_open(&w, rec->output, rec->features);
	if (err)
		return err;
	if (rec->features & QN_TRACE_WITH_ZSTD)
		w.tick = PACKED_TICK_NS;
	for (u32 i = 0; i < t.nr_processes; i++) {
		qn_writer_copy(&w, &t, i, &r);
		nr_unknown += r.nr_unknown;
		qn_reader_exit(&r);
	}
	qn_tracefile_close(&t);
	if (qn_interrupted()) {
		qn_writer_discard(&w, rec->output);
		qn_error("interrupted; %s is a trace of it all, not yet in "
			 "order: quern trace convert --to=trace makes it one",
			 rec->raw);
		return -EINTR;
	}
	err = qn_writer_close(&w, rec->output);
	if (!err && rec->is_json)
		report_json(rec, &w, outcome, nr_unknown);
	else if (!err)
		report(rec, &w, outcome, nr_unknown);
	return err;
}

static int record_main(const struct qn_command *command, int argc, char **argv)
{
	struct record rec = { 0 };
	struct qn_outcome outcome;
	int err, merged = 0;

	(void)argc;
	err = read_options(&rec, command, argv);
	qn_interrupt_catch();
	if (!err)
		err = prepare(&rec);
	if (!err)
		err = launch(&rec, &outcome);
	if (!err)
		merged = merge(&rec, &outcome);
	/* Of use only where a trace is in it that could not be written anew */
	if (rec.raw && (err || !merged || merged == -ENODATA))
		unlink(rec.raw);
	free(rec.path);
	free(rec.library);
	free(rec.raw);
	if (err == -EINTR || merged == -EINTR)
		qn_launch_end_like(qn_interrupted());
	if (err)
		return err;
	qn_launch_end_like(outcome.status);
}

/* clang-format off */
static const struct qn_option record_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct record, output), .is_needed = true,
	  .help =
	  "The trace; - is standard output. While the program runs "
	  "FILE.raw grows beside it." },
	{ "sites", 0, NULL, QN_FLAG(struct record, has_sites), .help =
	  "Write down who calls, too: a stack of up to 16 return addresses an event. "
	  "Code without unwind tables ends a stack." },
	{ "zstd", 0, NULL, QN_FLAG(struct record, is_packed), .help =
	  "Compress the trace, when the program has ended; times are to 10 ms." },
	{ "json", 0, NULL, QN_FLAG(struct record, is_json), .help =
	  "What was recorded is told on standard error as a JSON object; its keys stay as "
	  "they are." },
	{ "library", 0, "FILE", QN_TEXT(struct record, given_library), .help =
	  "The libquern-record.so to use. By default the one beside this command, "
	  "then the installed one." },
	{ "a program", 0, NULL, QN_PROGRAM(struct record, argv), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_record = {
	.name = "record",
	.brief = "write every malloc and free of a program into a trace",
	.synopsis = "-o FILE [OPTIONS] -- PROGRAM [ARGUMENTS]",
	.about = "Runs a program on the malloc that it has, and writes down "
		 "every call: those of all threads and children, and of the "
		 "programs that they execute, also if they are killed. quern "
		 "trace and quern replay read the file.",
	.json = "The keys are format, file, bytes, events, processes, "
		"cpu_seconds (of the program), recording_seconds (by the clock, "
		"of all threads), left_out (calls for blocks from before a "
		"fork, or from before recording began), lost, without_site and "
		"has_sites.",
	.options = record_options,
	.run = record_main,
};
