// SPDX-License-Identifier: MIT
//! What a heap has to stand, on this machine and on a Cortex-M4: a random sequence of calls held
//! against a model, and what programs do by alloc. All of it panics where something is wrong.
#![allow(dead_code)]

use std_alloc::alloc::{GlobalAlloc, Layout};
use std_alloc::boxed::Box;
use std_alloc::collections::{BTreeMap, VecDeque};
use std_alloc::format;
use std_alloc::rc::{Rc, Weak};
use std_alloc::string::{String, ToString};
use std_alloc::vec::Vec;

use core::cell::RefCell;
use core::slice;

/// Random numbers that are the same everywhere (xorshift)
pub struct Random(u32);

impl Random {
    pub fn new(seed: u32) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9) | 1)
    }

    /// Below `end`
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % end
    }
}

/// A block in use, as the model has it: each of its bytes is `fill` plus its number
struct Block {
    p: *mut u8,
    layout: Layout,
    fill: u8,
}

impl Block {
    fn byte(&self, i: usize) -> u8 {
        self.fill.wrapping_add((i % 251) as u8)
    }

    /// Fills the bytes from `from` on
    fn fill(&self, from: usize) {
        for i in from..self.layout.size() {
            // SAFETY: the block has so many bytes
            unsafe { self.p.add(i).write(self.byte(i)) }
        }
    }

    /// The first `size` bytes are as they were left, and it lies as it has to
    fn verify(&self, size: usize) {
        assert_eq!(
            self.p as usize % self.layout.align(),
            0,
            "{:?}",
            self.layout
        );
        // SAFETY: the block has so many bytes, all of them written
        let bytes = unsafe { slice::from_raw_parts(self.p, size) };
        for (i, byte) in bytes.iter().enumerate() {
            assert_eq!(*byte, self.byte(i), "byte {i} of {:?}", self.layout);
        }
    }

    fn overlaps(&self, other: &Block) -> bool {
        let (a, b) = (self.p as usize, other.p as usize);

        a < b + other.layout.size() && b < a + self.layout.size()
    }
}

/// What a sequence came to
#[derive(Debug, Default)]
pub struct Tally {
    pub allocs: usize,
    pub resizes: usize,
    pub failures: usize,
}

/// Calls of an allocator at random, with at most `most` blocks of up to `largest` bytes.
///
/// No block overlaps another, each lies at its alignment, keeps its bytes, and is zeroed if asked
/// for. All are freed at the end.
pub fn sequence(
    heap: &dyn GlobalAlloc,
    seed: u32,
    steps: usize,
    most: usize,
    largest: usize,
) -> Tally {
    let mut random = Random::new(seed);
    let mut blocks: Vec<Block> = Vec::with_capacity(most);
    let mut tally = Tally::default();

    for _ in 0..steps {
        let choice = random.below(8);

        if blocks.is_empty() || (choice < 4 && blocks.len() < most) {
            alloc(heap, &mut random, largest, &mut blocks, &mut tally);
        } else {
            let nr = random.below(blocks.len());
            let block = blocks.swap_remove(nr);

            if choice < 6 {
                release(heap, block);
            } else {
                resize(heap, &mut random, largest, block, &mut blocks, &mut tally);
            }
        }
    }
    for block in blocks {
        release(heap, block);
    }
    tally
}

fn some_size(random: &mut Random, largest: usize) -> usize {
    let largest = 1 + random.below(largest);

    1 + random.below(largest)
}

fn add(blocks: &mut Vec<Block>, block: Block) {
    for other in blocks.iter() {
        assert!(
            !block.overlaps(other),
            "{:?} overlaps {:?}",
            block.layout,
            other.layout
        );
    }
    blocks.push(block);
}

fn alloc(
    heap: &dyn GlobalAlloc,
    random: &mut Random,
    largest: usize,
    blocks: &mut Vec<Block>,
    tally: &mut Tally,
) {
    // Mostly what Rust asks for, now and then more
    let align = 1
        << if random.below(4) == 0 {
            random.below(9)
        } else {
            random.below(4)
        };
    let layout = Layout::from_size_align(some_size(random, largest), align).unwrap();
    let is_zeroed = random.below(3) == 0;
    // SAFETY: the size is not 0
    let p = unsafe {
        if is_zeroed {
            heap.alloc_zeroed(layout)
        } else {
            heap.alloc(layout)
        }
    };

    tally.allocs += 1;
    if p.is_null() {
        tally.failures += 1;
        return;
    }
    if is_zeroed {
        // SAFETY: the block has so many bytes, all of them zero
        assert!(unsafe { slice::from_raw_parts(p, layout.size()) }
            .iter()
            .all(|byte| *byte == 0));
    }
    let block = Block {
        p,
        layout,
        fill: random.below(256) as u8,
    };
    block.fill(0);
    block.verify(0);
    add(blocks, block);
}

