// SPDX-License-Identifier: MIT
//! A heap over memory of the program's own, and the program's allocator by it.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void, CStr};
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ops::{BitOr, Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::lock::locked;
use crate::stats::{Brief, Stats, ZoneStats};
use crate::{sys, ALIGN};

/// Why memory or a setting was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The heap has no memory yet
    Empty,
    /// The heap has memory already: more of it is a zone
    NotEmpty,
    /// The memory does not hold the heap's own state and one block
    TooSmall,
    /// The heap has as many zones as it can have (knob QN_NR_ZONES)
    TooManyZones,
    /// A value is out of its range
    Range,
    /// An argument is wrong: memory that overlaps, an unknown name
    Invalid,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Empty => "the heap has no memory yet",
            Error::NotEmpty => "the heap has memory already",
            Error::TooSmall => "the memory is too small",
            Error::TooManyZones => "the heap has as many zones as it can have",
            Error::Range => "the value is out of its range",
            Error::Invalid => "an argument is wrong",
        })
    }
}

impl core::error::Error for Error {}

/// 0 or -errno, as functions of C return
fn outcome(status: c_int) -> Result<(), Error> {
    match -status {
        0 => Ok(()),
        sys::ENOSPC => Err(Error::TooSmall),
        sys::EMFILE => Err(Error::TooManyZones),
        sys::ERANGE => Err(Error::Range),
        _ => Err(Error::Invalid),
    }
}

/// What a zone of a heap is good for. Flags are joined by `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(u32);

impl Zone {
    /// Like the memory that a heap begins with
    pub const PLAIN: Zone = Zone(0);
    /// Bus masters cannot reach it, as CCM of the STM32F407: [`Heap::dma_buffer`] never takes it
    pub const NO_DMA: Zone = Zone(sys::QN_ZONE_NODMA);
    /// Used before the memory that the heap has so far
    pub const FIRST: Zone = Zone(sys::QN_ZONE_FIRST);

    /// It has attribute `n` of 0 to 3, whose meaning is the program's: fast, kept in standby.
    /// [`Heap::buffer_in`] asks for it.
    ///
    /// # Panics
    ///
    /// If there is no such attribute.
    pub const fn has(n: u32) -> Zone {
        assert!(n < 4, "attributes are 0 to 3");
        Zone(sys::QN_ZONE_HAS_0 << n)
    }
}

impl BitOr for Zone {
    type Output = Zone;

    fn bitor(self, other: Zone) -> Zone {
        Zone(self.0 | other.0)
    }
}

/// Whether and how a heap adapts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// By rule, in [`Heap::step`]: what a new heap does
    Rule,
    /// Nothing is learned, and each block is merged when it is freed
    Fixed,
}

/// A heap over memory that the program gives it, and the program's allocator.
///
/// It is empty until [`init`](Heap::init) gives it memory; requests fail until then. All of
/// its state lies in that memory. A static heap needs a feature that says who may use it at a
/// time: `critical-section`, `cortex-m`, `spin` or `std`. Without one [`LocalHeap`] is for
/// programs with a single thread of execution.
///
/// Requests that no free run serves return null, so `Vec::try_reserve` fails and `Box::new`
/// calls the program's handler: it panics.
///
/// ```no_run
/// # #[cfg(feature = "spin")] {
/// #[global_allocator]
/// static HEAP: quern::Heap = quern::Heap::empty();
/// static MEMORY: quern::Memory<65536> = quern::Memory::new();
///
/// # fn init() {
/// HEAP.init(MEMORY.take().unwrap()).unwrap();
/// # }
/// # }
/// ```
pub struct Heap {
    raw: AtomicPtr<sys::qn_heap>,
    _unsync: PhantomData<*mut ()>,
}

// SAFETY: the heap's memory goes along with it, and it depends on no thread
unsafe impl Send for Heap {}
// SAFETY: with one of these features the C side locks each operation
#[cfg(quern_locked)]
unsafe impl Sync for Heap {}

/// What is read from another thread, or only from what interrupts it
const ORDER: Ordering = if cfg!(any(feature = "spin", feature = "std")) {
    Ordering::Acquire
} else {
    Ordering::Relaxed
};

impl Heap {
    /// A heap without memory.
    pub const fn empty() -> Self {
        Heap {
            raw: AtomicPtr::new(ptr::null_mut()),
            _unsync: PhantomData,
        }
    }

    /// The heap on the C side, or null
    #[inline]
    pub(crate) fn raw(&self) -> *mut sys::qn_heap {
        self.raw.load(ORDER)
    }

    fn ready(&self) -> Result<*mut sys::qn_heap, Error> {
        let raw = self.raw();

        if raw.is_null() {
            Err(Error::Empty)
        } else {
            Ok(raw)
        }
    }

