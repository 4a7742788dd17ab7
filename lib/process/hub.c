// SPDX-License-Identifier: MIT
/*
 * hub.c - the shared half of the Linux heap: tables, learning, accounts.
 */
#include "process/hub.h"

#include <errno.h>
#include <string.h>

#define META_ALIGN 64
/*
 * A clock of the thread's CPU time is a system call. So of the calls that only hand in
 * samples one in so many is timed, and stands for as many.
 */
#define TIMED_ONE_IN 16

/*
 * The state of sampler, profile and followed objects: all that is kept of requests and
 * lives, as much as there can be of it. It has the histogram and its copy of the last
 * epoch, lives and trend in the statistics page, the seeds, the store of followed objects
 * and what stands before each of them. Not in it are the objects themselves, which the
 * program asked for, and the countdowns, which are part of each thread's cache and count
 * as metadata.
 */
#define LEARNED                                                  \
	(sizeof(struct qn_sampler) + sizeof(struct qn_profile) + \
	 QN_HUB_STEPS * sizeof(u16) + sizeof(struct qn_trend) +  \
	 QN_HUB_STEPS * sizeof(u16) +                            \
	 sizeof(((struct qn_stats_page *)NULL)->lives) +         \
	 sizeof(((struct qn_stats_page *)NULL)->trend) +         \
	 sizeof(struct qn_follow) + QN_FOLLOW_MOST * QN_FOLLOW_HEADER)
_Static_assert(LEARNED <= 8192, "what is learned is bounded");

/* ---- memory of quern's own ---- */

void *qn_hub_meta_alloc(struct qn_hub *hub, size_t size)
{
	size_t nr;
	struct qn_unit *u;
	char *p = hub->meta;
	bool zeroed;

	qn_assert(size > 0);
	qn_assert(hub->meta <= hub->meta_end);
	size = round_up(size, (size_t)META_ALIGN);
	if (!p || (size_t)(hub->meta_end - p) < size) {
		nr = DIV_ROUND_UP(size, QN_UNIT_SIZE);
		u = qn_run_alloc(&hub->segments, nr, 1, QN_UNIT_META, &zeroed);
		if (!u)
			return NULL;
		p = qn_unit_start(&hub->segments, u);
		hub->meta_end = p + (nr << QN_UNIT_SHIFT);
		/* Fresh memory is not touched before it is needed */
		if (!zeroed)
			memset(p, 0, nr << QN_UNIT_SHIFT);
	}
	hub->meta = p + size;
	qn_assert(is_aligned((uintptr_t)p, META_ALIGN));
	qn_assert(hub->meta <= hub->meta_end);
	WRITE_ONCE(hub->meta_bytes, hub->meta_bytes + size);
	return p;
}

/* ---- the table ---- */

static void page_show_table(struct qn_hub *hub, const struct qn_table *t)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_stats_class *sc = &hub->page->classes[c];
		u32 osize = (u32)qn_table_osize(t, c);

		WRITE_ONCE(sc->osize, c < t->nr_classes ? osize : 0);
		WRITE_ONCE(sc->promoted, c > t->nr_base);
	}
	WRITE_ONCE(hub->page->nr_classes, t->nr_classes);
	WRITE_ONCE(hub->page->generation, t->generation);
}

/* What sized frees may find: tables of policies and of files can be coarse */
static __apart void slack_note(struct qn_hub *hub, const struct qn_table *next)
{
	for (u32 step = 1; step <= QN_SLAB_MAX / QN_STEP; step++) {
		u32 size = step * QN_STEP;
		u32 osize = (u32)qn_table_osize(next, next->map[step]);

		if (osize > size + size / 4 && osize - size > hub->slack)
			WRITE_ONCE(hub->slack, osize - size);
	}
}

