// SPDX-License-Identifier: MIT
/*
 * sim.c - episodes: children that play mixes into the heap of a process; see sim.h.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/trace/fake-clock.h"
#include "format/trace.h"
#include "process/idle.h"
#include "process/local.h"
#include "process/process.h"
#include "sim-pages.h"
#include "sim.h"

/* When the clock of each episode begins, in microseconds */
#define BEGIN 1000000u
/* The account of pages is brought up to date after so many microseconds, and so many calls */
#define LOOK_USEC  1000u
#define LOOK_CALLS 4096u
/* A seed of the heap's own random numbers */
#define SEED "seed:1"

/**
 * struct lockstep - a process of an episode that has several
 * @go, @come:	pipes: the parent says whether more is resident than the limit, the child
 *		that it is at the end of a window
 */
struct lockstep {
	int go[2];
	int come[2];
};

/**
 * struct said - what a process of an episode says at the end of a window
 * @pages:	resident
 * @is_done:	it has played its mix
 */
struct said {
	u64 pages;
	bool is_done;
};

/**
 * struct heard - what the parent says then
 * @is_over:	more is resident than the limit
 * @pressure:	how near it is, as in struct qn_view
 */
struct heard {
	bool is_over;
	u32 pressure;
};

/**
 * struct player - the child
 * @e, @process: what it plays
 * @to:		the result, in memory that the parent sees
 * @hub:	the heap's
 * @blocks:	by slot
 * @usec:	fake time since the episode began
 * @looked, @ticked: when the account was looked at last, and when @e->tick was called
 * @live:	bytes asked for
 * @sizes:	of the blocks, by slot
 * @next_round:	when the helper has its next; 0: it sleeps
 * @helper_from: bytes that could be given back at which it wakes; 0: it never began
 * @window:	when the parent wants to hear
 * @step:	pipes to the parent, or NULL
 * @seen_changes: of the statistics page
 * @pressure:	of the last window
 */
struct player {
	const struct qn_sim_episode *e;
	u32 process;
	struct qn_sim_result *to;
	struct qn_hub *hub;
	void **blocks;
	u64 *sizes;
	u64 usec;
	u64 looked, ticked;
	u64 live;
	u64 next_round;
	size_t helper_from;
	u64 window;
	struct lockstep *step;
	u64 seen_changes;
	u32 pressure;
};

static struct player player;

const struct qn_sim_episode *qn_sim_playing(void)
{
	return player.e;
}

u32 qn_sim_process(void)
{
	return player.process;
}

u32 qn_sim_pressure(void)
{
	return player.pressure;
}

/* ---- figures ---- */

/* Decisions since the last look, of those that the page still has */
static void note_changes(struct player *p)
{
	const struct qn_stats_page *page = p->hub->page;
	u64 from = max(p->seen_changes,
		       page->nr_changes -
			       min(page->nr_changes, (u64)QN_STATS_CHANGES));

	for (u64 n = from; n < page->nr_changes; n++) {
		const struct qn_stats_change *ch =
			&page->changes[n % QN_STATS_CHANGES];

		p->to->sum = qn_crc32(p->to->sum, ch, sizeof(*ch));
	}
	p->seen_changes = page->nr_changes;
}

static void note_figures(struct player *p)
{
	struct qn_sim_result *r = p->to;

	r->usec = p->usec;
	r->faults = qn_sim_pages.faults;
	r->purges = qn_sim_pages.purges;
	r->purged = qn_sim_pages.purged;
	r->refills = qn_sim_pages.refills;
	r->mediums = qn_sim_pages.mediums;
	r->runs = qn_sim_pages.runs;
	r->refaults = p->hub->segments.resident.refaults / QN_PART_SIZE;
	r->changes = p->hub->page->nr_changes;
	note_changes(p);
}

const struct qn_sim_result *qn_sim_so_far(void)
{
	note_figures(&player);
	return player.to;
}

