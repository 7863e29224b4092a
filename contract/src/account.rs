//! What clusters of one account share, and how each gets its part. Pure.
//!
//! AWS allows an account five trails in a Region and a log group two
//! subscriptions, so a hundred clusters can't each have their own. What an
//! account has once is in `_accounts/<account>/<region>/stack.json`: trails that
//! write to log groups of the account, and a function that is subscribed to
//! these, the **distributor**. It copies each event to the log group of every
//! cluster that it belongs to ([`Registration::claims`]), with `PutLogEvents`,
//! into a log stream of the same name. From there on the event is the cluster's
//! own: its forwarder, Firehose and counts are subscribed to that log group. So
//! no credential of a cluster leaves it, and the distributor can write to no index.
//!
//! It knows the clusters by parameters in AWS Systems Manager, one a cluster
//! ([`names::registration`]), which each cluster's own stack
//! makes. So nothing in an account's stack says which clusters there are.
//!
//! An event may be copied twice: CloudWatch Logs hands events on at least once.
//! The copy has an id of its own, so whoever indexes it goes by the event's own
//! id, `eventID` in a record of CloudTrail.

mod membership;

pub use membership::KnownMembers;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::names;
use crate::stack::{ResourceFault, fault, of_type};

/// The version of both formats that this release writes and reads.
pub const VERSION: u64 = 1;

/// The environment variable with the [`AccountConfiguration`]. A function that
/// has it is a distributor.
pub const CONFIGURATION_VARIABLE: &str = "LOGFLEET_ACCOUNT_CONFIGURATION";

/// Bytes that a parameter of the standard tier may have:
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html>.
pub const LARGEST_REGISTRATION: usize = 4096;

/// What an account collects once for its clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Calls of AWS's API, from all Regions.
    Cloudtrail,
    /// Requests at tables of a Region.
    Dynamodb,
    /// Requests at buckets of a Region.
    S3,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Cloudtrail, Self::Dynamodb, Self::S3];

    /// Its word, which is also that of its settings.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cloudtrail => "cloudtrail",
            Self::Dynamodb => "dynamodb",
            Self::S3 => "s3",
        }
    }
}

/// What a distributor knows of its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountConfiguration {
    /// Version of this format.
    #[serde(deserialize_with = "this_version")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u64,
    /// The account.
    pub account: String,
    /// Where its clusters are registered.
    pub registry: Registry,
    /// The log groups that call the distributor, and what comes through each.
    pub log_groups: BTreeMap<String, Source>,
}

/// Where the clusters of an account are registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The Region of the parameters, which need not be the distributor's.
    pub region: String,
    /// The path that they are below.
    pub path: String,
}

/// What an account's distributors know of a cluster: the value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Version of this format.
    #[serde(deserialize_with = "this_version")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u64,
    /// The cluster.
    pub cluster: String,
    /// The resource groups with its members, by Region.
    pub resource_groups: BTreeMap<String, String>,
    /// Patterns of the names of its IAM roles and instance profiles; `*` stands for any part.
    pub roles: BTreeSet<String>,
    /// What EKS calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eks: Option<String>,
    /// What it wants of the account.
    pub sources: BTreeMap<Source, Wanted>,
}

/// What a cluster wants of a source, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The Region of the log group.
    pub region: String,
    /// The cluster's own log group, which its events are copied to.
    pub log_group: String,
    /// Whether calls that only read are wanted.
    pub read: bool,
    /// Whether calls that write are wanted.
    pub write: bool,
    /// Services whose calls aren't, such as `kms.amazonaws.com`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude: BTreeSet<String>,
}

fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let version = u64::deserialize(deserializer)?;
    if version == VERSION {
        Ok(version)
    } else {
        Err(serde::de::Error::custom(AccountError::Version(version)))
    }
}

/// Why a text can't be read by this release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// It has another version.
    #[error("it has version {0}, and this release reads version {VERSION}")]
    Version(u64),
    /// It isn't JSON of the right form.
    #[error("{0}")]
    Malformed(String),
}

/// Reads a text, its version first: fields of another one are unknown.
fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, AccountError> {
    #[derive(Deserialize)]
    struct Head {
        version: u64,
    }
    let malformed = |error: serde_json::Error| AccountError::Malformed(error.to_string());
    let head: Head = serde_json::from_str(text).map_err(malformed)?;
    if head.version != VERSION {
        return Err(AccountError::Version(head.version));
    }
    serde_json::from_str(text).map_err(malformed)
}

impl AccountConfiguration {
    /// Reads the text of the environment variable.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        parse(text)
    }
}

impl Registration {
    /// Reads the value of a parameter.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        parse(text)
    }
}

/// The distributor of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributor {
    /// The function's logical id.
    pub logical_id: String,
    /// What it is told of its account.
    pub configuration: AccountConfiguration,
}

/// Reads the distributor of an account's template: the function that has a
/// [`CONFIGURATION_VARIABLE`].
pub fn distributor(template: &Value) -> Result<Option<Distributor>, Vec<ResourceFault>> {
    let mut found = of_type(template, "AWS::Lambda::Function").filter_map(|(id, resource)| {
        let variables = &resource["Properties"]["Environment"]["Variables"];
        Some((id, variables.get(CONFIGURATION_VARIABLE)?))
    });
    let Some((logical_id, text)) = found.next() else {
        return Ok(None);
    };
    let mut faults: Vec<ResourceFault> = found
        .map(|(id, _)| fault(id, format!("`{logical_id}` is the distributor already")))
        .collect();
    match read(text, AccountConfiguration::parse) {
        Ok(configuration) if faults.is_empty() => {
            return Ok(Some(Distributor {
                logical_id: logical_id.to_owned(),
                configuration,
            }));
        }
        Ok(_) => {}
        Err(error) => faults.push(fault(
            logical_id,
            format!("the distributor couldn't read `{CONFIGURATION_VARIABLE}`: {error}"),
        )),
    }
    Err(faults)
}

/// Reads the registration in a cluster's template: its parameter below
/// [`names::REGISTRY`].
pub fn registration(template: &Value) -> Result<Option<Registration>, Vec<ResourceFault>> {
    let of_registry = |resource: &Value| {
        let name = resource["Properties"]["Name"].as_str().unwrap_or_default();
        name.starts_with(names::REGISTRY)
    };
    let mut found =
        of_type(template, "AWS::SSM::Parameter").filter(|(_, resource)| of_registry(resource));
    let Some((logical_id, resource)) = found.next() else {
        return Ok(None);
    };
    if let Some((second, _)) = found.next() {
        let message = format!("`{logical_id}` registers the cluster already");
        return Err(vec![fault(second, message)]);
    }
    let told = |message: String| vec![fault(logical_id, message)];
    let properties = &resource["Properties"];
    let read = read(&properties["Value"], Registration::parse)
        .map_err(|error| told(format!("the distributor couldn't read it: {error}")))?;
    if properties["Name"] == names::registration(&read.cluster) {
        Ok(Some(read))
    } else {
        Err(told(format!(
            "it is registered under another name than `{}`",
            names::registration(&read.cluster)
        )))
    }
}

fn read<T>(text: &Value, parse: impl Fn(&str) -> Result<T, AccountError>) -> Result<T, String> {
    let text = text.as_str().ok_or("it isn't a text")?;
    parse(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
