"""Stacks: what CloudFormation does with a template, in the place of moto's.

The API (change sets, stacks, events) stays moto's. A stack is made, changed
and deleted here, by AWS's rules: every value is checked against AWS's schema
of the resource type once its functions are evaluated, an unknown type or
property fails, a change that a resource can't take replaces it, and what
fails is rolled back.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import Output
from moto.core.utils import utcnow

import api
import resource_types
import schema
from template import Evaluation, TemplateError, check, order

# A larger one must come from a bucket.
LONGEST_TEMPLATE_BODY = 51_200
LONGEST_TEMPLATE = 1_000_000
FAILURES = (TemplateError, ClientError, BotoCoreError, resource_types.Refused)


# Which stack has a resource, by what no two resources may share; and how many were made.
_taken: dict[tuple[Any, ...], str] = {}
_numbers = itertools.count()
# What stacks of an account and Region offer to each other, and who uses what.
_exports: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}


@dataclass
class Deployed:
    """A resource of a stack that exists."""

    logical_resource_id: str
    cf_resource_type: str
    physical_resource_id: str
    properties: dict[str, Any]
    attributes: dict[str, Any]
    identity: tuple[Any, ...]
    retained: bool
    retained_when_replaced: bool
    generation: int
    # The how-manieth resource it is that the process made.
    number: int


@dataclass
class Resources:
    """The resources of one stack; moto's `ResourceMap` for whoever only reads it."""

    account: str
    region: str
    stack_id: str
    stack_name: str
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    importing: set[str] = field(default_factory=set)
    no_echo_parameter_keys: list[str] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    deployed: dict[str, Deployed] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    # The names under which outputs are exported.
    exported: dict[str, str] = field(default_factory=dict)
    tell: Callable[[str, str, str, str, str | None], None] = lambda *_: None

    def values(self) -> Iterable[Deployed]:
        return list(self.deployed.values())

    def build_change_set_actions(self, template: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What a change set lists: by the templates alone, as before its execution."""
        old, new = self.template.get("Resources", {}), template.get("Resources", {})
        changes: dict[str, dict[str, Any]] = {"Add": {}, "Modify": {}, "Remove": {}}
        for name in old.keys() | new.keys():
            if old.get(name) == new.get(name):
                continue
            action = "Add" if name not in old else "Modify" if name in new else "Remove"
            kind = new.get(name, old.get(name))["Type"]
            changes[action][name] = {"LogicalResourceId": name, "ResourceType": kind}
        return changes

    # --- Deploying ---------------------------------------------------------

    def deploy(self, template: dict[str, Any], parameters: dict[str, str]) -> None:
        """Makes the stack what a template says, or leaves it as it was and raises."""
        undo: list[Callable[[], None]] = []
        self.importing = set()
        outdated: list[Deployed] = []
        before = dict(self.deployed)
        try:
            check(template)
            evaluation = self._evaluation(template, parameters)
            for name in order(template):
                resource = template["Resources"][name]
                if "Condition" in resource and not evaluation.holds(resource["Condition"]):
                    continue
                self._bring_about(name, resource, evaluation, undo, outdated)
            outputs = self._outputs(template, evaluation)
            self._export(template, evaluation)
        except FAILURES:
            for step in reversed(undo):
                step()
            self.deployed = before
            raise
        present = {
            name
            for name, resource in template["Resources"].items()
            if "Condition" not in resource or evaluation.holds(resource["Condition"])
        }
        outdated += [self.deployed.pop(name) for name in set(before) - present]
        self.template = template
        self.resolved_parameters = evaluation.parameters
        self.outputs, self.imports = outputs, self.importing
        self._remove([old for old in outdated if not old.retained])

    def delete(self) -> None:
        """Deletes every resource that isn't retained."""
        self._offer({})
        self._remove([one for one in self.deployed.values() if not one.retained])
        self.deployed, self.imports = {}, set()

    def _evaluation(self, template: dict[str, Any], parameters: dict[str, str]) -> Evaluation:
        partition = "aws-cn" if self.region.startswith("cn-") else "aws"
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Partition": partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com" + (".cn" if partition == "aws-cn" else ""),
        }
        return Evaluation(template, parameters, pseudo, self._reference, self._attribute, self._import)

    def _existing(self, name: str) -> Deployed:
        if name not in self.deployed:
            raise TemplateError(f"Unresolved resource dependencies [{name}]")
        return self.deployed[name]

    def _reference(self, name: str) -> str:
        return self._existing(name).physical_resource_id

    def _attribute(self, name: str, attribute: str) -> Any:
        resource = self._existing(name)
        if attribute not in resource.attributes:
            raise TemplateError(
                f"{name}: {resource.cf_resource_type} has no attribute {attribute} in the rig"
            )
        return resource.attributes[attribute]

    def _import(self, name: str) -> str:
        offered = _exports.get((self.account, self.region), {})
        if name not in offered:
            raise TemplateError(f"No export named {name} found")
        self.importing.add(name)
        return offered[name][0]

    def _export(self, template: dict[str, Any], evaluation: Evaluation) -> None:
        self.exported = {
            name: evaluation.value(output["Export"]["Name"])
            for name, output in template.get("Outputs", {}).items()
            if "Export" in output
        }
        self._offer(
            {
                evaluation.value(output["Export"]["Name"]): str(evaluation.value(output["Value"]))
                for output in template.get("Outputs", {}).values()
                if "Export" in output
                and ("Condition" not in output or evaluation.holds(output["Condition"]))
            }
        )

    def _offer(self, exports: dict[str, str]) -> None:
        offered = _exports.setdefault((self.account, self.region), {})
        own = {name: value for name, (value, stack) in offered.items() if stack == self.stack_name}
        for name in exports.keys() - own.keys():
            if name in offered:
                raise TemplateError(f"Export with name {name} is already exported by another stack")
        for name, value in own.items():
            users = _users(self.account, self.region, name)
            if exports.get(name) != value and users:
                raise TemplateError(f"Cannot change or delete export {name}: in use by {users}")
        for name in own:
            del offered[name]
        offered.update({name: (value, self.stack_name) for name, value in exports.items()})

    def _outputs(self, template: dict[str, Any], evaluation: Evaluation) -> list[Output]:
        return [
            Output(name, str(evaluation.value(output["Value"])), output.get("Description", ""))
            for name, output in template.get("Outputs", {}).items()
            if "Condition" not in output or evaluation.holds(output["Condition"])
        ]

    def _bring_about(
        self,
        name: str,
        resource: dict[str, Any],
        evaluation: Evaluation,
        undo: list[Callable[[], None]],
        outdated: list[Deployed],
    ) -> None:
        kind, old = resource["Type"], self.deployed.get(name)
        try:
            if old and old.cf_resource_type != kind:
                raise TemplateError("Update of resource type is not permitted.")
            given = evaluation.value(resource.get("Properties", {}))
            model, type_schema = resource_types.of(kind), schema.of(kind)
            if model is None or type_schema is None:
                raise TemplateError(f"the rig has no resource type {kind}")
            faults = type_schema.faults(given)
            unknown = set(given) - model.properties
            faults += [f"/{one}: the rig doesn't know this property" for one in sorted(unknown)]
            if faults:
                raise TemplateError("Properties validation failed: " + "; ".join(faults))
            retained = (
                resource.get("DeletionPolicy", "Delete") != "Delete",
                resource.get("UpdateReplacePolicy") == "Retain",
            )
            if old is None:
                self._create(name, kind, given, 0, retained, undo)
            else:
                self._change(old, given, retained, undo, outdated)
        except FAILURES as failure:
            doing = "UPDATE_FAILED" if old else "CREATE_FAILED"
            self.tell(name, old.physical_resource_id if old else "", kind, doing, str(failure))
            raise TemplateError(f"{name} ({kind}): {failure}") from failure

    def _create(
        self,
        name: str,
        kind: str,
        given: dict[str, Any],
        generation: int,
        retained: tuple[bool, bool],
        undo: list[Callable[[], None]],
    ) -> None:
        model = self._model(kind)
        properties = dict(given)
        if model.name_property and model.name_property not in properties:
            properties[model.name_property] = self._own_name(name, generation, model.longest_name)
        identity = self._identity(kind, properties)
        if identity is not None and identity in _taken:
            raise TemplateError(f"{identity} already exists in stack {_taken[identity]}")
        physical = model.make(properties)
        made = Deployed(
            name,
            kind,
            physical,
            properties,
            {},
            identity or (*model.scope(), kind, physical),
            *retained,
            generation,
            next(_numbers),
        )
        _taken[made.identity] = self.stack_name
        undo.append(lambda: self._delete_one(made))
        model.settle(physical, {}, properties)
        made.attributes = model.attributes(physical, properties)
        self.deployed[name] = made
        self.tell(name, physical, kind, "CREATE_COMPLETE", None)

    def _change(
        self,
        old: Deployed,
        given: dict[str, Any],
        retained: tuple[bool, bool],
        undo: list[Callable[[], None]],
        outdated: list[Deployed],
    ) -> None:
        kind, model = old.cf_resource_type, self._model(old.cf_resource_type)
        new = dict(given)
        if model.name_property and model.name_property not in new:
            own = self._own_name(old.logical_resource_id, old.generation, model.longest_name)
            new[model.name_property] = own
        if new == old.properties:
            (old.retained, old.retained_when_replaced) = retained
            # What it refers to may have changed behind it.
            old.attributes = model.attributes(old.physical_resource_id, old.properties)
            return
        type_schema = schema.of(kind)
        if type_schema and (changed := type_schema.replaced_by(old.properties, new)):
            name_stays = model.name_property in given and self._identity(kind, new) == old.identity
            if name_stays:
                raise TemplateError(
                    "CloudFormation cannot update a stack when a custom-named resource requires "
                    f"replacing ({changed}). Rename {given[model.name_property]} and update again."
                )
            self._create(
                old.logical_resource_id, kind, given, old.generation + 1, retained, undo
            )
            if not old.retained_when_replaced:
                outdated.append(old)
            return
        # What failed half-way is undone as well.
        undo.append(lambda: model.change(old.physical_resource_id, new, old.properties))
        model.change(old.physical_resource_id, old.properties, new)
        self.deployed[old.logical_resource_id] = Deployed(
            old.logical_resource_id,
            kind,
            old.physical_resource_id,
            new,
            model.attributes(old.physical_resource_id, new),
            old.identity,
            *retained,
            old.generation,
            old.number,
        )
        self.tell(old.logical_resource_id, old.physical_resource_id, kind, "UPDATE_COMPLETE", None)

    # --- Deleting ----------------------------------------------------------

    def _remove(self, going: list[Deployed]) -> None:
        """Deletes resources, each before those it was made from."""
        for one in sorted(going, key=lambda one: one.number, reverse=True):
            try:
                self._delete_one(one)
            except FAILURES as failure:
                self.tell(
                    one.logical_resource_id,
                    one.physical_resource_id,
                    one.cf_resource_type,
                    "DELETE_FAILED",
                    str(failure),
                )
                raise TemplateError(f"{one.logical_resource_id}: {failure}") from failure

    def _delete_one(self, one: Deployed) -> None:
        self._model(one.cf_resource_type).delete(one.physical_resource_id, one.properties)
        _taken.pop(one.identity, None)
        self.tell(
            one.logical_resource_id,
            one.physical_resource_id,
            one.cf_resource_type,
            "DELETE_COMPLETE",
            None,
        )

    # --- Names -------------------------------------------------------------

    def _model(self, kind: str) -> resource_types.ResourceType:
        model = resource_types.of(kind)
        if model is None:
            raise TemplateError(f"the rig has no resource type {kind}")
        return model(self.account, self.region)

    def _identity(self, kind: str, properties: dict[str, Any]) -> tuple[Any, ...] | None:
        """What no two resources of a type may share, where it is known beforehand."""
        type_schema = schema.of(kind)
        if type_schema is None or not type_schema.identifier <= set(properties):
            return None
        values = [json.dumps(properties[key]) for key in sorted(type_schema.identifier)]
        return (*self._model(kind).scope(), kind, *values)

    def _own_name(self, logical: str, generation: int, longest: int) -> str:
        text = f"{self.stack_id} {logical} {generation}"
        suffix = hashlib.sha256(text.encode()).hexdigest()[:12].upper()
        return f"{self.stack_name}-{logical}"[: longest - 13] + f"-{suffix}"


