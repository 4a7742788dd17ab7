// SPDX-License-Identifier: MIT
/*
 * hints.c - a program whose compiler tells malloc more than a size; hints.sh runs it.
 *
 *	hints phases HOW		one thing after the other: each phase has sizes of its
 *					own and leaves one object in 64 behind, as the suite's
 *					workload of that name; prints peak in KB and CPU in ms
 *	hints pairs NAME SIZE ROUNDS	eight blocks are made and freed, ROUNDS times
 *
 * HOW: plain; one (a token for those that are left, none for the rest); all (a token each);
 * cold (what is left is said to be so). Without a library that has the names they are plain.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define WEAK_NAME(name) __asm__(name) __attribute__((weak))

extern void *token_malloc(size_t size, size_t token)
	WEAK_NAME("__alloc_token_malloc");
extern void *token_new(size_t size, size_t token)
	WEAK_NAME("__alloc_token__Znwm");
extern void *cold_new(size_t size, uint8_t hot)
	WEAK_NAME("_Znwm12__hot_cold_t");
extern void *plain_new(size_t size) WEAK_NAME("_Znwm");
extern void plain_delete(void *p, size_t size) WEAK_NAME("_ZdlPvm");

struct block {
	unsigned char *p;
	uint32_t size;
	uint32_t lasts;
};

enum how {
	PLAIN,
	ONE,
	ALL,
	COLD
};

enum {
	MOST = 1 << 20,
	BYTES = 40 << 20,
	HOT_LEAST = 254
};

static struct block block[MOST];
static uint64_t rng = 14;

/* splitmix64 */
static uint32_t below(uint32_t n)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((((z ^ (z >> 31)) >> 32) * n) >> 32);
}

static void *get(enum how how, size_t size, int lasts)
{
	if (how == COLD && lasts && cold_new)
		return cold_new(size, 1);
	if (token_malloc && (how == ALL || (how == ONE && lasts)))
		return token_malloc(size, lasts ? 2 : 1);
	return malloc(size);
}

static void block_init(struct block *b, enum how how, size_t size)
{
	b->lasts = below(64) ? 0 : 2;
	b->size = (uint32_t)size;
	b->p = get(how, size, b->lasts != 0);
	if (!b->p)
		exit(1);
	for (size_t i = 0; i < size; i += 64)
		b->p[i] = (unsigned char)size;
}

static void block_exit(struct block *b)
{
	for (size_t i = 0; i < b->size; i += 64)
		if (b->p[i] != (unsigned char)b->size)
			exit(1);
	free(b->p);
	b->p = NULL;
}

static void phase(enum how how, uint32_t low)
{
	size_t nr = BYTES / low < MOST ? BYTES / low : MOST;

	for (size_t i = 0; i < nr; i++)
		if (!block[i].p)
			block_init(&block[i], how, low + below(low));
	/* What was left once is an object like all others at the end of the next phase */
	for (size_t i = 0; i < nr; i++) {
		if (block[i].lasts == 2)
			block[i].lasts = 1;
		else if (!block[i].lasts || below(64))
			block_exit(&block[i]);
	}
}

static int phases(const char *name)
{
	static const char *const names[] = { "plain", "one", "all", "cold" };
	struct rusage u;
	int how = 3;

	while (how > 0 && strcmp(names[how], name))
		how--;
	for (int round = 0; round < 3; round++)
		for (uint32_t low = 24; low <= 6144; low *= 4)
			phase((enum how)how, low);
	getrusage(RUSAGE_SELF, &u);
	printf("%ld %ld\n", u.ru_maxrss,
	       (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
		       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000);
	return 0;
}

#define PAIRS(get, put)                                            \
	do {                                                       \
		for (long i = 0; i < rounds; i++) {                \
			for (int j = 0; j < 8; j++) {              \
				p[j] = get;                        \
				__asm__ volatile("" : "+r"(p[j])); \
			}                                          \
			for (int j = 0; j < 8; j++)                \
				put;                               \
		}                                                  \
	} while (0)

static int pairs(const char *name, size_t size, long rounds)
{
	void *p[8];

	if (!strcmp(name, "malloc"))
		PAIRS(malloc(size), free(p[j]));
	else if (!strcmp(name, "malloc+token") && token_malloc)
		PAIRS(token_malloc(size, 5), free(p[j]));
	else if (!strcmp(name, "new") && plain_new)
		PAIRS(plain_new(size), plain_delete(p[j], size));
	else if (!strcmp(name, "new+token") && token_new)
		PAIRS(token_new(size, 5), plain_delete(p[j], size));
	else if (!strcmp(name, "new+hot") && cold_new)
		PAIRS(cold_new(size, HOT_LEAST), plain_delete(p[j], size));
	else if (!strcmp(name, "new+cold") && cold_new)
		PAIRS(cold_new(size, 1), plain_delete(p[j], size));
	else
		return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "phases"))
		return phases(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "pairs"))
		return pairs(argv[2], strtoul(argv[3], NULL, 0), atol(argv[4]));
	return 2;
}
