//! The one place that asks what time it is, and for chance.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
#[expect(clippy::disallowed_methods, reason = "an event is delivered at a time")]
pub fn system() -> SystemTime {
    SystemTime::now()
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = system().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A number from 0 to 1 by chance, so that functions that failed together don't try again together.
#[expect(clippy::cast_precision_loss, reason = "any number will do")]
pub fn chance() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}
