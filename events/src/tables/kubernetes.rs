//! What a control plane of EKS logs.

use crate::field::{Reading as R, Shape, Table, TableName, field};

#[rustfmt::skip]
pub(super) const EKS: Table = Table {
    name: TableName::EksControlPlane,
    title: "EKS control plane: audit log",
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    shape: Shape::Json,
    // The audit log's fields are those that the audit log of other clusters has.
    fields: &[
        field("auditID", "audit.auditID", R::Keyword, "The request's id"),
        field("level", "audit.level", R::Keyword, "The audit level: how much of the request is recorded"),
        field("stage", "audit.stage", R::Keyword, "The stage of the request"),
        field("verb", "audit.verb", R::Keyword, "The verb, such as `list`"),
        field("requestURI", "audit.requestURI", R::Keyword, "The request's URI"),
        field("userAgent", "audit.userAgent", R::Keyword, "The client's user agent"),
        field("sourceIPs", "audit.sourceIPs", R::Ip, "Where the request came from"),
        field("requestReceivedTimestamp", "audit.requestReceivedTimestamp", R::DateTime, "When the request arrived"),
        field("stageTimestamp", "audit.stageTimestamp", R::DateTime, "When this record was written"),
        field("annotations", "audit.annotations", R::Map, "Annotations from admission, up to 8 KiB"),
        field("user.username", "audit.user.username", R::Keyword, "Who sent the request"),
        field("user.groups", "audit.user.groups", R::Keyword, "The requester's groups"),
        field("impersonatedUser.username", "audit.impersonatedUser.username", R::Keyword, "The impersonated user"),
        field("impersonatedUser.groups", "audit.impersonatedUser.groups", R::Keyword, "The impersonated user's groups"),
        field("objectRef.apiGroup", "audit.objectRef.apiGroup", R::Keyword, "The resource's API group"),
        field("objectRef.resource", "audit.objectRef.resource", R::Keyword, "The resource, such as `pods`"),
        field("objectRef.subresource", "audit.objectRef.subresource", R::Keyword, "The subresource"),
        field("objectRef.namespace", "audit.objectRef.namespace", R::Keyword, "Its namespace"),
        field("objectRef.name", "audit.objectRef.name", R::Keyword, "Its name"),
        field("responseStatus.code", "audit.responseStatus.code", R::Long, "The response's status code"),
        field("responseStatus.reason", "audit.responseStatus.reason", R::Keyword, "Why"),
    ],
    time: &["stageTimestamp", "requestReceivedTimestamp"],
    otherwise: &[],
};

#[rustfmt::skip]
pub(super) const COMPONENTS: Table = Table {
    name: TableName::EksComponent,
    title: "EKS control plane: components",
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    shape: Shape::Lines,
    fields: &[
        field("level", "log.level", R::Keyword, "Severity: `info`, `warning`, `error` or `fatal`"),
        field("thread", "process.thread.id", R::Long, "The thread"),
        field("file", "log.origin.file.name", R::Keyword, "The source file"),
        field("line", "log.origin.file.line", R::Long, "The line in that file"),
        field("time", "event.start", R::DateTime, "When it was logged; only for the authenticator, whose lines have a year"),
        field("arn", "aws.eks.arn", R::Keyword, "The ARN in the authenticator's message"),
        field("client", "source.address", R::Keyword, "Where the request to the authenticator came from"),
        field("method", "http.request.method", R::Keyword, "The method of the request to the authenticator"),
        field("path", "url.path", R::Keyword, "The path of that request"),
        field("username", "user.name", R::Keyword, "The user that the authenticator mapped it to"),
        field("groups", "aws.eks.groups", R::Keyword, "The groups of that user"),
        field("uid", "user.id", R::Keyword, "The id of that user"),
    ],
    time: &["time"],
    otherwise: &[],
};
