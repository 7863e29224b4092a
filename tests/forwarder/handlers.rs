//! Files, schedules, and sending again by schedule.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use logfleet_forwarder::batch::Batch;
use logfleet_forwarder::letter;
use serde_json::{Value, json};

use crate::bulk::{Fault, Script};
use crate::events::{call, event};
use crate::rig::{Rig, count, notes, run};

const INSTANCE: &str = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0";

pub fn messages(rig: &Rig) -> Vec<String> {
    let state = rig.server.state();
    let mut found: Vec<String> = state
        .documents()
        .map(|own| own["message"].as_str().unwrap_or_default().to_owned())
        .collect();
    found.sort();
    found
}

fn notification(key: &str) -> String {
    json!({ "Records": [{ "eventSource": "aws:s3", "eventTime": "2026-11-28T21:06:40.000Z", "s3": { "bucket": { "name": "elb" }, "object": { "key": key } } }] }).to_string()
}

#[test]
fn the_lines_of_a_file_are_stored_once() {
    let rig = Rig::always(Fault::None);
    rig.account.state().objects.insert(
        "elb/AWSLogs/1/a.log".into(),
        b"first line\r\n\nsecond line\nthird".to_vec(),
    );
    let forwarder = rig.forwarder();
    for _ in 0..2 {
        let outcome = run(&forwarder, &notification("AWSLogs/1/a.log"), 30);
        assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
        assert_eq!(count(&outcome, "Delivered"), 3);
    }
    assert_eq!(messages(&rig), ["first line", "second line", "third"]);
    {
        let state = rig.server.state();
        let document = state.documents().next().expect("a document");
        assert_eq!(
            (&document["aws.bucket"], &document["aws.object"]),
            (&"elb".into(), &"AWSLogs/1/a.log".into())
        );
        assert_eq!(document["@timestamp"], "2026-11-28T21:06:40.000Z");
    }
    let outcome = run(&forwarder, &notification("AWSLogs/1/gone.log"), 30);
    assert_eq!(outcome.result, Ok(()));
    assert!(notes(&outcome).contains("the object no longer exists"));
    let outcome = run(
        &forwarder,
        r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"elb"}"#,
        30,
    );
    assert_eq!(outcome.result, Ok(()));
}

