"""What all resource types have in common."""

import json
from typing import Any

import api

_types: dict[str, type["ResourceType"]] = {}


class Refused(Exception):
    """Why a type refuses its properties where no service says so."""


class ResourceType:
    """A type of resource.

    A resource is made by one request, `make`, and `settle` does what takes
    more; so what failed half-way can always be deleted.
    """

    kind: str
    service: str
    # Those that are really brought to the service; any other fails.
    properties: set[str] = set()
    # The property that names the resource, and is made up where it's absent.
    name_property: str | None = None
    longest_name = 255
    is_global = False

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            _types[cls.kind] = cls

    def __init__(self, account: str, region: str):
        self.account = account
        self.region = region
        self.partition = "aws-cn" if region.startswith("cn-") else "aws"

    @property
    def client(self) -> Any:
        return api.client(self.service, self.region)

    def scope(self) -> tuple[str, ...]:
        """Within what an identity names one resource only."""
        return (self.account,) if self.is_global else (self.account, self.region)

    def arn(self, resource: str, service: str | None = None) -> str:
        service = service or self.service
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def make(self, new: dict[str, Any]) -> str:
        """Makes a resource and gives back its physical id, the value of `Ref`."""
        raise NotImplementedError

    def settle(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Sets what `make` can't."""

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Changes a resource in place."""
        self.settle(physical, old, new)

    def delete(self, physical: str, properties: dict[str, Any]) -> None:
        """Deletes a resource."""
        raise NotImplementedError

    def attributes(self, physical: str, properties: dict[str, Any]) -> dict[str, Any]:
        """The values of `Fn::GetAtt`."""
        return {}


class PutType(ResourceType):
    """A type whose only request sets everything, whether the resource is there or not."""

    def put(self, new: dict[str, Any]) -> None:
        raise NotImplementedError

    def make(self, new: dict[str, Any]) -> str:
        self.put(new)
        return new[self.name_property] if self.name_property else ""

    def change(self, physical: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.put(new)


def of(kind: str) -> type[ResourceType] | None:
    """A resource type by its name."""
    return _types.get(kind)


def lower(value: Any) -> Any:
    """Keys as the newer services write them: `logGroupName`."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower(item) for key, item in value.items()}
    if isinstance(value, list):
        return [lower(item) for item in value]
    return value


def only(properties: dict[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    """The properties of these names that are there, the latter under another name."""
    chosen = {name: properties[name] for name in names if name in properties}
    return chosen | {to: properties[name] for name, to in renamed.items() if name in properties}


def document(value: Any) -> str:
    """A policy or another document as text."""
    return value if isinstance(value, str) else json.dumps(value)


def tag_map(properties: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def tags_gone(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(set(tag_map(old)) - set(tag_map(new)))
