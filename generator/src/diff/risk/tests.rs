//! Each rule on small files: what it tells, and what it doesn't.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Applier, RiskFinding, find};
use crate::diff::documents::Documents;
use crate::tree::{RenderedTree, TreePath};

pub(in crate::diff::risk) const STACK: &str = "aws/eu-central-1/stack.json";

pub(in crate::diff::risk) fn tree(files: &[(&str, String)]) -> RenderedTree {
    let files = files.iter().map(|(path, text)| {
        let path = TreePath::new(*path).expect("a path");
        (path, text.clone().into_bytes())
    });
    RenderedTree(files.collect())
}

pub(in crate::diff::risk) fn of_trees(
    base: &[(&str, String)],
    head: &[(&str, String)],
) -> Vec<String> {
    let risks = all_of_trees(base, head).into_iter();
    risks
        .map(|risk| format!("{}: {}", risk.flag.id(), risk.what))
        .collect()
}

fn all_of_trees(base: &[(&str, String)], head: &[(&str, String)]) -> Vec<RiskFinding> {
    let (base, head) = (tree(base), tree(head));
    let [base, head] = [&base, &head].map(Documents::of);
    find(&base, &head, Applier::Prunes("Argo CD"))
}

/// What becomes of what runs already, of each risk that says it.
pub(in crate::diff::risk) fn lives_of_values(path: &str, old: &Json, new: &Json) -> Vec<String> {
    let risks = all_of_trees(&[(path, old.to_string())], &[(path, new.to_string())]);
    risks.into_iter().filter_map(|risk| risk.live).collect()
}

pub(in crate::diff::risk) fn of_texts(path: &str, old: &str, new: &str) -> Vec<String> {
    of_trees(&[(path, old.to_owned())], &[(path, new.to_owned())])
}

pub(in crate::diff::risk) fn of_values(path: &str, old: &Json, new: &Json) -> Vec<String> {
    of_texts(path, &old.to_string(), &new.to_string())
}

/// A template of one resource.
pub(in crate::diff::risk) fn resource(kind: &str, properties: &Json) -> Json {
    json!({"Resources": {"One": {"Type": kind, "Properties": properties}}})
}

pub(in crate::diff::risk) fn of_resource(kind: &str, old: &Json, new: &Json) -> Vec<String> {
    of_values(STACK, &resource(kind, old), &resource(kind, new))
}

pub(in crate::diff::risk) fn pod(spec: &Json) -> Json {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}})
}

pub(in crate::diff::risk) fn of_pods(old: &Json, new: &Json) -> Vec<String> {
    of_values("kubernetes/x/daemonset.yaml", &pod(old), &pod(new))
}

#[test]
fn shorter_retention_of_aws_is_reported() {
    let group = "AWS::Logs::LogGroup";
    let days = |days: u64| json!({"LogGroupName": "x", "RetentionInDays": days});
    let never = json!({"LogGroupName": "x"});
    assert_eq!(of_resource(group, &never, &days(30)).len(), 1);
    assert_eq!(
        of_resource(group, &days(30), &days(14)),
        ["retention-shrinks: records are deleted after 14 days instead of 30 days"]
    );
    assert!(of_resource(group, &days(30), &never).is_empty());
    let unknown = json!({"LogGroupName": "x", "RetentionInDays": {"Ref": "Days"}});
    assert!(of_resource(group, &days(30), &unknown).is_empty());
    let bucket = |rules: Json| json!({"LifecycleConfiguration": {"Rules": rules}});
    let rule = |prefix: &str, days: u64| json!({"Status": "Enabled", "Prefix": prefix, "ExpirationInDays": days});
    let kind = "AWS::S3::Bucket";
    let reported = of_resource(
        kind,
        &bucket(json!([rule("", 90)])),
        &bucket(json!([rule("", 90), rule("errors/", 7)])),
    );
    assert_eq!(
        reported,
        ["retention-shrinks: objects are deleted after 7 days instead of 90 days"]
    );
    let off = json!([{"Status": "Disabled", "ExpirationInDays": 1}]);
    assert!(of_resource(kind, &bucket(json!([])), &bucket(off)).is_empty());
}

