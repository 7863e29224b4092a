//! The reconciler against a real OpenSearch with its security plugin and a real Elasticsearch with native security.
//!
//! Each test has clusters of its own, and the servers are shared with the other tests of this program, one after the
//! other: the inventory is one for a server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::server::Backend;
use logfleet_reconciler::client::Retry;
use logfleet_reconciler::server::observe::Observed;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::fleet::Fleet;
use crate::opensearch::OpenSearch;
use crate::program::{Program, pass};
use crate::relay::{ADMINISTRATOR, PASSWORD, Real};

struct Rig {
    real: &'static Real,
    fleet: Fleet,
    program: Program,
    _alone: MutexGuard<'static, ()>,
}

/// A server and a fleet whose clusters have users; none where the server isn't installed.
fn rig(backend: Backend, clusters: &[&str]) -> Option<Rig> {
    rig_of(backend, Fleet::of(backend, clusters))
}

/// A server that no other test of this program uses meanwhile; none where it isn't installed.
pub fn alone(backend: Backend) -> (MutexGuard<'static, ()>, Option<&'static Real>) {
    static OPENSEARCH: (OnceLock<Option<Real>>, Mutex<()>) = (OnceLock::new(), Mutex::new(()));
    static ELASTICSEARCH: (OnceLock<Option<Real>>, Mutex<()>) = (OnceLock::new(), Mutex::new(()));
    let (server, alone) = match backend {
        Backend::Opensearch => &OPENSEARCH,
        Backend::Elasticsearch => &ELASTICSEARCH,
    };
    let alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
    let real = server.get_or_init(|| Real::start(backend)).as_ref();
    (alone, real)
}

/// A server and a fleet; none where the server isn't installed.
fn rig_of(backend: Backend, fleet: Fleet) -> Option<Rig> {
    let (alone, real) = alone(backend);
    let real = real?;
    let mut program = Program::with(
        backend,
        &real.played.url(),
        &fleet.root(),
        ADMINISTRATOR,
        PASSWORD,
        None,
        60,
    );
    program.retry = Retry {
        times: 6,
        first: Duration::from_millis(50),
        longest: Duration::from_secs(2),
    };
    real.played.requests();
    Some(Rig {
        real,
        fleet,
        program,
        _alone: alone,
    })
}

fn succeeds(answer: &Answer) {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

fn users(backend: Backend) -> &'static str {
    match backend {
        Backend::Opensearch => "_plugins/_security/api/internalusers",
        Backend::Elasticsearch => "_security/user",
    }
}

fn roles(backend: Backend) -> &'static str {
    match backend {
        Backend::Opensearch => "_plugins/_security/api/roles",
        Backend::Elasticsearch => "_security/role",
    }
}

impl Rig {
    fn streams(&self, cluster: &str) -> Vec<String> {
        let objects = self.fleet.objects(cluster).into_keys();
        objects
            .filter_map(|path| path.strip_prefix("_data_stream/").map(ToOwned::to_owned))
            .collect()
    }

    fn writer(&self, cluster: &str) -> Client {
        let (user, password) = self
            .program
            .store
            .current(&format!("logfleet/{cluster}/main"))
            .unwrap();
        if user.starts_with("logfleet-") {
            self.real.client(&user, &password)
        } else {
            self.real.client_by_key(&user, &password)
        }
    }

    /// Removes a cluster that isn't rendered any more, with its data streams where this build can delete any.
    fn remove(&self, cluster: &str, objects: &BTreeMap<String, Value>) {
        let mut arguments = vec!["remove", cluster];
        if self.real.backend == Backend::Opensearch {
            for stream in objects
                .keys()
                .filter_map(|path| path.strip_prefix("_data_stream/"))
            {
                arguments.extend(["--delete-data-stream", stream]);
            }
        }
        self.program.expect(0, &arguments);
    }

    fn is_there(&self, path: &str) -> bool {
        self.real.admin.send("GET", path, None).status == 200
    }
}

