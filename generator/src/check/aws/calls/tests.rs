use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::is_template;
use super::*;

/// What policies allow though no program calls it, as `<policy> <action> <resource>`.
pub(crate) fn unneeded<'f>(files: impl Iterator<Item = (&'f str, &'f str)> + Clone) -> Vec<String> {
    let (templates, configurations) = read(files);
    let mut found = Vec::new();
    for acting in acting(&templates, &configurations) {
        for statement in &acting.statements {
            for action in list(&statement["Action"]) {
                for arn in list(&statement["Resource"]) {
                    let action = action.as_str().unwrap_or_default();
                    if !is_called(&acting, action, arn) {
                        found.push(format!("{} {action} {arn}", acting.resource.id));
                    }
                }
            }
        }
    }
    found
}

fn is_called(acting: &Acting<'_>, action: &str, arn: &Value) -> bool {
    acting.callers.iter().any(|caller| {
        calls()
            .filter(|call| {
                call.program == caller.program && call.action == action && caller.makes(call.when)
            })
            .flat_map(|call| caller.requests(call.on))
            .any(|request| arn_of(arn).is_some_and(|arn| request.is_held_by(&arn)))
    })
}

fn read<'f>(
    files: impl Iterator<Item = (&'f str, &'f str)> + Clone,
) -> (Vec<Template<'f>>, Vec<Configuration<'f>>) {
    let templates = files
        .clone()
        .filter(|(path, _)| is_template(path))
        .map(|(path, text)| {
            let value = serde_json::from_str(text);
            Template::new(path, path.to_owned(), text, value).expect("JSON")
        })
        .collect();
    let configurations = files
        .filter(|(path, _)| is_configuration(path))
        .map(|(path, text)| Configuration { path, text })
        .collect();
    (templates, configurations)
}

fn reported<'f>(files: impl Iterator<Item = (&'f str, &'f str)> + Clone) -> Vec<String> {
    let (templates, configurations) = read(files);
    let mut faults = Faults::new();
    check(&templates, &configurations, &mut faults);
    faults
        .sorted()
        .into_iter()
        .map(|fault| fault.message)
        .collect()
}

/// All files of each cluster of the example fleet, with their paths below its folder.
fn examples() -> Vec<(String, Vec<(String, String)>)> {
    let rendered = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rendered");
    let mut found = Vec::new();
    for cluster in fs::read_dir(&rendered).expect("rendered/") {
        let folder = cluster.expect("an entry").path();
        let mut files = Vec::new();
        walk(&folder, &folder, &mut files);
        found.push((folder.display().to_string(), files));
    }
    found
}

fn walk(root: &Path, folder: &PathBuf, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let below = path.strip_prefix(root).expect("below it");
            files.push((below.display().to_string(), text));
        }
    }
}

fn pairs(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> + Clone {
    files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
}

#[test]
fn the_example_fleets_policies_allow_what_is_called_and_nothing_else() {
    let mut judged = 0;
    for (cluster, files) in examples() {
        assert_eq!(reported(pairs(&files)), [""; 0], "{cluster}");
        assert_eq!(unneeded(pairs(&files)), [""; 0], "{cluster}");
        let (templates, configurations) = read(pairs(&files));
        judged += acting(&templates, &configurations).len();
    }
    assert!(judged >= 8, "only {judged} policies were judged");
}

#[test]
fn every_action_that_is_taken_from_a_policy_is_missed() {
    for (cluster, files) in examples() {
        let (templates, configurations) = read(pairs(&files));
        for acting in acting(&templates, &configurations) {
            for (at, statement) in acting.statements.iter().enumerate() {
                let mut poorer = Acting {
                    template: acting.template,
                    resource: acting.resource,
                    statements: acting.statements.clone(),
                    callers: acting.callers.clone(),
                };
                poorer.statements.remove(at);
                for action in list(&statement["Action"]) {
                    let action = action.as_str().expect("an action");
                    let refused = acting.callers.iter().any(|caller| {
                        calls()
                            .filter(|call| call.program == caller.program && call.action == action)
                            .filter(|call| caller.makes(call.when))
                            .flat_map(|call| caller.requests(call.on))
                            .any(|request| !poorer.allows(action, &request))
                    });
                    assert!(refused, "{cluster} {}: {action}", acting.resource.id);
                }
            }
        }
    }
}

#[test]
fn no_policy_allows_what_is_withheld() {
    for (cluster, files) in examples() {
        let (templates, configurations) = read(pairs(&files));
        for acting in acting(&templates, &configurations) {
            for caller in &acting.callers {
                for call in calls().filter(|call| call.program == caller.program) {
                    if let When::Withheld(reason) = call.when {
                        assert!(!reason.is_empty());
                        for request in caller.requests(call.on) {
                            assert!(!acting.allows(call.action, &request), "{cluster}");
                        }
                    }
                }
            }
        }
    }
}

/// A role of pods that may do `statements`.
fn pods(statements: &Value) -> String {
    json!({ "Resources": { "PodsRole": { "Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": { "Statement": [{ "Effect": "Allow", "Principal": { "Federated": "arn" } }] },
        "Policies": [{ "PolicyDocument": { "Statement": statements } }],
    } } } })
    .to_string()
}

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": [resource] })
}