#[test]
fn what_holds_records_is_missed() {
    let stream = "elasticsearch/main/_data_stream/x.json";
    let template = "elasticsearch/main/_index_template/x.json";
    let own = json!({"index_patterns": ["x"]}).to_string();
    let both = [(stream, "{}".to_owned()), (template, own)];
    assert_eq!(
        of_trees(&both, &[]),
        ["stream-removed: a data stream is no longer rendered"]
    );
    assert_eq!(
        of_trees(&both, &both[..1]),
        ["stream-removed: an index template is no longer rendered"]
    );
    assert_eq!(
        of_trees(&[(template, "{}".to_owned())], &[]),
        ["stream-removed: an index template is no longer rendered"]
    );
    assert!(of_trees(&[], &both).is_empty());
    let group = json!({"Resources": {
        "One": {"Type": "AWS::Logs::LogGroup"}, "Two": {"Type": "AWS::CloudWatch::Alarm"},
    }});
    assert_eq!(
        of_values(STACK, &group, &json!({"Resources": {}})),
        ["stream-removed: the log group `One` is no longer rendered"]
    );
    let kept = |policy: &str| json!({"Resources": {"One": {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy}}});
    assert_eq!(of_values(STACK, &kept("Retain"), &kept("Delete")).len(), 1);
    assert!(of_values(STACK, &kept("Retain"), &kept("RetainExceptOnCreate")).is_empty());
}

#[test]
fn what_is_removed_is_reported_by_the_file_that_had_it() {
    let [old, new] = ["a", "b"].map(|name| {
        let path = format!("elasticsearch/main/_data_stream/{name}.json");
        (path, "{}".to_owned())
    });
    let risks = all_of_trees(&[(&old.0, old.1)], &[(&new.0, new.1)]);
    let files: Vec<Option<&str>> = risks.iter().map(|risk| risk.file.as_deref()).collect();
    assert_eq!(files, [Some(old.0.as_str())]);
}

#[test]
fn what_can_no_longer_be_read_is_not_removed() {
    let group = resource("AWS::Logs::LogGroup", &json!({})).to_string();
    assert!(of_texts(STACK, &group, "{ \"Resources\": ").is_empty());
    let set = "kind: DaemonSet\nmetadata:\n  name: x\n";
    assert!(of_texts("kubernetes/x.yaml", set, &format!("{set}---\n{set}")).is_empty());
    assert_eq!(
        of_trees(&[("kubernetes/x.yaml", set.to_owned())], &[]).len(),
        1
    );
}

#[test]
fn what_ships_is_missed() {
    let path = "kubernetes/x/daemonset.yaml";
    let set = pod(&json!({"serviceAccountName": "x", "containers": []})).to_string();
    assert_eq!(
        of_trees(&[(path, set.clone())], &[]),
        ["source-stops: the DaemonSet `x` is no longer applied"]
    );
    // It only stands elsewhere.
    assert!(
        of_trees(
            &[(path, set.clone())],
            &[("kubernetes/y/other.yaml", format!("{set}\n"))]
        )
        .is_empty()
    );
    // A patch is no workload.
    assert!(of_trees(&[("kubernetes/patches/x.yaml", set)], &[]).is_empty());
    let rule = resource("AWS::Events::Rule", &json!({}));
    assert_eq!(
        of_values(STACK, &rule, &json!({"Resources": {}})),
        ["source-stops: the event rule `One` is gone"]
    );
}

#[test]
fn roles_are_missed_where_something_needs_them() {
    let path = "elasticsearch/main/_plugins/_security/api/rolesmapping/x.json";
    assert_eq!(
        of_trees(&[(path, "{}".to_owned())], &[]),
        ["role-removed: a role mapping of Elasticsearch or OpenSearch is no longer rendered"]
    );
    let set = pod(&json!({"serviceAccountName": "x"})).to_string();
    let account = json!({"kind": "ServiceAccount", "metadata": {"name": "x"}}).to_string();
    let role = json!({"kind": "ClusterRole", "metadata": {"name": "reads"}}).to_string();
    let binding = json!({"kind": "ClusterRoleBinding", "metadata": {"name": "b"}, "roleRef": {"name": "reads"},
        "subjects": [{"kind": "ServiceAccount", "name": "x"}]})
    .to_string();
    let all = [
        ("kubernetes/set.yaml", set),
        ("kubernetes/account.yaml", account),
        ("kubernetes/role.yaml", role),
        ("kubernetes/binding.yaml", binding),
    ];
    assert_eq!(
        of_trees(&all, &all[..1]),
        [
            "role-removed: the ClusterRole `reads` is removed, but pods still need it",
            "role-removed: the ClusterRoleBinding `b` is removed, but pods still need it",
            "role-removed: the ServiceAccount `x` is removed, but pods still need it",
        ]
    );
    let reported = of_trees(&all, &[]);
    assert_eq!(
        reported,
        ["source-stops: the DaemonSet `x` is no longer applied"]
    );
}

