//! What the reconciler is told about a fleet, and what is refused. The base is a
//! reconciler of which just what is required is set.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use logfleet_contract::aws_calls::{CALLS, Caller, On};
use serde_json::{Value, json};

use super::super::tests::resolved;
use super::*;
use crate::layers::merge::merge;
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::settings::DEFAULTS;

const SETTINGS: &str = r#"
gitops: { repository: { url: "https://git.example.com/logs.git" } }
reconciler:
  enabled: true
  image: { repository: registry.example.com/reconciler, tag: "1" }
  aws: { role_arn: "arn:aws:iam::111122223333:role/team/reconciler", assumed_role: accounts }
"#;

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("settings", text)).expect("YAML")
}

/// Clusters that differ from the one of the other tests.
fn clusters(changes: &[&str]) -> Vec<FleetCluster> {
    let all = changes
        .iter()
        .map(|change| FleetCluster::of(&resolved(change)));
    all.collect()
}

fn tried(change: &Value, clusters: &[FleetCluster]) -> (ResolvedReconciler, Vec<String>) {
    let base = merge(parse(DEFAULTS), &parse(SETTINGS));
    let fleet = FleetReconciler::read(&merge(base, &parse(&change.to_string())));
    let mut problems = Problems::default();
    let resolved = fleet.expect("enabled").resolve(clusters, &mut problems);
    let reported = problems.0.into_iter();
    let reported =
        reported.map(|problem| format!("{}: {}", problem.setting.join("."), problem.message));
    (resolved, reported.collect())
}

fn right(change: &Value, clusters: &[FleetCluster]) -> ResolvedReconciler {
    let (resolved, problems) = tried(change, clusters);
    assert_eq!(problems, [""; 0]);
    resolved
}

#[test]
fn it_is_off_by_default() {
    assert_eq!(FleetReconciler::read(&parse(DEFAULTS)), None);
}

#[test]
fn a_server_of_several_clusters_is_one() {
    let clusters = clusters(&[
        "{}",
        r#"{ name: second, destinations: { main: { url: "https://LOGS.example.com:443/" } } }"#,
        r#"{ name: third, destinations: { main: { url: "https://logs.example.com:9200" } } }"#,
    ]);
    let reconciler = right(&json!({}), &clusters);
    let servers: BTreeMap<&str, Vec<&str>> = reconciler
        .servers
        .iter()
        .map(|server| {
            let clusters = server.serves.iter().flat_map(|serves| &serves.clusters);
            (server.name.as_str(), clusters.map(String::as_str).collect())
        })
        .collect();
    assert_eq!(
        servers,
        BTreeMap::from([
            ("logs.example.com", vec!["prod-eu.example.com", "second"]),
            ("logs.example.com-9200", vec!["third"]),
        ])
    );
    assert_eq!(reconciler.servers[1].url, "https://logs.example.com:9200");
    assert_eq!(
        reconciler.servers[1].password.secret,
        "logfleet-administrator-logs.example.com-9200"
    );
    assert_eq!(reconciler.ports, [443, 9200].into());
}

#[test]
fn a_servers_name_is_one_of_kubernetes() {
    let of = |url: &str| {
        let clusters = clusters(&[&format!(
            "{{ destinations: {{ main: {{ url: \"{url}\" }} }} }}"
        )]);
        right(&json!({}), &clusters).servers[0].name.clone()
    };
    assert_eq!(of("https://[2001:db8::1]:9200"), "2001-db8--1--9200");
    assert_eq!(
        of("https://Logs.example.com/a_b/~c"),
        "logs.example.com-a-b--c"
    );
    assert_eq!(of("https://10.0.0.1"), "10.0.0.1");
}

