//! The phases of an index between its rollover and its end. Pure.

use serde::Serialize;
use std::collections::BTreeMap;

use super::problem::Problems;
use crate::settings::{LifeCycle, NodeAttribute, NodeAttributeValue, Stream};

/// A phase, as templates see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedPhase {
    /// `warm` or `cold`.
    pub name: &'static str,
    /// Days after the rollover that it begins.
    pub after_days: u16,
    /// Whether nothing can be written any more.
    pub read_only: bool,
    /// Whether the index is merged to one segment.
    pub force_merge: bool,
    /// Copies of each shard from now on, if they change.
    pub replicas: Option<u8>,
    /// Which indices are recovered first, if that changes.
    pub priority: Option<u16>,
    /// The attributes of the nodes it moves to.
    pub nodes: BTreeMap<NodeAttribute, NodeAttributeValue>,
}

impl ResolvedPhase {
    /// Whether a server without tiers of data does nothing with an index when it begins.
    pub(super) fn does_nothing(&self) -> bool {
        !self.read_only
            && !self.force_merge
            && self.replicas.is_none()
            && self.priority.is_none()
            && self.nodes.is_empty()
    }
}

/// The phases between rollover and end, in their order.
pub(super) fn phases(settings: &LifeCycle) -> Vec<ResolvedPhase> {
    let warm = settings.warm.as_ref().map(|warm| ResolvedPhase {
        name: "warm",
        after_days: warm.after_days,
        read_only: warm.read_only,
        force_merge: warm.force_merge,
        replicas: warm.replicas,
        priority: warm.priority,
        nodes: warm.nodes.clone(),
    });
    let cold = settings.cold.as_ref().map(|cold| ResolvedPhase {
        name: "cold",
        after_days: cold.after_days,
        read_only: cold.read_only,
        force_merge: false,
        replicas: cold.replicas,
        priority: cold.priority,
        nodes: cold.nodes.clone(),
    });
    warm.into_iter().chain(cold).collect()
}

/// Finds phases that never come, or that come in another order than they are meant.
pub(super) fn check(name: &str, stream: &Stream, problems: &mut Problems) {
    let phases = phases(&stream.life_cycle);
    let setting = |phase: &'static str, key: &'static str| {
        ["streams", name, "life_cycle", phase, key].map(ToOwned::to_owned)
    };
    let mut tell = |at: [String; 5], message: String, hint: &str| {
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        problems.push(&at, message, hint);
    };
    let mut before = None;
    for phase in &phases {
        let after = phase.after_days;
        if let Some(days) = stream.retention_days.days().filter(|days| after >= *days) {
            tell(
                setting(phase.name, "after_days"),
                format!(
                    "the {} phase of the stream `{name}` would begin after {after} days, but its indices are deleted after {days}",
                    phase.name
                ),
                "set it to fewer days than `retention_days`, or remove the phase",
            );
        }
        if let Some(earlier) = before.filter(|earlier| after <= *earlier) {
            tell(
                setting(phase.name, "after_days"),
                format!(
                    "the cold phase of the stream `{name}` would begin after {after} days, but the warm one after {earlier}"
                ),
                "set it to more days than `warm.after_days`, or remove the warm phase",
            );
        }
        before = Some(after);
    }
    if stream.force_merge
        && stream
            .life_cycle
            .warm
            .as_ref()
            .is_some_and(|warm| warm.force_merge)
    {
        tell(
            setting("warm", "force_merge"),
            format!(
                "indices of the stream `{name}` are merged right after their rollover already, by `force_merge: true`"
            ),
            "remove one of the two",
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::tests::{resolve, resolved};

    #[test]
    fn phases_come_in_their_order_and_before_the_end() {
        for (own, reported) in [
            (
                "retention_days: 30, life_cycle: { warm: { after_days: 7 }, cold: { after_days: 7 } }",
                "cold.after_days: the cold phase of the stream `nodes` would begin after 7 days, but the warm one after 7",
            ),
            (
                "retention_days: 30, life_cycle: { cold: { after_days: 30 } }",
                "cold.after_days: the cold phase of the stream `nodes` would begin after 30 days, but its indices are deleted after 30",
            ),
            (
                "force_merge: true, life_cycle: { warm: { after_days: 3, force_merge: true } }",
                "warm.force_merge: indices of the stream `nodes` are merged right after their rollover already, by `force_merge: true`",
            ),
        ] {
            let problems = resolve(&format!("streams: {{ nodes: {{ {own} }} }}"));
            assert_eq!(
                problems.expect_err("a problem"),
                [format!("streams.nodes.life_cycle.{reported}")]
            );
        }
        resolved(
            "streams: { nodes: { retention_days: never, life_cycle: { cold: { after_days: 3653 } } } }",
        );
    }

    #[test]
    fn streams_of_one_life_cycle_share_it() {
        let change = "streams: { nodes: { life_cycle: { warm: { after_days: 3 } } }, applications: { life_cycle: { warm: { after_days: 3 } } }, events: { retention_days: never } }";
        let destination = resolved(change).destinations.remove(0);
        let mut cycles: Vec<(Vec<String>, String, usize)> = destination
            .indices
            .life_cycles
            .into_iter()
            .map(|own| (own.streams, own.kept, own.phases.len()))
            .collect();
        cycles.sort();
        assert_eq!(
            cycles[..2],
            [
                (
                    vec!["applications".to_owned(), "nodes".to_owned()],
                    "30d".to_owned(),
                    1
                ),
                (
                    vec!["control_plane".to_owned(), "machines".to_owned()],
                    "30d".to_owned(),
                    0
                ),
            ]
        );
        assert_eq!(
            cycles[2],
            (vec!["events".to_owned()], "for-good".to_owned(), 0)
        );
    }
}
