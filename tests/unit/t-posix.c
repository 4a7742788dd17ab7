// SPDX-License-Identifier: MIT
/*
 * t-posix.c - the port to Linux, held to the contracts of port.h.
 *
 * Links: lib/port/posix.c.
 *
 * Invariants checked here:
 * - mapped memory reads as zero and can be written, purged memory reads as zero
 *   again and is not resident, released memory is gone; neighbours are not touched;
 * - memory with a place lies there or is refused, and nothing is ever overmapped;
 * - memory grows where there may be no more mappings, and where a sandbox knows one
 *   of two system calls;
 * - what cannot be done is said by NULL or -errno, and not tried all the time;
 * - a file is read from its start, leaves no descriptor, and is never waited for;
 * - a lock lets one in, wakes whoever sleeps, and costs no system call when free;
 * - the thread that forks passes its own locks, others wait;
 * - a thread knows which locks it holds, at every moment;
 * - errno is never touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port/port.h"

#define MB         ((size_t)1 << 20)
#define NR_THREADS 4
#define NR_ROUNDS  50000

/* Every call goes through this: none may change errno */
#define quiet(call)                            \
	({                                     \
		errno = 4711;                  \
		__typeof__(call) r_ = call;    \
		assert_int_equal(errno, 4711); \
		r_;                            \
	})
#define quiet_void(call)                       \
	do {                                   \
		errno = 4711;                  \
		call;                          \
		assert_int_equal(errno, 4711); \
	} while (0)

/* Can @p be read? Ask the kernel, that gives an error instead of a signal */
static bool is_readable(const void *p)
{
	int fds[2];
	long n;

	assert_int_equal(pipe(fds), 0);
	n = syscall(SYS_write, fds[1], p, 1);
	close(fds[0]);
	close(fds[1]);
	return n == 1;
}

static bool is_resident(void *p)
{
	unsigned char in = 0;

	assert_int_equal(mincore(p, qn_port_page_size(), &in), 0);
	return in & 1;
}

static bool is_mapped(void *p)
{
	unsigned char in;

	return mincore(p, qn_port_page_size(), &in) == 0;
}

static bool is_all(const char *p, int byte, size_t size)
{
	return *p == (char)byte && memcmp(p, p + 1, size - 1) == 0;
}

/* ---- memory ---- */

static void test_page_size(void **state)
{
	(void)state;
	assert_int_equal(quiet(qn_port_page_size()), sysconf(_SC_PAGESIZE));
}

static void test_map(void **state)
{
	size_t page = qn_port_page_size();
	char *p = quiet(qn_port_map(NULL, 8 * page));

	(void)state;
	assert_non_null(p);
	assert_true(is_aligned((uintptr_t)p, page));
	assert_true(is_all(p, 0, 8 * page));
	memset(p, 7, 8 * page);
	quiet_void(qn_port_release(p + 2 * page, 3 * page));
	assert_false(is_readable(p + 2 * page));
	assert_false(is_readable(p + 5 * page - 1));
	/* There, and not a page more or less */
	assert_null(quiet(qn_port_map(p + 2 * page, 4 * page)));
	assert_null(quiet(qn_port_map(p + page, 2 * page)));
	assert_ptr_equal(quiet(qn_port_map(p + 2 * page, 3 * page)),
			 p + 2 * page);
	assert_true(is_all(p, 7, 2 * page));
	assert_true(is_all(p + 2 * page, 0, 3 * page));
	assert_true(is_all(p + 5 * page, 7, 3 * page));
	quiet_void(qn_port_release(p, 8 * page));
}

