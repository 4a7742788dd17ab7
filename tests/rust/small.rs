// SPDX-License-Identifier: MIT
//! Bit sets, tables of texts, varints, views and hints, against models of them.

extern crate alloc as std_alloc;

mod exercise;

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;

use exercise::Random;
use quern::{bytes_of, varint, view, view_mut, view_slice, BitSet, Error, StringTable, ViewError};

#[test]
fn a_bit_set_is_a_set() {
    for nr in [1, 31, 32, 63, 64, 65, 130, 1000] {
        let mut random = Random::new(nr as u32);
        let mut set = BitSet::new(vec![!0; BitSet::words(nr)], nr);
        let mut model = BTreeSet::new();

        for _ in 0..4 * nr {
            let (i, from) = (random.below(nr), random.below(nr + 1));

            match random.below(3) {
                0 => assert_eq!(set.remove(i), model.remove(&i)),
                _ => assert_eq!(set.insert(i), model.insert(i)),
            }
            assert_eq!(set.contains(from), model.contains(&from));
            assert_eq!(set.first(from), model.range(from..).next().copied());
            assert_eq!(
                set.first_hole(from),
                (from..nr).find(|i| !model.contains(i))
            );
        }
        assert!(set.iter().eq(model.iter().copied()));
        assert_eq!((set.count(), set.size()), (model.len(), nr));
        for i in 0..nr {
            set.insert(i);
        }
        assert_eq!(
            (set.first_hole(0), set.count(), set.first(nr)),
            (None, nr, None)
        );
        assert!(!set.contains(nr) && !set.remove(usize::MAX));
    }
}

#[test]
#[should_panic(expected = "10 is not below 10")]
fn a_bit_set_takes_no_larger_number() {
    BitSet::new([0; 1], 10).insert(10);
}

#[test]
fn a_table_has_each_text_once() {
    let mut memory = [MaybeUninit::uninit(); 8192];

    for shift in 0..4 {
        let mut table = StringTable::new(&mut memory[shift..], 500).unwrap();
        let mut model: HashMap<String, u32> = HashMap::new();
        let mut random = Random::new(5);

        assert!(table.is_empty());
        while let Some(nr) = {
            let text = format!("text {}", random.below(400)).repeat(random.below(3));
            let next = model.len() as u32;
            let nr = table.put(&text);

            if let Some(nr) = nr {
                assert_eq!(nr, *model.entry(text).or_insert(next));
            }
            nr.filter(|_| next < 300)
        } {
            assert!(table.get(nr).is_some());
        }
        assert_eq!(table.len() as usize, model.len());
        for (text, nr) in &model {
            assert_eq!(table.get(*nr), Some(text.as_str()));
        }
        assert_eq!(table.get(table.len()), None);
        assert_eq!(table.iter().count(), model.len());
        assert_eq!(table.put("no \0 within"), None);
    }
}

#[test]
fn a_table_that_is_full() {
    let mut memory = [MaybeUninit::uninit(); 100];

    assert_eq!(
        StringTable::new(&mut memory[..20], 10).unwrap_err(),
        Error::TooSmall
    );
    assert_eq!(StringTable::new(&mut [], 1).unwrap_err(), Error::TooSmall);
    let mut table = StringTable::new(&mut memory, 2).unwrap();
    assert_eq!(table.put(&"x".repeat(100)), None);
    assert_eq!((table.put("a"), table.put("a")), (Some(0), Some(0)));
    assert_eq!(table.put("äöü"), Some(1));
    assert_eq!(table.get(1), Some("äöü"));
}

/// The text of Protocol Buffers, "Encoding", has 150 and 300 as examples
#[test]
fn varints_are_those_of_others() {
    let mut bytes = [0; varint::MAX];

    assert_eq!(varint::put(&mut bytes, 150), [0x96, 0x01]);
    assert_eq!(varint::put(&mut bytes, 300), [0xac, 0x02]);
    for (signed, unsigned) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (i64::MAX, u64::MAX - 1)] {
        assert_eq!(varint::from_signed(signed), unsigned);
        assert_eq!(varint::to_signed(unsigned), signed);
    }
    assert_eq!(varint::from_signed(i64::MIN), u64::MAX);
}

