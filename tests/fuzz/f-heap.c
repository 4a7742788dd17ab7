// SPDX-License-Identifier: MIT
/*
 * f-heap.c - a heap of one's own with up to three zones, as any program could use it.
 *
 * The model has each block's place, size and a byte of contents. Blocks lie apart, within the
 * heap's memory and aligned; figures are those of the model; qn_heap_check() is asked as the
 * input goes on. A heap that failed a request goes on.
 */
#include "heap/heap.h"

#include "fuzz.h"

#define MEMORY    (96 * 1024)
#define NR_BLOCKS 200
#define NR_ZONES  3

struct block {
	unsigned char *p;
	size_t size;
	unsigned char value;
};

static unsigned char memory[NR_ZONES][MEMORY] __aligned(64);
static struct block blocks[NR_BLOCKS];
static struct qn_heap *h;
static struct fuzz_input in;
static unsigned int nr_zones;

/* ---- contents ---- */

static void fill(struct block *b)
{
	b->value = (unsigned char)(b->value * 5 + 17);
	memset(b->p, b->value, b->size);
}

static void verify(const struct block *b, size_t size)
{
	fuzz_expect(!size || (*b->p == b->value &&
			      !memcmp(b->p, b->p + 1, size - 1)),
		    "block %p of %zu bytes lost its contents", (void *)b->p,
		    b->size);
}

static bool is_inside(const struct block *b)
{
	for (unsigned int i = 0; i < nr_zones; i++)
		if (b->p >= memory[i] && b->p + b->size <= memory[i] + MEMORY)
			return true;
	return false;
}

static void came(struct block *b, void *p, size_t size)
{
	b->p = p;
	b->size = size;
	if (!p)
		return;
	fuzz_expect(is_aligned((uintptr_t)p, QN_ALIGN), "%p", p);
	fuzz_expect(is_inside(b), "%p", p);
	fuzz_expect(qn_heap_usable_size(h, p) >= size, "%zu", size);
	fill(b);
}

/* ---- operations ---- */

static void alloc(struct block *b)
{
	size_t size = fuzz_size(&in, MEMORY);
	unsigned int flags = fuzz_byte(&in) & (QN_ALLOC_ZERO | QN_ALLOC_DMA |
					       QN_ZONE_ATTRIBUTES);
	void *p;

	switch (fuzz_pick(&in, 4)) {
	case 0:
		p = qn_heap_alloc_aligned(h, (size_t)1 << fuzz_pick(&in, 14),
					  size);
		break;
	case 1:
		p = qn_heap_alloc_flags(h, size, flags);
		if (p && flags & QN_ALLOC_ZERO)
			fuzz_expect(
				!size || (!*(char *)p &&
					  !memcmp(p, (char *)p + 1, size - 1)),
				"not cleared: %zu", size);
		break;
	default:
		p = qn_heap_alloc(h, size);
	}
	came(b, p, size);
}

static void release(struct block *b)
{
	verify(b, b->size);
	qn_heap_free(h, b->p);
	b->p = NULL;
}

static void resize(struct block *b)
{
	size_t size = fuzz_size(&in, MEMORY), old = b->size;
	size_t align = (size_t)1 << fuzz_pick(&in, 12);
	void *p;

	verify(b, old);
	if (fuzz_pick(&in, 2))
		p = qn_heap_realloc(h, b->p, size);
	else
		p = qn_heap_realloc_aligned(h, b->p, align, size);
	if (!p) {
		verify(b, old);
		return;
	}
	b->p = p;
	verify(b, size < old ? size : old);
	came(b, p, size);
}

static void set_knob(void)
{
	static const char *const names[] = {
#define NAME(name, unit, preset, least, most, help) #name,
		QN_HEAP_KNOBS(NAME)
#undef NAME
	};

	qn_heap_set_knob(h, names[fuzz_pick(&in, ARRAY_SIZE(names))],
			 fuzz_size(&in, 4096));
}

static void tend(void)
{
	static const char *const policies[] = { "rule", "fixed",     "bandit",
						"dqn",  "paper-dqn", "none" };

	switch (fuzz_pick(&in, 5)) {
	case 0:
		set_knob();
		break;
	case 1:
		qn_heap_set_policy(
			h, policies[fuzz_pick(&in, ARRAY_SIZE(policies))]);
		break;
	case 2:
		qn_pressure_set(h, fuzz_pick(&in, QN_PRESSURE_MOST + 2));
		break;
	case 3:
		if (nr_zones < NR_ZONES &&
		    !qn_heap_add_zone(h, memory[nr_zones], MEMORY,
				      fuzz_byte(&in)))
			nr_zones++;
		break;
	default:
		for (uint32_t n = fuzz_byte(&in) % 64; n > 0; n--)
			qn_heap_step(h);
	}
}

static void check(void)
{
	struct qn_stats st;
	size_t size = 0;

	fuzz_expect(!qn_heap_check(h), "%s", qn_heap_error(h));
	fuzz_expect(!qn_heap_stats(h, &st), "no figures");
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		size += blocks[i].p ? qn_heap_usable_size(h, blocks[i].p) : 0;
	fuzz_expect(st.live == size, "%zu live, not %zu", (size_t)st.live,
		    size);
	fuzz_expect(st.peak_live >= st.live, "%zu", (size_t)st.peak_live);
}

static void step(void)
{
	struct block *b = &blocks[fuzz_pick(&in, NR_BLOCKS)];

	switch (fuzz_pick(&in, 16)) {
	case 0:
		tend();
		break;
	case 1:
		check();
		break;
	case 2:
	case 3:
		if (b->p)
			resize(b);
		break;
	default:
		if (b->p)
			release(b);
		else
			alloc(b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	in = fuzz_begin(data, size);
	memset(blocks, 0, sizeof(blocks));
	nr_zones = 1;
	h = qn_heap_init(memory[0] + fuzz_byte(&in),
			 MEMORY - 256 - fuzz_u16(&in) % (MEMORY / 2));
	fuzz_expect(h, "no heap");
	while (fuzz_left(&in))
		step();
	check();
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (blocks[i].p)
			release(&blocks[i]);
	check();
	return 0;
}
