//! What is written, what is protected, and how that is reported.

use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::*;

fn one(files: &[(&str, &str)]) -> Fleet {
    fleet(&[("one", files)])
}

/// A folder in which `one` was written.
fn written(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    run(root.path(), &one(files), PLAIN).expect("no faults");
    root
}

/// Runs and expects these messages and an untouched folder.
fn refused(root: &Path, fleet: &Fleet, options: WriteOptions, expected: &[&str]) {
    let before = snapshot(root);
    assert_eq!(messages(run(root, fleet, options)), expected);
    assert_eq!(snapshot(root), before);
}

#[test]
fn the_ownership_file_is_plain_json() {
    let root = written(&[("b/c", ""), ("a", "text")]);
    let text = fs::read_to_string(root.path().join("rendered/one/.logfleet.json")).expect("there");
    insta::assert_snapshot!(text, @r#"
    {
      "logfleet_ownership": 1,
      "generator": "0.1.0",
      "cluster": "one",
      "files": {
        "a": "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1",

        "b/c": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
      }
    }
    "#);
}

#[test]
fn a_second_run_changes_no_date_and_takes_no_step() {
    let files: &[(&str, &str)] = &[("a", "1"), ("b/c/d", "2"), ("b-c", "3"), ("b/e", "4")];
    let root = written(files);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
    let dated: Vec<_> = snapshot(root.path())
        .into_keys()
        .map(|path| root.path().join(path))
        .collect();
    for path in &dated {
        fs::File::open(path)
            .and_then(|file| file.set_modified(long_ago))
            .expect("dated");
    }
    let (result, steps) = run_until(root.path(), &one(files), PLAIN, None);
    assert_eq!(
        result.expect("no faults"),
        [WriteSummary {
            unchanged: 4,
            ..Default::default()
        }]
    );
    assert_eq!(steps, 0);
    for path in &dated {
        assert_eq!(
            fs::metadata(path)
                .and_then(|found| found.modified())
                .expect("dated"),
            long_ago
        );
    }
}

#[test]
fn only_files_that_differ_are_written() {
    let root = written(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
    let a = root.path().join("rendered/one/a");
    fs::File::open(&a)
        .and_then(|file| file.set_modified(long_ago))
        .expect("dated");
    let summary = run(
        root.path(),
        &one(&[("a", "1"), ("b", "x"), ("d", "4")]),
        PLAIN,
    );
    assert_eq!(
        summary.expect("no faults"),
        [WriteSummary {
            created: 1,
            updated: 1,
            deleted: 1,
            unchanged: 1
        }]
    );
    assert_eq!(
        fs::metadata(&a)
            .and_then(|found| found.modified())
            .expect("dated"),
        long_ago
    );
}

#[test]
fn every_edited_file_of_every_cluster_is_named_and_nothing_is_written() {
    let files: &[(&str, &str)] = &[("a", "1"), ("b/c", "2"), ("d", "3")];
    let root = tempfile::tempdir().expect("a folder");
    run(
        root.path(),
        &fleet(&[("one", files), ("two", files), ("old", files)]),
        PLAIN,
    )
    .expect("no faults");
    for edited in ["one/a", "two/b/c", "old/d"] {
        put(root.path(), &format!("rendered/{edited}"), "edited");
    }
    let next = fleet(&[("one", &[("a", "x"), ("d", "x")]), ("two", &[("a", "x")])]);
    refused(
        root.path(),
        &next,
        PLAIN,
        &[
            "`rendered/old/d` was edited by hand; nothing was written",
            "`rendered/one/a` was edited by hand; nothing was written",
            "`rendered/two/b/c` was edited by hand; nothing was written",
        ],
    );
    run(root.path(), &next, FORCE).expect("forced");
    assert_eq!(snapshot(root.path()), undisturbed(&next));
}

#[test]
fn an_edit_is_a_fault_even_if_the_rendered_file_stays_the_same() {
    let root = written(&[("a", "1")]);
    put(root.path(), "rendered/one/a", "edited");
    let expected = ["`rendered/one/a` was edited by hand; nothing was written"];
    refused(root.path(), &one(&[("a", "1")]), PLAIN, &expected);
}

#[test]
fn an_edit_that_the_input_then_makes_is_adopted() {
    let root = written(&[("a", "1")]);
    std::thread::sleep(Duration::from_millis(20));
    put(root.path(), "rendered/one/a", "2");
    run(root.path(), &one(&[("a", "2")]), PLAIN).expect("adopted");
    assert_eq!(snapshot(root.path()), undisturbed(&one(&[("a", "2")])));
    run(root.path(), &one(&[("a", "3")]), PLAIN).expect("still ours");
}

#[test]
fn a_check_lists_differences_and_writes_nothing() {
    let root = written(&[("a", "1"), ("b", "2"), ("c", "3"), ("e", "5")]);
    put(root.path(), "rendered/one/a", "edited");
    let before = snapshot(root.path());
    let output = Output::open(root.path(), Path::new("rendered"), true).expect("opened");
    let next = tree(&[("a", "1"), ("b", "x"), ("d", "4"), ("e", "5")]);
    let plan = plan(&output, "one", next, CHECK).expect("no faults");
    let staged = stage(&output, plan).expect("does nothing");
    let change = staged.change();
    assert_eq!(change.created().collect::<Vec<_>>(), ["d"]);
    assert_eq!(change.updated().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(change.deleted().collect::<Vec<_>>(), ["c"]);
    assert_eq!(change.edited().collect::<Vec<_>>(), ["a"]);
    assert_eq!(change.unchanged_count(), 1);
    assert!(!change.is_clean());
    commit(&output, &staged).expect("does nothing");
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn foreign_files_are_adopted_if_equal_and_a_fault_if_in_the_way() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path(), "rendered/one/a", "1");
    put(root.path(), "rendered/one/b", "foreign");
    put(root.path(), "rendered/one/c", "foreign");
    put(root.path(), "rendered/one/other", "foreign");
    let next = one(&[("a", "1"), ("b", "2"), ("c/d", "3")]);
    refused(
        root.path(),
        &next,
        PLAIN,
        &[
            "`rendered/one/b` was not written by gen, but a rendered file belongs there; nothing was written",
            "`rendered/one/c` was not written by gen, but a folder of rendered files belongs there; nothing was written",
        ],
    );
    run(root.path(), &next, FORCE).expect("forced");
    let mut expected = undisturbed(&next);
    expected.insert("rendered/one/other".to_owned(), "file foreign".to_owned());
    assert_eq!(snapshot(root.path()), expected);
}

#[test]
fn foreign_files_keep_their_folders() {
    let root = written(&[("a/b/c", "1"), ("d", "2")]);
    put(root.path(), "rendered/one/a/b/mine", "mine");
    run(root.path(), &one(&[]), PLAIN).expect("no faults");
    let mut expected = undisturbed(&one(&[]));
    for folder in ["a", "a/b"] {
        expected.insert(format!("rendered/one/{folder}"), "folder".to_owned());
    }
    expected.insert("rendered/one/a/b/mine".to_owned(), "file mine".to_owned());
    assert_eq!(snapshot(root.path()), expected);
    run(root.path(), &fleet(&[]), PLAIN).expect("no faults");
    expected.remove("rendered/one/.logfleet.json");
    assert_eq!(snapshot(root.path()), expected);
}

#[test]
fn a_copied_folder_is_somebodys_own() {
    let root = written(&[("a", "1")]);
    for name in ["a", ".logfleet.json"] {
        let bytes = fs::read_to_string(root.path().join("rendered/one").join(name)).expect("there");
        put(root.path(), &format!("rendered/backup/{name}"), &bytes);
    }
    let before = snapshot(root.path());
    run(root.path(), &one(&[("a", "1")]), PLAIN).expect("no faults");
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn a_folder_where_a_file_belongs_goes_only_if_all_in_it_was_ours() {
    let root = written(&[("a/b", "1")]);
    put(root.path(), "rendered/one/a/mine", "mine");
    let expected = "`rendered/one/a` is a folder, but a file belongs there, and `rendered/one/a/mine` in it was not written by gen";
    refused(root.path(), &one(&[("a", "x")]), PLAIN, &[expected]);
    refused(root.path(), &one(&[("a", "x")]), FORCE, &[expected]);
    fs::create_dir_all(root.path().join("rendered/one/theirs")).expect("made");
    let expected = ["`rendered/one/theirs` is a folder, but a file belongs there"];
    refused(root.path(), &one(&[("theirs", "x")]), FORCE, &expected);
}

#[test]
fn links_are_never_followed() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    put(elsewhere.path(), "a", "1");
    let files: &[(&str, &str)] = &[("a", "1"), ("b/c", "2")];
    let cases = [
        (
            "rendered",
            "`rendered` is a symbolic link, but a folder belongs there",
        ),
        (
            "rendered/one",
            "`rendered/one` is a symbolic link, but a folder belongs there",
        ),
        (
            "rendered/one/b",
            "`rendered/one/b` is a symbolic link, but a folder belongs there",
        ),
        (
            "rendered/one/a",
            "`rendered/one/a` is a symbolic link, but a file belongs there",
        ),
        (
            "rendered/one/.logfleet.json",
            "`rendered/one/.logfleet.json` is a symbolic link, but a file belongs there",
        ),
    ];
    for (link, expected) in cases {
        let root = written(files);
        let link = root.path().join(link);
        if link.is_dir() {
            fs::remove_dir_all(&link)
        } else {
            fs::remove_file(&link)
        }
        .expect("removed");
        let target = if expected.contains("a file") {
            elsewhere.path().join("a")
        } else {
            elsewhere.path().to_owned()
        };
        symlink(target, &link).expect("linked");
        for options in [PLAIN, FORCE, CHECK] {
            refused(root.path(), &one(files), options, &[expected]);
            refused(
                root.path(),
                &one(&[("a", "x"), ("b/c", "x")]),
                options,
                &[expected],
            );
        }
    }
    // Also not to delete what a link leads to.
    let root = written(&[("b/a", "1")]);
    fs::remove_dir_all(root.path().join("rendered/one/b")).expect("removed");
    symlink(elsewhere.path(), root.path().join("rendered/one/b")).expect("linked");
    let expected = ["`rendered/one/b` is a symbolic link, but a folder belongs there"];
    refused(root.path(), &one(&[]), FORCE, &expected);
    assert_eq!(snapshot(elsewhere.path()).len(), 1);
}

// macOS has no `mknodat`; the code under test is the same.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_does_not_hold_the_run_up() {
    let root = written(&[("a", "1")]);
    let path = root.path().join("rendered/one/p");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("made");
    let expected = ["`rendered/one/p` is a socket, pipe or device, but a file belongs there"];
    refused(
        root.path(),
        &one(&[("a", "1"), ("p", "x")]),
        FORCE,
        &expected,
    );
}

#[test]
fn temporary_names_of_somebody_else_are_kept() {
    let root = written(&[("a", "1")]);
    let foreign = [
        "rendered/one/.a.logfleet-tmp",
        "rendered/one/..logfleet.json.logfleet-tmp",
    ];
    for path in foreign {
        put(root.path(), path, "mine");
    }
    run(root.path(), &one(&[("a", "1")]), PLAIN).expect("nothing to do");
    let expected = [
        "`rendered/one/..logfleet.json.logfleet-tmp` was not written by gen, but its name is needed for a temporary file; nothing was written",
    ];
    refused(root.path(), &one(&[("a", "x")]), PLAIN, &expected);
    refused(root.path(), &one(&[("a", "x")]), FORCE, &expected);
    fs::remove_file(root.path().join(foreign[1])).expect("removed");
    run(root.path(), &one(&[("a", "x")]), PLAIN).expect("no faults");
    assert_eq!(snapshot(root.path())[foreign[0]], "file mine");
}

#[test]
fn a_staging_folder_of_somebody_else_is_kept() {
    let root = written(&[("a", "1")]);
    for cluster in ["one", "two"] {
        let path = format!("rendered/.{cluster}.logfleet-tmp/mine");
        put(root.path(), &path, "mine");
    }
    run(root.path(), &one(&[("a", "1")]), PLAIN).expect("nothing to do");
    let next = fleet(&[("one", &[("a", "x")]), ("two", &[("b", "2")])]);
    let expected = ["one", "two"].map(|cluster| {
        format!(
            "`rendered/.{cluster}.logfleet-tmp` was not written by gen, but its name is needed for a temporary file; nothing was written"
        )
    });
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    refused(root.path(), &next, PLAIN, &expected);
    refused(root.path(), &next, FORCE, &expected);
    // Put into ours, after a run was killed, it stays, too.
    let root = written(&[("a", "1")]);
    let at = Some((5, Manner::Killed));
    let _ = run_until(root.path(), &one(&[("a", "x")]), PLAIN, at);
    put(root.path(), "rendered/.one.logfleet-tmp/mine", "mine");
    let reported = run(root.path(), &one(&[("a", "x")]), PLAIN);
    assert_eq!(messages(reported), expected[..1]);
    let left = snapshot(&root.path().join("rendered/.one.logfleet-tmp"));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["mine"]);
    assert_eq!(snapshot(root.path())["rendered/one/a"], "file 1");
}

