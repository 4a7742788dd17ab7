// SPDX-License-Identifier: MIT
/*
 * hint-file.c - the hint records of an ELF file.
 *
 * An object has them in a section. So has each linked file, unless it was stripped of its
 * headers of sections: then they are in a segment of notes.
 */
#include "hint-file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "hint/record.h"

/**
 * struct part - a section or a segment, of either word size
 * @is_notes:	it has notes, which are padded to 4 bytes
 * @name:	offset in the table of names, of a section
 * @at, @size:	in the file
 */
struct part {
	bool is_notes;
	u32 name;
	u64 at;
	u64 size;
};

/**
 * struct head - a file's header, of either word size
 * @is_wide:	64 bits
 * @segments, @nr_segments, @sections, @nr_sections: its two tables
 * @names:	section with the names of sections
 */
struct head {
	bool is_wide;
	u64 segments;
	u32 nr_segments;
	u64 sections;
	u32 nr_sections;
	u32 names;
};

static bool is_inside(const struct qn_elf *e, u64 at, u64 size)
{
	return at <= e->size && size <= e->size - at;
}

/* A copy of what lies there, which need not be aligned; false if it is not all in the file */
static bool copy(const struct qn_elf *e, u64 at, void *to, size_t size)
{
	if (!is_inside(e, at, size))
		return false;
	memcpy(to, e->map + at, size);
	return true;
}

static bool read_head32(const struct qn_elf *e, struct head *head)
{
	Elf32_Ehdr h;

	if (!copy(e, 0, &h, sizeof(h)))
		return false;
	*head = (struct head){ false,     h.e_phoff, h.e_phnum,
			       h.e_shoff, h.e_shnum, h.e_shstrndx };
	return (!h.e_phnum || h.e_phentsize == sizeof(Elf32_Phdr)) &&
	       (!h.e_shnum || h.e_shentsize == sizeof(Elf32_Shdr));
}

static bool read_head64(const struct qn_elf *e, struct head *head)
{
	Elf64_Ehdr h;

	if (!copy(e, 0, &h, sizeof(h)))
		return false;
	*head = (struct head){ true,      h.e_phoff, h.e_phnum,
			       h.e_shoff, h.e_shnum, h.e_shstrndx };
	return (!h.e_phnum || h.e_phentsize == sizeof(Elf64_Phdr)) &&
	       (!h.e_shnum || h.e_shentsize == sizeof(Elf64_Shdr));
}

static bool read_section(const struct qn_elf *e, const struct head *head,
			 u32 nr, struct part *p)
{
	Elf32_Shdr s32;
	Elf64_Shdr s64;

	if (nr >= head->nr_sections)
		return false;
	if (!head->is_wide) {
		if (!copy(e, head->sections + (u64)nr * sizeof(s32), &s32,
			  sizeof(s32)))
			return false;
		*p = (struct part){ s32.sh_type == SHT_NOTE &&
					    s32.sh_addralign <= 4,
				    s32.sh_name, s32.sh_offset, s32.sh_size };
		return s32.sh_type == SHT_NOBITS ||
		       is_inside(e, p->at, p->size);
	}
	if (!copy(e, head->sections + (u64)nr * sizeof(s64), &s64, sizeof(s64)))
		return false;
	*p = (struct part){ s64.sh_type == SHT_NOTE && s64.sh_addralign <= 4,
			    s64.sh_name, s64.sh_offset, s64.sh_size };
	return s64.sh_type == SHT_NOBITS || is_inside(e, p->at, p->size);
}

static bool read_segment(const struct qn_elf *e, const struct head *head,
			 u32 nr, struct part *p)
{
	Elf32_Phdr p32;
	Elf64_Phdr p64;

	if (!head->is_wide) {
		if (!copy(e, head->segments + (u64)nr * sizeof(p32), &p32,
			  sizeof(p32)))
			return false;
		*p = (struct part){ p32.p_type == PT_NOTE && p32.p_align <= 4,
				    0, p32.p_offset, p32.p_filesz };
	} else {
		if (!copy(e, head->segments + (u64)nr * sizeof(p64), &p64,
			  sizeof(p64)))
			return false;
		*p = (struct part){ p64.p_type == PT_NOTE && p64.p_align <= 4,
				    0, p64.p_offset, p64.p_filesz };
	}
	return !p->is_notes || is_inside(e, p->at, p->size);
}

/* ---- records ---- */

static void add(struct qn_hint_file *f, const struct qn_hint *h)
{
	QN_GROW(f->at, f->nr);
	f->at[f->nr++] = (struct qn_hint_entry){ *h, 1, h->freq, NULL };
	f->nr_records++;
}

static void read_notes(struct qn_hint_file *f, const struct part *p)
{
	struct qn_hint_reader r;
	struct qn_hint h;

	qn_hint_reader_init(&r, f->elf.map + p->at, (size_t)p->size);
	while (qn_hint_reader_next(&r, &h)) {
		f->ptr_bits = r.ptr_bits;
		add(f, &h);
	}
	f->nr_other += r.nr_other;
	f->nr_bad += r.nr_bad;
}

