//! The life cycle of an index, from creation to deletion.

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
    /// Forever: nothing is deleted.
    Never(Never),
}

impl Retention {
    /// The days, unless records are kept forever.
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
    /// Nothing is deleted.
    Never,
}

/// The life cycle of an index. If nothing is set, an index is rolled over, and deleted when its retention ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifeCycle {
    /// Priority of recovery after a restart: a server recovers indices with a higher number first (`index.priority`).
    /// This applies to an index that accepts records; if not set, the server's default of 1.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// A phase some time after the rollover, when an index is searched less often.
    pub warm: Option<WarmPhase>,
    /// A later phase, when an index is hardly searched any more.
    pub cold: Option<ColdPhase>,
    /// How OpenSearch retries a failed step. Elasticsearch retries forever.
    pub retry: Retry,
}

/// An index that is searched less often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmPhase {
    /// Days from the rollover until it begins.
    #[schemars(range(min = 1, max = 3653))]
    pub after_days: u16,
    /// Whether the index becomes read-only, even for administrators.
    #[serde(default)]
    pub read_only: bool,
    /// Merges the index to one segment: uses less space, but takes work once.
    #[serde(default)]
    pub force_merge: bool,
    /// Replicas of each shard in this phase; if not set, unchanged.
    #[schemars(range(max = 5))]
    pub replicas: Option<u8>,
    /// Priority of recovery in this phase; if not set, unchanged.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// The nodes to move the index to: those with all of these attributes. If not set, Elasticsearch moves it to the
    /// warm data tier, if there is one, and OpenSearch doesn't move it.
    #[serde(default)]
    pub nodes: BTreeMap<NodeAttribute, NodeAttributeValue>,
}

/// An index that is hardly searched any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdPhase {
    /// Days from the rollover until it begins.
    #[schemars(range(min = 1, max = 3653))]
    pub after_days: u16,
    /// Whether the index becomes read-only, even for administrators.
    #[serde(default)]
    pub read_only: bool,
    /// Replicas of each shard in this phase; if not set, unchanged.
    #[schemars(range(max = 5))]
    pub replicas: Option<u8>,
    /// Priority of recovery in this phase; if not set, unchanged.
    #[schemars(range(max = 1000))]
    pub priority: Option<u16>,
    /// The nodes to move the index to: those with all of these attributes. If not set, Elasticsearch moves it to the
    /// cold data tier, if there is one, and OpenSearch doesn't move it.
    #[serde(default)]
    pub nodes: BTreeMap<NodeAttribute, NodeAttributeValue>,
}

/// How a failed step is retried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How many retries; after that, the index stays as it is until someone retries it by hand.
    #[schemars(range(min = 1, max = 1000))]
    pub count: u16,
    /// How the pause between retries grows.
    pub backoff: Backoff,
    /// Minutes until the first retry.
    #[schemars(range(min = 1, max = 1440))]
    pub delay_minutes: u16,
}

/// How a pause grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// Doubles each time.
    Exponential,
    /// Grows by the same amount each time.
    Linear,
    /// Stays the same.
    Constant,
}
