//! Runs stopped at every single change of the disk.

use rustix::io::Errno;

use super::*;

/// Each case: what stands, what is rendered next. Together they take every
/// path through applying.
fn cases() -> Vec<(&'static str, Fleet, Fleet)> {
    let old: &[(&str, &str)] = &[
        ("same", "same"),
        ("changed", "old"),
        ("gone", "gone"),
        ("deep/er/gone", "gone"),
        ("deep/stays", "stays"),
        ("file-to-folder", "old"),
        ("folder-to-file/a/b", "old"),
        ("folder-to-file/c", "old"),
    ];
    let new: &[(&str, &str)] = &[
        ("same", "same"),
        ("changed", "new and longer"),
        ("new/in/here", "new"),
        ("deep/stays", "stays, changed"),
        ("file-to-folder/a/b", "new"),
        ("folder-to-file", "new"),
    ];
    vec![
        ("cold", fleet(&[]), fleet(&[("one", new), ("two", old)])),
        ("changes", fleet(&[("one", old)]), fleet(&[("one", new)])),
        ("back", fleet(&[("one", new)]), fleet(&[("one", old)])),
        (
            "only deletions",
            fleet(&[("one", old)]),
            fleet(&[("one", &old[..2])]),
        ),
        (
            "nothing left",
            fleet(&[("one", old)]),
            fleet(&[("one", &[])]),
        ),
        (
            "cluster gone",
            fleet(&[("one", old), ("two", new)]),
            fleet(&[("two", new)]),
        ),
        (
            "cluster renamed",
            fleet(&[("one", old)]),
            fleet(&[("two", old)]),
        ),
    ]
}

/// Files that aren't ours, with names as unlucky as they get.
const FOREIGN: &[(&str, &str)] = &[
    ("rendered/one/notes.md", "mine"),
    ("rendered/one/deep/.mine.logfleet-tmp", "mine"),
    ("rendered/one/.mine.logfleet-tmp", "mine"),
    ("rendered/two/notes.md", "mine"),
    ("rendered/two/.logfleet-tmp", "mine"),
    ("rendered/.other.logfleet-tmp/a", "mine"),
    ("rendered/README.md", "mine"),
];

fn manners() -> [Manner; 6] {
    [
        Manner::Killed,
        Manner::KilledHalfWay,
        Manner::FailsOnce(Errno::NOSPC),
        Manner::FailsOnce(Errno::IO),
        Manner::Full,
        Manner::Refused(Errno::ROFS),
    ]
}

fn put_foreign(root: &Path, foreign: &[(&str, &str)]) {
    for (path, text) in foreign {
        put(root, path, text);
    }
}

/// Stops going from `old` to `new` at each step, then runs `next` plainly, and
/// compares with a folder where nothing was ever stopped.
fn stop_everywhere(name: &str, old: &Fleet, new: &Fleet, next: &Fleet, foreign: &[(&str, &str)]) {
    let calm = tempfile::tempdir().expect("a folder");
    run(calm.path(), old, PLAIN).expect("no faults");
    put_foreign(calm.path(), foreign);
    run(calm.path(), new, PLAIN).expect("no faults");
    run(calm.path(), next, PLAIN).expect("no faults");
    let expected = snapshot(&calm.path().join("rendered"));
    for (path, _) in foreign {
        assert_eq!(
            expected
                .get(path.trim_start_matches("rendered/"))
                .map(String::as_str),
            Some("file mine"),
            "{name}: {path}"
        );
    }
    for manner in manners() {
        for at in 1.. {
            let root = tempfile::tempdir().expect("a folder");
            run(root.path(), old, PLAIN).expect("no faults");
            put_foreign(root.path(), foreign);
            let (stopped, steps) = run_until(root.path(), new, PLAIN, Some((at, manner)));
            if steps < at {
                stopped.expect("a run that was not stopped has no faults");
                assert!(at > 5, "{name}: only {at} steps");
                break;
            }
            let repaired = run(root.path(), next, PLAIN);
            let context = format!("{name}, {manner:?} at step {at} of {steps}");
            repaired.unwrap_or_else(|faults| panic!("{context}: {:?}", faults.sorted()));
            assert_eq!(
                snapshot(&root.path().join("rendered")),
                expected,
                "{context}"
            );
        }
    }
}