/* @p: 16 pages, of which the last 12 are free */
static void check_extends(char *p)
{
	size_t page = qn_port_page_size();

	memset(p, 5, 4 * page);
	assert_true(quiet(qn_port_extend(p + 4 * page, page)));
	assert_true(quiet(qn_port_extend(p + 5 * page, 11 * page)));
	assert_true(is_all(p, 5, 4 * page));
	assert_true(is_all(p + 4 * page, 0, 12 * page));
	memset(p + 4 * page, 6, 12 * page);
	/* Over nothing */
	assert_false(quiet(qn_port_extend(p + 4 * page, page)));
	assert_false(quiet(qn_port_extend(p + 4 * page, 20 * page)));
	assert_true(is_all(p + 4 * page, 6, 12 * page));
	quiet_void(qn_port_release(p + 4 * page, 12 * page));
}

/* Four pages that nothing else lies near */
static char *map_with_room(void)
{
	char *p = (char *)0x102000000000;

	assert_ptr_equal(quiet(qn_port_map(p, 4 * qn_port_page_size())), p);
	return p;
}

static void test_extend(void **state)
{
	char *p = map_with_room();

	(void)state;
	check_extends(p);
	quiet_void(qn_port_release(p, 4 * qn_port_page_size()));
	assert_false(quiet(qn_port_extend((void *)(16 * MB), (size_t)1 << 60)));
}

