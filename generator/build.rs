//! Rebuilds when a template is added or removed: they are built into the
//! binary, and the compiler sees only changes of those it knows.

fn main() {
    println!("cargo::rerun-if-changed=../templates");
}
