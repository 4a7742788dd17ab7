// SPDX-License-Identifier: MIT
//! The crate quern as a heap under measurement: bench/rust/subject-rust.c has these functions.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

use quern::{LocalHeap, ALIGN};

// SAFETY: an image has one thread, and no interrupt that allocates
static HEAP: LocalHeap = unsafe { LocalHeap::new() };

/// A layout as the callers in C have it: the heap looks at no size of a block that it frees
const fn layout(align: usize, size: usize) -> Layout {
    // SAFETY: alignments are powers of two, and no size is near half of all memory
    unsafe { Layout::from_size_align_unchecked(size, align) }
}

/// # Safety
///
/// Nobody else uses the memory.
#[no_mangle]
unsafe extern "C" fn rust_init(mem: *mut u8, size: usize) -> bool {
    // SAFETY: as the caller promises
    unsafe { HEAP.init_raw(mem, size) }.is_ok()
}

#[no_mangle]
extern "C" fn rust_alloc(_heap: *mut c_void, size: usize) -> *mut u8 {
    // SAFETY: no size is 0
    unsafe { HEAP.alloc(layout(ALIGN, size)) }
}

#[no_mangle]
extern "C" fn rust_aligned(_heap: *mut c_void, align: usize, size: usize) -> *mut u8 {
    // SAFETY: no size is 0
    unsafe { HEAP.alloc(layout(align, size)) }
}

/// # Safety
///
/// The block is of this heap.
#[no_mangle]
unsafe extern "C" fn rust_resize(_heap: *mut c_void, p: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as the caller promises
    unsafe { HEAP.realloc(p, layout(ALIGN, 1), size) }
}

/// # Safety
///
/// The block is of this heap.
#[no_mangle]
unsafe extern "C" fn rust_free(_heap: *mut c_void, p: *mut u8) {
    // SAFETY: as the caller promises
    unsafe { HEAP.dealloc(p, layout(ALIGN, 1)) }
}

#[no_mangle]
extern "C" fn rust_is_sound() -> bool {
    HEAP.check().is_ok()
}
