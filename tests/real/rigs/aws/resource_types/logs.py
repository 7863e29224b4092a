"""CloudWatch Logs."""

from typing import Any

from resource_types.base import PutType, Refused, ResourceType, document, lower, only, tag_map, tags_gone


class _Logs(ResourceType):
    service = "logs"

    def retag(self, arn: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if gone := tags_gone(old, new):
            self.client.untag_resource(resourceArn=arn, tagKeys=gone)
        if tags := tag_map(new):
            self.client.tag_resource(resourceArn=arn, tags=tags)


class LogGroup(_Logs):
    kind = "AWS::Logs::LogGroup"
    name_property = "LogGroupName"
    longest_name = 512
    properties = {
        "KmsKeyId", "LogGroupClass", "LogGroupName", "ResourcePolicyDocument", "RetentionInDays",
        "Tags",
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_log_group(
            **only(new, LogGroupName="logGroupName", KmsKeyId="kmsKeyId", LogGroupClass="logGroupClass")
        )
        return new["LogGroupName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if old.get("KmsKeyId") != new.get("KmsKeyId") and old:
            raise Refused("the rig can't change the key of a log group")
        if "RetentionInDays" in new:
            self.client.put_retention_policy(
                logGroupName=physical, retentionInDays=new["RetentionInDays"]
            )
        elif "RetentionInDays" in old:
            self.client.delete_retention_policy(logGroupName=physical)
        arn = self.arn(f"log-group:{physical}")
        self.retag(arn, old, new)
        self._set_policy(arn, new.get("ResourcePolicyDocument"))

    def _set_policy(self, arn: str, policy: Any) -> None:
        present = self.client.describe_resource_policies(resourceArn=arn)["resourcePolicies"]
        revision = {"expectedRevisionId": one["revisionId"] for one in present}
        if policy is not None:
            if len(document(policy).encode()) > 51_200:
                raise Refused("a log group's policy has at most 51200 bytes")
            self.client.put_resource_policy(
                resourceArn=arn, policyDocument=document(policy), **revision
            )
        elif present:
            self.client.delete_resource_policy(resourceArn=arn, **revision)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_log_group(logGroupName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"log-group:{physical}:*")}


class LogStream(ResourceType):
    kind = "AWS::Logs::LogStream"
    service = "logs"
    name_property = "LogStreamName"
    longest_name = 512
    properties = {"LogGroupName", "LogStreamName"}

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_log_stream(**lower(new))
        return new["LogStreamName"]

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_log_stream(**lower(properties))


class SubscriptionFilter(PutType):
    kind = "AWS::Logs::SubscriptionFilter"
    service = "logs"
    name_property = "FilterName"
    longest_name = 512
    properties = {
        "DestinationArn", "Distribution", "FilterName", "FilterPattern", "LogGroupName", "RoleArn"
    }

    def put(self, new: dict[str, Any]) -> None:
        self.client.put_subscription_filter(**lower(new))

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_subscription_filter(
            logGroupName=properties["LogGroupName"], filterName=physical
        )


class MetricFilter(PutType):
    kind = "AWS::Logs::MetricFilter"
    service = "logs"
    name_property = "FilterName"
    longest_name = 512
    properties = {"FilterName", "FilterPattern", "LogGroupName", "MetricTransformations"}

    def put(self, new: dict[str, Any]) -> None:
        request = lower(new)
        for transformation in request["metricTransformations"]:
            if "dimensions" in transformation:
                pairs = transformation["dimensions"]
                transformation["dimensions"] = {pair["key"]: pair["value"] for pair in pairs}
        self.client.put_metric_filter(**request)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_metric_filter(
            logGroupName=properties["LogGroupName"], filterName=physical
        )


class ResourcePolicy(PutType):
    kind = "AWS::Logs::ResourcePolicy"
    service = "logs"
    name_property = "PolicyName"
    properties = {"PolicyName", "PolicyDocument"}

    def put(self, new: dict[str, Any]) -> None:
        # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html
        if len(new["PolicyDocument"]) > 5_120:
            raise Refused("a policy document has at most 5120 characters")
        self.client.put_resource_policy(
            policyName=new["PolicyName"], policyDocument=new["PolicyDocument"]
        )

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_resource_policy(policyName=physical)


class Destination(_Logs):
    kind = "AWS::Logs::Destination"
    name_property = "DestinationName"
    longest_name = 512
    properties = {"DestinationName", "DestinationPolicy", "RoleArn", "TargetArn"}

    def make(self, new: dict[str, Any]) -> str:
        self._put(new)
        return new["DestinationName"]

    def _put(self, new: dict[str, Any]) -> None:
        self.client.put_destination(**lower(only(new, "DestinationName", "RoleArn", "TargetArn")))

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if "DestinationPolicy" in new:
            self.client.put_destination_policy(
                destinationName=physical, accessPolicy=new["DestinationPolicy"]
            )

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._put(new)
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_destination(destinationName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"destination:{physical}")}


class DeliverySource(_Logs):
    kind = "AWS::Logs::DeliverySource"
    name_property = "Name"
    longest_name = 60
    properties = {"Name", "LogType", "ResourceArn", "Tags"}

    def make(self, new: dict[str, Any]) -> str:
        self._put(new, tag_map(new))
        return new["Name"]

    def _put(self, new: dict[str, Any], tags: dict[str, str]) -> None:
        # Tags can be given when it is made only.
        options = {"tags": tags} if tags else {}
        request = lower(only(new, "Name", "LogType", "ResourceArn"))
        self.client.put_delivery_source(**request, **options)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._put(new, {})
        self.retag(self.arn(f"delivery-source:{physical}"), old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_delivery_source(name=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        source = self.client.get_delivery_source(name=physical)["deliverySource"]
        return {
            "Arn": source["arn"],
            "ResourceArns": source["resourceArns"],
            "Service": source["service"],
        }


class DeliveryDestination(_Logs):
    kind = "AWS::Logs::DeliveryDestination"
    name_property = "Name"
    longest_name = 60
    properties = {
        "DeliveryDestinationPolicy", "DeliveryDestinationType", "DestinationResourceArn", "Name",
        "OutputFormat", "Tags",
    }

    def make(self, new: dict[str, Any]) -> str:
        options = {"tags": tag_map(new)} if new.get("Tags") else {}
        self.client.put_delivery_destination(
            **only(
                new,
                DeliveryDestinationType="deliveryDestinationType",
                Name="name",
                OutputFormat="outputFormat",
            ),
            deliveryDestinationConfiguration={
                "destinationResourceArn": new["DestinationResourceArn"]
            },
            **options,
        )
        return new["Name"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        made = self.client.get_delivery_destination(name=physical)["deliveryDestination"]
        kind = made["deliveryDestinationType"]
        if new.get("DeliveryDestinationType", kind) != kind:
            raise Refused(f"the destination is of type {kind}")
        policy = new.get("DeliveryDestinationPolicy")
        if policy:
            self.client.put_delivery_destination_policy(
                deliveryDestinationName=physical,
                deliveryDestinationPolicy=document(policy["DeliveryDestinationPolicy"]),
            )
        elif old.get("DeliveryDestinationPolicy"):
            self.client.delete_delivery_destination_policy(deliveryDestinationName=physical)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        # All else is for creation only.
        self.settle(physical, old, new)
        self.retag(self.arn(f"delivery-destination:{physical}"), old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_delivery_destination(name=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"delivery-destination:{physical}")}


class Delivery(_Logs):
    kind = "AWS::Logs::Delivery"
    properties = {
        "DeliverySourceName", "DeliveryDestinationArn", "RecordFields", "FieldDelimiter",
        "S3SuffixPath", "S3EnableHiveCompatiblePath", "Tags",
    }

    def make(self, new: dict[str, Any]) -> str:
        return self.client.create_delivery(
            **lower(only(new, "DeliverySourceName", "DeliveryDestinationArn")),
            **self._options(new),
            **({"tags": tag_map(new)} if new.get("Tags") else {}),
        )["delivery"]["id"]

    def _options(self, new: dict[str, Any]) -> dict[str, Any]:
        options = lower(only(new, "RecordFields", "FieldDelimiter"))
        in_bucket = only(
            new, S3SuffixPath="suffixPath", S3EnableHiveCompatiblePath="enableHiveCompatiblePath"
        )
        return options | ({"s3DeliveryConfiguration": in_bucket} if in_bucket else {})

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_delivery_configuration(id=physical, **self._options(new))
        self.retag(self.arn(f"delivery:{physical}"), old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_delivery(id=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        delivery = self.client.get_delivery(id=physical)["delivery"]
        return {
            "Arn": delivery["arn"],
            "DeliveryId": physical,
            "DeliveryDestinationType": delivery["deliveryDestinationType"],
        }
