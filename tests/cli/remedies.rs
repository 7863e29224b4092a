//! Mistakes that many make. Each is told at its place with a remedy, and the
//! fleet is right again when the remedy is followed as it is told.

use crate::fleet::TestFleet;

const CLUSTER: &str = "clusters/alpha/cluster.yaml";

/// A mistake: what is added to the cluster's settings, and what gen says.
struct Mistake {
    added: &'static str,
    /// The line of the file that is blamed, counted in `added` from 1.
    line: usize,
    message: &'static str,
    hint: &'static str,
    /// The settings once the hint was followed.
    followed: &'static str,
}

const MISTAKES: [Mistake; 22] = [
    Mistake {
        added: "node_groups:\n  nodes: { role:node }\n",
        line: 2,
        message: "no space after the `:` in `role:node`",
        hint: "write `role: node`",
        followed: "node_groups:\n  nodes: { role: node }\n",
    },
    Mistake {
        added: "node_groups:\n  nodes:\n    role:node\n",
        line: 3,
        message: "`node_groups.nodes`: expected a mapping, found the text \"role:node\"",
        hint: "write `role: node`, with a space after the `:`",
        followed: "node_groups:\n  nodes:\n    role: node\n",
    },
    Mistake {
        added: "node_groups:\n  - name: nodes\n    role: node\n",
        line: 2,
        message: "`node_groups`: expected a mapping, found a list",
        hint: "write `nodes:` with its settings indented below in place of each list item",
        followed: "node_groups:\n  nodes:\n    role: node\n",
    },
    Mistake {
        added: "sources:\n  kubernetes:\n    nodes:\n      namespaces: [kube-system]\n",
        line: 4,
        message: "`sources.kubernetes.nodes.namespaces`: expected a mapping, found a list",
        hint: "write `kube-system: true` in place of each list item",
        followed: "sources:\n  kubernetes:\n    nodes:\n      namespaces: { kube-system: true }\n",
    },
    Mistake {
        added: "sources:\n  kubernetes:\n    nodes:\n      namespaces: kube-system\n",
        line: 4,
        message: "`sources.kubernetes.nodes.namespaces`: expected a mapping, found the text \"kube-system\"",
        hint: "write `kube-system: true`",
        followed: "sources:\n  kubernetes:\n    nodes:\n      namespaces:\n        kube-system: true\n",
    },
    Mistake {
        added: "node_groups:\n  nodes:\n  role: node\n",
        line: 2,
        message: "`nodes` has no value",
        hint: "to put `role` into `nodes`, indent it further than `nodes`",
        followed: "node_groups:\n  nodes:\n    role: node\n",
    },
    Mistake {
        added: "streams:\n  applications:\n  retention_days: 7\n",
        line: 2,
        message: "`applications` has no value",
        hint: "to put `retention_days` into `applications`, indent it further than `applications`",
        followed: "streams:\n  applications:\n    retention_days: 7\n",
    },
    Mistake {
        added: "stream_defaults:\n  retention_days: 30d\n",
        line: 2,
        message: "`stream_defaults.retention_days`: expected a whole number, found the text \"30d\"",
        hint: "write `30`: the unit is days",
        followed: "stream_defaults:\n  retention_days: 30\n",
    },
    Mistake {
        added: "stream_defaults:\n  retention_days: 4 weeks\n",
        line: 2,
        message: "`stream_defaults.retention_days`: expected a whole number, found the text \"4 weeks\"",
        hint: "write a whole number of days, without a unit",
        followed: "stream_defaults:\n  retention_days: 28\n",
    },
    Mistake {
        added: "fluentd:\n  read:\n    rotate_wait_seconds: 60s\n",
        line: 3,
        message: "`fluentd.read.rotate_wait_seconds`: expected a whole number, found the text \"60s\"",
        hint: "write `60`: the unit is seconds",
        followed: "fluentd:\n  read:\n    rotate_wait_seconds: 60\n",
    },
    Mistake {
        added: "streams:\n  aplications: { retention_days: 3 }\n",
        line: 2,
        message: "`streams.aplications`: nothing is ever sent to the stream `aplications`",
        hint: "did you mean `applications`?",
        followed: "streams:\n  applications: { retention_days: 3 }\n",
    },
    Mistake {
        added: "sources:\n  kubernetes:\n    nodes:\n      records: { stream: node }\n",
        line: 4,
        message: "`sources.kubernetes.nodes.records.stream`: there is no stream `node`",
        hint: "did you mean `nodes`?",
        followed: "sources:\n  kubernetes:\n    nodes:\n      records: { stream: nodes }\n",
    },
    Mistake {
        added: "streams:\n  nodes: null\n",
        line: 2,
        message: "`streams.nodes` can't be removed: `sources.kubernetes.nodes.records.stream` names `streams.nodes`",
        hint: "delete the `null`, or change `sources.kubernetes.nodes.records.stream`",
        followed: "streams:\n  nodes: null\nsources:\n  kubernetes:\n    nodes:\n      records: { stream: applications }\n",
    },
    Mistake {
        added: "streams:\n  events: null\n",
        line: 2,
        message: "`streams.events` can't be removed: `sources.kubernetes.events.stream` names `streams.events`",
        hint: "delete the `null`, or change `sources.kubernetes.events.stream`",
        followed: "streams:\n  events: {}\n",
    },
    Mistake {
        added: "destinations: null\n",
        line: 1,
        message: "`destinations` can't be removed: it is required",
        hint: "delete the `null` to keep what the layers below set, or write a value",
        followed: "destinations: {}\n",
    },
    Mistake {
        added: "fluentd:\n  image: null\n",
        line: 2,
        message: "`fluentd.image` can't be removed: it is required",
        hint: "delete the `null` to keep what the layers below set, or write a value",
        followed: "fluentd:\n  image: {}\n",
    },
    Mistake {
        added: "stream_defaults: null\n",
        line: 1,
        message: "`stream_defaults` can't be removed: it is required",
        hint: "delete the `null` to keep what the layers below set, or write a value",
        followed: "stream_defaults: {}\n",
    },
    Mistake {
        added: "sources:\n  machines:\n    nodes: null\n",
        line: 3,
        message: "`sources.machines.nodes` can't be removed: it is required",
        hint: "delete the `null` to keep what the layers below set, or write a value",
        followed: "sources:\n  machines:\n    nodes: { enabled: false }\n",
    },
    Mistake {
        added: "destinations:\n  main:\n    url: https://admin:hunter2-and-more@logs.example.com:9200\n",
        line: 3,
        message: "`destinations.main.url` holds a URL with a password",
        hint: "remove user and password from the address; `destinations.main.authentication` says how a cluster authenticates",
        followed: "destinations:\n  main:\n    url: https://logs.example.com:9200\n    authentication: { type: basic }\n",
    },
    Mistake {
        added: "destinations:\n  main:\n    authentication: { password: hunter2-and-more }\n",
        line: 3,
        message: "`destinations.main.authentication.password` holds a secret in clear",
        hint: "remove it, and name where the secret is kept: `destinations.main.authentication.secret: aws-secretsmanager:…`",
        followed: "destinations:\n  main:\n    authentication: { secret: 'aws-secretsmanager:logs/alpha' }\n",
    },
    Mistake {
        added: "destinations:\n  main:\n    authentication: { secret: hunter2-and-more }\n",
        line: 3,
        message: "`destinations.main.authentication.secret` holds a secret in clear",
        hint: "write where the secret is kept instead, `aws-secretsmanager:…` or `kubernetes-secret:…`",
        followed: "destinations:\n  main:\n    authentication: { secret: 'aws-secretsmanager:logs/alpha' }\n",
    },
    Mistake {
        added: "destinations:\n  main:\n    url: https://<host>:9200\n",
        line: 3,
        message: "`destinations.main.url` is still a placeholder, \"https://<host>:9200\"",
        hint: "The URL of a server",
        followed: "destinations:\n  main:\n    url: https://other.example.com:9200\n",
    },
];

