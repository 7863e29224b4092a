//! What accounts give their clusters. The base is the built-in defaults with
//! where the forwarder's program is.

use logfleet_contract::account::{Source, Wanted};
use serde_json::{Value, json};

use super::*;
use crate::layers::merge::merge;
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::settings::DEFAULTS;

fn parse(text: &str) -> Node {
    yaml::parse(FileId(0), &SourceFile::new("settings", text)).expect("YAML")
}

fn accounts(change: &Value) -> FleetAccounts {
    let code = json!({ "sources": { "aws": { "forwarder": { "code": { "bucket": "code-{region}", "key": "f.zip" } } } } });
    let base = merge(parse(DEFAULTS), &parse(&code.to_string()));
    FleetAccounts::by_default(&merge(base, &parse(&change.to_string())))
}

/// A cluster that wants calls and requests at tables, as one does by default.
fn share(cluster: &str, account: &str, region: &str) -> AccountShare {
    let wanted = |source: Source, read, exclude: &[&str]| {
        let wanted = Wanted {
            region: region.to_owned(),
            log_group: names::log_group_of_source(cluster, source.word()),
            read,
            write: true,
            exclude: exclude.iter().map(|own| (*own).to_owned()).collect(),
        };
        (source, wanted)
    };
    AccountShare {
        cluster: cluster.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        wants: [
            wanted(
                Source::Cloudtrail,
                true,
                &["kms.amazonaws.com", "rdsdata.amazonaws.com"],
            ),
            wanted(Source::Dynamodb, false, &[]),
        ]
        .into(),
        expiry_days: 90,
    }
}

const ACCOUNT: &str = "111122223333";

