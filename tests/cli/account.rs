//! Many clusters of one account and Region: what they share is there once, and
//! what they can't all have is told with a remedy that helps.

use std::collections::BTreeMap;

use git2::{IndexAddOption, Repository, Signature, Time};

use crate::fleet::TestFleet;

const ACCOUNT: &str = "111122223333";

/// A fleet as `gen init` makes it, with one cluster of each kind as `gen new` makes them.
fn init() -> TestFleet {
    let fleet = TestFleet::empty();
    assert_eq!(
        fleet
            .call(&[
                "init",
                ".",
                "--url",
                "https://logs.example.com:9200",
                "--bucket",
                "example-logfleet"
            ])
            .code,
        0
    );
    new(&fleet, "eks-00", "eks");
    new(&fleet, "kops-00.example.com", "kops");
    fleet
}

fn new(fleet: &TestFleet, name: &str, distribution: &str) {
    let run = fleet.call(&[
        "new",
        name,
        "--environment",
        "production",
        "--distribution",
        distribution,
        "--region",
        "eu-central-1",
        "--account",
        ACCOUNT,
    ]);
    assert_eq!(run.code, 0, "{run}");
}

/// Adds clusters that differ by nothing but their names.
fn add(fleet: &TestFleet, like: &str, names: impl IntoIterator<Item = String>) {
    let text = fleet.text(&format!("clusters/{like}/cluster.yaml"));
    for name in names {
        let own = text.replace(&format!("name: {like}\n"), &format!("name: {name}\n"));
        assert_ne!(own, text);
        fleet.write(&format!("clusters/{name}/cluster.yaml"), own);
    }
}

fn commit_all(repository: &Repository, message: &str) {
    let mut index = repository.index().expect("an index");
    index
        .add_all(["*"], IndexAddOption::DEFAULT, None)
        .expect("added");
    index.update_all(["*"], None).expect("updated");
    index.write().expect("written");
    let tree = repository.find_tree(index.write_tree().expect("a tree"));
    let who = Signature::new("Tester", "tester@example.com", &Time::new(1_700_000_000, 0));
    let who = who.expect("a name");
    let parent = repository.head().ok();
    let parent = parent.map(|head| head.peel_to_commit().expect("a commit"));
    let parents: Vec<_> = parent.iter().collect();
    repository
        .commit(
            Some("HEAD"),
            &who,
            &who,
            message,
            &tree.expect("a tree"),
            &parents,
        )
        .expect("a commit");
}

/// What accounts have, by path.
fn accounts(fleet: &TestFleet) -> BTreeMap<String, Vec<u8>> {
    let outputs = fleet.outputs().into_iter();
    outputs
        .filter(|(path, _)| path.starts_with("_accounts/"))
        .collect()
}

#[test]
fn a_hundred_default_clusters_of_one_account_and_region() {
    let fleet = init();
    add(
        &fleet,
        "eks-00",
        (1..50).map(|number| format!("eks-{number:02}")),
    );
    add(
        &fleet,
        "kops-00.example.com",
        (1..50).map(|number| format!("kops-{number:02}.example.com")),
    );
    let repository = Repository::init(fleet.root()).expect("a repository");
    for arguments in [
        &["render"][..],
        &["check"],
        &["check", "eks-37"],
        &["render", "--check"],
    ] {
        let run = fleet.call(arguments);
        assert_eq!(run.code, 0, "{arguments:?} {run}");
    }
    let before = accounts(&fleet);
    let paths: Vec<&str> = before.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "_accounts/.logfleet.json",
            "_accounts/111122223333/eu-central-1/members/bucket.json",
            "_accounts/111122223333/eu-central-1/members/table.json",
            "_accounts/111122223333/eu-central-1/stack.json",
            "_accounts/111122223333/us-east-1/members/bucket.json",
            "_accounts/111122223333/us-east-1/members/table.json",
            "_accounts/111122223333/us-east-1/stack.json",
        ]
    );
    commit_all(&repository, "A hundred clusters");
    // One more changes nothing of the account, so that two pull requests don't meet there.
    new(&fleet, "eks-50", "eks");
    let diff = fleet.call(&["diff", "--base", "HEAD"]);
    assert_eq!(diff.code, 0, "{diff}");
    assert!(diff.out.contains("1 cluster added"), "{diff}");
    assert!(!diff.out.contains("accounts"), "{diff}");
    assert_eq!(fleet.call(&["render"]).code, 0);
    assert_eq!(accounts(&fleet), before);
}