fn reported_of_pods(statements: &Value, path: &str, text: &str) -> Vec<String> {
    let stack = pods(statements);
    reported([("aws/eu-west-1/stack.json", stack.as_str()), (path, text)].into_iter())
}

const CLOUDWATCH: &str = "<match **>
  @type cloudwatch_logs
  region eu-west-1
  log_group_name /logfleet/a/x
  log_stream_name s
  auto_create_stream true
</match>
";

#[test]
fn fluentd_lists_log_groups_before_it_writes() {
    let group = "arn:aws:logs:eu-west-1:111122223333:log-group:/logfleet/a/x:*";
    let mut statements = vec![allow(
        &[
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        group,
    )];
    let path = "kubernetes/applications/fluent.conf";
    let missing = [
        "`PodsRole`: Fluentd's output `cloudwatch_logs` calls `logs:DescribeLogGroups` on `log-group::log-stream:` in eu-west-1, which this doesn't allow",
    ];
    assert_eq!(
        reported_of_pods(&json!(statements), path, CLOUDWATCH),
        missing
    );
    // Listing can't be allowed for one log group.
    statements.push(allow(&["logs:DescribeLogGroups"], group));
    assert_eq!(
        reported_of_pods(&json!(statements), path, CLOUDWATCH),
        missing
    );
    statements.push(allow(
        &["logs:DescribeLogGroups"],
        "arn:aws:logs:us-east-1:111122223333:log-group:*",
    ));
    assert_eq!(
        reported_of_pods(&json!(statements), path, CLOUDWATCH),
        missing
    );
    statements.push(allow(
        &["logs:DescribeLogGroups"],
        "arn:aws:logs:eu-west-1:111122223333:log-group:*",
    ));
    assert_eq!(
        reported_of_pods(&json!(statements), path, CLOUDWATCH),
        [""; 0]
    );
    let longer = CLOUDWATCH.replace("auto_create", "retention_in_days 3\n  auto_create");
    assert_eq!(
        reported_of_pods(&json!(statements), path, &longer),
        [
            "`PodsRole`: Fluentd's output `cloudwatch_logs` calls `logs:PutRetentionPolicy` on `log-group:/logfleet/a/x:log-stream:any` in eu-west-1, which this doesn't allow"
        ]
    );
}

#[test]
fn fluentds_checks_of_a_bucket_are_calls_and_can_be_turned_off() {
    let path = "kubernetes/nodes/fluent.conf";
    let put = json!([allow(&["s3:PutObject"], "arn:aws:s3:::b/a/*")]);
    let archive = "<match **>
  @type s3
  s3_bucket b
  s3_region eu-west-1
  path a/x/
</match>
";
    assert_eq!(
        reported_of_pods(&put, path, archive),
        [
            "`PodsRole`: Fluentd's output `s3` calls `s3:GetObject` on `b/a/x/any`, which this doesn't allow",
            "`PodsRole`: Fluentd's output `s3` calls `s3:ListBucket` on `b`, which this doesn't allow",
        ]
    );
    let quiet = archive.replace(
        "  path",
        "  check_bucket false\n  check_object false\n  check_apikey_on_start false\n  path",
    );
    assert_eq!(reported_of_pods(&put, path, &quiet), [""; 0]);
}

#[test]
fn logstash_looks_for_a_domain_before_it_writes() {
    let path = "kubernetes/logstash/output-main.conf";
    let output = r#"output { if [x] == "y" { opensearch {
  hosts => ["https://search-logs-abc.eu-west-1.es.amazonaws.com:443"]
  auth_type => { "type" => "aws_iam" "region" => "eu-west-1" }
} } }"#;
    let domain = "arn:aws:es:eu-west-1:999988887777:domain/logs/";
    let post = allow(&["es:ESHttpPost"], &format!("{domain}*_bulk"));
    assert_eq!(
        reported_of_pods(&json!([post]), path, output),
        [
            "`PodsRole`: Logstash's output `opensearch` calls `es:ESHttpGet` on `domain/logs/` in eu-west-1, which this doesn't allow",
            "`PodsRole`: Logstash's output `opensearch` calls `es:ESHttpHead` on `domain/logs/` in eu-west-1, which this doesn't allow",
        ]
    );
    let root = allow(&["es:ESHttpGet", "es:ESHttpHead"], domain);
    assert_eq!(
        reported_of_pods(&json!([post, root]), path, output),
        [""; 0]
    );
    let other = allow(
        &["es:ESHttpGet", "es:ESHttpHead"],
        "arn:aws:es:eu-west-1:999988887777:domain/other/",
    );
    assert_eq!(
        reported_of_pods(&json!([post, other]), path, output).len(),
        2
    );
    let password = output.replace("aws_iam", "basic");
    assert_eq!(reported_of_pods(&json!([]), path, &password), [""; 0]);
}

