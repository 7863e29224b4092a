//! Sources that are no longer shipped, or to fewer places. Pure.

use std::collections::BTreeSet;

use super::found::Found;
use super::wording::names;
use super::{Flag, Removed, RiskFinding, collected_paths, records, routing};
use crate::resolve::ResolvedCluster;
use crate::sources::{self, End, SourceRow};

/// A source that stops, and the files that ship it.
#[derive(Debug)]
pub(in crate::diff) struct Stopped {
    finding: RiskFinding,
    files: BTreeSet<String>,
    /// The last part of the source's name, as logical ids have it.
    key: String,
    /// Whether nothing of the source is shipped any more.
    stops: bool,
}

/// What of a cluster's sources is no longer shipped, or not as long.
pub(in crate::diff) fn of_rows(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<Stopped> {
    let (mut old, new) = (sources::list(base), sources::list(head));
    // A move is reported as such.
    for end in old.iter_mut().flat_map(|row| &mut row.ends) {
        if end.region.as_ref() == Some(&base.cluster.region) {
            end.region = Some(head.cluster.region.clone());
        }
    }
    let mut stopped = compare_rows(&old, &new);
    let mut found = Found::default();
    routing::check((base, &old), (head, &new), &mut found);
    for what in collected_paths::lost(base, head) {
        let live = "what isn't read now can't be shipped later";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    }
    if let Some(what) = collected_paths::calls_of_others(base, head) {
        let live = "they stay in the account's log group and in its bucket";
        found.push(Flag::SourceStops, what, Some(live.to_owned()));
    }
    for what in records::dropped(base, head) {
        found.push(Flag::SourceStops, what, None);
    }
    stopped.extend(found.findings.into_iter().map(Stopped::in_part));
    stopped
}

fn compare_rows(base: &[SourceRow], head: &[SourceRow]) -> Vec<Stopped> {
    let mut stopped = Vec::new();
    // A stream that is retired has an end, and nothing ships it.
    let is_shipped = |row: &&SourceRow| !row.ends.is_empty() && row.missing.is_none();
    for old in base.iter().filter(is_shipped) {
        let mut found = Found::default();
        let new = head.iter().find(|row| row.source == old.source);
        match new {
            Some(new) if !new.ends.is_empty() => compare_ends(old, new, &mut found),
            new => {
                let missing = new.and_then(|new| new.missing.as_ref());
                let why = missing.map_or_else(String::new, |missing| format!(": {}", missing.why));
                let what = format!("`{}` is no longer shipped{why}", old.source);
                found.push(Flag::SourceStops, what, None);
            }
        }
        let stops = new.is_none_or(|new| new.ends.is_empty());
        let key = old.source.rsplit('.').next().unwrap_or_default();
        stopped.extend(found.findings.into_iter().map(|finding| Stopped {
            finding,
            files: old.files.iter().cloned().collect(),
            key: key.replace('_', ""),
            stops,
        }));
    }
    stopped
}

fn compare_ends(old: &SourceRow, new: &SourceRow, found: &mut Found) {
    let places = |row: &SourceRow| -> BTreeSet<String> {
        let names = row.ends.iter().map(|end: &End| {
            let place = end.destination.as_deref().unwrap_or("the log group");
            match &end.region {
                Some(region) => format!("{place} in {region}"),
                None => place.to_owned(),
            }
        });
        names.collect()
    };
    let (before, after) = (places(old), places(new));
    let removed: BTreeSet<&String> = before.difference(&after).collect();
    if !removed.is_empty() {
        let what = format!("`{}` no longer ends at {}", old.source, names(removed));
        found.push(Flag::SourceStops, what, None);
    }
}

/// Adds what the files say to what the rows say. What goes from a file that
/// ships a source which stops is reported with that source.
pub(in crate::diff) fn join(
    mut stopped: Vec<Stopped>,
    files: Vec<RiskFinding>,
) -> Vec<RiskFinding> {
    let mut more = Vec::new();
    for finding in files {
        let reported = stopped.iter_mut().filter(|stopped| stopped.has(&finding));
        let mut reported = reported.peekable();
        if reported.peek().is_none() {
            drop(reported);
            more.push(finding);
            continue;
        }
        for source in reported {
            source.finding.live = source.finding.live.take().or_else(|| finding.live.clone());
        }
    }
    let sources = stopped.into_iter().map(|stopped| stopped.finding);
    sources.chain(more).collect()
}

impl Stopped {
    fn in_part(finding: RiskFinding) -> Self {
        Self {
            finding,
            files: BTreeSet::new(),
            key: String::new(),
            stops: false,
        }
    }

    /// Whether something that is removed is a part of what ships this source. Of
    /// a stack, which ships many, only what is called by the source's name is.
    fn has(&self, finding: &RiskFinding) -> bool {
        let Some(file) = finding
            .file
            .as_ref()
            .filter(|file| self.files.contains(*file))
        else {
            return false;
        };
        let is_its_own = |removed: &Removed| {
            let name = removed.name.to_ascii_lowercase();
            name.contains(&self.key) || self.key.contains(&name)
        };
        let is_its_part = match &finding.removed {
            Some(removed) => !file.ends_with("/stack.json") || is_its_own(removed),
            None => file.starts_with("kubernetes/"),
        };
        self.stops && finding.flag == Flag::SourceStops && is_its_part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{EndKind, Missing, MissingKind};

    fn row(destinations: &[&str]) -> SourceRow {
        let end = |name: &&str| End {
            stream: "nodes".to_owned(),
            destination: Some((*name).to_owned()),
            kind: EndKind::DataStream,
            name: "logs-x".to_owned(),
            region: None,
            kept_days: Some(7),
            through: None,
        };
        SourceRow {
            cluster: "x".to_owned(),
            source: "kubernetes.nodes".to_owned(),
            shipped_by: None,
            reads: Vec::new(),
            ends: destinations.iter().map(end).collect(),
            files: vec!["kubernetes/nodes/daemonset.yaml".to_owned()],
            missing: destinations.is_empty().then(|| Missing {
                kind: MissingKind::Gap,
                why: "switched off".to_owned(),
            }),
            gaps: Vec::new(),
        }
    }

    fn reported(base: &[&str], head: &[&str]) -> Vec<String> {
        let stopped = compare_rows(&[row(base)], &[row(head)]);
        stopped
            .into_iter()
            .map(|stopped| stopped.finding.what)
            .collect()
    }

    #[test]
    fn a_source_that_stops_is_reported_with_its_reason() {
        assert_eq!(
            reported(&["a"], &[]),
            ["`kubernetes.nodes` is no longer shipped: switched off"]
        );
        assert_eq!(
            reported(&["a", "b"], &["a"]),
            ["`kubernetes.nodes` no longer ends at b"]
        );
        for (base, head) in [(&["a"][..], &["a", "b"][..]), (&[], &["a"]), (&[], &[])] {
            assert!(reported(base, head).is_empty());
        }
    }

    #[test]
    fn what_goes_with_a_source_is_reported_once() {
        let of_file = |file: &str| RiskFinding {
            flag: Flag::SourceStops,
            what: "a DaemonSet is no longer rendered".to_owned(),
            live: Some("it is deleted".to_owned()),
            file: Some(file.to_owned()),
            removed: None,
            difference: None,
        };
        let files = vec![
            of_file("kubernetes/nodes/daemonset.yaml"),
            of_file("kubernetes/other.yaml"),
        ];
        let all = join(compare_rows(&[row(&["a"])], &[row(&[])]), files.clone());
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].live.as_deref(), Some("it is deleted"));
        assert_eq!(all[1], files[1]);
    }
}
