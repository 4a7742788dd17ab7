// SPDX-License-Identifier: MIT
/*
 * symbols.c - functions of .symtab, or of .dynsym where that is stripped, sorted by
 * their addresses; lines and inlined functions by dwarf.c.
 *
 * A file is mapped and every number in it is checked before it is followed.
 */
#define _GNU_SOURCE 1
#include "symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demangle.h"
#include "dwarf.h"
#include "fail.h"
#include "text.h"

/* Bytes that a function without a size may have, as those in assembler are */
#define UNSIZED 4096

/**
 * struct symbol - a function
 * @at, @size:	of its code
 * @name:	in the mapped file, terminated
 */
struct symbol {
	u64 at;
	u64 size;
	const char *name;
};

/**
 * struct qn_symbols_image - a file
 * @module:	its name as it was asked for
 * @map, @size:	the file; NULL if it cannot be read
 * @symbols, @nr: by address
 * @dwarf:	its debug information, or NULL
 */
struct qn_symbols_image {
	char *module;
	const u8 *map;
	size_t size;
	struct symbol *symbols;
	u32 nr;
	struct qn_dwarf *dwarf;
};

/* ---- reading ELF ---- */

/* Return: what lies there, if it lies in the file as a whole and is aligned */
static const void *part(const struct qn_symbols_image *im, u64 at, u64 size)
{
	if (at > im->size || size > im->size - at || at % sizeof(void *))
		return NULL;
	return im->map + at;
}

static const ElfW(Ehdr) * elf_of(const struct qn_symbols_image *im)
{
	const ElfW(Ehdr) *e = part(im, 0, sizeof(*e));
	u8 class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;

	if (!e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_ident[EI_CLASS] != class ||
	    e->e_shentsize != sizeof(ElfW(Shdr)))
		return NULL;
	return e;
}

static void add_symbol(struct qn_symbols_image *im, const ElfW(Sym) * sym,
		       const char *names, u64 size)
{
	if ((sym->st_info & 15) != STT_FUNC || !sym->st_shndx ||
	    sym->st_name >= size ||
	    !memchr(names + sym->st_name, 0, size - sym->st_name))
		return;
	QN_GROW(im->symbols, im->nr);
	im->symbols[im->nr++] = (struct symbol){ sym->st_value, sym->st_size,
						 names + sym->st_name };
}

static void read_table(struct qn_symbols_image *im, const ElfW(Shdr) * sections,
		       u32 nr, const ElfW(Shdr) * table)
{
	const ElfW(Shdr) * strings;
	const ElfW(Sym) *syms = part(im, table->sh_offset, table->sh_size);
	const char *names;

	if (!syms || table->sh_link >= nr)
		return;
	strings = &sections[table->sh_link];
	if (strings->sh_offset > im->size ||
	    strings->sh_size > im->size - strings->sh_offset)
		return;
	names = (const char *)im->map + strings->sh_offset;
	for (u64 i = 0; i < table->sh_size / sizeof(*syms); i++)
		add_symbol(im, &syms[i], names, strings->sh_size);
}

/* Of names for one address the last is taken: strdup and not __strdup */
static int compare_symbols(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->at == y->at)
		return strcmp(x->name, y->name);
	return x->at > y->at ? 1 : -1;
}

static void read_symbols(struct qn_symbols_image *im)
{
	static const u32 kinds[] = { SHT_SYMTAB, SHT_DYNSYM };
	const ElfW(Ehdr) *e = elf_of(im);
	const ElfW(Shdr) * sections;

	if (!e)
		return;
	sections = part(im, e->e_shoff, (u64)e->e_shnum * sizeof(*sections));
	for (u32 k = 0; sections && k < ARRAY_SIZE(kinds) && !im->nr; k++)
		for (u32 i = 0; i < e->e_shnum; i++)
			if (sections[i].sh_type == kinds[k])
				read_table(im, sections, e->e_shnum,
					   &sections[i]);
	if (im->nr)
		qsort(im->symbols, im->nr, sizeof(*im->symbols),
		      compare_symbols);
}

