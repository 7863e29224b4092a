//! A real Chromium, driven through its `DevTools` protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>) by a pair of pipes.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::rig;

/// How long one answer may take. It takes milliseconds, on a busy machine of CI more.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// What the program is called.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// It reads commands from descriptor 3 and writes to descriptor 4.
const WITH_PIPES: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

/// A browser with one page. It ends when its pipe is closed, however the test ends.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    commands: Option<ChildStdin>,
    messages: Receiver<Json>,
    number: u64,
    session: Option<String>,
    events: Vec<Json>,
    /// Its profile; removed at the end.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one, or none where it isn't installed, visibly.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            rig::absent(
                "chromium",
                "Chromium is not there (Debian: apt-get install chromium)",
            );
            return None;
        };
        let profile = tempfile::tempdir().expect("the temporary folder is writable");
        let mut process = Command::new("sh")
            .args(["-c", WITH_PIPES, "sh"])
            .arg(program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--disable-gpu",
                "--no-first-run",
            ])
            // Root, and most containers, can't have its sandbox. It opens our own pages only.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let (sender, messages) = channel();
        spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else {
                    return;
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            commands: process.stdin.take(),
            process,
            messages,
            number: 0,
            session: None,
            events: Vec::new(),
            _profile: profile,
        };
        browser.open_page();
        Some(browser)
    }

    fn open_page(&mut self) {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            &json!({"targetId": target["targetId"], "flatten": true}),
        );
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Calls a method and waits for its answer; what happens meanwhile is kept.
    pub fn call(&mut self, method: &str, parameters: &Json) -> Json {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let commands = self.commands.as_mut().expect("it is open until the end");
        let sent = write!(commands, "{command}\0");
        sent.unwrap_or_else(|error| panic!("Chromium doesn't listen: {error}"));
        loop {
            let message = self.next_message(method);
            if message["id"] != self.number {
                self.events.push(message);
            } else if let Some(error) = message.get("error") {
                panic!("{method}: {error}");
            } else {
                return message["result"].clone();
            }
        }
    }

    fn next_message(&self, waiting_for: &str) -> Json {
        let message = self.messages.recv_timeout(ANSWER_WITHIN);
        message.unwrap_or_else(|error| panic!("no answer to {waiting_for}: {error}"))
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, file: &Path, fragment: &str) {
        // A change of the fragment alone would load nothing.
        for url in [
            "about:blank".to_owned(),
            format!("file://{}{fragment}", file.display()),
        ] {
            self.events.clear();
            self.call("Page.navigate", &json!({"url": url}));
            while !self
                .events
                .iter()
                .any(|event| event["method"] == "Page.loadEventFired")
            {
                let event = self.next_message(&url);
                self.events.push(event);
            }
        }
    }

    /// The value of an expression, of a promise when it is kept.
    pub fn evaluate(&mut self, expression: &str) -> Json {
        let answer = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}),
        );
        if let Some(exception) = answer.get("exceptionDetails") {
            panic!("{expression}: {exception}");
        }
        answer["result"]["value"].clone()
    }

    /// Presses and releases a key: a character, or `Enter` or `Escape`.
    pub fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => ("\r", 13),
            "Escape" => ("", 27),
            _ => (key, 0),
        };
        let mut event =
            json!({"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", &event);
        event["type"] = "keyUp".into();
        event["text"] = "".into();
        self.call("Input.dispatchKeyEvent", &event);
    }

    /// Types a text where the focus is.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Sets the width of the window and the colour scheme.
    pub fn look(&mut self, width: u32, scheme: &str) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// What the page complained of, or asked for, since it was opened; itself left out.
    pub fn complaints(&mut self) -> Vec<String> {
        // What happened before this answer is in front of it.
        self.evaluate("1");
        let told =
            self.events
                .iter()
                .filter(|event| match event["method"].as_str().unwrap_or_default() {
                    "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                        true
                    }
                    "Network.requestWillBeSent" => event["params"]["type"] != "Document",
                    _ => false,
                });
        told.map(Json::to_string).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let candidates = NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file())
}
