//! What is reported for retention, and what isn't.

use serde_json::{Value as Json, json};

use crate::diff::risk::tests::{lives_of_values, of_resource, of_trees, of_values};

const ISM: &str = "elasticsearch/main/_plugins/_ism/policies/x.json";
const ILM: &str = "elasticsearch/main/_ilm/policy/x.json";

fn ism(conditions: &Json, patterns: &[&str]) -> Json {
    json!({"policy": {"default_state": "hot", "ism_template": [{"index_patterns": patterns}], "states": [
        {"name": "hot", "transitions": [{"state_name": "gone", "conditions": conditions}]},
        {"name": "gone", "actions": [{"delete": {}}]},
    ]}})
}

fn ilm(age: &str) -> Json {
    json!({"policy": {"phases": {"delete": {"min_age": age, "actions": {"delete": {}}}}}})
}

fn flagged(what: &str) -> Vec<String> {
    vec![format!("retention-shrinks: {what}")]
}

#[test]
fn ages_have_units_and_lifecycles() {
    let reported = |old: &str, new: &str| of_values(ILM, &ilm(old), &ilm(new));
    let shorter = flagged("records are deleted after 30 days instead of 90 days");
    assert_eq!(reported("90d", "720h"), shorter);
    for (old, new) in [("7d", "168h"), ("7d", "8d"), ("7d", "soon")] {
        assert_eq!(reported(old, new), [""; 0], "{new}");
    }
    let path = "elasticsearch/main/_index_template/x.json";
    let lifecycle = |days: &str| json!({"template": {"lifecycle": {"data_retention": days}}});
    assert_eq!(
        of_values(path, &lifecycle("90d"), &lifecycle("30d")),
        shorter
    );
}

#[test]
fn records_are_deleted_by_their_amount() {
    let age = ism(&json!({"min_rollover_age": "60d"}), &["x"]);
    for amount in [json!({"min_doc_count": 5}), json!({"min_size": "1gb"})] {
        let amount = ism(&amount, &["x"]);
        let what = "records are deleted by their amount, regardless of their age";
        assert_eq!(of_values(ISM, &age, &amount), flagged(what));
        assert!(of_values(ISM, &amount, &age).is_empty());
    }
}

#[test]
fn ages_may_be_counted_from_the_beginning() {
    let of = |key: &str, age: &str| ism(&json!({key: age}), &["x"]);
    let what =
        "the age of records is counted from the creation of their index instead of its rollover";
    let before = of("min_rollover_age", "60d");
    assert_eq!(
        of_values(ISM, &before, &of("min_index_age", "60d")),
        flagged(what)
    );
    assert_eq!(
        of_values(ISM, &before, &of("min_index_age", "30d")).len(),
        1
    );
    for after in [of("min_index_age", "90d"), of("min_rollover_age", "90d")] {
        assert!(of_values(ISM, &before, &after).is_empty());
    }
    assert!(of_values(ISM, &of("min_index_age", "60d"), &before).is_empty());
}

/// Indices are warm and cold before they are deleted, or are kept for good.
#[test]
fn phases_before_the_end_count_for_nothing() {
    let ism = |days: Option<u16>| {
        let end = days.map(|days| json!({"state_name": "delete", "conditions": {"min_rollover_age": format!("{days}d")}}));
        let delete = days.map(|_| json!({"name": "delete", "actions": [{"delete": {}}]}));
        let mut states = vec![
            json!({"name": "hot", "transitions": [{"state_name": "warm", "conditions": {"min_rollover_age": "3d"}}]}),
            json!({"name": "warm", "actions": [{"read_only": {}}], "transitions": end.into_iter().collect::<Vec<_>>()}),
        ];
        states.extend(delete);
        json!({"policy": {"default_state": "hot", "states": states}})
    };
    let ilm = |days: Option<u16>| {
        let mut phases = json!({"warm": {"min_age": "3d", "actions": {"readonly": {}}}});
        if let Some(days) = days {
            phases["delete"] = json!({"min_age": format!("{days}d"), "actions": {"delete": {}}});
        }
        json!({"policy": {"phases": phases}})
    };
    let shorter = flagged("records are deleted after 30 days instead of 60 days");
    let at_all = flagged("records are deleted after 30 days; until now they were kept forever");
    let cases = [
        (Some(60), Some(30), shorter),
        (None, Some(30), at_all),
        (Some(30), Some(60), vec![]),
        (Some(30), None, vec![]),
        (None, None, vec![]),
    ];
    for (old, new, reported) in cases {
        assert_eq!(
            of_values(ISM, &ism(old), &ism(new)),
            reported,
            "{old:?} {new:?}"
        );
        assert_eq!(
            of_values(ILM, &ilm(old), &ilm(new)),
            reported,
            "{old:?} {new:?}"
        );
    }
}

#[test]
fn settings_name_another_policy() {
    let path = "elasticsearch/main/_component_template/x@settings.json";
    let settings = |name: &str| {
        json!({"template": {"settings": {"index": {"lifecycle": {"name": name}}}}}).to_string()
    };
    let policy = |name: &'static str, age: &str| (name, ilm(age).to_string());
    let (long, short) = (
        policy("elasticsearch/main/_ilm/policy/long.json", "60d"),
        policy("elasticsearch/main/_ilm/policy/short.json", "7d"),
    );
    let tree = |name: &str| [(path, settings(name)), long.clone(), short.clone()];
    assert_eq!(
        of_trees(&tree("long"), &tree("short")),
        flagged("records are deleted after 7 days instead of 60 days")
    );
    assert!(of_trees(&tree("short"), &tree("long")).is_empty());
    assert_eq!(
        of_trees(&tree("long"), &tree("elsewhere")),
        flagged("the policy `elsewhere` determines when records are deleted, and isn't rendered")
    );
}

