//! What a user may set: the types behind `cluster.yaml`.
//!
//! One [`Settings`] is what four layers merge to: the built-in defaults
//! (`defaults.yaml` beside this file), `clusters/fleet.yaml`,
//! `clusters/environments/<environment>.yaml` and
//! `clusters/<cluster>/cluster.yaml`. The JSON Schemas under `schemas/` are
//! generated from these types, so a doc comment here is what an editor shows.
//!
//! Anything that a user may want to override individually is a map keyed by name, not a list: layers merge as JSON
//! Merge Patch (RFC 7396), where a list only ever replaces. Three blocks hold defaults for many places and merge below
//! them by the same rule: `fluentd` below `sources.kubernetes.*.fluentd`, `stream_defaults` below each of `streams`,
//! and `account_defaults` below each of `accounts`.

mod account;
mod aws;
mod destination;
mod flag;
mod fluentd;
mod gitops;
mod kubernetes;
mod life_cycle;
mod machines;
mod name;
mod patch;
mod proxy;
mod reader;
mod reconciler;
mod source;
mod stream;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::*;
pub use aws::*;
pub use destination::*;
pub use flag::Flag;
pub use fluentd::*;
pub use gitops::*;
pub use kubernetes::*;
pub use life_cycle::*;
pub use machines::*;
pub use name::*;
pub use patch::*;
pub use proxy::*;
pub use reader::*;
pub use reconciler::*;
pub use source::*;
pub use stream::*;

/// The newest version of the input format that this program reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The built-in defaults, the lowest layer, as they are shown by `gen explain`.
pub const DEFAULTS: &str = include_str!("defaults.yaml");

/// How messages name the built-in defaults.
pub const DEFAULTS_NAME: &str = "built-in defaults";

/// Everything that can be set for one cluster, after all layers are merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of the input format. A higher number than this gen knows needs a newer gen.
    #[schemars(range(min = 1, max = 1), extend("x-pattern-meaning" = "format version 1; a newer number needs a newer gen"))]
    pub schema_version: u32,
    /// The cluster's name, equal to the name of its folder.
    pub name: ClusterName,
    /// The environment; its settings are in `clusters/environments/<environment>.yaml`.
    pub environment: EnvironmentName,
    /// Who runs the control plane.
    pub distribution: Distribution,
    /// The AWS Region of the cluster, such as `eu-central-1`.
    pub region: Region,
    /// The AWS account of the cluster: twelve digits, in quotes.
    pub account: Account,
    /// What each account has once for all of its clusters; `accounts.<account>` overrides single settings.
    pub account_defaults: AccountSettings,
    /// Settings of individual accounts, by account number: twelve digits, in quotes.
    pub accounts: BTreeMap<Account, AccountSettings>,
    /// How the data streams are named.
    pub index: IndexNaming,
    /// Settings of all Kubernetes objects.
    pub kubernetes: KubernetesSettings,
    /// How the rendered Kubernetes objects are applied.
    pub gitops: GitopsSettings,
    /// The reconciler, which makes servers, credentials and stacks match what is rendered.
    pub reconciler: Reconciler,
    /// Settings of everything that the rendered stacks create in AWS.
    pub aws: AwsObjects,
    /// A proxy between shippers and destinations.
    pub proxy: ProxySettings,
    /// The cluster's groups of machines, with their taints.
    #[schemars(extend("minProperties" = 1))]
    pub node_groups: BTreeMap<Name, NodeGroup>,
    /// The Elasticsearch and OpenSearch servers that logs are shipped to.
    pub destinations: BTreeMap<Name, Destination>,
    /// Settings of every Fluentd; `sources.kubernetes.<source>.fluentd` overrides single ones.
    pub fluentd: FluentdSettings,
    /// What is collected.
    pub sources: Sources,
    /// Settings of every stream; `streams.<stream>` overrides single ones.
    pub stream_defaults: Stream,
    /// The data streams that logs are written to.
    pub streams: BTreeMap<Name, Stream>,
    /// Roles that can read records on the Elasticsearch and OpenSearch servers, and who has them, in addition to the
    /// role that can read everything.
    pub readers: BTreeMap<Name, Reader>,
    /// Changes to rendered files, made after all templates and before all checks: [Patches](patches.md).
    pub patches: BTreeMap<Name, Patch>,
}

/// Who runs the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// The cluster's own machines, as kops sets them up; their logs are collected.
    Kops,
    /// AWS; there are no control plane machines to collect logs from.
    Eks,
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kops => "kops",
            Self::Eks => "eks",
        })
    }
}

/// How data streams are named: `<type>-<dataset>-<namespace>`, see
/// <https://www.elastic.co/docs/reference/fleet/data-streams>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexNaming {
    /// First part of every data stream's name.
    pub r#type: DataStreamPart,
    /// Last part of every data stream's name; by default the cluster's name with `_` instead of `-` and `.`.
    pub namespace: Option<DataStreamPart>,
}
