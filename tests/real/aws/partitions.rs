//! The table of partitions, against AWS's own data as botocore brings it.

use std::fs;
use std::path::PathBuf;

use logfleet_generator::partition::PARTITIONS;
use serde_json::Value;

use crate::rig;

/// A file of botocore's data, where the emulator of AWS is installed.
fn botocore(name: &str) -> Option<Value> {
    let complete = rig::installed(super::INSTALLED, "aws")?;
    let libraries = complete.with_file_name("lib");
    let python: PathBuf = fs::read_dir(libraries)
        .expect("the emulator's libraries")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.join("site-packages/botocore").is_dir())
        .expect("botocore is there");
    let file = python.join("site-packages/botocore/data").join(name);
    let text = fs::read_to_string(file).expect("a file of botocore's");
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn partitions_are_those_of_botocore() {
    let (Some(partitions), Some(endpoints)) =
        (botocore("partitions.json"), botocore("endpoints.json"))
    else {
        return;
    };
    let theirs = partitions["partitions"].as_array().expect("a list");
    assert_eq!(theirs.len(), PARTITIONS.len());
    for (their, own) in theirs.iter().zip(&PARTITIONS) {
        assert_eq!(their["id"], own.id);
        assert_eq!(their["outputs"]["dnsSuffix"], own.dns_suffix);
        let mut regions: Vec<&str> = their["regions"]
            .as_object()
            .expect("Regions")
            .keys()
            .map(String::as_str)
            .filter(|region| !region.ends_with("-global"))
            .collect();
        regions.sort_unstable();
        assert_eq!(regions, own.regions, "{}", own.id);
        let of_endpoints = endpoints["partitions"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|partition| partition["partition"] == own.id);
        let iam = of_endpoints.map_or(&Value::Null, |partition| {
            &partition["services"]["iam"]["endpoints"][format!("{}-global", own.id)]
                ["credentialScope"]["region"]
        });
        let global = iam
            .as_str()
            .or_else(|| their["outputs"]["implicitGlobalRegion"].as_str());
        assert_eq!(global, Some(own.global_region), "{}", own.id);
    }
}
