// SPDX-License-Identifier: MIT
/*
 * x-limit.c - a preloaded process that may not have more memory.
 *
 * Invariants:
 *  - under RLIMIT_AS and under RLIMIT_DATA every function fails with NULL and
 *    ENOMEM, and leaves what there is as it was
 *  - what is freed can be had again under the limit; without it, everything
 *    works as before
 *  - free memory serves a request that all of it is long enough for, also where part
 *    of it went back to the system and part is dirty
 *  - a process that starts under a tight limit works within it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "x.h"

#define MB ((size_t)1 << 20)

/* More than the limit lets a process have, less than would hurt the machine */
#define NR_BLOCKS 20000

static void *blocks[NR_BLOCKS];
static size_t sizes[NR_BLOCKS];
static int nr_blocks;
static struct rlimit unlimited;

/* What counts for a limit already: the first or the sixth number of statm */
static size_t in_use(int limit)
{
	size_t n[6] = { 0 };
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%zu %zu %zu %zu %zu %zu", &n[0], &n[1], &n[2],
			 &n[3], &n[4], &n[5]) != 6)
		abort();
	fclose(f);
	return n[limit == RLIMIT_AS ? 0 : 5] * (size_t)sysconf(_SC_PAGESIZE);
}

static void allow_more(int limit, size_t bytes)
{
	struct rlimit low;

	getrlimit(limit, &unlimited);
	low = unlimited;
	low.rlim_cur = in_use(limit) + bytes;
	if (setrlimit(limit, &low))
		abort();
}

static void allow_all(int limit)
{
	setrlimit(limit, &unlimited);
}

/* Large ones first, so that few pages are touched until nothing is left */
static int fill_with(size_t size)
{
	while (nr_blocks < NR_BLOCKS) {
		char *p;

		errno = 0;
		p = malloc(size);
		if (!p)
			return errno == ENOMEM;
		p[0] = p[size - 1] = (char)nr_blocks;
		sizes[nr_blocks] = size;
		blocks[nr_blocks++] = p;
	}
	return 0;
}

static void fill_up(void)
{
	nr_blocks = 0;
	for (size_t size = 16 * MB; size >= 16; size /= 4)
		CHECK(fill_with(size));
}

static void free_blocks(int from, int step)
{
	for (int i = from; i < nr_blocks; i += step) {
		char *p = blocks[i];

		if (!p)
			continue;
		CHECK(p[0] == (char)i && p[sizes[i] - 1] == (char)i);
		free(p);
		blocks[i] = NULL;
	}
}

#define CHECK_NOMEM(call)               \
	do {                            \
		errno = 0;              \
		CHECK(!(call));         \
		CHECK(errno == ENOMEM); \
	} while (0)

static void all_fail(void)
{
	void *mark = &mark;
	void *p = mark;
	char *block = blocks[0];

	CHECK_NOMEM(malloc(x_size(50 * MB)));
	CHECK_NOMEM(calloc(x_size(50), MB));
	CHECK_NOMEM(realloc(NULL, x_size(50 * MB)));
	CHECK_NOMEM(realloc(x_keep(block), x_size(500 * MB)));
	CHECK_NOMEM(reallocarray(x_keep(block), x_size(500), MB));
	CHECK_NOMEM(memalign(64, x_size(50 * MB)));
	CHECK_NOMEM(memalign(x_size(2 * MB), x_size(50 * MB)));
	CHECK_NOMEM(aligned_alloc(4096, x_size(50 * MB)));
	CHECK_NOMEM(valloc(x_size(50 * MB)));
	CHECK_NOMEM(pvalloc(x_size(50 * MB)));
	CHECK(posix_memalign(&p, 64, x_size(50 * MB)) == ENOMEM && p == mark);
	CHECK(block[0] == 0 && block[sizes[0] - 1] == 0);
}

static void *in_thread(void *arg)
{
	void *p = malloc(100);

	free(p);
	free(malloc(100000));
	return arg;
}

