// SPDX-License-Identifier: MIT
/*
 * e-slab.c - one slab: every sequence of carving, taking, freeing, hiding and showing.
 *
 * Links: tests/unit/linuxport.c, lib/process/slab.c.
 *
 * The model knows where each object is, and the order of the free list. After each operation
 * the equations of slab.h hold, the free list is the model's, objects in use have their
 * contents, pages that are hidden have no object in use, and each hidden object touches one.
 * A count that reaches 0 is an event, as qn_local_event() takes it.
 *
 * The worlds differ in the size of objects: several a page, a page or more, and such as lie
 * across pages.
 */
#include "process/slab.h"

#include "../unit/linuxport.h"
#include "enumerate.h"

#define NR_MOST 16
#define PAGE    4096

enum place {
	UNCARVED,
	USED,
	FREE,
	HIDDEN
};

static struct {
	u8 place[NR_MOST];
	u8 order[NR_MOST]; /* the free list, first to last */
	u8 nr_free;
	u8 nr_events;
} model;

static struct qn_unit slab;
static char memory[QN_UNIT_SIZE] __aligned(65536);
static struct qn_local *const nobody = (struct qn_local *)(void *)memory;

static void start(u32 osize)
{
	port_reset(PAGE);
	memset(&model, 0, sizeof(model));
	memset(&slab, 0, sizeof(slab));
	memset(memory, 0, sizeof(memory));
	qn_slab_init(&slab, nobody, 1, osize);
	if (slab.nr > NR_MOST)
		abort();
	enum_add(&slab, sizeof(slab));
	enum_add(&model, sizeof(model));
	/* Of each object what is looked at: its link, and a word at its end */
	for (u32 i = 0; i < slab.nr; i++) {
		enum_add(memory + i * osize, 16);
	}
}

static char *object(u32 i)
{
	return memory + (size_t)i * slab.osize;
}

static u32 index_of(const void *p)
{
	size_t at = (size_t)((const char *)p - memory);

	enum_expect(at < QN_UNIT_SIZE && at % slab.osize == 0 &&
			    at / slab.osize < slab.nr,
		    "this is no object");
	return enum_wrong ? 0 : (u32)(at / slab.osize);
}

static u32 count(enum place place)
{
	u32 nr = 0;

	for (u32 i = 0; i < slab.nr; i++)
		nr += model.place[i] == place;
	return nr;
}

/* ---- operations ---- */

static void came(u32 i, enum place from)
{
	enum_expect(model.place[i] == from, "an object came from elsewhere");
	model.place[i] = USED;
	memset(object(i), (int)(i + 1), 16);
}

/* A list of @nr objects came from @from */
static void take_list(void *list, u32 nr, enum place from)
{
	for (; nr && list && !enum_wrong; nr--) {
		void *next = qn_link_get(list);

		came(index_of(list), from);
		list = next;
	}
	enum_expect(!nr && !list, "a list of another length");
}

static bool carve(size_t bytes)
{
	u32 nr = 0, before = slab.carved;
	void *list;

	/* One with hidden objects is shown before it serves again */
	if (!qn_slab_can_carve(&slab) || slab.hidden_pages)
		return false;
	list = qn_slab_carve(&slab, memory, bytes, &nr);
	enum_expect(list == object(before), "not the next object");
	enum_expect(nr >= 1 && slab.carved == before + nr, "other objects");
	take_list(list, nr, UNCARVED);
	return true;
}

static bool take(u32 nr, u32 look)
{
	const void *first = slab.free;
	void *list;

	if (nr > model.nr_free || slab.hidden_pages)
		return false;
	list = qn_slab_take(&slab, memory, nr, look);
	enum_expect(list == first, "not the last that was freed");
	take_list(list, nr, FREE);
	model.nr_free = (u8)(model.nr_free - nr);
	memmove(model.order, model.order + nr, model.nr_free);
	memset(model.order + model.nr_free, 0, nr);
	return true;
}

/* At an event the owner looks at the slab and sets the next one */
static void event(void)
{
	u32 used = qn_slab_used(&slab);

	model.nr_events = (u8)((model.nr_events + 1) % 2);
	if (used)
		qn_slab_watch(&slab, used, model.nr_events ? 0 : (s32)used / 2);
	else
		qn_slab_watch(&slab, 0, -1);
}

/* What free() does */
static bool release(u32 i)
{
	if (i >= slab.nr || model.place[i] != USED)
		return false;
	qn_link_push(&slab.free, object(i));
	model.place[i] = FREE;
	memmove(model.order + 1, model.order, model.nr_free++);
	model.order[0] = (u8)i;
	if (--slab.count == 0)
		event();
	return true;
}

/* It is no longer current: events begin */
static bool watch(s32 floor)
{
	u32 used = qn_slab_used(&slab);

	if ((s32)used <= floor)
		return false;
	qn_slab_watch(&slab, used, floor);
	return true;
}

static u32 pages_of(u32 i)
{
	u32 from = i * slab.osize / PAGE;
	u32 to = ((i + 1) * slab.osize - 1) / PAGE;
	u32 pages = 0;

	for (; from <= to; from++)
		pages |= 1u << from;
	return pages;
}

/* Those of the free list that touch a hidden page leave it; others keep their order */
static void model_hide(u32 pages)
{
	u32 left = 0;

	for (u32 n = 0; n < model.nr_free; n++) {
		u8 i = model.order[n];

		if (pages_of(i) & pages)
			model.place[i] = HIDDEN;
		else
			model.order[left++] = i;
	}
	memset(model.order + left, 0, model.nr_free - left);
	model.nr_free = (u8)left;
}

