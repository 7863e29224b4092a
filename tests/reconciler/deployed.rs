//! What `gen` renders for the reconciler of the example fleet: is it told enough, and may it do just what it does?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use logfleet_contract::aws_calls::{CALLS, Caller, On};
use logfleet_reconciler::checkout::FleetLocation;
use logfleet_reconciler::settings::Settings;
use logfleet_reconciler::shard::Shard;
use logfleet_reconciler::stacks::wanted::{Rendered, Wanted as WantedInAws};
use logfleet_reconciler::wanted::{Scope, Wanted};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    root().join("rendered/_fleet/reconciler")
}

fn settings() -> Settings {
    Settings::read(&folder().join("kubernetes/reconciler.yaml")).unwrap()
}

#[test]
fn the_rendered_settings_say_where_everything_of_the_fleet_is() {
    let settings = settings();
    let checkout = FleetLocation::Folder(root()).read().unwrap();
    let wanted = Wanted::of(&checkout, &settings, Scope::Everything).unwrap();
    for (name, server) in &wanted.servers {
        assert!(!server.objects.is_empty(), "{name} holds nothing");
    }
    for (cluster, rendered) in &checkout.clusters {
        for destination in rendered.destinations.keys() {
            settings.server_of(cluster, destination).unwrap();
        }
    }
    let aws = settings.aws.as_ref().unwrap();
    let rendered = Rendered {
        clusters: &checkout.clusters,
        accounts: checkout.accounts.as_ref(),
    };
    let in_aws = WantedInAws::of(rendered, aws).unwrap();
    let also: BTreeSet<_> = aws.also.iter().cloned().collect();
    assert!(in_aws.places().is_subset(&also), "{:?}", in_aws.places());
    for (name, cluster) in &in_aws.clusters {
        assert_eq!(Some(&cluster.place), aws.clusters.get(name), "{name}");
    }
    for (name, server) in &settings.servers {
        if let Some(authority) = &server.certificate_authority {
            let text = fs::read_to_string(folder().join("kubernetes").join(authority));
            assert!(text.unwrap().contains("BEGIN CERTIFICATE"), "{name}");
        }
    }
}

#[test]
fn what_is_in_aws_belongs_to_one_shard() {
    let checkout = FleetLocation::Folder(root()).read().unwrap();
    let rendered = Rendered {
        clusters: &checkout.clusters,
        accounts: checkout.accounts.as_ref(),
    };
    let all = WantedInAws::of(rendered, settings().aws.as_ref().unwrap()).unwrap();
    assert!(all.stacks.len() > 4, "{}", all.stacks.len());
    for of in [1, 2, 3, 7] {
        let (mut stacks, mut clusters) = (Vec::new(), Vec::new());
        for index in 0..of {
            let shard: Shard = format!("{index}/{of}").parse().unwrap();
            let mut own = all.clone();
            own.retain(|account| shard.has_account(account));
            stacks.extend(own.stacks.into_keys());
            clusters.extend(own.clusters.into_keys());
        }
        stacks.sort();
        clusters.sort();
        assert!(stacks.iter().eq(all.stacks.keys()), "of {of}: {stacks:?}");
        assert!(
            clusters.iter().eq(all.clusters.keys()),
            "of {of}: {clusters:?}"
        );
    }
}

/// Action and resource of each permission in a template's role, with the pseudo parameters of the table.
fn allowed(file: &str) -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(folder().join("aws").join(file)).unwrap();
    let template: Value = serde_json::from_str(&text).unwrap();
    let policies = template["Resources"]["Role"]["Properties"]["Policies"].as_array();
    let mut found = BTreeSet::new();
    for policy in policies.unwrap() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().unwrap() {
                for resource in statement["Resource"].as_array().unwrap() {
                    let text = resource.as_str().or_else(|| resource["Fn::Sub"].as_str());
                    let text = text.unwrap().replace("${AWS::Partition}", "aws");
                    let text = text.replace("${AWS::AccountId}", "<account>");
                    found.insert((action.as_str().unwrap().to_owned(), text));
                }
            }
        }
    }
    found
}

/// The same of the table, with the settings of the example fleet.
fn listed(is_for: impl Fn(Caller, On) -> bool) -> BTreeSet<(String, String)> {
    let aws = settings().aws.unwrap();
    let role = aws.role.unwrap();
    let templates = aws.templates.unwrap().bucket;
    let templates = templates.replace("{account}", "<account>");
    // The example's domain is signed in at by the pods' own role, and no cluster of EKS takes Secrets.
    let unused = [On::DomainRoles, On::EksRoles, On::EksApiServers];
    let own = CALLS.iter().filter(|own| !unused.contains(&own.on));
    let own = own.filter(|own| is_for(own.caller, own.on));
    own.map(|own| {
        let arn = match own.on {
            On::Domains => "arn:aws:es:us-east-1:111122223333:domain/logs/*",
            On::StoreRoles => On::AccountRole.arn(),
            on => on.arn(),
        };
        let arn = arn
            .replace("<aws.role>", &role)
            .replace(
                "<aws.cloudformation_role>",
                aws.cloudformation_role.as_ref().unwrap(),
            )
            .replace(
                "<aws.templates.bucket>",
                &templates.replace("{region}", "*"),
            )
            .replace(
                "<aws.records.bucket>",
                &aws.records.as_ref().unwrap().bucket,
            );
        (format!("{}:{}", own.service, own.action), arn)
    })
    .collect()
}

#[test]
fn the_rendered_roles_may_call_what_is_called_and_nothing_else() {
    // Who assumes a role doesn't look who it is.
    let own = listed(|caller, on| caller == Caller::Own && on != On::All);
    assert_eq!(allowed("own.json"), own);
    assert_eq!(
        allowed("account.json"),
        listed(|caller, _| caller != Caller::Own)
    );
}
