//! Templates that are too large for a request, and members that are too many for a stack.

use std::collections::BTreeMap;

use logfleet_contract::members::Fragment;
use logfleet_contract::ownership::Ownership;
use logfleet_contract::rendered::RenderedCluster;
use serde_json::json;

use super::emulator::Aws;
use super::run::{Choices, Fleet, make_bucket, settings, stacks};

const ACCOUNT: &str = "200000000001";
const REGION: &str = "eu-central-1";

/// A cluster that renders nothing but a fragment for members that are known.
fn cluster(members: usize) -> RenderedCluster {
    let members: Vec<_> = (0..members)
        .map(|number| json!({ "id": format!("t{number}"), "arn": format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t{number}") }))
        .collect();
    let group = |number: usize| {
        let name = format!("/large/${{member.hash}}/{number}/{}", "x".repeat(80));
        json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name, "RetentionInDays": 1 } })
    };
    let resources: serde_json::Map<String, serde_json::Value> = (0..9)
        .map(|number| (format!("Group{number}"), group(number)))
        .collect();
    let fragment: Fragment = serde_json::from_value(json!({
        "member_type": "AWS::DynamoDB::Table",
        "region": REGION,
        "members": members,
        "resources": resources,
    }))
    .expect("a fragment");
    empty_cluster(BTreeMap::from([("table".to_owned(), fragment)]))
}

/// A cluster that renders nothing but fragments.
pub fn empty_cluster(fragments: BTreeMap<String, Fragment>) -> RenderedCluster {
    RenderedCluster {
        authentication: None,
        ownership: Ownership::new("0.1.0", "large", BTreeMap::new()),
        destinations: BTreeMap::new(),
        stacks: BTreeMap::new(),
        machines_stack: None,
        fragments,
        kubernetes: BTreeMap::new(),
        machines: BTreeMap::new(),
        gitops: BTreeMap::new(),
        other: BTreeMap::new(),
        foreign: Vec::new(),
    }
}

#[test]
fn members_beyond_a_stacks_room_are_in_a_second_one_and_stay_where_they_are() {
    let Some(aws) = Aws::shared() else { return };
    let account = aws.account(ACCOUNT);
    let text = format!(
        r#"{{ "owner": "large", "role": "reconciler", "clusters": {{ "large": {{ "account": "{ACCOUNT}", "region": "{REGION}" }} }} }}"#
    );
    let mut fleet = Fleet::empty(&aws.endpoint, settings(&text));
    fleet.clusters.insert("large".to_owned(), cluster(60));

    // Too large for a request, and no bucket is set.
    let (done, failed) = fleet.try_run(&Choices::default());
    assert!(
        failed
            .iter()
            .any(|fault| fault.contains("set `aws.templates.bucket`")),
        "{failed:#?}"
    );
    assert!(
        !done.iter().any(|line| line.contains("members-0")),
        "{done:#?}"
    );

    fleet.settings.templates =
        serde_json::from_value(json!({ "bucket": "large-templates" })).expect("a bucket");
    make_bucket(&account, "large-templates", REGION);
    fleet.run(&Choices::default());
    assert_eq!(
        stacks(&account, REGION).into_keys().collect::<Vec<_>>(),
        ["logfleet-large-members-0", "logfleet-large-members-1"]
    );
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
    let placed = |number: usize| {
        let name = json!({ "StackName": format!("logfleet-large-members-{number}") });
        let shown = account.call(REGION, "cloudformation", "list_stack_resources", &name);
        let all = shown["StackResourceSummaries"]
            .as_array()
            .expect("a list")
            .iter();
        all.map(|own| {
            own["LogicalResourceId"]
                .as_str()
                .expect("a text")
                .to_owned()
        })
        .collect::<std::collections::BTreeSet<_>>()
    };
    let (first, second) = (placed(0), placed(1));
    assert_eq!(first.len() + second.len(), 540);

    // Members come and others go: those that stay are where they were.
    fleet.clusters.insert("large".to_owned(), cluster(58));
    fleet.run(&Choices::default());
    assert!(placed(0).is_subset(&first) && placed(1).is_subset(&second));
    assert_eq!(placed(0).len() + placed(1).len(), 522);

    // So few that one would do: the second empties as its members leave, and nothing moves.
    fleet.clusters.insert("large".to_owned(), cluster(10));
    let (_, failed) = fleet.try_run(&Choices::default());
    assert_eq!(failed, Vec::<String>::new());
    assert!(placed(0).is_subset(&first));
    fleet.clusters.clear();
    fleet.settings.also =
        serde_json::from_value(json!([{ "account": ACCOUNT, "region": REGION }])).expect("places");
    fleet.run(&Choices::confirmed(&["large"]));
    assert_eq!(stacks(&account, REGION).len(), 0);
}
