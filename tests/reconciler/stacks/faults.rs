//! A proxy before the emulator that fails at every request in turn, as a killed run or a broken network does.
//! Whatever was done until then, the next run does the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logfleet_contract::members::Fragment;
use serde_json::json;

use super::emulator::Aws;
use super::failures::{REGION, fleet, groups, template};
use super::http::{self, Answer, Request};
use super::run::{Choices, Fleet, make_bucket};
use crate::played::Played;

/// How requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// One and all later ones fail, before they arrive: the run was killed, or the network is gone.
    Cut(usize),
    /// One arrives, its answer is lost, and all later ones fail.
    Lost(usize),
    /// Each fails the first time, and passes when it is sent again.
    First(Failure),
    /// One fails.
    One(usize, Failure),
    /// One and all later ones fail.
    From(usize, Failure),
}

/// What is answered instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Nothing: the connection is closed before the request arrives.
    Refused,
    /// It arrives, and the answer breaks off.
    BrokenOff,
    /// It arrives, and the answer comes too late.
    Silence,
    /// It arrives, and a proxy answers with a page: 502, or 200 as a page to sign in.
    Page(u16),
    /// It arrives, and a proxy answers with this status and no body.
    Status(u16),
    /// AWS has no time for it, and says when it will have.
    TooMany,
    /// AWS has no time for it, in its own words.
    Throttled,
    /// The credential has expired.
    Expired,
    /// The signature's time is too far from AWS's.
    WrongClock,
}

/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(2);

impl Failure {
    fn answer(self, arrive: impl Fn() -> Answer) -> Answer {
        let refusal = |status: u16, code: &str, message: &str| {
            let text = format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            );
            (status, Vec::new(), text.into_bytes())
        };
        match self {
            Self::Refused => (0, Vec::new(), Vec::new()),
            Self::BrokenOff => {
                let (status, mut headers, mut body) = arrive();
                headers.push(("content-length", (body.len() + 1).to_string()));
                body.truncate(body.len() / 2);
                (status, headers, body)
            }
            Self::Silence => {
                arrive();
                std::thread::sleep(ANSWER * 2);
                (0, Vec::new(), Vec::new())
            }
            Self::Page(status) => {
                arrive();
                (status, Vec::new(), b"<html>no</html>".to_vec())
            }
            Self::Status(status) => {
                arrive();
                (status, Vec::new(), Vec::new())
            }
            Self::TooMany => (429, vec![("retry-after", "0".to_owned())], Vec::new()),
            Self::Throttled => refusal(400, "Throttling", "Rate exceeded"),
            Self::Expired => refusal(
                403,
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            Self::WrongClock => refusal(
                403,
                "SignatureDoesNotMatch",
                "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z",
            ),
        }
    }
}

/// A proxy; it counts the requests that came.
fn proxy(endpoint: String, fault: Fault) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let seen: Mutex<BTreeSet<(String, Vec<u8>)>> = Mutex::default();
    let address = http::serve(move |request| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let key = (
            format!("{} {}", request.method, request.path),
            request.body.clone(),
        );
        let is_first = seen.lock().expect("nobody panicked").insert(key);
        let html = (502, Vec::new(), b"<html>no</html>".to_vec());
        let arrive = || forward(&endpoint, request);
        match fault {
            Fault::Cut(at) if number >= at => html,
            Fault::Lost(at) if number == at => Failure::Page(502).answer(arrive),
            Fault::Lost(at) if number > at => html,
            Fault::First(failure) if is_first => failure.answer(arrive),
            Fault::One(at, failure) if number == at => failure.answer(arrive),
            Fault::From(at, failure) if number >= at => failure.answer(arrive),
            _ => arrive(),
        }
    });
    (address, count)
}

/// Has a request arrive.
pub fn forward(endpoint: &str, request: &Request) -> Answer {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let mut out = ureq::http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{endpoint}{}", request.path));
    for (name, value) in &request.headers {
        if !["host", "content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
            out = out.header(name, value);
        }
    }
    let mut answer = agent
        .run(out.body(request.body.clone()).expect("a request"))
        .expect("an answer");
    let etag = answer
        .headers()
        .get("etag")
        .and_then(|own| own.to_str().ok())
        .map(ToOwned::to_owned);
    let body = answer.body_mut().read_to_vec().expect("a body");
    let headers = etag.map(|etag| ("etag", etag)).into_iter().collect();
    (answer.status().as_u16(), headers, body)
}

