"""How resource types take tags, as AWS's schemas say: one type a line in, one JSON list out."""

import json
import sys
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER


def how(schema: dict[str, Any]) -> str:
    """The form of the tags: `List`, `Map`, `None`, or `Replaced` if another tag makes a new resource."""
    tagging = schema.get("tagging") or {}
    if not tagging.get("taggable"):
        return "None"
    pointer = tagging.get("tagProperty", "/properties/Tags")
    if pointer != "/properties/Tags":
        return pointer
    if not tagging.get("tagUpdatable") or pointer in schema.get("createOnlyProperties", []):
        return "Replaced"
    tags = _resolved(schema, schema["properties"]["Tags"])
    if tags["type"] == "object":
        return "Map"
    item = _resolved(schema, tags["items"])
    return "List" if set(item["properties"]) == {"Key", "Value"} else f"a list of {sorted(item)}"


def _resolved(schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in value:
        return schema["definitions"][value["$ref"].rsplit("/", 1)[-1]]
    return value


kinds = sys.stdin.read().split()
schemas = [PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema for kind in kinds]
print(json.dumps([how(schema) for schema in schemas]))
