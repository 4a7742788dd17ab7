// SPDX-License-Identifier: MIT
/*
 * main.c - a small firmware with quern as its malloc.
 *
 * Prints floats by newlib, and what it sees of the knobs in quern-config.h. With the
 * word "overrun" it writes one byte too many, with "exhaust" it asks for more than there
 * is: how such a thing ends.
 */
#include <errno.h>
#include <stdio.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "glue.h"
#include "quern.h"

static char more[4096];

static void *must_alloc(size_t size)
{
	void *p = malloc(size);

	if (!p) {
		printf("%s\n", strerror(errno));
		fflush(stdout);
		qn_board_no_memory(size);
	}
	return p;
}

static void show_heap(void)
{
	struct qn_stats st;

	qn_heap_stats(qn_board_heap(), &st);
	printf("heap           %u bytes, %.2f %% of them metadata\n",
	       (unsigned int)st.size,
	       100.0 * (double)st.metadata / (double)st.size);
	printf("live           %u bytes in %u blocks\n", (unsigned int)st.live,
	       (unsigned int)st.nr_live);
}

/* What the knobs do, by what can be seen of them */
static void show_knobs(void)
{
	struct qn_heap *h = qn_board_heap();
	char *p = qn_heap_alloc(h, 20), *q = qn_heap_alloc(h, 20);

	printf("guard words    %s\n",
	       qn_heap_usable_size(h, p) % QN_ALIGN ? "yes" : "no");
	qn_heap_free(h, p);
	qn_heap_free(h, q);
	printf("second zone    %s\n",
	       qn_heap_add_zone(h, more, sizeof(more), 0) ? "no" : "yes");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	char *p = must_alloc(100);

	show_heap();
	show_knobs();
	if (strcmp(word, "overrun") == 0)
		p[malloc_usable_size(p)] = 1;
	if (strcmp(word, "exhaust") == 0)
		must_alloc(1 << 20);
	free(p);
	printf("check          %s\n",
	       qn_heap_check(qn_board_heap()) ? "damaged" : "sound");
	return fflush(stdout);
}
