/* SPDX-License-Identifier: MIT */
/*
 * sites.h - what the plugins of all compilers have in common: which functions allocate, and
 * the records, from their collection to the text that an assembler reads.
 *
 * Included by one file of each plugin. That file defines QN_GROW(array, bytes), a realloc()
 * that does not fail: GCC's headers forbid the plain one.
 */
#ifndef QN_PLUGIN_SITES_H
#define QN_PLUGIN_SITES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not used here, but GCC forbids the very word malloc */
#define QN_NEW_ALLOC(bytes) QN_GROW(NULL, bytes)
#include "../lib/quern-hint.h"

/* A position of an argument that a function does not have */
#define NO_ARG (-1)

/* A bound above it tells nothing: an int times something has such bounds */
#define BOUND_MOST ((uint64_t)1 << 30)

/**
 * struct alloc_kind - how a function is asked for memory
 * @name:	in the object file; NULL behind the last
 * @size:	argument with bytes, of one element if there is @count
 * @count:	argument with the number of elements
 * @align:	argument with the alignment
 * @old:	argument with the block that is to have another size
 * @flags:	QN_HINT_* that follow from the function
 * @by_pointer:	the block comes back through the first argument
 */
struct alloc_kind {
	const char *name;
	int size;
	int count;
	int align;
	int old;
	uint32_t flags;
	int by_pointer;
};

/* clang-format off */
static const struct alloc_kind alloc_kinds[] = {
	{ "malloc",			0, -1, -1, -1, 0, 0 },
	{ "calloc",			1,  0, -1, -1, QN_HINT_ZEROED, 0 },
	{ "realloc",			1, -1, -1,  0, QN_HINT_REALLOC, 0 },
	{ "reallocarray",		2,  1, -1,  0, QN_HINT_REALLOC, 0 },
	{ "aligned_alloc",		1, -1,  0, -1, 0, 0 },
	{ "memalign",			1, -1,  0, -1, 0, 0 },
	{ "posix_memalign",		2, -1,  1, -1, 0, 1 },
	{ "valloc",			0, -1, -1, -1, 0, 0 },
	{ "pvalloc",			0, -1, -1, -1, 0, 0 },
	{ "qn_malloc",			0, -1, -1, -1, 0, 0 },
	{ "qn_calloc",			1,  0, -1, -1, QN_HINT_ZEROED, 0 },
	{ "qn_realloc",			1, -1, -1,  0, QN_HINT_REALLOC, 0 },
	{ "qn_memalign",		1, -1,  0, -1, 0, 0 },
	{ "qn_heap_alloc",		1, -1, -1, -1, 0, 0 },
	{ "qn_heap_alloc_flags",	1, -1, -1, -1, 0, 0 },
	{ "qn_heap_alloc_aligned",	2, -1,  1, -1, 0, 0 },
	{ "qn_heap_calloc",		2,  1, -1, -1, QN_HINT_ZEROED, 0 },
	{ "qn_heap_realloc",		2, -1, -1,  1, QN_HINT_REALLOC, 0 },
	{ "qn_heap_realloc_aligned",	3, -1,  2,  1, QN_HINT_REALLOC, 0 },
	{ "pvPortMalloc",		0, -1, -1, -1, 0, 0 },
	{ "pvPortCalloc",		1,  0, -1, -1, QN_HINT_ZEROED, 0 },
	{ "__rust_alloc",		0, -1,  1, -1, QN_HINT_RUST, 0 },
	{ "__rust_alloc_zeroed",	0, -1,  1, -1, QN_HINT_RUST | QN_HINT_ZEROED, 0 },
	{ "__rust_realloc",		3, -1,  2,  0, QN_HINT_RUST | QN_HINT_REALLOC, 0 },
	{ NULL,				0,  0,  0,  0, 0, 0 },
};

/* clang-format on */

