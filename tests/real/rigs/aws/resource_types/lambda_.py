"""Lambda: functions, who may call them, and what becomes of calls that failed."""

import hashlib
from typing import Any

from resource_types.base import PutType, Refused, ResourceType, only, tag_map, tags_gone

_CONFIGURATION = (
    "DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "FunctionName", "Handler",
    "KMSKeyArn", "Layers", "LoggingConfig", "MemorySize", "Role", "Runtime", "Timeout",
    "TracingConfig",
)


class Function(ResourceType):
    kind = "AWS::Lambda::Function"
    service = "lambda"
    name_property = "FunctionName"
    longest_name = 64
    properties = (set(_CONFIGURATION) - {"KMSKeyArn"}) | {
        "Architectures", "Code", "PackageType", "ReservedConcurrentExecutions", "Tags"
    }

    def _code(self, new: dict[str, Any]) -> dict[str, Any]:
        code = new["Code"]
        if set(code) - {"S3Bucket", "S3Key", "S3ObjectVersion"}:
            raise Refused("the rig knows functions whose code is in a bucket")
        return code

    def make(self, new: dict[str, Any]) -> str:
        self.client.create_function(
            **only(new, *_CONFIGURATION, "Architectures", "PackageType"),
            Code=self._code(new),
            Tags=tag_map(new),
        )
        return new["FunctionName"]

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        key = "ReservedConcurrentExecutions"
        if key in new:
            self.client.put_function_concurrency(FunctionName=physical, **{key: new[key]})
        elif key in old:
            self.client.delete_function_concurrency(FunctionName=physical)

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        if old["Code"] != new["Code"] or old.get("Architectures") != new.get("Architectures"):
            self.client.update_function_code(
                FunctionName=physical, **self._code(new), **only(new, "Architectures")
            )
        gone = {"Environment", "DeadLetterConfig", "Description"} & (set(old) - set(new))
        empty = {"Environment": {"Variables": {}}, "DeadLetterConfig": {}, "Description": ""}
        other = set(old) - set(new) - gone - {"Tags", "ReservedConcurrentExecutions"}
        if other:
            raise Refused(f"the rig doesn't know the defaults of {sorted(other)}")
        self.client.update_function_configuration(
            **only(new, *_CONFIGURATION), **{name: empty[name] for name in gone}
        )
        arn = self.arn(f"function:{physical}")
        if keys := tags_gone(old, new):
            self.client.untag_resource(Resource=arn, TagKeys=keys)
        if new.get("Tags"):
            self.client.tag_resource(Resource=arn, Tags=tag_map(new))
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_function(FunctionName=physical)

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Arn": self.arn(f"function:{physical}")}


class Permission(ResourceType):
    kind = "AWS::Lambda::Permission"
    service = "lambda"
    # Every one is a statement of its own: all of its properties are for creation only.
    properties = {"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"}

    def make(self, new: dict[str, Any]) -> str:
        text = repr(sorted(new.items())).encode()
        statement = f"statement-{hashlib.sha256(text).hexdigest()[:16]}"
        self.client.add_permission(StatementId=statement, **new)
        return statement

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.remove_permission(
            FunctionName=properties["FunctionName"], StatementId=physical
        )

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {"Id": physical}


class EventInvokeConfig(PutType):
    kind = "AWS::Lambda::EventInvokeConfig"
    service = "lambda"
    properties = {
        "DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts",
        "Qualifier",
    }

    def put(self, new: dict[str, Any]) -> None:
        if new["Qualifier"] != "$LATEST":
            raise Refused("the rig knows the qualifier $LATEST")
        self.client.put_function_event_invoke_config(
            **only(
                new, "DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds",
                "MaximumRetryAttempts",
            )
        )

    def make(self, new: dict[str, Any]) -> str:
        self.put(new)
        return f"{new['FunctionName']}|{new['Qualifier']}"

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        self.client.delete_function_event_invoke_config(FunctionName=properties["FunctionName"])
