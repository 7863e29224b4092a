//! Versions of programs that are no images: what is installed on machines, and
//! the code of functions. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::wording::legible;
use super::super::{Difference, Flag, RiskFinding};
use super::version::is_lower;
use crate::diff::documents::{Document, Documents};
use crate::diff::preview::FactKey;
use crate::diff::redact;
use crate::resolve::ResolvedCluster;

/// The folder of what machines get.
const FOLDER: &str = "machines/";

/// Programs on machines whose version is lower than before, in the files that
/// differ and install them.
pub(in crate::diff) fn of_machines(
    base: &ResolvedCluster,
    head: &ResolvedCluster,
    files: (&Documents<'_>, &Documents<'_>),
) -> Vec<RiskFinding> {
    let before = versions(base);
    let mut found = Vec::new();
    for (program, after) in versions(head) {
        let old = before.get(program).into_iter().flatten();
        let Some((old, new)) = old
            .flat_map(|old| after.iter().map(move |new| (*old, *new)))
            .find(|(old, new)| is_lower(new, old))
        else {
            continue;
        };
        let has = |document: Option<&Document<'_>>, version: &str| {
            let text = document.and_then(Document::text);
            text.is_some_and(|text| text.contains(version))
        };
        let installing = files.1.iter().filter(|file| {
            let path = file.path();
            let was = files.0.get(path);
            path.starts_with(FOLDER) && has(was, old) && has(Some(file), new)
        });
        let changed = installing.filter(|file| !has(files.0.get(file.path()), new));
        let files = changed.map(|file| redact::text(file.path()));
        found.extend(files.map(|file| went_back(program, old, new, file)));
    }
    found
}

fn went_back(program: &str, old: &str, new: &str, file: String) -> RiskFinding {
    let [old, new] = [old, new].map(legible);
    let what = format!("`{program}` on machines goes from {old} back to {new}");
    RiskFinding {
        file: Some(file),
        difference: Some(Box::new(Difference {
            key: FactKey {
                kind: "program".to_owned(),
                object: Some(format!("machines/{program}")),
                aspect: "version".to_owned(),
            },
            before: Some(old),
            after: Some(new),
        })),
        ..RiskFinding::new(Flag::ImageDowngrade, what, None)
    }
}

/// The versions of what is installed on machines, by program.
fn versions(cluster: &ResolvedCluster) -> BTreeMap<&'static str, BTreeSet<&str>> {
    let mut versions: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
    let mut add = |program, version| {
        versions.entry(program).or_default().insert(version);
    };
    for role in cluster.machines.roles() {
        if let Some(filebeat) = &role.filebeat {
            add("filebeat", filebeat.version.as_str());
        }
        if let Some(agent) = &role.cloudwatch_agent {
            add("cloudwatch-agent", agent.version.as_str());
        }
    }
    if let Some(logstash) = &cluster.machines.logstash {
        add("logstash", logstash.version.as_str());
    }
    versions
}

/// The version in the name of a file with the code of a function, or of a
/// folder above.
pub(in crate::diff::risk) fn version_of_code(key: &str) -> Option<String> {
    let name = key.trim_end_matches(".zip");
    let parts: Vec<&str> = name.split(['/', '-']).collect();
    let is_version = |part: &str| {
        let part = part.strip_prefix('v').unwrap_or(part);
        part.starts_with(|c: char| c.is_ascii_digit())
    };
    let at = parts.iter().position(|part| is_version(part))?;
    Some(parts[at..].join("-"))
}
