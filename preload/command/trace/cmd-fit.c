// SPDX-License-Identifier: MIT
/*
 * cmd-fit.c - quern fit: does a trace run in the heap of a microcontroller, on which
 * heap, and what does a call cost there.
 *
 * The images of bench/firmware read the trace, cut to what they take, by semihosting
 * in QEMU: one image an engine, the same measuring code in each.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/json.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/preload.h"
#include "command/base/stream.h"
#include "command/base/text-table.h"
#include "trace-cut.h"
#include "trace-file.h"

/* What a run may take at most, in seconds */
#define LIMIT "300"

/* The board of the images has 4 MB for trace, slots and heap */
#define MOST_CALLS 200000

static const struct engine {
	const char *name;
	const char *image;
	const char *words;
} engines[] = {
	{ "quern", "firmware/bench/replay-O2.elf", "hold=1" },
	{ "quern, policy fixed", "firmware/bench/replay-O2.elf", "hold=0" },
	{ "boundary", "firmware/fit/fit-boundary.elf", NULL },
	{ "buddy", "firmware/fit/fit-buddy.elf", NULL },
	{ "buddy-fast", "firmware/fit/fit-buddy_fast.elf", NULL },
	{ "freelist", "firmware/fit/fit-freelist.elf", NULL },
	{ "heap4", "firmware/fit/fit-heap4.elf", NULL },
	{ "per-size", "firmware/fit/fit-per_size.elf", NULL },
	{ "tlsf", "firmware/fit/fit-tlsf.elf", NULL },
	{ "newlib", "firmware/bench/replay-newlib.elf", NULL },
	{ "newlib-nano", "firmware/bench/replay-nano.elf", NULL },
	{ "picolibc", "firmware/bench/replay-picolibc.elf", NULL },
};

#define NR_ENGINES ARRAY_SIZE(engines)

/**
 * struct answer - what an image said of its heap
 * @is_there:	the heap was asked
 * @fits:	into the heap of the device
 * @smallest:	bytes that it needs; 0: more than the image has
 * @words:	of its line of the table, from smallest on
 */
struct answer {
	bool is_there;
	bool fits;
	u64 smallest;
	char words[5][24];
};

/**
 * struct fit - one call of quern fit
 * @heap:	--heap
 * @ccm:	--ccm
 * @live:	--live: cut to so many bytes before; 0: as it is
 * @process:	--process
 * @only:	--engine, or NULL
 * @dir:	holds the trace as the images read it
 * @build:	where the images are
 * @is_json:	--json
 * @answers:	by engine
 * @asked:	quern's heap, or the one of --engine
 */
struct fit {
	const char *file;
	u64 heap;
	u64 ccm;
	u64 live;
	u32 process;
	const char *only;
	char *dir;
	char *build;
	bool is_json;
	struct answer answers[NR_ENGINES];
	size_t asked;
};

/* Keys of the JSON stay as they are; a new number means that one has changed */
#define FORMAT 1

/* Exit status where the answer is NO for the heap that was asked about */
#define DOES_NOT_FIT 1

/* ---- the trace ---- */

static int refuse_large(const struct fit *f, const struct qn_cut *c)
{
	qn_error("%s has %s live at peak, more than a heap of %s; cut it to "
		 "a device's size: quern fit --live=%s --heap=%s %s",
		 f->file, qn_text_size(c->peak_before).s,
		 qn_text_size(f->heap).s,
		 qn_text_units(round_up(f->heap / 2, (u64)8)).s,
		 qn_text_units(f->heap).s, f->file);
	return -E2BIG;
}