/* Forms of operator new, behind _Znwm and its kin; a form with a pointer allocates nothing */
static int operator_new_kind(const char *name, struct alloc_kind *kind)
{
	static const struct {
		const char *rest;
		int align;
	} forms[] = {
		{ "", NO_ARG },
		{ "RKSt9nothrow_t", NO_ARG },
		{ "St11align_val_t", 1 },
		{ "St11align_val_tRKSt9nothrow_t", 1 },
		{ "12__hot_cold_t", NO_ARG },
		{ "RKSt9nothrow_t12__hot_cold_t", NO_ARG },
		{ "St11align_val_t12__hot_cold_t", 1 },
		{ "St11align_val_tRKSt9nothrow_t12__hot_cold_t", 1 },
	};

	if ((strncmp(name, "_Znw", 4) && strncmp(name, "_Zna", 4)) ||
	    !name[4] || !strchr("jmy", name[4]))
		return 0;
	for (const auto &form : forms)
		if (!strcmp(name + 5, form.rest)) {
			*kind = { name, 0, NO_ARG, form.align, NO_ARG, 0, 0 };
			return 1;
		}
	return 0;
}

/* Functions that the user named, one behind the other */
static struct alloc_kind *wrappers;
static size_t nr_wrappers;

/* A wrapper's name tells more: by custom, and a wrong guess does no harm */
static void add_wrapper(struct alloc_kind kind)
{
	if (strstr(kind.name, "realloc") || strstr(kind.name, "Realloc")) {
		kind.flags |= QN_HINT_REALLOC;
		kind.old = kind.size - 1;
	}
	if (strstr(kind.name, "calloc") || strstr(kind.name, "Calloc"))
		kind.flags |= QN_HINT_ZEROED;
	wrappers = (struct alloc_kind *)QN_GROW(wrappers, (nr_wrappers + 1) *
								  sizeof(kind));
	wrappers[nr_wrappers++] = kind;
}

/*
 * Take up wrappers of malloc from the user's list, NAME[:SIZE[:COUNT]] and so on with commas
 * between. Positions count from 1, as those of attribute alloc_size do. Return: 0 if the text
 * cannot be read.
 */
static int add_wrappers(const char *text)
{
	for (;;) {
		size_t name = strcspn(text, ":,");
		struct alloc_kind kind = {
			NULL, 0, NO_ARG, NO_ARG, NO_ARG, 0, 0
		};
		char *copy = (char *)QN_GROW(NULL, name + 1), *end;

		memcpy(copy, text, name);
		copy[name] = 0;
		kind.name = copy;
		text += name;
		if (*text == ':') {
			kind.size = (int)strtol(text + 1, &end, 10) - 1;
			text = end;
		}
		if (*text == ':') {
			kind.count = (int)strtol(text + 1, &end, 10) - 1;
			text = end;
			if (kind.count < 0)
				return 0;
		}
		if (!name || kind.size < 0 || (*text && *text != ','))
			return 0;
		add_wrapper(kind);
		if (!*text)
			return 1;
		text++;
	}
}

/* "__rust_alloc" of _RNvCsc4nToc8q2SY_7___rustc12___rust_alloc, as rustc mangles it */
static const char *rust_name(const char *name)
{
	const char *crate = strncmp(name, "_R", 2) ? NULL :
						     strstr(name, "7___rustc");
	const char *plain = crate ? strstr(crate + 9, "__rust_") : NULL;

	return plain ? plain : name;
}

/* What the function of that name allocates. Return: 0 if it is none that does. */
static int find_kind(const char *name, struct alloc_kind *kind)
{
	name = rust_name(name);
	for (size_t i = 0; i < nr_wrappers; i++)
		if (!strcmp(wrappers[i].name, name)) {
			*kind = wrappers[i];
			return 1;
		}
	for (size_t i = 0; alloc_kinds[i].name; i++)
		if (!strcmp(alloc_kinds[i].name, name)) {
			*kind = alloc_kinds[i];
			return 1;
		}
	return operator_new_kind(name, kind);
}

