// SPDX-License-Identifier: MIT
/*
 * record.c - libquern-record.so: writes down what a program asks of malloc.
 *
 * Preloaded in front of whatever malloc the program has, which goes on to serve it.
 * Each thread fills a block of the trace's file, mapped and shared, so that what was
 * written is there however the process ends. Addresses are written as they are; the
 * command makes numbers of them afterwards. Only the sequence number is common to
 * threads: it is taken before a block is given back and after one was had, so an
 * address that goes from one thread to another has its events in this order.
 *
 * The file is opened by its name for each block, so the program may close
 * descriptors as it likes. A child finds, by a page that fork() clears, that the
 * blocks are its parent's. Nothing here allocates; what calls malloc() while an event
 * is written (a signal handler) is not recorded, and counted as lost.
 *
 * With --sites each event has the number of its call site. A stack of return addresses
 * (frames.h) is looked up by its hash in a table of the process, which is read without a
 * lock. A new stack is written as modules and offsets into a block of sites. fork() clears
 * the table, so a child has sites of its own. The command looks functions up and packs
 * blocks afterwards: the recorded program pays for neither.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include "frames.h"
#include "record.h"
#include "stack.h"
#include "format/trace.h"
#include "base/varint.h"

/* What the loader asks for before there is a malloc to hand on to */
#define EARLY_SIZE 65536

/* Blocks of threads that have ended, for those that begin */
#define NR_SPARE 64

/* Places for call sites, a third more than there may be, and modules of a block of them */
#define NR_PLACES  262144u
#define NR_MODULES 256u
_Static_assert(QN_RECORD_SITES <= NR_PLACES / 4 * 3, "a place is found soon");

static struct {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*memalign)(size_t align, size_t size);
	void (*free)(void *p);
	int (*dlclose)(void *library);
} next;

/**
 * struct place - of a call site
 * @hash:	of its return addresses, never 0; two sites of the same hash are one
 * @site:	its number
 */
struct place {
	u64 hash;
	u64 site;
};

/**
 * struct sites - call sites of this process
 * @places:	NR_PLACES of them, hashed; NULL: sites are not recorded. A fork clears it.
 * @nr:		so far
 * @lock:	held around what follows, and to add a site
 * @block:	being filled; without memory before the first site
 * @names, @bases, @nr_modules: of the block: what tells modules apart
 * @generation:	libraries that had been unloaded when it was begun
 */
static struct sites {
	struct place *places;
	u32 nr;
	u32 lock;
	struct qn_trace_block block;
	const char *names[NR_MODULES];
	uintptr_t bases[NR_MODULES];
	u32 nr_modules;
	u32 generation;
} sites;

/**
 * struct recorder - of this process
 * @shared:	in place 0 of the file; NULL: nothing is recorded
 * @alive:	a word that is 0 in a child that has just been forked
 * @process:	number of this process
 * @nr_threads:	so far
 * @seq:	sequence number of the latest event
 * @key:	whose destructor ends a thread
 * @lock:	held around @spare
 * @is_full:	the file cannot grow: nobody tries again
 */
static struct recorder {
	struct qn_record_shared *shared;
	u32 *alive;
	u32 process;
	u32 nr_threads;
	u64 seq;
	pthread_key_t key;
	u32 lock;
	bool is_full;
	u32 nr_spare;
	struct qn_trace_block spare[NR_SPARE];
	char path[4096];
} rec;

/**
 * struct stream - of this thread
 * @block:	being filled; all of it 0 where there is no memory for it: no room then
 * @is_busy:	an event is being written
 * @number:	of the thread + 1
 */
static __thread struct stream {
	struct qn_trace_block block;
	bool is_busy;
	u32 number;
} self __attribute__((tls_model("initial-exec")));

static char early[EARLY_SIZE] __attribute__((aligned(16)));
static size_t early_used;

/* ---- blocks ---- */

static u64 now(void)
{
	return qn_record_ticks(rec.shared->has_tsc);
}

static void lose(void)
{
	__atomic_add_fetch(&rec.shared->nr_lost, 1, __ATOMIC_RELAXED);
}

