//! Functions of Lambda as the emulator of AWS describes them: the forwarder's real program, in AWS's own emulator of
//! Lambda's runtime interface (<https://github.com/aws/aws-lambda-runtime-interface-emulator>).

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::emulator::{Account, Aws};
use crate::rig::{self, Server, User};

/// A function that runs.
pub struct Function {
    _emulator: Server,
    url: String,
    log: PathBuf,
    /// Bytes of the log that were read.
    read: usize,
    /// Its log group.
    pub log_group: String,
}

impl Function {
    /// Starts a function by what the emulator of AWS holds of it: name, memory, time, environment and role.
    pub fn start(aws: &Aws, account: &Account<'_>, region: &str, arn: &str) -> Self {
        let described = account.call(
            region,
            "lambda",
            "get_function_configuration",
            &json!({ "FunctionName": arn }),
        );
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{value} in {described}"))
                .to_owned()
        };
        let name = text(&described["FunctionName"]);
        let variables = described["Environment"]["Variables"]
            .as_object()
            .expect("an environment");
        let role = json!({ "RoleArn": described["Role"], "RoleSessionName": "function" });
        let assumed = account.call(region, "sts", "assume_role", &role);
        let credentials = &assumed["Credentials"];

        let folder = rig::folder("lambda");
        let (own, api) = (rig::free_port(), rig::free_port());
        let address = format!("127.0.0.1:{own}");
        let mut command = Command::new(rig::cache().join("bin/aws-lambda-rie"));
        command
            .args(["--runtime-interface-emulator-address", &address])
            .args(["--runtime-api-address", &format!("127.0.0.1:{api}")])
            .arg(forwarder())
            .env("AWS_LAMBDA_FUNCTION_NAME", &name)
            .env(
                "AWS_LAMBDA_FUNCTION_TIMEOUT",
                described["Timeout"].to_string(),
            )
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                described["MemorySize"].to_string(),
            )
            .env("AWS_REGION", region)
            .env("AWS_ACCESS_KEY_ID", text(&credentials["AccessKeyId"]))
            .env(
                "AWS_SECRET_ACCESS_KEY",
                text(&credentials["SecretAccessKey"]),
            )
            .env("AWS_SESSION_TOKEN", text(&credentials["SessionToken"]))
            .env("AWS_ENDPOINT_URL", &aws.endpoint)
            .envs(variables.iter().map(|(key, value)| (key, text(value))));
        let mut emulator = Server::start("AWS's runtime emulator", &folder, User::Own, &command);
        emulator.wait_until(|| TcpStream::connect(&address).is_ok());
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        Self {
            _emulator: emulator,
            url,
            log: folder.join("log"),
            read: 0,
            log_group: format!("/aws/lambda/{name}"),
        }
    }

    /// The lines that it printed since they were read last.
    pub fn printed(&mut self) -> Vec<String> {
        let log = fs::read(&self.log).expect("the emulator's log");
        let new = String::from_utf8_lossy(&log[self.read..]).into_owned();
        self.read = log.len();
        // The runtime emulator prints lines of its own, with the time before them.
        let lines = new.lines().filter(|line| line.starts_with('{'));
        lines.map(ToOwned::to_owned).collect()
    }

    /// Calls it; what it says went wrong.
    pub fn call(&self, event: &str) -> Result<(), String> {
        let request = ureq::post(&self.url)
            .config()
            .timeout_global(Some(Duration::from_secs(180)))
            .build();
        let mut answer = request.send(event).map_err(|error| error.to_string())?;
        let text = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| error.to_string())?;
        let answer: Value =
            serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        match answer["errorMessage"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(()),
        }
    }
}

/// A program of this workspace, which `ci/demo` builds beside `gen`.
pub fn built(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_gen"))
        .parent()
        .expect("target/<profile>");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} isn't built: ci/demo does it",
        path.display()
    );
    path
}

fn forwarder() -> PathBuf {
    built("logfleet-forwarder")
}
