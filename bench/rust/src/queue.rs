// SPDX-License-Identifier: MIT
//! embedded/queue.c: values in packets with a CRC, on their way out.

use alloc::vec::Vec;

use crate::channel::NR_CHANNELS;
use crate::store::Store;
use crate::sums::{crc32, fnv1a, fnv1a_word, Rng, FNV1A_START};

const BATCH_MAX: u32 = 96;
const HEADER_SIZE: usize = 4;
const CRC_SIZE: usize = 4;
const MAX_DATA: usize = 292;
const MAX_VARINT: usize = 5;
const MIN_VALUES: u32 = 3;

/// Values of one channel that will share a packet, and when they were taken
#[derive(Default)]
struct Batch {
    wanted: u32,
    values: Vec<(u32, i32)>,
}

pub struct Queue {
    batches: [Batch; NR_CHANNELS],
    sequence: u16,
    pub nr_sent: u32,
    /// Packets whose contents did not decode
    pub nr_bad: u32,
    /// Over what the receiver decoded
    pub checksum: u32,
}

fn put_varint(to: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn get_varint(from: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0;

    for shift in (0..35).step_by(7) {
        let byte = from.next()?;

        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i32) -> u32 {
    (value << 1 ^ value >> 31) as u32
}

fn unzigzag(value: u32) -> u32 {
    value >> 1 ^ (value & 1).wrapping_neg()
}

impl Queue {
    pub fn new() -> Self {
        Queue {
            batches: Default::default(),
            sequence: 0,
            nr_sent: 0,
            nr_bad: 0,
            checksum: FNV1A_START,
        }
    }

    /// As many values as fit; the others are the start of the next batch
    fn encode(&mut self, channel: usize) -> Vec<u8> {
        let values = &mut self.batches[channel].values;
        let mut data = Vec::new();
        let (mut tick, mut value) = (0u32, 0i32);
        let mut nr = 0;

        data.extend_from_slice(&self.sequence.to_le_bytes());
        data.extend_from_slice(&[channel as u8, 0]);
        for &(t, v) in &*values {
            if data.len() > MAX_DATA - CRC_SIZE - 2 * MAX_VARINT {
                break;
            }
            put_varint(&mut data, t.wrapping_sub(tick));
            put_varint(&mut data, zigzag(v.wrapping_sub(value)));
            (tick, value) = (t, v);
            nr += 1;
        }
        data[3] = nr as u8;
        let crc = crc32(&data);
        data.extend_from_slice(&crc.to_le_bytes());
        *values = values.split_off(nr);
        data
    }

    /// A value to send; makes a packet when the batch is full
    pub fn add(&mut self, store: &mut Store, rng: &mut Rng, channel: usize, tick: u32, value: i32) {
        let batch = &mut self.batches[channel];

        // Most packets are small, some fill up
        if batch.values.is_empty() {
            let most = BATCH_MAX / if rng.one_in(3) { 1 } else { 4 };

            batch.wanted = rng.range(MIN_VALUES, most);
        }
        batch.values.push((tick, value));
        if batch.values.len() as u32 >= batch.wanted {
            let data = self.encode(channel);

            self.sequence = self.sequence.wrapping_add(1);
            store.push_packet(data.into_boxed_slice());
        }
    }

    fn receive(&mut self, data: &[u8]) -> Option<()> {
        let (data, crc) = data.split_at(data.len() - CRC_SIZE);
        let (header, values) = data.split_at(HEADER_SIZE);
        let mut bytes = values.iter().copied();
        let mut sum = fnv1a(self.checksum, header);
        let (mut tick, mut value) = (0u32, 0u32);

        if crc != crc32(data).to_le_bytes() {
            return None;
        }
        for _ in 0..header[3] {
            tick = tick.wrapping_add(get_varint(&mut bytes)?);
            value = value.wrapping_add(unzigzag(get_varint(&mut bytes)?));
            sum = fnv1a_word(fnv1a_word(sum, tick), value);
        }
        self.checksum = sum;
        bytes.next().is_none().then_some(())
    }

    /// Hands the oldest packet to the receiver: false if none waits
    pub fn send(&mut self, store: &mut Store) -> bool {
        let Some(packet) = store.pop_packet() else {
            return false;
        };

        match self.receive(&packet) {
            Some(()) => self.nr_sent += 1,
            None => self.nr_bad += 1,
        }
        true
    }
}
