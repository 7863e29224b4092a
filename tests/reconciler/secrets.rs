//! Credentials that are written to Secrets of a real Kubernetes API server, by a token that may do just what the
//! documentation says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::api_server::ApiServer;
use crate::client::Answer;
use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::{Program, pass};

const NAMESPACE: &str = "logging-of-secrets";

fn secret() -> String {
    format!("api/v1/namespaces/{NAMESPACE}/secrets/logfleet-main")
}

fn made(answer: &Answer) {
    assert!(answer.status < 300, "{answer:?}");
}

/// A service account as docs/reconciler.md has it made; its token.
fn token(server: &ApiServer) -> String {
    let send = |path: &str, body: &Value| server.admin.send("POST", path, Some(body));
    let name = json!({ "name": "logfleet-reconciler" });
    made(&send(
        "api/v1/namespaces",
        &json!({ "metadata": { "name": NAMESPACE } }),
    ));
    let core = format!("api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    made(&send(&core, &json!({ "metadata": name })));
    let rights = format!("apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}");
    let rules = json!([{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "patch", "delete"] }]);
    made(&send(
        &format!("{rights}/roles"),
        &json!({ "metadata": name, "rules": rules }),
    ));
    let binding = json!({
        "metadata": name,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "logfleet-reconciler" },
        "subjects": [{ "kind": "ServiceAccount", "name": "logfleet-reconciler", "namespace": NAMESPACE }],
    });
    made(&send(&format!("{rights}/rolebindings"), &binding));
    let asked = json!({ "spec": { "expirationSeconds": 3600 } });
    let answer = send(&format!("{core}/logfleet-reconciler/token"), &asked);
    answer.body["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

#[test]
fn a_real_api_server_takes_what_its_token_may_write() {
    let Some(server) = ApiServer::shared() else {
        return;
    };
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    let told = json!({ "type": "basic", "writer": "logfleet-alpha-writer",
        "secret": "aws-secretsmanager:logfleet/alpha/main",
        "kubernetes": { "namespace": NAMESPACE, "name": "logfleet-main" } });
    fleet.authenticate("alpha", &told);
    let program = Program::new(Backend::Opensearch, &model.played.url(), &fleet.root());
    std::fs::write(program.folder().join("token"), token(server)).unwrap();
    // The administrator's file says where it is, and the authority is beside that.
    let kubeconfig = std::fs::read_to_string(&server.kubeconfig).unwrap();
    let url = kubeconfig.split("server: \"").nth(1).unwrap();
    let url = url.split('"').next().unwrap();
    let authority = server.kubeconfig.with_file_name("ca.pem");
    std::fs::copy(authority, program.folder().join("api.pem")).unwrap();
    program.add_settings(&format!(
        "kubernetes: {{ alpha: {{ url: \"{url}\", certificate_authority: api.pem, token: {{ file: token }} }} }}\n"
    ));
    let handed = || {
        let data = server.admin.send("GET", &secret(), None).body["data"].clone();
        let text = |key: &str| {
            let bytes = STANDARD.decode(data[key].as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        (text("username"), text("password"))
    };
    let current = || program.store.current("logfleet/alpha/main").unwrap();
    program.expect(0, &["apply"]);
    assert_eq!(handed(), current());
    let version =
        || server.admin.send("GET", &secret(), None).body["metadata"]["resourceVersion"].clone();
    let before = version();
    program.expect(0, &["plan"]);
    program.expect(0, &["apply"]);
    assert_eq!(version(), before);

    // Another field manager changes it, and adds a key of its own, which stays.
    let theirs = json!({ "data": { "password": STANDARD.encode("wrong"), "more": STANDARD.encode("theirs") } });
    made(&server.admin.send_text(
        "PATCH",
        &secret(),
        "application/merge-patch+json",
        &theirs.to_string(),
    ));
    program.expect(2, &["plan"]);
    program.expect(0, &["apply"]);
    assert_eq!(handed(), current());
    let found = server.admin.send("GET", &secret(), None).body;
    assert_eq!(found["data"]["more"], json!(STANDARD.encode("theirs")));

    program.expect(0, &["rotate", "--credential", "alpha/main"]);
    assert_eq!(handed(), current());
    pass(25 * 60 * 60);
    program.expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
    fleet.remove("alpha");
    program.expect(
        0,
        &[
            "remove",
            "alpha",
            "--delete-data-stream",
            "logs-kubernetes.nodes-alpha",
        ],
    );
    assert_eq!(server.admin.send("GET", &secret(), None).status, 404);
}
