//! Where logs go: addresses checked, credentials named. Pure.

use std::collections::BTreeMap;

use logfleet_contract::secrets::SecretReference as Reference;

use super::address::{Address, ServerKey};
use super::indices::Indices;
use super::name::{AwsNames, NameKind};
use super::problem::Problems;
use super::{
    Identity, ResolvedArchive, ResolvedAuthentication, ResolvedCloudwatch, ResolvedDestination,
    ResolvedSecret, ResolvedSecretKey, ResolvedStream, domain, name, product,
};
use crate::sentence::list;
use crate::settings::{
    Archive, Authentication, Backend, Destination, Name, SecretKeyName, SecretReference, Server,
    Settings,
};

/// What is read must go somewhere.
pub(super) fn check_any(settings: &Settings, streams: &[ResolvedStream], problems: &mut Problems) {
    if settings.destinations.is_empty() && !streams.is_empty() {
        let names: Vec<&str> = streams.iter().map(|stream| stream.name.as_str()).collect();
        problems.push(
            &["destinations"],
            format!("there is no destination, but sources feed {}", list(&names)),
            "add a destination, or switch the sources off",
        );
    }
}

/// Resolves every CloudWatch Logs, whether or not a stream goes there.
pub(super) fn resolve_cloudwatch(
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<ResolvedCloudwatch> {
    let mut regions = BTreeMap::new();
    let mut found = Vec::new();
    for (name, destination) in &settings.destinations {
        let Destination::Cloudwatch(cloudwatch) = destination else {
            continue;
        };
        let region = cloudwatch.region.as_ref().unwrap_or(&settings.region);
        if let Some(other) = regions.insert(region, name) {
            problems.push(
                &["destinations", name.as_str()],
                format!(
                    "the destinations `{other}` and `{name}` are the same log groups in `{region}`"
                ),
                "remove one of them, or give it another `region`",
            );
        }
        found.push(ResolvedCloudwatch {
            name: name.to_string(),
            region: region.to_string(),
            give_up_after_minutes: cloudwatch.give_up_after_minutes,
            proxy: None,
        });
    }
    found
}

/// Resolves every archive, whether or not a stream goes there.
pub(super) fn resolve_archives(
    settings: &Settings,
    cluster: &Identity,
    names: &mut AwsNames<'_>,
    problems: &mut Problems,
) -> Vec<ResolvedArchive> {
    let mut buckets: BTreeMap<String, &Name> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, destination) in &settings.destinations {
        let Destination::S3(archive) = destination else {
            continue;
        };
        check_archive(name.as_str(), archive, problems);
        let region = archive.region.as_ref().unwrap_or(&settings.region).as_str();
        let bucket = match &archive.bucket {
            Some(bucket) => {
                names.chosen(NameKind::Bucket, region, bucket.as_str());
                bucket.to_string()
            }
            None => names.give(NameKind::Bucket, region, name.as_str()),
        };
        if let Some(other) = buckets.insert(bucket.clone(), name) {
            problems.push(
                &["destinations", name.as_str(), "bucket"],
                format!("the destinations `{other}` and `{name}` are the same bucket"),
                "let the streams go to one of them, and remove the other",
            );
        }
        found.push(ResolvedArchive {
            name: name.to_string(),
            bucket,
            region: region.to_owned(),
            prefix: format!("{}/", cluster.name),
            expiry_days: archive.expiry_days,
            glacier_after_days: archive.glacier_after_days,
            give_up_after_minutes: archive.give_up_after_minutes,
            proxy: None,
        });
    }
    found
}

fn check_archive(name: &str, archive: &Archive, problems: &mut Problems) {
    if let Some(days) = archive.glacier_after_days
        && days >= archive.expiry_days
    {
        problems.push(
            &["destinations", name, "glacier_after_days"],
            format!(
                "objects would move after {days} days, but they are deleted after {}",
                archive.expiry_days
            ),
            "give it a lower number than `expiry_days`, or remove it",
        );
    }
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if let Some(bucket) = &archive.bucket {
        let bucket = bucket.as_str();
        let reserved = ["xn--", "sthree-", "amzn-s3-demo-"]
            .iter()
            .any(|prefix| bucket.starts_with(prefix))
            || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
                .iter()
                .any(|suffix| bucket.ends_with(suffix));
        let address = bucket.split('.').count() == 4
            && bucket.split('.').all(|part| part.parse::<u8>().is_ok());
        if bucket.len() < 3 || reserved || address {
            problems.push(
                &["destinations", name, "bucket"],
                format!("S3 allows no bucket called `{bucket}`"),
                "choose a name of 3 to 63 characters that is no IP address and has none of the reserved prefixes and suffixes",
            );
        }
    }
}