static int make_trace(struct fit *f, struct qn_cut *c, const char *trace)
{
	struct qn_tracefile t;
	int err = qn_tracefile_open(&t, f->file);

	if (err)
		return err;
	err = qn_tracefile_choose(&t, f->file, &f->process);
	if (err)
		goto out;
	/* As it is, if nothing is said */
	qn_cut_find(c, &t, f->process, f->live ? f->live : UINT64_MAX,
		    MOST_CALLS);
	if (qn_interrupted())
		err = -EINTR;
	else if (!f->live && c->peak_before > f->heap + f->ccm)
		err = refuse_large(f, c);
	if (!err)
		err = qn_cut_write(c, &t, trace, 0);
	qn_cut_exit(c);
out:
	qn_tracefile_close(&t);
	return err;
}

/* ---- the images ---- */

/* The number behind "key=" in what an image printed, as text; "-" if none */
static const char *word(const char *text, const char *key, char *to,
			size_t size)
{
	char *pattern = qn_xprintf("%s=", key);
	const char *at = text;
	size_t n;

	snprintf(to, size, "-");
	while ((at = strstr(at, pattern)) != NULL) {
		if (at == text || at[-1] == ' ' || at[-1] == '\n') {
			at += strlen(pattern);
			n = strcspn(at, " \n");
			snprintf(to, size, "%.*s", (int)min(n, size - 1), at);
			break;
		}
		at++;
	}
	free(pattern);
	return to;
}

/* All that is in a file, terminated, the caller's to free; NULL on error */
static char *read_back(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text;

	if (size < 0)
		return NULL;
	text = qn_xrealloc(NULL, (size_t)size + 1);
	size = pread(fd, text, (size_t)size, 0);
	text[max(size, (off_t)0)] = 0;
	return text;
}

/* Arguments of the script that runs an image in QEMU */
static char **image_argv(const struct fit *f, const struct engine *e,
			 const char *trace)
{
	char **argv = qn_xrealloc(NULL, 14 * sizeof(*argv));
	char **arg = argv;

	*arg++ = qn_xprintf("sh");
	*arg++ = qn_xprintf("%s/../embedded/run-qemu.sh", f->build);
	*arg++ = qn_xprintf("-m");
	*arg++ = qn_xprintf("mps2");
	*arg++ = qn_xprintf("-t");
	*arg++ = qn_xprintf(LIMIT);
	*arg++ = qn_xprintf("%s/%s", f->build, e->image);
	*arg++ = qn_xprintf("do=fit");
	*arg++ = qn_xprintf("heap=%u", (u32)f->heap);
	*arg++ = qn_xprintf("ccm=%u", e->words ? (u32)f->ccm : 0);
	*arg++ = qn_xprintf("step=64");
	*arg++ = qn_xprintf("trace=%s", trace);
	if (e->words)
		*arg++ = qn_xprintf("%s", e->words);
	*arg = NULL;
	return argv;
}

/*
 * Return: what the image prints, the caller's; NULL if it failed.
 */
static char *run_image(struct fit *f, const struct engine *e, const char *trace)
{
	int fd = memfd_create("output", MFD_CLOEXEC);
	char **argv = image_argv(f, e, trace), *text = NULL;
	const struct qn_launch what = { .path = argv[0],
					.argv = argv,
					.envp = environ,
					.fd_in = -1,
					.fd_out = fd,
					.fd_err = -1 };
	struct qn_outcome outcome = { .status = 0 };
	int err = fd < 0 ? -errno : qn_launch(&what, &outcome);

	if (err && err != -EINTR)
		qn_error("cannot run 'sh': %s", strerror(-err));
	else if (!err && !outcome.status)
		text = read_back(fd);
	for (char **arg = argv; *arg; arg++)
		free(*arg);
	free(argv);
	if (fd >= 0)
		close(fd);
	return text;
}

static void take_answer(struct answer *a, const char *text)
{
	static const char *const keys[] = { "smallest", "malloc.mean",
					    "malloc.max", "free.mean",
					    "free.max" };
	char fits[24];

	a->is_there = true;
	a->fits = *word(text, "fits", fits, sizeof(fits)) == '1';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		word(text, keys[i], a->words[i], sizeof(a->words[i]));
	a->smallest = strtoull(a->words[0], NULL, 10);
}

