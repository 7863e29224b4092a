use serde_json::json;

use super::*;
use crate::index::content_name;

/// A folder with these files, as `gen` would have written it.
fn folder(cluster: &str, files: &[(&str, &str)]) -> RenderedTree {
    let digests = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), Digest::of(text.as_bytes())));
    let ownership = Ownership::new("1.2.3", cluster, digests.collect());
    let text = ownership.text().expect("JSON");
    let mut tree = RenderedTree::default();
    add(&mut tree, ".logfleet.json", &text);
    for (path, text) in files {
        add(&mut tree, path, text.as_bytes());
    }
    tree
}

fn add(tree: &mut RenderedTree, path: &str, bytes: &[u8]) {
    let path = TreePath::new(path).expect("a path");
    tree.0.insert(path, bytes.to_vec());
}

fn told(tree: RenderedTree) -> Vec<String> {
    let faults = RenderedCluster::read("alpha", tree).expect_err("faults");
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn every_file_is_where_it_belongs() {
    let shared = content_name("aws@mappings", b"{}\n");
    let shared = format!("elasticsearch/main/_component_template/{shared}.json");
    let fragment = json!({ "member_type": "AWS::EC2::VPC", "region": "eu-central-1" }).to_string();
    let files = [
        ("elasticsearch/main/_security/role/w.json", "{}\n"),
        ("elasticsearch/main/_data_stream/logs-b.json", "{}\n"),
        ("elasticsearch/main/_data_stream/logs-a.json", "{}\n"),
        (shared.as_str(), "{}\n"),
        ("aws/eu-central-1/stack.json", "{\"Resources\": {}}"),
        ("aws/members/vpc.json", &fragment),
        ("machines/stack.json", "{\"Resources\": {}}"),
        ("machines/nodes/install.sh", "#!/bin/sh\n"),
        ("kubernetes/certificates/main.pem", "-----BEGIN\n"),
        ("kubernetes/namespace.yaml", "kind: Namespace\n"),
        ("gitops/application.yaml", "kind: Application\n"),
        ("notes/own.md", "# Own\n"),
    ];
    let mut tree = folder("alpha", &files);
    add(&mut tree, "README.md", b"foreign");
    let read = RenderedCluster::read("alpha", tree).expect("no fault");
    let main = &read.destinations["main"];
    assert_eq!(main.backend, Some(Backend::Elasticsearch));
    let paths: Vec<String> = main
        .objects
        .iter()
        .map(|object| object.path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "_component_template/logfleet-aws@mappings-ca3d163bab055381",
            "_data_stream/logs-a",
            "_data_stream/logs-b",
            "_security/role/w"
        ]
    );
    assert_eq!(read.stacks["eu-central-1"].forwarder, None);
    assert_eq!(read.fragments["vpc"].member_type, "AWS::EC2::VPC");
    assert!(read.machines_stack.is_some());
    assert_eq!(read.machines["nodes"].len(), 1);
    assert_eq!(read.kubernetes.len(), 2);
    assert_eq!(read.certificates("main"), Some(b"-----BEGIN\n".as_slice()));
    assert_eq!(read.certificates("audit"), None);
    assert_eq!((read.gitops.len(), read.other.len()), (1, 1));
    assert_eq!(read.foreign, [TreePath::new("README.md").expect("a path")]);
    assert_eq!(read.ownership.generator(), "1.2.3");
}

