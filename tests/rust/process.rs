// SPDX-License-Identifier: MIT
//! quern as the allocator of a Linux program: all that this test program allocates is of it.

extern crate alloc as std_alloc;

mod exercise;

use std::alloc::{GlobalAlloc, Layout};
use std::panic::{self, AssertUnwindSafe};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static HEAP: quern::Process = quern::Process;

#[test]
fn what_programs_do() {
    assert_eq!(exercise::programs(), exercise::collections(2000));
}

#[test]
fn random_sequences_in_threads() {
    let workers: Vec<_> = (1..=4)
        .map(|seed| {
            thread::spawn(move || {
                exercise::sequence(&HEAP, seed, 5000, 100, 600);
                exercise::sequence(&HEAP, seed, 500, 20, 300_000)
            })
        })
        .collect();

    for worker in workers {
        assert_eq!(worker.join().unwrap().failures, 0);
    }
}

#[test]
fn blocks_are_freed_by_other_threads() {
    let (sender, receiver) = mpsc::sync_channel::<Box<[u64]>>(100);
    let maker = thread::spawn(move || {
        for i in 0..20_000 {
            sender
                .send(vec![i as u64; 1 + i % 40].into_boxed_slice())
                .unwrap();
        }
    });

    for (i, numbers) in receiver.into_iter().enumerate() {
        assert!(numbers.len() == 1 + i % 40 && numbers.iter().all(|n| *n == i as u64));
    }
    maker.join().unwrap();
}

#[test]
fn panics_unwind_and_lose_nothing() {
    panic::set_hook(Box::new(|_| ()));
    let workers: Vec<_> = (0..20)
        .map(|nr| {
            thread::spawn(move || {
                let caught = panic::catch_unwind(AssertUnwindSafe(|| {
                    let kept: Vec<String> = (0..100).map(|i| format!("{nr} {i}")).collect();
                    assert!(kept.len() > 100, "on purpose");
                }));
                assert!(caught.is_err());
                if nr % 2 == 1 {
                    panic!("this too: {}", "x".repeat(1000));
                }
            })
        })
        .collect();
    let ends: Vec<bool> = workers
        .into_iter()
        .map(|worker| worker.join().is_ok())
        .collect();

    let _ = panic::take_hook();
    assert!(ends
        .iter()
        .enumerate()
        .all(|(nr, is_ok)| *is_ok == (nr % 2 == 0)));
}

#[test]
fn figures_are_of_this_heap() {
    // Other tests run beside it, and have some MB
    let some = 25 << 20;
    let before = HEAP.stats().used;
    let block = vec![1u8; 4 * some];
    let with = HEAP.stats().used;

    assert!(with >= before + block.len() - some);
    assert!(HEAP.stats().peak >= with - some);
    drop(block);
    assert!(HEAP.stats().used < with - 2 * some);
    HEAP.trim();
    assert_eq!(HEAP.set_pressure(1025), Err(quern::Error::Range));
    assert_eq!(HEAP.set_pressure(0), Ok(()));
}

#[test]
fn wide_blocks_are_resized() {
    for shift in 5..=14 {
        let align = 1 << shift;
        let mut layout = Layout::from_size_align(100, align).unwrap();
        // SAFETY: the sizes are not 0, and the block is of this layout
        unsafe {
            let mut p = HEAP.alloc_zeroed(layout);
            assert!((0..100).all(|i| *p.add(i) == 0));
            p.write_bytes(7, 100);
            for size in [200, 10_000, 200_000, 3000, 100] {
                p = HEAP.realloc(p, layout, size);
                layout = Layout::from_size_align(size, align).unwrap();
                assert_eq!(p as usize % align, 0);
                assert!((0..100).all(|i| *p.add(i) == 7));
            }
            HEAP.dealloc(p, layout);
        }
    }
}

/// Runs `f` while two threads allocate blocks of up to `largest` bytes
fn beside_threads(largest: usize, f: impl FnOnce()) {
    let stop = AtomicBool::new(false);

    thread::scope(|scope| {
        for seed in 1..=2 {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    exercise::sequence(&HEAP, seed, 500, 50, largest);
                }
            });
        }
        f();
        stop.store(true, Ordering::Relaxed);
    });
}

/// The process forks while other threads allocate; the child goes on to run a program
#[test]
fn commands_run_beside_threads() {
    beside_threads(500, || {
        for i in 0..20 {
            let output = Command::new("echo").arg(i.to_string()).output().unwrap();
            assert_eq!(output.stdout, format!("{i}\n").into_bytes());
        }
    });
}

extern "C" {
    fn fork() -> i32;
    fn waitpid(pid: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// A child of a fork has a heap that works, whatever other threads were at
#[test]
fn a_forked_child_allocates() {
    beside_threads(2000, || {
        for seed in 1..=20 {
            // SAFETY: the child does no more than allocate and end
            let pid = unsafe { fork() };
            if pid == 0 {
                let tally = exercise::sequence(&HEAP, seed, 500, 50, 2000);
                // SAFETY: it ends the child
                unsafe { _exit((tally.failures != 0) as i32) }
            }
            let mut status = -1;
            // SAFETY: it is this process's child
            assert_eq!(unsafe { waitpid(pid, &mut status, 0) }, pid);
            assert_eq!(status, 0);
        }
    });
}
