//! Addresses that look like those of a back end and belong to something else,
//! which would take none of what is rendered for it. Pure.
//!
//! Only addresses of a provider's own are known here; one of your own in
//! front of such a server tells nothing.

use crate::settings::Backend;

/// The domains of AWS, of all partitions.
const AWS: [&str; 6] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "on.aws",
];

/// The domains of hosted deployments at Elastic Cloud
/// (<https://www.elastic.co/docs/deploy-manage/security/network-security>).
const ELASTIC_HOSTED: [&str; 3] = ["cloud.es.io", "elastic-cloud.com", "found.io"];

/// The domain of serverless projects at Elastic Cloud, such as
/// `<project>.es.us-east-1.aws.elastic.cloud`
/// (<https://www.elastic.co/docs/deploy-manage/deploy/elastic-cloud/find-connection-details-serverless>).
const ELASTIC_SERVERLESS: &str = "elastic.cloud";

/// Why a back end can't be where an address leads: message and hint.
pub(super) fn mistaken(
    backend: Backend,
    host: &str,
    path: &str,
) -> Option<(&'static str, &'static str)> {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let aws = AWS.iter().any(|domain| is_below(&host, domain));
    let aws_service = |service: &str| aws && labels.contains(&service);
    let hosted = ELASTIC_HOSTED.iter().any(|domain| is_below(&host, domain));
    if aws_service("aoss") {
        return Some((
            "this is OpenSearch Serverless, which has no security API, no ISM and a service name of its own for signatures (`aoss`), so neither roles nor retention can be set",
            "use a domain of Amazon OpenSearch Service (`https://….es.amazonaws.com`) or an OpenSearch of your own",
        ));
    }
    if aws_service("osis") {
        return Some((
            "this is a pipeline of OpenSearch Ingestion, which has no index templates, roles or retention of its own",
            "write the address of the domain that the pipeline writes to",
        ));
    }
    if is_below(&host, ELASTIC_SERVERLESS) {
        return Some((
            "this is Elastic Cloud Serverless, which has no ILM and no settings of shards and replicas, so neither index templates nor retention can be set",
            "use Elastic Cloud Hosted or an Elasticsearch of your own",
        ));
    }
    if hosted
        && ["apm", "fleet", "kb"]
            .iter()
            .any(|part| labels.contains(part))
    {
        return Some((
            "this is the address of Kibana, Fleet or APM, not of Elasticsearch",
            "copy the endpoint of Elasticsearch from the console of Elastic Cloud",
        ));
    }
    if path.starts_with("/_dashboards") || path.starts_with("/_plugin/kibana") {
        return Some((
            "this is the address of the dashboards, not of the server",
            "remove the path",
        ));
    }
    match backend {
        Backend::Elasticsearch if aws_service("es") || aws_service("aos") => Some((
            "Amazon OpenSearch Service runs OpenSearch, or an Elasticsearch that is too old",
            "set `backend: opensearch`, and `version` to that of the domain",
        )),
        Backend::Opensearch if hosted => Some((
            "Elastic Cloud runs Elasticsearch",
            "set `backend: elasticsearch`, and `version` to that of the deployment",
        )),
        Backend::Elasticsearch | Backend::Opensearch => None,
    }
}

