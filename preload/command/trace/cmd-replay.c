// SPDX-License-Identifier: MIT
/*
 * cmd-replay.c - quern replay: what a trace asks for, asked of a heap.
 *
 * The heap is quern's own for processes, of this very command (malloc's names here
 * are the C library's), an engine over a piece of address space, or the C library.
 * One thread does it all in the order of the trace. Events are decoded a batch
 * ahead, so that only the heap's work is timed; between batches it is looked at.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "engine/engine.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/json.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/progress.h"
#include "process/process.h"
#include "record/record.h"
#include "fake-clock.h"
#include "replay-count.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "command/report/report-html.h"
#include "flame-trace.h"
#include "trace-read.h"

/* Events between two looks at the heap */
#define BATCH 1024

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/* Between two lines of progress where stderr is no terminal */
#define PROGRESS_NS 5000000000u

/* A function under its own name, for those who count its calls */
#ifdef __clang__
#define APART noinline
#else
#define APART __attribute__((noipa))
#endif

/**
 * struct heap - what is replayed into
 * @before:	bytes that the C library's malloc had given this command before
 * @handle:	an engine's
 * @mem, @size:	its memory
 */
struct heap {
	const struct qn_engine *engine;
	bool is_libc;
	u64 before;
	void *handle;
	u8 *mem;
	size_t size;
};

/* In the order of the words of --clock */
enum replay_clock {
	CLOCK_OF_TRACE,
	CLOCK_OF_SYSTEM,
};

/**
 * struct replay - one call of quern replay
 * @most:	events that are replayed at most
 * @blocks, @room: by slot
 * @ops, @nr_ops: the batch
 * @nr_calls, @ns: done, and the time they took
 * @live, @peak_live: bytes asked for
 * @peak_used:	most bytes resident
 * @sum_live, @sum_used, @nr_looks: for averages
 * @batches, @stride: so far; of so many the heap is looked at after one
 * @began_ns, @look_ns, @shown_ns: the clock at the start; time that looks took; the clock
 *		when progress was shown last
 * @count_how, @count: instructions
 * @is_json:	--json
 * @html:	--html; @history: memory over time, for it
 */
struct replay {
	const char *file;
	const char *engine;
	char *settings;
	u64 heap_size;
	u64 most;
	u32 process;
	bool is_touching;
	enum replay_clock clock;
	struct heap heap;
	void **blocks;
	u32 room;
	struct qn_op ops[BATCH];
	u32 nr_ops;
	u64 nr_calls;
	u64 ns;
	u64 live, peak_live;
	u64 peak_used;
	u64 sum_live, sum_used, nr_looks;
	u64 batches, stride;
	u64 began_ns, look_ns, shown_ns;
	u64 failed;
	enum qn_count_how count_how;
	struct qn_count count;
	bool is_json;
	const char *html;
	struct qn_history history;
};

/* ---- the heap ---- */

static int refuse_engine(const char *name)
{
	fprintf(stderr, "quern: --engine=%s: there are quern, libc", name);
	for (size_t i = 0; qn_engines[i]; i++)
		fprintf(stderr, ", %s", qn_engines[i]->name);
	fprintf(stderr, "\n");
	return QN_EXIT_FAILURE;
}

static int start_engine(struct replay *r)
{
	struct heap *h = &r->heap;
	u64 size = r->heap_size;

	h->engine = qn_engine_find(r->engine);
	if (!h->engine)
		return refuse_engine(r->engine);
	if (h->engine->most)
		size = min(size, (u64)h->engine->most);
	h->mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->mem == MAP_FAILED) {
		qn_error("no address space for %s: %s; give less: --heap=1G",
			 qn_text_size(size).s, strerror(errno));
		return QN_EXIT_FAILURE;
	}
	madvise(h->mem, size, MADV_NOHUGEPAGE);
	h->size = size;
	h->handle = h->engine->init(h->mem, size);
	if (h->handle)
		return 0;
	qn_error("a heap of %s is too small for the engine %s; give more: "
		 "--heap=64K",
		 qn_text_size(size).s, r->engine);
	return QN_EXIT_FAILURE;
}

static int start_quern(const struct replay *r)
{
	struct qn_conf conf;
	char error[QN_CONF_ERROR];

	qn_conf_init(&conf);
	if (qn_conf_parse(&conf, "seed:1", error, sizeof(error)) ||
	    qn_conf_parse(&conf, r->settings, error, sizeof(error))) {
		qn_error("%s; `quern help run` lists all settings", error);
		return QN_EXIT_FAILURE;
	}
	if (r->clock == CLOCK_OF_TRACE)
		qn_fake_clock_set(0);
	qn_process_start(&conf, NULL, qn_engine_find(conf.engine));
	return 0;
}

