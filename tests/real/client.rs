//! An HTTP client for the tests: one server, one identity.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::certificates;

/// The most bytes of an answer; an API server describes itself in a few megabytes.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// Conflicts with other tests after which a change is given up.
const MOST_CONFLICTS: u32 = 50;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; a text that isn't JSON is a JSON string here.
    pub body: Value,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Somebody with a password.
    Password(String, String),
    /// Somebody with a client certificate.
    Certificate(certificates::Certificate),
    /// Somebody with an API key of Elasticsearch, encoded as the server gives it.
    ApiKey(String),
    /// Somebody with a bearer token.
    Token(String),
}

/// A client of one server, with one identity.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    authorization: Option<String>,
}

impl Client {
    /// A client that trusts one certificate authority only.
    pub fn new(url: &str, authority: &str, identity: &Identity) -> Self {
        let authority = Certificate::from_pem(authority.as_bytes()).expect("the CA is PEM");
        let mut tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&[authority]));
        let mut authorization = None;
        match identity {
            Identity::Password(name, password) => {
                authorization = Some(format!(
                    "Basic {}",
                    base64(format!("{name}:{password}").as_bytes())
                ));
            }
            Identity::ApiKey(key) => authorization = Some(format!("ApiKey {key}")),
            Identity::Token(token) => authorization = Some(format!("Bearer {token}")),
            Identity::Certificate(own) => {
                let certificate = Certificate::from_pem(own.certificate.as_bytes()).expect("PEM");
                let key = PrivateKey::from_pem(own.key.as_bytes()).expect("PEM");
                tls = tls.client_cert(Some(ClientCert::new_with_certs(&[certificate], key)));
            }
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self {
            agent,
            url: url.to_owned(),
            authorization,
        }
    }

    /// Sends a request with a JSON body, or none.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut tries = 0;
        loop {
            let answer = self
                .try_send(method, path, "application/json", &text)
                .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            // OpenSearch keeps all users, roles and mappings in a document for each kind:
            // whoever changes one at the same moment as another test gets a conflict.
            let conflict = answer.status == 409
                && path.starts_with("_plugins/_security/api/")
                && answer.body.to_string().contains("version conflict");
            tries += 1;
            if !conflict || tries > MOST_CONFLICTS {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Sends lines of JSON to `_bulk`, below `path`, and gives back the whole answer.
    pub fn bulk(&self, path: &str, lines: &[Value]) -> Answer {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.try_send("POST", path, "application/x-ndjson", &text)
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// Sends a request with a body of any kind.
    pub fn send_text(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        self.try_send(method, path, kind, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Whether the server answers a request with 200.
    pub fn is_answered(&self, path: &str) -> bool {
        self.try_send("GET", path, "application/json", "")
            .is_ok_and(|answer| answer.status == 200)
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.url))
            .header("content-type", kind);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut response = if body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(request.body(body.to_owned())?)?
        };
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status: response.status().as_u16(),
            body,
        })
    }
}

/// Base64 (RFC 4648), for HTTP's basic authentication only.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0_usize, |n, byte| n << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = char::from(ALPHABET[number >> (18 - 6 * place) & 63]);
            text.push(if place <= chunk.len() { letter } else { '=' });
        }
    }
    text
}
