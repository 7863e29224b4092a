//! Clusters of which little more is said than what must be: each part of the
//! sources by itself, with each kind of destination alone.

use crate::fleet::TestFleet;

const SERVERS: [(&str, &str); 2] = [("elasticsearch", "8"), ("opensearch", "3")];

const KUBERNETES_OFF: &str = "kubernetes: { applications: { enabled: false }, nodes: { enabled: false }, events: { enabled: false }, control_plane: { enabled: false } }";
const MACHINES_OFF: &str = "machines: { masters: { enabled: false }, nodes: { enabled: false } }";
const AWS_OFF: &str = "aws: { enabled: false }";

/// What of the sources is off.
fn sources() -> [(&'static str, Vec<&'static str>); 4] {
    [
        ("everything", vec![]),
        ("machines alone", vec![KUBERNETES_OFF, AWS_OFF]),
        ("pods alone", vec![MACHINES_OFF, AWS_OFF]),
        ("AWS alone", vec![KUBERNETES_OFF, MACHINES_OFF]),
    ]
}

/// A fleet of one cluster, whose file ends so.
fn fleet(distribution: &str, rest: &str) -> TestFleet {
    let fleet = TestFleet::empty();
    // The one thing that a fleet must say whose clusters ship what AWS logs.
    let code = "account_defaults: { code: { bucket: \"code-{region}\", key: forwarder.zip } }";
    fleet.write(
        "clusters/fleet.yaml",
        format!("schema_version: 1\n{code}\n"),
    );
    fleet.write(
        "clusters/environments/production.yaml",
        "schema_version: 1\n",
    );
    let masters = match distribution {
        "kops" => ", masters: { role: control_plane }",
        _ => "",
    };
    let cluster = format!(
        "name: alpha\nenvironment: production\ndistribution: {distribution}\nregion: eu-west-1\naccount: \"111122223333\"\nnode_groups: {{ nodes: {{ role: node }}{masters} }}\n{rest}"
    );
    fleet.write("clusters/alpha/cluster.yaml", cluster);
    fleet
}

fn sources_but(off: &[&str], also: &str) -> String {
    let mut parts: Vec<&str> = off.to_vec();
    if !also.is_empty() {
        parts.push(also);
    }
    format!("sources: {{ {} }}\n", parts.join(", "))
}

