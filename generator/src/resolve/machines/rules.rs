//! What Logstash does to the machines' records. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::resolve::fields::{MadeField, RecordOrigin, RuleMoment, Shape};
use crate::resolve::problem::Problems;
use crate::resolve::source::{check_day, check_reason, field_path, one_line};
use crate::resolve::{Condition, RecordRule, pattern};
use crate::settings::{FieldName, MachineRecords, Pattern};

/// The field that gets what is parsed from text.
pub(super) const PARSED: &str = "parsed";

/// What Logstash does to records, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineRules {
    /// If there is any, records that match none are thrown away.
    pub keep: Vec<RecordRule>,
    /// Records that are thrown away.
    pub drop: Vec<RecordRule>,
    /// Text that is taken out.
    pub mask: Vec<MaskRule>,
    /// Fields that are made from text.
    pub parse: Vec<ParseRule>,
}

impl MachineRules {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keep.is_empty()
            && self.drop.is_empty()
            && self.mask.is_empty()
            && self.parse.is_empty()
    }
}

/// Text that is taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MaskRule {
    /// The rule's name.
    pub name: String,
    /// The field as a path of keys.
    pub field: Vec<String>,
    /// What is taken out.
    pub pattern: String,
    /// What stands there instead.
    pub replacement: String,
    /// Why, on one line.
    pub reason: String,
}

/// Fields that are made from text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParseRule {
    /// The rule's name.
    pub name: String,
    /// The field as a path of keys.
    pub field: Vec<String>,
    /// A pattern with named groups.
    pub pattern: String,
    /// Why, on one line.
    pub reason: String,
}

/// Resolves the rules of a role that reads records of these origins.
pub(super) fn resolve(
    base: &[&str; 3],
    records: &MachineRecords,
    origins: BTreeSet<RecordOrigin>,
    problems: &mut Problems,
) -> MachineRules {
    check(base, records, problems);
    check_fields(base, records, origins, problems);
    let text_rule =
        |name: &str, when: &BTreeMap<FieldName, Pattern>, reason: &str, expires| RecordRule {
            name: name.to_owned(),
            conditions: when
                .iter()
                .map(|(field, pattern)| Condition {
                    field: field_path(field.as_str()),
                    pattern: pattern.to_string(),
                })
                .collect(),
            reason: one_line(reason),
            expires,
        };
    MachineRules {
        keep: records
            .keep
            .iter()
            .map(|(name, rule)| text_rule(name.as_str(), &rule.when, &rule.reason, None))
            .collect(),
        drop: records
            .drop
            .iter()
            .map(|(name, rule)| {
                text_rule(
                    name.as_str(),
                    &rule.when,
                    &rule.reason,
                    rule.expires.clone(),
                )
            })
            .collect(),
        mask: records
            .mask
            .iter()
            .map(|(name, rule)| MaskRule {
                name: name.to_string(),
                field: field_path(rule.field.as_str()),
                pattern: rule.matches.to_string(),
                replacement: rule.replacement.to_string(),
                reason: one_line(&rule.reason),
            })
            .collect(),
        parse: records
            .parse
            .iter()
            .map(|(name, rule)| ParseRule {
                name: name.to_string(),
                field: field_path(rule.field.as_str()),
                pattern: rule.pattern.to_string(),
                reason: one_line(&rule.reason),
            })
            .collect(),
    }
}

fn check(base: &[&str; 3], records: &MachineRecords, problems: &mut Problems) {
    let at = |keys: &[&str]| -> Vec<String> {
        let path = base.iter().chain(&["records"]).chain(keys);
        path.map(|key| (*key).to_owned()).collect()
    };
    let mut reported = |keys: &[&str], judge: &dyn Fn(&[&str], &mut Problems)| {
        let path = at(keys);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        judge(&path, problems);
    };
    for (name, rule) in &records.keep {
        let name = name.as_str();
        for (field, pattern) in &rule.when {
            reported(&["keep", name, "when", field.as_str()], &|at, problems| {
                check_pattern(at, pattern, problems);
            });
        }
        reported(&["keep", name, "reason"], &|at, problems| {
            check_reason(at, &rule.reason, problems);
        });
    }
    for (name, rule) in &records.drop {
        let name = name.as_str();
        for (field, pattern) in &rule.when {
            reported(&["drop", name, "when", field.as_str()], &|at, problems| {
                check_pattern(at, pattern, problems);
            });
        }
        reported(&["drop", name, "reason"], &|at, problems| {
            check_reason(at, &rule.reason, problems);
        });
        if let Some(day) = &rule.expires {
            reported(&["drop", name, "expires"], &|at, problems| {
                check_day(at, day, problems);
            });
        }
    }
    for (name, rule) in &records.mask {
        let name = name.as_str();
        reported(&["mask", name, "matches"], &|at, problems| {
            check_pattern(at, &rule.matches, problems);
        });
        reported(&["mask", name, "reason"], &|at, problems| {
            check_reason(at, &rule.reason, problems);
        });
    }
    for (name, rule) in &records.parse {
        let name = name.as_str();
        reported(&["parse", name, "pattern"], &|at, problems| {
            check_pattern(at, &rule.pattern, problems);
            if named_groups(rule.pattern.as_str()).next().is_none() {
                problems.push(
                    at,
                    "no group of this pattern has a name, so it makes no field",
                    "name one: `(?<user>[a-z]+)`",
                );
            }
        });
        reported(&["parse", name, "reason"], &|at, problems| {
            check_reason(at, &rule.reason, problems);
        });
    }
}

