//! The user's own `git`, for what depends on how they set it up: who commits,
//! signatures, credentials, transports.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use git2::{Oid, Repository};

use crate::fault::Fault;

/// Variables by which a caller (a hook, say) points git at another repository.
/// <https://git-scm.com/docs/git#_the_git_repository>
const NOT_INHERITED: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
];

/// Runs `git` in one repository.
pub(super) struct Program {
    git_folder: PathBuf,
    /// Paths of remotes are relative to it.
    folder: PathBuf,
}

impl Program {
    /// For that repository.
    pub(super) fn new(repository: &Repository) -> Self {
        Self {
            git_folder: repository.path().to_owned(),
            folder: repository
                .workdir()
                .unwrap_or_else(|| repository.path())
                .to_owned(),
        }
    }

    /// Commits a tree, signed if `commit.gpgSign` says so. The time is the
    /// source commit's, so that the same state gives the same commit.
    pub(super) fn commit(
        &self,
        tree: Oid,
        parent: Option<Oid>,
        message: &str,
        time: git2::Time,
    ) -> Result<Oid, Fault> {
        let mut command = self.command();
        // A name made up from the machine's isn't the user's, nor repeatable.
        command.args([
            "-c",
            "user.useConfigOnly=true",
            "-c",
            "i18n.commitEncoding=UTF-8",
            "commit-tree",
        ]);
        if self.signs()? {
            command.arg("-S");
        }
        if let Some(parent) = parent {
            command.args(["-p", &parent.to_string()]);
        }
        command.args(["-F", "-", &tree.to_string()]);
        let date = date(time);
        command
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date);
        let output = run(&mut command, Some(message))?;
        if !output.status.success() {
            return Err(failed("commit-tree", &output)
                .hint("git needs to know who commits: `git config user.name` and `git config user.email`")
                .hint("if it signs, it needs the key: `commit.gpgSign`, `gpg.format`, `user.signingKey`"));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Oid::from_str(text.trim()).map_err(|_| failed("commit-tree", &output))
    }

    fn signs(&self) -> Result<bool, Fault> {
        let mut command = self.command();
        command.args(["config", "--type=bool", "--get", "commit.gpgSign"]);
        let output = run(&mut command, None)?;
        match output.status.code() {
            Some(0) => Ok(output.stdout.trim_ascii() == b"true"),
            // Not set.
            Some(1) => Ok(false),
            _ => Err(failed("config", &output)),
        }
    }

    /// Where the remote's branch is; `None` if it isn't.
    pub(super) fn remote_tip(&self, remote: &str, reference: &str) -> Result<Option<Oid>, Fault> {
        let mut command = self.command();
        command.args(["ls-remote", "--", remote, reference]);
        let output = run(&mut command, None)?;
        if !output.status.success() {
            return Err(failed("ls-remote", &output));
        }
        // It also lists references that only end so.
        let text = String::from_utf8_lossy(&output.stdout);
        let mut lines = text.lines().filter_map(|line| line.split_once('\t'));
        let line = lines.find(|(_, name)| *name == reference);
        Ok(line.and_then(|(id, _)| Oid::from_str(id).ok()))
    }

    /// Fetches what the remote has by that name, a reference's or a commit's.
    /// No reference here is touched, whatever is configured.
    pub(super) fn fetch(&self, remote: &str, what: &str) -> Result<(), Fault> {
        let mut command = self.command();
        command.args([
            "fetch",
            "--quiet",
            "--refmap=",
            "--no-tags",
            "--no-prune",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--",
            remote,
            what,
        ]);
        let output = run(&mut command, None)?;
        if output.status.success() {
            Ok(())
        } else {
            Err(failed("fetch", &output))
        }
    }

    /// Pushes a commit, without force. What git says, if it was refused.
    pub(super) fn push(
        &self,
        remote: &str,
        commit: Oid,
        reference: &str,
    ) -> Result<Result<(), String>, Fault> {
        let mut command = self.command();
        // A mirror would push every branch, and refuses to push but one.
        command.args(["-c", &format!("remote.{remote}.mirror=false")]);
        command.args(["push", "--quiet", "--no-follow-tags", "--", remote]);
        command.arg(format!("{commit}:{reference}"));
        let output = run(&mut command, None)?;
        Ok(if output.status.success() {
            Ok(())
        } else {
            Err(said(&output))
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.folder)
            .arg("--git-dir")
            .arg(&self.git_folder);
        for variable in NOT_INHERITED {
            command.env_remove(variable);
        }
        // What it says is shown in faults, whatever language is set.
        command.env("LC_ALL", "C");
        command
    }
}

/// Git's own form: <https://git-scm.com/docs/git-commit#_date_formats>.
fn date(time: git2::Time) -> String {
    let minutes = time.offset_minutes().abs();
    format!(
        "@{} {}{:02}{:02}",
        time.seconds(),
        time.sign(),
        minutes / 60,
        minutes % 60
    )
}

fn run(command: &mut Command, input: Option<&str>) -> Result<Output, Fault> {
    let refused = |error: std::io::Error| {
        Fault::environment(format!("can't run `git`: {error}"))
            .hint("gen publish needs git 2.29 or newer")
    };
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(refused)?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // If it ended before, its exit code tells more than the broken pipe.
        let _ = pipe.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(refused)
}

fn failed(what: &str, output: &Output) -> Fault {
    Fault::environment(format!("`git {what}` failed: {}", said(output)))
}

/// The last lines that git said; those before are mostly advice.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let lines: Vec<&str> = lines.collect();
    let last = lines
        .get(lines.len().saturating_sub(8)..)
        .unwrap_or_default();
    let said = without_credentials(&last.join("; "));
    if said.is_empty() {
        return output.status.to_string();
    }
    said.chars().filter(|c| !c.is_control()).collect()
}

/// A remote's URL may hold a password or a token, and git repeats the URL.
fn without_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || c == '\'' || c == '"');
        let (address, after) = after
            .split_at_checked(end.unwrap_or(after.len()))
            .unwrap_or((after, ""));
        clean.push_str(before);
        clean.push_str("://");
        clean.push_str(&without_user_and_query(address));
        rest = after;
    }
    clean + rest
}

/// An address without its scheme, the query only hinted at.
fn without_user_and_query(address: &str) -> String {
    let host = address.split('/').next().unwrap_or_default();
    let user = host.rfind('@').map_or(0, |at| at + 1);
    let address = address.get(user..).unwrap_or_default();
    match address.split_once('?') {
        Some((address, _)) => format!("{address}?…"),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_a_url_is_repeated() {
        for (text, clean) in [
            (
                "unable to access 'https://me:pw@host/x.git/': no",
                "unable to access 'https://host/x.git/': no",
            ),
            ("a://x:p@q@h b://h/@c", "a://h b://h/@c"),
            (
                "'https://h/x.git?private_token=s3/cret/info' and https://h/?a=b://c",
                "'https://h/x.git?…' and https://h/?…",
            ),
            ("a://x:p?q@h/y", "a://h/y"),
            (
                "git@host:x.git and file:///x",
                "git@host:x.git and file:///x",
            ),
        ] {
            assert_eq!(without_credentials(text), clean);
        }
    }

    #[test]
    fn a_time_keeps_its_zone() {
        assert_eq!(date(git2::Time::new(12, 0)), "@12 +0000");
        assert_eq!(
            date(git2::Time::new(1_700_000_000, -210)),
            "@1700000000 -0330"
        );
    }
}