/// Appends a record; the status of the item.
fn create(client: &Client, stream: &str) -> u64 {
    let document = json!({ "@timestamp": "2026-01-02T03:04:05Z", "message": "a record" });
    let answer = client.bulk(
        "_bulk",
        &[json!({ "create": { "_index": stream } }), document],
    );
    answer.body["items"][0]["create"]["status"]
        .as_u64()
        .unwrap_or(u64::from(answer.status))
}

/// Everything about one server, since it starts with nothing and ends so.
fn whole_life(backend: Backend, one: &str, other: &str) {
    let Some(mut rig) = rig(backend, &[one, other]) else {
        return;
    };
    let role = json!({ "description": "somebody's" });
    let role = if backend == Backend::Opensearch {
        role
    } else {
        json!({ "cluster": ["monitor"] })
    };
    let theirs = [
        (
            "_index_template/somebody",
            json!({ "index_patterns": ["somebody-*"], "priority": 7 }),
        ),
        (&format!("{}/somebody", roles(backend)), role),
    ];
    for (path, body) in &theirs {
        succeeds(&rig.real.admin.send("PUT", path, Some(body)));
    }

    // From nothing to everything, and then nothing.
    rig.program.expect(2, &["plan"]);
    rig.program.expect(0, &["apply"]);
    let security = rig
        .real
        .played
        .requests()
        .iter()
        .filter(|request| request.method == "PATCH")
        .count();
    if backend == Backend::Opensearch {
        assert_eq!(
            security, 4,
            "tenants, roles, mappings and users are written in one request each"
        );
    }
    rig.program.expect(0, &["apply"]);
    let requests = rig.real.played.requests();
    let writes: Vec<_> = requests.iter().filter(|request| request.writes()).collect();
    assert!(writes.is_empty(), "{writes:#?}");
    assert!(requests.len() <= 30);
    for stream in rig.streams(one) {
        assert_eq!(create(&rig.writer(one), &stream), 201, "{stream}");
    }
    rig.program.expect(0, &["verify"]);

    // The server and the model know the same passwords, and the inventory none.
    let inventory = rig
        .real
        .admin
        .send("GET", "logfleet-inventory/_doc/inventory", None)
        .body
        .to_string();
    let passwords = rig.program.store.passwords();
    assert!(
        passwords
            .iter()
            .all(|password| !inventory.contains(password))
    );
    for request in rig.real.played.requests() {
        let has = passwords
            .iter()
            .any(|password| request.body.contains(password) || request.path.contains(password));
        assert!(
            !has || request.path.starts_with(users(backend)),
            "{} has a password",
            request.path
        );
    }

    record(&rig, one);
    drift(&rig, one);
    wiped(&rig, one);
    rotation(&rig, one);

    // Another tool's objects survive everything, and exactly the cluster's go.
    let gone = rig.fleet.objects(other);
    rig.fleet.remove(other);
    let plan = rig.program.expect(2, &["plan"]);
    assert!(
        plan.out.contains(&format!("--removed {other}")),
        "{}",
        plan.out
    );
    rig.remove(other, &gone);
    rig.program.expect(0, &["plan"]);
    let stays: BTreeSet<String> = rig.fleet.objects(one).into_keys().collect();
    let is_played = |path: &str| {
        path.starts_with("_plugins/_ism")
            || path.starts_with("_ilm")
            || path.starts_with("_data_stream")
    };
    for path in gone.keys().filter(|path| !is_played(path)) {
        let is_kept = backend == Backend::Elasticsearch && path.starts_with("_index_template");
        assert_eq!(
            rig.is_there(path),
            stays.contains(path) || is_kept,
            "{path}"
        );
    }
    // Its user has another name since the rotation.
    let is_user = |path: &str| path.starts_with(users(backend));
    for path in stays
        .iter()
        .filter(|path| !is_played(path) && !is_user(path))
    {
        assert!(rig.is_there(path), "{path}");
    }
    for (path, _) in &theirs {
        assert!(rig.is_there(path), "{path}");
        succeeds(&rig.real.admin.send("DELETE", path, None));
    }
    assert_eq!(create(&rig.writer(one), &rig.streams(one)[0]), 201);
    let gone = rig.fleet.objects(one);
    rig.fleet.remove(one);
    rig.remove(one, &gone);
}