/// Finds rules on fields that no record has. `keep` throws every record away then.
fn check_fields(
    base: &[&str; 3],
    records: &MachineRecords,
    origins: BTreeSet<RecordOrigin>,
    problems: &mut Problems,
) {
    // That nothing is read is reported elsewhere.
    if origins.is_empty() {
        return;
    }
    let mut shape = Shape {
        setting: format!("{}.records", base.join(".")),
        origins,
        given: BTreeSet::new(),
        // Made after `keep`, `drop` and `mask`.
        made: vec![MadeField {
            path: PARSED.to_owned(),
            of: vec![RecordOrigin::MachineJournal, RecordOrigin::MachineFiles],
            first: RuleMoment::Route,
        }],
        taken: Vec::new(),
        matches_numbers: false,
    };
    let mut reported = |shape: &Shape, keys: &[&str], field: &FieldName| {
        if let Some(fault) = shape.fault(field.as_str(), RuleMoment::Drop, &shape.origins) {
            let at = [&base[..], &["records"], keys].concat();
            problems.push(&at, fault.message, fault.hint);
        }
    };
    for (name, rule) in &records.keep {
        for field in rule.when.keys() {
            reported(
                &shape,
                &["keep", name.as_str(), "when", field.as_str()],
                field,
            );
        }
    }
    for (name, rule) in &records.drop {
        for field in rule.when.keys() {
            reported(
                &shape,
                &["drop", name.as_str(), "when", field.as_str()],
                field,
            );
        }
    }
    for (name, rule) in &records.mask {
        reported(&shape, &["mask", name.as_str(), "field"], &rule.field);
    }
    shape.made.clear();
    for (name, rule) in &records.parse {
        reported(&shape, &["parse", name.as_str(), "field"], &rule.field);
        // Rules are carried out in the order of their names.
        shape
            .made
            .extend(named_groups(rule.pattern.as_str()).map(|group| MadeField {
                path: format!("{PARSED}.{group}"),
                of: shape.origins.iter().copied().collect(),
                first: RuleMoment::Drop,
            }));
    }
}

/// What Ruby reads, less what Logstash and Systems Manager would take for
/// something of theirs.
fn check_pattern(at: &[&str], text: &Pattern, problems: &mut Problems) {
    if let Err(fault) = pattern::check(text.as_str()) {
        problems.push(at, fault.message, fault.hint);
    }
    for (taken, by, hint) in [
        (
            "%{",
            "Logstash reads `%{` as the start of a field's name",
            "write `%[{]`",
        ),
        (
            "{{",
            "Systems Manager reads `{{` as the start of a parameter",
            "write `[{][{]`",
        ),
        (
            "}}",
            "Systems Manager reads `}}` as the end of a parameter",
            "write `[}][}]`",
        ),
    ] {
        if text.as_str().contains(taken) {
            problems.push(at, by, hint);
        }
    }
}

/// The names of a pattern's groups `(?<name>…)`.
fn named_groups(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.match_indices("(?<").filter_map(|(at, start)| {
        let escaped = pattern[..at]
            .chars()
            .rev()
            .take_while(|c| *c == '\\')
            .count()
            % 2
            == 1;
        let group = &pattern[at + start.len()..];
        let name = &group[..group.find('>')?];
        (!escaped && !group.starts_with(['=', '!'])).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_behind_is_no_named_group() {
        let names = |pattern| named_groups(pattern).collect::<Vec<_>>();
        assert_eq!(names("a(?<b>c)-(?<d>e)"), ["b", "d"]);
        assert_eq!(names("(?<=a)b(?<!c)"), [""; 0]);
        assert_eq!(names(r"\(?<b>c"), [""; 0]);
        assert_eq!(names(r"\\(?<b>c)"), ["b"]);
    }
}
