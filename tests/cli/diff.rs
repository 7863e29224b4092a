//! `gen diff` on real git histories: the folders in `tests/cases/diff/`.
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
//! | `bare` | leaves the repository alone, without a work tree, as `--root` |
//! | `no-git` | takes the repository away |
//! | `diff ARGUMENTS` | what is run; `gen diff` without this line |

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use git2::{
    Commit, IndexAddOption, IndexEntry, IndexTime, Oid, Repository, RepositoryInitOptions,
    Signature, Time, build::CheckoutBuilder,
};
use rayon::prelude::*;

use crate::fleet::{Run, TestFleet, cases, cases_of};

/// Every commit's author and time, so that its id is always the same.
fn author() -> Signature<'static> {
    Signature::new("Tester", "tester@example.com", &Time::new(1_700_000_000, 0)).expect("a name")
}

struct History {
    fleet: TestFleet,
    repository: Repository,
    /// Below the repository's top.
    folder: String,
    names: BTreeMap<String, Oid>,
    submodules: BTreeMap<String, Oid>,
    arguments: Vec<String>,
}

impl History {
    fn of_case(case: &str) -> Self {
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

    fn new() -> Self {
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

    fn step(&mut self, line: &str, body: &str) {
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

    fn branch(&self, name: &str) {
        let head = self.head().expect("a commit");
        self.repository
            .branch(name, &head, false)
            .expect("a branch");
        let name = format!("refs/heads/{name}");
        self.repository.set_head(&name).expect("there");
    }

    fn tag(&self, name: &str) {
        let head = self.head().expect("a commit");
        self.repository
            .tag_lightweight(name, head.as_object(), false)
            .expect("a tag");
    }

    fn checkout(&self, name: &str) {
        let name = format!("refs/heads/{name}");
        self.repository.set_head(&name).expect("a branch");
        let mut options = CheckoutBuilder::new();
        options.force().remove_untracked(true);
        self.repository
            .checkout_head(Some(&mut options))
            .expect("there");
    }

    fn commit(&mut self, name: &str) {
        self.commit_saying(name, "", None);
    }

    fn commit_saying(&mut self, name: &str, body: &str, merged: Option<&str>) {
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

    fn replace(&self, path: &str, from: &str, to: &str) {
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

    fn clusters(&self, number: usize) {
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

    fn lack(&self, commit: &str, path: &str) {
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

    fn make_bare(&mut self) {
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

    fn run(&self, more: &[&str]) -> Run {
        let mut command = self.fleet.command();
        if !self.folder.is_empty() {
            command.args(["--root", &self.folder]);
        }
        let before = self.fleet.entries();
        let run = self.fleet.run(command.args(&self.arguments).args(more));
        assert!(before == self.fleet.entries(), "files were changed:\n{run}");
        run
    }

    /// All formats of one run, which is what takes the time: as text, as
    /// `--format json` prints it, and pages where something is compared.
    fn documents(&self) -> (String, String, Option<Pages>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let files = ["a.json", "b.md", "c.html", "d.txt"].map(path);
        let outs = files.iter().flat_map(|file| ["--out", file.as_str()]);
        let run = self.run(&outs.collect::<Vec<_>>());
        if !files.iter().all(|file| fs::exists(file).expect("a folder")) {
            let json = self.named(&self.run(&["--format", "json"]));
            return (self.named(&run), json, None);
        }
        let [json, markdown, html, text] =
            files.map(|file| fs::read_to_string(file).expect("a file"));
        let pages = Pages {
            markdown: self.named_text(&markdown),
            html: body_of(&self.named_text(&html)),
        };
        let printed = |out: String, err: &str| {
            let (code, err) = (run.code, err.to_owned());
            self.named(&Run { code, out, err })
        };
        (printed(text, &run.err), printed(json, ""), Some(pages))
    }

    /// The comment that is written, if one is.
    fn markdown(&self, more: &[&str]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("body.md");
        self.run(&[&["--out", &path.display().to_string()], more].concat());
        fs::read_to_string(path).ok()
    }

    /// With names for commits.
    fn named(&self, run: &Run) -> String {
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

/// A preview as it is read in a browser.
struct Pages {
    markdown: String,
    html: String,
}

/// What a page shows. Its style and script are the same in each, and its help, too.
fn body_of(page: &str) -> String {
    let (_, body) = page.split_once("<body>").expect("a body");
    let (body, _) = body.split_once("<dialog").expect("the help's beginning");
    body.trim().to_owned()
}

/// Each case as people and machines see it. That nothing is written is part
/// of every run.
#[test]
fn shows_what_each_history_changes() {
    let cases = cases_of("diff").into_par_iter();
    let shown: Vec<(String, String, String, Option<Pages>)> = cases
        .map(|case| {
            let history = History::of_case(&case);
            let (text, json, pages) = history.documents();
            (case, text, json, pages)
        })
        .collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for (case, text, json, pages) in shown {
            insta::assert_snapshot!(format!("diff_{case}"), text);
            insta::assert_snapshot!(format!("diff_{case}_json"), json);
            if let Some(pages) = pages {
                insta::assert_snapshot!(format!("diff_{case}_markdown"), pages.markdown);
                insta::assert_snapshot!(format!("diff_{case}_html"), pages.html);
            }
        }
    });
}

/// A history with a change that is on disk.
fn changed() -> History {
    let mut history = History::new();
    history.commit("base");
    history
        .fleet
        .append("clusters/fleet.yaml", "kubernetes:\n  namespace: logs\n");
    history
}

#[test]
fn writes_files_in_the_formats_that_their_endings_tell() {
    let history = changed();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let read = |name: &str| fs::read_to_string(path(name)).expect("a file");
    fs::write(path("a.txt"), "older").expect("written");
    let run = history.run(&["--out", &path("a.txt"), "--out", &path("b.json")]);
    let text = history.run(&[]).out;
    let verdict = text.lines().next().expect("a verdict");
    assert_eq!(
        (run.code, run.out),
        (0, format!("{verdict}\n")),
        "{}",
        run.err
    );
    assert_eq!(read("a.txt"), text);
    assert_eq!(read("b.json"), history.run(&["--format", "json"]).out);
    history.run(&["--format", "json", "--out", &path("c")]);
    assert_eq!(read("c"), read("b.json"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3);
}

/// What is wrong goes to standard error, and is in each file as well.
#[test]
fn faults_are_in_files() {
    let history = changed();
    history
        .fleet
        .write("templates/kubernetes/any.yaml", "a: {{ nowhere }}\n");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = history.run(&["--out", &path("a.txt"), "--out", &path("b.md")]);
    assert_eq!(run.code, 1, "{run}");
    for name in ["a.txt", "b.md"] {
        let text = fs::read_to_string(path(name)).expect("a file");
        assert!(
            text.contains("nowhere") && run.err.contains("nowhere"),
            "{text}"
        );
        let outcome = "; no cluster could be compared\n";
        assert!(
            text.contains(outcome) && run.err.contains(outcome),
            "{text}\n{run}"
        );
    }
}

/// `--format` of every command is known before the command's name as well.
#[test]
fn the_format_may_stand_in_front() {
    let history = changed();
    let in_front = history.fleet.call(&["--format", "json", "diff"]);
    assert_eq!(in_front.out, history.run(&["--format", "json"]).out);
}

#[test]
fn files_that_cannot_be_written_are_told() {
    let history = changed();
    for arguments in [
        &["--out", "none.of/page"][..],
        &["--out", "page.xml"],
        &["--out", "a.txt", "--out", "b.json", "--format", "text"],
        &["--out", "nowhere/a.txt"],
        &["--out", "a.txt", "--max-bytes", "5000"],
        &["--link", "https://example.com/"],
    ] {
        let run = history.run(arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run}");
        assert!(run.err.contains("hint: "), "{run}");
    }
}

#[test]
fn a_comment_has_its_length_and_its_link() {
    let history = changed();
    history.clusters(30);
    let link = "https://example.com/page?a&b";
    let limits = ["--max-bytes", "2000", "--link", link];
    let markdown = history.markdown(&limits).expect("a comment");
    assert!(
        markdown.len() <= 2_000 && markdown.len() > 1_000,
        "{markdown}"
    );
    assert!(
        markdown.ends_with("[Everything on one page](<https://example.com/page?a&amp;b>)\n"),
        "{markdown}"
    );
    let format = ["--format", "markdown"];
    assert_eq!(history.run(&[&format[..], &limits].concat()).out, markdown);
    assert!(history.run(&format).out.len() > markdown.len());
    for wrong in [["--max-bytes", "1999"], ["--link", "http://example.com/"]] {
        let run = history.run(&[&format[..], &wrong].concat());
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run}");
    }
}

#[test]
fn a_repository_without_a_commit_is_told_to_be_one() {
    let run = History::new().run(&[]);
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{run}");
    assert!(run.err.contains("has no commit yet"), "{run}");
}

/// A commit shows what the work tree showed before it was one.
#[test]
fn a_commit_is_shown_as_the_work_tree_was() {
    let mut history = changed();
    history.branch("change");
    let groups = |run: &Run| -> serde_json::Value {
        let preview: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        preview["groups"].clone()
    };
    let before = groups(&history.run(&["--format", "json"]));
    history.commit("change");
    let after = groups(&history.run(&["--format", "json", "--head", "change"]));
    assert_eq!(before, after);
    assert!(!before.as_array().expect("groups").is_empty());
}

/// What is compared is the folder that was named, and else nothing is.
#[test]
fn compares_no_other_folder_than_the_one_that_is_meant() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut history = changed();
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let folder = history.fleet.root().join(latin);
    fs::create_dir(&folder).expect("made");
    fs::rename(
        history.fleet.root().join("clusters"),
        folder.join("clusters"),
    )
    .expect("moved");
    let refused = |history: &History, root: &std::ffi::OsStr, reason: &str| {
        let mut command = history.fleet.command();
        let output = command.arg("diff").arg("--root").arg(root).output();
        let output = output.expect("gen starts");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(output.stdout.is_empty(), "{err}");
        assert!(err.contains(reason) && err.contains("hint: "), "{err}");
    };
    refused(&history, latin, "is not Unicode");
    refused(&history, ".git".as_ref(), "is git's own");
    refused(&history, ".git/objects".as_ref(), "is git's own");
    fs::create_dir(history.fleet.root().join("elsewhere")).expect("made");
    let mut config = history.repository.config().expect("its settings");
    config
        .set_str("core.worktree", "../elsewhere")
        .expect("set");
    refused(&history, ".".as_ref(), "is not in the work tree");
    fs::rename(
        folder.join("clusters"),
        history.fleet.root().join("clusters"),
    )
    .expect("moved");
    config.remove("core.worktree").expect("removed");
    history.make_bare();
    refused(&history, "fleet.git".as_ref(), "has no work tree");
    refused(&history, "fleet.git/objects".as_ref(), "is within a bare");
}

/// Without all of its objects, nothing is known of a commit.
#[test]
fn guesses_nothing_of_what_a_partial_clone_lacks() {
    for lacking in [
        "clusters/environments/production.yaml",
        "clusters/alpha/kubernetes/patch.yaml",
        "clusters/certificates/main.pem",
        "clusters/environments",
        "clusters/alpha",
        "clusters",
        ".",
    ] {
        let mut history = changed();
        let patch = "kind: DaemonSet\nmetadata:\n  name: fluentd-nodes\n";
        let patch = format!("apiVersion: apps/v1\n{patch}");
        history
            .fleet
            .write("clusters/alpha/kubernetes/patch.yaml", patch);
        history.commit("patch");
        let before = history.run(&["--deny", "danger"]);
        assert_eq!(before.code, 0, "{lacking}: {before}");
        history.branch("change");
        for file in ["environments/production.yaml", "certificates/main.pem"] {
            history
                .fleet
                .append(&format!("clusters/{file}"), "# more\n");
        }
        history
            .fleet
            .append("clusters/alpha/kubernetes/patch.yaml", "# more\n");
        history.commit("change");
        history.lack("patch", lacking);
        for head in ["change", "worktree"] {
            let run = history.run(&["--deny", "danger", "--head", head]);
            assert_eq!((run.code, run.out.as_str()), (2, ""), "{lacking}: {run}");
            assert!(run.err.contains("git fetch --refetch"), "{run}");
        }
    }
}

/// Wherever one stands, a secret is in no format.
#[test]
fn prints_no_secret() {
    let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let password = "hunter2-of-the-fleet";
    let mut history = History::new();
    let template = |key: &str, word: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: extra\nstringData:\n  any: {word}\n---\n{key}\n"
        )
    };
    history
        .fleet
        .write("templates/kubernetes/extra.yaml", template("a: 1", "one"));
    let options =
        |word: &str| format!("<match **>\n  @type x\n  password {word}\n  # {word}\n</match>\n");
    history
        .fleet
        .write("templates/machines/extra.conf", options("one"));
    history
        .fleet
        .write("templates/machines/run.sh", "export TOKEN=one\n");
    history.fleet.write(
        "templates/machines/some.json",
        "{\"password\": \"one\", \"a\": \"one\"}\n",
    );
    history.commit("base");
    history.fleet.write(
        "templates/kubernetes/extra.yaml",
        template(&format!("a: {secret}"), password),
    );
    history
        .fleet
        .write("templates/machines/extra.conf", options(password));
    history.fleet.write(
        "templates/machines/run.sh",
        format!("export TOKEN={password}\nKEY={secret}\n"),
    );
    history.fleet.write(
        "templates/machines/some.json",
        format!("{{\"password\": \"{password}\", \"a\": \"{secret}\"}}\n"),
    );
    history.fleet.write(
        "templates/machines/new.sh",
        format!("export TOKEN={password}\nKEY={secret}\n"),
    );
    for format in ["text", "json", "markdown", "html"] {
        let run = history.run(&["--format", format]);
        let all = format!("{}{}", run.out, run.err);
        // A file of two documents is a fault, whose excerpt is looked at as well; all is compared.
        assert!(all.contains("2 clusters changed"), "{run}");
        assert!(all.contains("machines/some.json"), "{run}");
        assert!(!all.contains(&secret), "{run}");
        assert!(!all.contains(password), "{run}");
    }
}

/// Templates that hold a secret at `§`, each in another way.
const SECRETS: &[(&str, &str)] = &[
    (
        "machines/variables.yaml",
        "spec:\n  containers:\n    - name: a\n      args: [--password, §]\n      env:\n        - name: DB_PASSWORD\n          value: §\n",
    ),
    (
        "machines/nested.yaml",
        "password:\n  value: §\ntoken: {current: [§]}\n",
    ),
    ("machines/order.yaml", "password: [§, a§]\n"),
    (
        "machines/line.txt",
        "dsn: host=db user=x password=§\nGET https://h/x?token=§\n",
    ),
    ("machines/logstash.txt", "password => \"§\"\n"),
    ("machines/fluentd.txt", "  password §\n  shared_key §\n"),
    ("machines/run.txt", "PASSWORD=\\\n§\ntool --password §\n"),
    (
        "machines/header.txt",
        "Authorization: Bearer §\ncurl -u a:§ https://h\n",
    ),
    (
        "machines/docker.json",
        "{\"auths\": {\"r\": {\"auth\": \"§\"}}}\n",
    ),
    (
        "machines/pretty.json",
        "{\n  \"password\": [\n    \"§\"\n  ]\n}\n",
    ),
    (
        "machines/list.yaml",
        "kind: List\nitems:\n  - kind: Secret\n    stringData:\n      any: §\n",
    ),
    (
        "machines/more.yaml",
        "a: 'aws-secretsmanager:x password=§'\n",
    ),
];

/// As a value, a line, a list's order; changed, new, removed, and beside a comment.
#[test]
fn prints_no_secret_of_any_form() {
    let password = "hunter2-of-the-fleet";
    let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let mut history = History::new();
    let write = |history: &History, folder: &str, word: &str, comment: &str| {
        for (path, text) in SECRETS {
            let (top, name) = path.split_once('/').expect("a folder");
            let path = format!("templates/{top}/{folder}{name}");
            let text = text.replace('§', word);
            history.fleet.write(&path, format!("{text}{comment}"));
        }
    };
    write(&history, "changed-", "one-of-the-fleet", "");
    write(&history, "removed-", password, "");
    write(&history, "commented-", password, "");
    let branch = format!("use-{key}");
    history.commit("base");
    history.branch(&branch);
    write(&history, "changed-", password, "");
    write(&history, "new-", password, "");
    for (path, text) in SECRETS.iter().filter(|(path, _)| !path.ends_with("json")) {
        let (top, name) = path.split_once('/').expect("a folder");
        let path = format!("templates/{top}/commented-{name}");
        let text = format!("# a comment\n{}", text.replace('§', password));
        history.fleet.write(&path, text);
        history
            .fleet
            .remove(&format!("templates/{top}/removed-{name}"));
    }
    let order = format!("password: [a{password}, {password}]\n");
    history
        .fleet
        .write("templates/machines/changed-order.yaml", order);
    history
        .fleet
        .write(&format!("templates/machines/{key}.txt"), "a\n");
    history.commit("change");
    for format in ["text", "json", "markdown", "html"] {
        let run = history.run(&["--base", "main", "--head", &branch, "--format", format]);
        let all = format!("{}{}", run.out, run.err);
        // The secrets of the head are faults of its own, which show none either.
        assert_eq!(run.code, 1, "{run}");
        assert!(all.contains("holds a secret in clear"), "{run}");
        // Else it would only be among the inputs.
        assert!(all.contains("machines/changed-nested.yaml"), "{run}");
        for word in ["of-the-fleet", &key] {
            assert!(!all.contains(word), "{word}: {run}");
        }
    }
    let run = history.run(&["--base", &format!("{key}-of-old")]);
    assert!(run.code == 2 && !run.err.contains(&key), "{run}");
}

/// What somebody wrote into a message is shown without secrets and escapes.
#[test]
fn repeats_no_secret_of_a_message() {
    let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let mut history = History::new();
    history.commit("base");
    history.branch("change");
    history.fleet.remove("clusters/alpha");
    let trailers = [
        format!("cluster-removed: use {secret} \u{1b}[2J"),
        format!("cluster-removed in {secret}"),
        format!("{secret} in alpha"),
        "cluster-removed: password: hunter2-of-the-fleet".to_owned(),
    ];
    let lines = trailers.map(|value| format!("Acknowledge-Danger: {value}\n"));
    history.commit_saying("change", &lines.concat(), None);
    for format in ["text", "json"] {
        let run = history.run(&["--format", format, "--deny", "danger"]);
        let all = format!("{}{}", run.out, run.err);
        assert_eq!(run.code, 0, "{run}");
        assert!(all.contains("acknowledged"), "{run}");
        for word in [&secret, "hunter2", "\u{1b}"] {
            assert!(!all.contains(word), "{word}: {run}");
        }
    }
}
