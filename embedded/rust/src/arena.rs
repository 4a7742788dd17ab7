// SPDX-License-Identifier: MIT
//! Memory that is handed out in order and given back as a whole.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::slice;

use crate::heap::{Error, Heap};
use crate::{sys, ALIGN};

/// An arena: for trees, graphs and texts that die together.
///
/// What it hands out lives as long as the arena is borrowed. Destructors of values do not run,
/// except for the elements of an [`ArenaVec`].
///
/// ```
/// use core::cell::Cell;
/// use quern::Arena;
///
/// struct Node<'a> {
///     name: &'a str,
///     next: Cell<Option<&'a Node<'a>>>,
/// }
/// let mut memory = [core::mem::MaybeUninit::uninit(); 1024];
/// let mut arena = Arena::new(&mut memory);
///
/// let node = |name| {
///     let name = arena.alloc_str(name)?;
///     arena.alloc(Node { name, next: Cell::new(None) }).ok()
/// };
/// let (a, b) = (node("a").unwrap(), node("b").unwrap());
/// a.next.set(Some(b));
/// b.next.set(Some(a));
/// assert_eq!(a.next.get().unwrap().name, "b");
/// arena.reset();
/// ```
///
/// After a reset nothing of it is left:
///
/// ```compile_fail,E0502
/// # let mut memory = [core::mem::MaybeUninit::uninit(); 1024];
/// let mut arena = quern::Arena::new(&mut memory);
/// let text = arena.alloc_str("gone").unwrap();
/// arena.reset();
/// assert_eq!(text, "gone");
/// ```
pub struct Arena<'m> {
    raw: UnsafeCell<sys::qn_arena>,
    _memory: PhantomData<&'m mut [MaybeUninit<u8>]>,
}

const EMPTY: sys::qn_arena = sys::qn_arena {
    at: ptr::null_mut(),
    end: ptr::null_mut(),
    chunks: ptr::null_mut(),
    fixed: ptr::null_mut(),
    chunk: 0,
    get: None,
    put: None,
    arg: ptr::null_mut(),
};

impl<'m> Arena<'m> {
    /// An arena in one piece of memory, which does not grow.
    pub fn new(memory: &'m mut [MaybeUninit<u8>]) -> Self {
        let mut raw = EMPTY;

        // SAFETY: the memory is borrowed for 'm, the arena's life
        unsafe { sys::qn_arena_init_fixed(&mut raw, memory.as_mut_ptr().cast(), memory.len()) };
        Self::of(raw)
    }

    /// An arena that grows out of a heap by chunks of so many bytes. They go back at a reset, and
    /// when the arena is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`], as long as the heap has no memory.
    pub fn over(heap: &'m Heap, chunk: usize) -> Result<Self, Error> {
        let mut raw = EMPTY;

        if heap.raw().is_null() {
            return Err(Error::Empty);
        }
        // SAFETY: the heap is there, and is borrowed for 'm, the arena's life
        unsafe { sys::qn_arena_init_heap(&mut raw, heap.raw(), chunk) };
        Ok(Self::of(raw))
    }

    fn of(raw: sys::qn_arena) -> Self {
        Arena {
            raw: UnsafeCell::new(raw),
            _memory: PhantomData,
        }
    }

    /// Room for `nr` values, not yet any
    fn room<T>(&self, nr: usize) -> Option<NonNull<T>> {
        let bytes = mem::size_of::<T>().checked_mul(nr)?;

        if bytes == 0 {
            return Some(NonNull::dangling());
        }
        if bytes > isize::MAX as usize {
            return None;
        }
        // SAFETY: an arena is not shared between threads, and nothing else refers to its state
        let p = unsafe { sys::qn_arena_alloc_aligned(self.raw.get(), mem::align_of::<T>(), bytes) };
        NonNull::new(p.cast())
    }

    /// Puts a value into the arena.
    ///
    /// # Errors
    ///
    /// The value, if there is no room for it.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc<T>(&self, value: T) -> Result<&mut T, T> {
        let Some(at) = self.room::<T>(1) else {
            return Err(value);
        };

