// SPDX-License-Identifier: MIT
//! embedded/pipeline.c: what happens in a tick.

use alloc::format;

use crate::channel::{Channel, NR_CHANNELS};
use crate::filter::Bank;
use crate::queue::Queue;
use crate::report::Reporter;
use crate::store::Store;
use crate::sums::{fnv1a_word, Rng, FNV1A_START};
use crate::tree::Tree;

/// Shares of the budget in percent; what is left is for packets
const HISTORY_SHARE: u32 = 30;
const WINDOW_SHARE: u32 = 15;
const TREE_SHARE: u32 = 20;
const REPORT_SHARE: u32 = 12;
/// Between bursts a history keeps so much of its share
const CALM_SHARE: u32 = 60;

/// struct pipeline_config of embedded/pipeline.h
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Config {
    pub seed: u32,
    pub budget: u32,
    pub nr_ops: u32,
    pub step_every: u32,
}

/// Where values go: calibrated, into reports and packets
struct Sink {
    tick: u32,
    checksum: u32,
    tree: Tree,
    reports: Reporter,
    queue: Queue,
}

impl Sink {
    fn account(&mut self, channel: usize, value: i32) {
        self.checksum = fnv1a_word(self.checksum, channel as u32);
        self.checksum = fnv1a_word(self.checksum, value as u32);
    }

    fn report(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, what: &str, value: i32) {
        let line = format!("{} {} {what} {value}\n", self.tick, Channel::name(channel));

        self.reports.add(store, rng, channel, &line);
    }

    fn send(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, value: i32) {
        self.queue.add(store, rng, channel, self.tick, value);
    }

    /// What a filter gave
    fn result(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, what: &str, value: i32) {
        let value = self.tree.calibrate(channel, value);

        self.account(channel, value);
        self.report(store, rng, channel, what, value);
        self.send(store, rng, channel, value);
    }

    /// What a sensor gave, calibrated
    fn sample(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, raw: i32) -> i32 {
        let value = self.tree.calibrate(channel, raw);

        self.account(channel, value);
        if rng.one_in(3) {
            self.tree.add(store, rng, channel, raw);
        }
        if rng.one_in(5) {
            self.report(store, rng, channel, "sample", value);
        }
        self.send(store, rng, channel, value);
        value
    }
}

pub struct Pipeline {
    config: Config,
    store: Store,
    rng: Rng,
    burst_until: u32,
    is_link_up: bool,
    link_until: u32,
    last_step: u32,
    channels: [Channel; NR_CHANNELS],
    filters: Bank,
    sink: Sink,
}

impl Pipeline {
    pub fn new(config: Config) -> Self {
        let share = |percent| config.budget / 100 * percent;
        let mut pipeline = Pipeline {
            config,
            store: Store::new(config.budget),
            rng: Rng::new(config.seed),
            burst_until: 0,
            is_link_up: false,
            // It starts far from the network
            link_until: config.budget / 1024 * 100,
            last_step: 0,
            channels: core::array::from_fn(Channel::new),
            filters: Bank::new(share(WINDOW_SHARE)),
            sink: Sink {
                tick: 0,
                checksum: FNV1A_START,
                tree: Tree::new(share(TREE_SHARE)),
                reports: Reporter::new(share(REPORT_SHARE)),
                queue: Queue::new(),
            },
        };

        pipeline.set_histories(CALM_SHARE);
        pipeline
    }

    fn set_histories(&mut self, percent: u32) {
        let share = self.config.budget / 100 * HISTORY_SHARE;

        for channel in &mut self.channels {
            channel.limit = share / NR_CHANNELS as u32 / 100 * percent;
        }
    }

    fn is_burst(&self) -> bool {
        self.sink.tick < self.burst_until
    }

    fn update_burst(&mut self) {
        if !self.is_burst() && self.rng.one_in(600) {
            self.burst_until = self.sink.tick + self.rng.range(40, 300);
            self.set_histories(100);
        } else if self.sink.tick == self.burst_until {
            self.set_histories(CALM_SHARE);
        }
    }

    fn update_link(&mut self) {
        let kb = self.config.budget / 1024;

        if self.sink.tick < self.link_until {
            return;
        }
        self.is_link_up = !self.is_link_up;
        self.link_until = self.sink.tick
            + if self.is_link_up {
                self.rng.range(100, 1500)
            } else {
                self.rng.range(kb * 8, kb * 100)
            };
    }

    fn sample_all(&mut self) {
        let is_burst = self.is_burst();
        let Pipeline {
            store, rng, sink, ..
        } = self;

        for (id, channel) in self.channels.iter_mut().enumerate() {
            let Some(raw) = channel.sample(store, rng, sink.tick, is_burst) else {
                continue;
            };
            let value = sink.sample(store, rng, id, raw);

            self.filters
                .feed(store, rng, id, value, |store, rng, id, kind, value| {
                    sink.result(store, rng, id, kind.name(), value)
                });
        }
    }

    /// One tick of its clock: false if all calls of the heap were made
    pub fn tick(&mut self) -> bool {
        self.update_burst();
        self.update_link();
        self.sample_all();
        for _ in 0..2 {
            if !self.is_link_up || !self.sink.queue.send(&mut self.store) {
                break;
            }
        }
        self.sink.tick += 1;
        self.store.nr_ops < self.config.nr_ops && self.store.nr_damaged == 0
    }

    /// Whether the heap's upkeep is due, behind a tick
    pub fn is_idle(&mut self) -> bool {
        let every = self.config.step_every;

        if every == 0 || self.store.nr_ops - self.last_step < every {
            return false;
        }
        self.last_step = self.store.nr_ops;
        true
    }

    /// Frees all it has. None if something was damaged; else the checksum.
    pub fn finish(mut self) -> Option<u32> {
        let store = &mut self.store;

        while self.sink.queue.send(store) {}
        for channel in &mut self.channels {
            channel.trim(store, 0);
        }
        self.filters.close(store);
        self.sink.tree.close(store);
        self.sink.reports.close(store);
        let sum = fnv1a_word(self.sink.checksum, self.sink.queue.checksum);
        let sum = fnv1a_word(sum, self.sink.reports.checksum);
        let sum = fnv1a_word(sum, self.sink.queue.nr_sent);
        let is_well = self.store.is_well() && self.sink.queue.nr_bad == 0;

        is_well.then(|| fnv1a_word(sum, self.store.nr_ops))
    }
}
