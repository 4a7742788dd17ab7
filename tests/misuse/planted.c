// SPDX-License-Identifier: MIT
/*
 * planted.c - a collection of planted errors: which does an allocator notice?
 *
 *	planted [-v] [-n NR] [LIBRARY]	run one in NR, LIBRARY preloaded; print a table
 *	planted KIND SIZE MOMENT PLACE	plant one in this process
 *
 * An error is of a kind (a double free, say), is done to a block of some size that
 * lies alone or among others of its size, and at a moment: just before the end, with
 * much work of other blocks after it, with all blocks freed after it, in a thread that
 * ends, or in a child. It is noticed where the program is stopped by SIGABRT; SIGSEGV
 * has a column of its own and does not count. A kind "none" has no error: each of its
 * runs must end well.
 *
 * The table has the part that passed unnoticed, by kind and as a whole. Kinds "jump-N" come
 * last and have a sum of their own: they write up to 8 bytes at any distance below N.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_AMONG 40

/* The compiler must not know what these do */
static void *(*volatile get)(size_t) = malloc;
static void (*volatile put)(void *) = free;
static void *(*volatile resize)(void *, size_t) = realloc;
static size_t (*volatile usable)(void *) = malloc_usable_size;
static void *(*volatile fill)(void *, int, size_t) = memset;

void *_Znwm(size_t size);
void _ZdlPvm(void *p, size_t size);
void *_ZnwmSt11align_val_t(size_t size, size_t align);
void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t align);

/* ---- the kinds ---- */

/* The victim, its size, and a block that is freed before and after it */
static char *victim, *other;
static size_t size;
/* May the victim still be freed when all is freed? */
static bool victim_lives;

static void lose(void)
{
	victim_lives = false;
}

static void none(void)
{
	fill(victim, 'v', size);
}

static void double_free(void)
{
	lose();
	put(victim);
	put(victim);
}

static void double_free_after_other(void)
{
	lose();
	put(victim);
	put(other);
	other = NULL;
	put(victim);
}

static void double_free_after_ten(void)
{
	void *blocks[10];

	lose();
	for (int i = 0; i < 10; i++)
		blocks[i] = get(size);
	put(victim);
	for (int i = 0; i < 10; i++)
		put(blocks[i]);
	put(victim);
}

static void double_free_after_work(void)
{
	lose();
	put(victim);
	for (int i = 0; i < 3; i++)
		put(get(2 * size));
	put(victim);
}

static void free_after_realloc(void)
{
	char *p = resize(victim, 3 * size + 70000);

	lose();
	if (p != victim)
		put(victim);
	else
		abort();
}

static void *frees(void *p)
{
	put(p);
	return NULL;
}

static void *frees_twice(void *p)
{
	put(p);
	put(p);
	return NULL;
}

static void *frees_around(void *p)
{
	put(p);
	put(other);
	put(p);
	return NULL;
}

static void in_thread(void *(*what)(void *), void *p)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, p))
		_exit(3);
	pthread_join(thread, NULL);
}

static void double_free_by_two_threads(void)
{
	lose();
	in_thread(frees, victim);
	in_thread(frees, victim);
}

static void double_free_here_and_there(void)
{
	lose();
	put(victim);
	in_thread(frees, victim);
}

static void double_free_there(void)
{
	lose();
	in_thread(frees_twice, victim);
}

static void double_free_there_around(void)
{
	lose();
	in_thread(frees_around, victim);
	other = NULL;
}

static void free_at_8(void)
{
	put(victim + 8);
}

static void free_at_16(void)
{
	put(victim + 16);
}

static void free_in_the_middle(void)
{
	put(victim + size / 2 / 16 * 16);
}

static void free_of_stack(void)
{
	char on_stack[64] __attribute__((aligned(16)));

	fill(on_stack, 0, sizeof(on_stack));
	put(on_stack + 16);
}

static void free_of_static(void)
{
	static char area[256];

	put(area + 64);
}

static void free_of_mapping(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	put(p + 4096);
}

static void over(size_t bytes, int byte)
{
	fill(victim + size, byte, bytes);
}

static void overflow_1(void)
{
	over(1, 'o');
}

static void overflow_nul(void)
{
	over(1, 0);
}

static void overflow_8(void)
{
	over(8, 'o');
}

static void overflow_16(void)
{
	over(16, 'o');
}

static void overflow_64(void)
{
	over(64, 'o');
}

static void underflow_1(void)
{
	fill(victim - 1, 'u', 1);
}

static void underflow_8(void)
{
	fill(victim - 8, 'u', 8);
}

static void underflow_16(void)
{
	fill(victim - 16, 'u', 16);
}

static void write_freed(size_t at, size_t bytes, int byte)
{
	lose();
	put(victim);
	fill(victim + at, byte, bytes);
}

static void write_freed_first(void)
{
	write_freed(0, 8, 'w');
}

