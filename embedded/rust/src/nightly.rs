// SPDX-License-Identifier: MIT
//! core::alloc::Allocator, which stable compilers do not have yet.

use core::alloc::{AllocError, Allocator, GlobalAlloc, Layout};
use core::ptr::{self, without_provenance_mut, NonNull};

type Block = Result<NonNull<[u8]>, AllocError>;

/// Asks a global allocator for a block, which asks nothing for no bytes
fn block(layout: Layout, get: impl FnOnce(Layout) -> *mut u8) -> Block {
    let p = if layout.size() == 0 {
        without_provenance_mut(layout.align())
    } else {
        get(layout)
    };
    let p = NonNull::new(p).ok_or(AllocError)?;

    Ok(NonNull::slice_from_raw_parts(p, layout.size()))
}

/// In place where the alignment stays and both sizes are of blocks
///
/// # Safety
///
/// As of grow() and shrink() of [`Allocator`].
unsafe fn resize<A>(heap: &A, p: NonNull<u8>, from: Layout, to: Layout) -> Block
where
    A: Allocator + GlobalAlloc,
{
    if from.align() == to.align() && from.size() != 0 && to.size() != 0 {
        // SAFETY: it is a block of that layout, and no size is 0
        return block(to, |to| unsafe {
            heap.realloc(p.as_ptr(), from, to.size())
        });
    }
    let new = heap.allocate(to)?;
    let bytes = from.size().min(to.size());
    // SAFETY: both have so many bytes and are apart; the old block is the caller's
    unsafe {
        ptr::copy_nonoverlapping(p.as_ptr(), new.cast().as_ptr(), bytes);
        heap.deallocate(p, from);
    }
    Ok(new)
}

/// Functions of the trait that are resize()
macro_rules! resizing {
    ($($name:ident),*) => {$(
        unsafe fn $name(&self, p: NonNull<u8>, from: Layout, to: Layout) -> Block {
            // SAFETY: as the caller promises
            unsafe { resize(self, p, from, to) }
        }
    )*};
}

macro_rules! allocator {
    ($name:ty) => {
        // SAFETY: blocks are of the global allocator of the same type, which keeps them where
        // they are until they are freed, wherever the value itself is
        unsafe impl Allocator for $name {
            fn allocate(&self, layout: Layout) -> Block {
                // SAFETY: the size is not 0
                block(layout, |layout| unsafe { self.alloc(layout) })
            }

            fn allocate_zeroed(&self, layout: Layout) -> Block {
                // SAFETY: the size is not 0
                block(layout, |layout| unsafe { self.alloc_zeroed(layout) })
            }

            unsafe fn deallocate(&self, p: NonNull<u8>, layout: Layout) {
                if layout.size() != 0 {
                    // SAFETY: it is a block of that layout
                    unsafe { self.dealloc(p.as_ptr(), layout) }
                }
            }

            resizing!(grow, shrink);
        }
    };
}

allocator!(crate::Heap);
#[cfg(feature = "std")]
allocator!(crate::Process);
