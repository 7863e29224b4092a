//! The program as it is installed, killed (`kill -9`) at each request to AWS in turn: the next run does the rest.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::emulator::Aws;
use super::failures::{REGION, groups};
use super::faults::forward;
use super::http;
use super::line::{command, render, told};

/// Makes a stack of log groups by a run that is killed at a request, and finishes it; whether it came to that request.
fn is_finished(aws: &Aws, account: &str, at: usize, arrives: bool) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    render(root, &["one"]);
    let settings = format!(
        "aws:\n  owner: kills\n  role: reconciler\n  clusters: {{ alpha: {{ account: \"{account}\", region: {REGION} }} }}\n"
    );
    fs::write(root.join("reconciler.yaml"), settings).expect("writable");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let held = Arc::new(Mutex::new(()));
    let holding = Arc::clone(&held);
    let guard = held.lock().expect("nobody panicked");
    let endpoint = aws.endpoint.clone();
    let address = http::serve(move |request| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        if number < at {
            return forward(&endpoint, request);
        }
        if number == at && arrives {
            forward(&endpoint, request);
        }
        // Nobody is there any more when it goes on.
        drop(holding.lock());
        (0, Vec::new(), Vec::new())
    });
    let mut run = command(
        root,
        &format!("http://{address}"),
        &["apply", "--only", "aws"],
    )
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .expect("it starts");
    let end = Instant::now() + Duration::from_secs(120);
    let came = loop {
        if count.load(Ordering::SeqCst) > at {
            run.kill().expect("it is there");
            assert_eq!(run.wait().expect("it ended").code(), None, "it was killed");
            break true;
        }
        if let Some(ended) = run.try_wait().expect("it is there") {
            assert!(ended.success(), "{ended}");
            break false;
        }
        assert!(Instant::now() < end, "request {at} never came");
        std::thread::sleep(Duration::from_millis(2));
    };
    drop(guard);
    let again = |arguments: &[&str]| {
        told(
            &command(root, &aws.endpoint, arguments)
                .output()
                .expect("it starts"),
        )
    };
    let place = format!("killed at request {at}, which arrives: {arrives}");
    let (code, out, err) = again(&["apply", "--only", "aws"]);
    assert_eq!(code, 0, "{place}\n{out}{err}");
    let (code, out, err) = again(&["plan", "--only", "aws"]);
    assert_eq!(code, 0, "{place}\n{out}{err}");
    assert_eq!(groups(&aws.account(account)), ["one"], "{place}");
    came
}

#[test]
fn a_run_that_is_killed_at_any_request_is_finished_by_the_next() {
    let Some(aws) = Aws::shared() else { return };
    for arrives in [false, true] {
        let (next, last) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::SeqCst);
                        if at > last.load(Ordering::SeqCst) {
                            return;
                        }
                        let account = format!("24{}{at:09}", u8::from(arrives));
                        if !is_finished(aws, &account, at, arrives) {
                            last.fetch_min(at, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        let last = last.into_inner();
        assert!(last > 5, "only {last} requests were made");
    }
}
