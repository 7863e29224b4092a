//! A plan for people: the same change of many clusters is told once. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use logfleet_contract::names;

use super::{Change, Difference, Plan, PropertyChange, ResourceChange, Step, TargetPlan};

/// The most clusters that are named for one change.
const MOST_NAMED: usize = 6;

/// The most differences that are shown of one change.
const MOST_DIFFERENCES: usize = 20;

/// What is the same in many clusters: the words, with the cluster's name left open.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    verb: &'static str,
    subject: String,
    differences: Vec<Difference>,
    resources: Vec<String>,
}

/// Lays a plan out.
pub fn to_text(plan: &Plan) -> String {
    let mut text = String::new();
    for (name, target) in &plan.targets {
        add_target(&mut text, name, target);
    }
    let steps: usize = plan.targets.values().map(|target| target.steps.len()).sum();
    let waiting: usize = plan
        .targets
        .values()
        .map(|target| target.waiting.len())
        .sum();
    let stops: usize = plan.targets.values().map(|target| target.stops.len()).sum();
    let unchanged: usize = plan.targets.values().map(|target| target.unchanged).sum();
    let _ = write!(text, "{steps} to do, {unchanged} unchanged");
    if waiting > 0 {
        let _ = write!(text, ", {waiting} waiting for confirmation");
    }
    if stops > 0 {
        let _ = write!(text, ", {stops} to decide");
    }
    text.push('\n');
    text
}

fn add_target(text: &mut String, name: &str, target: &TargetPlan) {
    if target.is_empty() && target.stops.is_empty() && target.kept.is_empty() {
        return;
    }
    let _ = writeln!(text, "{name}");
    let mut groups: BTreeMap<Group, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for step in &target.steps {
        let (count, clusters) = groups.entry(group(step)).or_default();
        *count += 1;
        clusters.extend(step.clusters.iter().map(String::as_str));
    }
    for (group, (count, clusters)) in &groups {
        let times = if *count > 1 {
            format!(" ×{count}")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "  {:8} {}{times}{}",
            group.verb,
            group.subject,
            named(clusters)
        );
        for difference in group.differences.iter().take(MOST_DIFFERENCES) {
            let shown =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
            let _ = writeln!(
                text,
                "             {}: {} → {}",
                difference.at,
                shown(&difference.from),
                shown(&difference.to)
            );
        }
        for resource in &group.resources {
            let _ = writeln!(text, "             {resource}");
        }
        if group.differences.len() > MOST_DIFFERENCES {
            let more = group.differences.len() - MOST_DIFFERENCES;
            let _ = writeln!(text, "             and {more} more differences");
        }
    }
    let mut waiting: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in &target.waiting {
        waiting
            .entry(&one.until)
            .or_default()
            .push(one.subject.to_string());
    }
    for (until, subjects) in waiting {
        let _ = writeln!(text, "  waiting  {} deletions, {until}", subjects.len());
        for subject in subjects {
            let _ = writeln!(text, "             {subject}");
        }
    }
    for (word, reasons) in [("kept", &target.kept), ("yours", &target.others)] {
        let mut subjects: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (subject, why) in reasons {
            subjects.entry(why).or_default().push(subject.to_string());
        }
        for (why, subjects) in subjects {
            let _ = writeln!(text, "  {word:8} {why}");
            for subject in subjects {
                let _ = writeln!(text, "             {subject}");
            }
        }
    }
    for stop in &target.stops {
        let told = stop.to_string().replace('\n', "\n           ");
        let _ = writeln!(text, "  STOP     {told}");
    }
}

/// Leaves the cluster's name open where a step is for one cluster alone.
fn group(step: &Step) -> Group {
    let mut names = step.clusters.iter();
    let open = |text: &str| match (names.clone().next(), step.clusters.len()) {
        (Some(cluster), 1) => text
            .replace(&names::slug(cluster), "{cluster}")
            .replace(cluster.as_str(), "{cluster}"),
        _ => text.to_owned(),
    };
    let subject = open(&step.subject.to_string());
    let differences = step
        .change
        .differences()
        .iter()
        .map(|difference| Difference {
            at: difference.at.clone(),
            from: difference.from.as_deref().map(open),
            to: difference.to.as_deref().map(open),
        });
    let differences = differences.collect();
    let resources = match &step.change {
        Change::Stack { resources, .. } => resources_told(resources)
            .iter()
            .map(|line| open(line))
            .collect(),
        _ => Vec::new(),
    };
    let _ = names.next();
    Group {
        resources,
        verb: step.change.verb(),
        subject,
        differences,
    }
}

/// What becomes of the resources of a stack: those that only come or go are counted by type, and each is told that changes, is
/// replaced or is kept, since that is what somebody has to know before.
fn resources_told(resources: &[ResourceChange]) -> Vec<String> {
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for resource in resources {
        let is_plain = matches!(resource.action.as_str(), "Add" | "Remove");
        if is_plain && resource.drift.is_none() {
            *counted
                .entry((&resource.action, &resource.kind))
                .or_default() += 1;
            continue;
        }
        let replaced = match resource.replacement.as_deref() {
            Some("True") => ", REPLACED by a new one",
            Some(_) => ", may be REPLACED by a new one",
            None => "",
        };
        let drift = match resource.drift.as_deref() {
            Some("DELETED") => ", was deleted by somebody else",
            Some(_) => ", was changed by somebody else",
            None => "",
        };
        let mut line = format!(
            "{} {} ({}){replaced}{drift}",
            resource.action.to_lowercase(),
            resource.logical_id,
            resource.kind
        );
        if !resource.ignored_drift.is_empty() {
            line.push_str(&format!(
                "; not put back: {}",
                resource.ignored_drift.join(", ")
            ));
        }
        lines.push(line);
        let properties = resource.properties.iter().take(MOST_DIFFERENCES);
        lines.extend(properties.map(property_told));
        if resource.properties.len() > MOST_DIFFERENCES {
            let more = resource.properties.len() - MOST_DIFFERENCES;
            lines.push(format!("  and {more} more properties"));
        }
    }
    let counted = counted
        .into_iter()
        .map(|((action, kind), count)| format!("{} {count} × {kind}", action.to_lowercase()));
    lines.extend(counted);
    lines
}

fn property_told(property: &PropertyChange) -> String {
    let replaces = if property.replaces { " (replaces)" } else { "" };
    let mut line = format!("  {}{replaces}", property.at);
    if property.from.is_some() || property.to.is_some() {
        let shown =
            |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
        line.push_str(&format!(
            ": {} → {}",
            shown(&property.from),
            shown(&property.to)
        ));
    }
    line
}

fn named(clusters: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = clusters.iter().take(MOST_NAMED).copied().collect();
    let more = clusters.len().saturating_sub(MOST_NAMED);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!("  [{}]", names.join(", ")),
        (_, more) => format!("  [{} and {more} more]", names.join(", ")),
    }
}
