//! Connections and stores that are less protected than before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Flag;
use super::change::{Change, Found, Resource, items, text};
use crate::diff::blocks::Block;
use crate::diff::language::{self, Language};

/// Deepest nesting looked into.
const MAX_DEPTH: usize = 48;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(change, &resource, found);
    }
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return;
    };
    compare_files(new.path, old.text, new.text, found);
    if let Some((old, new)) = change.values() {
        compare(&connections_in(old), &connections_in(new), found);
        compare_embedded(old, new, found);
    }
}

/// Configurations of Fluentd and Logstash.
fn compare_files(name: &str, old: &str, new: &str, found: &mut Found) {
    if Language::of(name) == Some(Language::Conf) {
        let of = |text| language::blocks_of(text).map(|block| connections_of(&block));
        if let (Some(old), Some(new)) = (of(old), of(new)) {
            compare(&old, &new, found);
        }
    }
}

/// Files in a `ConfigMap`.
fn compare_embedded(old: &Json, new: &Json, found: &mut Found) {
    if text(new, "/kind") != "ConfigMap" {
        return;
    }
    let files = new.get("data").and_then(Json::as_object);
    for (name, file) in files.into_iter().flatten() {
        let before = old.get("data").and_then(|data| data.get(name)?.as_str());
        let (Some(before), Some(after)) = (before, file.as_str()) else {
            continue;
        };
        compare_files(name, before, after, found);
        let of = |text| {
            let value = language::value(Language::of(name)?, text)?;
            Some(connections_in(&value))
        };
        if let (Some(before), Some(after)) = (of(before), of(after)) {
            compare(&before, &after, found);
        }
    }
}

/// How something talks to something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Connection {
    /// What is weak in it, in words.
    weak: BTreeSet<&'static str>,
    /// The lowest version of TLS, such as 12 for 1.2.
    lowest: Option<u32>,
    /// Whether authorities of its own are trusted alone.
    own_authority: bool,
}

type Connections = BTreeMap<String, Connection>;

const PLAIN: &str = "a connection is no longer encrypted";
const UNVERIFIED: &str = "the server's certificate is no longer verified";
const HOST_UNVERIFIED: &str = "the server's name is no longer verified";
const CLIENTS_UNVERIFIED: &str = "clients need no certificate any more";

/// What is weak at the head and wasn't at the base. A connection that is new
/// is compared with one that has nothing weak.
fn compare(old: &Connections, new: &Connections, found: &mut Found) {
    let none = Connection::default();
    for (place, after) in new {
        let before = old.get(place).unwrap_or(&none);
        for weak in after.weak.difference(&before.weak) {
            found.push(Flag::TlsWeakens, *weak, None);
        }
        if after.lowest < before.lowest && after.weak.is_empty() {
            let what = match after.lowest {
                Some(lowest) => format!("TLS 1.{} is allowed again", lowest % 10),
                None => "no lowest version of TLS is said any more".to_owned(),
            };
            found.push(Flag::TlsWeakens, what, None);
        }
        if before.own_authority && !after.own_authority && after.weak.is_empty() {
            found.push(
                Flag::TlsWeakens,
                "every public authority is trusted, and not only the one that was named",
                None,
            );
        }
    }
}

/// Each block by the way to it, with its id where it has one.
fn connections_of(root: &Block) -> Connections {
    let mut found = Connections::new();
    let mut open = vec![(String::new(), root)];
    while let Some((place, block)) = open.pop() {
        let connection = found.entry(place.clone()).or_default();
        for (key, value) in &block.options {
            read_option(key, value, connection);
        }
        for (number, inner) in block.blocks.iter().enumerate() {
            let first = || inner.head.split([' ', '>']).next().unwrap_or_default();
            let label = match &inner.id {
                Some(id) => format!("{} {id}", first()),
                // Blocks of conditions have an address of a stream in them: order tells.
                None => format!("{} {number}", first()),
            };
            open.push((format!("{place}/{label}"), inner));
        }
    }
    found
}