static u64 libc_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.arena + info.hblkhd;
}

/* By this command itself, before the replay */
static u64 libc_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static int start(struct replay *r)
{
	if (!strcmp(r->engine, "libc")) {
		r->heap.is_libc = true;
		r->heap.before = libc_in_use();
		return 0;
	}
	if (!strcmp(r->engine, "quern"))
		return start_quern(r);
	return start_engine(r);
}

/* What an engine has touched is resident: nothing is given back */
static u64 resident_of(const struct heap *h)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	static u8 map[65536];
	u64 nr = 0;

	for (size_t at = 0; at < h->size; at += sizeof(map) * page) {
		size_t size = min(h->size - at, sizeof(map) * page);

		if (mincore(h->mem + at, size, map))
			return 0;
		for (size_t i = 0; i < (size + page - 1) / page; i++)
			nr += map[i] & 1;
	}
	return nr * page;
}

/* What quern can keep resident, by its own account; pages of engines are counted */
static u64 used_bytes(const struct heap *h)
{
	const struct qn_stats_page *page;

	if (h->is_libc)
		return libc_bytes() - h->before;
	if (h->engine)
		return resident_of(h);
	page = qn_process_stats();
	return page->carved + page->large + page->dirty + page->metadata;
}

/* ---- the replay ---- */

static __always_inline void *alloc(const struct heap *h, const struct qn_op *op)
{
	size_t align = (size_t)1 << op->align_shift;

	if (h->engine)
		return align > QN_ALIGN ?
			       h->engine->aligned(h->handle, align, op->size) :
			       h->engine->alloc(h->handle, op->size);
	switch (op->op) {
	case QN_TRACE_CALLOC:
		return h->is_libc ? calloc(1, op->size) :
				    qn_calloc(1, op->size);
	case QN_TRACE_ALIGNED:
		return h->is_libc ? memalign(align, op->size) :
				    qn_memalign(align, op->size);
	default:
		return h->is_libc ? malloc(op->size) : qn_malloc(op->size);
	}
}

static APART void do_malloc(const struct heap *h, const struct qn_op *op,
			    void **block)
{
	*block = alloc(h, op);
}

/* Its size may be 0, which must not free it */
static APART void do_realloc(const struct heap *h, const struct qn_op *op,
			     void **block)
{
	size_t size = max(op->size, (u64)1);
	void *p;

	if (h->engine)
		p = h->engine->realloc(h->handle, *block, size);
	else if (h->is_libc)
		p = realloc(*block, size);
	else
		p = qn_realloc(*block, size);
	*block = p ? p : *block;
}

static APART void do_free(const struct heap *h, void **block)
{
	if (h->engine)
		h->engine->free(h->handle, *block);
	else if (h->is_libc)
		free(*block);
	else
		qn_free(*block);
	*block = NULL;
}

static void touch(const struct qn_op *op, void *block)
{
	if (block && op->size > op->old_size)
		memset((u8 *)block + op->old_size, (int)op->id,
		       op->size - op->old_size);
}

/* Upkeep, as often as firmware and guest.c do it */
static void step(const struct heap *h)
{
	if (h->engine && h->engine->step)
		for (int i = 0; i < BATCH / 64; i++)
			h->engine->step(h->handle);
}

static APART void counted(struct replay *r)
{
	for (const struct qn_op *op = r->ops; op < r->ops + r->nr_ops; op++) {
		void **block = &r->blocks[op->slot];

		if (op->op == QN_TRACE_FREE) {
			do_free(&r->heap, block);
			continue;
		}
		if (op->op == QN_TRACE_REALLOC)
			do_realloc(&r->heap, op, block);
		else
			do_malloc(&r->heap, op, block);
		if (unlikely(!*block))
			r->failed++;
		else if (r->is_touching)
			touch(op, *block);
	}
}

static bool decode(struct replay *r, struct qn_reader *reader)
{
	u64 left = r->most - r->nr_calls;

	r->nr_ops = 0;
	while (r->nr_ops < min(left, (u64)BATCH)) {
		struct qn_op *op = &r->ops[r->nr_ops];

		if (!qn_reader_next(reader, op))
			break;
		if (!qn_op_is_heap(op))
			continue;
		if (op->slot >= r->room) {
			u32 room = 2 * op->slot + 1024;

			r->blocks = qn_xremap(r->blocks,
					      r->room * sizeof(*r->blocks),
					      room * sizeof(*r->blocks));
			r->room = room;
		}
		r->live += op->size - op->old_size;
		r->peak_live = max(r->peak_live, r->live);
		r->nr_ops++;
	}
	return r->nr_ops;
}

