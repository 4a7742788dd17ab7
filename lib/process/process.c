// SPDX-License-Identifier: MIT
/*
 * process.c - the one heap of a Linux process.
 *
 * Above local.c: what does not fit a slab, the life of threads and of the process,
 * fork, and the C library's contracts; call sites are in process-sites.c. The public
 * qn_malloc() family stands at the end; preload/ defines malloc() by the same inline
 * functions.
 *
 * realloc() stays where it is if it can: within an object's size, into the free run behind
 * a medium block, into free units behind a direct run. Else it allocates, copies and frees.
 * From MOVE_LEAST on blocks are moved by their page tables (large_move()), so that never both
 * are resident. From COPY_LEAST on pages that are zero are not copied (copy_touched()).
 *
 * calloc() writes no memory that is known to be zero. A clean run is handed out as it is; a
 * medium block is cleared up to the part that was never touched; large_clear() does the rest.
 */
#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "port/sys.h"

#include "process/audit.h"
#include "process/guest.h"
#include "process/process-sites.h"
#include "process/share.h"
#include "process/slack.h"

/*
 * Old contents of a block of LOOK_LEAST or more are cleared where they are not zero and
 * nowhere else; those of clear_most, a knob, or more are returned to the system. Measured in a
 * virtual machine with two processors, on mappings of 32 KB to 256 MB, means of at least
 * three runs: to clear a page takes 25 to 110 ns where it is resident; to fault it in 1500
 * to 4500; to purge it 300 to 500. So there is no length from which on purging is faster
 * than clearing what is resident. To look at a page ends at its first word that is not
 * zero, and makes nothing resident. Blocks of less are cleared as a whole: how much of
 * them is dirty and not resident is bounded by what may be dirty. But old contents of
 * clear_most may be left from when all of the block was used, and be used no more: glibc
 * unmaps blocks of the preset length, too.
 */
#define LOOK_LEAST ((size_t)1 << 20)
/* Blocks from this length on are copied by pages: those that are zero stay untouched */
#define COPY_LEAST ((size_t)64 << 10)

/* Blocks from this length on are moved rather than copied, so many times in all */
#define MOVE_LEAST ((size_t)1 << 20)
#define MOVES_MOST 4096u
/* Blocks that grow are fenced up to this length */
#define FENCE_GROWN ((size_t)4096)
/* Where there is a statistics file, so many mallocs of each thread are counted exactly */
#define EXACT_MALLOCS 4096

_Static_assert(sizeof(struct qn_stats_page) <= QN_UNIT_SIZE,
	       "the statistics page has a unit of its own");

static struct qn_hub hub;
static bool hub_ready;
static struct qn_lock hub_starting;
static pthread_key_t thread_key;
/* What qn_process_start() was told, or NULL; when that was, and with which seed */
static struct qn_conf settings_copy;
static const struct qn_conf *settings;
static u64 start_usec;
static u32 start_seed;

__thread struct qn_local *qn_self_of_operators = &qn_local_none;
__thread struct qn_local *qn_self_of_sized = &qn_local_none;
static bool operators_left, sized_taken;
/* The thread's destructors have run: it borrows a local for each call */
static __thread bool thread_done __attribute__((tls_model("initial-exec")));

/* ---- threads ---- */

static void self_set(struct qn_local *l)
{
	qn_assert(l);
	qn_self = l;
	qn_self_of_operators = operators_left ? &qn_local_none : l;
	qn_self_of_sized = sized_taken ? l : &qn_local_none;
}

__apart void qn_process_leave_operators(void)
{
	operators_left = true;
	self_set(qn_self);
}

/* Each start calls this: it must not lie apart */
void qn_process_take_sized(void)
{
	sized_taken = true;
	self_set(qn_self);
}

static void thread_exit(void *arg)
{
	struct qn_local *l = arg;

	qn_assert(l == qn_self && l->ready == qn_ready);
	self_set(&qn_local_none);
	thread_done = true;
	qn_audit_thread(l);
	qn_local_put(l);
}

static void page_init(struct qn_stats_page *page, u64 start)
{
	page->magic = QN_STATS_MAGIC;
	page->version = QN_STATS_VERSION;
	page->size = sizeof(*page);
	page->state = QN_STATS_RUNNING;
	page->start_usec = start ? start : qn_port_clock();
	__builtin_memcpy(page->policy, "rule", sizeof("rule"));
}

/* Who we are, for those who read the page from outside */
static void page_sign(struct qn_stats_page *page)
{
	page->pid = (u32)qn_sys3(SYS_getpid, 0, 0, 0);
	page->ppid = (u32)qn_sys3(SYS_getppid, 0, 0, 0);
	qn_sys3(SYS_prctl, PR_GET_NAME, (long)page->exe, 0);
}

/* There is a file that others will read: small programs are counted exactly */
static __apart void exact_begin(void)
{
	bool is_new = qn_self == &qn_local_none;

	qn_assert(hub_ready || qn_port_holds(&hub_starting));
	hub.is_watched = true;
	hub.exact = EXACT_MALLOCS;
	if (hub.page->nr_threads_total > !is_new)
		return;
	/* Of what went before, the counts can be mended; a peak is past */
	hub.page->exact = QN_STATS_EXACT_COUNT;
	if (!is_new) {
		qn_local_exact_begin(qn_self);
		return;
	}
	hub.page->exact |= QN_STATS_EXACT_PEAK;
	hub.notes_peak = true;
}

/* Settings, when there is a hub that they can be applied to */
static void conf_apply(const struct qn_conf *conf)
{
	const struct qn_policy *policy = qn_policy_find(conf->policy);

	hub.conf = *conf;
	if (conf->stats[0])
		exact_begin();
	qn_segments_init(&hub.segments, &hub.conf.knobs, conf->huge);
	if (conf->sample)
		hub.sampler.interval = (u32)conf->sample;
	if (policy && policy != hub.controller.policy) {
		qn_controller_init(&hub.controller, policy);
		memcpy(hub.page->policy, conf->policy,
		       sizeof(hub.page->policy));
	}
	if (qn_self == &qn_local_none)
		return;
	qn_self->sampler.interval = hub.sampler.interval;
	if (conf->stats[0] || conf->sites || !hub.conf.knobs.fence)
		qn_fence_init(&hub, qn_self);
}