static bool hide(size_t page)
{
	u32 per = (u32)(page / PAGE), want = 0, touched = slab.touched;
	u32 pages;

	if (slab.hidden || slab.hidden_pages)
		return false;
	/* Pages of the system that are touched, and by no object in use */
	for (u32 at = 0; at < 16; at += per) {
		u32 group = ((1u << per) - 1) << at;
		bool is_used = false;

		for (u32 i = 0; i < slab.nr; i++)
			is_used |= model.place[i] == USED &&
				   pages_of(i) & group;
		want |= !is_used && touched & group ? group : 0;
	}
	pages = qn_slab_hide(&slab, memory, page);
	enum_expect(pages == want, "other pages are hidden");
	model_hide(pages);
	/* They are purged now */
	for (u32 i = 0; i < slab.nr; i++)
		if (model.place[i] == HIDDEN)
			memset(object(i), 0, 16);
	return pages != 0;
}

static bool show(void)
{
	if (!slab.hidden_pages)
		return false;
	qn_slab_show(&slab, memory);
	for (u32 i = 0; i < slab.nr; i++) {
		if (model.place[i] != HIDDEN)
			continue;
		model.place[i] = FREE;
		memmove(model.order + 1, model.order, model.nr_free++);
		model.order[0] = (u8)i;
	}
	return true;
}

#define CARVES  2
#define TAKES   (CARVES + 5)
#define WATCHES (TAKES + 2)
#define HIDES   (WATCHES + 2)
#define ALL_OPS (HIDES + 1 + NR_MOST)

/* One, two or all of the free objects, with a look at the links or without */
static bool take_some(unsigned int how)
{
	u32 nr = how < 2 ? how + 1 : how < 4 ? model.nr_free : 2;

	if (!model.nr_free || nr > model.nr_free)
		return false;
	return take(nr, how % 2 ? UINT32_MAX : 1);
}

static bool apply(unsigned int op)
{
	if (op < CARVES)
		return carve(op ? 3 * slab.osize : 1);
	if (op < TAKES)
		return take_some(op - CARVES);
	if (op < WATCHES)
		return watch(op > TAKES ? (s32)slab.nr / 2 : 0);
	if (op < HIDES)
		return hide(op > WATCHES ? 4 * PAGE : PAGE);
	return op > HIDES ? release(op - HIDES - 1) : show();
}

static void tell(char *to, size_t size, unsigned int op)
{
	static const char *const names[] = {
		"carve one",
		"carve three",
		"take one",
		"take two, looking closely",
		"take all",
		"take all, looking closely",
		"take two",
		"watch for none",
		"watch a half",
		"hide pages",
		"hide pages of 16 KB",
		"show",
	};

	if (op < ARRAY_SIZE(names))
		snprintf(to, size, "%s", names[op]);
	else
		snprintf(to, size, "free object %zu", op - ARRAY_SIZE(names));
}

/* ---- what must hold ---- */

static const char *check_list(void)
{
	const char *p = slab.free;

	for (u32 n = 0; n < model.nr_free; n++) {
		if (p != object(model.order[n]))
			return "the free list is another";
		p = qn_link_get(p);
	}
	return p ? "the free list is too long" : NULL;
}

static const char *check_hidden(void)
{
	for (u32 i = 0; i < slab.nr; i++) {
		bool lies_there = pages_of(i) & slab.hidden_pages;

		if (model.place[i] == USED && lies_there)
			return "an object in use lies in a hidden page";
		if (model.place[i] == HIDDEN && !lies_there)
			return "a hidden object lies in no hidden page";
	}
	return NULL;
}

static const char *check_used(void)
{
	for (u32 i = 0; i < slab.nr; i++) {
		if (model.place[i] != USED)
			continue;
		for (u32 n = 0; n < 16; n++)
			if (object(i)[n] != (char)(i + 1))
				return "an object in use lost its contents";
	}
	return NULL;
}

static const char *check(void)
{
	struct qn_slab_fault f;
	u8 seen[QN_SLAB_SEEN] = { 0 };
	u32 budget = UINT32_MAX;
	const char *what;

	if (qn_slab_used(&slab) != count(USED))
		return "another number is in use";
	if (slab.carved != slab.nr - count(UNCARVED))
		return "another number was carved";
	if (slab.hidden != count(HIDDEN))
		return "another number is hidden";
	if (qn_slab_nr_free(&slab) != model.nr_free)
		return "another number is free";
	what = check_list();
	if (!what)
		what = check_hidden();
	if (!what)
		what = check_used();
	if (what)
		return what;
	f = qn_slab_look(&slab, memory, slab.free, seen, &budget);
	return f.what;
}

/* ---- the worlds ---- */

static void begin_pages(void)
{
	start(8192);
}

static void begin_across(void)
{
	start(10928);
}

static void begin_several(void)
{
	start(4112);
}

static const struct enum_world worlds[] = {
	{ "objects of two pages", 7, ALL_OPS, begin_pages, apply, tell, check },
	{ "objects across pages", 8, ALL_OPS, begin_across, apply, tell,
	  check },
	{ "more objects", 6, ALL_OPS, begin_several, apply, tell, check },
	{ 0 },
};

ENUM_MAIN(worlds)