/* Runs @run in a child, and holds its asserts */
static void in_child(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* As many mappings as there may be: none comes, those that there are can grow */
static void without_mappings(void)
{
	size_t page = qn_port_page_size();
	char *p = map_with_room();

	while (mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED)
		mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_null(quiet(qn_port_map(NULL, page)));
	check_extends(p);
}

static void test_no_mappings(void **state)
{
	(void)state;
	in_child(without_mappings);
}

#define LOAD_NR   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)
#define IS_NR(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1)
#define REFUSE    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* From now on the process has no such system call */
static void refuse(unsigned int nr)
{
	struct sock_filter list[] = { LOAD_NR, IS_NR(nr), REFUSE, ALLOW };
	struct sock_fprog prog = { ARRAY_SIZE(list), list };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

static void without_mremap(void)
{
	size_t page = qn_port_page_size();
	char *p = map_with_room();

	refuse(SYS_mremap);
	check_extends(p);
	memset(p, 1, 4 * page);
	assert_int_equal(quiet(qn_port_move(p + 2 * page, p, page)), -EPERM);
	assert_true(is_all(p, 1, 4 * page));
	refuse(SYS_madvise);
	check_extends(p);
	assert_int_equal(quiet(qn_port_purge(p, page)), -EPERM);
}

static void without_mmap(void)
{
	char *p = map_with_room();

	refuse(SYS_mmap);
	assert_null(quiet(qn_port_map(NULL, 4096)));
	check_extends(p);
}

static void test_sandbox(void **state)
{
	(void)state;
	in_child(without_mremap);
	in_child(without_mmap);
}

/* Memory that is locked stays, and is not asked for all the time */
static void test_purge_pauses(void **state)
{
	size_t page = qn_port_page_size();
	char *p = quiet(qn_port_map(NULL, 2 * page));
	int nr = 0;

	(void)state;
	memset(p, 3, 2 * page);
	/* Not by libc's name, which sanitizers make nothing of */
	assert_int_equal(syscall(SYS_mlock, p, 2 * page), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(quiet(qn_port_purge(p, page)), -EINVAL);
	assert_int_equal(syscall(SYS_munlock, p, 2 * page), 0);
	while (quiet(qn_port_purge(p, page)))
		assert_true(++nr < 1000);
	assert_true(nr > 0);
	assert_true(is_all(p, 0, page));
	assert_true(is_all(p + page, 3, page));
	/* At once from now on */
	assert_int_equal(quiet(qn_port_purge(p + page, page)), 0);
	quiet_void(qn_port_release(p, 2 * page));
}

static void test_purge(void **state)
{
	size_t page = qn_port_page_size();
	char *p = quiet(qn_port_map(NULL, 6 * page));

	(void)state;
	memset(p, 9, 6 * page);
	assert_true(is_resident(p + 2 * page));
	assert_int_equal(quiet(qn_port_purge(p + page, 3 * page)), 0);
	assert_true(is_resident(p));
	assert_false(is_resident(p + page));
	assert_false(is_resident(p + 3 * page));
	assert_true(is_all(p, 9, page));
	assert_true(is_all(p + page, 0, 3 * page));
	assert_true(is_all(p + 4 * page, 9, 2 * page));
	memset(p + page, 3, page);
	assert_int_equal(p[page], 3);
	quiet_void(qn_port_release(p, 6 * page));
	/* Not there any more: an error, no crash */
	assert_true(quiet(qn_port_purge(p, page)) < 0);
	while (quiet(qn_port_purge(p, 0)))
		;
}

/* Whatever the system says: zeroes, nothing beside the range, and no lie */
static void test_make_huge(void **state)
{
	size_t huge = QN_PORT_HUGE;
	char *p = quiet(qn_port_map(NULL, 4 * huge));
	char *q = (char *)round_up((uintptr_t)p + 1, huge);
	bool made;

	(void)state;
	made = quiet(qn_port_make_huge(q, huge));
	assert_false(is_resident(q - qn_port_page_size()));
	assert_false(is_resident(q + huge));
	assert_int_equal(is_resident(q + huge / 4), made);
	assert_int_equal(is_resident(q + huge - qn_port_page_size()), made);
	assert_true(is_all(q, 0, huge));
	/* Purged, it is made of small pages again */
	assert_int_equal(quiet(qn_port_purge(q, huge)), 0);
	q[0] = 1;
	assert_false(is_resident(q + huge / 2));
	quiet_void(qn_port_release(p, 4 * huge));
	assert_false(quiet(qn_port_make_huge(q, huge)));
}

static void test_move(void **state)
{
	size_t page = qn_port_page_size();
	char *p = quiet(qn_port_map(NULL, 64 * page));
	char *q = p + 40 * page;
	int moved;

	(void)state;
	for (size_t i = 0; i < 16; i++)
		memset(p + i * page, (int)i + 1, page);
	memset(q - page, 99, 18 * page);
	moved = quiet(qn_port_move(q, p + page, 14 * page));
	if (moved == -EINVAL) {
		/* Not before Linux 5.7; all is where it was */
		assert_true(is_all(p + 3 * page, 4, page));
		skip();
	}
	assert_int_equal(moved, 0);
	for (size_t i = 0; i < 14; i++)
		assert_true(is_all(q + i * page, (int)i + 2, page));
	/* The rest is where it was; nothing is left where they were */
	assert_true(is_all(p, 1, page) && is_all(p + 15 * page, 16, page));
	assert_true(is_all(q - page, 99, page));
	assert_true(is_all(q + 14 * page, 99, 3 * page));
	assert_false(is_resident(p + 3 * page));
	assert_true(is_all(p + page, 0, 14 * page));
	/* Both can be used as before */
	memset(p, 5, 16 * page);
	assert_int_equal(quiet(qn_port_purge(q, 14 * page)), 0);
	assert_true(is_all(q, 0, 14 * page));
	quiet_void(qn_port_release(p, 64 * page));
	/* What is not mapped cannot be moved */
	p = quiet(qn_port_map(NULL, 8 * page));
	quiet_void(qn_port_release(p + 4 * page, 4 * page));
	assert_true(quiet(qn_port_move(p, p + 4 * page, 2 * page)) < 0);
	memset(p, 6, 4 * page);
	quiet_void(qn_port_release(p, 4 * page));
}

static void test_release_in_part(void **state)
{
	size_t page = qn_port_page_size();
	char *p = quiet(qn_port_map(NULL, 6 * page));

	(void)state;
	memset(p + 2 * page, 9, 2 * page);
	quiet_void(qn_port_release(p, 2 * page));
	quiet_void(qn_port_release(p + 4 * page, 2 * page));
	assert_false(is_mapped(p + page));
	assert_false(is_mapped(p + 4 * page));
	assert_true(is_all(p + 2 * page, 9, 2 * page));
	quiet_void(qn_port_release(p + 2 * page, 2 * page));
	assert_false(is_mapped(p + 2 * page));
}

static void test_map_refused(void **state)
{
	(void)state;
	assert_null(quiet(qn_port_map(NULL, (size_t)1 << 60)));
	assert_null(quiet(qn_port_map((void *)(4 * MB), (size_t)1 << 60)));
}

/* What nobody touches is free of charge, unless there is a limit */
static void test_map_much(void **state)
{
	struct rlimit old, least = { 4096, 0 };
	char *p = quiet(qn_port_map(NULL, (size_t)64 << 30));

	(void)state;
	assert_non_null(p);
	p[33 * MB - 1] = 1;
	quiet_void(qn_port_release(p, (size_t)64 << 30));
	assert_int_equal(getrlimit(RLIMIT_DATA, &old), 0);
	least.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_DATA, &least), 0);
	p = quiet(qn_port_map(NULL, 64 * MB));
	assert_int_equal(setrlimit(RLIMIT_DATA, &old), 0);
	assert_null(p);
}

/* ---- clock, seed, diagnostics ---- */

static u64 monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

static void test_clock(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		u64 before = monotonic();
		u64 now = quiet(qn_port_clock());

		assert_true(before <= now && now <= monotonic());
		now = quiet(qn_port_clock_first());
		assert_true(before <= now && now <= monotonic());
		/* A tick of the slowest kernel and what it may be late by */
		now = quiet(qn_port_clock_coarse());
		assert_true(now <= monotonic() && now + 40000 > before);
	}
}

