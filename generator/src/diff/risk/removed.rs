//! Things that are removed: several of one kind in one file are reported once, by their names. Pure.

use super::RiskFinding;
use super::wording::{legible, quoted};

/// A thing that is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diff) struct Removed {
    /// What it is, such as `log group` or `role of IAM`.
    pub(super) noun: &'static str,
    /// Its name.
    pub(super) name: String,
    /// What it is no longer, such as `no longer rendered`.
    pub(super) how: &'static str,
}

impl Removed {
    /// That it is removed, in a sentence without its end.
    pub(super) fn sentence(&self) -> String {
        format!(
            "the {} `{}` is {}",
            self.noun,
            legible(&self.name),
            self.how
        )
    }
}

/// The findings, with one for all of a kind that are removed from one file.
pub(in crate::diff) fn tell_once(findings: Vec<RiskFinding>) -> Vec<RiskFinding> {
    let mut reported: Vec<(RiskFinding, Vec<String>)> = Vec::new();
    for finding in findings {
        let name = finding.removed.as_ref().map(|removed| removed.name.clone());
        let same = |(other, _): &&mut (RiskFinding, Vec<String>)| is_same(other, &finding);
        match reported.iter_mut().find(same) {
            Some((_, names)) => names.extend(name),
            None => reported.push((finding, name.into_iter().collect())),
        }
    }
    let merge = |(finding, names): (RiskFinding, Vec<String>)| match &finding.removed {
        Some(removed) if names.len() > 1 => {
            let what = format!(
                "the {} {} are {}",
                plural(removed.noun),
                quoted(names),
                removed.how
            );
            RiskFinding { what, ..finding }
        }
        _ => finding,
    };
    reported.into_iter().map(merge).collect()
}

fn is_same(one: &RiskFinding, other: &RiskFinding) -> bool {
    let (Some(removed), Some(other_removed)) = (&one.removed, &other.removed) else {
        return false;
    };
    (removed.noun, removed.how) == (other_removed.noun, other_removed.how)
        && (one.flag, &one.live, &one.file) == (other.flag, &other.live, &other.file)
}

/// `role of IAM`, `roles of IAM`.
fn plural(noun: &str) -> String {
    let (head, rest) = match noun.split_once(" of ") {
        Some((head, rest)) => (head, format!(" of {rest}")),
        None => (noun, String::new()),
    };
    match head.strip_suffix('y') {
        Some(start) => format!("{start}ies{rest}"),
        None => format!("{head}s{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Flag;
    use super::*;

    fn finding(name: &str, file: &str) -> RiskFinding {
        let removed = Removed {
            noun: "delivery of logs",
            name: name.to_owned(),
            how: "gone",
        };
        RiskFinding {
            flag: Flag::SourceStops,
            what: removed.sentence(),
            live: None,
            file: Some(file.to_owned()),
            removed: Some(removed),
            difference: None,
        }
    }

    #[test]
    fn several_of_a_kind_are_reported_once() {
        let findings = vec![finding("b", "x"), finding("a", "x"), finding("c", "y")];
        let reported: Vec<String> = tell_once(findings)
            .into_iter()
            .map(|one| one.what)
            .collect();
        assert_eq!(
            reported,
            [
                "the deliveries of logs `a`, `b` are gone",
                "the delivery of logs `c` is gone",
            ]
        );
        let many = (0..20).map(|number| finding(&format!("{number:02}"), "x"));
        let reported = tell_once(many.collect());
        assert!(
            reported[0].what.ends_with("`07` and 12 more are gone"),
            "{}",
            reported[0].what
        );
    }
}
