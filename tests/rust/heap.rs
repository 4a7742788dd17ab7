// SPDX-License-Identifier: MIT
//! A heap of one's own, by its functions: what GlobalAlloc promises, zones, figures, misuse.

extern crate alloc as std_alloc;

mod exercise;

use std::alloc::{GlobalAlloc, Layout};
use std::mem::MaybeUninit;
use std::process::Command;

use quern::{Error, Heap, Policy, Zone, ALIGN};

fn memory(size: usize) -> &'static mut [MaybeUninit<u8>] {
    vec![MaybeUninit::uninit(); size].leak()
}

fn heap(size: usize) -> Heap {
    let heap = Heap::empty();

    heap.init(memory(size)).unwrap();
    heap
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// A seed of its own each run, or that of QUERN_SEED: printed, so that a failure can be repeated
fn seeds(nr: u32) -> impl Iterator<Item = u32> {
    let first = std::env::var("QUERN_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let first = first.unwrap_or_else(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .subsec_nanos()
    });

    println!("QUERN_SEED={first}");
    (0..nr).map(move |i| first.wrapping_add(i))
}

#[test]
fn random_sequences() {
    for seed in seeds(20) {
        let heap = heap(64 << 10);

        exercise::sequence(&heap, seed, 3000, 100, 600);
        heap.check().unwrap();
        assert_eq!((heap.used(), heap.stats().blocks), (0, 0), "seed {seed}");
    }
}

#[test]
fn random_sequences_that_run_out() {
    let mut failures = 0;

    for seed in seeds(20) {
        let heap = heap(16 << 10);
        let tally = exercise::sequence(&heap, seed, 3000, 100, 2000);

        heap.check().unwrap();
        failures += tally.failures;
        assert_eq!(heap.stats().failures, tally.failures, "seed {seed}");
        assert_eq!(heap.used(), 0, "seed {seed}");
    }
    assert!(failures > 0);
}

#[test]
fn random_sequences_while_it_learns() {
    for seed in seeds(10) {
        let heap = heap(64 << 10);

        for part in 0..50 {
            exercise::sequence(&heap, seed ^ part << 16, 200, 60, 300);
            heap.step();
        }
        heap.check().unwrap();
        assert_eq!(heap.used(), 0, "seed {seed}");
    }
}

#[test]
fn every_alignment() {
    let heap = heap(1 << 20);

    for shift in 0..=16 {
        for size in [1, 7, 64, 1000] {
            let layout = layout(size, 1 << shift);
            // SAFETY: the sizes are not 0, and the blocks are of these layouts
            unsafe {
                let p = heap.alloc(layout);
                assert_eq!(p as usize % layout.align(), 0);
                p.write_bytes(0x5a, size);
                let p = heap.realloc(p, layout, 3 * size);
                assert_eq!(p as usize % layout.align(), 0);
                assert_eq!(*p.add(size - 1), 0x5a);
                heap.dealloc(
                    p,
                    Layout::from_size_align(3 * size, layout.align()).unwrap(),
                );
            }
        }
    }
    assert_eq!(heap.used(), 0);
}

#[test]
fn a_block_grows_in_place() {
    let heap = heap(64 << 10);
    let first = layout(100, 8);

    // SAFETY: the sizes are not 0, and the blocks are of these layouts
    unsafe {
        let p = heap.alloc(first);
        assert_eq!(heap.realloc(p, first, 10_000), p);
        assert_eq!(heap.realloc(p, layout(10_000, 8), 50), p);
        heap.dealloc(p, layout(50, 8));
        let wide = layout(100, 64);
        let p = heap.alloc(wide);
        assert_eq!(heap.realloc(p, wide, 10_000), p);
        heap.dealloc(p, layout(10_000, 64));
    }
}

