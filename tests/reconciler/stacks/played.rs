//! A played CloudFormation, for what no emulator knows: stacks that are stuck, drift, and changes that take their time.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logfleet_reconciler::stacks::plan::Action;
use serde_json::json;

use super::failures::{REGION, template};
use super::http::{self, Answer, Request};
use super::large::empty_cluster;
use super::run::{Choices, Fleet, settings};

const ACCOUNT: &str = "220000000001";
const STACK: &str = "logfleet-alpha-aws";

/// What is played.
#[derive(Default)]
struct Played {
    /// The stack's status; none while it doesn't exist.
    status: Option<String>,
    /// What follows when it is asked for the next time.
    next: Vec<&'static str>,
    /// The digest that its output has.
    digest: String,
    protected: bool,
    /// What the change set says of the stack's resources.
    changes: &'static str,
    /// The forms that came, without those that only ask.
    forms: Vec<String>,
    /// How often the change set is still being made.
    unfinished: usize,
}

type Shared = Arc<Mutex<Played>>;

fn answer(body: &str) -> Answer {
    (200, Vec::new(), body.as_bytes().to_vec())
}

fn refusal(code: &str, message: &str) -> Answer {
    let text = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    (400, Vec::new(), text.into_bytes())
}

fn play(shared: &Shared, request: &Request) -> Answer {
    let mut played = shared.lock().expect("nobody panicked");
    let form = String::from_utf8_lossy(&request.body).into_owned();
    let action = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .unwrap_or_default()
        .to_owned();
    if !action.starts_with("Describe") && action != "AssumeRole" && action != "DeleteChangeSet" {
        played.forms.push(form.clone());
    }
    match action.as_str() {
        "AssumeRole" => answer(
            "<R><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></R>",
        ),
        "DescribeStacks" => {
            if form.contains("StackName=") && !played.next.is_empty() {
                played.status = Some(played.next.remove(0).to_owned());
            }
            let stack = played.status.as_ref().map_or_else(String::new, |status| {
                format!(
                    "<member><StackName>{STACK}</StackName><StackId>arn:stack/1</StackId><StackStatus>{status}</StackStatus><EnableTerminationProtection>{}</EnableTerminationProtection><Outputs><member><OutputKey>LogfleetDigest</OutputKey><OutputValue>{}</OutputValue></member></Outputs><Tags><member><Key>logfleet:owner</Key><Value>played</Value></member><member><Key>logfleet:cluster</Key><Value>alpha</Value></member></Tags></member>",
                    played.protected, played.digest
                )
            });
            answer(&format!(
                "<R><DescribeStacksResult><Stacks>{stack}</Stacks></DescribeStacksResult></R>"
            ))
        }
        "CreateChangeSet" => answer(
            "<R><CreateChangeSetResult><Id>arn:change/1</Id><StackId>arn:stack/1</StackId></CreateChangeSetResult></R>",
        ),
        "DescribeChangeSet" => {
            if played.unfinished > 0 {
                played.unfinished -= 1;
                return answer(
                    "<R><DescribeChangeSetResult><Status>CREATE_IN_PROGRESS</Status><ExecutionStatus>UNAVAILABLE</ExecutionStatus></DescribeChangeSetResult></R>",
                );
            }
            if played.changes.is_empty() {
                return answer(
                    "<R><DescribeChangeSetResult><Status>FAILED</Status><StatusReason>The submitted information didn't contain changes. Submit different information to create a change set.</StatusReason><ExecutionStatus>UNAVAILABLE</ExecutionStatus></DescribeChangeSetResult></R>",
                );
            }
            answer(&format!(
                "<R><DescribeChangeSetResult><Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes>{}</Changes></DescribeChangeSetResult></R>",
                played.changes
            ))
        }
        "ExecuteChangeSet" | "DeleteStack" | "ContinueUpdateRollback" => answer("<R/>"),
        "DeleteChangeSet" => refusal("ChangeSetNotFound", "none"),
        "GetTemplate" => answer(
            "<R><GetTemplateResult><TemplateBody>{\"Resources\":{}}</TemplateBody></GetTemplateResult></R>",
        ),
        "DescribeStackEvents" => answer(
            "<R><DescribeStackEventsResult><StackEvents><member><LogicalResourceId>B</LogicalResourceId><ResourceType>AWS::S3::Bucket</ResourceType><ResourceStatus>DELETE_FAILED</ResourceStatus><ResourceStatusReason>The bucket you tried to delete is not empty</ResourceStatusReason></member></StackEvents></DescribeStackEventsResult></R>",
        ),
        other => panic!("{other} was not to be called"),
    }
}

