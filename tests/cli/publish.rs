//! `gen publish`, with real git repositories: branches, clones, remotes, hooks
//! and signatures.

mod in_the_way;
mod order;
mod remotes;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::fleet::{Run, TestFleet};

/// A fleet in a repository, and a home with the user's git configuration.
pub(crate) struct Repository {
    pub(crate) fleet: TestFleet,
    home: TempDir,
}

impl Repository {
    /// Publishes with `--overwrite`: `deploy` is then what is rendered here, and nothing else.
    fn overwrites(&self, server: &Path, arguments: &[&str]) {
        let run = self.publish(&[arguments, &["--overwrite"]].concat());
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(self.files(server, "deploy"), self.rendered("rendered/"));
    }

    /// The base fleet, rendered and committed on `main`.
    pub(crate) fn new() -> Self {
        Self::of(TestFleet::rendered())
    }

    /// A rendered fleet, committed on `main`.
    pub(crate) fn of(fleet: TestFleet) -> Self {
        let repository = Self {
            fleet,
            home: TempDir::new().expect("a folder"),
        };
        for (key, value) in [
            ("user.name", "Anna"),
            ("user.email", "anna@example.com"),
            ("init.defaultBranch", "main"),
            ("advice.detachedHead", "false"),
        ] {
            repository.git(&["config", "--global", key, value]);
        }
        repository.git(&["init", "--quiet"]);
        repository.commit("The fleet");
        repository
    }

    pub(crate) fn root(&self) -> &Path {
        self.fleet.root()
    }

    /// Runs git in a folder, as the user would.
    pub(crate) fn try_git_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(self.environment())
            .env("GIT_AUTHOR_DATE", "@1700000000 +0200")
            .env("GIT_COMMITTER_DATE", "@1700000000 +0200")
            .output()
            .expect("git starts")
    }

    fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.try_git_in(folder, arguments);
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim_end()
            .to_owned()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(self.root(), arguments)
    }

    fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        [
            ("HOME", self.home.path().to_owned()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default().into()),
            ("GIT_CONFIG_NOSYSTEM", PathBuf::from("1")),
        ]
        .into()
    }

    /// Commits all there is, and returns the commit's name.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Appends to alpha's settings, renders and commits.
    fn change_alpha(&self, settings: &str) -> String {
        self.fleet.append("clusters/alpha/cluster.yaml", settings);
        let run = self.fleet.call(&["render"]);
        assert_eq!(run.code, 0, "{run}");
        self.commit("Change alpha")
    }

    /// Runs `gen publish` with a home.
    fn publish(&self, arguments: &[&str]) -> Run {
        let mut command = self.fleet.command();
        command
            .envs(self.environment())
            .arg("publish")
            .args(arguments);
        self.fleet.run(&mut command)
    }

    /// A run that must fail, and change no reference of ours.
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let before = self.git(&["for-each-ref"]);
        let run = self.publish(arguments);
        assert_eq!(run.code, code, "{run}");
        assert_eq!(run.out, "");
        assert_eq!(before, self.git(&["for-each-ref"]));
        assert!(run.err.contains("nothing was published"), "{run}");
        run.err
    }

    /// A bare repository beside the home, as a server has it.
    fn server(&self) -> PathBuf {
        let folder = self.home.path().join("server.git");
        let path = folder.display().to_string();
        self.git(&["init", "--quiet", "--bare", &path]);
        folder
    }

    fn clone_of(&self, server: &Path, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        let (from, to) = (server.display().to_string(), folder.display().to_string());
        self.git(&["clone", "--quiet", &from, &to]);
        folder
    }

    /// Commits files on a branch of some repository, by a working tree of its own.
    fn commit_elsewhere(&self, repository: &Path, branch: &str, files: &[(&str, &str)]) {
        let work = TempDir::new().expect("a folder");
        let folder = work.path().join("w");
        let (from, to) = (
            repository.display().to_string(),
            folder.display().to_string(),
        );
        self.git(&["clone", "--quiet", "--branch", branch, &from, &to]);
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, text).expect("written");
        }
        self.git_in(&folder, &["add", "--all"]);
        self.git_in(&folder, &["commit", "--quiet", "--message", "By hand"]);
        self.git_in(
            &folder,
            &["push", "--quiet", "origin", &format!("HEAD:{branch}")],
        );
    }

    /// The files of a branch and their blobs.
    fn files(&self, repository: &Path, branch: &str) -> BTreeMap<String, String> {
        let listed = self.git_in(repository, &["ls-tree", "-r", "--full-tree", branch]);
        let entry = |line: &str| {
            let (entry, path) = line.split_once('\t').expect("a path");
            (path.to_owned(), entry.to_owned())
        };
        listed.lines().map(entry).collect()
    }

    /// What is committed below `rendered/`, with another path in front.
    fn rendered(&self, path: &str) -> BTreeMap<String, String> {
        let files = self.files(self.root(), "HEAD").into_iter();
        files
            .filter_map(|(file, entry)| {
                Some((format!("{path}{}", file.strip_prefix("rendered/")?), entry))
            })
            .collect()
    }
}

