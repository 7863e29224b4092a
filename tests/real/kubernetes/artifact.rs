//! What Flux's source-controller does, as far as the tests need it: it packs
//! a folder, serves it over HTTP, and writes into the `GitRepository`'s status
//! where it is
//! (<https://fluxcd.io/flux/components/source/gitrepositories/#artifact>).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::kubernetes::server::ApiServer;

type Archives = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Serves the archives of one repository on this machine only, until the test ends.
pub struct Source {
    archives: Archives,
    url: String,
}

impl Source {
    /// Serves nothing yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let archives = Archives::default();
        let served = Arc::clone(&archives);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&stream, &served);
            }
        });
        Self { archives, url }
    }

    /// Packs `rendered/` below a folder, and tells everybody that this is the
    /// repository's newest revision, which is given back.
    pub fn publish(&self, server: &ApiServer, repository: &str, root: &Path) -> String {
        let output = Command::new("tar")
            .args(["--sort=name", "--mtime=@0", "-cz", "-C"])
            .arg(root)
            .arg("rendered")
            .output()
            .expect("tar starts");
        assert!(output.status.success(), "{output:?}");
        let digest = hexadecimal(&Sha256::digest(&output.stdout));
        let name = format!("{digest}.tar.gz");
        let revision = format!("main@sha1:{}", &digest[..40]);
        let size = output.stdout.len();
        self.archives
            .lock()
            .expect("nobody panicked with it")
            .insert(format!("/{name}"), output.stdout);
        let now = "2026-01-01T00:00:00Z";
        let status = json!({ "status": {
            "artifact": {
                "url": format!("{}/{name}", self.url),
                "path": name,
                "revision": revision,
                "digest": format!("sha256:{digest}"),
                "lastUpdateTime": now,
                "size": size,
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded",
                "message": "stored artifact", "lastTransitionTime": now,
            }],
        }});
        let path = format!("{repository}/status");
        let answer = server.admin.send_text(
            "PATCH",
            &path,
            "application/merge-patch+json",
            &status.to_string(),
        );
        assert!(answer.status < 300, "{}", answer.body);
        revision
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes all");
        text
    })
}

/// Answers one request. Whoever goes away before the end asks again.
fn answer(mut stream: &TcpStream, archives: &Archives) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next().unwrap_or_default();
    let path = request.split(' ').nth(1).unwrap_or_default();
    // Headers end at an empty line.
    let _ = lines.by_ref().take_while(|line| !line.is_empty()).count();
    let archives = archives.lock().expect("nobody panicked with it");
    let (status, body) = match archives.get(path) {
        Some(body) => ("200 OK", body.as_slice()),
        None => ("404 Not Found", &b""[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}