/// A fleet of one cluster before a played AWS.
fn fleet(played: Played) -> (Fleet, Shared) {
    let shared = Arc::new(Mutex::new(played));
    let served = Arc::clone(&shared);
    let address = http::serve(move |request| play(&served, request));
    let text = format!(
        r#"{{ "owner": "played", "role": "reconciler", "clusters": {{ "alpha": {{ "account": "{ACCOUNT}", "region": "{REGION}" }} }} }}"#
    );
    let mut fleet = Fleet::empty(&format!("http://{address}"), settings(&text));
    let mut own = empty_cluster(std::collections::BTreeMap::new());
    let stack = logfleet_contract::rendered::RegionStack {
        template: template(&["one"]),
        forwarder: None,
        registration: None,
    };
    own.stacks.insert(REGION.to_owned(), stack);
    fleet.clusters.insert("alpha".to_owned(), own);
    (fleet, shared)
}

fn digest() -> String {
    logfleet_reconciler::stacks::template::Template::of(&template(&["one"]))
        .expect("right")
        .digest
}

fn actions(shared: &Shared) -> Vec<String> {
    let played = shared.lock().expect("nobody panicked");
    let action = |form: &String| {
        let found = form
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        found.unwrap_or_default().to_owned()
    };
    played.forms.iter().map(action).collect()
}

const REPLACED: &str = "<member><ResourceChange><Action>Modify</Action><LogicalResourceId>G0</LogicalResourceId><ResourceType>AWS::Logs::LogGroup</ResourceType><Replacement>True</Replacement><ResourceDriftStatus>MODIFIED</ResourceDriftStatus><Details><member><Target><Attribute>Properties</Attribute><Name>LogGroupName</Name><RequiresRecreation>Always</RequiresRecreation><BeforeValue>theirs</BeforeValue><BeforeValueFrom>ACTUAL_STATE</BeforeValueFrom><AfterValue>ours</AfterValue></Target></member></Details></ResourceChange></member>";

#[test]
fn a_rollback_that_failed_goes_on_before_anything_else() {
    let (fleet, shared) = fleet(Played {
        status: Some("UPDATE_ROLLBACK_FAILED".to_owned()),
        // At first it looks as before.
        next: vec![
            "UPDATE_ROLLBACK_FAILED",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
        ],
        changes: REPLACED,
        ..Played::default()
    });
    assert_eq!(
        fleet.run(&Choices::default()),
        [format!(
            "aws/{ACCOUNT}/{REGION} continue_rollback stack/{STACK}"
        )]
    );
    assert_eq!(actions(&shared), ["ContinueUpdateRollback"]);
    // Then what is wanted is planned.
    let plan = fleet.plan(&Choices::default());
    assert_eq!(plan.steps[0].action, Action::Update);
    assert_eq!(
        plan.steps[0].changes[0].replacement.as_deref(),
        Some("True")
    );
}

#[test]
fn a_rollback_that_fails_again_says_what_to_do() {
    let (fleet, _) = fleet(Played {
        status: Some("UPDATE_ROLLBACK_FAILED".to_owned()),
        next: vec!["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"],
        ..Played::default()
    });
    let (_, failed) = fleet.try_run(&Choices::default());
    assert!(
        failed[0].contains("ended as UPDATE_ROLLBACK_FAILED")
            && failed[0].contains("--resources-to-skip"),
        "{failed:#?}"
    );
}

