// SPDX-License-Identifier: MIT
/*
 * cmd-hints.c - quern hints: what the compiler knew about a program's allocation sites, as its
 * plugin wrote it into the file, and what a heap would make of it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/demangle.h"
#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/text-table.h"
#include "granules.h"
#include "hint-file.h"

/* Keys of the JSON stay as they are; a new number means that one has changed */
#define FORMAT 1

/* Exit status where the answer to --heap is NO */
#define DOES_NOT_FIT 1

/**
 * struct hints - one call of quern hints
 * @path:	the file
 * @heap:	--heap; 0: it is not asked
 * @is_json:	--json
 */
struct hints {
	const char *path;
	u64 heap;
	bool is_json;
};

/* Flags in the order in which they are shown */
static const struct flag {
	u32 bit;
	const char *name;
} flags[] = {
	{ QN_HINT_HOT, "hot" },         { QN_HINT_COLD, "cold" },
	{ QN_HINT_IN_LOOP, "loop" },    { QN_HINT_GROWS, "grows" },
	{ QN_HINT_FREED, "freed" },     { QN_HINT_HAS_POINTERS, "pointers" },
	{ QN_HINT_ARRAY, "array" },     { QN_HINT_ZEROED, "zeroed" },
	{ QN_HINT_REALLOC, "realloc" }, { QN_HINT_RETURNED, "returned" },
	{ QN_HINT_HOOK, "hook" },       { QN_HINT_RUST, "rust" },
	{ QN_HINT_MANUAL, "manual" },
};

static void write_flags(char *to, size_t size, u32 bits)
{
	size_t used = 0;

	*to = 0;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if ((bits & flags[i].bit) && used < size)
			used += (size_t)snprintf(to + used, size - used, "%s%s",
						 used ? " " : "",
						 flags[i].name);
}

/* "24", "16-271", "8+", "any" */
static void write_sizes(char *to, size_t size, const struct qn_hint *h)
{
	if (h->size_max != QN_HINT_UNKNOWN && h->size_min == h->size_max)
		snprintf(to, size, "%u", h->size_min);
	else if (h->size_max != QN_HINT_UNKNOWN)
		snprintf(to, size, "%u-%u", h->size_min, h->size_max);
	else if (h->size_min)
		snprintf(to, size, "%u+", h->size_min);
	else
		snprintf(to, size, "any");
}

/* The type, or the function in which it is not known; the caller's */
static char *what(const struct qn_hint_entry *e)
{
	bool is_typed = e->hint.flags & QN_HINT_TYPED;
	char *plain, *text;

	if (!e->name)
		return qn_xprintf("%s %08x", is_typed ? "type" : "in",
				  e->hint.type_hash);
	plain = is_typed ? qn_xprintf("%s", e->name) : qn_demangle(e->name);
	qn_text_clean(plain, strlen(plain) + 1, plain);
	text = qn_xprintf(is_typed ? "%s" : "in %s()", plain);
	free(plain);
	return text;
}

static struct qn_text weight(u64 sixteenths)
{
	return qn_text_fixed((double)sixteenths / QN_HINT_ONCE, 1);
}

/* ---- text ---- */

/* All that is known of a site is shown, on one line unless the terminal is narrow */
static void print_entries(struct qn_lines *l, const struct qn_hint_file *f)
{
	bool is_narrow = qn_lines_columns(l) < QN_TEXT_COLUMNS;
	char sizes[32], elem[16], align[16], list[160], figures[128];

	qn_line(l, "%14s%6s%7s%8s  OF", "BYTES", "ELEM", "ALIGN", "WEIGHT");
	for (u32 i = 0; i < f->nr; i++) {
		const struct qn_hint_entry *e = &f->at[i];
		char *of = what(e), *of_all;

		write_sizes(sizes, sizeof(sizes), &e->hint);
		write_flags(list, sizeof(list), e->hint.flags);
		snprintf(elem, sizeof(elem), "%u", e->hint.elem);
		snprintf(align, sizeof(align), "%u", 1u << e->hint.align_log2);
		snprintf(figures, sizeof(figures), "%14s%6s%7s%8s  ", sizes,
			 e->hint.elem ? elem : "",
			 e->hint.align_log2 ? align : "", weight(e->weight).s);
		of_all = qn_xprintf("%-*s%s%s", *list ? 19 : 0, of,
				    *list ? " " : "", list);
		if (is_narrow)
			qn_wrap(l, figures, of_all);
		else
			qn_line_whole(l, "%s%s", figures, of_all);
		free(of_all);
		free(of);
	}
}

