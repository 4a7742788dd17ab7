// SPDX-License-Identifier: MIT
/*
 * run.c - makes a heap, gives it to the pipeline through a meter, looks at it
 * every 64 calls, and prints what came of it.
 *
 * This is how a firmware uses quern: qn_heap_init() over a piece of SRAM,
 * qn_heap_add_zone() for CCM, qn_heap_step() in the idle loop.
 */
#include "heap-quern.h"
#include "meter.h"
#include "options.h"
#include "pipeline.h"
#include "print.h"
#include "quern.h"
#include "recorder.h"
#include "run.h"

#define LOOK_EVERY   64
#define FRACTION_ONE 1000

/* For the events between two drains */
#define TRACE_BUFFER 2048

/**
 * struct run - everything about a run
 * @options:	as given
 * @heap:	quern's
 * @ops:	the interface to it
 * @meter:	counts what calls cost
 * @recorder:	in front of it, if a trace is wanted
 * @trace:	its buffer
 * @pipeline:	the application
 * @first_table: tables counted before anything ran
 * @nr_looks:	times that @heap was looked at
 * @fragmentation: sum over these of 1 - largest free run / free, in 1/1000
 * @max_fragmentation: the highest of them
 * @least_run:	the shortest largest free run
 */
struct run {
	struct options options;
	struct qn_heap *heap;
	struct heap_ops ops;
	struct meter meter;
	struct recorder recorder;
	u8 trace[TRACE_BUFFER];
	struct pipeline pipeline;
	size_t first_table;
	u32 nr_looks;
	u32 fragmentation;
	u32 max_fragmentation;
	size_t least_run;
};

static struct run run;

static u32 fragmentation(const struct qn_stats *st)
{
	if (!st->free)
		return 0;
	return (u32)((u64)(st->free - st->largest_free) * FRACTION_ONE /
		     st->free);
}

/* Free bytes in no run that a request could have in one piece, now */
static void look(void *arg)
{
	struct run *r = arg;
	struct qn_stats st;
	u32 f;

	if (qn_heap_stats(r->heap, &st))
		return;
	f = fragmentation(&st);
	r->nr_looks++;
	r->fragmentation += f;
	r->max_fragmentation = max(r->max_fragmentation, f);
	r->least_run = min(r->least_run, st.largest_free);
}

static bool too_much(const char *key, u32 asked, size_t have, const char *where)
{
	if (asked <= have)
		return false;
	print_error("pipeline: %s=%u, but %s here has %u bytes\n", key, asked,
		    where, (u32)have);
	return true;
}

static int make_heap(struct run *r, const struct run_machine *m)
{
	const struct options *o = &r->options;
	struct qn_stats st;

	if (too_much("heap", o->heap, m->sram_size, "SRAM") ||
	    too_much("ccm", o->ccm, m->ccm_size, "CCM"))
		return RUN_BAD_USAGE;
	r->heap = qn_heap_init(m->sram, o->heap);
	if (!r->heap) {
		print_error("pipeline: heap=%u is too small for a heap\n",
			    o->heap);
		return RUN_BAD_USAGE;
	}
	if (o->ccm &&
	    qn_heap_add_zone(r->heap, m->ccm, o->ccm, QN_ZONE_NODMA)) {
		print_error("pipeline: ccm=%u is too small for a zone\n",
			    o->ccm);
		return RUN_BAD_USAGE;
	}
	qn_heap_set_policy(r->heap, o->is_fixed ? "fixed" : "rule");
	qn_heap_stats(r->heap, &st);
	r->first_table = st.nr_tables;
	return RUN_OK;
}

static void start(struct run *r, const struct run_machine *m)
{
	const struct options *o = &r->options;
	struct pipeline_config config = {
		.seed = o->seed,
		.budget = o->scale * 1024,
		.nr_ops = o->ops,
		.step_every = o->step,
	};

	r->ops = heap_quern(r->heap);
	meter_init(&r->meter, &r->ops, &m->counter);
	r->least_run = o->heap;
	r->meter.every = LOOK_EVERY;
	r->meter.look = look;
	r->meter.arg = r;
	if (o->trace)
		recorder_init(&r->recorder, &r->meter.ops, r->trace,
			      sizeof(r->trace), m->send, NULL);
	pipeline_init(&r->pipeline, &config,
		      o->trace ? &r->recorder.ops : &r->meter.ops, m->sram);
}

static void print_costs(const char *what, const struct meter_costs *c,
			const struct counter *counter)
{
	u32 mean = meter_mean10(c);

	if (!counter->read) {
		print("%-20s n/a, no counter here\n", what);
		return;
	}
	print("%-20s mean %u.%u, p99 %u, max %u %s\n", what, mean / 10,
	      mean % 10, meter_quantile(c, 990), c->max, counter->unit);
}

static void print_thousandths(const char *what, u32 v)
{
	print("%s %u.%03u", what, v / FRACTION_ONE, v % FRACTION_ONE);
}

static void print_options(const struct options *o)
{
	print("sensor pipeline: seed %u, %u KB live at peak, heap %u bytes",
	      o->seed, o->scale, o->heap);
	if (o->ccm)
		print(" and %u of CCM", o->ccm);
	print(", policy %s\n", o->is_fixed ? "fixed" : "rule");
}

