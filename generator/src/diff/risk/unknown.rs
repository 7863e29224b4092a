//! A cluster of which only the head is known: nobody can say what the change does to it. Pure.

use super::{Flag, RiskFinding};

/// The risk of a cluster that the base can't render. Without it, whoever
/// makes a fault first could change anything after it.
pub(in crate::diff) fn of_faulty_base() -> RiskFinding {
    let what = "the base has an error, so it isn't known what the change does to the cluster";
    let live = "whatever differs from what is deployed; fix the base first, in a separate change, then look again";
    RiskFinding::new(Flag::NotCompared, what, Some(live.to_owned()))
}
