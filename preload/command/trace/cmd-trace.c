// SPDX-License-Identifier: MIT
/*
 * cmd-trace.c - quern trace: what a trace holds, and other traces made of it.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bits.h"
#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/stream.h"
#include "command/base/text-table.h"
#include "trace-cut.h"
#include "trace-read.h"
#include "trace-text.h"
#include "trace-top.h"

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/* Sizes and lifetimes by powers of two */
#define NR_BINS 48

/**
 * struct request - one call of quern trace
 * @what:	info, histogram, cut or convert
 * @file:	the trace
 * @output:	--output
 * @format:	--to
 * @from:	--from
 * @heap:	--heap, bytes
 * @most:	--events
 * @process:	--process; UINT32_MAX: the one with the most events
 * @is_csv:	--csv
 * @is_json:	--json
 * @is_packed:	--zstd
 */
struct request {
	const char *what;
	const char *file;
	const char *output;
	const char *format;
	const char *from;
	u64 heap;
	u64 most;
	u32 process;
	bool is_csv;
	bool is_json;
	bool is_packed;
};

/* ---- info ---- */

/**
 * struct sums - of one process
 */
struct sums {
	u64 nr_allocs, nr_reallocs, nr_frees, nr_forks;
	u64 live, peak;
	u64 nr_live, peak_nr;
	u64 bytes;
	u64 nr_events;
	u64 first_ns;
	u64 ns;
	u32 nr_threads;
};

static void add_op(struct sums *s, const struct qn_op *op)
{
	if (!s->nr_events++)
		s->first_ns = op->ns;
	s->ns = op->ns;
	s->nr_threads = max(s->nr_threads, op->thread + 1);
	s->nr_allocs += qn_op_allocs(op);
	s->nr_reallocs += op->op == QN_TRACE_REALLOC;
	s->nr_frees += op->op == QN_TRACE_FREE;
	s->nr_forks += op->op == QN_TRACE_FORK;
	if (!qn_op_is_heap(op))
		return;
	s->bytes += op->size;
	s->live += op->size - op->old_size;
	s->nr_live += (u64)qn_op_allocs(op) - (op->op == QN_TRACE_FREE);
	if (s->live > s->peak) {
		s->peak = s->live;
		s->peak_nr = s->nr_live;
	}
}

/* Without its folders */
static void get_name(const struct qn_process_info *info, char *name,
		     size_t room)
{
	const char *slash = memrchr(info->name, '/', info->name_size);
	size_t size;

	slash = slash ? slash + 1 : info->name;
	size = info->name_size - (size_t)(slash - info->name);
	snprintf(name, room, "%.*s", (int)min(size, room - 1), slash);
	qn_text_clean(name, room, name);
}

static void print_name(struct qn_lines *l, const struct qn_tracefile *t,
		       u32 process)
{
	struct qn_process_info info;
	char name[64], parent[48] = "";

	qn_tracefile_process(t, process, &info);
	if (!info.is_known) {
		qn_line(l, "process %u", process);
		return;
	}
	get_name(&info, name, sizeof(name));
	if (info.parent)
		snprintf(parent, sizeof(parent), ", forked by process %u",
			 info.parent - 1);
	qn_line(l, "process %u   %s (pid %u)%s", process, name, info.pid,
		parent);
}

