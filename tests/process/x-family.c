// SPDX-License-Identifier: MIT
/*
 * x-family.c - the malloc family of a preloaded process, name by name.
 *
 * Invariants:
 *  - every name is served by quern
 *  - blocks are aligned, large enough, apart from each other, writable to their
 *    usable size, and keep their contents until they are freed
 *  - failure is NULL and ENOMEM (EINVAL for an alignment) in every function,
 *    and leaves the arguments as they were
 *  - free keeps errno
 *  - the reports are consistent and take no lock of stdio
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "x.h"
#include "../resident.h"

void cfree(void *p) __attribute__((weak));
void free_sized(void *p, size_t size) __attribute__((weak));
void free_aligned_sized(void *p, size_t align, size_t size)
	__attribute__((weak));

static int is_aligned(const void *p, size_t align)
{
	return (uintptr_t)p % align == 0;
}

static void fill(void *p, size_t size, unsigned int seed)
{
	unsigned char *c = p;

	for (size_t i = 0; i < size; i++)
		c[i] = (unsigned char)(seed + i * 7);
}

static int is_filled(const void *p, size_t size, unsigned int seed)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < size; i++)
		if (c[i] != (unsigned char)(seed + i * 7))
			return 0;
	return 1;
}

static void names(void)
{
	static const char *const family[] = {
		"malloc",        "calloc",
		"realloc",       "reallocarray",
		"free",          "cfree",
		"free_sized",    "free_aligned_sized",
		"memalign",      "posix_memalign",
		"aligned_alloc", "valloc",
		"pvalloc",       "malloc_usable_size",
		"malloc_trim",   "mallinfo",
		"mallinfo2",     "mallopt",
		"malloc_stats",  "malloc_info",
	};
	Dl_info want, have;

	CHECK(dladdr(dlsym(RTLD_DEFAULT, "qn_malloc"), &want));
	for (size_t i = 0; i < sizeof(family) / sizeof(family[0]); i++) {
		void *address = dlsym(RTLD_DEFAULT, family[i]);

		if (!address || !dladdr(address, &have) ||
		    have.dli_fbase != want.dli_fbase) {
			printf("# %s is not quern's\n", family[i]);
			x_failed = 1;
		}
	}
}

#define NR_SIZES 3000

static size_t nth_size(size_t i)
{
	return i < 2048 ? i : i * i / 7;
}

static void malloc_all_sizes(void)
{
	static void *p[NR_SIZES];

	for (size_t i = 0; i < NR_SIZES; i++) {
		p[i] = malloc(nth_size(i));
		CHECK(p[i] && is_aligned(p[i], 16));
		CHECK(malloc_usable_size(p[i]) >= nth_size(i));
		fill(p[i], malloc_usable_size(p[i]), (unsigned int)i);
	}
	for (size_t i = 0; i < NR_SIZES; i++) {
		CHECK(is_filled(p[i], malloc_usable_size(p[i]),
				(unsigned int)i));
		free(p[i]);
	}
}

static void malloc_large(void)
{
	for (size_t size = 1 << 16; size <= (size_t)1 << 30; size *= 2) {
		char *p = malloc(size + 1);

		CHECK(p && is_aligned(p, 16));
		if (!p)
			return;
		p[0] = p[size / 2] = p[size] = 1;
		CHECK(malloc_usable_size(p) > size);
		free(p);
	}
}

static void malloc_zero(void)
{
	void *p = malloc(x_size(0));
	void *q = malloc(x_size(0));
	void *r = calloc(x_size(0), 8);

	CHECK(p && q && r && p != q && q != r && p != r);
	free(p);
	free(q);
	free(r);
}

static void calloc_zeroes(void)
{
	for (size_t size = 1; size < 1 << 22; size += size / 3 + 1) {
		char *p = malloc(size);
		size_t i = 0;

		memset(p, 0xa5, malloc_usable_size(p));
		free(p);
		p = calloc(x_size(size), 1);
		while (i < size && !p[i])
			i++;
		CHECK(i == size);
		memset(p, 0xa5, malloc_usable_size(p));
		free(p);
	}
}

static void realloc_keeps(void)
{
	size_t old = 1;
	char *p = realloc(NULL, old);

	CHECK(p);
	fill(p, old, 5);
	for (size_t size = 2; size < 1 << 23; size += size / 5 + 1) {
		p = realloc(p, size);
		CHECK(p && is_filled(p, old, 5));
		CHECK(malloc_usable_size(p) >= size);
		fill(p, size, 5);
		old = size;
	}
	for (size_t size = old; size > 1; size -= size / 5 + 1) {
		p = realloc(p, size);
		CHECK(p && is_filled(p, size, 5));
	}
	free(p);
}

/* Who writes to all that is usable finds all of it again */
static void realloc_keeps_usable(void)
{
	for (size_t size = 1; size < 200000; size += size / 3 + 1) {
		char *p = malloc(size);
		size_t usable = malloc_usable_size(p);

		fill(p, usable, 9);
		p = realloc(p, 2 * usable + 100);
		CHECK(p && is_filled(p, usable, 9));
		free(p);
	}
}

