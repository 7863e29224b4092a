//! The rendered index objects on real servers, and what the rendered roles
//! allow and refuse there.

pub mod events;
mod moving;
mod readers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::client::{Answer, Client, Identity};
use crate::documents;
use crate::elasticsearch::Elasticsearch;
use crate::fleet::{self, CLUSTERS, Object, STREAMS, WITH_CERTIFICATE, WITH_KEY, data_stream};
use crate::opensearch::OpenSearch;

/// The password of every writer.
pub const PASSWORD: &str = "Vq8-logfleet-tests-5xT";

/// A server that holds everything the fleet says to it.
pub struct Target {
    pub name: &'static str,
    pub destination: &'static str,
    /// Where it is, and the certificate of the authority that signed its own, in PEM.
    pub url: String,
    pub authority: String,
    /// Endpoints that this build of the server lacks, though every real one has them.
    missing: &'static [Missing],
    /// Where users are made.
    users: &'static str,
    admin: &'static Client,
    connect: Box<dyn Fn(&Identity) -> Client + Send + Sync>,
    connect_with_certificate: Box<dyn Fn(&str) -> Client + Send + Sync>,
}

/// An endpoint that isn't there, and how exactly the server says so.
struct Missing {
    prefix: &'static str,
    status: u16,
    before_path: &'static str,
    after_path: &'static str,
}

const fn unknown(prefix: &'static str) -> Missing {
    Missing {
        prefix,
        status: 400,
        before_path: "no handler found for uri [/",
        after_path: "] and method [PUT]",
    }
}

const OPENSEARCH_LACKS: [Missing; 1] = [unknown("_plugins/_ism/policies/")];

const ELASTICSEARCH_LACKS: [Missing; 2] = [
    unknown("_ilm/policy/"),
    // Part of the path is some other endpoint's.
    Missing {
        prefix: "_data_stream/",
        status: 405,
        before_path: "Incorrect HTTP method for uri [/",
        after_path: "] and method [PUT], allowed: [POST]",
    },
];

impl Missing {
    fn says_so(&self, object: &Object, answer: &Answer) {
        let error = format!("{}{}{}", self.before_path, object.path, self.after_path);
        assert_eq!(
            (answer.status, answer.body["error"].as_str()),
            (self.status, Some(error.as_str())),
            "{}: {answer:?}",
            object.path
        );
    }
}

/// OpenSearch with everything installed; none where it isn't there.
pub fn opensearch() -> Option<&'static Target> {
    static TARGET: OnceLock<Option<Target>> = OnceLock::new();
    TARGET
        .get_or_init(|| {
            let server = OpenSearch::shared()?;
            let target = Target {
                name: "OpenSearch",
                url: server.url().to_owned(),
                authority: server.authority(),
                destination: "open",
                missing: &OPENSEARCH_LACKS,
                users: "_plugins/_security/api/internalusers/",
                admin: &server.admin,
                connect: Box::new(|identity| server.client(identity)),
                connect_with_certificate: Box::new(|name| server.certificate_client(name)),
            };
            target.install();
            Some(target)
        })
        .as_ref()
}

/// Elasticsearch with everything installed; none where it isn't there.
pub fn elasticsearch() -> Option<&'static Target> {
    static TARGET: OnceLock<Option<Target>> = OnceLock::new();
    TARGET
        .get_or_init(|| {
            let server = Elasticsearch::shared()?;
            let target = Target {
                name: "Elasticsearch",
                url: server.url().to_owned(),
                authority: server.authority(),
                destination: "elastic",
                missing: &ELASTICSEARCH_LACKS,
                users: "_security/user/",
                admin: &server.admin,
                connect: Box::new(|identity| server.client(identity)),
                connect_with_certificate: Box::new(|name| server.certificate_client(name)),
            };
            target.install();
            Some(target)
        })
        .as_ref()
}

impl Target {
    /// Sends every file of every cluster, those that clusters share once.
    fn install(&self) {
        let mut sent: BTreeMap<String, Value> = BTreeMap::new();
        for (cluster, _) in CLUSTERS.into_iter().chain([WITH_KEY]) {
            let objects = fleet::objects(cluster, self.destination);
            let streams = data_streams(&objects);
            for object in objects {
                if let Some(body) = sent.get(&object.path) {
                    assert_eq!(*body, object.body, "{}", object.path);
                    continue;
                }
                sent.insert(object.path.clone(), object.body.clone());
                self.put(object);
            }
            if self.missing("_data_stream/").is_some() {
                // Any first document makes the stream by the template, too.
                for stream in streams {
                    let answer = create(self.admin, &stream, "first", &record());
                    assert_eq!(item_status(&answer), 201, "{answer:?}");
                }
            }
        }
        let is_shared = |path: &&String| path.starts_with("_component_template/");
        let shared = sent.keys().filter(is_shared).count();
        // Containers, audit log, events, machines, AWS; and one for settings.
        assert_eq!(shared, 6, "{:?}", sent.keys());
    }

