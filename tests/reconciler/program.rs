//! The program, run in this process against one server.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use logfleet_contract::server::Backend;
use logfleet_reconciler::aws::{Access, Accounts, Patience};
use logfleet_reconciler::cli::{self, Terminal};
use logfleet_reconciler::client::Retry;
use logfleet_reconciler::fault::Fault;
use logfleet_reconciler::session::Surroundings;
use logfleet_reconciler::settings::{Environment, Settings};
use logfleet_reconciler::store::{SecretStore, Stores};

use crate::store::Memory;

/// The administrator's password at played servers.
pub const PASSWORD: &str = "canary-of-the-administrator";

/// The reconciler's own key at a played AWS.
const AWS_KEY: &str = "canary-key-of-the-reconciler";

struct Variables(String);

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "ADMIN_PASSWORD").then(|| self.0.clone())
    }
}

/// Seconds by which the program's clock is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000 + AHEAD.load(Ordering::SeqCst)).unwrap()
}

/// Lets time pass. All tests have the same clock, and none needs it to stand still.
pub fn pass(seconds: i64) {
    AHEAD.fetch_add(seconds, Ordering::SeqCst);
}

/// The program with its settings.
pub struct Program {
    folder: tempfile::TempDir,
    source: PathBuf,
    /// Where credentials are stored.
    pub store: Memory,
    /// Where AWS is played.
    pub aws: Option<String>,
    /// How requests are sent again.
    pub retry: Retry,
    password: String,
    /// Whether it is to end.
    pub ended: AtomicBool,
}

/// What a run of it came to.
#[derive(Debug)]
pub struct Ended {
    pub code: u8,
    pub out: String,
    pub err: String,
}

impl Program {
    /// For a server that is reached without TLS.
    pub fn new(backend: Backend, url: &str, source: &Path) -> Self {
        Self::with(backend, url, source, "admin", PASSWORD, None, 20)
    }

    /// For any server.
    pub fn with(
        backend: Backend,
        url: &str,
        source: &Path,
        user: &str,
        password: &str,
        authority: Option<&str>,
        timeout: u16,
    ) -> Self {
        let backend = match backend {
            Backend::Elasticsearch => "elasticsearch",
            Backend::Opensearch => "opensearch",
        };
        let mut settings = format!(
            "servers:
  one:
    url: {url}
    backend: {backend}
    serves: [{{ destination: main }}]
    administrator: {{ username: {user}, password: {{ variable: ADMIN_PASSWORD }} }}
    timeout_seconds: {timeout}
"
        );
        if authority.is_some() {
            settings += "    certificate_authority: ca.pem\n";
        }
        let program = Self::of(&settings, source, password);
        if let Some(authority) = authority {
            fs::write(program.folder.path().join("ca.pem"), authority).unwrap();
        }
        program
    }

    /// For any servers: the settings without stores, in which a password is in the variable `ADMIN_PASSWORD`.
    pub fn of(servers: &str, source: &Path, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "{servers}secret_stores: {{ account: {{ aws_secrets_manager: {{ region: eu-central-1 }} }} }}\n"
        );
        fs::write(folder.path().join("reconciler.yaml"), settings).unwrap();
        Self {
            folder,
            source: source.to_owned(),
            store: Memory::default(),
            aws: None,
            // One failure of a server is one of the program.
            retry: Retry {
                times: 0,
                first: Duration::from_millis(1),
                longest: Duration::from_millis(5),
            },
            password: password.to_owned(),
            ended: AtomicBool::new(false),
        }
    }

    /// Adds to the settings.
    pub fn add_settings(&self, text: &str) {
        let path = self.folder.path().join("reconciler.yaml");
        let settings = fs::read_to_string(&path).unwrap();
        fs::write(path, settings + text).unwrap();
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut all: Vec<OsString> = vec!["reconciler".into()];
        all.extend(arguments.iter().map(OsString::from));
        all.extend(["--source".into(), self.source.clone().into()]);
        all.extend([
            "--settings".into(),
            self.folder.path().join("reconciler.yaml").into(),
        ]);
        let store = self.store.clone();
        let stores = move |_: &Settings| -> Result<Stores, Vec<Fault>> {
            let store: Box<dyn SecretStore> = Box::new(store.clone());
            Ok(BTreeMap::from([("account".to_owned(), store)]))
        };
        let surroundings = Surroundings {
            environment: &Variables(self.password.clone()),
            sign_in: &|access| Ok(self.sign_in(access)),
            stores: &stores,
            retry: self.retry,
            now,
            ended: &self.ended,
            watched: false,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = cli::run(
            all,
            &surroundings,
            &mut Terminal {
                out: &mut out,
                err: &mut err,
            },
        );
        let ended = Ended {
            code,
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
        };
        self.shows_no_secret(&ended);
        ended
    }

    /// A credential that only the AWS of this program knows.
    fn sign_in(&self, access: Access) -> Accounts {
        let access = Access {
            endpoint: self.aws.clone(),
            patience: Patience {
                times: 1,
                first: Duration::from_millis(1),
                ..Patience::default()
            },
            ..access
        };
        let credentials = Credentials::new(AWS_KEY, AWS_KEY, None, None, "the test");
        Accounts::with_credentials(access, credentials)
    }

    /// Runs a command that must come to an exit code.
    pub fn expect(&self, code: u8, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(
            ended.code, code,
            "{arguments:?}\n{}\n{}",
            ended.out, ended.err
        );
        ended
    }

    /// The folder of its settings, for files of a test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn shows_no_secret(&self, ended: &Ended) {
        let shown = format!("{}{}", ended.out, ended.err);
        for password in self.store.passwords().iter().chain([&self.password]) {
            assert!(
                !shown.contains(password.as_str()),
                "a password is shown:\n{shown}"
            );
        }
    }
}