static void table_publish(struct qn_hub *hub, struct qn_table *next)
{
	qn_assert(next != hub->table);
	qn_assert(!qn_table_check(next));
	next->nr_users = 0;
	page_show_table(hub, next);
	/* Pairs with the acquire in qn_hub_table_get() and the locals' look */
	smp_store_release(&hub->table, next);
}

/* A buffer that nobody reads; NULL if sleeping threads hold them all */
static struct qn_table *table_spare(struct qn_hub *hub)
{
	for (unsigned int i = 0; i < QN_NR_TABLES; i++) {
		struct qn_table *t = hub->tables[i];

		if (t != hub->table && t->nr_users == 0)
			return t;
	}
	return NULL;
}

/* A signal handler may fork(): counts and @at change together, as far as a child can see */
void qn_hub_table_get(struct qn_hub *hub, const struct qn_table **at)
{
	struct qn_table *t, *old = (struct qn_table *)*at;

	qn_port_lock(&hub->learn);
	t = hub->table;
	qn_assert(t && (!old || old->nr_users > 0));
	t->nr_users++;
	if (old)
		old->nr_users--;
	WRITE_ONCE(*at, t);
	qn_port_unlock(&hub->learn);
}

__apart void qn_hub_table_begin(struct qn_hub *hub,
				const struct qn_policy *policy)
{
	struct qn_table *next;

	if (!policy->begin)
		return;
	qn_port_lock(&hub->learn);
	next = table_spare(hub);
	if (next) {
		qn_table_copy(next, hub->table);
		if (policy->begin(next)) {
			slack_note(hub, next);
			table_publish(hub, next);
		}
	}
	qn_port_unlock(&hub->learn);
}

__apart void qn_hub_table_put(struct qn_hub *hub, const struct qn_table **at)
{
	struct qn_table *t = (struct qn_table *)*at;

	qn_port_lock(&hub->learn);
	qn_assert(t->nr_users > 0);
	t->nr_users--;
	WRITE_ONCE(*at, NULL);
	qn_port_unlock(&hub->learn);
}

/* ---- learning ---- */

static __apart void page_show_change(struct qn_hub *hub,
				     const struct qn_action *act, u64 now)
{
	struct qn_stats_page *page = hub->page;
	struct qn_stats_change *ch =
		&page->changes[page->nr_changes % QN_STATS_CHANGES];

	WRITE_ONCE(ch->usec, now - page->start_usec);
	WRITE_ONCE(ch->action, (u16)act->kind);
	WRITE_ONCE(ch->class, act->class);
	WRITE_ONCE(ch->size, (u32)(act->step * QN_STEP));
	WRITE_ONCE(ch->gain, act->gain);
	WRITE_ONCE(ch->generation, hub->table->generation);
	WRITE_ONCE(page->nr_changes, page->nr_changes + 1);
}

__apart void qn_hub_show_knobs(struct qn_hub *hub)
{
	qn_assert(qn_port_holds(&hub->learn));
	hub->page->knobs = *qn_hub_knobs(hub);
	hub->page->conf_knobs = hub->conf.knobs;
}

__apart bool qn_hub_knobs_publish(struct qn_hub *hub,
				  const struct qn_knobs *next)
{
	struct qn_knobs *to = &hub->knobs[qn_hub_knobs(hub) == &hub->knobs[0]];

	qn_assert(to != qn_hub_knobs(hub));
	if (!qn_knobs_are_valid(next))
		return false;
	*to = *next;
	/* Pairs with the acquire in qn_segments_knobs() */
	smp_store_release(&hub->segments.resident.knobs, to);
	/* There may be a reason for a helper now */
	if (READ_ONCE(hub->helper.state) == QN_HELPER_NONE)
		qn_helper_begin(&hub->helper, next);
	if (hub->control.is_on)
		qn_hub_show_knobs(hub);
	return true;
}

