//! What becomes of a resource of a stack. Pure.

use serde::{Deserialize, Serialize};

/// What becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceChange {
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// What becomes of it, in CloudFormation's word: `Add`, `Modify`, `Remove`, `Keep` …
    pub action: String,
    /// What it is called in AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_id: Option<String>,
    /// Whether it is replaced by a new one: `True`, or `Conditional` where CloudFormation can't tell before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// Which properties change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<PropertyChange>,
    /// Whether somebody else changed or deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<String>,
    /// Properties whose drift CloudFormation doesn't put back, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_drift: Vec<String>,
}

/// What becomes of a property of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PropertyChange {
    /// The property, such as `Properties.RetentionInDays`.
    pub at: String,
    /// Whether a new resource may be needed for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// Its value before; none if there was none, or AWS doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its value afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}