static void write_freed_zero(void)
{
	write_freed(0, 8, 0);
}

static void write_freed_at_16(void)
{
	write_freed(16, 8, 'w');
}

static void write_freed_all(void)
{
	write_freed(0, size, 'w');
}

static void realloc_of_freed(void)
{
	lose();
	put(victim);
	resize(victim, size + size / 2);
}

static void usable_of_freed(void)
{
	lose();
	put(victim);
	usable(victim);
}

static void sized(size_t given)
{
	void *p = _Znwm(size);

	fill(p, 's', size);
	_ZdlPvm(p, given);
}

static void sized_too_large(void)
{
	sized(size * 4);
}

static void sized_larger(void)
{
	sized(size + size / 4 + 32);
}

static void sized_too_small(void)
{
	sized(size / 4);
}

static void sized_aligned_too_large(void)
{
	void *p = _ZnwmSt11align_val_t(size, 64);

	_ZdlPvmSt11align_val_t(p, 8 * size, 64);
}

static void jump(void);

static const struct kind {
	const char *name;
	void (*plant)(void);
	size_t least; /* of sizes; smaller blocks have no such place */
	int far; /* bytes between the block and what is written are fewer */
} kinds[] = {
	{ "none", none, 0 },
	{ "double-free", double_free, 0 },
	{ "double-free-after-other", double_free_after_other, 0 },
	{ "double-free-after-ten", double_free_after_ten, 0 },
	{ "double-free-after-work", double_free_after_work, 0 },
	{ "free-after-realloc", free_after_realloc, 0 },
	{ "double-free-by-two-threads", double_free_by_two_threads, 0 },
	{ "double-free-here-and-there", double_free_here_and_there, 0 },
	{ "double-free-there", double_free_there, 0 },
	{ "double-free-there-around", double_free_there_around, 0 },
	{ "free-at-8", free_at_8, 0 },
	{ "free-at-16", free_at_16, 24 },
	{ "free-in-the-middle", free_in_the_middle, 40 },
	{ "free-of-stack", free_of_stack, 0 },
	{ "free-of-static", free_of_static, 0 },
	{ "free-of-mapping", free_of_mapping, 0 },
	{ "overflow-1", overflow_1, 0 },
	{ "overflow-nul", overflow_nul, 0 },
	{ "overflow-8", overflow_8, 0 },
	{ "overflow-16", overflow_16, 0 },
	{ "overflow-64", overflow_64, 0 },
	{ "underflow-1", underflow_1, 0 },
	{ "underflow-8", underflow_8, 0 },
	{ "underflow-16", underflow_16, 0 },
	{ "write-freed-first", write_freed_first, 0 },
	{ "write-freed-zero", write_freed_zero, 0 },
	{ "write-freed-at-16", write_freed_at_16, 24 },
	{ "write-freed-all", write_freed_all, 0 },
	{ "realloc-of-freed", realloc_of_freed, 0 },
	{ "usable-of-freed", usable_of_freed, 0 },
	{ "sized-too-large", sized_too_large, 0 },
	{ "sized-larger", sized_larger, 0 },
	{ "sized-too-small", sized_too_small, 0 },
	{ "sized-aligned-too-large", sized_aligned_too_large, 0 },
	{ "jump-16-behind", jump, 0, 16 },
	{ "jump-64-behind", jump, 0, 64 },
	{ "jump-512-behind", jump, 0, 512 },
	{ "jump-16-before", jump, 0, -16 },
	{ "jump-64-before", jump, 0, -64 },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const size_t sizes[] = { 8,     24,    40,     112,    200,
				500,   1000,  1500,   5000,   12000,
				30000, 40000, 100000, 250000, 3000000 };

#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* ---- one error ---- */

static const char *const moments[] = { "end", "work", "teardown", "thread",
				       "child" };
static const char *const places[] = { "alone", "among" };

#define NR_MOMENTS 5
#define NR_PLACES  2

static const struct kind *kind;
/* Of the names of an error: so it is the same one in each run */
static unsigned int chance;
static void *among[2 * NR_AMONG];

static size_t below(int most)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 16) % (unsigned int)most;
}

static void jump(void)
{
	size_t bytes = 1 + below(8), far = below(abs(kind->far));

	fill(kind->far > 0 ? victim + size + far : victim - far - bytes, 'j',
	     bytes);
}

/* Blocks of the size before and after the victim, some of them freed again */
static void surround(bool alone)
{
	if (!alone)
		for (int i = 0; i < NR_AMONG; i++)
			among[i] = get(size);
	victim = get(size);
	other = get(size);
	victim_lives = true;
	if (alone)
		return;
	for (int i = NR_AMONG; i < 2 * NR_AMONG; i++)
		among[i] = get(size);
	for (int i = 0; i < 2 * NR_AMONG; i += 3) {
		put(among[i]);
		among[i] = NULL;
	}
}

