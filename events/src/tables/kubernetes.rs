//! What a control plane of EKS logs.

use crate::field::{Reading as R, Shape, Table, TableName, field};

#[rustfmt::skip]
pub(super) const EKS: Table = Table {
    name: TableName::EksControlPlane,
    title: "Control plane of EKS: audit log",
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    shape: Shape::Json,
    // The audit log's fields are those that the audit log of other clusters has.
    fields: &[
        field("auditID", "audit.auditID", R::Keyword, "The request's id"),
        field("level", "audit.level", R::Keyword, "How much of the request is told"),
        field("stage", "audit.stage", R::Keyword, "Where in the request this was told"),
        field("verb", "audit.verb", R::Keyword, "What was asked, such as `list`"),
        field("requestURI", "audit.requestURI", R::Keyword, "The request's URI"),
        field("userAgent", "audit.userAgent", R::Keyword, "The client's program"),
        field("sourceIPs", "audit.sourceIPs", R::Ip, "Where the request came from"),
        field("requestReceivedTimestamp", "audit.requestReceivedTimestamp", R::DateTime, "When the request came"),
        field("stageTimestamp", "audit.stageTimestamp", R::DateTime, "When this was told"),
        field("annotations", "audit.annotations", R::Map, "What admission says of it, up to 8 KiB"),
        field("user.username", "audit.user.username", R::Keyword, "Who asked"),
        field("user.groups", "audit.user.groups", R::Keyword, "The groups of who asked"),
        field("impersonatedUser.username", "audit.impersonatedUser.username", R::Keyword, "As whom"),
        field("impersonatedUser.groups", "audit.impersonatedUser.groups", R::Keyword, "The groups of that"),
        field("objectRef.apiGroup", "audit.objectRef.apiGroup", R::Keyword, "What it is about"),
        field("objectRef.resource", "audit.objectRef.resource", R::Keyword, "What it is about, such as `pods`"),
        field("objectRef.subresource", "audit.objectRef.subresource", R::Keyword, "What of it"),
        field("objectRef.namespace", "audit.objectRef.namespace", R::Keyword, "Its namespace"),
        field("objectRef.name", "audit.objectRef.name", R::Keyword, "Its name"),
        field("responseStatus.code", "audit.responseStatus.code", R::Long, "The status that was answered"),
        field("responseStatus.reason", "audit.responseStatus.reason", R::Keyword, "Why"),
    ],
    time: &["stageTimestamp", "requestReceivedTimestamp"],
    otherwise: &[],
};

#[rustfmt::skip]
pub(super) const COMPONENTS: Table = Table {
    name: TableName::EksComponent,
    title: "Control plane of EKS: components",
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    shape: Shape::Lines,
    fields: &[
        field("level", "log.level", R::Keyword, "How grave it is: `info`, `warning`, `error` or `fatal`"),
        field("thread", "process.thread.id", R::Long, "The thread"),
        field("file", "log.origin.file.name", R::Keyword, "Where in the program it was told"),
        field("line", "log.origin.file.line", R::Long, "The line of that"),
        field("time", "event.start", R::DateTime, "When it was told: of the authenticator alone, whose lines have a year"),
        field("arn", "aws.eks.arn", R::Keyword, "Whom the authenticator tells of"),
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
