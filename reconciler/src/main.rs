//! The `reconciler` program: hands the command line, the streams and the
//! environment to the library.

use std::env;
use std::io;
use std::process::ExitCode;

use jiff::Timestamp;
use logfleet_reconciler::cli::{self, Terminal};
use logfleet_reconciler::server::client::Retry;
use logfleet_reconciler::session::{Surroundings, aws_stores};
use logfleet_reconciler::settings::Environment;

/// The process's own environment.
struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        env::var_os(name)?.into_string().ok()
    }
}

fn main() -> ExitCode {
    forbid_core_files();
    let surroundings = Surroundings {
        environment: &ProcessEnvironment,
        stores: &aws_stores,
        retry: Retry::default(),
        now: Timestamp::now,
    };
    let mut terminal = Terminal {
        out: &mut io::stdout().lock(),
        err: &mut io::stderr().lock(),
    };
    cli::run(env::args_os(), &surroundings, &mut terminal).into()
}

/// The process holds passwords: it leaves no core file, and no other process of the user may look into it.
fn forbid_core_files() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where the kernel refuses, everything else still holds.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
