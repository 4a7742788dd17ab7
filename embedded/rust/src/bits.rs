// SPDX-License-Identifier: MIT
//! A set of small numbers, one bit each: lib/base/bitset.h.

const BITS: usize = usize::BITS as usize;

/// A set of numbers below a size, in words of the caller's: an array, a slice, a `Vec`.
///
/// ```
/// use quern::BitSet;
///
/// let mut free = BitSet::new([0; BitSet::words(100)], 100);
/// assert!(free.insert(7) && free.insert(64) && !free.insert(7));
/// assert_eq!(free.iter().collect::<Vec<_>>(), [7, 64]);
/// assert_eq!((free.first(8), free.first_hole(7)), (Some(64), Some(8)));
/// ```
///
/// A number that is not below the size is no member, and a panic where one would be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitSet<W> {
    words: W,
    nr: usize,
}

impl BitSet<()> {
    /// Words that a set of numbers below `nr` takes.
    pub const fn words(nr: usize) -> usize {
        nr.div_ceil(BITS)
    }
}

impl<W: AsRef<[usize]> + AsMut<[usize]>> BitSet<W> {
    /// The empty set of numbers below `nr`, whatever is in the words.
    ///
    /// # Panics
    ///
    /// If there are fewer words than [`BitSet::words`] says.
    pub fn new(mut words: W, nr: usize) -> Self {
        words.as_mut()[..BitSet::words(nr)].fill(0);
        BitSet { words, nr }
    }

    /// All numbers are below it.
    pub fn size(&self) -> usize {
        self.nr
    }

    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.used()
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether a number is in it.
    pub fn contains(&self, i: usize) -> bool {
        i < self.nr && self.words.as_ref()[i / BITS] >> (i % BITS) & 1 == 1
    }

    /// Takes a number in: true if it is new.
    ///
    /// # Panics
    ///
    /// If it is not below the size.
    pub fn insert(&mut self, i: usize) -> bool {
        assert!(i < self.nr, "{i} is not below {}", self.nr);
        let word = &mut self.words.as_mut()[i / BITS];
        let bit = 1 << (i % BITS);
        let is_new = *word & bit == 0;

        *word |= bit;
        is_new
    }

    /// Takes a number out: true if it was there.
    pub fn remove(&mut self, i: usize) -> bool {
        let was_there = self.contains(i);

        if was_there {
            self.words.as_mut()[i / BITS] &= !(1 << (i % BITS));
        }
        was_there
    }

    /// The lowest number that is not below `from`: a word is looked at for each 32 or 64 numbers.
    pub fn first(&self, from: usize) -> Option<usize> {
        self.search(from, |word| word)
    }

    /// The lowest number that it lacks and that is not below `from`.
    pub fn first_hole(&self, from: usize) -> Option<usize> {
        self.search(from, |word| !word)
    }

    /// All numbers, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        core::iter::successors(self.first(0), |i| self.first(i + 1))
    }

    fn used(&self) -> &[usize] {
        &self.words.as_ref()[..BitSet::words(self.nr)]
    }

    fn search(&self, from: usize, as_seen: impl Fn(usize) -> usize) -> Option<usize> {
        let words = self.used();
        let first = from / BITS;
        let mut word = as_seen(*words.get(first)?) & usize::MAX << (from % BITS);
        let mut i = first;

        while word == 0 {
            i += 1;
            word = as_seen(*words.get(i)?);
        }
        Some(i * BITS + word.trailing_zeros() as usize).filter(|i| *i < self.nr)
    }
}
