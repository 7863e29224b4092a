//! Domains of Amazon OpenSearch Service: what their hosts say. Pure.
//!
//! A domain's own hosts are `search-<name>-<random>.<Region>.es.<suffix>`, `vpc-…` in a
//! network, and with dual stack `….aos.<Region>.on.aws`
//! (<https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createupdatedomains.html>).
//! A host of the user's own says nothing.

use super::problem::Problems;
use crate::partition;
use crate::settings::{Account, Region, Settings};

/// How the hosts of dual stack end, in any partition.
const DUAL_STACK: [&str; 2] = [".on.aws", ".on.amazonwebservices.com.cn"];

/// What a domain's own host says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DomainHost<'h> {
    /// The domain's name.
    pub name: &'h str,
    /// Its Region, as it is written.
    pub region: &'h str,
}

impl<'h> DomainHost<'h> {
    /// Reads a host; none if it is no domain's own.
    pub(crate) fn read(host: &'h str) -> Option<Self> {
        let dual_stack = DUAL_STACK
            .iter()
            .find_map(|suffix| host.strip_suffix(suffix));
        let (label, region) = if let Some(labels) = dual_stack {
            let (label, region) = labels.split_once(".aos.")?;
            (label, region)
        } else {
            partition::service_host(host)?
                .labels
                .strip_suffix(".es")?
                .split_once('.')?
        };
        if region.contains('.') {
            return None;
        }
        let name = label
            .strip_prefix("search-")
            .or_else(|| label.strip_prefix("vpc-"))?;
        let (name, _) = name.rsplit_once('-')?;
        (!name.is_empty()).then_some(Self { name, region })
    }
}

/// A domain that requests are signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Domain {
    /// Its name, if the host says it.
    pub name: Option<String>,
    /// Its Region.
    pub region: String,
    /// Its account.
    pub account: String,
}

/// Says for which Region and account requests to a destination are signed.
pub(super) fn resolve(
    destination: &str,
    host: &str,
    (region, account): (Option<&Region>, Option<&Account>),
    settings: &Settings,
    problems: &mut Problems,
) -> Domain {
    let reported = DomainHost::read(host);
    if let Some(reported) = reported {
        check_host(destination, host, reported, settings, problems);
    }
    if let (Some(reported), Some(region)) = (reported, region)
        && reported.region != region.as_str()
    {
        problems.push(
            &["destinations", destination, "authentication", "region"],
            format!(
                "requests would be signed for `{region}`, but the domain is in `{}`: its host says so",
                reported.region
            ),
            "remove it: the Region is taken from `url`",
        );
    }
    Domain {
        name: reported.map(|reported| reported.name.to_owned()),
        region: reported
            .map(|reported| reported.region)
            .or(region.map(Region::as_str))
            .unwrap_or(settings.region.as_str())
            .to_owned(),
        account: account.unwrap_or(&settings.account).to_string(),
    }
}

fn check_host(
    destination: &str,
    host: &str,
    reported: DomainHost<'_>,
    settings: &Settings,
    problems: &mut Problems,
) {
    let setting = ["destinations", destination, "url"];
    super::region::check_region(
        &setting,
        reported.region,
        settings.region.as_str(),
        problems,
    );
    let Some(partition) = partition::of_region(reported.region) else {
        return;
    };
    let suffix = partition.dns_suffix;
    let own_suffix =
        partition::service_host(host).is_none_or(|found| found.partition.dns_suffix == suffix);
    if !own_suffix {
        problems.push(
            &setting,
            format!("hosts of AWS in `{}` end in `{suffix}`", reported.region),
            "correct the host",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domains_own_host_says_its_name_and_region() {
        let read = |host| DomainHost::read(host).map(|found| (found.name, found.region));
        for (host, expected) in [
            (
                "search-my-logs-abcdefghij.us-east-1.es.amazonaws.com",
                Some(("my-logs", "us-east-1")),
            ),
            (
                "vpc-logs-abc.eu-central-1.es.amazonaws.com",
                Some(("logs", "eu-central-1")),
            ),
            (
                "search-logs-abc.cn-north-1.es.amazonaws.com.cn",
                Some(("logs", "cn-north-1")),
            ),
            (
                "vpc-logs-abc.us-iso-east-1.es.c2s.ic.gov",
                Some(("logs", "us-iso-east-1")),
            ),
            (
                "search-logs-abc.aos.eu-west-1.on.aws",
                Some(("logs", "eu-west-1")),
            ),
            (
                "search-logs-abc.aos.cn-northwest-1.on.amazonwebservices.com.cn",
                Some(("logs", "cn-northwest-1")),
            ),
            ("logs.example.com", None),
            ("abc.eu-west-1.aoss.amazonaws.com", None),
            ("search-logs.eu-west-1.es.amazonaws.com", None),
            ("search--abc.eu-west-1.es.amazonaws.com", None),
            ("es.amazonaws.com", None),
        ] {
            assert_eq!(read(host), expected, "{host}");
        }
    }
}
