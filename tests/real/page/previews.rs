//! Previews made by hand: one that has everything, and one that is very long.

use logfleet_generator::diff::preview::{
    AccountRegions, Acknowledgement, Across, BlastRadius, ChangedInput, ClusterChange, ClusterRisk,
    ClusterStatus, ClusterTotals, Detail, FORMAT, GeneratorVersions, Group, InputChange,
    InputScope, Line, Part, PartFile, Preview, Risk, SettingChange, SettingPlace, SettingReach,
    Side, Sign, Totals, Variant,
};
use logfleet_generator::fault::{Fault, Place};
use logfleet_generator::settings::Flag;
use serde_json::json;

/// Would open a dialog, ask for an image or end the script, if any of it were obeyed.
const HOSTILE: &str = "\"'></script></style><img src=//example.com/x onerror=alert(1)><script>alert(1)</script>\u{202e}";

fn side(revision: &str) -> Side {
    Side {
        revision: revision.to_owned(),
        commit: Some("1f0c9a52b7d84a63a0f5f6f8a1b2c3d4e5f60718".to_owned()),
        taken: format!("what {revision} is at"),
    }
}

fn frame(groups: Vec<Group>) -> Preview {
    Preview {
        logfleet_preview: FORMAT,
        verdict: format!("{} groups of changes", groups.len()),
        base: side("origin/main"),
        head: side("my-branch"),
        clusters: ClusterTotals {
            changed: groups.len(),
            ..ClusterTotals::default()
        },
        groups,
        ..Preview::default()
    }
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to)
        .map(|number| format!("cluster-{number:05}.k8s.example.com"))
        .collect()
}

fn part(file: &str, path: &str, variants: Vec<(Vec<String>, Detail)>) -> Part {
    let variants = variants.into_iter();
    let variants: Vec<Variant> = variants
        .map(|(clusters, detail)| Variant { clusters, detail })
        .collect();
    Part {
        files: vec![PartFile {
            path: file.to_owned(),
            object: Some("DaemonSet logging/fluentd-nodes".to_owned()),
            clusters: variants.iter().map(|variant| variant.clusters.len()).sum(),
            only_in: Vec::new(),
        }],
        path: path.to_owned(),
        variants,
    }
}

/// Settings of every layer, long ones and hostile ones among them.
fn settings() -> Vec<SettingChange> {
    let place = |file: &str, line| SettingPlace {
        file: file.to_owned(),
        line,
        column: 3,
    };
    let own = |number| {
        place(
            &format!("clusters/cluster-{number:05}.k8s.example.com/cluster.yaml"),
            12,
        )
    };
    let setting = |path: &str, before, after, places, reach| SettingChange {
        path: path.to_owned(),
        scope: InputScope::Fleet,
        before,
        after,
        places,
        reach,
    };
    let fleet = || vec![place("clusters/fleet.yaml", 23)];
    vec![
        setting(
            "sources.kubernetes.applications.fluentd.max_lines",
            Some(json!(500)),
            Some(json!(300)),
            fleet(),
            SettingReach::AllClusters { count: 1200 },
        ),
        setting(
            "patches.\"more memory\"",
            Some(json!({"kind": "DaemonSet", "merge": {"spec": {"minReadySeconds": 5}}})),
            Some(json!({"kind": "DaemonSet", "merge": {"spec": {"minReadySeconds": 10}}})),
            fleet(),
            SettingReach::Clusters {
                clusters: names(0, 40),
                of: 1200,
            },
        ),
        setting(
            "streams.applications.retention_days",
            None,
            Some(json!(30)),
            (0..9).map(own).collect(),
            SettingReach::Nothing,
        ),
        setting(
            HOSTILE,
            Some(json!(HOSTILE)),
            None,
            vec![place(HOSTILE, 1)],
            SettingReach::SharedFiles {
                folders: vec!["_fleet".to_owned()],
            },
        ),
    ]
}

fn line(sign: Sign, text: &str) -> Line {
    Line {
        sign,
        text: text.to_owned(),
    }
}

