//! Data streams that both sides render: what holds for them is compared stream
//! by stream, as its files may have other names, and serve other streams as
//! well (docs/decisions/0019-index-objects-by-content.md). Pure.

mod composed;
mod server;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::Surroundings;
use super::applier::Stack;
use super::objects::{Object, STREAM_MAPPING, STREAM_RETENTION, STREAM_TEMPLATE};
use crate::diff::compare::files::Pair;
use crate::diff::documents::Document;
pub(super) use server::Kind;
use server::{Held, Policy, Server, components};

/// The servers of a cluster whose files differ, by name.
#[derive(Debug, Default)]
pub(super) struct DataStreams<'t>(BTreeMap<String, Both<'t>>);

/// A server on both sides.
#[derive(Debug)]
struct Both<'t> {
    base: Server<'t>,
    head: Server<'t>,
    /// The objects of each side that hold for nothing but their data streams.
    known: [BTreeSet<(Kind, String)>; 2],
}

impl<'t> DataStreams<'t> {
    /// Those of two trees, of which these files differ. A server whose objects can't all be read isn't among them.
    pub(super) fn of(around: Surroundings<'t>, pairs: &[Pair<'_, '_>]) -> Self {
        let paths = pairs.iter().flat_map(|(old, new)| [*old, *new]);
        let paths = paths.flatten().map(Document::path);
        let names: BTreeSet<&str> = paths.filter_map(|path| Some(split(path)?.0)).collect();
        let servers = names.into_iter().map(|name| {
            let [base, head] = [around.base, around.head].map(|files| Server::of(files, name));
            (name.to_owned(), Both::new(base, head))
        });
        let readable = |both: &Both| !both.base.is_unreadable && !both.head.is_unreadable;
        Self(servers.filter(|(_, both)| readable(both)).collect())
    }

    /// Whether a file holds for nothing but data streams that are known: at the
    /// base, at the head, or on both sides.
    pub(super) fn know(&self, old: Option<&str>, new: Option<&str>) -> bool {
        let is_known = |side: usize, path: &str| {
            let (server, below) = split(path)?;
            let (kind, name) = Kind::of(below)?;
            let known = self.0.get(server)?.known.get(side)?;
            known.contains(&(kind, name.to_owned())).then_some(())
        };
        let sides = [old, new].into_iter().enumerate();
        let mut sides = sides.filter_map(|(side, path)| Some((side, path?)));
        sides.all(|(side, path)| is_known(side, path).is_some())
    }

    /// What holds for each data stream that both sides render, on both sides.
    pub(super) fn objects(&self) -> [Vec<Object<'_>>; 2] {
        let mut found = [Vec::new(), Vec::new()];
        for (server, both) in &self.0 {
            let after = both.head.streams();
            let before = both.base.streams().into_iter();
            for stream in before.filter(|name| after.contains(name)) {
                both.add(server, stream, &mut found);
            }
        }
        found
    }
}

/// A server's name, and a path below its folder.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("elasticsearch/")?.split_once('/')
}

impl<'t> Both<'t> {
    fn new(base: Server<'t>, head: Server<'t>) -> Self {
        let mut streams = base.streams();
        streams.extend(head.streams());
        let known = [&base, &head].map(|side| side.only_of(&streams));
        Self { base, head, known }
    }

    /// Adds what holds for a stream: its index template, mappings and retention, each in the
    /// file that says it at the head.
    fn add<'s>(&'s self, server: &str, stream: &'s str, found: &mut [Vec<Object<'s>>; 2]) {
        let (old, new) = (self.base.held(stream), self.head.held(stream));
        let mut push = |kind: &'static str, file: String, values: [Cow<'s, Json>; 2]| {
            for (side, value) in found.iter_mut().zip(values) {
                side.push(Object {
                    kind: kind.into(),
                    identity: format!("elasticsearch/{server}/{stream}"),
                    name: stream.into(),
                    known_as: stream.into(),
                    noun: "data stream".into(),
                    value,
                    file: file.clone().into(),
                    stack: Stack::Stays,
                    in_file: [None; 2],
                });
            }
        };
        if let Some(template) = old.template {
            let state = match (new.template, self.head.get(Kind::IndexTemplate, template)) {
                (Some(_), _) => "matches",
                (None, Some(_)) => "matches others",
                (None, None) => "gone",
            };
            let values = ["matches", state].map(|state| Cow::Owned(state.into()));
            push(
                STREAM_TEMPLATE,
                Kind::IndexTemplate.path(server, template),
                values,
            );
        }
        let template = self.template_that_differs(server, &old, &new);
        if let Some(file) = file_of_retention(server, &old, &new).or(template.clone()) {
            push(STREAM_RETENTION, file, [&old, &new].map(retention));
        }
        if let Some(file) = template {
            push(
                STREAM_MAPPING,
                file,
                [old, new].map(|held| Cow::Borrowed(held.composed)),
            );
        }
    }

    /// The index template that holds for a stream; that component template of
    /// it that differs, if it is itself as it was.
    fn template_that_differs(
        &self,
        server: &str,
        old: &Held<'_>,
        new: &Held<'_>,
    ) -> Option<String> {
        let name = new.template?;
        let differs = |kind, name: &str| self.base.get(kind, name) != self.head.get(kind, name);
        let template = self.head.get(Kind::IndexTemplate, name)?;
        let is_same = old.template == Some(name) && !differs(Kind::IndexTemplate, name);
        let component = components(template)
            .into_iter()
            .find(|component| is_same && differs(Kind::ComponentTemplate, component));
        Some(match component {
            Some(component) => Kind::ComponentTemplate.path(server, &component),
            None => Kind::IndexTemplate.path(server, name),
        })
    }
}

/// The policy that says when a stream's records are deleted; where it is another one than before, its
/// template says that.
fn file_of_retention(server: &str, old: &Held<'_>, new: &Held<'_>) -> Option<String> {
    let policy = new.policy?;
    let id = |policy: Policy<'_>| (policy.kind, policy.name.to_owned());
    let is_same = old.policy.map(id) == Some(id(policy));
    let says_it = policy.kind == Kind::StatePolicy || is_same;
    says_it.then(|| policy.kind.path(server, policy.name))
}

/// The policy of a stream, and what it says, if that is rendered; a stream without one has it
/// in its template.
fn retention<'s>(held: &Held<'_>) -> Cow<'s, Json> {
    let mut members = Map::new();
    let says = match held.policy {
        Some(policy) => {
            let kind = match policy.kind {
                Kind::StatePolicy => "states",
                _ => "phases",
            };
            members.insert("kind".to_owned(), kind.into());
            members.insert("policy".to_owned(), policy.name.into());
            policy.value.cloned()
        }
        None => Some(json!({"lifecycle": held.composed.pointer("/template/lifecycle")})),
    };
    members.extend(says.map(|says| ("says".to_owned(), says)));
    Cow::Owned(members.into())
}
