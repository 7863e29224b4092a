"""S3 buckets, SQS queues and Firehose streams: where records come to rest."""

from typing import Any

from resource_types.base import PutType, Refused, ResourceType, document, only, tag_map, tags_gone


class Bucket(ResourceType):
    kind = "AWS::S3::Bucket"
    service = "s3"
    is_global = True
    name_property = "BucketName"
    longest_name = 63
    properties = {
        "BucketEncryption", "BucketName", "LifecycleConfiguration", "NotificationConfiguration",
        "OwnershipControls", "PublicAccessBlockConfiguration", "Tags", "VersioningConfiguration",
    }

    def make(self, new: dict[str, Any]) -> str:
        place = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        options = {"CreateBucketConfiguration": place} if place else {}
        self.client.create_bucket(Bucket=new["BucketName"], **options)
        return new["BucketName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        bucket = {"Bucket": physical}
        # New buckets are encrypted, and closed to the public, without being told.
        if encryption := new.get("BucketEncryption"):
            rules = [
                {
                    ("ApplyServerSideEncryptionByDefault" if key == "ServerSideEncryptionByDefault" else key): value
                    for key, value in rule.items()
                }
                for rule in encryption["ServerSideEncryptionConfiguration"]
            ]
            self.client.put_bucket_encryption(
                **bucket, ServerSideEncryptionConfiguration={"Rules": rules}
            )
        if "PublicAccessBlockConfiguration" in new:
            self.client.put_public_access_block(
                **bucket,
                PublicAccessBlockConfiguration=new["PublicAccessBlockConfiguration"],
            )
        if "OwnershipControls" in new:
            self.client.put_bucket_ownership_controls(
                **bucket, OwnershipControls=new["OwnershipControls"]
            )
        if "VersioningConfiguration" in new:
            self.client.put_bucket_versioning(
                **bucket, VersioningConfiguration=new["VersioningConfiguration"]
            )
        if "LifecycleConfiguration" in new:
            rules = [_lifecycle(rule) for rule in new["LifecycleConfiguration"]["Rules"]]
            self.client.put_bucket_lifecycle_configuration(
                **bucket, LifecycleConfiguration={"Rules": rules}
            )
        elif "LifecycleConfiguration" in old:
            self.client.delete_bucket_lifecycle(**bucket)
        if "NotificationConfiguration" in new or "NotificationConfiguration" in old:
            self.client.put_bucket_notification_configuration(
                **bucket,
                NotificationConfiguration=_notification(new.get("NotificationConfiguration", {})),
            )
        if new.get("Tags"):
            self.client.put_bucket_tagging(**bucket, Tagging={"TagSet": new["Tags"]})
        elif old.get("Tags"):
            self.client.delete_bucket_tagging(**bucket)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_bucket(Bucket=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "Arn": f"arn:{self.partition}:s3:::{physical}",
            "DomainName": f"{physical}.s3.amazonaws.com",
            "RegionalDomainName": f"{physical}.s3.{self.region}.amazonaws.com",
        }


def _lifecycle(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as the API takes it, from CloudFormation's flat form."""
    known = {
        "AbortIncompleteMultipartUpload", "ExpirationInDays", "ExpiredObjectDeleteMarker", "Id",
        "NoncurrentVersionExpiration", "Prefix", "Status", "Transitions",
    }
    if set(rule) - known:
        raise Refused(f"the rig doesn't know {sorted(set(rule) - known)} of a lifecycle rule")
    expiration = only(
        rule, ExpirationInDays="Days", ExpiredObjectDeleteMarker="ExpiredObjectDeleteMarker"
    )
    made = only(rule, "AbortIncompleteMultipartUpload", "Status", Id="ID")
    made["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if expiration:
        made["Expiration"] = expiration
    if "NoncurrentVersionExpiration" in rule:
        made["NoncurrentVersionExpiration"] = rule["NoncurrentVersionExpiration"]
    if "Transitions" in rule:
        made["Transitions"] = [
            only(one, "StorageClass", TransitionInDays="Days") for one in rule["Transitions"]
        ]
    return made


def _notification(configuration: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    lists = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    for key, value in configuration.items():
        if key == "EventBridgeConfiguration":
            if value.get("EventBridgeEnabled", True):
                made[key] = {}
            continue
        name, target, arn = lists[key]
        made[name] = [
            {
                arn: one[target],
                "Events": [one["Event"]],
                **({"Filter": {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}}} if "Filter" in one else {}),
            }
            for one in value
        ]
    return made


class BucketPolicy(PutType):
    kind = "AWS::S3::BucketPolicy"
    service = "s3"
    is_global = True
    properties = {"Bucket", "PolicyDocument"}

    def put(self, new: dict[str, Any]) -> None:
        self.client.put_bucket_policy(
            Bucket=new["Bucket"], Policy=document(new["PolicyDocument"])
        )

    def make(self, new: dict[str, Any]) -> str:
        self.put(new)
        return new["Bucket"]

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_bucket_policy(Bucket=physical)


class Queue(ResourceType):
    kind = "AWS::SQS::Queue"
    service = "sqs"
    name_property = "QueueName"
    longest_name = 80
    attributes_of_api = {
        "DelaySeconds", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize",
        "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy",
        "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout",
    }
    properties = attributes_of_api | {"QueueName", "Tags"}

    def _texts(self, properties: dict[str, Any]) -> dict[str, str]:
        texts = {}
        for name in sorted(self.attributes_of_api & set(properties)):
            value = properties[name]
            if isinstance(value, bool):
                value = "true" if value else "false"
            texts[name] = str(value) if isinstance(value, int) else document(value)
        return texts

    def make(self, new: dict[str, Any]) -> str:
        options = {"tags": tag_map(new)} if new.get("Tags") else {}
        return self.client.create_queue(
            QueueName=new["QueueName"], Attributes=self._texts(new), **options
        )["QueueUrl"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        before, after = self._texts(old), self._texts(new)
        gone = set(before) - set(after)
        if gone - {"RedrivePolicy", "KmsMasterKeyId"}:
            raise Refused(f"the rig doesn't know the defaults of {sorted(gone)}")
        self.client.set_queue_attributes(
            QueueUrl=physical, Attributes=after | dict.fromkeys(gone, "")
        )
        if keys := tags_gone(old, new):
            self.client.untag_queue(QueueUrl=physical, TagKeys=keys)
        if new.get("Tags"):
            self.client.tag_queue(QueueUrl=physical, Tags=tag_map(new))

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_queue(QueueUrl=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "Arn": self.arn(properties["QueueName"]),
            "QueueName": properties["QueueName"],
            "QueueUrl": physical,
        }


class QueuePolicy(ResourceType):
    kind = "AWS::SQS::QueuePolicy"
    service = "sqs"
    properties = {"PolicyDocument", "Queues"}

    def _set(self, queues: list[str], policy: str) -> None:
        for queue in queues:
            self.client.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})

    def make(self, new: dict[str, Any]) -> str:
        self._set(new["Queues"], document(new["PolicyDocument"]))
        return " ".join(new["Queues"])

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._set(sorted(set(old["Queues"]) - set(new["Queues"])), "")
        self._set(new["Queues"], document(new["PolicyDocument"]))

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self._set(properties["Queues"], "")


class DeliveryStream(ResourceType):
    kind = "AWS::KinesisFirehose::DeliveryStream"
    service = "firehose"
    name_property = "DeliveryStreamName"
    longest_name = 64
    properties = {
        "DeliveryStreamName", "DeliveryStreamType", "ExtendedS3DestinationConfiguration",
        "DeliveryStreamEncryptionConfigurationInput", "Tags",
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_delivery_stream(**new)
        return new["DeliveryStreamName"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        encryption = "DeliveryStreamEncryptionConfigurationInput"
        if old.get(encryption) != new.get(encryption):
            raise Refused("the rig can't change the encryption of a delivery stream")
        key = "ExtendedS3DestinationConfiguration"
        if old.get(key) != new.get(key):
            stream = self._describe(physical)
            self.client.update_destination(
                DeliveryStreamName=physical,
                CurrentDeliveryStreamVersionId=stream["VersionId"],
                DestinationId=stream["Destinations"][0]["DestinationId"],
                ExtendedS3DestinationUpdate=new[key],
            )
        if gone := tags_gone(old, new):
            self.client.untag_delivery_stream(DeliveryStreamName=physical, TagKeys=gone)
        if new.get("Tags"):
            self.client.tag_delivery_stream(DeliveryStreamName=physical, Tags=new["Tags"])

    def _describe(self, physical: str) -> dict[str, Any]:
        answer = self.client.describe_delivery_stream(DeliveryStreamName=physical)
        return answer["DeliveryStreamDescription"]

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_delivery_stream(DeliveryStreamName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self._describe(physical)["DeliveryStreamARN"]}
