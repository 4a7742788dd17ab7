// SPDX-License-Identifier: MIT
/*
 * f-segment.c - runs of units, chunks, units of slabs, and blocks of whole pages.
 *
 * Links: tests/unit/linuxport.c, lib/process/segment*.c, share.c and all below them.
 *
 * The model has each run and block with a word at some of its pages. None lies over another,
 * memory that is said to read as zero does, and qn_segments_check() finds nothing, whatever
 * the kernel refuses and however late it is.
 */
#include "format/conf.h"
#include "process/segment.h"
#include "process/share.h"

#include "../unit/linuxport.h"
#include "fuzz.h"

#define NR_PIECES 64

/* A run, a unit, a chunk, or a block that shares units: of @size bytes */
struct piece {
	char *p;
	size_t size;

	enum {
		RUN,
		UNIT,
		SHARED
	} kind;

	unsigned int value;
};

static struct qn_segments s;
static struct qn_knobs knobs;
static struct piece pieces[NR_PIECES];
static struct fuzz_input in;
static unsigned int nr;

/* Where a piece has its words: at pages 0, 1, 2, 4, 8 and so on */
static size_t next_at(size_t at)
{
	return at ? 2 * at : QN_PART_SIZE;
}

static unsigned int *word(const struct piece *x, size_t at)
{
	return (unsigned int *)(void *)(x->p + at);
}

static void fill(struct piece *x)
{
	x->value = ++nr;
	for (size_t at = 0; at < x->size; at = next_at(at))
		*word(x, at) = x->value + (unsigned int)(at >> QN_PART_SHIFT);
}

static void verify(const struct piece *x, size_t size)
{
	for (size_t at = 0; at < size; at = next_at(at))
		fuzz_expect(*word(x, at) ==
				    x->value +
					    (unsigned int)(at >> QN_PART_SHIFT),
			    "a piece of %zu bytes lost its contents at %zu",
			    x->size, at);
}

static void expect_zero(const struct piece *x, size_t from)
{
	for (size_t at = 0; at < x->size; at = next_at(at))
		fuzz_expect(at < from || !*word(x, at), "not zero at %zu", at);
}

/* ---- operations ---- */

static void take_run(struct piece *x)
{
	size_t units = 1 + fuzz_size(&in, 200);
	size_t align = (size_t)1 << fuzz_pick(&in, 5);
	struct qn_unit *u;
	bool zeroed;

	u = qn_run_alloc(&s, units, align, QN_UNIT_LARGE, &zeroed);
	if (!u)
		return;
	*x = (struct piece){ qn_unit_start(&s, u), units << QN_UNIT_SHIFT, RUN,
			     0 };
	fuzz_expect(is_aligned((uintptr_t)x->p, align << QN_UNIT_SHIFT), "%p",
		    (void *)x->p);
	if (zeroed)
		expect_zero(x, 0);
	fill(x);
}

static void take_unit(struct piece *x)
{
	struct qn_unit *u = qn_unit_alloc(&s, fuzz_byte(&in) & 1);

	if (!u)
		return;
	*x = (struct piece){ qn_unit_start(&s, u), QN_UNIT_SIZE, UNIT, 0 };
	for (unsigned int i = 0; i < QN_UNIT_PARTS; i++)
		if (!(u->touched >> i & 1))
			fuzz_expect(!*word(x, i * QN_PART_SIZE),
				    "part %u of a unit is not zero", i);
	/* A slab carves all of it, as far as the books go */
	u->touched = UINT16_MAX;
	fill(x);
}

static void take_shared(struct piece *x)
{
	size_t size = 1 + fuzz_size(&in, (168 << 10) - 1), old;
	size_t align = QN_PART_SIZE << fuzz_pick(&in, 4);
	char *p = qn_share_alloc(&s, size, align, &old);

	if (!p)
		return;
	*x = (struct piece){ p, round_up(size, QN_PART_SIZE), SHARED, 0 };
	fuzz_expect(is_aligned((uintptr_t)p, align), "%p", (void *)p);
	expect_zero(x, old);
	fill(x);
}