static __apart void knobs_look(struct qn_hub *hub, const struct qn_view *view,
			       u64 now)
{
	const struct qn_action act = { .kind = QN_ACTION_KNOBS };
	struct qn_knobs next;

	if (qn_controller_tune(&hub->controller, view, &next) &&
	    qn_hub_knobs_publish(hub, &next))
		page_show_change(hub, &act, now);
}

/* The heap now; what is rounded up is told by the trend */
static void memory_look(const struct qn_hub *hub, struct qn_trend_look *look,
			u64 now)
{
	const struct qn_ledger *l = &hub->ledger;
	const struct qn_resident *r = &hub->segments.resident;
	s64 live = (s64)READ_ONCE(l->live), large = (s64)READ_ONCE(l->large);
	s64 external = large - live;

	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		external += (s64)READ_ONCE(l->class_slab[c]);
	*look = (struct qn_trend_look){
		.usec = now - hub->began,
		.live = qn_ledger_get(&l->live),
		.peak = READ_ONCE(l->peak_live),
		.external = external > 0 ? (size_t)external : 0,
		.dirty = READ_ONCE(r->dirty),
		.metadata = READ_ONCE(hub->page->metadata),
		.purged = READ_ONCE(r->purged),
		.refaults = READ_ONCE(r->refaults),
	};
}

static __seldom void controller_look(struct qn_hub *hub, u64 now, u64 since)
{
	size_t live[QN_NR_CLASSES];
	struct qn_table *next = table_spare(hub);
	struct qn_action act;
	const struct qn_resident *r = &hub->segments.resident;
	struct qn_view view = {
		.table = hub->table,
		.profile = hub->profile,
		.class_live = live,
		.trend = &hub->trend_now,
		.used = READ_ONCE(r->used),
		.recent_peak = READ_ONCE(r->peak),
		.pressure = READ_ONCE(r->pressure),
		.idle_ms = (u32)min(since / 1000, (u64)UINT32_MAX),
		.recent_purged = READ_ONCE(r->recent),
		.recent_refaults = READ_ONCE(r->recent_refaults),
		.nr_purges = READ_ONCE(r->nr_purges),
		.page_ns = qn_resident_page_ns(r),
		.asked = &hub->conf.knobs,
		.knobs = qn_hub_knobs(hub),
	};

	qn_assert(qn_port_holds(&hub->learn));
	qn_assert(next != hub->table);
	if (!next)
		return;
	qn_controller_log(&hub->controller, &hub->page->decisions);
	memory_look(hub, &view.memory, now);
	view.allocs = (u32)READ_ONCE(hub->ledger.nr_allocs);
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		live[c] = qn_ledger_get(&hub->ledger.class_live[c]);
	WRITE_ONCE(hub->page->nr_slices, hub->page->nr_slices + 1);
	knobs_look(hub, &view, now);
	if (!qn_controller_step(&hub->controller, &view, next, &act))
		return;
	slack_note(hub, next);
	table_publish(hub, next);
	page_show_change(hub, &act, now);
}

/* Mean size requested of each class, for the report */
static void page_show_requested(struct qn_hub *hub, u32 size)
{
	const struct qn_table *t = hub->table;
	size_t step = qn_size_steps(size);
	struct qn_stats_class *sc;
	u32 mean;

	if (step >= t->nr_steps)
		return;
	sc = &hub->page->classes[t->map[step]];
	qn_assert(t->map[step] < QN_NR_CLASSES);
	mean = sc->requested;
	if (!mean)
		mean = size * 16;
	else
		mean += (u32)((s32)(size * 16 - mean) / 8);
	WRITE_ONCE(sc->requested, mean);
}

/* Bytes in use, of those that are sampled: direct runs and medium blocks by their share */
static size_t sampled_live(const struct qn_hub *hub)
{
	s64 live = (s64)READ_ONCE(hub->ledger.live);
	s64 large = (s64)READ_ONCE(hub->ledger.large);

	live += large / qn_hub_direct_part(hub) - large;
	return live > 0 ? (size_t)live : 0;
}