/// What is said where a later state than this one is in the branch.
fn nothing_for(older: &str, later: &str) -> String {
    let (older, later) = (&older[..12], &later[..12]);
    format!("`deploy` has {later} already, which is later than {older}; nothing was published\n")
}

fn hook(repository: &Path, name: &str, script: &str) {
    let hooks = repository.join("hooks");
    fs::create_dir_all(&hooks).expect("a folder");
    let path = hooks.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
}

#[test]
fn the_first_time_a_branch_begins_and_the_second_nothing_happens() {
    let repository = Repository::new();
    let source = repository.git(&["rev-parse", "HEAD"]);
    let index = fs::read(repository.root().join(".git/index")).expect("an index");
    let run = repository.publish(&["--to", ".", "--branch", "deploy"]);
    assert_eq!(run.code, 0, "{run}");
    let tip = repository.git(&["rev-parse", "deploy"]);
    assert_eq!(
        run.out,
        format!(
            "`deploy`: {} is published as {}\n  3 added: _accounts, alpha, beta.example.com\n",
            &source[..12],
            &tip[..12]
        )
    );
    assert_eq!(
        repository.files(repository.root(), "deploy"),
        repository.rendered("rendered/")
    );
    let about = repository.git(&[
        "log",
        "-1",
        "--format=%P|%an <%ae> %ad|%cn %cd|%B",
        "--date=raw",
        "deploy",
    ]);
    assert_eq!(
        about,
        format!(
            "|Anna <anna@example.com> 1700000000 +0200|Anna 1700000000 +0200|\
             Publish what {} renders to\n\n3 folders added:\n- _accounts\n- alpha\n- beta.example.com\n\n\
             Logfleet-Source: {source}\nLogfleet-Path: rendered",
            &source[..12]
        )
    );
    let trailers = repository.git(&[
        "log",
        "-1",
        "--format=%(trailers:key=Logfleet-Source,valueonly)",
        "deploy",
    ]);
    assert_eq!(trailers.trim(), source);
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(
        index,
        fs::read(repository.root().join(".git/index")).expect("an index")
    );
    repository.git(&["fsck", "--strict"]);

    let again = repository.publish(&["--to", ".", "--branch", "deploy"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(
        again.out,
        format!(
            "`deploy` has what {} renders to; nothing to do\n",
            &source[..12]
        )
    );
    assert_eq!(repository.git(&["rev-parse", "deploy"]), tip);
}

#[test]
fn the_same_state_gives_the_same_commit_from_any_clone() {
    let repository = Repository::new();
    let mut tips = Vec::new();
    for name in ["one", "two"] {
        let clone = repository.clone_of(repository.root(), name);
        let run = repository.publish(&[
            "--to",
            clone.to_str().expect("Unicode"),
            "--branch",
            "deploy",
        ]);
        assert_eq!(run.code, 0, "{run}");
        tips.push(repository.git_in(&clone, &["rev-parse", "deploy"]));
    }
    assert_eq!(tips[0], tips[1]);
}

#[test]
fn a_change_and_a_removed_cluster_leave_foreign_files_alone() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let arguments = [
        "--to",
        to.as_str(),
        "--branch",
        "deploy",
        "--path",
        "fleet/logging/",
    ];
    assert_eq!(repository.publish(&arguments).code, 0);
    let foreign = [
        ("README.md", "theirs"),
        ("fleet/logging/alpha/notes.txt", "theirs"),
        (
            "fleet/logging/beta.example.com/kubernetes/own/patch.yaml",
            "theirs",
        ),
        ("fleet/logging/gamma/file", "theirs"),
        ("fleet/logging.yaml", "theirs"),
    ];
    repository.commit_elsewhere(&server, "deploy", &foreign);
    let before = repository.files(&server, "deploy");

    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish(&[&arguments[..], &["--format", "json"]].concat());
    assert_eq!(run.code, 0, "{run}");
    let told: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(
        told["clusters"],
        serde_json::json!({"added": [], "changed": ["alpha"], "removed": []})
    );
    assert_eq!(
        told["commit"],
        repository
            .git_in(&server, &["rev-parse", "deploy"])
            .as_str()
    );

    repository.fleet.remove("clusters/beta.example.com");
    assert_eq!(repository.fleet.call(&["render"]).code, 0);
    repository.commit("Remove beta");
    let run = repository.publish(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.out.ends_with("\n  1 removed: beta.example.com\n"),
        "{run}"
    );

    let mut wanted = repository.rendered("fleet/logging/");
    for (path, _) in foreign {
        wanted.insert(path.to_owned(), before[path].clone());
    }
    assert_eq!(repository.files(&server, "deploy"), wanted);
    assert_eq!(
        repository.git_in(&server, &["rev-list", "--count", "deploy"]),
        "4"
    );
    repository.git_in(&server, &["fsck", "--strict"]);
}

#[test]
fn the_top_of_a_branch_can_be_published_to() {
    let repository = Repository::new();
    let run = repository.publish(&["--to", ".", "--branch", "deploy", "--path", "."]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.files(repository.root(), "deploy"),
        repository.rendered("")
    );
}

#[test]
fn a_fleet_below_the_top_of_its_repository() {
    let repository = Repository::new();
    fs::create_dir(repository.root().join("logging")).expect("a folder");
    for folder in ["clusters", "rendered"] {
        let to = repository.root().join("logging").join(folder);
        fs::rename(repository.root().join(folder), to).expect("moved");
    }
    repository.commit("Move the fleet");
    let run = repository.publish(&["--root", "logging", "--to", ".", "--branch", "deploy"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(
        repository
            .files(repository.root(), "deploy")
            .contains_key("rendered/alpha/.logfleet.json")
    );
    let run = repository.publish(&["--root", "logging", "--to", "logging", "--branch", "deploy"]);
    assert_eq!(run.code, 0, "any folder of the source is the source: {run}");
}

/// Somebody else pushes after the fetch and before the push: git's `pre-push`
/// hook runs just there.
#[test]
fn a_push_that_another_overtakes_is_made_anew_on_theirs() {
    let repository = Repository::new();
    let server = repository.server();
    let target = repository.clone_of(&server, "target");
    let to = target.display().to_string();
    let arguments = ["--to", to.as_str(), "--branch", "deploy", "--push"];
    let run = repository.publish(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains(", and pushed\n"), "{run}");
    let first = repository.git_in(&server, &["rev-parse", "deploy"]);

    let other = repository.clone_of(&server, "other");
    repository.git_in(&other, &["checkout", "--quiet", "deploy"]);
    let log = repository.home.path().join("pushes");
    hook(
        &target.join(".git"),
        "pre-push",
        &format!(
            "echo push >> '{log}'\n[ $(wc -l < '{log}') -le 2 ] || exit 0\nunset GIT_DIR\n\
             cd '{other}' && date +%N > theirs && git add theirs && git commit -qm theirs && git push -q origin deploy",
            log = log.display(),
            other = other.display()
        ),
    );
    let source = repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(fs::read_to_string(&log).expect("pushes").lines().count(), 3);
    let subjects = repository.git_in(&server, &["log", "--format=%s", "deploy"]);
    let short = &source[..12];
    assert_eq!(
        subjects.lines().take(3).collect::<Vec<_>>(),
        [
            &format!("Publish what {short} renders to"),
            "theirs",
            "theirs"
        ]
    );
    assert_eq!(
        repository.git_in(&server, &["merge-base", "deploy", &first]),
        first,
        "nothing was forced"
    );
    let mut files = repository.files(&server, "deploy");
    assert!(files.remove("theirs").is_some());
    assert_eq!(files, repository.rendered("rendered/"));
}

/// Two runs of CI race to publish the very same commit for the first time.
#[test]
fn a_branch_that_another_begins_meanwhile() {
    let repository = Repository::new();
    let server = repository.server();
    let target = repository.clone_of(&server, "target");
    let other = repository.clone_of(&server, "other");
    hook(
        &target.join(".git"),
        "pre-push",
        &format!(
            "[ -e '{0}/theirs' ] && exit 0\nunset GIT_DIR\ncd '{0}' && git checkout -q -b deploy && echo x > theirs && git add theirs && git commit -qm theirs && git push -q origin deploy",
            other.display()
        ),
    );
    let run = repository.publish(&[
        "--to",
        target.to_str().expect("Unicode"),
        "--branch",
        "deploy",
        "--push",
    ]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.git_in(&server, &["rev-list", "--count", "deploy"]),
        "2"
    );
}

#[test]
fn a_push_that_the_server_refuses_says_so_and_moves_nothing() {
    let repository = Repository::new();
    let server = repository.server();
    hook(
        &server,
        "pre-receive",
        "echo deploy is protected >&2; exit 1",
    );
    let target = repository.clone_of(&server, "target");
    let run = repository.publish(&[
        "--to",
        target.to_str().expect("Unicode"),
        "--branch",
        "deploy",
        "--push",
    ]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.err.contains("refused the push to `deploy`"), "{run}");
    assert!(run.err.contains("deploy is protected"), "{run}");
    assert_eq!(
        repository.git_in(&target, &["branch", "--list", "deploy"]),
        ""
    );
    assert_eq!(repository.git_in(&server, &["for-each-ref"]), "");
}

#[test]
fn a_branch_that_only_the_remote_has_is_gone_on_with() {
    let repository = Repository::new();
    let server = repository.server();
    let first = repository.clone_of(&server, "first");
    assert_eq!(
        repository
            .publish(&[
                "--to",
                first.to_str().expect("Unicode"),
                "--branch",
                "deploy",
                "--push"
            ])
            .code,
        0
    );
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let second = repository.clone_of(&server, "second");
    let to = second.display().to_string();
    let run = repository.publish(&["--to", &to, "--branch", "deploy"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.git_in(&second, &["rev-list", "--count", "deploy"]),
        "2"
    );
    let run = repository.publish(&["--to", &to, "--branch", "deploy", "--push"]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.out.contains(", and pushed\n"), "{run}");
    assert_eq!(
        repository.git_in(&server, &["rev-parse", "deploy"]),
        repository.git_in(&second, &["rev-parse", "deploy"]),
        "on the same parent it is the same commit"
    );
}

/// The remote's branch decides, and commits that only the clone has stay there.
#[test]
fn commits_that_only_the_clone_has_are_not_pushed() {
    let repository = Repository::new();
    let server = repository.server();
    let target = repository.clone_of(&server, "target");
    let to = target.display().to_string();
    let publish = ["--to", to.as_str(), "--branch", "deploy", "--push"];
    assert_eq!(repository.publish(&publish).code, 0);
    repository.git_in(&target, &["branch", "deploy", "origin/deploy"]);
    repository.commit_elsewhere(&server, "deploy", &[("theirs", "x")]);
    repository.commit_elsewhere(&target, "deploy", &[("ours", "x")]);
    let ours = repository.git_in(&target, &["rev-parse", "deploy"]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    let run = repository.publish(&publish);
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.out
            .contains("note: the branch `deploy` of the clone has commits that `origin` lacks"),
        "{run}"
    );
    let mut files = repository.files(&server, "deploy");
    assert!(files.remove("theirs").is_some());
    assert_eq!(files, repository.rendered("rendered/"));
    assert_eq!(
        repository.git_in(&target, &["rev-parse", "deploy"]),
        ours,
        "nothing was forced"
    );
}

#[test]
fn what_is_not_committed_is_not_published() {
    let repository = Repository::new();
    let publish = ["--to", ".", "--branch", "deploy"];
    repository
        .fleet
        .append("clusters/alpha/cluster.yaml", "# a note\n");
    let err = repository.refused(1, &publish);
    assert!(err.contains("`clusters/alpha/cluster.yaml`"), "{err}");
    repository.commit("A note");
    repository.fleet.write("rendered/alpha/stray", "x");
    let err = repository.refused(1, &publish);
    assert!(err.contains("`rendered/alpha/stray`"), "{err}");
    repository.fleet.remove("rendered/alpha/stray");
    repository.fleet.write("unrelated", "x");
    repository.fleet.append(
        "clusters/alpha/cluster.yaml",
        "fluentd: { log_level: debug }\n",
    );
    repository.commit("Forget to render");
    let err = repository.refused(1, &publish);
    assert!(
        err.contains("rendered/ is not what the inputs render to: alpha\n"),
        "{err}"
    );
    assert_eq!(repository.fleet.call(&["render"]).code, 0);
    repository.fleet.write(".gitignore", "fluent.conf\n");
    repository.git(&["rm", "-r", "-q", "--cached", "rendered"]);
    repository.commit("Leave out what is ignored");
    let err = repository.refused(1, &publish);
    assert!(
        err.contains("/fluent.conf` is rendered, but not in the commit"),
        "{err}"
    );
    repository.git(&["rm", "-r", "-q", "--cached", "rendered"]);
    repository.fleet.write(".gitignore", "rendered/\n");
    repository.commit("Leave out all");
    let err = repository.refused(1, &publish);
    assert!(err.contains("`rendered` is not in the commit"), "{err}");
}

#[test]
fn what_git_ignores_is_not_published() {
    let repository = Repository::new();
    let publish = ["--to", ".", "--branch", "deploy"];
    let alpha = repository.fleet.text("clusters/alpha/cluster.yaml");
    repository.fleet.write(
        "clusters/hidden/cluster.yaml",
        alpha.replace("alpha", "hidden"),
    );
    assert_eq!(repository.fleet.call(&["render"]).code, 0);
    repository.fleet.write(
        ".gitignore",
        "clusters/hidden\ntemplates/\n*~\n.hidden\nrendered/alpha\n",
    );
    repository.commit("Ignore an input");
    let err = repository.refused(1, &publish);
    assert!(err.contains("`clusters/hidden/cluster.yaml`"), "{err}");
    assert!(err.contains("git check-ignore"), "{err}");

    repository.git(&["add", "--force", "clusters/hidden"]);
    repository.commit("Take it in");
    repository
        .fleet
        .write("templates/kubernetes/extra.yaml", "");
    let err = repository.refused(1, &publish);
    assert!(err.contains("`templates/kubernetes/extra.yaml`"), "{err}");
    repository.fleet.remove("templates");

    repository.git(&["rm", "-r", "-q", "--cached", "rendered/alpha"]);
    repository.commit("Ignore an output");
    let err = repository.refused(1, &publish);
    assert!(err.contains("not in the commit: `rendered/alpha`"), "{err}");
    repository.git(&["add", "--force", "rendered/alpha"]);
    repository.commit("Take that in, too");

    // What gen doesn't read may be there.
    repository.fleet.write("clusters/alpha/cluster.yaml~", "x");
    repository.fleet.write("clusters/alpha/.hidden", "x");
    let run = repository.publish(&publish);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn other_bytes_in_the_commit_than_were_rendered_are_told() {
    let repository = Repository::new();
    let file = "rendered/alpha/kubernetes/kustomization.yaml";
    let rendered = repository.fleet.read(file);
    repository.fleet.append(file, "# by hand\n");
    repository.commit("Edit what is rendered");
    repository.fleet.write(file, rendered);
    // Git no longer looks at the file, so only its bytes tell.
    repository.git(&["update-index", "--assume-unchanged", file]);
    let err = repository.refused(1, &["--to", ".", "--branch", "deploy"]);
    assert!(
        err.contains(
            "`kubernetes/kustomization.yaml` of the cluster `alpha` has other bytes in the commit"
        ),
        "{err}"
    );
}

#[test]
fn a_branch_that_is_checked_out_is_refused() {
    let repository = Repository::new();
    let err = repository.refused(1, &["--to", ".", "--branch", "main"]);
    assert!(err.contains("the branch `main` is checked out in"), "{err}");
    let linked = repository.home.path().join("linked");
    let path = linked.display().to_string();
    repository.git(&["worktree", "add", "--quiet", "-b", "deploy", &path]);
    let err = repository.refused(1, &["--to", ".", "--branch", "deploy"]);
    assert!(
        err.contains(&format!("the branch `deploy` is checked out in `{path}`")),
        "{err}"
    );
    // While it is rebased or bisected, HEAD is detached.
    repository.git_in(&linked, &["commit", "-qm", "One", "--allow-empty"]);
    repository.git_in(&linked, &["commit", "-qm", "Two", "--allow-empty"]);
    let rebase = repository.try_git_in(&linked, &["rebase", "--exec", "false", "HEAD~"]);
    assert!(!rebase.status.success(), "{rebase:?}");
    let err = repository.refused(1, &["--to", ".", "--branch", "deploy"]);
    assert!(
        err.contains(&format!("the branch `deploy` is checked out in `{path}`")),
        "{err}"
    );
    repository.git_in(&linked, &["rebase", "--abort"]);
    repository.git_in(&linked, &["bisect", "start", "HEAD", "main"]);
    let err = repository.refused(1, &["--to", ".", "--branch", "deploy"]);
    assert!(
        err.contains(&format!("the branch `deploy` is checked out in `{path}`")),
        "{err}"
    );
    // A branch without a commit is checked out, too, after `git init`.
    let fresh = repository.home.path().join("fresh");
    repository.git(&["init", "--quiet", &fresh.display().to_string()]);
    let err = repository.refused(
        1,
        &["--to", fresh.to_str().expect("Unicode"), "--branch", "main"],
    );
    assert!(err.contains("is checked out in"), "{err}");
    // In a bare repository nothing is.
    let bare = repository.home.path().join("bare.git");
    repository.git(&["init", "--quiet", "--bare", &bare.display().to_string()]);
    let run = repository.publish(&["--to", bare.to_str().expect("Unicode"), "--branch", "main"]);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn wrong_repositories_paths_branches_and_remotes_are_told() {
    let repository = Repository::new();
    let outside = repository.home.path().join("no-repository");
    fs::create_dir(&outside).expect("a folder");
    let outside = outside.display().to_string();
    for (arguments, told) in [
        (
            vec!["--to", &outside, "--branch", "deploy"],
            "is not a Git repository",
        ),
        (
            vec!["--to", "/nowhere", "--branch", "deploy"],
            "is not a Git repository",
        ),
        (
            vec!["--to", ".", "--branch", "a..b"],
            "is not a branch's name",
        ),
        (
            vec!["--to", ".", "--branch", "refs/heads/a"],
            "is not a branch's name",
        ),
        (
            vec!["--to", ".", "--branch", "HEAD"],
            "is not a branch's name",
        ),
        (vec!["--to", ".", "--branch", "@"], "is not a branch's name"),
        (vec!["--to", ".", "--branch=-x"], "is not a branch's name"),
        (
            vec!["--to", ".", "--branch", "deploy", "--path", "../x"],
            "leaves its folder",
        ),
        (
            vec!["--to", ".", "--branch", "deploy", "--path", "/x"],
            "is absolute",
        ),
        (
            vec!["--to", ".", "--branch", "deploy", "--path", "a/.GIT/b"],
            "can't be in a branch",
        ),
        (
            vec!["--to", ".", "--branch", "deploy", "--push"],
            "has no remote `origin`",
        ),
        (
            vec![
                "--to",
                ".",
                "--branch",
                "deploy",
                "--remote=--upload-pack=x",
            ],
            "has no remote",
        ),
        (
            vec!["--to", ".", "--branch", "deploy", "--root", &outside],
            "is not inside a Git repository",
        ),
    ] {
        let err = repository.refused(1, &arguments);
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}

#[test]
fn links_in_the_branch_are_not_followed() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let arguments = ["--to", to.as_str(), "--branch", "deploy"];
    assert_eq!(repository.publish(&arguments).code, 0);
    let work = repository.clone_of(&server, "work");
    repository.git_in(&work, &["checkout", "--quiet", "deploy"]);
    symlink("rendered", work.join("link")).expect("a link");
    let file = "rendered/alpha/kubernetes/kustomization.yaml";
    fs::remove_file(work.join(file)).expect("removed");
    symlink("/etc/passwd", work.join(file)).expect("a link");
    repository.git_in(&work, &["add", "--all"]);
    repository.git_in(&work, &["commit", "--quiet", "-m", "Links"]);
    repository.git_in(&work, &["push", "--quiet", "origin", "deploy"]);
    for overwrite in [None, Some("--overwrite")] {
        let arguments: Vec<&str> = arguments.into_iter().chain(overwrite).collect();
        let err = repository.refused(1, &arguments);
        assert!(
            err.contains("is a link or a submodule, which is never replaced"),
            "{err}"
        );
    }
    let err = repository.refused(1, &[&arguments[..], &["--path", "link/x"]].concat());
    assert!(
        err.contains("`link` of the branch `deploy` is a link, and no folder"),
        "{err}"
    );
}

#[test]
fn an_edit_in_the_branch_stops_it_unless_overwritten() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let arguments = ["--to", to.as_str(), "--branch", "deploy"];
    assert_eq!(repository.publish(&arguments).code, 0);
    let file = "rendered/alpha/kubernetes/kustomization.yaml";
    repository.commit_elsewhere(&server, "deploy", &[(file, "edited: true\n")]);
    let err = repository.refused(1, &arguments);
    assert!(
        err.contains("`kubernetes/kustomization.yaml` of the cluster `alpha` was edited there"),
        "{err}"
    );
    repository.overwrites(&server, &arguments);
}

#[test]
fn a_later_state_is_not_replaced_by_an_older_one() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let arguments = ["--to", to.as_str(), "--branch", "deploy"];
    assert_eq!(repository.publish(&arguments).code, 0);
    let older = repository.git(&["rev-parse", "HEAD"]);
    let later = repository.change_alpha("fluentd: { log_level: debug }\n");
    assert_eq!(repository.publish(&arguments).code, 0);
    let tip = repository.git_in(&server, &["rev-parse", "deploy"]);

    repository.git(&["checkout", "--quiet", &older]);
    let run = repository.publish(&arguments);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.out, nothing_for(&older, &later));
    assert_eq!(repository.git_in(&server, &["rev-parse", "deploy"]), tip);

    // A shallow clone of the older state can't know.
    let shallow = repository.home.path().join("shallow");
    let url = format!("file://{}", repository.root().display());
    let path = shallow.display().to_string();
    repository.git(&["branch", "older", &older]);
    repository.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        "--branch",
        "older",
        &url,
        &path,
    ]);
    let err = repository.refused(2, &[&arguments[..], &["--root", &path]].concat());
    assert!(err.contains("this clone is shallow"), "{err}");

    let run = repository.publish(&[&arguments[..], &["--allow-older"]].concat());
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.git_in(&server, &["rev-list", "--count", "deploy"]),
        "3"
    );
}

