//! The commands that the documentation shows, with what they print.
//!
//! Each document gets a copy of the example fleet of its own. Its blocks are
//! carried out in their order:
//!
//! - a block that begins with three backticks, a language and a path is written to that path;
//! - in a `console` block a line `$ gen …` is run; the lines after it are what it
//!   prints, where `…` stands for any number of lines. Other commands aren't run.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use walkdir::WalkDir;

use super::{documents, repository};

/// One block between lines of three backticks.
struct Block {
    info: String,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.trim().to_owned(),
                    lines: Vec::new(),
                });
            }
            (Some(block), Some(_)) => blocks.push(block),
            (Some(mut block), None) => {
                block.lines.push(line.to_owned());
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks
}

/// A copy of the example fleet.
fn fleet() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["clusters", "rendered"] {
        for entry in WalkDir::new(repository().join(folder)) {
            let entry = entry.unwrap();
            let target = copy
                .path()
                .join(entry.path().strip_prefix(repository()).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(&target).unwrap();
            } else {
                fs::copy(entry.path(), &target).unwrap();
            }
        }
    }
    copy
}

/// Runs `gen` with these arguments and returns all that it prints.
fn run(folder: &Path, arguments: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .env("XDG_CACHE_HOME", "/dev/null")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "120")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text)
        .unwrap()
        .trim_end()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Whether lines are as shown; `…` alone on a line stands for any number of them.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => {
            printed
                .first()
                .is_some_and(|first| first == line.trim_end())
                && matches(rest, &printed[1..])
        }
    }
}

/// The commands of a block with what each is to print.
fn commands(block: &Block) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in &block.lines {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push((command.to_owned(), Vec::new()));
        } else if let Some((_, printed)) = commands.last_mut() {
            printed.push(line.clone());
        }
    }
    for (_, printed) in &mut commands {
        while printed.last().is_some_and(|line| line.trim().is_empty()) {
            printed.pop();
        }
    }
    commands
}

#[test]
fn every_command_prints_what_is_shown() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        let fleet = fleet();
        for block in blocks(&text) {
            if let Some((_, file)) = block.info.split_once(' ') {
                let file = fleet.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, block.lines.join("\n") + "\n").unwrap();
            }
            if block.info != "console" {
                continue;
            }
            for (command, shown) in commands(&block) {
                let Some(arguments) = command.strip_prefix("gen ") else {
                    continue;
                };
                count += 1;
                let printed = run(fleet.path(), arguments);
                if !matches(&shown, &printed) {
                    wrong.push(format!("{path}: $ {command}\n{}\n", printed.join("\n")));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these commands print something else, namely:\n\n{}",
        wrong.join("\n")
    );
    assert!(count > 10, "only {count} commands were found");
}
