//! Clones of every kind, and the branches of others in them.

use std::path::{Path, PathBuf};

use super::{Repository, hook};

impl Repository {
    /// Clones a server as somebody who publishes would.
    fn bare_clone(&self, server: &Path, options: &[&str]) -> PathBuf {
        let folder = self.home.path().join("kept.git");
        let (from, to) = (
            format!("file://{}", server.display()),
            folder.display().to_string(),
        );
        self.git(&[&["clone", "--quiet"], options, &[&from, &to]].concat());
        folder
    }

    fn tip(&self, repository: &Path, branch: &str) -> String {
        self.git_in(repository, &["rev-parse", branch])
    }

    fn publish_from(&self, clone: &Path) -> crate::fleet::Run {
        let to = clone.display().to_string();
        self.publish(&["--to", &to, "--branch", "deploy", "--push"])
    }

    /// A server that has `deploy` as it was published, and `other`.
    fn server_with_branches(&self) -> PathBuf {
        let server = self.server();
        let to = server.display().to_string();
        let run = self.publish(&["--to", &to, "--branch", "deploy"]);
        assert_eq!(run.code, 0, "{run}");
        self.git_in(&server, &["branch", "other", "deploy"]);
        self.git_in(&server, &["symbolic-ref", "HEAD", "refs/heads/deploy"]);
        server
    }
}

#[test]
fn a_branch_that_somebody_moves_in_the_clone_does_not_undo_a_push() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    let kept = repository.bare_clone(&server, &["--bare"]);
    hook(
        &kept,
        "pre-push",
        "git update-ref refs/heads/deploy $(git commit-tree -p deploy -m 'By another' 'deploy^{tree}')",
    );
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish_from(&kept);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains(", and pushed\n"), "{run}");
    assert!(
        run.out
            .contains("note: the branch `deploy` of the clone has commits that `origin` lacks"),
        "{run}"
    );
    let subjects = repository.git_in(&kept, &["log", "-1", "--format=%s", "deploy"]);
    assert_eq!(subjects, "By another");
    assert_eq!(
        repository.files(&server, "deploy"),
        repository.rendered("rendered/")
    );
}

#[test]
fn a_remote_that_was_rewound_stays_so() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    let first = repository.tip(&server, "deploy");
    let kept = repository.bare_clone(&server, &["--bare"]);
    repository.commit_elsewhere(&server, "deploy", &[("mistake", "x")]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    assert_eq!(repository.publish_from(&kept).code, 0);
    let before = repository.tip(&kept, "deploy");
    assert_eq!(before, repository.tip(&server, "deploy"));
    repository.git_in(&server, &["update-ref", "refs/heads/deploy", &first]);

    repository.change_alpha("# a note\n");
    let run = repository.publish_from(&kept);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.files(&server, "deploy"),
        repository.rendered("rendered/")
    );
    assert_eq!(repository.tip(&server, "deploy~"), first);
    assert_eq!(
        repository.tip(&kept, "deploy"),
        before,
        "nothing is forced here either"
    );
    assert!(
        run.out
            .contains("`git fetch origin +refs/heads/deploy:refs/heads/deploy`"),
        "{run}"
    );
    repository.git_in(
        &kept,
        &[
            "fetch",
            "-q",
            "origin",
            "+refs/heads/deploy:refs/heads/deploy",
        ],
    );
    let run = repository.publish_from(&kept);
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.out.contains("note:"), "{run}");
}

/// Git makes a mirror's branch equal to what it pushes.
#[test]
fn commits_of_a_mirror_are_not_dropped_by_the_push() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    let kept = repository.bare_clone(&server, &["--bare"]);
    let every_branch = "+refs/heads/*:refs/heads/*";
    repository.git_in(&kept, &["config", "remote.origin.fetch", every_branch]);
    repository.commit_elsewhere(&kept, "deploy", &[("mine", "x")]);
    let mine = repository.tip(&kept, "deploy");
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish_from(&kept);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.err.contains("git would drop them when it pushes"),
        "{run}"
    );
    assert_eq!(repository.tip(&kept, "deploy"), mine);
    assert_ne!(
        repository.files(&server, "deploy"),
        repository.rendered("rendered/")
    );
}

#[test]
fn no_other_branch_is_moved_by_the_fetch() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    let kept = repository.bare_clone(&server, &["--bare"]);
    let every_branch = "+refs/heads/*:refs/heads/*";
    repository.git_in(&kept, &["config", "remote.origin.fetch", every_branch]);
    repository.git_in(&kept, &["config", "fetch.prune", "true"]);
    repository.git_in(&kept, &["branch", "mine", "deploy"]);
    repository.commit_elsewhere(&kept, "other", &[("mine", "x")]);
    let mine = repository.tip(&kept, "other");
    repository.commit_elsewhere(&server, "other", &[("theirs", "x")]);
    repository.commit_elsewhere(&server, "deploy", &[("theirs", "x")]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish_from(&kept);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains(", and pushed\n"), "{run}");
    assert_eq!(repository.tip(&kept, "other"), mine);
    assert!(!repository.tip(&kept, "mine").is_empty());
    assert_eq!(
        repository.tip(&kept, "deploy"),
        repository.tip(&server, "deploy")
    );
    assert!(!run.out.contains("note:"), "{run}");
}

#[test]
fn a_mirror_is_pushed_from() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    let mirror = repository.bare_clone(&server, &["--mirror"]);
    repository.git_in(&mirror, &["branch", "mine", "deploy"]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish_from(&mirror);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.git_in(&server, &["branch", "--list", "mine"]),
        "",
        "only the one branch is pushed"
    );
    assert_eq!(
        repository.files(&server, "deploy"),
        repository.rendered("rendered/")
    );
}

#[test]
fn a_partial_clone_is_told_to_be_one() {
    let repository = Repository::new();
    let server = repository.server_with_branches();
    repository.git_in(&server, &["config", "uploadpack.allowFilter", "true"]);
    let partial = repository.bare_clone(&server, &["--bare", "--filter=blob:none"]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish_from(&partial);
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.err
            .contains("it is a partial clone with missing objects"),
        "{run}"
    );
}

#[test]
fn why_a_branch_cannot_be_moved_is_told() {
    let repository = Repository::new();
    let err = repository.refused(1, &["--to", ".", "--branch", "main/x"]);
    assert!(
        err.contains("a branch's name can't be a folder of another's"),
        "{err}"
    );
    repository.git(&["branch", "below/x"]);
    let err = repository.refused(1, &["--to", ".", "--branch", "below"]);
    assert!(
        err.contains("can't be created next to the branch `below/x`"),
        "{err}"
    );
    let server = repository.server_with_branches();
    let to = server.display().to_string();
    let lock = server.join("refs/heads/deploy.lock");
    std::fs::write(&lock, "").expect("written");
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let err = repository.refused(2, &["--to", &to, "--branch", "deploy"]);
    assert!(
        err.contains("if no git process is running there, remove"),
        "{err}"
    );
}