/// Whether a host is in a domain, and not the domain itself.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELASTICSEARCH: Backend = Backend::Elasticsearch;
    const OPENSEARCH: Backend = Backend::Opensearch;

    #[test]
    fn what_only_looks_like_a_back_end_is_reported() {
        for (backend, host, path, start) in [
            (
                OPENSEARCH,
                "abc123.us-east-1.aoss.amazonaws.com",
                "",
                "this is OpenSearch Serverless",
            ),
            (
                ELASTICSEARCH,
                "ABC123.us-east-1.AOSS.amazonaws.com",
                "",
                "this is OpenSearch Serverless",
            ),
            (
                OPENSEARCH,
                "abc123.cn-north-1.aoss.amazonaws.com.cn",
                "",
                "this is OpenSearch Serverless",
            ),
            (
                OPENSEARCH,
                "abc123.aoss.us-east-1.on.aws",
                "",
                "this is OpenSearch Serverless",
            ),
            (
                OPENSEARCH,
                "logs-abc.us-east-1.osis.amazonaws.com",
                "",
                "this is a pipeline of OpenSearch Ingestion",
            ),
            (
                ELASTICSEARCH,
                "logs-cd40d6.es.us-east-1.aws.elastic.cloud",
                "",
                "this is Elastic Cloud Serverless",
            ),
            (
                ELASTICSEARCH,
                "logs-cd40d6.es.us-central1.gcp.elastic.cloud",
                "",
                "this is Elastic Cloud Serverless",
            ),
            (
                OPENSEARCH,
                "logs-cd40d6.es.private.eu-west-1.aws.elastic.cloud",
                "",
                "this is Elastic Cloud Serverless",
            ),
            (
                ELASTICSEARCH,
                "logs.kb.eu-central-1.aws.elastic-cloud.com",
                "",
                "this is the address of Kibana",
            ),
            (
                ELASTICSEARCH,
                "abc.fleet.us-east-1.aws.found.io",
                "",
                "this is the address of Kibana",
            ),
            (
                OPENSEARCH,
                "search-logs-abc.us-east-1.es.amazonaws.com",
                "/_dashboards",
                "this is the address of the dashboards",
            ),
            (
                OPENSEARCH,
                "logs.example.com",
                "/_plugin/kibana/app",
                "this is the address of the dashboards",
            ),
            (
                ELASTICSEARCH,
                "search-logs-abc.us-east-1.es.amazonaws.com",
                "",
                "Amazon OpenSearch Service runs OpenSearch",
            ),
            (
                ELASTICSEARCH,
                "search-logs-abc.aos.us-east-1.on.aws",
                "",
                "Amazon OpenSearch Service runs OpenSearch",
            ),
            (
                OPENSEARCH,
                "logs.es.eu-central-1.aws.elastic-cloud.com",
                "",
                "Elastic Cloud runs Elasticsearch",
            ),
            (
                OPENSEARCH,
                "abc.us-central1.gcp.cloud.es.io",
                "",
                "Elastic Cloud runs Elasticsearch",
            ),
        ] {
            let (message, _) = mistaken(backend, host, path).expect(host);
            assert!(message.starts_with(start), "{host}: {message}");
        }
    }

    #[test]
    fn every_other_address_is_taken_at_its_word() {
        for (backend, host) in [
            (OPENSEARCH, "search-logs-abc.us-east-1.es.amazonaws.com"),
            (OPENSEARCH, "vpc-logs-abc.cn-north-1.es.amazonaws.com.cn"),
            (OPENSEARCH, "search-logs-abc.aos.us-east-1.on.aws"),
            (ELASTICSEARCH, "logs.es.eu-central-1.aws.elastic-cloud.com"),
            (ELASTICSEARCH, "abc.eu-west-1.aws.found.io"),
            // A load balancer, and a machine, of one's own.
            (ELASTICSEARCH, "es-0123.elb.us-east-1.amazonaws.com"),
            (ELASTICSEARCH, "ec2-203-0-113-1.compute-1.amazonaws.com"),
            // No domain of the providers', whatever it looks like.
            (OPENSEARCH, "aoss.example.com"),
            (OPENSEARCH, "x.aoss.notamazonaws.com"),
            (ELASTICSEARCH, "elastic.cloud.example.com"),
            (ELASTICSEARCH, "notelastic.cloud"),
            (ELASTICSEARCH, "[2001:db8::1]"),
        ] {
            assert_eq!(mistaken(backend, host, ""), None, "{host}");
        }
        assert_eq!(mistaken(OPENSEARCH, "logs.example.com", "/es"), None);
    }
}