    /// Gives the heap its memory, of any alignment and contents.
    ///
    /// A heap takes about 1.5 KB of it and a 64th (4 KB and a 128th on 64-bit machines).
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`], [`Error::TooSmall`].
    pub fn init(&self, memory: &'static mut [MaybeUninit<u8>]) -> Result<(), Error> {
        // SAFETY: the slice is borrowed for good, so nobody else uses its memory
        unsafe { self.init_raw(memory.as_mut_ptr().cast(), memory.len()) }
    }

    /// The same by bounds, as a linker script has them.
    ///
    /// ```no_run
    /// # let heap = quern::Heap::empty();
    /// extern "C" {
    ///     static mut __heap_start: u8;
    ///     static mut __heap_end: u8;
    /// }
    /// let (start, end) = (&raw mut __heap_start, &raw mut __heap_end);
    /// // SAFETY: the linker script leaves this memory to the heap
    /// unsafe { heap.init_raw(start, end as usize - start as usize) }.unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`], [`Error::TooSmall`].
    ///
    /// # Safety
    ///
    /// `size` bytes from `start` on can be written, and belong to nobody else from now on.
    pub unsafe fn init_raw(&self, start: *mut u8, size: usize) -> Result<(), Error> {
        locked(|| {
            if !self.raw.load(Ordering::Relaxed).is_null() {
                return Err(Error::NotEmpty);
            }
            // SAFETY: the caller gives the memory away
            let raw = unsafe { sys::qn_heap_init(start.cast(), size) };
            if raw.is_null() {
                return Err(Error::TooSmall);
            }
            self.raw.store(raw, Ordering::Release);
            Ok(())
        })
    }

    /// Gives the heap more memory: another SRAM, CCM, external RAM.
    ///
    /// Zones are tried in the order in which they were added, [`Zone::FIRST`] before those that
    /// are there, [`Zone::NO_DMA`] before those that are not.
    ///
    /// ```
    /// use quern::{Heap, Memory, Zone};
    ///
    /// static SRAM: Memory<16384> = Memory::new();
    /// static CCM: Memory<8192> = Memory::new();
    /// let heap = Heap::empty();
    ///
    /// heap.init(SRAM.take().unwrap())?;
    /// heap.add_zone(CCM.take().unwrap(), Zone::NO_DMA)?;
    /// assert_eq!(heap.zone_stats(0).unwrap().used, 0);
    /// # Ok::<(), quern::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Empty`], [`Error::TooSmall`], [`Error::TooManyZones`], [`Error::Invalid`].
    pub fn add_zone(
        &self,
        memory: &'static mut [MaybeUninit<u8>],
        zone: Zone,
    ) -> Result<(), Error> {
        // SAFETY: the slice is borrowed for good, so nobody else uses its memory
        unsafe { self.add_zone_raw(memory.as_mut_ptr().cast(), memory.len(), zone) }
    }

    /// The same by bounds.
    ///
    /// # Errors
    ///
    /// As [`add_zone`](Heap::add_zone).
    ///
    /// # Safety
    ///
    /// As [`init_raw`](Heap::init_raw).
    pub unsafe fn add_zone_raw(
        &self,
        start: *mut u8,
        size: usize,
        zone: Zone,
    ) -> Result<(), Error> {
        let raw = self.ready()?;

        // SAFETY: the heap is there, and the caller gives the memory away
        outcome(unsafe { sys::qn_heap_add_zone(raw, start.cast(), size, zone.0) })
    }

    /// Bytes in use, in constant time.
    pub fn used(&self) -> usize {
        self.brief().used
    }

    /// Bytes that requests could have, in constant time.
    pub fn free(&self) -> usize {
        self.brief().free
    }

    /// What the heap holds, in constant time. All 0 of an empty heap.
    pub fn brief(&self) -> Brief {
        let mut brief = sys::qn_brief::default();

        // SAFETY: of null it does nothing, else the heap is there
        unsafe { sys::qn_heap_brief(self.raw(), &mut brief) };
        brief.into()
    }

    /// What the heap holds. All 0 of an empty heap.
    pub fn stats(&self) -> Stats {
        let mut st = sys::qn_stats::default();

        // SAFETY: of null it does nothing, else the heap is there
        unsafe { sys::qn_heap_stats(self.raw(), &mut st) };
        st.into()
    }