#[test]
fn varints_come_back() {
    for shift in 0..64 {
        for value in [1u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
            let mut bytes = [0xff; varint::MAX];
            let written = varint::put(&mut bytes, value);
            let bits = (64 - value.leading_zeros()).max(1);

            assert_eq!(written.len() as u32, bits.div_ceil(7));
            assert_eq!(varint::get(written), Some((value, &[][..])));
            assert_eq!(varint::get(&written[..written.len() - 1]), None);
            assert_eq!(
                varint::to_signed(varint::from_signed(value as i64)),
                value as i64
            );
        }
    }
    let rest = [5, 6];
    assert_eq!(varint::get(&[0x7f, 5, 6]), Some((127, &rest[..])));
    assert_eq!(varint::get(&[]), None);
    // Another spelling of 0; and more than 64 bits
    assert_eq!(varint::get(&[0x80, 0]), None);
    assert_eq!(
        varint::get(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
        None
    );
    assert_eq!(varint::get(&[0xff; 20]), None);
}

quern::plain! {
    /// A header of a packet
    #[derive(Debug, PartialEq)]
    pub struct Header {
        pub kind: u16,
        pub size: u16,
        pub address: [u8; 4],
        pub sequence: u32,
    }
}

#[repr(align(8))]
struct Aligned([u8; 32]);

#[test]
fn bytes_are_a_header() {
    let mut bytes = Aligned([0; 32]);

    bytes.0[..2].copy_from_slice(&7u16.to_ne_bytes());
    bytes.0[4..8].copy_from_slice(&[10, 0, 0, 1]);
    bytes.0[8..12].copy_from_slice(&0x1234_5678u32.to_ne_bytes());
    let header: &Header = view(&bytes.0).unwrap();
    assert_eq!(
        (header.kind, header.address, header.sequence),
        (7, [10, 0, 0, 1], 0x1234_5678)
    );
    assert_eq!(bytes_of(header), &bytes.0[..12]);
    let header: &mut Header = view_mut(&mut bytes.0[12..24]).unwrap();
    header.size = 0x0101;
    assert_eq!(bytes.0[14..16], [1, 1]);
    let both: &[Header] = view_slice(&bytes.0, 2).unwrap();
    assert_eq!((both[0].kind, both[1].size), (7, 0x0101));
}

#[test]
fn bytes_that_are_no_header() {
    let bytes = Aligned([0; 32]);

    assert_eq!(view::<Header>(&bytes.0[..11]), Err(ViewError::TooShort));
    assert_eq!(view::<Header>(&bytes.0[1..20]), Err(ViewError::Unaligned));
    assert_eq!(view::<Header>(&bytes.0[2..20]), Err(ViewError::Unaligned));
    assert!(view::<Header>(&bytes.0[4..]).is_ok());
    assert_eq!(view_slice::<u64>(&bytes.0, 5), Err(ViewError::TooShort));
    assert_eq!(
        view_slice::<u64>(&bytes.0, usize::MAX),
        Err(ViewError::TooShort)
    );
    assert_eq!(view_slice::<u64>(&bytes.0, 0).map(<[u64]>::len), Ok(0));
    assert_eq!(view::<u64>(&[]), Err(ViewError::TooShort));
}

/// What x-rust.sh looks for in the file of this program
struct Order {
    number: u64,
    name: String,
}

#[test]
fn hints_are_records_and_no_code() {
    quern::hint!(Order, 3);
    let order = Box::new(Order {
        number: 7,
        name: "x".into(),
    });
    quern::hint!([u8; 20]);
    let bytes = Box::new([order.number as u8; 20]);

    assert_eq!((bytes[19], order.name.len()), (7, 1));
}
