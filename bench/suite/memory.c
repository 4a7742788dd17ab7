// SPDX-License-Identifier: MIT
/*
 * memory.c - does free memory go back to the system?
 *
 *	memory PATTERN [SECONDS]
 *
 * builds a peak of 300 MB, frees it as the pattern has it, and prints what of it is
 * resident: "PEAK AFTER-0 AFTER-1 AFTER-2 AFTER-5 AFTER-10", in KB, after so many
 * seconds. Resident is what /proc/self/smaps_rollup says, less what it said before;
 * pages that the kernel may take but has not taken (MADV_FREE) are resident. With
 * SECONDS it waits no longer than that.
 *
 *	memory loop-small | loop-medium
 *
 * fills and frees 64 MB again and again and prints the CPU time in microseconds of the
 * fastest round, of the mean and of the median one, the first round left out: an
 * allocator that gives back what it needs at once again pays for it here, in a few
 * rounds until it has learned better (mean) or in all of them (median).
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "work.h"

#define PEAK        (300ul << 20)
#define LOOP        (64ul << 20)
#define LOOP_ROUNDS 60
#define MAX_BLOCKS  (PEAK / 256)
#define NR_THREADS  4

static const struct pattern {
	const char *name;
	size_t low, high;
	bool active;
	bool sparse;
	unsigned int threads;
	bool exits;
} patterns[] = {
	/* clang-format off */
	{ "small-idle", 16, 1016, false, false, 0, false },
	{ "small-active", 16, 1016, true, false, 0, false },
	{ "medium", 1024, 65536, false, false, 0, false },
	{ "large", 1 << 20, (1 << 20) + 1, false, false, 0, false },
	{ "threads-exited", 16, 1016, false, false, NR_THREADS, true },
	{ "threads-asleep", 16, 1016, false, false, NR_THREADS, false },
	{ "sparse", 16, 1016, false, true, 0, false },
	/* clang-format on */
};

#define NR_PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static const struct pattern *pattern;
static long longest_wait = 10;
static void **blocks; /* not from malloc, and resident from the start */

/* --- what is resident ------------------------------------------------------- */

static long resident_kb(void)
{
	static char text[4096];
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof(text) - 1);
	const char *rss;

	close(fd);
	if (size <= 0)
		die("cannot read /proc/self/smaps_rollup");
	text[size] = 0;
	rss = strstr(text, "Rss:");
	return rss ? strtol(rss + 4, NULL, 10) : 0;
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What a server does between requests: a few objects, a few times a second */
static void be_active(struct rng *rng)
{
	void *recent[32] = { NULL };

	for (int i = 0; i < 200; i++) {
		uint32_t at = rng_below(rng, 32);

		free(recent[at]);
		recent[at] = must_alloc(16 + rng_below(rng, 1000));
		memset(recent[at], i, 16);
	}
	for (int i = 0; i < 32; i++)
		free(recent[i]);
}

static void wait_until(double end)
{
	struct timespec pause = { 0, 10 * 1000 * 1000 };
	struct rng rng = { 1 };

	while (now(CLOCK_MONOTONIC) < end) {
		nanosleep(&pause, NULL);
		if (pattern->active)
			be_active(&rng);
	}
}

/* --- the peak, and its end -------------------------------------------------- */

static size_t fill(void **at, size_t most, size_t bytes, struct rng *rng)
{
	size_t nr = 0;

	for (size_t sum = 0; sum < bytes; nr++) {
		size_t size =
			pattern->low + rng_below(rng, (uint32_t)(pattern->high -
								 pattern->low));

		if (nr == most)
			die("more than %zu blocks", most);
		at[nr] = must_alloc(size);
		memset(at[nr], (int)nr, size);
		sum += size;
	}
	return nr;
}

static void drain(void **at, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!pattern->sparse || i % 64)
			free(at[i]);
}

static pthread_barrier_t peak_reached, peak_seen, peak_freed;