def _users(account: str, region: str, export: str) -> list[str]:
    """The stacks that import something."""
    stacks = models.cloudformation_backends[account][region].stacks.values()
    return sorted(stack.name for stack in stacks if export in stack.resource_map.imports)


# --- In the place of moto's ---------------------------------------------------


def replace() -> None:
    """Lets moto's stacks be made by this module."""
    models.Stack._create_resource_map = _resources
    models.Stack._create_output_map = lambda stack: None
    models.Stack.outputs = property(_outputs)
    models.Stack.exports = property(lambda stack: [])
    models.Stack.parse_template = staticmethod(_parse)
    models.Stack.create_resources = lambda stack: _run(stack, "CREATE", stack.template, stack.parameters)
    models.Stack.update = _update
    models.Stack.delete = _delete
    models.ChangeSet._parse_template = _parse_change_set
    models.CloudFormationBackend.execute_change_set = _execute
    models.CloudFormationBackend.delete_stack = _delete_stack
    responses.CloudFormationResponse.create_change_set = _create_change_set


def _resources(stack: models.Stack) -> Resources:
    def tell(logical: str, physical: str, kind: str, status: str, reason: str | None) -> None:
        stack.events.append(
            models.Event(stack.stack_id, stack.name, logical, physical, kind, status, reason, None)
        )

    return Resources(
        stack.account_id, stack.region_name, stack.stack_id, stack.name, tell=tell
    )


