// SPDX-License-Identifier: MIT
//! The sensor pipeline of embedded/pipeline.c as one writes it in Rust: `Vec`, `VecDeque`,
//! `BTreeMap`, `String`, `Box`.
//!
//! It does the same work: equal runs come to equal checksums in both languages and on every
//! machine. So it keeps the accounts of the pipeline in C (store.rs), whatever its own collections
//! take.
#![no_std]

extern crate alloc;

mod channel;
mod filter;
#[cfg(target_os = "none")]
mod image;
mod pipeline;
mod queue;
mod report;
mod store;
#[cfg(target_os = "none")]
mod subject;
mod sums;
mod tree;

pub use pipeline::{Config, Pipeline};
