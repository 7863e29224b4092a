//! How resource types take tags, by AWS's own schemas.

use std::io::Write;
use std::process::{Command, Stdio};

use logfleet_generator::render::tagging::TYPES;

use super::INSTALLED;
use crate::rig;

#[test]
fn the_table_of_tags_is_what_the_schemas_of_aws_say() {
    let Some(installed) = rig::installed(INSTALLED, "aws") else {
        return;
    };
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/real/rigs/aws/taggable.py"
    );
    let mut python = Command::new(installed.with_file_name("bin/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let kinds: Vec<&str> = TYPES.iter().map(|(kind, _)| *kind).collect();
    let mut input = python.stdin.take().expect("it is piped");
    input
        .write_all(kinds.join("\n").as_bytes())
        .expect("it reads");
    drop(input);
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let said: Vec<String> = serde_json::from_slice(&output.stdout).expect("a list");
    let said: Vec<(&str, String)> = kinds.into_iter().zip(said).collect();
    let own: Vec<(&str, String)> = TYPES
        .iter()
        .map(|(kind, how)| (*kind, format!("{how:?}")))
        .collect();
    assert_eq!(own, said);
}
