// SPDX-License-Identifier: MIT
/*
 * replay-main.c - measures the subject of this image on one trace and prints
 * key=value words, a line a topic.
 *
 *	do=cost		every call counted, at heap=BYTES; a look every 64
 *	do=fits		does the trace complete at heap=BYTES
 *	do=smallest	the smallest heap that completes, in steps of 16 bytes,
 *			and the smallest from which on every size up to 3 KB more
 *			completes too, in steps of 64; not below from=BYTES
 *	do=full		bytes asked for over bytes of the heap when a request is refused
 *			first, mean over heaps of 1/16 to 15/16 of what is live at peak
 *	do=fit		cost, and the smallest heap that completes as halving finds it,
 *			also above heap=BYTES: less sure than smallest, and soon done
 *
 * ccm=BYTES gives heaps that can use it a second zone of so many bytes.
 * trace=FILE, once or several times, names the traces; costs are those of all of
 * them together. step=N calls the subject's upkeep every N operations; hold=1 lets
 * it hold freed blocks unmerged. policy=NAME and knob=NAME:VALUE, several times, are
 * for those that know such things.
 */
#include <string.h>

#include "print.h"
#include "replay.h"
#include "words.h"

#define STATUS_OK    0
#define STATUS_BAD   1
#define STATUS_USAGE 2

/* What "smallest" goes by, in bytes */
#define STEP        16
#define ROBUST_STEP 64
#define ROBUST_SPAN 3072

/* Where it gives up: so many times what is live */
#define MAX_SHARE 8

#define MAX_TRACES 8
#define MAX_KNOBS  8

/* So many sizes of heap less one, evenly spaced, are too small on purpose */
#define FULL_SIZES 16

/**
 * struct outcomes - which sizes of a heap complete, as far as known
 * @known, @fits: a bit for each STEP bytes
 * @nr:		sizes
 */
struct outcomes {
	u8 *known;
	u8 *fits;
	u32 nr;
};

static const char *const kind_names[NR_GAUGE_KINDS] = {
	"malloc", "free", "realloc", "memalign", "step",
};

static bool fits(struct replay *r, struct outcomes *o, u32 size)
{
	u32 i = size / STEP;
	u8 bit = (u8)(1u << i % 8);

	if (!(o->known[i / 8] & bit)) {
		o->known[i / 8] |= bit;
		if (replay_run(r, size))
			o->fits[i / 8] |= bit;
	}
	return o->fits[i / 8] & bit;
}

static bool is_robust(struct replay *r, struct outcomes *o, u32 size)
{
	for (u32 more = 0; more <= ROBUST_SPAN; more += ROBUST_STEP)
		if (!fits(r, o, size + more))
			return false;
	return true;
}

static void print_trace(const struct replay *r)
{
	const struct trace *t = &r->trace;

	print("subject=%s ops=%u live=%u blocks=%u rounded=%u\n", subject.name,
	      t->nr, t->peak, t->peak_nr, t->rounded);
}

static void print_metadata(struct replay *r)
{
	struct subject_view view;

	if (!subject.look)
		return;
	subject.look(r->gauge.heap, &view);
	print("heap=%u metadata=%u learning=%u\n", r->size, view.metadata,
	      view.learning);
}

static int report_fault(const struct replay *r)
{
	print_error("%s, heap of %u bytes: %s\n", subject.name, r->size,
		    r->error);
	return STATUS_BAD;
}

static int find_smallest(struct replay *r, u32 from)
{
	u32 limit = min(MAX_SHARE * r->trace.rounded, r->arena_size);
	u32 size = round_up(max(from, r->trace.rounded), STEP);
	struct outcomes o = { .nr = r->arena_size / STEP };
	u32 smallest = 0;

	o.known = r->arena + r->arena_size - o.nr / 4;
	o.fits = o.known + o.nr / 8;
	limit = min(limit, (u32)(o.known - r->arena)) - ROBUST_SPAN - STEP;
	memset(o.known, 0, o.nr / 4);
	for (; size < limit && !r->error; size += STEP) {
		if (!fits(r, &o, size))
			continue;
		smallest = smallest ? smallest : size;
		if (is_robust(r, &o, size))
			break;
	}
	if (r->error)
		return report_fault(r);
	print("smallest=%u robust=%u\n", smallest, size < limit ? size : 0);
	if (smallest && replay_run(r, smallest))
		print_metadata(r);
	return STATUS_OK;
}

static void print_costs(const char *name, const struct costs *c)
{
	u32 mean = costs_mean(c);

	if (!c->nr)
		return;
	print("%s.nr=%u %s.median=%u %s.mean=%u.%02u ", name, c->nr, name,
	      costs_quantile(c, 500), name, mean / 100, mean % 100);
	print("%s.p99=%u %s.max=%u\n", name, costs_quantile(c, 990), name,
	      c->max);
}

static void print_factor(const char *name, u32 factor)
{
	print("%s=0.%04u\n", name, factor);
}

static int count_costs(struct replay *r, u32 size)
{
	bool has_completed = replay_run(r, size);

	if (r->error)
		return report_fault(r);
	print("fits=%u\n", has_completed);
	print_metadata(r);
	return STATUS_OK;
}

static void print_sums(const struct replay *r)
{
	for (u32 i = 0; i < NR_GAUGE_KINDS; i++)
		print_costs(kind_names[i], &r->costs[i]);
	if (subject.look)
		print_factor("factor", replay_factor(r));
	print_factor("gaps", replay_gaps(r));
}

/* Where more memory does not help at times, this is one of several answers */
static int find_by_halving(struct replay *r, u32 low, u32 high)
{
	while (high - low > STEP && !r->error) {
		u32 size = round_up((low + high) / 2, STEP);

		if (replay_run(r, size))
			high = size;
		else
			low = size;
	}
	if (r->error)
		return report_fault(r);
	print("smallest=%u\n", high);
	return STATUS_OK;
}

