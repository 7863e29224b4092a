//! `gen ci`: what it writes is what is in `ci/preview/` of this repository, and
//! keeps what it promises.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::fleet::{Entry, TestFleet};

/// What `gen ci` writes, by where it stands in this repository.
const GITHUB: [(&str, &str); 7] = [
    (
        ".github/workflows/logfleet-comment.yml",
        "github/comment.yml",
    ),
    (
        ".github/workflows/logfleet-preview.yml",
        "github/preview.yml",
    ),
    ("ci/preview/check", "check"),
    ("ci/preview/comment", "comment"),
    ("ci/preview/forge.py", "forge.py"),
    ("ci/preview/preview", "preview"),
    ("ci/preview/receive", "receive"),
];
const GITLAB: [(&str, &str); 5] = [
    ("ci/preview/check", "check"),
    ("ci/preview/comment", "comment"),
    ("ci/preview/forge.py", "forge.py"),
    ("ci/preview/gitlab-ci.yml", "gitlab/preview.yml"),
    ("ci/preview/preview", "preview"),
];

fn own(name: &str) -> (Vec<u8>, u32) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ci/preview")
        .join(name);
    let mode = path.metadata().expect("a file").permissions().mode();
    (std::fs::read(&path).expect("a file"), mode)
}

fn files(fleet: &TestFleet) -> BTreeMap<String, (Vec<u8>, u32)> {
    let entries = fleet.entries().into_iter();
    entries
        .filter_map(|(path, entry)| match entry {
            Entry::File { bytes, mode } if !path.starts_with(".git/") => {
                Some((path, (bytes, mode)))
            }
            _ => None,
        })
        .collect()
}

fn assert_as_here(fleet: &TestFleet, wanted: &[(&str, &str)], more: &[&str]) {
    let written = files(fleet);
    for (path, name) in wanted {
        let (bytes, mode) = &written[*path];
        let (own_bytes, own_mode) = own(name);
        assert!(*bytes == own_bytes, "{path}");
        assert_eq!(mode & 0o111, own_mode & 0o111, "{path}");
    }
    let mut paths: Vec<&str> = wanted
        .iter()
        .map(|(path, _)| *path)
        .chain(more.iter().copied())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        written.keys().map(String::as_str).collect::<Vec<_>>(),
        paths
    );
}