fn some_lines(number: usize) -> Vec<Line> {
    vec![
        line(Sign::Context, "set -euo pipefail"),
        line(Sign::Removed, &format!("readonly retries={number}")),
        line(Sign::Added, &format!("readonly retries={}", number + 1)),
        line(Sign::Added, "readonly pause=5"),
        line(
            Sign::Context,
            "\tinstall --mode 0644 filebeat.yml /etc/filebeat/filebeat.yml",
        ),
        line(Sign::Gap, ""),
        line(Sign::Context, "exit 0"),
    ]
}

/// As many files as `count`, each of another cluster and all different.
pub fn long(count: usize) -> Preview {
    let group = |number: usize| {
        let clusters = names(number, number + 1);
        let image = |version| json!(format!("registry.example.com/fluentd:1.{number}.{version}"));
        let (file, path, detail) = match number % 3 {
            0 => (
                "kubernetes/nodes/daemonset.yaml",
                "spec.template.spec.containers[fluentd].image",
                Detail::Changed {
                    old: image(1),
                    new: image(2),
                },
            ),
            1 => (
                "machines/nodes/install.sh",
                "",
                Detail::Lines {
                    lines: some_lines(number),
                    omitted: 0,
                },
            ),
            _ => (
                "kubernetes/monitoring/alerts.yaml",
                "spec.groups[logfleet].rules[NothingShipped]",
                Detail::Added {
                    new: json!({"alert": "NothingShipped", "for": format!("{number}m"), "labels": {"severity": "warning"}}),
                },
            ),
        };
        Group {
            parts: vec![part(file, path, vec![(clusters.clone(), detail)])],
            clusters,
            comments_only: false,
        }
    };
    frame((0..count).map(group).collect())
}

/// Every kind of thing that a page has, with hostile texts among them.
pub fn whole() -> Preview {
    let mut preview = frame(groups());
    preview.risks = risks();
    preview.files = Totals {
        added: 3,
        changed: 1204,
        removed: 131,
    };
    preview.objects = Totals {
        added: 0,
        changed: 1200,
        removed: 170,
    };
    preview.settings = settings();
    preview.changed_clusters = changes();
    preview.blast_radius = radius();
    preview.head_faults = vec![
        fault("`streams.ingress.retention_dyas` is not a setting"),
        fault(HOSTILE),
    ];
    preview.base_faults =
        vec![Fault::input("`account` is missing").hint("write `account: \"111122223333\"`")];
    preview
}

fn fault(message: &str) -> Fault {
    let place = Place {
        file: "clusters/dev-anna/cluster.yaml".to_owned(),
        line: 11,
        column: 5,
        excerpt: "    retention_dyas: 3".to_owned(),
        width: 14,
    };
    Fault::input(message)
        .at(place)
        .hint("did you mean `retention_days`?")
}

fn risks() -> Vec<Risk> {
    let risk = |what: &str, acknowledged| Risk {
        flag: Flag::ClusterRemoved,
        what: what.to_owned(),
        live: Some("Argo CD deletes the cluster's Application".to_owned()),
        clusters: names(0, 9),
        files: vec!["kubernetes/nodes/daemonset.yaml".to_owned()],
        acknowledged,
        key: None,
        before: None,
        after: None,
    };
    let by = Acknowledgement {
        place: "commit 1f0c9a52".to_owned(),
        reason: Some(format!("it moved {HOSTILE}")),
    };
    vec![
        risk(
            "its logs are no longer rendered to be shipped anywhere",
            None,
        ),
        risk(HOSTILE, Some(by)),
    ]
}

fn changes() -> Vec<ClusterChange> {
    let change = |name: String, status| ClusterChange {
        name,
        status,
        files: Totals {
            added: 0,
            changed: 2,
            removed: 0,
        },
        objects: Totals::default(),
        renamed_from: None,
        account_regions: AccountRegions::default(),
        risks: Vec::new(),
    };
    let mut changes: Vec<_> = names(0, 998)
        .into_iter()
        .map(|name| change(name, ClusterStatus::Changed))
        .collect();
    let mut old = change("old.example.com".to_owned(), ClusterStatus::Removed);
    old.risks = vec![ClusterRisk {
        flag: Flag::ClusterRemoved,
        acknowledged: false,
    }];
    changes.push(old);
    changes.push(change(HOSTILE.to_owned(), ClusterStatus::HeadFaulty));
    changes
}

