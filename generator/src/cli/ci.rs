//! `gen ci`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, Terminal, nothing_written};
use crate::fault::{Fault, Faults};

/// Marks the step of a workflow that gets gen onto the runner: the deeper
/// lines below are what is replaced.
const INSTALL: &str = "# gen ci --install";
/// The line of a workflow that says where the fleet is.
const ROOT: &str = "LOGFLEET_ROOT: .";

/// Writes ready CI into a fleet's repository: a preview of each pull request
/// as one comment, and checks of what it commits.
///
/// Files that are there already are never overwritten. Scripts go to
/// ci/preview/, and can be run by hand.
#[derive(Debug, Args)]
pub(super) struct Ci {
    /// The CI system
    #[arg(value_enum)]
    forge: Forge,
    /// The command, or lines, that install gen (and kustomize) on the runner
    #[arg(long, value_name = "COMMAND")]
    install: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Forge {
    /// GitHub Actions: two workflows
    Github,
    /// GitLab CI: a file to include
    Gitlab,
}

/// A file that is written, built into the program from `ci/preview/`.
struct Template {
    path: &'static str,
    text: &'static str,
    script: bool,
}

const fn script(path: &'static str, text: &'static str) -> Template {
    Template {
        path,
        text,
        script: true,
    }
}

const fn plain(path: &'static str, text: &'static str) -> Template {
    Template {
        path,
        text,
        script: false,
    }
}

const CHECK: Template = script(
    "ci/preview/check",
    include_str!("../../../ci/preview/check"),
);
const PREVIEW: Template = script(
    "ci/preview/preview",
    include_str!("../../../ci/preview/preview"),
);
const COMMENT: Template = script(
    "ci/preview/comment",
    include_str!("../../../ci/preview/comment"),
);
const API: Template = plain(
    "ci/preview/forge.py",
    include_str!("../../../ci/preview/forge.py"),
);

const GITHUB: [Template; 7] = [
    plain(
        ".github/workflows/logfleet-preview.yml",
        include_str!("../../../ci/preview/github/preview.yml"),
    ),
    plain(
        ".github/workflows/logfleet-comment.yml",
        include_str!("../../../ci/preview/github/comment.yml"),
    ),
    CHECK,
    PREVIEW,
    COMMENT,
    script(
        "ci/preview/receive",
        include_str!("../../../ci/preview/receive"),
    ),
    API,
];

const GITLAB: [Template; 5] = [
    plain(
        "ci/preview/gitlab-ci.yml",
        include_str!("../../../ci/preview/gitlab/preview.yml"),
    ),
    CHECK,
    PREVIEW,
    COMMENT,
    API,
];

/// What GitLab reads first; often it is there already.
const GITLAB_ENTRY: &str = ".gitlab-ci.yml";
const GITLAB_INCLUDE: &str = "include:\n  - local: ci/preview/gitlab-ci.yml\n";

/// A file as it is to be.
struct Planned {
    path: &'static str,
    text: String,
    mode: u32,
}

impl Ci {
    pub(super) fn run(self, root: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
        let place = Place::of(root).map_err(nothing_written)?;
        let install = self
            .install
            .as_deref()
            .map(|install| checked(install, self.forge));
        let install = install.transpose().map_err(nothing_written)?;
        let templates: &[Template] = match self.forge {
            Forge::Github => &GITHUB,
            Forge::Gitlab => &GITLAB,
        };
        let mut files: Vec<Planned> = templates
            .iter()
            .map(|template| Planned {
                path: template.path,
                text: fill(template.text, install, &place.fleet),
                mode: if template.script { 0o755 } else { 0o644 },
            })
            .collect();
        let mut advice = String::new();
        if self.forge == Forge::Gitlab {
            match fs::symlink_metadata(place.top.join(GITLAB_ENTRY)) {
                Ok(_) => advice = include_advice(&place.top),
                Err(_) => files.push(Planned {
                    path: GITLAB_ENTRY,
                    text: GITLAB_INCLUDE.to_owned(),
                    mode: 0o644,
                }),
            }
        }
        let written = write(&place.top, &files).map_err(nothing_written)?;
        let mut text: String = files
            .iter()
            .zip(written)
            .map(|(file, written)| {
                format!(
                    "{}: {}\n",
                    file.path,
                    if written { "written" } else { "there already" }
                )
            })
            .collect();
        text.push_str(&advice);
        if install.is_none() {
            text.push_str(
                "\nSay how gen gets onto the runner by --install, or in the file itself.\n",
            );
        }
        text.push_str(&fleet_advice(root));
        Ok(terminal.print(&text)?)
    }
}

/// What to do where there is nothing that CI could look at: the fleet may be
/// yet to come, or elsewhere.
fn fleet_advice(root: &Path) -> String {
    if root.join("clusters").is_dir() {
        return String::new();
    }
    format!(
        "\nThere is no folder `clusters` in `{}`, and CI fails without one: run this in the fleet's repository, \
         name the fleet's folder by --root, or begin one by `gen init`.\n",
        root.display()
    )
}

/// What to do where GitLab's own file is somebody's.
fn include_advice(top: &Path) -> String {
    let text = fs::read_to_string(top.join(GITLAB_ENTRY)).unwrap_or_default();
    if text.contains("ci/preview/gitlab-ci.yml") {
        return String::new();
    }
    format!("\n{GITLAB_ENTRY} already exists and is kept; add to it:\n\n{GITLAB_INCLUDE}")
}

/// Where CI's files go: the top of the repository, of which the fleet may be a
/// folder.
struct Place {
    top: PathBuf,
    /// The fleet's folder from there: `.`, or its parts with slashes.
    fleet: String,
}

impl Place {
    fn of(root: &Path) -> Result<Self, Fault> {
        let refused = |error: io::Error| {
            Fault::environment(format!("can't read `{}`: {error}", root.display()))
        };
        let folder = root.canonicalize().map_err(refused)?;
        let repository = git2::Repository::discover(&folder);
        let top = repository
            .ok()
            .and_then(|repository| repository.workdir()?.canonicalize().ok());
        let Some((below, top)) =
            top.and_then(|top| Some((folder.strip_prefix(&top).ok()?.to_owned(), top)))
        else {
            // Not yet a repository: then it will be one.
            return Ok(Self {
                top: folder,
                fleet: ".".to_owned(),
            });
        };
        let fleet = match below.to_str() {
            Some("") => ".".to_owned(),
            Some(path)
                if path
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)) =>
            {
                format!("\"{path}\"")
            }
            _ => {
                return Err(Fault::input(format!(
                    "the fleet's folder `{}` has a name that can't be written into a workflow",
                    below.display()
                ))
                .hint("letters, digits, `-`, `_` and `.` can"));
            }
        };
        Ok(Self { top, fleet })
    }
}

