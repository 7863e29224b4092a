//! A server of HTTP on this machine that answers what a test has it answer, and fails where a test wants it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::certificates::Authority;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    /// Without the leading `/` and the query.
    pub path: String,
    pub query: String,
    pub kind: String,
    /// `Basic` or `ApiKey`; a signature of AWS as it is.
    pub scheme: String,
    pub user: String,
    pub password: String,
    /// Every header, by its name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    /// Whether it changes something.
    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// The body as JSON; null if there is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The connection is closed before anything is done.
    Refused,
    /// What was asked is done, and the answer breaks off in its middle.
    BrokenOff,
    /// Too many requests, with how many seconds to wait.
    Throttled(Option<u64>),
    /// Nothing is done.
    Status(u16),
    /// A proxy's page, with 200; nothing is done.
    Html,
    /// What was asked is done, and the answer never comes.
    Silence,
    /// The answer never comes while somebody waits for it. Whether what was asked is done.
    Held(bool),
    /// A certificate of another authority; only with TLS.
    WrongCertificate,
    /// The signature is too old for the server's clock.
    WrongClock,
}

/// Which requests fail: the first by its number, and how many from there on.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub from: usize,
    pub count: usize,
    pub failure: Failure,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    plan: Option<Plan>,
}

type Answering = Box<dyn Fn(&Request) -> (u16, Value) + Send + Sync>;

struct Shared {
    seen: Mutex<Seen>,
    answering: Answering,
    tls: Option<&'static Tls>,
}

/// Who the server is, and who it isn't.
struct Tls {
    authority: String,
    right: Arc<ServerConfig>,
    wrong: Arc<ServerConfig>,
}

impl Tls {
    /// The same for all servers: keys take their time.
    fn shared() -> &'static Self {
        static TLS: OnceLock<Tls> = OnceLock::new();
        TLS.get_or_init(Self::new)
    }

    fn new() -> Self {
        let config = |authority: &Authority| {
            let issued = authority.issue("played");
            let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes());
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.unwrap()], key.unwrap());
            Arc::new(config.unwrap())
        };
        let (right, wrong) = (Authority::new(), Authority::new());
        Self {
            authority: right.pem(),
            right: config(&right),
            wrong: config(&wrong),
        }
    }
}

/// The server. Its threads end with the test's process.
pub struct Played {
    port: u16,
    shared: Arc<Shared>,
}

impl Played {
    /// Starts one.
    pub fn start(answering: impl Fn(&Request) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self::start_with(Box::new(answering), None)
    }

    /// Starts one that is reached by TLS, with a connection for each request.
    pub fn start_tls(answering: impl Fn(&Request) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self::start_with(Box::new(answering), Some(Tls::shared()))
    }

    fn start_with(answering: Answering, tls: Option<&'static Tls>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            answering,
            tls,
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || {
                    // A client that goes away is none of ours.
                    let _ = greet(stream, &shared);
                });
            }
        });
        Self { port, shared }
    }

    /// Its address.
    pub fn url(&self) -> String {
        let scheme = self.authority().map_or("http", |_| "https");
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate of its authority, where it is reached by TLS.
    pub fn authority(&self) -> Option<&str> {
        self.shared.tls.map(|tls| tls.authority.as_str())
    }

    /// How many requests there were since they were asked for last.
    pub fn count(&self) -> usize {
        self.shared.seen.lock().unwrap().requests.len()
    }

    /// Has requests fail, counted from now; none if there is no plan.
    pub fn fail(&self, plan: Option<Plan>) {
        let mut seen = self.shared.seen.lock().unwrap();
        seen.plan = plan;
        seen.requests.clear();
    }

    /// The requests since they were asked for last.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.seen.lock().unwrap().requests)
    }
}

impl Seen {
    /// How the next request fails.
    fn failure(&self) -> Option<Failure> {
        let number = self.requests.len();
        let plan = self
            .plan
            .filter(|plan| (plan.from..plan.from.saturating_add(plan.count)).contains(&number));
        plan.map(|plan| plan.failure)
    }
}

fn greet(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let Some(tls) = shared.tls else {
        return serve(stream, shared);
    };
    let is_wrong = {
        let mut seen = shared.seen.lock().unwrap();
        let is_wrong = seen.failure() == Some(Failure::WrongCertificate);
        if is_wrong {
            seen.requests.push(Request::default());
        }
        is_wrong
    };
    let config = if is_wrong { &tls.wrong } else { &tls.right };
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    if is_wrong {
        // The client goes away; if it doesn't, the test finds a request.
        let sent = stream.read(&mut [0])?;
        assert_eq!(sent, 0, "a request was sent to whoever answered");
        return Ok(());
    }
    serve(stream, shared)
}

fn serve(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let closes = if shared.tls.is_some() {
        "connection: close\r\n"
    } else {
        ""
    };
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader)? {
        let failure = {
            let mut seen = shared.seen.lock().unwrap();
            let failure = seen.failure();
            seen.requests.push(request.clone());
            failure
        };
        let error = |text: &str| serde_json::json!({ "error": { "reason": text } });
        let (status, body, header) = match failure {
            Some(Failure::Refused | Failure::WrongCertificate) => return Ok(()),
            Some(Failure::Held(is_done)) => {
                if is_done {
                    (shared.answering)(&request);
                }
                while reader.read(&mut [0; 16])? > 0 {}
                return Ok(());
            }
            Some(Failure::WrongClock) => (
                403,
                serde_json::json!({ "message": "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z" })
                    .to_string(),
                String::new(),
            ),
            Some(Failure::Throttled(wait)) => {
                let header =
                    wait.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
                (429, error("too many requests").to_string(), header)
            }
            Some(Failure::Status(status)) => (status, error("played").to_string(), String::new()),
            Some(Failure::Html) => (
                200,
                "<html><body>Sign in</body></html>".to_owned(),
                String::new(),
            ),
            None | Some(Failure::BrokenOff | Failure::Silence) => {
                let (status, body) = (shared.answering)(&request);
                // A text stands for itself, such as one of XML.
                let body = match body {
                    Value::String(text) => text,
                    body => body.to_string(),
                };
                (status, body, String::new())
            }
        };
        if failure == Some(Failure::Silence) {
            std::thread::sleep(Duration::from_secs(3));
            return Ok(());
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{closes}{header}\r\n",
            body.len()
        );
        let mut bytes = (head + &body).into_bytes();
        if failure == Some(Failure::BrokenOff) {
            bytes.truncate(bytes.len() - body.len() / 2 - 1);
        }
        let writer = reader.get_mut();
        writer.write_all(&bytes)?;
        writer.flush()?;
        if failure.is_some() || shared.tls.is_some() {
            return Ok(());
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<impl Read>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words
        .next()
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        kind: String::new(),
        scheme: String::new(),
        user: String::new(),
        headers: BTreeMap::new(),
        password: String::new(),
        body: String::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        let headers = &mut request.headers;
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => value.clone_into(&mut request.kind),
            "authorization" => {
                let (scheme, rest) = value.split_once(' ').unwrap();
                scheme.clone_into(&mut request.scheme);
                if let Ok(pair) = STANDARD.decode(rest) {
                    let pair = String::from_utf8(pair).unwrap();
                    let (user, password) = pair.split_once(':').unwrap();
                    user.clone_into(&mut request.user);
                    password.clone_into(&mut request.password);
                }
            }
            "transfer-encoding" => panic!("bodies have a length"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(Some(request))
}
