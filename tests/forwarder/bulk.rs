//! A server's bulk API, as far as the forwarder sees it: data streams whose ids
//! count within the current backing index, and faults by a script.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::web;

/// What a server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// 429, and nothing is carried out.
    Busy,
    /// 503, and nothing is carried out.
    Unavailable,
    /// The connection ends before anything is carried out.
    ResetBefore,
    /// The connection ends after everything is carried out.
    ResetAfter,
    /// Every second document is refused for now.
    Half,
    /// Everything is carried out, and the answer is cut.
    Cut,
    /// A proxy answers.
    Html,
    /// 413 above this many bytes, unpacked.
    TooLarge(usize),
    /// This status for the whole request, with this type of error.
    Refuse(u16, &'static str),
    /// This status for every document, with this type of error.
    RefuseEach(u16, &'static str),
}

#[derive(Debug)]
pub struct State {
    /// How a request is answered.
    pub script: Script,
    /// The documents of each data stream by id, as often as they were stored, with the generation.
    pub stored: BTreeMap<String, Vec<(u32, Value)>>,
    current: BTreeSet<String>,
    generation: u32,
    /// Documents that the last request stored.
    new: Vec<String>,
    /// Documents that requests stored of which nobody showed that he got the answer, by the request's
    /// number.
    unanswered: BTreeMap<u64, Vec<String>>,
    /// The last requests of connections that ended.
    closed: BTreeSet<u64>,
    /// Documents that were stored by requests whose answer nobody got, or nobody could read.
    pub unknown: BTreeSet<String>,
    /// Passwords that are accepted.
    pub passwords: BTreeSet<String>,
    /// Whether documents with `poison` in them are taken.
    pub mended: bool,
    pub requests: u64,
    /// Bytes of the largest request, unpacked.
    pub largest: usize,
    /// Whether only the messages of documents are kept.
    pub only_messages: bool,
    pub pace: Pace,
}

/// How long a server takes until it carries a request out, and until it then answers.
#[derive(Debug)]
pub enum Pace {
    Always(Duration, Duration),
    /// Mostly fast, sometimes slow, now and then away for seconds.
    Chance(Chance),
}

impl Pace {
    fn next(&mut self) -> (Duration, Duration) {
        let pause = |chance: &mut Chance| {
            Duration::from_millis(match chance.below(200) {
                0 => 4_000 + chance.below(4_000),
                1..10 => 300 + chance.below(1_000),
                _ => 2 + chance.below(100),
            })
        };
        match self {
            Self::Always(before, after) => (*before, *after),
            Self::Chance(chance) => (pause(chance), pause(chance)),
        }
    }
}

/// Faults by chance, or the same each time.
#[derive(Debug)]
pub enum Script {
    Always(Fault),
    Chance(Chance),
}

impl Script {
    /// `number` is that of the request: now and then the server is away for longer than a call waits.
    fn next(&mut self, number: u64) -> Fault {
        match self {
            Self::Always(fault) => *fault,
            Self::Chance(_) if (150..210).contains(&(number % 300)) => Fault::Unavailable,
            Self::Chance(_) if (210..270).contains(&(number % 300)) => Fault::Busy,
            Self::Chance(chance) => match chance.below(100) {
                0..4 => Fault::Busy,
                4..7 => Fault::Unavailable,
                7..10 => Fault::ResetBefore,
                10..14 => Fault::ResetAfter,
                14..17 => Fault::Half,
                17..19 => Fault::Cut,
                19 => Fault::Html,
                _ => Fault::None,
            },
        }
    }
}

/// The server.
#[derive(Clone, Debug)]
pub struct Server {
    state: Arc<Mutex<State>>,
    pub address: SocketAddr,
}

struct Serving(Arc<Mutex<State>>);

impl web::Service for Serving {
    fn pauses(&self) -> (Duration, Duration) {
        self.0.lock().expect("no test panics here").pace.next()
    }

    fn answer(&self, number: u64, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let mut state = self.0.lock().expect("no test panics here");
        let answer = state.answer(request);
        let new = std::mem::take(&mut state.new);
        if state.closed.contains(&number) {
            state.unknown.extend(new);
        } else if !new.is_empty() {
            state.unanswered.insert(number, new);
        }
        answer
    }

    fn seen(&self, number: u64) {
        let mut state = self.0.lock().expect("no test panics here");
        state.unanswered.remove(&number);
    }

    fn closed(&self, number: u64) {
        let mut state = self.0.lock().expect("no test panics here");
        state.closed.insert(number);
        let new = state.unanswered.remove(&number).unwrap_or_default();
        state.unknown.extend(new);
    }
}

impl Server {
    pub fn start(script: Script) -> Self {
        let state = Arc::new(Mutex::new(State::begun(script)));
        let address = web::serve(Arc::new(Serving(Arc::clone(&state))));
        Self { state, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics here")
    }
}

impl State {
    fn begun(script: Script) -> Self {
        Self {
            script,
            pace: Pace::Always(Duration::ZERO, Duration::ZERO),
            stored: BTreeMap::new(),
            current: BTreeSet::new(),
            generation: 0,
            new: Vec::new(),
            unanswered: BTreeMap::new(),
            closed: BTreeSet::new(),
            unknown: BTreeSet::new(),
            passwords: BTreeSet::from(["first".to_owned()]),
            mended: false,
            requests: 0,
            largest: 0,
            only_messages: false,
        }
    }

    /// From now on everything is carried out at once.
    pub fn be_well(&mut self) {
        self.script = Script::Always(Fault::None);
        self.pace = Pace::Always(Duration::ZERO, Duration::ZERO);
    }

    /// Nobody is killed any more: whoever still has a connection got every answer.
    pub fn all_seen(&mut self) {
        self.unanswered.clear();
    }

    /// Begins new backing indices, in which no id is known.
    pub fn roll_over(&mut self) {
        self.generation += 1;
        self.current.clear();
    }

    /// The documents, each as often as it was stored.
    pub fn documents(&self) -> impl Iterator<Item = &Value> {
        self.stored.values().flatten().map(|(_, document)| document)
    }

    fn answer(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        self.requests += 1;
        let mut text = String::new();
        flate2::read::GzDecoder::new(&request.body()[..])
            .read_to_string(&mut text)
            .expect("the body is packed");
        self.largest = self.largest.max(text.len());
        assert_eq!(request.headers()["content-type"], "application/x-ndjson");
        let header = request
            .headers()
            .get("authorization")
            .and_then(|own| own.to_str().ok());
        let accepted = self.passwords.iter().any(|password| {
            header
                == Some(&format!(
                    "Basic {}",
                    STANDARD.encode(format!("writer:{password}"))
                ))
        });
        if !accepted {
            return web::answer(401, r#"{"error":"Unauthorized"}"#);
        }
        let stream = request
            .uri()
            .path()
            .trim_start_matches('/')
            .split('/')
            .next()
            .expect("a stream")
            .to_owned();
        match self.script.next(self.requests) {
            Fault::None => self.carry_out(&stream, &text, |_| false, None),
            Fault::Busy => web::answer(429, ""),
            Fault::Unavailable => web::answer(503, "no"),
            Fault::ResetBefore => None,
            Fault::ResetAfter => {
                self.carry_out(&stream, &text, |_| false, None);
                None
            }
            Fault::Half => self.carry_out(
                &stream,
                &text,
                |number| number % 2 == 1,
                Some((429, "es_rejected_execution_exception")),
            ),
            Fault::Cut => {
                let whole = self.carry_out(&stream, &text, |_| false, None)?.into_body();
                // Somebody gets it, and knows as little as without.
                self.unknown.extend(std::mem::take(&mut self.new));
                web::answer(200, whole.slice(..whole.len() / 2))
            }
            Fault::Html => web::answer(200, "<html>busy</html>"),
            Fault::TooLarge(limit) if text.len() > limit => web::answer(413, ""),
            Fault::TooLarge(_) => self.carry_out(&stream, &text, |_| false, None),
            Fault::Refuse(status, kind) => {
                web::answer(status, json!({ "error": { "type": kind } }).to_string())
            }
            Fault::RefuseEach(status, kind) => {
                self.carry_out(&stream, &text, |_| true, Some((status, kind)))
            }
        }
    }

    fn carry_out(
        &mut self,
        stream: &str,
        text: &str,
        refused: impl Fn(usize) -> bool,
        refusal: Option<(u16, &str)>,
    ) -> Option<Response<Bytes>> {
        let mut items = Vec::new();
        let lines: Vec<&str> = text.lines().collect();
        for (number, pair) in lines.chunks(2).enumerate() {
            let action: Value = serde_json::from_str(pair[0]).expect("an action");
            let document: Value = serde_json::from_str(pair[1]).expect("a document");
            let id = action["create"]["_id"].as_str().expect("an id");
            let key = format!("{stream}/{id}");
            let failed = |status: u16, kind: &str| json!({ "create": { "status": status, "error": { "type": kind, "reason": format!("failed to parse {document}") } } });
            items.push(
                if let Some((status, kind)) = refusal.filter(|_| refused(number)) {
                    failed(status, kind)
                } else if !self.mended && pair[1].contains("poison") {
                    failed(400, "mapper_parsing_exception")
                } else if self.current.contains(&key) {
                    failed(409, "version_conflict_engine_exception")
                } else {
                    self.current.insert(key.clone());
                    self.new.push(key.clone());
                    let document = if self.only_messages {
                        json!({ "message": document["message"] })
                    } else {
                        document
                    };
                    self.stored
                        .entry(key)
                        .or_default()
                        .push((self.generation, document));
                    json!({ "create": { "status": 201 } })
                },
            );
        }
        web::answer(200, json!({ "errors": true, "items": items }).to_string())
    }
}