/* Descriptors and caches are part of what is resident */
static u64 metadata(const struct player *p)
{
	return (READ_ONCE(p->hub->meta_bytes) +
		qn_space_metadata(&p->hub->segments.space)) /
	       QN_PART_SIZE;
}

static u64 resident(const struct player *p)
{
	return qn_sim_pages.nr + metadata(p);
}

static void look(struct player *p)
{
	qn_sim_pages_look();
	p->to->peak = max(p->to->peak, qn_sim_pages.most + metadata(p));
	p->looked = p->usec;
}

/* ---- time ---- */

static void pass(struct player *p, u64 to)
{
	u64 usec = to - p->usec;

	p->to->page_usec += resident(p) * usec;
	p->to->live_usec += p->live * usec;
	p->usec = to;
	qn_fake_clock_set(BEGIN + to);
}

static void helper_round(struct player *p)
{
	u32 ms = qn_idle_round(p->hub);

	p->next_round = ms ? p->usec + ms * (u64)1000 : 0;
	/* What could not be given back now is no reason to come again */
	if (!ms)
		p->helper_from = qn_hub_reserve(p->hub) +
				 qn_helper_from(qn_hub_knobs(p->hub), false);
	look(p);
}

/* As the heap would start it or wake it (helper.h) */
static void helper_look(struct player *p)
{
	size_t from = p->helper_from;

	if (!from)
		from = qn_helper_from(qn_hub_knobs(p->hub),
				      p->usec < QN_HELPER_YOUNG_US);
	if (qn_hub_knobs(p->hub)->helper && !p->next_round &&
	    qn_hub_reserve(p->hub) >= from)
		p->next_round = p->usec + 1;
}

/* Tell the parent what is resident, and hear how it goes on */
static void meet(struct player *p, bool is_done)
{
	struct said said = { .is_done = is_done };
	struct heard heard;

	look(p);
	said.pages = resident(p);
	if (write(p->step->come[1], &said, sizeof(said)) != sizeof(said) ||
	    read(p->step->go[0], &heard, sizeof(heard)) != sizeof(heard))
		_exit(QN_EXIT_FAILURE);
	p->pressure = p->e->is_deaf ? 0 : heard.pressure;
	WRITE_ONCE(p->hub->segments.resident.pressure, p->pressure);
	if (heard.is_over && !is_done) {
		qn_process_trim();
		look(p);
	}
	p->window += QN_SIM_WINDOW;
}

/* The first of what happens on its own up to @to; @to if nothing does */
static u64 next_event(const struct player *p, u64 to)
{
	if (p->next_round)
		to = min(to, p->next_round);
	if (p->step)
		to = min(to, p->window);
	return to;
}

static __seldom void advance(struct player *p, u64 to)
{
	helper_look(p);
	while (p->usec < to) {
		pass(p, max(next_event(p, to), p->usec));
		if (p->next_round && p->usec >= p->next_round)
			helper_round(p);
		if (p->step && p->usec >= p->window)
			meet(p, false);
	}
	if (p->usec - p->looked >= LOOK_USEC)
		look(p);
	if (p->e->tick && p->usec - p->ticked >= 1000) {
		p->ticked = p->usec;
		p->e->tick(p->e, p->process, p->to);
	}
}

/* ---- calls ---- */

static void *alloc(const struct qn_sim_op *op)
{
	if (op->op == QN_TRACE_CALLOC)
		return qn_calloc(1, op->size);
	if (op->op == QN_TRACE_ALIGNED)
		return qn_memalign((size_t)1 << op->align_shift, op->size);
	return qn_malloc(op->size);
}

static void *resize(void *block, u64 old_size, const struct qn_sim_op *op)
{
	void *p = qn_realloc(block, max(op->size, (u64)1));

	if (p == block && op->size > old_size)
		qn_sim_pages_touch((char *)p + old_size, op->size - old_size);
	else if (p != block && p)
		qn_sim_pages_touch(p, op->size);
	return p;
}

