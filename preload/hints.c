// SPDX-License-Identifier: MIT
/*
 * hints.c - where the hint records of a process lie (quern-hint.h): notes of the program and of
 * its libraries.
 *
 * Asked for by a program that has tokens, and not at its start (process-place.c). Others pay
 * nothing for it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>

#include "process/process.h"

/**
 * struct walk - through the modules of a process
 * @found:	told of each range of notes
 * @known:	modules that had been loaded when it was told last
 * @adds:	modules that were ever loaded
 */
struct walk {
	void (*found)(const void *notes, size_t size);
	u64 known;
	u64 adds;
};

/* A header may say anything: is what it says part of the file that was mapped for reading? */
static __apart bool is_mapped(const struct dl_phdr_info *info,
			      const ElfW(Phdr) * note)
{
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *load = &info->dlpi_phdr[i];

		if (load->p_type == PT_LOAD && load->p_flags & PF_R &&
		    note->p_vaddr >= load->p_vaddr &&
		    note->p_vaddr - load->p_vaddr <= load->p_filesz &&
		    note->p_memsz <=
			    load->p_filesz - (note->p_vaddr - load->p_vaddr))
			return true;
	}
	return false;
}

static __apart int module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct walk *w = arg;

	if (size >=
	    offsetof(struct dl_phdr_info, dlpi_adds) + sizeof(info->dlpi_adds))
		w->adds = info->dlpi_adds;
	if (w->adds == w->known)
		return 1;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		/* Those aligned to 8 are of another format */
		if (p->p_type == PT_NOTE && p->p_align <= 4 &&
		    is_mapped(info, p))
			w->found((const void *)(info->dlpi_addr + p->p_vaddr),
				 p->p_memsz);
	}
	return 0;
}

__apart u64 qn_process_notes(u64 known,
			     void (*found)(const void *notes, size_t size))
{
	struct walk w = { .found = found, .known = known };
	__typeof__(dl_iterate_phdr) *iterate;

	/* Called by its name it would be looked up at each start */
	*(void **)&iterate = dlsym(RTLD_DEFAULT, "dl_iterate_phdr");
	if (iterate)
		iterate(module, &w);
	return w.adds;
}