/// With `LOGFLEET_WRITE_GOLDEN` set, records how the server gives back an object of each kind, for `normal.rs`.
fn record(rig: &Rig, cluster: &str) {
    if std::env::var_os("LOGFLEET_WRITE_GOLDEN").is_none() {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/reconciler/normal");
    fs::create_dir_all(&folder).unwrap();
    for (path, wanted) in rig.fleet.objects(cluster) {
        let path = ObjectPath::parse(&format!("{path}.json")).unwrap();
        // ISM and ILM are the model's, and a data stream has nothing to compare.
        if matches!(
            path.kind,
            Kind::DataStream | Kind::StatePolicy | Kind::LifecyclePolicy
        ) {
            continue;
        }
        let mut observed = Observed::default();
        let list = rig.real.admin.send("GET", path.kind.api(), None).body;
        observed.add(path.kind, &list).unwrap();
        let mut wanted = wanted;
        if rig.real.backend == Backend::Elasticsearch && path.kind == Kind::IndexTemplate {
            // The policy is a setting that this build lacks; there is no other.
            wanted.as_object_mut().unwrap().shift_remove("template");
        }
        let case =
            json!({ "kind": path.kind.api(), "wanted": wanted, "server": observed.objects[&path] });
        let name = format!(
            "{}-{}.json",
            rig.real.backend.to_string().to_lowercase(),
            path.kind.api().replace('/', "-")
        );
        fs::write(folder.join(name), format!("{case:#}\n")).unwrap();
    }
}

/// What somebody changes or deletes is shown and mended.
fn drift(rig: &Rig, cluster: &str) {
    let admin = rig.real.admin;
    for (path, body) in rig.fleet.objects(cluster) {
        let mut changed = body.clone();
        let field = if path.starts_with("_component_template/") {
            changed["version"] = json!(7);
            "/version"
        } else if path.starts_with("_index_template/") && rig.real.backend == Backend::Opensearch {
            changed["_meta"] = json!({ "by": "hand" });
            "/_meta"
        } else if path.starts_with(&format!("{}/", roles(rig.real.backend))) {
            let field = if rig.real.backend == Backend::Opensearch {
                "cluster_permissions"
            } else {
                "cluster"
            };
            changed[field] = json!(["cluster_monitor"]);
            if rig.real.backend == Backend::Elasticsearch {
                changed[field] = json!(["monitor", "manage"]);
            }
            "/cluster"
        } else if path.contains("/rolesmapping/") {
            changed["backend_roles"] = json!(["somebody", "else"]);
            "/backend_roles"
        } else if path.contains("/tenants/") {
            changed["description"] = json!("by hand");
            "/description"
        } else {
            continue;
        };
        succeeds(&admin.send("PUT", &path, Some(&changed)));
        let plan = rig.program.expect(2, &["plan"]);
        assert!(
            plan.out.contains(field) && plan.out.contains("1 to do"),
            "{path}\n{}",
            plan.out
        );
        rig.program.expect(0, &["apply"]);
        rig.program.expect(0, &["plan"]);
        if path.contains("_security") {
            succeeds(&admin.send("DELETE", &path, None));
            let plan = rig.program.expect(2, &["plan"]);
            assert!(plan.out.contains("create"), "{path}\n{}", plan.out);
            rig.program.expect(0, &["apply"]);
            rig.program.expect(0, &["plan"]);
        }
    }
}

/// A user that is wiped comes back with the password that every shipper has.
fn wiped(rig: &Rig, cluster: &str) {
    let secret = format!("logfleet/{cluster}/main");
    let before = rig.program.store.current(&secret).unwrap();
    succeeds(&rig.real.admin.send(
        "DELETE",
        &format!("{}/{}", users(rig.real.backend), before.0),
        None,
    ));
    let stream = &rig.streams(cluster)[0];
    assert_eq!(create(&rig.writer(cluster), stream), 401);
    let plan = rig.program.expect(2, &["plan"]);
    assert!(plan.out.contains("restore"), "{}", plan.out);
    rig.program.expect(0, &["apply"]);
    assert_eq!(rig.program.store.current(&secret), Some(before));
    assert_eq!(create(&rig.writer(cluster), stream), 201);
}

/// Writes all the time, one by what the store hands out and one by what it handed out first: no record is refused.
fn rotation(rig: &Rig, cluster: &str) {
    let stream = rig.streams(cluster)[0].clone();
    let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let secret = format!("logfleet/{cluster}/main");
    let first = rig.program.store.current(&secret).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let old = rig.writer(cluster);
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(create(&old, &stream), 201, "the old credential");
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            let mut known = None;
            while !stop.load(Ordering::SeqCst) {
                let handed = rig.program.store.current(&secret).unwrap();
                let client = match known.take() {
                    Some((user, client)) if user == handed.0 => client,
                    _ => rig.real.client(&handed.0, &handed.1),
                };
                assert_eq!(create(&client, &stream), 201, "what is handed out");
                written.fetch_add(1, Ordering::SeqCst);
                known = Some((handed.0, client));
            }
        });
        let name = format!("{cluster}/main");
        rig.program.expect(0, &["rotate", "--credential", &name]);
        let before = written.load(Ordering::SeqCst);
        while written.load(Ordering::SeqCst) < before + 50 {
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::SeqCst);
    });
    let second = rig.program.store.current(&secret).unwrap();
    assert_ne!(first, second);
    assert!(written.load(Ordering::SeqCst) > 50);
    pass(25 * 3600);
    rig.program.expect(
        0,
        &[
            "rotate",
            "--credential",
            &format!("{cluster}/main"),
            "--finish",
        ],
    );
    assert_eq!(
        create(&rig.real.client(&first.0, &first.1), &stream),
        401,
        "the old one is gone"
    );
    assert_eq!(create(&rig.writer(cluster), &stream), 201);
    rig.program.expect(0, &["plan"]);
}

