// SPDX-License-Identifier: MIT
/*
 * dwarf.c - one file is one session of libdwfl, laid out from address 0 on, so that its
 * addresses are the linker's.
 *
 * The functions of a unit are listed by their addresses when it is asked for first.
 */
#define _GNU_SOURCE 1
#include "dwarf.h"

#ifndef QN_HAVE_DW

struct qn_dwarf *qn_dwarf_open(const char *path)
{
	(void)path;
	return NULL;
}

void qn_dwarf_close(struct qn_dwarf *d)
{
	(void)d;
}

u32 qn_dwarf_find(struct qn_dwarf *d, u64 at, struct qn_dwarf_frame *frames,
		  u32 most)
{
	(void)d;
	(void)at;
	(void)frames;
	(void)most;
	return 0;
}

#else

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* Functions and blocks around an address at most */
#define SCOPES_MOST 256u

/**
 * struct function - one stretch of a function's code
 */
struct function {
	u64 low;
	u64 high;
	Dwarf_Die die;
};

/**
 * struct unit - a unit that was asked for
 * @offset:	which
 * @functions, @nr: by their addresses
 */
struct unit {
	Dwarf_Off offset;
	struct function *functions;
	u32 nr;
};

/**
 * struct qn_dwarf - one file
 * @dwfl, @module: the session, and the only file of it
 * @units, @nr_units: those that were asked for
 * @names, @nr_names: texts that were made here
 */
struct qn_dwarf {
	Dwfl *dwfl;
	Dwfl_Module *module;
	struct unit *units;
	u32 nr_units;
	char **names;
	u32 nr_names;
};

/**
 * struct scopes - what is around an address, the outermost first
 */
struct scopes {
	Dwarf_Die at[SCOPES_MOST];
	u32 nr;
};

struct qn_dwarf *qn_dwarf_open(const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	struct qn_dwarf *d = qn_xrealloc(NULL, sizeof(*d));

	*d = (struct qn_dwarf){ .dwfl = dwfl_begin(&callbacks) };
	if (d->dwfl) {
		dwfl_report_begin(d->dwfl);
		d->module = dwfl_report_elf(d->dwfl, path, path, -1, 0, true);
		dwfl_report_end(d->dwfl, NULL, NULL);
	}
	if (d->module)
		return d;
	qn_dwarf_close(d);
	return NULL;
}

void qn_dwarf_close(struct qn_dwarf *d)
{
	if (!d)
		return;
	if (d->dwfl)
		dwfl_end(d->dwfl);
	for (u32 i = 0; i < d->nr_names; i++)
		free(d->names[i]);
	free(d->names);
	for (u32 i = 0; i < d->nr_units; i++)
		free(d->units[i].functions);
	free(d->units);
	free(d);
}

/* ---- names ---- */

static const char *text_of(Dwarf_Die *die, unsigned int kind)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr_integrate(die, kind, &attribute));
}

/* The one that says where a function stands in the source: the end of the references */
static Dwarf_Die declaration_of(const Dwarf_Die *die)
{
	static const unsigned int kinds[] = { DW_AT_abstract_origin,
					      DW_AT_specification };
	Dwarf_Die at = *die, next;
	Dwarf_Attribute attribute;
	bool goes_on = true;

	for (int steps = 0; goes_on && steps < 8; steps++) {
		goes_on = false;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (dwarf_formref_die(dwarf_attr(&at, kinds[i],
							 &attribute),
					      &next)) {
				at = next;
				goes_on = true;
			}
	}
	return at;
}

static bool has_name(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* "shop::Tree<int>::grow", of a function that no symbol table has */
static const char *qualified(struct qn_dwarf *d, const Dwarf_Die *die,
			     const char *name)
{
	Dwarf_Die declaration = declaration_of(die), *scopes = NULL;
	int nr = dwarf_getscopes_die(&declaration, &scopes);
	char *text = qn_xprintf("%s", name);

	for (int i = 1; i < nr; i++) {
		const char *around = dwarf_diename(&scopes[i]);
		int tag = dwarf_tag(&scopes[i]);
		char *longer;

		if (!has_name(tag) && tag != DW_TAG_subprogram)
			continue;
		if (!around)
			around = !strncmp(name, "operator", 8) &&
						 tag != DW_TAG_namespace ?
					 "{lambda}" :
					 "{anonymous}";
		longer = qn_xprintf("%s::%s", around, text);
		free(text);
		text = longer;
	}
	free(scopes);
	QN_GROW(d->names, d->nr_names);
	d->names[d->nr_names++] = text;
	return text;
}

/* A function's name as the linker has it, or made from what the source says */
static const char *name_of(struct qn_dwarf *d, Dwarf_Die *die)
{
	const char *name = text_of(die, DW_AT_linkage_name) ?:
				   text_of(die, DW_AT_MIPS_linkage_name);

	if (name)
		return name;
	name = text_of(die, DW_AT_name);
	return name ? qualified(d, die, name) : NULL;
}

/* ---- what is at an address ---- */

/* Where the function of @die was called, into the frame around it */
static void note_call(Dwarf_Die *die, Dwarf_Die *cu,
		      struct qn_dwarf_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file = 0, line = 0;
	Dwarf_Files *files;
	size_t nr;

	dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file);
	dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line);
	if (!file || dwarf_getsrcfiles(cu, &files, &nr) || file >= nr)
		return;
	frame->file = dwarf_filesrc(files, file, NULL, NULL);
	frame->line = (u32)line;
}