#[test]
fn roles_of_servers_widen() {
    let path = "elasticsearch/main/_security/role/x.json";
    let role = |cluster: &[&str], names: &[&str], privileges: &[&str]| json!({"cluster": cluster, "indices": [{"names": names, "privileges": privileges}]});
    let old = role(&["monitor*"], &["logs-a", "app-*"], &["create_doc"]);
    for (new, what) in [
        (
            role(&["all"], &["logs-a"], &["create_doc"]),
            "a role may do all on the whole server",
        ),
        (
            role(&[], &["logs-*"], &["create_doc"]),
            "a role may do create_doc on more indices",
        ),
        (
            role(&[], &["logs-a"], &["create_doc", "read"]),
            "a role may do read",
        ),
    ] {
        assert_eq!(
            of_values(path, &old, &new),
            [format!("privilege-widens: {what}")]
        );
    }
    let narrower = role(&["monitor/main"], &["app-x"], &["create_doc"]);
    assert!(of_values(path, &old, &narrower).is_empty());
    // With its data stream.
    let new = role(&[], &["logs-a", "logs-b"], &["create_doc"]).to_string();
    let stream = (
        "elasticsearch/main/_data_stream/logs-b.json",
        "{}".to_owned(),
    );
    assert!(of_trees(&[(path, old.to_string())], &[(path, new), stream]).is_empty());
    let mapping = |roles: &[&str]| json!({"backend_roles": roles});
    let path = "elasticsearch/main/_plugins/_security/api/rolesmapping/x.json";
    assert_eq!(
        of_values(path, &mapping(&["a"]), &mapping(&["a", "b"])).len(),
        1
    );
}

/// A role of AWS with those statements.
fn policy(statements: &Json) -> Json {
    json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": statements}}]})
}

fn of_policies(old: &Json, new: &Json) -> Vec<String> {
    of_resource("AWS::IAM::Role", &policy(old), &policy(new))
}

#[test]
fn policies_of_aws_widen() {
    let allow = |action: &[&str], resource: &str| json!([{"Effect": "Allow", "Action": action, "Resource": resource}]);
    let limited = json!([{"Effect": "Allow", "Action": "logs:Put", "Resource": "arn:a",
        "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}]);
    let denied = json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]);
    let all_but = json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]);
    for (old, new, what) in [
        (
            allow(&["logs:Put"], "arn:a"),
            allow(&["logs:Put", "logs:Get"], "arn:a"),
            "a policy permits logs:Get as well",
        ),
        (
            allow(&["logs:Put"], "arn:a"),
            allow(&["logs:Put"], "arn:*"),
            "a policy permits logs:Put on more resources",
        ),
        (
            limited.clone(),
            allow(&["logs:Put"], "arn:a"),
            "a policy permits logs:Put under fewer conditions",
        ),
        (
            denied.clone(),
            json!([]),
            "a policy no longer denies what it denied",
        ),
        (
            json!([]),
            all_but,
            "a policy permits everything but what it names (`NotAction`, `NotResource` or `NotPrincipal`)",
        ),
    ] {
        assert_eq!(
            of_policies(&old, &new),
            [format!("privilege-widens: {what} (`One`)")]
        );
    }
    let wider = json!([{"Sid": "New", "Effect": "Deny", "Action": "*", "Resource": "*"}]);
    for (old, new) in [
        (allow(&["logs:*"], "*"), allow(&["LOGS:Put"], "arn:a")),
        (allow(&["logs:Put"], "arn:a"), limited),
        (denied, wider),
    ] {
        assert!(of_policies(&old, &new).is_empty(), "{new}");
    }
}

