//! What is true of the environment and stands in several rendered files: the
//! cluster's name in AWS, Regions, accounts, partitions, and what roles may.

use std::collections::BTreeMap;

use super::*;
use crate::check::unneeded_permissions;

fn merged(one: &Value, other: &Value) -> Value {
    merge(parse(&one.to_string()), &parse(&other.to_string())).to_json()
}

/// The cluster on EKS, called `folder` here.
fn eks(change: &Value) -> Value {
    let eks =
        json!({ "name": "folder", "distribution": "eks", "node_groups": { "masters": null } });
    merged(&eks, change)
}

fn find<'f>(files: &'f [(String, String)], path: &str) -> &'f str {
    let found = files.iter().find(|(own, _)| own == path);
    &found.unwrap_or_else(|| panic!("{path} is rendered")).1
}

fn json_of(files: &[(String, String)], path: &str) -> Value {
    serde_json::from_str(find(files, path)).expect("JSON")
}

/// Where a file says something that belongs to the folder's name, not to AWS's.
fn says_the_folders_name(files: &[(String, String)], name: &str) -> Vec<String> {
    let wrong = [
        format!("kubernetes.io/cluster/{name}"),
        format!("/aws/eks/{name}/"),
        format!(":cluster/{name}"),
        format!("role/*{name}"),
        format!("role/*.{name}"),
        format!("\"*{name}*\""),
        format!("\"*.{name}\""),
    ];
    files
        .iter()
        .flat_map(|(path, text)| {
            wrong
                .iter()
                .filter(|wrong| text.contains(wrong.as_str()))
                .map(move |wrong| format!("{path}: {wrong}"))
        })
        .collect()
}

#[test]
fn everything_follows_from_the_name_that_eks_has() {
    let bench = Bench::new();
    let by_setting = eks(&aws(json!({ "cluster_name": "Prod_Cluster" })));
    let by_tag = eks(&aws(json!({ "resource_group": { "tags": {
        "kubernetes.io/cluster/Prod_Cluster": { "owned": true, "shared": true },
    } } })));
    let mut rendered = Vec::new();
    for change in [by_setting, by_tag] {
        let files = bench.files(&change).expect("right");
        assert_eq!(says_the_folders_name(&files, "folder"), [""; 0]);
        let member = json_of(&files, "aws/members/eks-cluster.json");
        assert_eq!(
            member["members"],
            json!([{ "id": "Prod_Cluster", "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/Prod_Cluster" }])
        );
        assert_eq!(
            member["calls"][1]["parameters"]["logGroupName"],
            "/aws/eks/Prod_Cluster/cluster"
        );
        let stack = json_of(&files, "aws/eu-central-1/stack.json")["Resources"].clone();
        assert_eq!(
            stack["ResourceGroup"]["Properties"]["ResourceQuery"]["Query"]["TagFilters"],
            json!([{ "Key": "kubernetes.io/cluster/Prod_Cluster", "Values": ["owned", "shared"] }])
        );
        assert!(stack.to_string().contains("*Prod_Cluster*"));
        let machines = json_of(&files, "machines/stack.json");
        rendered.push(machines["Resources"]["NodesAssociation"]["Properties"]["Targets"].clone());
    }
    assert_eq!(
        rendered,
        [
            json!([{ "Key": "tag:kubernetes.io/cluster/Prod_Cluster", "Values": ["owned"] }]),
            json!([{ "Key": "tag:kubernetes.io/cluster/Prod_Cluster", "Values": ["owned", "shared"] }]),
        ]
    );
    // Without either it is the cluster's own.
    let files = bench.files(&eks(&json!({}))).expect("right");
    assert_eq!(
        json_of(&files, "aws/members/eks-cluster.json")["members"][0]["id"],
        "folder"
    );
}

#[test]
fn kops_too_may_call_the_cluster_otherwise() {
    let files = Bench::new()
        .files(&aws(json!({ "cluster_name": "k8s.other.example.org" })))
        .expect("right");
    assert_eq!(
        says_the_folders_name(&files, "prod-eu.example.com"),
        [""; 0]
    );
    let machines = json_of(&files, "machines/stack.json");
    assert_eq!(
        machines["Resources"]["MastersAssociation"]["Properties"]["Targets"],
        json!([
            { "Key": "tag:KubernetesCluster", "Values": ["k8s.other.example.org"] },
            { "Key": "tag:k8s.io/role/control-plane", "Values": ["1"] },
        ])
    );
    let stack = json_of(&files, "aws/eu-central-1/stack.json").to_string();
    assert!(stack.contains("*.k8s.other.example.org"));
}

