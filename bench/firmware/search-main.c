// SPDX-License-Identifier: MIT
/*
 * search-main.c - the adversarial search on this image's subject.
 *
 *	runs=N		sequences to try
 *	warm=N		calls of a few sizes before, with upkeep, 0 for none
 *	hold=1		freed blocks may be held unmerged
 *	step=1		sequences may call the upkeep
 *	heap=BYTES, seed=N
 *
 * Prints the dearest call of each kind, apart from it the dearest request that merged what is
 * held, since memory came to its end ("squeeze", of up to 176 bytes "short"), and the calls
 * that lead to the first: aN:SIZE allocates block N, AN:SIZE the same at an alignment of 64,
 * rN:SIZE resizes it, fN frees it, s calls the upkeep, wN:MARK writes into it what a heap might
 * take for a mark of its own. Should the heap stop the program or be found damaged, that is a
 * fault of its own, and the calls that lead to it are printed.
 */
#include "print.h"
#include "search.h"
#include "semihost.h"
#include "words.h"

#define STATUS_OK    0
#define STATUS_BAD   1
#define STATUS_USAGE 2

static const char *const kind_names[NR_GAUGE_KINDS] = {
	"malloc", "free", "realloc", "memalign", "step",
};

static void print_move(const struct move *m)
{
	static const char letters[] = { 'a', 'f', 'r', 'A', 's', 'w' };

	print(" %c", letters[m->kind]);
	if (m->kind != GAUGE_STEP)
		print("%u", m->slot);
	if (m->kind != GAUGE_STEP && m->kind != GAUGE_FREE)
		print(":%u", m->size);
}

static void print_calls(const struct sequence *seq)
{
	for (u32 i = 0; i < seq->nr; i++)
		print_move(&seq->moves[i]);
	print("\n");
}

/* The sequence that runs, for the case that the heap stops the program */
static const struct search *running;

void __wrap_qn_port_abort(void) __noreturn;

void __wrap_qn_port_abort(void)
{
	print("stopped.calls:");
	print_calls(running->latest);
	semihost_exit(STATUS_BAD);
}

static void print_worst(struct search *s, enum gauge_kind kind)
{
	struct sequence seq;

	if (!search_worst(s, kind, &seq))
		return;
	print("%s.worst=%u\n%s.calls:", kind_names[kind], seq.cost,
	      kind_names[kind]);
	print_calls(&seq);
}

static int report(struct search *s)
{
	for (u32 kind = 0; kind < SEARCH_KINDS; kind++)
		print_worst(s, kind);
	for (u32 kind = 0; kind < SEARCH_KINDS; kind++) {
		if (s->squeeze[kind])
			print("%s.squeeze=%u\n", kind_names[kind],
			      s->squeeze[kind]);
		if (s->squeeze_short[kind])
			print("%s.short=%u\n", kind_names[kind],
			      s->squeeze_short[kind]);
	}
	if (s->max[GAUGE_STEP])
		print("step.worst=%u\n", s->max[GAUGE_STEP]);
	if (!s->error)
		return STATUS_OK;
	print("damage.calls:");
	print_calls(s->latest);
	print_error("%s: a sequence damaged the heap: %s\n", subject.name,
		    s->error);
	return STATUS_BAD;
}

int main(int argc, char **argv)
{
	u32 runs = 10000, warm = 0, hold = 0, step = 0, heap = 16384, seed = 1;
	const struct word words[] = {
		{ "runs", .number = &runs }, { "warm", .number = &warm },
		{ "hold", .number = &hold }, { "step", .number = &step },
		{ "heap", .number = &heap }, { "seed", .number = &seed },
	};
	struct image image;
	struct search s;

	if (!words_parse(words, ARRAY_SIZE(words), argc, argv))
		return STATUS_USAGE;
	image_init(&image);
	if (!gauge_init(&s.gauge)) {
		print_error("no counter of instructions here: run it by "
			    "run-qemu.sh -m mps2\n");
		return STATUS_USAGE;
	}
	s.setup.can_hold = hold;
	s.has_steps = step && subject.step;
	if (!search_init(&s, &image, seed, heap)) {
		print_error("heap=%u is too small\n", heap);
		return STATUS_USAGE;
	}
	running = &s;
	search_warm(&s, warm);
	search_run(&s, runs);
	print("subject=%s runs=%u warm=%u hold=%u step=%u heap=%u\n",
	      subject.name, s.nr_runs, warm, hold, s.has_steps, heap);
	return report(&s);
}
