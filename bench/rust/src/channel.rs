// SPDX-License-Identifier: MIT
//! embedded/channel.c: sensors, and the histories of their samples.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use crate::store::Store;
use crate::sums::{crc16, Rng};

pub const NR_CHANNELS: usize = 3;
const DAY: i32 = 4096;
const MAX_RAW: u32 = 14;

struct Sensor {
    name: &'static str,
    mean: i32,
    swing: i32,
    noise: i32,
    period: u32,
    nr_raw: u32,
    nr_burst: u32,
}

const fn sensor(name: &'static str, [mean, swing, noise]: [i32; 3], nr: [u32; 3]) -> Sensor {
    let [period, nr_raw, nr_burst] = nr;

    Sensor {
        name,
        mean,
        swing,
        noise,
        period,
        nr_raw,
        nr_burst,
    }
}

static SENSORS: [Sensor; NR_CHANNELS] = [
    sensor("temperature", [21500, 6000, 40], [8, 6, 10]),
    sensor("pressure", [101_325, 900, 12], [4, 8, 14]),
    sensor("humidity", [45000, 15000, 150], [14, 2, 6]),
];

impl Sensor {
    /// A triangle instead of a sine
    fn daily_curve(&self, tick: u32) -> i32 {
        let phase = tick as i32 % DAY;
        let rise = phase.min(DAY - phase);

        self.mean + self.swing * (4 * rise - DAY) / DAY
    }

    fn noise(&self, rng: &mut Rng) -> i32 {
        rng.range(0, 2 * self.noise as u32) as i32 - self.noise
    }

    fn pick_nr_raw(&self, rng: &mut Rng, is_burst: bool) -> u32 {
        if rng.one_in(6) {
            rng.range(0, MAX_RAW)
        } else if is_burst {
            self.nr_burst
        } else {
            self.nr_raw
        }
    }
}

/// A sample, and the readings that it is the mean of
struct Record {
    value: i32,
    sum: u16,
    raw: Box<[i16]>,
}

impl Record {
    fn new(value: i32, raw: Box<[i16]>) -> Self {
        let mut record = Record { value, sum: 0, raw };

        record.sum = record.sum_of();
        record
    }

    fn sum_of(&self) -> u16 {
        let crc = crc16(0xffff, self.value.to_le_bytes());

        crc16(crc, self.raw.iter().flat_map(|raw| raw.to_le_bytes()))
    }

    fn size(nr_raw: u32) -> u32 {
        12 + 2 * nr_raw
    }
}

pub struct Channel {
    id: usize,
    drift: i32,
    due: u32,
    history: VecDeque<Record>,
    bytes: u32,
    pub limit: u32,
}

impl Channel {
    pub fn new(id: usize) -> Self {
        Channel {
            id,
            drift: 0,
            due: id as u32,
            history: VecDeque::new(),
            bytes: 0,
            limit: 0,
        }
    }

    pub fn name(id: usize) -> &'static str {
        SENSORS[id].name
    }

    /// Frees the oldest records until at most so many bytes are left
    pub fn trim(&mut self, store: &mut Store, limit: u32) {
        while self.bytes > limit {
            let Some(oldest) = self.history.pop_front() else {
                return;
            };
            let size = Record::size(oldest.raw.len() as u32);

            store.expect(oldest.sum == oldest.sum_of());
            self.bytes -= size;
            store.give(size);
        }
    }

    /// A sample, if one is due
    pub fn sample(
        &mut self,
        store: &mut Store,
        rng: &mut Rng,
        tick: u32,
        is_burst: bool,
    ) -> Option<i32> {
        let sensor = &SENSORS[self.id];

        if tick < self.due {
            return None;
        }
        self.due = tick + sensor.period / if is_burst { 4 } else { 1 };
        self.drift += sensor.noise(rng);
        let nr_raw = sensor.pick_nr_raw(rng, is_burst);
        let size = Record::size(nr_raw);
        self.trim(store, self.limit.saturating_sub(size));

        store.take(size);
        let truth = sensor.daily_curve(tick) + self.drift;
        let raw: Box<[i16]> = (0..nr_raw).map(|_| sensor.noise(rng) as i16).collect();
        let value = if raw.is_empty() {
            truth + sensor.noise(rng)
        } else {
            truth + raw.iter().map(|raw| i32::from(*raw)).sum::<i32>() / nr_raw as i32
        };
        self.history.push_back(Record::new(value, raw));
        self.bytes += size;
        Some(value)
    }
}
