//! What is rendered for one another: the log files that Fluentd reads, or
//! leaves out, of our own workloads are those that the rendered workloads
//! write, whatever `gen sources` names as a shipper is rendered, and its rows
//! lead from what is read to what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use logfleet_generator::load::source_file::{SourceFile, Sources};
use logfleet_generator::load::yaml;
use logfleet_generator::pipeline::{Timings, load_fleet};
use logfleet_generator::sources::{self, EndKind};
use serde_json::Value;
use walkdir::WalkDir;

/// A workload of ours, as its rendered object says.
struct Workload {
    kind: String,
    name: String,
    containers: Vec<String>,
}

impl Workload {
    /// The log files of its containers, as the kubelet names them
    /// (<https://github.com/kubernetes/kubernetes/blob/v1.34.4/pkg/kubelet/kuberuntime/legacy.go>).
    fn log_files(&self, namespace: &str) -> Vec<String> {
        let id = "0123456789abcdef".repeat(4);
        // A Deployment's pod has the hash of its ReplicaSet in its name, too.
        let pod = match self.kind.as_str() {
            "Deployment" => format!("{}-7d4b9c8f6-x7k2p", self.name),
            "StatefulSet" => format!("{}-0", self.name),
            _ => format!("{}-x7k2p", self.name),
        };
        self.containers
            .iter()
            .map(|container| format!("/var/log/containers/{pod}_{namespace}_{container}-{id}.log"))
            .collect()
    }
}

/// A `tail` source of a `fluent.conf`.
struct Tail {
    id: String,
    paths: Vec<String>,
    exclude: Vec<String>,
}

impl Tail {
    fn reads(&self, file: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| matches(glob, file));
        any(&self.paths) && !any(&self.exclude)
    }
}

/// Whether a glob of file names, in which only `*` stands for anything, matches.
fn matches(glob: &str, file: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| file.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn rendered_clusters() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rendered");
    let mut clusters: Vec<PathBuf> = fs::read_dir(folder)
        .expect("as it is rendered")
        .map(|entry| entry.expect("as it is rendered").path())
        .filter(|path| path.join("kubernetes").is_dir())
        .collect();
    clusters.sort();
    assert!(clusters.len() > 2);
    clusters
}

fn files_named(cluster: &Path, name: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = WalkDir::new(cluster.join("kubernetes"))
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("as it is rendered"))
        .filter(|entry| entry.file_type().is_file() && entry.path().ends_with(name))
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(cluster)
                .expect("as it is rendered");
            let text = fs::read_to_string(entry.path()).expect("as it is rendered");
            (path.display().to_string(), text)
        })
        .collect();
    files.sort();
    files
}

fn object(path: &str, text: &str) -> Value {
    let mut sources = Sources::default();
    let source = SourceFile::new(path, text);
    let id = sources.push(SourceFile::new(path, text));
    yaml::parse(id, &source)
        .expect("as it is rendered")
        .to_json()
}

fn workloads(cluster: &Path) -> Vec<Workload> {
    ["daemonset.yaml", "deployment.yaml", "stateful-set.yaml"]
        .into_iter()
        .flat_map(|name| files_named(cluster, name))
        .map(|(path, text)| {
            let object = object(&path, &text);
            let pod = &object["spec"]["template"]["spec"];
            let containers = ["initContainers", "containers"]
                .into_iter()
                .flat_map(|key| pod[key].as_array().into_iter().flatten())
                .map(|container| {
                    container["name"]
                        .as_str()
                        .expect("as it is rendered")
                        .to_owned()
                });
            Workload {
                kind: object["kind"]
                    .as_str()
                    .expect("as it is rendered")
                    .to_owned(),
                name: object["metadata"]["name"]
                    .as_str()
                    .expect("as it is rendered")
                    .to_owned(),
                containers: containers.collect(),
            }
        })
        .collect()
}

fn namespace(cluster: &Path) -> String {
    let (path, text) = files_named(cluster, "kustomization.yaml").remove(0);
    object(&path, &text)["namespace"]
        .as_str()
        .expect("as it is rendered")
        .to_owned()
}

/// The sources of a configuration that read logs of containers.
fn tails(text: &str) -> Vec<Tail> {
    let globs = |text: &str| -> Vec<String> {
        text.split(['"', ',', '[', ']', '\n'])
            .map(str::trim)
            .filter(|piece| piece.starts_with("/var/log/containers/"))
            .map(str::to_owned)
            .collect()
    };
    text.split("<source>")
        .skip(1)
        .map(|block| block.split("</source>").next().expect("as it is rendered"))
        .filter_map(|block| {
            let block: String = block
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'))
                .map(|line| format!("{line}\n"))
                .collect();
            let value = |key: &str| {
                block
                    .lines()
                    .find_map(|line| line.trim_start().strip_prefix(key))
            };
            let exclude = block.split_once("exclude_path [").map_or("", |(_, rest)| {
                rest.split(']').next().expect("as it is rendered")
            });
            let tail = Tail {
                id: value("@id ").unwrap_or_default().to_owned(),
                paths: globs(value("path ").unwrap_or_default()),
                exclude: globs(exclude),
            };
            (!tail.paths.is_empty()).then_some(tail)
        })
        .collect()
}

