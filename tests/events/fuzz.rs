//! Changes the events of `tests/cases/events` at random for some time, and
//! holds what is written against the promises of the crate.
//!
//! `cargo test --package logfleet-events --test fuzz -- --seconds 60 [--seed N]`; without arguments
//! one second. A finding prints the seed and the round, by which it comes again.

#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]
#![allow(
    unreachable_pub,
    reason = "a test binary exports nothing; `pub` marks what other modules of it use"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and this one runs by the clock"
)]

mod promises;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use promises::{document, events, formats};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let seconds = number("--seconds").unwrap_or(1);
    let seed = number("--seed").unwrap_or(1);
    let formats = formats();
    let corpus: Vec<String> = formats.iter().flat_map(|(case, _)| events(case)).collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut round = 0_u64;
    while Instant::now() < end {
        let mut random = Random::new(seed, round);
        let text = random.event(&corpus);
        let (case, format) = &formats[random.below(formats.len())];
        if catch_unwind(AssertUnwindSafe(|| document(format, &text))).is_err() {
            println!("{case} breaks a promise, --seed {seed}, round {round}:\n{text}");
            return ExitCode::FAILURE;
        }
        round += 1;
    }
    println!("{round} events in {seconds} s, seed {seed}: every promise was kept");
    ExitCode::SUCCESS
}

/// `SplitMix64`: <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn new(seed: u64, round: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// An event with a few changes, made of bytes and then of what UTF-8 they are.
    fn event(&mut self, corpus: &[String]) -> String {
        let mut bytes = corpus[self.below(corpus.len())].clone().into_bytes();
        for _ in 0..self.below(6) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 if !bytes.is_empty() => bytes[at] = u8::try_from(self.next() & 255).unwrap(),
                1 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                2 => {
                    let signs = b"{}[]\"\\:,- \x00\xff";
                    bytes.insert(at, signs[self.below(signs.len())]);
                }
                3 => bytes.truncate(at),
                4 => {
                    let other = corpus[self.below(corpus.len())].as_bytes();
                    let from = self.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied());
                }
                5 => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let words: [&[u8]; 8] = [
                        b"\\ud800",
                        b"\\u0000",
                        b"1e999",
                        b"-",
                        b"null",
                        b"::1",
                        b"9999-12-31T23:59:59Z",
                        b"\"a\":1,\"a\":1,",
                    ];
                    bytes.splice(at..at, words[self.below(words.len())].iter().copied());
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