#[test]
fn fluentds_client_of_opensearch_posts_or_puts() {
    let path = "kubernetes/nodes/fluent.conf";
    let output = "<match **>
  @type opensearch
  verify_os_version_at_startup false
  <endpoint>
    url https://vpc-logs-abc.cn-north-1.es.amazonaws.com.cn:443
    region cn-north-1
  </endpoint>
</match>
";
    let domain = "arn:aws-cn:es:cn-north-1:111122223333:domain/logs/";
    let bulk = allow(&["es:ESHttpPost"], &format!("{domain}*_bulk"));
    assert_eq!(
        reported_of_pods(&json!([bulk]), path, output),
        [
            "`PodsRole`: Fluentd's output `opensearch` calls `es:ESHttpPut` on `domain/logs/any/_bulk` in cn-north-1, which this doesn't allow"
        ]
    );
    let asking = output.replace("false", "true");
    let both = allow(
        &["es:ESHttpPost", "es:ESHttpPut"],
        &format!("{domain}*_bulk"),
    );
    assert_eq!(reported_of_pods(&json!([both]), path, output), [""; 0]);
    assert_eq!(
        reported_of_pods(&json!([both]), path, &asking),
        [
            "`PodsRole`: Fluentd's output `opensearch` calls `es:ESHttpGet` on `domain/logs/` in cn-north-1, which this doesn't allow"
        ]
    );
}

#[test]
fn a_machines_agent_and_script_act_by_its_policy() {
    let policy = |actions: &[&str], resource: &str| {
        json!({ "Resources": { "NodesPolicy": { "Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "PolicyDocument": { "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": { "Fn::Sub": resource } }] },
        } } } })
        .to_string()
    };
    let agent = json!({ "agent": { "region": "eu-west-1" }, "logs": { "logs_collected": { "journald": { "collect_list": [
        { "log_group_name": "/logfleet/a/machines" },
    ] } } } })
    .to_string();
    let stack = policy(
        &["logs:PutLogEvents"],
        "arn:${AWS::Partition}:logs:eu-west-1:${AWS::AccountId}:log-group:/logfleet/a/machines:*",
    );
    let files = [
        ("machines/stack.json", stack.as_str()),
        (
            "machines/nodes/amazon-cloudwatch-agent.json",
            agent.as_str(),
        ),
    ];
    assert_eq!(
        reported(files.into_iter()),
        [
            "`NodesPolicy`: the CloudWatch agent calls `logs:CreateLogStream` on `log-group:/logfleet/a/machines:log-stream:any` in eu-west-1, which this doesn't allow"
        ]
    );
    let script = "  secret=$(aws --region eu-west-1 secretsmanager get-secret-value --secret-id logfleet/a/machines --query x)";
    let stack = policy(
        &["secretsmanager:GetSecretValue"],
        "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:logfleet/a/main-??????",
    );
    let files = [
        ("machines/stack.json", stack.as_str()),
        ("machines/nodes/install.sh", script),
    ];
    assert_eq!(
        reported(files.into_iter()),
        [
            "`NodesPolicy`: `install.sh` calls `secretsmanager:GetSecretValue` on `secret:logfleet/a/machines-AbCdEf` in eu-west-1, which this doesn't allow"
        ]
    );
}

#[test]
fn each_call_has_its_source_and_stands_once() {
    let mut seen = BTreeSet::new();
    for call in calls() {
        assert!(call.source.contains(", "), "{call:?}");
        assert!(call.action.contains(':'), "{call:?}");
        assert!(
            seen.insert((
                call.program,
                call.action,
                format!("{:?} {:?}", call.when, call.on)
            )),
            "{call:?}"
        );
    }
}

#[test]
fn patterns_match_as_iams_do() {
    for (pattern, text, expected) in [
        ("log-group:*", "log-group::log-stream:", true),
        ("domain/logs/", "domain/logs/", true),
        ("domain/logs/", "domain/logs/any/_bulk", false),
        ("domain/logs/*_bulk", "domain/logs/_bulk", true),
        ("domain/logs/*_bulk", "domain/logs/any/_bulk", true),
        ("domain/logs/*_bulk", "domain/logs/any/_search", false),
        ("secret:x-??????", "secret:x-AbCdEf", true),
        ("secret:x-??????", "secret:x-AbCdE", false),
    ] {
        assert_eq!(matches_glob(pattern, text), expected, "{pattern} {text}");
    }
}