    /// What one zone holds: 0 is the zone that is tried first.
    pub fn zone_stats(&self, nr: u32) -> Option<ZoneStats> {
        let mut st = sys::qn_zone_stats {
            start: ptr::null_mut(),
            size: 0,
            used: 0,
            held: 0,
            free: 0,
            largest_free: 0,
            flags: 0,
        };

        // SAFETY: of null it does nothing, else the heap is there
        (unsafe { sys::qn_heap_zone_stats(self.raw(), nr, &mut st) } == 0).then(|| st.into())
    }

    /// The peak is what is in use now, to see the peak of one phase of a program.
    pub fn reset_peak(&self) {
        if let Ok(raw) = self.ready() {
            // SAFETY: the heap is there
            unsafe { sys::qn_heap_reset_peak(raw) }
        }
    }

    /// One bounded slice of learning and upkeep, for the idle loop: true if there is more to do.
    ///
    /// A heap that is never given this is right and bounded all the same.
    pub fn step(&self) -> bool {
        // SAFETY: of null it does nothing, else the heap is there
        unsafe { sys::qn_heap_step(self.raw()) > 0 }
    }

    /// Whether and how the heap adapts.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`].
    pub fn set_policy(&self, policy: Policy) -> Result<(), Error> {
        let name = match policy {
            Policy::Rule => c"rule",
            Policy::Fixed => c"fixed",
        };
        let raw = self.ready()?;

        // SAFETY: the heap is there, the name is terminated
        outcome(unsafe { sys::qn_heap_set_policy(raw, name.as_ptr()) })
    }

    /// Turns a number that the heap reads while it runs: a row of QN_HEAP_KNOBS in
    /// lib/base/knobs.h.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`], [`Error::Invalid`] (no such knob), [`Error::Range`].
    pub fn set_knob(&self, name: &CStr, value: usize) -> Result<(), Error> {
        let raw = self.ready()?;

        // SAFETY: the heap is there, the name is terminated
        outcome(unsafe { sys::qn_heap_set_knob(raw, name.as_ptr(), value) })
    }

    /// Says how scarce memory is, from 0 to 1024. The heap then holds less in [`step`](Heap::step).
    ///
    /// # Errors
    ///
    /// [`Error::Empty`], [`Error::Range`].
    pub fn set_pressure(&self, level: u32) -> Result<(), Error> {
        let raw = self.ready()?;

        // SAFETY: the heap is there
        outcome(unsafe { sys::qn_pressure_set(raw, level) })
    }

    /// Names a function to ask when memory runs out.
    ///
    /// It is given the bytes that no block could be had for. It may free, and returns true if it
    /// did: then the request is tried again. It must not allocate.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`].
    pub fn set_hook(&self, hook: Option<fn(usize) -> bool>) -> Result<(), Error> {
        unsafe extern "C" fn call(arg: *mut c_void, size: usize) -> bool {
            // SAFETY: set_hook() made the argument of such a function
            let hook: fn(usize) -> bool = unsafe { core::mem::transmute(arg) };

            hook(size)
        }
        let raw = self.ready()?;
        let (call, arg) = match hook {
            Some(hook) => (Some(call as _), hook as *mut c_void),
            None => (None, ptr::null_mut()),
        };

        // SAFETY: the heap is there, and call() takes the argument that goes with it
        unsafe { sys::qn_heap_set_hook(raw, call, arg) };
        Ok(())
    }

    /// Walks the whole heap.
    ///
    /// # Errors
    ///
    /// What is damaged, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let Ok(raw) = self.ready() else {
            return Ok(());
        };

        // SAFETY: the heap is there
        if unsafe { sys::qn_heap_check(raw) } == 0 {
            return Ok(());
        }
        // SAFETY: it returns a static, terminated string
        let why = unsafe { CStr::from_ptr(sys::qn_heap_error(raw)) };
        Err(why.to_str().unwrap_or("damaged"))
    }

    /// Bytes that read 0 and that bus masters can reach: never from [`Zone::NO_DMA`].
    ///
    /// ```
    /// # static SRAM: quern::Memory<16384> = quern::Memory::new();
    /// # let heap = quern::Heap::empty();
    /// # heap.init(SRAM.take().unwrap()).unwrap();
    /// let mut packet = heap.dma_buffer(64).unwrap();
    /// packet[0] = 0x7e;
    /// assert_eq!(packet.len(), 64);
    /// ```
    pub fn dma_buffer(&self, size: usize) -> Option<Buffer<'_>> {
        self.buffer(size, sys::QN_ALLOC_DMA)
    }

    /// Bytes that read 0 in a zone with an attribute: [`Zone::has`].
    ///
    /// ```
    /// use quern::{Heap, Memory, Zone};
    ///
    /// const STANDBY: u32 = 0;
    /// static SRAM: Memory<16384> = Memory::new();
    /// static BACKUP: Memory<4096> = Memory::new();
    /// let heap = Heap::empty();
    ///
    /// heap.init(SRAM.take().unwrap())?;
    /// assert!(heap.buffer_in(STANDBY, 100).is_none());
    /// heap.add_zone(BACKUP.take().unwrap(), Zone::has(STANDBY))?;
    /// assert_eq!(heap.buffer_in(STANDBY, 100).unwrap().len(), 100);
    /// # Ok::<(), quern::Error>(())
    /// ```
    pub fn buffer_in(&self, attribute: u32, size: usize) -> Option<Buffer<'_>> {
        self.buffer(size, Zone::has(attribute).0)
    }

    fn buffer(&self, size: usize, flags: u32) -> Option<Buffer<'_>> {
        let raw = self.ready().ok()?;

        if size > isize::MAX as usize {
            return None;
        }
        // SAFETY: the heap is there
        let p = unsafe { sys::qn_heap_alloc_flags(raw, size, flags | sys::QN_ALLOC_ZERO) };
        Some(Buffer {
            heap: self,
            bytes: NonNull::slice_from_raw_parts(NonNull::new(p.cast())?, size),
        })
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Heap").field(&self.brief()).finish()
    }
}

