//! The steps in their order. Each command runs as many of them as it needs.
//!
//! ```text
//! loading     root → layers; → a whole fleet that is resolved at once
//! rendering   a resolved cluster → its files, and the check of them
//! staging     gen render: resolve, render, plan, check and stage, cluster by cluster
//! checking    gen check: the same in memory
//! preview     gen diff: both sides of a change
//! ```
//!
//! Does IO at both ends (it reads the inputs, and the outputs as they are);
//! what lies between is pure.

mod acknowledgements;
mod checking;
mod kinds_seen;
mod loading;
mod preview;
mod release;
mod rendering;
mod staging;
mod timings;

use crate::fault::Faults;

pub use checking::{CheckedFleet, check};
pub use loading::{Fleet, load_fleet, load_layers, own_templates};
pub use preview::{PreviewRequest, preview};
pub use staging::{RenderOutput, StageRequest, Staged, commit, stage};
pub use timings::Timings;

/// All results, or all faults.
fn gather<T>(results: Vec<Result<T, Faults>>) -> Result<Vec<T>, Faults> {
    let mut faults = Faults::new();
    let mut values = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(more) => faults.append(more),
        }
    }
    faults.into_result(values)
}
