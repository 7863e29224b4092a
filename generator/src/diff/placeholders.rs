//! Values that a cluster has of its own, which don't tell its changes from
//! another cluster's. Pure.

use crate::resolve::ResolvedCluster;

/// Placeholders: what stands for a value while changes are compared, a
/// character that no file has
/// (<https://www.unicode.org/faq/private_use.html>), and what is shown of it.
const PLACEHOLDERS: [(char, &str); 5] = [
    (CLUSTER, "{cluster}"),
    (ACCOUNT, "{account}"),
    (REGION, "{region}"),
    (ENVIRONMENT, "{environment}"),
    (AWS_NAME, "{aws_name}"),
];
const CLUSTER: char = '\u{f0000}';
const ACCOUNT: char = '\u{f0001}';
const REGION: char = '\u{f0002}';
const ENVIRONMENT: char = '\u{f0003}';
const AWS_NAME: char = '\u{f0004}';

/// The values of one cluster that become placeholders, the longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Placeholders(Vec<(String, char)>);

impl Placeholders {
    /// Those of a cluster. Its name is one value, however it is spelt: some
    /// names are the same in every spelling.
    pub(super) fn of(cluster: &ResolvedCluster) -> Self {
        let identity = &cluster.cluster;
        let dashed = identity.name.replace('.', "-");
        let aws_names = cluster.aws_names.iter().map(|given| given.name.as_str());
        // A name too long for its kind is cut, and has a hash of its own.
        let shortened = aws_names.filter(|name| !name.contains(&dashed));
        let mut values: Vec<(String, char)> = shortened
            .map(|name| (name.to_owned(), AWS_NAME))
            .chain(namespace(cluster).map(|namespace| (namespace, CLUSTER)))
            .chain([
                (identity.name.clone(), CLUSTER),
                (dashed.clone(), CLUSTER),
                (identity.slug.clone(), CLUSTER),
                (identity.account.clone(), ACCOUNT),
                (identity.region.clone(), REGION),
                (identity.environment.clone(), ENVIRONMENT),
            ])
            .collect();
        // One that is two things is the first of them.
        values.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup_by(|(a, _), (b, _)| a == b);
        Self(values)
    }

    /// These values with these placeholders.
    #[cfg(test)]
    pub(super) fn of_pairs(values: &[(&str, char)]) -> Self {
        let values = values.iter().map(|(value, c)| ((*value).to_owned(), *c));
        Self(values.collect())
    }

    /// Those that both have. A value that changes is a change, and no placeholder.
    #[must_use]
    pub(super) fn common(self, other: &Self) -> Self {
        let both = self.0.into_iter().filter(|known| other.0.contains(known));
        Self(both.collect())
    }

    /// Those that are its name.
    #[must_use]
    pub(super) fn only_names(self) -> Self {
        let names = self.0.into_iter();
        let names = names.filter(|(_, placeholder)| matches!(*placeholder, CLUSTER | AWS_NAME));
        Self(names.collect())
    }

    /// The text with a placeholder for each of them.
    pub(super) fn replace_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, placeholder) in &self.0 {
            if text.contains(value.as_str()) {
                text = replace_words(&text, value, *placeholder);
            }
        }
        text
    }
}

/// The last part of its data streams' names, if all have the same.
fn namespace(cluster: &ResolvedCluster) -> Option<String> {
    let mut namespaces = cluster
        .streams
        .iter()
        .filter_map(|stream| Some(stream.data_stream.rsplit_once('-')?.1));
    let first = namespaces.next()?;
    let is_one = first != cluster.cluster.slug && namespaces.all(|other| other == first);
    is_one.then(|| first.to_owned())
}

/// Replaces a value where it is not a part of a longer word.
fn replace_words(text: &str, value: &str, placeholder: char) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, after) = (&rest[..at], &rest[at + value.len()..]);
        let joined = before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
            || after.chars().next().is_some_and(char::is_alphanumeric);
        result.push_str(before);
        if joined {
            result.push_str(value);
        } else {
            result.push(placeholder);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// The text with each placeholder as it is shown.
pub(super) fn show_placeholders(text: &str) -> String {
    let mut text = text.to_owned();
    for (placeholder, shown) in PLACEHOLDERS {
        if text.contains(placeholder) {
            text = text.replace(placeholder, shown);
        }
    }
    text
}

/// What stands between the placeholders of a text as it is shown; all of it if
/// there is none.
pub(super) fn between_placeholders(text: &str) -> Vec<&str> {
    let mut pieces = vec![text];
    for (_, shown) in PLACEHOLDERS {
        let split = pieces.iter().flat_map(|piece| piece.split(shown));
        pieces = split.collect();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(values: &[(&str, char)]) -> Placeholders {
        Placeholders::of_pairs(values)
    }

    #[test]
    fn replaces_whole_words_only() {
        let known = known(&[("eu-1", CLUSTER), ("eu_1", CLUSTER)]);
        let reported = |text| show_placeholders(&known.replace_in(text));
        assert_eq!(
            reported("logfleet-eu-1-pods, eu_1"),
            "logfleet-{cluster}-pods, {cluster}"
        );
        assert_eq!(reported("eu-12 and neu-1"), "eu-12 and neu-1");
    }

    #[test]
    fn a_text_is_reported_from_its_placeholders() {
        assert_eq!(between_placeholders("a/b"), ["a/b"]);
        let text = "logs-{account}-x/{cluster}.json";
        assert_eq!(between_placeholders(text), ["logs-", "-x/", ".json"]);
    }

    #[test]
    fn a_value_that_changes_is_no_placeholder() {
        let base = known(&[("eu-1", CLUSTER), ("prod", ENVIRONMENT)]);
        let head = known(&[("eu-1", CLUSTER), ("test", ENVIRONMENT)]);
        assert_eq!(base.common(&head), known(&[("eu-1", CLUSTER)]));
    }
}
