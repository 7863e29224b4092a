//! What a run shows while it works: a bar where somebody watches, otherwise a line now and then. IO.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Terminal;
use crate::session::Surroundings;
use crate::work::{Event, Work};

/// How often it is said how far a run is where nobody watches.
const EVERY: Duration = Duration::from_secs(30);

/// How often a bar is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Does something long that has so many steps, and shows how far it is.
pub(super) fn with_work<T: Send>(
    terminal: &mut Terminal<'_>,
    surroundings: &Surroundings<'_>,
    steps: usize,
    work: impl FnOnce(Work<'_>) -> T + Send,
) -> T {
    let (sender, receiver) = channel::<Event>();
    let ended = surroundings.ended;
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            // Whoever listens has ended when the work has.
            let tell = |event| _ = sender.send(event);
            work(Work::new(ended, &tell))
        });
        let bar = (surroundings.watched && steps > 0).then(|| bar(steps));
        let mut far = Far::new(steps);
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(Event::Says(line)) => {
                    let mut say = || {
                        // Where standard error is closed, nobody is there to be told.
                        let _ = writeln!(terminal.err, "{line}");
                    };
                    match &bar {
                        Some(bar) => bar.suspend(say),
                        None => say(),
                    }
                }
                Ok(Event::Did(more)) => {
                    far.done += more;
                    if let Some(bar) = &bar {
                        bar.set_position(far.done as u64);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            match &bar {
                Some(bar) => bar.tick(),
                None => {
                    if let Some(line) = far.line(Instant::now()) {
                        let _ = writeln!(terminal.err, "{line}");
                    }
                }
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// How far a run is.
struct Far {
    steps: usize,
    done: usize,
    began: Instant,
    said: Instant,
}

impl Far {
    fn new(steps: usize) -> Self {
        let now = Instant::now();
        Self {
            steps,
            done: 0,
            began: now,
            said: now,
        }
    }

    /// What is said now, if it is time to say something.
    fn line(&mut self, now: Instant) -> Option<String> {
        if self.steps == 0 || now.duration_since(self.said) < EVERY {
            return None;
        }
        self.said = now;
        let Self { steps, done, .. } = *self;
        let took = now.duration_since(self.began);
        Some(match left(steps, done, took) {
            Some(left) => format!("{done} of {steps} changes made, about {left} left"),
            None => format!("{done} of {steps} changes made"),
        })
    }
}

/// How long the rest takes if it goes on as until now.
fn left(steps: usize, done: usize, took: Duration) -> Option<String> {
    let rest = steps.saturating_sub(done);
    if done == 0 || rest == 0 {
        return None;
    }
    let ratio = f64::from(u32::try_from(rest).ok()?) / f64::from(u32::try_from(done).ok()?);
    let minutes = took.mul_f64(ratio).as_secs().div_ceil(60);
    Some(if minutes == 1 {
        "a minute".to_owned()
    } else {
        format!("{minutes} minutes")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_now_and_then() {
        let mut far = Far::new(400);
        let began = far.began;
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(far.line(after(29)), None);
        assert_eq!(
            far.line(after(30)).as_deref(),
            Some("0 of 400 changes made")
        );
        far.done = 100;
        assert_eq!(far.line(after(59)), None);
        let told = far.line(after(60));
        assert_eq!(
            told.as_deref(),
            Some("100 of 400 changes made, about 3 minutes left")
        );
        far.done = 390;
        let told = far.line(after(90));
        assert_eq!(
            told.as_deref(),
            Some("390 of 400 changes made, about a minute left")
        );
        assert_eq!(Far::new(0).line(after(90)), None);
    }
}
