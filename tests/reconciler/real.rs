//! The reconciler against a real OpenSearch with its security plugin, a real Elasticsearch with native security, and an
//! emulator of AWS, installed by `ci/rigs/*`. What isn't installed is skipped visibly; in CI (`CI=true`) that is a failure.

#![allow(
    missing_docs,
    reason = "a test binary has no readers of its documentation"
)]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "modules are shared with other test binaries, which need other parts of them"
)]

#[path = "../real/kubernetes/server.rs"]
mod api_server;
mod aws;
#[path = "../real/certificates.rs"]
mod certificates;
#[path = "../real/client.rs"]
mod client;
#[path = "../real/elasticsearch.rs"]
mod elasticsearch;
mod example;
mod fleet;
mod many;
mod model;
#[path = "../real/opensearch.rs"]
mod opensearch;
mod played;
mod program;
mod relay;
#[path = "../real/rig.rs"]
mod rig;
mod secrets;
mod servers;
mod stacks;
mod store;
