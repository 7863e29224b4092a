//! How many things a server takes in one request, learned from how long it takes. Pure.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// OpenSearch hashes each user's password by bcrypt, which is slow on purpose, and slower on a busy machine. So it is given
/// few at first.
const FIRST: usize = 4;

/// A request aims at a quarter of the time that it may take.
const PART: u32 = 4;

/// How many things go into the next request.
#[derive(Debug)]
pub struct Portion(AtomicUsize);

impl Default for Portion {
    fn default() -> Self {
        Self(AtomicUsize::new(FIRST))
    }
}

impl Portion {
    /// As many as go into the next request.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes how long a number of them took, of the time that they may take.
    pub fn took(&self, count: usize, elapsed: Duration, most: Duration) {
        let (elapsed, aim) = (elapsed.as_millis().max(1), (most / PART).as_millis());
        let fitting = u128::try_from(count).map_or(1, |count| count * aim / elapsed);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX).max(1);
        // A few say little of many.
        let next = fitting.min(self.count().max(count).saturating_mul(8));
        self.0.store(next, Ordering::Relaxed);
    }

    /// Notes that a number of them were too many.
    pub fn was_too_much(&self, count: usize) {
        self.0.store((count / 2).max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_a_quarter_of_its_time() {
        let most = Duration::from_secs(60);
        let portion = Portion::default();
        assert_eq!(portion.count(), 4);
        portion.took(16, Duration::from_secs(5), most);
        assert_eq!(portion.count(), 48);
        portion.took(48, Duration::from_secs(48), most);
        assert_eq!(portion.count(), 15);
        portion.took(15, Duration::ZERO, most);
        assert_eq!(portion.count(), 120);
        portion.was_too_much(120);
        assert_eq!(portion.count(), 60);
        portion.took(1, Duration::from_secs(50), most);
        assert_eq!(portion.count(), 1);
    }
}