#[test]
fn who_may_take_a_role_widens() {
    let trust = |service: &[&str]| {
        json!({"AssumeRolePolicyDocument": {"Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}})
    };
    assert_eq!(
        of_resource(
            "AWS::IAM::Role",
            &trust(&["a.amazonaws.com"]),
            &trust(&["a.amazonaws.com", "b.amazonaws.com"])
        ),
        ["privilege-widens: a policy lets Service b.amazonaws.com in as well (`One`)"]
    );
    assert!(of_resource("AWS::IAM::Role", &trust(&["a", "b"]), &trust(&["b"])).is_empty());
    // A policy in a text; one that names what is new.
    let text = |action: &str| json!({"PolicyDocument": json!({"Statement": [{"Effect": "Allow", "Action": [action], "Resource": "x"}]}).to_string()});
    assert_eq!(
        of_resource("AWS::Logs::ResourcePolicy", &text("a:Get"), &text("a:*")).len(),
        1
    );
    let with = |resources: &Json, more: &Json| {
        let mut template = resource(
            "AWS::IAM::Role",
            &policy(&json!([{"Effect": "Allow", "Action": "logs:Put", "Resource": resources}])),
        );
        template["Resources"]["New"] = more.clone();
        template
    };
    let old = resource(
        "AWS::IAM::Role",
        &policy(&json!([{"Effect": "Allow", "Action": "logs:Put", "Resource": ["a"]}])),
    );
    let new = with(
        &json!(["a", "arn:aws:logs:eu-west-1:1:log-group:/logs/new:*"]),
        &json!({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/logs/new"}}),
    );
    assert!(of_values(STACK, &old, &new).is_empty());
}

#[test]
fn roles_of_kubernetes_widen() {
    let role = |groups: &[&str], kinds: &[&str], verbs: &[&str]| {
        json!({"kind": "ClusterRole", "metadata": {"name": "x"},
            "rules": [{"apiGroups": groups, "resources": kinds, "verbs": verbs}]})
    };
    let path = "kubernetes/cluster-role.yaml";
    let old = role(&[""], &["pods", "namespaces"], &["get", "list"]);
    assert_eq!(
        of_values(path, &old, &role(&[""], &["pods", "secrets"], &["get"])),
        ["privilege-widens: a role may get secrets as well"]
    );
    assert_eq!(
        of_values(path, &old, &role(&[""], &["pods"], &["*"])).len(),
        1
    );
    assert!(of_values(path, &role(&["*"], &["*"], &["*"]), &old).is_empty());
    let binding = |name: &str, role: &str| {
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": "x"}, "roleRef": {"name": role},
            "subjects": [{"kind": "ServiceAccount", "name": name}]})
    };
    let path = "kubernetes/cluster-role-binding.yaml";
    assert_eq!(
        of_values(path, &binding("a", "x"), &binding("b", "x")),
        ["privilege-widens: a role is given to another ServiceAccount `b`"]
    );
    assert_eq!(
        of_values(path, &binding("a", "x"), &binding("a", "y")),
        [
            "privilege-widens: the subjects of a binding get another role",
            "kubernetes-object-replaced: `roleRef` of the ClusterRoleBinding `x` changes, which Kubernetes refuses",
        ]
    );
}

#[test]
fn pods_may_do_more() {
    let with =
        |security: &Json| json!({"containers": [{"name": "a", "securityContext": security}]});
    let safe = json!({"privileged": false, "allowPrivilegeEscalation": false, "runAsNonRoot": true,
        "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"], "add": ["A"]}});
    let change = |key: &str, value: Json| {
        let mut changed = safe.clone();
        changed[key] = value;
        of_pods(&with(&safe), &with(&changed))
    };
    for (key, value) in [
        ("privileged", json!(true)),
        ("allowPrivilegeEscalation", json!(null)),
        ("runAsUser", json!(0)),
        ("runAsNonRoot", json!(false)),
        ("readOnlyRootFilesystem", json!(false)),
        ("capabilities", json!({"drop": ["ALL"], "add": ["A", "B"]})),
        ("capabilities", json!({"drop": [], "add": ["A"]})),
    ] {
        let reported = change(key, value);
        assert!(
            reported.len() == 1 && reported[0].starts_with("privilege-widens: "),
            "{key}: {reported:?}"
        );
    }
    for (key, value) in [
        ("runAsUser", json!(1000)),
        ("capabilities", json!({"drop": ["ALL"]})),
        ("seLinuxOptions", json!({})),
    ] {
        assert!(change(key, value).is_empty(), "{key}");
    }
    assert_eq!(of_pods(&json!({}), &json!({"hostPID": true})).len(), 1);
    let mount = |path: &str, read_only: bool| {
        json!({"containers": [{"name": "a", "volumeMounts": [{"name": "v", "readOnly": read_only}]}],
            "volumes": [{"name": "v", "hostPath": {"path": path}}]})
    };
    assert_eq!(
        of_pods(&mount("/var/log", true), &mount("/", true)).len(),
        1
    );
    assert_eq!(
        of_pods(&mount("/var/log", true), &mount("/var/log", false)).len(),
        1
    );
    assert!(of_pods(&mount("/var/log", false), &mount("/var/log/pods", true)).is_empty());
}

#[test]
fn connections_weaken() {
    let conf = |options: &str| {
        format!("<match **>\n  @type opensearch\n  @id main\n{options}\n</match>\n")
    };
    let path = "kubernetes/x/fluent.conf";
    let safe = "scheme https\nssl_verify true\nca_file /x.pem\nssl_min_version TLSv1_3";
    for (weak, what) in [
        ("scheme http", "a connection is no longer encrypted"),
        (
            "scheme https\nssl_verify false",
            "the server's certificate is no longer verified",
        ),
        (
            "scheme https\nca_file /x.pem\nssl_min_version TLSv1_2",
            "TLS 1.2 is allowed again",
        ),
        (
            "scheme https\nssl_min_version TLSv1_3",
            "every public authority is trusted, not only the one that was named",
        ),
    ] {
        assert_eq!(
            of_texts(path, &conf(safe), &conf(weak)),
            [format!("tls-weakens: {what}")]
        );
        assert!(
            of_texts(path, &conf(weak), &conf(safe)).is_empty(),
            "{weak}"
        );
    }
    assert!(
        of_texts(
            path,
            &conf("flush_interval 5s"),
            &conf("flush_interval 6s\n# scheme http")
        )
        .is_empty()
    );
    let pipeline = |options: &str| format!("output {{ opensearch {{ id => \"a\" {options} }} }}\n");
    let path = "kubernetes/logstash/output.conf";
    for (old, new) in [
        (
            "hosts => [\"https://a:9200\"]",
            "hosts => [\"http://a:9200\"]",
        ),
        (
            "ssl_verification_mode => \"full\"",
            "ssl_verification_mode => \"none\"",
        ),
        (
            "ssl_certificate_verification => true",
            "ssl_certificate_verification => false",
        ),
    ] {
        assert_eq!(
            of_texts(path, &pipeline(old), &pipeline(new)).len(),
            1,
            "{new}"
        );
    }
    let path = "machines/nodes/filebeat.yml";
    let beat = |lines: &str| format!("output.logstash:\n  hosts: [\"a:5044\"]\n  {lines}\n");
    assert_eq!(
        of_texts(
            path,
            &beat("ssl.verification_mode: full"),
            &beat("ssl: { verification_mode: none }")
        ),
        ["tls-weakens: the server's certificate is no longer verified (`a`)"]
    );
    assert!(
        of_texts(
            path,
            &beat("url: http://localhost"),
            &beat("url: http://127.0.0.1:1")
        )
        .is_empty()
    );
}

#[test]
fn connections_in_a_config_map_weaken() {
    let map = |name: &str, text: &str| json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {name: text}});
    for (name, old, new) in [
        (
            "fluent.conf",
            "<match **>\n  ssl_verify true\n</match>\n",
            "<match **>\n  ssl_verify false\n</match>\n",
        ),
        (
            "filebeat.yml",
            "output: { ssl.verification_mode: full }",
            "output: { ssl.verification_mode: none }",
        ),
    ] {
        let reported = of_values("kubernetes/x.yaml", &map(name, old), &map(name, new));
        assert_eq!(
            reported,
            ["tls-weakens: the server's certificate is no longer verified"]
        );
    }
}

