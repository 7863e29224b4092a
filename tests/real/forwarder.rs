//! The forwarder's program between a runtime API as Lambda's and a real
//! OpenSearch with security, under the rendered templates and the cluster's
//! write-only credential.

mod emulator;
mod http;
mod lambda;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::stack;
use serde_json::{Value, json};

use self::lambda::{Ended, Function};
use crate::opensearch::OpenSearch;

const CLUSTER: &str = "prod-eu.k8s.example.com";
const WRITER: &str = "logfleet-prod_eu_k8s_example_com-writer";
const PASSWORDS: [&str; 2] = ["Vq8-logfleet-tests-5xT", "Zt4-logfleet-tests-9wR"];
const STREAM: &str = "logs-aws.vpc-prod_eu_k8s_example_com";
const LOG_GROUP: &str = "/logfleet/prod-eu.k8s.example.com/aws/vpc";

fn rendered() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../rendered")
        .join(CLUSTER)
}

/// The program, built as the tests are.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let folder = own
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "logfleet-forwarder",
            "--target-dir",
        ])
        .arg(folder.parent().expect("target/<profile>"))
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the forwarder can't be built");
    folder.join("logfleet-forwarder")
}

/// Sends what is rendered for the destination `main`, but for life cycles, which this build of the
/// server lacks, and gives the writer a password.
fn install(server: &OpenSearch) {
    let root = rendered().join("elasticsearch/main");
    let mut objects: Vec<(Kind, String, Value)> = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("rendered/") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path
                .strip_prefix(&root)
                .expect("below it")
                .to_str()
                .expect("UTF-8")
                .to_owned();
            let kind = ObjectPath::parse(&below)
                .unwrap_or_else(|error| panic!("{error}"))
                .kind;
            let body =
                serde_json::from_str(&fs::read_to_string(&path).expect("text")).expect("JSON");
            objects.push((kind, below.trim_end_matches(".json").to_owned(), body));
        }
    }
    objects.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    for (_, path, mut body) in objects {
        if path.starts_with("_plugins/_ism") {
            continue;
        }
        if path.contains("internalusers") {
            body["password"] = PASSWORDS[0].into();
        }
        let answer =
            server
                .admin
                .send("PUT", &path, Some(&body).filter(|body| **body != json!({})));
        assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
    }
}

/// What is in the function's environment: rendered, but for where the server is.
fn configuration(server: &OpenSearch) -> String {
    let text =
        fs::read_to_string(rendered().join("aws/eu-central-1/stack.json")).expect("rendered/");
    let template: Value = serde_json::from_str(&text).expect("JSON");
    let forwarder = stack::forwarder(&template)
        .expect("no fault")
        .expect("a forwarder");
    let mut configuration = forwarder.configuration;
    let main = configuration
        .destinations
        .get_mut("main")
        .expect("the destination");
    server.url().clone_into(&mut main.url);
    main.own_ca = true;
    main.accept_any_certificate = false;
    configuration.environment_text().expect("JSON")
}

/// Secrets and objects.
#[derive(Debug, Default)]
struct Account {
    secret: Value,
    objects: BTreeMap<String, Vec<u8>>,
}

fn account(state: &Arc<Mutex<Account>>) -> String {
    let state = Arc::clone(state);
    let address = http::serve(move |request| {
        let mut state = state.lock().expect("no panic");
        assert!(
            request
                .header("authorization")
                .is_some_and(|own| own.starts_with("AWS4-HMAC-SHA256 "))
        );
        if request.header("x-amz-target") == Some("secretsmanager.GetSecretValue") {
            let body = json!({ "SecretString": state.secret.to_string() });
            return (200, Vec::new(), body.to_string().into_bytes());
        }
        if request.header("x-amz-target") == Some("Logs_20140328.ListTagsForResource") {
            let body = json!({ "tags": tags_of_log_group() });
            return (200, Vec::new(), body.to_string().into_bytes());
        }
        if request.method == "PUT" {
            state
                .objects
                .insert(request.path.clone(), request.body.clone());
            return (200, Vec::new(), Vec::new());
        }
        (
            404,
            Vec::new(),
            b"<Error><Code>NoSuchKey</Code></Error>".to_vec(),
        )
    });
    format!("http://{address}")
}

/// The tags that every log group has.
fn tags_of_log_group() -> Value {
    json!({ "team": "payments", "cost.center/id": "7 of 9" })
}

fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("now")
        .as_millis();
    u64::try_from(now).expect("milliseconds")
}

fn call(numbers: std::ops::Range<u64>) -> String {
    let time = now();
    let events: Vec<Value> = numbers
        .map(|number| {
            let line = format!("2 111122223333 eni-0a1b2c3d4e5f60718 10.0.0.{} 10.0.1.1 443 49152 6 20 4249 1795900000 1795900060 ACCEPT OK", number % 250);
            json!({ "id": format!("{number:056}"), "timestamp": time, "message": line })
        })
        .collect();
    envelope("DATA_MESSAGE", LOG_GROUP, &events)
}

