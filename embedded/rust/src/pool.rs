// SPDX-License-Identifier: MIT
//! Buffers of one type in memory of the program's own: constant time, no headers.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};

use crate::{sys, ALIGN};

/// A pool of values of type `T` in memory that lives for `'m`.
///
/// `Tag` is any type that tells pools apart: a [`PoolBox`] or [`Handle`] of one pool is of another
/// type than those of a pool with another tag.
///
/// ```
/// use core::mem::MaybeUninit;
/// use quern::Pool;
///
/// let mut memory = [MaybeUninit::uninit(); Pool::<[u8; 64]>::bytes(4)];
/// let frames: Pool<[u8; 64]> = Pool::new(&mut memory).unwrap();
///
/// let mut frame = frames.put([0; 64]).unwrap();
/// frame[0] = 0x7e;
/// assert_eq!(frames.free() + 1, frames.capacity());
/// drop(frame);
/// assert_eq!(frames.free(), frames.capacity());
/// ```
///
/// Handles of two pools do not mix:
///
/// ```compile_fail,E0308
/// # use core::mem::MaybeUninit;
/// # use quern::Pool;
/// enum Rx {}
/// enum Tx {}
/// # let (mut m, mut n) = ([MaybeUninit::uninit(); 1024], [MaybeUninit::uninit(); 1024]);
/// let rx: Pool<u32, Rx> = Pool::new(&mut m).unwrap();
/// let tx: Pool<u32, Tx> = Pool::new(&mut n).unwrap();
/// let handle = rx.put(1).unwrap().into_handle();
/// tx.adopt(handle);
/// ```
pub struct Pool<'m, T, Tag = ()> {
    raw: NonNull<sys::qn_pool>,
    _memory: PhantomData<(&'m mut [MaybeUninit<u8>], T)>,
    _tag: PhantomData<fn() -> Tag>,
}

// SAFETY: with one of these features the C side locks each operation, and values go from one
// thread to another by it
#[cfg(quern_locked)]
unsafe impl<T: Send, Tag> Send for Pool<'_, T, Tag> {}
// SAFETY: as above. What a thread sees of a value it sees by a box or handle of its own
#[cfg(quern_locked)]
unsafe impl<T: Send, Tag> Sync for Pool<'_, T, Tag> {}

impl<'m, T, Tag> Pool<'m, T, Tag> {
    const FITS: () = assert!(
        mem::align_of::<T>() <= ALIGN,
        "a pool aligns its buffers to quern::ALIGN at most"
    );

    /// Bytes of memory for so many buffers, whatever its alignment: QN_POOL_BYTES() of quern.h.
    pub const fn bytes(nr: usize) -> usize {
        let word = mem::size_of::<usize>();
        let size = if mem::size_of::<T>() == 0 {
            1
        } else {
            mem::size_of::<T>()
        };
        let stride = size.div_ceil(word) * word;

        10 * word + ALIGN + stride * nr + nr.div_ceil(8 * word) * word
    }

    /// A pool in a piece of memory, of as many buffers as fit. None if not even one does.
    pub fn new(memory: &'m mut [MaybeUninit<u8>]) -> Option<Self> {
        let () = Self::FITS;
        // SAFETY: the memory is borrowed for 'm, and so is whatever comes from the pool
        let raw = unsafe {
            sys::qn_pool_init(
                memory.as_mut_ptr().cast(),
                memory.len(),
                mem::size_of::<T>(),
            )
        };

        Some(Pool {
            raw: NonNull::new(raw)?,
            _memory: PhantomData,
            _tag: PhantomData,
        })
    }

    /// Takes a buffer and puts a value there.
    ///
    /// # Errors
    ///
    /// The value, if all buffers are taken.
    pub fn put(&self, value: T) -> Result<PoolBox<'m, T, Tag>, T> {
        // SAFETY: the pool is there
        let p = unsafe { sys::qn_pool_alloc(self.raw.as_ptr()) };
        let Some(at) = NonNull::new(p.cast::<T>()) else {
            return Err(value);
        };