#[test]
fn all_faults_are_told_together() {
    let mut tree = folder(
        "alpha",
        &[
            ("elasticsearch/main/_ingest/pipeline/a.json", "{}"),
            (
                "elasticsearch/main/_component_template/logfleet-a@settings-0123456789abcdef.json",
                "{}\n",
            ),
            ("elasticsearch/main/_ilm/policy/a.json", "{}"),
            ("elasticsearch/main/_plugins/_ism/policies/a.json", "{}"),
            ("aws/eu-central-1/stack.json", "{"),
            ("aws/members/vpc.json", "{\"member_type\": 1}"),
            ("kubernetes/a.yaml", "a"),
            ("kubernetes/b.yaml", "b"),
        ],
    );
    add(&mut tree, "kubernetes/a.yaml", b"edited");
    tree.0.remove("kubernetes/b.yaml");
    assert_eq!(
        told(tree),
        [
            "aws/eu-central-1/stack.json: EOF while parsing an object at line 1 column 1",
            "aws/members/vpc.json: invalid type: integer `1`, expected a string at line 1 column 17",
            "elasticsearch/main/_component_template/logfleet-a@settings-0123456789abcdef.json: `logfleet-a@settings-0123456789abcdef` was named for another content, whose digest isn't `ca3d163bab055381`",
            "elasticsearch/main/_ingest/pipeline/a.json: `_ingest/pipeline/a.json` isn't the path of an API object that logfleet knows",
            "elasticsearch/main/_plugins/_ism/policies/a.json: this is an object of OpenSearch, and others of this destination are of Elasticsearch",
            "kubernetes/a.yaml: the file was changed after it was rendered",
            "kubernetes/b.yaml: the file is missing",
        ]
    );
}

#[test]
fn a_folder_that_gen_did_not_finish_is_refused() {
    assert_eq!(
        told(RenderedTree::default()),
        [".logfleet.json: the ownership file is missing"]
    );
    assert_eq!(
        told(folder("beta", &[])),
        [".logfleet.json: the ownership file is that of `beta`; was the folder copied?"]
    );
    let mut interrupted = Ownership::new("1.2.3", "alpha", BTreeMap::new());
    interrupted.writing.insert("a".to_owned(), Digest::of(b"a"));
    let mut tree = RenderedTree::default();
    add(
        &mut tree,
        ".logfleet.json",
        &interrupted.text().expect("JSON"),
    );
    assert_eq!(
        told(tree),
        [".logfleet.json: `gen render` was interrupted here; run it again"]
    );
    let mut tree = RenderedTree::default();
    add(&mut tree, ".logfleet.json", b"{\"logfleet_ownership\": 9}");
    assert_eq!(
        told(tree),
        [".logfleet.json: the ownership file has format 9, and this release reads up to 1"]
    );
}

#[test]
fn the_fleets_own_folder_is_read_too() {
    let files = [("gitops/argo-cd/root.yaml", "a"), ("notes.md", "b")];
    let fleet = RenderedFleet::read(folder("_fleet", &files)).expect("no fault");
    assert_eq!((fleet.gitops.len(), fleet.other.len()), (1, 1));
    assert!(RenderedFleet::read(folder("alpha", &files)).is_err());
}

#[test]
fn the_accounts_folder_is_read_by_account_and_region() {
    let fragment = json!({ "member_type": "AWS::DynamoDB::Table", "region": "eu-central-1" });
    let fragment = fragment.to_string();
    let files = [
        ("111122223333/us-east-1/stack.json", "{\"Resources\": {}}"),
        (
            "111122223333/eu-central-1/stack.json",
            "{\"Resources\": {}}",
        ),
        (
            "111122223333/eu-central-1/members/table.json",
            fragment.as_str(),
        ),
        ("111122223333/notes.md", "a"),
    ];
    let read = RenderedAccounts::read(folder("_accounts", &files)).expect("no fault");
    let regions: Vec<String> = read
        .regions
        .iter()
        .map(|((account, region), own)| format!("{account} {region} {}", own.fragments.len()))
        .collect();
    assert_eq!(
        regions,
        ["111122223333 eu-central-1 1", "111122223333 us-east-1 0"]
    );
    assert_eq!(read.other.len(), 1);
    assert!(RenderedAccounts::read(folder("_fleet", &files)).is_err());
    let broken = [
        ("1/us-east-1/stack.json", "{"),
        ("1/us-east-1/members/a.json", "{}"),
    ];
    let faults = RenderedAccounts::read(folder("_accounts", &broken)).expect_err("faults");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "1/us-east-1/members/a.json: missing field `member_type` at line 1 column 2",
            "1/us-east-1/stack.json: EOF while parsing an object at line 1 column 1",
        ]
    );
}
