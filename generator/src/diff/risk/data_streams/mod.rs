//! Data streams that both sides render: what holds for them is compared stream
//! by stream, as its files may have other names, and serve other streams as
//! well (docs/decisions/0019-index-objects-by-content.md). Pure.

mod composed;
mod server;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Found, Surroundings, legible, names};
use super::{Flag, RiskFinding, mapping, retention};
pub(super) use server::{Held, Kind};
use server::{Policy, Server, components};

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
    /// Those of two trees. A server whose objects can't all be read isn't among them.
    pub(super) fn of(around: Surroundings<'t>) -> Self {
        let servers = servers_that_differ(around).into_iter();
        let servers = servers.map(|name| {
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

    /// What is risky for data streams that both sides render.
    pub(super) fn risks(&self, around: Surroundings<'_>) -> Vec<RiskFinding> {
        let risks = self
            .0
            .iter()
            .flat_map(|(server, both)| both.risks(server, around));
        risks.collect()
    }
}

/// The names of servers of which a file differs.
fn servers_that_differ(around: Surroundings<'_>) -> BTreeSet<&str> {
    let sides = [(around.base, around.head), (around.head, around.base)];
    let files = sides.into_iter().flat_map(|(one, other)| {
        one.iter().filter(|file| {
            let same = other.get(file.path());
            !same.is_some_and(|same| same.is_same(file))
        })
    });
    let servers = files.filter_map(|file| Some(split(file.path())?.0));
    servers.collect()
}

/// A server's name, and a path below its folder.
fn split(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("elasticsearch/")?.split_once('/')
}

/// A data stream, and what holds for it before and after.
struct Stream<'s> {
    name: &'s str,
    old: Held<'s>,
    new: Held<'s>,
}

impl<'t> Both<'t> {
    fn new(base: Server<'t>, head: Server<'t>) -> Self {
        let mut streams = base.streams();
        streams.extend(head.streams());
        let known = [&base, &head].map(|side| side.only_of(&streams));
        Self { base, head, known }
    }

    fn risks(&self, server: &str, around: Surroundings<'_>) -> Vec<RiskFinding> {
        let after = self.head.streams();
        let before = self.base.streams().into_iter();
        let streams = before.filter(|name| after.contains(name));
        let streams = streams.map(|name| Stream {
            name,
            old: self.base.held(name),
            new: self.head.held(name),
        });
        let streams: Vec<Stream<'_>> = streams.collect();
        let mut reported = ToldOfStreams::default();
        self.check_coverage(server, &streams, &mut reported);
        self.check_mappings(server, around, &streams, &mut reported);
        self.check_retention(server, &streams, &mut reported);
        reported.finish()
    }

    /// Streams whose index template is removed, or is for other streams now.
    fn check_coverage(&self, server: &str, streams: &[Stream<'_>], reported: &mut ToldOfStreams) {
        for stream in streams {
            let Some(template) = stream.old.template else {
                continue;
            };
            let mut found = Found::default();
            if stream.new.template.is_none() {
                let (what, live) = match self.head.get(Kind::IndexTemplate, template) {
                    None => (
                        "an index template is no longer rendered",
                        "nothing deletes it: it stays until someone does",
                    ),
                    Some(_) => (
                        "an index template no longer matches all of its data streams",
                        "their next index is made from whatever other template matches; without one the rollover fails",
                    ),
                };
                found.push(Flag::StreamRemoved, what, Some(live.to_owned()));
            }
            let file = Kind::IndexTemplate.path(server, template);
            reported.push(file, Flag::StreamRemoved, stream.name, found);
        }
    }

    /// Mappings, and settings of them, once for each pair of templates.
    fn check_mappings(
        &self,
        server: &str,
        around: Surroundings<'_>,
        streams: &[Stream<'_>],
        reported: &mut ToldOfStreams,
    ) {
        let mut by_templates: BTreeMap<_, Vec<&Stream<'_>>> = BTreeMap::new();
        for stream in streams {
            let templates = (stream.old.template, stream.new.template);
            by_templates.entry(templates).or_default().push(stream);
        }
        for streams in by_templates.into_values() {
            let Some(first) = streams.first() else {
                continue;
            };
            let Some(file) = self.template_that_differs(server, first) else {
                continue;
            };
            if mapping::is_other_product(around, server) {
                return;
            }
            for stream in &streams {
                let mut found = Found::default();
                mapping::check_templates(first.old.composed, first.new.composed, &mut found);
                reported.push(file.clone(), Flag::MappingRejected, stream.name, found);
            }
        }
    }

    fn check_retention(&self, server: &str, streams: &[Stream<'_>], reported: &mut ToldOfStreams) {
        for stream in streams {
            let Some(file) = self.file_of_retention(server, stream) else {
                continue;
            };
            let mut found = Found::default();
            retention::check_stream(&stream.old, &stream.new, &mut found);
            reported.push(file, Flag::RetentionShrinks, stream.name, found);
        }
    }

    /// The file that says when a stream's records are deleted: its policy, or
    /// the template that names another one than before.
    fn file_of_retention(&self, server: &str, stream: &Stream<'_>) -> Option<String> {
        let name = |policy: Policy<'_>| (policy.kind, policy.name.to_owned());
        let (old, new) = (stream.old.policy.map(name), stream.new.policy.map(name));
        match new {
            Some((kind, name))
                if kind == Kind::StatePolicy || old == Some((kind, name.clone())) =>
            {
                Some(kind.path(server, &name))
            }
            _ => self.template_that_differs(server, stream),
        }
    }

    /// The index template that holds for a stream; that component template of
    /// it that differs, if it is itself as it was.
    fn template_that_differs(&self, server: &str, stream: &Stream<'_>) -> Option<String> {
        let name = stream.new.template?;
        let differs = |kind, name: &str| self.base.get(kind, name) != self.head.get(kind, name);
        let template = self.head.get(Kind::IndexTemplate, name)?;
        let is_same = stream.old.template == Some(name) && !differs(Kind::IndexTemplate, name);
        let component = components(template)
            .into_iter()
            .find(|component| is_same && differs(Kind::ComponentTemplate, component));
        Some(match component {
            Some(component) => Kind::ComponentTemplate.path(server, &component),
            None => Kind::IndexTemplate.path(server, name),
        })
    }
}

/// A risk in a file: its kind, what happens, and what where it runs.
type Words = (String, Flag, String, Option<String>);

/// What is reported for data streams in the files that hold for them.
#[derive(Default)]
struct ToldOfStreams {
    /// The streams that each file was looked at for, by kind of risk.
    looked_at: BTreeMap<(String, Flag), BTreeSet<String>>,
    by_words: BTreeMap<Words, BTreeSet<String>>,
}

impl ToldOfStreams {
    /// Adds what was found of a stream in a file.
    fn push(&mut self, file: String, flag: Flag, stream: &str, found: Found) {
        for finding in found.findings {
            let words = (file.clone(), finding.flag, finding.what, finding.live);
            let streams = self.by_words.entry(words).or_default();
            streams.insert(stream.to_owned());
        }
        let looked_at = self.looked_at.entry((file, flag)).or_default();
        looked_at.insert(stream.to_owned());
    }

    /// All of it, each once. Streams are named where it isn't so for all of the file.
    fn finish(self) -> Vec<RiskFinding> {
        let reported = self.by_words.into_iter();
        let reported = reported.map(|((file, flag, what, live), streams)| {
            let mut found = Found::default();
            let is_of_all = self.looked_at.get(&(file.clone(), flag)) == Some(&streams);
            let streams: Vec<String> = streams
                .iter()
                .map(|name| format!("`{}`", legible(name)))
                .collect();
            let what = if is_of_all {
                what
            } else {
                format!("{what} ({})", names(&streams))
            };
            found.push_at(&file, flag, what, live);
            found.findings
        });
        reported.flatten().collect()
    }
}