static int fit_engine(struct fit *f, size_t i, const char *trace)
{
	char *text = run_image(f, &engines[i], trace);

	if (qn_interrupted()) {
		free(text);
		return -EINTR;
	}
	if (!text) {
		qn_error("%s: the image failed; what it said stands above",
			 engines[i].name);
		return -EIO;
	}
	take_answer(&f->answers[i], text);
	free(text);
	return 0;
}

static void put_answer(const struct fit *f, size_t i,
		       const struct qn_text_table *t)
{
	const struct answer *a = &f->answers[i];

	if (f->is_json)
		return;
	QN_TEXT_ROW(t, engines[i].name, a->fits ? "yes" : "NO", a->words[0],
		    a->words[1], a->words[2], a->words[3], a->words[4]);
	fflush(stdout);
}

static bool has_image(const struct fit *f, size_t i)
{
	char *path = qn_xprintf("%s/%s", f->build, engines[i].image);
	bool has = access(path, R_OK) == 0;

	free(path);
	return has;
}

static bool is_wanted(const struct fit *f, size_t i)
{
	return !f->only || !strcmp(f->only, engines[i].name);
}

static int ask_all(struct fit *f, const char *trace,
		   const struct qn_text_table *t)
{
	int err = 0;

	for (size_t i = 0; i < NR_ENGINES && !err; i++) {
		if (!is_wanted(f, i) || !has_image(f, i))
			continue;
		err = fit_engine(f, i, trace);
		if (!err)
			put_answer(f, i, t);
	}
	return err;
}

/* ---- what follows from the answers ---- */

/* Of the others, the one that needs least; NR_ENGINES: there is none that fits */
static size_t find_leanest(const struct fit *f)
{
	size_t best = NR_ENGINES;

	for (size_t i = 0; i < NR_ENGINES; i++)
		if (f->answers[i].fits && i != f->asked &&
		    (best == NR_ENGINES ||
		     f->answers[i].smallest < f->answers[best].smallest))
			best = i;
	return best;
}

static char *name_other(const struct fit *f)
{
	size_t other = find_leanest(f);

	if (f->only)
		return qn_xprintf("Without --engine the others are asked too");
	if (other == NR_ENGINES)
		return qn_xprintf("No other heap fits either");
	return qn_xprintf("%s would fit, in %s bytes", engines[other].name,
			  qn_text_count(f->answers[other].smallest).s);
}

static char *advise(const struct fit *f)
{
	const struct answer *a = &f->answers[f->asked];
	const char *name = engines[f->asked].name;
	char *needs, *text, *instead;

	if (a->fits)
		return qn_xprintf("%s: yes. It needs %s bytes, %s less than "
				  "the heap has.",
				  name, qn_text_count(a->smallest).s,
				  qn_text_count(f->heap - a->smallest).s);
	if (a->smallest)
		needs = qn_xprintf("It needs %s bytes, %s more than the heap "
				   "has: give it those%s",
				   qn_text_count(a->smallest).s,
				   qn_text_count(a->smallest - f->heap).s,
				   /* No other takes a second zone */
				   engines[f->asked].words ?
					   ", or as many in a second zone "
					   "(--ccm)" :
					   "");
	else
		needs = qn_xprintf("It needs more memory than the board of the "
				   "images has");
	instead = name_other(f);
	text = qn_xprintf("%s: NO. %s. %s. What the program asks for: quern "
			  "trace histogram %s (sizes), quern trace info "
			  "--process=%u %s (call sites).",
			  name, needs, instead, f->file, f->process, f->file);
	free(needs);
	free(instead);
	return text;
}

static char *list_left_out(const struct fit *f)
{
	char *list = NULL, *more;

	for (size_t i = 0; i < NR_ENGINES; i++) {
		if (f->answers[i].is_there || f->only)
			continue;
		more = qn_xprintf("%s%s%s", list ? list : "", list ? ", " : "",
				  engines[i].name);
		free(list);
		list = more;
	}
	return list;
}

