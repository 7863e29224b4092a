//! Secrets of Kubernetes that a cluster's shippers read, where the fleet has the reconciler write them. IO.
//!
//! A Secret that the reconciler wrote has a label; one without it is somebody else's, and left alone.

use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logfleet_contract::authentication::KubernetesSecret;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::aws::eks;
use crate::client::{Client, Connection, RequestError, Retry};
use crate::credential::{Credential, Layout};
use crate::fault::Fault;
use crate::identity::{Identity, Role};
use crate::settings::check_address;
use crate::store::Secret;
use crate::wiped::Wiped;

/// By which Secrets are known that are ours
/// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>).
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "logfleet-reconciler");

/// As who fields are applied
/// (<https://kubernetes.io/docs/reference/using-api/server-side-apply/>).
const FIELD_MANAGER: &str = "logfleet-reconciler";

/// A cluster's API server.
#[derive(Debug)]
pub struct ApiServer {
    /// Its place in messages.
    pub place: String,
    /// The way there.
    pub way: Way,
}

/// The way to an API server.
#[derive(Debug)]
pub enum Way {
    /// By a token that is known.
    Token(Box<Client>),
    /// By a role of AWS.
    Eks(Box<EksWay>),
}

/// The way to an API server of EKS. It is asked for when it is first needed: a cluster that can't be described
/// is no reason to leave others alone.
#[derive(Debug)]
pub struct EksWay {
    /// The role that the cluster lets in.
    pub role: Role,
    /// The cluster's name in EKS.
    pub cluster: String,
    /// The address; EKS knows it otherwise.
    pub url: Option<String>,
    /// Certificates of authorities, in PEM; EKS has the cluster's own otherwise.
    pub authorities: Option<Vec<u8>>,
    /// How long a request may take.
    pub timeout: Duration,
    /// How requests are sent again.
    pub retry: Retry,
    /// What came of it.
    pub client: OnceLock<Result<Client, Fault>>,
}

impl EksWay {
    fn find(&self, place: &str) -> Result<Client, Fault> {
        let (url, authorities) = match (&self.url, &self.authorities) {
            (Some(url), Some(authorities)) => (url.clone(), authorities.clone()),
            (url, authorities) => {
                let aws = self.role.aws();
                let found = aws.and_then(|aws| eks::endpoint(&aws, &self.cluster));
                let found = found.map_err(|error| error.fault(place))?;
                (
                    url.clone().unwrap_or(found.url),
                    authorities.clone().unwrap_or(found.authority),
                )
            }
        };
        check_address(&url, false)
            .map_err(|message| Fault::new(place, format!("`{url}` {message}")))?;
        let connection = Connection {
            url,
            authorities: Some(authorities),
            timeout: self.timeout,
            retry: self.retry,
        };
        let identity = Identity::eks(self.role.clone(), self.cluster.clone());
        Client::new(&connection, identity)
    }
}

/// What a cluster holds of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The settings name no API server of the cluster: somebody else writes the Secret.
    Others,
    /// It can't be seen.
    Unknown(Fault),
    /// There is no Secret.
    Missing,
    /// There is one that somebody else made.
    Foreign,
    /// It isn't the credential in use.
    Outdated,
    /// It is the credential in use.
    Current,
}

impl ApiServer {
    fn client(&self) -> Result<&Client, Fault> {
        match &self.way {
            Way::Token(client) => Ok(client),
            Way::Eks(way) => {
                let found = way.client.get_or_init(|| way.find(&self.place));
                found.as_ref().map_err(Clone::clone)
            }
        }
    }

    /// Sees what is in a cluster.
    pub fn delivery(&self, secret: &KubernetesSecret, record: Option<&Credential>) -> Delivery {
        let client = match self.client() {
            Ok(client) => client,
            Err(fault) => return Delivery::Unknown(fault),
        };
        let found = match client.find(&path(secret)) {
            Ok(Some(found)) => Wiped(found),
            Ok(None) => return Delivery::Missing,
            Err(error) => return Delivery::Unknown(self.fault(secret, &error)),
        };
        if !is_ours(&found.0) {
            return Delivery::Foreign;
        }
        if record.is_some_and(|record| holds(&found.0, record)) {
            Delivery::Current
        } else {
            Delivery::Outdated
        }
    }

