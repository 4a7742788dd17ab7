// SPDX-License-Identifier: MIT
#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(feature = "nightly", feature(allocator_api))]

mod arena;
mod heap;
mod lock;
mod memory;
#[cfg(feature = "nightly")]
mod nightly;
mod pool;
#[cfg(feature = "std")]
mod process;
mod stats;
mod sys;

pub use arena::{Arena, ArenaVec};
pub use heap::{DmaBuffer, Error, Heap, LocalHeap, Policy, Zone};
pub use memory::Memory;
pub use pool::{Handle, Pool, PoolBox};
#[cfg(feature = "std")]
pub use process::Process;
pub use stats::{Brief, Stats, ZoneStats};

/// Every block of a heap lies at a multiple of it, whatever its layout asks for.
pub const ALIGN: usize = 2 * core::mem::size_of::<usize>();

/// The C side found a misuse: a pointer that is no block, or a block freed twice.
#[cfg(not(feature = "std"))]
#[no_mangle]
extern "C" fn quern_rust_stop(text: *const u8, size: usize) -> ! {
    // SAFETY: c/port.c hands over its buffer, which it does not change any more
    let text = unsafe { core::slice::from_raw_parts(text, size) };
    let text = core::str::from_utf8(text).unwrap_or("quern: a misuse");

    panic!("{}", text.trim_end())
}