static void print_end(const struct fit *f)
{
	struct qn_lines l = qn_lines_to(stdout);
	char *advice = advise(f), *left_out = list_left_out(f);
	char *note = left_out ? qn_xprintf("Left out for want of an image: %s; "
					   "make firmware-fit says why.",
					   left_out) :
				NULL;

	qn_line(&l, "Bytes; instructions of a call on a Cortex-M4, counted "
		    "in QEMU, mean and most.");
	qn_wrap(&l, "", advice);
	if (note)
		qn_wrap(&l, "", note);
	free(note);
	free(left_out);
	free(advice);
}

/* ---- JSON ---- */

static json_t *number_of(const char *text)
{
	return *text == '-' ? json_null() : json_real(strtod(text, NULL));
}

static json_t *make_heap(const struct fit *f, size_t i)
{
	const struct answer *a = &f->answers[i];
	json_t *one = json_object();

	json_object_set_new(one, "name", json_string(engines[i].name));
	json_object_set_new(one, "fits", json_boolean(a->fits));
	json_object_set_new(one, "smallest",
			    a->smallest ?
				    json_integer((json_int_t)a->smallest) :
				    json_null());
	json_object_set_new(one, "malloc_mean", number_of(a->words[1]));
	json_object_set_new(one, "malloc_most", number_of(a->words[2]));
	json_object_set_new(one, "free_mean", number_of(a->words[3]));
	json_object_set_new(one, "free_most", number_of(a->words[4]));
	return one;
}

static void print_json(const struct fit *f, const struct qn_cut *c)
{
	json_t *root = json_object(), *heaps = json_array();
	char *advice = advise(f);

	for (size_t i = 0; i < NR_ENGINES; i++)
		if (f->answers[i].is_there)
			json_array_append_new(heaps, make_heap(f, i));
	qn_json_number(root, "format", FORMAT);
	qn_json_number(root, "heap", f->heap);
	qn_json_number(root, "ccm", f->ccm);
	qn_json_number(root, "calls", c->nr_calls);
	qn_json_number(root, "live", c->peak);
	json_object_set_new(root, "fits",
			    json_boolean(f->answers[f->asked].fits));
	json_object_set_new(root, "heaps", heaps);
	json_object_set_new(root, "advice", json_string(advice));
	qn_json_print(stdout, root);
	free(advice);
}

/* ---- all of them ---- */

static int find_asked(struct fit *f)
{
	for (size_t i = 0; i < NR_ENGINES; i++) {
		if (!is_wanted(f, i))
			continue;
		f->asked = i;
		if (has_image(f, i))
			return 0;
	}
	qn_error("--engine=%s: there is no image of it; make firmware-fit "
		 "builds those that can be built here",
		 f->only);
	return -ENOENT;
}

static int fit_all(struct fit *f, const struct qn_cut *c, const char *trace)
{
	static const int widths[] = { -21, -5, 10, 10, 7, 10, 7 };
	static const unsigned char leaving[] = { 4, 6, 5, 3, 0 };
	struct qn_lines l = qn_lines_to(stdout);
	const struct qn_text_table t = { &l, widths, ARRAY_SIZE(widths),
					 leaving, 0 };
	int err;

	if (!f->is_json) {
		printf("%s calls, %s bytes live at peak (of %s), in a heap of "
		       "%s\n",
		       qn_text_count(c->nr_calls).s, qn_text_count(c->peak).s,
		       qn_text_count(c->peak_before).s,
		       qn_text_count(f->heap).s);
		QN_TEXT_ROW(&t, "", "fits", "smallest", "malloc", "max", "free",
			    "max");
	}
	err = ask_all(f, trace, &t);
	if (err)
		return err;
	if (f->is_json)
		print_json(f, c);
	else
		print_end(f);
	return 0;
}

