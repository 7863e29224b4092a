//! The `reconciler` program: hands the command line, the streams and the
//! environment to the library.

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use logfleet_reconciler::aws::Accounts;
use logfleet_reconciler::cli::{self, Terminal};
use logfleet_reconciler::client::Retry;
use logfleet_reconciler::session::{Surroundings, aws_stores};
use logfleet_reconciler::settings::Environment;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The process's own environment.
struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        env::var_os(name)?.into_string().ok()
    }
}

fn main() -> ExitCode {
    forbid_core_files();
    let ended = ends_at_signals();
    let surroundings = Surroundings {
        environment: &ProcessEnvironment,
        sign_in: &Accounts::sign_in,
        stores: &aws_stores,
        retry: Retry::default(),
        now: Timestamp::now,
        ended: &ended,
        watched: io::stderr().is_terminal(),
    };
    let mut terminal = Terminal {
        out: &mut io::stdout().lock(),
        err: &mut io::stderr().lock(),
    };
    cli::run(env::args_os(), &surroundings, &mut terminal).into()
}

/// Set by the first SIGTERM or SIGINT: what was begun is finished then. The second one ends the process at once.
fn ends_at_signals() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // Where a handler can't be set, a signal ends the process as it does any other.
        let _ = flag::register_conditional_shutdown(signal, 1, Arc::clone(&ended));
        let _ = flag::register(signal, Arc::clone(&ended));
    }
    ended
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
