// SPDX-License-Identifier: MIT
//! lib/quern.h as Rust sees it.
#![allow(non_camel_case_types)]

use core::ffi::{c_char, c_int, c_long, c_uint, c_void};

/// A heap, known by its address alone
#[repr(C)]
pub struct qn_heap {
    _private: [u8; 0],
}

/// A pool, the same
#[repr(C)]
pub struct qn_pool {
    _private: [u8; 0],
}

/// Of lib/port/port.h; all zero is free
#[cfg(quern_locked)]
#[repr(C)]
pub struct qn_lock {
    pub word: u32,
}

#[repr(C)]
#[derive(Default)]
pub struct qn_stats {
    pub size: usize,
    pub metadata: usize,
    pub live: usize,
    pub peak_live: usize,
    pub requested: usize,
    pub internal: usize,
    pub free: usize,
    pub largest_free: usize,
    pub external: usize,
    pub held: usize,
    pub nr_allocs: usize,
    pub nr_frees: usize,
    pub nr_live: usize,
    pub nr_failed: usize,
    pub nr_samples: usize,
    pub nr_tables: usize,
    pub nr_squeezed: usize,
}

#[repr(C)]
#[derive(Default)]
pub struct qn_brief {
    pub live: usize,
    pub peak_live: usize,
    pub free: usize,
    pub largest_free: usize,
    pub fragmentation: c_uint,
}

#[repr(C)]
pub struct qn_zone_stats {
    pub start: *mut c_void,
    pub size: usize,
    pub used: usize,
    pub held: usize,
    pub free: usize,
    pub largest_free: usize,
    pub flags: c_uint,
}

#[repr(C)]
pub struct qn_arena {
    pub at: *mut c_char,
    pub end: *mut c_char,
    pub chunks: *mut c_void,
    pub fixed: *mut c_char,
    pub chunk: usize,
    pub get: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub put: Option<unsafe extern "C" fn(*mut c_void, *mut c_void)>,
    pub arg: *mut c_void,
}

/// Of lib/base/strtab.h
#[repr(C)]
pub struct qn_strtab {
    pub slots: *mut u32,
    pub nr_slots: u32,
    pub text: *mut c_char,
    pub places: *mut u32,
    pub nr: u32,
    pub used: u32,
}

pub const QN_ALLOC_ZERO: c_uint = 1;
pub const QN_ALLOC_DMA: c_uint = 2;
pub const QN_ZONE_NODMA: c_uint = 1;
pub const QN_ZONE_FIRST: c_uint = 2;
/// QN_ZONE_HAS(0), QN_ALLOC_NEEDS(0)
pub const QN_ZONE_HAS_0: c_uint = 8;

/// Numbers of errno.h that functions return, the same in glibc and newlib
pub const ERANGE: c_int = 34;
pub const EMFILE: c_int = 24;
pub const ENOSPC: c_int = 28;

extern "C" {
    pub fn qn_heap_init(mem: *mut c_void, size: usize) -> *mut qn_heap;
    pub fn qn_heap_add_zone(h: *mut qn_heap, mem: *mut c_void, size: usize, flags: c_uint)
        -> c_int;
    pub fn qn_heap_alloc(h: *mut qn_heap, size: usize) -> *mut c_void;
    pub fn qn_heap_alloc_aligned(h: *mut qn_heap, align: usize, size: usize) -> *mut c_void;
    pub fn qn_heap_alloc_flags(h: *mut qn_heap, size: usize, flags: c_uint) -> *mut c_void;
    pub fn qn_heap_realloc(h: *mut qn_heap, p: *mut c_void, size: usize) -> *mut c_void;
    pub fn qn_heap_realloc_aligned(
        h: *mut qn_heap,
        p: *mut c_void,
        align: usize,
        size: usize,
    ) -> *mut c_void;
    pub fn qn_heap_free(h: *mut qn_heap, p: *mut c_void);
    pub fn qn_heap_stats(h: *mut qn_heap, st: *mut qn_stats) -> c_int;
    pub fn qn_heap_brief(h: *mut qn_heap, brief: *mut qn_brief) -> c_int;
    pub fn qn_heap_zone_stats(h: *mut qn_heap, nr: c_uint, st: *mut qn_zone_stats) -> c_int;
    pub fn qn_heap_reset_peak(h: *mut qn_heap);
    pub fn qn_heap_step(h: *mut qn_heap) -> c_int;
    pub fn qn_heap_set_policy(h: *mut qn_heap, name: *const c_char) -> c_int;
    pub fn qn_heap_set_knob(h: *mut qn_heap, name: *const c_char, value: usize) -> c_int;
    pub fn qn_pressure_set(h: *mut qn_heap, level: c_uint) -> c_int;
    pub fn qn_heap_set_hook(
        h: *mut qn_heap,
        hook: Option<unsafe extern "C" fn(*mut c_void, usize) -> bool>,
        arg: *mut c_void,
    );
    pub fn qn_heap_check(h: *mut qn_heap) -> c_int;
    pub fn qn_heap_error(h: *const qn_heap) -> *const c_char;

    pub fn qn_pool_init(mem: *mut c_void, size: usize, osize: usize) -> *mut qn_pool;
    pub fn qn_pool_alloc(pool: *mut qn_pool) -> *mut c_void;
    pub fn qn_pool_free(pool: *mut qn_pool, p: *mut c_void);
    pub fn qn_pool_nr(pool: *const qn_pool) -> usize;
    pub fn qn_pool_nr_free(pool: *const qn_pool) -> usize;
    pub fn qn_pool_least_free(pool: *const qn_pool) -> usize;

    pub fn qn_arena_init_heap(a: *mut qn_arena, h: *mut qn_heap, chunk: usize);
    pub fn qn_arena_init_fixed(a: *mut qn_arena, mem: *mut c_void, size: usize);
    pub fn qn_arena_alloc_aligned(a: *mut qn_arena, align: usize, size: usize) -> *mut c_void;
    pub fn qn_arena_grow(
        a: *mut qn_arena,
        p: *mut c_void,
        old_size: usize,
        size: usize,
    ) -> *mut c_void;
    pub fn qn_arena_reset(a: *mut qn_arena);

    pub fn qn_strtab_init(t: *mut qn_strtab, mem: *mut c_void, size: usize, most: u32) -> c_int;
    pub fn qn_strtab_put(t: *mut qn_strtab, text: *const c_char, size: usize) -> c_long;
    pub fn qn_strtab_get(t: *const qn_strtab, nr: u32) -> *const c_char;

    #[cfg(quern_locked)]
    pub fn qn_port_lock(lock: *mut qn_lock);
    #[cfg(quern_locked)]
    pub fn qn_port_unlock(lock: *mut qn_lock);
}

#[cfg(feature = "std")]
extern "C" {
    pub fn quern_rust_process();
    pub fn qn_malloc(size: usize) -> *mut c_void;
    pub fn qn_calloc(n: usize, size: usize) -> *mut c_void;
    pub fn qn_realloc(p: *mut c_void, size: usize) -> *mut c_void;
    pub fn qn_memalign(align: usize, size: usize) -> *mut c_void;
    pub fn qn_free(p: *mut c_void);
    pub fn qn_malloc_usable_size(p: *const c_void) -> usize;
    pub fn qn_trim() -> c_int;
    pub fn qn_stats_get(st: *mut qn_stats) -> c_int;
}
