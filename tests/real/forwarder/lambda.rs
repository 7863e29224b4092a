//! Lambda, as a program meets it: the runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), a process
//! that is killed, and calls that are made again.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::http::{self, Answer, Request};

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Response,
    /// With what it says went wrong.
    Error(String),
}

/// A function, with a process that serves it.
pub struct Function {
    calls: Sender<(String, String)>,
    ended: Receiver<(String, Ended)>,
    process: Child,
    command: Command,
}

impl Function {
    /// Starts a program as a function, with these variables in its environment.
    pub fn start(program: &Path, variables: &[(&str, &str)]) -> Self {
        let (calls, waiting) = channel::<(String, String)>();
        let (done, ended) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let done = Mutex::new(done);
        let api = http::serve(move |request| answer(request, &waiting, &done));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "forwarder")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/forwarder")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        let process = command.spawn().expect("the program can be started");
        Self {
            calls,
            ended,
            process,
            command,
        }
    }

    /// Calls it, and doesn't wait.
    pub fn invoke(&self, request: &str, event: &str) {
        self.calls
            .send((request.to_owned(), event.to_owned()))
            .expect("the API runs");
    }

    /// What came of a call.
    pub fn wait(&self, request: &str) -> Ended {
        loop {
            let (own, ended) = self
                .ended
                .recv_timeout(Duration::from_secs(120))
                .expect("an answer");
            if own == request {
                return ended;
            }
        }
    }

    pub fn call(&self, request: &str, event: &str) -> Ended {
        self.invoke(request, event);
        self.wait(request)
    }

    /// Memory of the process at its most, in kibibytes.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .expect("it runs");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .expect("a peak");
        line.split_whitespace()
            .nth(1)
            .and_then(|own| own.parse().ok())
            .expect("a number")
    }

    /// Kills the process, and starts another one.
    pub fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        self.process = self.command.spawn().expect("the program can be started");
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(
    request: &Request,
    waiting: &Mutex<Receiver<(String, String)>>,
    done: &Mutex<Sender<(String, Ended)>>,
) -> Answer {
    let path = request.path.trim_start_matches("/2018-06-01/runtime/");
    if path == "invocation/next" {
        let next = waiting.lock().expect("no panic").recv();
        let Ok((id, event)) = next else {
            return (500, Vec::new(), Vec::new());
        };
        #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
        let deadline = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("now")
            .as_millis()
            + 60_000;
        let headers = vec![
            ("lambda-runtime-aws-request-id", id),
            ("lambda-runtime-deadline-ms", deadline.to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:111122223333:function:forwarder".to_owned(),
            ),
            (
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned(),
            ),
            ("content-type", "application/json".to_owned()),
        ];
        return (200, headers, event.into_bytes());
    }
    let mut parts = path.split('/').skip(1);
    if let (Some(id), Some(kind)) = (parts.next(), parts.next()) {
        let ended = if kind == "response" {
            Ended::Response
        } else {
            Ended::Error(String::from_utf8_lossy(&request.body).into_owned())
        };
        // Nobody listens any more when the test is over.
        let _ = done.lock().expect("no panic").send((id.to_owned(), ended));
    }
    (202, Vec::new(), b"{\"status\":\"OK\"}".to_vec())
}