#[test]
fn the_status_of_machines_and_what_their_consoles_print_is_asked_for() {
    let rig = Rig::always(Fault::None);
    let console = |text: &str| {
        format!(
            "<R><instanceId>i-0123456789abcdef0</instanceId><timestamp>2026-11-28T21:06:40.000Z</timestamp><output>{}</output></R>",
            STANDARD.encode(text)
        )
    };
    let status = |id: &str| {
        format!(
            "<item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState><systemStatus><status>ok</status></systemStatus><instanceStatus><status>impaired</status></instanceStatus></item>"
        )
    };
    {
        let mut state = rig.account.state();
        state.members = vec![INSTANCE.into(), "arn:aws:s3:::bucket".into()];
        let statuses = format!(
            "<R><instanceStatusSet>{}{}</instanceStatusSet></R>",
            status("i-0123456789abcdef0"),
            status("i-00000000000000000")
        );
        state
            .answers
            .insert("DescribeInstanceStatus".into(), statuses.into());
        state.answers.insert(
            "GetConsoleOutput".into(),
            console("[0.1] booting\n[0.2] half a li").into(),
        );
    }
    let poll =
        json!({ "poll": "machines", "stream": "aws_ec2", "status": true, "console_output": true })
            .to_string();
    let outcome = run(&rig.forwarder(), &poll, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    // The status is the forwarder's own, so there is no text of it.
    assert_eq!(messages(&rig), ["", "[0.1] booting"]);
    {
        let state = rig.server.state();
        let mut documents = state.documents();
        let status = documents.find(|own| own.get("message").is_none());
        let status = status.expect("the status");
        for (field, value) in [
            ("aws.resource", "i-0123456789abcdef0"),
            ("cloud.instance.id", "i-0123456789abcdef0"),
            ("aws.ec2.state", "running"),
            ("aws.ec2.system_status", "ok"),
            ("aws.ec2.instance_status", "impaired"),
        ] {
            assert_eq!(status[field], value, "{field}");
        }
    }
    // Another process goes on where this one ended; a console that says nothing new adds nothing.
    rig.account.state().answers.insert(
        "GetConsoleOutput".into(),
        console("[0.1] booting\n[0.2] half a line\n[0.3] up\n").into(),
    );
    for _ in 0..2 {
        let outcome = run(&rig.forwarder(), &poll, 30);
        assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    }
    let consoles: Vec<String> = messages(&rig)
        .into_iter()
        .filter(|own| own.starts_with('['))
        .collect();
    assert_eq!(consoles, ["[0.1] booting", "[0.2] half a line", "[0.3] up"]);
}

#[test]
fn measurements_of_members_are_asked_for_once_each() {
    let rig = Rig::always(Fault::None);
    {
        let mut state = rig.account.state();
        state.members = vec![INSTANCE.into()];
        let metric = |id: &str| json!({ "Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": [{ "Name": "InstanceId", "Value": id }] });
        state.answers.insert(
            "ListMetrics".into(),
            json!({ "Metrics": [metric("i-0123456789abcdef0"), metric("i-00000000000000000")] }),
        );
        state.answers.insert(
            "GetMetricData".into(),
            json!({ "MetricDataResults": [
            { "Id": "m0_0", "Timestamps": [1_795_899_900.0], "Values": [12.5] },
            { "Id": "m0_1", "Timestamps": [1_795_899_900.0], "Values": [2.5] },
        ] }),
        );
    }
    let poll = json!({ "poll": "metrics", "stream": "aws_ec2", "period_seconds": 300, "metrics": { "AWS/EC2": ["CPUUtilization"] } }).to_string();
    let outcome = run(&rig.forwarder(), &poll, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    {
        let state = rig.server.state();
        let document = state.documents().next().expect("a document");
        for (field, value) in [
            ("event.start", json!("2026-11-28T21:05:00.000Z")),
            ("metric.namespace", json!("AWS/EC2")),
            ("metric.name", json!("CPUUtilization")),
            ("metric.period_seconds", json!(300)),
            ("metric.average", json!(2.5)),
            ("metric.sum", json!(12.5)),
            (
                "metric.dimensions",
                json!({ "InstanceId": "i-0123456789abcdef0" }),
            ),
        ] {
            assert_eq!(document[field], value, "{field}: {document}");
        }
        assert_eq!(
            (&document["@timestamp"], &document["aws.resource"]),
            (
                &"2026-11-28T21:05:00.000Z".into(),
                &"i-0123456789abcdef0".into()
            )
        );
    }
    // Nothing new: nothing is asked for.
    let asked = |rig: &Rig| {
        rig.account
            .state()
            .calls
            .iter()
            .filter(|(action, _)| action == "GetMetricData")
            .count()
    };
    let before = asked(&rig);
    let outcome = run(&rig.forwarder(), &poll, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(asked(&rig), before);
    let (_, body) = rig
        .account
        .state()
        .calls
        .iter()
        .find(|(action, _)| action == "GetMetricData")
        .cloned()
        .expect("a call");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        body["MetricDataQueries"].as_array().expect("a list").len(),
        5
    );
    assert_eq!(
        body["EndTime"].as_i64().expect("a time") - body["StartTime"].as_i64().expect("a time"),
        300
    );
}

#[test]
fn what_waits_is_sent_again_by_schedule_and_removed_when_all_of_it_is_in() {
    let rig = Rig::always(Fault::Unavailable);
    let forwarder = rig.forwarder();
    let three = call(
        "/logfleet/alpha/aws/vpc",
        &[event(1, "a"), event(2, "b"), event(3, "poison")],
    );
    assert_eq!(run(&forwarder, &three, 8).result, Ok(()));
    assert_eq!(rig.account.keys("retry/").len(), 1);
    let poll = r#"{"poll":"retries"}"#;
    // Not due yet.
    let outcome = run(&forwarder, poll, 60);
    assert_eq!(
        (
            count(&outcome, "RetryObjects"),
            count(&outcome, "Delivered")
        ),
        (1, 0)
    );
    let due = |rig: &Rig| {
        let key = rig.account.keys("retry/").pop().expect("a key");
        let object = rig
            .account
            .state()
            .objects
            .remove(&format!("dead/{key}"))
            .expect("an object");
        let mut parsed = letter::Key::parse(&key).expect("a key");
        parsed.not_before = 0;
        rig.account
            .state()
            .objects
            .insert(format!("dead/{}", parsed.path()), object);
    };
    due(&rig);
    let outcome = run(&forwarder, poll, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    let keys = rig.account.keys("retry/");
    assert!(keys.len() == 1 && keys[0].contains("-001-"), "{keys:?}");
    rig.server.state().script = Script::Always(Fault::None);
    due(&rig);
    let outcome = run(&forwarder, poll, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(
        (
            rig.account.keys("retry/").len(),
            rig.account.lines("dead/").len()
        ),
        (0, 1)
    );
    assert_eq!(messages(&rig), ["a", "b"]);
}

#[test]
fn what_was_tried_for_days_is_given_up_and_kept() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    rig.server.state().script = Script::Always(Fault::Unavailable);
    assert_eq!(
        run(
            &forwarder,
            &call("/logfleet/alpha/aws/vpc", &[event(1, "a")]),
            8
        )
        .result,
        Ok(())
    );
    let key = rig.account.keys("retry/").pop().expect("a key");
    let object = rig
        .account
        .state()
        .objects
        .remove(&format!("dead/{key}"))
        .expect("an object");
    let mut old = letter::Key::parse(&key).expect("a key");
    old.first -= 4 * logfleet_forwarder::time::DAY;
    old.not_before = 0;
    rig.account
        .state()
        .objects
        .insert(format!("dead/{}", old.path()), object);
    let outcome = run(&forwarder, r#"{"poll":"retries"}"#, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(
        (
            rig.account.keys("retry/").len(),
            rig.account.lines("dead/").len()
        ),
        (0, 1)
    );
}

/// Puts what waits into the bucket, due now.
fn wait(rig: &Rig, destination: &str, first: i64, name: &str, object: Vec<u8>) {
    let key = letter::Key {
        shelf: letter::Shelf::Retry,
        first,
        destination: destination.to_owned(),
        data_stream: "logs-aws.vpc-alpha".to_owned(),
        not_before: 0,
        attempt: 0,
        name: name.to_owned(),
    };
    let key = format!("dead/{}", key.path());
    rig.account.state().objects.insert(key, object);
}

#[test]
fn what_cannot_be_sent_again_holds_nothing_else_back() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    let waiting = |destination: &str, id: &str| {
        let mut batch = Batch::default();
        batch.push(id, format!("{{\"message\":\"{id}\"}}").as_bytes());
        letter::waiting(
            destination,
            "logs-aws.vpc-alpha",
            "refused for now",
            &[batch],
        )
    };
    // A destination that was there once, an object that is damaged, a file that may not be read any more.
    let now = logfleet_forwarder::clock::now();
    wait(&rig, "gone", now, "1", waiting("gone", "a"));
    wait(&rig, "main", now, "2", b"damaged".to_vec());
    let forbidden = letter::call(&notification("forbidden.log"), 0, "no time left");
    wait(&rig, letter::CALL, now, "3", forbidden);
    rig.account
        .state()
        .forbidden
        .insert("elb/forbidden.log".into());
    wait(&rig, "main", now, "4", waiting("main", "b"));
    let poll = r#"{"poll":"retries"}"#;
    let outcome = run(&forwarder, poll, 30);
    assert_eq!(messages(&rig), ["b"], "{}", outcome.line);
    // It is told, and what couldn't be sent is kept.
    let told = outcome
        .result
        .clone()
        .expect_err("not all was sent")
        .to_string();
    assert!(
        told.starts_with("3 of 4 objects could not be sent again: "),
        "{told}"
    );
    assert!(
        notes(&outcome).contains("the destination `gone` isn't configured any more"),
        "{}",
        outcome.line
    );
    assert_eq!(rig.account.keys("retry/").len(), 3);

    // After days it is kept where nothing tries it any more.
    let old = now - 4 * logfleet_forwarder::time::DAY;
    wait(&rig, "main", old, "5", b"damaged".to_vec());
    assert!(run(&forwarder, poll, 30).result.is_err());
    assert_eq!(rig.account.keys("retry/").len(), 3);
    let dead = rig.account.keys("dead/");
    assert!(
        dead.len() == 1 && dead[0].ends_with("-5.ndjson.gz"),
        "{dead:?}"
    );
}

/// The first file is stored, so the call can't be made again as a whole: the second one waits.
#[test]
fn a_file_that_cannot_be_read_waits_when_others_of_the_call_are_stored() {
    let rig = Rig::always(Fault::None);
    let forwarder = rig.forwarder();
    {
        let mut state = rig.account.state();
        state
            .objects
            .insert("elb/a.log".into(), b"first\n".to_vec());
        state
            .objects
            .insert("elb/b.log".into(), b"second\n".to_vec());
        state.forbidden.insert("elb/b.log".into());
    }
    let both: Value = [notification("a.log"), notification("b.log")]
        .iter()
        .map(|own| serde_json::from_str::<Value>(own).expect("JSON")["Records"][0].clone())
        .collect();
    let both = json!({ "Records": both }).to_string();
    let outcome = run(&forwarder, &both, 30);
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(messages(&rig), ["first"]);
    rig.account.state().forbidden.clear();
    crate::loss::replay_everything(&rig, &forwarder);
    assert_eq!(messages(&rig), ["first", "second"]);
    // Alone, it fails: nothing is stored, and Lambda makes the call again.
    rig.account.state().forbidden.insert("elb/b.log".into());
    assert!(run(&forwarder, &notification("b.log"), 30).result.is_err());
}

/// Whoever is killed between the last answer and the cursor has stored lines that the next poll finds again,
/// in an output of another time.
#[test]
fn lines_of_a_console_are_stored_once_though_the_cursor_was_lost() {
    let rig = Rig::always(Fault::None);
    let print = |minute: u32, lines: std::ops::Range<u32>| {
        let text: String = lines.map(|line| format!("[{line}] again\n")).collect();
        let output = STANDARD.encode(text);
        let answer = format!(
            "<R><instanceId>i-0123456789abcdef0</instanceId><timestamp>2026-11-28T21:{minute:02}:40.000Z</timestamp><output>{output}</output></R>"
        );
        let mut state = rig.account.state();
        state.members = vec![INSTANCE.into()];
        state
            .answers
            .insert("GetConsoleOutput".into(), answer.into());
    };
    let poll =
        json!({ "poll": "machines", "stream": "aws_ec2", "status": false, "console_output": true });
    let poll = poll.to_string();
    let forwarder = rig.forwarder();
    print(6, 0..3);
    assert_eq!(run(&forwarder, &poll, 30).result, Ok(()));
    let cursor = rig
        .account
        .keys("state/")
        .into_iter()
        .find(|key| key.contains("console"));
    let cursor = format!("dead/{}", cursor.expect("a cursor"));
    rig.account.state().read_only.insert(cursor);
    for minute in [11, 16] {
        print(minute, 0..minute);
        assert!(run(&forwarder, &poll, 30).result.is_err());
    }
    rig.account.state().read_only.clear();
    print(21, 0..21);
    assert_eq!(run(&forwarder, &poll, 30).result, Ok(()));
    assert_eq!(run(&forwarder, &poll, 30).result, Ok(()));
    let mut wanted: Vec<String> = (0..21).map(|line| format!("[{line}] again")).collect();
    wanted.sort();
    assert_eq!(messages(&rig), wanted);
}