static int compare(const void *a, const void *b)
{
	const struct qn_hint *x = &((const struct qn_hint_entry *)a)->hint;
	const struct qn_hint *y = &((const struct qn_hint_entry *)b)->hint;

	if (x->size_max != y->size_max)
		return x->size_max < y->size_max ? -1 : 1;
	if (x->size_min != y->size_min)
		return x->size_min < y->size_min ? -1 : 1;
	if (x->type_hash != y->type_hash)
		return x->type_hash < y->type_hash ? -1 : 1;
	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	if (x->elem != y->elem)
		return x->elem < y->elem ? -1 : 1;
	if (x->align_log2 != y->align_log2)
		return x->align_log2 < y->align_log2 ? -1 : 1;
	return x->loop_depth - y->loop_depth;
}

/* An inline function of a header has a site in each object that includes it */
static void merge(struct qn_hint_file *f)
{
	u32 kept = 0;

	if (!f->nr)
		return;
	qsort(f->at, f->nr, sizeof(*f->at), compare);
	for (u32 i = 1; i < f->nr; i++)
		if (compare(&f->at[kept], &f->at[i])) {
			f->at[++kept] = f->at[i];
		} else {
			f->at[kept].nr++;
			f->at[kept].weight += f->at[i].weight;
		}
	f->nr = kept + 1;
}

/* ---- names ---- */

static bool is_called(const struct qn_elf *e, const struct part *names, u32 at,
		      const char *wanted)
{
	size_t size = strlen(wanted) + 1;

	return at < names->size && size <= names->size - at &&
	       !memcmp(e->map + names->at + at, wanted, size);
}

static void give_name(struct qn_hint_file *f, const char *name)
{
	u32 hash = qn_hint_hash(name);

	for (u32 i = 0; i < f->nr; i++)
		if (f->at[i].hint.type_hash == hash)
			f->at[i].name = name;
}

static void read_names(struct qn_hint_file *f, const struct part *p)
{
	const char *at = (const char *)f->elf.map + p->at;
	const char *end = at + p->size, *zero;

	for (; (zero = memchr(at, 0, (size_t)(end - at))); at = zero + 1) {
		give_name(f, at);
		/* Written by hand: "struct node" */
		if (strchr(at, ' '))
			give_name(f, strchr(at, ' ') + 1);
	}
}

static bool find_names(struct qn_hint_file *f, const struct head *head)
{
	struct part names, p;

	if (!head->nr_sections ||
	    !read_section(&f->elf, head, head->names, &names))
		return false;
	for (u32 i = 0; i < head->nr_sections; i++)
		if (read_section(&f->elf, head, i, &p) &&
		    is_called(&f->elf, &names, p.name, QN_HINT_NAMES))
			read_names(f, &p);
	return true;
}

/* ---- the file ---- */

static bool read_parts(struct qn_hint_file *f, const struct head *head)
{
	bool is_whole = true;
	struct part p;

	for (u32 i = 0; i < head->nr_sections; i++) {
		if (!read_section(&f->elf, head, i, &p))
			is_whole = false;
		else if (p.is_notes)
			read_notes(f, &p);
	}
	for (u32 i = 0; i < head->nr_segments && !f->nr; i++) {
		if (!read_segment(&f->elf, head, i, &p))
			is_whole = false;
		else if (p.is_notes)
			read_notes(f, &p);
	}
	merge(f);
	if (f->nr && !find_names(f, head) && head->nr_sections)
		is_whole = false;
	return is_whole;
}

int qn_hint_file_read(struct qn_hint_file *f)
{
	const struct qn_elf *e = &f->elf;
	struct head head;
	bool is_sound;

	if (e->size < EI_NIDENT)
		return -EBADMSG;
	if (e->map[EI_DATA] != ELFDATA2LSB)
		return -ENOTSUP;
	is_sound = e->map[EI_CLASS] == ELFCLASS64 ? read_head64(e, &head) :
						    read_head32(e, &head);
	is_sound = is_sound && read_parts(f, &head);
	f->is_damaged = !is_sound || f->nr_bad;
	return f->is_damaged && !f->nr ? -EBADMSG : 0;
}

static void say(const struct qn_hint_file *f, const char *path, int err)
{
	if (err == -ENOTSUP)
		qn_error("%s is for a machine of the other byte order, which "
			 "this command does not read",
			 path);
	else if (err)
		qn_error("%s is damaged: its ELF headers or notes point "
			 "outside of it",
			 path);
	else if (f->is_damaged)
		qn_error("%s is damaged; the records that could be read follow",
			 path);
}

int qn_hint_file_open(struct qn_hint_file *f, const char *path)
{
	int err;

	*f = (struct qn_hint_file){ 0 };
	err = qn_elf_open(&f->elf, path);
	if (err == -ENOEXEC)
		qn_error("%s is no ELF file: give an object, a program, a "
			 "library or an image of firmware",
			 path);
	else if (err)
		qn_error_read(path, err);
	if (err)
		return err;
	err = qn_hint_file_read(f);
	say(f, path, err);
	if (err)
		qn_hint_file_close(f);
	return err;
}

void qn_hint_file_close(struct qn_hint_file *f)
{
	free(f->at);
	qn_elf_close(&f->elf);
	*f = (struct qn_hint_file){ 0 };
}