#[test]
fn a_commit_needs_somebody_who_makes_it() {
    let repository = Repository::new();
    repository.git(&["config", "--global", "--unset", "user.email"]);
    let err = repository.refused(2, &["--to", ".", "--branch", "deploy"]);
    assert!(err.contains("git needs to know who commits"), "{err}");
}

#[test]
fn a_hook_s_environment_leads_to_no_other_repository() {
    let repository = Repository::new();
    let server = repository.server();
    let mut command = repository.fleet.command();
    command
        .envs(repository.environment())
        .env("GIT_DIR", "/nowhere")
        .env("GIT_INDEX_FILE", "/nowhere/index")
        .args(["publish", "--branch", "deploy", "--to"])
        .arg(&server);
    let run = repository.fleet.run(&mut command);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        repository.git_in(&server, &["rev-list", "--count", "deploy"]),
        "1"
    );
}

#[test]
fn commits_are_signed_if_git_is_configured_so() {
    let repository = Repository::new();
    let key = repository.home.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "throw-away", "-f"])
        .arg(&key)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no ssh-keygen makes a key here");
        return;
    }
    let public = fs::read_to_string(key.with_extension("pub")).expect("a public key");
    let signers = repository.home.path().join("signers");
    fs::write(&signers, format!("anna@example.com {public}")).expect("written");
    for (name, value) in [
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", key.to_str().expect("Unicode")),
        (
            "gpg.ssh.allowedSignersFile",
            signers.to_str().expect("Unicode"),
        ),
    ] {
        repository.git(&["config", "--global", name, value]);
    }
    let run = repository.publish(&["--to", ".", "--branch", "deploy"]);
    assert_eq!(run.code, 0, "{run}");
    repository.git(&["verify-commit", "deploy"]);
    let commit = repository.git(&["cat-file", "commit", "deploy"]);
    assert!(commit.contains("BEGIN SSH SIGNATURE"), "{commit}");

    fs::remove_file(&key).expect("removed");
    repository.git(&["config", "--global", "commit.gpgSign", "false"]);
    repository.change_alpha("fluentd: { log_level: debug }\n");
    repository.git(&["config", "--global", "commit.gpgSign", "true"]);
    let err = repository.refused(2, &["--to", ".", "--branch", "deploy"]);
    assert!(err.contains("`git commit-tree` failed"), "{err}");
    assert!(err.contains("if it signs, it needs the key"), "{err}");
}