static void print_granules(struct qn_lines *l, const struct qn_hint_file *f)
{
	static const int widths[] = { 14, 14, 9, 2, -22 };
	struct qn_text_table t = { .l = l,
				   .widths = widths,
				   .nr = ARRAY_SIZE(widths) };
	struct qn_granules g;
	char size[16], served[16];

	qn_granules_init(&g, f);
	if (g.nr) {
		qn_line(l, "%s", "");
		QN_TEXT_ROW(&t, "GRANULES", "TAKE", "WEIGHT", "", "");
	}
	for (u32 i = 0; i < g.nr; i++) {
		snprintf(size, sizeof(size), "%u", g.at[i].size);
		snprintf(served, sizeof(served), "%u", g.at[i].served);
		QN_TEXT_ROW(&t, size, served,
			    qn_text_share(g.at[i].weight, g.weight).s, "",
			    g.at[i].own_class ? "a class of its own" : "");
	}
	qn_granules_exit(&g);
}

static void print_fit(struct qn_lines *l, const struct hints *h,
		      const struct qn_hint_fit *fit)
{
	const char *what = "one block of each site takes at least";

	qn_line(l, "%s", "");
	if (fit->least > fit->room)
		what = "NO, one block takes";
	else if (fit->once > fit->room)
		what = "each block fits, but not all at once: they take";
	qn_line(l, "heap %s: %s %s bytes of %s", qn_text_units(h->heap).s, what,
		qn_text_count(fit->least > fit->room ? fit->least : fit->once).s,
		qn_text_count(fit->room).s);
	if (fit->over)
		qn_line(l, "sites that may ask for more than the heap has: %u",
			fit->over);
	if (fit->unbounded)
		qn_line(l,
			"sites whose largest size the compiler does not know: %u",
			fit->unbounded);
}

static void print_text(const struct hints *h, const struct qn_hint_file *f,
		       const struct qn_hint_fit *fit)
{
	struct qn_lines l = qn_lines_to(stdout);

	if (!f->nr) {
		qn_line(&l,
			"%s has no hint records. Compile it with quern's "
			"plugin:",
			h->path);
		qn_line(&l, "  gcc -fplugin=.../quern.so, "
			    "clang -fpass-plugin=.../quern.so");
		return;
	}
	qn_line(&l, "%s: %u sites, for pointers of %u bits", h->path,
		f->nr_records, f->ptr_bits);
	if (f->nr_other)
		qn_line(&l, "note: %u notes of a newer version are left out",
			f->nr_other);
	print_entries(&l, f);
	print_granules(&l, f);
	if (h->heap)
		print_fit(&l, h, fit);
}

/* ---- JSON ---- */

static json_t *entry_json(const struct qn_hint_entry *e)
{
	const struct qn_hint *h = &e->hint;
	json_t *one = json_object(), *list = json_array();

	qn_json_number(one, "size_min", h->size_min);
	qn_json_known(one, "size_max", h->size_max,
		      h->size_max != QN_HINT_UNKNOWN);
	qn_json_known(one, "element", h->elem, h->elem);
	qn_json_number(one, "align", h->align_log2 ? 1u << h->align_log2 : 0);
	qn_json_number(one, "loop_depth", h->loop_depth);
	qn_json_real(one, "weight", (double)e->weight / QN_HINT_ONCE);
	qn_json_number(one, "sites", e->nr);
	qn_json_number(one, "hash", h->type_hash);
	qn_json_bool(one, "typed", h->flags & QN_HINT_TYPED);
	qn_json_put(one, "name", qn_json_text(e->name));
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (h->flags & flags[i].bit)
			json_array_append_new(list, json_string(flags[i].name));
	qn_json_put(one, "flags", list);
	return one;
}