#[test]
fn stores_are_protected_less() {
    let bucket = json!({"BucketEncryption": {"ServerSideEncryptionConfiguration": [{}]}, "PublicAccessBlockConfiguration": {"BlockPublicAcls": true}});
    assert_eq!(
        of_resource("AWS::S3::Bucket", &bucket, &json!({})),
        [
            "privilege-widens: a bucket may be made public (`One`)",
            "tls-weakens: a store is no longer encrypted as configured",
        ]
    );
    let policy =
        |statements: Json| json!({"Bucket": "b", "PolicyDocument": {"Statement": statements}});
    let deny = json!([{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]);
    assert_eq!(
        of_resource("AWS::S3::BucketPolicy", &policy(deny), &policy(json!([]))),
        ["tls-weakens: a policy no longer refuses unencrypted connections"]
    );
}

#[test]
fn secrets_are_read_from_elsewhere() {
    let secret = |store: &str, key: &str| {
        json!({"kind": "ExternalSecret", "metadata": {"name": "x"}, "spec": {
            "secretStoreRef": {"kind": "SecretStore", "name": store}, "refreshInterval": store,
            "data": [{"secretKey": "password", "remoteRef": {"key": key, "property": "p"}}]}})
    };
    let path = "kubernetes/credentials/main.yaml";
    assert_eq!(
        of_values(path, &secret("a", "b"), &secret("a", "c")),
        ["secret-reference-changes: a secret is read from `c/p` instead of `b/p`"]
    );
    assert_eq!(
        of_values(path, &secret("a", "b"), &secret("d", "b")).len(),
        1
    );
    let variable = |name: &str, value: &str| {
        json!({"containers": [{"name": "a", "env": [
            {"name": "P", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}, {"name": "V", "value": value}]}]})
    };
    assert_eq!(
        of_pods(&variable("one", "1"), &variable("two", "1")).len(),
        1
    );
    assert!(of_pods(&variable("one", "1"), &variable("one", "2")).is_empty());
    let resolved =
        |name: &str| json!({"Password": format!("{{{{resolve:secretsmanager:{name}}}}}")});
    assert_eq!(
        of_resource("AWS::X::Y", &resolved("a"), &resolved("b")).len(),
        1
    );
    // What looks like a secret is never reported.
    let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    assert!(
        !of_values(path, &secret("a", "b"), &secret("a", &key))
            .concat()
            .contains(&key)
    );
}

#[test]
fn images_go_back() {
    let image = |image: &str| json!({"containers": [{"name": "a", "image": image}]});
    for (old, new) in [
        ("a:1.2.0", "a:1.1.0"),
        ("a:1.2.0", "a:latest"),
        ("a:1.2.0", "a"),
        ("a:1@sha256:0", "a:1"),
        ("a:1@sha256:0", "mirror:5000/a:latest"),
        ("a:1.18", "a:main"),
        ("a:1.2.0", "mirror:5000/a:1.1.0"),
        ("docker.io/library/a:1.5", "library/a:1.1"),
        ("a:2.0.0", "a:2.0.0-RC1"),
        ("a:release-1.10", "a:release-1.9"),
    ] {
        let reported = of_pods(&image(old), &image(new));
        assert!(
            reported.len() == 1 && reported[0].starts_with("image-downgrade: "),
            "{new}: {reported:?}"
        );
    }
    for (old, new) in [
        ("a:1.1.0", "a:1.2.0"),
        ("a:1.2.0", "b:1.1.0"),
        ("a:1", "a@sha256:0"),
        ("a:1.2.0", "mirror:5000/a:1.2.0"),
        ("a:main", "a:stable"),
        ("a:1.2.0", "a:3f2a91c"),
    ] {
        assert!(of_pods(&image(old), &image(new)).is_empty(), "{new}");
    }
    let kustomization =
        |tag: &str| json!({"kind": "Kustomization", "images": [{"name": "a", "newTag": tag}]});
    let path = "kubernetes/kustomization.yaml";
    assert_eq!(
        of_values(path, &kustomization("2"), &kustomization("1")).len(),
        1
    );
}

#[test]
fn what_is_fixed_is_replaced() {
    let group = "AWS::Logs::LogGroup";
    assert_eq!(
        of_resource(
            group,
            &json!({"LogGroupName": "a"}),
            &json!({"LogGroupName": "b"})
        ),
        [
            "aws-object-replaced: AWS::Logs::LogGroup `One` is replaced, because LogGroupName changes"
        ]
    );
    assert!(of_resource(group, &json!({"Tags": 1}), &json!({"Tags": 2})).is_empty());
    // A list of objects, as `sources.aws.vpc.tag_fields` renders it, and a property within another one.
    let tags =
        |key: &str| json!({"TagFieldSpecifications": [{"ResourceType": "vpc", "TagKeys": [key]}]});
    assert_eq!(
        of_resource("AWS::EC2::FlowLog", &tags("team"), &tags("owner")),
        [
            "aws-object-replaced: AWS::EC2::FlowLog `One` is replaced, because TagFieldSpecifications changes"
        ]
    );
    let network =
        |family: &str| json!({"KubernetesNetworkConfig": {"IpFamily": family, "other": family}});
    assert_eq!(
        of_resource("AWS::EKS::Cluster", &network("ipv4"), &network("ipv6")),
        [
            "aws-object-replaced: AWS::EKS::Cluster `One` is replaced, because KubernetesNetworkConfig.IpFamily changes"
        ]
    );
    assert_eq!(
        of_values(
            STACK,
            &resource(group, &json!({})),
            &resource("AWS::SQS::Queue", &json!({}))
        ),
        ["aws-object-replaced: the resource `One` changes its type"]
    );
    let set = |field: &str, value: &str| json!({"kind": "StatefulSet", "metadata": {"name": "x"}, "spec": {field: value}});
    let path = "kubernetes/logstash/stateful-set.yaml";
    for field in ["selector", "serviceName", "volumeClaimTemplates"] {
        let reported = of_values(path, &set(field, "a"), &set(field, "b"));
        assert!(
            reported.len() == 1 && reported[0].starts_with("kubernetes-object-replaced: "),
            "{field}: {reported:?}"
        );
    }
    assert!(of_values(path, &set("replicas", "a"), &set("replicas", "b")).is_empty());
}

/// Any value, with keys that the rules look for.
fn anything() -> impl Strategy<Value = Json> {
    let keys = "kind|metadata|name|spec|template|containers|image|Resources|Type|Properties|Statement|Action|Principal|Condition|policy|phases|states|transitions|rules|verbs|mappings|properties|data|roleRef|hosts|LifecycleConfiguration|Rules";
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "DaemonSet|ClusterRole|ExternalSecret|AWS::IAM::Role|AWS::S3::Bucket|\\*|Allow|[a-z:/*ü.-]{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(keys, inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_makes_a_rule_fail(old in anything(), new in anything()) {
        for path in [STACK, "kubernetes/x.yaml", "elasticsearch/main/_security/role/x.json", "elasticsearch/main/_ilm/policy/x.json"] {
            of_values(path, &old, &new);
            prop_assert!(of_values(path, &old, &old).is_empty());
        }
    }
}