#[test]
fn github_gets_what_is_here() {
    let fleet = TestFleet::empty();
    fleet.write("clusters/fleet.yaml", "");
    let run = fleet.call(&["ci", "github"]);
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run);
    assert_as_here(&fleet, &GITHUB, &["clusters/fleet.yaml"]);
    let again = fleet.gen_changing_nothing(&["ci", "github"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(again.out.matches(": there already\n").count(), GITHUB.len());
}

#[test]
fn gitlab_gets_what_is_here() {
    let fleet = TestFleet::empty();
    fleet.write("clusters/fleet.yaml", "");
    let run = fleet.call(&["ci", "gitlab"]);
    assert_eq!(run.code, 0, "{run}");
    let more = [".gitlab-ci.yml", "clusters/fleet.yaml"];
    assert_as_here(&fleet, &GITLAB, &more);
    assert_eq!(
        fleet.text(".gitlab-ci.yml"),
        "include:\n  - local: ci/preview/gitlab-ci.yml\n"
    );
    assert_eq!(fleet.gen_changing_nothing(&["ci", "gitlab"]).code, 0);
    fleet.write(".gitlab-ci.yml", "test: {script: 'true'}\n");
    let run = fleet.gen_changing_nothing(&["ci", "gitlab", "--install", "true"]);
    assert_eq!(
        run.code, 1,
        "a different install command is a different file: {run}"
    );
    fleet.remove("ci");
    let run = fleet.call(&["ci", "gitlab", "--install", "true"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.ends_with("already exists and is kept; add to it:\n\ninclude:\n  - local: ci/preview/gitlab-ci.yml\n"), "{run}");
}

#[test]
fn a_folder_without_a_fleet_is_told() {
    let fleet = TestFleet::empty();
    let told = |folder: &str| {
        format!(
            "\nThere is no folder `clusters` in `{folder}`, and CI fails without one: run this in the fleet's repository, name the fleet's folder by --root, or begin one by `gen init`.\n"
        )
    };
    let run = fleet.call(&["ci", "github", "--install", "true"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.ends_with(&told(".")), "{run}");
    fleet.write("infra/clusters", "a file");
    let run = fleet.call(&["ci", "github", "--install", "true", "--root", "infra"]);
    assert!(run.out.ends_with(&told("infra")), "{run}");
    fleet.write("logging/clusters/fleet.yaml", "");
    let run = fleet.call(&["ci", "github", "--install", "true", "--root", "logging"]);
    assert!(!run.out.contains("no folder"), "{run}");
}

#[test]
fn the_install_command_stands_in_its_own_step() {
    let fleet = TestFleet::empty();
    let command = "curl -fsSLo gen https://example.com/gen\n\n  install gen \"$HOME/bin\" # ${{ runner.os }}: '";
    for forge in ["github", "gitlab"] {
        let run = fleet.call(&["ci", forge, "--install", command]);
        assert_eq!(run.code, 0, "{run}");
        assert!(!run.out.contains("--install"), "{run}");
        fleet.remove("ci");
        if forge == "github" {
            let text = fleet.text(".github/workflows/logfleet-preview.yml");
            assert!(text.contains(
                "        run: | # gen ci --install\n          curl -fsSLo gen https://example.com/gen\n\n            install gen \"$HOME/bin\" # ${{ runner.os }}: '\n\n      - name: Preview\n"
            ), "{text}");
        }
    }
    let run = TestFleet::empty().gen_changing_nothing(&[
        "ci",
        "github",
        "--install",
        "x ${{ secrets.TOKEN }}",
    ]);
    assert_eq!(run.code, 1, "{run}");
}

#[test]
fn nothing_is_written_over_other_files_or_through_links() {
    let fleet = TestFleet::empty();
    fleet.write("ci/preview/comment", "mine");
    fleet.write("ci/preview/check/folder", "mine");
    let run = fleet.gen_changing_nothing(&["ci", "github"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.err
            .contains("`ci/preview/comment` already exists, with other contents"),
        "{run}"
    );
    assert!(run.err.contains("ci/preview/check` is in the way"), "{run}");
    let fleet = TestFleet::empty();
    let elsewhere = TestFleet::empty();
    symlink(elsewhere.root(), fleet.root().join("ci")).expect("a link");
    let run = fleet.gen_changing_nothing(&["ci", "github"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(elsewhere.entries().is_empty());
}

#[test]
fn a_fleet_below_the_top_of_its_repository() {
    let fleet = TestFleet::empty();
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(fleet.root())
        .status();
    assert!(made.expect("git").success());
    fleet.write("infra/logging/clusters/fleet.yaml", "");
    let run = fleet.call(&["ci", "github", "--root", "infra/logging"]);
    assert_eq!(run.code, 0, "{run}");
    let text = fleet.text(".github/workflows/logfleet-preview.yml");
    assert!(
        text.contains("  LOGFLEET_ROOT: \"infra/logging\"\n"),
        "{text}"
    );
    assert!(!fleet.has("infra/logging/ci"));
}

/// Lines of a workflow that say something: no comments.
fn said(name: &str) -> String {
    let text = String::from_utf8(own(name).0).expect("UTF-8");
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What a stranger's pull request can start has no secret and no right to
/// write; what may write runs nothing of theirs.
#[test]
fn the_untrusted_workflow_may_do_nothing() {
    let preview = said("github/preview.yml");
    assert!(
        preview.contains("\npermissions:\n  contents: read\n\n"),
        "{preview}"
    );
    assert_eq!(
        preview.matches("permissions").count(),
        1,
        "none is given back to a job"
    );
    for never in [
        "secrets",
        "pull_request_target",
        "github.token",
        "GITHUB_TOKEN",
        "write",
        "workflow_run",
    ] {
        assert!(!preview.contains(never), "{never}");
    }
    let comment = said("github/comment.yml");
    assert!(comment.contains("\npermissions: {}\n"));
    assert!(comment.contains("    permissions:\n      actions: read # the artifact\n      contents: read # the scripts\n      pull-requests: write # the comment\n"));
    for never in [
        "secrets",
        "pull_request_target",
        "ref:",
        "allow-unsafe",
        "gen ",
        "ci/preview/preview",
    ] {
        assert!(!comment.contains(never), "{never}");
    }
}

/// A pull request may be older than its base's scripts, and two that are right
/// each may be wrong together: what is looked at is the merge, where GitHub
/// checks it out by itself.
#[test]
fn github_looks_at_what_is_merged() {
    let text = said("github/preview.yml");
    assert!(!text.contains("ref: "), "{text}");
    for part in [
        "          HEAD: ${{ github.event.pull_request.head.sha }}\n",
        "ci/preview/preview --merge-of \"$HEAD\"",
        "          fetch-depth: 0\n",
        "    types: [opened, synchronize, reopened, edited]\n  merge_group:\n  push:\n    branches: [main, master]\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // A job that is skipped counts as passed where it is required.
    assert!(!text.contains("\n    if: "), "{text}");
}

/// Two pull requests of one branch get a comment each, and each the newest.
#[test]
fn comments_of_one_pull_request_wait_for_each_other() {
    let preview = said("github/preview.yml");
    assert!(preview.contains("\nrun-name: ${{ github.event.pull_request && format('Preview of pull request {0}', github.event.pull_request.number) || '' }}\n"), "{preview}");
    let comment = said("github/comment.yml");
    for part in [
        "  group: logfleet-comment-${{ github.event.workflow_run.head_repository.full_name }}-${{ github.event.workflow_run.display_title }}\n",
        "            --head-sha \"$HEAD_SHA\"\n",
    ] {
        assert!(comment.contains(part), "{part}: {comment}");
    }
}

#[test]
fn actions_are_pinned_and_scripts_get_no_expressions() {
    let pinned = regex::Regex::new(r"^ +uses: [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
        .expect("a pattern");
    for name in ["github/preview.yml", "github/comment.yml"] {
        let text = said(name);
        let uses: Vec<&str> = text.lines().filter(|line| line.contains("uses:")).collect();
        assert!(!uses.is_empty());
        for line in &uses {
            assert!(pinned.is_match(line), "{line}");
        }
        let checkouts = uses.iter().filter(|line| line.contains("checkout")).count();
        assert_eq!(
            text.matches("persist-credentials: false").count(),
            checkouts
        );
        // An expression inside a script is pasted into it, whatever it holds.
        let mut script = None;
        for line in text.lines() {
            let depth = line.len() - line.trim_start().len();
            if script.is_some_and(|script| depth <= script && !line.trim().is_empty()) {
                script = None;
            }
            assert!(script.is_none() || !line.contains("${{"), "{name}: {line}");
            if line.trim_start().starts_with("run: ") {
                assert!(!line.contains("${{"), "{name}: {line}");
                script = Some(depth);
            }
        }
    }
}

#[test]
fn gitlab_s_jobs_without_a_token_name_none() {
    let text = said("gitlab/preview.yml");
    let (without, with) = text.split_once("\nlogfleet-comment:\n").expect("the job");
    assert!(!without.contains("TOKEN"), "{without}");
    assert!(
        with.contains("$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"),
        "{with}"
    );
    assert!(!text.contains("CI_JOB_TOKEN"));
}

/// The target's commit is only told where what is checked out is merged with it.
#[test]
fn gitlab_looks_at_merged_results_where_it_makes_them() {
    let text = said("gitlab/preview.yml");
    for part in [
        "--base \"${CI_MERGE_REQUEST_TARGET_BRANCH_SHA:-$CI_MERGE_REQUEST_DIFF_BASE_SHA}\"\n",
        "--head \"$CI_COMMIT_SHA\"\n",
        "    - if: $CI_PIPELINE_SOURCE == \"push\" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A pipeline may end after a later one, and a merged result is no commit of
/// the merge request.
#[test]
fn gitlab_posts_only_what_is_of_the_newest_commit() {
    let text = said("gitlab/preview.yml");
    let commit = "--head-sha \"${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-$CI_COMMIT_SHA}\"\n";
    assert!(text.contains(commit), "{text}");
}
