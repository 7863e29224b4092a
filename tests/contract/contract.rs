//! The example fleet, read by the contract alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use logfleet_contract::account::Source;
use logfleet_contract::index::order_writes;
use logfleet_contract::members::{Fragment, Member, compose, join};
use logfleet_contract::names;
use logfleet_contract::rendered::RenderedCluster;
use logfleet_contract_tests::{ReadError, Rendered, read};
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example() -> Rendered {
    read(&repository().join("rendered")).expect("the example fleet can be read")
}

/// Every file of a folder, counted by another walk than the reader's.
fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder");
    let count = |path: PathBuf| if path.is_dir() { count(&path) } else { 1 };
    entries
        .map(|entry| count(entry.expect("an entry").path()))
        .sum()
}

#[test]
fn every_rendered_file_is_read_into_a_type() {
    let rendered = example();
    assert_eq!(rendered.unread, [""; 0]);
    assert_eq!(rendered.files, count(&repository().join("rendered")));
    assert_eq!(rendered.counts.values().sum::<usize>(), rendered.files);
    // The example has all that logfleet can render but Flux's files.
    let expected = [
        "_component_template",
        "_data_stream",
        "_ilm/policy",
        "_index_template",
        "_plugins/_ism/policies",
        "_plugins/_security/api/internalusers",
        "_plugins/_security/api/roles",
        "_plugins/_security/api/rolesmapping",
        "_plugins/_security/api/tenants",
        "_security/role",
        "certificates",
        "files of Argo CD or Flux",
        "files of Kubernetes",
        "files of authentication",
        "files of machines",
        "files of the reconciler",
        "fragments of accounts",
        "fragments of members",
        "ownership files",
        "patches",
        "stacks of Regions",
        "stacks of accounts",
        "stacks of machines",
    ];
    assert_eq!(
        rendered.counts.keys().copied().collect::<Vec<_>>(),
        expected
    );
}

/// The cluster's account, as its forwarder is told.
fn account(cluster: &RenderedCluster) -> &str {
    let mut forwarders = cluster
        .stacks
        .values()
        .filter_map(|stack| stack.forwarder.as_ref());
    let forwarder = forwarders.next().expect("a forwarder");
    &forwarder.configuration.cluster.account
}

#[test]
fn forwarders_are_told_of_streams_that_are_rendered() {
    let (mut schedules, mut subscribed) = (0, 0);
    for (name, cluster) in &example().clusters {
        for (region, stack) in &cluster.stacks {
            let forwarder = stack.forwarder.as_ref().expect("each Region has one");
            let configuration = &forwarder.configuration;
            assert_eq!(&configuration.cluster.name, name);
            assert_eq!(
                configuration.log_group_prefix,
                names::log_group_prefix(name)
            );
            for (stream, told) in &configuration.streams {
                let data_stream = configuration.data_stream(stream).expect("a name");
                for destination in &told.to {
                    let server = &cluster.destinations[destination];
                    let backend = configuration.destinations[destination].backend;
                    assert_eq!(server.backend.unwrap_or(backend), backend);
                    let path = format!("_data_stream/{data_stream}");
                    let mut objects = server.objects.iter();
                    assert!(
                        objects.any(|object| object.path.to_string() == path),
                        "{name}: {path}"
                    );
                }
            }
            let resources = stack.template["Resources"].as_object().expect("resources");
            for subscription in resources.values().map(|resource| &resource["Properties"]) {
                if subscription["DestinationArn"]["Fn::GetAtt"][0] == forwarder.logical_id {
                    let group = subscription["LogGroupName"].as_str().expect("a name");
                    assert!(
                        configuration.log_group(group).is_some(),
                        "{region}: {group}"
                    );
                    subscribed += 1;
                }
            }
            schedules += forwarder.schedules.len();
        }
    }
    assert!(
        schedules >= 3 && subscribed >= 20,
        "{schedules} {subscribed}"
    );
}

