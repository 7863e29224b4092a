use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::aws::AwsError;
use crate::stacks::place::Place;
use crate::stacks::template::Template;

const OWNER: &str = "example";

fn place() -> Place {
    Place::new("111122223333", "eu-central-1")
}

fn key(name: &str) -> StackKey {
    StackKey {
        place: place(),
        name: name.to_owned(),
    }
}

fn wanted_stack(cluster: Option<&str>, kind: Kind) -> WantedStack {
    let template = json!({ "Resources": { "G": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": cluster } } } });
    WantedStack {
        cluster: cluster.map(ToOwned::to_owned),
        kind,
        template: Template::of(&template).expect("right"),
    }
}

/// A cluster's own stack, wanted.
fn wanted() -> Wanted {
    let stack = wanted_stack(Some("alpha"), Kind::Region);
    Wanted {
        stacks: BTreeMap::from([(key("logfleet-alpha-aws"), stack)]),
        ..Wanted::default()
    }
}

fn mark(cluster: Option<&str>) -> Mark {
    Mark {
        owner: OWNER.to_owned(),
        cluster: cluster.map(ToOwned::to_owned),
    }
}

fn there(status: &str, mark: Option<Mark>, digest: Option<&str>) -> ObservedStack {
    ObservedStack {
        id: format!("arn:{status}"),
        status: status.to_owned(),
        reason: None,
        mark,
        digest: digest.map(ToOwned::to_owned),
        begun: None,
        exports: BTreeSet::new(),
        protected: false,
        nested: false,
    }
}

fn observed(stacks: &[(&str, ObservedStack)]) -> Observed {
    let stacks = stacks
        .iter()
        .map(|(name, stack)| (key(name), stack.clone()));
    Observed {
        stacks: stacks.collect(),
        places: BTreeSet::from([place()]),
        ..Observed::default()
    }
}

fn options(rendered: &[&str]) -> Options {
    Options {
        owner: OWNER.to_owned(),
        rendered: rendered.iter().map(|own| (*own).to_owned()).collect(),
        most_deleted: 20,
        shard: None,
        ..Options::default()
    }
}

/// What is done with the stack of a cluster that is wanted and so there.
fn decided(stack: ObservedStack) -> Result<Action, String> {
    let observed = observed(&[("logfleet-alpha-aws", stack)]);
    let plan = Plan::of(&wanted(), &observed, &options(&["alpha"]));
    match (plan.steps.as_slice(), plan.stops.as_slice()) {
        ([step], []) => Ok(step.action),
        ([], [stop]) => Err(stop.to_string()),
        ([], []) => Err("nothing".to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_state_has_its_way_out() {
    let ours = || Some(mark(Some("alpha")));
    for (status, action) in [
        ("UPDATE_COMPLETE", Action::Update),
        ("UPDATE_ROLLBACK_COMPLETE", Action::Update),
        ("ROLLBACK_COMPLETE", Action::Recreate),
        ("ROLLBACK_FAILED", Action::Recreate),
        ("DELETE_FAILED", Action::Recreate),
        ("REVIEW_IN_PROGRESS", Action::Create),
        ("UPDATE_ROLLBACK_FAILED", Action::ContinueRollback),
        ("DELETE_COMPLETE", Action::Create),
    ] {
        assert_eq!(
            decided(there(status, ours(), Some("old"))),
            Ok(action),
            "{status}"
        );
    }
    for (status, told) in [
        ("UPDATE_IN_PROGRESS", "an operation is in progress"),
        ("DELETE_IN_PROGRESS", "an operation is in progress"),
        (
            "IMPORT_ROLLBACK_FAILED",
            "its status is IMPORT_ROLLBACK_FAILED",
        ),
    ] {
        let stop = decided(there(status, ours(), None)).expect_err(status);
        assert!(stop.contains(told) && stop.contains("hint: "), "{stop}");
    }
}

#[test]
fn what_is_as_wanted_is_left_alone() {
    let digest = wanted().stacks[&key("logfleet-alpha-aws")]
        .template
        .digest
        .clone();
    let stack = there("CREATE_COMPLETE", Some(mark(Some("alpha"))), Some(&digest));
    let observed = observed(&[("logfleet-alpha-aws", stack)]);
    let plan = Plan::of(&wanted(), &observed, &options(&["alpha"]));
    assert!(plan.is_empty());
    assert_eq!(plan.unchanged, 1);
    let drift = Options {
        drift: true,
        ..options(&["alpha"])
    };
    assert_eq!(
        Plan::of(&wanted(), &observed, &drift).steps[0].action,
        Action::RevertDrift
    );
}

#[test]
fn a_stack_of_somebody_else_is_never_touched() {
    let other_fleet = Mark {
        owner: "other".to_owned(),
        cluster: Some("alpha".to_owned()),
    };
    for mark in [None, Some(other_fleet), Some(mark(Some("beta")))] {
        for status in [
            "CREATE_COMPLETE",
            "ROLLBACK_COMPLETE",
            "REVIEW_IN_PROGRESS",
            "UPDATE_ROLLBACK_FAILED",
        ] {
            let stop = decided(there(status, mark.clone(), None)).expect_err("a stop");
            assert!(stop.contains("a stack of this name exists"), "{stop}");
        }
    }
    // Nor is one deleted that nobody wants.
    let foreign = [
        ("logfleet-x-aws", there("CREATE_COMPLETE", None, None)),
        (
            "logfleet-y-aws",
            there(
                "CREATE_COMPLETE",
                Some(Mark {
                    owner: "other".to_owned(),
                    cluster: Some("y".to_owned()),
                }),
                None,
            ),
        ),
    ];
    let gone = Options {
        confirmed: BTreeSet::from(["x".to_owned(), "y".to_owned(), ACCOUNT.to_owned()]),
        ..options(&[])
    };
    let plan = Plan::of(&Wanted::default(), &observed(&foreign), &gone);
    assert!(plan.is_empty() && plan.waiting.is_empty(), "{plan:?}");
}

#[test]
fn a_stack_that_was_only_reviewed_is_known_by_its_change_set() {
    let mut observed = observed(&[(
        "logfleet-alpha-aws",
        there("REVIEW_IN_PROGRESS", None, None),
    )]);
    observed
        .reviewed
        .insert(key("logfleet-alpha-aws"), Some(mark(Some("alpha"))));
    let plan = Plan::of(&wanted(), &observed, &options(&["alpha"]));
    assert_eq!(plan.steps[0].action, Action::Create);
}

#[test]
fn protected_stacks_are_told_and_not_deleted() {
    let mut stack = there("ROLLBACK_COMPLETE", Some(mark(Some("alpha"))), None);
    stack.protected = true;
    let stop = decided(stack.clone()).expect_err("a stop");
    assert!(
        stop.contains("protected from deletion")
            && stop.contains("--no-enable-termination-protection")
    );
    stack.status = "CREATE_COMPLETE".to_owned();
    let plan = Plan::of(
        &Wanted::default(),
        &observed(&[("logfleet-alpha-aws", stack)]),
        &options(&["alpha"]),
    );
    assert!(plan.steps.is_empty());
    assert_eq!(plan.stops.len(), 1);
}

fn whole_cluster(cluster: &str) -> Vec<(String, ObservedStack)> {
    let names = ["aws", "machines", "members-0"].map(|part| format!("logfleet-{cluster}-{part}"));
    names
        .into_iter()
        .map(|name| {
            (
                name,
                there("CREATE_COMPLETE", Some(mark(Some(cluster))), None),
            )
        })
        .collect()
}

#[test]
fn a_removed_cluster_waits_and_then_goes_in_order_with_its_account() {
    let mut stacks = whole_cluster("alpha");
    stacks.push((
        "logfleet-account-aws".to_owned(),
        there("CREATE_COMPLETE", Some(mark(None)), None),
    ));
    stacks.push((
        "logfleet-account-members-0".to_owned(),
        there("CREATE_COMPLETE", Some(mark(None)), None),
    ));
    let mut observed = Observed::default();
    observed
        .stacks
        .extend(stacks.into_iter().map(|(name, stack)| (key(&name), stack)));
    let plan = Plan::of(&Wanted::default(), &observed, &options(&[]));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.waiting.len(), 5);
    assert!(plan.waiting[0].until.contains("--removed"), "{plan:?}");

    let confirmed = Options {
        confirmed: BTreeSet::from(["alpha".to_owned()]),
        ..options(&[])
    };
    let plan = Plan::of(&Wanted::default(), &observed, &confirmed);
    let order: Vec<&str> = plan
        .steps
        .iter()
        .map(|step| step.stack.name.as_str())
        .collect();
    assert_eq!(
        order,
        [
            "logfleet-alpha-members-0",
            "logfleet-account-members-0",
            "logfleet-alpha-machines",
            "logfleet-alpha-aws",
            "logfleet-account-aws",
        ]
    );
    assert!(plan.waiting.is_empty());

    // Where another cluster waits, what the account has stays.
    observed.stacks.extend(
        whole_cluster("beta")
            .into_iter()
            .map(|(name, stack)| (key(&name), stack)),
    );
    let plan = Plan::of(&Wanted::default(), &observed, &confirmed);
    assert_eq!(plan.steps.len(), 3);
    assert_eq!(
        plan.waiting
            .iter()
            .filter(|own| own.cluster == ACCOUNT)
            .count(),
        2
    );
}

#[test]
fn many_deletions_of_clusters_that_are_rendered_wait() {
    let clusters = ["a", "b", "c", "d"];
    let mut observed = Observed::default();
    for cluster in clusters {
        observed.stacks.extend(
            whole_cluster(cluster)
                .into_iter()
                .map(|(name, stack)| (key(&name), stack)),
        );
    }
    let plan = Plan::of(&Wanted::default(), &observed, &options(&clusters));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.waiting.len(), 12);
    assert!(
        plan.waiting[0].until.contains("--most-deleted 100"),
        "{plan:?}"
    );
    let allowed = Options {
        most_deleted: 100,
        shard: None,
        ..options(&clusters)
    };
    assert_eq!(
        Plan::of(&Wanted::default(), &observed, &allowed)
            .steps
            .len(),
        12
    );
}

#[test]
fn members_go_first_where_their_clusters_stack_takes_an_export_back() {
    let mut wanted = wanted();
    wanted.stacks.insert(
        key("logfleet-alpha-members-0"),
        wanted_stack(Some("alpha"), Kind::Members),
    );
    let mut region = there("CREATE_COMPLETE", Some(mark(Some("alpha"))), None);
    let members = there("CREATE_COMPLETE", Some(mark(Some("alpha"))), None);
    let order = |region: &ObservedStack| {
        let observed = observed(&[
            ("logfleet-alpha-aws", region.clone()),
            ("logfleet-alpha-members-0", members.clone()),
        ]);
        let plan = Plan::of(&wanted, &observed, &options(&["alpha"]));
        plan.steps.iter().map(|step| step.kind).collect::<Vec<_>>()
    };
    assert_eq!(order(&region), [Kind::Region, Kind::Members]);
    region
        .exports
        .insert("logfleet-alpha-resolver-id".to_owned());
    assert_eq!(order(&region), [Kind::Members, Kind::Region]);
}

#[test]
fn nothing_is_done_in_an_account_that_can_not_be_read() {
    let mut observed = observed(&[(
        "logfleet-gone-aws",
        there("CREATE_COMPLETE", Some(mark(Some("gone"))), None),
    )]);
    let error = AwsError::Unanswered {
        action: "DescribeStacks".to_owned(),
        why: "no route".to_owned(),
    };
    observed.miss(&place(), &error);
    let plan = Plan::of(&wanted(), &observed, &options(&["alpha", "gone"]));
    assert!(plan.is_empty());
    assert_eq!(plan.stops.len(), 1);
}

#[test]
fn a_plan_whose_ground_has_moved_is_refused() {
    let before = observed(&[(
        "logfleet-alpha-aws",
        there("CREATE_COMPLETE", Some(mark(Some("alpha"))), Some("a")),
    )]);
    let plan = Plan::of(&wanted(), &before, &options(&["alpha"]));
    assert_eq!(moved(&plan, &before), []);
    for now in [
        observed(&[]),
        observed(&[(
            "logfleet-alpha-aws",
            there("UPDATE_IN_PROGRESS", Some(mark(Some("alpha"))), Some("a")),
        )]),
        observed(&[(
            "logfleet-alpha-aws",
            there("CREATE_COMPLETE", Some(mark(Some("alpha"))), Some("b")),
        )]),
    ] {
        let faults = moved(&plan, &now);
        assert_eq!(faults.len(), 1, "{now:?}");
        assert_eq!(faults[0].hints, ["make a new plan"]);
    }
}

fn any_stack() -> impl Strategy<Value = ObservedStack> {
    let statuses = prop::sample::select(vec![
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
        "REVIEW_IN_PROGRESS",
        "DELETE_FAILED",
        "UPDATE_IN_PROGRESS",
    ]);
    let owners = prop::sample::select(vec![None, Some(OWNER), Some("other")]);
    (statuses, owners, any::<bool>(), any::<bool>()).prop_map(
        |(status, owner, is_current, protected)| {
            let digest = wanted().stacks[&key("logfleet-alpha-aws")]
                .template
                .digest
                .clone();
            let mark = owner.map(|owner| Mark {
                owner: owner.to_owned(),
                cluster: Some("alpha".to_owned()),
            });
            ObservedStack {
                protected,
                ..there(status, mark, is_current.then_some(digest.as_str()))
            }
        },
    )
}

proptest! {
    /// Whatever is there: what isn't ours is in no step, what is protected isn't deleted, and a step is never without its ground.
    #[test]
    fn no_step_touches_what_is_not_ours(stack in any_stack(), name in prop::sample::select(vec!["logfleet-alpha-aws", "logfleet-alpha-machines", "logfleet-gone-aws"])) {
        let observed = observed(&[(name, stack.clone())]);
        let all = Options {
            confirmed: BTreeSet::from(["alpha".to_owned()]),
            ..options(&[])
        };
        let plan = Plan::of(&wanted(), &observed, &all);
        for step in plan.steps.iter().filter(|step| step.stack.name == name) {
            let is_ours = stack.mark.as_ref().is_some_and(|mark| mark.owner == OWNER);
            prop_assert!(is_ours, "{:?}", step);
            prop_assert_eq!(&step.ground, &Ground::of(&stack));
            let deletes = matches!(step.action, Action::Delete | Action::Recreate);
            prop_assert!(!(deletes && stack.protected), "{:?}", step);
        }
        prop_assert_eq!(Plan::of(&wanted(), &observed, &all), plan);
    }
}