    /// Sends an object that the server must take, unless its build lacks the endpoint.
    fn put(&self, mut object: Object) {
        if object.path.starts_with(self.users) {
            object.body["password"] = json!(PASSWORD);
        }
        let answer = fleet::put(self.admin, &object);
        if let Some(missing) = self.missing(&object.path) {
            // Were it there after all, the exception would have to go.
            missing.says_so(&object, &answer);
        } else if self.lacks_life_cycles() && object.path.starts_with("_index_template/") {
            assert!(
                answer.status == 400
                    && answer
                        .body
                        .to_string()
                        .contains("unknown setting [index.lifecycle.name]"),
                "{answer:?}"
            );
            let object = without_life_cycle(object);
            succeeds(&object.path, &fleet::put(self.admin, &object));
        } else {
            succeeds(&object.path, &answer);
        }
    }

    fn missing(&self, path: &str) -> Option<&Missing> {
        self.missing
            .iter()
            .find(|missing| path.starts_with(missing.prefix))
    }

    /// The setting `index.lifecycle.name` belongs to the module that the build lacks.
    fn lacks_life_cycles(&self) -> bool {
        self.missing("_ilm/policy/").is_some()
    }

    fn writer(&self, slug: &str) -> Client {
        let name = format!("logfleet-{slug}-writer");
        if CLUSTERS.contains(&(WITH_CERTIFICATE, slug)) {
            return (self.connect_with_certificate)(&name);
        }
        (self.connect)(&Identity::Password(name, PASSWORD.to_owned()))
    }

    /// Somebody with the rendered read role. Who reads is not ours to render.
    fn reader(&self, slug: &str) -> Client {
        let (name, role) = (
            format!("somebody-{slug}"),
            format!("logfleet-{slug}-reader"),
        );
        let put =
            |path: &str, body: Value| succeeds(path, &self.admin.send("PUT", path, Some(&body)));
        if self.destination == "open" {
            put(
                &format!("{}{name}", self.users),
                json!({ "password": PASSWORD, "opendistro_security_roles": [role] }),
            );
        } else {
            put(
                &format!("{}{name}", self.users),
                json!({ "password": PASSWORD, "roles": [role] }),
            );
        }
        (self.connect)(&Identity::Password(name, PASSWORD.to_owned()))
    }

    /// The index behind a data stream that takes new records.
    fn backing_index(&self, stream: &str, id: &str) -> String {
        self.admin.send("POST", &format!("{stream}/_refresh"), None);
        let query = json!({ "query": { "ids": { "values": [id] } } });
        let answer = self
            .admin
            .send("POST", &format!("{stream}/_search"), Some(&query));
        let index = answer.body["hits"]["hits"][0]["_index"].as_str();
        index
            .unwrap_or_else(|| panic!("{id} isn't in {stream}: {answer:?}"))
            .to_owned()
    }

    /// A record as everybody can see it now: version and content.
    fn stored(&self, index: &str, id: &str) -> Value {
        let answer = self.admin.send("GET", &format!("{index}/_doc/{id}"), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        json!({ "version": answer.body["_version"], "source": answer.body["_source"] })
    }
}

/// An index template that names no policy.
fn without_life_cycle(mut template: Object) -> Object {
    template.body["template"]["settings"]["index"]
        .as_object_mut()
        .and_then(|index| index.remove("lifecycle"))
        .expect("Elasticsearch's index templates name the policy");
    template
}

fn succeeds(path: &str, answer: &Answer) {
    assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
}

fn refused(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 403, "{what}: {answer:?}");
}

/// The status of a bulk request's only operation, or of the whole where it was refused at once.
fn item_status(answer: &Answer) -> u64 {
    let item = answer.body["items"][0]
        .as_object()
        .and_then(|item| item.values().next());
    item.map_or(u64::from(answer.status), |item| {
        item["status"].as_u64().unwrap_or_default()
    })
}

fn operate(client: &Client, operation: &str, action: &Value, body: Option<&Value>) -> Answer {
    let mut lines = vec![json!({ operation: action })];
    lines.extend(body.cloned());
    client.bulk("_bulk", &lines)
}

fn create(client: &Client, stream: &str, id: &str, record: &Value) -> Answer {
    operate(
        client,
        "create",
        &json!({ "_index": stream, "_id": id }),
        Some(record),
    )
}

fn record() -> Value {
    json!({ "@timestamp": "2026-01-02T03:04:05.678901234Z", "message": "first" })
}

