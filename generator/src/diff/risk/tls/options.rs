//! Options that say how a connection is protected. Pure.

use super::connection::{Connection, Weakness, is_plain};

/// An option of Fluentd (<https://github.com/uken/fluent-plugin-elasticsearch#configuration>),
/// Logstash (<https://www.elastic.co/docs/reference/logstash/plugins/plugins-outputs-elasticsearch>),
/// Filebeat (<https://www.elastic.co/docs/reference/beats/filebeat/configuration-ssl>),
/// the forwarder or Kubernetes' own objects.
pub(super) fn read(key: &str, value: &str, connection: &mut Connection) {
    let key = key.to_ascii_lowercase();
    let value = value.trim().trim_matches(['"', '\'']);
    read_encryption(&key, value, connection);
    read_verification(&key, value, connection);
    read_limits(&key, value, connection);
}

fn read_encryption(key: &str, value: &str, connection: &mut Connection) {
    let is = |wanted: &str| value.eq_ignore_ascii_case(wanted);
    match key {
        "scheme" | "protocol" if is("http") => {
            connection.weak.insert(Weakness::Plain);
        }
        "scheme" | "protocol" if is("https") => connection.encrypted = true,
        "ssl" | "ssl_enabled" | "ssl.enabled" | "tls" | "use_ssl" => {
            if is("false") {
                connection.weak.insert(Weakness::Plain);
            }
            connection.encrypted |= is("true");
        }
        "transport" if is("tls") => connection.encrypted = true,
        "cloud_id" | "cloud.id" => connection.encrypted = true,
        "hosts" | "host" | "url" | "endpoint" | "server" => {
            host_of(value).clone_into(&mut connection.address);
            connection.encrypted |= value.contains("https://");
            if is_plain(value) {
                connection.weak.insert(Weakness::Plain);
            }
        }
        _ => {}
    }
}

/// The host of an address, of the first of several.
fn host_of(value: &str) -> &str {
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let value = value.trim_start_matches(['[', '"', '\'', ' ']);
    let end = value.find(['/', '"', '\'', ' ', ',', ']']);
    let value = &value[..end.unwrap_or(value.len())];
    // Who logs in is nobody's business, and by what even less.
    let value = value.rsplit_once('@').map_or(value, |(_, host)| host);
    match value.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => value,
    }
}

fn read_verification(key: &str, value: &str, connection: &mut Connection) {
    let is = |wanted: &str| value.eq_ignore_ascii_case(wanted);
    let weakness = match key {
        "ssl_verify" | "ssl_certificate_verification" | "tls_verify_hostname" | "verify"
            if is("false") =>
        {
            Weakness::Unverified
        }
        "tls_insecure_mode"
        | "insecureskipverify"
        | "insecure_skip_verify"
        | "insecureskiptlsverify"
        | "insecure"
        | "accept_any_certificate"
            if is("true") =>
        {
            Weakness::Unverified
        }
        "ssl_verification_mode" | "ssl.verification_mode" if is("none") => Weakness::Unverified,
        "ssl_verification_mode" | "ssl.verification_mode" if is("certificate") => {
            Weakness::NameUnverified
        }
        "ssl_client_authentication" | "ssl.client_authentication"
            if is("none") || is("optional") =>
        {
            Weakness::ClientsUnverified
        }
        "client_cert_auth" if is("false") => Weakness::ClientsUnverified,
        "ssl_client_authentication" | "ssl.client_authentication" | "client_cert_auth" => {
            connection.verifies_clients = true;
            return;
        }
        _ => return,
    };
    connection.weak.insert(weakness);
}

fn read_limits(key: &str, value: &str, connection: &mut Connection) {
    match key {
        "ssl_min_version"
        | "ssl_version"
        | "ssl_supported_protocols"
        | "ssl.supported_protocols"
        | "minimum_tls" => connection.lowest = lowest_version(value),
        "ca_file" | "cacert" | "ssl_certificate_authorities" | "ssl.certificate_authorities" => {
            connection.own_authority = !value.is_empty();
        }
        "own_ca" => connection.own_authority = value == "true",
        _ => {}
    }
}

/// The lowest of the versions that are named, such as `TLSv1_2`, `TLSv1.3`,
/// `SSLv3` or only `1.2`.
fn lowest_version(value: &str) -> Option<u32> {
    if let Some(minor) = value.strip_prefix("1.") {
        return minor
            .parse::<u32>()
            .ok()
            .filter(|minor| *minor < 10)
            .map(|minor| 10 + minor);
    }
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