static void work(void)
{
	void *blocks[200];

	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 200; i++)
			blocks[i] = get(i % 3 ? size : size + 16 * (i % 30));
		for (int i = 0; i < 200; i++)
			put(blocks[i]);
	}
}

static void teardown(void)
{
	for (int i = 0; i < 2 * NR_AMONG; i++)
		put(among[i]);
	if (victim_lives)
		put(victim);
	put(other);
}

static void *all(void *place)
{
	surround(place == places[0]);
	kind->plant();
	return NULL;
}

static void child(const char *place)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		all((void *)place);
		exit(0);
	}
	waitpid(pid, &status, 0);
	signal(SIGABRT, SIG_DFL);
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
}

static int plant(const char *name, const char *of, const char *moment,
		 const char *where)
{
	const char *place = places[strcmp(where, places[0]) != 0];
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	alarm(20);
	kind = kinds;
	while (strcmp(kind->name, name))
		if (++kind == kinds + NR_KINDS)
			return 2;
	size = strtoul(of, NULL, 0);
	chance = (unsigned int)(size * 40503 + (size_t)(kind - kinds) * 69069) +
		 (unsigned char)moment[0] * 2654435761u + (place != places[0]);
	below(1);
	if (!strcmp(moment, "child")) {
		child(place);
	} else if (!strcmp(moment, "thread")) {
		in_thread(all, (void *)place);
	} else {
		all((void *)place);
		if (!strcmp(moment, "work"))
			work();
		if (!strcmp(moment, "teardown"))
			teardown();
	}
	return 0;
}

/* ---- all of them ---- */

enum outcome {
	UNNOTICED,
	NOTICED,
	CRASHED,
	FAILED,
};

static bool verbose;
/* Of the errors one in so many is planted */
static unsigned int one_in = 1;

static void name_outcome(char **argv, enum outcome o)
{
	static const char *const names[] = { "unnoticed", "noticed", "crashed",
					     "failed" };

	if (verbose)
		printf("%s %s %s %s: %s\n", argv[1], argv[2], argv[3], argv[4],
		       names[o]);
}

static enum outcome run(char **argv, const char *library)
{
	enum outcome o = UNNOTICED;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		if (library)
			setenv("LD_PRELOAD", library, 1);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return FAILED;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		o = FAILED;
	if (WIFSIGNALED(status))
		o = WTERMSIG(status) == SIGABRT ? NOTICED : CRASHED;
	name_outcome(argv, o);
	return o;
}

struct row {
	unsigned int nr[FAILED + 1];
};

static void kind_run(const struct kind *k, const char *library, struct row *row)
{
	char of[24];

	for (size_t s = 0; s < NR_SIZES; s++)
		for (int m = 0; m < NR_MOMENTS; m++)
			for (int w = 0; w < NR_PLACES; w++) {
				char *argv[] = { "planted",
						 (char *)k->name,
						 of,
						 (char *)moments[m],
						 (char *)places[w],
						 NULL };

				if (sizes[s] < k->least || rand() % one_in)
					continue;
				sprintf(of, "%zu", sizes[s]);
				row->nr[run(argv, library)]++;
			}
}

static void row_print(const char *name, const struct row *row)
{
	unsigned int sum = 0;

	for (int i = 0; i <= FAILED; i++)
		sum += row->nr[i];
	printf("%-28s %6u %6u %6u %6u   %5.1f %%\n", name, sum,
	       row->nr[NOTICED], row->nr[CRASHED],
	       row->nr[UNNOTICED] + row->nr[FAILED],
	       100.0 * (sum - row->nr[NOTICED]) / (sum ? sum : 1));
}

static int run_all(const char *library)
{
	struct row total[2] = { 0 };
	int bad = 0;

	printf("%-28s %6s %6s %6s %6s   %s\n", "kind", "runs", "stop", "crash",
	       "none", "unnoticed");
	for (size_t k = 0; k < NR_KINDS; k++) {
		struct row row = { { 0 } };

		kind_run(&kinds[k], library, &row);
		row_print(kinds[k].name, &row);
		if (k == 0) {
			bad = row.nr[NOTICED] + row.nr[CRASHED] +
			      row.nr[FAILED];
			continue;
		}
		for (int i = 0; i <= FAILED; i++)
			total[kinds[k].far != 0].nr[i] += row.nr[i];
	}
	row_print("all errors", &total[0]);
	row_print("all jumps", &total[1]);
	if (bad)
		printf("%d runs without an error did not end well\n", bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	int option;

	if (argc == 5 && argv[1][0] != '-')
		return plant(argv[1], argv[2], argv[3], argv[4]);
	while ((option = getopt(argc, argv, "vn:")) != -1) {
		if (option == 'v')
			verbose = true;
		else if (option == 'n' && atoi(optarg) > 0)
			one_in = (unsigned int)atoi(optarg);
		else
			return 2;
	}
	return run_all(argv[optind]);
}
