//! Which settings a change alters, and what they reach.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::diff::preview::{
    AccountRegions, ClusterChange, ClusterStatus, ClusterTotals, SettingReach, Totals,
};
use crate::load::files::{Layer, LoadedCluster, LoadedFleet};
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;

const DEFAULTS: &str = "\
stream_defaults: { retention_days: 30 }
fluentd: { max_lines: 500 }
streams: { nodes: {}, audit: {} }
sources: { kubernetes: { nodes: { fluentd: {} }, applications: { fluentd: {} } } }
";

/// Layers of these files, by path; environments and clusters by their names.
fn fleet(files: &[(&str, &str)]) -> FleetLayers {
    let mut loaded = LoadedFleet {
        names_are_whole: true,
        ..LoadedFleet::default()
    };
    let mut read = |path: &str, text: &str| {
        let file = loaded.sources.push(SourceFile::new(path, text));
        let node = yaml::parse(file, &SourceFile::new(path, text)).expect("YAML");
        Layer { file, node }
    };
    let defaults = read("defaults", DEFAULTS).node;
    let (mut shared, mut environments, mut clusters) = (None, BTreeMap::new(), BTreeMap::new());
    for (path, text) in files {
        let layer = read(path, text);
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["fleet"] => shared = Some(layer),
            ["environments", name] => {
                environments.insert((*name).to_owned(), layer);
            }
            [name] => {
                let patches = BTreeMap::new();
                clusters.insert((*name).to_owned(), LoadedCluster { layer, patches });
            }
            _ => unreachable!("{path}"),
        }
    }
    loaded.fleet = shared;
    loaded.environments = environments;
    loaded.cluster_names = clusters.keys().cloned().collect::<BTreeSet<_>>();
    loaded.clusters = clusters;
    FleetLayers { defaults, loaded }
}

/// A line for each setting: what changes, where, and whose value does.
fn altered(base: &[(&str, &str)], head: &[(&str, &str)]) -> Vec<String> {
    let settings = altered_settings(&fleet(base), &fleet(head));
    let lines = settings.iter().map(|setting| {
        let value = |value: &Option<Json>| match value {
            Some(value) => value.to_string(),
            None => "none".to_owned(),
        };
        let places = setting.places.iter();
        let places: Vec<String> = places
            .map(|place| format!("{}:{}", place.file, place.line))
            .collect();
        let clusters: Vec<&str> = setting.clusters.iter().map(|name| &**name).collect();
        let (before, after) = (value(&setting.before), value(&setting.after));
        format!(
            "{} {before} -> {after} at {} reaches [{}]",
            setting.path,
            places.join(" "),
            clusters.join(" ")
        )
    });
    lines.collect()
}

const PRODUCTION: (&str, &str) = ("environments/production", "");
const A: (&str, &str) = ("a", "environment: production\n");
const B: (&str, &str) = ("b", "environment: production\n");

#[test]
fn a_setting_reaches_the_clusters_that_do_not_override_it() {
    let own = "environment: production\nstreams:\n  audit: { retention_days: 7 }\n  nodes: { retention_days: 7 }\n";
    let one = "environment: production\nstreams:\n  audit: { retention_days: 7 }\n";
    let other = "environment: staging\n";
    let side = |fleet| {
        [
            ("fleet", fleet),
            PRODUCTION,
            (
                "environments/staging",
                "stream_defaults: { retention_days: 9 }\n",
            ),
            A,
            ("own", own),
            ("one", one),
            ("other", other),
        ]
    };
    let base = side("stream_defaults:\n  # A month.\n  retention_days: 30\n");
    let head = side("stream_defaults:\n  retention_days: 14\n");
    assert_eq!(
        altered(&base, &head),
        ["stream_defaults.retention_days 30 -> 14 at fleet:2 reaches [a one]"]
    );
}

