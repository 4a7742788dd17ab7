// SPDX-License-Identifier: MIT
/*
 * names.c - see names.h. The dynamic linker has looked the names up: what it found
 * stands where this library's own calls find it.
 *
 * Comparing the address of malloc would not do: in a program that is linked to a
 * fixed place and uses that address, it is one in the program.
 */
#include <link.h>
#include <string.h>

#include "names.h"
#include "process/process.h"

#if defined(__aarch64__)
#define JUMP_SLOT R_AARCH64_JUMP_SLOT
#else
#define JUMP_SLOT R_X86_64_JUMP_SLOT
#endif

/* Not all C libraries declare it */
extern ElfW(Dyn) _DYNAMIC[] __attribute__((visibility("hidden")));
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

struct qn_names qn_names = {
	QN_PROCESS_READY_END, true, true, false, false, false
};

static uintptr_t dynamic(ElfW(Sxword) tag)
{
	const ElfW(Dyn) *d = _DYNAMIC;

	while (d->d_tag != tag && d->d_tag != DT_NULL)
		d++;
	return d->d_un.d_val;
}

/* An address there; glibc has added where the library lies, others have not */
static const void *address(ElfW(Sxword) tag)
{
	uintptr_t base = (uintptr_t)__ehdr_start, at = dynamic(tag);

	return (const void *)(at < base ? base + at : at);
}

/* @name: one that this library calls itself, by way of the dynamic linker */
static bool is_own(const char *name)
{
	const ElfW(Rela) *r = address(DT_JMPREL);
	const ElfW(Rela) *end = r + dynamic(DT_PLTRELSZ) / sizeof(*r);
	const ElfW(Sym) *symbols = address(DT_SYMTAB);
	const char *strings = address(DT_STRTAB);

	for (; r < end; r++) {
		const ElfW(Sym) *s = &symbols[ELF64_R_SYM(r->r_info)];

		if (ELF64_R_TYPE(r->r_info) == JUMP_SLOT &&
		    !strcmp(strings + s->st_name, name))
			return *(const uintptr_t *)(__ehdr_start +
						    r->r_offset) ==
			       (uintptr_t)(__ehdr_start + s->st_value);
	}
	return true;
}

void qn_names_start(void)
{
	qn_names.is_aligned_own = is_own("aligned_alloc");
	qn_names.is_malloc_own = is_own("malloc") && is_own("free");
	if (qn_names.is_malloc_own)
		return;
	qn_names.ready_end = 0;
	qn_process_leave_operators();
}
