"""EventBridge: rules and schedules."""

from typing import Any

from resource_types.base import Refused, ResourceType, document, only, tags_gone


class Rule(ResourceType):
    kind = "AWS::Events::Rule"
    service = "events"
    name_property = "Name"
    longest_name = 64
    properties = {
        "Description", "EventBusName", "EventPattern", "Name", "RoleArn", "ScheduleExpression",
        "State", "Tags", "Targets",
    }

    def make(self, new: dict[str, Any]) -> str:
        self._put(new)
        bus = new.get("EventBusName", "default")
        return new["Name"] if bus == "default" else f"{bus}|{new['Name']}"

    def _put(self, new: dict[str, Any]) -> None:
        pattern = {"EventPattern": document(new["EventPattern"])} if "EventPattern" in new else {}
        # PutRule nulls what it isn't given, as an update has to.
        self.client.put_rule(
            **only(
                new, "Description", "EventBusName", "Name", "RoleArn", "ScheduleExpression", "State"
            ),
            **pattern,
        )

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        rule = {"Rule": new["Name"], **only(new, "EventBusName")}
        before = {target["Id"] for target in old.get("Targets", [])}
        targets = new.get("Targets", [])
        if gone := sorted(before - {target["Id"] for target in targets}):
            self.client.remove_targets(**rule, Ids=gone)
        if targets:
            answer = self.client.put_targets(**rule, Targets=targets)
            if answer["FailedEntryCount"]:
                raise Refused(answer["FailedEntries"])
        arn = self.client.describe_rule(Name=new["Name"], **only(new, "EventBusName"))["Arn"]
        if keys := tags_gone(old, new):
            self.client.untag_resource(ResourceARN=arn, TagKeys=keys)
        if new.get("Tags"):
            self.client.tag_resource(ResourceARN=arn, Tags=new["Tags"])

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._put(new)
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        bus = only(properties, "EventBusName")
        targets = self.client.list_targets_by_rule(Rule=properties["Name"], **bus)["Targets"]
        if targets:
            ids = [target["Id"] for target in targets]
            self.client.remove_targets(Rule=properties["Name"], Ids=ids, **bus)
        self.client.delete_rule(Name=properties["Name"], **bus)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        rule = self.client.describe_rule(Name=properties["Name"], **only(properties, "EventBusName"))
        return {"Arn": rule["Arn"]}


class Schedule(ResourceType):
    kind = "AWS::Scheduler::Schedule"
    service = "scheduler"
    name_property = "Name"
    longest_name = 64
    properties = {
        "Description", "EndDate", "FlexibleTimeWindow", "GroupName", "KmsKeyArn", "Name",
        "ScheduleExpression", "ScheduleExpressionTimezone", "StartDate", "State", "Target",
    }

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_schedule(**new)
        return new["Name"]

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.client.update_schedule(**new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_schedule(Name=physical, **only(properties, "GroupName"))

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        group = properties.get("GroupName", "default")
        return {"Arn": self.arn(f"schedule/{group}/{physical}")}


class ScheduleGroup(ResourceType):
    kind = "AWS::Scheduler::ScheduleGroup"
    service = "scheduler"
    name_property = "Name"
    longest_name = 64
    properties = {"Name", "Tags"}

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_schedule_group(**new)
        return new["Name"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        arn = self.arn(f"schedule-group/{physical}")
        if keys := tags_gone(old, new):
            self.client.untag_resource(ResourceArn=arn, TagKeys=keys)
        if new.get("Tags"):
            self.client.tag_resource(ResourceArn=arn, Tags=new["Tags"])

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_schedule_group(Name=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"schedule-group/{physical}")}
