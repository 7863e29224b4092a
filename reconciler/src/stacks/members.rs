//! Members of clusters' resource groups, told by tags. Pure.
//!
//! One list of tagged resources for each account and Region serves all clusters in it. A resource group is a query of
//! tags; it is read out of the cluster's own template and answered here, so members are known before the group exists, and
//! no cluster costs a request of its own (decision 51).

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::members::Member;
use serde_json::Value;

/// A type of members: how the list of tagged resources and ARNs call it.
struct MemberType {
    /// CloudFormation's name, which fragments use.
    name: &'static str,
    /// The list's name
    /// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
    filter: &'static str,
    /// The service in its ARN.
    service: &'static str,
    /// What stands before its id in the ARN.
    prefix: &'static str,
}

const fn member_type(
    name: &'static str,
    filter: &'static str,
    service: &'static str,
    prefix: &'static str,
) -> MemberType {
    MemberType {
        name,
        filter,
        service,
        prefix,
    }
}

const APPLICATION_AND_NETWORK: &str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
const CLASSIC: &str = "AWS::ElasticLoadBalancing::LoadBalancer";

const TYPES: [MemberType; 7] = [
    member_type("AWS::EC2::VPC", "ec2:vpc", "ec2", "vpc/"),
    member_type(
        APPLICATION_AND_NETWORK,
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing",
        "loadbalancer/",
    ),
    member_type(
        CLASSIC,
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing",
        "loadbalancer/",
    ),
    member_type("AWS::S3::Bucket", "s3:bucket", "s3", ""),
    member_type(
        "AWS::DynamoDB::Table",
        "dynamodb:table",
        "dynamodb",
        "table/",
    ),
    member_type(
        "AWS::Route53::HostedZone",
        "route53:hostedzone",
        "route53",
        "hostedzone/",
    ),
    member_type("AWS::EKS::Cluster", "eks:cluster", "eks", "cluster/"),
];

/// A resource with its tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tagged {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How the list of tagged resources calls a type; none if it isn't known how to list it.
pub fn filter_of(member_type: &str) -> Option<&'static str> {
    let mut types = TYPES.iter();
    types
        .find(|own| own.name == member_type)
        .map(|own| own.filter)
}

/// A member, by its ARN; none if its type isn't known.
pub fn member(arn: &str) -> Option<Member> {
    let mut parts = arn.splitn(6, ':');
    let service = parts.nth(2)?;
    let resource = parts.nth(2)?;
    let found = TYPES
        .iter()
        .find(|own| own.service == service && resource.starts_with(own.prefix))?;
    let rest = &resource[found.prefix.len()..];
    // Their kinds stand before the name; a classic one has its name alone.
    let is_second_generation = ["app/", "net/", "gwy/"]
        .iter()
        .any(|kind| rest.starts_with(kind));
    let (name, id) = match found.name {
        APPLICATION_AND_NETWORK if is_second_generation => (APPLICATION_AND_NETWORK, arn),
        APPLICATION_AND_NETWORK => (CLASSIC, rest),
        name => (name, rest),
    };
    // An object in a bucket or a table's index is no member.
    let is_part = name != APPLICATION_AND_NETWORK && rest.contains('/');
    (!rest.is_empty() && !is_part).then(|| Member {
        member_type: name.to_owned(),
        arn: arn.to_owned(),
        id: id.to_owned(),
    })
}

/// A query of tags: each key must be there, with one of its values
/// (<https://docs.aws.amazon.com/ARG/latest/APIReference/API_ResourceQuery.html>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(BTreeMap<String, BTreeSet<String>>);

/// Why members of a group can't be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The group isn't one of tags.
    #[error(
        "the resource group `{0}` isn't a query of tags (`TAG_FILTERS_1_0` over `AWS::AllSupported`)"
    )]
    OtherKind(String),
    /// There are two groups.
    #[error("there are two resource groups, `{0}` and `{1}`")]
    Two(String, String),
}

impl Query {
    /// The query of a template's resource group, if it has one.
    pub fn of(template: &Value) -> Result<Option<Self>, QueryError> {
        let all = template["Resources"].as_object().into_iter().flatten();
        let mut groups =
            all.filter(|(_, resource)| resource["Type"] == "AWS::ResourceGroups::Group");
        let Some((id, group)) = groups.next() else {
            return Ok(None);
        };
        if let Some((second, _)) = groups.next() {
            return Err(QueryError::Two(id.clone(), second.clone()));
        }
        let query = &group["Properties"]["ResourceQuery"];
        let other = || QueryError::OtherKind(id.clone());
        let types = &query["Query"]["ResourceTypeFilters"];
        if query["Type"] != "TAG_FILTERS_1_0"
            || !(types.is_null() || *types == serde_json::json!(["AWS::AllSupported"]))
        {
            return Err(other());
        }
        let mut keys = BTreeMap::new();
        for filter in query["Query"]["TagFilters"].as_array().ok_or_else(other)? {
            let key = filter["Key"].as_str().ok_or_else(other)?;
            let values = filter["Values"].as_array().into_iter().flatten();
            let values =
                values.map(|value| value.as_str().map(ToOwned::to_owned).ok_or_else(other));
            keys.insert(key.to_owned(), values.collect::<Result<_, _>>()?);
        }
        // A group of everything is nobody's.
        if keys.is_empty() {
            return Err(other());
        }
        Ok(Some(Self(keys)))
    }