        // SAFETY: the buffer is nobody else's. It has the bytes of a T, and is aligned to a word,
        // or to ALIGN if the bytes are a multiple of it, as they are if T is aligned so
        unsafe { at.write(value) };
        Ok(PoolBox {
            raw: self.raw,
            handle: Handle {
                at,
                _value: PhantomData,
                _tag: PhantomData,
            },
        })
    }

    /// The value behind a handle.
    pub fn get<'a>(&'a self, handle: &'a Handle<'m, T, Tag>) -> &'a T {
        // SAFETY: a handle owns its value, and its memory lives as long as it
        unsafe { handle.at.as_ref() }
    }

    /// The value behind a handle, to change.
    pub fn get_mut<'a>(&'a self, handle: &'a mut Handle<'m, T, Tag>) -> &'a mut T {
        // SAFETY: as above, and the handle is borrowed exclusively
        unsafe { handle.at.as_mut() }
    }

    /// A box again of what [`PoolBox::into_handle`] made.
    ///
    /// A handle of another pool with the same tag stops the program when the box is dropped.
    pub fn adopt(&self, handle: Handle<'m, T, Tag>) -> PoolBox<'m, T, Tag> {
        PoolBox {
            raw: self.raw,
            handle,
        }
    }

    /// Buffers in all.
    pub fn capacity(&self) -> usize {
        // SAFETY: the pool is there
        unsafe { sys::qn_pool_nr(self.raw.as_ptr()) }
    }

    /// Buffers that can be taken.
    pub fn free(&self) -> usize {
        // SAFETY: the pool is there
        unsafe { sys::qn_pool_nr_free(self.raw.as_ptr()) }
    }

    /// The fewest that there ever were: how large the pool need be.
    pub fn least_free(&self) -> usize {
        // SAFETY: the pool is there
        unsafe { sys::qn_pool_least_free(self.raw.as_ptr()) }
    }
}

/// A value in a buffer of a [`Pool`], which returns itself.
pub struct PoolBox<'m, T, Tag = ()> {
    raw: NonNull<sys::qn_pool>,
    handle: Handle<'m, T, Tag>,
}

// SAFETY: it owns its value, and with one of these features returns itself under a lock
#[cfg(quern_locked)]
unsafe impl<T: Send, Tag> Send for PoolBox<'_, T, Tag> {}
// SAFETY: shared, it shows its value alone
#[cfg(quern_locked)]
unsafe impl<T: Sync, Tag> Sync for PoolBox<'_, T, Tag> {}

impl<'m, T, Tag> PoolBox<'m, T, Tag> {
    /// One word instead of two, that does not return itself: for a mailbox, or a register of a
    /// DMA controller. [`Pool::adopt`] makes a box of it again.
    pub fn into_handle(self) -> Handle<'m, T, Tag> {
        // SAFETY: the handle moves out of a box that is forgotten
        let handle = unsafe { ptr::read(&self.handle) };

        mem::forget(self);
        handle
    }

    /// The value, without its buffer.
    pub fn into_inner(self) -> T {
        // SAFETY: the value moves out of a box that is forgotten
        let value = unsafe { self.handle.at.read() };

        // SAFETY: the buffer is taken from this pool, and its value is gone
        unsafe { sys::qn_pool_free(self.raw.as_ptr(), self.handle.at.as_ptr().cast()) };
        mem::forget(self);
        value
    }
}

impl<T, Tag> Deref for PoolBox<'_, T, Tag> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the box owns its value
        unsafe { self.handle.at.as_ref() }
    }
}

impl<T, Tag> DerefMut for PoolBox<'_, T, Tag> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the box owns its value
        unsafe { self.handle.at.as_mut() }
    }
}

impl<T, Tag> Drop for PoolBox<'_, T, Tag> {
    fn drop(&mut self) {
        let at = self.handle.at.as_ptr();

        // SAFETY: the box owns its value, and nobody has it from now on
        unsafe { ptr::drop_in_place(at) };
        // SAFETY: the buffer is taken from this pool; of another one the C side stops
        unsafe { sys::qn_pool_free(self.raw.as_ptr(), at.cast()) };
    }
}

impl<T: fmt::Debug, Tag> fmt::Debug for PoolBox<'_, T, Tag> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A value of a [`Pool`] in one word. Dropped by itself it keeps its buffer for good.
#[must_use = "its buffer stays taken until Pool::adopt() has it"]
pub struct Handle<'m, T, Tag = ()> {
    at: NonNull<T>,
    _value: PhantomData<(&'m mut [MaybeUninit<u8>], T)>,
    _tag: PhantomData<fn() -> Tag>,
}

// SAFETY: it owns its value
unsafe impl<T: Send, Tag> Send for Handle<'_, T, Tag> {}
// SAFETY: shared, it shows its value alone
unsafe impl<T: Sync, Tag> Sync for Handle<'_, T, Tag> {}

impl<T, Tag> Handle<'_, T, Tag> {
    /// Where the value lies, for a peripheral.
    pub fn as_ptr(&self) -> *mut T {
        self.at.as_ptr()
    }
}