fn radius() -> BlastRadius {
    let input = |path: &str, scope| ChangedInput {
        path: path.to_owned(),
        change: InputChange::Changed,
        scope,
    };
    BlastRadius {
        inputs: vec![
            input("clusters/fleet.yaml", InputScope::Fleet),
            input(
                "templates/kubernetes/nodes/daemonset.yaml",
                InputScope::Template,
            ),
        ],
        by_own_files: names(0, 1),
        by_shared_files: names(1, 998),
        across: vec![Across {
            path: "clusters/dev-anna/kubernetes/patch.yaml".to_owned(),
            clusters: names(0, 2),
        }],
        generator: GeneratorVersions {
            running: "0.2.0".to_owned(),
            recorded: [("0.1.0".to_owned(), 3)].into(),
            changed_clusters: names(0, 3),
            groups: vec![Group {
                clusters: names(0, 3),
                comments_only: false,
                parts: vec![part(
                    "kubernetes/nodes/fluent.conf",
                    "<source> pos_file",
                    vec![(
                        names(0, 3),
                        Detail::Renamed {
                            to: "position".to_owned(),
                        },
                    )],
                )],
            }],
            ..GeneratorVersions::default()
        },
    }
}

fn groups() -> Vec<Group> {
    let image = |version: &str| json!(format!("registry.example.com/fluentd:{version}"));
    let changed = |old: &str, new: &str| Detail::Changed {
        old: image(old),
        new: image(new),
    };
    let outliers = (991..998).map(|number| {
        (
            names(number, number + 1),
            changed(&number.to_string(), "1.19.1"),
        )
    });
    let mut variants = vec![(names(0, 991), changed("1.19.0", "1.19.1"))];
    variants.extend(outliers);
    let one = || names(7, 8);
    let single = |file: &str, path: &str, detail| part(file, path, vec![(one(), detail)]);
    let long_line = json!(format!("{} {HOSTILE}", "a-long-word-".repeat(60)));
    let opaque = Detail::Opaque {
        old_bytes: 1200,
        new_bytes: 1300,
    };
    let details = vec![
        single(
            "machines/nodes/install.sh",
            "",
            Detail::Lines {
                lines: some_lines(3),
                omitted: 4,
            },
        ),
        single("a.yaml", "data.long", Detail::Added { new: long_line }),
        single(
            "a.yaml",
            "data.map",
            Detail::Removed {
                old: json!({"a": {"b": [1, {"c": null}]}, "d": "x\ny\n"}),
            },
        ),
        single(
            "a.yaml",
            "stringData.any",
            Detail::Changed {
                old: json!("*****"),
                new: json!("*****"),
            },
        ),
        single(
            "a.yaml",
            "order",
            Detail::Reordered {
                old: vec!["a".into(), "b".into()],
                new: vec!["b".into(), "a".into()],
            },
        ),
        single("certificate.pem", "", opaque),
        single(
            HOSTILE,
            HOSTILE,
            Detail::FileAdded {
                lines: vec![line(Sign::Added, HOSTILE)],
                omitted: 0,
            },
        ),
        single("gone.yaml", "", Detail::FileRemoved),
        single(
            "b.yaml",
            "",
            Detail::FileRenamed {
                from: "c.yaml".to_owned(),
            },
        ),
    ];
    let comments = Detail::Comments {
        lines: vec![line(Sign::Removed, "# one"), line(Sign::Added, "# two")],
        omitted: 0,
    };
    let image_path = "spec.template.spec.containers[fluentd].image";
    vec![
        Group {
            clusters: names(0, 998),
            comments_only: false,
            parts: vec![part(
                "kubernetes/nodes/daemonset.yaml",
                image_path,
                variants,
            )],
        },
        Group {
            clusters: one(),
            comments_only: false,
            parts: details,
        },
        Group {
            clusters: one(),
            comments_only: true,
            parts: vec![
                single("a.yaml", "", comments),
                single("a.yaml", "", Detail::LineEnds),
            ],
        },
    ]
}
