//! Two changes, each rendered and committed on a branch of its own, that git
//! merges: without a conflict, or `gen render` resolves it.

use crate::fleet::{Run, TestFleet};
use crate::publish::Repository;

const ARGO_CD: &str =
    "gitops: { tool: argo_cd, repository: { url: \"https://git.example.com/a/b.git\" } }\n";
const FLUX: &str =
    "gitops: { tool: flux, repository: { url: \"https://git.example.com/a/b.git\" } }\n";

/// Two settings of one file, with lines between them, as in a file of some length.
const SETTINGS: &str = "fluentd:
  log_level: info
  max_unavailable_percent: 10
kubernetes:
  namespace: logging
streams:
  applications:
    retention_days: 30
  nodes:
    retention_days: 30
";

/// A repository whose `alpha` has [`SETTINGS`], and whose fleet has more.
fn repository(more: &str) -> Repository {
    let fleet = TestFleet::base();
    fleet.append("clusters/alpha/cluster.yaml", SETTINGS);
    fleet.append("clusters/fleet.yaml", more);
    let repository = Repository::of(fleet);
    render(&repository);
    repository.commit("Render");
    repository
}

fn render(repository: &Repository) {
    let run = repository.fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
}

/// Makes a change on a branch of its own, from `main`.
fn change(repository: &Repository, branch: &str, change: impl Fn(&TestFleet)) {
    repository.git(&["checkout", "--quiet", "-b", branch, "main"]);
    change(&repository.fleet);
    render(repository);
    repository.commit(branch);
    repository.git(&["checkout", "--quiet", "main"]);
}

fn set(fleet: &TestFleet, from: &str, to: &str) {
    let path = "clusters/alpha/cluster.yaml";
    let text = fleet.text(path);
    assert!(text.contains(from), "{from}");
    fleet.write(path, text.replace(from, to));
}

fn add(fleet: &TestFleet, name: &str) {
    let run = fleet.call(&["new", name, "--like", "alpha"]);
    assert_eq!(run.code, 0, "{run}");
    let path = format!("clusters/{name}/cluster.yaml");
    let account = fleet.text(&path).replace("111122223333", "777788889999");
    fleet.write(&path, account);
}

/// Runs git, and returns the files in conflict.
fn conflicts(repository: &Repository, arguments: &[&str]) -> Vec<String> {
    let done = repository.try_git_in(repository.root(), arguments);
    let unmerged = repository.git(&["diff", "--name-only", "--diff-filter=U"]);
    let unmerged: Vec<String> = unmerged.lines().map(str::to_owned).collect();
    assert_eq!(done.status.success(), unmerged.is_empty(), "{done:?}");
    unmerged
}

/// Merges both branches into `main`, one after the other.
fn merge(repository: &Repository, one: &str, two: &str) -> Vec<String> {
    assert_eq!(
        conflicts(repository, &["merge", "--quiet", "--no-edit", one]),
        [""; 0]
    );
    conflicts(repository, &["merge", "--quiet", "--no-edit", two])
}

/// What is rendered must be what a fleet with these inputs renders anew.
fn is_as_rendered_anew(repository: &Repository) {
    let run = repository.fleet.call(&["render", "--check"]);
    assert_eq!(run.code, 0, "{run}");
    let anew = TestFleet::empty();
    for (path, entry) in repository.fleet.entries() {
        if let crate::fleet::Entry::File { bytes, .. } = entry
            && path.starts_with("clusters/")
        {
            anew.write(&path, bytes);
        }
    }
    assert_eq!(anew.call(&["render"]).code, 0);
    assert!(repository.fleet.outputs() == anew.outputs());
}

/// A plain run resolves what is in conflict, and says nothing of edits.
fn resolves(repository: &Repository) {
    let run = repository.fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    is_as_rendered_anew(repository);
}