/* By the clock that the heap sees. Of other heaps what is not in use is not told apart */
static void note_moment(struct replay *r, u64 used)
{
	u64 usec = r->clock == CLOCK_OF_TRACE ?
			   r->ops[r->nr_ops - 1].ns / 1000 :
			   (qn_clock_ns() - r->began_ns) / 1000;
	struct qn_moment m = { .usec = usec,
			       .live = r->live,
			       .pinned = used - min(used, r->live) };

	if (!r->heap.is_libc && !r->heap.engine)
		m = qn_moment_of(qn_process_stats(), usec);
	qn_history_note(&r->history, &m);
}

/*
 * To look at all the pages of an engine takes its time: about 64 times will do. malloc of
 * the C library counts all that is free to tell what it has: not more often than a tenth
 * of the time goes there.
 */
static void look(struct replay *r)
{
	u64 used, from = qn_clock_ns();

	if (r->batches++ % r->stride ||
	    (r->heap.is_libc && r->look_ns > (from - r->began_ns) / 10))
		return;
	used = used_bytes(&r->heap);
	r->look_ns += qn_clock_ns() - from;
	r->peak_used = max(r->peak_used, used);
	r->sum_used += used;
	r->sum_live += r->live;
	r->nr_looks++;
	if (r->html)
		note_moment(r, used);
}

/* Less often where each line stays; none of a short replay */
static void show_progress(struct replay *r, u64 nr_events)
{
	bool is_live = qn_progress_is_live();
	u64 now = qn_clock_ns();

	if (now - r->shown_ns < (is_live ? 1000000000u : PROGRESS_NS))
		return;
	r->shown_ns = now;
	qn_progress("quern: replayed %s of %s calls",
		    qn_text_count(r->nr_calls).s,
		    qn_text_count(min(nr_events, r->most)).s);
}

static void run(struct replay *r, struct qn_reader *reader, u64 nr_events)
{
	u64 from;

	r->began_ns = r->shown_ns = qn_clock_ns();
	while (!r->failed && !qn_interrupted() && decode(r, reader)) {
		if (r->clock == CLOCK_OF_TRACE)
			qn_fake_clock_set(r->ops[0].ns / 1000);
		from = qn_clock_ns();
		qn_count_start(&r->count);
		counted(r);
		qn_count_stop(&r->count);
		step(&r->heap);
		r->ns += qn_clock_ns() - from;
		r->nr_calls += r->nr_ops;
		look(r);
		show_progress(r, nr_events);
	}
	qn_progress_clear();
}

static void print_share(struct qn_lines *l, const char *what, u64 used,
			u64 live)
{
	qn_line(l, "  %-9s %s of %s live, %s", what, qn_text_size(used).s,
		qn_text_size(live).s, qn_text_share(used, live).s);
}

/* Of quern's own heap, else NULL */
static const struct qn_stats_page *page_of(const struct replay *r)
{
	return r->heap.is_libc || r->heap.engine ? NULL : qn_process_stats();
}

static u64 mean(const struct replay *r, u64 sum)
{
	return r->nr_looks ? sum / r->nr_looks : 0;
}

static void print_text(const struct replay *r, const struct qn_stats_page *page)
{
	struct qn_lines l = qn_lines_whole_to(stdout);

	qn_line(&l, "%s on %s, memory %s",
		qn_is_standard(r->file) ? "standard input" : r->file, r->engine,
		r->is_touching ? "touched" : "not touched");
	qn_line(&l, "  calls     %s in %s, %" PRIu64 ".%" PRIu64 " ns each",
		qn_text_count(r->nr_calls).s, qn_text_time(r->ns / 1000).s,
		r->nr_calls ? r->ns / r->nr_calls : 0,
		r->nr_calls ? r->ns * 10 / r->nr_calls % 10 : 0);
	qn_count_print(&l, &r->count, r->nr_calls);
	print_share(&l, "peak", r->peak_used, r->peak_live);
	print_share(&l, "average", mean(r, r->sum_used), mean(r, r->sum_live));
	if (page)
		qn_line(&l,
			"  table     %u, %" PRIu64 " changes by the policy %s; "
			"%s returned to the system",
			page->generation, page->nr_changes, page->policy,
			qn_text_size(page->purged).s);
}

/* ---- JSON ---- */

