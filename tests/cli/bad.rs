//! Mistakes in inputs and templates. Each case's folder in `tests/cases/bad/`
//! states the mistake and lies over the base fleet, which was rendered before.

use crate::fleet::{TestFleet, cases, for_each_case};

#[test]
fn every_mistake_is_told_and_nothing_is_written() {
    for_each_case("bad", |name| {
        let fleet = TestFleet::rendered();
        fleet.overlay(&cases().join("bad").join(name));
        // Templates that never end are to be told sooner than people need it.
        let run = fleet.gen_changing_nothing(&["render", "--template-seconds", "3"]);
        assert_eq!(run.out, "", "faults go to standard error");
        assert!(matches!(run.code, 1 | 2), "{run}");
        assert!(run.err.ends_with("nothing was written\n"), "{run}");
        insta::with_settings!({ snapshot_path => "snapshots/bad", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, run.to_string());
        });
    });
}

/// A secret that was written down must not get around by our messages.
#[test]
fn no_secret_is_repeated() {
    for (key, text) in [
        ("secret", "hunter2-and-more"),
        ("password", "hunter2-and-more"),
        ("api_key", "\"hunter2-and-more\""),
        (
            "subject",
            "https://elastic:hunter2-and-more@logs.example.com",
        ),
        (
            "password",
            "|\n      hunter2-and-more\n      hunter2-and-more",
        ),
        ("password", "[hunter2-and-more"),
        ("password", "{ hunter2-and-more: hunter2-and-more"),
        (
            "password: hunter2-and-more\n      password",
            "hunter2-and-more",
        ),
    ] {
        let fleet = TestFleet::rendered();
        fleet.append(
            "clusters/alpha/cluster.yaml",
            &format!("destinations:\n  main:\n    authentication:\n      type: basic\n      {key}: {text}\n"),
        );
        for arguments in [
            &["render"][..],
            &["check", "--format", "json"],
            &["sources"],
            &["explain", "alpha"],
        ] {
            let run = fleet.gen_changing_nothing(arguments);
            assert!(
                !run.out.contains("hunter2") && !run.err.contains("hunter2"),
                "{key}: {run}"
            );
            assert!(
                matches!(run.code, 1 | 2) || arguments == ["explain", "alpha"],
                "{run}"
            );
        }
    }
}
