//! The checkout step: what is rendered, from a folder or from git. IO.
//!
//! Git's transports are git's: the user's own `git` fetches, with its credential
//! helpers, SSH agent and known hosts, into a folder that is removed
//! afterwards (decision 46). The commit's files are read from its objects,
//! without a working tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git2::{ObjectType, Repository, Tree};
use logfleet_contract::folder;
use logfleet_contract::rendered::{RenderedAccounts, RenderedCluster};
use logfleet_contract::tree::{RenderedTree, TreePath};

use crate::fault::Fault;

/// The largest file that is read.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Where a fleet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetLocation {
    /// A folder with `rendered/` in it.
    Folder(PathBuf),
    /// A repository and what is fetched of it: a branch, a tag, or a commit.
    Git {
        /// Its address.
        url: String,
        /// The branch, tag or commit.
        revision: String,
        /// Whether the commit must have a signature that git accepts.
        signed: bool,
    },
}

/// A fleet as it is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// The commit; none for a folder.
    pub commit: Option<String>,
    /// What is rendered for each cluster.
    pub clusters: BTreeMap<String, RenderedCluster>,
    /// What is rendered for accounts.
    pub accounts: Option<RenderedAccounts>,
}

impl FleetLocation {
    /// Tells an address from a folder: `https://…`, `ssh://…`, `file://…` or `user@host:path`.
    pub fn parse(text: &str, revision: Option<&str>, signed: bool) -> Result<Self, Fault> {
        let is_scp = !text.starts_with(['/', '.'])
            && text
                .split_once(':')
                .is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
        if text.contains("://") || is_scp {
            let url = text.to_owned();
            if logfleet_contract::secrets::secret_shape(text).is_some() {
                return Err(
                    Fault::new("SOURCE", "the repository's address contains a credential")
                        .hint("leave it to git: a credential helper, an SSH agent, or GIT_ASKPASS"),
                );
            }
            if text.starts_with('-') {
                return Err(Fault::new("SOURCE", "an address can't begin with `-`"));
            }
            let revision = revision.unwrap_or("HEAD").to_owned();
            if revision.starts_with('-') || revision.contains(':') {
                return Err(Fault::new(
                    "--revision",
                    format!("`{revision}` is not a valid name of a branch, tag or commit"),
                ));
            }
            return Ok(Self::Git {
                url,
                revision,
                signed,
            });
        }
        if signed {
            return Err(Fault::new("--verify-commit", "a folder has no signature")
                .hint("give the repository's address instead, such as file:///srv/fleet"));
        }
        if revision.is_some() {
            return Err(Fault::new("--revision", "a folder has no revision")
                .hint("give the repository's address instead, such as file:///srv/fleet"));
        }
        Ok(Self::Folder(PathBuf::from(text)))
    }

    /// Reads the whole fleet, or tells all that is wrong with it.
    pub fn read(&self) -> Result<Checkout, Vec<Fault>> {
        let (commit, trees) = match self {
            Self::Folder(path) => (None, read_folder(path).map_err(|fault| vec![fault])?),
            Self::Git {
                url,
                revision,
                signed,
            } => {
                let (commit, trees) =
                    read_git(url, revision, *signed).map_err(|fault| vec![fault])?;
                (Some(commit), trees)
            }
        };
        let mut clusters = BTreeMap::new();
        let mut accounts = None;
        let mut faults = Vec::new();
        for (name, tree) in trees {
            let result = if name == folder::ACCOUNTS {
                RenderedAccounts::read(tree).map(|read| accounts = Some(read))
            } else if folder::is_shared(&name) {
                continue;
            } else {
                RenderedCluster::read(&name, tree).map(|cluster| {
                    clusters.insert(name.clone(), cluster);
                })
            };
            match result {
                Ok(()) => {}
                Err(found) => faults.extend(found.into_iter().map(|fault| {
                    let path = format!("rendered/{name}/{}", fault.path);
                    Fault::new(path, fault.problem.to_string())
                        .hint("run `gen render`, and commit all that it writes")
                })),
            }
        }
        if faults.is_empty() {
            Ok(Checkout {
                commit,
                clusters,
                accounts,
            })
        } else {
            Err(faults)
        }
    }
}

type Trees = BTreeMap<String, RenderedTree>;

fn read_folder(root: &Path) -> Result<Trees, Fault> {
    let rendered = root.join(folder::RENDERED);
    let mut trees = Trees::new();
    for entry in entries(&rendered)? {
        let path = rendered.join(&entry);
        if is_kept(&entry) && is_folder(&path)? {
            let mut tree = RenderedTree::default();
            add_folder(&path, "", &mut tree)?;
            trees.insert(entry, tree);
        }
    }
    Ok(trees)
}

/// Whether a folder below `rendered/` is read; what `gen` is about to write isn't.
fn is_kept(name: &str) -> bool {
    !name.starts_with('.')
}