#[test]
fn passwords_are_kept_where_the_cluster_is() {
    let clusters = clusters(&[
        "{}",
        r#"{ name: second, account: "444455556666", destinations: { main: { authentication: { secret: "aws-secretsmanager:own/name" } } } }"#,
        "{ name: third, destinations: { main: { authentication: { type: client_certificate } } } }",
    ]);
    let aws = right(&json!({}), &clusters).aws.expect("a role");
    let stores: Vec<(&str, Option<&str>, usize)> = aws
        .secret_stores
        .iter()
        .map(|store| {
            let role = store.role_arn.as_deref();
            (store.name.as_str(), role, store.clusters.len())
        })
        .collect();
    assert_eq!(
        stores,
        [
            (
                "111122223333-eu-central-1",
                Some("arn:aws:iam::111122223333:role/accounts"),
                1
            ),
            (
                "444455556666-eu-central-1",
                Some("arn:aws:iam::444455556666:role/accounts"),
                1
            ),
        ]
    );
    assert_eq!(
        (aws.role_name.as_str(), aws.role_path.as_str()),
        ("reconciler", "/team/")
    );
    let secrets = statements(&aws.account_policies).find(|own| own.sid == "Secrets");
    let named = "arn:${AWS::Partition}:secretsmanager:*:${AWS::AccountId}:secret:own/name-??????";
    assert!(secrets.expect("a statement").resources.contains(named));
}

fn statements(policies: &[Policy]) -> impl Iterator<Item = &Statement> {
    policies.iter().flat_map(|policy| &policy.statements)
}

/// A policy as AWS counts it, written without blanks.
fn characters(policy: &Policy) -> usize {
    let written = policy.statements.iter().map(|own| {
        json!({ "Sid": own.sid, "Effect": "Allow", "Action": own.actions, "Resource": own.resources })
    });
    let statements: Vec<Value> = written.collect();
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    document.to_string().len()
}

/// A managed policy has at most 6,144 characters, however many domains, roles and secrets a fleet has.
#[test]
fn policies_stay_small_however_large_the_fleet_is() {
    let changes: Vec<String> = (0..300)
        .map(|number| {
            format!(
                r#"{{ name: "c{number}", kubernetes: {{ role_arn: "arn:aws:iam::111122223333:role/pods" }}, destinations: {{
                    main: {{ url: "https://search-logs-{number:03}-abcdefghij.eu-central-1.es.amazonaws.com", authentication: {{ type: aws_sigv4 }} }},
                    audit: {{ backend: opensearch, version: 3, url: "https://audit.example.net", authentication: {{ type: basic, secret: "aws-secretsmanager:team-{number:03}/a-name-of-our-own" }} }} }} }}"#
            )
        })
        .collect();
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    let clusters = clusters(&changes);
    let reconciler = right(&json!({}), &clusters);
    let aws = reconciler.aws.as_ref().expect("a role");
    let found = |policies: &[Policy], sid: &str| -> usize {
        let all = statements(policies).filter(|own| own.sid == sid);
        all.map(|own| own.resources.len()).sum()
    };
    for (policies, sid, most) in [
        (&aws.own_policies, "Domains", 300),
        (&aws.account_policies, "Secrets", 301),
    ] {
        assert_eq!(found(policies, sid), most, "{sid}");
        assert!(policies.len() > 3, "{sid}");
        for (at, policy) in policies.iter().enumerate() {
            assert_eq!(policy.number, at + 1);
            assert!(characters(policy) <= 6144, "{}", characters(policy));
            // No room is wasted: AWS attaches ten of them to a role unless somebody raises that.
            let is_last = policy.number == policies.len();
            assert!(
                is_last || characters(policy) > 5900,
                "{}",
                characters(policy)
            );
        }
        // What doesn't grow is where it was.
        let last = statements(policies).last().expect("a statement");
        assert_eq!(last.sid, sid);
    }
    let role = statements(&aws.own_policies)
        .find(|own| own.sid == "AccountRole" || own.sid == "StoreRoles");
    assert!(
        aws.own_policies[0]
            .statements
            .contains(role.expect("a role is assumed"))
    );
}