static void print_work(const struct pipeline *p)
{
	u32 samples = 0;

	for (unsigned int i = 0; i < NR_CHANNELS; i++)
		samples += p->channels[i].nr_samples;
	print("%-20s %u samples in %u ticks, %u packets sent, %u overrun, "
	      "%u reports\n",
	      "work", samples, p->tick, p->queue.nr_sent, p->queue.nr_overrun,
	      p->reports.nr_reports);
}

static void print_memory(const struct run *r, const struct qn_stats *st)
{
	const struct store *s = &r->pipeline.store;
	u32 mean = r->nr_looks ? r->fragmentation / r->nr_looks : 0;

	print("%-20s %u bytes in %u blocks; as served %u\n", "live at peak",
	      s->peak, s->peak_nr, (u32)st->peak_live);
	print("%-20s rounding %u, metadata %u bytes\n", "waste at peak",
	      (u32)st->peak_live - s->peak, (u32)st->metadata);
	print("%-20s never below %u bytes\n", "largest free run",
	      (u32)r->least_run);
	print_thousandths("fragmentation        mean", mean);
	print_thousandths(", max", r->max_fragmentation);
	print(" in %u looks\n", r->nr_looks);
}

static void print_learning(const struct run *r, const struct qn_stats *st)
{
	print("%-20s %u published in %u steps, %u samples\n", "tables",
	      (u32)(st->nr_tables - r->first_table), r->pipeline.nr_steps,
	      (u32)st->nr_samples);
}

static void print_figures(const struct run *r, bool is_bad)
{
	const struct pipeline *p = &r->pipeline;
	const struct meter *m = &r->meter;
	struct qn_stats st;

	qn_heap_stats(r->heap, &st);
	print_options(&r->options);
	print_work(p);
	print("%-20s %u: %u malloc, %u free, %u realloc\n", "operations",
	      m->nr_calls, m->alloc.nr, m->free.nr,
	      (m->nr_calls - m->alloc.nr - m->free.nr));
	print_memory(r, &st);
	print_costs("malloc", &m->alloc, &m->counter);
	print_costs("free", &m->free, &m->counter);
	print_learning(r, &st);
	print("%-20s %s\n", "heap check", is_bad ? "FAILED" : "sound");
	print("%-20s 0x%08x\n", "checksum", pipeline_checksum(p));
}

static bool report_damage(const struct run *r)
{
	const struct pipeline *p = &r->pipeline;

	if (p->store.nr_damaged)
		print_error("pipeline: %u blocks damaged\n",
			    p->store.nr_damaged);
	else if (p->store.live)
		print_error("pipeline: %u bytes never freed\n", p->store.live);
	if (p->queue.nr_bad)
		print_error("pipeline: %u packets did not decode\n",
			    p->queue.nr_bad);
	return p->store.nr_damaged || p->store.live || p->queue.nr_bad;
}

/* Is the heap sound, and does it count as many blocks as the application? */
static bool is_heap_bad(struct run *r)
{
	u32 nr_live = r->pipeline.store.nr_live;
	struct qn_stats st;

	if (qn_heap_check(r->heap)) {
		print_error("pipeline: qn_heap_check: %s\n",
			    qn_heap_error(r->heap));
		return true;
	}
	if (!qn_heap_stats(r->heap, &st) && st.nr_live == nr_live)
		return false;
	print_error("pipeline: the heap counts %u blocks, not %u\n",
		    (u32)st.nr_live, nr_live);
	return true;
}

static bool report_trace(struct run *r)
{
	if (!r->options.trace || recorder_drain(&r->recorder))
		return false;
	print_error("pipeline: trace=%s could not be written to its end\n",
		    r->options.trace);
	return true;
}

static bool report_exhausted(const struct run *r)
{
	const struct pipeline *p = &r->pipeline;

	if (!p->store.nr_failed)
		return false;
	print_error("pipeline: heap exhausted: %u requests failed, %u packets "
		    "dropped; give it more with heap=BYTES\n",
		    p->store.nr_failed, p->queue.nr_dropped);
	return true;
}

int run_pipeline(const struct run_machine *machine, int argc, char **argv)
{
	struct run *r = &run;
	int status;
	bool is_bad;

	if (!options_parse(&r->options, argc, argv))
		return RUN_BAD_USAGE;
	status = make_heap(r, machine);
	if (status)
		return status;
	if (r->options.trace && !machine->create(r->options.trace)) {
		print_error("pipeline: trace=%s cannot be written\n",
			    r->options.trace);
		return RUN_BAD_USAGE;
	}
	start(r, machine);
	while (pipeline_tick(&r->pipeline))
		;
	is_bad = is_heap_bad(r) || !pipeline_check(&r->pipeline);
	pipeline_exit(&r->pipeline);
	is_bad |= is_heap_bad(r);
	print_figures(r, is_bad);
	is_bad |= report_damage(r);
	is_bad |= report_trace(r);
	if (is_bad)
		return RUN_FAILED;
	return report_exhausted(r) ? RUN_EXHAUSTED : RUN_OK;
}
