//! A model of what Elasticsearch and OpenSearch do with API objects: what they refuse, and how they give back what they
//! were sent. Tests against real servers say whether it is right.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use logfleet_contract::index::Kind;
use logfleet_contract::server::Backend;
use serde_json::{Map, Value, json};

use crate::played::{Played, Request};
use crate::program::PASSWORD;

/// What a server holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Bodies by kind and name, as they were sent.
    pub objects: BTreeMap<Kind, BTreeMap<String, Value>>,
    /// Versions of documents and policies.
    versions: BTreeMap<String, u64>,
    version: u64,
    /// Documents of ordinary indices, by path.
    documents: BTreeMap<String, Value>,
    /// Records in data streams: the stream and the user.
    pub records: Vec<(String, String)>,
    /// Policies that indices were told of.
    pub reattached: Vec<String>,
    /// API keys by their ids, as they are listed; the key itself is in `value`.
    pub api_keys: BTreeMap<String, Value>,
}

/// A played server with the model behind it.
pub struct Model {
    pub played: Played,
    pub state: Arc<Mutex<State>>,
    pub backend: Backend,
}

impl Model {
    /// An empty server.
    pub fn start(backend: Backend) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        let played = Played::start(move |request| own.lock().unwrap().answer(backend, request));
        Self {
            played,
            state,
            backend,
        }
    }

    /// The same, which hashes passwords, and takes as long for each.
    pub fn start_slow(backend: Backend, each: std::time::Duration) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        let played = Played::start(move |request| {
            if request.method == "PATCH" && request.path == user_kind(backend).api() {
                let users = request.json().as_array().map_or(0, Vec::len);
                std::thread::sleep(each * u32::try_from(users).unwrap());
            }
            own.lock().unwrap().answer(backend, request)
        });
        Self {
            played,
            state,
            backend,
        }
    }

    /// The same, reached by TLS.
    pub fn start_tls(backend: Backend) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        let played = Played::start_tls(move |request| own.lock().unwrap().answer(backend, request));
        Self {
            played,
            state,
            backend,
        }
    }

    /// What is in it, without the inventory: to compare two servers. Passwords and ids are left out.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        let state = self.state.lock().unwrap();
        let mut all = BTreeMap::new();
        for (kind, objects) in &state.objects {
            for (name, body) in objects {
                let mut body = body.clone();
                if let Value::Object(map) = &mut body {
                    map.shift_remove("password");
                }
                all.insert(format!("{}/{name}", kind.api()), body);
            }
        }
        for key in state.api_keys.values().filter(|key| works(key)) {
            let path = format!("_security/api_key/{}", key["name"].as_str().unwrap());
            let all_of_it = all.entry(path).or_insert_with(|| json!([]));
            let role = key["role_descriptors"]["writer"].clone();
            all_of_it.as_array_mut().unwrap().push(role);
        }
        all
    }

    /// Whether somebody signs in with what a secret holds.
    pub fn lets_in(&self, (identifier, value): &(String, String)) -> bool {
        let state = self.state.lock().unwrap();
        let key = state.api_keys.get(identifier);
        let by_key = key.is_some_and(|key| works(key) && key["value"] == *value);
        drop(state);
        by_key || self.password(identifier).as_ref() == Some(value)
    }

    /// The password of a user, as it was sent.
    pub fn password(&self, name: &str) -> Option<String> {
        let state = self.state.lock().unwrap();
        let kind = user_kind(self.backend);
        let body = state.objects.get(&kind)?.get(name)?;
        body["password"].as_str().map(ToOwned::to_owned)
    }

    /// Somebody else puts an object there, or takes it away.
    pub fn set(&self, kind: Kind, name: &str, body: Option<Value>) {
        let mut state = self.state.lock().unwrap();
        if let Some(body) = body {
            let objects = state.objects.entry(kind).or_default();
            objects.insert(name.to_owned(), body);
        } else {
            state.versions.remove(&version_key(kind, name));
            state.objects.entry(kind).or_default().remove(name);
        }
    }

    /// Somebody deletes the inventory.
    pub fn lose_inventory(&self) {
        let mut state = self.state.lock().unwrap();
        state.documents.clear();
        state
            .versions
            .retain(|path, _| !path.starts_with("logfleet-inventory"));
    }

    /// The inventory's document.
    pub fn inventory(&self) -> Value {
        let state = self.state.lock().unwrap();
        state
            .documents
            .get("logfleet-inventory/_doc/inventory")
            .cloned()
            .unwrap_or_default()
    }
}

