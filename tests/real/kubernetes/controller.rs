//! Flux's real kustomize-controller, and what controllers of Kubernetes would do that don't run here.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::kubernetes::server::ApiServer;
use crate::rig::{self, Server, User};

/// Starts Flux's kustomize-controller.
pub fn start(program: &Path, server: &ApiServer) -> Server {
    let folder = rig::folder("kustomize-controller");
    let health = format!("127.0.0.1:{}", rig::free_port());
    let mut command = Command::new(program);
    command
        .args([
            "--watch-all-namespaces",
            "--enable-leader-election=false",
            "--events-addr=",
            "--requeue-dependency=2s",
            &format!("--metrics-addr=127.0.0.1:{}", rig::free_port()),
            &format!("--health-addr={health}"),
        ])
        .env("KUBECONFIG", &server.kubeconfig)
        .env("RUNTIME_NAMESPACE", "flux-system");
    let mut controller = Server::start("kustomize-controller", &folder, User::Own, &command);
    controller.wait_until(|| std::net::TcpStream::connect(&health).is_ok());
    controller
}

/// Says of every `DaemonSet` what its controller and the machines would say
/// when its pods run.
pub fn roll_out(server: &ApiServer, namespace: &str) {
    let path = format!("apis/apps/v1/namespaces/{namespace}/daemonsets");
    let list = server.admin.send("GET", &path, None).body;
    for object in list["items"].as_array().into_iter().flatten() {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let path = format!("{path}/{name}");
        let status = json!({ "status": {
            "observedGeneration": object["metadata"]["generation"],
            "currentNumberScheduled": 1,
            "desiredNumberScheduled": 1,
            "numberAvailable": 1,
            "numberMisscheduled": 0,
            "numberReady": 1,
            "updatedNumberScheduled": 1,
        }});
        let path = format!("{path}/status");
        let kind = "application/merge-patch+json";
        server
            .admin
            .send_text("PATCH", &path, kind, &status.to_string());
    }
}