    /// Whether a resource is in the group.
    pub fn has(&self, tags: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, values)| {
            let value = tags.get(key);
            value.is_some_and(|value| values.is_empty() || values.contains(value))
        })
    }

    /// The members among resources.
    pub fn members<'t>(&self, tagged: impl IntoIterator<Item = &'t Tagged>) -> BTreeSet<Member> {
        let own = tagged
            .into_iter()
            .filter(|resource| self.has(&resource.tags));
        own.filter_map(|resource| member(&resource.arn)).collect()
    }
}

/// In which stack each member is, from the deployed templates by their numbers: logical ids end with the member's hash
/// ([`Member::hash`]).
pub fn placed<'t>(
    templates: impl IntoIterator<Item = (usize, &'t Value)>,
) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for (number, template) in templates {
        let ids = template["Resources"].as_object().into_iter().flatten();
        for (id, _) in ids {
            let Some(at) = id.len().checked_sub(16) else {
                continue;
            };
            if let Some(hash) = id.get(at..)
                && hash
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            {
                places.insert(hash.to_owned(), number);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_told_by_its_arn() {
        let load_balancer =
            "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop/50dc";
        for (arn, kind, id) in [
            (
                "arn:aws:ec2:eu-central-1:1:vpc/vpc-1",
                "AWS::EC2::VPC",
                "vpc-1",
            ),
            (load_balancer, APPLICATION_AND_NETWORK, load_balancer),
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/old",
                CLASSIC,
                "old",
            ),
            ("arn:aws:s3:::shop", "AWS::S3::Bucket", "shop"),
            (
                "arn:aws-cn:dynamodb:cn-north-1:1:table/orders",
                "AWS::DynamoDB::Table",
                "orders",
            ),
            (
                "arn:aws:route53:::hostedzone/Z1",
                "AWS::Route53::HostedZone",
                "Z1",
            ),
            (
                "arn:aws:eks:eu-central-1:1:cluster/alpha",
                "AWS::EKS::Cluster",
                "alpha",
            ),
        ] {
            let found = member(arn).unwrap_or_else(|| panic!("{arn}"));
            assert_eq!((found.member_type.as_str(), found.id.as_str()), (kind, id));
            assert!(filter_of(kind).is_some());
        }
        for arn in [
            "arn:aws:ec2:eu-central-1:1:subnet/subnet-1",
            "arn:aws:s3:::shop/object",
            "arn:aws:dynamodb:eu-central-1:1:table/orders/index/a",
            "arn:aws:s3:::",
            "nothing",
        ] {
            assert_eq!(member(arn), None, "{arn}");
        }
    }

    fn group(query: &Value) -> Value {
        json!({ "Resources": { "G": { "Type": "AWS::ResourceGroups::Group", "Properties": { "ResourceQuery": query } } } })
    }

    fn tags(query: &[(&str, &[&str])]) -> Value {
        let filters: Vec<Value> = query
            .iter()
            .map(|(key, values)| json!({ "Key": key, "Values": values }))
            .collect();
        group(
            &json!({ "Type": "TAG_FILTERS_1_0", "Query": { "ResourceTypeFilters": ["AWS::AllSupported"], "TagFilters": filters } }),
        )
    }

    #[test]
    fn a_group_is_answered_as_aws_does() {
        let query = Query::of(&tags(&[("cluster", &["owned", "shared"]), ("team", &[])]));
        let query = query.expect("tags").expect("a group");
        let has = |tags: &[(&str, &str)]| {
            let tags = tags
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            query.has(&tags.collect())
        };
        assert!(has(&[("cluster", "owned"), ("team", ""), ("more", "x")]));
        assert!(!has(&[("cluster", "owned")]));
        assert!(!has(&[("cluster", "other"), ("team", "a")]));
        assert!(!has(&[("Cluster", "owned"), ("team", "a")]));
    }

    #[test]
    fn a_group_that_can_not_be_answered_is_told() {
        assert_eq!(Query::of(&json!({ "Resources": {} })), Ok(None));
        for template in [
            tags(&[]),
            group(
                &json!({ "Type": "CLOUDFORMATION_STACK_1_0", "Query": { "StackIdentifier": "a" } }),
            ),
            group(
                &json!({ "Type": "TAG_FILTERS_1_0", "Query": { "ResourceTypeFilters": ["AWS::EC2::VPC"], "TagFilters": [{ "Key": "a" }] } }),
            ),
        ] {
            assert_eq!(
                Query::of(&template),
                Err(QueryError::OtherKind("G".to_owned()))
            );
        }
    }

    #[test]
    fn a_members_stack_is_known_by_the_ids_in_it() {
        let first = json!({ "Resources": { "FlowLog0123456789abcdef": {}, "Trail": {}, "Once0123456789ABCDEF": {} } });
        let second = json!({ "Resources": { "Sourcefedcba9876543210": {} } });
        assert_eq!(
            placed([(0, &first), (1, &second)]),
            BTreeMap::from([
                ("0123456789abcdef".to_owned(), 0),
                ("fedcba9876543210".to_owned(), 1)
            ])
        );
    }
}