#[test]
fn a_fault_of_the_last_cluster_leaves_nothing_of_the_first() {
    let root = written(&[("a", "1"), ("b/c", "2")]);
    put(root.path(), "rendered/two/a", "foreign");
    let next = fleet(&[
        ("one", &[("a", "x"), ("d/e", "3")]),
        ("three", &[("a", "1")]),
        ("two", &[("a", "1")]),
    ]);
    let expected = [
        "`rendered/two/a` was not written by gen, but a rendered file belongs there; nothing was written",
    ];
    refused(root.path(), &next, PLAIN, &expected);
    // Not even the folder for all of them.
    let root = tempfile::tempdir().expect("a folder");
    let next = fleet(&[("one", &[("a", "1")]), ("two", &[("a", ""), ("a/b", "")])]);
    let expected = ["`rendered/two/a` is rendered both as a file and as a folder"];
    refused(root.path(), &next, PLAIN, &expected);
}

#[test]
fn a_run_that_was_given_up_stages_nothing_more() {
    let root = written(&[("a", "1")]);
    let before = snapshot(root.path());
    let output = Output::open(root.path(), Path::new("rendered"), false).expect("opened");
    let staged = |cluster: &str| {
        let plan = plan(&output, cluster, tree(&[("a", "x")]), PLAIN).expect("no faults");
        stage(&output, plan)
    };
    staged("one").expect("staged");
    assert_ne!(snapshot(root.path()), before);
    abandon(&output);
    assert_eq!(snapshot(root.path()), before);
    staged("two").expect_err("closed");
    assert_eq!(snapshot(root.path()), before);
}