/* Once enough is known to start with, samples need not come as fast again */
static u32 least_interval(const struct qn_hub *hub)
{
	size_t least = hub->conf.sample;

	if (hub->ledger.nr_samples >= QN_SAMPLES_FIRST)
		least *= QN_SAMPLE_LATER;
	return (u32)min(least, (size_t)UINT32_MAX);
}

/*
 * Locals take the interval over when they hand in samples. It stays where call sites are
 * kept: each of those wants samples enough, not only the heap as a whole.
 */
static void sampler_adapt(struct qn_hub *hub)
{
	struct qn_sampler next = { .interval = hub->sampler.interval };

	if (hub->follow.sites.page)
		return;
	qn_sampler_adapt(&next, least_interval(hub), sampled_live(hub));
	qn_assert(next.interval > 0);
	WRITE_ONCE(hub->sampler.interval, next.interval);
}

/* Of the bytes in use of slabs, those that nobody asked for */
static size_t rounded_up(const struct qn_stats_page *page)
{
	size_t bytes = 0;

	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		const struct qn_stats_class *sc = &page->classes[c];
		u32 osize = READ_ONCE(sc->osize) * 16;
		u32 lost = osize - READ_ONCE(sc->requested);
		s64 live = (s64)READ_ONCE(sc->live);

		if (lost < osize && live > 0)
			bytes += (size_t)live / osize * lost +
				 (size_t)live % osize * lost / osize;
	}
	return bytes;
}

/* An epoch of the trend may end here; after qn_hub_refresh() */
static __seldom void trend_look(struct qn_hub *hub, u64 now)
{
	struct qn_trend_look look;

	if (!qn_trend_is_due(hub->trend, now - hub->began))
		return;
	memory_look(hub, &look, now);
	look.internal = rounded_up(hub->page);
	qn_trend_epoch(hub->trend, hub->profile, &look, &hub->trend_now);
	hub->page->trend = hub->trend_now;
}

/* A process that keeps so much free memory is worth a measurement */
#define MEASURE_FROM ((size_t)1 << 20)

/* What is done at most once in QN_EPOCH_US, and once a second; under hub.learn */
static bool epoch(struct qn_hub *hub, u64 now)
{
	bool second;
	u64 since;

	/* Another thread may have read the clock later, and had the lock before */
	if (now < hub->last_look || now - hub->last_look < QN_EPOCH_US)
		return false;
	qn_assert(hub->last_decay <= hub->last_look);
	second = now - hub->last_decay >= 1000000;
	since = hub->last_look ? now - hub->last_look : 0;
	hub->last_look = now;
	WRITE_ONCE(hub->has_old, true);
	if (READ_ONCE(hub->segments.resident.dirty) >= MEASURE_FROM)
		qn_resident_measure(&hub->segments.resident);
	controller_look(hub, now, since);
	sampler_adapt(hub);
	qn_hub_refresh(hub);
	trend_look(hub, now);
	if (second)
		hub->last_decay = now;
	return second;
}

/* How many calls of qn_hub_learn() this one stands for where its time is taken; or 0 */
static u32 timed_weight(struct qn_hub *hub, u64 now)
{
	if (!hub->is_watched)
		return 0;
	if (now - hub->last_look >= QN_EPOCH_US)
		return 1;
	return ++hub->nr_handed % TIMED_ONE_IN ? 0 : TIMED_ONE_IN;
}

/* What a look at the clock takes is none of the cost that it measures */
static __apart u64 timing_begin(struct qn_hub *hub)
{
	u64 ns = qn_port_thread_ns();

	if (hub->clock_ns)
		return ns;
	hub->clock_ns = max(qn_port_thread_ns() - ns, (u64)1);
	return qn_port_thread_ns();
}

static __apart void timing_end(struct qn_hub *hub, u64 began, u32 weight)
{
	u64 ns = qn_port_thread_ns() - began;

	ns -= min(ns, hub->clock_ns);
	WRITE_ONCE(hub->page->sample_ns, hub->page->sample_ns + ns * weight);
}

