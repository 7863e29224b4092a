//! The `gen` program: hands the command line and the streams to the library.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use logfleet_generator::cli::{self, Surroundings, Terminal};
use mimalloc::MiMalloc;

// Rendering makes and drops many small texts on all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // https://no-color.org: any value that isn't empty.
    let colour = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let surroundings = Surroundings {
        cache: cache_folder(),
        executable: executable(),
    };
    let mut terminal = Terminal::of_process(colour);
    cli::run(env::args_os(), &surroundings, &mut terminal).into()
}

/// The user's cache folder; a path that isn't absolute doesn't count:
/// <https://specifications.freedesktop.org/basedir-spec/latest/>.
fn cache_folder() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

/// The file that runs, even if another one has its path by now, where the
/// system tells.
fn executable() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        Some(PathBuf::from("/proc/self/exe"))
    } else {
        env::current_exe().ok()
    }
}
