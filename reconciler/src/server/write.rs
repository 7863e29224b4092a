//! How each kind of object is written and deleted. IO.
//!
//! OpenSearch keeps all users, all roles and all mappings in one document each, which every node
//! loads again after every change (opensearch-project/security#2443). So these are written many at a time, by
//! `PATCH` without a name (<https://docs.opensearch.org/latest/security/access-control/api/#patch-roles>). If the server
//! refuses a batch, or takes too long for it, each half is tried by itself, so that one object that can't be written
//! doesn't hold up the others. How many users go into one is learned on the way ([`crate::portion`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use logfleet_contract::index::{Kind, ObjectPath, Template, order_writes};
use logfleet_contract::pattern::matches;
use serde_json::{Value, json};

use crate::client::{Client, RequestError};
use crate::server::observe::Observed;
use crate::wiped::Wiped;
use crate::work::Work;

/// Objects in one `PATCH`.
const MOST_IN_A_BATCH: usize = 1000;

/// Bytes in one `PATCH`. A server takes 100 MiB by default (`http.max_content_length`), and a proxy less.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// Below the priority of every template that is rendered.
const NO_PRIORITY: u64 = 500;

/// Requests that are under way at the same time.
pub const PARALLEL: usize = 8;

/// What became of each object.
pub type Outcomes = BTreeMap<ObjectPath, Result<(), RequestError>>;

/// Objects to be written.
pub type Bodies = BTreeMap<ObjectPath, Wiped>;

/// Whether a kind is written many at a time.
fn is_batched(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::OpensearchTenant
            | Kind::OpensearchRole
            | Kind::OpensearchUser
            | Kind::OpensearchRoleMapping
    )
}

/// Writes objects of one kind. What isn't begun when it is told to end has no outcome.
pub fn write(
    client: &Client,
    kind: Kind,
    bodies: &Bodies,
    observed: &Observed,
    work: &Work<'_>,
) -> Outcomes {
    if is_batched(kind) {
        let operations = bodies.iter().map(|(path, body)| {
            let operation = json!({ "op": "add", "path": pointer(path), "value": body.0.clone() });
            (path.clone(), Wiped(operation))
        });
        return patch(client, kind, operations.collect(), work);
    }
    if kind == Kind::IndexTemplate {
        return write_templates(client, bodies, observed, work);
    }
    in_parallel(bodies.keys(), work, |path| {
        put(client, path, &bodies[path].0, observed)
    })
}

fn put(
    client: &Client,
    path: &ObjectPath,
    body: &Value,
    observed: &Observed,
) -> Result<(), RequestError> {
    let condition = match observed.versions.get(path) {
        // <https://docs.opensearch.org/latest/im-plugin/ism/api/#update-policy>.
        Some((number, term)) => format!("?if_seq_no={number}&if_primary_term={term}"),
        None => String::new(),
    };
    let body = path.kind.has_body().then_some(body);
    let result = client.send("PUT", &format!("{path}{condition}"), body);
    match result {
        // A request whose answer was lost was sent again, and the stream is there.
        Err(RequestError::Refused {
            status: 400,
            reason,
            ..
        }) if path.kind == Kind::DataStream && reason.contains("already exists") => Ok(()),
        result => result.map(drop),
    }
}

/// Templates that share no pattern with another one are written at once, the others in the order of
/// [`order_writes`].
fn write_templates(
    client: &Client,
    bodies: &Bodies,
    observed: &Observed,
    work: &Work<'_>,
) -> Outcomes {
    let listed = observed.objects.iter().filter(|(path, _)| {
        path.kind == Kind::IndexTemplate && observed.ledger.inventory.entry(path).is_some()
    });
    let now: BTreeMap<String, Template> = listed
        .map(|(path, body)| (path.name.clone(), Template::of(body)))
        .collect();
    let wanted: BTreeMap<String, Template> = bodies
        .iter()
        .map(|(path, body)| (path.name.clone(), Template::of(&body.0)))
        .collect();
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, template) in now.iter().chain(&wanted) {
        for pattern in &template.patterns {
            owners.entry(pattern).or_default().insert(name);
        }
    }
    let is_alone = |name: &str| {
        let before = now
            .get(name)
            .into_iter()
            .flat_map(|template| &template.patterns);
        let mut patterns = wanted[name].patterns.iter().chain(before);
        patterns.all(|pattern| owners[pattern.as_str()].len() == 1)
    };
    let (alone, moving): (Vec<_>, Vec<_>) = bodies.keys().partition(|path| is_alone(&path.name));
    let mut outcomes = in_parallel(alone.into_iter(), work, |path| {
        put(client, path, &bodies[path].0, observed)
    });
    let path_of = |name: &str| ObjectPath {
        kind: Kind::IndexTemplate,
        name: name.to_owned(),
    };
    let moving: BTreeMap<String, Template> = moving
        .iter()
        .map(|path| (path.name.clone(), wanted[&path.name].clone()))
        .collect();
    if work.is_to_end() {
        return outcomes;
    }
    match order_writes(&now, &moving) {
        Ok(writes) => {
            for write in writes {
                let path = path_of(&write.name);
                let mut body = bodies[&path].clone();
                if let Value::Array(patterns) = &mut body.0["index_patterns"] {
                    patterns.extend(
                        write
                            .kept
                            .iter()
                            .map(|pattern| Value::from(pattern.as_str())),
                    );
                }
                let outcome = put(client, &path, &body.0, observed);
                work.did(1);
                outcomes.insert(path, outcome);
            }
        }
        Err(error) => {
            for name in moving.keys() {
                let path = path_of(name);
                let refused = RequestError::Refused {
                    method: "PUT",
                    path: path.to_string(),
                    status: 400,
                    reason: error.to_string(),
                    wait: None,
                };
                outcomes.insert(path, Err(refused));
            }
        }
    }
    outcomes
}

