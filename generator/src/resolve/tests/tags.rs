//! Tags of what is made in AWS.

use serde_json::{Value, json};

use super::bench::Bench;
use super::effects::CLUSTERS;
use crate::render::tagging::{Tagging, tagging};

/// The resources of everything that a cluster and its account render.
fn resources(bench: &Bench, change: &Value) -> Vec<(String, Value)> {
    let tree = bench.render_with_fleet(change).expect("no fault");
    let mut found = Vec::new();
    for (path, bytes) in tree.files() {
        let Ok(file) = serde_json::from_slice::<Value>(bytes) else {
            continue;
        };
        for part in ["Resources", "resources", "once"] {
            let own = file.get(part).and_then(Value::as_object);
            for (id, resource) in own.into_iter().flatten() {
                found.push((format!("{path} {id}"), resource.clone()));
            }
        }
    }
    found
}

#[test]
fn every_resource_that_takes_tags_has_them() {
    let tags = json!({ "team": "shop", "cost-center": "4711" });
    let change = json!({ "aws": { "tags": tags }, "accounts": { "111122223333": { "tags": { "team": "platform" } } } });
    let mut tagged = 0;
    for (_, cluster) in CLUSTERS {
        let bench = Bench::new(cluster);
        for (place, resource) in resources(&bench, &change) {
            let kind = resource["Type"].as_str().expect("a type");
            let how = tagging(kind).unwrap_or_else(|| panic!("{place}: {kind} is in no table"));
            let own = &resource["Properties"]["Tags"];
            let of_account = place.starts_with("_accounts/");
            let team = if of_account { "platform" } else { "shop" };
            match how {
                Tagging::Map => assert_eq!(own["team"], team, "{place}"),
                Tagging::List => {
                    let own = own.as_array().unwrap_or_else(|| panic!("{place}"));
                    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
                    assert!(own.contains(&tag("team", team)), "{place}: {own:?}");
                    assert!(
                        own.contains(&tag("cost-center", "4711")),
                        "{place}: {own:?}"
                    );
                    tagged += 1;
                }
                Tagging::None | Tagging::Replaced => assert_eq!(own, &Value::Null, "{place}"),
            }
        }
    }
    assert!(tagged > 100, "{tagged}");
}

#[test]
fn tags_that_would_make_our_own_objects_members_are_refused() {
    let bench = Bench::new(CLUSTERS[0].1);
    let reported = |tags: &Value| {
        let change = json!({ "aws": { "tags": tags } });
        bench.render_with_fleet(&change).err().unwrap_or_default()
    };
    assert_eq!(reported(&json!({ "a": "c" })), [""; 0]);
    assert_eq!(
        reported(&json!({ "a": "b" })),
        [
            "`aws.tags`: with `a` what logfleet makes would be in the cluster's resource group, so buckets of logs would be logged and measured themselves"
        ]
    );
    assert_eq!(
        reported(&json!({ "AWS:a": "b" })),
        ["`aws.tags.AWS:a`: AWS keeps tags that begin with `aws:` to itself"]
    );
}
