"""AWS's schemas of the resource types, as cfn-lint carries them."""

from functools import lru_cache
from typing import Any

import regex
from cfnlint.schema import ResourceNotFoundError
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Any:
    if isinstance(value, str) and not regex.search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


# AWS's patterns are not all of Python's kind.
_Validator = extend(Draft7Validator, {"pattern": _pattern})


class ResourceSchema:
    """What AWS tells about a resource type."""

    def __init__(self, schema: dict[str, Any]):
        self._validator = _Validator(schema)
        self.properties = set(schema["properties"])
        self.read_only = _top_level(schema.get("readOnlyProperties"))
        self.create_only = _paths(schema.get("createOnlyProperties"))
        self.identifier = _top_level(schema.get("primaryIdentifier"))

    def faults(self, properties: dict[str, Any]) -> list[str]:
        """What is wrong with the values of properties, after every function was evaluated."""
        faults = [
            f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:400]}"
            for error in self._validator.iter_errors(properties)
        ]
        faults += [f"/{name}: read only" for name in sorted(self.read_only & set(properties))]
        return sorted(faults)

    def replaced_by(self, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        """The changed properties that no resource of this type can change in its life."""
        return [
            "/".join(path) for path in self.create_only if _at(old, path) != _at(new, path)
        ]


@lru_cache(maxsize=None)
def of(kind: str) -> ResourceSchema | None:
    """The schema of a resource type; none where AWS has no such type."""
    try:
        return ResourceSchema(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema)
    except ResourceNotFoundError:
        return None


def _paths(pointers: list[str] | None) -> list[tuple[str, ...]]:
    return [tuple(pointer.split("/")[2:]) for pointer in pointers or []]


def _top_level(pointers: list[str] | None) -> set[str]:
    return {path[0] for path in _paths(pointers)}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
