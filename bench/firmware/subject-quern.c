// SPDX-License-Identifier: MIT
/*
 * subject-quern.c - the heap of libquern-stm32f407.a, as shipped.
 */
#include <string.h>

#include "heap/heap.h"
#include "subject.h"

static void *quern_alloc(void *heap, size_t size)
{
	return qn_heap_alloc(heap, size);
}

static void *quern_alloc_aligned(void *heap, size_t align, size_t size)
{
	return qn_heap_alloc_aligned(heap, align, size);
}

static void *quern_resize(void *heap, void *p, size_t size)
{
	return qn_heap_realloc(heap, p, size);
}

static void quern_free(void *heap, void *p)
{
	qn_heap_free(heap, p);
}

static int quern_step(void *heap)
{
	return qn_heap_step(heap);
}

/* A text NAME:VALUE. Return: 0 or -errno. */
static int set_knob(struct qn_heap *heap, const char *text)
{
	const char *end = strchr(text, ':');
	char name[32] = "";
	size_t value = 0;

	if (!end || (size_t)(end - text) >= sizeof(name))
		return -1;
	memcpy(name, text, (size_t)(end - text));
	for (const char *p = end + 1; *p >= '0' && *p <= '9'; p++)
		value = 10 * value + (size_t)(*p - '0');
	return qn_heap_set_knob(heap, name, value);
}

static int set_up(struct qn_heap *heap, const struct subject_setup *setup)
{
	const char *policy = setup->can_hold ? setup->policy : "fixed";
	int err = policy ? qn_heap_set_policy(heap, policy) : 0;

	for (u32 i = 0; i < setup->nr_knobs && !err; i++)
		err = set_knob(heap, setup->knobs[i]);
	return err;
}

/* By the policy "fixed" no block is held */
static void *quern_init(void *mem, size_t size,
			const struct subject_setup *setup)
{
	struct qn_heap *heap = qn_heap_init(mem, size);

	if (heap && setup->zone_size &&
	    qn_heap_add_zone(heap, setup->zone, setup->zone_size,
			     QN_ZONE_NODMA))
		return NULL;
	if (heap && set_up(heap, setup))
		return NULL;
	return heap;
}

/* What only qn_heap_step() reads and writes, and the samples for it */
static size_t learning_bytes(const struct qn_heap *h)
{
	return 2 * qn_table_bytes(QN_HEAP_STEPS) +
	       qn_profile_bytes(QN_HEAP_STEPS) + sizeof(h->sample) +
	       sizeof(h->sampler) + sizeof(h->controller);
}

static void quern_look(void *heap, struct subject_view *view)
{
	struct qn_stats st;

	qn_heap_stats(heap, &st);
	*view = (struct subject_view){
		.free = st.free,
		.largest = st.largest_free,
		.metadata = st.metadata,
		.learning = learning_bytes(heap),
	};
}

static const char *quern_check(void *heap)
{
	return qn_heap_check(heap) ? qn_heap_error(heap) : NULL;
}

static size_t quern_merges(void *heap)
{
	const struct qn_heap *h = heap;
	size_t sum = h->nr_squeezed;

	for (const struct qn_zone *z = &h->zone; z; z = z->next)
		sum += z->nr_merged;
	return sum;
}

const struct subject subject = {
	.name = "quern",
	.alloc = quern_alloc,
	.alloc_aligned = quern_alloc_aligned,
	.resize = quern_resize,
	.free = quern_free,
	.step = quern_step,
	.init = quern_init,
	.look = quern_look,
	.check = quern_check,
	.merges = quern_merges,
};
