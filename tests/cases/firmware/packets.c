// SPDX-License-Identifier: MIT
/*
 * packets.c - a node and a payload each, as many packets as there is room for; when all
 * are freed, the largest request that is served is the fresh heap's.
 *
 * The nodes are short enough to be held unmerged, and lie between the payloads.
 */
#include <stdbool.h>
#include <stdio.h>

#include "quern.h"

#define SIZE (80 * 1024)
#define MOST 700

static unsigned char memory[SIZE] __attribute__((aligned(16)));
static void *nodes[MOST], *payloads[MOST];

/* Nothing is in use */
static int largest_request(struct qn_heap *heap)
{
	int low = 0, high = SIZE;

	while (low < high) {
		int size = (low + high + 1) / 2;
		void *p = qn_heap_alloc(heap, (size_t)size);

		qn_heap_free(heap, p);
		if (p)
			low = size;
		else
			high = size - 1;
	}
	return low;
}

static int use(struct qn_heap *heap, size_t node, size_t payload)
{
	int nr = 0;

	do {
		nodes[nr] = qn_heap_alloc(heap, node);
		payloads[nr] = qn_heap_alloc(heap, payload);
	} while (payloads[nr++] && nr < MOST);
	for (int i = 0; i < nr; i++) {
		qn_heap_free(heap, nodes[i]);
		qn_heap_free(heap, payloads[i]);
	}
	return nr;
}

int main(void)
{
	static const struct {
		int node;
		int payload;
	} packets[] = {
		{ 24, 1000 }, { 16, 100 },  { 100, 2000 },
		{ 40, 300 },  { 16, 4000 }, { 24, 20000 },
	};

	int nr = sizeof(packets) / sizeof(*packets), nr_right = 0;

	for (int i = 0; i < nr; i++) {
		struct qn_heap *heap = qn_heap_init(memory, SIZE);
		int fresh = largest_request(heap), used, after;

		used = use(heap, (size_t)packets[i].node,
			   (size_t)packets[i].payload);
		after = largest_request(heap);
		printf("%d packets of %d and %d: of %d bytes %d are served\n",
		       used, packets[i].node, packets[i].payload, fresh, after);
		nr_right += after == fresh;
	}
	printf("%d of %d served\n", nr_right, nr);
	return 0;
}
