//! The distributor of an account: each event to the clusters that it belongs to.

use std::time::Duration;

use std::collections::BTreeMap;

use logfleet_contract::account::AccountConfiguration;
use logfleet_forwarder::distribute::Distributor;
use logfleet_forwarder::handle::Outcome;
use serde_json::{Value, json};

use crate::account::Account;
use crate::events::{call, event, wrap};
use crate::rig::{context, count, notes, place, runtime};

const CALLS: &str = "/logfleet/_account/cloudtrail";
const INSTANCE: &str = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0";

fn configuration() -> AccountConfiguration {
    let text = json!({
        "version": 1, "account": "111122223333",
        "registry": { "region": "us-east-1", "path": "/logfleet/clusters/" },
        "log_groups": { CALLS: "cloudtrail" },
    });
    AccountConfiguration::parse(&text.to_string()).expect("a configuration")
}

fn registration(cluster: &str, eks: &str) -> Value {
    json!({
        "version": 1, "cluster": cluster,
        "resource_groups": { "eu-central-1": format!("logfleet-{cluster}") },
        "roles": [format!("*{eks}*")], "eks": eks,
        "sources": { "cloudtrail": {
            "region": "eu-central-1", "log_group": group(cluster), "read": false, "write": true,
            "exclude": ["kms.amazonaws.com"],
        } },
    })
}

fn group(cluster: &str) -> String {
    format!("/logfleet/{cluster}/aws/cloudtrail")
}

/// An account with two clusters, `alpha` and `beta`, and a registration that is broken.
fn account() -> Account {
    let account = Account::start();
    let parameters = [
        ("alpha", registration("alpha", "Alpha")),
        ("beta", registration("beta", "Beta")),
        ("old", json!({ "version": 7 })),
    ];
    let parameters = parameters.map(|(name, value)| json!({ "Name": format!("/logfleet/clusters/{name}"), "Value": value.to_string() }));
    {
        let mut state = account.state();
        state.answers.insert(
            "GetParametersByPath".into(),
            json!({ "Parameters": parameters }),
        );
        state.members = vec![INSTANCE.into()];
        state.log_groups = ["alpha", "beta"]
            .map(|name| (group(name), BTreeMap::new()))
            .into();
    }
    account
}

fn record(id: &str, more: &Value) -> String {
    let mut record = json!({
        "eventVersion": "1.11", "eventID": id, "eventSource": "ec2.amazonaws.com", "readOnly": false,
        "userIdentity": { "type": "IAMUser" },
    });
    let members = more.as_object().expect("an object").clone();
    record.as_object_mut().expect("an object").extend(members);
    record.to_string()
}

fn run(account: &Account, event: &str) -> Outcome {
    let distributor =
        Distributor::new(configuration(), place(account), "distributor").expect("a distributor");
    runtime().block_on(distributor.handle(event, &context("request", Duration::from_secs(30))))
}

/// The ids of the records that a cluster has.
fn copied(account: &Account, cluster: &str) -> Vec<String> {
    let state = account.state();
    let events = state.log_groups[&group(cluster)]
        .get("stream")
        .into_iter()
        .flatten();
    let ids = events.map(|event| {
        let record: Value =
            serde_json::from_str(event["message"].as_str().expect("a text")).expect("JSON");
        record["eventID"].as_str().expect("an id").to_owned()
    });
    ids.collect()
}

