// SPDX-License-Identifier: MIT
//! Hint records by hand: lib/quern-hint.h.

/// QN_HINT_CONST, _TYPED and _MANUAL, _HAS_POINTERS
const FLAGS: u32 = 1 | 1 << 9 | 1 << 15;
const HAS_POINTERS: u32 = 1 << 6;

/// What a record says of a type whose blocks are asked for; [`hint!`](crate::hint) writes it.
#[doc(hidden)]
pub const fn flags<T>() -> u32 {
    // A pointer lies at a multiple of its size, so a type that lies elsewhere has none
    if align_of::<T>() < align_of::<usize>() || size_of::<T>() < size_of::<usize>() {
        FLAGS
    } else {
        FLAGS | HAS_POINTERS
    }
}

/// FNV-1a
#[doc(hidden)]
pub const fn hash(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 2_166_136_261u32;
    let mut i = 0;

    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(16_777_619);
        i += 1;
    }
    hash
}

/// A statement: here a block for one value of a type is asked for, as `Box::new()` does.
///
/// It becomes a record in the program's file and no instruction. `quern hints FILE` lists the
/// records. The second argument says how often the statement runs for each call of its function,
/// from 1 to 4095.
///
/// ```
/// struct Order {
///     number: u32,
///     name: String,
/// }
/// quern::hint!(Order);
/// let order = Box::new(Order { number: 1, name: String::new() });
/// quern::hint!([u16; 20], 8);
/// # let _ = (order.number, &order.name);
/// ```
#[macro_export]
macro_rules! hint {
    ($type:ty) => {
        $crate::hint!($type, 1)
    };
    ($type:ty, $weight:literal) => {
        // SAFETY: it is a note of one record, and no instruction
        unsafe {
            ::core::arch::asm!(
                ".pushsection quern_hints,\"aR\",%note",
                ".p2align 2",
                ".4byte 6, 32, 1",
                ".asciz \"QUERN\"",
                ".p2align 2",
                ".byte 1, 24",
                ".2byte {bits}",
                ".4byte 1, {size}, {size}, {size}, {flags}",
                ".byte {align}, 0",
                ".2byte {freq}",
                ".4byte {hash}",
                ".popsection",
                ".pushsection .debug_quern_names,\"\"",
                concat!(".asciz \"", stringify!($type), "\""),
                ".popsection",
                bits = const ::core::primitive::usize::BITS,
                size = const ::core::mem::size_of::<$type>(),
                flags = const $crate::hint_of::flags::<$type>(),
                align = const ::core::mem::align_of::<$type>().trailing_zeros(),
                freq = const 16 * $weight,
                hash = const $crate::hint_of::hash(::core::stringify!($type)),
                options(nomem, nostack, preserves_flags)
            )
        }
    };
}
