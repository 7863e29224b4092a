//! One request to a server, sent again where that may help. IO.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backon::{BlockingRetryable, ExponentialBuilder};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use zeroize::Zeroizing;

use crate::aws::{CLOCK, is_of_the_clock};
use crate::fault::Fault;
use crate::identity::Identity;
use crate::portion::Portion;

/// The largest answer: all of a server's templates or roles are one answer.
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// The longest that a server may ask to wait before the same request is sent again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// How a server is spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address.
    pub url: String,
    /// Certificates of the authorities that may sign its own, in PEM; without them the system's.
    pub authorities: Option<Vec<u8>>,
    /// How long a request may take.
    pub timeout: Duration,
    /// How requests are sent again.
    pub retry: Retry,
}

/// How a message begins when an answer took too long.
const TIMEOUT: &str = "timeout";

/// How requests are sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How often at most.
    pub times: usize,
    /// The first pause; each is twice as long as the one before, with jitter.
    pub first: Duration,
    /// The longest pause, unless the server asks for a longer one.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 5,
            first: Duration::from_millis(250),
            longest: Duration::from_secs(15),
        }
    }
}

impl Retry {
    /// The pauses between tries.
    pub fn pauses(self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(self.times)
            .with_jitter()
    }
}

/// A server, as somebody.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    identity: Identity,
    retry: Retry,
    timeout: Duration,
    users: Arc<Portion>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The body; null where there is none.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The server can't be reached, or the answer broke off.
    #[error("{method} /{path}: {why}")]
    Transport {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// Why.
        why: String,
    },
    /// The answer isn't the API's.
    #[error(
        "{method} /{path}: answered {status} with something that isn't JSON: is a proxy in between? {text}"
    )]
    Malformed {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// Its beginning.
        text: String,
    },
    /// The server refuses.
    #[error("{method} /{path}: answered {status}: {reason}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// Why, in the server's words.
        reason: String,
        /// How long to wait before it is worth another try, where the server says so.
        wait: Option<Duration>,
    },
}

impl RequestError {
    /// The status, where the server refused.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn fault(&self, server: &str) -> Fault {
        let fault = Fault::new(server, self.to_string());
        match self {
            Self::Refused { reason, .. } if is_of_the_clock(reason) => fault.hint(CLOCK),
            Self::Refused { status: 401, .. } => {
                fault.hint("check that `administrator` in the settings is a user of this server, and check its password")
            }
            Self::Refused { status: 403, .. } => {
                fault.hint("grant the administrator the privileges listed in docs/reconciler.md; on an Amazon OpenSearch Service domain, the access policy and a role mapping must allow the role's ARN")
            }
            Self::Transport { why, .. } if why.contains("certificate") => {
                fault.hint("set the server's `certificate_authority` to the CA that signed its certificate")
            }
            _ => fault,
        }
    }

    /// Whether the server took too long for many things at once, and would again.
    pub fn is_too_much(&self) -> bool {
        matches!(self, Self::Transport { method: "PATCH", why, .. } if why.starts_with(TIMEOUT))
    }

    /// Whether the same request may succeed a moment later. All that is sent may be sent twice.
    fn is_passing(&self) -> bool {
        match self {
            Self::Transport { why, .. } => !why.contains("certificate") && !self.is_too_much(),
            Self::Malformed { .. } => true,
            Self::Refused { status, reason, .. } => {
                matches!(status, 429 | 500 | 502 | 503 | 504)
                    // OpenSearch keeps all of a kind in one document, which somebody else wrote at the same moment.
                    || (*status == 409 && reason.contains("version conflict") && reason.contains("security"))
            }
        }
    }
}

impl Client {
    /// A client that signs in as somebody.
    pub fn new(connection: &Connection, identity: Identity) -> Result<Self, Fault> {
        let authorities = match &connection.authorities {
            Some(pem) => authorities(&connection.url, pem)?,
            None => system_authorities(),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::new_with_certs(&authorities))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            // A redirect would hand the credential to somebody else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(connection.timeout))
            .user_agent(concat!("logfleet-reconciler/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self {
            agent,
            url: connection.url.trim_end_matches('/').to_owned(),
            identity,
            retry: connection.retry,
            timeout: connection.timeout,
            users: Arc::default(),
        })
    }

    /// How requests are sent again.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How many users the server takes in one request.
    pub fn users(&self) -> &Portion {
        &self.users
    }

    /// Reads something.
    pub fn get(&self, path: &str) -> Result<Value, RequestError> {
        self.send("GET", path, None)
    }

