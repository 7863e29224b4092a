//! Reads a folder as `gen render` writes it into the contract's types, and
//! prints how many files of each kind there are.
//!
//! `cargo run -p logfleet-contract-tests -- rendered`. Exit code: 0 if every
//! file was read, 1 if not, 2 for wrong use.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use logfleet_contract_tests::{ReadError, Rendered, read};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        return tell("usage: read-rendered DIR\n", 2);
    };
    match read(Path::new(&folder)) {
        Ok(rendered) => report(&rendered),
        Err(ReadError::Disk(error)) => tell(&format!("{}: {error}\n", folder.display()), 2),
        Err(ReadError::Files(faults)) => {
            let lines = faults
                .iter()
                .map(|(name, fault)| format!("{name}/{fault}\n"));
            tell(&lines.collect::<String>(), 1)
        }
    }
}

fn report(rendered: &Rendered) -> ExitCode {
    let mut text = String::new();
    for (word, count) in &rendered.counts {
        text += &format!("{count:>8}  {word}\n");
    }
    let clusters = rendered.clusters.len();
    text += &format!("{:>8}  files of {clusters} clusters\n", rendered.files);
    if io::stdout().write_all(text.as_bytes()).is_err() {
        return ExitCode::from(2);
    }
    if rendered.unread.is_empty() && clusters > 0 {
        return ExitCode::SUCCESS;
    }
    let unread = rendered.unread.join("\n");
    tell(&format!("{unread}\n{} unread\n", rendered.unread.len()), 1)
}

/// Prints an error, and returns its exit code. Whether it is printed changes nothing.
fn tell(text: &str, code: u8) -> ExitCode {
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(code)
}
