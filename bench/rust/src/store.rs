// SPDX-License-Identifier: MIT
//! The accounts of embedded/store.c: what the blocks of the pipeline in C would come to.
//!
//! By them packets are dropped, data are trimmed, and the run ends. They say nothing of what Rust's
//! collections take.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

/// Header and link of a packet
const PACKET_HEADER: usize = 8;

pub struct Store {
    budget: u32,
    live: u32,
    /// Calls of the heap that the pipeline in C would have made
    pub nr_ops: u32,
    /// Contents that were not as written
    pub nr_damaged: u32,
    /// Packets that wait for the link, the oldest first: they give way
    waiting: VecDeque<Box<[u8]>>,
}

impl Store {
    pub fn new(budget: u32) -> Self {
        Store {
            budget,
            live: 0,
            nr_ops: 0,
            nr_damaged: 0,
            waiting: VecDeque::new(),
        }
    }

    fn keep_budget(&mut self, size: u32) {
        while self.live + size > self.budget && self.pop_packet().is_some() {}
    }

    /// A block of so many bytes
    pub fn take(&mut self, size: u32) {
        self.keep_budget(size);
        self.nr_ops += 1;
        self.live += size;
    }

    pub fn give(&mut self, size: u32) {
        self.nr_ops += 1;
        self.live -= size;
    }

    pub fn resize(&mut self, from: u32, to: u32) {
        self.keep_budget(to.saturating_sub(from));
        self.nr_ops += 1;
        self.live = self.live - from + to;
    }

    pub fn push_packet(&mut self, packet: Box<[u8]>) {
        self.take((PACKET_HEADER + packet.len()) as u32);
        self.waiting.push_back(packet);
    }

    pub fn pop_packet(&mut self) -> Option<Box<[u8]>> {
        let packet = self.waiting.pop_front()?;

        self.give((PACKET_HEADER + packet.len()) as u32);
        Some(packet)
    }

    pub fn expect(&mut self, is_intact: bool) {
        self.nr_damaged += u32::from(!is_intact);
    }

    /// Nothing is live, and nothing was damaged
    pub fn is_well(&self) -> bool {
        self.live == 0 && self.nr_damaged == 0
    }
}
