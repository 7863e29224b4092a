//! A git history to run `gen diff` on.
//!
//! A case's `history` makes a repository, line by line, from the base fleet,
//! which is its first commit, called `base`, on the branch `main`:
//!
//! | Line | Does |
//! |---|---|
//! | `branch NAME`, `checkout NAME` | makes a branch and goes there; goes to a branch |
//! | `commit NAME` | commits everything; NAME stands for the commit in snapshots. The lines after it that begin with `\|` are the rest of its message |
//! | `merge NAME BRANCH` | commits everything, with that branch as second parent |
//! | `tag NAME` | a tag of the commit where one is |
//! | `write PATH`, `append PATH` | the lines after it that begin with `\|` are its text, or are added |
//! | `replace PATH FROM TO` | FROM and TO are quoted |
//! | `remove PATH`, `move FROM TO`, `link PATH TARGET` | as they say |
//! | `bytes PATH HEX`, `crlf PATH` | bytes that are no text; line ends as on Windows |
//! | `clusters N` | adds N clusters like `alpha`, `c001` and so on |
//! | `into FOLDER` | moves the whole fleet into a folder, which becomes `--root` |
//! | `submodule PATH` | a folder that is another repository's commit |
//! | `orphan NAME` | a branch that has no commit in common with others |
//! | `shallow NAME` | cuts the history off below that commit |
//! | `lack COMMIT PATH` | takes away what git has of that file or folder of a commit, as in a partial clone |
//! | `render` | runs `gen render` |
//! | `older` | puts the index objects that the release before shared ones rendered in place of those that are rendered |
//! | `release VERSION` | makes what stands in `rendered/` the work of that release of gen |
//! | `bare` | leaves the repository alone, without a working tree, as `--root` |
//! | `no-git` | takes the repository away |
//! | `diff ARGUMENTS` | what is run; `gen diff` without this line |

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use git2::{
    Commit, IndexAddOption, IndexEntry, IndexTime, Oid, Repository, RepositoryInitOptions,
    Signature, Time, build::CheckoutBuilder,
};

use crate::fleet::{Run, TestFleet, cases};

/// Every commit's author and time, so that its id is always the same.
fn author() -> Signature<'static> {
    Signature::new("Tester", "tester@example.com", &Time::new(1_700_000_000, 0)).expect("a name")
}

pub(super) struct History {
    pub(super) fleet: TestFleet,
    pub(super) repository: Repository,
    /// Below the repository's top.
    pub(super) folder: String,
    pub(super) names: BTreeMap<String, Oid>,
    submodules: BTreeMap<String, Oid>,
    pub(super) arguments: Vec<String>,
}

