//! Drop rules that have expired. Pure: the day is the caller's.
//!
//! What is rendered stops dropping by itself on the day
//! (`templates/kubernetes/_records.conf`), so that nothing depends on when
//! somebody renders. This finds the rules that are left over.

use crate::fault::{Fault, Faults, Place};
use crate::layers::merge::ValuePath;
use crate::pipeline::Fleet;
use crate::resolve::day::is_day;

/// Reads a day such as `2027-03-31` from the command line.
pub fn parse_day(text: &str) -> Result<String, String> {
    if is_day(text) {
        Ok(text.to_owned())
    } else {
        Err("a day is written like 2027-03-31".to_owned())
    }
}

/// Finds the drop rules without effect from `today` on or before.
pub fn find_expired(fleet: &Fleet, today: &str) -> Faults {
    let mut faults = Faults::new();
    for member in &fleet.members {
        let cluster = &member.cluster;
        for records in cluster.records() {
            for rule in records.drop {
                // Days of this form sort as texts.
                let Some(expires) = rule.expires.as_ref().filter(|day| day.as_str() <= today)
                else {
                    continue;
                };
                let below = ["drop", rule.name.as_str(), "expires"];
                let path = ValuePath::new(records.setting().into_iter().chain(below));
                let fault = Fault::input(format!(
                    "`{path}` of the cluster `{}` expired on {expires}: nothing is dropped by it any more",
                    cluster.cluster.name
                ))
                .hint("remove the rule, or give it a later day");
                faults.push(match place_of(fleet, &cluster.cluster.name, &path) {
                    Some(place) => fault.at(place),
                    None => fault,
                });
            }
        }
    }
    faults
}

fn place_of(fleet: &Fleet, cluster: &str, setting: &ValuePath) -> Option<Place> {
    let node = fleet.layers.highest(cluster, setting)?;
    Some(fleet.layers.loaded.sources.place(node.span))
}