/// A cluster with a stack and a setting.
fn whole(aws: &Aws, number: &str) -> Fleet {
    let mut fleet = fleet(aws, number, "alpha", &["one"]);
    fleet.settings.records =
        serde_json::from_value(json!({ "bucket": "faults-records", "region": REGION })).ok();
    let fragment: Fragment = serde_json::from_value(json!({
        "member_type": "AWS::EKS::Cluster",
        "region": REGION,
        "members": [{ "id": "alpha", "arn": format!("arn:aws:eks:{REGION}:{number}:cluster/alpha") }],
        "calls": [{
            "when": "after", "service": "logs", "action": "PutRetentionPolicy",
            "parameters": { "logGroupName": "/aws/eks/alpha", "retentionInDays": 14 },
            "undo": { "action": "DeleteRetentionPolicy", "parameters": { "logGroupName": "/aws/eks/alpha" } },
        }],
    }))
    .expect("a fragment");
    let own = fleet.clusters.get_mut("alpha").expect("there");
    own.fragments = BTreeMap::from([("eks".to_owned(), fragment)]);
    fleet
}

fn retention(aws: &Aws, number: &str) -> Option<u64> {
    let shown = aws.account(number).call(
        REGION,
        "logs",
        "describe_log_groups",
        &json!({ "logGroupNamePrefix": "/aws/eks/alpha" }),
    );
    shown["logGroups"][0]["retentionInDays"].as_u64()
}

/// What a fleet is to become.
type Change = fn(&mut Fleet) -> Choices;

fn made(_: &mut Fleet) -> Choices {
    Choices::default()
}

fn changed(fleet: &mut Fleet) -> Choices {
    let own = fleet.clusters.get_mut("alpha").expect("there");
    own.stacks.get_mut(REGION).expect("there").template = template(&["one", "two"]);
    own.fragments.get_mut("eks").expect("there").calls[0].parameters["retentionInDays"] = 30.into();
    Choices::default()
}

fn removed(fleet: &mut Fleet) -> Choices {
    let place = fleet.settings.clusters["alpha"].clone();
    fleet.settings.also = vec![place];
    fleet.clusters.clear();
    Choices::confirmed(&["alpha"])
}

/// What is to become of a fleet: how, its log groups then, and the days that one of them keeps events.
const CHANGES: [(Change, &[&str], Option<u64>); 3] = [
    (made, &["/aws/eks/alpha", "one"], Some(14)),
    (changed, &["/aws/eks/alpha", "one", "two"], Some(30)),
    (removed, &["/aws/eks/alpha"], None),
];

/// Carries a change out behind a proxy, and then without; how many requests came, and the faults that the proxy made.
fn carried_out(aws: &Aws, which: usize, fault: Fault) -> (usize, Vec<String>) {
    static ACCOUNTS: AtomicUsize = AtomicUsize::new(0);
    let number = format!("21{:010}", ACCOUNTS.fetch_add(1, Ordering::SeqCst));
    let own = aws.account(&number);
    own.call(
        REGION,
        "logs",
        "create_log_group",
        &json!({ "logGroupName": "/aws/eks/alpha" }),
    );
    let (change, groups_wanted, days) = CHANGES[which];
    let mut fleet = whole(aws, &number);
    if which > 0 {
        fleet.run(&Choices::default());
    }
    let choices = change(&mut fleet);
    let (address, count) = proxy(aws.endpoint.clone(), fault);
    fleet.endpoint = format!("http://{address}");
    if matches!(fault, Fault::First(Failure::Silence)) {
        fleet.answer = ANSWER;
    }
    let way = fleet.way();
    let reports = fleet.prepare(&way, &choices).map(|prepared| {
        let stops = prepared.plan.stops.clone();
        let reports = fleet.apply(&way, &prepared);
        let failed = reports.into_values().flat_map(|own| own.failed);
        stops.into_iter().chain(failed).collect::<Vec<_>>()
    });
    let told: Vec<String> = reports
        .unwrap_or_else(|faults| faults)
        .iter()
        .map(ToString::to_string)
        .collect();
    let count = count.load(Ordering::SeqCst);
    fleet.endpoint.clone_from(&aws.endpoint);
    fleet.answer = Duration::from_secs(60);
    let (_, failed) = fleet.try_run(&choices);
    let place = format!("{fault:?} of change {which}: {told:#?}");
    assert_eq!(failed, Vec::<String>::new(), "{place}");
    assert_eq!(fleet.run(&choices), Vec::<String>::new(), "{place}");
    assert_eq!(groups(&own), groups_wanted, "{place}");
    assert_eq!(retention(aws, &number), days, "{place}");
    (count, told)
}