/// Resolves every server, whether or not a stream goes there.
pub(super) fn resolve_servers(
    settings: &Settings,
    cluster: &Identity,
    pod_role: &str,
    problems: &mut Problems,
) -> Vec<ResolvedDestination> {
    find_name_clashes(settings, problems);
    find_server_clashes(settings, problems);
    settings
        .destinations
        .iter()
        .filter_map(|(name, destination)| {
            let (backend, server) = destination.server()?;
            let name = name.as_str();
            check(name, backend, server, problems);
            let address = Address::parse(server.url.as_str());
            if let Some((message, hint)) = address.fault() {
                problems.push(&["destinations", name, "url"], message, hint);
            }
            if let Some((message, hint)) = product::mistaken(backend, &address.host, &address.path)
            {
                problems.push(&["destinations", name, "url"], message, hint);
            }
            let around = Surroundings {
                settings,
                cluster,
                pod_role,
            };
            let authentication = authentication(name, server, &address.host, around, problems);
            Some(ResolvedDestination {
                name: name.to_owned(),
                backend,
                version: server.version,
                scheme: address.scheme,
                host: address.host,
                port: address.port,
                path: address.path,
                ca_certificate: server
                    .tls
                    .ca_certificate
                    .as_ref()
                    .map(|_| format!("certificates/{}.pem", name::kubernetes_name(name))),
                ca_certificate_from: server.tls.ca_certificate.as_ref().map(ToString::to_string),
                verify: !server.tls.accept_any_certificate,
                minimum_tls_version: server.tls.minimum_version,
                authentication,
                request_timeout_seconds: server.request_timeout_seconds,
                bulk_size_bytes: u64::from(server.bulk_size_mebibytes) << 20,
                give_up_after_minutes: server.give_up_after_minutes,
                proxy: None,
                writer: name::writer(&cluster.slug),
                reader: name::reader(&cluster.slug),
                environment_prefix: name::environment_prefix(name),
                data_streams: Vec::new(),
                written: Vec::new(),
                readers: Vec::new(),
                indices: Indices::default(),
            })
        })
        .collect()
}

/// Two destinations whose names differ only in `-` and `_` would share one
/// Secret and one set of environment variables.
fn find_name_clashes(settings: &Settings, problems: &mut Problems) {
    let mut seen: BTreeMap<String, &Name> = BTreeMap::new();
    for name in settings.destinations.keys() {
        if let Some(other) = seen.insert(name::kubernetes_name(name.as_str()), name) {
            problems.push(
                &["destinations", name.as_str()],
                format!("the destinations `{other}` and `{name}` would share one Secret"),
                "rename one of them: names must differ in more than `-` and `_`",
            );
        }
    }
}

/// Two destinations at one server would write the same roles, index templates
/// and policies there, each with its own streams: the one that is applied last
/// would take the other's privileges away.
fn find_server_clashes(settings: &Settings, problems: &mut Problems) {
    let mut seen: BTreeMap<ServerKey, &Name> = BTreeMap::new();
    for (name, destination) in &settings.destinations {
        let Some((_, server)) = destination.server() else {
            continue;
        };
        let key = Address::parse(server.url.as_str()).server();
        if let Some(other) = seen.insert(key, name) {
            problems.push(
                &["destinations", name.as_str(), "url"],
                format!("the destinations `{other}` and `{name}` are the same server, and each would overwrite the other's role there"),
                "let the streams go to one of them, and remove the other",
            );
        }
    }
}