/// The mappings of a document in YAML or JSON, nested or with dots in keys.
fn connections_in(value: &Json) -> Connections {
    let mut found = Connections::new();
    walk(value, "", 0, &mut found);
    found
}

fn walk(value: &Json, path: &str, depth: usize, found: &mut Connections) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Json::Object(members) => {
            for (key, inner) in members {
                walk(inner, &format!("{path}.{key}"), depth + 1, found);
            }
        }
        Json::Array(items) if items.iter().all(Json::is_object) => {
            for (number, item) in items.iter().enumerate() {
                let name = text(item, "/name");
                let label = if name.is_empty() {
                    number.to_string()
                } else {
                    name.to_owned()
                };
                walk(item, &format!("{path}[{label}]"), depth + 1, found);
            }
        }
        Json::Array(items) => {
            let hosts: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            read_leaf(path, &hosts.join(" "), found);
        }
        Json::String(text) => read_leaf(path, text, found),
        Json::Bool(truth) => read_leaf(path, &truth.to_string(), found),
        Json::Number(_) | Json::Null => {}
    }
}

/// A value by its key: what stands before `ssl` or the last dot is the connection.
fn read_leaf(path: &str, value: &str, found: &mut Connections) {
    let (place, key) = match path.rsplit_once(".ssl.") {
        Some((place, key)) => (place, format!("ssl.{key}")),
        None => match path.rsplit_once('.') {
            Some((place, key)) => (place, key.to_owned()),
            None => return,
        },
    };
    let place = place.to_owned();
    let mut read = Connection::default();
    read_option(&key, value, &mut read);
    if read != Connection::default() {
        let connection = found.entry(place).or_default();
        connection.weak.extend(read.weak);
        connection.lowest = connection.lowest.or(read.lowest);
        connection.own_authority |= read.own_authority;
    }
}

/// An option of Fluentd (<https://github.com/uken/fluent-plugin-elasticsearch#configuration>),
/// Logstash (<https://www.elastic.co/docs/reference/logstash/plugins/plugins-outputs-elasticsearch>),
/// Filebeat (<https://www.elastic.co/docs/reference/beats/filebeat/configuration-ssl>)
/// or Kubernetes' own objects.
fn read_option(key: &str, value: &str, connection: &mut Connection) {
    let key = key.to_ascii_lowercase();
    let value = value.trim().trim_matches(['"', '\'']);
    let is = |wanted: &str| value.eq_ignore_ascii_case(wanted);
    match key.as_str() {
        "scheme" if is("http") => connection.weak.insert(PLAIN),
        "ssl" | "ssl_enabled" | "ssl.enabled" | "tls" | "use_ssl" if is("false") => {
            connection.weak.insert(PLAIN)
        }
        "hosts" | "host" | "url" | "endpoint" | "server" if is_plain(value) => {
            connection.weak.insert(PLAIN)
        }
        "ssl_verify" | "ssl_certificate_verification" | "tls_verify_hostname" | "verify"
            if is("false") =>
        {
            connection.weak.insert(UNVERIFIED)
        }
        "tls_insecure_mode"
        | "insecureskipverify"
        | "insecure_skip_verify"
        | "insecureskiptlsverify"
        | "insecure"
            if is("true") =>
        {
            connection.weak.insert(UNVERIFIED)
        }
        "ssl_verification_mode" | "ssl.verification_mode" if is("none") => {
            connection.weak.insert(UNVERIFIED)
        }
        "ssl_verification_mode" | "ssl.verification_mode" if is("certificate") => {
            connection.weak.insert(HOST_UNVERIFIED)
        }
        "ssl_client_authentication" | "ssl.client_authentication"
            if is("none") || is("optional") =>
        {
            connection.weak.insert(CLIENTS_UNVERIFIED)
        }
        "client_cert_auth" if is("false") => connection.weak.insert(CLIENTS_UNVERIFIED),
        "ssl_min_version"
        | "ssl_version"
        | "ssl_supported_protocols"
        | "ssl.supported_protocols" => {
            connection.lowest = lowest_version(value);
            false
        }
        "ca_file" | "cacert" | "ssl_certificate_authorities" | "ssl.certificate_authorities" => {
            connection.own_authority = !value.is_empty();
            false
        }
        _ => false,
    };
}