#[test]
fn a_fleet_lives_at_opensearch() {
    whole_life(Backend::Opensearch, "life-a", "life-b");
}

#[test]
fn a_fleet_lives_at_elasticsearch() {
    whole_life(Backend::Elasticsearch, "life-a", "life-b");
}

/// What a cluster's own credential may not do: a method, a path and a body.
fn refused_actions(
    backend: Backend,
    own: &str,
    theirs: &str,
) -> Vec<(&'static str, String, Option<Value>)> {
    let all = || json!({ "query": { "match_all": {} } });
    let users = users(backend);
    let roles = roles(backend);
    let mut actions = Vec::new();
    for stream in [own, theirs] {
        let mapping = json!({ "properties": { "x": { "type": "keyword" } } });
        let settings = json!({ "index.number_of_replicas": 0 });
        actions.extend([
            ("POST", format!("{stream}/_search"), Some(all())),
            ("GET", format!("{stream}/_count"), None),
            ("GET", format!("{stream}/_mapping"), None),
            ("PUT", format!("{stream}/_mapping"), Some(mapping)),
            ("GET", format!("{stream}/_settings"), None),
            ("PUT", format!("{stream}/_settings"), Some(settings)),
            ("GET", format!("{stream}/_stats"), None),
            ("GET", format!("{stream}/_segments"), None),
            ("POST", format!("{stream}/_rollover"), None),
            ("POST", format!("{stream}/_close"), None),
            ("POST", format!("{stream}/_flush"), None),
            ("POST", format!("{stream}/_refresh"), None),
            ("POST", format!("{stream}/_cache/clear"), None),
            ("POST", format!("{stream}/_forcemerge"), None),
            ("DELETE", stream.to_owned(), None),
        ]);
    }
    let user = match backend {
        Backend::Opensearch => json!({ "password": "Mine-of-tests-8" }),
        Backend::Elasticsearch => json!({ "password": "Mine-of-tests-8", "roles": [] }),
    };
    let shards = json!({ "persistent": { "cluster.max_shards_per_node": 9 } });
    let snapshots = json!({ "type": "fs", "settings": { "location": "mine" } });
    let alias = json!({ "actions": [{ "add": { "index": theirs, "alias": "mine" } }] });
    let role = format!("{roles}/logfleet-rights_b-writer");
    let others = [
        ("GET", "_cluster/settings", None),
        ("PUT", "_cluster/settings", Some(shards)),
        ("GET", "_cluster/state", None),
        ("GET", "_nodes", None),
        ("GET", "_nodes/stats", None),
        ("GET", "_tasks", None),
        ("GET", "_cat/indices", None),
        ("GET", "_snapshot", None),
        ("PUT", "_snapshot/mine", Some(snapshots)),
        ("GET", "_index_template", None),
        (
            "PUT",
            "_index_template/mine",
            Some(json!({ "index_patterns": ["mine"] })),
        ),
        (
            "PUT",
            "_component_template/mine",
            Some(json!({ "template": {} })),
        ),
        ("PUT", "logs-mine-1", None),
        ("GET", users, None),
        ("PUT", &format!("{users}/mine"), Some(user)),
        ("GET", roles, None),
        ("PUT", &format!("{roles}/mine"), Some(json!({}))),
        ("DELETE", &role, None),
        ("GET", "logfleet-inventory/_doc/inventory", None),
        ("PUT", "logfleet-inventory/_doc/inventory", Some(json!({}))),
        ("DELETE", "logfleet-inventory", None),
        ("POST", "_aliases", Some(alias)),
    ];
    actions.extend(others.map(|(method, path, body)| (method, path.to_owned(), body)));
    actions
}