static void take_sample(struct qn_hub *hub, const struct qn_sample *s)
{
	qn_assert(qn_port_holds(&hub->learn));
	qn_assert(s->interval > 0);
	qn_profile_sample(hub->profile, s->size,
			  qn_profile_weight(s->interval,
					    hub->sampler.interval));
	page_show_requested(hub, s->size);
}

bool qn_hub_learn(struct qn_hub *hub, const struct qn_sample *samples,
		  unsigned int nr)
{
	u64 now = qn_port_clock(), ns = 0;
	u32 weight;
	bool second;

	if (!qn_port_trylock(&hub->learn))
		return false;
	weight = timed_weight(hub, now);
	if (unlikely(weight))
		ns = timing_begin(hub);
	for (unsigned int i = 0; i < nr; i++)
		take_sample(hub, &samples[i]);
	qn_ledger_add(&hub->ledger.nr_samples, &hub->page->nr_samples, nr);
	second = epoch(hub, now);
	if (unlikely(weight))
		timing_end(hub, ns, weight);
	qn_port_unlock(&hub->learn);
	if (second)
		qn_segments_decay(&hub->segments);
	if (unlikely(qn_hub_knobs(hub)->pressure >= QN_GAUGE_CALLS))
		qn_hub_gauge(hub, now);
	if (READ_ONCE(hub->has_old))
		qn_hub_purge_old(hub);
	return true;
}

__apart void qn_hub_show_pressure(struct qn_hub *hub)
{
	struct qn_stats_page *page = hub->page;

	WRITE_ONCE(page->pressure, READ_ONCE(hub->segments.resident.pressure));
	WRITE_ONCE(page->most_pressure, READ_ONCE(hub->gauge.most));
	WRITE_ONCE(page->pressure_source, READ_ONCE(hub->gauge.most_source));
}

__apart void qn_hub_gauge(struct qn_hub *hub, u64 now)
{
	struct qn_segments *s = &hub->segments;
	size_t mapped;

	if (!qn_gauge_is_worth(&hub->gauge, &s->resident, now))
		return;
	/* Not the page's: it may be a file that others write */
	qn_port_lock(&s->lock);
	mapped = qn_space_mapped(&s->space);
	qn_port_unlock(&s->lock);
	if (qn_gauge_look(&hub->gauge, &s->resident, mapped, now))
		WRITE_ONCE(hub->has_old, true);
	qn_hub_show_pressure(hub);
}

__apart void qn_hub_forget_pressure(struct qn_hub *hub)
{
	qn_gauge_forget(&hub->gauge, &hub->segments.resident);
	qn_hub_show_pressure(hub);
}

void qn_hub_purge_old(struct qn_hub *hub)
{
	WRITE_ONCE(hub->has_old, qn_segments_purge_old(&hub->segments));
}

__apart void qn_hub_fork_child(struct qn_hub *hub)
{
	struct qn_trend *t = hub->trend;

	qn_assert(!qn_port_holds(&hub->threads));
	hub->nr_forks++;
	qn_sampler_init(&hub->sampler, hub->sampler.interval, hub->fork_seed);
	t->usec = 0;
	t->live = qn_ledger_get(&hub->ledger.live);
	t->peak = READ_ONCE(hub->ledger.peak_live);
	t->purged = 0;
	t->refaults = 0;
	memset(&hub->trend_now, 0, sizeof(hub->trend_now));
	qn_helper_fork_child(&hub->helper, qn_hub_knobs(hub));
	hub->gauge.most = 0;
	qn_hub_forget_pressure(hub);
}

/* ---- accounts ---- */

/* Two threads may race to raise a peak: the lower value can stay, off by one step */
static void peak(u64 *word, u64 value)
{
	if ((s64)value > (s64)READ_ONCE(*word))
		WRITE_ONCE(*word, value);
}