#[test]
fn a_stack_depends_on_no_cluster_but_the_first_of_its_region() {
    let accounts = accounts(&json!({}));
    let one = [share("a", ACCOUNT, "eu-central-1")];
    let stacks = resolve(&one, &accounts);
    let places: Vec<(&str, Vec<Source>, bool)> = stacks
        .iter()
        .map(|stack| {
            let groups = stack.region.log_groups.iter().map(|group| group.source);
            (
                stack.region.name.as_str(),
                groups.collect(),
                stack.members.is_some(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("eu-central-1", vec![Source::Dynamodb, Source::S3], true),
            (
                "us-east-1",
                vec![Source::Cloudtrail, Source::Dynamodb, Source::S3],
                true
            ),
        ]
    );
    let mut many = one.to_vec();
    many.extend((0..50).map(|number| share(&format!("b{number}"), ACCOUNT, "eu-central-1")));
    // One that wants less changes nothing either.
    many[7].wants.remove(&Source::Dynamodb);
    assert_eq!(resolve(&many, &accounts), stacks);
    many.push(share("c", "444455556666", "us-east-1"));
    let more = resolve(&many, &accounts);
    assert_eq!(more[..2], stacks[..]);
    assert_eq!(more.len(), 3, "one stack has all where the Regions are one");
}

#[test]
fn what_an_account_does_not_say_the_fleet_says() {
    let accounts = accounts(&json!({
        "sources": { "aws": { "cloudtrail": { "read": false, "expiry_days": 30 }, "dynamodb": { "data_events": { "read": true } } } },
        "account_defaults": { "retention_days": 30 },
        "accounts": { "444455556666": { "calls": { "read": true, "exclude": { "kms.amazonaws.com": false } }, "retention_days": 60 } },
    }));
    let of_fleet = accounts.of_account(ACCOUNT);
    assert!(!of_fleet.calls.read && of_fleet.calls.write && of_fleet.tables.read);
    assert_eq!((of_fleet.expiry_days, of_fleet.retention_days), (30, 30));
    assert!(of_fleet.exclude.contains("kms.amazonaws.com"));
    let own = accounts.of_account("444455556666");
    assert!(own.calls.read && own.tables.read);
    assert_eq!((own.expiry_days, own.retention_days), (30, 60));
    assert_eq!(
        own.exclude.iter().collect::<Vec<_>>(),
        ["rdsdata.amazonaws.com"]
    );
}

#[test]
fn the_log_group_of_another_trail_is_read_in_its_region() {
    let accounts = accounts(&json!({ "accounts": { (ACCOUNT): { "calls": {
        "existing_log_group": { "name": "/org/trail", "region": "eu-west-1" },
    } } } }));
    let stacks = resolve(&[share("a", ACCOUNT, "eu-central-1")], &accounts);
    let regions: Vec<&str> = stacks
        .iter()
        .map(|stack| stack.region.name.as_str())
        .collect();
    assert_eq!(regions, ["eu-central-1", "eu-west-1"]);
    let distributor = &stacks[1].region.distributor;
    let trail = stacks[1].region.trail.as_ref().expect("what members need");
    assert_eq!((&trail.own, trail.trail_arns.len()), (&None, 2));
    assert_eq!(
        distributor.called_by[1].arn,
        "arn:aws:logs:eu-west-1:111122223333:log-group:/org/trail:*"
    );
    // All distributors of an account look for clusters in one Region.
    assert_eq!(distributor.configuration.registry.region, "us-east-1");
    assert_eq!(
        distributor.target_arns[0],
        "arn:aws:logs:*:111122223333:log-group:/logfleet/*/aws/cloudtrail:*"
    );
}

#[test]
fn names_and_arns_are_those_of_the_partition() {
    let stacks = resolve(
        &[share("a", ACCOUNT, "cn-northwest-1")],
        &accounts(&json!({})),
    );
    let home = &stacks[0];
    assert_eq!(home.region.name, "cn-north-1");
    assert_eq!(home.aws.dns_suffix, "amazonaws.com.cn");
    assert_eq!(
        home.region.distributor.registry_arns,
        [
            "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/logfleet/clusters",
            "arn:aws-cn:ssm:cn-north-1:111122223333:parameter/logfleet/clusters/*",
        ]
    );
    assert!(home.region.distributor.target_arns[0].starts_with("arn:aws-cn:logs:*:"));
}

/// What is reported for one cluster, message and hint.
fn reported(change: &Value, share: AccountShare) -> Vec<(String, String)> {
    let shares = [share];
    let clashes = find_clashes(&shares, &accounts(change));
    clashes
        .into_iter()
        .map(|clash| (clash.message, clash.hint))
        .collect()
}

/// Each remedy is followed, and nothing is reported any more.
#[test]
fn what_an_account_cannot_give_is_reported_with_a_remedy_that_helps() {
    let one = || share("a", ACCOUNT, "eu-central-1");
    assert_eq!(reported(&json!({}), one()), []);
    let mut reads = one();
    reads.wants.get_mut(&Source::Dynamodb).expect("wanted").read = true;
    let mut keys = one();
    keys.wants
        .get_mut(&Source::Cloudtrail)
        .expect("wanted")
        .exclude
        .remove("kms.amazonaws.com");
    let mut short = one();
    short.expiry_days = 7;
    let off = json!({ "account_defaults": { "calls": { "enabled": false } } });
    let no_writes =
        json!({ "sources": { "aws": { "dynamodb": { "data_events": { "write": false } } } } });
    let no_code = json!({ "sources": { "aws": { "forwarder": { "code": null } } } });
    let no_region =
        json!({ "sources": { "aws": { "forwarder": { "code": { "bucket": "code" } } } } });
    let abroad = json!({ "account_defaults": { "calls": { "existing_log_group": { "name": "t", "region": "cn-north-1" } } } });
    for (change, share, message, remedy) in [
        (
            json!({}),
            reads,
            "its trail leaves out requests at tables that read",
            json!({ "accounts": { (ACCOUNT): { "tables": { "read": true } } } }),
        ),
        (
            json!({}),
            keys,
            "its trail leaves out calls of `kms.amazonaws.com`",
            json!({ "accounts": { (ACCOUNT): { "calls": { "exclude": { "kms.amazonaws.com": false } } } } }),
        ),
        (
            off,
            one(),
            "it doesn't record calls",
            json!({ "accounts": { (ACCOUNT): { "calls": { "enabled": true } } } }),
        ),
        (
            no_writes,
            one(),
            "it doesn't record requests at tables",
            json!({ "accounts": { (ACCOUNT): { "tables": { "write": true } } } }),
        ),
        (
            no_code,
            one(),
            "the location of its distributor's program isn't set",
            json!({ "account_defaults": { "code": { "bucket": "bucket-{region}", "key": "object" } } }),
        ),
        (
            no_region,
            one(),
            "it has distributors in several Regions, and a function reads its program from a bucket of its own Region",
            json!({ "account_defaults": { "code": { "bucket": "code-{region}", "key": "f.zip" } } }),
        ),
        (
            abroad,
            one(),
            "the Region `cn-north-1` of the trail's log group isn't in its partition",
            json!({ "accounts": { (ACCOUNT): { "calls": { "existing_log_group": { "name": "t", "region": "eu-west-1" } } } } }),
        ),
    ] {
        let found = reported(&change, share.clone());
        let whole = format!("account 111122223333: {message} (needed by `a`)");
        let [(reported_message, hint)] = &found[..] else {
            panic!("{message}: {found:?}");
        };
        assert_eq!(reported_message, &whole);
        assert!(hint.contains("clusters/fleet.yaml"), "{hint}");
        let mut followed = change.clone();
        for (key, value) in remedy.as_object().expect("settings") {
            followed[key] = value.clone();
        }
        assert_eq!(reported(&followed, share), [], "{message}");
    }
    let found = reported(&json!({}), short.clone());
    assert_eq!(
        found[0].0,
        "account 111122223333: a cluster can't set how long the files of the account's trails are kept (needed by `a`)"
    );
    // The account says it, and the cluster no longer does.
    let said = json!({ "accounts": { (ACCOUNT): { "expiry_days": 7 } } });
    assert_eq!(reported(&said, one()), []);
}

#[test]
fn many_clusters_with_one_problem_are_one_message() {
    let shares: Vec<AccountShare> = (0..100)
        .map(|number| share(&format!("c{number:02}"), ACCOUNT, "eu-central-1"))
        .collect();
    let off = accounts(&json!({ "account_defaults": { "calls": { "enabled": false } } }));
    let clashes = find_clashes(&shares, &off);
    assert_eq!(clashes.len(), 1);
    assert!(
        clashes[0]
            .message
            .ends_with("(needed by `c00`, `c01`, `c02` and 97 more)"),
        "{}",
        clashes[0].message
    );
}