#[test]
fn zeroed_memory_was_not_zero_before() {
    let heap = heap(64 << 10);

    for align in [1, 64] {
        let layout = layout(500, align);
        // SAFETY: the size is not 0, and the blocks are of this layout
        unsafe {
            let p = heap.alloc(layout);
            p.write_bytes(0xff, 500);
            heap.dealloc(p, layout);
            let q = heap.alloc_zeroed(layout);
            assert!(std::slice::from_raw_parts(q, 500)
                .iter()
                .all(|byte| *byte == 0));
            heap.dealloc(q, layout);
        }
    }
}

#[test]
fn an_empty_heap_serves_nothing() {
    let heap = Heap::empty();

    // SAFETY: the size is not 0
    assert!(unsafe { heap.alloc(layout(1, 1)) }.is_null());
    // SAFETY: as above
    assert!(unsafe { heap.alloc_zeroed(layout(1, 64)) }.is_null());
    assert_eq!(heap.stats(), quern::Stats::default());
    assert_eq!(heap.brief(), quern::Brief::default());
    assert!(heap.zone_stats(0).is_none());
    assert!(!heap.step());
    assert_eq!(heap.check(), Ok(()));
    assert_eq!(heap.set_policy(Policy::Fixed), Err(Error::Empty));
    assert_eq!(heap.add_zone(memory(4096), Zone::PLAIN), Err(Error::Empty));
    assert!(heap.dma_buffer(1).is_none());
}

#[test]
fn memory_that_is_refused() {
    let heap = Heap::empty();

    assert_eq!(heap.init(memory(10)), Err(Error::TooSmall));
    assert_eq!(heap.init(memory(64 << 10)), Ok(()));
    assert_eq!(heap.init(memory(64 << 10)), Err(Error::NotEmpty));
    assert_eq!(heap.add_zone(memory(10), Zone::PLAIN), Err(Error::TooSmall));
    for _ in 0..3 {
        assert_eq!(heap.add_zone(memory(8192), Zone::PLAIN), Ok(()));
    }
    assert_eq!(
        heap.add_zone(memory(8192), Zone::PLAIN),
        Err(Error::TooManyZones)
    );
    let own = heap.zone_stats(0).unwrap().start;
    // SAFETY: the heap refuses memory that it has
    assert_eq!(
        unsafe { heap.add_zone_raw(own, 8192, Zone::PLAIN) },
        Err(Error::Invalid)
    );
}

#[test]
fn zones_and_their_flags() {
    let heap = heap(16 << 10);
    let ccm = memory(16 << 10);
    let bounds = ccm.as_ptr_range();
    let is_ccm = |p: *const u8| bounds.contains(&p.cast());

    heap.add_zone(ccm, Zone::NO_DMA | Zone::FIRST).unwrap();
    // SAFETY: the size is not 0
    let p = unsafe { heap.alloc(layout(100, 8)) };
    assert!(is_ccm(p));
    let mut buffers = Vec::new();
    while let Some(mut buffer) = heap.dma_buffer(1000) {
        assert!(!is_ccm(buffer.as_ptr()));
        assert!(buffer.iter().all(|byte| *byte == 0));
        buffer.fill(0xff);
        buffers.push(buffer);
    }
    assert!((8..16).contains(&buffers.len()));
    assert!(heap.zone_stats(0).unwrap().free > 8000);
    drop(buffers);
    assert_eq!(heap.zone_stats(1).unwrap().used, 0);
    assert!(heap.dma_buffer(0).is_some());
    // SAFETY: the block is of this heap
    unsafe { heap.dealloc(p, layout(100, 8)) };
    assert_eq!(heap.used(), 0);
}

#[test]
fn figures() {
    let heap = heap(64 << 10);
    // SAFETY: the sizes are not 0
    let (p, q) = unsafe { (heap.alloc(layout(1000, 8)), heap.alloc(layout(2000, 8))) };

    let st = heap.stats();
    assert_eq!(st.used, 1008usize.next_multiple_of(ALIGN) + 2000);
    assert_eq!((st.peak, st.blocks, st.failures), (st.used, 2, 0));
    assert_eq!(st.used + st.free + st.metadata, st.size);
    assert!(st.largest_free <= st.free && st.free < 64 << 10);
    // SAFETY: the blocks are of this heap
    unsafe { heap.dealloc(q, layout(2000, 8)) };
    assert_eq!(heap.brief().peak, st.peak);
    heap.reset_peak();
    assert_eq!(heap.brief().peak, heap.used());
    // SAFETY: the size is not 0
    assert!(unsafe { heap.alloc(layout(1 << 20, 8)) }.is_null());
    assert_eq!(heap.stats().failures, 1);
    // SAFETY: the block is of this heap
    unsafe { heap.dealloc(p, layout(1000, 8)) };
    assert_eq!(heap.used() + heap.free() + st.metadata, st.size);
}