/// The clusters of the tests of what a credential may do.
const RIGHTS: [&str; 2] = ["rights-a", "rights-b"];

fn rights(mut rig: Rig) {
    let backend = rig.real.backend;
    rig.program.expect(0, &["apply"]);
    let writer = rig.writer("rights-a");
    let own = rig.streams("rights-a");
    for stream in &own {
        assert_eq!(create(&writer, stream), 201, "{stream}");
    }
    for stream in rig.streams("rights-b") {
        assert_eq!(create(&writer, &stream), 403, "{stream}");
    }
    let actions = refused_actions(backend, &own[0], &rig.streams("rights-b")[0]);
    let (mut counted, mut allowed) = (0, Vec::new());
    for (method, path, body) in &actions {
        let answer = writer.send(method, path, body.as_ref());
        if answer.status == 403 {
            counted += 1;
        } else {
            allowed.push(format!("{method} {path}: {answer:?}"));
        }
    }
    for cluster in ["rights-a", "rights-b"] {
        let gone = rig.fleet.objects(cluster);
        rig.fleet.remove(cluster);
        rig.remove(cluster, &gone);
    }
    assert!(allowed.is_empty(), "{allowed:#?}");
    assert!(counted >= 40, "{counted}");
}

#[test]
fn a_clusters_credential_at_opensearch_appends_and_nothing_else() {
    if let Some(rig) = rig(Backend::Opensearch, &RIGHTS) {
        rights(rig);
    }
}

#[test]
fn a_clusters_credential_at_elasticsearch_appends_and_nothing_else() {
    if let Some(rig) = rig(Backend::Elasticsearch, &RIGHTS) {
        rights(rig);
    }
}

#[test]
fn a_clusters_api_key_appends_and_nothing_else() {
    if let Some(rig) = rig_of(Backend::Elasticsearch, Fleet::with_api_keys(&RIGHTS)) {
        rights(rig);
    }
}