/* glibc's choice: the block is freed, NULL is no failure */
static void realloc_to_zero(void)
{
	size_t before = mallinfo2().uordblks;

	for (int i = 0; i < 100000; i++) {
		void *p = x_keep(malloc(1000));

		errno = 77;
		CHECK(realloc(p, x_size(0)) == NULL);
		CHECK(errno == 77);
	}
	CHECK(mallinfo2().uordblks < before + (10 << 20));
	CHECK(reallocarray(x_keep(malloc(10)), x_size(0), 5) == NULL);
}

static void reallocarray_multiplies(void)
{
	char *p = reallocarray(NULL, x_size(10), 100);

	CHECK(p && malloc_usable_size(p) >= 1000);
	fill(p, 1000, 3);
	errno = 0;
	CHECK(!reallocarray(x_keep(p), x_size(SIZE_MAX / 2), 3) &&
	      errno == ENOMEM);
	errno = 0;
	CHECK(!reallocarray(x_keep(p), x_size((size_t)1 << 32),
			    (size_t)1 << 32) &&
	      errno == ENOMEM);
	CHECK(is_filled(p, 1000, 3));
	free(p);
}

typedef void *align_fn(size_t align, size_t size);

static void *by_posix_memalign(size_t align, size_t size)
{
	void *p = NULL;
	int error = posix_memalign(&p, align, size);

	if (error)
		errno = error;
	return p;
}

static void check_aligned(align_fn *alloc)
{
	static void *p[64];

	for (size_t align = sizeof(void *); align <= 1 << 22; align *= 2) {
		for (size_t i = 0; i < 64; i++) {
			size_t size = i * i * i;

			p[i] = alloc(align, size);
			CHECK(p[i] && is_aligned(p[i], align));
			CHECK(is_aligned(p[i], 16));
			CHECK(malloc_usable_size(p[i]) >= size);
			fill(p[i], size, (unsigned int)i);
		}
		for (size_t i = 0; i < 64; i++) {
			CHECK(is_filled(p[i], i * i * i, (unsigned int)i));
			p[i] = realloc(p[i], i * i * i + 1);
			CHECK(is_filled(p[i], i * i * i, (unsigned int)i));
			free(p[i]);
		}
	}
}

static void check_alignment_refused(align_fn *alloc)
{
	static const size_t bad[] = { 0, 3, 24, 48, 100, 4095, SIZE_MAX };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CHECK(!alloc(x_size(bad[i]), 10) && errno == EINVAL);
	}
	errno = 0;
	CHECK(!alloc(x_size((size_t)1 << 62), 10) && errno == ENOMEM);
	errno = 0;
	CHECK(!alloc(x_size((size_t)1 << 63), 10) && errno == ENOMEM);
	errno = 0;
	CHECK(!alloc(x_size(64), x_size(SIZE_MAX - 32)) && errno == ENOMEM);
}