#[test]
fn what_goes_to_another_place_or_for_other_machines_is_reported() {
    let target = |place: &str| json!({"Targets": [{"Id": "forwarder", "Arn": place}]});
    let bucket = |name: &str| json!({"ExtendedS3DestinationConfiguration": {"BucketARN": name}});
    let notified = |event: &str| json!({"NotificationConfiguration": {"LambdaConfigurations": [{"Event": event, "Function": "f"}]}});
    let machines = |group: &str| json!({"Targets": [{"Key": "tag:group", "Values": [group]}]});
    let source = |kind: &str| json!({"LogType": kind, "ResourceArn": "arn"});
    for (kind, old, new, what) in [
        (
            "AWS::Events::Rule",
            target("a"),
            target("b"),
            "the event rule `One` sends its events to another target (forwarder)",
        ),
        (
            "AWS::CloudTrail::Trail",
            json!({"S3BucketName": "a"}),
            json!({"S3BucketName": "b"}),
            "the trail `One` writes its files to another bucket",
        ),
        (
            "AWS::KinesisFirehose::DeliveryStream",
            bucket("a"),
            bucket("b"),
            "the delivery stream `One` writes to another bucket",
        ),
        (
            "AWS::S3::Bucket",
            notified("s3:ObjectCreated:*"),
            notified("s3:ObjectCreated:Put"),
            "the bucket `One` no longer sends all of its notifications of new objects",
        ),
        (
            "AWS::SSM::Association",
            machines("a"),
            machines("b"),
            "the association `One` targets other machines",
        ),
        (
            "AWS::Logs::DeliverySource",
            source("a"),
            source("b"),
            "the delivery source `One` delivers b instead of a",
        ),
    ] {
        assert_eq!(
            of_resource(kind, &old, &new),
            [format!("source-stops: {what}")]
        );
    }
    // More is no loss.
    let more = json!({"NotificationConfiguration": {"LambdaConfigurations": [
        {"Event": "s3:ObjectCreated:*", "Function": "f"}, {"Event": "s3:ObjectRemoved:*", "Function": "f"},
    ]}});
    let old = notified("s3:ObjectCreated:*");
    assert!(of_resource("AWS::S3::Bucket", &old, &more).is_empty());
}