static noinline __cold bool hub_start(void)
{
	bool ok = true;

	qn_port_lock(&hub_starting);
	if (!hub_ready) {
		if (start_seed)
			qn_port_seed_fix(start_seed);
		ok = qn_hub_init(&hub) == 0 &&
		     pthread_key_create(&thread_key, thread_exit) == 0;
		if (ok)
			page_init(hub.page, start_usec);
		if (ok && settings)
			conf_apply(settings);
		/* Pairs with the acquire in self_get_slow() */
		if (ok)
			smp_store_release(&hub_ready, true);
	}
	qn_port_unlock(&hub_starting);
	return ok;
}

static noinline struct qn_local *self_get_slow(void)
{
	struct qn_local *l;

	/* Pairs with the release in hub_start() */
	if (!smp_load_acquire(&hub_ready) && !hub_start())
		return NULL;
	if (unlikely(qn_process_is_taking))
		return NULL;
	l = qn_local_get(&hub);
	qn_assert(!l || (l->state == QN_LOCAL_OWNED && l->table));
	if (l && !thread_done && !qn_guest_is_on()) {
		l->ready = qn_ready;
		self_set(l);
		pthread_setspecific(thread_key, l);
	}
	return l;
}

/* A local for the calling thread: its own, a first one, or a borrowed one */
static __always_inline struct qn_local *self_get(void)
{
	struct qn_local *l = qn_self;

	return likely(l != &qn_local_none) ? l : self_get_slow();
}

static void self_put(struct qn_local *l)
{
	qn_assert(l != &qn_local_none);
	if (unlikely(l != qn_self))
		qn_local_put(l);
}

/* ---- direct runs ---- */

static size_t units_of(size_t size)
{
	return size / QN_UNIT_SIZE + (size % QN_UNIT_SIZE != 0);
}

static void direct_account(s64 more, u64 total, u64 nr_allocs)
{
	qn_hub_account_direct(&hub, more, total, nr_allocs);
	if (unlikely(qn_self->exact))
		qn_local_exact_note(qn_self);
}

static void large_set_bytes(struct qn_unit *u, size_t size, u64 nr_allocs)
{
	s64 more = (s64)size - (s64)(nr_allocs ? 0 : u->bytes);

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(size <= u->run.size << QN_UNIT_SHIFT);
	qn_assert(size > (u->run.size - 1) << QN_UNIT_SHIFT);
	qn_slack_end(u);
	u->bytes = size;
	direct_account(more, nr_allocs ? size : 0, nr_allocs);
}

/* A large block or one of whole pages came: samples, and what is kept of them */
static void direct_note(struct qn_local *l, void *p, size_t size)
{
	u32 nr;

	qn_follow_tick(&hub.follow, size);
	nr = qn_local_sample(l, &l->class[QN_CLASS_DIRECT], size,
			     min(size / QN_DIRECT_PER_SAMPLE,
				 (size_t)UINT32_MAX / 2));
	if (unlikely(nr && hub.follow.sites.page))
		qn_process_sites_hold(&hub, l, p, nr);
}

/* What goes must be looked up while it is there */
static void direct_forget(const void *p)
{
	if (unlikely(hub.follow.sites.page))
		qn_sites_drop(&hub.follow.sites, p);
}

static void *large_alloc(struct qn_local *l, size_t size, size_t align,
			 size_t *old)
{
	struct qn_unit *u;
	size_t units = max(align >> QN_UNIT_SHIFT, (size_t)1);
	bool zeroed;
	void *p;

	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX / 2)
		return NULL;
	qn_local_make_room(l, size);
	u = qn_run_alloc(&hub.segments, units_of(size), units, QN_UNIT_LARGE,
			 &zeroed);
	if (!u)
		return NULL;
	qn_assert(u->kind == QN_UNIT_LARGE && !u->owner);
	qn_assert(u->run.size == units_of(size));
	*old = zeroed ? 0 : min(size, qn_resident_end(u, u->run.size));
	large_set_bytes(u, size, 1);
	p = qn_unit_start(&hub.segments, u);
	qn_assert(is_aligned((uintptr_t)p, align));
	qn_assert(is_aligned((uintptr_t)p, QN_UNIT_SIZE));
	qn_slack_set(u, p, zeroed);
	direct_note(l, p, size);
	return p;
}

/* @dirty: bytes of it that may be resident */
static void large_free(struct qn_unit *u, size_t dirty)
{
	size_t bytes = u->bytes;

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(dirty <= u->run.size << QN_UNIT_SHIFT);
	direct_forget(qn_unit_start(&hub.segments, u));
	qn_slack_end(u);
	qn_hub_account_large(&hub, -(s64)bytes, 0);
	if (!dirty)
		qn_resident_forget(u, u->run.size);
	qn_run_free(&hub.segments, u, dirty);
}

/* The same of a fenced block: it begins anywhere in a page, and behind it are its marks */
static noinline __apart void fenced_clear(char *p, size_t size)
{
	char *end = p + size, *next;

	for (; p < end; p = next) {
		size_t n, words;

		next = (char *)round_down((uintptr_t)p, QN_PART_SIZE) +
		       QN_PART_SIZE;
		next = min(next, end);
		n = (size_t)(next - p);
		words = round_down(n, 2 * sizeof(long));
		if (words < n || !qn_is_zero(p, words))
			memset(p, 0, n);
	}
}

/*
 * Let a large block read as zero. Its run is dirty as a whole, but the program need not
 * have touched all of it, and what it did not touch is not made resident.
 */
static noinline __apart void large_clear(char *p, size_t size)
{
	size_t end = round_up(size, hub.page_size);

	if (size < LOOK_LEAST || qn_guest_is_on()) {
		memset(p, 0, size);
		return;
	}
	if (!is_aligned((uintptr_t)p, QN_PART_SIZE)) {
		fenced_clear(p, size);
		return;
	}
	if (size >= qn_hub_knobs(&hub)->clear_most && qn_resident_drop(p, end))
		return;
	for (size_t at = 0; at < end; at += QN_PART_SIZE)
		if (!qn_is_zero(p + at, QN_PART_SIZE))
			memset(p + at, 0, QN_PART_SIZE);
}

/*
 * Copy to where all is zero, but for the pages that are zero in the source, too: to read
 * one that was never touched costs no memory.
 *
 * Return: the bytes that were left out.
 */
static noinline __apart size_t copy_touched(char *to, const char *from,
					    size_t size)
{
	size_t left = 0, n;

	qn_assert(to + size <= from || from + size <= to);
	for (size_t at = 0; at < size; at += n) {
		n = min(size - at, hub.page_size);
		/* What is behind the block is no longer than that */
		if (qn_is_zero(from + at, round_up(n, QN_STEP)))
			left += n;
		else
			memcpy(to + at, from + at, n);
	}
	return left;
}