#[test]
fn api_keys_live_at_elasticsearch() {
    let fleet = Fleet::with_api_keys(&["keys-a", "keys-b"]);
    let Some(mut rig) = rig_of(Backend::Elasticsearch, fleet) else {
        return;
    };
    rig.program.expect(0, &["apply"]);
    rig.real.played.requests();
    rig.program.expect(0, &["apply"]);
    let requests = rig.real.played.requests();
    assert!(
        requests.iter().all(|request| !request.writes()),
        "{requests:#?}"
    );
    let current = |rig: &Rig| rig.program.store.current("logfleet/keys-a/main").unwrap();
    let stream = rig.streams("keys-a")[0].clone();
    let first = current(&rig);
    assert_eq!(create(&rig.writer("keys-a"), &stream), 201);

    // A role that is rendered otherwise reaches the key.
    let path = "_security/role/logfleet-keys_a-writer";
    let role = rig.fleet.objects("keys-a")[path].clone();
    let mut less = role.clone();
    let names = less["indices"][0]["names"].as_array_mut().unwrap();
    names.retain(|name| *name != stream.as_str());
    rig.fleet.set("keys-a", path, Some(&less));
    rig.program.expect(0, &["apply"]);
    assert_eq!(create(&rig.writer("keys-a"), &stream), 403);
    rig.fleet.set("keys-a", path, Some(&role));
    rig.program.expect(0, &["apply"]);
    assert_eq!(create(&rig.writer("keys-a"), &stream), 201);
    assert_eq!(current(&rig), first, "it is the same key");

    rig.program
        .expect(0, &["rotate", "--credential", "keys-a/main"]);
    let second = current(&rig);
    for (id, key) in [&first, &second] {
        assert_eq!(create(&rig.real.client_by_key(id, key), &stream), 201);
    }
    pass(25 * 60 * 60);
    rig.program
        .expect(0, &["rotate", "--credential", "keys-a/main", "--finish"]);
    assert_eq!(
        create(&rig.real.client_by_key(&first.0, &first.1), &stream),
        401
    );

    // Somebody invalidates the one that is in use.
    let ids = json!({ "ids": [second.0] });
    succeeds(
        &rig.real
            .admin
            .send("DELETE", "_security/api_key", Some(&ids)),
    );
    assert_eq!(create(&rig.writer("keys-a"), &stream), 401);
    rig.program.expect(2, &["plan"]);
    rig.program.expect(0, &["apply"]);
    assert_eq!(create(&rig.writer("keys-a"), &stream), 201);
    rig.program.expect(0, &["plan"]);

    let others = json!({ "name": "somebodys" });
    succeeds(
        &rig.real
            .admin
            .send("POST", "_security/api_key", Some(&others)),
    );
    let last = current(&rig);
    for cluster in ["keys-a", "keys-b"] {
        let gone = rig.fleet.objects(cluster);
        rig.fleet.remove(cluster);
        rig.remove(cluster, &gone);
    }
    assert_eq!(
        create(&rig.real.client_by_key(&last.0, &last.1), &stream),
        401
    );
    let listed = rig.real.admin.send("GET", "_security/api_key?name=*", None);
    let keys = listed.body["api_keys"].as_array().unwrap().iter();
    let working = keys.filter(|key| key["invalidated"] == false);
    let names: Vec<&str> = working.map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["somebodys"]);
}

#[test]
fn tls_is_checked_and_missing_parts_are_named() {
    let Some(server) = OpenSearch::shared() else {
        return;
    };
    let fleet = Fleet::of(Backend::Opensearch, &["alpha"]);
    let program = |authority: &str, user: &str, password: &str| {
        let mut program = Program::with(
            Backend::Opensearch,
            server.url(),
            &fleet.root(),
            user,
            password,
            Some(authority),
            60,
        );
        program.retry.times = 0;
        program
    };
    let other = crate::certificates::Authority::new().pem();
    let refused = program(&other, "admin", "x-of-tests").expect(1, &["plan"]);
    assert!(
        refused.out.contains("certificate")
            && refused
                .out
                .contains("hint: set the server's `certificate_authority`"),
        "{}",
        refused.out
    );
    let refused = program(&server.authority(), "admin", "wrong-of-tests").expect(1, &["plan"]);
    assert!(
        refused.out.contains("401") && refused.out.contains("hint: check that `administrator`"),
        "{}",
        refused.out
    );
    let lock = rig(Backend::Opensearch, &[]).expect("it is installed");
    let refused = program(&server.authority(), ADMINISTRATOR, PASSWORD).expect(1, &["plan"]);
    assert!(refused.out.contains("index-management"), "{}", refused.out);
    drop(lock);
}
