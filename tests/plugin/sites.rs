// SPDX-License-Identifier: MIT
//! Allocation sites in Rust: sites.c tells how x-hints.sh compares the records with the lines WANT.

pub struct Order {
    pub number: u64,
    pub name: String,
    pub rest: [u8; 40],
}

/* WANT:O2 72 - 8 sites::one() returned rust */
pub fn one(number: u64) -> Box<Order> {
    Box::new(Order {
        number,
        name: String::new(),
        rest: [0; 40],
    })
}

/* WANT:O2 8 - 8 sites::closure() rust */
pub fn closure(n: u64) -> Box<dyn Fn() -> u64> {
    Box::new(move || n)
}

/* WANT:O2 40 - 4 sites::summed() freed rust */
#[inline(never)]
pub fn summed(n: u32) -> u32 {
    let numbers = std::hint::black_box(Box::new([n; 10]));

    numbers.iter().sum()
}

/* WANT:O2 24 - - sites::copied() rust */
pub fn copied(text: &[u8; 24]) -> Vec<u8> {
    text.to_vec()
}

/* The least is what a vector begins with: 4 elements, 8 of a byte each, or one large one */
/* WANT 288+ 72 8 sites::Order grows pointers array realloc rust */
pub fn more(orders: &mut Vec<Order>, order: Order) {
    orders.push(order)
}

/* WANT 2000+ 2000 2 [u16; 1000] grows array realloc rust */
pub fn rows(rows: &mut Vec<[u16; 1000]>, row: [u16; 1000]) {
    rows.push(row)
}
