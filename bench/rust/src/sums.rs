// SPDX-License-Identifier: MIT
//! embedded/checksum.c: sums over bytes, and pseudo-random numbers.

pub const FNV1A_START: u32 = 0x811c_9dc5;

pub fn fnv1a(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |h, byte| {
        (h ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// The four bytes of a word, lowest first
pub fn fnv1a_word(hash: u32, word: u32) -> u32 {
    fnv1a(hash, &word.to_le_bytes())
}

/// CRC-16/CCITT
pub fn crc16(crc: u16, bytes: impl IntoIterator<Item = u8>) -> u16 {
    bytes.into_iter().fold(crc, |mut crc, byte| {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 {
                crc << 1 ^ 0x1021
            } else {
                crc << 1
            };
        }
        crc
    })
}

/// The CRC-32 of Ethernet
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 != 0 { 0xedb8_8320 } else { 0 };
        }
        crc
    })
}

/// Marsaglia's xorshift of 32 bits
pub struct Rng(u32);

impl Rng {
    pub fn new(seed: u32) -> Self {
        Rng(fnv1a_word(FNV1A_START, seed).max(1))
    }

    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// From `low` to `high`, both included
    pub fn range(&mut self, low: u32, high: u32) -> u32 {
        low + (u64::from(self.next()) * u64::from(high - low + 1) >> 32) as u32
    }

    /// True once in `n` times on average
    pub fn one_in(&mut self, n: u32) -> bool {
        self.range(1, n) == 1
    }
}