#[test]
fn settings_that_are_added_or_removed_stand_where_they_are_said() {
    let base = [
        ("fleet", "a: 1\nfluentd:\n  max_lines: 300\n"),
        PRODUCTION,
        A,
    ];
    let head = [
        (
            "fleet",
            "fluentd:\n  max_lines: null\nb:\n  c: {}\n  d: [x]\n",
        ),
        PRODUCTION,
        A,
    ];
    assert_eq!(
        altered(&base, &head),
        [
            "fluentd.max_lines 300 -> null at fleet:2 reaches [a]",
            "b.c none -> {} at fleet:4 reaches [a]",
            "b.d none -> [\"x\"] at fleet:5 reaches [a]",
            "a 1 -> none at fleet:1 reaches [a]",
        ]
    );
}

#[test]
fn what_is_only_written_otherwise_is_no_change() {
    let base = [
        ("fleet", "# Old.\na: [x, { b: 1, c: 2 }]\nd: \"e\"\n"),
        PRODUCTION,
        A,
    ];
    let head = [
        ("fleet", "d: e # New.\na:\n  - { c: 2, b: 1.0 }\n  - x\n"),
        PRODUCTION,
        A,
    ];
    assert_eq!(altered(&base, &head), [""; 0]);
    let more = [
        ("fleet", "d: e\na: [x, x, { b: 1, c: 2 }]\n"),
        PRODUCTION,
        A,
    ];
    assert_eq!(altered(&base, &more).len(), 1);
}

#[test]
fn a_patch_and_a_rule_for_records_are_one_setting_each() {
    let base = [
        (
            "fleet",
            "patches:\n  p: { kind: A, merge: { x: { y: 1 } } }\n",
        ),
        PRODUCTION,
        A,
    ];
    let head = [
        (
            "fleet",
            "patches:\n  p: { kind: A, merge: { x: { y: 2 }, z: 3 } }\nsources:\n  kubernetes:\n    applications:\n      records:\n        drop:\n          health: { when: { path: /health }, reason: Noise. }\n",
        ),
        PRODUCTION,
        A,
    ];
    assert_eq!(
        altered(&base, &head),
        [
            "patches.p {\"kind\":\"A\",\"merge\":{\"x\":{\"y\":1}}} -> {\"kind\":\"A\",\"merge\":{\"x\":{\"y\":2},\"z\":3}} at fleet:2 reaches [a]",
            "sources.kubernetes.applications.records.drop.health none -> {\"when\":{\"path\":\"/health\"},\"reason\":\"Noise.\"} at fleet:8 reaches [a]",
        ]
    );
}

#[test]
fn the_same_change_in_many_clusters_is_one_setting_of_several_places() {
    let base = [PRODUCTION, A, B, ("c", "environment: production\nx: 1\n")];
    let own = "environment: production\nx: 2\n";
    let head = [PRODUCTION, ("a", own), ("b", own), ("c", own)];
    assert_eq!(
        altered(&base, &head),
        [
            "x none -> 2 at a:2 b:2 reaches [a b]",
            "x 1 -> 2 at c:2 reaches [c]",
        ]
    );
}

#[test]
fn files_that_are_new_or_removed_as_a_whole_are_not_listed() {
    let base = [PRODUCTION, A, ("environments/old", "x: 1\n")];
    let head = [
        ("fleet", "x: 2\n"),
        PRODUCTION,
        A,
        B,
        ("environments/new", "x: 3\n"),
    ];
    assert_eq!(altered(&base, &head), [""; 0]);
}

#[test]
fn a_new_cluster_is_reached_by_what_it_does_not_override() {
    let base = [("fleet", "x: 1\n"), PRODUCTION, A];
    let head = [("fleet", "x: 2\n"), PRODUCTION, A, B];
    let altered = altered(&base, &head);
    assert_eq!(altered, ["x 1 -> 2 at fleet:1 reaches [a b]"]);
}