/* Room on the disk, so that a full one is an error here and no signal later */
static int extend(int fd, off_t at)
{
	static const char zero;
	struct rlimit limit;
	off_t end = at + QN_TRACE_BLOCK_SIZE;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < (rlim_t)end)
		return -EFBIG;
	if (!fallocate(fd, 0, at, QN_TRACE_BLOCK_SIZE))
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	return pwrite(fd, &zero, 1, end - 1) == 1 ? 0 : -errno;
}

/* A new place of the file, or NULL */
static u8 *map_place(void)
{
	int fd = open(rec.path, O_RDWR | O_CLOEXEC);
	void *p = MAP_FAILED;
	off_t at;

	if (fd < 0)
		return NULL;
	at = (off_t)__atomic_fetch_add(&rec.shared->next, 1, __ATOMIC_RELAXED) *
	     QN_TRACE_BLOCK_SIZE;
	if (!extend(fd, at))
		p = mmap(NULL, QN_TRACE_BLOCK_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, at);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static bool open_block(struct qn_trace_block *b, u16 kind, u64 seq)
{
	const struct qn_trace_head head = {
		.kind = kind,
		.flags = QN_TRACE_BY_ADDRESS,
		.process = rec.process,
		.thread = self.number - 1,
		.ticks = now(),
		.base = seq,
	};
	int saved = errno;
	u8 *p = map_place();

	if (p)
		qn_trace_block_open(b, p, QN_TRACE_BLOCK_SIZE, &head);
	else
		WRITE_ONCE(rec.is_full, true);
	errno = saved;
	return p;
}

static void close_block(struct qn_trace_block *b)
{
	int saved = errno;

	qn_trace_block_close(b, false);
	munmap(b->buf, QN_TRACE_BLOCK_SIZE);
	*b = (struct qn_trace_block){ 0 };
	errno = saved;
}

static void take_lock(u32 *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void leave_lock(u32 *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/*
 * A block for events from @seq on, which its THREAD comes before: sequence numbers of
 * a block never go back, and of the thread that had it some may be later.
 */
static bool take_spare(struct qn_trace_block *b, u64 seq)
{
	u32 i;

	take_lock(&rec.lock);
	i = rec.nr_spare;
	while (i && rec.spare[i - 1].seq + 1 >= seq)
		i--;
	if (i) {
		*b = rec.spare[i - 1];
		rec.spare[i - 1] = rec.spare[--rec.nr_spare];
	}
	leave_lock(&rec.lock);
	return i;
}

static bool give_spare(const struct qn_trace_block *b)
{
	bool has_room;

	take_lock(&rec.lock);
	has_room = rec.nr_spare < NR_SPARE;
	if (has_room)
		rec.spare[rec.nr_spare++] = *b;
	leave_lock(&rec.lock);
	return has_room;
}

/* ---- events ---- */

static __always_inline u64 next_seq(void)
{
	if (__libc_single_threaded)
		return ++rec.seq;
	return __atomic_add_fetch(&rec.seq, 1, __ATOMIC_RELAXED);
}

static void put_bytes(struct qn_trace_block *b, const char *text, size_t size)
{
	u8 head[QN_VARINT_MAX];

	qn_trace_put_bytes(b, head, qn_varint_put(head, size));
	qn_trace_put_bytes(b, text, size);
}

static size_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, size);

	if (fd >= 0)
		close(fd);
	return n < 0 ? 0 : (size_t)n;
}

/* ---- call sites ---- */

static bool open_sites(void)
{
	if (sites.block.buf)
		close_block(&sites.block);
	sites.nr_modules = 0;
	sites.generation = qn_frames_generation();
	return open_block(&sites.block, QN_TRACE_SITES, sites.nr + 1);
}

/* Return: number + 1 in the block; 0: no room for the name, or for one more */
static u32 module_of(const char *name, uintptr_t base)
{
	u32 i;

	for (i = 0; i < sites.nr_modules; i++)
		if (sites.names[i] == name && sites.bases[i] == base)
			return i + 1;
	if (i == NR_MODULES ||
	    !qn_trace_put_module(&sites.block, name, strlen(name)))
		return 0;
	sites.names[i] = name;
	sites.bases[i] = base;
	return ++sites.nr_modules;
}

/* False if there is no room, or names are out of date: begin another block */
static bool put_site(const uintptr_t *pcs, u32 nr)
{
	struct qn_trace_frame frames[QN_RECORD_DEPTH];

	if (!sites.block.buf || sites.generation != qn_frames_generation())
		return false;

	for (u32 i = 0; i < nr; i++) {
		uintptr_t base;
		const char *name = qn_stack_locate(pcs[i], &base);

		frames[i].module = name ? module_of(name, base) : 0;
		frames[i].offset = pcs[i] - base;
		if (name && !frames[i].module)
			return false;
	}
	return qn_trace_put_site(&sites.block, frames, nr);
}

/* The place of a site, or the one that it would have; it is never full */
static struct place *find_place(u64 hash)
{
	u32 i = (u32)(hash >> 32);

	for (;; i++) {
		struct place *p = &sites.places[i % NR_PLACES];
		u64 is = __atomic_load_n(&p->hash, __ATOMIC_ACQUIRE);

		if (!is || is == hash)
			return p;
	}
}

static noinline u64 add_site(u64 hash, const uintptr_t *pcs, u32 nr)
{
	struct place *p;
	u64 site = 0;

	take_lock(&sites.lock);
	p = find_place(hash);
	if (p->hash) {
		site = p->site;
	} else if (sites.nr < QN_RECORD_SITES &&
		   (put_site(pcs, nr) || (open_sites() && put_site(pcs, nr)))) {
		site = p->site = ++sites.nr;
		/* Pairs with find_place(): who sees the hash sees the site */
		__atomic_store_n(&p->hash, hash, __ATOMIC_RELEASE);
	}
	leave_lock(&sites.lock);
	if (!site)
		__atomic_add_fetch(&rec.shared->nr_sites_lost, 1,
				   __ATOMIC_RELAXED);
	return site;
}

static noinline u32 site_of_caller(void)
{
	uintptr_t pcs[QN_RECORD_DEPTH];
	u32 nr = qn_frames_take(pcs, QN_RECORD_DEPTH);
	u64 hash = nr + ((u64)qn_frames_generation() << 32);
	struct place *p;

	if (!nr)
		return 0;
	for (u32 i = 0; i < nr; i++) {
		hash = (hash ^ pcs[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	hash |= 1;
	p = find_place(hash);
	return (u32)(p->hash ? p->site : add_site(hash, pcs, nr));
}

static bool map_sites(void)
{
	const size_t size = NR_PLACES * sizeof(struct place);
	void *p;

	if (qn_stack_start(true))
		return false;
	qn_frames_start();
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED || madvise(p, size, MADV_WIPEONFORK))
		return false;
	sites.places = p;
	return true;
}

/* ---- processes and threads ---- */

/* Who this process is, in a block of its own */
static void begin_process(u32 parent)
{
	static char text[4096];
	struct qn_trace_block b;
	u8 number[QN_VARINT_MAX];
	ssize_t n;

	rec.process = __atomic_fetch_add(&rec.shared->nr_processes, 1,
					 __ATOMIC_RELAXED);
	if (!open_block(&b, QN_TRACE_PROCESS, 0))
		return;
	qn_trace_put_bytes(&b, number, qn_varint_put(number, (u64)getpid()));
	qn_trace_put_bytes(&b, number, qn_varint_put(number, parent));
	n = readlink("/proc/self/exe", text, sizeof(text));
	put_bytes(&b, text, n < 0 ? 0 : (size_t)n);
	put_bytes(&b, text, read_file("/proc/self/cmdline", text, 4096));
	close_block(&b);
}

/* The blocks are the parent's: begin anew */
static noinline __cold void begin_child(void)
{
	u32 parent = rec.process + 1;
	int saved = errno;

	*rec.alive = 1;
	rec.nr_spare = 0;
	rec.lock = 0;
	rec.nr_threads = 0;
	sites.lock = 0;
	sites.nr = 0;
	sites.block.buf = NULL;
	self.number = 0;
	self.block = (struct qn_trace_block){ 0 };
	begin_process(parent);
	errno = saved;
}

static void put_simple(enum qn_trace_op op, u64 seq, u64 value)
{
	const struct qn_trace_event e = {
		.op = (u8)op,
		.seq = seq,
		.ticks = now(),
		.size = value,
	};

	qn_trace_put(&self.block, &e);
}

/* The thread's first block, or its next one, for events from @seq on */
static noinline bool renew(u64 seq)
{
	bool is_new = !self.number;

	if (is_new)
		self.number = __atomic_add_fetch(&rec.nr_threads, 1,
						 __ATOMIC_RELAXED);
	if (self.block.buf) {
		close_block(&self.block);
	} else {
		pthread_setspecific(rec.key, &self);
		if (take_spare(&self.block, seq)) {
			put_simple(QN_TRACE_THREAD, self.block.seq + 1,
				   self.number - 1);
			return self.block.room - self.block.at >
			       2 * QN_TRACE_EVENT_MAX;
		}
	}
	return open_block(&self.block, QN_TRACE_EVENTS, seq - 1);
}

static void add_cost(u64 ticks)
{
	__atomic_add_fetch(&rec.shared->cost, ticks, __ATOMIC_RELAXED);
}

static noinline void put_slow(const struct qn_trace_event *e)
{
	bool is_put = false;

	for (int i = 0; i < 2 && !is_put && !READ_ONCE(rec.is_full); i++)
		is_put = renew(e->began ? e->began : e->seq) &&
			 qn_trace_put(&self.block, e);
	if (!is_put)
		lose();
	add_cost(now() - e->ticks);
}

/* Time and call site are taken here, so that what led here is not among the cost */
static noinline void put_timed(struct qn_trace_event *e)
{
	u64 longest = sites.places ? 16 * QN_RECORD_LONGEST : QN_RECORD_LONGEST;
	u64 ticks;

	e->ticks = now();
	if (sites.places)
		e->site = site_of_caller();
	if (!self.block.buf || !qn_trace_put(&self.block, e)) {
		put_slow(e);
		return;
	}
	ticks = now() - e->ticks;
	if (ticks < longest)
		add_cost(ticks * QN_RECORD_TIMED);
}

/* The sequence number is there already: it says when the event was */
static __always_inline void note(struct qn_trace_event e)
{
	self.is_busy = true;
	if (unlikely(self.block.head.nr % QN_RECORD_TIMED == 0)) {
		put_timed(&e);
	} else {
		e.ticks = now();
		if (unlikely(sites.places != NULL))
			e.site = site_of_caller();
		if (unlikely(!qn_trace_put_inline(&self.block, &e)))
			put_slow(&e);
	}
	self.is_busy = false;
}

/* Is this event to be written */
static __always_inline bool is_on(void)
{
	if (!rec.shared)
		return false;
	if (unlikely(self.is_busy)) {
		lose();
		return false;
	}
	if (unlikely(!*rec.alive)) {
		self.is_busy = true;
		begin_child();
		self.is_busy = false;
	}
	return true;
}

static __always_inline void note_alloc(enum qn_trace_op op, const void *p,
				       size_t size, size_t align)
{
	if (p && is_on())
		note((struct qn_trace_event){
			.op = (u8)op,
			.seq = next_seq(),
			.size = size,
			.object = (uintptr_t)p,
			.align_shift = (u8)(align ? __builtin_ctzl(align) : 0),
		});
}

static __always_inline void note_free(const void *p, u64 seq)
{
	note((struct qn_trace_event){
		.op = QN_TRACE_FREE,
		.seq = seq,
		.object = (uintptr_t)p,
	});
}

static void end_thread(void *arg __maybe_unused)
{
	if (!rec.shared || self.is_busy || !*rec.alive || !self.block.buf)
		return;
	self.is_busy = true;
	put_simple(QN_TRACE_STOP, next_seq(), 0);
	if (!give_spare(&self.block))
		close_block(&self.block);
	self.block = (struct qn_trace_block){ 0 };
	self.is_busy = false;
}

static void note_fork(void)
{
	if (is_on())
		note((struct qn_trace_event){ .op = QN_TRACE_FORK,
					      .seq = next_seq() });
}

/* ---- start ---- */

static void *find(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static noinline void resolve(void)
{
	static bool is_resolving;

	if (is_resolving)
		return;
	is_resolving = true;
	*(void **)&next.free = find("free");
	*(void **)&next.calloc = find("calloc");
	*(void **)&next.realloc = find("realloc");
	*(void **)&next.memalign = find("memalign");
	*(void **)&next.dlclose = find("dlclose");
	*(void **)&next.malloc = find("malloc");
}

static __always_inline bool is_ready(void)
{
	if (unlikely(!next.malloc))
		resolve();
	return likely(next.malloc != NULL);
}

static void *early_alloc(size_t size)
{
	size_t at = early_used;

	if (size > EARLY_SIZE || at + round_up(size, 16) > EARLY_SIZE)
		return NULL;
	early_used += round_up(size, 16);
	return early + at;
}

static bool is_early(const void *p)
{
	return (uintptr_t)p - (uintptr_t)early < EARLY_SIZE;
}

/* Sites are looked after first: until then events are not recorded, nor lost */
static bool map_shared(void)
{
	struct qn_record_shared *shared;
	int fd = open(rec.path, O_RDWR | O_CLOEXEC);
	char *p;

	if (fd < 0)
		return false;
	p = mmap(NULL, QN_TRACE_BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	rec.alive = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rec.alive == MAP_FAILED ||
	    madvise(rec.alive, 4096, MADV_WIPEONFORK))
		return false;
	*rec.alive = 1;
	shared = (void *)(p + QN_RECORD_SHARED);
	if (shared->depth && !map_sites())
		WRITE_ONCE(shared->no_stacks, 1);
	rec.shared = shared;
	return true;
}

static void __attribute__((constructor)) start(void)
{
	const char *path = secure_getenv(QN_RECORD_ENV);

	if (!path || strlen(path) >= sizeof(rec.path) || !is_ready() ||
	    pthread_key_create(&rec.key, end_thread))
		return;
	strcpy(rec.path, path);
	self.is_busy = true;
	if (map_shared())
		begin_process(0);
	self.is_busy = false;
	pthread_atfork(note_fork, NULL, NULL);
}

/* ---- names that are taken ---- */

/* Another library may lie where this one did: what is known of addresses is not true */
QN_EXPORT int dlclose(void *library)
{
	int err;

	if (!is_ready() || !next.dlclose)
		return -1;
	err = next.dlclose(library);
	qn_frames_forget();
	return err;
}

QN_EXPORT void *malloc(size_t size)
{
	void *p;

	if (!is_ready())
		return early_alloc(size);
	p = next.malloc(size);
	note_alloc(QN_TRACE_MALLOC, p, size, 0);
	return p;
}

QN_EXPORT void free(void *p)
{
	if (!p || is_early(p) || !is_ready())
		return;
	if (is_on())
		note_free(p, next_seq());
	next.free(p);
}

QN_EXPORT void *calloc(size_t n, size_t size)
{
	void *p;

	if (!is_ready())
		return early_alloc(n * size);
	p = next.calloc(n, size);
	note_alloc(QN_TRACE_CALLOC, p, n * size, 0);
	return p;
}

/* From the early memory: its size is not known, what lies behind may be copied too */
static void *move_early(void *p, size_t size)
{
	size_t most = (size_t)(early + EARLY_SIZE - (char *)p);
	void *q = malloc(size);

	if (q)
		memcpy(q, p, min(size, most));
	return q;
}

/* The old block may be somebody else's before the call returns: @began is before */
static void *resize(void *p, size_t size)
{
	bool on = is_on();
	u64 began = on ? next_seq() : 0;
	void *q = next.realloc(p, size);

	if (on && q)
		note((struct qn_trace_event){
			.op = QN_TRACE_REALLOC,
			.seq = next_seq(),
			.began = began,
			.size = size,
			.object = (uintptr_t)p,
			.to = (uintptr_t)q,
		});
	else if (on && !size)
		note_free(p, began);
	return q;
}

QN_EXPORT void *realloc(void *p, size_t size)
{
	void *q;

	if (p && is_early(p))
		return move_early(p, size);
	if (!is_ready())
		return early_alloc(size);
	if (p)
		return resize(p, size);
	q = next.realloc(NULL, size);
	note_alloc(QN_TRACE_MALLOC, q, size, 0);
	return q;
}

QN_EXPORT void *memalign(size_t align, size_t size)
{
	void *p = is_ready() ? next.memalign(align, size) : NULL;

	note_alloc(QN_TRACE_ALIGNED, p, size, align);
	return p;
}

QN_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

QN_EXPORT int posix_memalign(void **to, size_t align, size_t size)
{
	int saved = errno;
	void *p;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	p = memalign(align, size);
	errno = saved;
	if (!p)
		return ENOMEM;
	*to = p;
	return 0;
}

QN_EXPORT void *valloc(size_t size)
{
	return memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

QN_EXPORT void *pvalloc(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return memalign(page, round_up(size, page));
}