#[test]
fn a_broken_or_newer_ownership_file_is_a_fault() {
    let root = written(&[("a", "1"), ("b", "2")]);
    let ownership = "rendered/one/.logfleet.json";
    let next = one(&[("a", "x")]);
    for (text, why) in [
        (
            "<<<<<<< HEAD\n",
            "the marks of its merge conflict don't fit each other",
        ),
        (
            r#"{"logfleet_ownership":1,"generator":"0","cluster":"one","files":{"../x":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}"#,
            "`../x` leaves its folder, or has an empty part",
        ),
        (
            r#"{"logfleet_ownership":1,"generator":"0","cluster":"one","files":{"a":"e3"}}"#,
            "`e3` is not a SHA-256 in hex at line 1 column 74",
        ),
    ] {
        put(root.path(), ownership, text);
        let expected = format!(
            "`{ownership}` can't be understood, so it is unknown which files gen wrote: {why}"
        );
        refused(root.path(), &next, PLAIN, &[&expected]);
        refused(root.path(), &fleet(&[]), FORCE, &[&expected]);
    }
    run(root.path(), &next, FORCE).expect("forced");
    let mut expected = undisturbed(&next);
    expected.insert("rendered/one/b".to_owned(), "file 2".to_owned());
    assert_eq!(snapshot(root.path()), expected);
    put(
        root.path(),
        ownership,
        r#"{"logfleet_ownership": 2, "else": []}"#,
    );
    let expected = [
        "`rendered/one/.logfleet.json` has format 2, written by a newer gen; this one knows up to 1",
    ];
    refused(root.path(), &next, FORCE, &expected);
}