/// The same is left out everywhere, whether the cluster renders it or not; so
/// an exclusion is of a workload that some cluster has, and what is read is of
/// one that this cluster has.
#[test]
fn what_is_read_or_left_out_of_our_own_workloads_is_what_they_write() {
    let clusters = rendered_clusters();
    let written_in = |cluster: &Path| -> Vec<String> {
        let namespace = namespace(cluster);
        let workloads = workloads(cluster);
        let files = workloads
            .iter()
            .map(|workload| workload.log_files(&namespace));
        files.flatten().collect()
    };
    let anywhere: Vec<String> = clusters.iter().flat_map(|path| written_in(path)).collect();
    let mut looked_at = 0;
    for cluster in &clusters {
        let own = format!("_{}_", namespace(cluster));
        let here = written_in(cluster);
        for (path, text) in files_named(cluster, "fluent.conf") {
            let mut check = |globs: &[String], written: &[String]| {
                for glob in globs.iter().filter(|glob| glob.contains(&own)) {
                    looked_at += 1;
                    assert!(
                        written.iter().any(|file| matches(glob, file)),
                        "{}: {path}: no rendered workload writes {glob}: {written:#?}",
                        cluster.display()
                    );
                }
            };
            for tail in tails(&text) {
                check(&tail.paths, &here);
                check(&tail.exclude, &anywhere);
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

#[test]
fn fluentd_reads_no_log_of_its_own_and_events_once() {
    for cluster in rendered_clusters() {
        let namespace = namespace(&cluster);
        let mut readers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for workload in workloads(&cluster) {
            for file in workload.log_files(&namespace) {
                let found = readers.entry(workload.name.clone()).or_default();
                for (_, text) in files_named(&cluster, "fluent.conf") {
                    let reading = tails(&text).into_iter().filter(|tail| tail.reads(&file));
                    found.extend(reading.map(|tail| tail.id));
                }
            }
        }
        assert!(readers.len() > 1, "{readers:?}");
        for (workload, readers) in readers {
            match workload.as_str() {
                name if name.starts_with("fluentd-") => {
                    assert!(readers.is_empty(), "{name}: {readers:?}");
                }
                "event-exporter" => assert_eq!(readers, ["events"]),
                // Any other is somebody's container like all others.
                name => assert_eq!(readers, ["applications"], "{name}"),
            }
        }
    }
}

/// The blocks `<name …>` of a configuration, each with its argument.
fn blocks<'t>(text: &'t str, name: &str) -> Vec<(&'t str, &'t str)> {
    let (open, close) = (format!("<{name} "), format!("</{name}>"));
    text.split(open.as_str())
        .skip(1)
        .map(|rest| {
            let block = rest
                .split(close.as_str())
                .next()
                .expect("as it is rendered");
            let (argument, body) = block.split_once(">\n").expect("as it is rendered");
            (argument, body)
        })
        .collect()
}

/// See `docs/decisions/0037-rotated-files-are-linked-at-start.md`.
#[test]
fn the_rest_of_a_rotated_file_is_read_first_and_ends_as_the_containers_own() {
    let mut looked_at = 0;
    for cluster in rendered_clusters() {
        for (path, text) in files_named(&cluster, "fluent.conf") {
            for tail in tails(&text) {
                looked_at += 1;
                let id = &tail.id;
                let folder = path.split('/').nth(1).expect("as it is rendered");
                let state = format!("/var/lib/logfleet/{folder}");
                let rotated = format!("{state}/rotated/{id}");
                let source = format!("  path \"{rotated}/*.log,/var/log/containers/");
                assert!(text.contains(&source), "{path}: {source}");
                let tag = format!("{id}{}", rotated.replace('/', "."));
                let filters = blocks(&text, "filter");
                let own = filters
                    .iter()
                    .find(|(tags, _)| *tags == format!("{tag}.**"));
                assert!(own.is_some(), "{path}: no filter {tag}.**");
                let (_, links) = own.expect("it is there");
                assert!(links.contains(&format!(
                    "folder = \"{rotated}\"; positions = \"{state}/positions/{id}\";"
                )));
                assert!(text.contains(&format!("pos_file \"{state}/positions/{id}\"")));
                // No tag of an event has a meaning.
                if id == "events" {
                    continue;
                }
                let matches = blocks(&text, "match");
                let own = matches
                    .iter()
                    .find(|(tags, _)| *tags == format!("{tag}.**"));
                assert!(own.is_some(), "{path}: no match {tag}.**");
                let (_, back) = own.expect("it is there");
                assert!(
                    back.contains(&format!("remove_tag_prefix {tag}\n")),
                    "{back}"
                );
                assert!(
                    back.contains(&format!("tag {id}.var.log.containers.${{tag}}\n")),
                    "{back}"
                );
                // Traces are joined under either tag.
                for (tags, _) in filters.iter().filter(|(tags, _)| tags.contains("0-9a-f")) {
                    let plain = tags.replace("\\\\", "\\");
                    let either = format!(
                        "(?:var\\.log\\.containers|{})",
                        rotated[1..].replace('/', "\\.")
                    );
                    assert!(plain.contains(&format!(r"\A{id}\.{either}\.")), "{plain}");
                }
            }
        }
    }
    assert!(looked_at > 5, "{looked_at}");
}

#[test]
fn whatever_gen_sources_names_as_a_shipper_is_rendered() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fleet = load_fleet(&repository, None, &Timings::default()).expect("as it is rendered");
    let mut looked_at = BTreeSet::new();
    for member in &fleet.members {
        let cluster = repository
            .join("rendered")
            .join(&member.cluster.cluster.name);
        let namespace = namespace(&cluster);
        let rendered: BTreeSet<String> = workloads(&cluster)
            .iter()
            .map(|workload| format!("{} {namespace}/{}", workload.kind, workload.name))
            .collect();
        for row in sources::list(&member.cluster) {
            for file in &row.files {
                assert!(cluster.join(file).exists(), "{}: {file}", row.source);
            }
            let named = row.shipped_by.iter().flat_map(|text| text.split(", "));
            for name in named.filter(|name| name.contains('/')) {
                assert!(
                    rendered.contains(name),
                    "{} {}: {name} is not among {rendered:#?}",
                    member.cluster.cluster.name,
                    row.source
                );
                looked_at.insert(
                    name.split(' ')
                        .next()
                        .expect("as it is rendered")
                        .to_owned(),
                );
            }
        }
    }
    assert_eq!(
        looked_at.into_iter().collect::<Vec<_>>(),
        ["DaemonSet", "Deployment", "StatefulSet"]
    );
}

/// The data streams that a rendered file of Fluentd, Filebeat or Logstash writes to.
fn written(text: &str) -> BTreeSet<String> {
    let names = text.split('"').filter(|quoted| {
        let mut parts = quoted.splitn(3, '-');
        matches!(parts.next(), Some("logs" | "metrics"))
            && parts.next().is_some_and(|dataset| dataset.contains('.'))
            && parts
                .next()
                .is_some_and(|namespace| !namespace.contains([' ', '-']))
    });
    names.map(ToOwned::to_owned).collect()
}

/// Whether a file says where its records end. A Filebeat that writes to Logstash only names the data stream.
fn ends_records(file: &str, text: &str) -> bool {
    match file.rsplit('/').next().expect("a name") {
        "fluent.conf" => true,
        "filebeat.yml" => text.contains("\noutput.elasticsearch:"),
        name => name.starts_with("output-"),
    }
}

/// A row is followed through the files that it names: what is read stands in one of them, and each data stream in one
/// that ends records. And the other way round: these files write to nothing that no row says.
#[test]
fn each_row_of_gen_sources_leads_from_what_is_read_to_what_is_written() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fleet = load_fleet(&repository, None, &Timings::default()).expect("as it is rendered");
    let mut followed = 0;
    for member in &fleet.members {
        let name = &member.cluster.cluster.name;
        let cluster = repository.join("rendered").join(name);
        let text = |file: &str| fs::read_to_string(cluster.join(file)).expect("readable");
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in sources::list(&member.cluster) {
            let ours = ["kubernetes.", "machines."];
            // What AWS logs is followed on the emulator: tests/real/aws/sources.rs.
            let by_forwarder = row
                .shipped_by
                .as_ref()
                .is_some_and(|by| by.starts_with("function"));
            if !ours.iter().any(|start| row.source.starts_with(start))
                || by_forwarder
                || row.files.is_empty()
            {
                continue;
            }
            let texts: Vec<String> = row.files.iter().map(|file| text(file)).collect();
            for read in &row.reads {
                let what = match read.strip_prefix("journal: ") {
                    Some("kernel") => "_TRANSPORT=kernel",
                    Some(unit) if !unit.contains(' ') => unit,
                    None if read.starts_with('/') => read,
                    _ => continue,
                };
                assert!(
                    texts.iter().any(|text| text.contains(what)),
                    "{name} {}: {what} is in none of {:?}",
                    row.source,
                    row.files
                );
                followed += 1;
            }
            let streams = row
                .ends
                .iter()
                .filter(|end| end.kind == EndKind::DataStream);
            let streams: BTreeSet<String> = streams.map(|end| end.name.clone()).collect();
            let ends: Vec<&String> = row
                .files
                .iter()
                .filter(|file| ends_records(file, &text(file)))
                .collect();
            for stream in &streams {
                let mut all = ends.iter();
                assert!(
                    all.any(|file| written(&text(file)).contains(stream)),
                    "{name} {}: nothing in {ends:?} writes to {stream}",
                    row.source
                );
                followed += 1;
            }
            for file in ends {
                told.entry(file.clone())
                    .or_default()
                    .extend(streams.clone());
            }
        }
        for (file, streams) in told {
            let more: Vec<String> = written(&text(&file))
                .difference(&streams)
                .cloned()
                .collect();
            assert!(more.is_empty(), "{name}: {file} also writes to {more:?}");
        }
    }
    assert!(followed > 60, "{followed}");
}
