//! A proxy for networks without direct internet access.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoProxyHost, ProxyUrl};

/// A proxy between shippers and destinations. The cluster's pods and machines use it; the forwarder doesn't, because it
/// runs outside the cluster's network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The proxy for `http:` addresses; none by default.
    pub http: Option<ProxyUrl>,
    /// The proxy for `https:` addresses; none by default.
    pub https: Option<ProxyUrl>,
    /// Hosts that are reached directly, with all names below them: `true` for each. The machine itself, the cluster
    /// itself and the instance metadata are always reached directly.
    pub no_proxy: BTreeMap<NoProxyHost, bool>,
}
