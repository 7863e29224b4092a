//! CloudFormation templates and fragments of `aws/`: is nothing logged in
//! circles or twice, does nobody may more than needed, does AWS take it? Pure.
//!
//! What is rendered is looked at, not what was resolved, since templates may
//! be a fleet's own. A policy that is a text is read like one that isn't.

pub(crate) mod calls;
mod documents;
mod duplicates;
mod limits;
mod logical_ids;
mod loops;
mod numbers;
mod permissions;

use std::collections::BTreeSet;

use logfleet_contract::account::{self, Distributor};
use logfleet_contract::members::Fragment;
use logfleet_contract::rendered::AccountPlace;
use logfleet_contract::stack::{self, Forwarder, ResourceFault};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use calls::Configuration;

use crate::fault::{Fault, Faults};
use crate::load::source_file::SourceFile;

/// Whether a file of a cluster is a template or a fragment of CloudFormation.
pub(super) fn is_template(path: &str) -> bool {
    let folders = ["aws/", "reconciler/aws/"];
    (folders.iter().any(|folder| path.starts_with(folder)) && path.ends_with(".json"))
        || path == "machines/stack.json"
        || AccountPlace::of(path) != AccountPlace::Other && is_of_account(path)
}

/// Whether a path begins with an account's digits, as below `_accounts/`.
fn is_of_account(path: &str) -> bool {
    let account = path.split('/').next().unwrap_or_default();
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a file is a fragment, of a cluster or an account.
fn is_fragment(path: &str) -> bool {
    path.starts_with("aws/members/")
        || is_of_account(path) && matches!(AccountPlace::of(path), AccountPlace::Fragment { .. })
}

/// A rendered template of CloudFormation, or a fragment of one.
#[derive(Debug)]
pub(super) struct Template<'t> {
    /// Where a person finds it.
    shown: String,
    text: &'t str,
    value: Value,
    /// Whether it is a fragment of the members' stack.
    is_fragment: bool,
    /// Policies that couldn't be read.
    unread: BTreeSet<documents::Unread>,
}

impl<'t> Template<'t> {
    /// A file that is one of these, and what it was read as.
    pub(super) fn new(
        path: &str,
        shown: String,
        text: &'t str,
        value: serde_json::Result<Value>,
    ) -> Result<Self, Fault> {
        let is_fragment = is_fragment(path);
        match value {
            Ok(mut value) => {
                let mut unread = BTreeSet::new();
                for part in parts(is_fragment) {
                    if let Some(Value::Object(resources)) = value.get_mut(part) {
                        documents::read_all(resources, &mut unread);
                    }
                }
                Ok(Self {
                    shown,
                    text,
                    value,
                    is_fragment,
                    unread,
                })
            }
            Err(error) => Err(Fault::input(format!("`{shown}` is not JSON: {error}"))),
        }
    }

    /// Why it can't be composed with members, if it is a fragment and can't.
    fn not_a_fragment(&self) -> Option<Fault> {
        let read = self.is_fragment.then(|| Fragment::deserialize(&self.value));
        let error = read?.err()?;
        Some(Fault::input(format!(
            "`{}` is not a fragment: {error}",
            self.shown
        )))
    }

    /// Its resources, with their logical ids.
    fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        parts(self.is_fragment)
            .iter()
            .filter_map(|part| self.value.get(part)?.as_object())
            .flatten()
            .map(|(id, value)| Resource { id, value })
    }

    fn of_type<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = Resource<'s>> {
        self.resources()
            .filter(move |resource| resource.kind() == kind)
    }

    fn fault(&self, resource: &Resource<'_>, message: &str) -> Fault {
        self.fault_at(resource.id, format!("`{}`: {message}", resource.id))
    }

    fn fault_at(&self, text: &str, message: String) -> Fault {
        let at = self.text.find(&format!("\"{text}\":")).unwrap_or_default();
        Fault::input(message).at(SourceFile::new(self.shown.clone(), self.text).place(at, at))
    }
}

/// Where resources are in a template.
fn parts(is_fragment: bool) -> &'static [&'static str] {
    if is_fragment {
        &["resources", "once"]
    } else {
        &["Resources"]
    }
}

/// A resource of CloudFormation.
#[derive(Clone, Copy, Debug)]
struct Resource<'t> {
    id: &'t str,
    value: &'t Value,
}

impl<'t> Resource<'t> {
    fn kind(&self) -> &'t str {
        self.value["Type"].as_str().unwrap_or_default()
    }

    fn property(&self, name: &str) -> &'t Value {
        &self.value["Properties"][name]
    }

    fn text(&self, name: &str) -> Option<&'t str> {
        self.property(name).as_str()
    }
}

/// Checks the templates and fragments of a cluster together, beside the
/// configurations of the programs that call AWS.
pub(super) fn check(
    cluster: &str,
    templates: &[Template<'_>],
    configurations: &[Configuration<'_>],
) -> Faults {
    let fluentd: Vec<&str> = configurations
        .iter()
        .filter(|configuration| configuration.path.ends_with("/fluent.conf"))
        .map(|configuration| configuration.text)
        .collect();
    let mut faults = Faults::new();
    for template in templates {
        limits::check(template, &mut faults);
        logical_ids::check(template, &mut faults);
        numbers::check(template, &mut faults);
        permissions::check(template, &mut faults);
        if let Some(fault) = template.not_a_fragment() {
            faults.push(fault);
        }
        let forwarder = forwarder(template, &mut faults);
        distributor(template, &mut faults);
        registration(template, &mut faults);
        duplicates::check(cluster, template, forwarder.as_ref(), &fluentd, &mut faults);
    }
    loops::check(templates, &mut faults);
    calls::check(templates, configurations, &mut faults);
    faults
}

/// The template's forwarder. What it couldn't read is a fault.
fn forwarder(template: &Template<'_>, faults: &mut Faults) -> Option<Forwarder> {
    stack::forwarder(&template.value).unwrap_or_else(|found| {
        unreadable(template, found, faults);
        None
    })
}

/// The template's distributor. What it couldn't read is a fault.
fn distributor(template: &Template<'_>, faults: &mut Faults) -> Option<Distributor> {
    account::distributor(&template.value).unwrap_or_else(|found| {
        unreadable(template, found, faults);
        None
    })
}

/// Tells what distributors couldn't read of the cluster.
fn registration(template: &Template<'_>, faults: &mut Faults) {
    if let Err(found) = account::registration(&template.value) {
        unreadable(template, found, faults);
    }
}

fn unreadable(template: &Template<'_>, found: Vec<ResourceFault>, faults: &mut Faults) {
    for fault in found {
        faults.push(
            template
                .fault_at(&fault.logical_id, fault.to_string())
                .hint("write it with `compact_json | json`, as the built-in template does"),
        );
    }
}

/// A list, or the one value in place of it.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn object(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

#[cfg(test)]
mod tests;