#[test]
fn each_call_is_copied_to_the_clusters_that_it_belongs_to() {
    let account = account();
    let eks = |name: &str| json!({ "eventSource": "eks.amazonaws.com", "requestParameters": { "name": name } });
    let of_role = json!({ "userIdentity": { "type": "AssumedRole", "sessionContext": { "sessionIssuer": { "type": "Role", "userName": "eks-Beta-nodes" } } } });
    let records = [
        record("of-alpha", &eks("Alpha")),
        record("of-beta", &eks("Beta")),
        record("of-none", &eks("Gamma")),
        record("of-a-role", &of_role),
        record(
            "read",
            &json!({ "eventSource": "eks.amazonaws.com", "readOnly": true, "requestParameters": { "name": "Alpha" } }),
        ),
        // Both have the member, as this account lists it for every group.
        record(
            "of-a-member",
            &json!({ "requestParameters": { "instancesSet": { "items": [{ "instanceId": "i-0123456789abcdef0" }] } } }),
        ),
        record("by-root", &json!({ "userIdentity": { "type": "Root" } })),
        "no record".to_owned(),
    ];
    let events: Vec<Value> = (0..)
        .zip(&records)
        .map(|(number, text)| event(number, text))
        .collect();
    let outcome = run(&account, &call(CALLS, &events));
    assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    assert_eq!(
        copied(&account, "alpha"),
        ["of-alpha", "of-a-member", "by-root"]
    );
    assert_eq!(
        copied(&account, "beta"),
        ["of-beta", "of-a-role", "of-a-member", "by-root"]
    );
    assert_eq!(
        (
            count(&outcome, "EventsIn"),
            count(&outcome, "Delivered"),
            count(&outcome, "Foreign"),
            count(&outcome, "Unparsed")
        ),
        (8, 7, 2, 1)
    );
    assert!(
        notes(&outcome).contains("/logfleet/clusters/old"),
        "{}",
        outcome.line
    );
    let state = account.state();
    let first = &state.log_groups[&group("alpha")]["stream"][0];
    assert_eq!(first["timestamp"], events[0]["timestamp"]);
}

/// Lambda makes the call again until the cluster's stack is there.
#[test]
fn a_cluster_that_is_being_made_is_waited_for() {
    let account = account();
    account.state().log_groups.remove(&group("beta"));
    let text = record(
        "of-beta",
        &json!({ "eventSource": "eks.amazonaws.com", "requestParameters": { "name": "Beta" } }),
    );
    let calls = call(CALLS, &[event(1, &text)]);
    let outcome = run(&account, &calls);
    let failed = outcome.result.expect_err("it fails").to_string();
    assert!(
        failed.contains(&group("beta")) && failed.contains("ResourceNotFoundException"),
        "{failed}"
    );
    account
        .state()
        .log_groups
        .insert(group("beta"), BTreeMap::new());
    assert_eq!(run(&account, &calls).result, Ok(()));
    assert_eq!(copied(&account, "beta"), ["of-beta"]);
}

#[test]
fn what_is_no_call_of_its_log_groups_fails_or_is_nothing() {
    let account = account();
    let control = wrap(json!({ "messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "", "subscriptionFilters": [], "logEvents": [] }).to_string().as_bytes());
    assert_eq!(run(&account, &control).result, Ok(()));
    for (event, said) in [
        (call("/other", &[event(1, "{}")]), "isn't configured"),
        (
            json!({ "awslogs": { "data": "%" } }).to_string(),
            "can't be read",
        ),
        (
            json!({ "poll": "retries" }).to_string(),
            "isn't from a log group",
        ),
        ("nothing".to_owned(), "not JSON"),
    ] {
        let failed = run(&account, &event)
            .result
            .expect_err("it fails")
            .to_string();
        assert!(failed.contains(said), "{failed}");
    }
    assert_eq!(
        (copied(&account, "alpha"), copied(&account, "beta")),
        (vec![], vec![])
    );
}

/// A copy that is made twice has one document: CloudTrail's own id decides.
#[test]
fn a_copy_that_comes_twice_is_stored_once() {
    let rig = crate::rig::Rig::always(crate::bulk::Fault::None);
    let text = record("same", &json!({}));
    let mut events = [event(1, &text), event(2, &text)];
    events[1]["timestamp"] = events[0]["timestamp"].clone();
    let forwarder = rig.forwarder();
    for event in &events {
        let calls = call("/logfleet/alpha/aws/vpc", std::slice::from_ref(event));
        let outcome = crate::rig::run(&forwarder, &calls, 30);
        assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
    }
    assert_eq!(rig.server.state().documents().count(), 1);
}
