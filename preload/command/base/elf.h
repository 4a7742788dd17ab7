/* SPDX-License-Identifier: MIT */
/*
 * elf.h - what an ELF file says of itself: for which machine it is, which symbols it has,
 * which libraries it needs.
 *
 * A file is mapped, and every number in it is checked before it is followed.
 */
#ifndef QN_ELF_H
#define QN_ELF_H

#include <elf.h>
#include <link.h>
#include "base/compiler.h"

/**
 * struct qn_elf - a mapped file
 * @map, @size:	its bytes
 * @header:	of it; NULL: it is of another word size, and only @class and @machine hold
 * @sections, @nr_sections: NULL and 0 where there are none that can be read
 */
struct qn_elf {
	const u8 *map;
	size_t size;
	const ElfW(Ehdr) * header;
	const ElfW(Shdr) * sections;
	u32 nr_sections;
	u8 class;
	u16 machine;
};

/* Return: 0, or -errno; -ENOEXEC: it is no ELF file */
int qn_elf_open(struct qn_elf *e, const char *path);
void qn_elf_close(struct qn_elf *e);

/* Is it for the machine and the word size of this command */
bool qn_elf_is_native(const struct qn_elf *e);

/* The loader that it names, "" if it names none, NULL if that cannot be told */
const char *qn_elf_loader(const struct qn_elf *e);

/**
 * qn_elf_defines() - does it have a symbol of its own
 * @is_dynamic:	the symbol is one that libraries see; else any counts, unless the file
 *		is stripped
 */
bool qn_elf_defines(const struct qn_elf *e, const char *name, bool is_dynamic);

/* Does it define, or ask others for, a symbol that begins so */
bool qn_elf_mentions(const struct qn_elf *e, const char *prefix);

/* Do its bytes hold this text */
bool qn_elf_contains(const struct qn_elf *e, const char *text);

bool qn_elf_has_section(const struct qn_elf *e, const char *name);

#endif /* QN_ELF_H */