/// Deletes objects of one kind. One that isn't there is deleted.
pub fn delete(
    client: &Client,
    kind: Kind,
    paths: &BTreeSet<ObjectPath>,
    observed: &Observed,
    work: &Work<'_>,
) -> Outcomes {
    if is_batched(kind) {
        // To remove what isn't there is an error.
        let (there, gone): (Vec<_>, Vec<_>) = paths
            .iter()
            .partition(|path| observed.objects.contains_key(path));
        let operations = there.into_iter().map(|path| {
            (
                path.clone(),
                Wiped(json!({ "op": "remove", "path": pointer(path) })),
            )
        });
        let mut outcomes = patch(client, kind, operations.collect(), work);
        outcomes.extend(gone.into_iter().map(|path| (path.clone(), Ok(()))));
        return outcomes;
    }
    in_parallel(paths.iter(), work, |path| {
        if kind == Kind::IndexTemplate {
            demote(client, path, observed)?;
        }
        match client.send("DELETE", &path.to_string(), None) {
            Err(error) if error.status() == Some(404) => Ok(()),
            result => result.map(drop),
        }
    })
}

/// OpenSearch deletes no template that counts for a stream, even where another one matches: it must not count first.
fn demote(client: &Client, path: &ObjectPath, observed: &Observed) -> Result<(), RequestError> {
    let Some(body) = observed.objects.get(path) else {
        return Ok(());
    };
    let patterns = Template::of(body).patterns;
    let mut streams = observed
        .objects
        .keys()
        .filter(|path| path.kind == Kind::DataStream);
    if !streams.any(|stream| {
        patterns
            .iter()
            .any(|pattern| matches(pattern, &stream.name))
    }) {
        return Ok(());
    }
    let mut body = body.clone();
    if let Value::Object(map) = &mut body {
        map.insert("priority".to_owned(), json!(NO_PRIORITY));
        // What a server shows of itself, and takes from nobody.
        map.retain(|key, _| {
            ![
                "created_date",
                "modified_date",
                "created_date_millis",
                "modified_date_millis",
            ]
            .contains(&key.as_str())
        });
    }
    match client.send("PUT", &path.to_string(), Some(&body)) {
        // Where it can't be demoted, the deletion says why it can't be deleted.
        Err(RequestError::Refused { status: 400, .. }) => Ok(()),
        result => result.map(drop),
    }
}

/// A name as a JSON pointer (<https://www.rfc-editor.org/rfc/rfc6901>).
fn pointer(path: &ObjectPath) -> String {
    format!("/{}", path.name.replace('~', "~0").replace('/', "~1"))
}

fn patch(client: &Client, kind: Kind, operations: Bodies, work: &Work<'_>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    let send = |batch: &[(ObjectPath, Wiped)], outcomes: &mut Outcomes| {
        if !work.is_to_end() {
            send_batch(client, kind, batch, outcomes);
            work.did(batch.len());
        }
    };
    for (path, operation) in operations {
        let size = operation.0.to_string().len();
        let most = match kind {
            Kind::OpensearchUser => client.users().count().min(MOST_IN_A_BATCH),
            _ => MOST_IN_A_BATCH,
        };
        if !batch.is_empty() && (batch.len() >= most || bytes + size > LARGEST_BATCH) {
            send(&batch, &mut outcomes);
            batch.clear();
            bytes = 0;
        }
        bytes += size;
        batch.push((path, operation));
    }
    if !batch.is_empty() {
        send(&batch, &mut outcomes);
    }
    outcomes
}

fn send_batch(client: &Client, kind: Kind, batch: &[(ObjectPath, Wiped)], outcomes: &mut Outcomes) {
    let operations = batch.iter().map(|(_, operation)| operation.0.clone());
    let body = Wiped(operations.collect());
    let begun = Instant::now();
    let result = client.send("PATCH", kind.api(), Some(&body.0)).map(drop);
    if kind == Kind::OpensearchUser {
        match &result {
            Ok(()) => client
                .users()
                .took(batch.len(), begun.elapsed(), client.timeout()),
            Err(error) if error.is_too_much() => client.users().was_too_much(batch.len()),
            Err(_) => {}
        }
    }
    match result {
        Err(error)
            if batch.len() > 1
                && (matches!(error.status(), Some(400 | 404 | 409 | 413))
                    || error.is_too_much()) =>
        {
            let (one, other) = batch.split_at(batch.len() / 2);
            send_batch(client, kind, one, outcomes);
            send_batch(client, kind, other, outcomes);
        }
        result => {
            outcomes.extend(batch.iter().map(|(path, _)| (path.clone(), result.clone())));
        }
    }
}

/// Does the same with many, a few at a time.
fn in_parallel<'a>(
    paths: impl Iterator<Item = &'a ObjectPath>,
    work: &Work<'_>,
    each: impl Fn(&ObjectPath) -> Result<(), RequestError> + Sync,
) -> Outcomes {
    let paths: Vec<&ObjectPath> = paths.collect();
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Outcomes::new());
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(paths.len()) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if work.is_to_end() {
                        break;
                    }
                    let outcome = each(path);
                    work.did(1);
                    let mut outcomes = outcomes
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    outcomes.insert((*path).clone(), outcome);
                }
            });
        }
    });
    outcomes
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