#[test]
fn settings() {
    let heap = heap(64 << 10);

    assert_eq!(heap.set_policy(Policy::Fixed), Ok(()));
    assert_eq!(heap.set_knob(c"held_part", 12), Ok(()));
    assert_eq!(heap.set_knob(c"no such knob", 1), Err(Error::Invalid));
    assert_eq!(heap.set_knob(c"held_part", usize::MAX), Err(Error::Range));
    assert_eq!(heap.set_pressure(1024), Ok(()));
    assert_eq!(heap.set_pressure(1025), Err(Error::Range));
}

#[test]
fn a_hook_is_asked_first() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    static HEAP: quern::LocalHeap = {
        // SAFETY: this test alone uses it, in one thread
        unsafe { quern::LocalHeap::new() }
    };

    HEAP.init(memory(16 << 10)).unwrap();
    // SAFETY: the size is not 0
    KEPT.store(
        unsafe { HEAP.alloc(layout(8000, 8)) } as usize,
        Ordering::Relaxed,
    );
    HEAP.set_hook(Some(|size| {
        ASKED.store(size, Ordering::Relaxed);
        let kept = KEPT.swap(0, Ordering::Relaxed) as *mut u8;
        if !kept.is_null() {
            // SAFETY: it is the block from above, once
            unsafe { HEAP.dealloc(kept, layout(8000, 8)) };
        }
        !kept.is_null()
    }))
    .unwrap();
    // SAFETY: the size is not 0
    assert!(!unsafe { HEAP.alloc(layout(9000, 8)) }.is_null());
    assert_eq!(ASKED.load(Ordering::Relaxed), 9000);
    // SAFETY: as above
    assert!(unsafe { HEAP.alloc(layout(9001, 8)) }.is_null());
    assert_eq!(ASKED.load(Ordering::Relaxed), 9001);
    HEAP.set_hook(None).unwrap();
    // SAFETY: as above
    assert!(unsafe { HEAP.alloc(layout(9002, 8)) }.is_null());
    assert_eq!(ASKED.load(Ordering::Relaxed), 9001);
}

/// The same as on the target: x-rust-target.sh compares
#[test]
fn collections_and_their_checksum() {
    println!("collections {:#010x}", exercise::collections(2000));
}

/// Runs one of the tests below in a process of its own
fn said(misuse: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", misuse])
        .output()
        .unwrap();

    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn misuse_stops_the_program() {
    for (misuse, message) in [
        ("frees_twice", "quern: freed twice"),
        (
            "frees_what_is_no_block",
            "quern: not memory of this heap: 0x",
        ),
    ] {
        let (survived, text) = said(misuse);

        assert!(!survived, "{misuse}");
        assert!(text.contains(message), "{misuse}: {text}");
    }
}

#[test]
#[ignore = "it stops the program"]
fn frees_twice() {
    let heap = heap(16 << 10);

    // SAFETY: none, it is the misuse that is to be found
    unsafe {
        let p = heap.alloc(layout(100, 8));
        heap.dealloc(p, layout(100, 8));
        heap.dealloc(p, layout(100, 8));
    }
}

#[test]
#[ignore = "it stops the program"]
fn frees_what_is_no_block() {
    let heap = heap(16 << 10);

    // SAFETY: none, it is the misuse that is to be found
    unsafe {
        heap.dealloc(
            Box::leak(Box::new(1u64)) as *mut u64 as *mut u8,
            layout(8, 8),
        )
    };
}