static void *thread_main(void *arg)
{
	size_t index = (size_t)arg, most = MAX_BLOCKS / pattern->threads;
	struct rng rng = { index };
	size_t nr = fill(blocks + index * most, most, PEAK / pattern->threads,
			 &rng);

	pthread_barrier_wait(&peak_reached);
	pthread_barrier_wait(&peak_seen);
	drain(blocks + index * most, nr);
	if (!pattern->exits) {
		pthread_barrier_wait(&peak_freed);
		pause();
	}
	return NULL;
}

static long peak_of_threads(long before)
{
	unsigned int nr = pattern->threads;
	pthread_t thread[NR_THREADS];
	long peak;

	pthread_barrier_init(&peak_reached, NULL, nr + 1);
	pthread_barrier_init(&peak_seen, NULL, nr + 1);
	pthread_barrier_init(&peak_freed, NULL, nr + 1);
	for (size_t i = 0; i < nr; i++)
		if (pthread_create(&thread[i], NULL, thread_main, (void *)i))
			die("cannot create a thread");
	pthread_barrier_wait(&peak_reached);
	peak = resident_kb() - before;
	pthread_barrier_wait(&peak_seen);
	if (!pattern->exits)
		pthread_barrier_wait(&peak_freed);
	for (size_t i = 0; pattern->exits && i < nr; i++)
		pthread_join(thread[i], NULL);
	return peak;
}

static long peak_of_one(long before)
{
	struct rng rng = { 1 };
	size_t nr = fill(blocks, MAX_BLOCKS, PEAK, &rng);
	long peak = resident_kb() - before;

	drain(blocks, nr);
	return peak;
}

static void run_pattern(void)
{
	static const int seconds[] = { 0, 1, 2, 5, 10 };
	long before = resident_kb();
	double freed;

	printf("%ld", pattern->threads ? peak_of_threads(before) :
					 peak_of_one(before));
	freed = now(CLOCK_MONOTONIC);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]) &&
			   seconds[i] <= longest_wait;
	     i++) {
		wait_until(freed + seconds[i]);
		printf(" %ld", resident_kb() - before);
	}
	putchar('\n');
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_loop(size_t low, size_t high)
{
	struct pattern loop = { .low = low, .high = high };
	double took[LOOP_ROUNDS + 1], sum = 0;

	pattern = &loop;
	for (int i = 0; i <= LOOP_ROUNDS; i++) {
		struct rng rng = { 1 };
		double start = now(CLOCK_PROCESS_CPUTIME_ID);

		drain(blocks, fill(blocks, MAX_BLOCKS, LOOP, &rng));
		took[i] = now(CLOCK_PROCESS_CPUTIME_ID) - start;
		sum += i ? took[i] : 0;
	}
	qsort(took + 1, LOOP_ROUNDS, sizeof(*took), compare);
	printf("%.0f %.0f %.0f\n", took[1] * 1e6, sum / LOOP_ROUNDS * 1e6,
	       took[1 + LOOP_ROUNDS / 2] * 1e6);
}

static void list(void)
{
	for (size_t i = 0; i < NR_PATTERNS; i++)
		puts(patterns[i].name);
	puts("loop-small\nloop-medium");
}

int main(int argc, char **argv)
{
	size_t bytes = MAX_BLOCKS * sizeof(*blocks);

	if (argc != 2 && argc != 3) {
		list();
		return argc > 3;
	}
	if (argc == 3)
		longest_wait = strtol(argv[2], NULL, 10);
	blocks = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (blocks == MAP_FAILED)
		die("no memory for pointers");
	memset(blocks, 1, bytes);
	if (!strcmp(argv[1], "loop-small")) {
		run_loop(16, 1017);
		return 0;
	}
	if (!strcmp(argv[1], "loop-medium")) {
		run_loop(1024, 65537);
		return 0;
	}
	for (size_t i = 0; i < NR_PATTERNS; i++)
		if (!strcmp(argv[1], patterns[i].name))
			pattern = &patterns[i];
	if (!pattern)
		die("%s: no such pattern; call it without one for a list",
		    argv[1]);
	run_pattern();
	return 0;
}