/// The cluster's settings without the block that a mistake writes anew.
fn with(fleet: &TestFleet, added: &str) -> (String, usize) {
    let mut text = fleet.text(CLUSTER);
    let key = added.split(':').next().expect("a key");
    if let Some(at) = text.find(&format!("{key}:")) {
        text.truncate(at);
    }
    let lines = text.lines().count();
    (text + added, lines)
}

#[test]
fn a_remedy_that_is_followed_mends_the_mistake() {
    for mistake in &MISTAKES {
        let fleet = TestFleet::base();
        let (text, above) = with(&fleet, mistake.added);
        let (mended, _) = with(&fleet, mistake.followed);
        fleet.write(CLUSTER, text);
        let run = fleet.gen_changing_nothing(&["check"]);
        assert_eq!(run.code, 1, "{}{run}", mistake.added);
        let line = format!("{CLUSTER}:{}:", above + mistake.line);
        let first = run.err.lines().next().unwrap_or_default();
        assert!(
            first.starts_with(&line) && first.ends_with(&format!(": {}", mistake.message)),
            "{}{run}",
            mistake.added
        );
        let hint = format!("hint: {}\n", mistake.hint);
        assert!(run.err.contains(&hint), "{}{run}", mistake.added);
        assert!(run.err.contains("\n1 error; "), "{}{run}", mistake.added);
        fleet.write(CLUSTER, mended);
        let run = fleet.gen_changing_nothing(&["check"]);
        assert_eq!(run.code, 0, "{}{run}", mistake.followed);
    }
}

/// A text that refers to a secret is text where nobody reads references.
#[test]
fn no_reference_is_advised_where_none_is_read() {
    for (added, setting) in [
        (
            "streams:\n  applications: { description: SECRET }\n",
            "streams.applications.description",
        ),
        (
            "sources:\n  kubernetes:\n    applications:\n      records:\n        enrich: { team: { key: SECRET } }\n",
            "sources.kubernetes.applications.records.enrich.team.key",
        ),
        (
            "kubernetes: { monitoring: { labels: { team: SECRET } } }\n",
            "kubernetes.monitoring.labels.team",
        ),
    ] {
        let fleet = TestFleet::base();
        let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        fleet.append(CLUSTER, &added.replace("SECRET", &secret));
        let run = fleet.gen_changing_nothing(&["check"]);
        assert!(run.err.contains(setting), "{run}");
        assert!(
            run.err.contains(
                "hint: remove it: no secret belongs here, and no reference to one is read here\n"
            ),
            "{run}"
        );
        assert!(!run.err.contains("aws-secretsmanager"), "{run}");
    }
}

/// What `--check` says to do leaves nothing to say.
#[test]
fn render_check_says_what_to_do() {
    let fleet = TestFleet::rendered();
    fleet.append(CLUSTER, "stream_defaults: { retention_days: 7 }\n");
    let run = fleet.gen_changing_nothing(&["render", "--check"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.out
            .ends_with("\nhint: run `gen render` and commit rendered/\n"),
        "{run}"
    );
    assert!(run.out.lines().count() < 16, "{run}");
    assert_eq!(fleet.call(&["render"]).code, 0);
    assert_eq!(fleet.call(&["render", "--check"]).code, 0);
}
