// SPDX-License-Identifier: MIT
//! Static memory that is handed out once.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};

/// `N` bytes for a static variable, to be taken once: a heap's memory without `unsafe`.
///
/// It lies in `.bss`. Memory in a section that is not cleared at start, as CCM often is, does
/// not do here: its bounds go to [`Heap::init_raw`](crate::Heap::init_raw).
///
/// ```
/// static MEMORY: quern::Memory<4096> = quern::Memory::new();
///
/// assert_eq!(MEMORY.take().map(|memory| memory.len()), Some(4096));
/// assert!(MEMORY.take().is_none());
/// ```
#[repr(C, align(16))]
pub struct Memory<const N: usize> {
    bytes: UnsafeCell<[MaybeUninit<u8>; N]>,
    is_taken: AtomicBool,
}

// SAFETY: take() hands the bytes to one caller alone
unsafe impl<const N: usize> Sync for Memory<N> {}

impl<const N: usize> Memory<N> {
    /// Nobody has it yet.
    pub const fn new() -> Self {
        Memory {
            bytes: UnsafeCell::new([MaybeUninit::zeroed(); N]),
            is_taken: AtomicBool::new(false),
        }
    }

    /// The bytes, for the first caller.
    ///
    /// It exists where the processor can swap a byte, or a feature brings a lock.
    #[cfg(any(target_has_atomic = "8", quern_locked))]
    #[allow(clippy::mut_from_ref)]
    pub fn take(&'static self) -> Option<&'static mut [MaybeUninit<u8>]> {
        if self.was_taken() {
            return None;
        }
        // SAFETY: was_taken() is false once, so no other reference to the bytes is made
        Some(unsafe { &mut *self.bytes.get() })
    }

    #[cfg(target_has_atomic = "8")]
    fn was_taken(&self) -> bool {
        self.is_taken.swap(true, Ordering::Relaxed)
    }

    #[cfg(all(not(target_has_atomic = "8"), quern_locked))]
    fn was_taken(&self) -> bool {
        crate::lock::locked(|| {
            let was = self.is_taken.load(Ordering::Relaxed);

            self.is_taken.store(true, Ordering::Relaxed);
            was
        })
    }
}

impl<const N: usize> Default for Memory<N> {
    fn default() -> Self {
        Self::new()
    }
}