static void info_process(struct qn_lines *l, const struct qn_tracefile *t,
			 u32 process, bool with_sites)
{
	struct sums s = { 0 };
	struct qn_reader r;
	struct qn_top top;
	struct qn_op op;

	print_name(l, t, process);
	qn_top_init(&top, t, process);
	qn_reader_init(&r, t, process);
	while (qn_reader_next_told(&r, &op)) {
		add_op(&s, &op);
		qn_top_add(&top, &op);
	}
	qn_line(l, "  time      %s, %u thread%s, %s fork%s",
		qn_text_time((s.ns - s.first_ns) / 1000).s, s.nr_threads,
		s.nr_threads == 1 ? "" : "s", qn_text_count(s.nr_forks).s,
		s.nr_forks == 1 ? "" : "s");
	qn_line(l, "  calls     %s allocations, %s reallocs, %s frees",
		qn_text_count(s.nr_allocs).s, qn_text_count(s.nr_reallocs).s,
		qn_text_count(s.nr_frees).s);
	qn_line(l, "  asked for %s in all", qn_text_size(s.bytes).s);
	qn_line(l,
		"  live      at peak %s (%" PRIu64
		" bytes) in %s blocks, at the end %s in %s",
		qn_text_size(s.peak).s, s.peak, qn_text_count(s.peak_nr).s,
		qn_text_size(s.live).s, qn_text_count(s.nr_live).s);
	if (r.nr_unknown)
		qn_line(l,
			"  unknown   %s calls for blocks from before recording, "
			"or lost",
			qn_text_count(r.nr_unknown).s);
	if (r.nr_damaged)
		qn_line(l, "  damaged   %u blocks that end in the middle",
			r.nr_damaged);
	if (r.nr_lost)
		qn_line(l,
			"  lost      %s calls that the recorder had no room "
			"for",
			qn_text_count(r.nr_lost).s);
	if (with_sites)
		qn_top_print(&top, l, t, process);
	qn_top_exit(&top);
	qn_reader_exit(&r);
}

static void set_identity(json_t *o, const struct qn_tracefile *t, u32 process)
{
	struct qn_process_info info;
	char name[64];

	qn_json_number(o, "process", process);
	qn_tracefile_process(t, process, &info);
	if (!info.is_known)
		return;
	get_name(&info, name, sizeof(name));
	qn_json_put(o, "program", json_string(name));
	qn_json_number(o, "pid", info.pid);
	if (info.parent)
		qn_json_number(o, "forked_by", info.parent - 1);
}

static json_t *make_process(const struct qn_tracefile *t, u32 process)
{
	json_t *o = json_object();
	struct sums s = { 0 };
	struct qn_reader r;
	struct qn_op op;

	qn_reader_init(&r, t, process);
	while (qn_reader_next_told(&r, &op))
		add_op(&s, &op);
	set_identity(o, t, process);
	qn_json_real(o, "seconds", (double)(s.ns - s.first_ns) / 1e9);
	qn_json_number(o, "threads", s.nr_threads);
	qn_json_number(o, "forks", s.nr_forks);
	qn_json_number(o, "allocations", s.nr_allocs);
	qn_json_number(o, "reallocs", s.nr_reallocs);
	qn_json_number(o, "frees", s.nr_frees);
	qn_json_number(o, "asked", s.bytes);
	qn_json_number(o, "peak_live", s.peak);
	qn_json_number(o, "peak_blocks", s.peak_nr);
	qn_json_number(o, "live_at_end", s.live);
	qn_json_number(o, "blocks_at_end", s.nr_live);
	qn_json_number(o, "unknown", r.nr_unknown);
	qn_json_number(o, "lost", r.nr_lost);
	qn_reader_exit(&r);
	return o;
}

static bool begins_process(const struct qn_tracefile *t, u32 i)
{
	return !i || t->blocks[i].head.process != t->blocks[i - 1].head.process;
}

static int info_json(const struct request *q, const struct qn_tracefile *t)
{
	json_t *o = json_object(), *processes = json_array();

	for (u32 i = 0; i < t->nr; i++)
		if (begins_process(t, i))
			json_array_append_new(
				processes,
				make_process(t, t->blocks[i].head.process));
	qn_json_number(o, "format", FORMAT);
	qn_json_put(o, "file", qn_json_text(q->file));
	qn_json_number(o, "bytes", t->size);
	qn_json_number(o, "blocks", t->nr);
	qn_json_number(o, "damaged", t->nr_damaged);
	qn_json_bool(o, "indexed", t->was_indexed);
	qn_json_put(o, "processes", processes);
	qn_json_print(stdout, o);
	return 0;
}

static int info(const struct request *q, struct qn_tracefile *t)
{
	struct qn_lines l = qn_lines_whole_to(stdout);

	if (q->is_json)
		return info_json(q, t);
	qn_line(&l, "%s: %s, %u blocks, %u damaged, index %s", t->path,
		qn_text_size(t->size).s, t->nr, t->nr_damaged,
		t->was_indexed ? "present" :
				 "missing: the blocks were looked "
				 "for");
	for (u32 i = 0; i < t->nr; i++)
		if (begins_process(t, i))
			info_process(&l, t, t->blocks[i].head.process,
				     t->blocks[i].head.process == q->process);
	return 0;
}