#[test]
fn what_was_never_made_whole_is_deleted_and_made_again() {
    let (fleet, shared) = fleet(Played {
        status: Some("ROLLBACK_COMPLETE".to_owned()),
        next: vec![
            "ROLLBACK_COMPLETE",
            "DELETE_IN_PROGRESS",
            "DELETE_COMPLETE",
            "CREATE_IN_PROGRESS",
            "CREATE_IN_PROGRESS",
            "CREATE_COMPLETE",
        ],
        changes: "<member><ResourceChange><Action>Add</Action><LogicalResourceId>G0</LogicalResourceId></ResourceChange></member>",
        unfinished: 3,
        ..Played::default()
    });
    assert_eq!(
        fleet.run(&Choices::default()),
        [format!("aws/{ACCOUNT}/{REGION} recreate stack/{STACK}")]
    );
    assert_eq!(
        actions(&shared),
        ["DeleteStack", "CreateChangeSet", "ExecuteChangeSet"]
    );
    let told = fleet.told.lock().expect("nobody panicked");
    assert!(
        told.iter().any(|line| line.ends_with("CREATE_IN_PROGRESS")),
        "{told:?}"
    );
    let played = shared.lock().expect("nobody panicked");
    for parameter in [
        "ChangeSetType=CREATE",
        "OnStackFailure=DELETE",
        "ImportExistingResources=false",
    ] {
        assert!(played.forms[1].contains(parameter), "{}", played.forms[1]);
    }
}

#[test]
fn a_deletion_that_fails_says_what_stands_in_its_way() {
    let (mut fleet, _) = fleet(Played {
        status: Some("DELETE_FAILED".to_owned()),
        next: vec!["DELETE_IN_PROGRESS", "DELETE_FAILED"],
        ..Played::default()
    });
    fleet.clusters.clear();
    fleet.settings.also =
        serde_json::from_value(json!([{ "account": ACCOUNT, "region": REGION }])).expect("places");
    let (_, failed) = fleet.try_run(&Choices::confirmed(&["alpha"]));
    assert!(
        failed[0].contains("B (AWS::S3::Bucket): The bucket you tried to delete is not empty"),
        "{failed:#?}"
    );
}

#[test]
fn what_is_in_progress_is_left_alone() {
    let (fleet, shared) = fleet(Played {
        status: Some("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".to_owned()),
        ..Played::default()
    });
    let (_, failed) = fleet.try_run(&Choices::default());
    assert!(
        failed[0].contains("an operation is in progress"),
        "{failed:#?}"
    );
    assert_eq!(actions(&shared), Vec::<String>::new());
}

#[test]
fn drift_is_asked_for_shown_and_put_back() {
    let current = || Played {
        status: Some("CREATE_COMPLETE".to_owned()),
        digest: digest(),
        ..Played::default()
    };
    let drift = Choices {
        drift: true,
        ..Choices::default()
    };
    // Nobody changed anything.
    let (calm, shared) = fleet(current());
    assert_eq!(calm.run(&Choices::default()), Vec::<String>::new());
    assert_eq!(actions(&shared), Vec::<String>::new());
    assert_eq!(calm.run(&drift), Vec::<String>::new());
    assert_eq!(actions(&shared), ["CreateChangeSet"]);
    // Somebody did.
    let (drifted, shared) = fleet(Played {
        changes: REPLACED,
        next: vec!["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"],
        ..current()
    });
    let prepared = drifted
        .prepare(&drifted.way(), &drift)
        .expect("it is planned");
    let text = logfleet_reconciler::plan::to_text(&logfleet_reconciler::plan::Plan {
        commit: None,
        targets: prepared.targets(),
    });
    assert!(
        text.contains("modify G0 (AWS::Logs::LogGroup), REPLACED by a new one, was changed by somebody else\n               Properties.LogGroupName (replaces): theirs → ours\n"),
        "{text}"
    );
    assert_eq!(
        drifted.run(&drift),
        [format!("aws/{ACCOUNT}/{REGION} revert_drift stack/{STACK}")]
    );
    let played = shared.lock().expect("nobody panicked");
    assert!(
        played.forms[0].contains("DeploymentMode=REVERT_DRIFT"),
        "{}",
        played.forms[0]
    );
}

#[test]
fn a_stack_that_takes_too_long_goes_on_by_itself() {
    let (mut fleet, _) = fleet(Played {
        changes: "<member><ResourceChange><Action>Add</Action><LogicalResourceId>G0</LogicalResourceId></ResourceChange></member>",
        ..Played::default()
    });
    fleet.settings.minutes = 0;
    fleet.settings.cloudformation_role = Some("deploy".to_owned());
    let (_, failed) = fleet.try_run(&Choices::default());
    assert!(
        failed[0].contains("the stack is gone")
            || failed[0].contains("hasn't ended after 0 minutes"),
        "{failed:#?}"
    );
}

