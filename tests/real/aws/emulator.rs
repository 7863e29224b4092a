//! The emulator of AWS's APIs, started for tests, and asked by AWS's own library.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use crate::rig::{self, Server, User};

/// Where `ci/rigs/aws` installs.
pub const INSTALLED: &str = "aws-moto-5.2.5/complete";

/// The emulator, which all tests of this run share.
pub struct Aws {
    _server: Server,
    /// Where it is.
    #[allow(
        dead_code,
        reason = "the reconciler's tests start it as well, and lead the program there"
    )]
    pub endpoint: String,
    asker: Mutex<Asker>,
}

/// A process that asks AWS's APIs by AWS's own library, one request a line.
/// It ends when its standard input does.
struct Asker {
    _process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Why AWS refused a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's code of the error.
    pub code: String,
    /// What AWS says.
    pub message: String,
}

impl Aws {
    /// The emulator; none where it isn't installed.
    pub fn shared() -> Option<&'static Self> {
        static AWS: OnceLock<Option<Aws>> = OnceLock::new();
        AWS.get_or_init(Self::start).as_ref()
    }

    /// An account, by its number. Nothing of one is seen from another, so every test has its own.
    pub fn account(&self, number: &str) -> Account<'_> {
        assert!(
            number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit()),
            "{number} is no account"
        );
        Account {
            aws: self,
            number: number.to_owned(),
        }
    }

    fn start() -> Option<Self> {
        let python = rig::installed(INSTALLED, "aws")?.with_file_name("bin/python");
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/real/rigs/aws");
        let folder = rig::folder("aws");
        let port = rig::free_port();
        let python = || {
            let mut command = Command::new(&python);
            // Nothing of this machine's own settings for AWS, and no files beside the sources.
            command
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .env("AWS_CONFIG_FILE", folder.join("none"))
                .env("AWS_SHARED_CREDENTIALS_FILE", folder.join("none"))
                .env("AWS_EC2_METADATA_DISABLED", "true");
            command
        };
        let mut serve = python();
        serve
            .arg(format!("{sources}/serve.py"))
            .arg(port.to_string());
        let mut server = Server::start("The AWS emulator", &folder, User::Own, &serve);
        let endpoint = format!("http://127.0.0.1:{port}");
        server.wait_until(|| ureq::get(format!("{endpoint}/moto-api/")).call().is_ok());

        let mut process = python()
            .arg(format!("{sources}/aws.py"))
            .arg(&endpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let requests = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Some(Self {
            _server: server,
            endpoint,
            asker: Mutex::new(Asker {
                _process: process,
                requests,
                answers,
            }),
        })
    }
}

/// One account of AWS.
pub struct Account<'a> {
    /// The emulator.
    pub aws: &'a Aws,
    /// Its twelve digits.
    pub number: String,
}

impl Account<'_> {
    /// Asks a service: `operation` is in snake case, a list in pages comes whole.
    pub fn ask(
        &self,
        region: &str,
        service: &str,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, Refusal> {
        let request = json!({
            "account": self.number,
            "region": region,
            "service": service,
            "operation": operation,
            "parameters": parameters,
        });
        // A test that failed while it asked leaves no half of a line behind.
        let mut asker = self
            .aws
            .asker
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(asker.requests, "{request}").expect("the asking process runs");
        let mut line = String::new();
        asker.answers.read_line(&mut line).expect("it answers");
        let mut answer: Value = serde_json::from_str(&line).expect("it answers with JSON");
        match answer.get("error") {
            None => Ok(answer["answer"].take()),
            Some(error) => Err(Refusal {
                code: error["code"].as_str().unwrap_or_default().to_owned(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// Asks a service what it must not refuse.
    pub fn call(&self, region: &str, service: &str, operation: &str, parameters: &Value) -> Value {
        self.ask(region, service, operation, parameters)
            .unwrap_or_else(|refusal| {
                panic!("{service} {operation} {parameters} in {region}: {refusal:?}")
            })
    }
}