/// Runs a check of one back end as a test of its own.
macro_rules! on_both {
    ($($check:ident),* $(,)?) => {
        mod on_opensearch { $(#[test] fn $check() { super::opensearch().into_iter().for_each(super::$check); })* }
        mod on_elasticsearch { $(#[test] fn $check() { super::elasticsearch().into_iter().for_each(super::$check); })* }
    };
}

on_both! {
    the_writer_appends_to_its_own_streams_only_once,
    the_writer_may_not_read,
    the_writer_may_not_change_or_delete_records,
    the_writer_may_not_change_anything_else,
    the_writer_does_not_reach_another_clusters_streams,
    the_writer_learns_the_servers_version_and_nothing_else_of_it,
    the_reader_reads_its_own_and_nothing_else,
    the_mapping_takes_whatever_comes,
    records_at_fluentds_limits_are_taken,
    every_field_that_fluentd_sends_is_found,
}

fn the_writer_appends_to_its_own_streams_only_once(target: &Target) {
    for (cluster, slug) in CLUSTERS {
        let writer = target.writer(slug);
        // Those of AWS, too, whose records the forwarder writes.
        for name in data_streams(&fleet::objects(cluster, target.destination)) {
            let answer = create(&writer, &name, "once", &record());
            assert_eq!(
                item_status(&answer),
                201,
                "{} {name}: {answer:?}",
                target.name
            );
            let answer = create(&writer, &name, "once", &record());
            assert_eq!(
                item_status(&answer),
                409,
                "{} {name}: {answer:?}",
                target.name
            );
        }
    }
}

/// Filebeat and Logstash ask for it before they send anything.
fn the_writer_learns_the_servers_version_and_nothing_else_of_it(target: &Target) {
    let writer = target.writer("prod_eu");
    if target.destination == "open" {
        let answer = writer.send("GET", "", None);
        assert_eq!(answer.status, 200, "{}: {answer:?}", target.name);
        assert!(answer.body["version"]["number"].is_string(), "{answer:?}");
    } else {
        // This build of Elasticsearch has no `GET /`, but knows who may ask for it.
        let asked =
            json!({ "cluster": ["cluster:monitor/main", "monitor", "cluster:monitor/state"] });
        let answer = writer.send("POST", "_security/user/_has_privileges", Some(&asked));
        assert_eq!(
            answer.body["cluster"],
            json!({ "cluster:monitor/main": true, "monitor": false, "cluster:monitor/state": false }),
            "{answer:?}"
        );
    }
    for path in [
        "_cluster/health",
        "_cluster/settings",
        "_cluster/stats",
        "_nodes/stats",
        "_cat/indices",
        "_tasks",
    ] {
        let answer = writer.send("GET", path, None);
        assert_eq!(answer.status, 403, "{} {path}: {answer:?}", target.name);
    }
}

/// Elasticsearch's API keys get the rendered role as their own.
#[test]
fn an_api_key_with_the_writers_role_appends_and_nothing_else() {
    let Some(target) = elasticsearch() else {
        return;
    };
    let (cluster, slug) = WITH_KEY;
    let path = format!("_security/role/logfleet-{slug}-writer");
    let role = fleet::objects(cluster, target.destination)
        .into_iter()
        .find(|object| object.path == path)
        .expect("the writer's role is rendered");
    let wanted = json!({ "name": "shippers", "role_descriptors": { "writer": role.body } });
    let key = target
        .admin
        .send("POST", "_security/api_key", Some(&wanted));
    succeeds("_security/api_key", &key);
    let encoded = key.body["encoded"].as_str().expect("the key is encoded");
    let writer = (target.connect)(&Identity::ApiKey(encoded.to_owned()));
    for stream in STREAMS {
        let own = data_stream(slug, stream);
        assert_eq!(item_status(&create(&writer, &own, "keyed", &record())), 201);
        assert_eq!(item_status(&create(&writer, &own, "keyed", &record())), 409);
        let index = target.backing_index(&own, "keyed");
        for name in [&own, &index] {
            refused(
                "search",
                &writer.send("POST", &format!("{name}/_search"), Some(&json!({}))),
            );
            refused(
                "delete",
                &writer.send("DELETE", &format!("{name}/_doc/keyed"), None),
            );
            refused("index", &writer.send("DELETE", name, None));
        }
        let theirs = data_stream("prod_eu", stream);
        assert_eq!(
            item_status(&create(&writer, &theirs, "keyed", &record())),
            403
        );
    }
}

/// Amazon OpenSearch Service knows a signed request by its IAM role, which
/// can't be tried here: it must be the very one that the pods assume.
#[test]
fn the_role_of_aws_is_mapped_and_assumed() {
    let (cluster, slug) = WITH_KEY;
    let role = format!("arn:aws:iam::111122223333:role/logfleet-{cluster}-pods");
    let path = format!("_plugins/_security/api/rolesmapping/logfleet-{slug}-writer");
    let mapping = fleet::objects(cluster, "open")
        .into_iter()
        .find(|object| object.path == path)
        .expect("the writer's mapping is rendered");
    assert_eq!(
        mapping.body,
        // The pods, and in each Region the function that brings AWS's logs.
        json!({
            "description": "Managed by logfleet",
            "backend_roles": [
                role,
                format!("arn:aws:iam::111122223333:role/logfleet-{cluster}-forwarder-eu-central-1"),
                format!("arn:aws:iam::111122223333:role/logfleet-{cluster}-forwarder-us-east-1"),
            ],
        })
    );
    let account = fleet::text(cluster, "kubernetes/fluentd/service-account.yaml");
    assert!(
        account.contains(&format!("eks.amazonaws.com/role-arn: \"{role}\"")),
        "{account}"
    );
}

fn the_writer_may_not_read(target: &Target) {
    let writer = target.writer("prod_eu");
    let stream = data_stream("prod_eu", "applications");
    create(&writer, &stream, "unread", &record());
    let index = target.backing_index(&stream, "unread");
    for name in [&stream, &index] {
        refused(
            "search",
            &writer.send("POST", &format!("{name}/_search"), Some(&json!({}))),
        );
        refused(
            "count",
            &writer.send("GET", &format!("{name}/_count"), None),
        );
        refused(
            "get",
            &writer.send("GET", &format!("{name}/_doc/unread"), None),
        );
        refused(
            "mapping",
            &writer.send("GET", &format!("{name}/_mapping"), None),
        );
        refused(
            "settings",
            &writer.send("GET", &format!("{name}/_settings"), None),
        );
    }
    let all = writer.send("GET", "_search", None);
    assert!(
        all.status == 403 || all.body["hits"]["total"]["value"] == 0,
        "{all:?}"
    );
}

fn the_writer_may_not_change_or_delete_records(target: &Target) {
    let writer = target.writer("prod_eu");
    let stream = data_stream("prod_eu", "nodes");
    create(&writer, &stream, "kept", &record());
    let index = target.backing_index(&stream, "kept");
    let before = target.stored(&index, "kept");
    let other = json!({ "@timestamp": "2026-01-02T03:04:05Z", "message": "changed" });
    for name in [&stream, &index] {
        let action = json!({ "_index": name, "_id": "kept" });
        for (operation, body) in [
            ("index", Some(other.clone())),
            ("update", Some(json!({ "doc": other }))),
            ("delete", None),
        ] {
            let answer = operate(&writer, operation, &action, body.as_ref());
            assert!(
                matches!(item_status(&answer), 400 | 403),
                "{operation} {name}: {answer:?}"
            );
        }
        let put = writer.send("PUT", &format!("{name}/_doc/kept"), Some(&other));
        assert!(matches!(put.status, 400 | 403), "{put:?}");
        refused(
            "delete",
            &writer.send("DELETE", &format!("{name}/_doc/kept"), None),
        );
        refused(
            "update",
            &writer.send(
                "POST",
                &format!("{name}/_update/kept"),
                Some(&json!({ "doc": other })),
            ),
        );
        for scroll in ["_delete_by_query", "_update_by_query"] {
            let query = json!({ "query": { "match_all": {} } });
            let answer = writer.send("POST", &format!("{name}/{scroll}"), Some(&query));
            assert!(
                matches!(answer.status, 403 | 405 | 400),
                "{scroll}: {answer:?}"
            );
        }
    }
    assert_eq!(target.stored(&index, "kept"), before, "{}", target.name);
}

fn the_writer_may_not_change_anything_else(target: &Target) {
    let writer = target.writer("prod_eu");
    let stream = data_stream("prod_eu", "ingress");
    create(&writer, &stream, "here", &record());
    let index = target.backing_index(&stream, "here");
    let field = json!({ "properties": { "new": { "type": "keyword" } } });
    let template = json!({ "index_patterns": ["logs-mine-*"], "template": {} });
    for name in [&stream, &index] {
        refused(
            "mapping",
            &writer.send("PUT", &format!("{name}/_mapping"), Some(&field)),
        );
        let replicas = json!({ "index": { "number_of_replicas": 0 } });
        refused(
            "settings",
            &writer.send("PUT", &format!("{name}/_settings"), Some(&replicas)),
        );
        refused(
            "close",
            &writer.send("POST", &format!("{name}/_close"), None),
        );
        refused("index", &writer.send("DELETE", name, None));
    }
    refused(
        "rollover",
        &writer.send("POST", &format!("{stream}/_rollover"), None),
    );
    refused(
        "template",
        &writer.send("PUT", "_index_template/mine", Some(&template)),
    );
    let component = json!({ "template": {} });
    refused(
        "component",
        &writer.send("PUT", "_component_template/mine", Some(&component)),
    );
    refused("new index", &writer.send("PUT", "logs-mine-1", None));
    let answer = create(&writer, "logs-mine-1", "1", &record());
    assert_eq!(item_status(&answer), 403, "{answer:?}");
    let alias = json!({ "actions": [{ "add": { "index": index, "alias": "mine" } }] });
    refused("alias", &writer.send("POST", "_aliases", Some(&alias)));
    if target.destination == "open" {
        refused(
            "data stream",
            &writer.send("DELETE", &format!("_data_stream/{stream}"), None),
        );
        refused(
            "new stream",
            &writer.send("PUT", "_data_stream/logs-mine-1", None),
        );
    }
    let user = format!("{}mine", target.users);
    refused(
        "user",
        &writer.send(
            "PUT",
            &user,
            Some(&json!({ "password": PASSWORD, "roles": [] })),
        ),
    );
}

fn the_writer_does_not_reach_another_clusters_streams(target: &Target) {
    let writer = target.writer("prod_eu");
    for (_, slug) in CLUSTERS.into_iter().filter(|(_, slug)| *slug != "prod_eu") {
        for stream in STREAMS {
            let stream = data_stream(slug, stream);
            create(&target.writer(slug), &stream, "theirs", &record());
            let index = target.backing_index(&stream, "theirs");
            let before = target.stored(&index, "theirs");
            for name in [&stream, &index] {
                let status = item_status(&create(&writer, name, "ours", &record()));
                // Elasticsearch lets nobody create in a stream's index.
                assert!(
                    status == 403 || (name == &index && status == 400),
                    "{name}: {status}"
                );
                for operation in ["index", "delete"] {
                    let body = Some(record()).filter(|_| operation == "index");
                    for action in [
                        json!({ "_index": name, "_id": "theirs" }),
                        json!({ "_index": name, "_id": "theirs", "if_seq_no": 0, "if_primary_term": 1 }),
                    ] {
                        let answer = operate(&writer, operation, &action, body.as_ref());
                        // A data stream refuses these operations before anybody asks who it is, and so does
                        // its index unless the operation says which version it is to overwrite.
                        let status = item_status(&answer);
                        let anybody =
                            status == 400 && (name == &stream || action.get("if_seq_no").is_none());
                        assert!(status == 403 || anybody, "{operation} {name}: {answer:?}");
                    }
                }
                refused(
                    "search",
                    &writer.send("POST", &format!("{name}/_search"), Some(&json!({}))),
                );
                refused("delete", &writer.send("DELETE", name, None));
            }
            // The body's index counts, not the path's.
            let own = data_stream("prod_eu", "applications");
            let lines = [
                json!({ "create": { "_index": stream, "_id": "ours" } }),
                record(),
            ];
            let answer = writer.bulk(&format!("{own}/_bulk"), &lines);
            assert_eq!(item_status(&answer), 403, "{answer:?}");
            assert_eq!(target.stored(&index, "theirs"), before, "{}", target.name);
        }
    }
}

fn the_reader_reads_its_own_and_nothing_else(target: &Target) {
    let reader = target.reader("prod_us");
    for stream in STREAMS {
        let own = data_stream("prod_us", stream);
        create(&target.writer("prod_us"), &own, "read", &record());
        let index = target.backing_index(&own, "read");
        let query = json!({ "query": { "ids": { "values": ["read"] } } });
        let found = reader.send("POST", &format!("{own}/_search"), Some(&query));
        assert_eq!(found.body["hits"]["total"]["value"], 1, "{found:?}");
        succeeds(
            "mapping",
            &reader.send("GET", &format!("{own}/_mapping"), None),
        );

        let theirs = data_stream("prod_eu", stream);
        refused(
            "search",
            &reader.send("POST", &format!("{theirs}/_search"), Some(&query)),
        );
        assert_eq!(
            item_status(&create(&reader, &own, "written", &record())),
            403
        );
        refused(
            "get",
            &reader.send("DELETE", &format!("{index}/_doc/read"), None),
        );
        refused("delete", &reader.send("DELETE", &index, None));
    }
}

/// A record with everything that has broken somebody's mapping.
fn the_mapping_takes_whatever_comes(target: &Target) {
    let writer = target.writer("prod_eu");
    let labels: Value = (0..2000)
        .map(|n| (format!("key{n}"), json!(format!("value{n}"))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let huge = "x".repeat(40_000);
    let records = [
        (
            "unmapped",
            json!({ "surprise": { "deep": [1, "two", { "three": 3 }] } }),
        ),
        ("labels", json!({ "kubernetes": { "labels": labels } })),
        (
            "huge-keyword",
            json!({ "kubernetes": { "pod_name": huge } }),
        ),
        (
            "parsed",
            json!({ "log_processed": { "stack": "x".repeat(32_000), "n": 1, "b": true, "z": null, "l": [[1]] } }),
        ),
        ("huge-message", json!({ "message": huge })),
        (
            "parsed-twice",
            json!({ "log_processed": { "a": { "b": "object" } } }),
        ),
        (
            "parsed-conflict",
            json!({ "log_processed": { "a": "text" } }),
        ),
        (
            "empty-key",
            json!({ "log_processed": { "": "nothing", "a.b": "dots" } }),
        ),
        (
            "bad-ip",
            json!({ "kubernetes": { "pod_ip": "not an address" } }),
        ),
    ];
    let stream = data_stream("prod_eu", "applications");
    let mut wrong = Vec::new();
    for (id, extra) in records {
        let mut record = record();
        for (key, value) in extra.as_object().into_iter().flatten() {
            record[key] = value.clone();
        }
        let answer = create(&writer, &stream, id, &record);
        if item_status(&answer) != 201 {
            let text = answer.body.to_string();
            wrong.push(format!("{id}: {}", &text[..text.len().min(600)]));
        }
    }
    assert!(wrong.is_empty(), "{}: {}", target.name, wrong.join("\n"));

    let events = data_stream("prod_eu", "events");
    let event = json!({ "count": "many", "lastTimestamp": "yesterday", "involvedObject": { "kind": "Pod" } });
    let mut record = record();
    record["event"] = event;
    let answer = create(&writer, &events, "malformed", &record);
    assert_eq!(item_status(&answer), 201, "{answer:?}");

    let index = target.backing_index(&stream, "labels");
    let mapping = target.admin.send("GET", &format!("{index}/_mapping"), None);
    let properties = &mapping.body[&index]["mappings"]["properties"];
    assert!(properties.get("surprise").is_none(), "{properties}");
    let found = |query: Value| {
        let query = json!({ "query": query });
        let answer = target
            .admin
            .send("POST", &format!("{stream}/_search"), Some(&query));
        answer.body["hits"]["hits"][0]["_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        found(json!({ "term": { "kubernetes.labels.key1999": "value1999" } })),
        "labels"
    );
    assert_eq!(
        found(json!({ "term": { "log_processed.n": "1" } })),
        "parsed"
    );
}

/// The records in `tests/cases/documents`, which a real Fluentd sent.
fn every_field_that_fluentd_sends_is_found(target: &Target) {
    let mut faults = Vec::new();
    for stream in STREAMS {
        let name = data_stream("prod_us", stream);
        let samples = documents::samples(stream);
        for (number, sample) in samples.iter().enumerate() {
            let answer = create(
                &target.writer("prod_us"),
                &name,
                &format!("sample-{number}"),
                sample,
            );
            assert_eq!(
                item_status(&answer),
                201,
                "{} {name}: {answer:?}",
                target.name
            );
        }
        let index = target.backing_index(&name, "sample-0");
        let mapping = target.admin.send("GET", &format!("{index}/_mapping"), None);
        let mapping = &mapping.body[&index]["mappings"];
        let mut found = BTreeSet::new();
        for (number, sample) in samples.iter().enumerate() {
            let fields = documents::fields(sample, mapping);
            for field in fields.unmapped {
                if !documents::UNMAPPED.contains(&(stream, field.as_str())) {
                    faults.push(format!("{stream} {number}: `{field}` isn't mapped"));
                }
            }
            let id = format!("sample-{number}");
            let query = json!({
                "query": { "bool": { "filter": { "ids": { "values": [id] } }, "should": fields.queries } },
            });
            let answer = target
                .admin
                .send("POST", &format!("{name}/_search"), Some(&query));
            let matched: BTreeSet<&str> = answer.body["hits"]["hits"][0]["matched_queries"]
                .as_array()
                .unwrap_or_else(|| panic!("{id} isn't in {name}: {answer:?}"))
                .iter()
                .filter_map(Value::as_str)
                .collect();
            for field in fields.mapped {
                if matched.contains(field.as_str()) {
                    found.insert(field);
                } else {
                    faults.push(format!(
                        "{stream} {number}: `{field}` isn't found by its value"
                    ));
                }
            }
        }
        for field in documents::WANTED.iter().filter(|(of, _)| *of == stream) {
            if !found.contains(field.1) {
                faults.push(format!("{stream}: no sample is found by `{}`", field.1));
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{}:\n{}", target.name, faults.join("\n"));
}

/// Creating and overwriting need one permission there, and only the stream's
/// name refuses the latter: its index lets the writer overwrite its own records.
#[test]
fn the_known_hole_of_opensearch_is_no_wider() {
    let Some(target) = opensearch() else { return };
    let writer = target.writer("prod_us");
    let stream = data_stream("prod_us", "ingress");
    create(&writer, &stream, "own", &record());
    let index = target.backing_index(&stream, "own");
    let stored = target.admin.send("GET", &format!("{index}/_doc/own"), None);
    let action = json!({
        "_index": index, "_id": "own",
        "if_seq_no": stored.body["_seq_no"], "if_primary_term": stored.body["_primary_term"],
    });
    let answer = operate(&writer, "index", &action, Some(&record()));
    assert_eq!(item_status(&answer), 200, "{answer:?}");
    // Somebody else's writer doesn't even get that far.
    let answer = operate(&target.writer("prod_eu"), "index", &action, Some(&record()));
    assert_eq!(item_status(&answer), 403, "{answer:?}");
}

/// What any keys and values may hold: `flattened` ignores long values, while
/// `flat_object` has no such setting and refuses the record. So Fluentd must
/// leave as text what holds a longer one.
#[test]
fn the_known_limit_of_flat_object_is_no_lower() {
    const LONGEST: usize = 32_766;
    let status = |target: &Target, id: &str, record: &Value| {
        let stream = data_stream("prod_eu", "applications");
        item_status(&create(&target.writer("prod_eu"), &stream, id, record))
    };
    // Below the limit, the field's path counts too, once or twice.
    for (bytes, on_opensearch) in [(LONGEST - 66, 201), (LONGEST + 1, 400)] {
        let mut record = record();
        record["log_processed"] = json!({ "stack": "x".repeat(bytes) });
        if let Some(target) = opensearch() {
            assert_eq!(
                status(target, &format!("long-{bytes}"), &record),
                on_opensearch,
                "{bytes}"
            );
        }
        if let Some(target) = elasticsearch() {
            assert_eq!(
                status(target, &format!("long-{bytes}"), &record),
                201,
                "{bytes}"
            );
        }
    }
}

/// The longest path and value that the rendered Fluentd configuration still
/// puts into a map: twice the path's bytes and the value's.
const LONGEST_TERM: usize = 32_000;

/// Where it cuts labels and annotations.
const LONGEST_ANNOTATION: usize = 31_000;

#[test]
fn fluentd_stays_below_the_limit_of_flat_object() {
    for (source, cut) in [
        ("applications", true),
        ("nodes", true),
        ("control-plane", true),
    ] {
        let text = fleet::text("prod-eu", &format!("kubernetes/{source}/fluent.conf"));
        let parsed = text
            .matches("2 * path + value.to_s.bytesize <= 32_000")
            .count();
        assert_eq!(parsed, 1, "{source}");
        assert!(
            text.contains("value.to_s.byteslice(0, 31_000)") == cut,
            "{source}"
        );
    }
}

/// What Fluentd lets through at its limits is taken by both.
fn records_at_fluentds_limits_are_taken(target: &Target) {
    let path = "log_processed.a".len();
    let deep = "k".repeat(9_000);
    let deep_path = "log_processed.".len() + deep.len();
    let annotation = "x".repeat(LONGEST_ANNOTATION);
    let key = format!("{}/{}", "p".repeat(253), "n".repeat(63));
    let records = [
        (
            "applications",
            json!({ "log_processed": { "a": "x".repeat(LONGEST_TERM - 2 * path) } }),
        ),
        (
            "applications",
            json!({ "log_processed": { deep.as_str(): "x".repeat(LONGEST_TERM - 2 * deep_path) } }),
        ),
        (
            "applications",
            json!({ "kubernetes": { "annotations": { key.as_str(): annotation } } }),
        ),
        ("applications", json!({ "message": "x".repeat(40_000) })),
        (
            "audit",
            json!({ "audit": { "annotations": { key.as_str(): annotation } } }),
        ),
        (
            "events",
            json!({ "event": { "involvedObject": { "annotations": { key.as_str(): annotation } } } }),
        ),
    ];
    for (number, (stream, extra)) in records.iter().enumerate() {
        let mut record = record();
        for (key, value) in extra.as_object().into_iter().flatten() {
            record[key] = value.clone();
        }
        let name = data_stream("prod_eu", stream);
        let answer = create(
            &target.writer("prod_eu"),
            &name,
            &format!("limit-{number}"),
            &record,
        );
        let text = answer.body.to_string();
        assert_eq!(
            item_status(&answer),
            201,
            "{} {number}: {}",
            target.name,
            &text[..text.len().min(600)]
        );
    }
}

/// Neither life cycle can be tried on these servers, so both are compared with
/// a schema made from their reference, which knows every key that we write.
#[test]
fn life_cycles_meet_their_schemas() {
    let schemas = [
        (
            "open",
            "_plugins/_ism/policies/",
            include_str!("../../schemas/outputs/opensearch/ism-policy.schema.json"),
        ),
        (
            "elastic",
            "_ilm/policy/",
            include_str!("../../schemas/outputs/elasticsearch/ilm-policy.schema.json"),
        ),
    ];
    for (destination, prefix, schema) in schemas {
        let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        for (cluster, _) in CLUSTERS {
            let objects = fleet::objects(cluster, destination);
            let policies: BTreeMap<&str, &Value> = objects
                .iter()
                .filter_map(|object| Some((object.path.strip_prefix(prefix)?, &object.body)))
                .collect();
            for (name, policy) in &policies {
                let faults: Vec<String> = validator
                    .iter_errors(policy)
                    .map(|error| error.to_string())
                    .collect();
                assert!(faults.is_empty(), "{name}: {faults:?}");
                let mut wrong = (*policy).clone();
                wrong["policy"]["unknown"] = json!(1);
                assert!(!validator.is_valid(&wrong), "the schema takes anything");
            }
            // Records are kept for 30 days or a year.
            assert_eq!(policies.len(), 2);
            assert_eq!(
                with_a_life_cycle(destination, &objects, &policies),
                data_streams(&objects),
                "{cluster}"
            );
        }
    }
}

/// The same of indices that become warm and cold, and of those that are kept for good.
#[test]
fn life_cycles_of_every_phase_meet_their_schemas() {
    let settings = r"
name: prod-phases
environment: production
destinations:
  open: { authentication: { type: basic } }
  elastic: { authentication: { type: basic } }
sources: { aws: { enabled: false } }
streams:
  applications:
    retention_days: never
    life_cycle:
      priority: 100
      warm: { after_days: 3, read_only: true, force_merge: true, replicas: 1, priority: 50, nodes: { temp: warm } }
      cold: { after_days: 30, read_only: true, replicas: 0, priority: 0, nodes: { temp: cold, box: large } }
  nodes: { retention_days: 60, life_cycle: { cold: { after_days: 10 }, retry: { count: 10, backoff: constant, delay_minutes: 5 } } }
  events: { retention_days: never }
";
    let schemas = [
        (
            "open",
            "_plugins/_ism/policies/",
            include_str!("../../schemas/outputs/opensearch/ism-policy.schema.json"),
        ),
        (
            "elastic",
            "_ilm/policy/",
            include_str!("../../schemas/outputs/elasticsearch/ilm-policy.schema.json"),
        ),
    ];
    for (destination, prefix, schema) in schemas {
        let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        let objects = fleet::objects_of_another("prod-phases", settings, destination);
        let policies: BTreeMap<&str, &Value> = objects
            .iter()
            .filter_map(|object| Some((object.path.strip_prefix(prefix)?, &object.body)))
            .collect();
        for (name, policy) in &policies {
            let faults: Vec<String> = validator
                .iter_errors(policy)
                .map(|error| error.to_string())
                .collect();
            assert!(faults.is_empty(), "{name}: {faults:?}");
        }
        let kept_for_good = policies.values().filter(|policy| {
            let text = policy.to_string();
            !text.contains("\"delete\"")
        });
        assert_eq!(kept_for_good.count(), 2, "{destination}");
        assert_eq!(
            with_a_life_cycle(destination, &objects, &policies),
            data_streams(&objects)
        );
    }
}

fn data_streams(objects: &[Object]) -> Vec<String> {
    let names = objects.iter();
    let names = names.filter_map(|object| object.path.strip_prefix("_data_stream/"));
    names.map(ToOwned::to_owned).collect()
}

/// The data streams that a policy is for, each once.
fn with_a_life_cycle(
    destination: &str,
    objects: &[Object],
    policies: &BTreeMap<&str, &Value>,
) -> Vec<String> {
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect()
    };
    let mut found = Vec::new();
    if destination == "open" {
        for policy in policies.values() {
            let patterns = texts(&policy["policy"]["ism_template"][0]["index_patterns"]);
            for pair in patterns.chunks(2) {
                // The stream's name alone leaves its indices unmanaged.
                assert_eq!(pair[1], format!(".ds-{}-*", pair[0]));
                found.push(pair[0].clone());
            }
        }
    } else {
        for object in objects {
            if !object.path.starts_with("_index_template/") {
                continue;
            }
            let policy = &object.body["template"]["settings"]["index"]["lifecycle"]["name"];
            let policy = policy.as_str().expect("the template names a policy");
            assert!(policies.contains_key(policy), "{policy} isn't rendered");
            found.extend(texts(&object.body["index_patterns"]));
        }
    }
    found.sort();
    found
}
