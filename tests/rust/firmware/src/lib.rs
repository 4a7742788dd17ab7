// SPDX-License-Identifier: MIT
//! The crate on a Cortex-M4, as the global allocator over what SRAM has left.
//!
//! One word on the command line names what is to go wrong: "exhaust", "twice".
#![no_std]

extern crate alloc as std_alloc;

#[path = "../../exercise.rs"]
mod exercise;

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int, CStr};
use core::fmt::{self, Write};
use core::mem::MaybeUninit;

use std_alloc::vec::Vec;

use quern::{bytes_of, varint, view_slice, Arena, BitSet, Heap, Memory, Pool, StringTable, Zone};

#[global_allocator]
static HEAP: Heap = Heap::empty();
static SECOND: Memory<8192> = Memory::new();

extern "C" {
    static mut __heap_start: u8;
    static mut __heap_end: u8;
    fn print_write(to: c_int, text: *const u8, size: usize);
    fn semihost_exit(status: c_int) -> !;
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: embedded/console.c reads the text
        unsafe { print_write(0, text.as_ptr(), text.len()) };
        Ok(())
    }
}

macro_rules! say {
    ($($text:tt)*) => {
        writeln!(Console, $($text)*).unwrap()
    };
}

#[panic_handler]
fn stop(info: &core::panic::PanicInfo) -> ! {
    say!("{}", info.message());
    if let Some(at) = info.location() {
        say!("at {at}");
    }
    // SAFETY: it ends the run
    unsafe { semihost_exit(71) }
}

fn pools_and_arenas() {
    let mut memory = [MaybeUninit::uninit(); Pool::<u64>::bytes(10)];
    let pool: Pool<u64> = Pool::new(&mut memory).unwrap();
    let boxes: Vec<_> = (0..10).map(|i| pool.put(i).unwrap()).collect();
    assert!(boxes.iter().enumerate().all(|(i, n)| **n == i as u64));
    drop(boxes);
    assert_eq!(pool.free(), pool.capacity());

    let arena = Arena::over(&HEAP, 256).unwrap();
    let mut words = arena.vec();
    for i in 0..50 {
        words
            .push(arena.format(format_args!("word {i}")).unwrap())
            .unwrap();
    }
    assert_eq!(words[49], "word 49");
}

fn small_types() {
    let mut set = BitSet::new([0; BitSet::words(70)], 70);
    assert!(set.insert(3) && set.insert(69));
    assert!(set.iter().eq([3, 69]) && set.first_hole(69).is_none());

    let mut memory = [MaybeUninit::uninit(); 512];
    let mut names = StringTable::new(&mut memory[1..], 20).unwrap();
    for word in ["a", "word", "", "word"] {
        names.put(word).unwrap();
    }
    assert!(names.iter().eq(["a", "word", ""]));

    let mut bytes = [0; varint::MAX];
    let written = varint::put(&mut bytes, u64::MAX);
    assert_eq!(varint::get(written), Some((u64::MAX, &[][..])));
    let halves: &[u16] = view_slice(bytes_of(&[0x1234_5678u32]), 2).unwrap();
    assert_eq!(halves, [0x5678, 0x1234]);
    quern::hint!(u16);
}

/// # Safety
///
/// By embedded/console.c, once.
#[no_mangle]
unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let (start, end) = (&raw mut __heap_start, &raw mut __heap_end);
    // SAFETY: the linker script leaves this memory to the heap
    unsafe { HEAP.init_raw(start, end as usize - start as usize) }.unwrap();
    HEAP.add_zone(SECOND.take().unwrap(), Zone::PLAIN).unwrap();
    let word = if argc > 1 {
        // SAFETY: argv has argc terminated words
        unsafe { CStr::from_ptr(*argv.add(1)) }.to_bytes()
    } else {
        b""
    };

    let one = Layout::new::<u64>();
    match word {
        b"exhaust" => drop(core::hint::black_box(Vec::<u8>::with_capacity(1 << 20))),
        b"twice" => {
            // SAFETY: none, it is the misuse that is to be found
            unsafe {
                let p = HEAP.alloc(one);
                HEAP.dealloc(p, one);
                HEAP.dealloc(p, one);
            }
        }
        _ => (),
    }
    say!("collections {:#010x}", exercise::programs());
    pools_and_arenas();
    small_types();
    let before = HEAP.used();
    for seed in 1..=5 {
        let tally = exercise::sequence(&HEAP, seed, 2000, 60, 600);
        while HEAP.step() {}
        say!("seed {seed}: {tally:?}");
    }
    assert_eq!(HEAP.used(), before);
    HEAP.check().unwrap();
    say!("{:?}", HEAP.brief());
    say!("all is well");
    0
}
