//! A cluster of which only the head is known: nobody can say what the change does to it. Pure.

use super::{Flag, RiskFinding};

/// The risk of a cluster that the base can't render. Without it, whoever
/// makes a fault first could change anything after it.
pub(in crate::diff) fn of_faulty_base() -> RiskFinding {
    RiskFinding {
        flag: Flag::NotCompared,
        what: "the base has an error, so what the change does to the cluster isn't known".to_owned(),
        live: Some("whatever differs from what runs; mend the base first, in a change of its own, and then look again".to_owned()),
        file: None,
        removed: None,
        difference: None,
    }
}
