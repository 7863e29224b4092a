//! Things that are gone: several of one kind in one file are told once, by their names. Pure.

use super::DangerFinding;
use super::change::shown;

/// Most names in one sentence.
const MOST_NAMES: usize = 8;

/// A thing that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::diff) struct Gone {
    /// What it is, such as `log group` or `role of IAM`.
    pub(super) noun: &'static str,
    /// Its name.
    pub(super) name: String,
    /// What it is no longer, such as `no longer rendered`.
    pub(super) how: &'static str,
}

impl Gone {
    /// That it is gone, in a sentence without its end.
    pub(super) fn sentence(&self) -> String {
        format!("the {} `{}` is {}", self.noun, shown(&self.name), self.how)
    }
}

/// The findings, with one for all of a kind that are gone from one file.
pub(in crate::diff) fn tell_once(findings: Vec<DangerFinding>) -> Vec<DangerFinding> {
    let mut told: Vec<(DangerFinding, Vec<String>)> = Vec::new();
    for finding in findings {
        let name = finding.gone.as_ref().map(|gone| gone.name.clone());
        let same = |(other, _): &&mut (DangerFinding, Vec<String>)| is_same(other, &finding);
        match told.iter_mut().find(same) {
            Some((_, names)) => names.extend(name),
            None => told.push((finding, name.into_iter().collect())),
        }
    }
    let merge = |(finding, names): (DangerFinding, Vec<String>)| match &finding.gone {
        Some(gone) if names.len() > 1 => {
            let what = format!("the {} {} are {}", plural(gone.noun), list(names), gone.how);
            DangerFinding { what, ..finding }
        }
        _ => finding,
    };
    told.into_iter().map(merge).collect()
}

fn is_same(one: &DangerFinding, other: &DangerFinding) -> bool {
    let (Some(gone), Some(other_gone)) = (&one.gone, &other.gone) else {
        return false;
    };
    (gone.noun, gone.how) == (other_gone.noun, other_gone.how)
        && (one.flag, &one.live, &one.file) == (other.flag, &other.live, &other.file)
}

fn list(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    let named = names.iter().take(MOST_NAMES);
    let named: Vec<String> = named.map(|name| format!("`{}`", shown(name))).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
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

    fn finding(name: &str, file: &str) -> DangerFinding {
        let gone = Gone {
            noun: "delivery of logs",
            name: name.to_owned(),
            how: "gone",
        };
        DangerFinding {
            flag: Flag::SourceStops,
            what: gone.sentence(),
            live: None,
            file: Some(file.to_owned()),
            gone: Some(gone),
        }
    }

    #[test]
    fn several_of_a_kind_are_told_once() {
        let findings = vec![finding("b", "x"), finding("a", "x"), finding("c", "y")];
        let told: Vec<String> = tell_once(findings)
            .into_iter()
            .map(|one| one.what)
            .collect();
        assert_eq!(
            told,
            [
                "the deliveries of logs `a`, `b` are gone",
                "the delivery of logs `c` is gone",
            ]
        );
        let many = (0..20).map(|number| finding(&format!("{number:02}"), "x"));
        let told = tell_once(many.collect());
        assert!(
            told[0].what.ends_with("`07` and 12 more are gone"),
            "{}",
            told[0].what
        );
    }
}