static void map_image(struct qn_symbols_image *im, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			 0);
	close(fd);
	if (p == MAP_FAILED)
		return;
	im->map = p;
	im->size = (size_t)st.st_size;
	read_symbols(im);
}

/* ---- looking up ---- */

static struct qn_symbols_image *find_image(struct qn_symbols *s,
					   const char *module)
{
	struct qn_symbols_image *im;

	for (u32 i = 0; i < s->nr; i++)
		if (!strcmp(s->images[i].module, module))
			return &s->images[i];
	QN_GROW(s->images, s->nr);
	im = &s->images[s->nr++];
	*im = (struct qn_symbols_image){ .module = qn_xprintf("%s", module) };
	map_image(im, *module ? module : s->program);
	if (im->map && elf_of(im))
		im->dwarf = qn_dwarf_open(*module ? module : s->program);
	return im;
}

/* The function that the byte before a return address is of; NULL if there is none */
static const struct symbol *find_symbol(const struct qn_symbols_image *im,
					u64 offset)
{
	u32 low = 0, high = im->nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (im->symbols[middle].at < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || offset - im->symbols[low - 1].at >
			    (im->symbols[low - 1].size ?: UNSIZED))
		return NULL;
	return &im->symbols[low - 1];
}

static const char *name_of_file(const struct qn_symbols *s, const char *module)
{
	const char *name = *module ? module : s->program;
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* Does the part of a file's name, from its first dot on, tell machine and version only */
static bool is_tag(const char *part, size_t size)
{
	static const char abi[] = ".abi3", python[] = ".cpython-";
	const char *machine = memmem(part, size, "-linux-", 7);

	return machine || (size == strlen(abi) && !memcmp(part, abi, size)) ||
	       (size > strlen(python) && !memcmp(part, python, strlen(python)));
}

/* "_json.cpython-311-x86_64-linux-gnu.so" is "_json.so"; to be freed */
static char *make_brief(const char *name)
{
	const char *dot = strchr(name, '.'), *end = strrchr(name, '.');

	if (!dot || dot == name || dot == end || strcmp(end, ".so") ||
	    !is_tag(dot, (size_t)(end - dot)))
		return qn_xprintf("%s", name);
	return qn_xprintf("%.*s.so", (int)(dot - name), name);
}

void qn_symbols_text(struct qn_symbols *s, const char *module, u64 offset,
		     enum qn_symbols_form form, char *to, size_t room)
{
	const struct symbol *symbol;
	char *brief = NULL;
	const char *name;

	if (!module) {
		snprintf(to, room, "0x%" PRIx64, offset);
		return;
	}
	name = name_of_file(s, module);
	if (form == QN_SYMBOLS_SHORT)
		name = brief = make_brief(name);
	symbol = find_symbol(find_image(s, module), offset);
	if (symbol && form == QN_SYMBOLS_SHORT)
		snprintf(to, room, "%s", symbol->name);
	else if (symbol)
		snprintf(to, room, "%s+0x%" PRIx64 " (%s)", symbol->name,
			 offset - symbol->at, name);
	else if (offset)
		snprintf(to, room, "%s+0x%" PRIx64, name, offset);
	else
		snprintf(to, room, "%s", name);
	free(brief);
	qn_text_clean(to, room, to);
}

/* ---- frames ---- */

/* Printable, and kept until the end; takes @text, which may be NULL */
static const char *keep(struct qn_symbols *s, char *text)
{
	if (!text)
		return NULL;
	qn_text_clean(text, strlen(text) + 1, text);
	QN_GROW(s->texts, s->nr_texts);
	s->texts[s->nr_texts++] = text;
	return text;
}

static const char *keep_copy(struct qn_symbols *s, const char *text)
{
	return text ? keep(s, qn_xprintf("%s", text)) : NULL;
}

static const char *keep_unnamed(struct qn_symbols *s, const char *module,
				u64 offset)
{
	char text[300];

	qn_symbols_text(s, module, offset, QN_SYMBOLS_SHORT, text,
			sizeof(text));
	return keep_copy(s, text);
}

static void add_frame(struct qn_symbols *s, const char *module, u64 offset,
		      const char *function, const struct qn_dwarf_frame *d)
{
	QN_GROW(s->frames, s->nr_frames);
	s->frames[s->nr_frames++] = (struct qn_symbols_frame){
		.function = function ? keep(s, qn_demangle(function)) :
				       keep_unnamed(s, module, offset),
		.module = module ?
				  keep(s, make_brief(name_of_file(s, module))) :
				  "",
		.file = keep_copy(s, d->file),
		.line = d->line,
		.is_named = function != NULL,
	};
}

/* The outermost has its name in the symbol table: debug information may have a short one */
static void look_up(struct qn_symbols *s, const char *module, u64 offset)
{
	struct qn_dwarf_frame found[QN_SYMBOLS_INLINED] = { { .line = 0 } };
	const struct qn_symbols_image *im = module ? find_image(s, module) :
						     NULL;
	const struct symbol *symbol = im ? find_symbol(im, offset) : NULL;
	u32 nr = im && offset ? qn_dwarf_find(im->dwarf, offset - 1, found,
					      QN_SYMBOLS_INLINED) :
				0;

	nr = max(nr, 1u);
	if (symbol)
		found[nr - 1].function = symbol->name;
	for (u32 i = 0; i < nr; i++) {
		add_frame(s, module, offset, found[i].function, &found[i]);
		s->frames[s->nr_frames - 1].is_inlined = i + 1 < nr;
	}
}

/* The place of an address, or the one that it would have */
static struct qn_symbols_known *place_of(const struct qn_symbols *s, u32 image,
					 u64 offset)
{
	u64 hash = (offset ^ (u64)image << 52) * 0x9e3779b97f4a7c15ull;
	u32 i = (u32)(hash >> 32);

	for (;; i++) {
		struct qn_symbols_known *k = &s->known[i & (s->room_known - 1)];

		if (!k->image || (k->image == image && k->offset == offset))
			return k;
	}
}

static void more_known(struct qn_symbols *s)
{
	struct qn_symbols_known *old = s->known;
	u32 nr = s->room_known;

	s->room_known = nr ? 2 * nr : 256;
	s->known = qn_xrealloc(NULL, s->room_known * sizeof(*old));
	memset(s->known, 0, s->room_known * sizeof(*old));
	for (u32 i = 0; i < nr; i++)
		if (old[i].image)
			*place_of(s, old[i].image, old[i].offset) = old[i];
	free(old);
}

/* Addresses of no file have a number behind those of files */
static u32 image_of(struct qn_symbols *s, const char *module)
{
	return module ? (u32)(find_image(s, module) - s->images) + 1 :
			UINT32_MAX;
}

u32 qn_symbols_find(struct qn_symbols *s, const char *module, u64 offset,
		    struct qn_symbols_frame *frames)
{
	u32 image = image_of(s, module);
	struct qn_symbols_known *k;

	if (2 * s->nr_known >= s->room_known)
		more_known(s);
	k = place_of(s, image, offset);
	if (!k->image) {
		*k = (struct qn_symbols_known){ offset, image, s->nr_frames,
						0 };
		look_up(s, module, offset);
		k->nr = s->nr_frames - k->first;
		s->nr_known++;
	}
	memcpy(frames, &s->frames[k->first], k->nr * sizeof(*frames));
	return k->nr;
}

void qn_symbols_init(struct qn_symbols *s, const char *program, size_t size)
{
	*s = (struct qn_symbols){ .program = qn_xprintf("%.*s", (int)size,
							program) };
}

void qn_symbols_exit(struct qn_symbols *s)
{
	for (u32 i = 0; i < s->nr; i++) {
		struct qn_symbols_image *im = &s->images[i];

		if (im->map)
			munmap((void *)(uintptr_t)im->map, im->size);
		qn_dwarf_close(im->dwarf);
		free(im->symbols);
		free(im->module);
	}
	for (u32 i = 0; i < s->nr_texts; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->frames);
	free(s->known);
	free(s->images);
	free(s->program);
}
