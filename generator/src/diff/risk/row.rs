//! Rows: which difference of which fact is a risk, and how it is said. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Surroundings;
use super::applier::Stack;
use super::fact::{Fact, Facts, Key};
use super::found::Found;
use super::objects::RESOURCE;
use super::values::{items, texts};
use super::wording::{legible, names, some_names};
use super::{Difference, Flag, Removed, RiskFinding, rows};
use crate::diff::redact::{self, Under};

/// What is said of one aspect of a kind of object.
pub(super) struct Row {
    /// The kind; several of which it is true are separated by `|`.
    pub(super) kind: &'static str,
    /// The way to the property: below `Properties` of a resource of AWS, unless it begins with `/`.
    pub(super) aspect: &'static str,
    pub(super) read: Read,
    pub(super) when: When,
    pub(super) flag: Flag,
    /// The sentence without its end, with `{aspect}`, `{kind}`, `{name}`, `{title}`, `{before}`,
    /// `{after}` (or `{quoted before}`, with "none" for nothing) and what was found, `{it}`. `({parts})` at its end are the
    /// names of all objects of a file of which it is true; `({some parts})` if there are others.
    pub(super) what: &'static str,
    /// What becomes of what is there already.
    pub(super) live: Live,
}

/// How a property becomes a fact.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// As it is.
    Value,
    /// Of each item of the list at the first pointer, what is at the second.
    Of(&'static str, &'static str),
    /// From all of the object.
    By(fn(&Json) -> Json),
}