#[test]
fn a_role_may_what_the_table_says() {
    let clusters = clusters(&["{}"]);
    let everything = json!({ "reconciler": { "aws": {
        "owner": "example", "cloudformation_role": "formation",
        "templates": { "bucket": "t-{account}-{region}" },
        "records": { "bucket": "r", "region": "eu-central-1" },
    } } });
    let aws = right(&everything, &clusters).aws.expect("a role");
    let actions = |policies: &[Policy]| -> BTreeSet<String> {
        let all = statements(policies).flat_map(|statement| statement.actions.iter().cloned());
        all.collect()
    };
    let listed = |is_for: &dyn Fn(Caller, On) -> bool| -> BTreeSet<String> {
        let own = CALLS.iter().filter(|own| is_for(own.caller, own.on));
        own.map(|own| format!("{}:{}", own.service, own.action))
            .collect()
    };
    // It only looks who it is where it assumes no role, and no cluster here writes to a domain by a role.
    let at_domains = |on: On| matches!(on, On::Domains | On::DomainRoles);
    let own = listed(&|caller, on| caller == Caller::Own && on != On::All && !at_domains(on));
    assert_eq!(actions(&aws.own_policies), own);
    assert_eq!(
        actions(&aws.account_policies),
        listed(&|caller, _| caller != Caller::Own)
    );
    let mut alone = everything.clone();
    alone["reconciler"]["aws"]["assumed_role"] = Value::Null;
    let aws = right(&alone, &clusters).aws.expect("a role");
    assert_eq!(actions(&aws.account_policies), BTreeSet::new());
    let mut all = listed(&|_, on| !at_domains(on));
    all.remove("sts:AssumeRole");
    assert_eq!(actions(&aws.own_policies), all);
    let resources = statements(&aws.own_policies).flat_map(|own| &own.resources);
    for resource in resources {
        assert!(!resource.contains('<'), "{resource} has a placeholder");
    }

    let passwords = right(&json!({}), &clusters).aws.expect("a role");
    assert_eq!(passwords.stacks, None);
    assert_eq!(
        actions(&passwords.account_policies),
        listed(&|caller, _| caller == Caller::Store)
    );
    assert_eq!(
        actions(&passwords.own_policies),
        ["sts:AssumeRole".to_owned()].into()
    );
}

const DOMAIN: &str = r#"{ kubernetes: { role_arn: "arn:aws:iam::111122223333:role/pods" }, destinations: { main: {
    url: "https://search-logs-abcdefghij.eu-central-1.es.amazonaws.com", authentication: { type: aws_sigv4 } } } }"#;

#[test]
fn a_domain_is_administered_by_a_role() {
    let clusters = clusters(&[DOMAIN]);
    let reconciler = right(&json!({}), &clusters);
    let server = &reconciler.servers[0];
    let role = server.administrator_role.as_ref().expect("a role");
    assert_eq!(
        (role.region.as_str(), &role.role_arn),
        ("eu-central-1", &None)
    );
    assert_eq!(reconciler.mounted, []);
    let of = |reconciler: &ResolvedReconciler, sid: &str| -> Vec<String> {
        let aws = reconciler.aws.as_ref().expect("a role");
        let statements = statements(&aws.own_policies).filter(|own| own.sid == sid);
        statements
            .flat_map(|own| own.resources.iter().cloned())
            .collect()
    };
    assert_eq!(
        of(&reconciler, "Domains"),
        ["arn:${AWS::Partition}:es:eu-central-1:111122223333:domain/logs/*"]
    );
    let name = server.name.as_str();
    let other = json!({ "reconciler": { "servers": { name: { "role_arn": "arn:aws:iam::111122223333:role/search" } } } });
    let reconciler = right(&other, &clusters);
    assert_eq!(of(&reconciler, "Domains"), [""; 0]);
    assert_eq!(
        of(&reconciler, "DomainRoles"),
        ["arn:${AWS::Partition}:iam::111122223333:role/search"]
    );
    let user =
        json!({ "reconciler": { "servers": { name: { "secret": "kubernetes-secret:root" } } } });
    let reconciler = right(&user, &clusters);
    assert_eq!(reconciler.servers[0].administrator_role, None);
    assert_eq!(reconciler.mounted.len(), 1);
}

#[test]
fn secrets_are_written_into_clusters_that_take_them() {
    let clusters = clusters(&[
        "{}",
        "{ name: second, kubernetes: { credentials: { type: reconciler } } }",
    ]);
    let given = json!({ "reconciler": { "clusters": { "second": {
        "api_server": "https://api.second.example.com:6443", "ca_certificate": "certificates/second.pem" } } } });
    let reconciler = right(&given, &clusters);
    assert_eq!(reconciler.clusters.len(), 1);
    assert!(reconciler.ports.contains(&6443));
    assert_eq!(
        reconciler.mounted.last().expect("a token").secret,
        "logfleet-cluster-second"
    );
    assert_eq!(
        reconciler.authorities[0].to,
        "authorities-cluster-second.pem"
    );
    let wrong = json!({ "reconciler": { "clusters": { "prod-eu.example.com": { "api_server": "https://api.example.com" } } } });
    let (_, problems) = tried(&wrong, &clusters);
    assert!(
        problems[0].starts_with("reconciler.clusters.prod-eu.example.com: no Secrets are written"),
        "{problems:?}"
    );
}