static json_t *granules_json(const struct qn_hint_file *f)
{
	json_t *list = json_array();
	struct qn_granules g;

	qn_granules_init(&g, f);
	for (u32 i = 0; i < g.nr; i++) {
		json_t *one = json_object();

		qn_json_number(one, "size", g.at[i].size);
		qn_json_number(one, "served", g.at[i].served);
		qn_json_real(one, "weight",
			     (double)g.at[i].weight / QN_HINT_ONCE);
		qn_json_bool(one, "own", g.at[i].own_class);
		json_array_append_new(list, one);
	}
	qn_granules_exit(&g);
	return list;
}

static void print_json(const struct hints *h, const struct qn_hint_file *f,
		       const struct qn_hint_fit *fit)
{
	json_t *root = json_object(), *list = json_array(), *heap;

	for (u32 i = 0; i < f->nr; i++)
		json_array_append_new(list, entry_json(&f->at[i]));
	qn_json_number(root, "format", FORMAT);
	qn_json_put(root, "file", qn_json_text(h->path));
	qn_json_known(root, "pointer_bits", f->ptr_bits, f->nr);
	qn_json_number(root, "sites", f->nr_records);
	qn_json_put(root, "records", list);
	qn_json_put(root, "granules", granules_json(f));
	if (h->heap) {
		heap = json_object();
		qn_json_number(heap, "bytes", h->heap);
		qn_json_number(heap, "room", fit->room);
		qn_json_number(heap, "least", fit->least);
		qn_json_number(heap, "most", fit->most);
		qn_json_number(heap, "one_of_each", fit->once);
		qn_json_number(heap, "over", fit->over);
		qn_json_number(heap, "unbounded", fit->unbounded);
		qn_json_bool(heap, "fits", fit->least <= fit->room);
		qn_json_put(root, "heap", heap);
	}
	qn_json_print(stdout, root);
}

/* ---- the command ---- */

static int hints_main(const struct qn_command *command, int argc, char **argv)
{
	struct hints h = { 0 };
	struct qn_hint_file f;
	struct qn_hint_fit fit;
	int err = qn_options_read(command, argv, &h);

	(void)argc;
	if (err)
		return err;
	if (qn_hint_file_open(&f, h.path))
		return QN_EXIT_FAILURE;
	fit = qn_hint_fit(&f, h.heap);
	if (h.is_json)
		print_json(&h, &f, &fit);
	else
		print_text(&h, &f, &fit);
	qn_hint_file_close(&f);
	return h.heap && fit.least > fit.room ? DOES_NOT_FIT : 0;
}

/* clang-format off */
static const struct qn_option hints_options[] = {
	{ "heap", 0, "SIZE", QN_SIZE(struct hints, heap), .least = 2048, .most = 1ull << 40, .help =
	  "Hold what the sites ask for against a heap in so much memory. The "
	  "exit status is 1 if one of them asks for a block that cannot fit." },
	{ "json", 0, NULL, QN_FLAG(struct hints, is_json), .help =
	  "Print a JSON object; its keys stay as they are." },
	{ "a file", 0, NULL, QN_OPERAND(struct hints, path), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_hints = {
	.name = "hints",
	.brief = "what the compiler knew about a program's allocations",
	.synopsis = "[OPTIONS] FILE",
	.about =
		"Lists the hint records of an object, a program, a library or an "
		"image of firmware: how many bytes each allocation site asks for, of "
		"which type, how often it runs for each call of its function (the "
		"weight). Then the constant sizes, and the blocks that serve them "
		"before anything is learned. quern's plugins of compilers write such "
		"records: gcc -fplugin, clang -fpass-plugin.",
	.json = "The keys are format, file, pointer_bits, sites (how many), "
		"records, granules and with --heap heap. A record has size_min, "
		"size_max (null: not known), element, align, loop_depth, weight, "
		"sites, hash, typed (its name is a type's), name and flags. A "
		"granule has size, served, weight and own (a class of its own). "
		"heap has bytes, room, least, most, one_of_each, over (sites "
		"that may ask for more than there is), unbounded and fits.",
	.options = hints_options,
	.run = hints_main,
};
