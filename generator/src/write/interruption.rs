//! Stops a run at a chosen change of the disk, for tests.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// The process is gone: neither this nor any later step happens.
    Killed,
    /// As before, but a write has stored the first half of its bytes.
    KilledHalfWay,
    /// This step alone fails.
    FailsOnce(Errno),
    /// This step and all later ones that need space fail; removing works. A
    /// write has stored the first half.
    Full,
    /// Every step from here on is refused with this error.
    Refused(Errno),
}

/// Counts the steps of a run and stops it at one of them.
#[derive(Debug, Default)]
pub(super) struct Interruption {
    /// The step, counted from 1, and what happens there.
    pub(super) at: Option<(u64, Manner)>,
    /// How many steps were tried.
    pub(super) steps: AtomicU64,
}

impl Interruption {
    /// Counts a step that is not a write.
    pub(super) fn step(&self) -> Result<(), Errno> {
        self.write(|_| Ok(()))
    }

    /// Counts a write; `half` stores none (0) or half (1) of the bytes.
    pub(super) fn write(&self, half: impl FnOnce(usize) -> Result<(), Errno>) -> Result<(), Errno> {
        let now = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let Some((at, manner)) = self.at else {
            return Ok(());
        };
        match manner {
            _ if now < at => Ok(()),
            Manner::FailsOnce(error) if now == at => Err(error),
            Manner::KilledHalfWay if now == at => half(1).and(Err(Errno::IO)),
            Manner::Full if now == at => half(1).and(Err(Errno::NOSPC)),
            Manner::Full | Manner::FailsOnce(_) => Ok(()),
            Manner::Refused(error) => Err(error),
            Manner::Killed | Manner::KilledHalfWay => Err(Errno::IO),
        }
    }
}
