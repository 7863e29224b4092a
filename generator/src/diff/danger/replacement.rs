//! What can't be changed where it is, only made anew. Pure.

use serde_json::{Value as Json, json};

use super::Flag;
use super::change::{Change, Found, Resource, shown, text};

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    for resource in change.resources() {
        check_resource(&resource, found);
    }
    if let Some((old, new)) = change.values() {
        check_object(old, new, found);
    }
}

/// A type, the end of its page's address below [`PAGES`], and those of its properties that
/// say "Update requires: Replacement" there.
type Type = (&'static str, &'static str, &'static [&'static str]);

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>
const TYPES: &[Type] = &[
    (
        "AWS::CloudTrail::Trail",
        "aws-resource-cloudtrail-trail.html",
        &["TrailName"],
    ),
    (
        "AWS::CloudWatch::Alarm",
        "aws-resource-cloudwatch-alarm.html",
        &["AlarmName"],
    ),
    (
        "AWS::CloudWatch::Dashboard",
        "aws-resource-cloudwatch-dashboard.html",
        &["DashboardName"],
    ),
    (
        "AWS::DynamoDB::Table",
        "aws-resource-dynamodb-table.html",
        &["TableName"],
    ),
    (
        "AWS::EC2::FlowLog",
        "aws-resource-ec2-flowlog.html",
        &[
            "DeliverCrossAccountRole",
            "DeliverLogsPermissionArn",
            "DestinationOptions",
            "LogDestination",
            "LogDestinationType",
            "LogFormat",
            "LogGroupName",
            "MaxAggregationInterval",
            "ResourceId",
            "ResourceType",
            "TrafficType",
        ],
    ),
    (
        "AWS::EC2::VPC",
        "aws-resource-ec2-vpc.html",
        &["CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"],
    ),
    (
        "AWS::EKS::Cluster",
        "aws-resource-eks-cluster.html",
        &["Name", "RoleArn"],
    ),
    (
        "AWS::ElasticLoadBalancing::LoadBalancer",
        "aws-resource-elasticloadbalancing-loadbalancer.html",
        &["LoadBalancerName", "Scheme"],
    ),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "aws-resource-elasticloadbalancingv2-loadbalancer.html",
        &["Name", "Scheme", "Type"],
    ),
    (
        "AWS::Events::Rule",
        "aws-resource-events-rule.html",
        &["Name"],
    ),
    (
        "AWS::IAM::InstanceProfile",
        "aws-resource-iam-instanceprofile.html",
        &["InstanceProfileName", "Path"],
    ),
    (
        "AWS::IAM::ManagedPolicy",
        "aws-resource-iam-managedpolicy.html",
        &["Description", "ManagedPolicyName", "Path"],
    ),
    (
        "AWS::IAM::Role",
        "aws-resource-iam-role.html",
        &["Path", "RoleName"],
    ),
    (
        "AWS::KinesisFirehose::DeliveryStream",
        "aws-resource-kinesisfirehose-deliverystream.html",
        &[
            "DeliveryStreamName",
            "DeliveryStreamType",
            "KinesisStreamSourceConfiguration",
        ],
    ),
    (
        "AWS::Lambda::EventInvokeConfig",
        "aws-resource-lambda-eventinvokeconfig.html",
        &["FunctionName", "Qualifier"],
    ),
    (
        "AWS::Lambda::Function",
        "aws-resource-lambda-function.html",
        &["FunctionName", "PackageType"],
    ),
    (
        "AWS::Lambda::Permission",
        "aws-resource-lambda-permission.html",
        &[
            "Action",
            "EventSourceToken",
            "FunctionName",
            "FunctionUrlAuthType",
            "Principal",
            "PrincipalOrgID",
            "SourceAccount",
            "SourceArn",
        ],
    ),
    (
        "AWS::Logs::Delivery",
        "aws-resource-logs-delivery.html",
        &["DeliveryDestinationArn", "DeliverySourceName"],
    ),
    (
        "AWS::Logs::DeliveryDestination",
        "aws-resource-logs-deliverydestination.html",
        &["DestinationResourceArn", "Name"],
    ),
    (
        "AWS::Logs::DeliverySource",
        "aws-resource-logs-deliverysource.html",
        &["Name"],
    ),
    (
        "AWS::Logs::Destination",
        "aws-resource-logs-destination.html",
        &["DestinationName"],
    ),
    (
        "AWS::Logs::LogGroup",
        "aws-resource-logs-loggroup.html",
        &["LogGroupName"],
    ),
    (
        "AWS::Logs::LogStream",
        "aws-resource-logs-logstream.html",
        &["LogGroupName", "LogStreamName"],
    ),
    (
        "AWS::Logs::MetricFilter",
        "aws-resource-logs-metricfilter.html",
        &["FilterName", "LogGroupName"],
    ),
    (
        "AWS::Logs::ResourcePolicy",
        "aws-resource-logs-resourcepolicy.html",
        &["PolicyName"],
    ),
    (
        "AWS::Logs::SubscriptionFilter",
        "aws-resource-logs-subscriptionfilter.html",
        &["FilterName", "LogGroupName"],
    ),
    (
        "AWS::ResourceGroups::Group",
        "aws-resource-resourcegroups-group.html",
        &["Name"],
    ),
    (
        "AWS::Route53::HostedZone",
        "aws-resource-route53-hostedzone.html",
        &["Name"],
    ),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        "aws-resource-route53resolver-resolverqueryloggingconfig.html",
        &["DestinationArn", "Name"],
    ),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        "aws-resource-route53resolver-resolverqueryloggingconfigassociation.html",
        &["ResolverQueryLogConfigId", "ResourceId"],
    ),
    (
        "AWS::S3::Bucket",
        "aws-resource-s3-bucket.html",
        &["BucketName"],
    ),
    (
        "AWS::S3::BucketPolicy",
        "aws-resource-s3-bucketpolicy.html",
        &["Bucket"],
    ),
    (
        "AWS::SQS::Queue",
        "aws-resource-sqs-queue.html",
        &["FifoQueue", "QueueName"],
    ),
    (
        "AWS::SSM::Document",
        "aws-resource-ssm-document.html",
        &["DocumentType", "Name"],
    ),
    (
        "AWS::Scheduler::Schedule",
        "aws-resource-scheduler-schedule.html",
        &["Name"],
    ),
    (
        "AWS::Scheduler::ScheduleGroup",
        "aws-resource-scheduler-schedulegroup.html",
        &["Name"],
    ),
];

