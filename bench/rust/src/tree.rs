// SPDX-License-Identifier: MIT
//! embedded/tree.c: calibration points, looked up by channel and value.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::store::Store;
use crate::sums::{crc16, fnv1a_word, Rng, FNV1A_START};

const MIN_COEFS: u32 = 2;
const MAX_COEFS: u32 = 10;
const BUCKET_SHIFT: u32 = 5;
const BUCKET_BITS: u32 = 24;
const BUCKET_MASK: u32 = (1 << BUCKET_BITS) - 1;
const BUCKET_BIAS: i32 = 1 << 28;

/// Coefficients of a polynomial in the distance to the point, the constant first
struct Point {
    sum: u16,
    coefs: Box<[i32]>,
}

impl Point {
    fn new(rng: &mut Rng, nr: u32) -> Self {
        let coefs: Box<[i32]> = (0..nr)
            .map(|i| match i {
                0 => rng.range(0, 40) as i32 - 20,
                _ => (rng.next() & 0xfff) as i32 - 0x800,
            })
            .collect();
        let mut point = Point { sum: 0, coefs };

        point.sum = point.sum_of();
        point
    }

    fn sum_of(&self) -> u16 {
        crc16(
            0xffff,
            self.coefs.iter().flat_map(|coef| coef.to_le_bytes()),
        )
    }

    fn size(nr: u32) -> u32 {
        16 + 4 * nr
    }

    fn evaluate(&self, x: i32) -> i32 {
        self.coefs.iter().rev().fold(0i32, |y, coef| {
            coef.wrapping_add((i64::from(y) * i64::from(x) >> 16) as i32)
        })
    }
}

fn key_of(channel: usize, value: i32) -> u32 {
    let bucket = value.wrapping_add(BUCKET_BIAS) as u32 >> BUCKET_SHIFT;

    (channel as u32) << BUCKET_BITS | bucket & BUCKET_MASK
}

fn value_of(key: u32) -> i32 {
    ((key & BUCKET_MASK) << BUCKET_SHIFT) as i32 - BUCKET_BIAS
}

pub struct Tree {
    points: BTreeMap<u32, Point>,
    bytes: u32,
    limit: u32,
}

impl Tree {
    pub fn new(limit: u32) -> Self {
        Tree {
            points: BTreeMap::new(),
            bytes: 0,
            limit,
        }
    }

    fn floor(&self, key: u32) -> Option<(u32, &Point)> {
        let (key, point) = self.points.range(..=key).next_back()?;

        Some((*key, point))
    }

    /// A value corrected by the nearest point at or below it
    pub fn calibrate(&self, channel: usize, value: i32) -> i32 {
        match self.floor(key_of(channel, value)) {
            Some((key, point)) if key >> BUCKET_BITS == channel as u32 => {
                value + point.evaluate(value - value_of(key))
            }
            _ => value,
        }
    }

    fn remove(&mut self, store: &mut Store, key: u32) {
        let Some(point) = self.points.remove(&key) else {
            return;
        };
        let size = Point::size(point.coefs.len() as u32);

        store.expect(point.sum == point.sum_of());
        self.bytes -= size;
        store.give(size);
    }

    /// The point at or below a key, or what would be the root of the treap in C
    fn remove_some(&mut self, store: &mut Store, key: u32) {
        let root = |key: &&u32| fnv1a_word(FNV1A_START, **key);
        let found = match self.floor(key) {
            Some((key, _)) => Some(key),
            None => self.points.keys().max_by_key(root).copied(),
        };

        if let Some(key) = found {
            self.remove(store, key);
        }
    }

    /// A point near a value, if there is none yet
    pub fn add(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, value: i32) {
        let key = key_of(channel, value);

        if self.points.contains_key(&key) {
            return;
        }
        while !self.points.is_empty() && self.bytes + Point::size(MAX_COEFS) > self.limit {
            let channel = rng.range(0, 2) as usize;

            self.remove_some(store, key_of(channel, value) ^ (rng.next() & 0x3ff));
        }
        let nr = rng.range(MIN_COEFS, MAX_COEFS);
        store.take(Point::size(nr));
        self.bytes += Point::size(nr);
        self.points.insert(key, Point::new(rng, nr));
    }

    pub fn close(&mut self, store: &mut Store) {
        while let Some((key, _)) = self.floor(u32::MAX) {
            self.remove(store, key);
        }
    }
}
