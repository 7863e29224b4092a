//! What becomes of an index from its beginning to its end.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{NodeAttribute, NodeAttributeValue};

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Retention {
    /// Days.
    Days(u16),
    /// For good: nothing is ever deleted.
    Never(Never),
}

impl Retention {
    /// The days, unless records are kept for good.
    pub const fn days(self) -> Option<u16> {
        match self {
            Self::Days(days) => Some(days),
            Self::Never(_) => None,
        }
    }
}

/// By hand, so that the word is no type of its own, and a mistake is told of both forms together.
impl JsonSchema for Retention {
    fn schema_name() -> Cow<'static, str> {
        "Retention".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How long records are kept.",
            "anyOf": [
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 3653,
                    "description": "Days that a record is kept at least; `never` keeps it for good",
                },
                { "const": "never" },
            ],
        })
    }
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Never {
    /// Nothing is ever deleted.
    Never,
}

/// What becomes of an index between its beginning and its end. Without any of
/// it, an index is rolled over, and deleted when its retention ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifeCycle {
    /// Which indices a server recovers first after a restart: those with the higher number
    /// (`index.priority`). This is that of an index that takes records; the server's own without it, which is 1.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// Some time after its rollover: when an index is searched less.
    pub warm: Option<WarmPhase>,
    /// A longer time after its rollover: when it is hardly searched any more.
    pub cold: Option<ColdPhase>,
    /// How OpenSearch repeats a step that failed. Elasticsearch repeats its own for ever.
    pub retry: Retry,
}

/// An index that is searched less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmPhase {
    /// Days after the rollover that it begins.
    #[schemars(range(min = 1, max = 3653))]
    pub after_days: u16,
    /// Whether nothing can be written to the index any more, not even by an administrator.
    #[serde(default)]
    pub read_only: bool,
    /// Merges it to one segment: less room, more work once.
    #[serde(default)]
    pub force_merge: bool,
    /// Copies of each shard from now on; as before without it.
    #[schemars(range(max = 5))]
    pub replicas: Option<u8>,
    /// Which indices a server recovers first; as before without it.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// The nodes it moves to: those with all of these attributes. Without any, Elasticsearch moves it to
    /// the tier of warm data, if there is one, and OpenSearch leaves it where it is.
    #[serde(default)]
    pub nodes: BTreeMap<NodeAttribute, NodeAttributeValue>,
}

/// An index that is hardly searched any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdPhase {
    /// Days after the rollover that it begins.
    #[schemars(range(min = 1, max = 3653))]
    pub after_days: u16,
    /// Whether nothing can be written to the index any more, not even by an administrator.
    #[serde(default)]
    pub read_only: bool,
    /// Copies of each shard from now on; as before without it.
    #[schemars(range(max = 5))]
    pub replicas: Option<u8>,
    /// Which indices a server recovers first; as before without it.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// The nodes it moves to: those with all of these attributes. Without any, Elasticsearch moves it to
    /// the tier of cold data, if there is one, and OpenSearch leaves it where it is.
    #[serde(default)]
    pub nodes: BTreeMap<NodeAttribute, NodeAttributeValue>,
}

/// How a step that failed is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How often; then the index stays as it is until somebody retries it by hand.
    #[schemars(range(min = 1, max = 1000))]
    pub count: u16,
    /// How the wait between two tries grows.
    pub backoff: Backoff,
    /// Minutes until the first repetition.
    #[schemars(range(min = 1, max = 1440))]
    pub delay_minutes: u16,
}

/// How a wait grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// Twice as long each time.
    Exponential,
    /// By the same time each time.
    Linear,
    /// Not at all.
    Constant,
}