static void drop(struct player *p, u32 slot)
{
	qn_free(p->blocks[slot]);
	p->live -= p->sizes[slot];
	p->blocks[slot] = NULL;
	p->sizes[slot] = 0;
}

static void keep(struct player *p, const struct qn_sim_op *op, void *block)
{
	if (!block) {
		p->to->error = -ENOMEM;
		return;
	}
	p->blocks[op->slot] = block;
	p->live += op->size - p->sizes[op->slot];
	p->sizes[op->slot] = op->size;
	if (p->live > p->to->live_peak)
		p->to->live_peak = p->live;
}

/* A part may begin in the middle of a trace: what it does not know is left out */
static void call(struct player *p, const struct qn_sim_op *op)
{
	void *block = p->blocks[op->slot];

	if (op->op == QN_TRACE_FREE) {
		if (block)
			drop(p, op->slot);
		return;
	}
	if (op->op == QN_TRACE_REALLOC && block) {
		keep(p, op, resize(block, p->sizes[op->slot], op));
		return;
	}
	block = alloc(op);
	if (block)
		qn_sim_pages_touch(block, op->size);
	keep(p, op, block);
}

static void play(struct player *p, const struct qn_sim_part *part)
{
	const struct qn_sim_trace *t = part->trace;
	u64 stretch = max(part->stretch, 1u);
	u64 begin = p->usec - t->ops[part->from].usec * stretch;

	for (u64 i = part->from; i < part->to && !p->to->error; i++) {
		const struct qn_sim_op *op = &t->ops[i];
		u64 at = begin + op->usec * stretch;

		if (at > p->usec)
			advance(p, at);
		call(p, op);
		if (unlikely(++p->to->calls % LOOK_CALLS == 0))
			look(p);
	}
	look(p);
}

static void play_mix(struct player *p, const struct qn_sim_mix *m)
{
	for (u32 i = 0; i < m->nr; i++) {
		const struct qn_sim_part *part = &m->parts[i];

		play(p, part);
		/* Whoever reads a whole trace wants to see what is left at its end */
		if (i + 1 == m->nr && !part->pause)
			break;
		for (u32 slot = 0; slot < part->trace->nr_slots; slot++)
			if (p->blocks[slot])
				drop(p, slot);
		look(p);
		for (u64 end = p->usec + part->pause; p->usec < end;)
			advance(p, min(end, p->usec + LOOK_USEC));
	}
}

/* ---- the child ---- */

/* As the hub publishes a table */
static void promote(struct qn_hub *hub, const struct qn_sim_episode *e)
{
	struct qn_table *next = hub->tables[1];

	if (!e->nr_promoted)
		return;
	qn_table_copy(next, hub->table);
	for (u32 i = 0; i < e->nr_promoted; i++)
		qn_table_promote(next,
				 (unsigned int)qn_size_steps(e->promoted[i]));
	next->nr_users = 0;
	/* Pairs with the acquire in qn_hub_table_get() and the locals' look */
	smp_store_release(&hub->table, next);
}

static void note_promoted(struct player *p)
{
	const struct qn_table *t = p->hub->table;

	for (unsigned int c = t->nr_base + 1u; c < t->nr_classes; c++)
		if (t->class_steps[c])
			p->to->promoted[p->to->nr_promoted++] =
				(u32)qn_table_osize(t, c);
}

static u64 minor_faults(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u64)u.ru_minflt;
}