/* ---- histogram ---- */

/**
 * struct histogram - by powers of two
 * @nr, @bytes:	allocations by size, and what they asked for
 * @lived, @lived_bytes: by the bytes that were allocated during an object's life
 * @births, @room: by slot: bytes allocated before
 */
struct histogram {
	u64 nr[NR_BINS], bytes[NR_BINS];
	u64 lived[NR_BINS], lived_bytes[NR_BINS];
	u64 *births;
	u64 room;
	u64 allocated;
};

static unsigned int bin_of(u64 n)
{
	return n ? min(qn_ilog2(n), NR_BINS - 1u) : 0;
}

static void count_birth(struct histogram *h, const struct qn_op *op)
{
	QN_REACH(h->births, &h->room, op->slot);
	h->births[op->slot] = h->allocated;
	h->nr[bin_of(op->size)]++;
	h->bytes[bin_of(op->size)] += op->size;
}

static void count(struct histogram *h, const struct qn_op *op)
{
	unsigned int bin;

	if (!qn_op_is_heap(op))
		return;
	if (qn_op_allocs(op))
		count_birth(h, op);
	h->allocated += op->size;
	if (op->op != QN_TRACE_FREE)
		return;
	bin = bin_of(h->allocated - h->births[op->slot]);
	h->lived[bin]++;
	h->lived_bytes[bin] += op->old_size;
}

static u64 sum_of(const u64 *bins)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < NR_BINS; i++)
		sum += bins[i];
	return sum;
}

static void print_bins(const char *title, const u64 *nr, const u64 *bytes)
{
	static const int widths[] = { -21, 14, 10, 10 };
	u64 all = sum_of(nr), all_bytes = sum_of(bytes);
	struct qn_lines l = qn_lines_to(stdout);
	const struct qn_text_table t = { &l, widths, ARRAY_SIZE(widths), NULL,
					 0 };
	char label[80];

	QN_TEXT_ROW(&t, title, "blocks", "of them", "of bytes");
	for (unsigned int i = 0; i < NR_BINS; i++) {
		if (!nr[i])
			continue;
		snprintf(label, sizeof(label), "%9s .. %s",
			 qn_text_size(i ? 1ull << i : 0).s,
			 qn_text_size((2ull << i) - 1).s);
		QN_TEXT_ROW(&t, label, qn_text_count(nr[i]).s,
			    qn_text_share(nr[i], all).s,
			    qn_text_share(bytes[i], all_bytes).s);
	}
}

static void print_csv(const char *what, const u64 *nr, const u64 *bytes)
{
	for (unsigned int i = 0; i < NR_BINS; i++)
		if (nr[i])
			printf("%s,%llu,%llu,%" PRIu64 ",%" PRIu64 "\n", what,
			       i ? 1ull << i : 0, (2ull << i) - 1, nr[i],
			       bytes[i]);
}

static json_t *make_bins(const u64 *nr, const u64 *bytes)
{
	json_t *list = json_array(), *one;

	for (unsigned int i = 0; i < NR_BINS; i++) {
		if (!nr[i])
			continue;
		one = json_object();
		qn_json_number(one, "from", i ? 1ull << i : 0);
		qn_json_number(one, "to", (2ull << i) - 1);
		qn_json_number(one, "blocks", nr[i]);
		qn_json_number(one, "bytes", bytes[i]);
		json_array_append_new(list, one);
	}
	return list;
}

static void histogram_json(const struct request *q, const struct histogram *h)
{
	json_t *o = json_object();

	qn_json_number(o, "format", FORMAT);
	qn_json_put(o, "file", qn_json_text(q->file));
	qn_json_number(o, "process", q->process);
	qn_json_put(o, "sizes", make_bins(h->nr, h->bytes));
	qn_json_put(o, "lifetimes", make_bins(h->lived, h->lived_bytes));
	qn_json_print(stdout, o);
}

static void print_histogram(const struct request *q, const struct histogram *h)
{
	struct qn_lines l = qn_lines_to(stdout);

	if (q->is_json) {
		histogram_json(q, h);
	} else if (q->is_csv) {
		printf("what,from,to,blocks,bytes\n");
		print_csv("size", h->nr, h->bytes);
		print_csv("lifetime", h->lived, h->lived_bytes);
	} else {
		print_bins("size", h->nr, h->bytes);
		printf("\n");
		print_bins("lived until", h->lived, h->lived_bytes);
		qn_line(&l, "  Lifetimes are bytes allocated from a block's "
			    "allocation to its free.");
	}
}