const IN_EKS: &str = r#"{ name: in-eks, distribution: eks, region: us-east-1, account: "444455556666", node_groups: { masters: null },
    kubernetes: { credentials: { type: reconciler } }, sources: { aws: { cluster_name: In_EKS } } }"#;

#[test]
fn clusters_of_eks_let_the_role_in() {
    let clusters = clusters(&[
        IN_EKS,
        "{ name: second, kubernetes: { credentials: { type: reconciler } } }",
    ]);
    let second = json!({ "api_server": "https://api.second.example.com:6443" });
    let given = |own: Value| json!({ "reconciler": { "eks_tokens": true, "clusters": { "second": second, "in-eks": own } } });
    let policies = |reconciler: &ResolvedReconciler, sid: &str| -> Vec<String> {
        let aws = reconciler.aws.as_ref().expect("a role");
        let all = statements(&aws.account_policies).filter(|own| own.sid == sid);
        all.flat_map(|own| own.resources.iter().cloned()).collect()
    };
    let reconciler = right(&given(Value::Null), &clusters);
    let [in_eks, other] = &reconciler.clusters[..] else {
        panic!("{:?}", reconciler.clusters);
    };
    let eks = in_eks.eks.as_ref().expect("a role");
    assert_eq!(
        (
            eks.name.as_str(),
            eks.region.as_str(),
            eks.role_arn.as_deref()
        ),
        (
            "In_EKS",
            "us-east-1",
            Some("arn:aws:iam::444455556666:role/accounts")
        )
    );
    assert_eq!((&in_eks.token, &in_eks.api_server), (&None, &None));
    assert!(other.eks.is_none() && other.token.is_some());
    assert!(reconciler.ports.contains(&443));
    assert_eq!(
        policies(&reconciler, "EksApiServers"),
        ["arn:${AWS::Partition}:eks:us-east-1:${AWS::AccountId}:cluster/In_EKS"]
    );

    // Its own address doesn't change who signs in; a Secret does.
    let own = json!({ "api_server": "https://api.in-eks.example.com", "ca_certificate": "certificates/eks.pem" });
    let reconciler = right(&given(own.clone()), &clusters);
    let in_eks = &reconciler.clusters[0];
    assert!(in_eks.eks.is_some() && in_eks.api_server.is_some());
    assert_eq!(
        reconciler.authorities[0].to,
        "authorities-cluster-in-eks.pem"
    );
    let mut with_secret = own;
    with_secret["secret"] = json!("kubernetes-secret:own");
    let reconciler = right(&given(with_secret), &clusters);
    let token = reconciler.clusters[0].token.as_ref().expect("a token");
    assert_eq!(token.secret, "own");
    assert_eq!(policies(&reconciler, "EksApiServers"), [""; 0]);

    // Where stacks are made, the role describes all clusters anyway.
    let mut stacks = given(Value::Null);
    stacks["reconciler"]["aws"] = json!({ "owner": "example", "cloudformation_role": "formation" });
    let reconciler = right(&stacks, &clusters);
    assert_eq!(policies(&reconciler, "EksApiServers"), [""; 0]);
    assert_eq!(policies(&reconciler, "EksClusters").len(), 1);
}

