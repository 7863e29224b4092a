//! What is done with each kind of answer, over real connections.

use std::time::Duration;

use bytes::Bytes;
use logfleet_contract::forwarder::Authentication;
use logfleet_forwarder::aws::Place;
use logfleet_forwarder::deliver::store::Store;
use logfleet_forwarder::handle::Forwarder;
use logfleet_forwarder::http::{Client, Trust};
use logfleet_forwarder::letter::Shelf;
use serde_json::json;

use crate::bulk::{Fault, Pace, Script};
use crate::chance::Chance;
use crate::events::{call, event};
use crate::loss::replay;
use crate::rig::{Rig, count, notes, place, run, run_within, runtime};

const VPC: &str = "/logfleet/alpha/aws/vpc";

fn three() -> String {
    call(VPC, &[event(1, "a"), event(2, "b"), event(3, "c")])
}

fn four() -> String {
    call(
        VPC,
        &[event(4, "d"), event(5, "e"), event(6, "f"), event(7, "g")],
    )
}

#[test]
fn events_are_stored_once_however_often_the_call_comes() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let call = three();
    let first = run(&forwarder, &call, 30);
    assert_eq!(first.result, Ok(()));
    assert_eq!(
        (
            count(&first, "EventsIn"),
            count(&first, "Delivered"),
            count(&first, "Duplicates")
        ),
        (3, 3, 0)
    );
    let second = run(&forwarder, &call, 30);
    assert_eq!(
        (count(&second, "Delivered"), count(&second, "Duplicates")),
        (3, 3)
    );
    let state = rig.server.state();
    assert_eq!(state.documents().count(), 3);
    assert!(
        state
            .stored
            .keys()
            .all(|key| key.starts_with("logs-aws.vpc-alpha/"))
    );
    let document = state.documents().next().expect("a document");
    assert_eq!(
        (&document["message"], &document["aws.source"]),
        (&"a".into(), &"aws.vpc".into())
    );
}

#[test]
fn a_control_message_is_answered_and_sends_nothing() {
    let rig = Rig::always(Fault::None);
    let control = crate::events::wrap(br#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#);
    assert_eq!(run(&rig.forwarder(), &control, 30).result, Ok(()));
    assert_eq!(rig.server.state().requests, 0);
}

/// Before anything is stored the call fails, and Lambda makes it again: nothing is put aside.
#[test]
fn before_the_first_answer_a_call_fails() {
    for (fault, told) in [
        (
            Fault::Refuse(403, "security_exception"),
            "main: status 403, security_exception: the data stream or the right to write it is missing",
        ),
        (
            Fault::Refuse(404, "index_not_found_exception"),
            "main: status 404, index_not_found_exception: the data stream or the right to write it is missing",
        ),
        (
            Fault::RefuseEach(403, "security_exception"),
            "main: status 403, security_exception: the data stream or the right to write it is missing",
        ),
        (
            Fault::RefuseEach(404, "index_not_found_exception"),
            "main: status 404, index_not_found_exception: the data stream or the right to write it is missing",
        ),
        (
            Fault::Refuse(403, "cluster_block_exception"),
            "main: the server is overloaded",
        ),
        (
            Fault::RefuseEach(403, "cluster_block_exception"),
            "main: status 403, cluster_block_exception",
        ),
        (Fault::Busy, "main: the server is overloaded"),
    ] {
        let rig = Rig::always(fault);
        let outcome = run(&rig.forwarder(), &three(), 8);
        assert_eq!(
            outcome.result.expect_err("it fails").to_string(),
            told,
            "{fault:?}"
        );
        assert_eq!(rig.account.keys(""), [""; 0], "{fault:?}");
        assert_eq!(rig.server.state().documents().count(), 0);
    }
}

/// What may have been stored isn't handed over again as a whole: the rest waits in the bucket.
#[test]
fn after_something_may_be_stored_the_rest_waits_in_the_bucket() {
    for fault in [
        Fault::ResetAfter,
        Fault::Cut,
        Fault::Html,
        Fault::Unavailable,
    ] {
        let rig = Rig::always(fault);
        let outcome = run(&rig.forwarder(), &three(), 8);
        assert_eq!(outcome.result, Ok(()), "{fault:?}");
        assert_eq!(count(&outcome, "Retried"), 3, "{fault:?}");
        let ids: Vec<_> = rig
            .account
            .lines("retry/")
            .iter()
            .map(|line| line["document"]["message"].clone())
            .collect();
        assert_eq!(ids, ["a", "b", "c"], "{fault:?}");
    }
}

#[test]
fn only_what_was_refused_for_now_is_sent_again() {
    // The first answer takes half, the next ones all.
    let rig = Rig::always(Fault::Half);
    let forwarder = rig.forwarder();
    let outcome = run(&forwarder, &three(), 30);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Duplicates")),
        (3, 0)
    );
    assert_eq!(rig.server.state().requests, 2);
}