/* Differs from process to process */
static void test_seed(void **state)
{
	u32 mine = quiet(qn_port_seed()), theirs = mine;
	int fds[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		theirs = qn_port_seed();
		_exit(write(fds[1], &theirs, sizeof(theirs)) < 0);
	}
	assert_int_equal(read(fds[0], &theirs, sizeof(theirs)), sizeof(theirs));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_not_equal(mine, theirs);
	close(fds[0]);
	close(fds[1]);
	qn_port_seed_fix(mine + 1);
	assert_int_equal(quiet(qn_port_seed()), mine + 1);
	assert_int_equal(quiet(qn_port_seed()), mine + 1);
	qn_port_seed_fix(0);
	assert_int_not_equal(quiet(qn_port_seed()), mine + 1);
}

static void test_write(void **state)
{
	static const char text[] = "what happened\n";
	char got[64] = { 0 };
	int saved = dup(STDERR_FILENO), fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	quiet_void(qn_port_write(text, sizeof(text) - 1));
	quiet_void(qn_port_write("", 0));
	quiet_void(qn_port_write(text, 4));
	/* Nobody listens, or there is no stderr: no signal kept, no loop */
	close(STDERR_FILENO);
	quiet_void(qn_port_write(text, sizeof(text) - 1));
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	assert_int_equal(read(fds[0], got, sizeof(got)), sizeof(text) + 3);
	assert_memory_equal(got, "what happened\nwhat", sizeof(text) + 3);
	close(fds[0]);
}

static void on_alarm(int number)
{
	(void)number;
}

static void *read_slowly(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int fd = *(int *)arg;
	size_t sum = 0;
	char got[4096];
	ssize_t n;

	/* The alarm may be this thread's: no end of what is to be read */
	while ((n = read(fd, got, sizeof(got))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		sum += (size_t)max(n, (ssize_t)0);
		nanosleep(&ms, NULL);
	}
	/* Whoever writes must not wait for a reader that is gone */
	close(fd);
	return (void *)sum;
}

/* More than the pipe holds, and signals in between: all of it arrives */
static void test_write_goes_on(void **state)
{
	static char text[400000];
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, off = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	int saved = dup(STDERR_FILENO), fds[2];
	pthread_t reader;
	void *sum;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(pipe(fds), 0);
	sigaction(SIGALRM, &act, NULL);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &fds[0]),
			 0);
	dup2(fds[1], STDERR_FILENO);
	setitimer(ITIMER_REAL, &often, NULL);
	quiet_void(qn_port_write(text, sizeof(text)));
	setitimer(ITIMER_REAL, &off, NULL);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	pthread_join(reader, &sum);
	assert_int_equal((size_t)sum, sizeof(text));
}

