// SPDX-License-Identifier: MIT
/*
 * elf.c - what an ELF file says of itself.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "elf.h"

#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#else
#define OWN_MACHINE EM_NONE
#endif

/* What lies there, if it lies in the file as a whole and is aligned */
static const void *part(const struct qn_elf *e, u64 at, u64 size)
{
	if (at > e->size || size > e->size - at || at % sizeof(void *))
		return NULL;
	return e->map + at;
}

/* A terminated text at an offset of a table, or NULL */
static const char *string_at(const struct qn_elf *e, u64 table, u64 size,
			     u64 at)
{
	if (table > e->size || size > e->size - table || at >= size ||
	    !memchr(e->map + table + at, 0, size - at))
		return NULL;
	return (const char *)e->map + table + at;
}

static int read_header(struct qn_elf *e)
{
	const ElfW(Ehdr) *h = part(e, 0, sizeof(*h));
	u64 size;

	if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	e->class = h->e_ident[EI_CLASS];
	/* In both word sizes at the same place */
	e->machine = h->e_machine;
	if (e->class != OWN_CLASS)
		return 0;
	e->header = h;
	size = (u64)h->e_shnum * sizeof(*e->sections);
	if (h->e_shentsize == sizeof(*e->sections))
		e->sections = part(e, h->e_shoff, size);
	e->nr_sections = e->sections ? h->e_shnum : 0;
	return 0;
}

int qn_elf_open(struct qn_elf *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	void *map;
	int err;

	*e = (struct qn_elf){ 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		close(fd);
		return -ENOEXEC;
	}
	e->size = (size_t)st.st_size;
	map = mmap(NULL, e->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -errno;
	e->map = map;
	err = read_header(e);
	if (err)
		qn_elf_close(e);
	return err;
}

void qn_elf_close(struct qn_elf *e)
{
	if (e->map)
		munmap((void *)(uintptr_t)e->map, e->size);
	*e = (struct qn_elf){ 0 };
}

bool qn_elf_is_native(const struct qn_elf *e)
{
	return e->class == OWN_CLASS &&
	       (OWN_MACHINE == EM_NONE || e->machine == OWN_MACHINE);
}

const char *qn_elf_loader(const struct qn_elf *e)
{
	const ElfW(Phdr) * headers;
	u64 nr = e->header ? e->header->e_phnum : 0;

	headers = nr && e->header->e_phentsize == sizeof(*headers) ?
			  part(e, e->header->e_phoff, nr * sizeof(*headers)) :
			  NULL;
	if (!headers)
		return NULL;
	for (u64 i = 0; i < nr; i++)
		if (headers[i].p_type == PT_INTERP)
			return string_at(e, headers[i].p_offset,
					 headers[i].p_filesz, 0);
	return "";
}

/* ---- symbols ---- */

/* Return: the number of symbols; 0 where it is no table of them */
static u64 table_of(const struct qn_elf *e, const ElfW(Shdr) * section,
		    const ElfW(Sym) * *symbols)
{
	if ((section->sh_type != SHT_DYNSYM &&
	     section->sh_type != SHT_SYMTAB) ||
	    section->sh_link >= e->nr_sections)
		return 0;
	*symbols = part(e, section->sh_offset, section->sh_size);
	return *symbols ? section->sh_size / sizeof(**symbols) : 0;
}

static const char *name_of(const struct qn_elf *e, const ElfW(Shdr) * section,
			   const ElfW(Sym) * symbol)
{
	const ElfW(Shdr) *names = &e->sections[section->sh_link];

	return string_at(e, names->sh_offset, names->sh_size, symbol->st_name);
}

static bool table_defines(const struct qn_elf *e, const ElfW(Shdr) * section,
			  const char *name)
{
	const ElfW(Sym) *symbols = NULL;
	u64 nr = table_of(e, section, &symbols);
	const char *own;

	for (u64 i = 0; i < nr; i++) {
		if (!symbols[i].st_shndx || !symbols[i].st_value)
			continue;
		own = name_of(e, section, &symbols[i]);
		if (own && !strcmp(own, name))
			return true;
	}
	return false;
}

bool qn_elf_defines(const struct qn_elf *e, const char *name, bool is_dynamic)
{
	for (u32 i = 0; i < e->nr_sections; i++)
		if ((!is_dynamic || e->sections[i].sh_type == SHT_DYNSYM) &&
		    table_defines(e, &e->sections[i], name))
			return true;
	return false;
}

static bool table_mentions(const struct qn_elf *e, const ElfW(Shdr) * section,
			   const char *prefix)
{
	const ElfW(Sym) *symbols = NULL;
	u64 nr = table_of(e, section, &symbols);
	size_t size = strlen(prefix);
	const char *own;

	for (u64 i = 0; i < nr; i++) {
		own = name_of(e, section, &symbols[i]);
		if (own && !strncmp(own, prefix, size))
			return true;
	}
	return false;
}

bool qn_elf_mentions(const struct qn_elf *e, const char *prefix)
{
	for (u32 i = 0; i < e->nr_sections; i++)
		if (table_mentions(e, &e->sections[i], prefix))
			return true;
	return false;
}

bool qn_elf_contains(const struct qn_elf *e, const char *text)
{
	return memmem(e->map, e->size, text, strlen(text)) != NULL;
}

bool qn_elf_has_section(const struct qn_elf *e, const char *name)
{
	const ElfW(Shdr) * names;
	const char *own;

	if (!e->header || e->header->e_shstrndx >= e->nr_sections)
		return false;
	names = &e->sections[e->header->e_shstrndx];
	for (u32 i = 0; i < e->nr_sections; i++) {
		own = string_at(e, names->sh_offset, names->sh_size,
				e->sections[i].sh_name);
		if (own && !strcmp(own, name))
			return true;
	}
	return false;
}