fn check(name: &str, backend: Backend, destination: &Server, problems: &mut Problems) {
    let setting = |key| ["destinations", name, key];
    let plain = destination.url.as_str().starts_with("http:");
    if plain && !destination.send_everything_unencrypted {
        problems.push(
            &setting("url"),
            "this address is not encrypted",
            "write `https:`; or set `send_everything_unencrypted: true`, and anyone on the way can read logs and credentials",
        );
    }
    if !plain && destination.send_everything_unencrypted {
        problems.push(
            &setting("send_everything_unencrypted"),
            "everything would be sent unencrypted, but the address starts with `https:`",
            "remove it",
        );
    }
    if plain && destination.tls.ca_certificate.is_some() {
        problems.push(
            &["destinations", name, "tls", "ca_certificate"],
            "a CA certificate has no effect on an address that starts with `http:`",
            "write `https:` in `url`, or remove the certificate",
        );
    }
    let versions = match backend {
        Backend::Elasticsearch => [8, 9],
        Backend::Opensearch => [2, 3],
    };
    if !versions.contains(&destination.version) {
        problems.push(
            &setting("version"),
            format!(
                "version {} of this back end is not supported",
                destination.version
            ),
            format!("supported are {} and {}", versions[0], versions[1]),
        );
    }
    match (&destination.authentication, backend) {
        (Authentication::ApiKey { .. }, Backend::Opensearch) => problems.push(
            &["destinations", name, "authentication", "type"],
            "shippers for OpenSearch don't support API keys",
            "use `basic`, `client_certificate` or `aws_sigv4`",
        ),
        (Authentication::AwsSigv4 { .. }, Backend::Elasticsearch) => problems.push(
            &["destinations", name, "authentication", "type"],
            "only Amazon OpenSearch Service understands AWS Signature Version 4",
            "set `backend: opensearch`, or use `basic`, `api_key` or `client_certificate`",
        ),
        (Authentication::ClientCertificate { .. }, _) if plain => problems.push(
            &["destinations", name, "authentication", "type"],
            "a client certificate needs an encrypted address",
            "write `https:` in `url`",
        ),
        _ => {}
    }
}

/// What the authentication of a destination depends on.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    settings: &'a Settings,
    cluster: &'a Identity,
    pod_role: &'a str,
}

fn authentication(
    destination: &str,
    settings: &Server,
    host: &str,
    around: Surroundings<'_>,
    problems: &mut Problems,
) -> ResolvedAuthentication {
    let cluster = around.cluster;
    let secret = |reference: &Option<SecretReference>, keys: [SecretKey<'_>; 2]| {
        secret(destination, reference.as_ref(), &cluster.name, keys)
    };
    match &settings.authentication {
        Authentication::Basic {
            secret: reference,
            keys,
        } => ResolvedAuthentication::Basic(secret(
            reference,
            [
                ("username", "username_in", keys.username_in.as_ref()),
                ("password", "password_in", keys.password_in.as_ref()),
            ],
        )),
        Authentication::ApiKey {
            secret: reference,
            keys,
        } => ResolvedAuthentication::ApiKey(secret(
            reference,
            [
                ("id", "id_in", keys.id_in.as_ref()),
                ("api_key", "api_key_in", keys.api_key_in.as_ref()),
            ],
        )),
        Authentication::ClientCertificate {
            secret: reference,
            keys,
            subject,
        } => ResolvedAuthentication::ClientCertificate {
            secret: secret(
                reference,
                [
                    ("tls.crt", "certificate_in", keys.certificate_in.as_ref()),
                    ("tls.key", "private_key_in", keys.private_key_in.as_ref()),
                ],
            ),
            subject: subject
                .clone()
                .unwrap_or_else(|| format!("CN={}", name::writer(&cluster.slug))),
        },
        Authentication::AwsSigv4 { region, account } => {
            let chosen = (region.as_ref(), account.as_ref());
            let domain = domain::resolve(destination, host, chosen, around.settings, problems);
            ResolvedAuthentication::AwsSigv4 {
                role_arn: around.pod_role.to_owned(),
                region: domain.region,
                account: domain.account,
                domain: domain.name,
            }
        }
    }
}

/// A key's own name, the setting that gives it another, and that one.
type SecretKey<'s> = (&'static str, &'static str, Option<&'s SecretKeyName>);

fn secret(
    destination: &str,
    reference: Option<&SecretReference>,
    cluster: &str,
    keys: [SecretKey<'_>; 2],
) -> ResolvedSecret {
    let reference = reference.and_then(SecretReference::parsed);
    let is_fetched = !matches!(reference, Some(Reference::Kubernetes(_)));
    let keys = keys.into_iter().map(|(own, setting, called)| {
        let outside = called.map_or(own, SecretKeyName::as_str);
        let inside = if is_fetched { own } else { outside };
        let key = ResolvedSecretKey {
            setting,
            outside: outside.to_owned(),
            inside: inside.to_owned(),
        };
        (own, key)
    });
    let (secret_name, secrets_manager_name) = match reference {
        Some(Reference::Kubernetes(secret_name)) => (secret_name, None),
        Some(Reference::SecretsManager(named)) => (name::secret(destination), Some(named)),
        None => (
            name::secret(destination),
            Some(name::secrets_manager(cluster, destination)),
        ),
    };
    ResolvedSecret {
        secret_name,
        secrets_manager_name,
        keys: keys.collect(),
    }
}
