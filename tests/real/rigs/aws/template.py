"""Templates: parameters, conditions, functions and the order of resources.

Whatever isn't known here fails; nothing is passed on as it stands.
"""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}
RESOURCE_KEYS = {
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
}
# AWS's limits of a template:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MOST_RESOURCES, MOST_PARAMETERS, MOST_OUTPUTS = 500, 200, 200
NO_VALUE = object()
_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateError(Exception):
    """Why a template, or a resource of it, is refused."""


def check(template: dict[str, Any]) -> None:
    """Refuses what CloudFormation refuses before it makes anything."""
    unknown = set(template) - SECTIONS
    if unknown:
        raise TemplateError(f"Invalid template property or properties {sorted(unknown)}")
    if not template.get("Resources"):
        raise TemplateError("At least one Resources member must be defined.")
    for section, most in (
        ("Resources", MOST_RESOURCES),
        ("Parameters", MOST_PARAMETERS),
        ("Outputs", MOST_OUTPUTS),
    ):
        if len(template.get(section, {})) > most:
            raise TemplateError(f"more than {most} {section}")
    for name, resource in template["Resources"].items():
        unknown = set(resource) - RESOURCE_KEYS
        if unknown:
            raise TemplateError(f"{name}: the rig doesn't know {sorted(unknown)}")
        for key in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(key, "Delete") not in ("Delete", "Retain", "RetainExceptOnCreate"):
                raise TemplateError(f"{name}: the rig doesn't know {key} {resource[key]}")
        if resource.get("UpdateReplacePolicy") == "RetainExceptOnCreate":
            raise TemplateError(f"{name}: UpdateReplacePolicy is Delete, Retain or Snapshot")
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
            raise TemplateError(f"Resource name {name} is non alphanumeric.")


def order(template: dict[str, Any]) -> list[str]:
    """The logical names of the resources, each after those that it needs."""
    resources = template["Resources"]
    done: list[str] = []
    open_: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        if name in open_:
            raise TemplateError(f"Circular dependency between resources: {[*open_, name]}")
        open_.append(name)
        for needed in sorted(_needs(resources[name], set(resources))):
            visit(needed)
        open_.pop()
        done.append(name)

    for name in resources:
        visit(name)
    return done


def _needs(resource: dict[str, Any], resources: set[str]) -> set[str]:
    depends = resource.get("DependsOn", [])
    named = {depends} if isinstance(depends, str) else set(depends)
    if named - resources:
        raise TemplateError(f"Unresolved resource dependencies {sorted(named - resources)}")
    return named | (set(_references(resource.get("Properties", {}))) & resources)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref":
                yield item
            elif key == "Fn::GetAtt":
                yield item.split(".")[0] if isinstance(item, str) else item[0]
            elif key == "Fn::Sub":
                text, own = item if isinstance(item, list) else (item, {})
                yield from _references(own)
                for literal, name in _PLACE.findall(text):
                    if not literal and name.split(".")[0] not in own:
                        yield name.split(".")[0]
            else:
                yield from _references(item)


class Evaluation:
    """Evaluates the functions of a template while its resources come to be."""

    def __init__(
        self,
        template: dict[str, Any],
        given: dict[str, str],
        pseudo: dict[str, str],
        reference: Callable[[str], Any],
        attribute: Callable[[str, str], Any],
        imported: Callable[[str], str],
    ):
        self._template = template
        self._pseudo = pseudo
        self._reference = reference
        self._attribute = attribute
        self._imported = imported
        self._conditions: dict[str, bool] = {}
        self.parameters = _parameters(template.get("Parameters", {}), given)

    def holds(self, name: str) -> bool:
        """Whether a condition holds."""
        if name not in self._conditions:
            conditions = self._template.get("Conditions", {})
            if name not in conditions:
                raise TemplateError(f"Unresolved condition dependency {name}")
            self._conditions[name] = self._condition(conditions[name])
        return self._conditions[name]

    def _condition(self, condition: dict[str, Any]) -> bool:
        ((function, value),) = condition.items()
        match function:
            case "Condition":
                return self.holds(value)
            case "Fn::Equals":
                left, right = (str(self.value(item)) for item in value)
                return left == right
            case "Fn::Not":
                return not self._condition(value[0])
            case "Fn::And":
                return all([self._condition(item) for item in value])
            case "Fn::Or":
                return any([self._condition(item) for item in value])
        raise TemplateError(f"the rig doesn't know the condition {function}")

    def value(self, value: Any) -> Any:
        """A value of the template with its functions evaluated."""
        if isinstance(value, str):
            if "{{resolve:" in value:
                raise TemplateError("the rig doesn't know dynamic references")
            return value
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            if value is None:
                raise TemplateError("'null' values are not allowed in templates")
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._function(function, argument)
        pairs = ((key, self.value(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not NO_VALUE}

    def _function(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(argument)
            case "Fn::GetAtt":
                name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(name, attribute)
            case "Fn::Sub":
                text, own = argument if isinstance(argument, list) else (argument, {})
                return self._substitute(text, own)
            case "Fn::Join":
                return argument[0].join(_text(item) for item in self.value(argument[1]))
            case "Fn::ImportValue":
                return self._imported(self.value(argument))
            case "Fn::If":
                return self.value(argument[1] if self.holds(argument[0]) else argument[2])
            case "Fn::Select":
                return self.value(argument[1])[int(self.value(argument[0]))]
            case "Fn::Split":
                return self.value(argument[1]).split(argument[0])
            case "Fn::Base64":
                return base64.b64encode(self.value(argument).encode()).decode()
            case "Fn::FindInMap":
                found = self._template["Mappings"]
                for key in argument:
                    found = found[self.value(key)]
                return found
        raise TemplateError(f"the rig doesn't know the function {function}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._reference(name)

    def _substitute(self, text: str, own: dict[str, Any]) -> str:
        def place(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return "${" + name + "}"
            if name in own:
                return _text(self.value(own[name]))
            if "." in name:
                return _text(self._attribute(*name.split(".", 1)))
            return _text(self._ref(name))

        return _PLACE.sub(place, text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise TemplateError(f"{value!r} is no text")
    return str(value)


def _parameters(declared: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    unknown = set(given) - set(declared)
    if unknown:
        raise TemplateError(f"Parameters: {sorted(unknown)} do not exist in the template")
    values = {}
    for name, parameter in declared.items():
        if name not in given and "Default" not in parameter:
            raise TemplateError(f"Parameters: [{name}] must have values")
        value = str(given.get(name, parameter.get("Default")))
        allowed = [str(item) for item in parameter.get("AllowedValues", [])]
        if allowed and value not in allowed:
            raise TemplateError(f"Parameter {name} must be one of {allowed}")
        if not re.fullmatch(parameter.get("AllowedPattern", "(?s:.*)"), value):
            raise TemplateError(f"Parameter {name} fails to satisfy its AllowedPattern")
        values[name] = _typed(parameter["Type"], value)
    return values


def _typed(kind: str, value: str) -> Any:
    if kind == "String":
        return value
    if kind == "Number":
        return float(value) if "." in value else int(value)
    if kind in ("CommaDelimitedList", "List<String>"):
        return [item.strip() for item in value.split(",")] if value else []
    raise TemplateError(f"the rig doesn't know parameters of type {kind}")
