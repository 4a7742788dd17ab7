// SPDX-License-Identifier: MIT
//! Each text once, under a small number: lib/base/strtab.h.

use core::ffi::CStr;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::heap::Error;
use crate::sys;

/// A table of texts in memory that lives for `'m`: for names that come again and again.
///
/// A text is put in or found in constant time on average; none is taken out.
///
/// ```
/// use quern::StringTable;
///
/// let mut memory = [core::mem::MaybeUninit::uninit(); 1024];
/// let mut names = StringTable::new(&mut memory, 20).unwrap();
///
/// assert_eq!(names.put("pressure"), Some(0));
/// assert_eq!(names.put("humidity"), Some(1));
/// assert_eq!(names.put("pressure"), Some(0));
/// assert_eq!(names.get(1), Some("humidity"));
/// assert_eq!(names.get(2), None);
/// ```
pub struct StringTable<'m> {
    raw: sys::qn_strtab,
    _memory: PhantomData<&'m mut [MaybeUninit<u8>]>,
}

// SAFETY: its memory goes along with it
unsafe impl Send for StringTable<'_> {}
// SAFETY: shared, it is only read
unsafe impl Sync for StringTable<'_> {}

impl<'m> StringTable<'m> {
    /// An empty table for up to `most` texts, as far as the memory holds them.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], if it does not hold so many, empty ones even.
    pub fn new(memory: &'m mut [MaybeUninit<u8>], most: u32) -> Result<Self, Error> {
        let skip = memory.as_ptr().align_offset(align_of::<u32>());
        let memory = memory.get_mut(skip..).ok_or(Error::TooSmall)?;
        let at = memory.as_mut_ptr().cast();
        let mut raw = MaybeUninit::uninit();

        // SAFETY: the memory is aligned, and is borrowed for 'm, the table's life
        if unsafe { sys::qn_strtab_init(raw.as_mut_ptr(), at, memory.len(), most) } != 0 {
            return Err(Error::TooSmall);
        }
        Ok(StringTable {
            // SAFETY: it was filled in
            raw: unsafe { raw.assume_init() },
            _memory: PhantomData,
        })
    }

    /// The number of a text, a new one if it is not there yet: from 0 on in the order of arrival.
    ///
    /// None if there is no room for it, or it holds a character 0.
    pub fn put(&mut self, text: &str) -> Option<u32> {
        if text.as_bytes().contains(&0) {
            return None;
        }
        // SAFETY: the table is there, and copies the text
        let nr = unsafe { sys::qn_strtab_put(&mut self.raw, text.as_ptr().cast(), text.len()) };

        u32::try_from(nr).ok()
    }

    /// The text of a number.
    pub fn get(&self, nr: u32) -> Option<&str> {
        // SAFETY: the table is there
        let text = unsafe { sys::qn_strtab_get(&self.raw, nr) };

        if text.is_null() {
            return None;
        }
        // SAFETY: a terminated copy of a text that put() was given, which stays as long as the table
        Some(unsafe { core::str::from_utf8_unchecked(CStr::from_ptr(text).to_bytes()) })
    }

    /// How many texts it has.
    pub fn len(&self) -> u32 {
        self.raw.nr
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.raw.nr == 0
    }

    /// All texts in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map_while(|nr| self.get(nr))
    }
}

impl fmt::Debug for StringTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
