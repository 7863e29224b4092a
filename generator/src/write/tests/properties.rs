//! What holds for any two trees.

use proptest::prelude::*;

use super::*;

/// Paths from few names, so that the two trees meet, and files become folders
/// and the other way round.
fn paths() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "b", "a-b", "a.b", "\"ä "]),
        1..5,
    )
    .prop_map(|parts| parts.join("/"))
}

/// A valid tree: no path is the folder of another.
fn trees() -> impl Strategy<Value = RenderedTree> {
    let bytes = prop::collection::vec(any::<u8>(), 0..20);
    prop::collection::btree_map(paths(), bytes, 0..12).prop_map(|files| {
        let mut tree = BTreeMap::<TreePath, Vec<u8>>::new();
        for (path, bytes) in files {
            let below = |one: &str, other: &str| {
                one.strip_prefix(other)
                    .is_some_and(|rest| rest.starts_with('/'))
            };
            if !tree
                .keys()
                .any(|known| below(known.as_str(), &path) || below(&path, known.as_str()))
            {
                tree.insert(TreePath::new(path).expect("a valid path"), bytes);
            }
        }
        RenderedTree(tree)
    })
}

fn fleets() -> impl Strategy<Value = Fleet> {
    prop::collection::btree_map("[xyz]", trees(), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_fleet_after_any_other_ends_as_if_alone(first in fleets(), second in fleets()) {
        let root = tempfile::tempdir().expect("a folder");
        run(root.path(), &first, PLAIN).expect("no faults");
        run(root.path(), &second, PLAIN).expect("no faults");
        let mut expected = undisturbed(&second);
        if !first.is_empty() {
            // The output folder itself stays, though all clusters are gone.
            expected.insert("rendered".to_owned(), "folder".to_owned());
        }
        prop_assert_eq!(snapshot(root.path()), expected);
    }

    #[test]
    fn a_check_after_a_write_is_clean(fleet in fleets()) {
        let root = tempfile::tempdir().expect("a folder");
        run(root.path(), &fleet, PLAIN).expect("no faults");
        let output = Output::open(root.path(), Path::new("rendered"), true).expect("opened");
        for staged in stage_all(&output, &fleet, CHECK).expect("no faults") {
            prop_assert!(staged.change().is_clean() && staged.change().is_idle());
        }
    }

    #[test]
    fn a_killed_run_between_any_two_fleets_is_repaired(
        first in fleets(), second in fleets(), at in 1_u64..60, half in any::<bool>(),
    ) {
        let root = tempfile::tempdir().expect("a folder");
        run(root.path(), &first, PLAIN).expect("no faults");
        let manner = if half { Manner::KilledHalfWay } else { Manner::Killed };
        let _ = run_until(root.path(), &second, PLAIN, Some((at, manner)));
        run(root.path(), &second, PLAIN).expect("repaired");
        let mut expected = undisturbed(&second);
        if !first.is_empty() {
            expected.insert("rendered".to_owned(), "folder".to_owned());
        }
        prop_assert_eq!(snapshot(root.path()), expected);
    }
}
