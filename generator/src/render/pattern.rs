//! A template's path as the pattern of its outputs' paths. Pure.
//!
//! | In braces | Stands for |
//! |---|---|
//! | `{destination}` | each destination's name |
//! | `{data_stream}` | the data stream of each stream that goes to the destination |
//! | `{mapping}` | each of the destination's mappings: the kinds of its records |
//! | `{settings}` | each of the destination's settings of indices: what stands out in them |
//! | `{index_template}` | each of the destination's index templates: its first data stream |
//! | `{policy}` | each of the destination's life cycles: its first data stream |
//! | `{life_cycle}` | the same: how long it keeps records |
//! | `{writer}` | the destination's role and user that may only write |
//! | `{reader}` | each of the destination's roles that may only read |
//! | `{region}` | each Region that the cluster has a CloudFormation stack in |
//! | `{digest}` | the file's own bytes: what differs has another name |

use logfleet_contract::index::{content_digest, is_content_digest};

use crate::resolve::{
    AwsRegion, IndexSettings, IndexTemplate, LifeCycle, RecordMapping, ResolvedCluster,
    ResolvedDestination, ResolvedReader, ResolvedStream,
};

/// What a template is rendered once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cluster.
    Cluster,
    /// Each destination; the template sees `destination`.
    Destination,
    /// Each destination and each of its items of a kind; the template sees `destination` and the item.
    Item(ItemKind),
    /// Each Region with a stack; the template sees `region`.
    Region,
}

/// What a destination has several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// Streams; the template sees `stream`.
    Stream,
    /// Mappings; the template sees `mapping`.
    Mapping,
    /// Settings of indices; the template sees `index_settings`.
    Settings,
    /// Index templates; the template sees `index_template`.
    IndexTemplate,
    /// Life cycles; the template sees `life_cycle`.
    LifeCycle,
    /// Roles that may read; the template sees `reader`.
    Reader,
}

impl ItemKind {
    /// What the template sees it as.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Mapping => "mapping",
            Self::Settings => "index_settings",
            Self::IndexTemplate => "index_template",
            Self::LifeCycle => "life_cycle",
            Self::Reader => "reader",
        }
    }

    /// Whether index templates name the files of such items, so that those
    /// must be rendered first.
    pub const fn is_part(self) -> bool {
        match self {
            Self::Mapping | Self::Settings | Self::LifeCycle => true,
            Self::Stream | Self::IndexTemplate | Self::Reader => false,
        }
    }

    /// A destination's items of this kind.
    pub fn of<'a>(
        self,
        destination: &'a ResolvedDestination,
        cluster: &'a ResolvedCluster,
    ) -> Vec<Item<'a>> {
        let indices = &destination.indices;
        match self {
            Self::Stream => cluster
                .streams
                .iter()
                .filter(|stream| stream.destinations.contains(&destination.name))
                .map(Item::Stream)
                .collect(),
            Self::Mapping => indices.mappings.iter().map(Item::Mapping).collect(),
            Self::Settings => indices.settings.iter().map(Item::Settings).collect(),
            Self::IndexTemplate => indices.templates.iter().map(Item::IndexTemplate).collect(),
            Self::LifeCycle => indices.life_cycles.iter().map(Item::LifeCycle).collect(),
            Self::Reader => destination.readers.iter().map(Item::Reader).collect(),
        }
    }
}