/*
 * The token of a site: a type has the same one everywhere, as clang's AllocToken has it. Types with
 * pointers are in the upper half of all tokens, and so are sites whose type is not known: it may
 * hold some. @most is how many tokens there are; 0: as many as a size_t of @bits bits has values.
 */
static inline uint64_t token_of(const struct qn_hint *h, uint64_t most,
				unsigned int bits)
{
	uint64_t half = most ? most / 2 : (uint64_t)1 << (bits - 1);
	uint32_t upper = QN_HINT_HAS_POINTERS | QN_HINT_TYPED;

	if (most == 1)
		return 0;
	return h->type_hash % half +
	       ((h->flags & upper) == QN_HINT_TYPED ? 0 : half);
}

/* Does the function of that name have a twin that takes a token: __alloc_token_NAME */
static inline int takes_token(const char *name)
{
	static const char *const known[] = { "malloc",        "calloc",
					     "realloc",       "reallocarray",
					     "aligned_alloc", "memalign",
					     "valloc",        "pvalloc",
					     "posix_memalign" };
	struct alloc_kind kind;

	for (const char *other : known)
		if (!strcmp(other, name))
			return 1;
	return operator_new_kind(name, &kind) && !strstr(name, "__hot_cold_t");
}

/* Which argument of the function of that name is freed; NO_ARG if it frees nothing */
static int freed_arg(const char *name)
{
	static const char *const first[] = {
		"free",          "cfree",      "qn_free",
		"vPortFree",     "free_sized", "free_aligned_sized",
		"__rust_dealloc"
	};

	name = rust_name(name);
	if (!strncmp(name, "_ZdlPv", 6) || !strncmp(name, "_ZdaPv", 6))
		return 0;
	for (const char *known : first)
		if (!strcmp(known, name))
			return 0;
	return strcmp(name, "qn_heap_free") ? NO_ARG : 1;
}

/* --- numbers ---------------------------------------------------------------- */

/* From @least to @most, both included */
struct span {
	uint64_t least;
	uint64_t most;
};

static const struct span any_span = { 0, UINT64_MAX };