static void note_use(const struct qn_stats_page *page, struct qn_stats_use *use)
{
	use->usec = qn_port_clock() - page->start_usec;
	use->live = READ_ONCE(page->live);
	use->large = READ_ONCE(page->large);
	use->carved = READ_ONCE(page->carved);
	use->dirty = READ_ONCE(page->dirty);
	use->metadata = READ_ONCE(page->metadata);
}

/* Live memory is about to fall from its peak */
static noinline __apart void note_live_peak(struct qn_hub *hub)
{
	WRITE_ONCE(hub->is_peak_new, false);
	qn_hub_refresh(hub);
	note_use(hub->page, &hub->page->at_live);
	hub->page->at_live.live = READ_ONCE(hub->ledger.peak_live);
}

void qn_hub_raise_peak(struct qn_hub *hub, u64 live)
{
	if ((s64)live <= (s64)READ_ONCE(hub->ledger.peak_live))
		return;
	WRITE_ONCE(hub->ledger.peak_live, live);
	WRITE_ONCE(hub->page->peak_live, live);
	WRITE_ONCE(hub->is_peak_new, hub->is_watched);
}

size_t qn_hub_reserve(const struct qn_hub *hub)
{
	return READ_ONCE(hub->segments.resident.dirty) +
	       qn_ledger_get(&hub->ledger.class_slab[QN_CLASS_DIRECT]);
}

static __apart void helper_call(struct qn_hub *hub)
{
	u64 age = qn_port_clock_coarse() - hub->began;

	qn_helper_call(&hub->helper, qn_hub_reserve(hub), qn_hub_knobs(hub),
		       age < QN_HELPER_YOUNG_US);
}

static void account_live(struct qn_hub *hub, s64 bytes)
{
	u64 live;

	if (unlikely(qn_hub_reserve(hub) >= READ_ONCE(hub->helper.from)))
		helper_call(hub);
	if (bytes < 0 && unlikely(READ_ONCE(hub->is_peak_new)))
		note_live_peak(hub);
	live = qn_ledger_live(&hub->ledger, bytes);
	if (bytes > 0 && !READ_ONCE(hub->notes_peak))
		qn_hub_raise_peak(hub, live);
}

void qn_hub_account(struct qn_hub *hub, unsigned int class, s64 bytes,
		    u64 nr_allocs)
{
	struct qn_stats_class *sc = &hub->page->classes[class];

	qn_assert(class < QN_NR_CLASSES);
	if (nr_allocs) {
		__atomic_fetch_add(&hub->ledger.nr_allocs, nr_allocs,
				   __ATOMIC_RELAXED);
		qn_stat_add(sc->nr_allocs, nr_allocs);
	}
	if (bytes) {
		qn_ledger_class(&hub->ledger, class, bytes);
		account_live(hub, bytes);
	}
}

void qn_hub_account_direct(struct qn_hub *hub, s64 bytes, u64 total,
			   u64 nr_allocs)
{
	qn_assert(nr_allocs || !total);
	account_live(hub, bytes);
	qn_ledger_large(&hub->ledger, bytes);
	if (nr_allocs) {
		qn_stat_add(hub->page->nr_large, nr_allocs);
		qn_stat_add(hub->page->large_total, total);
	}
}

/* What the heap is made of when it keeps more resident than ever before */
static void note_peak(struct qn_stats_page *page, u64 used)
{
	if (used <= page->peak_used)
		return;
	page->peak_used = used;
	note_use(page, &page->peak);
}