static void aligned(void)
{
	check_aligned(memalign);
	check_aligned(aligned_alloc);
	check_aligned(by_posix_memalign);
	check_alignment_refused(memalign);
	check_alignment_refused(aligned_alloc);
	check_alignment_refused(by_posix_memalign);
}

static void posix_memalign_contract(void)
{
	void *mark = &mark;
	void *p = mark;

	errno = 99;
	CHECK(posix_memalign(&p, x_size(24), 10) == EINVAL && p == mark);
	CHECK(posix_memalign(&p, x_size(4), 10) == EINVAL && p == mark);
	CHECK(posix_memalign(&p, x_size(0), 10) == EINVAL && p == mark);
	CHECK(posix_memalign(&p, 64, x_size(SIZE_MAX)) == ENOMEM && p == mark);
	CHECK(posix_memalign(&p, 64, x_size(PTRDIFF_MAX)) == ENOMEM &&
	      p == mark);
	CHECK(posix_memalign(&p, 64, x_size(0)) == 0 && p && p != mark);
	CHECK(errno == 99);
	free(p);
}

static void page_aligned(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t size = 0; size < 5 * page; size += 1000) {
		char *p = valloc(size);
		char *q = pvalloc(size);

		CHECK(p && is_aligned(p, page));
		CHECK(q && is_aligned(q, page));
		CHECK(malloc_usable_size(p) >= size);
		CHECK(malloc_usable_size(q) >= (size + page - 1) / page * page);
		fill(p, size, 1);
		fill(q, malloc_usable_size(q), 2);
		CHECK(is_filled(p, size, 1));
		free(p);
		free(q);
	}
}

/* Above what an object may be, and what no machine has */
static void too_large(void)
{
	static const size_t sizes[] = {
		SIZE_MAX,        SIZE_MAX - 15,
		SIZE_MAX - 4095, (size_t)PTRDIFF_MAX + 1,
		PTRDIFF_MAX,     PTRDIFF_MAX - 65536,
	};
	char *p = malloc(100);

	fill(p, 100, 4);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = x_size(sizes[i]);

#define CHECK_NOMEM(call)               \
	do {                            \
		errno = 0;              \
		CHECK(!(call));         \
		CHECK(errno == ENOMEM); \
	} while (0)
		CHECK_NOMEM(malloc(n));
		CHECK_NOMEM(calloc(n, 1));
		CHECK_NOMEM(calloc(1, n));
		CHECK_NOMEM(calloc(n, n));
		CHECK_NOMEM(realloc(x_keep(p), n));
		CHECK_NOMEM(realloc(NULL, n));
		CHECK_NOMEM(reallocarray(x_keep(p), n, 1));
		CHECK_NOMEM(reallocarray(NULL, n, 3));
		CHECK_NOMEM(memalign(8, n));
		CHECK_NOMEM(memalign(4096, n));
		CHECK_NOMEM(aligned_alloc(32, n));
		CHECK_NOMEM(valloc(n));
		CHECK_NOMEM(pvalloc(n));
	}
	CHECK_NOMEM(calloc(x_size((size_t)1 << 33), (size_t)1 << 33));
	CHECK_NOMEM(calloc(x_size(SIZE_MAX / 8 + 2), 8));
	CHECK(is_filled(p, 100, 4));
	free(p);
}

static void free_keeps_errno(void)
{
	static void *p[20000];

	for (size_t size = 1; size < 1 << 25; size *= 5) {
		size_t nr = size < 5000 ? 20000 : 4;

		for (size_t i = 0; i < nr; i++)
			p[i] = memset(malloc(size), 1, size);
		errno = 4321;
		for (size_t i = 0; i < nr; i++)
			free(p[i]);
		CHECK(errno == 4321);
	}
	free(NULL);
	CHECK(errno == 4321);
}

