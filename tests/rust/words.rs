// SPDX-License-Identifier: MIT
//! A program with threads and panics: it counts the words of files.
//!
//!     words THREADS ROUNDS FILE...
//!
//! Each thread takes files from a queue. A file that has no words, or is no text, makes its
//! thread panic: the thread is joined, and another one goes on. With feature `std` the program
//! has quern as its allocator, else that of the system; what it prints is the same.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

#[cfg(feature = "std")]
#[global_allocator]
static HEAP: quern::Process = quern::Process;

#[derive(Default)]
struct Words {
    files: usize,
    nr: HashMap<String, Vec<(String, usize)>>,
}

type Queue = Arc<Mutex<VecDeque<String>>>;

fn count(path: &str, words: &Mutex<Words>) {
    let text = String::from_utf8(std::fs::read(path).unwrap()).expect("no text");
    let mut own: BTreeMap<String, usize> = BTreeMap::new();

    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if !word.is_empty() {
            *own.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    assert!(!own.is_empty(), "no words");
    let mut words = words.lock().unwrap();
    words.files += 1;
    for (word, nr) in own {
        words
            .nr
            .entry(word)
            .or_default()
            .push((path.to_string(), nr));
    }
}

fn start(queue: &Queue, words: &Arc<Mutex<Words>>) -> JoinHandle<()> {
    let (queue, words) = (queue.clone(), words.clone());

    thread::spawn(move || loop {
        let next = queue.lock().unwrap().pop_front();
        let Some(path) = next else {
            return;
        };
        count(&path, &words);
    })
}

/// All files of the queue; how many threads panicked
fn round(threads: usize, files: &[String], words: &Arc<Mutex<Words>>) -> usize {
    let queue: Queue = Arc::new(Mutex::new(files.iter().cloned().collect()));
    let mut running: VecDeque<_> = (0..threads).map(|_| start(&queue, words)).collect();
    let mut panics = 0;

    while let Some(thread) = running.pop_front() {
        if thread.join().is_err() {
            panics += 1;
            running.push_back(start(&queue, words));
        }
    }
    panics
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = || words.next().and_then(|word| word.parse::<usize>().ok());
    let (Some(threads), Some(rounds)) = (number(), number()) else {
        eprintln!("usage: words THREADS ROUNDS FILE...");
        std::process::exit(2);
    };
    let files: Vec<String> = words.collect();
    let counted = Arc::new(Mutex::new(Words::default()));

    std::panic::set_hook(Box::new(|_| ()));
    let panics: usize = (0..rounds).map(|_| round(threads, &files, &counted)).sum();

    let counted = counted.lock().unwrap();
    let mut most: Vec<(usize, &String)> = counted
        .nr
        .iter()
        .map(|(word, places)| (places.iter().map(|(_, nr)| nr).sum(), word))
        .collect();
    most.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    println!(
        "{} files, {panics} panics, {} words",
        counted.files,
        most.len()
    );
    for (nr, word) in most.iter().take(10) {
        println!("{nr:8} {word}");
    }
    #[cfg(feature = "std")]
    eprintln!("{} bytes in use by quern", HEAP.stats().used);
}
