//! A domain of Amazon OpenSearch Service, which knows whoever signs a request and no password: the program as it is
//! installed, against the model behind a door that checks signatures.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::model::State;
use crate::played::{Played, Request};
use crate::program::PASSWORD;

const KEY: &str = "only-for-tests";
const REGION: &str = "eu-central-1";

/// What the domain says where the time of a signature is too far from its own.
const EXPIRED: &str = "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z";

fn signed_at(request: &Request) -> SystemTime {
    let text = &request.headers["x-amz-date"];
    let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", text)
        .unwrap()
        .to_datetime()
        .unwrap();
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_second().try_into().unwrap())
}

/// The signature that a request must have, if the domain's idea of the secret is right: of all that arrived.
fn signature(request: &Request) -> String {
    let authorization = &request.headers["authorization"];
    let signed = authorization.split("SignedHeaders=").nth(1).unwrap();
    let signed = signed.split(',').next().unwrap();
    // Those that the signer adds by itself are left to it.
    let own = [
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        "authorization",
    ];
    let headers = request
        .headers
        .iter()
        .filter(|(name, _)| signed.split(';').any(|one| one == name.as_str()))
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let url = format!("http://{}/{}{query}", request.headers["host"], request.path);
    let signable = SignableRequest::new(
        request.method.as_str(),
        url,
        headers,
        SignableBody::Bytes(request.body.as_bytes()),
    );
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = Credentials::new(KEY, KEY, None, None, "the domain").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("es")
        .time(signed_at(request))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let (_, signature) = sign(signable.unwrap(), &parameters).unwrap().into_parts();
    signature
}

fn domain(answer: impl Fn(&Request) -> Option<(u16, Value)> + Send + Sync + 'static) -> Played {
    let state = std::sync::Mutex::new(State::default());
    Played::start(move |request| {
        if let Some(refused) = answer(request) {
            return refused;
        }
        let arrived = request.headers["authorization"].split("Signature=").nth(1);
        if arrived != Some(signature(request).as_str()) {
            return (
                403,
                json!({ "message": "The request signature we calculated does not match the signature you provided." }),
            );
        }
        // The domain's role is its administrator.
        let mut request = request.clone();
        "admin".clone_into(&mut request.user);
        PASSWORD.clone_into(&mut request.password);
        state.lock().unwrap().answer(Backend::Opensearch, &request)
    })
}

struct Ended {
    code: Option<i32>,
    shown: String,
}

fn run(domain: &Played, fleet: &Fleet, secret: &str, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "servers:
  one:
    url: {}
    backend: opensearch
    serves: [{{ destination: main }}]
    administrator: {{ aws_sigv4: {{ region: {REGION} }} }}
",
        domain.url()
    );
    fs::write(folder.path().join("reconciler.yaml"), settings).unwrap();
    let none = folder.path().join("none");
    let output = Command::new(env!("CARGO_BIN_EXE_reconciler"))
        .args(arguments)
        .arg("--source")
        .arg(fleet.root())
        .arg("--settings")
        .arg(folder.path().join("reconciler.yaml"))
        .env("AWS_CONFIG_FILE", &none)
        .env("AWS_SHARED_CREDENTIALS_FILE", &none)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code(),
        shown: text(&output.stdout) + &text(&output.stderr),
    }
}

#[test]
fn a_role_is_the_administrator_and_clusters_by_roles_need_no_secret() {
    let domain = domain(|_| None);
    let fleet = Fleet::with_roles(&["alpha", "beta"]);
    let ended = run(&domain, &fleet, KEY, &["apply"]);
    assert_eq!(ended.code, Some(0), "{}", ended.shown);
    let requests = domain.requests();
    assert!(requests.iter().any(|request| request.method == "PATCH"));
    assert!(
        requests
            .iter()
            .all(|request| request.scheme == "AWS4-HMAC-SHA256")
    );
    let ended = run(&domain, &fleet, KEY, &["apply"]);
    assert_eq!(ended.code, Some(0), "{}", ended.shown);
    assert!(domain.requests().iter().all(|request| !request.writes()));
}

#[test]
fn a_role_that_is_not_let_in_and_a_wrong_clock_are_told() {
    let fleet = Fleet::with_roles(&["alpha"]);
    let ended = run(&domain(|_| None), &fleet, "another", &["plan"]);
    assert_eq!(ended.code, Some(1), "{}", ended.shown);
    assert!(
        ended.shown.contains("does not match") && ended.shown.contains("access policy"),
        "{}",
        ended.shown
    );
    let late = domain(|_| Some((403, json!({ "message": EXPIRED }))));
    let ended = run(&late, &fleet, KEY, &["plan"]);
    assert_eq!(ended.code, Some(1), "{}", ended.shown);
    assert!(ended.shown.contains("correct the clock"), "{}", ended.shown);
}