/// Each cluster with trails of its own, as all had them before.
const OWN: &str = "sources: { aws: { account_stack: false } }\n";

#[test]
fn a_fleet_whose_clusters_had_their_own_trails_moves_with_one_render() {
    let fleet = init();
    fleet.append("clusters/environments/production.yaml", OWN);
    let repository = Repository::init(fleet.root()).expect("a repository");
    assert_eq!(fleet.call(&["render"]).code, 0);
    assert!(!fleet.has("rendered/_accounts"));
    commit_all(&repository, "Own trails");
    let text = fleet.text("clusters/environments/production.yaml");
    fleet.write(
        "clusters/environments/production.yaml",
        text.replace(OWN, ""),
    );
    let diff = fleet.call(&["diff", "--base", "HEAD"]);
    assert_eq!(diff.code, 0, "{diff}");
    for (told, times) in [
        ("files of accounts changed", 1),
        (
            "`aws.cloudtrail` no longer reads calls that name no member",
            1,
        ),
        ("the trail `Trail` is gone", 1),
        ("the trail `TableTrail` is gone", 1),
    ] {
        assert_eq!(diff.out.matches(told).count(), times, "{told} {diff}");
    }
    let render = fleet.call(&["render"]);
    assert_eq!(render.code, 0, "{render}");
    assert!(fleet.has("rendered/_accounts/111122223333/us-east-1/stack.json"));
    // And back: nothing is left of it.
    fleet.append("clusters/environments/production.yaml", OWN);
    assert_eq!(fleet.call(&["render"]).code, 0);
    assert!(!fleet.has("rendered/_accounts"));
}

/// A check of one cluster counts what its neighbours have of the account's trails.
#[test]
fn a_check_of_one_cluster_sees_its_neighbours_and_the_remedy_helps() {
    let fleet = init();
    add(&fleet, "eks-00", ["eks-01".to_owned(), "eks-02".to_owned()]);
    for name in ["eks-00", "eks-01", "eks-02"] {
        fleet.append(&format!("clusters/{name}/cluster.yaml"), OWN);
    }
    for arguments in [
        &["check", "eks-02"][..],
        &["check", "kops-00.example.com"],
        &["check"],
        &["render", "eks-02"],
    ] {
        let run = fleet.gen_changing_nothing(arguments);
        assert_eq!(run.code, 1, "{arguments:?} {run}");
        assert!(
            run.err.contains(
                "the clusters of account 111122223333 would have 8 trails in eu-central-1, and AWS allows 5: `eks-00`, `eks-01`, `eks-02` have their own"
            ),
            "{run}"
        );
        assert!(
            run.err
                .contains("hint: let them share the account's trails: remove `sources.aws.account_stack: false`, wherever it is set"),
            "{run}"
        );
        assert!(run.err.contains("/cluster.yaml:"), "{run}");
    }
    // The account may stand above some of them, too.
    let account = format!("account: \"{ACCOUNT}\"\n");
    let environment = "clusters/environments/production.yaml";
    let above = fleet.text(environment);
    fleet.append(environment, &account);
    let path = "clusters/eks-01/cluster.yaml";
    let own = fleet.text(path);
    assert_ne!(own.replace(&account, ""), own);
    fleet.write(path, own.replace(&account, ""));
    let run = fleet.call(&["check", "eks-02"]);
    assert!(
        run.err.contains("would have 8 trails in eu-central-1"),
        "{run}"
    );
    fleet.write(environment, above);
    fleet.write(path, own);
    // A cluster of another account has nothing to do with it.
    let text = fleet.text("clusters/kops-00.example.com/cluster.yaml");
    fleet.write(
        "clusters/elsewhere/cluster.yaml",
        text.replace("kops-00.example.com", "elsewhere")
            .replace(ACCOUNT, "444455556666"),
    );
    assert_eq!(fleet.call(&["check", "elsewhere"]).code, 0);
    for name in ["eks-00", "eks-01", "eks-02"] {
        let path = format!("clusters/{name}/cluster.yaml");
        let text = fleet.text(&path);
        fleet.write(&path, text.replace(OWN, ""));
    }
    let run = fleet.call(&["check"]);
    assert_eq!(run.code, 0, "{run}");
}

