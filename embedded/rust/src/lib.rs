// SPDX-License-Identifier: MIT
#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]
#![cfg_attr(feature = "nightly", feature(allocator_api))]

mod arena;
mod bits;
mod heap;
#[doc(hidden)]
pub mod hint_of;
mod lock;
mod memory;
#[cfg(feature = "nightly")]
mod nightly;
mod pool;
#[cfg(feature = "std")]
mod process;
mod stats;
mod strings;
mod sys;
pub mod varint;
mod view;

pub use arena::{Arena, ArenaVec};
pub use bits::BitSet;
pub use heap::{Buffer, Error, Heap, LocalHeap, Policy, Zone};
pub use memory::Memory;
pub use pool::{Handle, Pool, PoolBox};
#[cfg(feature = "std")]
pub use process::Process;
pub use stats::{Brief, Stats, ZoneStats};
pub use strings::StringTable;
pub use view::{bytes_of, bytes_of_mut, view, view_mut, view_slice, Plain, ViewError};

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

#[cfg(test)]
mod tests {
    extern crate std;
    use crate::{sys, varint, Pool, ALIGN};
    use core::mem::size_of;
    use std::string::String;
    use std::{format, println};

    /// x-rust.sh compares with what a C compiler makes of quern.h
    #[test]
    fn layouts() {
        println!("QN_ALIGN {ALIGN}");
        println!("qn_stats {}", size_of::<sys::qn_stats>());
        println!("qn_brief {}", size_of::<sys::qn_brief>());
        println!("qn_zone_stats {}", size_of::<sys::qn_zone_stats>());
        println!("qn_arena {}", size_of::<sys::qn_arena>());
        println!("qn_strtab {}", size_of::<sys::qn_strtab>());
        for nr in [1, 63, 64, 65, 1000] {
            println!("QN_POOL_BYTES(0, {nr}) {}", Pool::<()>::bytes(nr));
            println!("QN_POOL_BYTES(1, {nr}) {}", Pool::<u8>::bytes(nr));
            println!("QN_POOL_BYTES(8, {nr}) {}", Pool::<u64>::bytes(nr));
            println!("QN_POOL_BYTES(33, {nr}) {}", Pool::<[u8; 33]>::bytes(nr));
        }
        for i in 0..64 {
            let mut bytes = [0; varint::MAX];
            let written = varint::put(&mut bytes, u64::MAX >> i);
            let last_first: String = written.iter().rev().map(|b| format!(" {b}")).collect();

            println!("qn_varint {i}{last_first}");
        }
    }
}
