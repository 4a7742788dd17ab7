// SPDX-License-Identifier: MIT
/*
 * subject-rust.c - the heap of the crate quern, by the calls of Rust's programs: GlobalAlloc.
 *
 * The functions are in bench/rust/src/subject.rs.
 */
#include "subject.h"

bool rust_init(void *mem, size_t size);
void *rust_alloc(void *heap, size_t size);
void *rust_aligned(void *heap, size_t align, size_t size);
void *rust_resize(void *heap, void *p, size_t size);
void rust_free(void *heap, void *p);
bool rust_is_sound(void);

static void *init(void *mem, size_t size, const struct subject_setup *setup)
{
	(void)setup;
	return rust_init(mem, size) ? mem : NULL;
}

static const char *check(void *heap)
{
	(void)heap;
	return rust_is_sound() ? NULL : "the heap of Rust is damaged";
}

const struct subject subject = {
	.name = "quern_rust",
	.alloc = rust_alloc,
	.alloc_aligned = rust_aligned,
	.resize = rust_resize,
	.free = rust_free,
	.init = init,
	.check = check,
};