impl History {
    pub(super) fn of_case(case: &str) -> Self {
        let path = cases().join("diff").join(case).join("history");
        let text = fs::read_to_string(path).expect("a history");
        let mut history = Self::new();
        history.commit("base");
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let mut body = String::new();
            while let Some(next) = lines.peek().and_then(|next| next.strip_prefix('|')) {
                body += next.strip_prefix(' ').unwrap_or(next);
                body.push('\n');
                lines.next();
            }
            history.step(line, &body);
        }
        history
    }

    pub(super) fn new() -> Self {
        let fleet = TestFleet::base();
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main");
        let repository = Repository::init_opts(fleet.root(), &options).expect("a repository");
        Self {
            fleet,
            repository,
            folder: String::new(),
            names: BTreeMap::new(),
            submodules: BTreeMap::new(),
            arguments: vec!["diff".to_owned()],
        }
    }

    pub(super) fn step(&mut self, line: &str, body: &str) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] | ["#", ..] => {}
            ["branch", name] => self.branch(name),
            ["checkout", name] => self.checkout(name),
            ["commit", name] => self.commit_saying(name, body, None),
            ["merge", name, branch] => self.commit_saying(name, body, Some(branch)),
            ["tag", name] => self.tag(name),
            ["write", path] => self.fleet.write(path, body),
            ["append", path] => self.fleet.append(path, body),
            ["replace", path, from, to] => self.replace(path, from, to),
            ["remove", path] => self.fleet.remove(path),
            ["move", from, to] => self.rename(from, to),
            ["link", path, target] => self.link(path, target),
            ["bytes", path, hex] => self.fleet.write(path, bytes(hex)),
            ["crlf", path] => self.replace(path, "\n", "\r\n"),
            ["clusters", number] => self.clusters(number.parse().expect("a number")),
            ["into", folder] => self.move_to_folder(folder),
            ["submodule", path] => self.submodule(path),
            ["orphan", name] => {
                let name = format!("refs/heads/{name}");
                self.repository.set_head(&name).expect("a branch to be");
            }
            ["shallow", name] => {
                let commit = format!("{}\n", self.names[*name]);
                self.fleet.write(".git/shallow", commit);
            }
            ["lack", commit, path] => self.lack(commit, path),
            ["render"] => {
                let run = self.fleet.call(&["render"]);
                assert_eq!(run.code, 0, "{run}");
            }
            ["older"] => self.fleet.make_older(),
            ["release", version] => self.fleet.release(version),
            ["bare"] => self.make_bare(),
            ["no-git"] => self.fleet.remove(".git"),
            ["diff", arguments @ ..] => {
                let arguments = arguments.iter().map(ToString::to_string);
                self.arguments.extend(arguments);
            }
            _ => unreachable!("no such step: {line}"),
        }
    }

    fn head(&self) -> Option<Commit<'_>> {
        self.repository.head().ok()?.peel_to_commit().ok()
    }

    pub(super) fn branch(&self, name: &str) {
        let head = self.head().expect("a commit");
        self.repository
            .branch(name, &head, false)
            .expect("a branch");
        let name = format!("refs/heads/{name}");
        self.repository.set_head(&name).expect("there");
    }

    pub(super) fn tag(&self, name: &str) {
        let head = self.head().expect("a commit");
        self.repository
            .tag_lightweight(name, head.as_object(), false)
            .expect("a tag");
    }

    pub(super) fn checkout(&self, name: &str) {
        let name = format!("refs/heads/{name}");
        self.repository.set_head(&name).expect("a branch");
        let mut options = CheckoutBuilder::new();
        options.force().remove_untracked(true);
        self.repository
            .checkout_head(Some(&mut options))
            .expect("there");
    }

    pub(super) fn commit(&mut self, name: &str) {
        self.commit_saying(name, "", None);
    }

    pub(super) fn commit_saying(&mut self, name: &str, body: &str, merged: Option<&str>) {
        let mut index = self.repository.index().expect("an index");
        index.clear().expect("empty");
        index
            .add_all(["*"], IndexAddOption::DEFAULT, None)
            .expect("added");
        for (path, id) in &self.submodules {
            index.add(&submodule_entry(path, *id)).expect("added");
        }
        index.write().expect("written");
        let tree = index.write_tree().expect("a tree");
        let tree = self.repository.find_tree(tree).expect("the tree");
        let parent = self.head();
        let merged = merged.map(|branch| {
            let branch = self.repository.revparse_single(branch).expect("a branch");
            branch.peel_to_commit().expect("a commit")
        });
        let parents: Vec<&Commit<'_>> = parent.iter().chain(&merged).collect();
        let message = if body.is_empty() {
            name.to_owned()
        } else {
            format!("{name}\n\n{body}")
        };
        let id = self
            .repository
            .commit(
                Some("HEAD"),
                &author(),
                &author(),
                &message,
                &tree,
                &parents,
            )
            .expect("a commit");
        drop(parents);
        drop((parent, merged, tree));
        self.names.insert(name.to_owned(), id);
    }

    pub(super) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.fleet.text(path);
        assert!(text.contains(from), "`{path}` has no `{from}`");
        self.fleet.write(path, text.replace(from, to));
    }

    fn rename(&self, from: &str, to: &str) {
        let root = self.fleet.root();
        fs::create_dir_all(root.join(to).parent().expect("a folder")).expect("folders");
        fs::rename(root.join(from), root.join(to)).expect("moved");
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.fleet.root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        symlink(target, path).expect("linked");
    }

    pub(super) fn clusters(&self, number: usize) {
        let like = self.fleet.text("clusters/alpha/cluster.yaml");
        for number in 1..=number {
            let name = format!("c{number:03}");
            let text = like.replace("name: alpha", &format!("name: {name}"));
            self.fleet
                .write(&format!("clusters/{name}/cluster.yaml"), text);
        }
    }

    fn move_to_folder(&mut self, folder: &str) {
        for name in ["clusters", "templates"] {
            if self.fleet.has(name) {
                self.rename(name, &format!("{folder}/{name}"));
            }
        }
        folder.clone_into(&mut self.folder);
    }

    pub(super) fn lack(&self, commit: &str, path: &str) {
        let commit = self.repository.find_commit(self.names[commit]);
        let tree = commit.and_then(|commit| commit.tree()).expect("a tree");
        let id = if path == "." {
            tree.id()
        } else {
            tree.get_path(path.as_ref()).expect("an entry").id()
        };
        let (folder, file) = {
            let id = id.to_string();
            (id[..2].to_owned(), id[2..].to_owned())
        };
        self.fleet.remove(&format!(".git/objects/{folder}/{file}"));
    }

    pub(super) fn make_bare(&mut self) {
        self.rename(".git", "fleet.git");
        self.fleet.remove("clusters");
        let root = self.fleet.root().join("fleet.git");
        let mut config = git2::Config::open(&root.join("config")).expect("its settings");
        config.set_bool("core.bare", true).expect("set");
        "fleet.git".clone_into(&mut self.folder);
    }

    fn submodule(&mut self, path: &str) {
        let id = self.names["base"];
        self.submodules.insert(path.to_owned(), id);
    }

    pub(super) fn run(&self, more: &[&str]) -> Run {
        let mut command = self.fleet.command();
        if !self.folder.is_empty() {
            command.args(["--root", &self.folder]);
        }
        let before = self.fleet.entries();
        let run = self.fleet.run(command.args(&self.arguments).args(more));
        assert!(before == self.fleet.entries(), "files were changed:\n{run}");
        run
    }

    /// All formats of one run, which is what takes the time.
    pub(super) fn documents(&self) -> Documents {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let files = ["a.json", "b.md", "c.html", "d.txt"].map(path);
        let outs = files.iter().flat_map(|file| ["--out", file.as_str()]);
        let run = self.run(&outs.collect::<Vec<_>>());
        if !files.iter().all(|file| fs::exists(file).expect("a folder")) {
            return Documents {
                text: self.named(&run),
                json: self.named_text(&self.run(&["--format", "json"]).out),
                pages: None,
            };
        }
        let [json, markdown, html, out] =
            files.map(|file| fs::read_to_string(file).expect("a file"));
        Documents {
            text: self.named(&Run { out, ..run }),
            json: self.named_text(&json),
            pages: Some(Pages {
                markdown: self.named_text(&markdown),
                html: body_of(&self.named_text(&html)),
            }),
        }
    }

    /// The comment that is written, if one is.
    pub(super) fn markdown(&self, more: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("body.md");
        self.run(&[&["--out", &path.display().to_string()], more].concat());
        fs::read_to_string(path).ok()
    }

    /// With names for commits.
    pub(super) fn named(&self, run: &Run) -> String {
        self.named_text(&run.to_string())
    }

    fn named_text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, id) in &self.names {
            let id = id.to_string();
            text = text.replace(&id, &format!("[{name}]"));
            text = text.replace(&id[..8], &format!("[{name}]"));
        }
        text
    }
}

fn submodule_entry(path: &str, id: Oid) -> IndexEntry {
    let zero = IndexTime::new(0, 0);
    IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode: 0o160_000,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}

/// The words of a line; what stands in quotes is one, with `\n` for a new line.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, piece) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(piece.replace("\\n", "\n"));
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|c| c.to_digit(16).expect("hex")).collect();
    let bytes = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]);
    bytes
        .map(|byte| u8::try_from(byte).expect("a byte"))
        .collect()
}

/// What one run says, in every format, with names for commits.
pub(super) struct Documents {
    /// In a terminal, with the exit code.
    pub(super) text: String,
    /// As `--format json` prints it.
    pub(super) json: String,
    /// Where something is compared.
    pub(super) pages: Option<Pages>,
}

/// A preview as it is read in a browser.
pub(super) struct Pages {
    pub(super) markdown: String,
    pub(super) html: String,
}

/// What a page shows. Its style and script are the same in each, and its help, too.
fn body_of(page: &str) -> String {
    let (_, body) = page.split_once("<body>").expect("a body");
    let (body, _) = body.split_once("<dialog").expect("the help's beginning");
    body.trim().to_owned()
}
