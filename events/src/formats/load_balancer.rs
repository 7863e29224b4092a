//! Logs of load balancers. All kinds of one cluster share a log group, so the
//! text shows which one it is. Pure.

use super::{columns, is_object, object};
use crate::fault::Fault;
use crate::field::TableName;
use crate::tokens::Tokens;
use crate::value::is_ip;
use crate::writer::Writer;

const UNKNOWN: Fault = Fault("none of the load balancers' logs");

/// Columns that a line on a request has at least, and one on a health check at most.
const OF_REQUEST: usize = 12;

pub(super) fn write(text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    if is_object(text) {
        return object::write(of_object(text), text, writer);
    }
    let tokens = Tokens::of(text);
    let tokens = tokens.as_slice();
    columns::write_tokens(of_line(tokens).ok_or(UNKNOWN)?, tokens, writer)
}

/// By a key that only one of them has.
fn of_object(text: &str) -> TableName {
    let has = |key: &str| memchr::memmem::find(text.as_bytes(), key.as_bytes()).is_some();
    if has("\"leaf_client_cert") || has("\"tls_verify_status") {
        TableName::ConnectionLog
    } else if has("\"target_group_id\"") || has("\"reason_code\"") {
        TableName::HealthCheckLog
    } else if has("\"alpn_") || has("\"incoming_tls_alert\"") {
        TableName::NetworkLoadBalancer
    } else {
        TableName::ApplicationLoadBalancer
    }
}

fn of_line(tokens: &[&str]) -> Option<TableName> {
    let [first, second, ..] = tokens else {
        return None;
    };
    if first.as_bytes().first()?.is_ascii_digit() {
        // A time stands first: the client's address follows, or the load balancer's name.
        return Some(if is_ip(second) {
            TableName::ConnectionLog
        } else {
            TableName::ClassicLoadBalancer
        });
    }
    match *first {
        "tls" => Some(TableName::NetworkLoadBalancer),
        "http" | "https" | "h2" | "grpc" | "grpcs" | "ws" | "wss" if tokens.len() >= OF_REQUEST => {
            Some(TableName::ApplicationLoadBalancer)
        }
        // The type of a check: HTTP, HTTPS, GRPC, Lambda.
        _ if second.as_bytes().first()?.is_ascii_digit() && tokens.len() < OF_REQUEST => {
            Some(TableName::HealthCheckLog)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_what_wrote_it() {
        for (line, table) in [
            ("tls 2.0 2018", Some(TableName::NetworkLoadBalancer)),
            (
                "h2 2018 app a b c d e f g h i j",
                Some(TableName::ApplicationLoadBalancer),
            ),
            (
                "http 2025-10-31T12:44:59.875678Z 0.019584011",
                Some(TableName::HealthCheckLog),
            ),
            (
                "2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817",
                Some(TableName::ClassicLoadBalancer),
            ),
            (
                "2023-10-04T17:05:15.514108Z 203.0.113.1 36280",
                Some(TableName::ConnectionLog),
            ),
            ("hello world", None),
            ("tls", None),
            ("", None),
        ] {
            assert_eq!(of_line(Tokens::of(line).as_slice()), table, "{line}");
        }
    }
}
