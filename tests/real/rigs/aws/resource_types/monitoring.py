"""CloudWatch's alarms and dashboards, and CloudTrail."""

from typing import Any

from resource_types.base import PutType, ResourceType, only, tags_gone

_TRAIL = (
    "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "EnableLogFileValidation",
    "IncludeGlobalServiceEvents", "IsMultiRegionTrail", "IsOrganizationTrail", "S3BucketName",
    "S3KeyPrefix", "SnsTopicName",
)


class Alarm(PutType):
    kind = "AWS::CloudWatch::Alarm"
    service = "cloudwatch"
    name_property = "AlarmName"
    properties = {
        "ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "ComparisonOperator",
        "DatapointsToAlarm", "Dimensions", "EvaluateLowSampleCountPercentile", "EvaluationPeriods",
        "ExtendedStatistic", "InsufficientDataActions", "MetricName", "Metrics", "Namespace",
        "OKActions", "Period", "Statistic", "Tags", "Threshold", "TreatMissingData", "Unit",
    }

    def put(self, new: dict[str, Any]) -> None:
        self.client.put_metric_alarm(**new)

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        arn = self.attributes(physical, new)["Arn"]
        if keys := tags_gone(old, new):
            self.client.untag_resource(ResourceARN=arn, TagKeys=keys)
        if new.get("Tags"):
            self.client.tag_resource(ResourceARN=arn, Tags=new["Tags"])

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.put(new)
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_alarms(AlarmNames=[physical])

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"alarm:{physical}")}


class Dashboard(PutType):
    kind = "AWS::CloudWatch::Dashboard"
    service = "cloudwatch"
    name_property = "DashboardName"
    properties = {"DashboardBody", "DashboardName"}

    def put(self, new: dict[str, Any]) -> None:
        self.client.put_dashboard(**new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_dashboards(DashboardNames=[physical])


class Trail(ResourceType):
    kind = "AWS::CloudTrail::Trail"
    service = "cloudtrail"
    name_property = "TrailName"
    longest_name = 128
    properties = set(_TRAIL) | {
        "AdvancedEventSelectors", "EventSelectors", "IsLogging", "KMSKeyId", "Tags", "TrailName"
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_trail(
            Name=new["TrailName"],
            TagsList=new.get("Tags", []),
            **only(new, *_TRAIL, KMSKeyId="KmsKeyId"),
        )
        return new["TrailName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        trail = {"TrailName": physical}
        if "AdvancedEventSelectors" in new:
            self.client.put_event_selectors(
                **trail, AdvancedEventSelectors=new["AdvancedEventSelectors"]
            )
        elif "EventSelectors" in new or {"EventSelectors", "AdvancedEventSelectors"} & set(old):
            usual = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
            self.client.put_event_selectors(
                **trail, EventSelectors=new.get("EventSelectors", usual)
            )
        if new["IsLogging"]:
            self.client.start_logging(Name=physical)
        elif old.get("IsLogging"):
            self.client.stop_logging(Name=physical)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_trail(Name=physical, **only(new, *_TRAIL, KMSKeyId="KmsKeyId"))
        arn = self.attributes(physical, new)["Arn"]
        if keys := tags_gone(old, new):
            gone = [tag for tag in old["Tags"] if tag["Key"] in keys]
            self.client.remove_tags(ResourceId=arn, TagsList=gone)
        if new.get("Tags"):
            self.client.add_tags(ResourceId=arn, TagsList=new["Tags"])
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_trail(Name=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"trail/{physical}")}
