//! Runs that overtake one another: which state is the later one.

use std::path::{Path, PathBuf};

use super::{Repository, nothing_for};

impl Repository {
    /// Pushes `main` to a server that the fleet is cloned from.
    fn push_source(&self) -> PathBuf {
        let server = self.home.path().join("source.git");
        let path = server.display().to_string();
        if !server.exists() {
            self.git(&["init", "--quiet", "--bare", &path]);
        }
        self.git(&["push", "--quiet", "--force", &path, "HEAD:refs/heads/main"]);
        server
    }

    /// Adds a commit to the branch that changes nothing.
    fn commit_nothing(&self, server: &Path, message: &str) {
        let commit = self.git_in(
            server,
            &[
                "commit-tree",
                "-p",
                "deploy",
                "-m",
                message,
                "deploy^{tree}",
            ],
        );
        self.git_in(server, &["update-ref", "refs/heads/deploy", &commit]);
    }
}

#[test]
fn a_later_commit_that_this_clone_has_not_seen_is_not_replaced() {
    let repository = Repository::new();
    let source = repository.push_source();
    let slow = repository.clone_of(&source, "slow");
    let slower = repository.clone_of(&source, "slower");
    let older = repository.git(&["rev-parse", "HEAD"]);
    let refs = repository.git_in(&slow, &["for-each-ref"]);
    let server = repository.server();
    let target = repository.clone_of(&server, "target");
    let to = target.display().to_string();
    let publish = ["--to", to.as_str(), "--branch", "deploy", "--push"];

    let later = repository.change_alpha("fluentd: { log_level: debug }\n");
    repository.push_source();
    assert_eq!(repository.publish(&publish).code, 0);
    let tip = repository.git_in(&server, &["rev-parse", "deploy"]);

    let from_slow = [&publish[..], &["--root", slow.to_str().expect("Unicode")]].concat();
    let run = repository.publish(&from_slow);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.out, nothing_for(&older, &later));
    assert_eq!(repository.git_in(&server, &["rev-parse", "deploy"]), tip);
    assert_eq!(repository.git_in(&slow, &["for-each-ref"]), refs);

    // Servers of the first protocol only give what a reference names.
    repository.commit("Later still");
    repository.push_source();
    repository.git(&["config", "--global", "protocol.version", "0"]);
    let from_slower = [&publish[..], &["--root", slower.to_str().expect("Unicode")]].concat();
    let again = repository.publish(&from_slower);
    assert_eq!((again.code, again.out), (0, run.out));
    assert_eq!(repository.git_in(&server, &["rev-parse", "deploy"]), tip);
}

#[test]
fn a_commit_that_nobody_knows_stops_it_unless_older_ones_are_allowed() {
    let repository = Repository::new();
    let source = repository.push_source();
    let other = repository.clone_of(&source, "other");
    let server = repository.server();
    let to = server.display().to_string();
    let publish = ["--to", to.as_str(), "--branch", "deploy"];
    repository.change_alpha("fluentd: { log_level: debug }\n");
    assert_eq!(repository.publish(&publish).code, 0);

    let from_other = [&publish[..], &["--root", other.to_str().expect("Unicode")]].concat();
    let err = repository.refused(2, &from_other);
    assert!(err.contains("that commit is unknown here"), "{err}");
    assert!(err.contains("pass --allow-older"), "{err}");
    repository.git_in(&other, &["remote", "remove", "origin"]);
    let err = repository.refused(2, &from_other);
    assert!(err.contains("that commit is unknown here"), "{err}");

    let run = repository.publish(&[&from_other[..], &["--allow-older"]].concat());
    assert_eq!(run.code, 0, "{run}");
    // What was published last is known now.
    let run = repository.publish(&from_other);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn only_a_commit_that_changed_the_path_counts_as_a_publication() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let publish = ["--to", to.as_str(), "--branch", "deploy"];
    assert_eq!(repository.publish(&publish).code, 0);
    let second = repository.change_alpha("fluentd: { log_level: debug }\n");
    let third = repository.commit("Later");
    repository.commit_nothing(
        &server,
        &format!("Pretend\n\nLogfleet-Source: {third}\nLogfleet-Path: rendered"),
    );
    repository.git(&["checkout", "--quiet", &second]);
    let run = repository.publish(&publish);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains("1 changed: alpha"), "{run}");
}

#[test]
fn a_shallow_clone_of_the_target_does_not_tell_what_was_published_last() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    assert_eq!(
        repository
            .publish(&["--to", &to, "--branch", "deploy"])
            .code,
        0
    );
    repository.commit_elsewhere(&server, "deploy", &[("theirs", "x")]);
    let shallow = repository.home.path().join("shallow.git");
    let path = shallow.display().to_string();
    let url = format!("file://{to}");
    repository.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        "--branch=deploy",
        &url,
        &path,
    ]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let publish = ["--to", &path, "--branch", "deploy", "--push"];
    let err = repository.refused(2, &publish);
    assert!(err.contains("is a shallow clone"), "{err}");
    assert!(err.contains("--allow-older"), "{err}");
    let run = repository.publish(&[&publish[..], &["--allow-older"]].concat());
    assert_eq!(run.code, 0, "{run}");

    // The last publication itself is enough.
    std::fs::remove_dir_all(&shallow).expect("removed");
    repository.git(&[
        "clone",
        "--quiet",
        "--bare",
        "--depth=1",
        "--branch=deploy",
        &url,
        &path,
    ]);
    let run = repository.publish(&publish);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains("nothing to do"), "{run}");
}
