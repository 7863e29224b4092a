//! Tells what happens, and remembers it, to compare it with what `docs/demo.md` shows.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use logfleet_contract::pattern;

/// The most lines of what a program printed that are shown.
const MOST_LINES: usize = 60;

static STEP: AtomicUsize = AtomicUsize::new(0);

static TOLD: Mutex<String> = Mutex::new(String::new());

fn put(text: &str) {
    TOLD.lock().expect("nobody panicked with it").push_str(text);
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

/// Compares what was told with the page: its lines were told in this order, with others in between; `…` stands for anything.
pub fn compare_with_the_page() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/demo.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let told = TOLD.lock().expect("nobody panicked with it");
    let mut told = told.lines();
    let mut shown = 0;
    for block in page.split("```text demo\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            // Nothing that is told has a `*`.
            let wanted = line.replace('…', "*");
            assert!(
                told.any(|own| pattern::matches(&wanted, own)),
                "docs/demo.md shows a line that wasn't told, or not in this order:\n{line}"
            );
            shown += 1;
        }
    }
    assert!(shown > 40, "docs/demo.md shows {shown} lines");
}
