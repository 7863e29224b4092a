//! The `gen` program: hands the command line and the streams to the library.

use std::process::ExitCode;

use logfleet_generator::cli::{self, Terminal};
use mimalloc::MiMalloc;

// Rendering makes and drops many small texts on all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // https://no-color.org: any value that isn't empty.
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    cli::run(std::env::args_os(), &mut Terminal::of_process(colour)).into()
}