static int find_images(struct fit *f)
{
	char *image;
	bool is_there;

	f->build = qn_preload_own_dir();
	image = qn_xprintf("%s/%s", f->build ?: "", engines[0].image);
	is_there = access(image, R_OK) == 0;
	free(image);
	if (is_there)
		return 0;
	qn_error("the firmware's images are not beside this command; build "
		 "them, with the cross compiler installed: make "
		 "firmware-fit");
	return -ENOENT;
}

static int fit_in_dir(struct fit *f)
{
	char *trace = qn_xprintf("%s/trace", f->dir);
	struct qn_cut c;
	int err = make_trace(f, &c, trace);

	if (!err)
		err = fit_all(f, &c, trace);
	unlink(trace);
	rmdir(f->dir);
	free(trace);
	return err;
}

static int fit_main(const struct qn_command *command, int argc, char **argv)
{
	struct fit f = { .process = UINT32_MAX };
	int err;

	(void)argc;
	err = qn_options_read(command, argv, &f);
	if (err)
		return err;
	err = find_images(&f);
	if (!err)
		err = find_asked(&f);
	qn_interrupt_catch();
	if (!err)
		f.dir = qn_temp_make("quern-fit-XXXXXX", true, "room");
	if (!err)
		err = f.dir ? fit_in_dir(&f) : -EIO;
	free(f.dir);
	free(f.build);
	if (qn_interrupted()) {
		qn_error("interrupted; the answers so far stand above");
		qn_launch_end_like(qn_interrupted());
	}
	if (err)
		return QN_EXIT_FAILURE;
	return f.answers[f.asked].fits ? 0 : DOES_NOT_FIT;
}

/* clang-format off */
static const struct qn_option fit_options[] = {
	{ "heap", 0, "BYTES", QN_SIZE(struct fit, heap), .is_needed = true,
	  .least = 1024, .most = UINT32_MAX, .help =
	  "The heap of the device; K may follow." },
	{ "ccm", 0, "BYTES", QN_SIZE(struct fit, ccm), .most = UINT32_MAX, .help =
	  "A second zone, such as the 64K of CCM of the STM32F407; quern alone uses it." },
	{ "live", 0, "BYTES", QN_SIZE(struct fit, live), .most = UINT32_MAX, .help =
	  "Cut the trace first, as quern trace cut does, until no more than BYTES are live "
	  "at the peak." },
	{ "engine", 0, "NAME", QN_TEXT(struct fit, only), .help =
	  "One heap alone, as the table names it." },
	{ "json", 0, NULL, QN_FLAG(struct fit, is_json), .help =
	  "Print a JSON object; its keys stay as they are." },
	{ "process", 0, "N", QN_NUMBER(struct fit, process),
	  .most = UINT32_MAX - 1, .help =
	  "Which process; by default the one with the most events." },
	{ "a trace", 0, NULL, QN_OPERAND(struct fit, file), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_fit = {
	.name = "fit",
	.brief =
		"whether a program's heap fits a microcontroller, and on which heap",
	.synopsis = "--heap=BYTES [OPTIONS] FILE",
	.about =
		"Replays a trace on a Cortex-M4 in QEMU, on quern's heap, on "
		"each engine, the algorithms of FreeRTOS's heap_4 and of TLSF "
		"among them, and on the malloc of newlib, newlib-nano and "
		"picolibc. It says whether the program fits, the smallest heap "
		"in which it does, how many instructions a call takes, and what "
		"to change. At most 200,000 calls are replayed. Sizes are those "
		"of the program as it was recorded. A FILE named - is standard "
		"input. The exit status is 1 where the answer is NO for quern, "
		"or for the heap of --engine.",
	.json = "The keys are format, heap, ccm, calls, live (bytes at the "
		"peak), fits (of quern, or of the heap of --engine), advice, "
		"and heaps, each with name, fits, smallest, and instructions of "
		"a call: malloc_mean, malloc_most, free_mean and free_most.",
	.options = fit_options,
	.run = fit_main,
};
