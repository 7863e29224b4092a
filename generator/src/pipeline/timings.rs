//! How long the steps of a run take. Reads the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long each step took, in nanoseconds: load by the clock, and resolve where
/// the whole fleet is resolved at once; the others summed over all threads.
#[derive(Debug, Default)]
pub struct Timings {
    pub(super) load: AtomicU64,
    pub(super) resolve: AtomicU64,
    pub(super) render: AtomicU64,
    pub(super) check: AtomicU64,
    pub(super) compare: AtomicU64,
    pub(super) write: AtomicU64,
}

impl Timings {
    /// The name and time of each step that there was.
    pub fn steps(&self) -> Vec<(&'static str, Duration)> {
        let time = |step: &AtomicU64| Duration::from_nanos(step.load(Ordering::Relaxed));
        let mut steps = vec![
            ("load", time(&self.load)),
            ("resolve", time(&self.resolve)),
            ("render", time(&self.render)),
            ("check", time(&self.check)),
            ("compare", time(&self.compare)),
            ("write", time(&self.write)),
        ];
        steps.retain(|(_, time)| !time.is_zero());
        steps
    }

    /// All of them on one line.
    pub fn to_text(&self) -> String {
        let steps = self.steps().into_iter();
        let steps = steps.map(|(step, time)| format!("{step} {:.1} ms", time.as_secs_f64() * 1e3));
        steps.collect::<Vec<_>>().join("  ") + "\n"
    }
}

/// Does a step, and adds its time.
pub(super) fn timed<T>(step: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    step.fetch_add(nanoseconds, Ordering::Relaxed);
    result
}