/* Threads may come while there is no memory; theirs fails or works */
static void thread_comes(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

static void works_again(void)
{
	for (size_t size = 1; size < 4 * MB; size *= 3) {
		char *p = malloc(size);

		CHECK(p);
		if (p)
			memset(p, 1, size);
		free(p);
	}
}

static void exhaust(int limit)
{
	for (int round = 0; round < 3; round++) {
		allow_more(limit, 96 * MB);
		fill_up();
		CHECK(nr_blocks > 8 && nr_blocks < NR_BLOCKS);
		all_fail();
		thread_comes();
		free_blocks(1, 2);
		works_again();
		free_blocks(0, 2);
		works_again();
		allow_all(limit);
		works_again();
		free(memset(malloc(50 * MB), 1, 50 * MB));
	}
}

static void address_space(void)
{
	exhaust(RLIMIT_AS);
}

static void data(void)
{
	exhaust(RLIMIT_DATA);
}

/* ---- free memory in pieces of two kinds ---- */

/*
 * Every other block is freed and given back to the system, then the others are freed and
 * stay dirty: no run of either kind is longer than a block, all of them together are.
 */
static void use_again(int limit)
{
	const int nr = 150;
	void *p[nr];
	char *big;

	allow_more(limit, 180 * MB);
	for (int i = 0; i < nr; i++)
		p[i] = memset(malloc(MB), 1, MB);
	for (int i = 0; i < nr; i += 2)
		free(p[i]);
	malloc_trim(0);
	for (int i = 1; i < nr; i += 2)
		free(p[i]);
	big = malloc(x_size(120 * MB));
	CHECK(big);
	if (big)
		memset(big, 2, 120 * MB);
	free(big);
	/* And at an alignment, by which nothing is joined */
	big = memalign(x_size(2 * MB), x_size(100 * MB));
	CHECK(big && !((size_t)big % (2 * MB)));
	free(big);
	/* What nothing can help fails as before */
	CHECK_NOMEM(malloc(x_size(400 * MB)));
	works_again();
	allow_all(limit);
}

/* In processes of their own, which keep dirty what is freed: no purge joins it earlier */
static void two_kinds(void)
{
	static const char *const jobs[] = { "data", "address" };

	for (int i = 0; i < 2; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			setenv("QUERN_CONF", "dirty:256M,fence:0", 1);
			execl("/proc/self/exe", "x-limit", jobs[i],
			      (char *)NULL);
			_exit(98);
		}
		waitpid(pid, &status, 0);
		CHECK(status == 0);
	}
}

/* ---- a process born under a limit ---- */

static int is_child_good(rlim_t bytes, const char *job)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit low = { bytes, bytes };

		setrlimit(RLIMIT_AS, &low);
		execl("/proc/self/exe", "x-limit", job, (char *)NULL);
		_exit(98);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("# under %zu MB: status 0x%x\n", (size_t)bytes / MB,
		       status);
	return status == 0;
}

static void born_small(void)
{
	CHECK(is_child_good(2000 * MB, "use"));
	CHECK(is_child_good(500 * MB, "use"));
	CHECK(is_child_good(100 * MB, "use"));
	CHECK(is_child_good(50 * MB, "use"));
}

/* So little that the heap may get none at all: no crash */
static void born_tiny(void)
{
	for (size_t mb = 8; mb <= 32; mb += 2)
		CHECK(is_child_good(mb * MB, "try"));
}

/* 16 MB in small and large blocks, or without insisting on it */
static int child(const char *job)
{
	int insist = !strcmp(job, "use");

	if (!strcmp(job, "data") || !strcmp(job, "address")) {
		use_again(job[0] == 'd' ? RLIMIT_DATA : RLIMIT_AS);
		return x_failed;
	}
	for (int i = 0; i < 8000; i++) {
		size_t size = i % 1000 == 0 ? MB : 1000;

		blocks[i] = malloc(size);
		if (blocks[i])
			memset(blocks[i], 1, size);
		else if (insist || errno != ENOMEM)
			return 1;
	}
	for (int i = 0; i < 8000; i++)
		free(blocks[i]);
	return 0;
}

static const struct x_case cases[] = {
	{ "RLIMIT_AS", address_space },
	{ "RLIMIT_DATA", data },
	{ "free memory in pieces of two kinds", two_kinds },
	{ "a process born under RLIMIT_AS", born_small },
	{ "a process born with hardly anything", born_tiny },
};

int main(int argc, char **argv)
{
	if (argc > 1)
		return child(argv[1]);
	x_begin(argv);
	return X_RUN(cases);
}
