// SPDX-License-Identifier: MIT
//! Pools and arenas: what the compiler refuses is in their documentation.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::rc::Rc;

use quern::{Arena, Heap, Pool, PoolBox};

fn memory(size: usize) -> Vec<MaybeUninit<u8>> {
    vec![MaybeUninit::uninit(); size]
}

/// Exactly so many buffers at any alignment of the memory; fewer with a byte less than one needs
fn holds<T: Default>(nr: usize) {
    let bytes = Pool::<T>::bytes(nr);
    let mut memory = memory(bytes + 16);

    for shift in 0..16 {
        let pool: Pool<T> = Pool::new(&mut memory[shift..shift + bytes]).unwrap();
        let mut boxes: Vec<PoolBox<T>> = Vec::new();

        assert!(pool.capacity() >= nr);
        while let Ok(taken) = pool.put(T::default()) {
            assert_eq!(&*taken as *const T as usize % std::mem::align_of::<T>(), 0);
            boxes.push(taken);
        }
        assert_eq!(boxes.len(), pool.capacity());
        assert_eq!((pool.free(), pool.least_free()), (0, 0));
        drop(boxes);
        assert_eq!((pool.free(), pool.least_free()), (pool.capacity(), 0));
    }
}

#[test]
fn a_pool_holds_what_it_says() {
    #[derive(Default)]
    struct Nothing;

    for nr in [1, 2, 7, 63, 64, 65, 200] {
        holds::<u8>(nr);
        holds::<u64>(nr);
        holds::<u128>(nr);
        holds::<[u32; 5]>(nr);
        holds::<[u128; 3]>(nr);
        holds::<String>(nr);
        holds::<Nothing>(nr);
    }
    assert!(Pool::<u64>::new(&mut memory(40)).is_none());
    assert!(Pool::<u64>::new(&mut []).is_none());
}

#[test]
fn a_box_returns_itself_once() {
    let mut memory = memory(Pool::<Rc<()>>::bytes(3));
    let pool: Pool<Rc<()>> = Pool::new(&mut memory).unwrap();
    let value = Rc::new(());

    let a = pool.put(value.clone()).unwrap();
    let b = pool.put(value.clone()).unwrap();
    assert_eq!(Rc::strong_count(&value), 3);
    drop(a);
    assert_eq!(
        (Rc::strong_count(&value), pool.free()),
        (2, pool.capacity() - 1)
    );
    let inner = b.into_inner();
    assert_eq!(
        (Rc::strong_count(&value), pool.free()),
        (2, pool.capacity())
    );
    drop(inner);

    let all: Vec<_> = std::iter::from_fn(|| pool.put(value.clone()).ok()).collect();
    assert_eq!(Rc::strong_count(&value), 1 + all.len());
    let back = pool.put(value.clone()).unwrap_err();
    assert!(Rc::ptr_eq(&back, &value));
}

#[test]
fn a_handle_is_a_word_that_keeps_its_value() {
    enum Rx {}
    let mut memory = memory(Pool::<String, Rx>::bytes(2));
    let pool: Pool<String, Rx> = Pool::new(&mut memory).unwrap();

    let mut handle = pool.put("a".to_string()).unwrap().into_handle();
    assert_eq!(std::mem::size_of_val(&handle), std::mem::size_of::<usize>());
    pool.get_mut(&mut handle).push('b');
    assert_eq!(pool.get(&handle), "ab");
    assert_eq!(
        handle.as_ptr().cast_const(),
        pool.get(&handle) as *const String
    );
    assert_eq!(pool.free(), pool.capacity() - 1);
    let text = pool.adopt(handle);
    assert_eq!(*text, "ab");
    drop(text);
    assert_eq!(pool.free(), pool.capacity());
}

#[test]
fn boxes_outlive_their_pool_not_its_memory() {
    let mut memory = memory(Pool::<u32>::bytes(2));
    let kept;
    {
        let pool: Pool<u32> = Pool::new(&mut memory).unwrap();
        kept = pool.put(5).unwrap();
    }
    assert_eq!(*kept, 5);
    drop(kept);
}

#[cfg(quern_locked)]
#[test]
fn boxes_go_to_other_threads() {
    let mut memory = memory(Pool::<u64>::bytes(64));
    let pool: Pool<u64> = Pool::new(&mut memory).unwrap();

    std::thread::scope(|scope| {
        for thread in 0..4 {
            let pool = &pool;
            scope.spawn(move || {
                for i in 0..2000 {
                    if let Ok(taken) = pool.put(thread << 32 | i) {
                        assert_eq!(*taken, thread << 32 | i);
                    }
                }
            });
        }
        let sent = pool.put(7).unwrap();
        scope.spawn(move || assert_eq!(*sent, 7));
    });
    assert_eq!(pool.free(), pool.capacity());
}

