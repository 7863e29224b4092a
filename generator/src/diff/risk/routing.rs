//! Records that end in another stream than before. Pure.

use std::collections::BTreeMap;

use super::Flag;
use super::found::Found;
use super::wording::{legible, names};
use crate::resolve::{KubernetesSource, ResolvedCluster, ResolvedRecords};
use crate::sources::{End, SourceRow};

/// A part of a source, and the stream that it feeds.
type Feeds = BTreeMap<(String, String), String>;

/// The part that has no name of its own.
const REST: &str = "";
/// How the part that a route takes is called.
const ROUTE: &str = "route ";

/// Compares where the parts of sources end that go to another stream now.
pub(super) fn check(
    (base, base_rows): (&ResolvedCluster, &[SourceRow]),
    (head, head_rows): (&ResolvedCluster, &[SourceRow]),
    found: &mut Found,
) {
    let after = feeds(head);
    for ((source, part), old) in feeds(base) {
        let key = |part: &str| (source.clone(), part.to_owned());
        // What no route takes any more goes with the rest.
        let rest = after.get(&key(REST)).filter(|_| part.starts_with(ROUTE));
        let new = after.get(&key(&part)).or(rest);
        let Some(new) = new.filter(|new| **new != old) else {
            continue;
        };
        let what = match part.as_str() {
            REST => format!("`{source}`"),
            part => format!("`{source}` ({})", legible(part)),
        };
        let ends = |rows: &[SourceRow], stream: &str| -> Vec<End> {
            let row = rows.iter().find(|row| row.source == source);
            let ends = row.into_iter().flat_map(|row| &row.ends);
            ends.filter(|end| end.stream == stream).cloned().collect()
        };
        compare(
            &what,
            (&old, &ends(base_rows, &old)),
            (new, &ends(head_rows, new)),
            found,
        );
    }
}

fn compare(
    what: &str,
    (old, old_ends): (&str, &[End]),
    (new, new_ends): (&str, &[End]),
    found: &mut Found,
) {
    let mut lost = Vec::new();
    let mut shorter = None;
    for end in old_ends {
        let same = |other: &&End| {
            (other.kind, &other.destination, &other.region)
                == (end.kind, &end.destination, &end.region)
        };
        match new_ends.iter().find(same) {
            None => lost.push(end.at()),
            Some(other) => {
                let before = end.kept_days.unwrap_or(u16::MAX);
                let days = other.kept_days.map(|after| (before, after));
                shorter = shorter.max(days.filter(|(before, after)| after < before));
            }
        }
    }
    let [old, new] = [old, new].map(legible);
    if let Some((before, after)) = shorter {
        let before = match before {
            u16::MAX => "never".to_owned(),
            days => format!("{days} days"),
        };
        let what = format!(
            "records of {what} end in `{new}` instead of `{old}`, and are deleted after {after} days instead of {before}"
        );
        let live = "existing records are kept as long as before";
        found.push(Flag::RetentionShrinks, what, Some(live.to_owned()));
    }
    if !lost.is_empty() && !new_ends.is_empty() {
        let what = format!(
            "records of {what} end in `{new}` instead of `{old}`, and no longer at {}",
            names(&lost)
        );
        found.push(Flag::SourceStops, what, None);
    }
}

fn feeds(cluster: &ResolvedCluster) -> Feeds {
    let mut feeds = Feeds::new();
    let mut add = |source: &str, part: &str, stream: &str| {
        feeds.insert((source.to_owned(), part.to_owned()), stream.to_owned());
    };
    let sources = &cluster.sources;
    for (source, containers) in sources.containers() {
        add_records(&source.name(), &containers.records, &mut add);
    }
    let control_plane = sources.control_plane.as_ref();
    if let Some(log) = control_plane.and_then(|source| source.audit_log.as_ref()) {
        let source = KubernetesSource::ControlPlane.name();
        add(&source, "audit log", &log.stream);
    }
    if let Some(source) = &sources.events {
        add("kubernetes.events", REST, &source.stream);
    }
    for role in cluster.machines.roles() {
        for input in &role.inputs {
            add(
                &format!("machines.{}", role.name),
                &input.name,
                &input.stream,
            );
        }
    }
    for source in &cluster.aws.sources {
        add(&source.source, REST, &source.stream);
    }
    feeds
}

fn add_records(source: &str, records: &ResolvedRecords, add: &mut impl FnMut(&str, &str, &str)) {
    add(source, REST, &records.stream);
    for route in &records.routes {
        add(source, &format!("{ROUTE}{}", route.name), &route.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_tests::resolved;
    use super::*;
    use crate::sources;

    fn reported(old: &str, new: &str) -> Vec<String> {
        let (base, head) = (resolved(old), resolved(new));
        let (old, new) = (sources::list(&base), sources::list(&head));
        let mut found = Found::default();
        check((&base, &old), (&head, &new), &mut found);
        let findings = found.findings.into_iter();
        findings
            .map(|finding| format!("{}: {}", finding.flag.id(), finding.what))
            .collect()
    }

    /// The audit log in a stream that is kept for so long.
    fn audit(stream: &str, days: impl std::fmt::Display) -> String {
        format!(
            "streams: {{ {stream}: {{ description: x, retention_days: {days} }} }}\n\
             sources: {{ kubernetes: {{ control_plane: {{ audit_log: {{ enabled: true, stream: {stream} }} }} }} }}"
        )
    }

    #[test]
    fn a_stream_that_is_kept_shorter_is_reported() {
        let (long, short) = (audit("audit", 365), audit("short", 14));
        assert_eq!(
            reported(&long, &short),
            [
                "retention-shrinks: records of `kubernetes.control_plane` (audit log) end in `short` instead of `audit`, and are deleted after 14 days instead of 365 days"
            ]
        );
        assert!(reported(&short, &long).is_empty());
        assert!(reported(&long, "").is_empty());
        let good = audit("audit", "never");
        assert_eq!(
            reported(&good, &short),
            [
                "retention-shrinks: records of `kubernetes.control_plane` (audit log) end in `short` instead of `audit`, and are deleted after 14 days instead of never"
            ]
        );
        assert!(reported(&short, &good).is_empty());
    }

    #[test]
    fn what_a_route_gave_to_another_stream_goes_with_the_rest() {
        let route = "streams: { kept: { description: x, retention_days: 365 } }\n\
            sources: { kubernetes: { applications: { records: { routes: { pay: { order: 1, when: { namespaces: [pay] }, stream: kept } } } } } }";
        let reported = reported(route, "");
        assert_eq!(reported.len(), 1, "{reported:?}");
        let what = "(route pay) end in `applications` instead of `kept`";
        assert!(reported[0].contains(what), "{reported:?}");
    }
}