    /// Reads something that need not be there.
    pub fn find(&self, path: &str) -> Result<Option<Value>, RequestError> {
        match self.get(path) {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a request, again where that may help. Whatever isn't success is an error.
    pub fn send(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, RequestError> {
        // A body may hold a password: it is wiped like one.
        let text = body.map(|body| Zeroizing::new(body.to_string()));
        let text = text.as_ref().map(|text| text.as_str());
        self.send_text(method, path, "application/json", text)
    }

    /// Sends a body of another kind than JSON's own, such as a patch.
    pub fn send_as(
        &self,
        method: &'static str,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Result<Value, RequestError> {
        let text = Zeroizing::new(body.to_string());
        self.send_text(method, path, kind, Some(text.as_str()))
    }

    /// Sends lines of JSON.
    pub fn send_lines(&self, path: &str, lines: &str) -> Result<Value, RequestError> {
        self.send_text("POST", path, "application/x-ndjson", Some(lines))
    }

    fn send_text(
        &self,
        method: &'static str,
        path: &str,
        kind: &str,
        text: Option<&str>,
    ) -> Result<Value, RequestError> {
        let once = || self.once(method, path, kind, text);
        // `backon` tells the next pause, not the last error, so that what a server asks for is waited here.
        let result = (|| {
            once().inspect_err(|error| {
                if let RequestError::Refused {
                    wait: Some(wait), ..
                } = error
                    && error.is_passing()
                {
                    std::thread::sleep((*wait).min(LONGEST_WAIT));
                }
            })
        })
        .retry(self.retry.pauses())
        .when(RequestError::is_passing)
        .call();
        result.map(|answer| answer.body)
    }

    fn once(
        &self,
        method: &'static str,
        path: &str,
        kind: &str,
        text: Option<&str>,
    ) -> Result<Answer, RequestError> {
        let transport = |why: String| RequestError::Transport {
            method,
            path: path.to_owned(),
            why,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.url));
        if text.is_some() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        // Without a text, GET and DELETE have no body at all, and the others one of length 0: a body of unknown length
        // is one for Elasticsearch, which refuses it where it reads none.
        let bodiless = matches!(method, "GET" | "DELETE") && text.is_none();
        let text = text.unwrap_or_default();
        let mut request = request
            .body(text)
            .map_err(|error| transport(error.to_string()))?;
        self.identity
            .sign(&mut request, text.as_bytes())
            .map_err(transport)?;
        let result = if bodiless {
            self.agent.run(request.map(drop))
        } else {
            self.agent.run(request)
        };
        let mut response = result.map_err(|error| transport(error.to_string()))?;
        let status = response.status().as_u16();
        let wait = response.headers().get(header::RETRY_AFTER);
        let wait = wait.and_then(|value| retry_after(value.to_str().ok()?, now()));
        let mut bytes = Zeroizing::new(Vec::new());
        response
            .body_mut()
            .as_reader()
            .take(LARGEST_ANSWER)
            .read_to_end(&mut bytes)
            .map_err(|error| transport(error.to_string()))?;
        let body = if bytes.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&bytes)
        };
        if (200..300).contains(&status) {
            return body
                .map(|body| Answer { status, body })
                .map_err(|_| RequestError::Malformed {
                    method,
                    path: path.to_owned(),
                    status,
                    text: Fault::quoting(&String::from_utf8_lossy(&bytes)),
                });
        }
        let reason = match &body {
            Ok(body) => reason(body),
            Err(_) => Fault::quoting(&String::from_utf8_lossy(&bytes)),
        };
        Err(RequestError::Refused {
            method,
            path: path.to_owned(),
            status,
            reason,
            wait,
        })
    }
}

/// What a server says of an error, in one line. Bodies of requests aren't quoted by servers' errors of the security API,
/// and what looks like a secret is masked.
fn reason(body: &Value) -> String {
    let reason = body
        .pointer("/error/root_cause/0/reason")
        .or_else(|| body.pointer("/error/reason"))
        .or_else(|| body.get("message"))
        .or_else(|| body.get("reason"))
        .or_else(|| body.get("error"))
        .unwrap_or(body);
    let caused = body
        .pointer("/error/caused_by/reason")
        .and_then(Value::as_str);
    let text = match reason {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match caused {
        Some(caused) if !text.contains(caused) => Fault::quoting(&format!("{text} ({caused})")),
        _ => Fault::quoting(&text),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a date in `Retry-After` is meant from now on"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// `Retry-After`: seconds, or a date (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>).
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value.trim())
            .ok()?
            .duration_since(now)
            .ok(),
    }
}

fn authorities(url: &str, pem: &[u8]) -> Result<Vec<Certificate<'static>>, Fault> {
    let wrong = |message: &str| {
        Fault::new(url, format!("`certificate_authority` {message}"))
            .hint("give a PEM file with one or more certificates")
    };
    let mut all = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => all.push(certificate),
            Ok(_) => return Err(wrong("contains something other than certificates")),
            Err(error) => return Err(wrong(&format!("isn't PEM: {error}"))),
        }
    }
    if all.is_empty() {
        return Err(wrong("contains no certificate"));
    }
    Ok(all)
}

fn system_authorities() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs().certs;
    let certificates = found.iter();
    certificates
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::SecretString;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(date, now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn reasons_are_one_line_of_whatever_form() {
        for (body, told) in [
            (
                json!({"error": {"reason": "a", "root_cause": [{"reason": "b"}], "caused_by": {"reason": "c"}}}),
                "b (c)",
            ),
            (json!({"status": "NOT_FOUND", "message": "d"}), "d"),
            (json!({"error": "no handler"}), "no handler"),
            (json!({"x": 1}), "{\"x\":1}"),
        ] {
            assert_eq!(reason(&body), told);
        }
    }

    #[test]
    fn a_client_shows_no_credential() {
        let connection = Connection {
            url: "http://127.0.0.1:1".to_owned(),
            authorities: None,
            timeout: Duration::from_secs(1),
            retry: Retry {
                times: 0,
                ..Retry::default()
            },
        };
        let identity = Identity::user("admin", &SecretString::from("hunter2"));
        let client = Client::new(&connection, identity).expect("a client");
        let shown = format!("{client:?} {:?}", client.get("x"));
        assert!(
            !shown.contains("hunter2") && !shown.contains(&STANDARD.encode("admin:hunter2")),
            "{shown}"
        );
    }
}