#[test]
fn the_tags_of_the_clusters_objects_reach_the_machines() {
    let bench = Bench::new();
    let targets = |change: &Value, id: &str| {
        let files = bench.files(change).expect("right");
        json_of(&files, "machines/stack.json")["Resources"][id]["Properties"]["Targets"].clone()
    };
    let tags = |tags: Value| aws(json!({ "resource_group": { "tags": tags } }));
    assert_eq!(
        targets(
            &tags(json!({ "team": { "shop": true, "payments": true, "old": false } })),
            "NodesAssociation"
        ),
        json!([
            { "Key": "tag:k8s.io/role/node", "Values": ["1"] },
            { "Key": "tag:team", "Values": ["payments", "shop"] },
        ])
    );
    assert_eq!(
        targets(&tags(json!({ "team": {} })), "MastersAssociation"),
        json!([
            { "Key": "tag:k8s.io/role/control-plane", "Values": ["1"] },
            { "Key": "tag-key", "Values": ["team"] },
        ])
    );
    // A role's own tags win.
    let own = merged(
        &tags(json!({ "team": { "shop": true } })),
        &json!({ "sources": { "machines": { "nodes": { "tags": { "Name": "worker" } } } } }),
    );
    assert_eq!(
        targets(&own, "NodesAssociation"),
        json!([{ "Key": "tag:Name", "Values": ["worker"] }])
    );
    assert_eq!(
        bench.files(&tags(json!({ "a+b": { "c": true } }))),
        Err(vec!["`sources.aws.resource_group.tags`: Systems Manager can't aim at machines by the tag `a+b`, so the masters would get no shippers".to_owned()])
    );
}

#[test]
fn a_name_that_contradicts_or_cannot_be_is_reported() {
    let bench = Bench::new();
    let reported = |change: &Value| bench.files(change).expect_err("a fault");
    assert_eq!(
        reported(&aws(json!({
            "cluster_name": "one",
            "resource_group": { "tags": { "kubernetes.io/cluster/other": { "owned": true } } },
        }))),
        [
            "`sources.aws.cluster_name`: the cluster is called `one` here, and `other` by the tag `kubernetes.io/cluster/other`"
        ]
    );
    assert_eq!(
        reported(&eks(&json!({ "name": "prod.example.com" }))),
        ["`name`: no EKS cluster can be called `prod.example.com`: EKS allows no `.` in a name"]
    );
    assert_eq!(
        reported(&aws(
            json!({ "eks": { "log_group": "/aws/eks/x/cluster" } })
        )),
        ["`sources.aws.eks.log_group` is not a setting"]
    );
}

fn signed(url: &str, more: &Value) -> Value {
    let signing = merged(&json!({ "type": "aws_sigv4" }), more);
    json!({
        "kubernetes": { "oidc_provider": "oidc.example.com/id/A" },
        "destinations": { "main": { "url": url, "authentication": signing } },
    })
}

/// The statements of the role of the pods, by their ids.
fn pods_statements(files: &[(String, String)], region: &str) -> BTreeMap<String, Value> {
    let stack = json_of(files, &format!("aws/{region}/stack.json"));
    let role = &stack["Resources"]["PodsRole"]["Properties"];
    let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array();
    statements
        .into_iter()
        .flatten()
        .map(|statement| {
            let id = statement["Sid"].as_str().expect("an id").to_owned();
            (id, json!([statement["Action"], statement["Resource"]]))
        })
        .collect()
}

