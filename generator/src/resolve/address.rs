//! The address of a server, taken apart. Pure.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A URL's parts. Its pattern in the schema leaves no other form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `http` or `https`.
    pub scheme: String,
    /// A host name or an address; IPv6 in the brackets that a URL has.
    pub host: String,
    /// The port, the scheme's own if none is written; 0 if there is no such port.
    pub port: u16,
    /// The path without a slash at its end; may be empty.
    pub path: String,
}

/// What two addresses of one server have in common, however they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServerKey {
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// Takes a URL apart.
    pub(super) fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // The colons of an IPv6 address are within its brackets.
        let start_of_port = authority.rfind(']').unwrap_or(0);
        let (host, port) = match authority[start_of_port..].find(':') {
            Some(colon) => {
                let (host, port) = authority.split_at(start_of_port + colon);
                (host, port[1..].parse().unwrap_or(0))
            }
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

    /// What its pattern can't tell: message and hint.
    pub(super) fn fault(&self) -> Option<(String, &'static str)> {
        if self.port == 0 {
            return Some((
                "the port is not between 1 and 65535".to_owned(),
                "correct the port",
            ));
        }
        let host = &self.host;
        if host.starts_with('[') && self.ipv6().is_none() {
            return Some((
                format!("`{host}` is not an IPv6 address"),
                "write eight groups of hexadecimal digits, or `::` once: `https://[2001:db8::1]:9200`",
            ));
        }
        let digits = host.chars().all(|c| c.is_ascii_digit() || c == '.');
        if digits && host.parse::<Ipv4Addr>().is_err() {
            return Some((
                format!("`{host}` is not an IPv4 address"),
                "write four numbers from 0 to 255, or a host name",
            ));
        }
        None
    }

    /// By what it is known again: neither upper case nor a default port nor a
    /// longer form of an IPv6 address is another server. Nor is the scheme,
    /// since no port speaks both.
    pub(super) fn server(&self) -> ServerKey {
        let host = match self.ipv6() {
            Some(address) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => address.to_string(),
            },
            None => self.host.to_ascii_lowercase(),
        };
        ServerKey {
            host,
            port: self.port,
            path: self.path.clone(),
        }
    }

    fn ipv6(&self) -> Option<Ipv6Addr> {
        let inner = self.host.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, String, u16, String) {
        let address = Address::parse(url);
        (address.scheme, address.host, address.port, address.path)
    }

    #[test]
    fn an_address_is_taken_apart() {
        for (url, scheme, host, port, path) in [
            (
                "https://logs.example.com",
                "https",
                "logs.example.com",
                443,
                "",
            ),
            ("http://10.0.0.1:9200/es/", "http", "10.0.0.1", 9200, "/es"),
            ("https://a:70000", "https", "a", 0, ""),
            ("https://[2001:db8::1]", "https", "[2001:db8::1]", 443, ""),
            ("http://[2001:db8::1]", "http", "[2001:db8::1]", 80, ""),
            (
                "https://[2001:db8::1]:9200/a/b/",
                "https",
                "[2001:db8::1]",
                9200,
                "/a/b",
            ),
            ("https://[::1]:70000", "https", "[::1]", 0, ""),
        ] {
            let expected = (scheme.into(), host.into(), port, path.into());
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn what_no_pattern_sees_is_reported() {
        let reported = |url| Address::parse(url).fault().map(|(message, _)| message);
        for (url, message) in [
            ("https://a:0", "the port is not between 1 and 65535"),
            ("https://[1:2]", "`[1:2]` is not an IPv6 address"),
            ("https://[::1::]", "`[::1::]` is not an IPv6 address"),
            ("https://[10.0.0.1]", "`[10.0.0.1]` is not an IPv6 address"),
            ("https://10.0.0.256", "`10.0.0.256` is not an IPv4 address"),
            ("https://10.0.1:9200", "`10.0.1` is not an IPv4 address"),
        ] {
            assert_eq!(reported(url).as_deref(), Some(message), "{url}");
        }
        for url in [
            "https://[::ffff:10.0.0.1]",
            "https://[2001:DB8::1]:9200",
            "https://10.0.0.255",
            "https://1.example.com",
        ] {
            assert_eq!(reported(url), None, "{url}");
        }
    }

    #[test]
    fn one_server_is_known_again_however_it_is_written() {
        let same = |one, other| Address::parse(one).server() == Address::parse(other).server();
        for (one, other) in [
            ("https://logs.example.com", "https://LOGS.example.com:443/"),
            ("http://logs.example.com:80", "http://logs.example.com"),
            (
                "http://logs.example.com:9200",
                "https://logs.example.com:9200",
            ),
            (
                "https://[2001:db8::1]:9200",
                "https://[2001:DB8:0:0::1]:9200/",
            ),
            ("https://[::ffff:10.0.0.1]", "https://10.0.0.1"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("https://logs.example.com", "http://logs.example.com"),
            ("https://logs.example.com", "https://logs.example.com/es"),
            ("https://logs.example.com/es", "https://logs.example.com/ES"),
            ("https://[2001:db8::1]", "https://[2001:db8::2]"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