#[test]
fn a_document_that_is_refused_for_good_is_put_aside_with_the_reason_and_holds_nothing_back() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let outcome = run(
        &forwarder,
        &call(VPC, &[event(1, "a"), event(2, "poison xyz"), event(3, "c")]),
        30,
    );
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Rejected")),
        (2, 1)
    );
    let lines = rig.account.lines("dead/");
    assert_eq!(
        (&lines[0]["status"], &lines[0]["type"]),
        (&400.into(), &"mapper_parsing_exception".into())
    );
    assert!(
        lines[0]["reason"]
            .as_str()
            .expect("a reason")
            .contains("xyz")
    );
    // Neither the event nor what the server says of it is in the function's own log.
    assert!(
        !outcome.line.contains("xyz") && outcome.line.contains("mapper_parsing_exception"),
        "{}",
        outcome.line
    );
}

#[test]
fn a_request_that_is_too_large_is_halved_down_to_one_document() {
    let events: Vec<_> = (0..200)
        .map(|number| event(number, &"x".repeat(900)))
        .chain([event(999, &"y".repeat(60_000))])
        .collect();
    let rig = Rig::always(Fault::TooLarge(40_000));
    let outcome = run(&rig.forwarder(), &call(VPC, &events), 30);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Rejected")),
        (200, 1)
    );
    assert_eq!(rig.account.lines("dead/")[0]["type"], "request_too_large");
}

/// The function for what global services write is in another Region than the cluster and its secret.
#[test]
fn a_secret_is_read_in_the_cluster_s_region_or_in_that_of_its_arn() {
    let rig = Rig::always(Fault::None);
    let there = Place {
        region: "us-east-1".into(),
        ..place(&rig.account)
    };
    let mut configuration = rig.configuration();
    for (secret, region) in [
        ("logfleet/alpha/main", "eu-central-1"),
        (
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:logfleet/alpha/main-AbCdEf",
            "eu-west-1",
        ),
    ] {
        let main = configuration.destinations.get_mut("main").expect("there");
        main.authentication = Authentication::Basic {
            secret: secret.into(),
        };
        let forwarder =
            Forwarder::new(configuration.clone(), there.clone(), "forwarder").expect("a forwarder");
        let outcome = run(&forwarder, &call(VPC, &[event(1, "text")]), 30);
        assert_eq!(outcome.result, Ok(()));
        let asked = std::mem::take(&mut rig.account.state().secret_regions);
        assert_eq!(asked, [region], "{secret}");
    }
}

#[test]
fn a_rotated_credential_is_read_again_once() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    assert_eq!(run(&forwarder, &three(), 30).result, Ok(()));
    let rotate = |accepted: &str, versions: &[&str]| {
        rig.server.state().passwords = [accepted.to_owned()].into();
        rig.account.state().passwords = versions.iter().map(|own| (*own).to_owned()).collect();
    };
    // The current version counts; then the previous one, since the server doesn't know the new one yet.
    rotate("second", &["first", "second"]);
    assert_eq!(run(&forwarder, &three(), 30).result, Ok(()));
    rotate("second", &["first", "second", "third"]);
    assert_eq!(run(&rig.forwarder(), &three(), 30).result, Ok(()));
    assert_eq!(rig.account.state().reads_of_secrets, 2 + 3);
    rotate("fourth", &["second", "third"]);
    let outcome = run(&forwarder, &three(), 30);
    let told = outcome.result.expect_err("no credential").to_string();
    assert_eq!(
        told,
        "main: status 401: the credential in its secret is not accepted"
    );
}