/// Events as CloudWatch Logs hands them over.
fn envelope(kind: &str, log_group: &str, events: &[Value]) -> String {
    let envelope = json!({
        "messageType": kind, "owner": "111122223333", "logGroup": log_group, "logStream": "eni-0a1b2c3d4e5f60718-all",
        "subscriptionFilters": ["logfleet"], "logEvents": events,
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(envelope.to_string().as_bytes())
        .expect("memory");
    json!({ "awslogs": { "data": STANDARD.encode(encoder.finish().expect("memory")) } }).to_string()
}

fn count(server: &OpenSearch, query: &Value) -> u64 {
    server
        .admin
        .send("POST", &format!("{STREAM}/_refresh"), None);
    let answer = server.admin.send(
        "POST",
        &format!("{STREAM}/_count"),
        Some(&json!({ "query": query })),
    );
    answer.body["count"]
        .as_u64()
        .unwrap_or_else(|| panic!("{answer:?}"))
}

#[test]
fn events_arrive_once_under_the_rendered_templates_and_the_write_only_credential() {
    let Some(server) = OpenSearch::shared() else {
        return;
    };
    let program = program();
    install(server);
    let secret = |password: &str| json!({ "username": WRITER, "password": password, "ca_certificate": server.authority() });
    let state = Arc::new(Mutex::new(Account {
        secret: secret(PASSWORDS[0]),
        ..Account::default()
    }));
    let endpoint = account(&state);
    let configuration = configuration(server);
    let mut function = Function::start(
        &program,
        &[
            ("LOGFLEET_CONFIGURATION", &configuration),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &endpoint),
        ],
    );
    let all = json!({ "match_all": {} });

    // Once, and again: the ids are the same.
    let first = call(0..500);
    assert_eq!(function.call("one", &first), Ended::Response);
    assert_eq!(function.call("one-again", &first), Ended::Response);
    assert_eq!(count(server, &all), 500);
    let of = |field: &str, value: &str| count(server, &json!({ "term": { (field): value } }));
    assert_eq!(of("aws.log_group", LOG_GROUP), 500);
    assert_eq!(of("aws.source", "aws.vpc"), 500);
    assert_eq!(of("cluster.name", CLUSTER), 500);

    // Killed while it sends; Lambda makes the call again.
    let many = call(1_000..21_000);
    function.invoke("killed", &many);
    sleep(Duration::from_millis(400));
    function.kill();
    assert_eq!(function.call("killed-again", &many), Ended::Response);
    assert_eq!(count(server, &all), 20_500);

    // A rollover between calls, and a rotated credential: the old password is refused.
    let rolled = server
        .admin
        .send("POST", &format!("{STREAM}/_rollover"), None);
    assert_eq!(rolled.status, 200, "{rolled:?}");
    let user = fs::read_to_string(rendered().join(format!(
        "elasticsearch/main/_plugins/_security/api/internalusers/{WRITER}.json"
    )));
    let mut user: Value = serde_json::from_str(&user.expect("rendered/")).expect("JSON");
    user["password"] = PASSWORDS[1].into();
    let changed = server.admin.send(
        "PUT",
        &format!("_plugins/_security/api/internalusers/{WRITER}"),
        Some(&user),
    );
    assert_eq!(changed.status, 200, "{changed:?}");
    state.lock().expect("no panic").secret = secret(PASSWORDS[1]);
    assert_eq!(
        function.call("rotated", &call(30_000..30_500)),
        Ended::Response
    );
    assert_eq!(count(server, &all), 21_000);

    // Nothing was put aside in all of it, and memory stayed small.
    assert_eq!(
        state
            .lock()
            .expect("no panic")
            .objects
            .keys()
            .collect::<Vec<_>>(),
        [""; 0]
    );
    assert!(function.peak() < 64 * 1024, "{} KiB", function.peak());

    // Without the right to write the call fails, and says what to do; nothing is put aside.
    let role = format!("_plugins/_security/api/rolesmapping/{WRITER}");
    let mapping = server.admin.send("GET", &role, None);
    assert_eq!(server.admin.send("DELETE", &role, None).status, 200);
    let Ended::Error(told) = function.call("refused", &call(40_000..40_010)) else {
        panic!("it wrote without the right");
    };
    assert!(told.contains("main: status 403"), "{told}");
    assert!(
        told.contains("the data stream or the right to write it is missing"),
        "{told}"
    );
    assert!(state.lock().expect("no panic").objects.is_empty());
    assert!(mapping.status == 200 && count(server, &all) == 21_000);
}