fn renders(fleet: &TestFleet, what: &str) -> String {
    let run = fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{what}: {run}");
    let run = fleet.gen_changing_nothing(&["check"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{what}: {run}");
    let run = fleet.gen_changing_nothing(&["sources", "--format", "json"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{what}: {run}");
    run.out
}

/// The sources with what of them isn't shipped though nobody switched it off.
fn gaps(list: &str) -> Vec<String> {
    let rows: serde_json::Value = serde_json::from_str(list).expect("JSON");
    let rows = rows.as_array().expect("rows");
    let gap = |row: &serde_json::Value, gap: &serde_json::Value| {
        format!(
            "{}: {}",
            row["source"].as_str().expect("a name"),
            gap.as_str().expect("a text")
        )
    };
    rows.iter()
        .flat_map(|row| {
            row["gaps"]
                .as_array()
                .expect("gaps")
                .iter()
                .map(move |own| gap(row, own))
        })
        .collect()
}

/// Each end's kind, of all rows.
fn ends(list: &str) -> std::collections::BTreeSet<String> {
    let rows: serde_json::Value = serde_json::from_str(list).expect("JSON");
    let rows = rows.as_array().expect("rows");
    rows.iter()
        .flat_map(|row| row["ends"].as_array().expect("ends"))
        .map(|end| end["kind"].as_str().expect("a kind").to_owned())
        .collect()
}

#[test]
fn each_part_of_the_sources_renders_with_each_server() {
    for distribution in ["kops", "eks"] {
        for (backend, version) in SERVERS {
            for (what, off) in sources() {
                let server = format!(
                    "destinations: {{ main: {{ backend: {backend}, version: {version}, url: \"https://logs.example.com\", authentication: {{ type: basic }} }} }}\n"
                );
                let has_aws = !off.contains(&AWS_OFF);
                let code = if has_aws {
                    "aws: { forwarder: { code: { bucket: \"code-{region}\", key: forwarder.zip } } }"
                } else {
                    ""
                };
                let fleet = fleet(distribution, &(server + &sources_but(&off, code)));
                let list = renders(&fleet, &format!("{what} of {distribution} at {backend}"));
                assert_eq!(gaps(&list), Vec::<String>::new());
                assert!(ends(&list).contains("data_stream"));
            }
        }
    }
}

#[test]
fn each_part_of_the_sources_renders_with_cloudwatch_alone() {
    for distribution in ["kops", "eks"] {
        for (what, off) in sources() {
            let pods = if off.contains(&KUBERNETES_OFF) {
                ""
            } else {
                "kubernetes: { role_arn: \"arn:aws:iam::111122223333:role/logs\" }\n"
            };
            let rest = format!(
                "destinations: {{ cw: {{ backend: cloudwatch }} }}\nstream_defaults: {{ destinations: {{ cw: true }} }}\n{pods}{}",
                sources_but(&off, "")
            );
            let fleet = fleet(distribution, &rest);
            let list = renders(&fleet, &format!("{what} of {distribution} in CloudWatch"));
            assert_eq!(
                ends(&list),
                std::collections::BTreeSet::from(["log_group".to_owned()])
            );
            let gaps = gaps(&list);
            assert_eq!(gaps.is_empty(), off.contains(&AWS_OFF), "{what}: {gaps:#?}");
            if !off.contains(&AWS_OFF) {
                insta::assert_snapshot!("what_cloudwatch_alone_does_not_get", gaps.join("\n"));
                // Nothing of it is made, either.
                let stack = fleet.text("rendered/alpha/aws/eu-west-1/stack.json");
                assert!(!stack.contains("AWS::Lambda::Function"), "{what}");
                assert!(!stack.contains("-elb-111122223333"), "{what}");
                let text = fleet.gen_changing_nothing(&["sources"]).out;
                assert!(
                    text.contains(
                        "not shipped: metrics can only be brought to Elasticsearch or OpenSearch"
                    ),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn an_archive_alone_takes_what_pods_and_aws_write() {
    for distribution in ["kops", "eks"] {
        let rest = format!(
            "destinations: {{ archive: {{ backend: s3, expiry_days: 30 }} }}\nstream_defaults: {{ destinations: {{ archive: true }} }}\nkubernetes: {{ role_arn: \"arn:aws:iam::111122223333:role/logs\" }}\n{}",
            sources_but(&[MACHINES_OFF], "")
        );
        let list = renders(&fleet(distribution, &rest), distribution);
        assert!(ends(&list).contains("archive"));
        assert!(gaps(&list).iter().any(|gap| gap.contains("console output")));
    }
}

/// What is said loudly and can't be is told, as ever.
#[test]
fn what_only_a_server_takes_is_refused_where_it_is_asked_for() {
    for (setting, words) in [
        ("ec2: { status: true }", "the status of machines"),
        ("ec2: { console_output: true }", "console output"),
        ("elb: { classic: true }", "logs of Classic Load Balancers"),
        ("metrics: { enabled: true }", "metrics"),
    ] {
        let rest = format!(
            "destinations: {{ cw: {{ backend: cloudwatch }} }}\nstream_defaults: {{ destinations: {{ cw: true }} }}\nkubernetes: {{ role_arn: \"arn:aws:iam::111122223333:role/logs\" }}\nsources: {{ aws: {{ {setting} }} }}\n"
        );
        let run = fleet("eks", &rest).call(&["render"]);
        assert_eq!(run.code, 1, "{run}");
        let told =
            format!("the forwarder brings {words} to Elasticsearch or OpenSearch, but the stream");
        assert!(
            run.err.contains(&told) && run.err.ends_with("1 error; nothing was written\n"),
            "{run}"
        );
    }
}
