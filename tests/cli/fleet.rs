//! A fleet in a folder of its own, and `gen` run in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use assert_cmd::Command;
use rayon::prelude::*;
use sha2::Digest as _;
use tempfile::TempDir;

/// No case may take so long, not even on a busy machine.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// The folder of all cases.
pub(crate) fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases")
}

/// The folders in `tests/cases/<kind>/`, sorted.
pub(crate) fn cases_of(kind: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(cases().join(kind))
        .expect("the folder of cases")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("Unicode")
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// A fleet in a temporary folder, which vanishes with it.
pub(crate) struct TestFleet {
    folder: TempDir,
}

impl TestFleet {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("fleet")
                .tempdir()
                .expect("a folder"),
        }
    }

    /// The base fleet, not yet rendered.
    pub(crate) fn base() -> Self {
        let fleet = Self::empty();
        fleet.overlay(&cases().join("base"));
        fleet
    }

    /// The base fleet, rendered.
    pub(crate) fn rendered() -> Self {
        static RENDERED: OnceLock<TestFleet> = OnceLock::new();
        let base = RENDERED.get_or_init(|| {
            let fleet = Self::base();
            let run = fleet.call(&["render"]);
            assert_eq!(run.code, 0, "{run}");
            fleet
        });
        let fleet = Self::empty();
        fleet.overlay(base.root());
        fleet
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Copies a case's files in: `<file>.append` goes to the end of `<file>`,
    /// and `<file>.remove` takes it away.
    pub(crate) fn overlay(&self, case: &Path) {
        for (path, entry) in entries(case) {
            let Entry::File { bytes, .. } = entry else {
                continue;
            };
            let path = path.as_str();
            if let Some(file) = path.strip_suffix(".append") {
                let mut whole = self.read(file);
                whole.extend(bytes);
                self.write(file, whole);
            } else if let Some(file) = path.strip_suffix(".remove") {
                self.remove(file);
            } else {
                self.write(path, bytes);
            }
        }
    }

    /// Writes a file and the folders it is in.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, bytes).expect("written");
    }

    /// Adds to the end of a file.
    pub(crate) fn append(&self, path: &str, text: &str) {
        let mut whole = self.read(path);
        whole.extend(text.as_bytes());
        self.write(path, whole);
    }

    /// A file's bytes.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.root().join(path)).unwrap_or_else(|error| unreachable!("{path}: {error}"))
    }

    /// A file's text.
    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).expect("UTF-8")
    }

    /// Whether something is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.root().join(path).symlink_metadata().is_ok()
    }

    /// Removes a file or a whole folder.
    pub(crate) fn remove(&self, path: &str) {
        let path = self.root().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .expect("removed");
    }

    /// Everything in the folder: what it is, its bytes, its permissions.
    pub(crate) fn entries(&self) -> BTreeMap<String, Entry> {
        entries(self.root())
    }

    /// What is rendered: path below `rendered/` to bytes.
    pub(crate) fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let files = entries(&self.root().join("rendered")).into_iter();
        files
            .filter_map(|(path, entry)| match entry {
                Entry::File { bytes, .. } => Some((path, bytes)),
                _ => None,
            })
            .collect()
    }

    /// Rewrites the ownership files: another release, and the digests of what is there.
    pub(crate) fn release(&self, version: &str) {
        let is_ownership = |path: &&String| path.ends_with("/.logfleet.json");
        let outputs = self.outputs();
        for path in outputs.keys().filter(is_ownership) {
            let path = format!("rendered/{path}");
            let folder = path.trim_end_matches(".logfleet.json");
            let text = self.text(&path);
            let mut ownership: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            ownership["generator"] = version.into();
            let files = ownership["files"].as_object_mut().expect("files");
            files.retain(|file, _| self.has(&format!("{folder}{file}")));
            for (file, digest) in files {
                let bytes = self.read(&format!("{folder}{file}"));
                let bytes = sha2::Sha256::digest(&bytes);
                let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
                *digest = hex.collect::<String>().into();
            }
            let text = serde_json::to_string_pretty(&ownership).expect("JSON") + "\n";
            self.write(&path, text);
        }
    }

    /// Puts the index objects of `tests/cases/released/`, which the release
    /// before shared ones rendered for the base fleet, in place of those of the
    /// fleet, and lists them as rendered.
    pub(crate) fn make_older(&self) {
        for cluster in ["alpha", "beta.example.com"] {
            self.remove(&format!("rendered/{cluster}/elasticsearch"));
        }
        let released = cases().join("released");
        self.overlay(&released);
        for cluster in ["alpha", "beta.example.com"] {
            let path = format!("rendered/{cluster}/.logfleet.json");
            let text = self.text(&path);
            let mut ownership: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            for (file, entry) in entries(&released.join("rendered").join(cluster)) {
                if matches!(entry, Entry::File { .. }) {
                    ownership["files"][file.as_str()] = "".into();
                }
            }
            self.write(&path, ownership.to_string());
        }
    }

    /// `gen` in this folder, with an environment of nothing.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gen"));
        command
            .current_dir(self.root())
            .env_clear()
            .timeout(TIME_LIMIT);
        command
    }

    /// Runs `gen`.
    pub(crate) fn call(&self, arguments: &[&str]) -> Run {
        self.run(self.command().args(arguments))
    }

    /// Runs a command made by [`Self::command`].
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        let output = command.output().expect("gen starts");
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("gen prints UTF-8");
            text.replace(&self.root().display().to_string(), "[ROOT]")
        };
        let run = Run {
            code: output
                .status
                .code()
                .unwrap_or_else(|| unreachable!("killed, or over time: {output:?}")),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!run.err.contains("panicked at"), "{run}");
        run
    }

    /// Runs `gen` and makes sure that nothing at all was changed.
    pub(crate) fn gen_changing_nothing(&self, arguments: &[&str]) -> Run {
        let before = self.entries();
        let run = self.call(arguments);
        assert!(before == self.entries(), "files were changed:\n{run}");
        run
    }
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File { bytes: Vec<u8>, mode: u32 },
    Folder { mode: u32 },
    Link { to: PathBuf },
}

