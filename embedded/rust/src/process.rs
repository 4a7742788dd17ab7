// SPDX-License-Identifier: MIT
//! quern as the allocator of a Linux program.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use crate::stats::Stats;
use crate::{sys, ALIGN};

/// The heap of the process, as libquern.so has it, linked with the program.
///
/// Variable `QUERN_CONF` sets it up, as for any program under quern. The C library keeps its
/// malloc, so blocks of C and of Rust are of two heaps.
///
/// ```
/// #[global_allocator]
/// static HEAP: quern::Process = quern::Process;
///
/// let words: Vec<String> = (0..100).map(|i| i.to_string()).collect();
/// assert!(HEAP.stats().used > 0);
/// # drop(words);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Process {
    /// What the heap holds. Of its largest free run and of what is held it knows nothing: 0.
    pub fn stats(&self) -> Stats {
        let mut st = sys::qn_stats::default();

        // SAFETY: it fills the structure in
        unsafe { sys::qn_stats_get(&mut st) };
        st.into()
    }

    /// Returns free memory to the system now: true if there was some.
    pub fn trim(&self) -> bool {
        // SAFETY: it may be called at any time
        unsafe { sys::qn_trim() != 0 }
    }

    /// Says how scarce memory is, from 0 to 1024: at the highest level next to none is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Range`](crate::Error::Range), [`Error::Empty`](crate::Error::Empty) if the heap
    /// could not be made.
    pub fn set_pressure(&self, level: u32) -> Result<(), crate::Error> {
        // SAFETY: null is the heap of the process
        match -unsafe { sys::qn_pressure_set(ptr::null_mut(), level) } {
            0 => Ok(()),
            sys::ERANGE => Err(crate::Error::Range),
            _ => Err(crate::Error::Empty),
        }
    }
}

/// Refers to the start of the process's heap, so that linkers take it along
#[used]
static START: unsafe extern "C" fn() = sys::quern_rust_process;

// SAFETY: blocks are as long and lie as their layout asks, are apart from each other and stay
// where they are; nothing here panics
unsafe impl GlobalAlloc for Process {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: any size will do
            unsafe { sys::qn_malloc(layout.size()) }.cast()
        } else {
            // SAFETY: the alignment is a power of two
            unsafe { sys::qn_memalign(layout.align(), layout.size()) }.cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _layout: Layout) {
        // SAFETY: the block is of this heap
        unsafe { sys::qn_free(p.cast()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: any size will do
            return unsafe { sys::qn_calloc(1, layout.size()) }.cast();
        }
        // SAFETY: the layout is the caller's
        let p = unsafe { self.alloc(layout) };
        if !p.is_null() {
            // SAFETY: the block has so many bytes
            unsafe { ptr::write_bytes(p, 0, layout.size()) }
        }
        p
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: the block is of this heap
            unsafe { sys::qn_realloc(p.cast(), size) }.cast()
        } else {
            // SAFETY: the block is of this heap and has this layout
            unsafe { resize_aligned(p, layout, size) }
        }
    }
}

/// In place if the block is long enough and not twice as long, else elsewhere
///
/// # Safety
///
/// As of realloc of [`GlobalAlloc`].
#[cold]
unsafe fn resize_aligned(p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: the block is of this heap
    let room = unsafe { sys::qn_malloc_usable_size(p.cast()) };

    if size <= room && size > room / 2 {
        return p;
    }
    // SAFETY: the alignment is a power of two
    let to: *mut u8 = unsafe { sys::qn_memalign(layout.align(), size) }.cast();
    if !to.is_null() {
        // SAFETY: both blocks have so many bytes and are apart; nobody has the old one any more
        unsafe {
            ptr::copy_nonoverlapping(p, to, layout.size().min(size));
            sys::qn_free(p.cast());
        }
    }
    to
}
