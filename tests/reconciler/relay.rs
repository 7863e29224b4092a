//! A real server, reached through a relay on this machine that plays what this build of the server lacks: ISM on
//! OpenSearch; ILM and the API of data streams on Elasticsearch, where the first document makes a stream by the same
//! template. Everything else, security and templates, is the real server's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::client::{Answer, Client, Identity};
use crate::elasticsearch::Elasticsearch;
use crate::model::State;
use crate::opensearch::OpenSearch;
use crate::played::{Played, Request};

/// The administrator that the reconciler signs in as.
pub const ADMINISTRATOR: &str = "reconciler-of-tests";

/// Their password.
pub const PASSWORD: &str = "Canary8-of-the-administrator";

type Connect = Box<dyn Fn(&Identity) -> Client + Send + Sync>;

/// A real server with its relay.
pub struct Real {
    pub backend: Backend,
    pub played: Played,
    /// Somebody who may do everything.
    pub admin: &'static Client,
    connect: Arc<Connect>,
    /// What is played.
    pub lacking: Arc<Mutex<State>>,
}

impl Real {
    /// The server; none where it isn't installed.
    pub fn start(backend: Backend) -> Option<Self> {
        let (admin, connect): (&'static Client, Connect) = match backend {
            Backend::Opensearch => {
                let server = OpenSearch::shared()?;
                (&server.admin, Box::new(|identity| server.client(identity)))
            }
            Backend::Elasticsearch => {
                let server = Elasticsearch::shared()?;
                (&server.admin, Box::new(|identity| server.client(identity)))
            }
        };
        let (path, body) = match backend {
            Backend::Opensearch => (
                format!("_plugins/_security/api/internalusers/{ADMINISTRATOR}"),
                json!({ "password": PASSWORD, "backend_roles": ["admin"] }),
            ),
            Backend::Elasticsearch => (
                format!("_security/user/{ADMINISTRATOR}"),
                json!({ "password": PASSWORD, "roles": ["superuser"] }),
            ),
        };
        let made = admin.send("PUT", &path, Some(&body));
        assert!(matches!(made.status, 200 | 201), "{made:?}");
        let connect = Arc::new(connect);
        let lacking = Arc::new(Mutex::new(State::default()));
        let relay = Relay {
            backend,
            connect: Arc::clone(&connect),
            clients: Mutex::default(),
            lacking: Arc::clone(&lacking),
            policies: Mutex::default(),
        };
        let played = Played::start(move |request| relay.answer(request));
        Some(Self {
            backend,
            played,
            admin,
            connect,
            lacking,
        })
    }

    /// A client with an API key, directly at the server.
    pub fn client_by_key(&self, id: &str, key: &str) -> Client {
        (self.connect)(&by_key(id, key))
    }

    /// A client with a password, directly at the server.
    pub fn client(&self, user: &str, password: &str) -> Client {
        (self.connect)(&Identity::Password(user.to_owned(), password.to_owned()))
    }
}

struct Relay {
    backend: Backend,
    connect: Arc<Connect>,
    clients: Mutex<BTreeMap<(String, String), Client>>,
    lacking: Arc<Mutex<State>>,
    /// The policies that index templates name, which the server would refuse.
    policies: Mutex<BTreeMap<String, Value>>,
}

fn by_key(id: &str, key: &str) -> Identity {
    Identity::ApiKey(STANDARD.encode(format!("{id}:{key}")))
}

fn pair(answer: Answer) -> (u16, Value) {
    (answer.status, answer.body)
}

impl Relay {
    fn client(&self, request: &Request) -> Client {
        let key = (request.user.clone(), request.password.clone());
        let mut clients = self.clients.lock().unwrap();
        let identity = match request.scheme.as_str() {
            "ApiKey" => by_key(&key.0, &key.1),
            _ => Identity::Password(key.0.clone(), key.1.clone()),
        };
        let new = || (self.connect)(&identity);
        clients.entry(key.clone()).or_insert_with(new).clone()
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let client = self.client(request);
        let is_played =
            request.path.starts_with("_plugins/_ism/") || request.path.starts_with("_ilm/");
        if is_played {
            assert_eq!(request.user, ADMINISTRATOR);
            return self.lacking.lock().unwrap().objects(self.backend, request);
        }
        if self.backend == Backend::Elasticsearch {
            if let Some(rest) = request.path.strip_prefix("_data_stream") {
                assert_eq!(request.user, ADMINISTRATOR);
                return Self::data_streams(&client, request, rest.trim_start_matches('/'));
            }
            if let Some(rest) = request.path.strip_prefix("_index_template") {
                return self.templates(&client, request, rest.trim_start_matches('/'));
            }
        }
        let query = if request.query.is_empty() {
            String::new()
        } else {
            format!("?{}", request.query)
        };
        let kind = if request.kind.is_empty() {
            "application/json"
        } else {
            &request.kind
        };
        pair(client.send_text(
            &request.method,
            &format!("{}{query}", request.path),
            kind,
            &request.body,
        ))
    }

    fn data_streams(client: &Client, request: &Request, name: &str) -> (u16, Value) {
        match request.method.as_str() {
            "GET" => {
                let answer = client.send("GET", "_resolve/index/*?expand_wildcards=all", None);
                assert_eq!(answer.status, 200, "{answer:?}");
                (200, json!({ "data_streams": answer.body["data_streams"] }))
            }
            "PUT" => {
                assert_eq!(request.body, "");
                let document = json!({ "@timestamp": "2026-01-02T03:04:05Z", "message": "first" });
                let lines = [json!({ "create": { "_index": name } }), document];
                let answer = client.bulk("_bulk", &lines);
                let status = answer.body["items"][0]["create"]["status"].as_u64();
                assert_eq!(status, Some(201), "{answer:?}");
                (200, json!({ "acknowledged": true }))
            }
            _ => (
                405,
                json!({ "error": "this build can't delete data streams" }),
            ),
        }
    }

    /// The setting `index.lifecycle.name` belongs to the module that this build lacks.
    fn templates(&self, client: &Client, request: &Request, name: &str) -> (u16, Value) {
        const AT: &str = "/template/settings/index";
        let mut policies = self.policies.lock().unwrap();
        if request.method == "PUT" {
            let mut body = request.json();
            if let Some(Value::Object(index)) = body.pointer_mut(AT)
                && let Some(policy) = index.shift_remove("lifecycle")
            {
                policies.insert(name.to_owned(), policy);
            }
            return pair(client.send("PUT", &request.path, Some(&body)));
        }
        let mut answer = client.send(&request.method, &request.path, None);
        for item in answer.body["index_templates"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            let policy = item["name"]
                .as_str()
                .and_then(|name| policies.get(name))
                .cloned();
            if let Some(policy) = policy {
                item["index_template"]["template"]["settings"]["index"]["lifecycle"] = policy;
            }
        }
        pair(answer)
    }
}
