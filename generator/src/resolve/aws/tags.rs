//! The tags that say which objects of AWS are the cluster's. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::Identity;
use super::super::problem::Problems;

/// A tag that every member of the resource group has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TagFilter {
    /// Its key.
    pub key: String,
    /// One of its values; any without.
    pub values: Vec<String>,
}

/// How the tag's key begins that Kubernetes puts on what is a cluster's; its name in AWS comes next.
pub(in crate::resolve) const CLUSTER_TAG: &str = "kubernetes.io/cluster/";

const SETTING: [&str; 4] = ["sources", "aws", "resource_group", "tags"];

/// Characters that the query of a group may have:
/// <https://docs.aws.amazon.com/ARG/latest/APIReference/API_ResourceQuery.html>.
const LONGEST_QUERY: usize = 4096;

/// The tag filters, sorted by key.
pub(super) fn resolve(
    tags: &BTreeMap<String, BTreeMap<String, bool>>,
    cluster: &Identity,
    problems: &mut Problems,
) -> Vec<TagFilter> {
    if tags.is_empty() {
        return vec![TagFilter {
            key: format!("{CLUSTER_TAG}{}", cluster.aws_name),
            values: vec!["owned".to_owned(), "shared".to_owned()],
        }];
    }
    let filters: Vec<TagFilter> = tags
        .iter()
        .map(|(key, values)| {
            check(key, values, problems);
            TagFilter {
                key: key.clone(),
                values: values
                    .iter()
                    .filter(|(_, on)| **on)
                    .map(|(value, _)| value.clone())
                    .collect(),
            }
        })
        .collect();
    if query_length(&filters) > LONGEST_QUERY {
        problems.push(
            &SETTING,
            format!("as a query these tags have more than AWS's {LONGEST_QUERY} characters"),
            "choose the cluster's objects by fewer tags, best by one of their own",
        );
    }
    filters
}

/// Whether nothing is wrong with the tags; what is wrong is reported where they are resolved.
pub(in crate::resolve) fn are_right(
    tags: &BTreeMap<String, BTreeMap<String, bool>>,
    cluster: &Identity,
) -> bool {
    let mut problems = Problems::default();
    resolve(tags, cluster, &mut problems);
    problems.0.is_empty()
}

fn query_length(filters: &[TagFilter]) -> usize {
    let query = serde_json::json!({
        "ResourceTypeFilters": ["AWS::AllSupported"],
        "TagFilters": filters
            .iter()
            .map(|filter| serde_json::json!({ "Key": filter.key, "Values": filter.values }))
            .collect::<Vec<_>>(),
    });
    query.to_string().chars().count()
}

/// What a tag may be: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.
fn check(key: &str, values: &BTreeMap<String, bool>, problems: &mut Problems) {
    let setting = [&SETTING[..], &[key]].concat();
    if key.is_empty() || key.chars().count() > 128 {
        problems.push(
            &setting,
            "a tag's key has 1 to 128 characters",
            "correct the key",
        );
    } else if key.to_lowercase().starts_with("aws:") && values.is_empty() {
        problems.push(
            &setting,
            "this tag is AWS's own, and many clusters' objects have it",
            "say which values count",
        );
    }
    if let Some(c) = key.chars().find(|c| !allowed(*c)) {
        problems.push(
            &setting,
            format!("a tag's key can't have `{}`", c.escape_debug()),
            "tags may contain letters, digits, spaces and `_ . : / = + - @`",
        );
    }
    for value in values.keys() {
        let setting = [&setting[..], &[value.as_str()]].concat();
        if value.chars().count() > 256 {
            problems.push(
                &setting,
                "a tag's value has at most 256 characters",
                "correct the value",
            );
        }
        if let Some(c) = value.chars().find(|c| !allowed(*c)) {
            problems.push(
                &setting,
                format!("a tag's value can't have `{}`", c.escape_debug()),
                "tags may contain letters, digits, spaces and `_ . : / = + - @`",
            );
        }
    }
    if !values.is_empty() && values.values().all(|on| !on) {
        problems.push(
            &setting,
            "every value of this tag is `false`",
            "set one to `true`; or remove all, and any value matches",
        );
    }
}

fn allowed(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}