static void test_abort(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		qn_port_abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* ---- locks ---- */

static struct qn_lock lock;
static unsigned int counter;
static bool inside;

static void test_trylock(void **state)
{
	(void)state;
	assert_int_equal(lock.word, 0);
	assert_true(quiet(qn_port_trylock(&lock)));
	assert_false(quiet(qn_port_trylock(&lock)));
	quiet_void(qn_port_unlock(&lock));
	quiet_void(qn_port_lock(&lock));
	assert_false(quiet(qn_port_trylock(&lock)));
	quiet_void(qn_port_unlock(&lock));
	assert_int_equal(lock.word, 0);
}

static void *look_at_lock(void *arg)
{
	u32 *self = arg;

	*self = qn_port_self();
	return quiet(qn_port_holds(&lock)) ? NULL : arg;
}

static void test_holds(void **state)
{
	pthread_t thread;
	u32 other = 0;
	void *free;

	(void)state;
	assert_false(quiet(qn_port_holds(&lock)));
	qn_port_lock(&lock);
	assert_true(quiet(qn_port_holds(&lock)));
	assert_int_equal(pthread_create(&thread, NULL, look_at_lock, &other),
			 0);
	pthread_join(thread, &free);
	assert_non_null(free);
	assert_int_not_equal(other, 0);
	assert_int_not_equal(other, quiet(qn_port_self()));
	qn_port_unlock(&lock);
	assert_false(quiet(qn_port_holds(&lock)));
}

static void *count(void *arg)
{
	for (int i = 0; i < NR_ROUNDS; i++) {
		if (i % 3 != 0)
			qn_port_lock(&lock);
		else
			while (!qn_port_trylock(&lock))
				sched_yield();
		if (inside)
			abort();
		inside = true;
		counter++;
		if (i % 1000 == 0)
			sched_yield();
		inside = false;
		qn_port_unlock(&lock);
	}
	return arg;
}

/* With others that wait, so that the word has both who holds it and their bit */
static void test_holds_contended(void **state)
{
	pthread_t threads[NR_THREADS];
	bool was_wrong = false;

	(void)state;
	counter = 0;
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL),
				 0);
	for (int i = 0; i < NR_ROUNDS; i++) {
		qn_port_lock(&lock);
		if (!qn_port_holds(&lock))
			was_wrong = true;
		qn_port_unlock(&lock);
		if (qn_port_holds(&lock))
			was_wrong = true;
	}
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_false(was_wrong);
	assert_int_equal(lock.word, 0);
}

static void test_one_at_a_time(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	counter = 0;
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL),
				 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, NR_THREADS * NR_ROUNDS);
	assert_int_equal(lock.word, 0);
}

static void *wait_once(void *arg)
{
	errno = 4711;
	qn_port_lock(&lock);
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	qn_port_unlock(&lock);
	return errno == 4711 ? arg : NULL;
}

static void start_waiters(pthread_t *threads)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	__atomic_store_n(&counter, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < NR_THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, wait_once, &lock), 0);
	/* Until at least one sleeps, or for a while */
	for (int i = 0; i < 200 && !(READ_ONCE(lock.word) & 1); i++)
		nanosleep(&ms, NULL);
	for (int i = 0; i < 20; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(__atomic_load_n(&counter, __ATOMIC_RELAXED), 0);
}

static void join_waiters(pthread_t *threads)
{
	void *kept;

	for (int i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &kept);
		assert_ptr_equal(kept, &lock);
	}
	assert_int_equal(__atomic_load_n(&counter, __ATOMIC_RELAXED),
			 NR_THREADS);
	assert_int_equal(lock.word, 0);
}

/* All who sleep are woken, one by the other */
static void test_sleepers_wake(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	qn_port_lock(&lock);
	start_waiters(threads);
	quiet_void(qn_port_unlock(&lock));
	join_waiters(threads);
}