static int histogram(const struct request *q, struct qn_tracefile *t)
{
	struct histogram *h = calloc(1, sizeof(*h));
	struct qn_reader r;
	struct qn_op op;

	if (!h)
		return -ENOMEM;
	qn_reader_init(&r, t, q->process);
	while (qn_reader_next_told(&r, &op))
		count(h, &op);
	qn_reader_exit(&r);
	print_histogram(q, h);
	free(h->births);
	free(h);
	return 0;
}

/* ---- cut and convert ---- */

static int need_output(const struct request *q)
{
	if (q->output)
		return 0;
	qn_error("trace %s needs a file to write to: -o FILE", q->what);
	return -EINVAL;
}

/* Of a trace that is made: it keeps its sites, and is packed if that is asked for */
static u32 features_of(const struct request *q, const struct qn_tracefile *t)
{
	return (t ? t->features & QN_TRACE_WITH_SITES : QN_TRACE_WITH_SITES) |
	       (q->is_packed ? QN_TRACE_WITH_ZSTD : 0);
}

static void cut_json(FILE *out, const struct request *q, const struct qn_cut *c)
{
	json_t *o = json_object();

	qn_json_number(o, "format", FORMAT);
	qn_json_put(o, "file", qn_json_text(q->file));
	qn_json_put(o, "written", qn_json_text(q->output));
	qn_json_number(o, "process", q->process);
	qn_json_number(o, "objects", c->nr_objects);
	qn_json_number(o, "objects_kept", c->nr_kept);
	qn_json_number(o, "peak_live", c->peak_before);
	qn_json_number(o, "peak_live_kept", c->peak);
	qn_json_number(o, "calls_kept", c->nr_calls);
	qn_json_print(out, o);
}

static void say_cut(const struct request *q, const struct qn_cut *c)
{
	FILE *out = qn_stream_beside(q->output);

	if (q->is_json) {
		cut_json(out, q, c);
		return;
	}
	fprintf(out,
		"%s: %s of %s objects, %s bytes live at peak of %s, %s "
		"calls\n",
		q->output, qn_text_count(c->nr_kept).s,
		qn_text_count(c->nr_objects).s, qn_text_count(c->peak).s,
		qn_text_count(c->peak_before).s, qn_text_count(c->nr_calls).s);
}

static int cut(const struct request *q, struct qn_tracefile *t)
{
	struct qn_cut c;
	int err = need_output(q);

	if (!err && !q->heap) {
		qn_error("trace cut needs the bytes that may be live: "
			 "--heap=64K");
		err = -EINVAL;
	}
	if (err)
		return err;
	qn_cut_find(&c, t, q->process, q->heap, q->most);
	err = qn_cut_write(&c, t, q->output, features_of(q, t));
	if (!err)
		say_cut(q, &c);
	qn_cut_exit(&c);
	return err;
}

static int convert(const struct request *q, struct qn_tracefile *t)
{
	if (!q->format) {
		qn_error(
			"trace convert needs a format: --to=text, csv or trace");
		return -EINVAL;
	}
	return qn_convert(t, q->process, q->format, q->output,
			  features_of(q, t));
}

/* ---- all of them ---- */

static const struct task {
	const char *name;
	int (*run)(const struct request *q, struct qn_tracefile *t);
} tasks[] = {
	{ "info", info },
	{ "histogram", histogram },
	{ "cut", cut },
	{ "convert", convert },
};

static const struct task *find_task(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		if (!strcmp(tasks[i].name, name))
			return &tasks[i];
	qn_error("trace has no task '%s'; there are info, histogram, cut and "
		 "convert",
		 name);
	return NULL;
}

/* Writing would empty what is yet to be read */
static bool is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return a && b && !stat(a, &sa) && !stat(b, &sb) &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* An option that the task would pass over in silence is a mistake */
static int check_forms(const struct request *q, const struct task *task)
{
	if (q->is_json && q->is_csv)
		qn_error("choose one of --json and --csv");
	else if (q->is_json && task->run == convert)
		qn_error("trace convert writes a trace and prints no figures: "
			 "leave --json out");
	else
		return 0;
	return -EINVAL;
}

