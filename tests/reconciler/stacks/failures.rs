//! What goes wrong in the emulator: objects of others, stacks of others, killed runs.

use std::collections::BTreeMap;

use logfleet_contract::rendered::RegionStack;
use logfleet_reconciler::stacks::calls::Record;
use logfleet_reconciler::stacks::calls::records::Store;
use logfleet_reconciler::stacks::place::Place;
use logfleet_reconciler::stacks::plan::Action;
use serde_json::{Value, json};

use super::emulator::{Account, Aws};
use super::large::empty_cluster;
use super::run::{Choices, Fleet, make_bucket, settings, stacks};

pub const REGION: &str = "eu-central-1";

/// A fleet of one cluster with one stack of log groups.
pub fn fleet(aws: &Aws, account: &str, cluster: &str, groups: &[&str]) -> Fleet {
    let text = format!(
        r#"{{ "owner": "failures", "role": "reconciler", "clusters": {{ "{cluster}": {{ "account": "{account}", "region": "{REGION}" }} }} }}"#
    );
    let mut fleet = Fleet::empty(&aws.endpoint, settings(&text));
    let mut own = empty_cluster(BTreeMap::new());
    let stack = RegionStack {
        template: template(groups),
        forwarder: None,
        registration: None,
    };
    own.stacks.insert(REGION.to_owned(), stack);
    fleet.clusters.insert(cluster.to_owned(), own);
    fleet
}

pub fn template(groups: &[&str]) -> Value {
    let groups = groups.iter().enumerate().map(|(number, name)| {
        (format!("G{number}"), json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name, "RetentionInDays": 7 } }))
    });
    json!({ "Resources": groups.collect::<serde_json::Map<_, _>>() })
}

pub fn groups(account: &Account<'_>) -> Vec<String> {
    let shown = account.call(REGION, "logs", "describe_log_groups", &json!({}));
    let all = shown["logGroups"].as_array().expect("a list").iter();
    all.map(|own| own["logGroupName"].as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn what_somebody_else_made_stops_the_stack_and_leaves_nothing_half_made() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000002";
    let account = aws.account(number);
    account.call(
        REGION,
        "logs",
        "create_log_group",
        &json!({ "logGroupName": "theirs" }),
    );
    let fleet = fleet(aws, number, "alpha", &["ours", "theirs"]);
    let (done, failed) = fleet.try_run(&Choices::default());
    assert_eq!(done, Vec::<String>::new());
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(
        failed[0].contains("G1 (AWS::Logs::LogGroup)") && failed[0].contains("already exists"),
        "{failed:#?}"
    );
    assert_eq!(groups(&account), ["theirs"]);
    assert!(stacks(&account, REGION).is_empty());
    // What stood in the way is gone: the next run makes it.
    account.call(
        REGION,
        "logs",
        "delete_log_group",
        &json!({ "logGroupName": "theirs" }),
    );
    assert_eq!(fleet.run(&Choices::default()).len(), 1);
    assert_eq!(groups(&account), ["ours", "theirs"]);
}

#[test]
fn an_update_that_fails_leaves_what_was_and_is_told() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000003";
    let account = aws.account(number);
    let mut fleet = fleet(aws, number, "alpha", &["one"]);
    fleet.run(&Choices::default());
    account.call(
        REGION,
        "logs",
        "create_log_group",
        &json!({ "logGroupName": "theirs" }),
    );
    let stacks_of = fleet.clusters.get_mut("alpha").expect("there");
    stacks_of.stacks.get_mut(REGION).expect("there").template = template(&["one", "theirs"]);
    let (done, failed) = fleet.try_run(&Choices::default());
    assert_eq!(done, Vec::<String>::new());
    assert!(
        failed[0].contains("UPDATE_ROLLBACK_COMPLETE") && failed[0].contains("already exists"),
        "{failed:#?}"
    );
    // It is tried again, since it isn't what is wanted.
    assert_eq!(
        fleet.plan(&Choices::default()).steps[0].action,
        Action::Update
    );
    account.call(
        REGION,
        "logs",
        "delete_log_group",
        &json!({ "logGroupName": "theirs" }),
    );
    assert_eq!(fleet.run(&Choices::default()).len(), 1);
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
}

