//! The `gen` program.
fn main() {}