/// Where the pages of the types are.
const PAGES: &str = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/";

fn check_resource(resource: &Resource<'_>, found: &mut Found) {
    let Some((old, new)) = resource.old.zip(resource.new) else {
        return;
    };
    if resource.both().is_none() {
        let what = format!("the resource `{}` is of another type", shown(resource.id));
        let live = "CloudFormation refuses it, or deletes the old one and makes the new one";
        found.push(Flag::AwsObjectReplaced, what, Some(live.to_owned()));
        return;
    }
    let Some((kind, page, properties)) = TYPES.iter().find(|(kind, ..)| *kind == resource.kind())
    else {
        return;
    };
    let property =
        |value: &Json, name: &str| value.pointer(&format!("/Properties/{name}")).cloned();
    let changed: Vec<&str> = properties
        .iter()
        .copied()
        .filter(|name| property(old, name) != property(new, name))
        .collect();
    if !changed.is_empty() {
        let what = format!(
            "{kind} `{}` is replaced, because {} changes",
            shown(resource.id),
            changed.join(" and ")
        );
        let old_one = match text(old, "/UpdateReplacePolicy") {
            "Retain" => "leaves the old one",
            _ => "deletes the old one",
        };
        let live = format!("CloudFormation makes a new one and {old_one} ({PAGES}{page})");
        found.push(Flag::AwsObjectReplaced, what, Some(live));
    }
}

/// What Kubernetes lets nobody change
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#label-selector-updates>,
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>,
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#clusterrolebinding-example>).
const FIXED: [(&str, &[&str]); 6] = [
    ("DaemonSet", &["/spec/selector"]),
    ("Deployment", &["/spec/selector"]),
    (
        "StatefulSet",
        &[
            "/spec/selector",
            "/spec/serviceName",
            "/spec/volumeClaimTemplates",
            "/spec/podManagementPolicy",
        ],
    ),
    ("ClusterRoleBinding", &["/roleRef"]),
    ("RoleBinding", &["/roleRef"]),
    ("Service", &["/spec/clusterIP"]),
];

fn check_object(old: &Json, new: &Json, found: &mut Found) {
    let same = ["/kind", "/metadata/name", "/metadata/namespace"];
    if same.iter().any(|at| old.pointer(at) != new.pointer(at)) {
        return;
    }
    let kind = text(new, "/kind");
    let Some((kind, fields)) = FIXED.iter().find(|(name, _)| *name == kind) else {
        return;
    };
    for field in *fields {
        if old.pointer(field) != new.pointer(field) && is_refused(field, old) {
            let name = field.trim_start_matches('/').replace('/', ".");
            let object = shown(text(new, "/metadata/name"));
            found.push(
                Flag::KubernetesObjectReplaced,
                format!("`{name}` of the {kind} `{object}` changes, which Kubernetes refuses"),
                Some(
                    "nothing changes until someone deletes the object so that it is recreated"
                        .to_owned(),
                ),
            );
        }
    }
}

/// An address that nobody asked for isn't fixed by the file.
fn is_refused(field: &str, old: &Json) -> bool {
    field != "/spec/clusterIP"
        || !matches!(old.pointer(field), None | Some(Json::Null))
            && old.pointer(field) != Some(&json!(""))
}