/// One of the things that a destination has several of.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A stream.
    Stream(&'a ResolvedStream),
    /// A mapping.
    Mapping(&'a RecordMapping),
    /// Settings of indices.
    Settings(&'a IndexSettings),
    /// An index template.
    IndexTemplate(&'a IndexTemplate),
    /// A life cycle.
    LifeCycle(&'a LifeCycle),
    /// A role that may read.
    Reader(&'a ResolvedReader),
}

/// What the names in braces stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placeholders<'a> {
    /// The destination, if the scope has one.
    pub destination: Option<&'a ResolvedDestination>,
    /// What the destination has several of, if the scope has one.
    pub item: Option<Item<'a>>,
    /// The Region, if the scope has one.
    pub region: Option<&'a AwsRegion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Destination,
    DataStream,
    Mapping,
    Settings,
    IndexTemplate,
    Policy,
    LifeCycle,
    Writer,
    Reader,
    Region,
    Digest,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 11] = [
        ("destination", Self::Destination),
        ("data_stream", Self::DataStream),
        ("mapping", Self::Mapping),
        ("settings", Self::Settings),
        ("index_template", Self::IndexTemplate),
        ("policy", Self::Policy),
        ("life_cycle", Self::LifeCycle),
        ("writer", Self::Writer),
        ("reader", Self::Reader),
        ("region", Self::Region),
        ("digest", Self::Digest),
    ];

    /// The items that it names.
    const fn item(self) -> Option<ItemKind> {
        match self {
            Self::DataStream => Some(ItemKind::Stream),
            Self::Mapping => Some(ItemKind::Mapping),
            Self::Settings => Some(ItemKind::Settings),
            Self::IndexTemplate => Some(ItemKind::IndexTemplate),
            Self::Policy | Self::LifeCycle => Some(ItemKind::LifeCycle),
            Self::Reader => Some(ItemKind::Reader),
            Self::Destination | Self::Writer | Self::Region | Self::Digest => None,
        }
    }

    /// What it stands for, apart from a digest.
    fn value<'a>(self, placeholders: &Placeholders<'a>) -> Option<&'a str> {
        let destination = placeholders.destination;
        let value = match (self, placeholders.item) {
            (Self::Destination, _) => &destination?.name,
            (Self::Writer, _) => &destination?.writer,
            (Self::Region, _) => &placeholders.region?.name,
            (Self::DataStream, Some(Item::Stream(stream))) => &stream.data_stream,
            (Self::Mapping, Some(Item::Mapping(mapping))) => &mapping.name,
            (Self::Settings, Some(Item::Settings(settings))) => &settings.name,
            (Self::IndexTemplate, Some(Item::IndexTemplate(template))) => &template.name,
            (Self::Policy, Some(Item::LifeCycle(life_cycle))) => &life_cycle.name,
            (Self::LifeCycle, Some(Item::LifeCycle(life_cycle))) => &life_cycle.kept,
            (Self::Reader, Some(Item::Reader(reader))) => &reader.role,
            _ => return None,
        };
        Some(value)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A template's path, split at its placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    pieces: Vec<Piece>,
}

/// Why a path is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A name in braces that stands for nothing.
    #[error("unknown placeholder `{{{0}}}`; valid ones are {known}", known = known())]
    Unknown(String),
    /// A brace without its other half.
    #[error("a `{{` or `}}` has no other half")]
    Unbalanced,
    /// What a destination has several of belongs to no destination by itself.
    #[error("`{{{0}}}` needs `{{destination}}` before it, since each destination has its own")]
    NoDestination(&'static str),
    /// What a destination has several of can't be combined.
    #[error("`{{{0}}}` and `{{{1}}}` can't be used together: a file belongs to one of them")]
    TwoItems(&'static str, &'static str),
    /// A fleet's own file belongs to no cluster.
    #[error(
        "what is rendered once for the whole fleet, or for an account, has no further `{{`: its name is as it is"
    )]
    Fleet,
    /// An account's own file belongs to no cluster.
    #[error("files rendered for accounts go below `_accounts/{{account}}/{{region}}/`")]
    Account,
    /// A stack is a cluster's, whatever its destinations.
    #[error("`{{region}}` can't be used together with a destination's names")]
    RegionOfDestination,
}

fn known() -> String {
    let names = Placeholder::ALL.map(|(name, _)| format!("`{{{name}}}`"));
    names.join(", ")
}

/// What stands for a digest that isn't known yet.
const UNKNOWN_DIGEST: &str = "{digest}";