static int trace_main(const struct qn_command *command, int argc, char **argv)
{
	struct request q = { .process = UINT32_MAX };
	const struct task *task;
	struct qn_tracefile t;
	int err;

	(void)argc;
	err = qn_options_read(command, argv, &q);
	if (err)
		return err;
	task = find_task(q.what);
	if (!task || check_forms(&q, task))
		return QN_EXIT_FAILURE;
	if (is_same_file(q.file, q.output)) {
		qn_error("%s is the file that is read, and writing would empty "
			 "it: name another file, -o FILE",
			 q.output);
		return QN_EXIT_FAILURE;
	}
	if (task->run == convert && (q.from || qn_is_foreign(q.file)))
		return qn_import(q.file, q.from, q.output,
				 features_of(&q, NULL)) ?
			       QN_EXIT_FAILURE :
			       0;
	if (qn_tracefile_open(&t, q.file))
		return QN_EXIT_FAILURE;
	err = qn_tracefile_choose(&t, q.file, &q.process);
	if (!err)
		err = task->run(&q, &t);
	qn_tracefile_close(&t);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option trace_options[] = {
	{ "a task", 0, NULL, QN_OPERAND(struct request, what), .is_needed = true,
	  .choices = "info|histogram|cut|convert" },
	{ "a file", 0, NULL, QN_OPERAND(struct request, file), .is_needed = true },
	{ "output", 'o', "FILE", QN_TEXT(struct request, output), .help =
	  "Where cut and convert write to; - is standard output." },
	{ "process", 0, "N", QN_NUMBER(struct request, process),
	  .most = UINT32_MAX - 1, .help =
	  "Which process of the trace, as info numbers them; info tells of its call "
	  "sites. By default the one with the most events." },
	{ "heap", 0, "BYTES", QN_SIZE(struct request, heap), .help =
	  "cut: leave out whole objects until no more than BYTES are live at the peak; a "
	  "second cut leaves out the same ones." },
	{ "events", 0, "N", QN_SIZE(struct request, most), .help =
	  "cut: keep at most N calls." },
	{ "csv", 0, NULL, QN_FLAG(struct request, is_csv), .help =
	  "histogram: as CSV." },
	{ "json", 0, NULL, QN_FLAG(struct request, is_json), .help =
	  "info, histogram and cut: print a JSON object; its keys stay as they are." },
	{ "zstd", 0, NULL, QN_FLAG(struct request, is_packed), .help =
	  "cut and convert: blocks of the trace that is written are compressed." },
	{ "to", 0, "FORMAT", QN_TEXT(struct request, format), .help =
	  "convert: text and csv have a line for each call; trace is a trace of one "
	  "process." },
	{ "from", 0, "FORMAT", QN_TEXT(struct request, from), .help =
	  "convert: FILE is text or heaptrack (raw or interpreted); a trace is made of "
	  "it. Both are recognised without this; they may be compressed by zstd or "
	  "gzip, and FILE may be -, standard input." },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_trace = {
	.name = "trace",
	.brief = "what a trace holds; cut or convert it",
	.synopsis = "info|histogram|cut|convert [OPTIONS] FILE",
	.about =
		"Reads a trace: info says what it holds, histogram how sizes and "
		"lifetimes are spread, cut makes a smaller program of it, convert "
		"translates it, also from other formats. What is damaged is left "
		"out and named. A FILE named - is standard input.",
	.json = "info: format, file, bytes, blocks, damaged, indexed, and "
		"processes, each with process, program, pid, forked_by (if it "
		"was), seconds, threads, forks, allocations, reallocs, frees, "
		"asked, peak_live, peak_blocks, live_at_end, blocks_at_end, "
		"unknown and lost. histogram: format, file, process, and sizes "
		"and lifetimes, lists with from, to, blocks and bytes; a "
		"lifetime is bytes that were allocated meanwhile. cut: format, "
		"file, written (the new trace), process, objects, objects_kept, "
		"peak_live, peak_live_kept and calls_kept; on standard error "
		"where the trace goes to standard output.",
	.options = trace_options,
	.run = trace_main,
};