#[test]
fn a_stack_of_somebody_else_is_told_and_left_alone() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000004";
    let account = aws.account(number);
    let theirs = json!({ "StackName": "logfleet-alpha-aws", "TemplateBody": template(&["theirs"]).to_string() });
    account.call(REGION, "cloudformation", "create_stack", &theirs);
    let mut fleet = fleet(aws, number, "alpha", &["ours"]);
    let (done, failed) = fleet.try_run(&Choices::default());
    assert_eq!(done, Vec::<String>::new());
    assert!(
        failed[0].contains("somebody else created it"),
        "{failed:#?}"
    );
    // Nor does it go with the cluster.
    fleet.clusters.clear();
    fleet.settings.also =
        serde_json::from_value(json!([{ "account": number, "region": REGION }])).expect("places");
    assert_eq!(
        fleet.run(&Choices::confirmed(&["alpha"])),
        Vec::<String>::new()
    );
    assert_eq!(groups(&account), ["theirs"]);
}

#[test]
fn a_run_that_ended_between_proposing_and_executing_is_taken_on() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000005";
    let account = aws.account(number);
    let fleet = fleet(aws, number, "alpha", &["one"]);
    let propose = json!({
        "StackName": "logfleet-alpha-aws", "ChangeSetName": "logfleet-reconciler", "ChangeSetType": "CREATE",
        "TemplateBody": template(&["old"]).to_string(),
        "Tags": [{ "Key": "logfleet:owner", "Value": "failures" }, { "Key": "logfleet:cluster", "Value": "alpha" }],
    });
    account.call(REGION, "cloudformation", "create_change_set", &propose);
    assert_eq!(
        stacks(&account, REGION)["logfleet-alpha-aws"].0,
        "REVIEW_IN_PROGRESS"
    );
    fleet.run(&Choices::default());
    assert_eq!(groups(&account), ["one"]);
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
}

#[test]
fn a_plan_is_not_applied_once_its_ground_has_changed() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000006";
    let account = aws.account(number);
    let mut fleet = fleet(aws, number, "alpha", &["one"]);
    fleet.run(&Choices::default());
    let own = fleet.clusters.get_mut("alpha").expect("there");
    own.stacks.get_mut(REGION).expect("there").template = template(&["one", "two"]);
    let way = fleet.way();
    let prepared = fleet
        .prepare(&way, &Choices::default())
        .expect("it is planned");
    // Another run is quicker.
    let own = fleet.clusters.get_mut("alpha").expect("there");
    own.stacks.get_mut(REGION).expect("there").template = template(&["one", "three"]);
    fleet.run(&Choices::default());
    let reports = fleet.apply(&way, &prepared);
    let failed: Vec<String> = reports
        .values()
        .flat_map(|own| &own.failed)
        .map(ToString::to_string)
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("when the plan was made"), "{failed:#?}");
    assert_eq!(groups(&account), ["one", "three"]);
}

#[test]
fn of_two_runs_that_record_at_once_one_is_told() {
    let Some(aws) = Aws::shared() else { return };
    let number = "200000000007";
    let mut fleet = fleet(aws, number, "alpha", &["one"]);
    make_bucket(&aws.account("123456789012"), "two-records", REGION);
    fleet.settings.records =
        serde_json::from_value(json!({ "bucket": "two-records", "region": REGION })).ok();
    let way = fleet.way();
    let bucket = fleet.settings.records.as_ref().expect("set");
    let store = Store::new(&way, bucket, "failures");
    let place = Place::new(number, REGION);
    let record = |cluster: &str| -> Record {
        serde_json::from_value(json!({
            "cluster": cluster, "member": "arn", "when": "after", "order": 0, "parameters": {}, "made": true,
            "setting": { "setting": "retention", "group": "g", "days": 1 },
            "before": { "current": "missing" },
        }))
        .expect("a record")
    };
    // The first object, and then a change of it.
    for round in ["first", "second"] {
        let (mut one, mut other) = (
            store.read(&place).expect("read"),
            store.read(&place).expect("read"),
        );
        one.records
            .calls
            .insert(format!("{round} one"), record("one"));
        other
            .records
            .calls
            .insert(format!("{round} other"), record("other"));
        store.write(&place, &mut one).expect("written");
        let refused = store.write(&place, &mut other).expect_err("refused");
        assert_eq!(refused.code(), "PreconditionFailed");
        assert_eq!(store.read(&place).expect("read").records, one.records);
        // What was written by the one may be written on.
        one.records
            .calls
            .insert(format!("{round} more"), record("one"));
        store.write(&place, &mut one).expect("written");
    }
}