static void other_frees(void)
{
	CHECK(cfree && free_sized && free_aligned_sized);
	if (!cfree || !free_sized || !free_aligned_sized)
		return;
	for (int i = 0; i < 100000; i++) {
		cfree(x_keep(malloc(300)));
		free_sized(x_keep(malloc(300)), 300);
		free_aligned_sized(aligned_alloc(512, 1024), 512, 1024);
	}
	cfree(NULL);
	free_sized(NULL, 3);
	free_aligned_sized(NULL, 16, 3);
	CHECK(mallinfo2().uordblks < 20 << 20);
}

static void usable_size(void)
{
	CHECK(malloc_usable_size(NULL) == 0);
}

static void mallinfo_follows(void)
{
	size_t size = 64 << 20;
	struct mallinfo2 before = mallinfo2();
	void *p = x_keep(malloc(size));
	struct mallinfo2 with = mallinfo2();

	CHECK(with.arena + with.hblkhd >= size);
	/* The engines of QUERN_CONF=engine: keep large blocks among the others */
	if (with.hblkhd) {
		CHECK(with.hblkhd == before.hblkhd + size);
		CHECK(with.hblks == before.hblks + 1);
		CHECK(with.uordblks == before.uordblks);
	} else {
		CHECK(with.uordblks >= before.uordblks + size);
		CHECK(with.uordblks < before.uordblks + size + size / 4);
	}
	CHECK(with.arena == with.uordblks + with.fordblks);
	free(p);
	CHECK(mallinfo2().hblkhd == before.hblkhd);
	CHECK(mallinfo2().uordblks < before.uordblks + size / 4);
}

static void mallinfo_in_int(void)
{
	void *p = x_keep(malloc((size_t)3 << 30));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	struct mallinfo info = mallinfo();
#pragma GCC diagnostic pop

	CHECK(!p || info.hblkhd == INT_MAX || info.uordblks == INT_MAX);
	CHECK(info.uordblks >= 0 && info.arena >= 0 && info.fordblks >= 0 &&
	      info.keepcost >= 0);
	free(p);
}

static void mallopt_accepts(void)
{
	CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
	CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
	CHECK(mallopt(M_ARENA_MAX, 1) == 1);
	CHECK(mallopt(M_MXFAST, 0) == 1);
	CHECK(mallopt(M_MXFAST, 160) == 1);
	CHECK(mallopt(M_MXFAST, 161) == 0);
	CHECK(mallopt(M_PERTURB, 1) == 0);
	CHECK(mallopt(-12345, 1) == 0);
}

/* Held by another thread, a lock of stdio would stop whoever needs it */
static void *hold_stderr(void *arg)
{
	pthread_barrier_t *barrier = arg;

	flockfile(stderr);
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	funlockfile(stderr);
	return NULL;
}

static void malloc_stats_writes(void)
{
	pthread_barrier_t barrier;
	pthread_t holder;
	char text[2000] = "";
	int saved = dup(2);
	int fds[2];

	CHECK(pipe(fds) == 0 && dup2(fds[1], 2) == 2);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&holder, NULL, hold_stderr, &barrier);
	pthread_barrier_wait(&barrier);
	malloc_stats();
	pthread_barrier_wait(&barrier);
	pthread_join(holder, NULL);
	dup2(saved, 2);
	CHECK(read(fds[0], text, sizeof(text) - 1) > 0);
	CHECK(!strncmp(text, "Arena 0:\nsystem bytes     = ", 28));
	CHECK(strstr(text, "\nin use bytes     = "));
	CHECK(strstr(text, "\nTotal (incl. mmap):\nsystem bytes     = "));
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

static void malloc_info_writes(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CHECK(malloc_info(0, f) == 0);
	CHECK(malloc_info(1, f) == EINVAL);
	fclose(f);
	CHECK(!strncmp(text, "<malloc version=\"1\">\n<heap nr=\"0\">\n", 35));
	CHECK(strstr(text, "</sizes>\n<total type=\"fast\" count=\""));
	CHECK(size > 30 && !strcmp(text + size - 10, "</malloc>\n"));
	CHECK(strstr(text, "<system type=\"current\" size=\""));
	free(text);
}