def _outputs(stack: models.Stack) -> list[dict[str, Any]]:
    return [
        {
            "OutputKey": one.key,
            "OutputValue": one.value,
            "Description": one.description,
            "ExportName": stack.resource_map.exported.get(one.key),
        }
        for one in stack.resource_map.outputs
    ]


def _parse(text: str) -> dict[str, Any]:
    if len(text.encode()) > LONGEST_TEMPLATE:
        raise ValidationError(message=f"a template may have {LONGEST_TEMPLATE} bytes")
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


_create_any_change_set = responses.CloudFormationResponse.create_change_set


def _create_change_set(response: Any) -> Any:
    if len((response._get_param("TemplateBody") or "").encode()) > LONGEST_TEMPLATE_BODY:
        raise ValidationError(
            message=f"templateBody must have length less than or equal to {LONGEST_TEMPLATE_BODY}"
        )
    return _create_any_change_set(response)


def _parse_change_set(change_set: models.ChangeSet) -> None:
    change_set.template_dict = _parse(change_set.template)


def _execute(
    backend: models.CloudFormationBackend, change_set_name: str, stack_name: str | None = None
) -> None:
    change_set = backend.describe_change_set(change_set_name)
    if change_set.execution_status != "AVAILABLE":
        raise ValidationError(message=f"ChangeSet {change_set_name} cannot be executed")
    stack = backend.stacks[change_set.stack_id]
    _run(stack, change_set.change_set_type, change_set.template, change_set.parameters)
    change_set.execution_status = "EXECUTE_COMPLETE"
    if stack.status == "ROLLBACK_COMPLETE" and getattr(change_set, "on_stack_failure", None) == "DELETE":
        stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
        stack.status = "DELETE_COMPLETE"
        stack._add_stack_event(stack.status)
        backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    # What was proposed for the stack as it was can't be executed any more.
    for other in list(backend.change_sets.values()):
        if other.stack_id == stack.stack_id and other is not change_set:
            del backend.change_sets[other.change_set_id]