#[test]
fn a_server_that_is_away_fails_the_call_with_its_reason() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    for destination in configuration.destinations.values_mut() {
        destination.url = "http://127.0.0.1:9".into();
    }
    let outcome = run(&rig.forwarder_of(configuration), &three(), 10);
    assert!(outcome.result.is_err());
    assert!(notes(&outcome).contains("main: "), "{}", outcome.line);
}

/// A destination that is down keeps no other one back, and gets its part later.
#[test]
fn of_two_destinations_each_gets_its_own() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    let mut other = configuration.destinations["main"].clone();
    other.url = "http://127.0.0.1:9".into();
    configuration.destinations.insert("other".into(), other);
    configuration
        .streams
        .get_mut("aws_vpc")
        .expect("a stream")
        .to
        .push("other".into());
    let outcome = run(&rig.forwarder_of(configuration), &three(), 15);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Retried")),
        (3, 3)
    );
    let keys = rig.account.keys("retry/");
    assert!(
        keys.len() == 1 && keys[0].contains("/other/logs-aws.vpc-alpha/"),
        "{keys:?}"
    );
}

#[test]
fn events_of_no_member_are_left_out() {
    let rig = Rig::always(Fault::None);
    rig.account.state().members =
        vec!["arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0".into()];
    let own = r#"{"detail-type":"EC2 Instance State-change Notification","resources":["arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0"]}"#;
    let foreign = own.replace("abcdef0", "abcdef1");
    let outcome = run(
        &rig.forwarder(),
        &call(
            "/logfleet/alpha/aws/ec2",
            &[event(1, own), event(2, &foreign)],
        ),
        30,
    );
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (
            count(&outcome, "EventsIn"),
            count(&outcome, "Foreign"),
            count(&outcome, "Delivered")
        ),
        (2, 1, 1)
    );
    assert_eq!(rig.account.keys("state/"), ["state/members.json"]);
}

/// A function of little memory gets its share of a processor in pieces: when it runs again, its time may be up
/// and the answer there.
#[test]
fn an_answer_that_is_there_when_the_time_is_up_is_taken() {
    let rig = Rig::always(Fault::None);
    rig.server.state().pace = Pace::Always(Duration::ZERO, Duration::from_millis(150));
    let client = Client::new(&Trust::default()).expect("a client");
    let body =
        logfleet_forwarder::batch::gzip(b"{\"create\":{\"_id\":\"1\"}}\n{\"message\":\"a\"}\n");
    let request = http::Request::post(format!("{}/logs-a-b/_bulk", rig.server.url()))
        .header("content-type", "application/x-ndjson")
        .header("authorization", "Basic d3JpdGVyOmZpcnN0")
        .body(Bytes::from(body))
        .expect("a request");
    let answer = runtime().block_on(async {
        let sent = client.send(request, 1000, Duration::from_millis(300));
        let busy = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // Nothing of this process runs meanwhile.
            std::thread::sleep(Duration::from_millis(600));
        };
        futures_util::future::join(sent, busy).await.0
    });
    assert_eq!(answer.map(|own| own.status), Ok(200));
}