#[test]
fn the_next_run_repairs_whatever_was_begun() {
    for (name, old, new) in cases() {
        stop_everywhere(name, &old, &new, &new, &[]);
    }
}

#[test]
fn foreign_files_survive_every_interruption() {
    for (name, old, new) in cases() {
        stop_everywhere(name, &old, &new, &new, FOREIGN);
    }
}

#[test]
fn a_next_run_with_other_input_repairs_too() {
    for (name, old, new) in cases() {
        stop_everywhere(&format!("{name}, then back"), &old, &new, &old, &[]);
        let third = fleet(&[("one", &[("changed/to/folder", "3"), ("deep", "3")])]);
        stop_everywhere(&format!("{name}, then on"), &old, &new, &third, &[]);
    }
}

#[test]
fn a_repair_may_be_interrupted_as_well() {
    let (_, old, new) = cases().swap_remove(1);
    let expected = undisturbed(&new);
    for first in 1.. {
        let mut reached = 0;
        for second in 1.. {
            let root = tempfile::tempdir().expect("a folder");
            run(root.path(), &old, PLAIN).expect("no faults");
            reached = run_until(
                root.path(),
                &new,
                PLAIN,
                Some((first, Manner::KilledHalfWay)),
            )
            .1;
            let at = Some((second, Manner::KilledHalfWay));
            let (_, steps) = run_until(root.path(), &new, PLAIN, at);
            run(root.path(), &new, PLAIN).expect("repaired");
            assert_eq!(
                snapshot(root.path()),
                expected,
                "steps {first} and {second}"
            );
            if steps < second {
                break;
            }
        }
        if reached < first {
            break;
        }
    }
}

#[test]
fn a_forced_run_that_was_killed_is_finished_without_force() {
    let (_, old, new) = cases().swap_remove(1);
    let expected = undisturbed(&new);
    let begin = |root: &Path| {
        run(root, &old, PLAIN).expect("no faults");
        put(root, "rendered/one/changed", "edited");
        put(root, "rendered/one/gone", "edited");
        put(root, "rendered/one/new", "foreign, where a folder belongs");
    };
    let mut is_journaled = false;
    for at in 1.. {
        let root = tempfile::tempdir().expect("a folder");
        begin(root.path());
        let before = snapshot(root.path());
        let (_, steps) = run_until(root.path(), &new, FORCE, Some((at, Manner::Killed)));
        // Up to the journal nothing has happened, and force is needed again.
        if run(root.path(), &new, PLAIN).is_ok() {
            assert_eq!(snapshot(root.path()), expected, "step {at}");
            is_journaled = true;
        } else {
            assert!(!is_journaled, "step {at}");
            let mut after = snapshot(root.path());
            after.remove("rendered/one/..logfleet.json.logfleet-tmp");
            after.retain(|path, _| !path.starts_with("rendered/.one.logfleet-tmp"));
            assert_eq!(after, before, "step {at}");
        }
        if steps < at {
            assert!(is_journaled);
            break;
        }
    }
}

#[test]
fn a_full_disk_and_a_read_only_folder_are_one_fault_with_the_path() {
    let root = tempfile::tempdir().expect("a folder");
    let one = fleet(&[("one", &[("a/b", "text")])]);
    let reported = |at, manner| {
        let (result, _) = run_until(root.path(), &one, PLAIN, Some((at, manner)));
        let faults = result.expect_err("a fault").sorted();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].kind, crate::fault::FaultKind::Environment);
        faults[0].message.clone()
    };
    assert_eq!(
        reported(1, Manner::Refused(Errno::ROFS)),
        "`rendered` can't be created: Read-only file system (os error 30)"
    );
    assert_eq!(
        reported(7, Manner::Full),
        "`rendered/.one.logfleet-tmp/a/b` can't be written: No space left on device (os error 28)"
    );
    // What was begun on the full disk is cleared away at once.
    assert!(snapshot(root.path()).is_empty());
    run(root.path(), &one, PLAIN).expect("space again");
    put(root.path(), "rendered/one/a/b", "text");
    let changed = fleet(&[("one", &[("a/b", "other")])]);
    let (result, _) = run_until(
        root.path(),
        &changed,
        PLAIN,
        Some((1, Manner::Refused(Errno::ACCESS))),
    );
    assert_eq!(
        messages(result),
        ["`rendered/.one.logfleet-tmp` can't be created: Permission denied (os error 13)"]
    );
}
