//! `gen completions`.

use clap::{Args, CommandFactory};

use super::{Arguments, Failure, Terminal};

/// Prints a script that completes gen's commands in a shell.
///
/// For bash: `source <(gen completions bash)`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "gen", &mut script);
        Ok(terminal.print(&String::from_utf8_lossy(&script))?)
    }
}
