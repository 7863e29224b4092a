//! The program as it is installed, with AWS Secrets Manager played by the emulator of `ci/rigs/aws`, in an account whose
//! role it assumes.

use std::fs;
use std::process::{Command, Output};

use logfleet_contract::server::Backend;
use serde_json::json;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::PASSWORD;
use crate::rig::{self, Server, User};

/// Starts the emulator; none where it isn't installed.
fn emulator() -> Option<(Server, String)> {
    let python = rig::installed("aws-moto-5.2.5/complete", "aws")?.with_file_name("bin/python");
    let folder = rig::folder("aws");
    let port = rig::free_port();
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/real/rigs/aws");
    let mut serve = Command::new(&python);
    serve
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("AWS_CONFIG_FILE", folder.join("none"))
        .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("none"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .arg(format!("{sources}/serve.py"))
        .arg(port.to_string());
    let mut server = Server::start("The AWS emulator", &folder, User::Own, &serve);
    let endpoint = format!("http://127.0.0.1:{port}");
    server.wait_until(|| ureq::get(format!("{endpoint}/moto-api/")).call().is_ok());
    Some((server, endpoint))
}

struct Installed {
    folder: tempfile::TempDir,
    source: String,
}

impl Installed {
    fn new(server: &str, endpoint: &str, role: &str, source: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "servers:
  one:
    url: {server}
    backend: opensearch
    serves: [{{ destination: main }}]
    administrator: {{ username: admin, password: {{ file: password }} }}
secret_stores:
  account:
    aws_secrets_manager: {{ region: eu-central-1, endpoint_url: \"{endpoint}\", role_arn: \"{role}\" }}
"
        );
        fs::write(folder.path().join("reconciler.yaml"), settings).unwrap();
        fs::write(folder.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Self {
            folder,
            source: source.to_owned(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let none = self.folder.path().join("none");
        Command::new(env!("CARGO_BIN_EXE_reconciler"))
            .args(arguments)
            .args(["--source", &self.source, "--settings"])
            .arg(self.folder.path().join("reconciler.yaml"))
            .env("AWS_CONFIG_FILE", &none)
            .env("AWS_SHARED_CREDENTIALS_FILE", &none)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "only-for-tests")
            .env("AWS_SECRET_ACCESS_KEY", "only-for-tests")
            .output()
            .unwrap()
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let shown = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{shown}");
        shown
    }
}

/// Settings may name a secret by its ARN, and it needn't exist yet.
#[test]
fn a_secret_is_made_by_the_name_in_its_arn() {
    let Some((_server, endpoint)) = emulator() else {
        return;
    };
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    let source = fleet.root().to_str().unwrap().to_owned();
    let role = "arn:aws:iam::111122223333:role/logfleet";
    let program = Installed::new(&model.played.url(), &endpoint, role, &source);
    let mut kept_at = |account: &str, name: &str| {
        let arn = format!("arn:aws:secretsmanager:eu-central-1:{account}:secret:{name}");
        fleet.authenticate(
            "alpha",
            &json!({ "type": "basic", "writer": "logfleet-alpha-writer", "secret": format!("aws-secretsmanager:{arn}") }),
        );
    };
    kept_at("111122223333", "team/alpha-a1b2c3");
    let shown = program.expect(1, &["apply"]);
    assert!(
        shown.contains("no secret has this ARN")
            && shown.contains("`aws-secretsmanager:team/alpha`"),
        "{shown}"
    );
    kept_at("444455556666", "team/alpha");
    let shown = program.expect(1, &["apply"]);
    assert!(
        shown.contains("team/alpha: ") && shown.contains("hint:"),
        "{shown}"
    );
    kept_at("111122223333", "team/alpha");
    program.expect(0, &["apply"]);
    program.expect(0, &["verify"]);
    program.expect(0, &["plan"]);
}

#[test]
fn credentials_live_in_secrets_manager_of_the_clusters_account() {
    let Some((_server, endpoint)) = emulator() else {
        return;
    };
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::small(Backend::Opensearch, &["alpha", "beta"]);
    let source = fleet.root().to_str().unwrap().to_owned();
    let url = model.played.url();
    let role = |account: &str| format!("arn:aws:iam::{account}:role/logfleet");
    let program = Installed::new(&url, &endpoint, &role("111122223333"), &source);
    let mut shown = program.expect(0, &["apply"]);
    shown += &program.expect(0, &["verify"]);
    shown += &program.expect(0, &["plan", "--format", "json"]);

    // In another account there is nothing.
    let other = Installed::new(&url, &endpoint, &role("444455556666"), &source);
    assert!(
        other
            .expect(1, &["verify"])
            .contains("contains no credential")
    );

    // A user that is wiped comes back with the stored password.
    let user = "logfleet-alpha-writer";
    let password = model.password(user).unwrap();
    model.set(logfleet_contract::index::Kind::OpensearchUser, user, None);
    shown += &program.expect(0, &["apply"]);
    assert_eq!(model.password(user), Some(password.clone()));

    shown += &program.expect(
        0,
        &["rotate", "--credential", "alpha/main", "--overlap", "0"],
    );
    let second = model.password("logfleet-alpha-writer-2").unwrap();
    assert_ne!(second, password);
    shown += &program.expect(0, &["verify", "alpha"]);
    shown += &program.expect(0, &["rotate", "--credential", "alpha/main", "--finish"]);
    assert_eq!(model.password(user), None);
    shown += &program.expect(0, &["rotate", "--credential", "alpha/main"]);
    shown += &program.expect(0, &["verify"]);
    shown += &program.expect(0, &["status"]);

    fleet.remove("beta");
    shown += &program.expect(0, &["remove", "beta"]);
    shown += &program.expect(0, &["plan"]);
    // A cluster that comes back takes up the secret that waits for its deletion.
    fleet.add(Backend::Opensearch, "beta");
    let plan = program.expect(2, &["plan"]);
    assert!(
        plan.contains("issue    credential/{cluster}/main  [beta]"),
        "{plan}"
    );
    shown += &program.expect(0, &["apply"]);
    shown += &program.expect(0, &["verify"]);
    for secret in [PASSWORD, &password, &second, "Lf0-", "only-for-tests"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn an_account_that_cant_be_reached_is_told_and_the_rest_is_done() {
    let model = Model::start(Backend::Opensearch);
    let fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    let source = fleet.root().to_str().unwrap().to_owned();
    let nobody = "http://127.0.0.1:9";
    let program = Installed::new(
        &model.played.url(),
        nobody,
        "arn:aws:iam::111122223333:role/x",
        &source,
    );
    let shown = program.expect(1, &["apply"]);
    assert!(
        shown.contains("secret_stores.account: logfleet/alpha/main"),
        "{shown}"
    );
    assert!(
        model
            .objects()
            .keys()
            .any(|path| path.starts_with("_data_stream/"))
    );
    assert!(
        !model
            .objects()
            .keys()
            .any(|path| path.contains("internalusers"))
    );
    // Its credential is on its way, and nothing else is left.
    let plan = program.expect(2, &["plan"]);
    assert!(
        plan.contains("continue credential/{cluster}/main") && plan.contains("1 to do"),
        "{plan}"
    );
}

#[test]
fn wrong_use_has_its_own_exit_code() {
    let program = Installed::new("http://127.0.0.1:9", "http://127.0.0.1:9", "x", ".");
    for arguments in [
        &["plan", "--no-such-flag"][..],
        &["rotate"],
        &["adopt", "one"],
        &["plan", "--most-deleted", "101"],
    ] {
        program.expect(3, arguments);
    }
    let fault = program.expect(1, &["plan", "--revision", "main"]);
    assert!(fault.contains("a folder has no revision"), "{fault}");
}