    /// Writes the Secret. Whoever calls has seen that none of somebody else is there.
    pub fn deliver(&self, secret: &KubernetesSecret, credential: &Secret) -> Result<(), Fault> {
        let own = Layout::of(credential.form);
        let encoded = |text: &str| Value::from(STANDARD.encode(text));
        let body = Wiped(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret.name,
                "namespace": secret.namespace,
                "labels": { MANAGED_BY.0: MANAGED_BY.1 },
            },
            "type": "Opaque",
            "data": {
                own.identifier: encoded(&credential.identifier),
                own.value: encoded(credential.value.expose_secret()),
            },
        }));
        // What somebody changed by hand is put back.
        let path = format!("{}?fieldManager={FIELD_MANAGER}&force=true", path(secret));
        self.client()?
            .send_as("PATCH", &path, "application/apply-patch+yaml", &body.0)
            .map(|answer| drop(Wiped(answer)))
            .map_err(|error| self.fault(secret, &error))
    }

    /// Deletes the Secret, if it is ours. One that is gone is no error.
    pub fn delete(&self, secret: &KubernetesSecret) -> Result<(), Fault> {
        let path = path(secret);
        let told = |error| self.fault(secret, &error);
        let client = self.client()?;
        let found = client.find(&path).map_err(told)?.map(Wiped);
        if !found.is_some_and(|found| is_ours(&found.0)) {
            return Ok(());
        }
        match client.send("DELETE", &path, None) {
            Err(error) if error.status() != Some(404) => Err(told(error)),
            _ => Ok(()),
        }
    }

    fn fault(&self, secret: &KubernetesSecret, error: &RequestError) -> Fault {
        let KubernetesSecret { namespace, name } = secret;
        let fault = Fault::new(
            format!("{}: Secret {namespace}/{name}", self.place),
            error.to_string(),
        );
        match error.status() {
            Some(401) if matches!(self.way, Way::Eks(_)) => fault.hint("the cluster doesn't grant the role access: create an access entry for it (docs/reconciler.md)"),
            Some(401) => fault.hint("the API server rejects the token: check that it belongs to this cluster and hasn't expired"),
            Some(403) => fault.hint(format!("allow the token's owner to get, create, patch and delete Secrets in the namespace `{namespace}`: docs/reconciler.md")),
            Some(404) => fault.hint(format!("the namespace `{namespace}` must exist: apply the cluster's kubernetes/ first")),
            _ => fault,
        }
    }
}

fn path(secret: &KubernetesSecret) -> String {
    format!(
        "api/v1/namespaces/{}/secrets/{}",
        secret.namespace, secret.name
    )
}

fn is_ours(found: &Value) -> bool {
    found["metadata"]["labels"][MANAGED_BY.0] == MANAGED_BY.1
}

/// Whether a Secret holds the credential in use.
fn holds(found: &Value, record: &Credential) -> bool {
    let own = Layout::of(record.layout.form);
    let text = |key: &str| {
        let bytes = Zeroizing::new(STANDARD.decode(found["data"][key].as_str()?).ok()?);
        String::from_utf8(bytes.to_vec())
            .ok()
            .map(SecretString::from)
    };
    let (Some(identifier), Some(value), Some(slot)) =
        (text(&own.identifier), text(&own.value), record.active)
    else {
        return false;
    };
    record.identifier(slot).as_deref() == Some(identifier.expose_secret())
        && record.fingerprints.get(&slot) == Some(&record.fingerprint(&value))
}

#[cfg(test)]
mod tests {
    use logfleet_contract::index::{Kind, ObjectPath};

    use super::*;
    use crate::credential::{Form, Slot};

    #[test]
    fn a_secret_is_known_by_identifier_and_fingerprint() {
        let user = ObjectPath {
            kind: Kind::User,
            name: "writer".to_owned(),
        };
        let layout = Layout {
            value: "pass".to_owned(),
            ..Layout::of(Form::User)
        };
        let mut record = Credential::new(&user, &layout, "a", "b", "salt".to_owned());
        record.active = Some(Slot::First);
        record.coming = None;
        let password = SecretString::from("p");
        record
            .fingerprints
            .insert(Slot::First, record.fingerprint(&password));
        let found = |user: &str, password: &str| json!({ "data": { "username": STANDARD.encode(user), "password": STANDARD.encode(password) } });
        assert!(holds(&found("writer", "p"), &record));
        assert!(!holds(&found("writer", "q"), &record));
        assert!(!holds(&found("writer-2", "p"), &record));
        assert!(!holds(&json!({ "data": { "username": "%" } }), &record));
    }
}