#[test]
fn a_run_that_is_told_to_end_leaves_a_stack_to_aws() {
    let (fleet, shared) = fleet(Played {
        status: Some("CREATE_COMPLETE".to_owned()),
        changes: REPLACED,
        next: vec!["UPDATE_IN_PROGRESS"],
        ..Played::default()
    });
    let is_begun = || actions(&shared).contains(&"ExecuteChangeSet".to_owned());
    let (_, failed) = std::thread::scope(|scope| {
        let run = scope.spawn(|| fleet.try_run(&Choices::default()));
        while !is_begun() {
            assert!(!run.is_finished(), "it never began");
            std::thread::sleep(Duration::from_millis(1));
        }
        fleet.ended.store(true, Ordering::Relaxed);
        run.join().expect("nobody panicked")
    });
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(
        failed[0].contains("was stopped before it had finished")
            && failed[0].contains("AWS continues what was started"),
        "{failed:#?}"
    );
    // One that is told before doesn't begin.
    let before = actions(&shared);
    shared.lock().expect("nobody panicked").status = Some("UPDATE_COMPLETE".to_owned());
    let (done, failed) = fleet.try_run(&Choices::default());
    assert_eq!((done.len(), failed.len()), (0, 1), "{failed:#?}");
    let more = actions(&shared)[before.len()..].to_vec();
    assert!(!more.contains(&"ExecuteChangeSet".to_owned()), "{more:?}");
}

/// A page of stacks that are as wanted, and of resources; how many are on a page is less than AWS's 1 MB holds.
fn page(form: &str, clusters: usize) -> Answer {
    let on_a_page = 100;
    let from = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("NextToken="))
        .map_or(0, |token| token.parse().expect("a number"));
    let stack = |number: usize| {
        format!(
            "<member><StackName>logfleet-c{number}-aws</StackName><StackId>arn:{number}</StackId><StackStatus>UPDATE_COMPLETE</StackStatus><Outputs><member><OutputKey>LogfleetDigest</OutputKey><OutputValue>{}</OutputValue></member></Outputs><Tags><member><Key>logfleet:owner</Key><Value>played</Value></member><member><Key>logfleet:cluster</Key><Value>c{number}</Value></member></Tags></member>",
            digest()
        )
    };
    let to = clusters.min(from + on_a_page);
    let stacks: String = (from..to).map(stack).collect();
    let next = if to < clusters {
        format!("<NextToken>{to}</NextToken>")
    } else {
        String::new()
    };
    answer(&format!(
        "<R><DescribeStacksResult><Stacks>{stacks}</Stacks>{next}</DescribeStacksResult></R>"
    ))
}

#[test]
fn a_run_without_changes_asks_for_pages_and_not_for_clusters() {
    const CLUSTERS: usize = 200;
    let requests = Arc::new(Mutex::new(Vec::<String>::new()));
    let counted = Arc::clone(&requests);
    let address = http::serve(move |request| {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        counted.lock().expect("nobody panicked").push(form.clone());
        if form.contains("Action=DescribeStacks") {
            return page(&form, CLUSTERS);
        }
        play(&Shared::default(), request)
    });
    let (one, _) = fleet(Played::default());
    let own = one.clusters["alpha"].clone();
    let place = one.settings.clusters["alpha"].clone();
    let mut many = Fleet::empty(&format!("http://{address}"), one.settings.clone());
    for number in 0..CLUSTERS {
        many.clusters.insert(format!("c{number}"), own.clone());
        many.settings
            .clusters
            .insert(format!("c{number}"), place.clone());
    }
    let prepared = many
        .prepare(&many.way(), &Choices::default())
        .expect("it is planned");
    assert!(prepared.plan.is_empty());
    assert_eq!(prepared.plan.unchanged, CLUSTERS);
    let count = requests.lock().expect("nobody panicked").len();
    assert!(
        count * 10 <= CLUSTERS,
        "{count} requests for {CLUSTERS} clusters"
    );
}