#[test]
fn a_setting_that_moves_to_another_layer_is_two() {
    let base = [("fleet", "x: 1\n"), PRODUCTION, A];
    let head = [("fleet", ""), ("environments/production", "x: 1\n"), A];
    assert_eq!(
        altered(&base, &head),
        [
            "x 1 -> none at fleet:1 reaches [a]",
            "x none -> 1 at environments/production:1 reaches [a]",
        ]
    );
}

#[test]
fn a_secret_is_seen_to_differ_and_no_more() {
    let side = |secret| [("fleet", secret), PRODUCTION, A];
    let base = side("destinations:\n  main:\n    password: { value: hunter2 }\n");
    let head = side("destinations:\n  main:\n    password: { value: hunter3 }\n");
    let altered = altered(&base, &head);
    let expected = "destinations.main.password.value \"*****\" -> \"*****\" at fleet:3 reaches [a]";
    assert_eq!(altered, [expected]);
}

#[test]
fn no_default_is_taken_for_a_secret() {
    let file = SourceFile::new("defaults", crate::settings::DEFAULTS);
    let defaults = yaml::parse(FileId(0), &file).expect("YAML");
    let nothing = yaml::parse(FileId(1), &SourceFile::new("none", "")).expect("YAML");
    let all = differences(&nothing, &defaults);
    assert!(all.len() > 100, "{}", all.len());
    let shown = Shown::of(&defaults);
    let hidden = all.iter().filter(|found| {
        let value = shown.at(&found.path).unwrap_or_default();
        value.to_string().contains(redact::HIDDEN)
    });
    let hidden: Vec<String> = hidden.map(|found| found.path.to_string()).collect();
    assert_eq!(hidden, [""; 0]);
}

/// What a setting reaches whose value differs in `a` and `b`, of three clusters.
fn reach(path: &str, statuses: &[(&str, ClusterStatus)]) -> SettingReach {
    let changes: Vec<ClusterChange> = statuses
        .iter()
        .map(|(name, status)| ClusterChange {
            name: (*name).to_owned(),
            status: *status,
            files: Totals::default(),
            objects: Totals::default(),
            renamed_from: None,
            account_regions: AccountRegions::default(),
            risks: Vec::new(),
        })
        .collect();
    let setting = AlteredSetting {
        path: ValuePath::parse(path).expect("a path"),
        scope: InputScope::Fleet,
        before: Some(json!(1)),
        after: Some(json!(2)),
        places: Vec::new(),
        clusters: vec!["a".into(), "b".into()],
    };
    let totals = ClusterTotals {
        unchanged: 3,
        ..ClusterTotals::default()
    };
    let mut told = with_effects(vec![setting], &changes, totals);
    told.remove(0).reach
}

#[test]
fn clusters_are_reached_whose_files_differ() {
    use ClusterStatus::{AccountFiles, BaseFaulty, Changed, FleetFiles};
    let clusters = |names: &[&str]| SettingReach::Clusters {
        clusters: names.iter().map(|name| (*name).to_owned()).collect(),
        of: 3,
    };
    let folders = |names: &[&str]| SettingReach::SharedFiles {
        folders: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (path, statuses, expected) in [
        ("x", vec![], SettingReach::Nothing),
        ("x", vec![("c", Changed)], SettingReach::Nothing),
        ("x", vec![("a", Changed), ("c", Changed)], clusters(&["a"])),
        ("x", vec![("b", BaseFaulty)], SettingReach::NotCompared),
        ("x", vec![("_fleet", FleetFiles)], folders(&["_fleet"])),
        (
            "x",
            vec![("a", Changed), ("_fleet", FleetFiles)],
            clusters(&["a"]),
        ),
        // What only the fleet says isn't any cluster's.
        (
            "accounts.x",
            vec![("a", Changed), ("_accounts", AccountFiles)],
            folders(&["_accounts"]),
        ),
        (
            "reconciler.x",
            vec![("_accounts", AccountFiles)],
            SettingReach::Nothing,
        ),
    ] {
        assert_eq!(reach(path, &statuses), expected, "{path} {statuses:?}");
    }
}
