"""Flow logs of VPCs and their DNS queries."""

import hashlib
from typing import Any

from resource_types.base import Refused, ResourceType, only, tags_gone


class FlowLog(ResourceType):
    kind = "AWS::EC2::FlowLog"
    service = "ec2"
    properties = {
        "DeliverLogsPermissionArn", "DestinationOptions", "LogDestination", "LogDestinationType",
        "LogFormat", "LogGroupName", "MaxAggregationInterval", "ResourceId", "ResourceType",
        "TagFieldSpecifications", "Tags", "TrafficType",
    }

    def make(self, new: dict[str, Any]) -> str:
        tags = [{"ResourceType": "vpc-flow-log", "Tags": new["Tags"]}] if new.get("Tags") else []
        answer = self.client.create_flow_logs(
            ResourceIds=[new["ResourceId"]],
            **only(new, *(self.properties - {"ResourceId", "Tags"})),
            **({"TagSpecifications": tags} if tags else {}),
        )
        if answer.get("Unsuccessful"):
            raise Refused(answer["Unsuccessful"])
        return answer["FlowLogIds"][0]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if keys := tags_gone(old, new):
            self.client.delete_tags(Resources=[physical], Tags=[{"Key": key} for key in keys])
        if new.get("Tags"):
            self.client.create_tags(Resources=[physical], Tags=new["Tags"])

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_flow_logs(FlowLogIds=[physical])

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Id": physical}


class ResolverQueryLoggingConfig(ResourceType):
    kind = "AWS::Route53Resolver::ResolverQueryLoggingConfig"
    service = "route53resolver"
    name_property = "Name"
    longest_name = 64
    properties = {"DestinationArn", "Name", "Tags"}

    def make(self, new: dict[str, Any]) -> str:
        request = hashlib.sha256(f"{self.account} {new}".encode()).hexdigest()
        return self.client.create_resolver_query_log_config(CreatorRequestId=request, **new)[
            "ResolverQueryLogConfig"
        ]["Id"]

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_resolver_query_log_config(ResolverQueryLogConfigId=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.get_resolver_query_log_config(ResolverQueryLogConfigId=physical)
        return answer["ResolverQueryLogConfig"]


class ResolverQueryLoggingConfigAssociation(ResourceType):
    kind = "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
    service = "route53resolver"
    properties = {"ResolverQueryLogConfigId", "ResourceId"}

    def make(self, new: dict[str, Any]) -> str:
        answer = self.client.associate_resolver_query_log_config(**new)
        return answer["ResolverQueryLogConfigAssociation"]["Id"]

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.disassociate_resolver_query_log_config(**properties)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Id": physical}
