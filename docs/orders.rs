//! What README.md has rustc tell of its sites.
#![crate_type = "lib"]

pub struct Order {
    pub number: u64,
    pub prices: Vec<f64>,
}

pub fn order(number: u64) -> Box<Order> {
    Box::new(Order {
        number,
        prices: Vec::new(),
    })
}

pub fn add(orders: &mut Vec<Box<Order>>, number: u64, price: f64) {
    let mut order = order(number);

    order.prices.push(price);
    orders.push(order);
}
