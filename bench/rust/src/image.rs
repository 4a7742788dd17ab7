// SPDX-License-Identifier: MIT
//! bench/paper/app.h in Rust: the application of an image, over the heap that main() measures.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use core::fmt::{self, Write};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use crate::pipeline::{Config, Pipeline};

/// struct heap_ops of embedded/heap-ops.h
#[repr(C)]
struct HeapOps {
    heap: *mut c_void,
    alloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut u8,
    free: unsafe extern "C" fn(*mut c_void, *mut u8),
    realloc: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> *mut u8,
    step: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
}

/// struct app_result of bench/paper/app.h
#[repr(C)]
struct AppResult {
    peak: u32,
    peak_nr: u32,
    checksum: u32,
    nr_failed: u32,
    is_bad: bool,
}

extern "C" {
    fn print_write(to: c_int, text: *const u8, size: usize);
    fn semihost_exit(status: c_int) -> !;
}

/// The heap of C, and what is asked of it. An image has one thread and no interrupts.
struct Heap {
    ops: AtomicPtr<HeapOps>,
    live: AtomicUsize,
    nr_live: AtomicUsize,
    peak: AtomicUsize,
    peak_nr: AtomicUsize,
    nr_failed: AtomicUsize,
}

#[global_allocator]
static HEAP: Heap = Heap {
    ops: AtomicPtr::new(ptr::null_mut()),
    live: AtomicUsize::new(0),
    nr_live: AtomicUsize::new(0),
    peak: AtomicUsize::new(0),
    peak_nr: AtomicUsize::new(0),
    nr_failed: AtomicUsize::new(0),
};

impl Heap {
    fn ops(&self) -> &HeapOps {
        // SAFETY: app_init() has set it, to a structure that stays
        unsafe { &*self.ops.load(Relaxed) }
    }

    /// A block is there, or none
    fn account(&self, p: *mut u8, more: usize, fewer: usize, nr: usize) {
        if p.is_null() {
            self.nr_failed
                .store(self.nr_failed.load(Relaxed) + 1, Relaxed);
            return;
        }
        let live = self.live.load(Relaxed) + more - fewer;

        self.live.store(live, Relaxed);
        self.nr_live.store(self.nr_live.load(Relaxed) + nr, Relaxed);
        if live > self.peak.load(Relaxed) {
            self.peak.store(live, Relaxed);
            self.peak_nr.store(self.nr_live.load(Relaxed), Relaxed);
        }
    }
}

// SAFETY: the heaps of bench/paper align blocks to 8 bytes, and no type here wants more
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let ops = self.ops();
        // SAFETY: main()'s heap is there
        let p = unsafe { (ops.alloc)(ops.heap, layout.size()) };

        self.account(p, layout.size(), 0, 1);
        p
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        let ops = self.ops();

        self.live
            .store(self.live.load(Relaxed) - layout.size(), Relaxed);
        self.nr_live.store(self.nr_live.load(Relaxed) - 1, Relaxed);
        // SAFETY: the block is of that heap
        unsafe { (ops.free)(ops.heap, p) }
    }

    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let ops = self.ops();
        // SAFETY: the block is of that heap
        let p = unsafe { (ops.realloc)(ops.heap, p, size) };

        self.account(p, size, layout.size(), 0);
        p
    }
}

struct Console(c_int);

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: embedded/console.c reads the text
        unsafe { print_write(self.0, text.as_ptr(), text.len()) };
        Ok(())
    }
}

/// A heap that ran out ends the trial as it ends one in C: status 3
#[panic_handler]
fn stop(info: &core::panic::PanicInfo) -> ! {
    let is_full = HEAP.nr_failed.load(Relaxed) > 0;

    let _ = if is_full {
        writeln!(Console(0), "fits=0")
    } else {
        writeln!(Console(1), "{info}")
    };
    // SAFETY: it ends the run
    unsafe { semihost_exit(if is_full { 3 } else { 1 }) }
}

static mut PIPELINE: Option<Pipeline> = None;

/// # Safety
///
/// By main(), once, before the others. `ops` stays.
#[no_mangle]
unsafe extern "C" fn app_init(config: *const Config, ops: *mut HeapOps, _base: *const c_void) {
    HEAP.ops.store(ops, Relaxed);
    // SAFETY: main() is the one thread, and hands over a configuration
    unsafe { PIPELINE = Some(Pipeline::new(*config)) }
}

/// # Safety
///
/// By main(), between the others.
#[no_mangle]
unsafe extern "C" fn app_tick() -> bool {
    // SAFETY: main() is the one thread
    let Some(pipeline) = (unsafe { (*(&raw mut PIPELINE)).as_mut() }) else {
        return false;
    };
    let goes_on = pipeline.tick();
    let ops = HEAP.ops();

    if let (true, Some(step)) = (pipeline.is_idle(), ops.step) {
        // SAFETY: main()'s heap is there
        unsafe { step(ops.heap) };
    }
    goes_on
}

/// # Safety
///
/// By main(), once, behind the others.
#[no_mangle]
unsafe extern "C" fn app_exit(result: *mut AppResult) {
    // SAFETY: main() is the one thread
    let checksum = unsafe { (*(&raw mut PIPELINE)).take() }.and_then(Pipeline::finish);
    let figure = |of: &AtomicUsize| of.load(Relaxed) as u32;

    // SAFETY: it is main()'s, to be filled in
    unsafe {
        *result = AppResult {
            peak: figure(&HEAP.peak),
            peak_nr: figure(&HEAP.peak_nr),
            checksum: checksum.unwrap_or(0),
            nr_failed: figure(&HEAP.nr_failed),
            is_bad: checksum.is_none() || figure(&HEAP.live) + figure(&HEAP.nr_live) != 0,
        }
    }
}
