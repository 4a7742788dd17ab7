// SPDX-License-Identifier: MIT
/*
 * x-header.cc - quern.h in C++: every structure by its plain name and with the keyword,
 * every function that takes one, the macros.
 *
 * A function of a structure's name would hide it here, so that it is not even declared.
 */
#include <stdio.h>
#include <string.h>

#include "quern.h"

QN_POOL(packets, long);

#define MUST(what)                                                         \
	do {                                                               \
		if (!(what)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
			return 1;                                          \
		}                                                          \
	} while (0)

static int heaps(qn_heap *heap)
{
	qn_stats st;
	struct qn_stats with_keyword = {};
	qn_census census;
	void *p = qn_heap_alloc(heap, 100);

	MUST(p && qn_heap_stats(heap, &st) == 0 && st.nr_live == 1);
	memset(&census, 0, sizeof(census));
	qn_heap_free(heap, p);
	MUST(qn_heap_stats(heap, &with_keyword) == 0);
	MUST(with_keyword.nr_live == 0);
	/* That of the process, by its old name too */
	MUST(qn_stats_get(&st) == 0 && qn_stats(&with_keyword) == 0);
	return 0;
}

static int arenas(qn_heap *heap)
{
	qn_arena arena;
	qn_arena_mark mark;
	struct qn_arena_mark with_keyword;
	QN_ARRAY(int) numbers = {};
	char *text;
	int *one;

	qn_arena_init_heap(&arena, heap, 1000);
	mark = qn_arena_mark_get(&arena);
	with_keyword = qn_arena_mark(&arena);
	text = qn_arena_string(&arena, "grain", 5);
	MUST(text && !strcmp(text, "grain"));
	one = qn_array_add(&arena, &numbers);
	MUST(one && numbers.nr == 1);
	qn_arena_release(&arena, with_keyword);
	qn_arena_release(&arena, mark);
	qn_arena_reset(&arena);
	return 0;
}

static int pools()
{
	static unsigned char memory[4096];
	packets p;
	packets_ref ref;

	MUST(packets_init(&p, memory, sizeof(memory)) == 0);
	ref = packets_alloc(&p);
	MUST(ref.at);
	*ref.at = 1;
	packets_free(&p, ref);
	return 0;
}

int main()
{
	static unsigned char memory[64 * 1024];
	qn_heap *heap = qn_heap_init(memory, sizeof(memory));

	MUST(heap);
	return heaps(heap) || arenas(heap) || pools();
}