/// What is wrong with a neighbour alone is not told of this cluster.
#[test]
fn a_neighbours_own_faults_are_its_own() {
    let fleet = init();
    fleet.append("clusters/eks-00/cluster.yaml", "retention: 3\n");
    let run = fleet.call(&["check", "kops-00.example.com"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(fleet.call(&["check"]).code, 1);
}

#[test]
fn three_readers_of_one_trail_go_over_to_the_account() {
    const EXISTING: &str =
        "sources: { aws: { cloudtrail: { existing_log_group: organisation-trail } } }\n";
    let fleet = init();
    add(&fleet, "eks-00", ["eks-01".to_owned()]);
    let clusters = ["eks-00", "eks-01", "kops-00.example.com"];
    for name in clusters {
        fleet.append(&format!("clusters/{name}/cluster.yaml"), EXISTING);
    }
    let run = fleet.gen_changing_nothing(&["check"]);
    assert_eq!(run.code, 1, "{run}");
    let setting = "accounts.\"111122223333\".calls.existing_log_group: { name: organisation-trail, region: eu-central-1 }";
    assert!(run.err.contains(setting), "{run}");
    fleet.append(
        "clusters/fleet.yaml",
        "accounts: { \"111122223333\": { calls: { existing_log_group: { name: organisation-trail, region: eu-central-1 } } } }\n",
    );
    for name in clusters {
        let path = format!("clusters/{name}/cluster.yaml");
        let text = fleet.text(&path);
        fleet.write(&path, text.replace(EXISTING, ""));
    }
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    let stack = fleet.text("rendered/_accounts/111122223333/eu-central-1/stack.json");
    assert!(
        stack.contains("\"LogGroupName\": \"organisation-trail\""),
        "{stack}"
    );
    assert!(!fleet.has("rendered/_accounts/111122223333/us-east-1"));
}

/// Two clusters can't disagree on what their account has once.
#[test]
fn only_the_fleet_can_speak_of_accounts() {
    for file in [
        "clusters/environments/production.yaml",
        "clusters/eks-00/cluster.yaml",
    ] {
        let fleet = init();
        fleet.append(file, "account_defaults: { retention_days: 30 }\n");
        let run = fleet.gen_changing_nothing(&["check"]);
        assert_eq!(run.code, 1, "{run}");
        let told = "`account_defaults` holds for whole accounts, so only the fleet can say it";
        assert_eq!(run.err.matches(told).count(), 1, "{run}");
        assert!(
            run.err
                .contains("hint: move `account_defaults` to `clusters/fleet.yaml`"),
            "{run}"
        );
        let text = fleet.text(file);
        let line = "account_defaults: { retention_days: 30 }\n";
        fleet.write(file, text.replace(line, ""));
        fleet.append("clusters/fleet.yaml", line);
        let run = fleet.call(&["render"]);
        assert_eq!(run.code, 0, "{run}");
        let stack = fleet.text("rendered/_accounts/111122223333/us-east-1/stack.json");
        assert!(stack.contains("\"RetentionInDays\": 30"), "{stack}");
    }
}

/// Its objects would be called like those of the account.
#[test]
fn a_cluster_that_is_called_account() {
    let fleet = init();
    add(&fleet, "eks-00", ["account".to_owned()]);
    let run = fleet.gen_changing_nothing(&["check"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.err
            .contains("the cluster `account` and the stack of account 111122223333 in "),
        "{run}"
    );
}