/// Everything below a folder, by path with forward slashes.
pub(crate) fn entries(folder: &Path) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1) {
        let entry = entry.expect("an entry");
        let path = entry
            .path()
            .strip_prefix(folder)
            .expect("below")
            .to_str()
            .expect("Unicode");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        let what = if entry.path_is_symlink() {
            Entry::Link {
                to: fs::read_link(entry.path()).expect("a link"),
            }
        } else if entry.file_type().is_dir() {
            Entry::Folder { mode }
        } else {
            Entry::File {
                bytes: fs::read(entry.path()).expect("a file"),
                mode,
            }
        };
        found.insert(path.to_owned(), what);
    }
    found
}

/// How a run of `gen` went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The same with the numbers of files hidden: templates come and go.
    pub(crate) fn without_counts(&self) -> Self {
        let hide = |text: &str| {
            let words = "written|changed|removed|unchanged|missing|differ|no longer rendered|as rendered|files";
            let pattern =
                regex::Regex::new(&format!(r"\b\d{{2,}} ({words})\b")).expect("a pattern");
            pattern.replace_all(text, "[MANY] $1").into_owned()
        };
        Self {
            code: self.code,
            out: hide(&self.out),
            err: hide(&self.err),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "exit code {}", self.code)?;
        for (stream, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                writeln!(f, "--- {stream}")?;
                f.write_str(text)?;
                if !text.ends_with('\n') {
                    f.write_str("\n[no newline at the end]\n")?;
                }
            }
        }
        Ok(())
    }
}

/// Runs `test` for each case and tells all that fail, not only the first.
pub(crate) fn for_each_case(kind: &str, test: impl Fn(&str) + Sync + std::panic::RefUnwindSafe) {
    let names = cases_of(kind);
    let fails = |name: &&String| std::panic::catch_unwind(|| test(name)).is_err();
    let failed: Vec<&String> = names.par_iter().filter(fails).collect();
    assert!(
        failed.is_empty(),
        "of {} cases these failed: {failed:#?}",
        names.len()
    );
}