def _run(stack: models.Stack, action: str, template: str, parameters: dict[str, str]) -> None:
    if action == "UPDATE":
        stack.last_updated_time = utcnow()
    stack._add_stack_event(f"{action}_IN_PROGRESS", resource_status_reason="User Initiated")
    try:
        with api.account(stack.account_id):
            stack.resource_map.deploy(_parse(template), parameters)
    except FAILURES as failure:
        stack.status = "ROLLBACK_COMPLETE" if action == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        stack._add_stack_event(stack.status, resource_status_reason=str(failure))
        return
    stack.template, stack.parameters = template, parameters
    stack.template_dict = _parse(template)
    stack.status = f"{action}_COMPLETE"
    stack._add_stack_event(stack.status)


def _update(
    stack: models.Stack,
    template: str,
    role_arn: str | None = None,
    parameters: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    _run(stack, "UPDATE", template, parameters or {})


def _delete(stack: models.Stack) -> None:
    stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
    try:
        with api.account(stack.account_id):
            stack.resource_map.delete()
    except FAILURES as failure:
        stack.status = "DELETE_FAILED"
        stack._add_stack_event(stack.status, resource_status_reason=str(failure))
        return
    stack.status = "DELETE_COMPLETE"
    stack._add_stack_event(stack.status)


def _delete_stack(backend: models.CloudFormationBackend, name_or_stack_id: str) -> None:
    for stack in list(backend.stacks.values()):
        if name_or_stack_id in (stack.stack_id, stack.name):
            stack.delete()
            if stack.status == "DELETE_COMPLETE":
                backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
