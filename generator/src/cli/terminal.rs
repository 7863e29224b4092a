//! The two streams that a command prints to, and whether they are coloured.

use std::io::{self, Write};
use std::os::fd::AsFd;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;

use crate::fault::Faults;
use crate::report::{Style, to_text};

/// Columns that any text needs.
const MIN_COLUMNS: usize = 40;

/// Standard output and standard error.
pub struct Terminal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_style: Style,
    err_style: Style,
    /// How wide standard output is, if it is a terminal.
    columns: Option<usize>,
    /// Whether somebody watches standard error.
    watched: bool,
}

impl Terminal {
    /// The process's own streams. `colour` says whether colour is welcome at
    /// all; each stream is coloured only if it is a terminal.
    pub fn of_process(colour: bool) -> Self {
        use std::io::IsTerminal as _;
        let style = |terminal| {
            if terminal && colour {
                Style::Coloured
            } else {
                Style::Plain
            }
        };
        Self {
            out_style: style(io::stdout().is_terminal()),
            err_style: style(io::stderr().is_terminal()),
            columns: columns(io::stdout()),
            watched: io::stderr().is_terminal(),
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
        }
    }

    /// Prints a result.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Prints what is wrong. There is nobody to tell if that fails too.
    pub(super) fn complain(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Prints clap's own words, which are help on standard output or a
    /// complaint, and returns the exit code.
    pub(super) fn clap(&mut self, error: &clap::Error) -> u8 {
        let text = error.render();
        let paint = |style| match style {
            Style::Coloured => text.ansi().to_string(),
            Style::Plain => text.to_string(),
        };
        if error.use_stderr() {
            self.complain(&paint(self.err_style));
            2
        } else {
            let text = paint(self.out_style);
            match self.print(&text) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => 2,
                _ => 0,
            }
        }
    }

    /// Tells faults beside a result that was printed.
    pub(super) fn complain_of(&mut self, faults: Faults, outcome: &str) {
        let text = to_text(faults, outcome, self.err_style);
        self.complain(&text);
    }

    /// How results are coloured.
    pub(super) fn style(&self) -> Style {
        self.out_style
    }

    /// How wide results may be, where that is known.
    pub(super) fn columns(&self) -> Option<usize> {
        self.columns
    }

    /// How complaints are coloured.
    pub(super) fn error_style(&self) -> Style {
        self.err_style
    }

    /// A bar that shows how far a long run is, if somebody watches.
    pub(super) fn progress(&self, what: &'static str) -> ProgressBar {
        let target = if self.watched {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target).with_message(what);
        // The template is a constant that a test renders.
        match ProgressStyle::with_template("{msg} {pos} {spinner}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// How wide a terminal is; none if it doesn't tell, or is too narrow to keep to.
fn columns(stream: impl AsFd) -> Option<usize> {
    let columns = usize::from(tcgetwinsize(stream).ok()?.ws_col);
    (columns >= MIN_COLUMNS).then_some(columns)
}