#[test]
fn a_policy_takes_other_streams() {
    let age = json!({"min_index_age": "7d"});
    let stream = |name: &'static str| (name, "{}".to_owned());
    let streams = [
        stream("elasticsearch/main/_data_stream/x.json"),
        stream("elasticsearch/main/_data_stream/y.json"),
    ];
    let with = |path, patterns: &[&str]| {
        let mut all = streams.to_vec();
        all.push((path, ism(&age, patterns).to_string()));
        all
    };
    let own = ["x", ".ds-x-*"];
    let what = "records are deleted after 7 days; until now they were kept forever";
    assert_eq!(
        of_trees(&with(ISM, &own), &with(ISM, &["*"])),
        flagged(&format!("{what} (`y`)"))
    );
    assert!(of_trees(&with(ISM, &["*"]), &with(ISM, &own)).is_empty());
    assert!(of_trees(&with(ISM, &["x"]), &with(ISM, &own)).is_empty());
    let new = "elasticsearch/main/_plugins/_ism/policies/z.json";
    assert_eq!(of_trees(&streams, &with(new, &["*"])), flagged(what));
    assert!(of_trees(&streams, &with(new, &["z"])).is_empty());
}

#[test]
fn another_product_keeps_as_long() {
    let stream = ("elasticsearch/main/_data_stream/x.json", "{}".to_owned());
    let path = "elasticsearch/main/_index_template/x.json";
    let template = |settings: Json| {
        let template = json!({"index_patterns": ["x"], "template": {"settings": settings}});
        (path, template.to_string())
    };
    let to = |age: &str| {
        let ism = ism(&json!({"min_rollover_age": age}), &["x"]).to_string();
        let named = template(json!({"lifecycle.name": "x"}));
        of_trees(
            &[stream.clone(), named, (ILM, ilm("14d").to_string())],
            &[stream.clone(), template(json!({})), (ISM, ism)],
        )
    };
    assert_eq!(to("14d"), [""; 0]);
    assert_eq!(to("30d"), [""; 0]);
    assert_eq!(
        to("7d"),
        flagged("records are deleted after 7 days instead of 14 days")
    );
}

#[test]
fn buckets_and_streams_of_aws_keep_shorter() {
    let bucket = |rule: Json| {
        let mut rule = rule;
        rule["Status"] = "Enabled".into();
        json!({"LifecycleConfiguration": {"Rules": [rule]}})
    };
    let lock = |days: u64| json!({"ObjectLockEnabled": true, "ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Days": days}}}});
    let versions =
        |days: u64| bucket(json!({"NoncurrentVersionExpiration": {"NoncurrentDays": days}}));
    let s3 = "AWS::S3::Bucket";
    for (kind, old, new, what) in [
        (
            s3,
            json!({}),
            bucket(json!({"ExpirationDate": "2026-01-01T00:00:00Z"})),
            "objects are deleted on 2026-01-01T00:00:00Z",
        ),
        (
            s3,
            versions(30),
            versions(7),
            "older versions of objects are deleted after 7 days instead of 30 days",
        ),
        (
            s3,
            json!({"VersioningConfiguration": {"Status": "Enabled"}}),
            json!({"VersioningConfiguration": {"Status": "Suspended"}}),
            "a bucket no longer keeps older versions of deleted or overwritten objects",
        ),
        (
            s3,
            lock(30),
            lock(7),
            "objects are locked against deletion for a shorter time, or no longer",
        ),
        (
            "AWS::Kinesis::Stream",
            json!({"RetentionPeriodHours": 48}),
            json!({}),
            "records are deleted after 1 day instead of 2 days",
        ),
    ] {
        assert_eq!(of_resource(kind, &old, &new), flagged(what));
        assert_eq!(of_resource(kind, &new, &old), [""; 0]);
    }
    assert!(!of_resource(s3, &lock(7), &json!({})).is_empty());
}

/// What becomes of what is stored already differs from store to store.
#[test]
fn what_is_there_already_is_reported_as_each_store_treats_it() {
    let log_group = |days: u16| json!({"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}}});
    let queue = |seconds: u32| json!({"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": seconds}}}});
    let stream = |hours: u16| json!({"Resources": {"A": {"Type": "AWS::Kinesis::Stream", "Properties": {"RetentionPeriodHours": hours}}}});
    let bucket = |days: u16| json!({"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": days}]}}}}});
    let by_age = |age: &str| ism(&json!({"min_rollover_age": age}), &["x"]);
    let stack = "aws/eu-central-1/stack.json";
    for (path, old, new, live) in [
        (
            ILM,
            ilm("60d"),
            ilm("7d"),
            "older records are deleted for good once this is applied",
        ),
        (
            ISM,
            by_age("60d"),
            by_age("7d"),
            "existing indices keep their policy until it is changed for them; then older records are deleted for good",
        ),
        (
            stack,
            log_group(30),
            log_group(7),
            "older records are deleted for good, usually within 72 hours after this is applied",
        ),
        (
            stack,
            queue(86_400),
            queue(3600),
            "older messages are deleted for good, within 15 minutes after this is applied",
        ),
        (
            stack,
            stream(48),
            stream(24),
            "older records are deleted for good once this is applied",
        ),
        (
            stack,
            bucket(30),
            bucket(7),
            "the rules also apply to existing objects, and run once a day",
        ),
    ] {
        assert_eq!(lives_of_values(path, &old, &new), [live], "{path}");
    }
}
