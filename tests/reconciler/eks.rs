//! Secrets of Kubernetes in a cluster of EKS, which knows roles of AWS by what STS says of a token: a played AWS, and a
//! played API server that computes each token's signature again.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use logfleet_contract::server::Backend;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::delivery::{Secrets, authenticated, handed, secrets_api};
use crate::fleet::Fleet;
use crate::model::Model;
use crate::played::{Played, Request};
use crate::program::Program;

const ROLE: &str = "arn:aws:iam::111122223333:role/logfleet-reconciler-account";
const REGION: &str = "eu-central-1";
const ID: &str = "ASIAROLE";
const SECRET: &str = "canary-secret-of-the-role";
const SESSION: &str = "canary-session/of+the=role";
const EXTERNAL_ID: &str = "of-this-fleet";

/// What a signed text says of its pairs, in order.
fn pairs(query: &str) -> Vec<(&str, &str)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn hash(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()))
}

/// What the authenticator of a cluster asks STS, and STS decides
/// (<https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go>).
fn is_let_in(authorization: &str, sts: &str, cluster: &str) -> bool {
    let Some(token) = authorization.strip_prefix("Bearer k8s-aws-v1.") else {
        return false;
    };
    let address = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    let (place, query) = address.split_once("/?").unwrap();
    assert_eq!(place, sts);
    let of: BTreeMap<&str, String> = pairs(query)
        .into_iter()
        .map(|(name, value)| (name, decoded(value)))
        .collect();
    assert_eq!(of.len(), pairs(query).len(), "a parameter twice: {query}");
    let names: Vec<String> = of.keys().map(|name| name.to_lowercase()).collect();
    // No other one is allowed.
    assert_eq!(
        names,
        [
            "action",
            "version",
            "x-amz-algorithm",
            "x-amz-credential",
            "x-amz-date",
            "x-amz-expires",
            "x-amz-security-token",
            "x-amz-signature",
            "x-amz-signedheaders"
        ]
    );
    assert_eq!(of["Action"], "GetCallerIdentity");
    assert_eq!(of["X-Amz-SignedHeaders"], "host;x-k8s-aws-id");
    assert_eq!(of["X-Amz-Security-Token"], SESSION);
    let seconds: u64 = of["X-Amz-Expires"].parse().unwrap();
    assert!(seconds <= 900);
    let date = &of["X-Amz-Date"];
    let scope = format!("{}/{REGION}/sts/aws4_request", &date[..8]);
    assert_eq!(of["X-Amz-Credential"], format!("{ID}/{scope}"));
    let mut signed: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.starts_with("X-Amz-Signature="))
        .map(ToOwned::to_owned)
        .collect();
    signed.sort();
    let host = sts.split_once("://").unwrap().1;
    let request = format!(
        "GET\n/\n{}\nhost:{host}\nx-k8s-aws-id:{cluster}\n\nhost;x-k8s-aws-id\n{}",
        signed.join("&"),
        hash("")
    );
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hash(&request));
    let key = generate_signing_key(SECRET, signed_at(date), REGION, "sts");
    of["X-Amz-Signature"] == calculate_signature(key, text.as_bytes())
}

fn signed_at(date: &str) -> SystemTime {
    let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", date)
        .unwrap()
        .to_datetime()
        .unwrap();
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_second().try_into().unwrap())
}

fn refused(code: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": "played" }))
}

/// EKS with one cluster, and STS with one role.
fn aws(name: &'static str, endpoint: String, authority: String) -> Played {
    Played::start(move |request: &Request| {
        let authorization = &request.headers["authorization"];
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path == format!("clusters/{name}") => {
                assert!(authorization.contains(&format!("{ID}/")), "{authorization}");
                assert!(
                    authorization.contains(&format!("/{REGION}/eks/aws4_request")),
                    "{authorization}"
                );
                (
                    200,
                    json!({ "cluster": { "name": name, "endpoint": endpoint,
                        "certificateAuthority": { "data": STANDARD.encode(&authority) } } }),
                )
            }
            ("GET", _) => (
                404,
                json!({ "__type": "ResourceNotFoundException", "message": "No cluster found" }),
            ),
            ("POST", "") if request.body.contains("Action=AssumeRole") => {
                let sent: BTreeMap<&str, String> = pairs(&request.body)
                    .into_iter()
                    .map(|(name, value)| (name, decoded(value)))
                    .collect();
                if sent["RoleArn"] != ROLE || sent["ExternalId"] != EXTERNAL_ID {
                    return refused("AccessDenied");
                }
                let answer = format!(
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{ID}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SESSION}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
                );
                (200, Value::String(answer))
            }
            (method, path) => panic!("{method} {path}"),
        }
    })
}

