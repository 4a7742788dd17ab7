// SPDX-License-Identifier: MIT
//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit says that
//! there is more (LEB128). What this writes lib/base/varint.h reads, and the other way round.
//!
//! ```
//! use quern::varint;
//!
//! let mut bytes = [0; varint::MAX];
//! let written = varint::put(&mut bytes, varint::from_signed(-150));
//! let (value, rest) = varint::get(written).unwrap();
//! assert_eq!((varint::to_signed(value), rest), (-150, &[][..]));
//! ```

/// Bytes of the largest number.
pub const MAX: usize = 10;

/// Writes a number. Returns the bytes that it took.
pub fn put(to: &mut [u8; MAX], mut value: u64) -> &[u8] {
    let mut n = 0;

    while value >= 0x80 {
        to[n] = value as u8 | 0x80;
        value >>= 7;
        n += 1;
    }
    to[n] = value as u8;
    &to[..=n]
}

/// Reads a number. Returns it and what is behind it.
///
/// None if the number does not end within the bytes, does not fit 64 bits, or has a last byte that
/// adds nothing: each number has one spelling only.
pub fn get(from: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;

    for (n, byte) in from.iter().enumerate().take(MAX) {
        let bits = u64::from(byte & 0x7f);

        // Of the tenth byte one bit is left
        if n == MAX - 1 && *byte > 1 {
            return None;
        }
        value |= bits << (7 * n);
        if byte & 0x80 == 0 {
            return (n == 0 || bits != 0).then_some((value, &from[n + 1..]));
        }
    }
    None
}

/// A signed number as one that is small if the signed one is near 0.
pub const fn from_signed(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// And back.
pub const fn to_signed(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
