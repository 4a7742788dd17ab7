// SPDX-License-Identifier: MIT
/*
 * flame-text.c - folded stacks, as flamegraph.pl and others read them, and massif's file.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <string.h>
#include "flame.h"
#include "flame-tree.h"

/* ---- folded stacks ---- */

/* ";" parts functions, the last blank parts the value: neither may be in a name */
static void put_folded_name(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name == ';' ? ':' : *name, out);
}

void qn_flame_folded(FILE *out, const struct qn_flame *f, enum qn_flame_of of)
{
	const struct qn_symbols_frame *frames[QN_PEOPLE_FRAMES];
	struct qn_people people;

	for (u32 i = 0; i < f->nr; i++) {
		const struct qn_flame_site *site = &f->sites[i];
		u32 nr;

		if (!site->value[of])
			continue;
		nr = qn_flame_frames(f, site->site, &people, frames);
		while (nr-- > 0) {
			put_folded_name(out, frames[nr]->function);
			fputc(nr ? ';' : ' ', out);
		}
		fprintf(out, "%" PRIu64 "\n", site->value[of]);
	}
}

/* ---- massif ---- */

/* Places with less than one part in so many are summed up */
#define THRESHOLD 100

static void put_snapshot(FILE *out, u32 nr, u64 ms, u64 bytes, const char *tree)
{
	fprintf(out,
		"#-----------\nsnapshot=%u\n#-----------\ntime=%" PRIu64
		"\nmem_heap_B=%" PRIu64
		"\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
		nr, ms, bytes, tree);
}

static void put_massif_name(FILE *out, const struct qn_symbols_frame *frame,
			    u32 id)
{
	const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

	/* Places are addresses to massif: any number that is a node's own */
	fprintf(out, "0x%X: %s", id, frame->function);
	if (frame->file)
		fprintf(out, " (%s:%u)", slash ? slash + 1 : frame->file,
			frame->line);
	else
		fprintf(out, " (in %s)", *frame->module ? frame->module : "?");
}

static void put_tree(FILE *out, const struct qn_flame_tree *t, u32 node,
		     int depth)
{
	u64 least = t->nodes[0].value / THRESHOLD, rest = 0;
	u32 nr = 0, nr_rest = 0, at;

	for (at = t->nodes[node].first; at; at = t->nodes[at].next) {
		bool is_small = t->nodes[at].value < least;

		nr += !is_small;
		nr_rest += is_small;
		rest += is_small ? t->nodes[at].value : 0;
	}
	fprintf(out, "%*sn%u: %" PRIu64 " ", depth, "", nr + (nr_rest > 0),
		t->nodes[node].value);
	if (node)
		put_massif_name(out, &t->nodes[node].frame, node);
	else
		fputs("(heap allocation functions) malloc/new/new[], "
		      "--alloc-fns, etc.",
		      out);
	fputc('\n', out);
	for (at = t->nodes[node].first; at; at = t->nodes[at].next)
		if (t->nodes[at].value >= least)
			put_tree(out, t, at, depth + 1);
	if (nr_rest)
		fprintf(out,
			"%*sn0: %" PRIu64
			" in %u place%s, %s massif's threshold "
			"(1.00%%)\n",
			depth + 1, "", rest, nr_rest, nr_rest == 1 ? "" : "s",
			nr_rest == 1 ? "below" : "all below");
}

void qn_flame_massif(FILE *out, const struct qn_flame *f)
{
	enum qn_flame_of of = f->has_peak ? QN_FLAME_PEAK : QN_FLAME_LEAKED;
	u64 at = f->has_peak ? f->peak_ms : f->end_ms;
	struct qn_flame_tree t;
	u32 nr = 0, i = 0;

	qn_flame_tree_make(&t, f, of, true);
	fprintf(out, "desc: made by quern flame\ncmd: %s\ntime_unit: ms\n",
		f->program);
	put_snapshot(out, nr++, 0, 0, "empty");
	for (; i < f->nr_moments && f->moments[i].ms < at; i++)
		put_snapshot(out, nr++, f->moments[i].ms, f->moments[i].bytes,
			     "empty");
	put_snapshot(out, nr++, at, t.nodes[0].value, "peak");
	put_tree(out, &t, 0, 0);
	for (; i < f->nr_moments; i++)
		if (f->moments[i].ms > at)
			put_snapshot(out, nr++, f->moments[i].ms,
				     f->moments[i].bytes, "empty");
	qn_flame_tree_exit(&t);
}
