//! The proxy between what ships logs and where they go. Pure.

use serde::Serialize;

use super::name;
use crate::settings::Settings;

/// What pods reach by themselves: the machine, its metadata, and services of the cluster. No address of IPv6: Ruby
/// takes one apart at its colons
/// (<https://github.com/ruby/uri/blob/v1.0.4/lib/uri/generic.rb>, `use_proxy?`).
/// The API server's address is added in the template, since Kubernetes alone knows it.
const OF_PODS: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "169.254.169.254",
    ".svc",
    ".cluster.local",
];

/// What machines reach by themselves.
const OF_MACHINES: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "169.254.169.254",
    "fd00:ec2::254",
];

/// A proxy, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedProxy {
    /// For `http:`.
    pub http: Option<String>,
    /// For `https:`.
    pub https: Option<String>,
    /// What pods reach without it, separated by commas.
    pub no_proxy_of_pods: String,
    /// What machines reach without it, separated by commas.
    pub no_proxy_of_machines: String,
    #[serde(skip)]
    hosts: Vec<String>,
}

/// The cluster's proxy, if it has one.
pub(super) fn resolve(settings: &Settings) -> Option<ResolvedProxy> {
    let own = &settings.proxy;
    if own.http.is_none() && own.https.is_none() {
        return None;
    }
    let hosts = own.no_proxy.iter().filter(|(_, on)| **on);
    let hosts: Vec<String> = hosts.map(|(host, _)| host.to_string()).collect();
    let with = |first: &[&str]| {
        let first = first.iter().map(|host| (*host).to_owned());
        first.chain(hosts.clone()).collect::<Vec<_>>().join(",")
    };
    Some(ResolvedProxy {
        http: own.http.as_ref().map(ToString::to_string),
        https: own.https.as_ref().map(ToString::to_string),
        no_proxy_of_pods: with(&OF_PODS),
        no_proxy_of_machines: with(&OF_MACHINES),
        hosts,
    })
}

impl ResolvedProxy {
    /// The proxy on the way to a host, for programs that don't read the environment.
    pub(super) fn to(&self, scheme: &str, host: &str) -> Option<String> {
        let proxy = if scheme == "https" {
            &self.https
        } else {
            &self.http
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let is_direct = self.hosts.iter().any(|own| {
            let own = own.trim_start_matches('.').to_ascii_lowercase();
            host == own
                || host
                    .strip_suffix(&own)
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        proxy.clone().filter(|_| !is_direct)
    }

    /// The proxy on the way to a service of AWS in a Region.
    pub(super) fn to_aws(&self, service: &str, region: &str) -> Option<String> {
        let suffix = name::partition(region).dns_suffix;
        self.to("https", &format!("{service}.{region}.{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_what_is_below_them_are_reached_without() {
        let proxy = ResolvedProxy {
            http: None,
            https: Some("http://proxy:3128".to_owned()),
            no_proxy_of_pods: String::new(),
            no_proxy_of_machines: String::new(),
            hosts: [".amazonaws.com", "logs.example.com", "2001:db8::1"]
                .map(str::to_owned)
                .to_vec(),
        };
        for (host, is_direct) in [
            ("logs.example.com", true),
            ("a.logs.example.com", true),
            ("Logs.Example.com", true),
            ("otherlogs.example.com", false),
            ("example.com", false),
            ("[2001:db8::1]", true),
        ] {
            assert_eq!(proxy.to("https", host).is_none(), is_direct, "{host}");
        }
        assert_eq!(proxy.to("http", "a"), None);
        assert_eq!(proxy.to_aws("logs", "eu-central-1"), None);
        assert!(proxy.to_aws("logs", "cn-north-1").is_some());
    }
}
