// SPDX-License-Identifier: MIT
//! embedded/report.c: text about each channel, which grows by lines and is kept for a while.

use alloc::collections::VecDeque;
use alloc::string::String;

use crate::channel::NR_CHANNELS;
use crate::store::Store;
use crate::sums::{fnv1a, Rng, FNV1A_START};

const HEADER: u32 = 16;
const MIN_SIZE: u32 = 80;
const MAX_SIZE: u32 = 900;

struct Report {
    text: String,
    /// Bytes of the block in C
    size: u32,
    /// Bytes of text after which it is finished
    wanted: u32,
}

impl Report {
    fn used(&self) -> u32 {
        HEADER + self.text.len() as u32
    }

    fn resize(&mut self, store: &mut Store, size: u32) {
        store.resize(self.size, size);
        self.size = size;
    }
}

pub struct Reporter {
    open: [Option<Report>; NR_CHANNELS],
    closed: VecDeque<Report>,
    bytes: u32,
    limit: u32,
    /// Over the text of those that are gone
    pub checksum: u32,
}

impl Reporter {
    pub fn new(limit: u32) -> Self {
        Reporter {
            open: [const { None }; NR_CHANNELS],
            closed: VecDeque::new(),
            bytes: 0,
            limit,
            checksum: FNV1A_START,
        }
    }

    /// Writes a line
    pub fn add(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, line: &str) {
        let report = self.open[channel].get_or_insert_with(|| {
            store.take(MIN_SIZE);
            Report {
                text: String::new(),
                size: MIN_SIZE,
                wanted: rng.range(40, MAX_SIZE - 60 - HEADER),
            }
        });
        let used = report.used() + line.len() as u32;
        let more = rng.range(20, 120);

        if report.size < used {
            report.resize(store, MAX_SIZE.min(used + more));
        }
        report.text.push_str(line);
        if report.text.len() as u32 >= report.wanted {
            self.finish(store, channel);
        }
    }

    /// Cut to size, and kept until others need the room
    fn finish(&mut self, store: &mut Store, channel: usize) {
        let Some(mut report) = self.open[channel].take() else {
            return;
        };

        report.resize(store, report.used().max(MIN_SIZE));
        report.text.shrink_to_fit();
        self.bytes += report.size;
        self.closed.push_back(report);
        self.trim(store, self.limit);
    }

    fn trim(&mut self, store: &mut Store, limit: u32) {
        while self.bytes > limit {
            let Some(oldest) = self.closed.pop_front() else {
                return;
            };

            self.checksum = fnv1a(self.checksum, oldest.text.as_bytes());
            self.bytes -= oldest.size;
            store.give(oldest.size);
        }
    }

    pub fn close(&mut self, store: &mut Store) {
        for channel in 0..NR_CHANNELS {
            self.finish(store, channel);
        }
        self.trim(store, 0);
    }
}