/// Carries a change out with a failure at each request in turn, some of them at once.
fn fails_at_each_request(aws: &Aws, which: usize, fault: impl Fn(usize) -> Fault + Sync) {
    let (next, last) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at > last.load(Ordering::SeqCst) {
                        return;
                    }
                    let (count, told) = carried_out(aws, which, fault(at));
                    if count <= at {
                        last.fetch_min(at, Ordering::SeqCst);
                        assert_eq!(told, Vec::<String>::new(), "nothing failed");
                    }
                }
            });
        }
    });
    let last = last.into_inner();
    assert!(last > 5, "only {last} requests were made");
}

#[test]
fn after_a_failure_at_any_request_the_next_run_does_the_rest() {
    let Some(aws) = Aws::shared() else { return };
    make_bucket(&aws.account("123456789012"), "faults-records", REGION);
    for which in 0..CHANGES.len() {
        fails_at_each_request(aws, which, Fault::Cut);
        fails_at_each_request(aws, which, Fault::Lost);
    }
}

#[test]
fn after_a_refusal_at_any_request_the_next_run_does_the_rest() {
    let Some(aws) = Aws::shared() else { return };
    make_bucket(&aws.account("123456789012"), "faults-records", REGION);
    for which in 0..CHANGES.len() {
        for failure in [Failure::Expired, Failure::WrongClock, Failure::Page(200)] {
            fails_at_each_request(aws, which, |at| Fault::One(at, failure));
        }
        for failure in [Failure::Expired, Failure::WrongClock] {
            fails_at_each_request(aws, which, |at| Fault::From(at, failure));
        }
    }
}

#[test]
fn what_passes_when_it_is_sent_again_is_no_fault() {
    let Some(aws) = Aws::shared() else { return };
    make_bucket(&aws.account("123456789012"), "faults-records", REGION);
    for failure in [
        Failure::Refused,
        Failure::BrokenOff,
        Failure::Silence,
        Failure::Page(502),
        Failure::Status(500),
        Failure::Status(503),
        Failure::Status(429),
        Failure::TooMany,
        Failure::Throttled,
    ] {
        std::thread::scope(|scope| {
            for which in 0..CHANGES.len() {
                scope.spawn(move || {
                    let (_, told) = carried_out(aws, which, Fault::First(failure));
                    assert_eq!(told, Vec::<String>::new(), "{failure:?} of change {which}");
                });
            }
        });
    }
}

/// The system's authorities sign nothing of whoever answers here.
#[test]
fn a_certificate_of_somebody_else_is_told_and_nothing_is_sent() {
    let Some(aws) = Aws::shared() else { return };
    let theirs = Played::start_tls(|request| panic!("{request:?} was sent"));
    let mut fleet = fleet(aws, "219999999999", "alpha", &["one"]);
    fleet.endpoint = theirs.url();
    let begun = Instant::now();
    let told: Vec<String> = match fleet.prepare(&fleet.way(), &Choices::default()) {
        Ok(prepared) => prepared
            .plan
            .stops
            .iter()
            .map(ToString::to_string)
            .collect(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    };
    assert!(
        told.len() == 1 && told[0].contains("certificate"),
        "{told:#?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it isn't tried again"
    );
    assert_eq!(theirs.count(), 0);
}