static void set_heap(json_t *o, const struct qn_stats_page *page)
{
	json_object_set_new(o, "policy", json_string(page->policy));
	qn_json_number(o, "table", page->generation);
	qn_json_number(o, "changes", page->nr_changes);
	qn_json_number(o, "returned", page->purged);
}

static void print_json(const struct replay *r, const struct qn_stats_page *page)
{
	json_t *o = json_object();

	qn_json_number(o, "format", FORMAT);
	json_object_set_new(o, "file", qn_json_text(r->file));
	json_object_set_new(o, "engine", qn_json_text(r->engine));
	qn_json_number(o, "process", r->process);
	json_object_set_new(o, "touched", json_boolean(r->is_touching));
	qn_json_number(o, "calls", r->nr_calls);
	json_object_set_new(o, "seconds", json_real((double)r->ns / 1e9));
	if (r->count.how == QN_COUNT_NONE)
		json_object_set_new(o, "instructions", json_null());
	else
		qn_json_number(o, "instructions", r->count.nr);
	qn_json_number(o, "peak_live", r->peak_live);
	qn_json_number(o, "peak_used", r->peak_used);
	qn_json_number(o, "average_live", mean(r, r->sum_live));
	qn_json_number(o, "average_used", mean(r, r->sum_used));
	if (page)
		set_heap(o, page);
	qn_json_print(stdout, o);
}

/* Of a page on standard output nothing else is to be in front */
static void report(struct replay *r)
{
	const struct qn_stats_page *page = page_of(r);

	if (r->heap.engine)
		r->peak_used = resident_of(&r->heap);
	if (page)
		r->peak_used = page->peak_used;
	if (r->is_json)
		print_json(r, page);
	else if (!r->html || !qn_is_standard(r->html))
		print_text(r, page);
}

/* ---- the page in HTML ---- */

static void put_html(struct replay *r, FILE *out, const struct qn_flame *flame)
{
	bool is_quern = !r->heap.is_libc && !r->heap.engine;
	char *title = qn_xprintf("quern replay: %s on %s", r->file, r->engine);
	char *lead = qn_xprintf("%s calls. At most %s were in use.",
				qn_text_count(r->nr_calls).s,
				qn_text_size(r->peak_live).s);
	struct qn_html_report html = { .title = title,
				       .lead = lead,
				       .history = &r->history,
				       .flame = flame };
	struct qn_figures f;

	qn_figures_init(&f);
	if (is_quern) {
		qn_figures_add(&f, qn_process_stats(), false, false);
		qn_figures_sort(&f);
		html.figures = &f;
	}
	qn_report_html(out, &html);
	qn_figures_exit(&f);
	free(title);
	free(lead);
}

/* Call sites are read from the trace once more */
static int write_html(struct replay *r)
{
	struct qn_flame_trace t;
	u32 process = r->process;
	bool has_flame = !qn_flame_trace_open(&t, r->file, &process);
	FILE *out = qn_stream_out(r->html);
	int err = out ? 0 : -errno;

	if (out) {
		put_html(r, out, has_flame ? &t.flame : NULL);
		err = qn_stream_close(out, r->html);
	}
	if (err)
		qn_error_write(r->html, err);
	if (has_flame)
		qn_flame_trace_close(&t);
	return err ? QN_EXIT_FAILURE : 0;
}

static int check(const struct replay *r)
{
	const char *wrong = NULL;

	if (r->failed) {
		qn_error("%s ran out of memory after %s calls, %s live",
			 r->engine, qn_text_count(r->nr_calls).s,
			 qn_text_size(r->live).s);
		return QN_EXIT_FAILURE;
	}
	if (r->heap.engine)
		wrong = r->heap.engine->check(r->heap.handle);
	else if (!r->heap.is_libc && qn_check())
		wrong = "qn_check() found damage";
	if (wrong)
		qn_error("%s: %s", r->engine, wrong);
	return wrong ? QN_EXIT_FAILURE : 0;
}

static int replay(struct replay *r)
{
	struct qn_tracefile t;
	struct qn_reader reader;
	int err;

	if (qn_tracefile_open(&t, r->file))
		return QN_EXIT_FAILURE;
	if (qn_tracefile_choose(&t, r->file, &r->process))
		return QN_EXIT_FAILURE;
	err = start(r);
	if (err)
		return err;
	r->stride =
		r->heap.engine ? 1 + min(t.nr_events, r->most) / BATCH / 64 : 1;
	qn_reader_init(&reader, &t, r->process);
	run(r, &reader, t.nr_events);
	qn_reader_exit(&reader);
	qn_count_close(&r->count);
	qn_tracefile_close(&t);
	report(r);
	err = r->html ? write_html(r) : 0;
	return err ?: check(r);
}

