// SPDX-License-Identifier: MIT
//! Bytes as a type, and a type as bytes, without a copy.

use core::fmt;
use core::mem;
use core::slice;

/// A type that any bytes of its size are a value of, and that has no others: no padding, no
/// references, no values that are none. [`plain!`](crate::plain) makes a structure one.
///
/// # Safety
///
/// All of that holds.
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($($name:ty)*) => {$(
        // SAFETY: a number has no padding, and any bits are one
        unsafe impl Plain for $name {}
    )*};
}

plain!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 usize isize f32 f64);
// SAFETY: between elements there is nothing
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Why bytes are no value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewError {
    /// There are fewer than the type has
    TooShort,
    /// They lie at an address where the type cannot lie
    Unaligned,
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ViewError::TooShort => "there are too few bytes",
            ViewError::Unaligned => "the bytes are not aligned",
        })
    }
}

impl core::error::Error for ViewError {}

fn check<T>(bytes: &[u8], nr: usize) -> Result<(), ViewError> {
    let size = mem::size_of::<T>().checked_mul(nr);

    if size.is_none_or(|size| size > bytes.len()) {
        Err(ViewError::TooShort)
    } else if !bytes.as_ptr().cast::<T>().is_aligned() {
        Err(ViewError::Unaligned)
    } else {
        Ok(())
    }
}

/// The first bytes as a value, which lies where they lie; more of them are left alone.
///
/// ```
/// quern::plain! {
///     struct Header {
///         kind: u16,
///         size: u16,
///         sequence: u32,
///     }
/// }
/// let mut packet = [1u32, 2, 3];
/// let bytes = quern::bytes_of_mut(&mut packet);
/// let header: &mut Header = quern::view_mut(bytes).unwrap();
/// header.sequence += 5;
/// assert_eq!(packet, [1, 7, 3]);
/// ```
///
/// A structure with padding is refused:
///
/// ```compile_fail,E0080
/// quern::plain! {
///     struct Padded {
///         kind: u8,
///         sequence: u32,
///     }
/// }
/// ```
///
/// # Errors
///
/// [`ViewError::TooShort`], [`ViewError::Unaligned`].
pub fn view<T: Plain>(bytes: &[u8]) -> Result<&T, ViewError> {
    check::<T>(bytes, 1)?;
    // SAFETY: there are so many bytes, aligned, and any are a value
    Ok(unsafe { &*bytes.as_ptr().cast() })
}

/// The same, to be changed.
///
/// # Errors
///
/// As [`view`].
pub fn view_mut<T: Plain>(bytes: &mut [u8]) -> Result<&mut T, ViewError> {
    check::<T>(bytes, 1)?;
    // SAFETY: as above; a value has no padding, so the bytes stay bytes
    Ok(unsafe { &mut *bytes.as_mut_ptr().cast() })
}

/// The first bytes as `nr` values.
///
/// # Errors
///
/// As [`view`].
pub fn view_slice<T: Plain>(bytes: &[u8], nr: usize) -> Result<&[T], ViewError> {
    check::<T>(bytes, nr)?;
    // SAFETY: as in view(), for each of them
    Ok(unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), nr) })
}

/// The bytes of a value, in the machine's order.
pub fn bytes_of<T: Plain>(value: &T) -> &[u8] {
    // SAFETY: a value has so many bytes, none of them padding
    unsafe { slice::from_raw_parts((value as *const T).cast(), mem::size_of::<T>()) }
}

/// The same, to be changed.
pub fn bytes_of_mut<T: Plain>(value: &mut T) -> &mut [u8] {
    // SAFETY: as above, and any bytes are a value
    unsafe { slice::from_raw_parts_mut((value as *mut T).cast(), mem::size_of::<T>()) }
}

/// Structures that lie in memory as they are written, and are [`Plain`]. One with padding, or
/// with a member that is not plain, does not compile. [`view`] has an example.
#[macro_export]
macro_rules! plain {
    ($(#[$more:meta])* $vis:vis struct $name:ident {
        $($(#[$of:meta])* $field_vis:vis $field:ident: $type:ty),+ $(,)?
    }) => {
        $(#[$more])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $vis struct $name {
            $($(#[$of])* $field_vis $field: $type,)+
        }
        const _: () = {
            const fn is_plain<T: $crate::Plain>() -> usize {
                ::core::mem::size_of::<T>()
            }
            assert!(
                0 $(+ is_plain::<$type>())+ == ::core::mem::size_of::<$name>(),
                "the structure has padding"
            );
        };
        // SAFETY: its members are, there is nothing between them, and it lies as in C
        unsafe impl $crate::Plain for $name {}
    };
}