#[test]
fn reserved_and_contradicting_paths_are_faults() {
    let root = tempfile::tempdir().expect("a folder");
    let bad = one(&[
        (".logfleet.json", ""),
        ("a/.b.logfleet-tmp", ""),
        ("c", ""),
        ("c-d", ""),
        ("c/d/e", ""),
    ]);
    refused(
        root.path(),
        &bad,
        PLAIN,
        &[
            "`rendered/one/.logfleet.json` is rendered, but that name is reserved for gen itself",
            "`rendered/one/a/.b.logfleet-tmp` is rendered, but that name is reserved for gen itself",
            "`rendered/one/c` is rendered both as a file and as a folder",
        ],
    );
    for name in ["..", "a/b", ".hidden", ""] {
        assert_eq!(
            messages(run(root.path(), &fleet(&[(name, &[])]), PLAIN)).len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_file_in_place_of_a_folder_is_a_fault() {
    let root = tempfile::tempdir().expect("a folder");
    put(root.path(), "rendered", "mine");
    let expected = ["`rendered` is a file, but a folder belongs there"];
    refused(root.path(), &one(&[]), FORCE, &expected);
    fs::remove_file(root.path().join("rendered")).expect("removed");
    put(root.path(), "rendered/one", "mine");
    let expected = ["`rendered/one` is a file, but a folder belongs there"];
    refused(root.path(), &one(&[]), FORCE, &expected);
}

#[test]
fn two_runs_at_once_are_refused() {
    let root = written(&[]);
    let first = Output::open(root.path(), Path::new("rendered"), false).expect("opened");
    let second = Output::open(root.path(), Path::new("rendered"), false).expect_err("locked");
    assert_eq!(
        second.message,
        "another gen is writing to `rendered` right now"
    );
    Output::open(root.path(), Path::new("rendered"), true).expect("a check needs no lock");
    drop(first);
    Output::open(root.path(), Path::new("rendered"), false).expect("free again");
}

#[test]
fn names_as_long_as_file_systems_allow_can_be_written_twice() {
    let long = "n".repeat(255);
    let root = written(&[(&long, "1")]);
    run(root.path(), &one(&[(&long, "2")]), PLAIN).expect("no faults");
    assert_eq!(snapshot(root.path()), undisturbed(&one(&[(&long, "2")])));
}