/// What a cluster registers leads to log groups that its stack makes, and the
/// account's stack has a distributor for each source that a cluster wants.
#[test]
fn what_clusters_register_is_what_their_accounts_hand_over() {
    let rendered = example();
    let accounts = &rendered.accounts.as_ref().expect("accounts").regions;
    let mut wanted = 0;
    for (name, cluster) in &rendered.clusters {
        let registrations: Vec<_> = cluster
            .stacks
            .iter()
            .filter_map(|(region, stack)| Some((region, stack.registration.as_ref()?)))
            .collect();
        let Some((home, registration)) = registrations.first().copied() else {
            // It wants nothing that an account has once.
            let joins = cluster.fragments.values().any(|own| own.joins.is_some());
            assert!(!joins, "{name} isn't registered");
            continue;
        };
        assert_eq!(registrations.len(), 1, "{name}");
        assert_eq!(&registration.cluster, name);
        let of_account = account(cluster);
        for (source, wants) in &registration.sources {
            let stack = &cluster.stacks[&wants.region];
            let resources = stack.template["Resources"].as_object().expect("resources");
            let mut groups = resources
                .values()
                .filter(|resource| resource["Type"] == "AWS::Logs::LogGroup");
            assert!(
                groups.any(|group| group["Properties"]["LogGroupName"] == wants.log_group),
                "{name}: {}",
                wants.log_group
            );
            let region = match source {
                Source::Cloudtrail => home,
                _ => &wants.region,
            };
            let shared = &accounts[&(of_account.to_owned(), region.clone())];
            let told = &shared.distributor.as_ref().expect("one").configuration;
            assert_eq!(&told.registry.region, home, "{name}");
            assert!(told.log_groups.values().any(|own| own == source), "{name}");
            wanted += 1;
        }
    }
    assert!(wanted >= 6, "{wanted}");
}

#[test]
fn index_templates_can_be_written_where_none_is_and_where_all_are() {
    for (name, cluster) in example().clusters {
        for (destination, server) in cluster.destinations {
            let templates = server.objects.iter();
            let templates =
                templates.filter_map(|object| Some((object.path.name.clone(), object.template()?)));
            let wanted: BTreeMap<_, _> = templates.collect();
            assert!(!wanted.is_empty(), "{name} {destination}");
            for now in [&BTreeMap::new(), &wanted] {
                let writes = order_writes(now, &wanted).expect("an order");
                assert_eq!(writes.len(), wanted.len(), "{name} {destination}");
            }
        }
    }
}

/// A member of each type, and two of some.
fn members(region: &str, account: &str) -> BTreeSet<Member> {
    let elb = format!("arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer");
    [
        (
            "AWS::EC2::VPC",
            format!("arn:aws:ec2:{region}:{account}:vpc/vpc-0a1b2c3d4e5f60718"),
            "vpc-0a1b2c3d4e5f60718",
        ),
        (
            "AWS::EC2::VPC",
            format!("arn:aws:ec2:{region}:{account}:vpc/vpc-1a1b2c3d4e5f60718"),
            "vpc-1a1b2c3d4e5f60718",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            format!("{elb}/app/shop/0123456789abcdef"),
            "shop",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            format!("{elb}/net/api/0123456789abcdef"),
            "api",
        ),
        (
            "AWS::ElasticLoadBalancing::LoadBalancer",
            format!("{elb}/legacy"),
            "legacy",
        ),
        (
            "AWS::S3::Bucket",
            "arn:aws:s3:::example-shop-images".to_owned(),
            "example-shop-images",
        ),
        (
            "AWS::DynamoDB::Table",
            format!("arn:aws:dynamodb:{region}:{account}:table/carts"),
            "carts",
        ),
        (
            "AWS::DynamoDB::Table",
            format!("arn:aws:dynamodb:{region}:{account}:table/orders"),
            "orders",
        ),
        (
            "AWS::Route53::HostedZone",
            "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ".to_owned(),
            "Z0123456789ABCDEFGHIJ",
        ),
    ]
    .map(|(member_type, arn, id)| Member {
        member_type: member_type.to_owned(),
        arn,
        id: id.to_owned(),
    })
    .into()
}