/* Counting by valgrind reads the trace twice: standard input must bear that */
static int keep_input(const struct replay *r)
{
	int fd = qn_is_standard(r->file) ? qn_stream_in(r->file) : -1;

	if (!qn_is_standard(r->file))
		return 0;
	if (fd >= 0 && dup2(fd, STDIN_FILENO) >= 0)
		return close(fd);
	qn_error_read(r->file, fd < 0 ? fd : -errno);
	return QN_EXIT_FAILURE;
}

static int check_outputs(const struct replay *r)
{
	if (!r->is_json || !r->html || !qn_is_standard(r->html))
		return 0;
	qn_error("only one of --json and --html=- can go to standard output");
	return QN_EXIT_FAILURE;
}

static int replay_main(const struct qn_command *command, int argc, char **argv)
{
	static struct replay r;
	int err;

	(void)argc;
	r.process = UINT32_MAX;
	r.most = UINT64_MAX;
	err = qn_options_read(command, argv, &r);
	if (!err)
		err = check_outputs(&r);
	if (!err)
		err = keep_input(&r);
	qn_interrupt_catch();
	if (!err && qn_count_open(&r.count, r.count_how, argv))
		err = QN_EXIT_FAILURE;
	if (!err)
		err = replay(&r);
	qn_xremap(r.blocks, r.room * sizeof(*r.blocks), 0);
	free(r.settings);
	if (qn_interrupted()) {
		if (r.nr_calls)
			qn_error("interrupted: the figures are of %s calls",
				 qn_text_count(r.nr_calls).s);
		else
			qn_error("interrupted before the first call");
		qn_launch_end_like(qn_interrupted());
	}
	return err;
}

/* clang-format off */
static const struct qn_option replay_options[] = {
	{ "engine", 0, "NAME", QN_TEXT(struct replay, engine), .preset = "quern",
	  .help =
	  "quern, the heap of processes; libc, the malloc of this command; or one of "
	  "the engines that `quern help run` names." },
	{ "policy", 0, "NAME", QN_SETTING(struct replay, settings),
	  .key = "policy:", .help = "Who decides on quern's granule table." },
	{ "conf", 0, "KEY:VALUE", QN_SETTING(struct replay, settings), .key = "",
	  .help = "A setting of quern's." },
	{ "touch", 0, NULL, QN_FLAG(struct replay, is_touching), .help =
	  "Write every byte that is asked for, as a program would." },
	{ "clock", 0, NULL, QN_CHOICE(struct replay, clock), .choices = "trace|real",
	  .preset = "trace", .help =
	  "Which time quern sees; the trace's makes runs repeat." },
	{ "heap", 0, "BYTES", QN_SIZE(struct replay, heap_size), .least = 1,
	  .preset = "16G", .help = "Memory for an engine." },
	{ "process", 0, "N", QN_NUMBER(struct replay, process),
	  .most = UINT32_MAX - 1, .help =
	  "Which process; by default the one with the most events." },
	{ "events", 0, "N", QN_SIZE(struct replay, most), .help =
	  "Replay at most N calls." },
	{ "count", 0, NULL, QN_CHOICE(struct replay, count_how),
	  .choices = QN_COUNT_CHOICES, .preset = "auto", .help =
	  "How instructions are counted: by the processor (perf), by valgrind in a "
	  "second run, which is slow and always says the same (callgrind), or not at "
	  "all (none). auto: by the processor if the kernel allows it." },
	{ "json", 0, NULL, QN_FLAG(struct replay, is_json), .help =
	  "Print a JSON object; its keys stay as they are." },
	{ "html", 0, "FILE", QN_TEXT(struct replay, html), .help =
	  "Write a page to FILE as well: memory over time, whose memory it is (of a "
	  "trace with call sites), sizes and lives, in one file that needs no "
	  "network; - is standard output." },
	{ "a trace", 0, NULL, QN_OPERAND(struct replay, file), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_replay = {
	.name = "replay",
	.brief = "play a trace into a heap: memory, time and instructions",
	.synopsis = "[OPTIONS] FILE",
	.about =
		"Asks a heap for what a trace asks for, in one thread and in "
		"the order of the trace. It says how much memory the heap took, "
		"at its peak and on average, beside the bytes that were live. "
		"It also says how much time and how many instructions that "
		"took. A FILE named - is standard input.",
	.json = "The keys are format, file, engine, process, touched, calls, "
		"seconds, instructions, peak_live, peak_used, average_live and "
		"average_used; of quern's own heap also policy, table, changes "
		"and returned.",
	.options = replay_options,
	.run = replay_main,
};