/// Which difference is a risk. The object is on both sides unless it is said to be new, or gone.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// It has another value.
    Changes,
    /// It has another value than before, and than this one.
    ChangesBut(&'static str),
    /// It had another value, and has this one.
    Becomes(&'static str),
    /// It had this value, and has another.
    Ceases(&'static str),
    /// It had a value, and has none.
    Lost,
    /// It has this value, and had another, or the object is new.
    Has(&'static str),
    /// A list lacks what it had: `{it}`.
    Fewer,
    /// A list has what it hadn't, or the object is new: `{it}`.
    More,
    /// It is more by this measure; of what has none nothing is known.
    Higher(fn(&Json) -> Option<u64>),
    /// It is less.
    Lower(fn(&Json) -> Option<u64>),
    /// As this finds; its words are `{it}`.
    If(fn(&Json, &Json) -> Option<String>),
    /// As this finds, once for each of its words.
    Each(fn(&Json, &Json) -> Vec<String>),
    /// As this finds of an object that may be new.
    EachOfNew(fn(Option<&Json>, &Json) -> Vec<String>),
    /// The same, of what it is among.
    EachAmong(fn(&Among<'_>) -> Vec<String>),
    /// The object is gone.
    Gone,
    /// The same, and this holds of what is left.
    GoneIf(fn(&Among<'_>) -> bool),
    /// The same; several of a kind are said once, by their noun, and what they are no longer.
    GoneTogether,
}

impl When {
    fn is_gone(self) -> bool {
        matches!(self, Self::Gone | Self::GoneIf(_) | Self::GoneTogether)
    }
}

/// A fact on both sides, and what it is among: for the few risks that one fact can't tell.
pub(super) struct Among<'f> {
    pub(super) old: Option<&'f Fact<'f>>,
    pub(super) new: Option<&'f Fact<'f>>,
    pub(super) before: &'f Facts<'f>,
    pub(super) after: &'f Facts<'f>,
    pub(super) around: Surroundings<'f>,
}

impl<'f> Among<'f> {
    pub(super) fn values(&self) -> [Option<&'f Json>; 2] {
        [self.old, self.new].map(|fact| Some(fact?.value.as_ref()))
    }

    /// The value at the head; null if there is none.
    pub(super) fn new_value(&self) -> &'f Json {
        self.values()[1].unwrap_or(&Json::Null)
    }

    /// What it is about; that of the head, if it is there.
    fn fact(&self) -> Option<&'f Fact<'f>> {
        self.new.or(self.old)
    }

    /// All of its file on both sides.
    pub(super) fn files(&self) -> [Option<&'f Json>; 2] {
        self.fact().map_or([None; 2], |fact| fact.object.in_file)
    }

    /// The path of its file.
    pub(super) fn path(&self) -> &'f str {
        self.fact().map_or("", |fact| &fact.object.file)
    }
}

/// What becomes of what is there already.
#[derive(Clone, Copy)]
pub(super) enum Live {
    /// Nothing is said of it.
    Unsaid,
    Is(&'static str),
    /// Of an object that is gone: whoever applies the files decides.
    OfApplier,
    /// Of a resource that is gone: its stack decides, unless this says more.
    OfStack(fn(&Json, Stack) -> Option<&'static str>),
    /// Its own properties decide.
    By(fn(&Json) -> &'static str),
    /// Both sides decide.
    ByBoth(fn(&Among<'_>) -> String),
}

impl Row {
    pub(super) fn read<'t>(&self, object: &'t Json) -> Cow<'t, Json> {
        match self.read {
            Read::By(read) => Cow::Owned(read(object)),
            Read::Of(list, at) => {
                let found = items(object, list)
                    .iter()
                    .filter_map(|item| item.pointer(at));
                Cow::Owned(found.cloned().collect())
            }
            Read::Value if self.aspect.is_empty() => Cow::Borrowed(object),
            Read::Value => {
                let is_of_aws = self.kind == RESOURCE || self.kind.starts_with("AWS::");
                let pointer = match self.aspect {
                    aspect if aspect.starts_with('/') => aspect.to_owned(),
                    aspect if is_of_aws => format!("/Properties/{aspect}"),
                    aspect => format!("/{aspect}"),
                };
                object
                    .pointer(&pointer)
                    .map_or(Cow::Owned(Json::Null), Cow::Borrowed)
            }
        }
    }

    /// What is found of a difference, once for each time that it is to be said.
    fn judge(&self, among: &Among<'_>) -> Vec<String> {
        let [old, new] = among.values();
        let is_so = match (self.when, old, new) {
            (When::EachOfNew(find), old, Some(new)) => return find(old, new),
            (When::EachAmong(find), _, Some(_)) => return find(among),
            (When::Each(find), Some(old), Some(new)) => return find(old, new),
            (When::If(find), Some(old), Some(new)) => return Vec::from_iter(find(old, new)),
            (When::Fewer, Some(old), Some(new)) => return Vec::from_iter(less(old, new)),
            (When::More, old, Some(new)) => {
                return Vec::from_iter(less(new, old.unwrap_or(&Json::Null)));
            }
            (When::Has(value), old, Some(new)) => {
                word(new) == value && old.is_none_or(|old| word(old) != value)
            }
            (When::Changes, Some(old), Some(new)) => old != new,
            (When::ChangesBut(value), Some(old), Some(new)) => old != new && word(new) != value,
            (When::Becomes(value), Some(old), Some(new)) => {
                word(new) == value && word(old) != value
            }
            (When::Ceases(value), Some(old), Some(new)) => word(old) == value && word(new) != value,
            (When::Lost, Some(old), Some(new)) => !old.is_null() && new.is_null(),
            (When::Higher(measure), Some(old), Some(new)) => measure(old)
                .zip(measure(new))
                .is_some_and(|(old, new)| new > old),
            (When::Lower(measure), Some(old), Some(new)) => measure(old)
                .zip(measure(new))
                .is_some_and(|(old, new)| new < old),
            (When::Gone | When::GoneTogether, Some(_), None) => true,
            (When::GoneIf(holds), Some(_), None) => holds(among),
            // The object isn't on the sides that this asks about.
            _ => false,
        };
        Vec::from_iter(is_so.then(String::new))
    }

    fn live(&self, among: &Among<'_>) -> Option<String> {
        let said = match self.live {
            Live::Unsaid => return None,
            Live::Is(live) => live,
            Live::OfApplier => return Some(among.around.applier.of_removed()),
            Live::OfStack(more) => {
                let old = among.old?;
                let stack = old.object.stack;
                more(&old.value, stack).unwrap_or(stack.of_removed())
            }
            Live::By(find) => find(&among.old?.value),
            Live::ByBoth(find) => return Some(find(among)),
        };
        Some(said.to_owned())
    }

    fn sentence(&self, fact: &Fact<'_>, before: &str, after: &str, it: &str) -> String {
        let quoted = |value: &str| match value {
            "" => "none".to_owned(),
            value => format!("`{value}`"),
        };
        let parts = [
            ("{aspect}", format!("`{}`", self.aspect.replace('/', "."))),
            ("{kind}", legible(&fact.object.kind)),
            ("{name}", legible(&fact.object.name)),
            ("{title}", fact.title()),
            ("{quoted before}", quoted(before)),
            ("{quoted after}", quoted(after)),
            ("{before}", before.to_owned()),
            ("{after}", after.to_owned()),
            ("{it}", it.to_owned()),
        ];
        fill(self.what, &parts)
    }
}

/// Puts values into a sentence; a value is never looked into for another's place.
fn fill(what: &str, parts: &[(&str, String)]) -> String {
    let mut said = String::new();
    let mut rest = what;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        said.push_str(before);
        let part = parts.iter().find(|(name, _)| place.starts_with(name));
        let (taken, value) = part.map_or(("{", "{"), |(name, value)| (*name, value.as_str()));
        said.push_str(value);
        rest = &place[taken.len()..];
    }
    said + rest
}

/// A value in one word.
pub(super) fn word(value: &Json) -> String {
    texts(Some(value)).join(",")
}

/// What a list has more than another one.
pub(super) fn less(more: &Json, than: &Json) -> Option<String> {
    let than: BTreeSet<String> = texts(Some(than)).into_iter().collect();
    let lost = texts(Some(more)).into_iter();
    some_names(lost.filter(|item| !than.contains(item)))
}

/// The names of all objects of a file of which something is true.
const PARTS: &str = " ({parts})";
/// The same, unless it is true of all objects of the file.
const SOME_PARTS: &str = " ({some parts})";

/// A risk, and the objects of which the same is said.
struct Said {
    finding: RiskFinding,
    parts: BTreeSet<String>,
    /// All objects of that kind in the file.
    all: BTreeSet<String>,
}

/// All risks in what differs between two sets of facts.
pub(super) fn judge(
    [before, after]: &[Facts<'_>; 2],
    around: Surroundings<'_>,
) -> Vec<RiskFinding> {
    let mut said: Vec<Said> = Vec::new();
    let keys = before.keys().chain(after.keys());
    let objects: BTreeSet<(&String, &Cow<'_, str>)> =
        keys.map(|key| (&key.object, &key.kind)).collect();
    // One that is of another kind than before isn't gone.
    let at_head: BTreeSet<&str> = after.keys().map(|key| key.object.as_str()).collect();
    for (object, kind) in objects {
        let stays = at_head.contains(object.as_str());
        for row in rows::of(kind).filter(|row| !(stays && row.when.is_gone())) {
            let key = Key {
                kind: kind.clone(),
                object: object.clone(),
                aspect: row.aspect,
            };
            let among = Among {
                old: before.get(&key),
                new: after.get(&key),
                before,
                after,
                around,
            };
            let [old, new] = among.values();
            if old == new {
                continue;
            }
            for it in row.judge(&among) {
                if let Some(finding) = finding(row, &key, &among, &it) {
                    push(&mut said, finding, row, &among);
                }
            }
        }
    }
    let mut found = Found::default();
    for Said {
        finding,
        parts,
        all,
    } in said
    {
        let [of_parts, of_some] = [parts.is_empty(), parts == all].map(|is_unsaid| {
            let names = (!is_unsaid).then(|| format!(" ({})", names(&parts)));
            names.unwrap_or_default()
        });
        let what = finding.what.replace(PARTS, &of_parts);
        let what = what.replace(SOME_PARTS, &of_some);
        found.push_finding(RiskFinding { what, ..finding });
    }
    found.findings
}

/// Adds a finding, or another part to one that says the same of its file.
fn push(said: &mut Vec<Said>, finding: RiskFinding, row: &Row, among: &Among<'_>) {
    let part = |fact: &Fact<'_>| {
        let name = &fact.object.name;
        (!name.is_empty()).then(|| format!("`{}`", legible(name)))
    };
    let part = among.fact().and_then(part);
    let same = said.iter_mut().find(|said| {
        let other = &said.finding;
        (other.flag, &other.file, &other.what, &other.live)
            == (finding.flag, &finding.file, &finding.what, &finding.live)
    });
    if let Some(said) = same {
        said.parts.extend(part);
        if let (Some(same), Some(other)) = (&mut said.finding.difference, finding.difference) {
            same.keep_common(&other);
        }
        return;
    }
    let is_told = row.what.ends_with(SOME_PARTS);
    said.push(Said {
        finding,
        parts: part.into_iter().collect(),
        all: if is_told {
            all_parts(among)
        } else {
            BTreeSet::new()
        },
    });
}

/// The names of all objects of a fact's kind that its file holds for.
fn all_parts(among: &Among<'_>) -> BTreeSet<String> {
    let Some(fact) = among.fact() else {
        return BTreeSet::new();
    };
    let same = among.after.values().filter(|other| {
        let (own, other) = (&fact.object, &other.object);
        (&own.kind, &own.file) == (&other.kind, &other.file)
    });
    same.map(|other| format!("`{}`", legible(&other.object.name)))
        .collect()
}

fn finding(row: &Row, key: &Key, among: &Among<'_>, it: &str) -> Option<RiskFinding> {
    let fact = among.fact()?;
    let said = |fact: Option<&Fact<'_>>| {
        let is_shown = row.what.contains("before}") || row.what.contains("after}");
        let fact = fact.filter(|_| is_shown);
        fact.map_or_else(String::new, |fact| legible(&word(&fact.value)))
    };
    let (removed, what) = match row.when {
        When::GoneTogether => {
            let removed = Removed {
                noun: rows::noun(&key.kind),
                name: fact.object.known_as.clone().into_owned(),
                how: row.what,
            };
            let what = removed.sentence();
            (Some(removed), what)
        }
        _ => (
            None,
            row.sentence(fact, &said(among.old), &said(among.new), it),
        ),
    };
    // All of an object is no value that one could compare.
    let is_shown = !row.aspect.trim_end_matches("/Properties").is_empty();
    let value = |fact: Option<&Fact<'_>>| {
        let fact = fact.filter(|fact| is_shown && !fact.value.is_null())?;
        let name = row.aspect.rsplit('/').next().unwrap_or_default();
        let value = redact::value(Under::key(name), &fact.value);
        Some(legible(&word(&value)))
    };
    Some(RiskFinding {
        flag: row.flag,
        what,
        live: row.live(among),
        file: Some(redact::text(&fact.object.file)),
        removed,
        difference: Some(Box::new(Difference {
            key: key.public(),
            before: value(among.old),
            after: value(among.new),
        })),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{STACK, of_trees, pod, tree};
    use super::super::{Applier, find};
    use super::*;
    use crate::diff::documents::Documents;

    /// What differs where each risk is.
    fn differences(old: &Json, new: &Json) -> Vec<Difference> {
        let [base, head] = [old, new].map(|value| tree(&[(STACK, value.to_string())]));
        let [base, head] = [&base, &head].map(Documents::of);
        let found = find(&base, &head, Applier::Nobody).into_iter();
        found
            .filter_map(|finding| finding.difference.map(|own| *own))
            .collect()
    }

    fn filters(filters: &[(&str, &str)]) -> Json {
        let filters = filters.iter().map(|(id, pattern)| {
            let properties = json!({"FilterPattern": pattern});
            let filter = json!({"Type": "AWS::Logs::SubscriptionFilter", "Properties": properties});
            ((*id).to_owned(), filter)
        });
        json!({"Resources": filters.collect::<serde_json::Map<_, _>>()})
    }

    #[test]
    fn a_risk_says_what_differs() {
        let found = differences(&filters(&[("To", "")]), &filters(&[("To", "ERROR")]));
        let [one] = found.as_slice() else {
            unreachable!("{found:?}");
        };
        assert_eq!(one.key.kind, "AWS::Logs::SubscriptionFilter");
        assert_eq!(one.key.object.as_deref(), Some("aws/eu-central-1/stack/To"));
        assert_eq!(one.key.aspect, "FilterPattern");
        let values = [one.before.as_deref(), one.after.as_deref()];
        assert_eq!(values, [Some(""), Some("ERROR")]);
    }

    #[test]
    fn what_differs_shows_no_secret() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let found = differences(&filters(&[("To", "")]), &filters(&[("To", &key)]));
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains(&key), "{found:?}");
    }

    #[test]
    fn several_objects_of_which_the_same_is_said_are_said_once() {
        let bucket = |id: &str, blocks: bool| {
            let blocks = json!({"BlockPublicAcls": blocks});
            let properties = json!({"PublicAccessBlockConfiguration": blocks});
            (
                id.to_owned(),
                json!({"Type": "AWS::S3::Bucket", "Properties": properties}),
            )
        };
        let both = |blocks: bool| {
            let buckets = [bucket("One", blocks), bucket("Two", blocks)];
            json!({"Resources": buckets.into_iter().collect::<serde_json::Map<_, _>>()})
        };
        let found = differences(&both(true), &both(false));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].key.object, None);
        assert!(found[0].after.is_some());
    }

    #[test]
    fn an_object_in_another_file_is_the_same_object() {
        let set = |network: bool| pod(&json!({"hostNetwork": network})).to_string();
        assert_eq!(
            of_trees(
                &[("kubernetes/x/set.yaml", set(false))],
                &[("kubernetes/y/other.yaml", set(true))]
            ),
            ["privilege-widens: pods use the machine's network"]
        );
    }
}
