// SPDX-License-Identifier: MIT
//! A heap of one's own as the global allocator, by the lock that the features choose. All that the
//! test programs themselves allocate is of it too.
#![cfg(any(feature = "spin", feature = "critical-section"))]

extern crate alloc as std_alloc;

mod exercise;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

/// A heap that has its memory before anything asks for some
struct Global(quern::Heap);

static MEMORY: quern::Memory<{ 64 << 20 }> = quern::Memory::new();

#[global_allocator]
static HEAP: Global = Global(quern::Heap::empty());

// SAFETY: as the heap within
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those asked for
        let p = unsafe { self.0.alloc(layout) };

        if !p.is_null() {
            return p;
        }
        if let Some(memory) = MEMORY.take() {
            self.0.init(memory).unwrap();
        }
        // Another thread may be in init()
        while self.0.brief().free == 0 {}
        // SAFETY: as above
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: as above
        unsafe { self.0.dealloc(p, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above. A first request is not for zeroes
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above
        unsafe { self.0.realloc(p, layout, size) }
    }
}

/// How many are in a critical section, and how many were
static INSIDE: AtomicU32 = AtomicU32::new(0);
static SECTIONS: AtomicU32 = AtomicU32::new(0);

quern::critical_section! {
    acquire: || {
        while INSIDE.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            std::hint::spin_loop();
        }
        SECTIONS.fetch_add(1, Ordering::Relaxed) | 1
    },
    release: |token| {
        assert!(token & 1 == 1);
        INSIDE.store(0, Ordering::Release);
    },
}

#[test]
fn the_features_lock_is_taken() {
    let before = SECTIONS.load(Ordering::Relaxed);

    drop(std::hint::black_box(Box::new(1)));
    let sections = SECTIONS.load(Ordering::Relaxed) - before;
    // Other tests run beside it
    assert_eq!(sections >= 2, cfg!(feature = "critical-section"));
}

#[test]
fn what_programs_do() {
    // The same on the target: see tests/rust/firmware/src/lib.rs
    assert_eq!(exercise::programs(), exercise::collections(2000));
}

#[test]
fn threads_share_one_heap() {
    let (sender, receiver) = mpsc::channel::<Vec<String>>();
    let workers: Vec<_> = (0..4u32)
        .map(|nr| {
            let sender = sender.clone();
            thread::spawn(move || {
                exercise::sequence(&HEAP, nr + 1, 3000, 60, 500);
                for i in 0..100 {
                    sender
                        .send((0..i % 17).map(|n| format!("{nr} {i} {n}")).collect())
                        .unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for words in receiver {
        *lengths.entry(words.len()).or_default() += 1;
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(lengths.len(), 17);
    assert_eq!(lengths.values().sum::<usize>(), 400);
    HEAP.0.check().unwrap();
}

#[test]
fn arcs_are_freed_by_the_last_thread() {
    let value = Arc::new(Mutex::new(HashMap::new()));

    thread::scope(|scope| {
        for nr in 0..4 {
            let value = value.clone();
            scope.spawn(move || {
                for i in 0..500 {
                    value.lock().unwrap().insert((nr, i), vec![nr; i % 50]);
                }
            });
        }
    });
    let map = Arc::into_inner(value).unwrap().into_inner().unwrap();
    assert_eq!(map.len(), 2000);
    assert!(map
        .iter()
        .all(|((nr, i), v)| v.len() == i % 50 && v.iter().all(|n| n == nr)));
}

#[test]
fn a_panic_unwinds_over_it() {
    std::panic::set_hook(Box::new(|_| ()));
    let result = thread::spawn(|| {
        let _kept = vec![1; 1000];
        panic!("on purpose");
    })
    .join();
    let _ = std::panic::take_hook();

    assert!(result.is_err());
    HEAP.0.check().unwrap();
}