fn entries(path: &Path) -> Result<Vec<String>, Fault> {
    let unreadable = |error| unreadable(path, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let name = name.into_string().map_err(|name| {
            let shown = name.to_string_lossy();
            Fault::new(
                path.display().to_string(),
                format!("the name `{shown}` isn't UTF-8"),
            )
        })?;
        names.push(name);
    }
    names.sort();
    Ok(names)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        path.display().to_string(),
        format!("can't be read: {error}"),
    )
    .hint("SOURCE is a folder with `rendered/` in it, or the address of a git repository")
}

/// Links aren't followed: `gen` writes none.
fn is_folder(path: &Path) -> Result<bool, Fault> {
    let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
    Ok(metadata.is_dir())
}

fn add_folder(path: &Path, below: &str, tree: &mut RenderedTree) -> Result<(), Fault> {
    for entry in entries(path)? {
        let (full, name) = (path.join(&entry), format!("{below}{entry}"));
        let metadata = fs::symlink_metadata(&full).map_err(|error| unreadable(&full, &error))?;
        if metadata.is_dir() {
            add_folder(&full, &format!("{name}/"), tree)?;
        } else if metadata.is_file() {
            check_size(&full.display().to_string(), metadata.len())?;
            let bytes = fs::read(&full).map_err(|error| unreadable(&full, &error))?;
            tree.0.insert(tree_path(&name)?, bytes);
        }
    }
    Ok(())
}

fn check_size(place: &str, size: u64) -> Result<(), Fault> {
    if size <= LARGEST_FILE {
        return Ok(());
    }
    let message = format!("has {size} bytes; the limit is {LARGEST_FILE}");
    Err(Fault::new(place, message))
}

fn tree_path(name: &str) -> Result<TreePath, Fault> {
    TreePath::new(name).map_err(|error| Fault::new(name, error.to_string()))
}

/// A folder that is removed when it isn't needed any more.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Result<Self, Fault> {
        let name = format!("logfleet-reconciler-{}", crate::random::hex(8)?);
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).map_err(|error| {
            Fault::new(
                path.display().to_string(),
                format!("can't be made: {error}"),
            )
        })?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed is in the system's folder of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Whether a commit is a fleet's that has no clusters: `clusters/fleet.yaml`, and no folder beside it with a `cluster.yaml`.
fn is_fleet_without_clusters(
    repository: &Repository,
    root: &Tree<'_>,
) -> Result<bool, git2::Error> {
    let Some(clusters) = root.get_name("clusters") else {
        return Ok(false);
    };
    let Some(clusters) = clusters.to_object(repository)?.into_tree().ok() else {
        return Ok(false);
    };
    let has_cluster = clusters.iter().any(|entry| {
        let folder = entry.to_object(repository).map(git2::Object::into_tree);
        matches!(folder, Ok(Ok(folder)) if folder.get_name("cluster.yaml").is_some())
    });
    Ok(clusters.get_name("fleet.yaml").is_some() && !has_cluster)
}

fn read_git(url: &str, revision: &str, signed: bool) -> Result<(String, Trees), Fault> {
    let home = Temporary::new()?;
    let wrong = |error: &git2::Error| Fault::new(url, format!("git: {}", error.message()));
    let repository = Repository::init_bare(&home.0).map_err(|error| wrong(&error))?;
    fetch(&home.0, url, revision)?;
    let read = || -> Result<(String, Trees), ReadError> {
        let commit = repository.revparse_single("FETCH_HEAD")?.peel_to_commit()?;
        if signed {
            verify(&home.0, url, &commit.id().to_string())?;
        }
        let root = commit.tree()?;
        let Some(rendered) = root.get_name(folder::RENDERED) else {
            // Git keeps no empty folder: when the last cluster leaves, there is nothing of `rendered/`.
            if is_fleet_without_clusters(&repository, &root)? {
                return Ok((commit.id().to_string(), Trees::new()));
            }
            return Err(Fault::new(
                url,
                format!("`{}` isn't in the commit {}", folder::RENDERED, commit.id()),
            )
            .hint("run `gen render` and commit what it writes, or name another --revision")
            .into());
        };
        let rendered = repository.find_tree(rendered.id())?;
        let mut trees = Trees::new();
        for entry in &rendered {
            let name = entry.name().unwrap_or_default().to_owned();
            if entry.kind() == Some(ObjectType::Tree) && is_kept(&name) {
                let mut tree = RenderedTree::default();
                add_tree(
                    &repository,
                    &repository.find_tree(entry.id())?,
                    "",
                    &mut tree,
                )?;
                trees.insert(name, tree);
            }
        }
        Ok((commit.id().to_string(), trees))
    };
    read().map_err(|error| match error {
        ReadError::Git(error) => wrong(&error),
        ReadError::Fault(fault) => fault,
    })
}