/// Refuses an install command that would break the file it is written into, or
/// its promise.
fn checked(install: &str, forge: Forge) -> Result<&str, Fault> {
    let install = install.trim();
    if install.is_empty() {
        return Err(Fault::input("--install: the command is empty"));
    }
    if install
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(Fault::input(
            "--install: the command holds a control character",
        ));
    }
    if forge == Forge::Github && uses_secrets(install) {
        return Err(Fault::input(
            "--install: the preview runs what a pull request says, and gets no secrets",
        )
        .hint("install gen from where it can be read without one"));
    }
    Ok(install)
}

/// Whether an expression of a GitHub workflow, `${{ … }}`, names the context
/// `secrets`; GitHub doesn't tell upper from lower case there. A shell's word or
/// a property of that name is nobody's secret.
fn uses_secrets(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${{") {
        let (expression, following) = expression(after);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let mut paths = expression.split(|c| !is_part(c));
        let context = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
        if paths.any(|path| context(path).eq_ignore_ascii_case("secrets")) {
            return true;
        }
        rest = following;
    }
    false
}

/// An expression up to its end, without the texts and spaces in it; and what
/// follows it. A text may hold what would be the end.
fn expression(text: &str) -> (String, &str) {
    let mut expression = String::new();
    let mut in_text = false;
    for (at, c) in text.char_indices() {
        if c == '\'' {
            in_text = !in_text;
        } else if !in_text {
            if let Some(following) = text[at..].strip_prefix("}}") {
                return (expression, following);
            }
            expression.extend(Some(c).filter(|c| !c.is_whitespace()));
        }
    }
    (expression, "")
}

/// Puts the install command and the fleet's folder into a file.
fn fill(text: &str, install: Option<&str>, fleet: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut replaced: Option<usize> = None;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        if let Some(marker) = replaced {
            if line.trim().is_empty() || depth > marker {
                if line.trim().is_empty() {
                    replaced = None;
                    filled.push('\n');
                }
                continue;
            }
            replaced = None;
        }
        filled.push_str(&line.replace(ROOT, &format!("LOGFLEET_ROOT: {fleet}")));
        filled.push('\n');
        if let Some(install) = install.filter(|_| line.ends_with(INSTALL)) {
            for line in install.lines() {
                let indent = if line.is_empty() { 0 } else { depth + 2 };
                filled.push_str(&format!("{:indent$}{line}\n", ""));
            }
            replaced = Some(depth);
        }
    }
    filled
}

/// Writes the files, none of them if one is there with other bytes. Which of
/// them were written.
fn write(top: &Path, files: &[Planned]) -> Result<Vec<bool>, Faults> {
    let mut faults = Faults::new();
    let mut missing = Vec::new();
    for file in files {
        match is_missing(top, file) {
            Ok(is_missing) => missing.push(is_missing),
            Err(fault) => faults.push(fault),
        }
    }
    let missing = faults.into_result(missing)?;
    for (file, _) in files.iter().zip(&missing).filter(|(_, missing)| **missing) {
        create(top, file)?;
    }
    Ok(missing)
}

