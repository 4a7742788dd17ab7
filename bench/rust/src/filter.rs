// SPDX-License-Identifier: MIT
//! embedded/filter.c: filters over windows of samples that open, fill, and go.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::store::Store;
use crate::sums::{crc16, Rng};

#[derive(Clone, Copy)]
pub enum Kind {
    Median,
    Mean,
    LowPass,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Median, Kind::Mean, Kind::LowPass];

    /// The fewest and the most samples
    fn nr_samples(self) -> (u32, u32) {
        match self {
            Kind::Median => (11, 41),
            Kind::Mean => (16, 120),
            Kind::LowPass => (48, 171),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Median => "median",
            Kind::Mean => "mean",
            Kind::LowPass => "low-pass",
        }
    }
}

struct Window {
    channel: usize,
    kind: Kind,
    nr_wanted: usize,
    sum: u16,
    values: Vec<i32>,
}

fn bytes_of(nr: usize) -> u32 {
    16 + 4 * nr as u32
}

impl Window {
    fn size(&self) -> u32 {
        bytes_of(self.nr_wanted)
    }

    fn append(&mut self, value: i32) {
        self.sum = crc16(self.sum, value.to_le_bytes());
        self.values.push(value);
    }

    fn is_intact(&self) -> bool {
        self.sum == crc16(0xffff, self.values.iter().flat_map(|v| v.to_le_bytes()))
    }

    fn compute(&self, store: &mut Store) -> i32 {
        let nr = self.values.len();

        match self.kind {
            Kind::Median => {
                let scratch = 4 + 4 * nr as u32;

                store.take(scratch);
                let mut sorted = self.values.clone();
                sorted.sort_unstable();
                store.give(scratch);
                sorted[nr / 2]
            }
            Kind::Mean => self.values.iter().sum::<i32>() / nr as i32,
            // By 1/16 of the distance each time, in units of 1/256
            Kind::LowPass => {
                let first = self.values[0] * 256;

                self.values[1..]
                    .iter()
                    .fold(first, |y, value| y + (value * 256 - y >> 4))
                    / 256
            }
        }
    }
}

/// The windows of all channels, in order of opening
pub struct Bank {
    windows: Vec<Box<Window>>,
    bytes: u32,
    limit: u32,
}

impl Bank {
    pub fn new(limit: u32) -> Self {
        Bank {
            windows: Vec::new(),
            bytes: 0,
            limit,
        }
    }

    /// One more sample. `emit` is called with each result before the next window is looked at.
    pub fn feed(
        &mut self,
        store: &mut Store,
        rng: &mut Rng,
        channel: usize,
        value: i32,
        mut emit: impl FnMut(&mut Store, &mut Rng, usize, Kind, i32),
    ) {
        let mut i = 0;

        while i < self.windows.len() {
            let window = &mut self.windows[i];

            if window.channel == channel {
                window.append(value);
            }
            if window.values.len() < window.nr_wanted {
                i += 1;
                continue;
            }
            let result = window.compute(store);
            let window = self.windows.remove(i);
            self.bytes -= window.size();
            store.expect(window.is_intact());
            store.give(window.size());
            let (channel, kind) = (window.channel, window.kind);
            drop(window);
            emit(store, rng, channel, kind, result);
        }
        self.open(store, rng, channel);
    }

    fn open(&mut self, store: &mut Store, rng: &mut Rng, channel: usize) {
        let kind = Kind::ALL[rng.range(0, 2) as usize];
        let (least, most) = kind.nr_samples();
        let nr_wanted = rng.range(least, most) as usize;
        let size = bytes_of(nr_wanted);

        if self.bytes + size > self.limit {
            return;
        }
        store.take(size);
        self.bytes += size;
        self.windows.push(Box::new(Window {
            channel,
            kind,
            nr_wanted,
            sum: 0xffff,
            values: Vec::with_capacity(nr_wanted),
        }));
    }

    pub fn close(&mut self, store: &mut Store) {
        for window in self.windows.drain(..) {
            store.expect(window.is_intact());
            store.give(window.size());
        }
    }
}