static uint64_t times(uint64_t a, uint64_t b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static struct span span_times(struct span a, struct span b)
{
	return { times(a.least, b.least), times(a.most, b.most) };
}

static uint32_t hint_hash(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	return hash;
}

/* Write a span of sizes into a record, with the flags that it makes */
static void set_sizes(struct qn_hint *h, struct span sizes)
{
	if (sizes.most != sizes.least && sizes.most > BOUND_MOST)
		sizes.most = UINT64_MAX;
	h->size_min = sizes.least < QN_HINT_UNKNOWN ? (uint32_t)sizes.least :
						      QN_HINT_UNKNOWN - 1;
	if (sizes.most == UINT64_MAX && sizes.least != UINT64_MAX) {
		h->size_max = QN_HINT_UNKNOWN;
		return;
	}
	h->size_max = sizes.most < QN_HINT_UNKNOWN ? (uint32_t)sizes.most :
						     QN_HINT_UNKNOWN - 1;
	h->flags |= h->size_min == h->size_max ? QN_HINT_CONST : QN_HINT_RANGE;
}

/* Sixteenths of an execution, as a record has them */
static uint16_t freq_of(double times_a_call)
{
	double freq = times_a_call * QN_HINT_ONCE;

	if (!(freq >= 1))
		return 1;
	return freq < UINT16_MAX ? (uint16_t)freq : UINT16_MAX;
}

static uint8_t log2_of(uint64_t align)
{
	uint8_t log2 = 0;

	while (align > 1 && log2 < 31) {
		align >>= 1;
		log2++;
	}
	return log2;
}

/* --- records ---------------------------------------------------------------- */

/**
 * struct records - those of a translation unit
 * @at, @nr:	the records
 * @names:	what the hashes are of, each ended by 0, one behind the other
 * @bytes:	of @names
 */
struct records {
	struct qn_hint *at;
	size_t nr;
	size_t room;
	char *names;
	size_t bytes;
};

static void add_name(struct records *r, const char *name)
{
	size_t size = strlen(name) + 1, at = 0;

	for (; at < r->bytes; at += strlen(r->names + at) + 1)
		if (!strcmp(r->names + at, name))
			return;
	r->names = (char *)QN_GROW(r->names, r->bytes + size);
	memcpy(r->names + r->bytes, name, size);
	r->bytes += size;
}

/* Take up a record; its hash is set to the name's, a type's or a function's */
static void add_record(struct records *r, struct qn_hint *h, const char *name)
{
	if (r->nr == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->at = (struct qn_hint *)QN_GROW(r->at, r->room * sizeof(*h));
	}
	h->type_hash = hint_hash(name);
	add_name(r, name);
	r->at[r->nr++] = *h;
}

/* By all fields but freq, which is 0 in the copies */
static int compare_records(const void *a, const void *b)
{
	struct qn_hint x = *(const struct qn_hint *)a;
	struct qn_hint y = *(const struct qn_hint *)b;
	const uint32_t keys[][2] = {
		{ x.size_min, y.size_min },
		{ x.size_max, y.size_max },
		{ x.elem, y.elem },
		{ x.flags, y.flags },
		{ x.align_log2, y.align_log2 },
		{ x.loop_depth, y.loop_depth },
		{ x.type_hash, y.type_hash },
	};

	for (const auto &key : keys)
		if (key[0] != key[1])
			return key[0] < key[1] ? -1 : 1;
	return 0;
}

/* Make one of equal records, with the sum of how often they run */
static void merge_records(struct records *r)
{
	size_t kept = 0;

	if (!r->nr)
		return;
	qsort(r->at, r->nr, sizeof(*r->at), compare_records);
	for (size_t i = 1; i < r->nr; i++)
		if (compare_records(&r->at[kept], &r->at[i])) {
			r->at[++kept] = r->at[i];
		} else {
			uint32_t sum = r->at[kept].freq + r->at[i].freq;

			r->at[kept].freq =
				(uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
		}
	r->nr = kept + 1;
}

/* The names lie apart, where they take no memory and strip(1) finds them */
static void write_names(FILE *to, const struct records *r)
{
	fputs("\t.pushsection\t" QN_HINT_NAMES ",\"\"\n", to);
	for (size_t at = 0; at < r->bytes; at += strlen(r->names + at) + 1) {
		fputs("\t.asciz\t\"", to);
		for (const char *c = r->names + at; *c; c++)
			fprintf(to, strchr("\"\\", *c) ? "\\%c" : "%c", *c);
		fputs("\"\n", to);
	}
	fputs("\t.popsection\n", to);
}

/* The section, as text for the assembler */
static void write_records(FILE *to, struct records *r, unsigned int ptr_bits)
{
	merge_records(r);
	if (!r->nr)
		return;
	fprintf(to,
		"\t.pushsection\t" QN_HINT_SECTION ",\"aR\",%%note\n"
		"\t.p2align\t2\n"
		"\t.4byte\t%d, %zu, %d\n"
		"\t.asciz\t\"" QN_HINT_NAME "\"\n"
		"\t.p2align\t2\n"
		"\t.byte\t%d, %zu\n"
		"\t.2byte\t%u\n"
		"\t.4byte\t%zu\n",
		QN_HINT_NAMESZ, 8 + r->nr * sizeof(*r->at), QN_HINT_TYPE,
		QN_HINT_VERSION, sizeof(*r->at), ptr_bits, r->nr);
	for (size_t i = 0; i < r->nr; i++) {
		const struct qn_hint *h = &r->at[i];

		fprintf(to,
			"\t.4byte\t%u, %u, %u, %u\n"
			"\t.byte\t%u, %u\n"
			"\t.2byte\t%u\n"
			"\t.4byte\t%u\n",
			h->size_min, h->size_max, h->elem, h->flags,
			h->align_log2, h->loop_depth, h->freq, h->type_hash);
	}
	fputs("\t.popsection\n", to);
	write_names(to, r);
}

#endif /* QN_PLUGIN_SITES_H */