/// Whether an address isn't encrypted, and leaves the machine.
fn is_plain(value: &str) -> bool {
    value.match_indices("http://").any(|(at, scheme)| {
        let host = &value[at + scheme.len()..];
        !["localhost", "127.0.0.1", "[::1]", "169.254."]
            .iter()
            .any(|own| host.starts_with(own))
    })
}

/// The lowest of the versions that are named, such as `TLSv1_2`, `TLSv1.3` or `SSLv3`.
fn lowest_version(value: &str) -> Option<u32> {
    let versions = value.match_indices("TLSv1").map(|(at, name)| {
        let rest = value[at + name.len()..].trim_start_matches(['.', '_', ':']);
        rest.chars()
            .next()
            .and_then(|digit| digit.to_digit(10))
            .unwrap_or(0)
    });
    let old = value.contains("SSLv").then_some(0);
    versions.chain(old).min().map(|minor| 10 + minor)
}

/// Properties by which a store is encrypted
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>).
const ENCRYPTION: [&str; 6] = [
    "BucketEncryption",
    "KmsKeyId",
    "KMSKeyId",
    "KmsMasterKeyId",
    "DeliveryStreamEncryptionConfigurationInput",
    "SSESpecification",
];

fn check_resource(change: &Change<'_>, resource: &Resource<'_>, found: &mut Found) {
    let Some(old) = resource.old else {
        return;
    };
    if let Some((old, new)) = resource.both() {
        let property =
            |value: &'_ Json, name: &str| value.pointer(&format!("/Properties/{name}")).cloned();
        let lost = |name: &&&str| property(old, name).is_some() && property(new, name).is_none();
        if ENCRYPTION.iter().find(lost).is_some() || loses(old, new, "SqsManagedSseEnabled") {
            let what = "a store is no longer encrypted as it is told to be";
            found.push(Flag::TlsWeakens, what, None);
        }
        if loses(old, new, "EnableLogFileValidation") {
            found.push(
                Flag::TlsWeakens,
                "files of a trail are no longer signed",
                None,
            );
        }
    }
    let stays = || {
        let head = change.new_value().and_then(|value| value.get("Resources"));
        let bucket = old
            .pointer("/Properties/Bucket")
            .and_then(|bucket| bucket.get("Ref")?.as_str());
        bucket.is_none_or(|bucket| head.is_some_and(|head| head.get(bucket).is_some()))
    };
    let kept = resource.new.is_some_and(denies_plain);
    if denies_plain(old) && !kept && (resource.new.is_some() || change.new.is_some() && stays()) {
        let what = "a policy no longer refuses connections that aren't encrypted";
        found.push(Flag::TlsWeakens, what, None);
    }
}

/// Whether a property was true.
fn loses(old: &Json, new: &Json, property: &str) -> bool {
    let is_true = |value: &Json| {
        let value = value.pointer(&format!("/Properties/{property}"));
        value.is_some_and(|value| value == true || value == "true")
    };
    is_true(old) && !is_true(new)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit>
fn denies_plain(resource: &Json) -> bool {
    let document = resource.pointer("/Properties/PolicyDocument");
    let statements = document.map_or(&[][..], |document| items(document, "Statement"));
    statements.iter().any(|statement| {
        let condition = statement
            .get("Condition")
            .map(Json::to_string)
            .unwrap_or_default();
        text(statement, "/Effect") == "Deny" && condition.contains("aws:SecureTransport")
    })
}
