//! API keys of Elasticsearch: how they are listed, made, changed and invalidated. IO.
//!
//! The server makes a key and tells it once, in the answer. A key has privileges of its own, which are never
//! more than those of who made it
//! (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-security-create-api-key>).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::client::{Client, RequestError};
use crate::credential::{CredentialName, Form};
use crate::fault::Fault;
use crate::store::Secret;
use crate::wiped::Wiped;

/// Where API keys are.
const API: &str = "_security/api_key";

/// By which keys are known that a reconciler made.
const MANAGED_BY: (&str, &str) = ("managed-by", "logfleet-reconciler");

/// What the only role in a key is called there.
const ROLE: &str = "writer";

/// A key as the server lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Whether it works: neither expired nor invalidated. Others are listed for some days
    /// (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-security-get-api-key>).
    pub works: bool,
    /// Its name, which others may have, too.
    pub name: String,
    /// What it may do.
    pub role: Value,
    /// Whether a reconciler made it.
    pub is_ours: bool,
}

/// Keys by their ids.
pub type ApiKeys = BTreeMap<String, ApiKey>;

/// Lists keys whose names fit a pattern.
pub fn list(
    server: &str,
    client: &Client,
    pattern: &str,
    now: Timestamp,
) -> Result<ApiKeys, Fault> {
    let answer = client
        .get(&format!("{API}?name={pattern}"))
        .map_err(|error| error.fault(server))?;
    read(&answer, now).ok_or_else(|| {
        Fault::new(
            format!("{server}/{API}"),
            "answered with something that isn't a list of API keys",
        )
        .hint("check that `url` in the settings is the server itself")
    })
}

fn read(answer: &Value, now: Timestamp) -> Option<ApiKeys> {
    let mut keys = ApiKeys::new();
    for key in answer["api_keys"].as_array()? {
        // What a reconciler makes has no end, what it adopts may have one.
        let end = key["expiration"].as_i64();
        let is_over = end.is_some_and(|end| end <= now.as_millisecond());
        keys.insert(
            key["id"].as_str()?.to_owned(),
            ApiKey {
                works: key["invalidated"] == json!(false) && !is_over,
                name: key["name"].as_str()?.to_owned(),
                role: key["role_descriptors"][ROLE].clone(),
                is_ours: key["metadata"][MANAGED_BY.0] == json!(MANAGED_BY.1),
            },
        );
    }
    Some(keys)
}

fn body(role: &Value, credential: &CredentialName) -> Value {
    json!({
        "role_descriptors": { ROLE: role },
        "metadata": {
            MANAGED_BY.0: MANAGED_BY.1,
            "cluster": credential.cluster,
            "destination": credential.destination,
        },
    })
}

/// Makes a key. If the answer is lost, there is a key whose value nobody knows: see [`invalidate_others`].
pub fn create(
    client: &Client,
    name: &str,
    role: &Value,
    credential: &CredentialName,
) -> Result<Secret, RequestError> {
    let mut body = body(role, credential);
    body["name"] = Value::from(name);
    let answer = Wiped(client.send("POST", API, Some(&body))?);
    let text = |field: &str| answer.0[field].as_str().unwrap_or_default();
    Ok(Secret {
        form: Form::ApiKey,
        identifier: text("id").to_owned(),
        value: SecretString::from(text("api_key")),
        ca_certificate: None,
    })
}

/// Gives a key that works other privileges. Only who made it may
/// (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-security-update-api-key>).
pub fn update(
    client: &Client,
    id: &str,
    role: &Value,
    credential: &CredentialName,
) -> Result<(), RequestError> {
    let body = body(role, credential);
    client
        .send("PUT", &format!("{API}/{id}"), Some(&body))
        .map(drop)
}

/// Invalidates keys. One that is unknown or invalid already is no error.
pub fn invalidate(client: &Client, ids: &BTreeSet<String>) -> Result<(), RequestError> {
    if ids.is_empty() {
        return Ok(());
    }
    match client.send("DELETE", API, Some(&json!({ "ids": ids }))) {
        Ok(_) => Ok(()),
        Err(error) if error.status() == Some(404) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Invalidates keys of a name that a reconciler made and nobody can use, since their values were lost with an answer or a
/// run: all but those that are known.
pub fn invalidate_others(
    server: &str,
    client: &Client,
    name: &str,
    known: &BTreeSet<String>,
    now: Timestamp,
) -> Result<(), Fault> {
    let keys = list(server, client, name, now)?;
    let lost = keys
        .into_iter()
        .filter(|(id, key)| key.works && key.is_ours && key.name == name && !known.contains(id));
    let ids = lost.map(|(id, _)| id).collect();
    invalidate(client, &ids).map_err(|error| error.fault(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_expired_or_were_invalidated_do_not_work() {
        let key = |id: &str, invalidated: bool, expiration: Value| {
            json!({
                "id": id, "name": "a", "invalidated": invalidated, "expiration": expiration,
                "metadata": { "managed-by": "logfleet-reconciler" },
                "role_descriptors": { "writer": { "cluster": [] } },
            })
        };
        let answer = json!({ "api_keys": [
            key("works", false, Value::Null),
            key("lasts", false, json!(i64::MAX)),
            key("expired", false, json!(1)),
            key("invalidated", true, Value::Null),
            { "id": "foreign", "name": "a", "invalidated": false, "metadata": {} },
        ] });
        let keys = read(
            &answer,
            Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(1),
        )
        .expect("a list");
        let working = keys.iter().filter(|(_, key)| key.works);
        let ids: Vec<&str> = working.map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["foreign", "lasts", "works"]);
        assert!(keys["works"].is_ours && !keys["foreign"].is_ours);
        assert_eq!(keys["works"].role, json!({ "cluster": [] }));
        assert_eq!(read(&json!({ "error": "x" }), Timestamp::UNIX_EPOCH), None);
    }
}
