// SPDX-License-Identifier: MIT
//! What the crate itself does one at a time: it fills in what is filled in once.
//!
//! The heap's own lock is on the C side (c/port.c). Without a feature that brings one nothing
//! here may be shared, so there is nothing to lock.

/// Runs `f` while nobody else runs another. `f` must not panic.
#[cfg(quern_locked)]
pub(crate) fn locked<R>(f: impl FnOnce() -> R) -> R {
    use crate::sys;
    use core::cell::UnsafeCell;

    struct Lock(UnsafeCell<sys::qn_lock>);
    // SAFETY: only the port's functions touch it, and a lock is made to be shared
    unsafe impl Sync for Lock {}
    static LOCK: Lock = Lock(UnsafeCell::new(sys::qn_lock { word: 0 }));

    // SAFETY: a static lock that began free
    unsafe { sys::qn_port_lock(LOCK.0.get()) };
    let result = f();
    // SAFETY: it was locked above
    unsafe { sys::qn_port_unlock(LOCK.0.get()) };
    result
}

/// Runs `f`
#[cfg(not(quern_locked))]
pub(crate) fn locked<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// Names the program's critical section, for the feature `critical-section`.
///
/// The first function begins it and returns a token, the second ends it and is given that
/// token. They nest. With the crate `critical-section`, on a Cortex-M:
///
/// ```ignore
/// quern::critical_section! {
///     acquire: || unsafe { critical_section::acquire() } as u32,
///     release: |token| unsafe { critical_section::release(token != 0) },
/// }
/// ```
///
/// # Safety
///
/// Between the two no other thread, core or interrupt may get past the first. The heap's
/// soundness rests on that, so the macro is for the program and not for a library.
#[macro_export]
macro_rules! critical_section {
    (acquire: $acquire:expr, release: $release:expr $(,)?) => {
        const _: () = {
            #[no_mangle]
            extern "C" fn quern_rust_acquire() -> u32 {
                let acquire: fn() -> u32 = $acquire;
                acquire()
            }
            #[no_mangle]
            extern "C" fn quern_rust_release(token: u32) {
                let release: fn(u32) = $release;
                release(token)
            }
        };
    };
}