/// Whether a file isn't there; a fault, if it is there with other bytes, or
/// behind a link.
fn is_missing(top: &Path, file: &Planned) -> Result<bool, Fault> {
    let mut path = top.to_owned();
    let parts: Vec<Component<'_>> = Path::new(file.path).components().collect();
    for (index, part) in parts.iter().enumerate() {
        path.push(part);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(refused("read", file, &error)),
        };
        let last = index + 1 == parts.len();
        if metadata.is_symlink() || metadata.is_dir() == last {
            return Err(Fault::input(format!("`{}` is in the way", path.display()))
                .hint("links are never followed; move it away"));
        }
    }
    let mut text = Vec::new();
    let read = fs::File::open(&path).and_then(|open| {
        // One more byte than wanted tells enough of a longer file.
        open.take(file.text.len() as u64 + 1).read_to_end(&mut text)
    });
    read.map_err(|error| refused("read", file, &error))?;
    if text == file.text.as_bytes() {
        return Ok(false);
    }
    Err(Fault::input(format!(
        "`{}` already exists, with other contents",
        file.path
    ))
    .hint("move it away, run this again, and compare the two"))
}

fn create(top: &Path, file: &Planned) -> Result<(), Fault> {
    let path = top.join(file.path);
    let result = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(file.mode)
                .open(&path)?
                .write_all(file.text.as_bytes())
        });
    result.map_err(|error| refused("write", file, &error))
}

fn refused(what: &str, file: &Planned, error: &io::Error) -> Fault {
    Fault::environment(format!("can't {what} `{}`: {error}", file.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_choices_files_are_what_they_are_here() {
        for template in GITHUB.iter().chain(&GITLAB) {
            assert_eq!(
                fill(template.text, None, "."),
                template.text,
                "{}",
                template.path
            );
        }
    }

    #[test]
    fn every_workflow_that_runs_gen_has_one_step_to_install_it() {
        let count = |text: &str| text.lines().filter(|line| line.ends_with(INSTALL)).count();
        let [preview, comment, ..] = &GITHUB;
        assert_eq!((count(preview.text), count(comment.text)), (1, 0));
        assert_eq!(count(GITLAB[0].text), 1);
        for text in [preview.text, GITLAB[0].text] {
            assert_eq!(text.matches(ROOT).count(), 1);
        }
    }

    #[test]
    fn the_install_command_replaces_the_lines_below_its_marker() {
        let text = "a:\n  run: | # gen ci --install\n    one\n      two\n\n  b: LOGFLEET_ROOT: .\n";
        assert_eq!(
            fill(text, Some("x\n\n  y"), "\"f\""),
            "a:\n  run: | # gen ci --install\n    x\n\n      y\n\n  b: LOGFLEET_ROOT: \"f\"\n"
        );
        let list = "s:\n  - | # gen ci --install\n    one\nnext:\n";
        assert_eq!(
            fill(list, Some("x"), "."),
            "s:\n  - | # gen ci --install\n    x\nnext:\n"
        );
    }

    #[test]
    fn a_command_with_a_secret_is_refused_where_strangers_run_it() {
        for bad in ["", " \n", "a\u{1b}b"] {
            assert!(checked(bad, Forge::Github).is_err(), "{bad}");
        }
        assert_eq!(checked(" a\n\tb ", Forge::Github), Ok("a\n\tb"));
        for secret in [
            "curl -H ${{ secrets.X }}",
            "curl -H ${{ SECRETS.X }}",
            "${{Secrets['X']}}",
            "${{ toJSON(secrets) }}",
            "${{ secrets . X }}",
            "${{ runner.os }} ${{\n github.actor ||\n secrets.X }}",
            "${{ format('}}{0}', secrets.X) }}",
            "${{ 'it''s' && secrets.* }}",
            "${{ !secrets.X",
        ] {
            assert!(checked(secret, Forge::Github).is_err(), "{secret}");
            assert_eq!(checked(secret, Forge::Gitlab), Ok(secret));
        }
        for harmless in [
            "curl https://example.com/${{ runner.os }}/gen # no secrets",
            "echo secrets $secrets.X ${secrets}",
            "$ {{ secrets.X }}",
            "${{ 'secrets.X' }}",
            "${{ vars['secrets'] }}",
            "${{ steps.a.outputs.secrets || env.secrets }}",
            "${{ env.x }} secrets.X }}",
            "${{ env.my_secrets || mysecrets.x || secrets-of.x }}",
        ] {
            assert_eq!(checked(harmless, Forge::Github), Ok(harmless));
        }
    }
}