#[test]
fn events_get_the_chosen_tags_of_their_log_group_which_is_asked_once() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    configuration.log_group_tags = vec!["team".into(), "cost.center".into()];
    let forwarder = rig.forwarder_of(configuration);
    let tags = json!({ "tags": { "team": "payments \"a\"", "cost.center": "7", "secret": "x" } });
    rig.account
        .state()
        .answers
        .insert("ListTagsForResource".into(), tags);
    for call in [three(), four()] {
        let outcome = run(&forwarder, &call, 30);
        assert_eq!(
            (outcome.result.clone(), count(&outcome, "Untagged")),
            (Ok(()), 0)
        );
    }
    let wanted = json!({ "team": "payments \"a\"", "cost.center": "7" });
    let state = rig.server.state();
    assert_eq!(state.documents().count(), 7);
    assert!(state.documents().all(|own| own["aws.tags"] == wanted));
    let asked = &rig.account.state().calls;
    let asked: Vec<&str> = asked
        .iter()
        .filter(|(action, _)| action == "ListTagsForResource")
        .map(|(_, body)| body.as_str())
        .collect();
    let arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/logfleet/alpha/aws/vpc";
    assert_eq!(asked, [json!({ "resourceArn": arn }).to_string()]);
}

#[test]
fn tags_that_cannot_be_read_hold_no_event_back() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    configuration.log_group_tags = vec!["team".into()];
    let forwarder = rig.forwarder_of(configuration);
    for (call, stored) in [(three(), 3), (four(), 7)] {
        let outcome = run(&forwarder, &call, 30);
        assert_eq!(outcome.result, Ok(()));
        assert_eq!(count(&outcome, "Untagged"), 1);
        let state = rig.server.state();
        assert_eq!(state.documents().count(), stored);
        assert!(state.documents().all(|own| own.get("aws.tags").is_none()));
    }
    let calls = &rig.account.state().calls;
    let asked = calls
        .iter()
        .filter(|(action, _)| action == "ListTagsForResource");
    assert_eq!(asked.count(), 1, "it isn't asked again at once");
}

#[test]
fn without_time_the_rest_of_a_call_waits_and_is_taken_up_where_it_ended() {
    let events: Vec<_> = (0..3000)
        .map(|number| event(number, &"x".repeat(300)))
        .collect();
    let rig = Rig::new(Script::Chance(Chance(3)));
    let forwarder = rig.forwarder();
    // So little that it ends somewhere in the middle, or before the first answer.
    for seconds in [3, 4, 3, 4] {
        let outcome = run(&forwarder, &call(VPC, &events), seconds);
        if outcome.result.is_ok() {
            break;
        }
    }
    rig.server.state().script = Script::Always(Fault::None);
    crate::loss::replay_everything(&rig, &forwarder);
    let outcome = run(&forwarder, &call(VPC, &events), 60);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(rig.server.state().documents().count(), 3000);
}

/// What is left of the time is for putting aside, and for an answer: a request that is sent and given up
/// may be carried out all the same, and nobody knows.
#[test]
fn a_request_that_has_no_time_for_its_answer_is_not_sent() {
    let rig = Rig::always(Fault::None);
    let answer = Duration::from_millis(400);
    rig.server.state().pace = Pace::Always(Duration::ZERO, answer);
    let forwarder = rig.forwarder();
    assert_eq!(run(&forwarder, &three(), 30).result, Ok(()));
    let requests = rig.server.state().requests;
    // What the bucket may take, which nothing was written to yet, and half an answer.
    let reserve = Store::new("dead").time_for(1024);
    let outcome = run_within(&forwarder, &four(), reserve + answer / 2);
    let told = outcome.result.expect_err("there was no time").to_string();
    assert_eq!(told, "main: no time left");
    assert_eq!(rig.server.state().requests, requests);
    // With time for an answer it is sent, and the answer is waited for.
    let outcome = run_within(&forwarder, &four(), reserve + answer * 6);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(
        (count(&outcome, "Delivered"), count(&outcome, "Retried")),
        (4, 0)
    );
}