impl PathPattern {
    /// Reads a template's path.
    pub fn parse(path: &str) -> Result<Self, PatternError> {
        let mut pieces = Vec::new();
        let mut rest = path;
        while let Some(open) = rest.find(['{', '}']) {
            let after = rest[open..]
                .strip_prefix('{')
                .ok_or(PatternError::Unbalanced)?;
            let (name, tail) = after.split_once('}').ok_or(PatternError::Unbalanced)?;
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let known = Placeholder::ALL.iter().find(|(known, _)| *known == name);
            let (_, placeholder) = known.ok_or_else(|| PatternError::Unknown(name.to_owned()))?;
            pieces.push(Piece::Placeholder(*placeholder));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let pattern = Self { pieces };
        pattern.check()?;
        Ok(pattern)
    }

    /// Finds placeholders that can't stand together.
    fn check(&self) -> Result<(), PatternError> {
        let has_destination = self.has(Placeholder::Destination);
        let mut first: Option<(&'static str, ItemKind)> = None;
        for (name, placeholder) in Placeholder::ALL {
            let Some(kind) = placeholder.item().filter(|_| self.has(placeholder)) else {
                continue;
            };
            if !has_destination {
                return Err(PatternError::NoDestination(name));
            }
            match first {
                Some((other, known)) if known != kind => {
                    return Err(PatternError::TwoItems(other, name));
                }
                _ => first = Some((name, kind)),
            }
        }
        let is_of_destination =
            has_destination || self.has(Placeholder::Writer) || self.has(Placeholder::Reader);
        if self.has(Placeholder::Region) && is_of_destination {
            return Err(PatternError::RegionOfDestination);
        }
        Ok(())
    }

    /// Reads a path in which nothing stands for anything.
    pub fn parse_plain(path: &str) -> Result<Self, PatternError> {
        if path.contains(['{', '}']) {
            return Err(PatternError::Fleet);
        }
        Self::parse(path)
    }

    fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(*placeholder),
            Piece::Text(_) => None,
        })
    }

    fn has(&self, wanted: Placeholder) -> bool {
        self.placeholders().any(|placeholder| placeholder == wanted)
    }

    /// Whether a file is named by its own bytes: equal ones are one.
    pub fn is_by_content(&self) -> bool {
        self.has(Placeholder::Digest)
    }

    /// What the template is rendered once for.
    pub fn scope(&self) -> Scope {
        if let Some(kind) = self.placeholders().find_map(Placeholder::item) {
            Scope::Item(kind)
        } else if self.has(Placeholder::Destination)
            || self.has(Placeholder::Writer)
            || self.has(Placeholder::Reader)
        {
            Scope::Destination
        } else if self.has(Placeholder::Region) {
            Scope::Region
        } else {
            Scope::Cluster
        }
    }

    /// Whether one of a cluster's outputs has this path.
    pub fn expands_to(&self, path: &str, cluster: &ResolvedCluster) -> bool {
        let is = |placeholders: &Placeholders<'_>| {
            let expanded = self.expand(placeholders);
            expanded == path || self.is_by_content() && is_with_digest(&expanded, path)
        };
        let mut destinations = cluster.destinations.iter();
        match self.scope() {
            Scope::Cluster => is(&Placeholders::default()),
            Scope::Region => cluster.aws.regions.iter().any(|region| {
                is(&Placeholders {
                    region: Some(region),
                    ..Placeholders::default()
                })
            }),
            Scope::Destination => destinations.any(|destination| {
                is(&Placeholders {
                    destination: Some(destination),
                    ..Placeholders::default()
                })
            }),
            Scope::Item(kind) => destinations.any(|destination| {
                kind.of(destination, cluster).into_iter().any(|item| {
                    is(&Placeholders {
                        destination: Some(destination),
                        item: Some(item),
                        region: None,
                    })
                })
            }),
        }
    }

    /// The path of one output, with `{digest}` where its bytes' digest will be.
    pub fn expand(&self, placeholders: &Placeholders<'_>) -> String {
        self.expand_with(placeholders, UNKNOWN_DIGEST)
    }

    /// The path of one output that has these bytes.
    pub fn expand_for(&self, placeholders: &Placeholders<'_>, bytes: &[u8]) -> String {
        if !self.is_by_content() {
            return self.expand(placeholders);
        }
        self.expand_with(placeholders, &content_digest(bytes))
    }

    fn expand_with(&self, placeholders: &Placeholders<'_>, digest: &str) -> String {
        let mut path = String::new();
        for piece in &self.pieces {
            path.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Placeholder(Placeholder::Digest) => digest,
                Piece::Placeholder(placeholder) => {
                    placeholder.value(placeholders).unwrap_or_default()
                }
            });
        }
        path
    }
}

/// Whether a path is another one with a digest in place of `{digest}`.
fn is_with_digest(expanded: &str, path: &str) -> bool {
    let Some((before, after)) = expanded.split_once(UNKNOWN_DIGEST) else {
        return false;
    };
    let digest = path
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    digest.is_some_and(is_content_digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_follows_from_the_placeholders() {
        let scope = |path| PathPattern::parse(path).map(|pattern| pattern.scope());
        assert_eq!(scope("kubernetes/namespace.yaml"), Ok(Scope::Cluster));
        assert_eq!(
            scope("credentials/{destination}.yaml"),
            Ok(Scope::Destination)
        );
        assert_eq!(
            scope("elasticsearch/{destination}/_data_stream/{data_stream}.json"),
            Ok(Scope::Item(ItemKind::Stream))
        );
    }

    #[test]
    fn mistakes_are_reported_apart() {
        assert_eq!(
            PathPattern::parse("a/{cluster}"),
            Err(PatternError::Unknown("cluster".into()))
        );
        assert_eq!(
            PathPattern::parse("a/{destination"),
            Err(PatternError::Unbalanced)
        );
        assert_eq!(PathPattern::parse("a/b}"), Err(PatternError::Unbalanced));
        assert_eq!(
            PathPattern::parse("a/{data_stream}"),
            Err(PatternError::NoDestination("data_stream"))
        );
        assert_eq!(
            PathPattern::parse("{destination}/{mapping}/{policy}"),
            Err(PatternError::TwoItems("mapping", "policy"))
        );
        assert_eq!(
            PathPattern::parse("{destination}/{policy}/{life_cycle}").map(|one| one.scope()),
            Ok(Scope::Item(ItemKind::LifeCycle))
        );
        assert_eq!(
            PathPattern::parse_plain("{destination}/a"),
            Err(PatternError::Fleet)
        );
    }
    #[test]
    fn a_digest_is_one_of_the_files_bytes() {
        let pattern = PathPattern::parse("a-{digest}.json").expect("it is one");
        let none = Placeholders::default();
        assert_eq!(pattern.expand(&none), "a-{digest}.json");
        let path = pattern.expand_for(&none, b"{}\n");
        assert_eq!(path, "a-ca3d163bab055381.json");
        assert!(is_with_digest("a-{digest}.json", &path));
        for other in [
            "a-{digest}.json",
            "a-ca3d163bab05538.json",
            "a-CA3D163BAB055381.json",
        ] {
            assert!(!is_with_digest("a-{digest}.json", other), "{other}");
        }
    }
}
