// SPDX-License-Identifier: MIT
//! The pipeline on this machine, over the system's allocator or, with feature `std`, quern:
//! `pipeline SEED KB CALLS` prints its checksum.

use pipeline::{Config, Pipeline};

#[cfg(feature = "std")]
#[global_allocator]
static HEAP: quern::Process = quern::Process;

fn main() {
    let words: Vec<u32> = std::env::args()
        .skip(1)
        .map_while(|word| word.parse().ok())
        .collect();
    let [seed, kb, nr_ops] = words[..] else {
        eprintln!("usage: pipeline SEED KB CALLS");
        std::process::exit(2);
    };
    let mut pipeline = Pipeline::new(Config {
        seed,
        budget: kb * 1024,
        nr_ops,
        step_every: 0,
    });

    while pipeline.tick() {}
    println!(
        "0x{:08x}",
        pipeline.finish().expect("something was damaged")
    );
}