/* Figures are asked for in all threads at once, while they allocate */
static void *ask(void *arg)
{
	void *p[100];

	for (int i = 0; i < 200; i++) {
		for (size_t j = 0; j < 100; j++)
			p[j] = malloc(x_size(i * j));
		CHECK(mallinfo2().uordblks > 0);
		for (size_t j = 0; j < 100; j++)
			free(p[j]);
		if (i % 20 == 0)
			malloc_info_writes();
	}
	return arg;
}

static void figures_in_threads(void)
{
	size_t before = mallinfo2().uordblks;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, ask, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK(mallinfo2().uordblks < before + 10000);
}

static void malloc_trim_returns(void)
{
	static void *p[1 << 16];
	size_t with;

	for (size_t i = 0; i < 1 << 16; i++)
		p[i] = memset(malloc(1000), 1, 1000);
	with = resident();
	for (size_t i = 0; i < 1 << 16; i++)
		free(p[i]);
	malloc_trim(0);
	CHECK(with > 64 << 20);
	CHECK(resident() < with - (48 << 20));
	malloc_trim(0);
	CHECK(malloc_trim(0) == 0);
}

/*
 * A block of which little was touched goes elsewhere, and its pages back to the system. Others
 * lie in the same page where pages are large.
 */
static void realloc_spares_neighbours(void)
{
	enum {
		NR = 300,
		SMALL = 44 << 10,
		LARGE = 100 << 10
	};

	static unsigned char *grows[NR], *stays[NR];

	for (int i = 0; i < NR; i++) {
		grows[i] = x_keep(malloc(LARGE));
		stays[i] = x_keep(malloc(SMALL));
		CHECK(grows[i] && stays[i]);
		grows[i][0] = (unsigned char)i;
		memset(stays[i], i | 1, SMALL);
	}
	for (int i = 0; i < NR; i++) {
		grows[i] = x_keep(realloc(grows[i], 5 * LARGE));
		CHECK(grows[i] && grows[i][0] == (unsigned char)i);
	}
	for (int i = 0; i < NR; i++) {
		for (int at = 0; at < SMALL; at++)
			if (stays[i][at] != (unsigned char)(i | 1)) {
				CHECK(!"a block of others has changed");
				break;
			}
		free(stays[i]);
		free(grows[i]);
	}
}

static const struct x_case cases[] = {
	{ "every name is quern's", names },
	{ "malloc of all sizes", malloc_all_sizes },
	{ "malloc of large sizes", malloc_large },
	{ "malloc(0) is unique", malloc_zero },
	{ "calloc zeroes", calloc_zeroes },
	{ "realloc keeps the contents", realloc_keeps },
	{ "realloc keeps all that is usable", realloc_keeps_usable },
	{ "realloc to 0 frees", realloc_to_zero },
	{ "realloc spares the neighbours", realloc_spares_neighbours },
	{ "reallocarray", reallocarray_multiplies },
	{ "memalign, aligned_alloc, posix_memalign", aligned },
	{ "posix_memalign leaves errno and pointer", posix_memalign_contract },
	{ "valloc, pvalloc", page_aligned },
	{ "too large is NULL and ENOMEM everywhere", too_large },
	{ "free keeps errno", free_keeps_errno },
	{ "cfree, free_sized, free_aligned_sized", other_frees },
	{ "malloc_usable_size(NULL)", usable_size },
	{ "mallinfo2 follows", mallinfo_follows },
	{ "mallinfo does not wrap", mallinfo_in_int },
	{ "mallopt", mallopt_accepts },
	{ "malloc_stats without stdio", malloc_stats_writes },
	{ "malloc_info", malloc_info_writes },
	{ "figures in threads", figures_in_threads },
	{ "malloc_trim returns memory", malloc_trim_returns },
};

int main(int argc __attribute__((unused)), char **argv)
{
	x_begin(argv);
	return X_RUN(cases);
}
