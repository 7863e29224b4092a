//! What `verify` reads of a function and its bucket, at the emulator.

use std::collections::BTreeMap;

use jiff::Timestamp;
use logfleet_contract::kept;
use logfleet_reconciler::stacks::place::Place;
use logfleet_reconciler::verify::judge::{FunctionSeen, Kept, Seen};
use logfleet_reconciler::verify::look::{kept_since, look};
use logfleet_reconciler::verify::path::{Function, Group};
use serde_json::json;

use super::emulator::Aws;
use super::run::{Fleet, make_bucket, settings};

const ACCOUNT: &str = "777788889999";
const REGION: &str = "eu-central-1";
const STREAM: &str = "logs-aws.vpc-alpha";
const BUCKET: &str = "kept-of-alpha";

fn group() -> Group {
    Group {
        cluster: "alpha".into(),
        place: Place::new(ACCOUNT, REGION),
        name: "/logfleet/alpha/aws/vpc".into(),
        source: None,
        stream: "aws_vpc".into(),
        data_stream: STREAM.into(),
        destinations: vec!["main".into()],
        log_stream: Some("logfleet-verify".into()),
        members_only: false,
        function: Function {
            name: "forwarder-of-alpha".into(),
            log_group: "/aws/lambda/forwarder-of-alpha".into(),
            bucket: BUCKET.into(),
        },
    }
}

#[test]
fn verify_reads_what_was_kept_of_a_data_stream_and_what_the_function_says() {
    let Some(aws) = Aws::shared() else { return };
    let own = aws.account(ACCOUNT);
    let fleet = Fleet::empty(
        &aws.endpoint,
        settings(r#"{ "owner": "example", "role": "logfleet-reconciler" }"#),
    );
    let accounts = fleet.way();
    let way = accounts.account(ACCOUNT, REGION).expect("a way");
    let group = group();
    #[expect(clippy::disallowed_methods, reason = "the emulator has this clock")]
    let now = std::time::SystemTime::now();
    let since = Timestamp::try_from(now).expect("a time of this age");

    // Nothing of all that is there is no fault.
    assert_eq!(look(&way, &group), Ok(Seen::default()));
    assert_eq!(kept_since(&way, &group, "main", since), Ok(Kept::default()));
    assert_eq!(Seen::default().function, FunctionSeen::Missing);

    make_bucket(&own, BUCKET, REGION);
    let day = since.strftime("%Y/%m/%d").to_string();
    let keys = BTreeMap::from([
        ("dead", kept::folder(kept::DEAD, &day, "main", STREAM)),
        ("waiting", kept::folder(kept::RETRY, &day, "main", STREAM)),
        ("call", kept::failed_calls("forwarder-of-alpha")),
        ("other", kept::folder(kept::DEAD, &day, "audit", STREAM)),
        (
            "another",
            kept::folder(kept::DEAD, &day, "main", "logs-other"),
        ),
        ("neighbour", kept::failed_calls("forwarder-of-beta")),
    ]);
    for (name, folder) in &keys {
        for number in 0..2 {
            let object = json!({ "Bucket": BUCKET, "Key": format!("{folder}{name}={number}.gz"), "Body": "x" });
            own.call(REGION, "s3", "put_object", &object);
        }
    }
    let log = json!({ "logGroupName": "/aws/lambda/forwarder-of-alpha", "logStreamName": "one" });
    let name = json!({ "logGroupName": "/aws/lambda/forwarder-of-alpha" });
    own.call(REGION, "logs", "create_log_group", &name);
    own.call(REGION, "logs", "create_log_stream", &log);
    let mut events = log.clone();
    let line = |note: &str| json!({ "timestamp": since.as_millisecond() + 1, "message": json!({ "_aws": {}, "notes": [note] }).to_string() });
    events["logEvents"] = json!([
        line("main: status 429"),
        line("main: status 429"),
        line("main: status 503")
    ]);
    own.call(REGION, "logs", "put_log_events", &events);

    let found = kept_since(&way, &group, "main", since).expect("it is read");
    let notes = ["main: status 429", "main: status 503"].map(ToOwned::to_owned);
    assert_eq!(
        found,
        Kept {
            calls: 2,
            waiting: 2,
            dead: 2,
            notes: notes.to_vec()
        }
    );
    // What was there before doesn't count.
    let later = since + jiff::SignedDuration::from_secs(600);
    assert_eq!(kept_since(&way, &group, "main", later), Ok(Kept::default()));
}