void qn_hub_refresh(struct qn_hub *hub)
{
	struct qn_stats_page *page = hub->page;
	struct qn_segments *s = &hub->segments;
	const struct qn_resident *r = &s->resident;
	size_t metadata = READ_ONCE(hub->meta_bytes);
	u64 carved = 0, large = qn_ledger_get(&hub->ledger.large);

	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		u64 slab = qn_ledger_get(&hub->ledger.class_slab[c]);

		peak(&page->classes[c].peak_slab, slab);
		carved += slab;
	}
	qn_port_lock(&s->lock);
	/* Threads tell late what they gave back: it is dirty already, and not twice there */
	carved = min(carved, r->used - min(r->used, (size_t)large));
	WRITE_ONCE(page->carved, carved);
	metadata += qn_space_metadata(&s->space);
	WRITE_ONCE(page->metadata, metadata);
	WRITE_ONCE(page->used, r->used);
	WRITE_ONCE(page->dirty, r->dirty);
	WRITE_ONCE(page->reserved, qn_space_mapped(&s->space));
	WRITE_ONCE(page->purged, READ_ONCE(r->purged));
	WRITE_ONCE(page->nr_purges, READ_ONCE(r->nr_purges));
	WRITE_ONCE(page->refaults, READ_ONCE(r->refaults));
	note_peak(page, carved + large + r->dirty + metadata);
	qn_port_unlock(&s->lock);
	WRITE_ONCE(page->refreshed,
		   max(qn_port_clock() - page->start_usec, (u64)1));
}

/* ---- start ---- */

static int tables_init(struct qn_hub *hub)
{
	size_t size = qn_table_bytes(QN_HUB_STEPS);
	char *mem = qn_hub_meta_alloc(hub, size * QN_NR_TABLES);

	if (!mem)
		return -ENOMEM;
	for (unsigned int i = 0; i < QN_NR_TABLES; i++)
		hub->tables[i] = (struct qn_table *)(void *)(mem + size * i);
	qn_table_init_slabs(hub->tables[0], QN_HUB_STEPS);
	table_publish(hub, hub->tables[0]);
	return 0;
}

static int profile_init(struct qn_hub *hub)
{
	hub->profile = qn_hub_meta_alloc(hub, qn_profile_bytes(QN_HUB_STEPS));
	if (!hub->profile)
		return -ENOMEM;
	qn_profile_init(hub->profile, QN_HUB_STEPS);
	hub->trend = qn_hub_meta_alloc(hub, qn_trend_bytes(QN_HUB_STEPS));
	if (!hub->trend)
		return -ENOMEM;
	qn_trend_init(hub->trend, QN_HUB_STEPS);
	return 0;
}

/* A unit of its own, so that a file can be mapped over it whatever the page size */
static int page_init(struct qn_hub *hub)
{
	struct qn_unit *u;

	u = qn_run_alloc(&hub->segments, 1, 1, QN_UNIT_META, NULL);
	if (!u)
		return -ENOMEM;
	hub->page = (struct qn_stats_page *)(void *)qn_unit_start(
		&hub->segments, u);
	hub->ledger.page = hub->page;
	hub->segments.resident.live = &hub->ledger.live;
	hub->segments.resident.live_peak = &hub->ledger.peak_live;
	return 0;
}

int qn_hub_init(struct qn_hub *hub)
{
	qn_assert(!hub->table && !hub->page && !hub->locals);
	qn_conf_init(&hub->conf);
	hub->gauge.root = hub->conf.pressure_root;
	hub->page_size = qn_port_page_size();
	qn_assert(is_power_of_2(hub->page_size));
	qn_segments_init(&hub->segments, &hub->conf.knobs, hub->conf.huge);
	if (page_init(hub) || tables_init(hub) || profile_init(hub)) {
		qn_segments_exit(&hub->segments);
		memset(hub, 0, sizeof(*hub));
		return -ENOMEM;
	}
	qn_follow_init(&hub->follow, &hub->segments, &hub->ledger);
	hub->fences.nr_large = QN_FENCE_LARGE;
	qn_sampler_init(&hub->sampler, QN_SAMPLE_BYTES, qn_port_seed() | 1);
	qn_controller_init(&hub->controller, &qn_policy_rule);
	return 0;
}