fn works(key: &Value) -> bool {
    key["invalidated"] == false
}

fn user_kind(backend: Backend) -> Kind {
    match backend {
        Backend::Elasticsearch => Kind::User,
        Backend::Opensearch => Kind::OpensearchUser,
    }
}

fn version_key(kind: Kind, name: &str) -> String {
    format!("{}/{name}", kind.api())
}

type Reply = (u16, Value);

fn error(status: u16, reason: &str) -> Reply {
    (
        status,
        json!({ "error": { "root_cause": [{ "reason": reason }], "reason": reason }, "status": status }),
    )
}

fn ok() -> Reply {
    (200, json!({ "acknowledged": true }))
}

impl State {
    /// Answers a request.
    pub fn answer(&mut self, backend: Backend, request: &Request) -> Reply {
        if request.path == "_bulk" {
            return self.bulk(backend, request);
        }
        if request.user != "admin" || request.password != PASSWORD {
            return error(401, "unauthorized");
        }
        self.objects(backend, request)
    }

    /// The same for whoever is signed in already.
    pub fn objects(&mut self, backend: Backend, request: &Request) -> Reply {
        if let Some(rest) = request.path.strip_prefix("logfleet-inventory") {
            return self.document(request, rest);
        }
        if request.path == "_msearch" {
            // Records aren't kept here, only who wrote them.
            let nothing = json!({ "status": 200, "hits": { "hits": [] } });
            let questions = request.body.lines().count() / 2;
            return (200, json!({ "responses": vec![nothing; questions] }));
        }
        if let Some(patterns) = request.path.strip_prefix("_plugins/_ism/change_policy/") {
            self.reattached
                .push(format!("{patterns} {}", request.json()["policy_id"]));
            return (
                200,
                json!({ "updated_indices": 1, "failures": false, "failed_indices": [] }),
            );
        }
        if let Some(rest) = request.path.strip_prefix("_security/api_key") {
            return self.api_key(request, rest.trim_start_matches('/'));
        }
        let kinds = Kind::ALL
            .into_iter()
            .filter(|kind| kind.backend().is_none_or(|own| own == backend));
        for kind in kinds {
            if request.path == kind.api() {
                return match request.method.as_str() {
                    "GET" => (200, self.list(kind)),
                    "PATCH" => self.patch(kind, &request.json()),
                    _ => error(405, "Incorrect HTTP method for uri"),
                };
            }
            if let Some(name) = request
                .path
                .strip_prefix(kind.api())
                .and_then(|rest| rest.strip_prefix('/'))
            {
                return match request.method.as_str() {
                    "PUT" => self.put(kind, name, request),
                    "DELETE" => self.delete(kind, name),
                    _ => error(405, "Incorrect HTTP method for uri"),
                };
            }
        }
        error(
            400,
            &format!("no handler found for uri [/{}]", request.path),
        )
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = (&String, &Value)> {
        self.objects.get(&kind).into_iter().flatten()
    }

    fn document(&mut self, request: &Request, rest: &str) -> Reply {
        let path = request.path.clone();
        match (request.method.as_str(), rest) {
            ("PUT", "") => {
                let made = self.documents.insert(path, Value::Null).is_none();
                if made {
                    ok()
                } else {
                    error(400, "index [logfleet-inventory] already exists")
                }
            }
            ("GET", _) => match self.documents.get(&path) {
                Some(source) => (
                    200,
                    json!({ "found": true, "_seq_no": self.versions[&path], "_primary_term": 1, "_source": source }),
                ),
                None => (404, json!({ "found": false })),
            },
            ("PUT", _) => {
                let there = self.versions.get(&path).copied();
                let allowed = match there {
                    None => request.query == "op_type=create",
                    Some(version) => {
                        request.query == format!("if_seq_no={version}&if_primary_term=1")
                    }
                };
                if !allowed {
                    return error(409, "version conflict, current version is another");
                }
                self.version += 1;
                self.versions.insert(path.clone(), self.version);
                self.documents.insert(path, request.json());
                (200, json!({ "_seq_no": self.version, "_primary_term": 1 }))
            }
            _ => error(405, "Incorrect HTTP method for uri"),
        }
    }

    fn api_key(&mut self, request: &Request, id: &str) -> Reply {
        let body = request.json();
        match request.method.as_str() {
            "GET" => {
                let pattern = request.query.strip_prefix("name=").unwrap();
                let fits = |name: &str| match pattern.strip_suffix('*') {
                    Some(beginning) => name.starts_with(beginning),
                    None => name == pattern,
                };
                let listed = self.api_keys.values().filter_map(|key| {
                    let mut key = key.clone();
                    key.as_object_mut().unwrap().shift_remove("value");
                    fits(key["name"].as_str().unwrap()).then_some(key)
                });
                (200, json!({ "api_keys": listed.collect::<Vec<_>>() }))
            }
            "POST" => {
                self.version += 1;
                let id = format!("id{}", self.version);
                let value = format!("canary-key-{}-of-the-server", self.version);
                let mut descriptors = body["role_descriptors"].clone();
                for role in descriptors.as_object_mut().unwrap().values_mut() {
                    *role = self.shown(Kind::Role, "", role);
                }
                let name = &body["name"];
                let key = json!({
                    "id": id, "name": name, "value": value, "invalidated": false,
                    "username": request.user, "realm": "native",
                    "metadata": body["metadata"], "role_descriptors": descriptors,
                });
                self.api_keys.insert(id.clone(), key);
                (
                    200,
                    json!({ "id": id, "name": name, "api_key": value, "encoded": "…" }),
                )
            }
            "PUT" => {
                let role = self.shown(Kind::Role, "", &body["role_descriptors"]["writer"]);
                let Some(key) = self.api_keys.get_mut(id) else {
                    return error(404, "no API key owned by requesting user found");
                };
                if key["invalidated"] == true {
                    return error(400, "cannot update invalidated API key");
                }
                key["role_descriptors"]["writer"] = role;
                (200, json!({ "updated": true }))
            }
            "DELETE" => {
                let mut invalidated = Vec::new();
                for id in body["ids"].as_array().unwrap() {
                    if let Some(key) = self.api_keys.get_mut(id.as_str().unwrap()) {
                        key["invalidated"] = json!(true);
                        invalidated.push(id.clone());
                    }
                }
                (
                    200,
                    json!({ "invalidated_api_keys": invalidated, "error_count": 0 }),
                )
            }
            _ => error(405, "Incorrect HTTP method for uri"),
        }
    }

    /// What whoever sends a request may write to: nothing if the credential is wrong, everything if it is a user's.
    fn grants(&self, backend: Backend, request: &Request) -> Option<Vec<Value>> {
        if request.scheme == "ApiKey" {
            let key = self.api_keys.get(&request.user)?;
            let is_right = key["value"] == request.password && works(key);
            let names = key.pointer("/role_descriptors/writer/indices/0/names");
            return is_right.then(|| names.unwrap().as_array().unwrap().clone());
        }
        let mut users = self.of(user_kind(backend));
        let is_right =
            users.any(|(name, body)| *name == request.user && body["password"] == request.password);
        is_right.then(|| {
            let streams = self.of(Kind::DataStream);
            streams.map(|(name, _)| json!(name)).collect()
        })
    }

    fn list(&self, kind: Kind) -> Value {
        let all = self.of(kind);
        match kind {
            Kind::ComponentTemplate => json!({ "component_templates": all
                .map(|(name, body)| json!({ "name": name, "component_template": shown_template(body) }))
                .collect::<Vec<_>>() }),
            Kind::IndexTemplate => json!({ "index_templates": all
                .map(|(name, body)| json!({ "name": name, "index_template": shown_template(body) }))
                .collect::<Vec<_>>() }),
            Kind::DataStream => {
                json!({ "data_streams": all.map(|(name, _)| json!({ "name": name, "generation": 1 })).collect::<Vec<_>>() })
            }
            Kind::StatePolicy => {
                let policies = all.map(|(name, body)| {
                    let mut policy = body["policy"].clone();
                    policy["policy_id"] = json!(name);
                    policy["schema_version"] = json!(21);
                    policy["error_notification"] = Value::Null;
                    json!({ "_id": name, "_seq_no": self.versions[&version_key(kind, name)], "_primary_term": 1, "policy": policy })
                });
                json!({ "policies": policies.collect::<Vec<_>>(), "total_policies": 0 })
            }
            _ => Value::Object(
                all.map(|(name, body)| (name.clone(), self.shown(kind, name, body)))
                    .collect(),
            ),
        }
    }

    fn shown(&self, kind: Kind, name: &str, body: &Value) -> Value {
        let mut body = body.clone();
        let map = body.as_object_mut().unwrap();
        map.shift_remove("password");
        match kind {
            Kind::LifecyclePolicy => {
                let streams = self.of(Kind::DataStream);
                let uses = streams.filter(|(stream, _)| self.policy_of(stream) == Some(name));
                let indices: Vec<String> = uses
                    .map(|(stream, _)| format!(".ds-{stream}-2026.01.01-000001"))
                    .collect();
                map.insert("in_use_by".into(), json!({ "indices": indices }));
            }
            Kind::User => {
                map.insert("username".into(), json!(name));
                map.insert("email".into(), Value::Null);
                map.entry("enabled").or_insert(json!(true));
            }
            Kind::Role => {
                map.insert("transient_metadata".into(), json!({ "enabled": true }));
                for field in ["applications", "run_as"] {
                    map.entry(field).or_insert(json!([]));
                }
            }
            _ if kind.backend() == Some(Backend::Opensearch) => {
                for field in ["reserved", "hidden", "static"] {
                    map.insert(field.into(), json!(false));
                }
                if kind == Kind::OpensearchUser {
                    map.insert("hash".into(), json!(""));
                    map.insert("attributes".into(), json!({}));
                }
            }
            _ => {}
        }
        body
    }

    fn template_of(&self, stream: &str) -> Option<(&String, &Value)> {
        let all = self.of(Kind::IndexTemplate);
        let matching = all.filter(|(_, body)| has_pattern(body, stream));
        matching.max_by_key(|(_, body)| body["priority"].as_u64())
    }

    fn policy_of(&self, stream: &str) -> Option<&str> {
        let (_, body) = self.template_of(stream)?;
        body.pointer("/template/settings/index/lifecycle/name")?
            .as_str()
    }

    fn put(&mut self, kind: Kind, name: &str, request: &Request) -> Reply {
        let body = request.json();
        if kind == Kind::DataStream {
            assert_eq!(request.body, "", "a data stream has no body");
            if self.of(kind).any(|(there, _)| there == name) {
                return error(400, &format!("data_stream [{name}] already exists"));
            }
            if self.template_of(name).is_none() {
                return error(
                    400,
                    &format!("no matching index template found for data stream [{name}]"),
                );
            }
        }
        if kind == Kind::StatePolicy {
            let key = version_key(kind, name);
            let wanted = self
                .versions
                .get(&key)
                .map(|version| format!("if_seq_no={version}&if_primary_term=1"));
            if wanted.unwrap_or_default() != request.query {
                return error(409, "version conflict");
            }
            self.version += 1;
            self.versions.insert(key, self.version);
        }
        if kind == Kind::IndexTemplate
            && let Some(refused) = self.refused_template(name, Some(&body))
        {
            return refused;
        }
        if matches!(kind, Kind::User | Kind::OpensearchUser) && !body["password"].is_string() {
            return error(400, "password is missing");
        }
        let body = if body.is_null() { json!({}) } else { body };
        self.objects
            .entry(kind)
            .or_default()
            .insert(name.to_owned(), body);
        ok()
    }

    /// Why a template can't be as it would be, or can't go.
    fn refused_template(&self, name: &str, body: Option<&Value>) -> Option<Reply> {
        if let Some(body) = body {
            for part in body["composed_of"].as_array().into_iter().flatten() {
                if !self
                    .of(Kind::ComponentTemplate)
                    .any(|(there, _)| part == there.as_str())
                {
                    return Some(error(
                        400,
                        &format!("component template {part} does not exist"),
                    ));
                }
            }
            let mut others = self
                .of(Kind::IndexTemplate)
                .filter(|(other, _)| *other != name);
            let same = others.find(|(_, other)| {
                let mut patterns = body["index_patterns"].as_array().into_iter().flatten();
                other["priority"] == body["priority"]
                    && patterns.any(|pattern| has_pattern(other, pattern.as_str().unwrap()))
            });
            if same.is_some() {
                return Some(error(
                    400,
                    "that have the same priority, please use a different priority",
                ));
            }
        }
        for (stream, _) in self.of(Kind::DataStream) {
            let counts = self
                .template_of(stream)
                .is_some_and(|(there, _)| there == name);
            let others = self
                .of(Kind::IndexTemplate)
                .any(|(other, body)| other != name && has_pattern(body, stream));
            let still = body.is_some_and(|body| has_pattern(body, stream));
            if counts && !still && (body.is_none() || !others) {
                return Some(error(
                    400,
                    &format!(
                        "would cause data streams [{stream}] to no longer match a data stream template"
                    ),
                ));
            }
        }
        None
    }

    fn delete(&mut self, kind: Kind, name: &str) -> Reply {
        if !self.of(kind).any(|(there, _)| there == name) {
            return error(404, "not found");
        }
        if kind == Kind::IndexTemplate
            && let Some(refused) = self.refused_template(name, None)
        {
            return refused;
        }
        let is_part = |body: &Value| {
            body["composed_of"]
                .as_array()
                .is_some_and(|parts| parts.contains(&json!(name)))
        };
        if kind == Kind::ComponentTemplate
            && self.of(Kind::IndexTemplate).any(|(_, body)| is_part(body))
        {
            return error(
                400,
                "component templates cannot be removed as they are still in use by index templates",
            );
        }
        if kind == Kind::LifecyclePolicy
            && self
                .of(Kind::DataStream)
                .any(|(stream, _)| self.policy_of(stream) == Some(name))
        {
            return error(
                400,
                "Cannot delete policy. It is in use by one or more indices",
            );
        }
        self.objects.entry(kind).or_default().remove(name);
        self.versions.remove(&version_key(kind, name));
        ok()
    }

    /// All or nothing.
    fn patch(&mut self, kind: Kind, operations: &Value) -> Reply {
        let mut objects = self.objects.get(&kind).cloned().unwrap_or_default();
        for operation in operations.as_array().unwrap() {
            let name = operation["path"]
                .as_str()
                .unwrap()
                .trim_start_matches('/')
                .to_owned();
            match operation["op"].as_str().unwrap() {
                "add" => {
                    let value = &operation["value"];
                    if kind == Kind::OpensearchUser && !value["password"].is_string() {
                        return error(400, "password is missing");
                    }
                    objects.insert(name, value.clone());
                }
                "remove" => {
                    if objects.remove(&name).is_none() {
                        return error(400, "no such path in target JSON document");
                    }
                }
                other => panic!("{other}"),
            }
        }
        self.objects.insert(kind, objects);
        (200, json!({ "status": "OK" }))
    }

    fn bulk(&mut self, backend: Backend, request: &Request) -> Reply {
        let Some(granted) = self.grants(backend, request) else {
            return error(401, "unauthorized");
        };
        let lines: Vec<Value> = request
            .body
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut items = Vec::new();
        for pair in lines.chunks(2) {
            let stream = pair[0]["create"]["_index"].as_str().unwrap().to_owned();
            let is_there = self.of(Kind::DataStream).any(|(there, _)| *there == stream);
            if is_there && granted.contains(&json!(stream)) {
                self.records.push((stream, request.user.clone()));
                items.push(json!({ "create": { "status": 201 } }));
            } else {
                items.push(
                    json!({ "create": { "status": 403, "error": { "reason": "no permissions" } } }),
                );
            }
        }
        (200, json!({ "errors": false, "items": items }))
    }
}

fn has_pattern(body: &Value, stream: &str) -> bool {
    let mut patterns = body["index_patterns"].as_array().into_iter().flatten();
    patterns.any(|pattern| pattern.as_str() == Some(stream))
}

/// Settings come back as texts, and what isn't set as nothing.
fn shown_template(body: &Value) -> Value {
    fn texts(value: &Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), texts(value)))
                    .collect::<Map<_, _>>(),
            ),
            Value::Array(list) => list.iter().map(texts).collect(),
            Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
            other => other.clone(),
        }
    }
    let mut body = body.clone();
    if let Some(settings) = body.pointer_mut("/template/settings") {
        *settings = texts(settings);
    }
    body
}
