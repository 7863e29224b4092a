//! Ends a run whose templates never end.
//!
//! A fleet's own template may loop for years, or double a text until memory is
//! full, and Tera has no limit for either. So the pipeline runs on a thread of
//! its own, and this one looks from time to time which template each thread
//! is at. If one takes too much, the run is given up: nothing has been written
//! by then, and the threads end with the process.
//!
//! Reads the process's memory where the system tells it (Linux); elsewhere
//! only time is limited.

use std::fs;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::fault::{Fault, Faults, Place};
use crate::render::Watch;

/// Looks in a second.
const LOOKS_PER_SECOND: u32 = 10;
/// KiB by which the process may grow while it renders one template that is
/// not done between two looks. Ours are done in microseconds and make a few
/// KiB; a text that doubles reaches this in a second.
const MAX_GROWTH: u64 = 512 * 1024;
/// As main's own on Linux; input files are read on this thread.
const STACK_BYTES: usize = 8 << 20;

/// Seconds that one template may take. Ten are a thousand times what any of
/// ours needs on a machine that is busy with much else.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimit(pub(super) NonZeroU32);

/// Runs `work` on another thread, and gives it up if it renders a template
/// for too long or into too much memory.
pub(super) fn run_watched<T: Send + 'static>(
    limit: TimeLimit,
    work: impl FnOnce(&dyn Watch) -> Result<T, Faults> + Send + 'static,
) -> Result<T, Faults> {
    let board = Arc::new(Board::new(rayon::current_num_threads()));
    let (done, result) = mpsc::channel();
    let reported = Arc::clone(&board);
    let worker = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Whoever gave the work up doesn't listen any more.
            let _ = done.send(work(reported.as_ref()));
        })
        .map_err(|error| Fault::environment(format!("can't start a thread: {error}")))?;
    let mut observer = Observer::new(limit);
    loop {
        match result.recv_timeout(Duration::from_secs(1) / LOOKS_PER_SECOND) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                observer.look(&board.running(), resident_kib())?;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return match worker.join() {
                    Err(panic) => std::panic::resume_unwind(panic),
                    Ok(()) => Err(Fault::environment("a thread ended without a result").into()),
                };
            }
        }
    }
}

/// What each thread renders right now: a slot for each of rayon's threads.
#[derive(Debug)]
struct Board(Vec<Mutex<Slot>>);

#[derive(Clone, Debug, Default)]
struct Slot {
    /// Grows with each template, so that two looks can tell whether it is
    /// still the same one.
    number: u64,
    busy: bool,
    // Texts that are filled anew each time: nothing is allocated.
    cluster: String,
    template: String,
}

impl Board {
    fn new(threads: usize) -> Self {
        // One more for a caller that is none of rayon's threads.
        Self((0..=threads).map(|_| Mutex::default()).collect())
    }

    fn slot(&self) -> Option<MutexGuard<'_, Slot>> {
        let last = self.0.len().saturating_sub(1);
        let index = rayon::current_thread_index().map_or(last, |index| index.min(last));
        self.0.get(index).map(lock)
    }

    /// What each slot holds, and nothing for those that are at no template.
    fn running(&self) -> Vec<Option<Slot>> {
        let busy = |slot: &Mutex<Slot>| Some(lock(slot).clone()).filter(|slot| slot.busy);
        self.0.iter().map(busy).collect()
    }
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    // A thread that panicked left names there, which are as good as any.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch for Board {
    fn begins(&self, cluster: &str, template: &str) {
        if let Some(mut slot) = self.slot() {
            slot.number += 1;
            slot.busy = true;
            slot.cluster.clear();
            slot.cluster.push_str(cluster);
            slot.template.clear();
            slot.template.push_str(template);
        }
    }

    fn ends(&self) {
        if let Some(mut slot) = self.slot() {
            slot.busy = false;
        }
    }
}

/// Compares each look with those before it.
///
/// It counts looks and reads no clock: a process that was stopped and goes on
/// an hour later hasn't rendered for an hour.
#[derive(Debug)]
struct Observer {
    limit: TimeLimit,
    seen: Vec<Option<Seen>>,
}

/// A template that was there at the last look.
#[derive(Clone, Copy, Debug)]
struct Seen {
    number: u64,
    looks: u32,
    first_kib: u64,
}

impl Observer {
    fn new(limit: TimeLimit) -> Self {
        Self {
            limit,
            seen: Vec::new(),
        }
    }