fn refused(repository: &Repository, told: &str) -> Run {
    let run = repository.fleet.gen_changing_nothing(&["render"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.err.contains(told), "{run}");
    run
}

#[test]
fn two_new_clusters_merge() {
    let repository = repository("");
    for name in ["gamma", "gamma-2"] {
        change(&repository, name, |fleet| add(fleet, name));
    }
    assert_eq!(merge(&repository, "gamma", "gamma-2"), [""; 0]);
    is_as_rendered_anew(&repository);
}

/// Settings that go into different files, also where they are neighbours.
#[test]
fn two_settings_of_a_cluster_merge() {
    for (one, two) in [
        (
            ("max_unavailable_percent: 10", "max_unavailable_percent: 20"),
            ("days: 30\n  nodes", "days: 14\n  nodes"),
        ),
        (
            ("log_level: info", "log_level: debug"),
            (
                "nodes:\n    retention_days: 30",
                "nodes:\n    retention_days: 60",
            ),
        ),
    ] {
        let repository = repository("");
        change(&repository, "one", |fleet| set(fleet, one.0, one.1));
        change(&repository, "two", |fleet| set(fleet, two.0, two.1));
        assert_eq!(merge(&repository, "one", "two"), [""; 0], "{one:?} {two:?}");
        is_as_rendered_anew(&repository);
    }
}

/// Files of which git makes one that neither side has, and their digest.
fn change_one_file(repository: &Repository) {
    let path = "templates/kubernetes/about.yaml";
    let lines: String = (0..40)
        .map(|number| format!("  line-{number}: \"0\"\n"))
        .collect();
    let text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: about\ndata:\n".to_owned() + &lines;
    repository.fleet.write(path, text);
    render(repository);
    repository.commit("About");
    for (branch, line) in [("one", "line-3"), ("two", "line-30")] {
        change(repository, branch, |fleet| {
            let from = format!("{line}: \"0\"");
            fleet.write(
                path,
                fleet
                    .text(path)
                    .replace(&from, &format!("{line}: \"{branch}\"")),
            );
        });
    }
}

const OWNERSHIP: [&str; 2] = [
    "rendered/alpha/.logfleet.json",
    "rendered/beta.example.com/.logfleet.json",
];

#[test]
fn a_file_that_both_sides_changed_leaves_the_ownership_file() {
    let repository = repository("");
    change_one_file(&repository);
    assert_eq!(merge(&repository, "one", "two"), OWNERSHIP);
    let run = repository
        .fleet
        .gen_changing_nothing(&["render", "--check"]);
    assert_eq!(run.code, 1, "{run}");
    resolves_with_templates(&repository);
    repository.commit("Merge");
    assert_eq!(repository.fleet.call(&["render", "--check"]).code, 0);
}

/// As [`resolves`], in a fleet with templates.
fn resolves_with_templates(repository: &Repository) {
    let run = repository.fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    let run = repository.fleet.call(&["render", "--check"]);
    assert_eq!(run.code, 0, "{run}");
}

/// Whatever git was told to do, and whatever somebody made of the conflict.
#[test]
fn every_way_to_join_two_changes_is_resolved() {
    for (arguments, after) in [
        (&["merge", "--quiet", "--squash", "two"][..], &[][..]),
        (&["cherry-pick", "two"], &[]),
        (&["rebase", "--quiet", "main", "two"], &[]),
        (&["-c", "merge.conflictStyle=diff3", "merge", "two"], &[]),
        (
            &["merge", "--quiet", "two"],
            &["checkout", "--ours", "rendered"],
        ),
        (
            &["merge", "--quiet", "two"],
            &["checkout", "--theirs", "rendered"],
        ),
        (&["merge", "--quiet", "two"], &["add", "--all"]),
        (
            &["merge", "--quiet", "two"],
            &["commit", "--all", "--quiet", "--message", "Marks and all"],
        ),
    ] {
        let repository = repository("");
        change_one_file(&repository);
        repository.git(&["merge", "--quiet", "one"]);
        assert_eq!(
            conflicts(&repository, arguments),
            OWNERSHIP,
            "{arguments:?}"
        );
        if !after.is_empty() {
            repository.git(after);
        }
        resolves_with_templates(&repository);
    }
}

/// The same lines of a rendered file, of which git makes neither.
#[test]
fn a_rendered_file_in_conflict_is_resolved() {
    let repository = repository("");
    change_one_file(&repository);
    change(&repository, "three", |fleet| {
        let path = "templates/kubernetes/about.yaml";
        fleet.write(
            path,
            fleet
                .text(path)
                .replace("line-3: \"0\"", "line-3: \"three\""),
        );
    });
    let unmerged = merge(&repository, "one", "three");
    assert_eq!(
        unmerged,
        [
            OWNERSHIP[0],
            "rendered/alpha/kubernetes/about.yaml",
            OWNERSHIP[1],
            "rendered/beta.example.com/kubernetes/about.yaml",
            "templates/kubernetes/about.yaml"
        ]
    );
    // The inputs come first.
    let run = refused(&repository, "the file has an unresolved merge conflict");
    assert!(
        run.err.starts_with("templates/kubernetes/about.yaml:9:1: "),
        "{run}"
    );
    repository.git(&["checkout", "--theirs", "templates"]);
    resolves_with_templates(&repository);
}

/// What the documentation says of the files of the whole fleet.
#[test]
fn two_new_clusters_meet_in_the_files_of_the_whole_fleet() {
    for (tool, file) in [
        (ARGO_CD, "rendered/_fleet/gitops/argo-cd/project.yaml"),
        (FLUX, "rendered/_fleet/gitops/flux/kustomization.yaml"),
    ] {
        let repository = repository(tool);
        for name in ["gamma", "gamma-2"] {
            change(&repository, name, |fleet| add(fleet, name));
        }
        let unmerged = merge(&repository, "gamma", "gamma-2");
        assert_eq!(unmerged, ["rendered/_fleet/.logfleet.json", file]);
        resolves(&repository);
    }
}

#[test]
fn a_cluster_that_one_side_removed_and_the_other_changed() {
    let repository = repository("");
    change(&repository, "one", |fleet| fleet.remove("clusters/alpha"));
    change(&repository, "two", |fleet| {
        set(fleet, "log_level: info", "log_level: debug");
    });
    let unmerged = merge(&repository, "one", "two");
    assert!(
        unmerged.contains(&"rendered/alpha/.logfleet.json".to_owned()),
        "{unmerged:?}"
    );
    repository.fleet.remove("clusters/alpha");
    let run = repository.fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    assert!(!repository.fleet.has("rendered/alpha"));
}

#[test]
fn what_neither_side_wrote_stays() {
    let repository = repository("");
    change_one_file(&repository);
    repository
        .fleet
        .write("rendered/alpha/kubernetes/mine.yaml", "mine: true\n");
    repository.commit("Mine");
    merge(&repository, "one", "two");
    // Neither side changed this one, so no merge explains what is in it.
    let edited = "rendered/alpha/kubernetes/namespace.yaml";
    let text = repository.fleet.text(edited);
    repository.fleet.append(edited, "# by hand\n");
    refused(
        &repository,
        "`rendered/alpha/kubernetes/namespace.yaml` was edited by hand",
    );
    repository.git(&["add", edited]);
    refused(
        &repository,
        "`rendered/alpha/kubernetes/namespace.yaml` was edited by hand",
    );
    repository.fleet.write(edited, text);
    // Both sides changed this one, and then somebody did.
    let merged = "rendered/alpha/kubernetes/about.yaml";
    repository.fleet.append(merged, "# by hand\n");
    repository.fleet.remove("templates");
    refused(
        &repository,
        "`rendered/alpha/kubernetes/about.yaml` was edited by hand",
    );
    repository.git(&["checkout", "--", merged]);
    resolves_with_templates(&repository);
    assert_eq!(
        repository.fleet.text("rendered/alpha/kubernetes/mine.yaml"),
        "mine: true\n"
    );
    assert!(!repository.fleet.has(merged));
}

#[test]
fn an_edit_after_a_merge_is_an_edit() {
    let repository = repository("");
    change_one_file(&repository);
    merge(&repository, "one", "two");
    resolves_with_templates(&repository);
    repository.commit("Merge");
    repository
        .fleet
        .append("rendered/alpha/kubernetes/about.yaml", "# by hand\n");
    repository.git(&["add", "--all"]);
    refused(
        &repository,
        "`rendered/alpha/kubernetes/about.yaml` was edited by hand",
    );
}

/// Every kind of input, with the place of the first mark.
#[test]
fn an_input_in_conflict_says_what_to_do() {
    let marks = "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n";
    for (path, before, place) in [
        (
            "clusters/alpha/cluster.yaml",
            "",
            "clusters/alpha/cluster.yaml:1:1: ",
        ),
        (
            "clusters/fleet.yaml",
            "schema_version: 1\n",
            "clusters/fleet.yaml:2:1: ",
        ),
        (
            "clusters/environments/production.yaml",
            "a:\n  - b\n",
            "clusters/environments/production.yaml:3:1: ",
        ),
        (
            "clusters/alpha/kubernetes/patch.yaml",
            "kind: DaemonSet\n",
            "clusters/alpha/kubernetes/patch.yaml:2:1: ",
        ),
        (
            "templates/kubernetes/namespace.yaml",
            "# Ours\n",
            "templates/kubernetes/namespace.yaml:2:1: ",
        ),
    ] {
        let fleet = TestFleet::rendered();
        fleet.write(path, before.to_owned() + marks);
        let run = fleet.gen_changing_nothing(&["render"]);
        let told = format!(
            "{place}the file has an unresolved merge conflict\n {} | <<<<<<< HEAD\n   | ^^^^^^^^^^^^\nhint: edit the file so that it says what \
             you want, without the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`; then `gen render` brings `rendered/` in line\n",
            place.split(':').nth(1).expect("a line")
        );
        assert!(run.err.contains(&told), "{told}{run}");
    }
    let fleet = TestFleet::rendered();
    fleet.write("clusters/certificates/main.pem", marks);
    let run = fleet.gen_changing_nothing(&["render"]);
    assert!(
        run.err
            .contains("this file has an unresolved merge conflict"),
        "{run}"
    );
}
