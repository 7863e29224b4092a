//! The observe step: what a server holds, by one request for each kind. IO.

use std::collections::BTreeMap;

use jiff::Timestamp;
use logfleet_contract::index::{Kind, ObjectPath};
use logfleet_contract::server::Backend;
use serde_json::{Value, json};

use crate::client::{Client, RequestError};
use crate::credential::{CredentialName, Form};
use crate::fault::Fault;
use crate::kubernetes::Delivery;
use crate::server::api_key::{self, ApiKeys};
use crate::server::ledger::Ledger;

/// What a server holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The inventory.
    pub ledger: Ledger,
    /// Every object of the kinds that are rendered, the server's own ones among them.
    pub objects: BTreeMap<ObjectPath, Value>,
    /// API keys, where credentials are such.
    pub api_keys: ApiKeys,
    /// What clusters hold of credentials that are written there.
    pub deliveries: BTreeMap<CredentialName, Delivery>,
    /// What a writing of an OpenSearch policy has to name: `_seq_no` and `_primary_term`.
    pub versions: BTreeMap<ObjectPath, (u64, u64)>,
}

/// The most policies of OpenSearch in one answer: what a search returns at most, `index.max_result_window`.
const MOST_POLICIES: usize = 10_000;

/// Whether a server has more policies than it listed. One that isn't seen would be made again.
fn is_cut(kind: Kind, answer: &Value) -> bool {
    let listed = answer["policies"].as_array().map_or(0, Vec::len) as u64;
    kind == Kind::StatePolicy
        && answer["total_policies"]
            .as_u64()
            .is_some_and(|all| all > listed)
}

/// The path that lists a kind.
///
/// OpenSearch lists 20 policies unless told otherwise
/// (<https://docs.opensearch.org/latest/im-plugin/ism/api/#get-policy>).
fn listing(kind: Kind) -> String {
    match kind {
        Kind::StatePolicy => format!("{}?size={MOST_POLICIES}", kind.api()),
        _ => kind.api().to_owned(),
    }
}

/// Reads everything that a server holds; API keys only if some are wanted, or were made.
pub fn observe(
    server: &str,
    client: &Client,
    backend: Backend,
    has_api_keys: bool,
    now: Timestamp,
) -> Result<Observed, Fault> {
    let mut observed = Observed {
        ledger: Ledger::read(server, client)?,
        ..Observed::default()
    };
    let mut records = observed.ledger.inventory.credentials.values();
    if has_api_keys || records.any(|record| record.layout.form == Form::ApiKey) {
        observed.api_keys = api_key::list(server, client, "logfleet-*", now)?;
    }
    for kind in Kind::ALL {
        if kind.backend().is_some_and(|own| own != backend) {
            continue;
        }
        let answer = list(server, client, kind)?;
        observed.add(kind, &answer).ok_or_else(|| {
            Fault::new(
                format!("{server}/{}", kind.api()),
                "answered with something that isn't a list of this kind",
            )
            .hint(
                "check that `url` in the settings is the server itself and `backend` is what runs there",
            )
        })?;
        if is_cut(kind, &answer) {
            return Err(Fault::new(
                format!("{server}/{}", kind.api()),
                format!("the server has more than the {MOST_POLICIES} policies that it lists"),
            )
            .hint("delete policies that nothing uses, or use another server"));
        }
    }
    Ok(observed)
}

fn list(server: &str, client: &Client, kind: Kind) -> Result<Value, Fault> {
    match client.get(&listing(kind)) {
        Ok(answer) => Ok(answer),
        // What a server says where there is none of a kind.
        Err(error) if error.status() == Some(404) => Ok(nothing(kind)),
        Err(RequestError::Refused {
            status: 400 | 405,
            reason,
            ..
        }) if reason.contains("no handler found") || reason.contains("Incorrect HTTP method") => {
            Err(Fault::new(
                format!("{server}/{}", kind.api()),
                "the server doesn't have this API",
            )
            .hint(format!("install what provides it: {}", brought_by(kind))))
        }
        Err(error) => Err(error.fault(server)),
    }
}

fn brought_by(kind: Kind) -> &'static str {
    match kind {
        Kind::StatePolicy => "OpenSearch's plugin index-management",
        kind if kind.backend() == Some(Backend::Opensearch) => "OpenSearch's plugin security",
        Kind::LifecyclePolicy => "Elasticsearch's module x-pack-ilm",
        Kind::Role | Kind::User | Kind::RoleMapping => {
            "Elasticsearch's native security (xpack.security.enabled)"
        }
        _ => "data streams and composable templates",
    }
}

/// How an empty list looks.
fn nothing(kind: Kind) -> Value {
    match list_field(kind) {
        Some((field, _)) => json!({ field: [] }),
        None => json!({}),
    }
}

/// The field with the list and the one with the body, for kinds that aren't a map of names.
fn list_field(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::ComponentTemplate => Some(("component_templates", "component_template")),
        Kind::IndexTemplate => Some(("index_templates", "index_template")),
        Kind::DataStream => Some(("data_streams", "")),
        Kind::StatePolicy => Some(("policies", "")),
        _ => None,
    }
}

impl Observed {
    /// Adds what a server listed; none if it isn't a list of that kind.
    pub fn add(&mut self, kind: Kind, answer: &Value) -> Option<()> {
        let Some((list, body)) = list_field(kind) else {
            for (name, body) in answer.as_object()? {
                body.as_object()?;
                self.insert(kind, name, body);
            }
            return Some(());
        };
        for item in answer.get(list)?.as_array()? {
            if kind == Kind::StatePolicy {
                let path = self.insert(
                    kind,
                    item["_id"].as_str()?,
                    &json!({ "policy": item["policy"] }),
                );
                let version = item["_seq_no"]
                    .as_u64()
                    .zip(item["_primary_term"].as_u64())?;
                self.versions.insert(path, version);
                continue;
            }
            let body = if body.is_empty() {
                item
            } else {
                item.get(body)?
            };
            self.insert(kind, item["name"].as_str()?, body);
        }
        Some(())
    }

    fn insert(&mut self, kind: Kind, name: &str, body: &Value) -> ObjectPath {
        let path = ObjectPath {
            kind,
            name: name.to_owned(),
        };
        self.objects.insert(path.clone(), body.clone());
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_is_known() {
        let answer = json!({ "policies": [{}], "total_policies": 2 });
        assert!(is_cut(Kind::StatePolicy, &answer));
        assert!(!is_cut(
            Kind::StatePolicy,
            &json!({ "policies": [{}], "total_policies": 1 })
        ));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for kind in Kind::ALL {
            let mut observed = Observed::default();
            assert_eq!(observed.add(kind, &nothing(kind)), Some(()), "{kind:?}");
            assert_eq!(
                observed.add(kind, &json!({ "error": "x" })),
                None,
                "{kind:?}"
            );
            assert_eq!(observed.add(kind, &json!([])), None, "{kind:?}");
        }
    }
}