    /// Looks once. The fault names the first of all templates that are slow,
    /// whichever of them was too slow first, so that it is the same each time.
    fn look(&mut self, running: &[Option<Slot>], kib: u64) -> Result<(), Fault> {
        self.seen.resize(running.len(), None);
        for (seen, slot) in self.seen.iter_mut().zip(running) {
            *seen = slot.as_ref().map(|slot| next_look(*seen, slot.number, kib));
        }
        let max_looks = self.limit.0.get().saturating_mul(LOOKS_PER_SECOND);
        let too_much =
            |seen: &Seen| seen.looks > max_looks || kib.saturating_sub(seen.first_kib) > MAX_GROWTH;
        let seen = || self.seen.iter().flatten();
        if !seen().any(too_much) {
            return Ok(());
        }
        let most = seen().map(|seen| seen.looks).max().unwrap_or_default();
        let slow = self.seen.iter().zip(running);
        let slow = slow.filter(|(seen, _)| seen.is_some_and(|seen| seen.looks >= most / 2));
        match slow
            .filter_map(|(_, slot)| slot.as_ref())
            .min_by_key(|slot| (&slot.template, &slot.cluster))
        {
            Some(slot) => Err(fault(slot, self.limit)),
            None => Ok(()),
        }
    }
}

fn next_look(seen: Option<Seen>, number: u64, kib: u64) -> Seen {
    match seen {
        Some(seen) if seen.number == number => Seen {
            looks: seen.looks + 1,
            ..seen
        },
        _ => Seen {
            number,
            looks: 0,
            first_kib: kib,
        },
    }
}

/// One message for both limits: which of them is reached first depends on the
/// machine.
fn fault(slot: &Slot, limit: TimeLimit) -> Fault {
    Fault::input(format!(
        "template: to render it for cluster `{}` takes more than {} s, or {} MiB of memory",
        slot.cluster,
        limit.0,
        MAX_GROWTH / 1024
    ))
    .at(Place {
        file: format!("templates/{}", slot.template),
        line: 1,
        column: 1,
        excerpt: String::new(),
        width: 1,
    })
    .hint("does it, or what it includes, have loops in loops, a component that calls itself several times, or a text that doubles?")
}

/// The memory that the process has in use, in KiB; 0 where the system doesn't
/// tell it there: <https://docs.kernel.org/filesystems/proc.html>.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u64, cluster: &str, template: &str) -> Slot {
        Slot {
            number,
            busy: true,
            cluster: cluster.to_owned(),
            template: template.to_owned(),
        }
    }

    fn observer() -> Observer {
        Observer::new(TimeLimit(NonZeroU32::MIN))
    }

    #[test]
    fn a_template_that_stays_is_reported_after_its_time() {
        let mut observer = observer();
        let running = [Some(slot(7, "b", "x")), None, Some(slot(3, "a", "x"))];
        for look in 0..=LOOKS_PER_SECOND {
            assert_eq!(observer.look(&running, 100), Ok(()), "look {look}");
        }
        let fault = observer.look(&running, 100).unwrap_err();
        assert_eq!(
            fault.message,
            "template: to render it for cluster `a` takes more than 1 s, or 512 MiB of memory"
        );
        assert_eq!(fault.place.unwrap().to_string(), "templates/x:1:1");
    }

    #[test]
    fn many_templates_may_take_long_together_and_much_memory() {
        let mut observer = observer();
        for number in 0..100 {
            let running = [Some(slot(number, "a", "x"))];
            assert_eq!(observer.look(&running, number * MAX_GROWTH), Ok(()));
        }
    }

    #[test]
    fn a_template_that_grows_is_reported_at_once() {
        let mut observer = observer();
        let running = [Some(slot(1, "a", "x"))];
        assert_eq!(observer.look(&running, 100), Ok(()));
        assert_eq!(observer.look(&running, 100 + MAX_GROWTH), Ok(()));
        let fault = observer.look(&running, 101 + MAX_GROWTH).unwrap_err();
        assert!(fault.message.contains("512 MiB"), "{fault:?}");
    }

    #[test]
    fn the_board_shows_what_runs() {
        let board = Board::new(1);
        board.begins("a", "x");
        board.begins("a", "y");
        let running: Vec<Slot> = board.running().into_iter().flatten().collect();
        assert_eq!(running.len(), 1);
        assert_eq!((running[0].number, running[0].template.as_str()), (2, "y"));
        board.ends();
        assert!(board.running().iter().all(Option::is_none));
    }

    #[test]
    fn results_faults_and_panics_come_through() {
        let limit = TimeLimit(NonZeroU32::MIN);
        assert_eq!(run_watched(limit, |_| Ok(7)), Ok(7));
        let faults = run_watched::<()>(limit, |_| Err(Fault::input("wrong").into()));
        assert_eq!(faults, Err(Fault::input("wrong").into()));
        let panics = || run_watched::<()>(limit, |_| std::panic::resume_unwind(Box::new("oh")));
        assert!(std::panic::catch_unwind(panics).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_the_memory_in_use() {
        assert!(resident_kib() > 100);
    }
}