#[test]
fn clusters_of_eks_need_a_role_and_others_an_address() {
    let all = clusters(&[
        IN_EKS,
        "{ name: second, kubernetes: { credentials: { type: reconciler } } }",
    ]);
    let problems = |change: Value, clusters: &[FleetCluster]| tried(&change, clusters).1;
    let given = json!({ "reconciler": { "clusters": { "second": {}, "in-eks": {} } } });
    assert_eq!(
        problems(given, &all),
        [
            "reconciler.clusters.in-eks.api_server: the address of the API server of `in-eks` isn't known",
            "reconciler.clusters.second.api_server: the address of the API server of `second` isn't known",
        ]
    );
    let given = json!({ "reconciler": { "eks_tokens": true } });
    assert_eq!(
        problems(given, &all[1..]),
        [
            "reconciler.eks_tokens: no cluster of EKS has `kubernetes.credentials: { type: reconciler }`, so this has no effect"
        ]
    );
    let by_role = r#"{ name: in-eks, distribution: eks, node_groups: { masters: null },
        kubernetes: { credentials: { type: reconciler } },
        destinations: { main: { authentication: { type: basic, secret: "kubernetes-secret:own" } } } }"#;
    let given = json!({ "reconciler": { "eks_tokens": true, "aws": { "role_arn": null } } });
    let found = problems(given, &clusters(&[by_role]));
    assert!(
        found.iter().any(|own| own.starts_with(
            "reconciler.aws.role_arn: the reconciler signs in at clusters of EKS by a role"
        )),
        "{found:?}"
    );
}

#[test]
fn the_hint_for_an_unknown_cluster_names_one() {
    let many: Vec<String> = (0..40)
        .map(|number| {
            format!("{{ name: cluster-{number:02}, kubernetes: {{ credentials: {{ type: reconciler }} }} }}")
        })
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = clusters(&many);
    let hints = |name: &str| -> Vec<String> {
        let change = json!({ "reconciler": { "clusters": { name: { "api_server": "https://api.example.com" } } } });
        let base = merge(parse(DEFAULTS), &parse(SETTINGS));
        let fleet = FleetReconciler::read(&merge(base, &parse(&change.to_string())));
        let mut problems = Problems::default();
        fleet.expect("enabled").resolve(&many, &mut problems);
        problems.0.into_iter().map(|own| own.hint).collect()
    };
    assert_eq!(hints("clusterr-07"), ["did you mean `cluster-07`?"]);
    assert_eq!(hints("something"), ["remove it"]);
}

#[test]
fn a_repository_over_ssh_has_a_key() {
    let url = "git@git.example.com:platform/logs.git";
    let ssh = json!({ "reconciler": { "source": { "url": url, "secret": "kubernetes-secret:key", "signers": "kubernetes-secret:signers" } } });
    let reconciler = right(&ssh, &clusters(&["{}"]));
    let command = reconciler.source.ssh_command.expect("a command");
    assert!(
        command.contains("-i /run/secrets/logfleet/git/identity"),
        "{command}"
    );
    assert!(reconciler.ports.contains(&22));
    assert_eq!(
        reconciler.source.git,
        [GitSetting {
            key: "gpg.ssh.allowedSignersFile",
            value: "/run/secrets/logfleet/signers/allowed_signers".to_owned()
        }]
    );
    assert_eq!(port_of_repository("ssh://git@git.example.com:7999/a"), 7999);
    assert_eq!(port_of_repository("https://git.example.com:8443/a"), 8443);
}

#[test]
fn git_reads_the_credential_of_a_secret() {
    let secret =
        json!({ "reconciler": { "source": { "secret": "kubernetes-secret:repository" } } });
    let source = right(&secret, &clusters(&["{}"])).source;
    let mounted = source.credential.expect("a Secret").folder;
    let folder = tempfile::tempdir().expect("a folder");
    // Whoever makes a Secret from files has an end of line in it.
    for (key, value) in [("username", "reader\n"), ("password", "a\\b %s c\n")] {
        fs::write(folder.path().join(key), value).expect("writable");
    }
    let mut git = Command::new("git");
    git.args(["credential", "fill"])
        .env("GIT_CONFIG_COUNT", source.git.len().to_string());
    for (number, setting) in source.git.iter().enumerate() {
        let here = folder.path().to_str().expect("UTF-8");
        git.env(format!("GIT_CONFIG_KEY_{number}"), setting.key)
            .env(
                format!("GIT_CONFIG_VALUE_{number}"),
                setting.value.replace(&mounted, here),
            );
    }
    let mut git = git
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let asked = b"protocol=https\nhost=git.example.com\n\n";
    git.stdin
        .take()
        .expect("a pipe")
        .write_all(asked)
        .expect("git reads");
    let reported = git.wait_with_output().expect("git ends").stdout;
    assert_eq!(
        String::from_utf8_lossy(&reported),
        "protocol=https\nhost=git.example.com\nusername=reader\npassword=a\\b %s c\n"
    );
}

