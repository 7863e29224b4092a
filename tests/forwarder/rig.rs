//! A forwarder between the two servers.

use std::time::Duration;

use aws_credential_types::Credentials;
use logfleet_contract::forwarder::Configuration;
use logfleet_forwarder::aws::Place;
use logfleet_forwarder::handle::{Context, Forwarder, Outcome};
use logfleet_forwarder::{clock, example};
use serde_json::Value;

use crate::account::Account;
use crate::bulk::{Fault, Script, Server};

pub struct Rig {
    pub account: Account,
    pub server: Server,
}

impl Rig {
    pub fn new(script: Script) -> Self {
        Self {
            account: Account::start(),
            server: Server::start(script),
        }
    }

    pub fn always(fault: Fault) -> Self {
        Self::new(Script::Always(fault))
    }

    pub fn configuration(&self) -> Configuration {
        example::configuration(&self.server.url())
    }

    /// A new process.
    pub fn forwarder(&self) -> Forwarder {
        self.forwarder_of(self.configuration())
    }

    pub fn forwarder_of(&self, configuration: Configuration) -> Forwarder {
        Forwarder::new(configuration, place(&self.account), "forwarder").expect("a forwarder")
    }
}

/// A function's place in an account.
pub fn place(account: &Account) -> Place {
    Place {
        region: "eu-central-1".into(),
        credentials: Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"),
        endpoint: Some(format!("http://{}", account.address)),
    }
}

/// What Lambda says of a call that may take so long.
pub fn context(request: &str, time: Duration) -> Context {
    let now = u64::try_from(clock::now()).expect("after 1970");
    Context {
        request: request.into(),
        deadline: now + u64::try_from(time.as_millis()).expect("less than for ever"),
    }
}

/// Runs one call in a process of its own.
pub fn run(forwarder: &Forwarder, event: &str, seconds: u64) -> Outcome {
    run_within(forwarder, event, Duration::from_secs(seconds))
}

pub fn run_within(forwarder: &Forwarder, event: &str, time: Duration) -> Outcome {
    runtime().block_on(forwarder.handle(event, &context("request", time)))
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// A count of a call's line.
pub fn count(outcome: &Outcome, name: &str) -> u64 {
    let line: Value = serde_json::from_str(&outcome.line).expect("JSON");
    line[name].as_u64().unwrap_or_default()
}

/// A call's notes.
pub fn notes(outcome: &Outcome) -> String {
    let line: Value = serde_json::from_str(&outcome.line).expect("JSON");
    let notes = line["notes"].as_array().cloned().unwrap_or_default();
    notes
        .iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join(" | ")
}