/*
 * What is in a large block goes to a larger one by way of page tables: a copy costs more
 * from some length on, and twice the memory. A range that was moved is a mapping of its
 * own, of which a process may have some 65 000, so this is not done without end.
 */
static noinline __apart int large_move(struct qn_unit *u, void *to)
{
	static u32 nr_moves;
	/* Whole units: behind the block there may be old contents, and what is left is clean */
	size_t size = u->run.size << QN_UNIT_SHIFT;
	int r;

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(is_aligned((uintptr_t)to, QN_UNIT_SIZE));
	if (__atomic_fetch_add(&nr_moves, 1, __ATOMIC_RELAXED) >= MOVES_MOST) {
		__atomic_store_n(&nr_moves, MOVES_MOST, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	r = qn_port_move(to, qn_unit_start(&hub.segments, u), size);
	if (r)
		return r;
	large_free(u, 0);
	/* With the last page came what was behind the old block there */
	qn_slack_set(qn_segments_find(&hub.segments, to), to, false);
	return 0;
}

/* Stay where it is if the run can be made to fit */
static __seldom bool large_resize(struct qn_unit *u, size_t size)
{
	size_t nr = units_of(size);
	size_t kept = nr << QN_UNIT_SHIFT;

	/* From now on nobody knows that more was written */
	if (size < u->bytes)
		qn_resident_note(u, u->bytes);
	if (size > PTRDIFF_MAX ||
	    !qn_run_resize(&hub.segments, u, nr,
			   u->bytes > kept ? u->bytes - kept : 0))
		return false;
	large_set_bytes(u, size, 0);
	qn_slack_set(u, qn_unit_start(&hub.segments, u), false);
	return true;
}

/* ---- blocks of whole pages ---- */

/*
 * Blocks above the medium ones that leave a page or more of their units; and those
 * aligned to a page, if little or nothing of their last page is left over. Of others a
 * medium block serves what is before it and behind it to others.
 */
static bool is_shared(size_t size, size_t align)
{
	if (size > QN_SHARE_BYTES || align > QN_UNIT_SIZE)
		return false;
	if (size > QN_MEDIUM_MAX || align > QN_MEDIUM_MAX)
		return (size - 1) % QN_UNIT_SIZE < QN_UNIT_SIZE - QN_PART_SIZE;
	return align >= QN_PART_SIZE &&
	       (size - 1) % QN_PART_SIZE >= QN_PART_SIZE / 4 * 3;
}

static __seldom void *shared_alloc(struct qn_local *l, size_t size,
				   size_t align, size_t *old)
{
	void *p;

	if (!qn_share_may_serve(&hub.segments, size))
		qn_local_make_room(l, QN_SHARE_UNITS * QN_UNIT_SIZE);
	p = qn_share_alloc(&hub.segments, size, align, old);
	if (!p)
		return NULL;
	qn_assert(is_aligned((uintptr_t)p, max(align, QN_PART_SIZE)));
	size = round_up(size, QN_PART_SIZE);
	direct_account((s64)size, size, 1);
	direct_note(l, p, size);
	return p;
}

static __noreturn __apart void shared_misuse(const char *where, const void *p,
					     const struct qn_unit *u)
{
	size_t at = (uintptr_t)p % QN_UNIT_SIZE;

	if (at % QN_PART_SIZE || u->busy >> at / QN_PART_SIZE & 1)
		qn_misuse(where, p, "the pointer is not the start of a block");
	qn_misuse(where, p, "the block was freed already");
}

static __seldom size_t shared_size(struct qn_unit *u, const void *p,
				   const char *where)
{
	size_t bytes = qn_share_size(&hub.segments, u, p);

	if (unlikely(!bytes))
		shared_misuse(where, p, u);
	return bytes;
}

static __seldom void shared_free(struct qn_unit *u, void *p, bool dirty)
{
	size_t bytes;

	direct_forget(p);
	bytes = qn_share_free(&hub.segments, u, p, dirty);
	if (unlikely(!bytes))
		shared_misuse("free", p, u);
	qn_hub_account_large(&hub, -(s64)bytes, 0);
}

static __seldom bool shared_resize(struct qn_unit *u, void *p, size_t size)
{
	size_t old = qn_share_size(&hub.segments, u, p);

	if (size < QN_PART_SIZE / 2 || size > QN_SHARE_BYTES ||
	    !qn_share_resize(&hub.segments, u, p, size))
		return false;
	direct_account((s64)round_up(size, QN_PART_SIZE) - (s64)old, 0, 0);
	return true;
}

/* ---- the slow paths of malloc and free ---- */

static void *fail(void)
{
	if (hub_ready)
		qn_stat_add(hub.page->nr_failed, 1);
	errno = ENOMEM;
	return NULL;
}

/*
 * Everything that the fast paths leave; @old: bytes at its start that may not be zero.
 * @fence: the block may be fenced
 */
static noinline void *alloc_any(size_t size, size_t align, size_t *old,
				bool fence)
{
	struct qn_local *l;
	void *p = NULL;

	qn_assert(is_power_of_2(align));
	*old = size;
	if (qn_guest_is_on()) {
		p = qn_guest_alloc(size, align);
		return likely(p != NULL) ? p : fail();
	}
	l = self_get();
	if (unlikely(!l))
		return fail();
	if (fence)
		p = qn_fence_alloc(l, size, align, old);
	if (p)
		; /* That is it */
	else if (size <= QN_SLAB_MAX && align <= QN_ALIGN)
		p = qn_local_refill(l, size);
	else if (unlikely(is_shared(size, align)))
		p = shared_alloc(l, size, align, old);
	else if (size <= QN_MEDIUM_MAX && align <= QN_MEDIUM_MAX)
		p = qn_local_medium_alloc(l, size, align);
	else
		p = large_alloc(l, size, align, old);
	qn_assert(is_aligned((uintptr_t)p, align));
	qn_assert(!p || *old <= round_up(size, QN_PART_SIZE));
	self_put(l);
	return likely(p != NULL) ? p : fail();
}

static void *alloc(size_t size, size_t align, size_t *old)
{
	return alloc_any(size, align, old, true);
}

/* A thread without a local has no table, so it passes by */
void *qn_process_malloc_slow(size_t size)
{
	struct qn_local *l = qn_self;
	size_t old;
	void *p;

	/* Its list was not looked at */
	if (unlikely(!size))
		return qn_process_malloc(1);
	if (unlikely(!l->table || qn_fence_is_on(l)))
		return alloc(size, QN_ALIGN, &old);
	qn_assert(l->state == QN_LOCAL_OWNED);
	qn_assert(!*qn_local_head(l, l->map[qn_size_steps(size)]));
	p = qn_local_refill(l, size);
	return likely(p != NULL) ? p : fail();
}

/* A block of just this size does not wait: cut one, or fetch a run of units */
static noinline void *malloc_cut(size_t size, struct qn_local *l)
{
	size_t old;
	void *p;

	qn_assert(size > QN_SLAB_MAX);
	qn_assert(l == qn_self);
	if (unlikely(size > QN_MEDIUM_MAX || !l->table || qn_fence_is_on(l)))
		return alloc(size, QN_ALIGN, &old);
	p = qn_local_medium_alloc(l, size, QN_ALIGN);
	return likely(p != NULL) ? p : fail();
}

void *qn_process_malloc_medium(size_t size)
{
	struct qn_local *l = qn_self;
	void *p = NULL;

	/* Where this is inlined, the compiler does not know */
	if (size <= QN_SLAB_MAX)
		__builtin_unreachable();
	if (likely(size <= QN_MEDIUM_MAX))
		p = qn_medium_get(&l->medium, qn_medium_bytes(size), false);
	return likely(p != NULL) ? p : malloc_cut(size, l);
}

/* The descriptor of a block, or a message */
static struct qn_unit *unit_of_block(const char *where, const void *p)
{
	struct qn_unit *u = qn_local_find(qn_self, &hub.segments, p);

	if (unlikely(!u))
		qn_misuse(where, p, "the pointer is not from this heap");
	if (likely(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM ||
		   u->kind == QN_UNIT_FOLLOW || u->kind == QN_UNIT_SHARED ||
		   u->kind == QN_UNIT_FENCE))
		return u;
	if (u->kind == QN_UNIT_CLEAN || u->kind == QN_UNIT_DIRTY ||
	    u->kind == QN_UNIT_SPARE)
		qn_misuse(where, p, "the block was freed already");
	if (u->kind != QN_UNIT_LARGE || qn_unit_start(&hub.segments, u) != p)
		qn_misuse(where, p, "the pointer is not the start of a block");
	return u;
}

/* A block of some local */
static void block_free(struct qn_unit *u, void *p)
{
	struct qn_local *l = self_get();

	qn_assert(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM);
	if (!l) {
		qn_local_free_remote(&qn_local_none, u, p);
		return;
	}
	/* What the local knows of segment 0 may be old: look again */
	qn_local_see_units(l);
	if (u->kind == QN_UNIT_MEDIUM && u->holder == l) {
		qn_local_medium_free(l, u, p);
	} else if (u->owner == l) {
		qn_link_push(&u->free, p);
		if (--u->count == 0)
			qn_local_event(l, u);
	} else {
		qn_local_free_remote(l, u, p);
	}
	self_put(l);
}

static noinline void large_free_looked_at(struct qn_unit *u, const char *p)
{
	qn_slack_look(u, p, "free");
	large_free(u, u->bytes);
}

static noinline void fence_free(struct qn_unit *u, void *p)
{
	struct qn_local *l = qn_self;

	qn_fence_free(&hub, l != &qn_local_none ? l : NULL, u, p);
}

/* Anything: NULL, a block that the thread does not know of yet, what is none */
void qn_process_free_slow(void *p)
{
	struct qn_unit *u;

	if (!p)
		return;
	if (qn_guest_owns(p)) {
		qn_guest_free(p);
		return;
	}
	u = unit_of_block("free", p);
	if (u->kind == QN_UNIT_FOLLOW)
		qn_follow_free(&hub.follow, "free", p);
	else if (u->kind == QN_UNIT_FENCE)
		fence_free(u, p);
	else if (u->kind == QN_UNIT_LARGE)
		large_free_looked_at(u, p);
	else if (u->kind == QN_UNIT_SHARED)
		shared_free(u, p, true);
	else
		block_free(u, p);
}

/* A medium block or an object of another thread */
void qn_process_free_in(void *p, struct qn_local *l, struct qn_unit *u)
{
	struct qn_medium *m = &l->medium;

	if (likely(u->kind == QN_UNIT_MEDIUM && u->holder == l)) {
		/* This has a message for what is no block */
		if (unlikely(!qn_medium_put(m, p)))
			qn_local_medium_free(l, u, p);
		else if (unlikely(m->free > m->most))
			qn_local_medium_much(l);
		return;
	}
	if (likely(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM))
		qn_local_free_remote(l, u, p);
	else if (u->kind == QN_UNIT_FENCE)
		fence_free(u, p);
	else
		qn_process_free_slow(p);
}

/* ---- the rest of the family ---- */

/* A block that waits was written; of one that is cut the local knows */
static void *medium_calloc(size_t size)
{
	size_t old;
	struct qn_local *l = qn_self;
	void *p = qn_medium_get(&l->medium, qn_medium_bytes(size), false);

	if (likely(p != NULL) || !l->table) {
		p = p ? p : qn_process_malloc(size);
		return p ? memset(p, 0, size) : NULL;
	}
	if (unlikely(qn_fence_is_on(l))) {
		p = alloc(size, QN_ALIGN, &old);
		return p && old ? memset(p, 0, size) : p;
	}
	p = qn_local_medium_calloc(l, size);
	return likely(p != NULL) ? p : fail();
}

void *qn_process_calloc(size_t n, size_t size)
{
	size_t bytes, old;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return fail();
	if (bytes <= QN_SLAB_MAX) {
		p = qn_process_malloc(bytes);
		return p ? memset(p, 0, bytes) : NULL;
	}
	if (bytes <= QN_MEDIUM_MAX)
		return medium_calloc(bytes);
	p = alloc(bytes, QN_ALIGN, &old);
	if (p && old)
		large_clear(p, min(old, bytes));
	return p;
}

/* An object of a slab of the thread's own, perhaps one that it freed just now */
static void own_look(const struct qn_unit *u, const void *p, const char *where)
{
	u32 at = (u32)((uintptr_t)p % QN_UNIT_SIZE);

	if (unlikely(at % u->osize || at >= u->carved * u->osize))
		qn_misuse(where, p, "the pointer is not the start of a block");
	if (unlikely(qn_slab_is_last(u, p)))
		qn_misuse_of(where, p, u->osize, "the block was freed already");
}

static void object_look(const struct qn_unit *u, const void *p,
			const char *where)
{
	u32 at = (u32)((uintptr_t)p % QN_UNIT_SIZE);

	if (READ_ONCE(u->owner) == qn_self)
		own_look(u, p, where);
	else if (unlikely(at % u->osize))
		qn_misuse(where, p, "the pointer is not the start of a block");
}

static noinline size_t block_size(struct qn_unit *u, const void *p,
				  const char *where)
{
	if (unlikely(u->kind == QN_UNIT_FOLLOW))
		return qn_follow_size(where, p);
	if (u->kind == QN_UNIT_FENCE)
		return qn_fence_size(u, p, where);
	if (u->kind == QN_UNIT_MEDIUM)
		return qn_medium_size(u, p, where);
	if (u->kind == QN_UNIT_SHARED)
		return shared_size(u, p, where);
	return u->kind == QN_UNIT_SLAB ? u->osize : u->bytes;
}

/* What is noticed of a block at some cost: nothing moves it or gives it back yet */
static noinline void block_look(const struct qn_unit *u, const void *p,
				const char *where)
{
	if (u->kind == QN_UNIT_SLAB)
		object_look(u, p, where);
	else if (u->kind == QN_UNIT_LARGE)
		qn_slack_look(u, p, where);
}

/*
 * The largest block that can come of a request: objects may be a quarter larger where a
 * class borrowed them; a medium block that waited may be longer by a part, or by what was
 * too short to be cut off.
 */
static size_t served_most(const struct qn_unit *u, size_t size)
{
	size_t need;

	if (u->kind == QN_UNIT_SLAB)
		return max(round_up(max(size, (size_t)1), QN_STEP),
			   size + size / 4);
	if (u->kind == QN_UNIT_SHARED)
		return round_up(max(size, (size_t)1), QN_PART_SIZE);
	if (u->kind != QN_UNIT_MEDIUM)
		return max(size, (size_t)1);
	if (size <= QN_SLAB_MAX || size > QN_MEDIUM_MAX)
		return 0;
	need = qn_medium_bytes(size);
	return need + max(need / QN_MEDIUM_NEAR + QN_MEDIUM_ROUND_LONG,
			  QN_MEDIUM_LEAST);
}

/* Can @size be what the block was allocated with? */
static void sized_look(struct qn_unit *u, const void *p, size_t size,
		       enum qn_sized kind, const char *where)
{
	size_t have = block_size(u, p, where);

	block_look(u, p, where);
	if (u->kind == QN_UNIT_FOLLOW)
		have = qn_follow_asked(where, p);
	if (likely(size <= have &&
		   (kind == QN_SIZED_OTHER || have <= served_most(u, size))))
		return;
	qn_misuse_of(where, p, have,
		     "the block was not allocated with the size given");
}

/* A medium block of the thread's own, the next likely case: looked up once for both */
static bool medium_free_sized(void *p, size_t size, const char *where)
{
	struct qn_local *l = qn_self;
	size_t at = (uintptr_t)p - (uintptr_t)l->base, have;
	struct qn_unit *u;

	if (unlikely(at >= l->reach))
		return false;
	u = qn_unit_of(l->units, at);
	if (unlikely(u->kind != QN_UNIT_MEDIUM || u->holder != l))
		return false;
	have = qn_medium_size(u, p, where);
	if (unlikely(size > have || have > served_most(u, size)))
		return false;
	qn_process_free_in(p, l, u);
	return true;
}

__seldom void qn_process_free_sized_slow(void *p, size_t size,
					 enum qn_sized kind, const char *where)
{
	if (medium_free_sized(p, size, where))
		return;
	if (p && !qn_guest_owns(p))
		sized_look(unit_of_block(where, p), p, size, kind, where);
	qn_process_free(p);
}

/* May a block of a slab stay where it is? Not if it would waste half */
static bool slab_resize(const struct qn_unit *u, size_t size)
{
	return size <= u->osize && (size > u->osize / 2 || u->osize <= 64);
}

/* Who resizes once does so again: leave room, an eighth to a doubling */
static size_t grown(size_t size, size_t old)
{
	size_t step;

	if (size <= old || size <= QN_SLAB_MAX || size > QN_MEDIUM_MAX)
		return size;
	step = (size_t)1 << (qn_ilog2(size) - 3);
	return round_up(size, step);
}

/* Of other blocks than objects of slabs */
static bool block_resize(struct qn_unit *u, void *p, size_t size)
{
	if (u->kind == QN_UNIT_MEDIUM)
		return size > QN_SLAB_MAX && size <= QN_MEDIUM_MAX &&
		       qn_local_medium_resize(qn_self, u, p, size);
	if (u->kind == QN_UNIT_SHARED)
		return shared_resize(u, p, size);
	if (u->kind == QN_UNIT_FENCE)
		return size == qn_fence_size(u, p, "realloc");
	return u->kind == QN_UNIT_LARGE && size > QN_MEDIUM_MAX &&
	       large_resize(u, size);
}

/* Of @old bytes that were copied @left were not: what is mostly not there is not dirty */
static __apart void moved_free(struct qn_unit *u, char *p, size_t old,
			       size_t left)
{
	/* Whole units, as in large_move() */
	size_t size = u->kind == QN_UNIT_SHARED ? round_up(old, QN_PART_SIZE) :
						  u->run.size << QN_UNIT_SHIFT;
	bool gone = left > old / 2 && u->kind != QN_UNIT_FENCE &&
		    qn_resident_drop(p, size);

	if (u->kind == QN_UNIT_SHARED)
		shared_free(u, p, !gone);
	else if (u->kind == QN_UNIT_FENCE)
		fence_free(u, p);
	else
		large_free(u, gone ? 0 : old);
}

/* A block of COPY_LEAST or more to a longer one. Return: NULL if there is no memory. */
static noinline __apart void *large_grow(struct qn_unit *u, char *p, size_t old,
					 size_t size)
{
	size_t dirty, left = 0;
	char *q = alloc_any(size, QN_ALIGN, &dirty, false);

	qn_assert(old >= COPY_LEAST && old < size);
	if (q && old >= MOVE_LEAST && u->kind == QN_UNIT_LARGE) {
		int r = large_move(u, q);

		if (r == 0)
			return q;
		dirty = size;
		/* Nobody can have it any more: it stays a block for good */
		if (r == -ENOTRECOVERABLE)
			q = alloc_any(size, QN_ALIGN, &dirty, false);
	}
	if (!q)
		return NULL;
	if (dirty)
		memcpy(q, p, old);
	else
		left = copy_touched(q, p, old);
	moved_free(u, p, old, left);
	return q;
}

/*
 * Where a block of @old bytes goes. One that grows does so again, perhaps, and a fenced
 * one would have to be copied each time.
 */
static __seldom void *realloc_new(size_t size, size_t old)
{
	size_t dirty;

	if (likely(!qn_fence_is_on(qn_self)))
		return qn_process_malloc(grown(size, old));
	if (size <= FENCE_GROWN)
		return qn_process_malloc(size);
	return alloc_any(grown(size, old), QN_ALIGN, &dirty, false);
}

/* Of an object of a slab of the thread's own: nothing is looked up twice */
static __always_inline void *own_realloc(const struct qn_unit *u, void *p,
					 size_t size)
{
	size_t old = u->osize;
	void *q;

	/* In place all that own_look() looks at would cost more than the rest */
	if (slab_resize(u, size) && likely(u->free != p))
		return p;
	own_look(u, p, "realloc");
	q = qn_process_malloc(grown(size, old));
	if (unlikely(!q))
		return NULL;
	memcpy(q, p, min(size, old));
	qn_process_free(p);
	return q;
}

/* To a block of its own; the old one is freed */
static __seldom void *move_block(void *p, size_t old, size_t size)
{
	void *q = realloc_new(size, old);

	if (!q)
		return NULL;
	memcpy(q, p, min(size, old));
	qn_process_free(p);
	return q;
}

static noinline void *realloc_slow(void *p, size_t size)
{
	struct qn_unit *u;
	size_t old;
	void *q;

	if (!p)
		return qn_process_malloc(size);
	if (qn_guest_owns(p)) {
		q = qn_guest_realloc(p, size);
		return q ? q : fail();
	}
	u = unit_of_block("realloc", p);
	if (u->kind == QN_UNIT_SLAB && slab_resize(u, size) &&
	    (READ_ONCE(u->owner) != qn_self || u->free != p))
		return p;
	block_look(u, p, "realloc");
	old = u->kind == QN_UNIT_SLAB ? u->osize : block_size(u, p, "realloc");
	qn_assert(old > 0);
	if (unlikely(u->kind == QN_UNIT_FOLLOW && size <= QN_SLAB_MAX)) {
		q = qn_follow_resize(&hub.follow, p, size);
		if (q)
			return q;
	}
	if (block_resize(u, p, size))
		return p;
	if (old >= COPY_LEAST && size > old)
		return large_grow(u, p, old, size);
	return move_block(p, old, size);
}

void *qn_process_realloc(void *p, size_t size)
{
	struct qn_local *l = qn_self;
	size_t at = (uintptr_t)p - (uintptr_t)l->base;

	if (likely(at < l->reach)) {
		const struct qn_unit *u = qn_unit_of(l->units, at);

		if (likely(u->owner == l))
			return own_realloc(u, p, size);
	}
	return realloc_slow(p, size);
}

/*
 * Objects of a slab lie at multiples of their size from an aligned start, and a
 * power of two has objects of just that size: one of two tries is aligned, unless it is
 * a sample and comes from elsewhere.
 */
static __seldom void *slab_memalign(size_t align, size_t size)
{
	void *p = qn_process_malloc(round_up(max(size, (size_t)1), align));

	size = (size_t)2 << qn_ilog2(max(size, align) - 1);
	while (p && !is_aligned((uintptr_t)p, align)) {
		qn_process_free(p);
		/* One request, one allocation */
		qn_hub_account(&hub, hub.table->map[qn_size_steps(size)], 0,
			       (u64)-1);
		p = qn_process_malloc(size);
	}
	return p;
}

__seldom void *qn_process_memalign(size_t align, size_t size)
{
	size_t old;

	if (align <= QN_ALIGN)
		return qn_process_malloc(size);
	if (qn_self->table && !qn_fence_is_on(qn_self) && size <= QN_SLAB_MAX &&
	    align <= QN_SLAB_MAX)
		return slab_memalign(align, size);
	return alloc(max(size, (size_t)1), align, &old);
}

__seldom size_t qn_process_usable_size(const void *p)
{
	static const char where[] = "malloc_usable_size";
	struct qn_unit *u;

	if (qn_guest_owns(p))
		return qn_guest_usable(p);
	if (!p)
		return 0;
	u = unit_of_block(where, p);
	block_look(u, p, where);
	return block_size(u, p, where);
}

__apart bool qn_process_owns(const void *p)
{
	return qn_guest_owns(p) || qn_segments_find(&hub.segments, p);
}

__apart bool qn_process_trim(void)
{
	struct qn_local *l = self_get();

	if (!l)
		return false;
	qn_local_flush_batch(l);
	qn_local_trim(l);
	self_put(l);
	qn_port_lock(&hub.threads);
	for (l = hub.orphans; l; l = l->next_orphan)
		qn_local_trim(l);
	qn_port_unlock(&hub.threads);
	return qn_segments_purge(&hub.segments, 0) > 0;
}

struct qn_stats_page *qn_process_stats(void)
{
	if (!hub_ready && !hub_start())
		return NULL;
	qn_hub_refresh(&hub);
	return hub.page;
}

__apart struct qn_stats_page *qn_process_tally(struct qn_tally *t)
{
	struct qn_local *l = NULL;

	if (!hub_ready && !hub_start())
		return NULL;
	/* An engine's blocks are all known to the page */
	if (!qn_guest_is_on())
		l = self_get();
	qn_tally(t, &hub, l);
	if (l)
		self_put(l);
	return hub.page;
}

/* ---- the process ---- */

static char *append(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n + 1);
	return to + n;
}

static char *append_number(char *to, unsigned int n)
{
	char digits[12];
	unsigned int nr = 0;

	do
		digits[nr++] = (char)('0' + n % 10);
	while (n /= 10);
	while (nr)
		*to++ = digits[--nr];
	*to = '\0';
	return to;
}

/*
 * DIR/PID.qstat, or DIR/PID.N.qstat where an earlier program had the number
 *
 * Return: a descriptor or -errno.
 */
static int stats_open(const char *dir)
{
	char path[sizeof(hub.conf.stats) + 40];
	int fd = -EEXIST;

	for (unsigned int i = 0; i < 1000 && fd == -EEXIST; i++) {
		char *end = append(append(path, dir), "/");

		end = append_number(end, hub.page->pid);
		if (i)
			end = append_number(append(end, "."), i);
		append(end, ".qstat");
		fd = (int)qn_sys6(SYS_openat, AT_FDCWD, (long)path,
				  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
				  0, 0);
	}
	return fd;
}

/* Other memory at the page's place: the file @fd, or nobody's if it is -1 */
static void page_map(size_t size, int flags, int fd)
{
	qn_sys6(SYS_mmap, (long)hub.page, (long)size, PROT_READ | PROT_WRITE,
		flags | MAP_FIXED, fd, 0);
}

/* From now on the page is a file that others can read, also when we are gone */
static __apart void stats_map(const char *dir)
{
	size_t size = round_up(sizeof(*hub.page), qn_port_page_size());
	int fd;

	page_sign(hub.page);
	fd = stats_open(dir);
	if (fd < 0) {
		static const char text[] =
			"quern: cannot make a statistics file in the directory "
			"that QUERN_CONF=stats: names; going on without\n";

		if (fd != -ENOENT || !strstr(dir, "/" QN_STATS_RUN_DIR))
			qn_port_write(text, sizeof(text) - 1);
		return;
	}
	if (qn_sys6(SYS_pwrite64, fd, (long)hub.page, (long)size, 0, 0, 0) ==
	    (long)size)
		page_map(size, MAP_SHARED, fd);
	qn_process_sites_map(&hub, fd, round_up(size, (size_t)65536));
	qn_sys3(SYS_close, fd, 0, 0);
}

/* An engine takes over: this thread, the only one, has the empty local again */
static __apart void guest_start(const struct qn_engine *engine)
{
	static const char text[] =
		"quern: no address space for the engine that "
		"QUERN_CONF=engine: names\n";
	struct qn_local *l = qn_self;

	if (qn_guest_start(engine, &hub)) {
		qn_port_write(text, sizeof(text) - 1);
		_exit(2);
	}
	/* Each block of an engine is accounted by itself */
	hub.exact = 0;
	hub.notes_peak = false;
	if (hub.is_watched)
		hub.page->exact = QN_STATS_EXACT_COUNT | QN_STATS_EXACT_PEAK;
	if (l == &qn_local_none)
		return;
	pthread_setspecific(thread_key, NULL);
	self_set(&qn_local_none);
	qn_local_put(l);
}

/*
 * A program that never allocates gets no heap, unless there is a file to write;
 * others at their first malloc(): perhaps in a sandbox by then, which has neither clock
 * nor seed to give.
 */
void qn_process_start(const struct qn_conf *conf,
		      const struct qn_sites_ops *sites,
		      const struct qn_engine *engine)
{
	settings_copy = *conf;
	settings = &settings_copy;
	start_usec = qn_port_clock_first();
	start_seed = conf->seed ? (u32)conf->seed : qn_port_seed();
	if (hub_ready)
		conf_apply(conf);
	else if ((!conf->stats[0] && !sites && !engine) || !hub_start())
		return;
	if (engine)
		guest_start(engine);
	if (sites)
		qn_process_sites_start(&hub, sites);
	if (conf->stats[0])
		stats_map(conf->stats);
}

/* What the kernel knows of the process; nobody may wait for it */
static void page_note_usage(struct qn_stats_page *page)
{
	struct rusage u;

	if (qn_sys3(SYS_getrusage, RUSAGE_SELF, (long)&u, 0))
		return;
	page->cpu_usec =
		(u64)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
		(u64)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	page->peak_resident = (u64)u.ru_maxrss * 1024;
}

__apart void qn_process_finish(void)
{
	if (!hub_ready || !hub.conf.stats[0])
		return;
	if (qn_self != &qn_local_none)
		qn_local_account_end(qn_self);
	/* Of others that run it is not known what waits in their lists */
	if (hub.page->nr_threads <= (qn_self != &qn_local_none))
		hub.page->exact |= QN_STATS_EXACT_COUNT;
	qn_hub_refresh(&hub);
	page_note_usage(hub.page);
	hub.page->end_usec = qn_port_clock();
	hub.page->state = QN_STATS_EXITED;
}

void qn_process_audit(void)
{
	struct qn_local *l = qn_self;

	if (hub_ready && !qn_guest_is_on())
		qn_audit_process(&hub, l != &qn_local_none ? l : NULL);
}

void qn_process_allow_helper(void)
{
	hub.helper.is_allowed = true;
}

/* ---- fork ---- */

#define NR_LOCKS 6u

/* Number @i in lock order */
static __apart struct qn_lock *fork_lock(unsigned int i)
{
	switch (i) {
	case 0:
		return &hub.threads;
	case 1:
		return &hub.learn;
	case 2:
		return &hub.follow.lock;
	case 3:
		return &hub.follow.sites.lock;
	case 4:
		return &hub.segments.lock;
	default:
		return &qn_guest.lock;
	}
}

/*
 * A signal handler may fork() that interrupted this thread in malloc(): what the thread
 * holds then stays as it is, in the child too, where malloc() goes on if the handler
 * returns. So nothing here may need what such a lock guards.
 */
/* In a signal handler: the helper may wait for a lock that this very thread holds */
static __apart bool holds_any(void)
{
	for (unsigned int i = 0; i < NR_LOCKS; i++)
		if (qn_port_holds(fork_lock(i)))
			return true;
	return false;
}

__apart void qn_process_end_helper(bool for_good)
{
	if (hub_ready && !holds_any())
		qn_helper_end(&hub, for_good);
	else if (for_good)
		hub.helper.is_allowed = false;
}

__apart void qn_process_fork_prepare(void)
{
	u64 taken = 0;

	if (!hub_ready)
		return;
	qn_process_end_helper(false);
	for (unsigned int i = 0; i < NR_LOCKS; i++) {
		if (qn_port_holds(fork_lock(i)))
			continue;
		qn_port_lock(fork_lock(i));
		taken |= (u64)1 << i;
	}
	qn_assert(hub.fork_depth < 64 / NR_LOCKS);
	hub.fork_locks = hub.fork_locks << NR_LOCKS | taken;
	hub.fork_depth++;
	hub.fork_seed = qn_sampler_seed(&hub.sampler);
	qn_port_fork_begin();
}

static __apart void fork_unlock(void)
{
	u64 taken = hub.fork_locks;

	qn_assert(hub.fork_depth > 0);
	if (!--hub.fork_depth)
		qn_port_fork_end();
	hub.fork_locks >>= NR_LOCKS;
	for (unsigned int i = NR_LOCKS; i-- > 0;)
		if (taken >> i & 1)
			qn_port_unlock(fork_lock(i));
}

__apart void qn_process_fork_parent(void)
{
	if (hub_ready)
		fork_unlock();
}

static void life_restart(struct qn_stats_life *life)
{
	memset(life->by_bytes, 0, sizeof(life->by_bytes));
	memset(life->by_time, 0, sizeof(life->by_time));
	life->nr_ended = 0;
	life->nr_grown = 0;
	life->nr_shrunk = 0;
	life->grown_from = 0;
	life->grown_to = 0;
}

/* What the child did not do itself does not belong into its figures */
static __apart void page_restart(struct qn_stats_page *page)
{
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		page->classes[c].nr_allocs = 0;
	page->nr_large = 0;
	page->large_total = 0;
	page->nr_threads = qn_self != &qn_local_none;
	page->nr_threads_total = page->nr_threads;
	page->nr_remote = 0;
	page->nr_failed = 0;
	hub.ledger.nr_samples = 0;
	page->nr_samples = 0;
	page->sample_ns = 0;
	page->nr_slices = 0;
	page->nr_changes = 0;
	page->peak_live = page->live;
	memset(&page->at_live, 0, sizeof(page->at_live));
	page->peak_used = 0;
	page->refreshed = 0;
	hub.is_peak_new = hub.is_watched;
	for (unsigned int i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		life_restart(&page->lives[i]);
	memset(&page->trend, 0, sizeof(page->trend));
	page->engine.asked = 0;
	page->engine.served = 0;
	page->engine.by_table = 0;
	qn_resident_restart(&hub.segments.resident);
}

/* Who reads which table: counted anew, unless this thread was at it */
static __apart void tables_lost(u32 self)
{
	if (qn_port_holds(&hub.learn))
		return;
	for (unsigned int i = 0; i < QN_NR_TABLES; i++)
		hub.tables[i]->nr_users = 0;
	for (struct qn_local *l = hub.locals; l; l = l->next)
		if (l->thread == self && l->state == QN_LOCAL_OWNED && l->table)
			((struct qn_table *)l->table)->nr_users++;
}

/* Threads that are gone may have been in the middle of anything */
static __apart void locals_lost(void)
{
	u32 self = qn_port_self();
	bool lost = false;

	for (struct qn_local *l = hub.locals; l; l = l->next) {
		if (l->thread == self || l->state != QN_LOCAL_OWNED)
			continue;
		l->state = QN_LOCAL_LOST;
		lost = true;
	}
	if (lost)
		tables_lost(self);
}

__apart void qn_process_fork_child(void)
{
	size_t size = round_up(sizeof(*hub.page), qn_port_page_size());
	bool shared = hub.conf.stats[0] != '\0';

	if (!hub_ready)
		return;
	fork_unlock();
	locals_lost();
	if (shared) {
		/* The parent's file must not see the child's figures */
		struct qn_stats_page copy = *hub.page;

		page_map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		*hub.page = copy;
	}
	qn_assert(qn_self == &qn_local_none ||
		  qn_self->state == QN_LOCAL_OWNED);
	qn_process_sites_leave(&hub);
	qn_sites_restart(&hub.follow.sites);
	hub.page->sites_at = 0;
	if (qn_self->exact)
		qn_local_account_end(qn_self);
	page_restart(hub.page);
	page_init(hub.page, 0);
	qn_hub_fork_child(&hub);
	if (qn_self != &qn_local_none)
		qn_local_fork_child(qn_self);
	memcpy(hub.page->policy, hub.conf.policy, sizeof(hub.page->policy));
	if (shared)
		stats_map(hub.conf.stats);
}

/* ---- the public names ---- */

QN_EXPORT void *qn_malloc(size_t size)
{
	return qn_process_malloc(size);
}

QN_EXPORT void qn_free(void *p)
{
	qn_process_free(p);
}

QN_EXPORT void *qn_calloc(size_t n, size_t size)
{
	return qn_process_calloc(n, size);
}

QN_EXPORT void *qn_realloc(void *p, size_t size)
{
	return qn_process_realloc(p, size);
}

QN_EXPORT void *qn_memalign(size_t align, size_t size)
{
	if (!is_power_of_2(align)) {
		errno = EINVAL;
		return NULL;
	}
	return qn_process_memalign(align, size);
}

QN_EXPORT size_t qn_malloc_usable_size(const void *p)
{
	return qn_process_usable_size(p);
}

QN_EXPORT int qn_trim(void)
{
	return qn_process_trim();
}

QN_EXPORT __apart int qn_stats_get(struct qn_stats *st)
{
	const struct qn_stats_page *page;

	if (!st)
		return -EINVAL;
	page = qn_process_stats();
	memset(st, 0, sizeof(*st));
	if (!page)
		return -ENOMEM;
	st->size = page->used + page->dirty;
	st->metadata = page->metadata;
	st->live = page->live;
	st->peak_live = page->peak_live;
	st->nr_allocs = page->nr_large;
	st->requested = page->large;
	/* Free in chunks of medium blocks */
	st->free = page->classes[QN_CLASS_DIRECT].slab;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		const struct qn_stats_class *sc = &page->classes[c];
		u64 objects = sc->osize ? sc->live / sc->osize : 0;

		st->nr_allocs += sc->nr_allocs;
		st->nr_live += objects;
		st->requested += sc->requested ? objects * sc->requested / 16 :
						 sc->live;
		/* Accounted at different times, so one may be ahead */
		st->free += sc->slab - min(sc->slab, sc->live);
	}
	st->requested = min(st->requested, st->live);
	st->internal = st->live - st->requested;
	st->external = st->free;
	st->free += page->dirty;
	st->nr_frees = st->nr_allocs - st->nr_live;
	st->nr_failed = page->nr_failed;
	st->nr_samples = page->nr_samples;
	st->nr_tables = page->generation;
	return 0;
}

QN_EXPORT __apart int qn_check(void)
{
	const char *what = qn_segments_check(&hub.segments);

	if (!what)
		what = qn_follow_check(&hub.follow);
	if (!what)
		what = qn_guest_check();
	if (!what && qn_self != &qn_local_none)
		what = qn_local_check(qn_self);
	if (!what)
		return 0;
	qn_port_write("quern: ", 7);
	qn_port_write(what, strlen(what));
	qn_port_write("\n", 1);
	return -EUCLEAN;
}