enum ReadError {
    Git(git2::Error),
    Fault(Fault),
}

impl From<git2::Error> for ReadError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn add_tree(
    repository: &Repository,
    tree: &Tree<'_>,
    below: &str,
    read: &mut RenderedTree,
) -> Result<(), ReadError> {
    // Regular files; a link's mode is 0o120000.
    const REGULAR: [i32; 2] = [0o100_644, 0o100_755];
    for entry in tree {
        let name = format!("{below}{}", entry.name().unwrap_or_default());
        if entry.kind() == Some(ObjectType::Tree) {
            let inner = repository.find_tree(entry.id())?;
            add_tree(repository, &inner, &format!("{name}/"), read)?;
        } else if REGULAR.contains(&entry.filemode()) {
            let blob = repository.find_blob(entry.id())?;
            check_size(&name, blob.size() as u64)?;
            read.0.insert(tree_path(&name)?, blob.content().to_vec());
        }
    }
    Ok(())
}

/// Has git look whether somebody signed the commit whom it trusts: by its settings, such as `gpg.ssh.allowedSignersFile`.
fn verify(home: &Path, url: &str, commit: &str) -> Result<(), Fault> {
    let Err(said) = git(home, &["verify-commit", "--", commit])? else {
        return Ok(());
    };
    let said = if said.is_empty() {
        "it isn't signed".to_owned()
    } else {
        said
    };
    Err(Fault::new(
        url,
        format!("git doesn't accept the signature of the commit {commit}: {said}"),
    )
    .hint("sign it, or tell git whose signatures to trust, with `gpg.ssh.allowedSignersFile` or gpg's keys"))
}

/// Has git fetch one revision, without history.
fn fetch(home: &Path, url: &str, revision: &str) -> Result<(), Fault> {
    let arguments = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--",
        url,
        revision,
    ];
    let Err(said) = git(home, &arguments)? else {
        return Ok(());
    };
    Err(
        Fault::new(url, format!("git can't fetch `{revision}`: {said}"))
            .hint("try `git ls-remote` with the same address as the same user"),
    )
}

