//! The plan: a printable value that says what would be done. Pure.
//!
//! It names objects, fields and clusters, and holds no secret. Each step has the
//! digest of what it was planned from, so that a saved plan is applied only where
//! the same plan comes out again: the ground has not changed.
//!
//! A target is a server now; a plan of something else has the same steps under another
//! [`Subject`].

mod compare;
mod resource;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use logfleet_contract::index::ObjectPath;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::credential::CredentialName;
use crate::fault::Fault;

pub(crate) use compare::fit_to_show;
pub use compare::{Difference, differences};
pub use resource::{PropertyChange, ResourceChange};
pub use text::to_text;

/// The format of saved plans that this release writes and reads.
pub const FORMAT: u64 = 1;

/// What would be done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The commit that it was made from; none for a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// By the targets' names: a server's is `server/<name>`.
    pub targets: BTreeMap<String, TargetPlan>,
}

/// What would be done at one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TargetPlan {
    /// The steps, sorted by what they are about.
    pub steps: Vec<Step>,
    /// What isn't done until somebody decides, such as an object that somebody else made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Fault>,
    /// Deletions that wait for a confirmation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// What isn't rendered any more and stays, with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<Subject, String>,
    /// Credentials that others make, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<Subject, String>,
    /// How many objects and credentials are as they should be.
    pub unchanged: usize,
}

/// A deletion that waits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// What would be deleted.
    pub subject: Subject,
    /// The clusters that it belonged to.
    pub clusters: BTreeSet<String>,
    /// What it waits for.
    pub until: String,
}

/// One thing that is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// To what.
    pub subject: Subject,
    /// What is done.
    #[serde(flatten)]
    pub change: Change,
    /// The clusters that it is for.
    pub clusters: BTreeSet<String>,
    /// The digest of what was observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// The digest of what is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An API object of a server.
    Object(ObjectPath),
    /// A cluster's credential.
    Credential(CredentialName),
    /// A stack of CloudFormation, by its name.
    Stack(String),
    /// What is set in AWS by API, in words.
    Setting(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(path) => path.fmt(f),
            Self::Credential(name) => write!(f, "credential/{name}"),
            Self::Stack(name) => write!(f, "stack/{name}"),
            Self::Setting(words) => f.write_str(words),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It doesn't exist, and is made.
    Create,
    /// It is ours, and is changed.
    Update {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// Somebody else made it, and it becomes ours, and is changed where it differs.
    Adopt {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// It is ours, and is deleted.
    Delete,
    /// It was ours and is gone; only the inventory changes.
    Forget,
    /// Other clusters need it now; only the inventory changes.
    Share,
    /// Indices that a policy of OpenSearch manages are told of its last change.
    Reattach,
    /// A credential is made, stored, proven and handed out.
    Issue,
    /// A credential that is on its way goes on.
    Continue,
    /// A user was deleted by somebody else and is made again, with the stored password.
    Restore {
        /// The users.
        users: Vec<String>,
    },
    /// A user was changed by somebody else.
    Correct {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A credential is written to the cluster's Secret.
    Deliver,
    /// A credential is replaced by a new one.
    Rotate,
    /// The credential that was replaced is deleted.
    Finish,
    /// A credential is deleted at the server and in the store.
    Revoke,
    /// Something is done with a stack of CloudFormation.
    Stack {
        /// The word for it.
        action: &'static str,
        /// What becomes of its resources.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        resources: Vec<ResourceChange>,
    },
    /// What CloudFormation can't own is set by API.
    Set,
    /// What was set by API becomes what it was before.
    Undo,
}

impl Change {
    /// The word for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update { .. } => "update",
            Self::Adopt { .. } => "adopt",
            Self::Delete => "delete",
            Self::Forget => "forget",
            Self::Share => "share",
            Self::Reattach => "reattach",
            Self::Issue => "issue",
            Self::Continue => "continue",
            Self::Restore { .. } => "restore",
            Self::Correct { .. } => "correct",
            Self::Deliver => "deliver",
            Self::Rotate => "rotate",
            Self::Finish => "finish",
            Self::Revoke => "revoke",
            Self::Stack { action, .. } => action,
            Self::Set => "set",
            Self::Undo => "undo",
        }
    }

    /// What differs.
    pub fn differences(&self) -> &[Difference] {
        match self {
            Self::Update { differences }
            | Self::Adopt { differences }
            | Self::Correct { differences } => differences,
            _ => &[],
        }
    }
}

/// A plan in a file.
#[derive(Debug, Deserialize)]
pub struct SavedPlan {
    /// The format.
    #[serde(rename = "logfleet_plan")]
    pub format: u64,
    /// The digest of the whole plan.
    pub digest: String,
}

impl Plan {
    /// The digest of the whole plan, what it was planned from included.
    pub fn digest(&self) -> String {
        serde_json::to_value(self).map_or_else(|_| String::new(), |value| digest(&value))
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.targets.values().all(TargetPlan::is_empty)
    }

    /// Whether something can't be done until somebody decides.
    pub fn has_stops(&self) -> bool {
        self.targets.values().any(|target| !target.stops.is_empty())
    }

    /// The document of `--format json` and of saved plans.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "logfleet_plan": FORMAT,
            "digest": self.digest(),
            "plan": self,
        })
    }
}

impl TargetPlan {
    /// Whether there is nothing to do, and nothing waits.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.waiting.is_empty()
    }
}

impl SavedPlan {
    /// Reads the text of a saved plan.
    pub fn parse(place: &str, text: &str) -> Result<Self, Fault> {
        let saved: Self = serde_json::from_str(text).map_err(|error| {
            Fault::new(
                format!("{place}:{}:{}", error.line(), error.column()),
                format!("isn't a saved plan: {error}"),
            )
            .hint("save one by `reconciler plan --out FILE`")
        })?;
        if saved.format != FORMAT {
            let message = format!(
                "has format {}, and this release reads {FORMAT}",
                saved.format
            );
            return Err(Fault::new(place, message).hint("plan again with this release"));
        }
        Ok(saved)
    }

    /// Refuses a plan that isn't the saved one.
    pub fn check(&self, place: &str, plan: &Plan) -> Result<(), Fault> {
        if plan.digest() == self.digest {
            return Ok(());
        }
        Err(Fault::new(
            place,
            "the saved plan is out of date: a server, the rendered files or the options have changed since",
        )
        .hint("plan again, and read what differs"))
    }
}

/// The digest of a value, whatever the order of its maps.
pub fn digest(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let hash = Sha256::digest(sorted.to_string().as_bytes());
    base16ct::lower::encode_string(&hash)
}