/// What remains: a server that never was so slow. The documents wait in the bucket under their ids, so they
/// are there twice only if a rollover comes in between.
#[test]
fn a_request_that_was_given_up_is_sent_again_under_the_same_ids() {
    for (rollover, copies) in [(false, 1), (true, 2)] {
        let rig = Rig::always(Fault::None);
        let forwarder = rig.forwarder();
        rig.server.state().pace = Pace::Always(Duration::ZERO, Duration::from_secs(9));
        let reserve = Store::new("dead").time_for(1024);
        let outcome = run_within(&forwarder, &three(), reserve + Duration::from_secs(2));
        assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
        assert_eq!(
            (count(&outcome, "Delivered"), count(&outcome, "Retried")),
            (0, 3)
        );
        assert_eq!(
            rig.server.state().documents().count(),
            3,
            "it was carried out"
        );
        rig.server.state().be_well();
        if rollover {
            rig.server.state().roll_over();
        }
        crate::loss::replay_everything(&rig, &forwarder);
        let state = rig.server.state();
        assert_eq!(state.stored.len(), 3);
        assert_eq!(state.documents().count(), 3 * copies);
    }
}

#[test]
fn log_streams_and_accepted_flows_that_settings_leave_out_are_not_sent() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    let stream = configuration.streams.get_mut("aws_vpc").expect("a stream");
    stream.log_streams.exclude = vec!["str*".into()];
    let flow = |number: u64, action: &str| {
        let port = 1024 + number;
        event(
            number,
            &format!(
                "2 111122223333 eni-1 10.0.0.1 10.0.0.2 {port} 443 6 20 4249 1795900000 1795900060 {action} OK"
            ),
        )
    };
    let events: Vec<_> = (0..200)
        .map(|number| flow(number, if number % 2 == 0 { "ACCEPT" } else { "REJECT" }))
        .collect();
    let call = call(VPC, &events);
    let outcome = run(&rig.forwarder_of(configuration.clone()), &call, 30);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        (count(&outcome, "CallsLeftOut"), count(&outcome, "EventsIn")),
        (1, 0)
    );
    assert_eq!(rig.server.state().requests, 0);

    // Another log stream is taken; of what was let through in it, a tenth.
    let stream = configuration.streams.get_mut("aws_vpc").expect("a stream");
    stream.log_streams.exclude = vec!["other*".into()];
    let group = configuration
        .log_groups
        .get_mut("aws/vpc")
        .expect("a log group");
    group.accepted_percent = Some(10);
    let outcome = run(&rig.forwarder_of(configuration), &call, 30);
    assert_eq!(outcome.result, Ok(()));
    let (left_out, delivered) = (count(&outcome, "LeftOut"), count(&outcome, "Delivered"));
    assert_eq!(
        (count(&outcome, "EventsIn"), left_out + delivered),
        (200, 200)
    );
    assert!((75..100).contains(&left_out), "{left_out}");
    let state = rig.server.state();
    let refused = state
        .documents()
        .filter(|own| own["event.action"] == "reject");
    assert_eq!(refused.count(), 100);
}

/// What was carried out and can't be removed is carried out again: it says that documents may be there twice.
#[test]
fn an_object_that_stays_after_it_was_sent_again_is_told_of() {
    let rig = Rig::always(Fault::None);
    let mut configuration = rig.configuration();
    let mut other = configuration.destinations["main"].clone();
    let well = std::mem::replace(&mut other.url, "http://127.0.0.1:9".into());
    configuration.destinations.insert("other".into(), other);
    let stream = configuration.streams.get_mut("aws_vpc").expect("a stream");
    stream.to.push("other".into());
    let events = [event(1, "number=1 "), event(2, "number=2 ")];
    let outcome = run(
        &rig.forwarder_of(configuration.clone()),
        &call(VPC, &events),
        15,
    );
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    let other = configuration.destinations.get_mut("other");
    other.expect("the destination").url = well;
    let forwarder = rig.forwarder_of(configuration);
    let waiting = rig.account.keys("retry/");
    assert_eq!(waiting.len(), 1);
    rig.account
        .state()
        .read_only
        .insert(format!("dead/{}", waiting[0]));
    let again = || runtime().block_on(replay(&rig, &forwarder, Shelf::Retry));
    assert_eq!(again().len(), 1, "the call's documents may be there twice");
    rig.account.state().read_only.clear();
    assert_eq!(again().len(), 0);
    assert_eq!(rig.account.keys("retry/"), [""; 0]);
}