/// `tests/cases/aws/members/`: cfn-lint and the emulator judge them, too.
/// `LOGFLEET_WRITE_DOCS=1 cargo test -p logfleet-contract-tests` writes them anew.
#[test]
fn composed_stacks_are_up_to_date() {
    let cases = repository().join("tests/cases/aws");
    let mut composed = 0;
    for (name, cluster) in example().clusters {
        let account = account(&cluster).to_owned();
        let fragments: Vec<Fragment> = cluster.fragments.into_values().collect();
        let Some(region) = fragments.first().map(|fragment| fragment.region.clone()) else {
            continue;
        };
        let members = members(&region, &account);
        let composition = compose(&fragments, &members, &BTreeMap::new()).expect("they fit");
        for (number, stack) in composition.stacks.iter().enumerate() {
            assert!(
                !stack["Resources"]
                    .as_object()
                    .expect("resources")
                    .is_empty()
            );
            compare(&cases.join(format!("members/{name}-{number}.json")), stack);
            composed += 1;
        }
        let calls = serde_json::to_value(&composition.calls).expect("JSON");
        compare(&cases.join(format!("calls/{name}.json")), &calls);
    }
    let rendered = example();
    let accounts = rendered.accounts.expect("accounts").regions;
    for ((account_id, region), shared) in accounts {
        let of_region: Vec<_> = rendered
            .clusters
            .values()
            .filter(|cluster| account(cluster) == account_id)
            .filter(|cluster| cluster.fragments.values().any(|own| own.region == region))
            .collect();
        if shared.fragments.is_empty() {
            continue;
        }
        let members = members(&region, &account_id);
        let of_clusters = of_region
            .iter()
            .map(|cluster| (&cluster.fragments, &members));
        let joined = join(&shared.fragments, of_clusters).expect("they fit");
        let composition = compose(&joined, &BTreeSet::new(), &BTreeMap::new()).expect("they fit");
        for (number, stack) in composition.stacks.iter().enumerate() {
            let path = format!("members/_account-{account_id}-{region}-{number}.json");
            compare(&cases.join(path), stack);
            composed += 1;
        }
        assert_eq!(composition.calls, []);
    }
    assert!(composed >= 4, "{composed}");
}

fn compare(path: &Path, value: &Value) {
    let text = serde_json::to_string_pretty(value).expect("it works") + "\n";
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("it works")).expect("it works");
        fs::write(path, &text).expect("it works");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is out of date: LOGFLEET_WRITE_DOCS=1 cargo test -p logfleet-contract-tests",
        path.display()
    );
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a copy");
        }
    }
}

#[test]
fn what_is_not_gens_or_was_edited_is_told() {
    let rendered = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract");
    let _ = fs::remove_dir_all(&rendered);
    let folder = rendered.join("dev-anna");
    copy(&repository().join("rendered/dev-anna"), &folder);
    fs::write(folder.join("kubernetes/notes.md"), "mine").expect("written");
    let read_again = read(&rendered).expect("it can be read");
    assert_eq!(
        read_again.unread,
        ["dev-anna/kubernetes/notes.md is not gen's"]
    );
    fs::write(folder.join("kubernetes/namespace.yaml"), "edited").expect("written");
    let Err(ReadError::Files(faults)) = read(&rendered) else {
        panic!("an edited file was taken");
    };
    let told: Vec<String> = faults
        .iter()
        .map(|(name, fault)| format!("{name}/{fault}"))
        .collect();
    assert_eq!(
        told,
        ["dev-anna/kubernetes/namespace.yaml: the file was changed after it was rendered"]
    );
}