fn resize(
    heap: &dyn GlobalAlloc,
    random: &mut Random,
    largest: usize,
    mut block: Block,
    blocks: &mut Vec<Block>,
    tally: &mut Tally,
) {
    let size = some_size(random, largest);
    // SAFETY: the block is of this heap and layout, the size is not 0
    let p = unsafe { heap.realloc(block.p, block.layout, size) };
    let kept = size.min(block.layout.size());

    tally.resizes += 1;
    if p.is_null() {
        tally.failures += 1;
        block.verify(block.layout.size());
    } else {
        block.p = p;
        block.layout = Layout::from_size_align(size, block.layout.align()).unwrap();
        block.verify(kept);
        block.fill(kept);
    }
    add(blocks, block);
}

fn release(heap: &dyn GlobalAlloc, block: Block) {
    block.verify(block.layout.size());
    // SAFETY: the block is of this heap and layout
    unsafe { heap.dealloc(block.p, block.layout) }
}

/// Node of a tree whose children know their parent
struct Node {
    name: String,
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
}

fn node(name: &str) -> Rc<Node> {
    Rc::new(Node {
        name: name.into(),
        parent: RefCell::new(Weak::new()),
        children: RefCell::new(Vec::new()),
    })
}

/// A graph of reference counts is gone once nobody has its root
fn graphs() {
    let root = node("root");
    let leaf = {
        let branch = node("branch");
        let leaf = node("leaf");

        *leaf.parent.borrow_mut() = Rc::downgrade(&branch);
        *branch.parent.borrow_mut() = Rc::downgrade(&root);
        branch.children.borrow_mut().push(leaf.clone());
        root.children.borrow_mut().push(branch);
        leaf
    };

    assert_eq!(leaf.parent.borrow().upgrade().unwrap().name, "branch");
    assert_eq!(Rc::strong_count(&leaf), 2);
    drop(root);
    assert!(leaf.parent.borrow().upgrade().is_none());
    assert_eq!(Rc::strong_count(&leaf), 1);
}

trait Shape {
    fn area(&self) -> usize;
}

struct Square(usize);

struct Table {
    rows: Vec<Vec<u16>>,
}

struct Nothing;

impl Shape for Square {
    fn area(&self) -> usize {
        self.0 * self.0
    }
}

impl Shape for Table {
    fn area(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

impl Shape for Nothing {
    fn area(&self) -> usize {
        0
    }
}

/// Boxes of traits, types without bytes, types at wide alignments
fn shapes() {
    #[repr(align(128))]
    struct Wide(#[allow(dead_code)] u8);

    let shapes: [Box<dyn Shape>; 3] = [
        Box::new(Square(7)),
        Box::new(Table {
            rows: (0..10).map(|n| (0..n).collect()).collect(),
        }),
        Box::new(Nothing),
    ];
    assert_eq!(
        shapes.iter().map(|shape| shape.area()).sum::<usize>(),
        49 + 45
    );

    let nothings: Vec<Nothing> = (0..1000).map(|_| Nothing).collect();
    assert_eq!(nothings.len(), 1000);

    let mut wide: Vec<Wide> = Vec::new();
    for i in 0..20 {
        wide.push(Wide(i));
        assert_eq!(wide.as_ptr() as usize % 128, 0);
        assert_eq!(&*Box::new(Wide(i)) as *const Wide as usize % 128, 0);
    }
    assert!(wide.iter().enumerate().all(|(i, w)| w.0 as usize == i));
}

/// Maps, texts and queues against what they must hold. Returns a checksum of all texts.
pub fn collections(rounds: usize) -> u32 {
    let mut random = Random::new(1);
    let mut map: BTreeMap<u16, String> = BTreeMap::new();
    let mut queue: VecDeque<String> = VecDeque::new();
    let mut sum = 0u32;

    for i in 0..rounds {
        let key = random.below(100) as u16;

        if let Some(text) = map.remove(&key) {
            assert!(text.starts_with(&key.to_string()));
            queue.push_back(text);
        } else {
            map.insert(key, format!("{key} in round {i}"));
        }
        while queue.len() > 20 {
            for byte in queue.pop_front().unwrap().bytes() {
                sum = sum.rotate_left(5) ^ u32::from(byte);
            }
        }
    }
    let keys: Vec<u16> = map.keys().copied().collect();
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));

    let mut text = String::new();
    for i in 0..rounds {
        text.push((b'a' + (i % 26) as u8) as char);
        text.shrink_to_fit();
    }
    assert!(text
        .bytes()
        .enumerate()
        .all(|(i, byte)| byte == b'a' + (i % 26) as u8));
    sum
}

/// A request that nothing serves fails, and what was there is as it was
fn failures() {
    let mut bytes: Vec<u8> = (0..100).collect();

    assert!(bytes.try_reserve(isize::MAX as usize - 200).is_err());
    assert!(bytes.iter().copied().eq(0..100));
    bytes.extend(100..200);
    assert!(bytes.iter().copied().eq(0..200));
}

/// All of the above but sequences. Returns the checksum of collections(), which is the same on
/// this machine and on the target.
pub fn programs() -> u32 {
    graphs();
    shapes();
    failures();
    collections(2000)
}