        // SAFETY: room() is aligned and large enough, and nobody else has it until the arena is
        // reset, which takes the borrow of self to end
        unsafe {
            at.write(value);
            Ok(&mut *at.as_ptr())
        }
    }

    /// A copy of a text. Texts lie close together.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_str(&self, text: &str) -> Option<&mut str> {
        let bytes = self.alloc_slice(text.as_bytes())?;

        // SAFETY: the same bytes
        Some(unsafe { core::str::from_utf8_unchecked_mut(bytes) })
    }

    /// A copy of a slice.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_slice<T: Copy>(&self, values: &[T]) -> Option<&mut [T]> {
        let at = self.room::<T>(values.len())?;

        // SAFETY: as in alloc(); the copy lies apart from what is copied
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), at.as_ptr(), values.len());
            Some(slice::from_raw_parts_mut(at.as_ptr(), values.len()))
        }
    }

    /// A slice of `nr` values that a function makes by their numbers.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_slice_with<T>(
        &self,
        nr: usize,
        mut value: impl FnMut(usize) -> T,
    ) -> Option<&mut [T]> {
        let at = self.room::<T>(nr)?;

        for i in 0..nr {
            // SAFETY: room() has nr places. If value() panics the rest stays unused
            unsafe { at.add(i).write(value(i)) }
        }
        // SAFETY: as in alloc(), and all of them were written
        Some(unsafe { slice::from_raw_parts_mut(at.as_ptr(), nr) })
    }

    /// What `format!` would make, as a text of the arena.
    ///
    /// ```
    /// # let mut memory = [core::mem::MaybeUninit::uninit(); 256];
    /// let arena = quern::Arena::new(&mut memory);
    /// assert_eq!(arena.format(format_args!("{} of {}", 1, 2)).unwrap(), "1 of 2");
    /// ```
    #[allow(clippy::mut_from_ref)]
    pub fn format(&self, text: fmt::Arguments<'_>) -> Option<&mut str> {
        let mut bytes = self.vec();

        fmt::write(&mut bytes, text).ok()?;
        // SAFETY: write_str() has put whole texts there alone
        Some(unsafe { core::str::from_utf8_unchecked_mut(bytes.into_slice()) })
    }

    /// A vector that grows in the arena.
    pub fn vec<T>(&self) -> ArenaVec<'_, T> {
        ArenaVec {
            arena: self,
            at: NonNull::dangling(),
            nr: 0,
            room: 0,
        }
    }

    /// Gives everything back; the arena can be used again.
    pub fn reset(&mut self) {
        // SAFETY: nothing of the arena is borrowed any more
        unsafe { sys::qn_arena_reset(self.raw.get_mut()) }
    }
}

impl Drop for Arena<'_> {
    fn drop(&mut self) {
        self.reset();
    }
}

/// A vector in an [`Arena`].
///
/// It grows in place while nothing else is allocated, else by a copy, and what it leaves stays in
/// the arena.
///
/// ```
/// # let mut memory = [core::mem::MaybeUninit::uninit(); 1024];
/// let arena = quern::Arena::new(&mut memory);
/// let mut squares = arena.vec();
///
/// for i in 0..10 {
///     squares.push(i * i).unwrap();
/// }
/// assert_eq!(squares.iter().sum::<i32>(), 285);
/// ```
pub struct ArenaVec<'s, T> {
    arena: &'s Arena<'s>,
    at: NonNull<T>,
    nr: usize,
    room: usize,
}

impl<'s, T> ArenaVec<'s, T> {
    /// One more element at the end.
    ///
    /// # Errors
    ///
    /// The value, if the arena has no room for it.
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.nr == self.room && self.grow().is_none() {
            return Err(value);
        }
        // SAFETY: there is room for more than nr elements
        unsafe { self.at.add(self.nr).write(value) };
        self.nr += 1;
        Ok(())
    }

    /// The last element.
    pub fn pop(&mut self) -> Option<T> {
        self.nr = self.nr.checked_sub(1)?;
        // SAFETY: it was an element, and is none any more
        Some(unsafe { self.at.add(self.nr).read() })
    }

    /// The elements, for as long as the arena is borrowed. Their destructors do not run then.
    pub fn into_slice(self) -> &'s mut [T] {
        let (at, nr) = (self.at, self.nr);

        mem::forget(self);
        // SAFETY: the elements were the vector's alone, in memory that lives for 's
        unsafe { slice::from_raw_parts_mut(at.as_ptr(), nr) }
    }

    /// Room for twice as many, or for the first
    fn grow(&mut self) -> Option<()> {
        let size = mem::size_of::<T>();
        let room = match self.room {
            _ if size == 0 => usize::MAX,
            0 => (64 / size).max(1),
            room => room.checked_mul(2)?,
        };

        if size != 0 && mem::align_of::<T>() <= ALIGN {
            self.at = self.stretch(room.checked_mul(size)?)?;
        } else if size != 0 {
            let at = self.arena.room::<T>(room)?;

            // SAFETY: both have room for nr elements, and are apart
            unsafe { ptr::copy_nonoverlapping(self.at.as_ptr(), at.as_ptr(), self.nr) };
            self.at = at;
        }
        self.room = room;
        Some(())
    }

    fn stretch(&mut self, bytes: usize) -> Option<NonNull<T>> {
        let before = self.room * mem::size_of::<T>();
        let p = if self.room == 0 {
            ptr::null_mut()
        } else {
            self.at.as_ptr()
        };

        if bytes > isize::MAX as usize {
            return None;
        }
        // SAFETY: the block is of this arena and has so many bytes, or there is none yet
        let p = unsafe { sys::qn_arena_grow(self.arena.raw.get(), p.cast(), before, bytes) };
        NonNull::new(p.cast())
    }
}

impl<T> Deref for ArenaVec<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: there are nr elements, and the vector owns them
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.nr) }
    }
}

impl<T> DerefMut for ArenaVec<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: there are nr elements, and the vector owns them
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.nr) }
    }
}

impl<T> Drop for ArenaVec<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the vector owns its elements, and nobody has them from now on
        unsafe { ptr::drop_in_place(&mut **self) }
    }
}

impl<T: fmt::Debug> fmt::Debug for ArenaVec<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Write for ArenaVec<'_, u8> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.push(byte).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}