/// Runs git in a repository: nothing, or what it says of a failure.
fn git(home: &Path, arguments: &[&str]) -> Result<Result<(), String>, Fault> {
    let output = Command::new("git")
        .arg("-C")
        .arg(home)
        .args(arguments)
        // Nobody is there to answer.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Fault::new("git", format!("can't be started: {error}")).hint("install git")
        })?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    Ok(Err(Fault::quoting(
        String::from_utf8_lossy(&output.stderr).trim(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_folders() {
        let git = |url: &str, revision: &str| FleetLocation::Git {
            url: url.into(),
            revision: revision.into(),
            signed: false,
        };
        for (text, wanted) in [
            (".", FleetLocation::Folder(".".into())),
            ("/srv/a@b:c", FleetLocation::Folder("/srv/a@b:c".into())),
            ("./a@b:c", FleetLocation::Folder("./a@b:c".into())),
            (
                "https://git.example.com/a.git",
                git("https://git.example.com/a.git", "HEAD"),
            ),
            (
                "git@git.example.com:a/b.git",
                git("git@git.example.com:a/b.git", "HEAD"),
            ),
        ] {
            assert_eq!(
                FleetLocation::parse(text, None, false),
                Ok(wanted),
                "{text}"
            );
        }
        assert_eq!(
            FleetLocation::parse("ssh://h/a", Some("v1"), false),
            Ok(git("ssh://h/a", "v1"))
        );
        for (text, revision) in [
            (".", Some("main")),
            ("https://h/a", Some("--upload-pack=x")),
            ("https://user:hunter2@h/a", None),
        ] {
            let fault = FleetLocation::parse(text, revision, false).expect_err(text);
            assert!(!fault.to_string().contains("hunter2"), "{fault}");
        }
    }

    const COMMIT: [&str; 8] = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "commit",
        "--quiet",
        "-m",
        "a",
    ];

    fn run_git(folder: &Path, arguments: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .status();
        assert!(status.expect("git is installed").success(), "{arguments:?}");
    }

    /// A commit of a repository that has these files alone.
    fn read_commit(files: &[&str]) -> Result<Checkout, Vec<Fault>> {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, "").expect("writable");
        }
        for arguments in [&["init", "--quiet"][..], &["add", "--all"], &COMMIT] {
            run_git(folder.path(), arguments);
        }
        let url = format!("file://{}", folder.path().display());
        FleetLocation::parse(&url, None, false)
            .expect("an address")
            .read()
    }

    #[test]
    fn a_fleet_whose_last_cluster_left_is_read_and_one_that_isn_t_rendered_is_not() {
        let fleet = [
            "clusters/fleet.yaml",
            "clusters/environments/production.yaml",
        ];
        let read = read_commit(&fleet).expect("it has no clusters");
        assert!(read.clusters.is_empty() && read.accounts.is_none());
        let with = [fleet[0], fleet[1], "clusters/alpha/cluster.yaml"];
        for files in [&with[..], &["README.md"], &["clusters/other.yaml"]] {
            let faults = read_commit(files).expect_err("it isn't rendered");
            assert!(
                faults[0].message.contains("`rendered` isn't in the commit"),
                "{files:?}: {faults:?}"
            );
        }
    }

    #[test]
    fn a_folder_and_a_commit_are_read_alike() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = FleetLocation::Folder(example.clone())
            .read()
            .expect("the example fleet is right");
        assert_eq!(folder.clusters.len(), 4);

        let copy = tempfile::tempdir().expect("the temporary folder is writable");
        run_git(copy.path(), &["init", "--quiet"]);
        let status = Command::new("cp")
            .arg("-r")
            .arg(example.join("rendered"))
            .arg(copy.path())
            .status();
        assert!(status.expect("cp is installed").success());
        run_git(copy.path(), &["add", "--force", "rendered"]);
        run_git(copy.path(), &COMMIT);
        let url = format!("file://{}", copy.path().display());
        let cloned = FleetLocation::parse(&url, None, false)
            .expect("an address")
            .read()
            .expect("it is right");
        assert_eq!(cloned.clusters, folder.clusters);
        assert_eq!(cloned.commit.expect("a commit").len(), 40);
        let fault = FleetLocation::parse(&url, Some("no-such-branch"), false)
            .expect("it could be")
            .read();
        assert!(
            fault.expect_err("it isn't there")[0]
                .message
                .contains("no-such-branch")
        );
    }

    #[test]
    fn a_commit_without_an_accepted_signature_is_refused() {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program)
                .current_dir(home.path())
                .args(arguments)
                .output();
            let output = output.expect("it is installed");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program} {arguments:?}: {said}");
        };
        for key in ["known", "unknown"] {
            run(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", key],
            );
        }
        run("git", &["init", "--quiet", "fleet"]);
        fs::create_dir_all(home.path().join("fleet/rendered/_fleet")).expect("writable");
        fs::write(home.path().join("fleet/rendered/_fleet/a"), "a").expect("writable");
        run("git", &["-C", "fleet", "add", "--force", "rendered"]);
        let commit = |branch: &str, key: Option<&str>| {
            let name =
                key.map(|key| format!("user.signingKey={}", home.path().join(key).display()));
            let signing = name.iter().flat_map(|name| ["-c", name.as_str()]);
            let mut arguments = vec![
                "-C",
                "fleet",
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
            ];
            arguments.extend(["-c", "gpg.format=ssh"]);
            arguments.extend(signing);
            arguments.extend(["commit", "--quiet", "--allow-empty", "-m", branch]);
            arguments.push(if key.is_some() {
                "--gpg-sign"
            } else {
                "--no-gpg-sign"
            });
            run("git", &arguments);
            run("git", &["-C", "fleet", "branch", "--force", branch]);
        };
        commit("unsigned", None);
        commit("stranger", Some("unknown"));
        commit("signed", Some("known"));
        let public = fs::read_to_string(home.path().join("known.pub")).expect("a key");
        let signers = home.path().join("allowed_signers");
        fs::write(&signers, format!("a@example.com {public}")).expect("writable");

        // The user's own settings of git say who may sign; here they are those of the repository that is fetched into.
        let bare = home.path().join("bare");
        Repository::init_bare(&bare).expect("writable");
        let file = signers.to_str().expect("UTF-8");
        run(
            "git",
            &["-C", "bare", "config", "gpg.ssh.allowedSignersFile", file],
        );
        let url = format!("file://{}", home.path().join("fleet").display());
        for (branch, is_accepted) in [("signed", true), ("unsigned", false), ("stranger", false)] {
            fetch(&bare, &url, branch).expect("it is there");
            let repository = Repository::open(&bare).expect("a repository");
            let head = repository.revparse_single("FETCH_HEAD").expect("a commit");
            let outcome = verify(&bare, &url, &head.id().to_string());
            assert_eq!(outcome.is_ok(), is_accepted, "{branch}: {outcome:?}");
        }
        // Without such a file nobody may.
        let location = FleetLocation::parse(&url, Some("signed"), true).expect("an address");
        let refused = location.read().expect_err("nobody is trusted");
        assert!(
            refused[0].message.contains("signature of the commit"),
            "{refused:?}"
        );
        let location = FleetLocation::parse(&url, Some("unsigned"), false).expect("an address");
        location.read().expect("nobody asks");
        assert!(
            FleetLocation::parse(".", None, true).is_err(),
            "a folder has no signature"
        );
    }
}
