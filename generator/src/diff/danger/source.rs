//! Sources that are no longer shipped, or to fewer places. Pure.

use std::collections::BTreeSet;

use super::change::{Change, Found, is_workload, names, shown, text};
use super::{DangerFinding, Flag};
use crate::resolve::ResolvedCluster;
use crate::sources::{self, End, MissingKind, SourceRow};

/// What the rows of a cluster's sources say.
pub(in crate::diff) fn of_rows(
    base: &ResolvedCluster,
    head: &ResolvedCluster,
) -> Vec<DangerFinding> {
    compare_rows(&sources::list(base), &sources::list(head))
}

fn compare_rows(base: &[SourceRow], head: &[SourceRow]) -> Vec<DangerFinding> {
    let mut found = Found::default();
    for old in base.iter().filter(|row| !row.ends.is_empty()) {
        let new = head.iter().find(|row| row.source == old.source);
        match new {
            Some(new) if !new.ends.is_empty() => compare_ends(old, new, &mut found),
            new => {
                let missing = new.and_then(|new| new.missing.as_ref());
                let why = match missing.map(|missing| (missing.kind, &missing.why)) {
                    Some((MissingKind::Gap | MissingKind::NotThere, why)) => format!(": {why}"),
                    None => String::new(),
                };
                let what = format!("`{}` is no longer shipped{why}", old.source);
                found.push(Flag::SourceStops, what, None);
            }
        }
    }
    found.findings
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
    let gone: BTreeSet<&String> = before.difference(&after).collect();
    if !gone.is_empty() {
        let what = format!("`{}` no longer ends at {}", old.source, names(gone));
        found.push(Flag::SourceStops, what, None);
    }
}

/// Adds what the files say to what the rows say. A resource that goes with a
/// source is told with it.
pub(in crate::diff) fn join(
    rows: Vec<DangerFinding>,
    files: Vec<DangerFinding>,
) -> Vec<DangerFinding> {
    let told = !rows.is_empty();
    let more = files
        .into_iter()
        .filter(|finding| !(told && finding.flag == Flag::SourceStops));
    rows.into_iter().chain(more).collect()
}

/// What of AWS brings logs along.
const SHIPPERS: [(&str, &str); 8] = [
    ("AWS::Logs::SubscriptionFilter", "a subscription filter"),
    ("AWS::Events::Rule", "an event rule"),
    ("AWS::CloudTrail::Trail", "a trail"),
    ("AWS::EC2::FlowLog", "a flow log"),
    ("AWS::Logs::Delivery", "a delivery of logs"),
    ("AWS::Lambda::Function", "a function"),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        "a query log",
    ),
    ("AWS::SSM::Association", "an association of Systems Manager"),
];

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    if let Some(gone) = change.gone_object() {
        let kind = text(gone, "/kind");
        if is_workload(kind) {
            found.push(
                Flag::SourceStops,
                format!("a {} that ships logs is gone", shown(kind)),
                Some(change.around.applier.of_removed()),
            );
        }
    }
    for resource in change
        .resources()
        .iter()
        .filter(|resource| resource.gone().is_some())
    {
        let shipper = SHIPPERS.iter().find(|(kind, _)| *kind == resource.kind());
        if let Some((_, what)) = shipper {
            let live = if change.new.is_none() {
                "it stays as long as its stack, which nothing deletes by itself"
            } else {
                "CloudFormation deletes it when the stack is updated"
            };
            let what = format!("{what} is gone");
            found.push(Flag::SourceStops, what, Some(live.to_owned()));
        }
    }
}
