//! As much of AWS as the forwarder calls: objects, secrets, the resource group.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::web;

#[derive(Debug, Default)]
pub struct State {
    /// The Regions that secrets were read in.
    pub secret_regions: Vec<String>,
    /// Objects by bucket and key.
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Objects that the function may not read.
    pub forbidden: BTreeSet<String>,
    /// Objects that it may neither write nor delete.
    pub read_only: BTreeSet<String>,
    /// The secret's versions, the current one last.
    pub passwords: Vec<String>,
    pub members: Vec<String>,
    /// Of a hundred calls, so many fail.
    pub failing: u64,
    pub chance: Option<Chance>,
    pub reads_of_secrets: u64,
    /// Answers to other calls, by action.
    pub answers: BTreeMap<String, Value>,
    /// Log groups, each with its streams and their events.
    pub log_groups: BTreeMap<String, BTreeMap<String, Vec<Value>>>,
    /// What was called, by action, with what was asked for.
    pub calls: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct Account {
    state: Arc<Mutex<State>>,
    pub address: SocketAddr,
}

struct Serving(Arc<Mutex<State>>);

impl web::Service for Serving {
    fn answer(&self, _: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        self.0.lock().expect("no test panics here").answer(request)
    }
}

impl Account {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            passwords: vec!["first".to_owned()],
            chance: Some(Chance(7)),
            ..State::default()
        }));
        let address = web::serve(Arc::new(Serving(Arc::clone(&state))));
        Self { state, address }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics here")
    }

    /// The keys of the objects below a prefix of the bucket `dead`.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let prefix = format!("dead/{prefix}");
        let state = self.state();
        let keys = state.objects.keys().filter(|key| key.starts_with(&prefix));
        keys.filter_map(|key| Some(key.strip_prefix("dead/")?.to_owned()))
            .collect()
    }

    /// The lines of all objects below a prefix of the bucket `dead`, but for their headers.
    pub fn lines(&self, prefix: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for key in self.keys(prefix) {
            let object = self.state().objects[&format!("dead/{key}")].clone();
            let mut text = String::new();
            std::io::Read::read_to_string(
                &mut flate2::read::GzDecoder::new(&object[..]),
                &mut text,
            )
            .expect("gzip");
            found.extend(
                text.lines()
                    .skip(1)
                    .map(|line| serde_json::from_str::<Value>(line).expect("JSON")),
            );
        }
        found
    }
}

impl State {
    fn answer(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        assert!(
            request.headers().contains_key("authorization"),
            "every call is signed"
        );
        let failing = self.failing;
        if self
            .chance
            .as_mut()
            .is_some_and(|chance| chance.below(100) < failing)
        {
            return web::answer(503, "<Error><Code>SlowDown</Code></Error>");
        }
        let path = request.uri().path();
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|own| own.to_str().ok());
        let body = String::from_utf8_lossy(request.body()).into_owned();
        if target == Some("secretsmanager.GetSecretValue") {
            let signed = request.headers()["authorization"]
                .to_str()
                .unwrap_or_default();
            // Credential=<key>/<day>/<Region>/<service>/aws4_request
            let region = signed.split('/').nth(2).unwrap_or_default();
            self.secret_regions.push(region.to_owned());
            return self.secret(&body);
        }
        let action = target
            .and_then(|own| own.rsplit('.').next())
            .map(ToOwned::to_owned);
        let action =
            action.or_else(|| Some(body.strip_prefix("Action=")?.split('&').next()?.to_owned()));
        if let Some(action @ ("PutLogEvents" | "CreateLogStream")) = action.as_deref() {
            let action = action.to_owned();
            let answer = self.log(&action, &body);
            self.calls.push((action, body));
            return answer;
        }
        if let Some(action) = action {
            self.calls.push((action.clone(), body));
            return match self.answers.get(&action) {
                Some(Value::String(text)) => web::answer(200, text.clone()),
                Some(value) => web::answer(200, value.to_string()),
                None => web::answer(400, r#"{"__type":"UnknownOperationException"}"#),
            };
        }
        if path == "/list-group-resources" {
            let resources: Vec<Value> = self
                .members
                .iter()
                .map(|arn| json!({ "Identifier": { "ResourceArn": arn } }))
                .collect();
            return web::answer(200, json!({ "Resources": resources }).to_string());
        }
        let key = path.trim_start_matches('/').replace("%3D", "=");
        match *request.method() {
            Method::PUT | Method::DELETE if self.read_only.contains(&key) => {
                web::answer(403, "<Error><Code>AccessDenied</Code></Error>")
            }
            Method::PUT => {
                self.objects.insert(key, request.body().to_vec());
                web::answer(200, "")
            }
            Method::DELETE => {
                self.objects.remove(&key);
                web::answer(204, "")
            }
            _ => match request.uri().query() {
                Some(query) if query.contains("list-type=2") => {
                    self.list(key.trim_end_matches('/'), query)
                }
                _ => self.object(&key, request),
            },
        }
    }

