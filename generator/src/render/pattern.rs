//! A template's path as the pattern of its outputs' paths. Pure.
//!
//! | In braces | Stands for |
//! |---|---|
//! | `{destination}` | each destination's name |
//! | `{data_stream}` | the data stream of each stream that goes to the destination |
//! | `{writer}` | the destination's role and user that may only write |
//! | `{reader}` | the destination's role that may only read |
//! | `{region}` | each Region that the cluster has a CloudFormation stack in |

use crate::resolve::{AwsRegion, ResolvedCluster, ResolvedDestination, ResolvedStream};

/// What a template is rendered once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The cluster.
    Cluster,
    /// Each destination; the template sees `destination`.
    Destination,
    /// Each destination and each of its streams; the template sees `destination` and `stream`.
    DestinationStream,
    /// Each Region with a stack; the template sees `region`.
    Region,
}

/// What the names in braces stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placeholders<'a> {
    /// The destination, if the scope has one.
    pub destination: Option<&'a ResolvedDestination>,
    /// The stream, if the scope has one.
    pub stream: Option<&'a ResolvedStream>,
    /// The Region, if the scope has one.
    pub region: Option<&'a AwsRegion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Destination,
    DataStream,
    Writer,
    Reader,
    Region,
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
    #[error(
        "`{{{0}}}` stands for nothing; known are `{{destination}}`, `{{data_stream}}`, `{{writer}}`, `{{reader}}` and `{{region}}`"
    )]
    Unknown(String),
    /// A brace without its other half.
    #[error("a `{{` or `}}` has no other half")]
    Unbalanced,
    /// A stream has no destination of its own.
    #[error(
        "`{{data_stream}}` needs `{{destination}}` before it, since a stream may go to several"
    )]
    NoDestination,
    /// A fleet's own file belongs to no cluster.
    #[error("what is rendered once for the whole fleet has no `{{`: its name is as it is")]
    Fleet,
    /// A stack is a cluster's, whatever its destinations.
    #[error("`{{region}}` can't stand together with a destination's names")]
    RegionOfDestination,
}

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
            pieces.push(Piece::Placeholder(match name {
                "destination" => Placeholder::Destination,
                "data_stream" => Placeholder::DataStream,
                "writer" => Placeholder::Writer,
                "reader" => Placeholder::Reader,
                "region" => Placeholder::Region,
                other => return Err(PatternError::Unknown(other.to_owned())),
            }));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let pattern = Self { pieces };
        let has = |wanted| pattern.pieces.contains(&Piece::Placeholder(wanted));
        if has(Placeholder::DataStream) && !has(Placeholder::Destination) {
            return Err(PatternError::NoDestination);
        }
        if has(Placeholder::Region)
            && (has(Placeholder::Destination)
                || has(Placeholder::Writer)
                || has(Placeholder::Reader))
        {
            return Err(PatternError::RegionOfDestination);
        }
        Ok(pattern)
    }

    /// Reads a path in which nothing stands for anything.
    pub fn parse_plain(path: &str) -> Result<Self, PatternError> {
        if path.contains(['{', '}']) {
            return Err(PatternError::Fleet);
        }
        Self::parse(path)
    }

    /// What the template is rendered once for.
    pub fn scope(&self) -> Scope {
        let has = |wanted| self.pieces.contains(&Piece::Placeholder(wanted));
        if has(Placeholder::DataStream) {
            Scope::DestinationStream
        } else if has(Placeholder::Destination)
            || has(Placeholder::Writer)
            || has(Placeholder::Reader)
        {
            Scope::Destination
        } else if has(Placeholder::Region) {
            Scope::Region
        } else {
            Scope::Cluster
        }
    }

    /// Whether one of a cluster's outputs has this path. Streams that don't go
    /// to a destination are tried too, which finds no other template.
    pub fn expands_to(&self, path: &str, cluster: &ResolvedCluster) -> bool {
        let is = |destination, stream| {
            self.expand(&Placeholders {
                destination,
                stream,
                region: None,
            }) == path
        };
        let mut destinations = cluster.destinations.iter().map(Some);
        match self.scope() {
            Scope::Cluster => is(None, None),
            Scope::Region => cluster.aws.regions.iter().any(|region| {
                self.expand(&Placeholders {
                    region: Some(region),
                    ..Placeholders::default()
                }) == path
            }),
            Scope::Destination => destinations.any(|destination| is(destination, None)),
            Scope::DestinationStream => destinations.any(|destination| {
                let mut streams = cluster.streams.iter().map(Some);
                streams.any(|stream| is(destination, stream))
            }),
        }
    }

    /// The path of one output.
    pub fn expand(&self, placeholders: &Placeholders<'_>) -> String {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Placeholder(placeholder) => {
                    let value = match placeholder {
                        Placeholder::Destination => placeholders.destination.map(|d| &d.name),
                        Placeholder::Writer => placeholders.destination.map(|d| &d.writer),
                        Placeholder::Reader => placeholders.destination.map(|d| &d.reader),
                        Placeholder::Region => placeholders.region.map(|r| &r.name),
                        Placeholder::DataStream => placeholders.stream.map(|s| &s.data_stream),
                    };
                    path.push_str(value.map_or("", String::as_str));
                }
            }
        }
        path
    }
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
            Ok(Scope::DestinationStream)
        );
    }

    #[test]
    fn mistakes_are_told_apart() {
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
            Err(PatternError::NoDestination)
        );
        assert_eq!(
            PathPattern::parse_plain("{destination}/a"),
            Err(PatternError::Fleet)
        );
    }
}
