/* SPDX-License-Identifier: MIT */
/*
 * enumerate.h - every sequence of operations up to a length, on a small piece of the core.
 *
 * A program e-NAME.c says which memory its state lies in, what its operations are, and what
 * must hold after each. The search goes depth first: it copies the state, does one operation,
 * looks, goes deeper, and puts the state back at the same addresses. A state that was reached
 * before with as many operations left is not entered again.
 *
 * The usage of such a program: e-NAME [LENGTH]. It prints a line of TAP for each of its
 * worlds, and the sequence of operations that broke something.
 */
#ifndef QN_TESTS_ENUMERATE_H
#define QN_TESTS_ENUMERATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENUM_DEPTH   32
#define ENUM_REGIONS 24
#define ENUM_SEEN    ((size_t)1 << 22)

/* Memory that belongs to the state */
struct enum_region {
	void *at;
	size_t size;
};

/**
 * struct enum_world - one small world
 * @name:	for the report
 * @length:	operations of a sequence, by default
 * @nr_ops:	operations are numbered from 0
 * @begin:	makes the first state and tells its memory by enum_add()
 * @apply:	does one operation; false: it cannot be done here, and nothing was changed
 * @tell:	writes the name of an operation
 * @check:	NULL, or what does not hold
 */
struct enum_world {
	const char *name;
	unsigned int length;
	unsigned int nr_ops;
	void (*begin)(void);
	bool (*apply)(unsigned int op);
	void (*tell)(char *to, size_t size, unsigned int op);
	const char *(*check)(void);
};

static const struct enum_world *enum_world;
static struct enum_region enum_regions[ENUM_REGIONS];
static unsigned int enum_nr_regions;
static size_t enum_bytes;
/* The operations so far */
static unsigned int enum_path[ENUM_DEPTH + 1], enum_at;
/* What @apply found wrong at once, or NULL */
static const char *enum_wrong;

/* This memory belongs to the state, too */
static void enum_add(void *at, size_t size)
{
	if (enum_nr_regions == ENUM_REGIONS)
		abort();
	enum_regions[enum_nr_regions++] = (struct enum_region){ at, size };
	enum_bytes += size;
}

/* Note that something does not hold; the first counts */
static inline void enum_expect(bool holds, const char *what)
{
	if (!holds && !enum_wrong)
		enum_wrong = what;
}

#ifndef QN_ENUM_FUZZ
static unsigned char *enum_copies[ENUM_DEPTH + 1];
static uint64_t *enum_seen;
static size_t enum_nr_seen;
static unsigned long enum_nr;

static void enum_save(unsigned char *to)
{
	for (unsigned int i = 0; i < enum_nr_regions; i++) {
		memcpy(to, enum_regions[i].at, enum_regions[i].size);
		to += enum_regions[i].size;
	}
}

static void enum_load(const unsigned char *from)
{
	for (unsigned int i = 0; i < enum_nr_regions; i++) {
		memcpy(enum_regions[i].at, from, enum_regions[i].size);
		from += enum_regions[i].size;
	}
}

/* Of a state and of how many operations are left; never 0 */
static uint64_t enum_hash(const unsigned char *p, size_t size,
			  unsigned int left)
{
	uint64_t h = 0x9e3779b97f4a7c15u + left, word;

	for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; size; size--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h | 1;
}

/* Was a state entered before? When the table is full, all are entered again. */
static bool enum_was_seen(uint64_t hash)
{
	size_t i = (hash >> 8) % ENUM_SEEN;

	while (enum_seen[i] && enum_seen[i] != hash)
		i = (i + 1) % ENUM_SEEN;
	if (enum_seen[i])
		return true;
	if (enum_nr_seen < ENUM_SEEN / 4 * 3) {
		enum_nr_seen++;
		enum_seen[i] = hash;
	}
	return false;
}

#endif

static void enum_report(const char *what)
{
	char text[80];

	printf("# %s: %s, after\n", enum_world->name, what);
	for (unsigned int i = 0; i < enum_at; i++) {
		enum_world->tell(text, sizeof(text), enum_path[i]);
		printf("#   %s\n", text);
	}
}

static const char *enum_look(void)
{
	return enum_wrong ? enum_wrong : enum_world->check();
}

#ifdef QN_ENUM_FUZZ
/*
 * The same worlds for a fuzzer (tests/fuzz): an input is a world, and then operations, of which
 * those are left out that cannot be done.
 */
static const struct enum_world worlds[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int nr = 0;
	const char *what;

	while (worlds[nr].name)
		nr++;
	if (!size)
		return 0;
	enum_world = &worlds[*data % nr];
	enum_nr_regions = 0;
	enum_wrong = NULL;
	enum_world->begin();
	for (size_t i = 1; i + 1 < size; i += 2) {
		unsigned int op = (data[i] | (unsigned int)data[i + 1] << 8) %
				  enum_world->nr_ops;

		if (!enum_world->apply(op))
			continue;
		what = enum_look();
		if (what) {
			enum_at = 0;
			enum_report(what);
			fflush(stdout);
			abort();
		}
	}
	return 0;
}
#else
/* Return: false if something does not hold */
static bool enum_search(unsigned int left)
{
	unsigned char *copy = enum_copies[left];
	const char *what;

	enum_save(copy);
	if (enum_was_seen(enum_hash(copy, enum_bytes, left)))
		return true;
	for (unsigned int op = 0; op < enum_world->nr_ops; op++) {
		if (!enum_world->apply(op))
			continue;
		enum_path[enum_at++] = op;
		enum_nr++;
		what = enum_look();
		if (what) {
			enum_report(what);
			return false;
		}
		if (left > 1 && !enum_search(left - 1))
			return false;
		enum_at--;
		enum_load(copy);
	}
	return true;
}

static bool enum_run(const struct enum_world *world, unsigned int length)
{
	bool holds;

	enum_world = world;
	enum_nr_regions = 0;
	enum_bytes = 0;
	enum_nr_seen = 0;
	enum_nr = 0;
	enum_at = 0;
	enum_wrong = NULL;
	memset(enum_seen, 0, ENUM_SEEN * sizeof(*enum_seen));
	world->begin();
	for (unsigned int i = 1; i <= length; i++)
		enum_copies[i] = realloc(enum_copies[i], enum_bytes);
	holds = !enum_look();
	if (holds)
		holds = enum_search(length);
	else
		enum_report("the first state is not sound");
	return holds;
}

/* @worlds ends with one without a name. @argv[1]: operations more than by default */
static int enum_main(const struct enum_world *worlds, char **argv)
{
	unsigned int more = argv[1] ? (unsigned int)atoi(argv[1]) : 0;
	int nr = 0, bad = 0;

	enum_seen = calloc(ENUM_SEEN, sizeof(*enum_seen));
	if (!enum_seen)
		return 99;
	for (; worlds->name; worlds++) {
		unsigned int length = worlds->length + more;
		bool holds;

		if (length > ENUM_DEPTH)
			length = ENUM_DEPTH;
		holds = enum_run(worlds, length);
		printf("%sok %d - %s: %u operations\n", holds ? "" : "not ",
		       ++nr, worlds->name, length);
		printf("# %lu states looked at\n", enum_nr);
		bad |= !holds;
	}
	printf("1..%d\n", nr);
	return bad;
}
#endif

#ifdef QN_ENUM_FUZZ
#define ENUM_MAIN(worlds)
#else
#define ENUM_MAIN(worlds)                       \
	int main(int argc, char **argv)         \
	{                                       \
		(void)argc;                     \
		return enum_main(worlds, argv); \
	}
#endif

#endif /* QN_TESTS_ENUMERATE_H */