    fn log(&mut self, action: &str, body: &str) -> Option<Response<Bytes>> {
        let asked: Value = serde_json::from_str(body).expect("JSON");
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let missing = || web::answer(400, r#"{"__type":"ResourceNotFoundException"}"#);
        let Some(group) = self.log_groups.get_mut(&text("logGroupName")) else {
            return missing();
        };
        if action == "CreateLogStream" {
            group.entry(text("logStreamName")).or_default();
            return web::answer(200, "");
        }
        let Some(stream) = group.get_mut(&text("logStreamName")) else {
            return missing();
        };
        let events = asked["logEvents"].as_array().expect("events");
        assert!(events.is_sorted_by_key(|event| event["timestamp"].as_i64()));
        stream.extend(events.iter().cloned());
        web::answer(200, "{}")
    }

    fn object(&self, key: &str, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        if self.forbidden.contains(key) {
            return web::answer(403, "<Error><Code>AccessDenied</Code></Error>");
        }
        let Some(object) = self.objects.get(key) else {
            return web::answer(404, "<Error><Code>NoSuchKey</Code></Error>");
        };
        let range = request
            .headers()
            .get("range")
            .and_then(|own| own.to_str().ok());
        let from: usize = range.map_or(0, |own| {
            own.trim_start_matches("bytes=")
                .trim_end_matches('-')
                .parse()
                .expect("a number")
        });
        if from > 0 && from >= object.len() {
            return web::answer(416, "");
        }
        let mut answer = web::answer(200, object[from..].to_vec())?;
        answer
            .headers_mut()
            .insert("etag", "\"0123\"".parse().expect("a header"));
        answer.headers_mut().insert(
            "last-modified",
            "Sat, 28 Nov 2026 21:06:40 GMT".parse().expect("a header"),
        );
        Some(answer)
    }

    /// Two objects at a time, so that lists have parts.
    fn list(&self, bucket: &str, query: &str) -> Option<Response<Bytes>> {
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(own, _)| *own == name)
                .map(|(_, value)| value.replace("%2F", "/"))
        };
        let prefix = format!("{bucket}/{}", value("prefix").unwrap_or_default());
        let after = value("continuation-token").unwrap_or_default();
        let keys: Vec<&String> = self
            .objects
            .keys()
            .filter(|key| key.starts_with(&prefix) && **key > after)
            .collect();
        let contents: String = keys.iter().take(2).map(|key| {
            let key = key.strip_prefix(&format!("{bucket}/")).expect("it begins so");
            format!("<Contents><Key>{key}</Key><LastModified>2026-11-28T21:06:40.000Z</LastModified></Contents>")
        }).collect();
        let next = if keys.len() > 2 {
            format!("<NextContinuationToken>{}</NextContinuationToken>", keys[1])
        } else {
            String::new()
        };
        web::answer(
            200,
            format!("<ListBucketResult>{contents}{next}</ListBucketResult>"),
        )
    }

    fn secret(&mut self, body: &str) -> Option<Response<Bytes>> {
        self.reads_of_secrets += 1;
        let asked: Value = serde_json::from_str(body).expect("JSON");
        let name = asked["SecretId"].as_str().unwrap_or_default();
        let own = name.split_once(":secret:").map_or(name, |(_, own)| own);
        assert!(own.starts_with("logfleet/alpha/main"), "{name}");
        let back = if asked["VersionStage"] == "AWSCURRENT" {
            1
        } else {
            2
        };
        let Some(password) = self
            .passwords
            .len()
            .checked_sub(back)
            .map(|at| &self.passwords[at])
        else {
            return web::answer(
                400,
                r#"{"__type":"ResourceNotFoundException","message":"m"}"#,
            );
        };
        let text = json!({ "es.user": "writer", "password": password }).to_string();
        web::answer(200, json!({ "SecretString": text }).to_string())
    }
}
