//! The whole way, as a person would go it: a fleet is made, rendered and committed; Flux applies its Kubernetes part; the
//! reconciler makes servers, credentials and stacks; a line in a log group of AWS is found in the index; and in the end
//! everything is gone again. Each step is told with what came of it. `ci/demo` builds and runs it.
//!
//! Real are `gen`, `reconciler` and the forwarder, an OpenSearch with its security plugin, a Kubernetes API server with
//! etcd, Flux's kustomize-controller and AWS's runtime emulator of Lambda. AWS itself is an emulator. What none of them
//! does is done by a driver, which says so: [`subscriptions`] for CloudWatch Logs, [`cluster`] for Flux's
//! source-controller and the External Secrets Operator, and `relay` for OpenSearch's plugin of index states.

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

mod breakage;
#[path = "../real/certificates.rs"]
mod certificates;
#[path = "../real/client.rs"]
mod client;
mod cloud;
mod cluster;
#[path = "../real/elasticsearch.rs"]
mod elasticsearch;
#[path = "../real/aws/emulator.rs"]
mod emulator;
mod fleet;
mod functions;
mod kubernetes;
#[path = "../reconciler/model.rs"]
mod model;
mod narrator;
#[path = "../real/opensearch.rs"]
mod opensearch;
#[path = "../reconciler/played.rs"]
mod played;
mod program;
mod reader;
#[path = "../reconciler/relay.rs"]
mod relay;
#[path = "../real/rig.rs"]
mod rig;
mod story;
mod subscriptions;

use std::process::ExitCode;

/// The exit code of a run that could prove nothing where it ran.
const NOT_CHECKED: u8 = 77;

/// What is needed: what it is called, its path in the cache, and who installs it.
const NEEDED: [(&str, &str, &str); 7] = [
    ("OpenSearch", "opensearch-3.4.0/complete", "opensearch"),
    ("the emulator of AWS", emulator::INSTALLED, "aws"),
    (
        "the Kubernetes API server",
        "bin/kube-apiserver",
        "kube-apiserver",
    ),
    ("etcd", "bin/etcd", "kube-apiserver"),
    ("kustomize-controller", "bin/kustomize-controller", "flux"),
    (
        "the definition of Flux's objects",
        "crds/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
        "flux",
    ),
    ("AWS's runtime emulator", "bin/aws-lambda-rie", "lambda"),
];

fn main() -> ExitCode {
    let mut keep = false;
    let mut breaks = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => keep = true,
            "--break" => breaks = arguments.next(),
            other => {
                narrator::complain(&format!("{other}: unknown option; see ci/demo --help"));
                return ExitCode::from(3);
            }
        }
    }
    // All that is missing is told before it ends.
    let missing = NEEDED
        .iter()
        .filter(|(name, path, script)| {
            let is_missing = !rig::cache().join(path).exists();
            if is_missing {
                narrator::complain(&format!(
                    "SKIPPED: {name} isn't installed: ci/rigs/{script} install"
                ));
            }
            is_missing
        })
        .count();
    if missing > 0 {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        return ExitCode::from(if is_ci { 1 } else { NOT_CHECKED });
    }
    story::tell(keep, breaks.as_deref());
    ExitCode::SUCCESS
}
