// SPDX-License-Identifier: MIT
/*
 * paper-main.c - one trial of the founding experiment: the sensor pipeline (app.h) on the
 * heap of this image, as key=value words.
 *
 *	seed=N scale=KB ops=N	the run (embedded/README.md)
 *	heap=BYTES ccm=BYTES	what the heap is given of SRAM and of CCM
 *	has=1			says what there is of both, and ends
 *	step=N			calls between two runs of the heap's upkeep
 *	beside=1		what an allocation puts off is done right after it and
 *				counted apart (watch.h)
 *
 * Status 0: it completed; 3: the heap ran out; 1: something was damaged.
 */
#include <string.h>

#include "app.h"
#include "board.h"
#include "direct.h"
#include "meter.h"
#include "print.h"
#include "quern.h"
#include "watch.h"
#include "words.h"

#define STATUS_OK        0
#define STATUS_BAD       1
#define STATUS_USAGE     2
#define STATUS_EXHAUSTED 3

#define LOOK_EVERY 64

/* The call and the return of a function that does nothing: they are its cost */
#define EMPTY_CALL 2

/**
 * struct request - the words
 */
struct request {
	u32 seed;
	u32 scale;
	u32 ops;
	u32 heap;
	u32 step;
	u32 beside;
	u32 ccm;
	u32 has;
};

/**
 * struct trial - everything about a run
 * @request:	as asked for
 * @subject:	the heap's functions
 * @heap:	its handle
 * @second:	another one over CCM, asked first, for a system that knows one piece of
 *		memory only; or NULL
 * @ccm:	where that lies
 * @ops, @meter, @watch: the layers between it and the application
 * @nr_looks:	times that the heap was looked at
 * @factors:	sum over these of 1 - largest free / free, in 1/10000
 * @max_factor:	the highest of them
 * @most_used:	bytes that are neither free nor metadata, at the most
 * @metadata:	bytes of that
 */
struct trial {
	struct request request;
	struct subject subject;
	void *heap;
	void *second;
	struct board_memory ccm;
	struct heap_ops ops;
	struct meter meter;
	struct watch watch;
	u32 nr_looks;
	u64 factors;
	u32 max_factor;
	u32 most_used;
	u32 metadata;
};

static struct trial trial;

static void look(void *arg)
{
	struct trial *t = arg;
	struct subject_view v;
	u32 factor = 0;

	/* Of memory in two places no factor is defined */
	if (!t->subject.look || t->request.ccm)
		return;
	t->subject.look(t->heap, &v);
	if (v.free)
		factor = (u32)((u64)(v.free - v.largest) * 10000 / v.free);
	t->nr_looks++;
	t->factors += factor;
	t->max_factor = max(t->max_factor, factor);
	t->metadata = v.metadata;
	t->most_used =
		max(t->most_used, t->request.heap - (u32)(v.free + v.metadata));
}

/* ---- the meter, for functions without a jump in front ---- */

static noinline void *do_nothing(void *heap, size_t size)
{
	__asm__ volatile("" : "+r"(heap), "+r"(size));
	return heap;
}

static void calibrate_direct(struct meter *m)
{
	const struct heap_ops empty = { .alloc = do_nothing };
	const struct heap_ops *real = m->inner;
	u32 seen;

	if (!m->counter.read)
		return;
	m->inner = &empty;
	m->ops.alloc(m->ops.heap, 0);
	/* As a difference: it may well be below zero */
	seen = (u32)m->alloc.sum - EMPTY_CALL;
	m->overhead += seen;
	m->inner = real;
	memset(&m->alloc, 0, sizeof(m->alloc));
	m->nr_calls = 0;
}

/* ---- two heaps of a system that knows one piece of memory only ---- */

static void *handle_of(struct trial *t, const void *p)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)t->ccm.start;

	return at < t->ccm.size ? t->second : t->heap;
}

static void *two_alloc(void *arg, size_t size)
{
	struct trial *t = arg;
	void *p = t->subject.alloc(t->second, size);

	return p ? p : t->subject.alloc(t->heap, size);
}

static void two_free(void *arg, void *p)
{
	struct trial *t = arg;

	t->subject.free(handle_of(t, p), p);
}

static void *two_resize(void *arg, void *p, size_t size)
{
	struct trial *t = arg;
	void *heap = handle_of(t, p);
	void *q = t->subject.resize(heap, p, size);
	struct block *b = p;

	if (q || heap == t->heap)
		return q;
	q = t->subject.alloc(t->heap, size);
	if (!q)
		return NULL;
	memcpy(q, p, min((size_t)block_size(b), size));
	t->subject.free(heap, p);
	return q;
}

/* ---- the run ---- */

static bool has_memory(const char *what, u32 wanted, size_t size)
{
	if (wanted <= size)
		return true;
	print_error("%s=%u: there are %u bytes\n", what, wanted, (u32)size);
	return false;
}

static bool add_ccm(struct trial *t, const struct subject_setup *setup)
{
	t->ccm.size = t->request.ccm;
	memset(t->ccm.start, 0xa5, t->ccm.size);
	if (strcmp(t->subject.name, "quern") == 0)
		return !qn_heap_add_zone(t->heap, t->ccm.start, t->ccm.size,
					 QN_ZONE_NODMA);
	t->second = t->subject.init(t->ccm.start, t->ccm.size, setup);
	return t->second;
}