// SAFETY: blocks are as long and lie as their layout asks, are apart from each other and stay
// where they are; nothing here panics but where the C side finds a misuse, which stops.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let raw = self.raw();

        if raw.is_null() {
            return ptr::null_mut();
        }
        if layout.align() <= ALIGN {
            // SAFETY: the heap is there
            unsafe { sys::qn_heap_alloc(raw, layout.size()) }.cast()
        } else {
            // SAFETY: the heap is there
            unsafe { sys::qn_heap_alloc_aligned(raw, layout.align(), layout.size()) }.cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, _layout: Layout) {
        // SAFETY: the block is of this heap, so the heap is there
        unsafe { sys::qn_heap_free(self.raw(), p.cast()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is the caller's
        let p = unsafe { self.alloc(layout) };

        if !p.is_null() {
            // SAFETY: the block has so many bytes
            unsafe { ptr::write_bytes(p, 0, layout.size()) }
        }
        p
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let raw = self.raw();

        if layout.align() <= ALIGN {
            // SAFETY: the block is of this heap, so the heap is there
            unsafe { sys::qn_heap_realloc(raw, p.cast(), size) }.cast()
        } else {
            // SAFETY: as above
            unsafe { sys::qn_heap_realloc_aligned(raw, p.cast(), layout.align(), size) }.cast()
        }
    }
}

/// A [`Heap`] for a program with a single thread of execution, without any lock.
///
/// ```
/// // SAFETY: this program has one thread, and no interrupt that allocates
/// static HEAP: quern::LocalHeap = unsafe { quern::LocalHeap::new() };
/// static MEMORY: quern::Memory<16384> = quern::Memory::new();
///
/// HEAP.init(MEMORY.take().unwrap()).unwrap();
/// assert_eq!(HEAP.used(), 0);
/// ```
#[derive(Debug)]
pub struct LocalHeap(Heap);

// SAFETY: whoever made it has promised that one thread of execution uses it at a time
unsafe impl Sync for LocalHeap {}

impl LocalHeap {
    /// A heap without memory.
    ///
    /// # Safety
    ///
    /// No two threads, cores or interrupts are in functions of this heap at a time; as the global
    /// allocator, in any code that allocates or frees.
    pub const unsafe fn new() -> Self {
        LocalHeap(Heap::empty())
    }
}

impl Deref for LocalHeap {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        &self.0
    }
}

// SAFETY: as the heap within
unsafe impl GlobalAlloc for LocalHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those asked for
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: as above
        unsafe { self.0.dealloc(p, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above
        unsafe { self.0.realloc(p, layout, size) }
    }
}

/// Bytes of a heap from [`Heap::dma_buffer`] or [`Heap::buffer_in`].
pub struct Buffer<'h> {
    heap: &'h Heap,
    bytes: NonNull<[u8]>,
}

// SAFETY: it owns its bytes, and its heap may be used from any thread
#[cfg(quern_locked)]
unsafe impl Send for Buffer<'_> {}
// SAFETY: shared, its bytes are only read
#[cfg(quern_locked)]
unsafe impl Sync for Buffer<'_> {}

impl Deref for Buffer<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the block is this buffer's alone, and was filled with zeroes
        unsafe { self.bytes.as_ref() }
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above
        unsafe { self.bytes.as_mut() }
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        // SAFETY: the block is of this heap, and nobody has it from now on
        unsafe { sys::qn_heap_free(self.heap.raw(), self.bytes.as_ptr().cast()) }
    }
}
