//! Tells what happens.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most lines of what a program printed that are shown.
const MOST_LINES: usize = 60;

static STEP: AtomicUsize = AtomicUsize::new(0);

fn put(text: &str) {
    let mut out = io::stdout().lock();
    // Whoever closed standard output doesn't want to hear more; the test goes on.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A step begins.
pub fn step(title: &str) {
    let number = STEP.fetch_add(1, Ordering::Relaxed) + 1;
    put(&format!("\n{number}. {title}\n"));
}

/// What came of it.
pub fn say(text: &str) {
    put(&format!("   {text}\n"));
}

/// A command as it is run.
pub fn command(words: &str) {
    put(&format!("   $ {words}\n"));
}

/// What a program printed.
pub fn printed(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let mut shown = String::new();
    for line in lines.iter().take(MOST_LINES) {
        let _ = writeln!(shown, "     {line}");
    }
    if lines.len() > MOST_LINES {
        let _ = writeln!(shown, "     … {} more lines", lines.len() - MOST_LINES);
    }
    put(&shown);
}

/// Something went wrong before anything began.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