/* Between begin and end the forking thread passes; the others are held up */
static void test_fork(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	qn_port_lock(&lock);
	quiet_void(qn_port_fork_begin());
	quiet_void(qn_port_lock(&lock));
	assert_true(quiet(qn_port_trylock(&lock)));
	quiet_void(qn_port_unlock(&lock));
	quiet_void(qn_port_unlock(&lock));
	start_waiters(threads);
	quiet_void(qn_port_unlock(&lock));
	assert_int_not_equal(READ_ONCE(lock.word), 0);
	quiet_void(qn_port_fork_end());
	quiet_void(qn_port_unlock(&lock));
	join_waiters(threads);
}

/* The child is alone: nobody holds anything, and it can lock and unlock */
static void test_fork_child(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	qn_port_lock(&lock);
	qn_port_fork_begin();
	pid = fork();
	if (pid == 0) {
		qn_port_lock(&lock);
		qn_port_unlock(&lock);
		qn_port_fork_end();
		qn_port_unlock(&lock);
		_exit(!qn_port_trylock(&lock) || qn_port_trylock(&lock));
	}
	qn_port_fork_end();
	qn_port_unlock(&lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(lock.word, 0);
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* The start of a file, whatever its length; and what is no file is an error */
static void test_read(void **state)
{
	char path[] = "/tmp/t-posix.XXXXXX", text[8] = "ABCDEFG";
	int fd = mkstemp(path), next;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	next = next_fd();
	assert_int_equal(quiet(qn_port_read(path, text, 4)), 4);
	assert_memory_equal(text, "0123EFG", 8);
	assert_int_equal(quiet(qn_port_read(path, text, 4)), 4);
	assert_memory_equal(text, "0123EFG", 8);
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_int_equal(quiet(qn_port_read(path, text, 8)), 2);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(quiet(qn_port_read(path, text, 8)), 0);
	assert_int_equal(quiet(qn_port_read("/tmp", text, 8)), -EISDIR);
	unlink(path);
	assert_int_equal(quiet(qn_port_read(path, text, 8)), -ENOENT);
	/* Nobody will ever write into this one */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(quiet(qn_port_read(path, text, 8)), 0);
	unlink(path);
	assert_int_equal(next_fd(), next);
	close(fd);
}

/* A thread without descriptors: those of the process stay, and the next one is its own */
static void *run_apart(void *arg)
{
	char byte;

	if (!qn_port_files_apart())
		return arg;
	if (fcntl(0, F_GETFD) >= 0 || fcntl(*(int *)arg, F_GETFD) >= 0 ||
	    open("/dev/null", O_RDONLY) != 0 || !qn_port_files_apart() ||
	    qn_port_read("/dev/zero", &byte, 1) != 1)
		return NULL;
	return arg;
}

static void test_files_apart(void **state)
{
	pthread_t thread;
	int fds[2];
	void *result;
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_apart, &fds[1]), 0);
	pthread_join(thread, &result);
	assert_non_null(result);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	close(fds[1]);
	/* Nobody else has it */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void test_limit(void **state)
{
	static const int kinds[] = { RLIMIT_AS, RLIMIT_DATA };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rlimit old, low;

		getrlimit(kinds[i], &old);
		low = old;
		low.rlim_cur = (rlim_t)1 << 45;
		assert_int_equal(setrlimit(kinds[i], &low), 0);
		assert_true(quiet(qn_port_limit(i)) == (u64)1 << 45);
		setrlimit(kinds[i], &old);
		assert_true(quiet(qn_port_limit(i)) == old.rlim_cur);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_size),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_files_apart),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_no_mappings),
		cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_purge),
		cmocka_unit_test(test_purge_pauses),
		cmocka_unit_test(test_make_huge),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_release_in_part),
		cmocka_unit_test(test_map_refused),
		cmocka_unit_test(test_map_much),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_goes_on),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_trylock),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_holds_contended),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_sleepers_wake),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