#[test]
fn an_arena_that_grows() {
    let heap = Heap::empty();
    heap.init(memory(64 << 10).leak()).unwrap();
    assert!(Arena::over(&Heap::empty(), 512).is_err());

    let mut arena = Arena::over(&heap, 512).unwrap();
    for round in 0..3 {
        let words: Vec<&mut str> = (0..200)
            .map(|i| arena.alloc_str(&format!("word {i}")).unwrap())
            .collect();
        assert!(words
            .iter()
            .enumerate()
            .all(|(i, word)| **word == format!("word {i}")));
        let wide = arena.alloc(Wide([round; 64])).ok().unwrap();
        assert_eq!(wide as *const Wide as usize % 64, 0);
        assert!(heap.used() > 200 * 6);
        // More than the heap has
        assert!(arena.alloc_slice_with(100_000, |_| 0u8).is_none());
        arena.reset();
        assert_eq!(heap.used(), 0);
    }
    arena.alloc(1).unwrap();
    drop(arena);
    assert_eq!(heap.used(), 0);
}

#[repr(align(64))]
#[derive(Clone, Copy)]
struct Wide([u8; 64]);

#[test]
fn slices_and_types_without_bytes() {
    let mut memory = memory(1000);
    let arena = Arena::new(&mut memory);

    assert_eq!(arena.alloc_slice(&[1, 2, 3]).unwrap(), [1, 2, 3]);
    assert_eq!(arena.alloc_slice_with(4, |i| i * i).unwrap(), [0, 1, 4, 9]);
    assert_eq!(arena.alloc_slice::<u32>(&[]).unwrap(), []);
    assert_eq!(arena.alloc_str("").unwrap(), "");
    for _ in 0..10_000 {
        arena.alloc(()).unwrap();
    }
    assert_eq!(arena.alloc_slice_with(5000, |_| ()).unwrap().len(), 5000);
    assert!(arena.alloc_slice_with(usize::MAX, |_| 0u64).is_none());
    assert_eq!(arena.alloc([7u8; 2000]).unwrap_err(), [7; 2000]);
    assert_eq!(
        arena.format(format_args!("{:>5}|{:x}", 42, 255)).unwrap(),
        "   42|ff"
    );
    assert!(arena.format(format_args!("{:>5000}", 1)).is_none());
}

#[test]
fn vectors_grow_and_drop_their_elements() {
    let mut memory = memory(16 << 10);
    let arena = Arena::new(&mut memory);
    let value = Rc::new(());
    let mut counted = arena.vec();
    let mut wide = arena.vec();
    let mut nothing = arena.vec();

    for i in 0..20u8 {
        counted.push(value.clone()).unwrap();
        wide.push(Wide([i; 64])).ok().unwrap();
        nothing.push(()).unwrap();
        assert_eq!(wide.as_ptr() as usize % 64, 0);
    }
    assert!(wide.iter().enumerate().all(|(i, w)| w.0 == [i as u8; 64]));
    assert_eq!(
        (nothing.len(), nothing.pop(), nothing.len()),
        (20, Some(()), 19)
    );
    assert_eq!(Rc::strong_count(&value), 21);
    drop(counted.pop());
    assert_eq!(Rc::strong_count(&value), 20);
    drop(counted);
    assert_eq!(Rc::strong_count(&value), 1);

    let mut full = arena.vec();
    while full.push(1u8).is_ok() {}
    assert!(full.iter().all(|byte| *byte == 1));
    assert_eq!(arena.vec::<u32>().pop(), None);
}

#[test]
fn a_graph_in_an_arena() {
    struct Node<'a> {
        nr: usize,
        next: Cell<Option<&'a Node<'a>>>,
    }
    let mut memory = memory(16 << 10);
    let arena = Arena::new(&mut memory);
    let mut nodes = arena.vec();

    for nr in 0..100 {
        let next = Cell::new(None);
        nodes
            .push(&*arena.alloc(Node { nr, next }).ok().unwrap())
            .ok()
            .unwrap();
    }
    let nodes = nodes.into_slice();
    for nr in 0..100 {
        nodes[nr].next.set(Some(nodes[(nr + 37) % 100]));
    }
    let (mut at, mut steps) = (nodes[0], 0);
    while {
        at = at.next.get().unwrap();
        steps += 1;
        at.nr != 0
    } {}
    assert_eq!(steps, 100);
}
