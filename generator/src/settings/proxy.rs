//! The way out of a network that has none of its own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoProxyHost, ProxyUrl};

/// A proxy between what ships logs and where they go. Pods and machines of the cluster use it; the forwarder doesn't,
/// since it runs outside of the cluster's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The proxy for addresses that begin with `http:`, none by default.
    pub http: Option<ProxyUrl>,
    /// The proxy for addresses that begin with `https:`, none by default.
    pub https: Option<ProxyUrl>,
    /// Hosts that are reached without it, and all names below them, `true` each. Those of the machine and the cluster themselves,
    /// and the machine's metadata, are always reached so.
    pub no_proxy: BTreeMap<NoProxyHost, bool>,
}