static u64 cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void *resident_array(u64 size)
{
	void *p = mmap(NULL, max(size, (u64)QN_PART_SIZE),
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int begin(struct player *p)
{
	const struct qn_sim_mix *m = &p->e->mixes[p->process];
	struct qn_conf conf;
	char error[QN_CONF_ERROR];
	u64 nr_slots = 0;

	for (u32 i = 0; i < m->nr; i++)
		nr_slots = max(nr_slots, (u64)m->parts[i].trace->nr_slots);
	p->blocks = resident_array(nr_slots * sizeof(*p->blocks));
	p->sizes = resident_array(nr_slots * sizeof(*p->sizes));
	if (!p->blocks || !p->sizes)
		return -ENOMEM;
	qn_conf_init(&conf);
	conf.knobs = p->e->knobs;
	/* That of this machine has nothing to do with the trace */
	conf.knobs.pressure = 0;
	if (qn_conf_parse(&conf, SEED, error, sizeof(error)) ||
	    qn_conf_parse(&conf, p->e->settings, error, sizeof(error)))
		return -EINVAL;
	qn_fake_clock_set(BEGIN);
	qn_process_start(&conf, NULL, NULL);
	qn_free(qn_malloc(1));
	if (qn_self == &qn_local_none)
		return -ENOMEM;
	p->hub = qn_self->hub;
	if (p->e->policy)
		p->hub->controller.policy = p->e->policy;
	promote(p->hub, p->e);
	qn_sim_pages_begin(p->hub, p->e->is_real);
	p->window = QN_SIM_WINDOW;
	return 0;
}

static void run_child(const struct qn_sim_episode *e, u32 process,
		      struct qn_sim_result *to, struct lockstep *step)
{
	u64 faults, ns = cpu_ns();

	player = (struct player){
		.e = e, .process = process, .to = to, .step = step
	};
	if (step) {
		close(step->go[1]);
		close(step->come[0]);
	}
	if (e->begin)
		e->begin(e);
	to->error = begin(&player);
	if (to->error)
		_exit(0);
	faults = minor_faults();
	play_mix(&player, &e->mixes[process]);
	note_figures(&player);
	note_promoted(&player);
	if (e->end)
		e->end(e);
	to->minor_faults = minor_faults() - faults;
	to->cpu_ns = cpu_ns() - ns;
	if (step)
		for (;;)
			meet(&player, true);
	_exit(0);
}

/* ---- the parent ---- */

/* @pid: which child; set to the one that ended. Return: 0 or -errno. */
static int wait_for(pid_t *pid)
{
	pid_t which = *pid;
	int status;

	while ((*pid = waitpid(which, &status, 0)) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -ECHILD : 0;
}

/* Memory that children write results to */
static void *shared_array(u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		return p;
	qn_error("no memory for the results of episodes");
	exit(QN_EXIT_FAILURE);
}

static pid_t start(const struct qn_sim_episode *e, u32 process,
		   struct qn_sim_result *to, struct lockstep *step)
{
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	pid = fork();
	if (!pid)
		run_child(e, process, to, step);
	return pid;
}

/* Sums over processes, but for what is a peak: those are of the sum, by the window */
static void add_up(struct qn_sim_result *to, const struct qn_sim_result *r)
{
	to->usec = max(to->usec, r->usec);
	to->calls += r->calls;
	to->faults += r->faults;
	to->purges += r->purges;
	to->purged += r->purged;
	to->refaults += r->refaults;
	to->refills += r->refills;
	to->mediums += r->mediums;
	to->runs += r->runs;
	to->page_usec += r->page_usec;
	to->live_peak += r->live_peak;
	to->live_usec += r->live_usec;
	to->changes += r->changes;
	to->sum = qn_crc32(to->sum, &r->sum, sizeof(r->sum));
	to->minor_faults += r->minor_faults;
	to->cpu_ns += r->cpu_ns;
	to->error = to->error ? to->error : r->error;
}

/* None up to three quarters of the limit, then more and more up to the limit */
static u32 pressure_of(u64 pages, u64 limit)
{
	u64 from = limit / 4 * 3;

	if (!limit || pages <= from)
		return 0;
	return (u32)min((pages - from) * QN_PRESSURE_MOST / (limit - from),
			(u64)QN_PRESSURE_MOST);
}

/* All processes have come to the end of a window. Return: false if all are done. */
static bool window(const struct qn_sim_episode *e, struct lockstep *steps,
		   struct qn_sim_result *to)
{
	struct said said[QN_SIM_PROCESSES];
	struct heard heard;
	bool all_done = true;
	u64 pages = 0;

	for (u32 i = 0; i < e->nr; i++) {
		if (read(steps[i].come[0], &said[i], sizeof(said[i])) !=
		    sizeof(said[i])) {
			to->error = -ECHILD;
			return false;
		}
		pages += said[i].is_done ? 0 : said[i].pages;
		all_done &= said[i].is_done;
	}
	to->peak = max(to->peak, pages);
	heard.is_over = e->limit && pages > e->limit;
	heard.pressure = pressure_of(pages, e->limit);
	if (heard.is_over)
		to->over_usec += (pages - e->limit) * QN_SIM_WINDOW;
	for (u32 i = 0; i < e->nr && !all_done; i++)
		if (write(steps[i].go[1], &heard, sizeof(heard)) !=
		    sizeof(heard))
			to->error = -ECHILD;
	return !all_done && !to->error;
}

static void step_open(struct lockstep *s)
{
	if (pipe2(s->go, O_CLOEXEC) || pipe2(s->come, O_CLOEXEC)) {
		qn_error("no pipe for a process: %s", strerror(errno));
		exit(QN_EXIT_FAILURE);
	}
}

static void step_close(struct lockstep *s)
{
	close(s->go[0]);
	close(s->go[1]);
	close(s->come[0]);
	close(s->come[1]);
}

/* Several processes, side by side */
static void run_together(struct qn_sim_episode *e, struct qn_sim_result *to)
{
	struct lockstep steps[QN_SIM_PROCESSES];
	struct qn_sim_result sum = { .usec = 0 };
	pid_t pids[QN_SIM_PROCESSES];

	for (u32 i = 0; i < e->nr; i++) {
		step_open(&steps[i]);
		pids[i] = start(e, i, &to[i], &steps[i]);
		close(steps[i].come[1]);
		close(steps[i].go[0]);
		steps[i].come[1] = steps[i].go[0] = -1;
	}
	while (window(e, steps, &sum))
		;
	/* They wait for a word, and end when there is nobody to say it */
	for (u32 i = 0; i < e->nr; i++)
		step_close(&steps[i]);
	for (u32 i = 0; i < e->nr; i++) {
		wait_for(&pids[i]);
		add_up(&sum, &to[i]);
	}
	e->result = sum;
}

static int complain(const struct qn_sim_episode *e)
{
	int err = e->result.error;
	const struct qn_sim_trace *t = e->mixes[0].parts[0].trace;

	if (err)
		qn_error("%s cannot be replayed: %s", t->path,
			 err == -ECHILD ? "the heap stopped in the middle" :
					  strerror(-err));
	return err;
}

/**
 * struct slot - a child that runs
 */
struct slot {
	pid_t pid;
	u32 episode;
};

static void note_end(struct slot *s, struct qn_sim_episode *e,
		     const struct qn_sim_result *results, int err)
{
	e[s->episode].result = results[s->episode];
	if (err && !e[s->episode].result.error)
		e[s->episode].result.error = err;
	s->pid = 0;
}

/* Whichever ends first, so that none waits for a longer one. Return: its slot, or NULL. */
static struct slot *reap(struct slot slots[], u32 nr, struct qn_sim_episode *e,
			 const struct qn_sim_result *results)
{
	pid_t pid = -1;
	int err = wait_for(&pid);

	for (u32 i = 0; i < nr; i++) {
		bool is_gone = slots[i].pid && pid < 0;

		if (!is_gone && (pid <= 0 || slots[i].pid != pid))
			continue;
		note_end(&slots[i], e, results, err);
		return &slots[i];
	}
	return NULL;
}

static struct slot *free_slot(struct slot slots[], u32 nr,
			      struct qn_sim_episode *e,
			      const struct qn_sim_result *results)
{
	struct slot *s = NULL;

	for (u32 i = 0; i < nr; i++)
		if (!slots[i].pid)
			return &slots[i];
	while (!s)
		s = reap(slots, nr, e, results);
	return s;
}

static bool is_busy(const struct slot slots[], u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (slots[i].pid)
			return true;
	return false;
}

/* Plays an episode of one process. Where no child can be made, it failed. */
static void play_one(struct slot *s, struct qn_sim_episode *e, u32 i,
		     struct qn_sim_result *results)
{
	s->episode = i;
	s->pid = start(&e[i], 0, &results[i], NULL);
	if (s->pid < 0)
		note_end(s, e, results, -EAGAIN);
}

int qn_sim_run(struct qn_sim_episode *e, u32 nr)
{
	u64 size = (nr + QN_SIM_PROCESSES) * sizeof(struct qn_sim_result);
	struct qn_sim_result *results = shared_array(size);
	long nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct slot slots[16] = { { 0 } };
	u32 nr_slots = (u32)min(max(nr_cpus, 1l), 16l);
	int err = 0;

	for (u32 i = 0; i < nr && !qn_interrupted(); i++) {
		if (e[i].nr > 1) {
			run_together(&e[i], results + nr);
			memset(results + nr, 0,
			       QN_SIM_PROCESSES * sizeof(*results));
			continue;
		}
		play_one(free_slot(slots, nr_slots, e, results), e, i, results);
	}
	while (is_busy(slots, nr_slots))
		reap(slots, nr_slots, e, results);
	munmap(results, size);
	if (qn_interrupted())
		return -EINTR;
	for (u32 i = 0; i < nr && !err; i++)
		err = complain(&e[i]);
	return err;
}

void qn_sim_episode_init(struct qn_sim_episode *e)
{
	memset(e, 0, sizeof(*e));
	e->nr = 1;
	e->knobs = qn_knobs_preset;
	e->policy = &qn_policy_rule;
}

bool qn_sim_is_same(const struct qn_sim_result *a,
		    const struct qn_sim_result *b)
{
	return !memcmp(a, b, offsetof(struct qn_sim_result, minor_faults)) &&
	       a->error == b->error;
}

/* ---- what it costs ---- */

double qn_sim_kept_ns(const struct qn_sim_result *r)
{
	return (double)r->faults * QN_SIM_FAULT_NS +
	       (double)r->purges * QN_SIM_PURGE_NS +
	       (double)r->purged * QN_SIM_PURGE_PAGE_NS;
}

double qn_sim_time_ns(const struct qn_sim_result *r)
{
	return qn_sim_kept_ns(r) + (double)r->calls * QN_SIM_CALL_NS +
	       (double)r->refills * QN_SIM_REFILL_NS +
	       (double)r->mediums * QN_SIM_MEDIUM_NS +
	       (double)r->runs * QN_SIM_RUN_NS;
}

double qn_sim_memory(const struct qn_sim_result *r)
{
	double average = (double)r->page_usec / (double)max(r->usec, (u64)1);

	return sqrt((double)r->peak * average) * (double)QN_PART_SIZE;
}

double qn_sim_price_cost(const struct qn_sim_result *r, u64 price)
{
	/* Bytes times microseconds over 1e9 bytes and 1e6 of those: GB-seconds */
	double gbs = (double)r->page_usec * (double)QN_PART_SIZE / 1e15;

	return qn_sim_kept_ns(r) + gbs * 1e9 / ((double)price / 1000);
}

double qn_sim_weighted_cost(const struct qn_sim_result *r, double w)
{
	return pow(qn_sim_memory(r), w) * pow(qn_sim_time_ns(r), 1 - w);
}
