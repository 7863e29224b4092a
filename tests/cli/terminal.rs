//! Colours and pipes.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::fleet::TestFleet;

const ESCAPE: char = '\u{1b}';

/// What `gen check` prints on a terminal, if there is a `script` to make one.
fn on_a_terminal(fleet: &TestFleet, environment: &[(&str, &str)]) -> Option<String> {
    let gen_path = env!("CARGO_BIN_EXE_gen");
    let mut command = Command::new("script");
    command.args([
        "-q",
        "-e",
        "-c",
        &format!("'{gen_path}' check"),
        "/dev/null",
    ]);
    command.current_dir(fleet.root()).stdin(Stdio::null());
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .envs(environment.iter().copied());
    match command.output() {
        Ok(output) => {
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            Some(String::from_utf8(output.stdout).expect("UTF-8"))
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: there is no `script`: {error}");
            assert!(
                std::env::var_os("CI").is_none_or(|value| value != "true"),
                "CI has to have `script`"
            );
            None
        }
    }
}

fn faulty() -> TestFleet {
    let fleet = TestFleet::base();
    fleet.append("clusters/alpha/cluster.yaml", "zones: []\n");
    fleet
}

#[test]
fn colours_only_on_a_terminal_that_wants_them() {
    let fleet = faulty();
    let piped = fleet.call(&["check"]);
    assert!(!piped.err.contains(ESCAPE), "{piped}");
    let Some(coloured) = on_a_terminal(&fleet, &[]) else {
        return;
    };
    assert!(
        coloured.contains(ESCAPE) && coloured.contains("is not a setting"),
        "{coloured}"
    );
    let plain = on_a_terminal(&fleet, &[("NO_COLOR", "1")]).expect("it was there before");
    assert!(
        !plain.contains(ESCAPE) && plain.contains("is not a setting"),
        "{plain}"
    );
    let empty = on_a_terminal(&fleet, &[("NO_COLOR", "")]).expect("it was there before");
    assert!(
        empty.contains(ESCAPE),
        "an empty NO_COLOR asks for nothing: {empty}"
    );
}

/// As `gen sources | head -1` does.
#[test]
fn a_reader_that_stops_early_is_no_fault() {
    let fleet = TestFleet::base();
    for arguments in [
        &["sources"][..],
        &["explain", "alpha"],
        &["schema", "settings"],
        &["completions", "bash"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gen"))
            .args(arguments)
            .current_dir(fleet.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gen starts");
        drop(child.stdout.take());
        let mut told = String::new();
        child
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut told)
            .expect("read");
        let status = child.wait().expect("it ends");
        assert_eq!(
            (status.code(), told.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let fleet = TestFleet::base();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .arg("sources")
        .current_dir(fleet.root())
        .stdout(full)
        .output()
        .expect("gen starts");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        told.starts_with("can't write the output: No space left on device"),
        "{told}"
    );
}
