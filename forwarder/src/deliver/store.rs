//! The bucket for what is put aside, with a measure of how long that takes.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{Aws, AwsError, s3};

/// Until something was measured: a connection to be made, and a slow one.
const FIRST_BYTES_PER_SECOND: u64 = 4 * 1024 * 1024;
const FIRST_LATENCY: Duration = Duration::from_millis(800);

/// What an answer to the call itself takes, and what a clock may be wrong by.
const MARGIN: Duration = Duration::from_millis(700);

/// How fast objects are written. Sizes are those before they are packed.
#[derive(Clone, Copy, Debug)]
struct Measured {
    latency: Duration,
    bytes_per_second: u64,
}

/// The bucket.
#[derive(Debug)]
pub struct Store {
    bucket: String,
    measured: Mutex<Measured>,
}

impl Store {
    /// The bucket of this name.
    pub fn new(bucket: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            measured: Mutex::new(Measured {
                latency: FIRST_LATENCY,
                bytes_per_second: FIRST_BYTES_PER_SECOND,
            }),
        }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// How long so many bytes may take to be put aside, with as much again for what isn't foreseen.
    pub fn time_for(&self, bytes: usize) -> Duration {
        let measured = *self
            .measured
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let milliseconds = (bytes as u64).saturating_mul(1000) / measured.bytes_per_second.max(1);
        MARGIN + (measured.latency + Duration::from_millis(milliseconds)) * 2
    }

    /// Writes an object.
    pub async fn put(&self, aws: &Aws, key: &str, object: Vec<u8>) -> Result<(), AwsError> {
        let bytes = object.len();
        let start = Instant::now();
        s3::put(aws, &self.bucket, key, object).await?;
        self.measure(bytes, start.elapsed());
        Ok(())
    }

    fn measure(&self, bytes: usize, took: Duration) {
        let mut measured = self
            .measured
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        if bytes < 64 * 1024 {
            // Half of what was thought, half of what was seen.
            measured.latency = (measured.latency + took) / 2;
        } else {
            // Logs pack to a fifth at least, mostly.
            let seen = (bytes as u64 * 5).saturating_mul(1000) / milliseconds;
            measured.bytes_per_second = measured.bytes_per_second.midpoint(seen).max(64 * 1024);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_put_aside_follows_what_was_measured() {
        let store = Store::new("b");
        let before = store.time_for(8 * 1024 * 1024);
        for _ in 0..9 {
            store.measure(100, Duration::from_millis(20));
            store.measure(1024 * 1024, Duration::from_millis(50));
        }
        assert!(store.time_for(8 * 1024 * 1024) < before / 2);
        for _ in 0..9 {
            store.measure(1024 * 1024, Duration::from_secs(10));
        }
        assert!(store.time_for(8 * 1024 * 1024) > before);
    }
}