static int make_heap(struct trial *t, bool *is_direct)
{
	const struct subject_setup setup = { .can_hold = true };
	struct board_memory sram = board_sram();

	*is_direct = direct_subject(&t->subject);
	t->ccm = board_ccm();
	if (!has_memory("heap", t->request.heap, sram.size) ||
	    !has_memory("ccm", t->request.ccm, t->ccm.size))
		return STATUS_USAGE;
	memset(sram.start, 0xa5, t->request.heap);
	t->heap = t->subject.init(sram.start, t->request.heap, &setup);
	if (!t->heap || (t->request.ccm && !add_ccm(t, &setup)))
		return STATUS_EXHAUSTED;
	return STATUS_OK;
}

static void start(struct trial *t, bool is_direct)
{
	const struct pipeline_config config = {
		.seed = t->request.seed,
		.budget = t->request.scale * 1024,
		.nr_ops = t->request.ops,
		.step_every = t->request.step,
	};
	const struct heap_ops *top = &t->meter.ops;
	const void *base = board_sram().start;
	struct counter counter;

	board_counter_init(&counter);
	t->ops = (struct heap_ops){ t->heap, t->subject.alloc, t->subject.free,
				    t->subject.resize, t->subject.step };
	if (t->second)
		t->ops = (struct heap_ops){ t, two_alloc, two_free, two_resize,
					    NULL };
	/* Links count from below every block; CCM comes first on this chip */
	if (t->request.ccm && (uintptr_t)t->ccm.start < (uintptr_t)base)
		base = t->ccm.start;
	meter_init(&t->meter, &t->ops, &counter);
	if (is_direct)
		calibrate_direct(&t->meter);
	t->meter.every = LOOK_EVERY;
	t->meter.look = look;
	t->meter.arg = t;
	if (t->request.beside && !t->second && t->subject.step &&
	    counter.read) {
		watch_init(&t->watch, top, &counter);
		top = &t->watch.ops;
	}
	app_init(&config, top, base);
}

/* ---- what came of it ---- */

static void print_costs(const char *name, const struct meter_costs *c)
{
	u32 mean = c->nr ? (u32)((100 * c->sum + c->nr / 2) / c->nr) : 0;

	print("%s.nr=%u %s.mean=%u.%02u ", name, c->nr, name, mean / 100,
	      mean % 100);
	print("%s.median=%u %s.p99=%u %s.max=%u\n", name,
	      meter_quantile(c, 500), name, meter_quantile(c, 990), name,
	      c->max);
}

static void print_factor(const char *name, u32 factor)
{
	print("%s=%u.%04u ", name, factor / 10000, factor % 10000);
}

static void print_looks(const struct trial *t)
{
	if (!t->nr_looks)
		return;
	print_factor("factor", (u32)(t->factors / t->nr_looks));
	print_factor("factor.max", t->max_factor);
	print("used=%u metadata=%u\n", t->most_used, t->metadata);
}

static void print_watch(const struct trial *t)
{
	const struct watch *w = &t->watch;

	if (!w->nr_gaps)
		return;
	print("wait.nr=%u wait.sum=%u wait.max=%u ", w->nr_waits,
	      (u32)w->sum_waits, w->max_wait);
	print("gap.nr=%u gap.mean=%u gap.min=%u early=%u\n", w->nr_gaps,
	      (u32)(w->sum_gaps / w->nr_gaps), w->min_gap, w->nr_early);
}

static int finish(struct trial *t)
{
	struct app_result r;
	const char *error;

	app_exit(&r);
	error = t->subject.check ? t->subject.check(t->heap) : NULL;
	if (error)
		print_error("%s\n", error);
	print("subject=%s seed=%u heap=%u fits=%u\n", t->subject.name,
	      t->request.seed, t->request.heap, !r.nr_failed);
	print("peak=%u blocks=%u checksum=0x%08x\n", r.peak, r.peak_nr,
	      r.checksum);
	print_costs("malloc", &t->meter.alloc);
	print_costs("free", &t->meter.free);
	print_looks(t);
	print_watch(t);
	if (error || r.is_bad)
		return STATUS_BAD;
	return r.nr_failed ? STATUS_EXHAUSTED : STATUS_OK;
}

static int run(struct trial *t)
{
	bool is_direct;
	int status = make_heap(t, &is_direct);

	if (status)
		return status;
	start(t, is_direct);
	while (app_tick())
		;
	return finish(t);
}

int main(int argc, char **argv)
{
	struct trial *t = &trial;
	const struct word words[] = {
		{ "seed", .number = &t->request.seed },
		{ "scale", .number = &t->request.scale },
		{ "ops", .number = &t->request.ops },
		{ "heap", .number = &t->request.heap },
		{ "step", .number = &t->request.step },
		{ "beside", .number = &t->request.beside },
		{ "ccm", .number = &t->request.ccm },
		{ "has", .number = &t->request.has },
	};

	t->request = (struct request){ .seed = 1,
				       .scale = 60,
				       .ops = 60000,
				       .heap = 112 * 1024,
				       .step = 64 };
	if (!words_parse(words, ARRAY_SIZE(words), argc, argv))
		return STATUS_USAGE;
	if (t->request.has) {
		print("sram=%u ccm=%u\n", (u32)board_sram().size,
		      (u32)board_ccm().size);
		return STATUS_OK;
	}
	return run(t);
}
