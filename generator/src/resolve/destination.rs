//! Where logs go: addresses taken apart, credentials named. Pure.

use std::collections::BTreeMap;

use super::problem::Problems;
use super::{Identity, ResolvedAuthentication, ResolvedDestination, ResolvedSecret, name};
use crate::settings::{Authentication, Backend, Destination, Name, SecretReference, Settings};

/// Resolves every destination, whether or not a stream goes there.
pub(super) fn resolve_destinations(
    settings: &Settings,
    cluster: &Identity,
    problems: &mut Problems,
) -> Vec<ResolvedDestination> {
    find_name_clashes(settings, problems);
    find_role_clashes(settings, problems);
    settings
        .destinations
        .iter()
        .map(|(name, destination)| {
            check(name.as_str(), destination, problems);
            resolve(name.as_str(), destination, settings, cluster, problems)
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

/// A pod has one identity, so all destinations must take the same role.
fn find_role_clashes(settings: &Settings, problems: &mut Problems) {
    let roles = settings
        .destinations
        .iter()
        .filter_map(|(name, destination)| match &destination.authentication {
            Authentication::AwsSigv4 { role_arn, .. } => Some((name, role_arn)),
            _ => None,
        });
    let mut first = None;
    for (name, role) in roles {
        match first {
            None => first = Some((name, role)),
            Some((other, chosen)) if chosen != role => problems.push(
                &["destinations", name.as_str(), "authentication", "role_arn"],
                format!("the destinations `{other}` and `{name}` want different roles, and a pod has one"),
                "give both the same `role_arn`, and let that role write to both",
            ),
            Some(_) => {}
        }
    }
}

fn check(name: &str, destination: &Destination, problems: &mut Problems) {
    let setting = |key| ["destinations", name, key];
    let plain = destination.url.as_str().starts_with("http:");
    if plain && !destination.send_everything_unencrypted {
        problems.push(
            &setting("url"),
            "this address is not encrypted",
            "write `https:`; or set `send_everything_unencrypted: true`, and everybody on the way reads logs and credentials",
        );
    }
    if !plain && destination.send_everything_unencrypted {
        problems.push(
            &setting("send_everything_unencrypted"),
            "this says that everything is sent unencrypted, but the address starts with `https:`",
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
    let versions = match destination.backend {
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
    match (&destination.authentication, destination.backend) {
        (Authentication::ApiKey { .. }, Backend::Opensearch) => problems.push(
            &["destinations", name, "authentication", "type"],
            "OpenSearch's shippers don't speak API keys",
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

fn resolve(
    name: &str,
    destination: &Destination,
    settings: &Settings,
    cluster: &Identity,
    problems: &mut Problems,
) -> ResolvedDestination {
    let address = Address::parse(destination.url.as_str());
    if address.port == 0 {
        problems.push(
            &["destinations", name, "url"],
            "the port is not between 1 and 65535",
            "correct the port",
        );
    }
    ResolvedDestination {
        name: name.to_owned(),
        backend: destination.backend,
        version: destination.version,
        scheme: address.scheme,
        host: address.host,
        port: address.port,
        path: address.path,
        ca_certificate: destination
            .tls
            .ca_certificate
            .as_ref()
            .map(|_| format!("certificates/{}.pem", name::kubernetes_name(name))),
        verify: !destination.tls.accept_any_certificate,
        minimum_tls_version: destination.tls.minimum_version,
        authentication: authentication(name, destination, settings, cluster, problems),
        request_timeout_seconds: destination.request_timeout_seconds,
        bulk_size_bytes: u64::from(destination.bulk_size_mebibytes) << 20,
        writer: name::writer(&cluster.slug),
        reader: name::reader(&cluster.slug),
        environment_prefix: name::environment_prefix(name),
        data_streams: Vec::new(),
    }
}

fn authentication(
    destination: &str,
    settings: &Destination,
    cluster_settings: &Settings,
    cluster: &Identity,
    problems: &mut Problems,
) -> ResolvedAuthentication {
    let secret = |reference: &Option<SecretReference>| {
        secret(destination, reference.as_ref(), &cluster.name)
    };
    match &settings.authentication {
        Authentication::Basic { secret: reference } => {
            ResolvedAuthentication::Basic(secret(reference))
        }
        Authentication::ApiKey { secret: reference } => {
            ResolvedAuthentication::ApiKey(secret(reference))
        }
        Authentication::ClientCertificate {
            secret: reference,
            subject,
        } => ResolvedAuthentication::ClientCertificate {
            secret: secret(reference),
            subject: subject
                .clone()
                .unwrap_or_else(|| format!("CN={}", name::writer(&cluster.slug))),
        },
        Authentication::AwsSigv4 { role_arn, region } => {
            if role_arn.is_none() && name::writer(&cluster.slug).len() > 64 {
                problems.push(
                    &["destinations", destination, "authentication"],
                    format!(
                        "the role's name `{}` is longer than IAM's 64 characters",
                        name::writer(&cluster.slug)
                    ),
                    "set `role_arn`",
                );
            }
            ResolvedAuthentication::AwsSigv4 {
                role_arn: role_arn.as_ref().map_or_else(
                    || name::iam_role(&cluster.account, &cluster.slug),
                    ToString::to_string,
                ),
                region: region
                    .as_ref()
                    .unwrap_or(&cluster_settings.region)
                    .to_string(),
            }
        }
    }
}

fn secret(destination: &str, reference: Option<&SecretReference>, cluster: &str) -> ResolvedSecret {
    let reference = reference.map(SecretReference::as_str);
    match reference.and_then(|text| text.strip_prefix("kubernetes-secret:")) {
        Some(name) => ResolvedSecret {
            secret_name: name.to_owned(),
            secrets_manager_name: None,
        },
        None => ResolvedSecret {
            secret_name: name::secret(destination),
            secrets_manager_name: Some(
                reference
                    .and_then(|text| text.strip_prefix("aws-secretsmanager:"))
                    .map_or_else(
                        || name::secrets_manager(cluster, destination),
                        ToOwned::to_owned,
                    ),
            ),
        },
    }
}

/// A URL's parts. Its pattern in the schema leaves no other form.
struct Address {
    scheme: String,
    host: String,
    port: u16,
    path: String,
}

impl Address {
    fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(0)),
            None => (authority, if scheme == "https" { 443 } else { 80 }),
        };
        let path = path.trim_end_matches('/');
        Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
            path: if path.is_empty() {
                String::new()
            } else {
                format!("/{path}")
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let parts = |url| {
            let address = Address::parse(url);
            (address.scheme, address.host, address.port, address.path)
        };
        assert_eq!(
            parts("https://logs.example.com"),
            (
                "https".into(),
                "logs.example.com".into(),
                443,
                String::new()
            )
        );
        assert_eq!(
            parts("http://10.0.0.1:9200/es/"),
            ("http".into(), "10.0.0.1".into(), 9200, "/es".into())
        );
        assert_eq!(parts("https://a:70000").2, 0);
    }
}
