// SPDX-License-Identifier: MIT
//! What heaps tell of themselves, in bytes unless said otherwise.

use crate::sys;

/// What a heap holds; it takes as long as there are free runs, without counted calls as
/// there are blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Memory that was given to the heap
    pub size: usize,
    /// Of it what the heap keeps for itself
    pub metadata: usize,
    /// Blocks in use, as served: sizes are rounded up
    pub used: usize,
    /// The most that `used` ever was, or since the peak was reset
    pub peak: usize,
    /// What was asked for by the blocks in use, estimated from samples
    pub requested: usize,
    /// What a request could have
    pub free: usize,
    /// The longest free run
    pub largest_free: usize,
    /// Of `free` what is kept unmerged for the next request of its size
    pub held: usize,
    /// Number of blocks in use
    pub blocks: usize,
    /// Number of requests that failed
    pub failures: usize,
}

impl From<sys::qn_stats> for Stats {
    fn from(st: sys::qn_stats) -> Self {
        Stats {
            size: st.size,
            metadata: st.metadata,
            used: st.live,
            peak: st.peak_live,
            requested: st.requested,
            free: st.free,
            largest_free: st.largest_free,
            held: st.held,
            blocks: st.nr_live,
            failures: st.nr_failed,
        }
    }
}

/// The same in short, in constant time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brief {
    /// Blocks in use, as served
    pub used: usize,
    /// The most that `used` ever was, or since the peak was reset
    pub peak: usize,
    /// What a request could have
    pub free: usize,
    /// The longest free run that a request finds at once
    pub largest_free: usize,
    /// 1 - `largest_free` / `free`, in 1/1024
    pub fragmentation: u32,
}

impl From<sys::qn_brief> for Brief {
    fn from(brief: sys::qn_brief) -> Self {
        Brief {
            used: brief.live,
            peak: brief.peak_live,
            free: brief.free,
            largest_free: brief.largest_free,
            fragmentation: brief.fragmentation,
        }
    }
}

/// What one piece of a heap's memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneStats {
    /// Where blocks begin to lie
    pub start: *mut u8,
    /// Bytes from there on
    pub size: usize,
    /// Blocks in use, as served
    pub used: usize,
    /// Blocks kept for the next request of their size
    pub held: usize,
    /// `size` - `used`
    pub free: usize,
    /// As in [`Brief`]
    pub largest_free: usize,
}

impl From<sys::qn_zone_stats> for ZoneStats {
    fn from(st: sys::qn_zone_stats) -> Self {
        ZoneStats {
            start: st.start.cast(),
            size: st.size,
            used: st.used,
            held: st.held,
            free: st.free,
            largest_free: st.largest_free,
        }
    }
}