static void add_function(struct unit *u, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		QN_GROW(u->functions, u->nr);
		u->functions[u->nr++] = (struct function){ low, high, *die };
	}
}

static void add_functions(struct unit *u, Dwarf_Die *around)
{
	Dwarf_Die die;

	if (dwarf_child(around, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		if (has_name(tag))
			add_functions(u, &die);
		else if (tag == DW_TAG_subprogram)
			add_function(u, &die);
	} while (!dwarf_siblingof(&die, &die));
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static const struct unit *unit_of(struct qn_dwarf *d, Dwarf_Die *cu)
{
	Dwarf_Off offset = dwarf_dieoffset(cu);
	struct unit *u;

	for (u32 i = 0; i < d->nr_units; i++)
		if (d->units[i].offset == offset)
			return &d->units[i];
	QN_GROW(d->units, d->nr_units);
	u = &d->units[d->nr_units++];
	*u = (struct unit){ .offset = offset };
	add_functions(u, cu);
	if (u->nr)
		qsort(u->functions, u->nr, sizeof(*u->functions),
		      compare_functions);
	return u;
}

/* The function at an address, or NULL */
static const struct function *function_at(const struct unit *u, u64 pc)
{
	u32 low = 0, high = u->nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (u->functions[middle].low <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && pc < u->functions[low - 1].high ? &u->functions[low - 1] :
							NULL;
}

/*
 * What is inlined within. libdw's own dwarf_getscopes() gives up where an inlined
 * function was declared in another unit, as most of Rust's were.
 */
static bool find_scopes(Dwarf_Die *around, Dwarf_Addr pc, struct scopes *s)
{
	Dwarf_Die die;

	if (dwarf_child(around, &die) || s->nr == SCOPES_MOST)
		return false;
	do {
		int tag = dwarf_tag(&die);

		if ((tag == DW_TAG_inlined_subroutine ||
		     tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
		     tag == DW_TAG_catch_block) &&
		    dwarf_haspc(&die, pc) > 0) {
			s->at[s->nr++] = die;
			find_scopes(&die, pc, s);
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static u32 put_scopes(struct qn_dwarf *d, Dwarf_Die *cu, struct scopes *s,
		      struct qn_dwarf_frame *frames, u32 most)
{
	u32 found = 0;

	for (u32 i = s->nr; i-- > 0 && found < most;) {
		int tag = dwarf_tag(&s->at[i]);

		if (tag != DW_TAG_subprogram &&
		    tag != DW_TAG_inlined_subroutine)
			continue;
		frames[found++].function = name_of(d, &s->at[i]);
		if (tag == DW_TAG_subprogram)
			break;
		if (found < most) {
			frames[found] = (struct qn_dwarf_frame){ .line = 0 };
			note_call(&s->at[i], cu, &frames[found]);
		}
	}
	return found;
}

u32 qn_dwarf_find(struct qn_dwarf *d, u64 at, struct qn_dwarf_frame *frames,
		  u32 most)
{
	Dwarf_Addr bias = 0;
	const struct function *function;
	struct scopes scopes;
	Dwarf_Die *cu;
	Dwfl_Line *line;
	int number = 0;
	u32 found;

	scopes.nr = 0;
	if (!d || !most)
		return 0;
	cu = dwfl_module_addrdie(d->module, at, &bias);
	if (!cu)
		return 0;
	frames[0] = (struct qn_dwarf_frame){ .line = 0 };
	line = dwfl_module_getsrc(d->module, at);
	if (line)
		frames[0].file =
			dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL);
	frames[0].line = (u32)number;
	function = function_at(unit_of(d, cu), at - bias);
	if (function) {
		scopes.at[scopes.nr++] = function->die;
		find_scopes(&scopes.at[0], at - bias, &scopes);
	}
	found = put_scopes(d, cu, &scopes, frames, most);
	return found ?: frames[0].file != NULL;
}

#endif