struct Rig {
    _model: Model,
    _fleet: Fleet,
    program: Program,
    aws: Played,
    api: std::sync::Arc<Played>,
    secrets: Secrets,
}

/// A fleet whose cluster `alpha` is called `name` in EKS.
fn rig(name: &'static str) -> Rig {
    let model = Model::start(Backend::Opensearch);
    let mut fleet = Fleet::small(Backend::Opensearch, &["alpha"]);
    fleet.authenticate("alpha", &authenticated("logfleet/alpha/main", "logging"));
    let mut program = Program::new(Backend::Opensearch, &model.played.url(), &fleet.root());
    let secrets = Secrets::default();
    // The API server knows STS, and AWS knows the API server.
    let sts = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let (own, known) = (std::sync::Arc::clone(&sts), Secrets::clone(&secrets));
    let api = Played::start_tls(move |request| {
        secrets_api(request, &known, |authorization| {
            is_let_in(authorization, own.get().unwrap(), name)
        })
    });
    let authority = api.authority().unwrap().to_owned();
    let aws = aws(name, api.url(), authority);
    sts.set(aws.url()).unwrap();
    program.aws = Some(aws.url());
    // The credential is there before somebody says how it gets into the cluster.
    program.expect(0, &["apply"]);
    Rig {
        _model: model,
        _fleet: fleet,
        program,
        aws,
        api: api.into(),
        secrets,
    }
}

impl Rig {
    fn lets_in(&self, name: &str, role: &str) {
        self.program.add_settings(&format!(
            "kubernetes: {{ alpha: {{ eks: {{ name: {name}, region: {REGION}, role_arn: \"{role}\", external_id: {EXTERNAL_ID} }} }} }}\n"
        ));
    }

    /// Runs a command, of which nothing may show a token or a secret of the role.
    fn run(&self, code: u8, arguments: &[&str]) -> String {
        let ended = self.program.expect(code, arguments);
        let shown = ended.out + &ended.err;
        for secret in ["k8s-aws-v1", "X-Amz", SECRET, SESSION] {
            assert!(!shown.contains(secret), "{secret} is shown:\n{shown}");
        }
        shown
    }
}

#[test]
fn a_role_signs_each_token_for_its_cluster() {
    let rig = rig("alpha-in-eks");
    rig.lets_in("alpha-in-eks", ROLE);
    let plan = rig.run(2, &["plan"]);
    assert!(plan.contains("deliver"), "{plan}");
    rig.run(0, &["apply"]);
    assert_eq!(
        handed(&rig.secrets),
        rig.program.store.current("logfleet/alpha/main").unwrap()
    );
    assert!(rig.api.requests().len() >= 3);
    rig.aws.requests();
    rig.run(0, &["plan"]);
    // The role is assumed and the cluster described, once each; a token costs no call.
    assert_eq!(rig.aws.count(), 2);
}

#[test]
fn a_cluster_that_cannot_be_found_or_lets_nobody_in_is_told() {
    let rig = rig("alpha-in-eks");
    rig.lets_in("another", ROLE);
    let shown = rig.run(1, &["plan"]);
    assert!(
        shown.contains("kubernetes.alpha") && shown.contains("DescribeCluster"),
        "{shown}"
    );
    assert!(rig.api.requests().is_empty());

    let rig = self::rig("alpha-in-eks");
    rig.lets_in("alpha-in-eks", "arn:aws:iam::111122223333:role/another");
    let shown = rig.run(1, &["plan"]);
    assert!(shown.contains("AccessDenied"), "{shown}");

    // Found by another name, so that tokens are for another cluster.
    let rig = self::rig("alpha-in-eks");
    let url = rig.api.url();
    let authority = rig.api.authority().unwrap();
    std::fs::write(rig.program.folder().join("api.pem"), authority).unwrap();
    rig.program.add_settings(&format!(
        "kubernetes: {{ alpha: {{ url: \"{url}\", certificate_authority: api.pem, eks: {{ name: another, region: {REGION}, role_arn: \"{ROLE}\", external_id: {EXTERNAL_ID} }} }} }}\n"
    ));
    let shown = rig.run(1, &["plan"]);
    assert!(
        shown.contains("401") && shown.contains("access entry"),
        "{shown}"
    );
    assert!(rig.secrets.lock().unwrap().is_empty());
}