#[test]
fn a_domain_is_where_its_host_says_and_whose_the_setting_says() {
    let bench = Bench::new();
    let change = signed(
        "https://search-my-logs-abc.us-west-2.es.amazonaws.com",
        &json!({ "account": "999988887777" }),
    );
    let files = bench.files(&change).expect("right");
    let fluentd = find(&files, "kubernetes/applications/fluent.conf");
    assert!(
        fluentd.contains("      region \"us-west-2\"\n"),
        "{fluentd}"
    );
    assert!(!fluentd.contains("      region \"eu-central-1\"\n"));
    let logstash = find(&files, "kubernetes/logstash/output-main.conf");
    assert!(logstash.contains(r#""region" => "us-west-2""#));
    assert_eq!(
        json!(pods_statements(&files, "eu-central-1")),
        json!({
            "FindDomains": [
                ["es:ESHttpGet", "es:ESHttpHead"],
                ["arn:aws:es:us-west-2:999988887777:domain/my-logs/"],
            ],
            "WriteDomains": [
                ["es:ESHttpPost", "es:ESHttpPut"],
                ["arn:aws:es:us-west-2:999988887777:domain/my-logs/*_bulk"],
            ],
        })
    );
    let stack = json_of(&files, "aws/eu-central-1/stack.json");
    let forwarder = stack["Resources"]["ForwarderRole"].to_string();
    assert!(
        forwarder.contains("\"arn:aws:es:us-west-2:999988887777:domain/my-logs/*_bulk\""),
        "{forwarder}"
    );
    // Both pods that sign may take the role on.
    let trust = &stack["Resources"]["PodsRole"]["Properties"]["AssumeRolePolicyDocument"];
    assert_eq!(
        trust["Statement"][0]["Condition"]["StringEquals"]["oidc.example.com/id/A:sub"],
        json!([
            "system:serviceaccount:logging:fluentd",
            "system:serviceaccount:logging:logstash"
        ])
    );
}

#[test]
fn a_host_of_ones_own_takes_the_setting_and_else_the_clusters_region() {
    let bench = Bench::new();
    for (more, region) in [
        (json!({}), "eu-central-1"),
        (json!({ "region": "eu-west-1" }), "eu-west-1"),
    ] {
        let files = bench
            .files(&signed("https://logs.example.com", &more))
            .expect("right");
        let fluentd = find(&files, "kubernetes/applications/fluent.conf");
        assert!(fluentd.contains(&format!("      region \"{region}\"\n")));
        assert_eq!(
            pods_statements(&files, "eu-central-1")["WriteDomains"][1],
            json!([format!("arn:aws:es:{region}:111122223333:domain/*/*_bulk")])
        );
    }
}

#[test]
fn what_a_domains_host_contradicts_is_reported() {
    let bench = Bench::new();
    let reported = |url: &str, more: Value| bench.files(&signed(url, &more)).expect_err("a fault");
    assert_eq!(
        reported(
            "https://search-l-abc.us-west-2.es.amazonaws.com",
            json!({ "region": "us-east-1" })
        ),
        [
            "`destinations.main.authentication.region`: requests would be signed for `us-east-1`, but the domain is in `us-west-2`: its host says so"
        ]
    );
    assert_eq!(
        reported("https://vpc-l-abc.eu-wset-1.es.amazonaws.com", json!({})),
        ["`destinations.main.url`: AWS has no Region `eu-wset-1`"]
    );
    assert_eq!(
        reported("https://vpc-l-abc.cn-north-1.es.amazonaws.com", json!({})),
        [
            "`destinations.main.url`: `cn-north-1` is in the partition `aws-cn`, and the cluster's Region `eu-central-1` in `aws`: an account reaches one partition only",
            "`destinations.main.url`: hosts of AWS in `cn-north-1` end in `amazonaws.com.cn`",
        ]
    );
    assert_eq!(
        reported(
            "https://vpc-l-abc.cn-north-1.es.amazonaws.com.cn",
            json!({})
        ),
        [
            "`destinations.main.url`: `cn-north-1` is in the partition `aws-cn`, and the cluster's Region `eu-central-1` in `aws`: an account reaches one partition only"
        ]
    );
}

#[test]
fn regions_and_arns_are_known_and_of_the_clusters_partition() {
    let bench = Bench::new();
    let reported = |change: Value| bench.files(&change).expect_err("a fault");
    assert_eq!(
        reported(json!({ "region": "eu-centrl-1" })),
        ["`region`: AWS has no Region `eu-centrl-1`"]
    );
    assert_eq!(
        reported(
            json!({ "destinations": { "cw": { "backend": "cloudwatch", "region": "us-gov-west-1" } } })
        ),
        [
            "`destinations.cw.region`: `us-gov-west-1` is in the partition `aws-us-gov`, and the cluster's Region `eu-central-1` in `aws`: an account reaches one partition only"
        ]
    );
    assert_eq!(
        reported(
            json!({ "destinations": { "s3": { "backend": "s3", "expiry_days": 3, "region": "eu-west-9" } } })
        ),
        ["`destinations.s3.region`: AWS has no Region `eu-west-9`"]
    );
    assert_eq!(
        reported(json!({ "kubernetes": { "role_arn": "arn:aws-cn:iam::111122223333:role/r" } })),
        ["`kubernetes.role_arn`: this ARN is in the partition `aws-cn`, and the cluster in `aws`"]
    );
}

#[test]
fn each_partition_has_its_hosts_and_arns() {
    let bench = Bench::new();
    for (region, partition, suffix) in [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-northwest-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
        ("us-iso-west-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ] {
        let change = merged(
            &json!({
                "region": region,
                "destinations": { "cloudwatch": { "backend": "cloudwatch" } },
                "streams": { "machines": { "destinations": { "main": true, "cloudwatch": true } } },
            }),
            &aws(json!({ "route53": { "public": region == "eu-central-1" } })),
        );
        let files = bench.files(&change).expect("right");
        let script = find(&files, "machines/nodes/install.sh");
        assert!(
            script.contains(&format!(".s3.$region.{suffix}/$system")),
            "{region}"
        );
        for (path, text) in &files {
            for arn in text.split("arn:aws").skip(1) {
                let found = format!("aws{}", arn.split(':').next().unwrap_or_default());
                assert_eq!(found, partition, "{path}");
            }
        }
    }
}

/// Fleets whose policies differ most.
fn fleets() -> Vec<(&'static str, Value)> {
    let domain = "https://search-logs-abc.eu-central-1.es.amazonaws.com";
    let pods = json!({ "kubernetes": { "oidc_provider": "oidc.example.com/id/A" } });
    let with = |change: Value| merged(&pods, &change);
    vec![
        ("everything to a server", json!({})),
        (
            "containers to CloudWatch",
            with(json!({
                "destinations": { "cw": { "backend": "cloudwatch" } },
                "streams": { "applications": { "destinations": { "cw": true } } },
                "sources": { "kubernetes": { "applications": { "fluentd": { "image": { "repository": "r", "tag": "t", "plugins": ["fluent-plugin-cloudwatch-logs", "fluent-plugin-opensearch", "fluent-plugin-concat", "fluent-plugin-kubernetes_metadata_filter", "fluent-plugin-parser-cri", "fluent-plugin-prometheus", "fluent-plugin-record-modifier", "fluent-plugin-rewrite-tag-filter", "fluent-plugin-systemd"] } } } } },
            })),
        ),
        (
            "machines alone to CloudWatch",
            with(json!({
                "destinations": { "cw": { "backend": "cloudwatch" } },
                "streams": { "machines": { "destinations": { "cw": true } } },
            })),
        ),
        (
            "CloudWatch of two Regions",
            with(json!({
                "destinations": { "cw": { "backend": "cloudwatch" }, "far": { "backend": "cloudwatch", "region": "us-west-2" } },
                "streams": { "applications": { "destinations": { "cw": true, "far": true } } },
            })),
        ),
        (
            "an archive",
            with(json!({
                "destinations": { "old": { "backend": "s3", "expiry_days": 30 } },
                "streams": { "applications": { "destinations": { "old": true } } },
            })),
        ),
        ("a domain", signed(domain, &json!({}))),
        (
            "a domain that machines don't write to",
            merged(
                &signed(domain, &json!({})),
                &json!({ "sources": { "machines": { "masters": { "enabled": false }, "nodes": { "enabled": false } } } }),
            ),
        ),
        (
            "a domain for logs of AWS alone",
            with(json!({
                "destinations": { "dom": { "backend": "opensearch", "version": 2, "url": domain, "authentication": { "type": "aws_sigv4" } } },
                "stream_defaults": { "destinations": { "main": true } },
                "streams": { "aws_ec2": { "destinations": { "main": false, "dom": true } } },
            })),
        ),
    ]
}

#[test]
fn roles_may_what_their_programs_call_and_nothing_else() {
    let bench = Bench::new();
    let mut reported = String::new();
    for (name, change) in fleets() {
        // That nothing is missing is what the check itself says.
        let files = bench
            .files(&change)
            .unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        let pairs = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        assert_eq!(unneeded_permissions(pairs), [""; 0], "{name}");
        writeln!(reported, "{name}").expect("a text");
        for (id, statement) in pods_statements(&files, "eu-central-1") {
            writeln!(reported, "  {id} {statement}").expect("a text");
        }
    }
    insta::assert_snapshot!(reported);
}
