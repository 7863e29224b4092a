//! How much is sent at a time, and when again: down by half where a server
//! says that it is too much, up slowly where it says nothing. Pure.

use std::time::Duration;

/// Documents in one request.
pub const MOST_DOCUMENTS: usize = 5_000;

/// Bytes of one request before they are packed, whatever a destination allows: what is on its
/// way is in memory.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The least that a batch may have.
const LEAST_BYTES: usize = 16 * 1024;

/// Requests on their way to one destination.
pub const MOST_IN_FLIGHT: usize = 2;

/// Answers without a complaint before more is tried.
const CALM: u32 = 8;

/// Tries of one batch within a call.
pub const MOST_TRIES: u32 = 5;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The longest that a server's `Retry-After` is waited for within a call.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Until a server's first answer was waited for, an answer is taken to need so long.
const FIRST_ANSWER: Duration = Duration::from_secs(1);

/// Less time than this isn't taken to be enough, however fast a server was.
const LEAST_ANSWER: Duration = Duration::from_millis(250);

/// No more is asked for, however slow a server was: else a call that never has so much would never find
/// out that the server is fast again.
const MOST_ANSWER: Duration = Duration::from_secs(8);

/// How long a server takes to answer, as TCP estimates a round trip
/// (<https://www.rfc-editor.org/rfc/rfc6298#section-2>). A request that is given up may have been carried out
/// all the same, so one that has less time than this isn't begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnswerTime {
    smoothed: Duration,
    deviation: Duration,
    measured: bool,
}

impl AnswerTime {
    fn new() -> Self {
        Self {
            smoothed: FIRST_ANSWER,
            deviation: Duration::ZERO,
            measured: false,
        }
    }

    fn measure(&mut self, took: Duration) {
        if self.measured {
            let off = self.smoothed.abs_diff(took);
            self.deviation = (self.deviation * 3 + off) / 4;
            self.smoothed = (self.smoothed * 7 + took) / 8;
        } else {
            (self.smoothed, self.deviation, self.measured) = (took, took / 2, true);
        }
    }

    fn expected(&self) -> Duration {
        (self.smoothed + self.deviation * 4).clamp(LEAST_ANSWER, MOST_ANSWER)
    }
}

/// What is sent to one destination at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    most_bytes: usize,
    bytes: usize,
    in_flight: usize,
    calm: u32,
    answers: AnswerTime,
}

impl Pace {
    /// Begins with what the destination allows.
    pub fn new(bulk_bytes: u64) -> Self {
        let most_bytes = usize::try_from(bulk_bytes)
            .unwrap_or(MOST_BYTES)
            .clamp(1, MOST_BYTES);
        Self {
            most_bytes,
            bytes: most_bytes,
            in_flight: MOST_IN_FLIGHT,
            calm: 0,
            answers: AnswerTime::new(),
        }
    }

    /// How long an answer takes, in all likelihood.
    pub fn answer_time(&self) -> Duration {
        self.answers.expected()
    }

    /// An answer took so long, or was given up after so long.
    pub fn waited(&mut self, took: Duration) {
        self.answers.measure(took);
    }

    /// Bytes of a batch.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Requests that may be on their way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A request of so many bytes was too large.
    pub fn too_large(&mut self, sent: usize) {
        let half = sent.min(self.bytes) / 2;
        self.bytes = half.max(LEAST_BYTES.min(self.most_bytes));
        self.calm = 0;
    }

    /// The server has no time.
    pub fn overloaded(&mut self) {
        self.in_flight = (self.in_flight / 2).max(1);
        self.calm = 0;
    }

    /// A request was taken.
    pub fn taken(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            self.calm = 0;
            self.bytes = (self.bytes + self.most_bytes / 16 + 1).min(self.most_bytes);
            self.in_flight = (self.in_flight + 1).min(MOST_IN_FLIGHT);
        }
    }
}

/// How long to wait before another try: a random part of a time that doubles, but no less than the
/// server asks for. `random` lies between 0 and 1.
pub fn wait(tries: u32, random: f64, retry_after: Option<Duration>) -> Duration {
    let ceiling = FIRST_WAIT
        .saturating_mul(1 << tries.min(10))
        .min(LONGEST_WAIT);
    let own = ceiling.mul_f64(0.25 + 0.75 * random.clamp(0.0, 1.0));
    retry_after.map_or(own, |asked| asked.saturating_add(own / 4))
}

/// Reads a `Retry-After`, seconds or a date; `now` in seconds since 1970.
pub fn retry_after(header: &str, now: u64) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header.trim()).ok()?;
    let date = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(date.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn complaints_halve_and_calm_brings_it_back() {
        let mut pace = Pace::new(1_048_576);
        pace.too_large(1_048_576);
        pace.overloaded();
        assert_eq!((pace.bytes(), pace.in_flight()), (524_288, 1));
        for _ in 0..CALM {
            pace.taken();
        }
        assert_eq!((pace.bytes(), pace.in_flight()), (589_825, 2));
        for _ in 0..1000 {
            pace.taken();
        }
        assert_eq!(
            pace,
            Pace {
                calm: 0,
                ..Pace::new(1_048_576)
            }
        );
        assert_eq!(Pace::new(u64::MAX).bytes(), MOST_BYTES);
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after(" 7 ", 0), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 10),
            Some(Duration::from_secs(50))
        );
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 100),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", 0), None);
        assert!(wait(0, 0.5, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
    }

    #[test]
    fn the_time_of_an_answer_follows_the_slower_ones() {
        let mut pace = Pace::new(1_048_576);
        assert_eq!(pace.answer_time(), FIRST_ANSWER);
        for _ in 0..50 {
            pace.waited(Duration::from_millis(20));
        }
        assert_eq!(pace.answer_time(), LEAST_ANSWER);
        // One slow answer counts at once, and many fast ones take it back.
        pace.waited(Duration::from_secs(2));
        assert!(pace.answer_time() > Duration::from_secs(2));
        for _ in 0..50 {
            pace.waited(Duration::from_millis(20));
        }
        assert_eq!(pace.answer_time(), LEAST_ANSWER);
        pace.waited(Duration::from_secs(600));
        assert_eq!(pace.answer_time(), MOST_ANSWER);
    }

    proptest! {
        #[test]
        fn a_pace_keeps_its_limits(steps in prop::collection::vec(0u8..3, 0..200), bulk_bytes in 1u64..100_000_000) {
            let mut pace = Pace::new(bulk_bytes);
            for step in steps {
                match step {
                    0 => pace.too_large(pace.bytes()),
                    1 => pace.overloaded(),
                    _ => pace.taken(),
                }
                prop_assert!(pace.bytes() >= 1 && pace.bytes() <= MOST_BYTES.min(usize::try_from(bulk_bytes).expect("small")));
                prop_assert!((1..=MOST_IN_FLIGHT).contains(&pace.in_flight()));
            }
        }

        #[test]
        fn waits_are_bounded(tries in 0u32..100, random in 0.0f64..1.0) {
            let wait = wait(tries, random, None);
            prop_assert!(wait >= FIRST_WAIT / 4 && wait <= LONGEST_WAIT);
        }
    }
}
