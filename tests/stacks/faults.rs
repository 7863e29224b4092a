//! A proxy before the emulator that fails at every request in turn, as a killed run or a broken network does.
//! Whatever was done until then, the next run does the rest.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use logfleet_contract::members::Fragment;
use serde_json::json;

use crate::emulator::Aws;
use crate::failures::{REGION, fleet, groups, template};
use crate::http::{self, Answer, Request};
use crate::run::{Choices, Fleet, make_bucket};

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It and all later ones fail, before they arrive: the run was killed, or the network is gone.
    Cut,
    /// It arrives, its answer is lost, and all later ones fail.
    Lost,
    /// It arrives, and its answer is a page of a proxy, once.
    Page,
    /// AWS has no time for it, once.
    Throttled,
    /// It arrives, and its answer is a 503, once.
    Unavailable,
}

fn proxy(endpoint: String, at: usize, fault: Fault) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let address = http::serve(move |request| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let html = || (502, Vec::new(), b"<html>no</html>".to_vec());
        let is_it = number == at;
        match fault {
            Fault::Cut if number >= at => html(),
            Fault::Lost if number > at => html(),
            Fault::Throttled if is_it => {
                let text = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
                (400, Vec::new(), text.as_bytes().to_vec())
            }
            _ => {
                let answer = forward(&endpoint, request);
                match fault {
                    Fault::Lost | Fault::Page if is_it => html(),
                    Fault::Unavailable if is_it => (503, Vec::new(), Vec::new()),
                    _ => answer,
                }
            }
        }
    });
    (address, count)
}

fn forward(endpoint: &str, request: &Request) -> Answer {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut out = ureq::http::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{endpoint}{}", request.path));
    for (name, value) in &request.headers {
        if !["host", "content-length", "connection", "transfer-encoding"].contains(&name.as_str()) {
            out = out.header(name, value);
        }
    }
    let mut answer = agent.run(out.body(request.body.clone()).expect("a request")).expect("an answer");
    let etag = answer.headers().get("etag").and_then(|own| own.to_str().ok()).map(ToOwned::to_owned);
    let body = answer.body_mut().read_to_vec().expect("a body");
    let headers = etag.map(|etag| ("etag", etag)).into_iter().collect();
    (answer.status().as_u16(), headers, body)
}

/// A cluster with a stack and a setting.
fn whole(aws: &Aws, number: &str) -> Fleet {
    let mut fleet = fleet(aws, number, "alpha", &["one"]);
    fleet.settings.records = serde_json::from_value(json!({ "bucket": "faults-records", "region": REGION })).ok();
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
    let shown = aws.account(number).call(REGION, "logs", "describe_log_groups", &json!({ "logGroupNamePrefix": "/aws/eks/alpha" }));
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

#[test]
fn after_a_failure_at_any_request_the_next_run_does_the_rest() {
    let Some(aws) = Aws::shared() else { return };
    make_bucket(&aws.account("123456789012"), "faults-records", REGION);
    let changes: [(Change, &[&str], Option<u64>); 3] = [
        (made, &["/aws/eks/alpha", "one"], Some(14)),
        (changed, &["/aws/eks/alpha", "one", "two"], Some(30)),
        (removed, &["/aws/eks/alpha"], None),
    ];
    let mut account = 210_000_000_000_u64;
    for (which, (change, groups_wanted, days)) in changes.into_iter().enumerate() {
        for fault in [Fault::Cut, Fault::Lost, Fault::Page, Fault::Throttled, Fault::Unavailable] {
            let mut at = 0;
            loop {
                account += 1;
                let number = account.to_string();
                let own = aws.account(&number);
                own.call(REGION, "logs", "create_log_group", &json!({ "logGroupName": "/aws/eks/alpha" }));
                let mut fleet = whole(aws, &number);
                if which > 0 {
                    fleet.run(&Choices::default());
                }
                let choices = change(&mut fleet);
                let (address, count) = proxy(aws.endpoint.clone(), at, fault);
                fleet.endpoint = format!("http://{address}");
                let way = fleet.way();
                let outcome = fleet.prepare(&way, &choices).map(|prepared| fleet.apply(&way, &prepared));
                let told = format!("{fault:?} at {at} of change {which}: {outcome:?}");
                if count.load(Ordering::SeqCst) <= at {
                    break;
                }
                fleet.endpoint.clone_from(&aws.endpoint);
                let (_, failed) = fleet.try_run(&choices);
                assert_eq!(failed, Vec::<String>::new(), "{told}");
                assert_eq!(fleet.run(&choices), Vec::<String>::new(), "{told}");
                assert_eq!(groups(&own), groups_wanted, "{told}");
                assert_eq!(retention(aws, &number), days, "{told}");
                at += 1;
            }
            assert!(at > 5, "only {at} requests were made");
        }
    }
}