static void take(struct piece *x)
{
	switch (fuzz_pick(&in, 4)) {
	case 0:
		take_shared(x);
		break;
	case 1:
		take_unit(x);
		break;
	default:
		take_run(x);
	}
}

static void release(struct piece *x)
{
	struct qn_unit *u = qn_segments_find(&s, x->p);

	verify(x, x->size);
	fuzz_expect(u, "%p is nowhere", (void *)x->p);
	if (x->kind == SHARED)
		fuzz_expect(qn_share_free(&s, u, x->p, true), "no block");
	else if (x->kind == UNIT)
		qn_unit_free(&s, u);
	else
		qn_run_free(&s, u, x->size);
	x->p = NULL;
}

static void resize(struct piece *x)
{
	size_t units = 1 + fuzz_size(&in, 200), old = x->size;
	size_t size = units << QN_UNIT_SHIFT;
	struct qn_unit *u = qn_segments_find(&s, x->p);

	if (x->kind != RUN)
		return;
	verify(x, x->size);
	if (!qn_run_resize(&s, u, units, size < old ? old - size : 0))
		return;
	x->size = size;
	verify(x, size < old ? size : old);
	fill(x);
}

static void tend(void)
{
	const struct qn_conf_knob *k;
	size_t value;

	switch (fuzz_pick(&in, 8)) {
	case 0:
		qn_segments_purge(&s, fuzz_size(&in, 1 << 26));
		break;
	case 1:
		qn_segments_purge_old(&s);
		break;
	case 2:
		qn_segments_decay(&s);
		break;
	case 3:
		port_refuse(&port.map, fuzz_byte(&in) % 3, fuzz_byte(&in) % 6);
		port_refuse(&port.extend, fuzz_byte(&in) % 3,
			    fuzz_byte(&in) % 6);
		break;
	case 4:
		port_refuse(&port.purge, fuzz_byte(&in) % 3,
			    fuzz_byte(&in) % 6);
		break;
	case 5:
		port.no_places = fuzz_byte(&in) % 4 == 0;
		break;
	case 6:
		k = &qn_conf_knobs[fuzz_pick(&in, qn_conf_nr_knobs)];
		value = k->least + fuzz_size(&in, k->most - k->least);
		memcpy((char *)&knobs + k->offset, &value, sizeof(value));
		break;
	default:
		port.clock += (u64)fuzz_u16(&in) << fuzz_byte(&in) % 12;
	}
}

static void check(void)
{
	const char *what = qn_segments_check(&s);

	fuzz_expect(!what, "%s", what);
}

static void step(void)
{
	struct piece *x = &pieces[fuzz_pick(&in, NR_PIECES)];
	uint32_t how = fuzz_pick(&in, 16);

	port.clock += 100;
	if (how < 3)
		tend();
	else if (how == 3 && x->p)
		resize(x);
	else if (x->p)
		release(x);
	else
		take(x);
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pages[] = { 4096, 16384, 65536 };

	in = fuzz_begin(data, size);
	port_reset(pages[fuzz_pick(&in, 3)]);
	memset(&s, 0, sizeof(s));
	memset(pieces, 0, sizeof(pieces));
	knobs = qn_knobs_preset;
	qn_segments_init(&s, &knobs, fuzz_byte(&in) % 4 ? 0 : (size_t)64 << 20);
	while (fuzz_left(&in))
		step();
	for (unsigned int i = 0; i < NR_PIECES; i++)
		if (pieces[i].p)
			release(&pieces[i]);
	check();
	port_grant(&port.purge);
	qn_segments_purge(&s, 0);
	check();
	fuzz_expect(!s.resident.used, "%zu bytes in use at the end",
		    s.resident.used);
	qn_segments_exit(&s);
	return 0;
}