/* Below the heap that completes nothing is smaller than what is live */
static int find_below(struct replay *r, u32 heap)
{
	u32 zone = (u32)r->setup.zone_size;
	u32 rest = r->trace.rounded - min(r->trace.rounded, zone);

	return find_by_halving(r, round_down(min(rest, heap), STEP), heap);
}

/* Twice as much, and again, as long as there is memory */
static int find_above(struct replay *r, u32 heap)
{
	u32 most = r->arena_size - (u32)r->setup.zone_size;
	u32 low = round_down(heap, STEP), high = heap;
	bool has_completed = false;

	while (!has_completed && !r->error && high < most) {
		high = high > most / 2 ? most : 2 * high;
		has_completed = replay_run(r, round_down(high, STEP));
		if (!has_completed)
			low = round_down(high, STEP);
	}
	if (r->error)
		return report_fault(r);
	return has_completed ? find_by_halving(r, low, high) : STATUS_OK;
}

/* Costs are of what was done before a request failed */
static int fit(struct replay *r, u32 heap)
{
	bool has_completed = replay_run(r, heap);
	int status;

	if (r->error)
		return report_fault(r);
	print("fits=%u\n", has_completed);
	r->is_measured = false;
	status = has_completed ? find_below(r, heap) : find_above(r, heap);
	r->is_measured = true;
	return status;
}

static u32 live_bytes(const struct replay *r)
{
	u32 sum = 0;

	for (u32 i = 0; i < r->trace.nr_slots; i++)
		sum += r->slots[i].p ? r->slots[i].size : 0;
	return sum;
}

/* Heaps that are too small for the subject's own state are left out */
static int find_full(struct replay *r)
{
	u32 sum = 0, nr = 0;

	for (u32 i = 1; i < FULL_SIZES && !r->error; i++) {
		u32 size = r->trace.peak / FULL_SIZES * i;

		if (replay_run(r, size) || !r->gauge.heap)
			continue;
		sum += (u32)((u64)live_bytes(r) * 10000 / size);
		nr++;
	}
	if (r->error)
		return report_fault(r);
	print_factor("full", nr ? sum / nr : 0);
	return STATUS_OK;
}

static int try_size(struct replay *r, u32 size)
{
	bool has_completed = replay_run(r, size);

	if (r->error)
		return report_fault(r);
	print("fits=%u\n", has_completed);
	return STATUS_OK;
}

/**
 * struct request - what the command line asks for
 * @what:	one of the tasks at the top of this file
 * @heap, @ccm, @from, @step, @hold: numbers of these names
 * @policy:	likewise
 * @nr_knobs, @knobs: of the subject
 * @nr_paths:	traces
 * @paths:	their files
 */
struct request {
	const char *what;
	u32 heap;
	u32 ccm;
	u32 from;
	u32 step;
	u32 hold;
	const char *policy;
	u32 nr_knobs;
	const char *knobs[MAX_KNOBS];
	u32 nr_paths;
	const char *paths[MAX_TRACES];
};

static int do_trace(struct replay *r, const struct request *q)
{
	if (q->heap > r->arena_size || q->ccm > r->arena_size - q->heap) {
		print_error("heap=%u: there are %u bytes\n", q->heap,
			    r->arena_size);
		return STATUS_USAGE;
	}
	print_trace(r);
	if (strcmp(q->what, "smallest") == 0)
		return find_smallest(r, q->from);
	if (strcmp(q->what, "full") == 0)
		return find_full(r);
	if (strcmp(q->what, "fits") == 0)
		return try_size(r, q->heap);
	if (strcmp(q->what, "fit") == 0)
		return fit(r, q->heap);
	return count_costs(r, q->heap);
}

static int do_all(struct replay *r, struct request *q)
{
	int status = STATUS_OK;

	r->setup.can_hold = q->hold;
	r->setup.zone_size = q->ccm;
	r->setup.policy = q->policy;
	r->setup.knobs = q->knobs;
	r->setup.nr_knobs = q->nr_knobs;
	r->step_every = subject.step ? q->step : 0;
	r->is_measured = strcmp(q->what, "cost") == 0 ||
			 strcmp(q->what, "fit") == 0;
	for (u32 i = 0; i < q->nr_paths && status == STATUS_OK; i++) {
		if (!replay_load(r, q->paths[i]))
			return STATUS_USAGE;
		print("trace=%s\n", q->paths[i]);
		status = do_trace(r, q);
	}
	if (r->is_measured && status == STATUS_OK)
		print_sums(r);
	return status;
}

int main(int argc, char **argv)
{
	struct request q = { .what = "cost", .heap = 131072 };
	const struct word words[] = {
		{ "do", .text = &q.what },
		{ "heap", .number = &q.heap },
		{ "ccm", .number = &q.ccm },
		{ "from", .number = &q.from },
		{ "step", .number = &q.step },
		{ "hold", .number = &q.hold },
		{ "policy", .text = &q.policy },
		{ "knob", .text = q.knobs, .nr = &q.nr_knobs,
		  .max_nr = MAX_KNOBS },
		{ "trace", .text = q.paths, .nr = &q.nr_paths,
		  .max_nr = MAX_TRACES },
	};
	struct image image;
	struct replay r;

	if (!words_parse(words, ARRAY_SIZE(words), argc, argv))
		return STATUS_USAGE;
	if (!q.nr_paths) {
		print_error("no trace given: trace=FILE\n");
		return STATUS_USAGE;
	}
	image_init(&image);
	if (!replay_init(&r, &image))
		return STATUS_USAGE;
	return do_all(&r, &q);
}
