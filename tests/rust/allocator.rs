// SPDX-License-Identifier: MIT
//! Heaps as allocators of single collections, by the trait that only nightly compilers have.
#![feature(allocator_api, btreemap_alloc)]

use std::alloc::{Allocator, Layout};
use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::rc::Rc;

use quern::Heap;

fn heap(size: usize) -> Heap {
    let heap = Heap::empty();

    heap.init(vec![MaybeUninit::uninit(); size].leak()).unwrap();
    heap
}

#[test]
fn collections_in_a_heap_of_their_own() {
    let heap = heap(256 << 10);
    {
        let mut numbers = Vec::new_in(&heap);
        let mut map = BTreeMap::new_in(&heap);

        for i in 0..1000 {
            numbers.push(i);
            map.insert(i * 7919 % 1000, Box::new_in(i, &heap));
        }
        numbers.truncate(10);
        numbers.shrink_to_fit();
        assert!(heap.used() > 1000 * 8);
        assert!(numbers.iter().copied().eq(0..10));
        assert!(map.iter().all(|(key, i)| **i * 7919 % 1000 == *key));
        let shared = Rc::new_in([1u8; 100], &heap);
        assert_eq!(shared.clone()[99], 1);
    }
    assert_eq!(heap.used(), 0);
    heap.check().unwrap();
}

#[test]
fn a_heap_that_is_full_says_so() {
    let heap = heap(16 << 10);
    let mut numbers: Vec<u64, _> = Vec::new_in(&heap);

    assert!(numbers.try_reserve(10_000).is_err());
    assert!(Box::try_new_in([0u8; 20_000], &heap).is_err());
    assert_eq!(heap.used(), 0);
}

#[test]
fn no_bytes_and_other_alignments() {
    let heap = heap(64 << 10);
    let layout = |size, align| Layout::from_size_align(size, align).unwrap();
    let none = layout(0, 64);

    // SAFETY: the blocks are of these layouts
    unsafe {
        let p = heap.allocate(none).unwrap();
        assert_eq!(
            (p.len(), p.cast::<u8>().as_ptr() as usize % 64, heap.used()),
            (0, 0, 0)
        );
        let p = heap.grow(p.cast(), none, layout(100, 8)).unwrap();
        p.cast::<u8>().write_bytes(9, 100);
        let p = heap
            .grow(p.cast(), layout(100, 8), layout(300, 256))
            .unwrap();
        assert_eq!(p.cast::<u8>().as_ptr() as usize % 256, 0);
        assert!((0..100).all(|i| *p.cast::<u8>().as_ptr().add(i) == 9));
        let p = heap
            .grow_zeroed(p.cast(), layout(300, 256), layout(500, 256))
            .unwrap();
        assert!((300..500).all(|i| *p.cast::<u8>().as_ptr().add(i) == 0));
        let p = heap
            .shrink(p.cast(), layout(500, 256), layout(50, 1))
            .unwrap();
        assert!((0..50).all(|i| *p.cast::<u8>().as_ptr().add(i) == 9));
        let p = heap.shrink(p.cast(), layout(50, 1), none).unwrap();
        heap.deallocate(p.cast(), none);
    }
    assert_eq!(heap.used(), 0);
}
