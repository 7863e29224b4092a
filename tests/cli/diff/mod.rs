//! `gen diff` on real git histories.

mod cases;
mod history;

use std::fs;

use history::History;

use crate::fleet::Run;

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

/// A commit shows what the working tree showed before it was one.
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
    refused(&history, ".".as_ref(), "is not in the working tree");
    fs::rename(
        folder.join("clusters"),
        history.fleet.root().join("clusters"),
    )
    .expect("moved");
    config.remove("core.worktree").expect("removed");
    history.make_bare();
    refused(&history, "fleet.git".as_ref(), "has no working tree");
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