#[test]
fn what_can_not_work_is_reported() {
    let one = ["{}"];
    let two = [
        "{}",
        "{ name: second, destinations: { main: { backend: elasticsearch, version: 8 } } }",
    ];
    let far = ["{}", r#"{ name: second, account: "444455556666" }"#];
    let any = ["{ destinations: { main: { tls: { accept_any_certificate: true } } } }"];
    let alike = [
        "{}",
        r#"{ name: second, destinations: { main: { url: "https://logs.example.com/a-b" } } }"#,
        r#"{ name: third, destinations: { main: { url: "https://logs.example.com/a/b" } } }"#,
    ];
    for (change, of, reported) in [
        (
            json!({ "image": { "tag": null } }),
            &one[..],
            "reconciler.image: ",
        ),
        (
            json!({ "image": { "repository": null } }),
            &one,
            "reconciler.image.repository: ",
        ),
        (
            json!({ "source": { "url": "ssh://git.example.com/logs" } }),
            &one,
            "reconciler.source.secret: ",
        ),
        (
            json!({ "servers": { "lgos.example.com": {} } }),
            &one,
            "reconciler.servers.lgos.example.com: ",
        ),
        (
            json!({ "servers": { "logs.example.com": { "former": { "backend": "opensearch", "url": "https://logs.example.com" } } } }),
            &one,
            "reconciler.servers.logs.example.com.former: ",
        ),
        (
            json!({ "servers": { "old": { "former": { "backend": "opensearch", "url": "http://old.example.com" } } } }),
            &one,
            "reconciler.servers.old.former.url: ",
        ),
        (json!({ "shards": 3 }), &one, "reconciler.shards: "),
        (
            json!({ "aws": { "role_arn": null } }),
            &one,
            "reconciler.aws.role_arn: ",
        ),
        (
            json!({ "aws": { "assumed_role": null } }),
            &far,
            "reconciler.aws.assumed_role: ",
        ),
        (
            json!({ "aws": { "role_arn": "arn:aws-cn:iam::111122223333:role/a" } }),
            &one,
            "reconciler.aws.role_arn: ",
        ),
        (
            json!({ "aws": { "owner": "example" } }),
            &one,
            "reconciler.aws.cloudformation_role: ",
        ),
        (
            json!({ "aws": { "records": { "bucket": "abc", "region": "eu-central-1" } } }),
            &one,
            "reconciler.aws.records: ",
        ),
        (
            json!({ "aws": { "owner": "a", "cloudformation_role": "b", "also": { "111122223333": { "eu-central-1": true } } } }),
            &one,
            "reconciler.aws.also.111122223333.eu-central-1: ",
        ),
        (
            json!({}),
            &two,
            "reconciler.enabled: the server `logs.example.com` is OpenSearch for some",
        ),
        (
            json!({}),
            &any,
            "reconciler.enabled: the destination `main`",
        ),
        (json!({}), &alike, "reconciler.enabled: two servers"),
    ] {
        let (_, problems) = tried(&json!({ "reconciler": change }), &clusters(of));
        assert_eq!(problems.len(), 1, "{change}: {problems:?}");
        assert!(problems[0].starts_with(reported), "{change}: {problems:?}");
    }
    let (_, problems) = tried(
        &json!({ "gitops": { "repository": { "path": "deploy/rendered" } } }),
        &clusters(&one),
    );
    assert!(
        problems[0].starts_with("gitops.repository.path: "),
        "{problems:?}"
    );
}

#[test]
fn a_server_that_no_cluster_has_any_more_stays_until_it_is_empty() {
    let former = json!({ "reconciler": { "servers": { "old.example.com": { "username": "root", "former": {
        "backend": "elasticsearch", "url": "https://old.example.com", "ca_certificate": "certificates/old.pem",
    } } } } });
    let reconciler = right(&former, &clusters(&["{}"]));
    let old = reconciler
        .servers
        .iter()
        .find(|server| server.name == "old.example.com");
    let old = old.expect("the server");
    assert_eq!((old.username.as_str(), old.serves.len()), ("root", 0));
    assert_eq!(
        reconciler.authorities,
        [CopiedAuthority {
            from: ["certificates/old.pem".to_owned()].into(),
            to: "authorities-old.example.com.pem".to_owned()
        }]
    );
}
