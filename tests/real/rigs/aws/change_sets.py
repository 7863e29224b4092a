"""Change sets as AWS has them, where moto's differ: one belongs to its stack, and a stack that couldn't be made
goes with it if the change set says so."""

from collections.abc import Callable
from typing import Any

from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError, ValidationError


class ChangeSetNotFound(CloudFormationError):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html"""

    code = "ChangeSetNotFoundException"

    def __init__(self, name: str):
        super().__init__(f"ChangeSet [{name}] does not exist")


def add() -> None:
    """Adds it all."""
    transformers = responses.CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER
    transformers["DescribeChangeSetOutput.Tags"] = responses.transform_dict
    responses.CloudFormationResponse.describe_change_set = _describe
    responses.CloudFormationResponse.delete_change_set = _delete
    responses.CloudFormationResponse.create_change_set = _creating(
        responses.CloudFormationResponse.create_change_set
    )
    responses.CloudFormationResponse.execute_change_set = _executing(
        responses.CloudFormationResponse.execute_change_set
    )


def _named(response: Any) -> models.ChangeSet | None:
    """The change set of a request: by its ARN, or by its name in a stack."""
    backend = response.cloudformation_backend
    name, stack = response._get_param("ChangeSetName"), response._get_param("StackName")
    if name in backend.change_sets:
        return backend.change_sets[name]
    if stack is None:
        raise ValidationError(message="StackName must be specified if ChangeSetName is not specified as an ARN.")
    for change_set in backend.change_sets.values():
        if change_set.change_set_name == name and stack in (change_set.stack_name, change_set.stack_id):
            return change_set
    return None


def _describe(response: Any) -> Any:
    change_set = _named(response)
    if change_set is None:
        raise ChangeSetNotFound(response._get_param("ChangeSetName"))
    return responses.ActionResult(change_set)


def _delete(response: Any) -> Any:
    change_set = _named(response)
    if change_set is not None:
        del response.cloudformation_backend.change_sets[change_set.change_set_id]
    return responses.EmptyResult()


def _creating(create_strictly: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def create(response: Any) -> Any:
        token = response._get_param("ClientToken")
        for known in response.cloudformation_backend.change_sets.values():
            # The same request again, whose answer was lost.
            if token is not None and getattr(known, "client_token", None) == token:
                return responses.ActionResult({"Id": known.change_set_id, "StackId": known.stack_id})
        _prepare(response)
        result = create_strictly(response)
        made = response.cloudformation_backend.change_sets[result.result["Id"]]
        made.on_stack_failure = response._get_param("OnStackFailure")
        made.client_token = token
        return result

    return create


def _executing(execute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    executed: set[str] = set()

    def once(response: Any) -> Any:
        token = response._get_param("ClientRequestToken")
        if token is not None and token in executed:
            return responses.EmptyResult()
        result = execute(response)
        executed.add(token)
        return result

    return once


def _prepare(response: Any) -> None:
    """Refuses what AWS refuses, and makes room for a stack that is only reviewed."""
    backend = response.cloudformation_backend
    name, stack_name = response._get_param("ChangeSetName"), response._get_param("StackName")
    kind = response._get_param("ChangeSetType", "UPDATE")
    existing = [stack for stack in backend.stacks.values() if stack.name == stack_name]
    for change_set in backend.change_sets.values():
        if change_set.change_set_name == name and change_set.stack_name == stack_name:
            raise AlreadyExistsException(f"ChangeSet {name} already exists")
    if kind == "CREATE":
        if any(stack.status != "REVIEW_IN_PROGRESS" for stack in existing):
            raise ValidationError(message=f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}].")
        # A stack that is only reviewed is taken on, which moto makes a second time.
        for stack in existing:
            del backend.stacks[stack.stack_id]
        return
    for stack in existing:
        if stack.status == "ROLLBACK_COMPLETE" or not stack.status.endswith("_COMPLETE"):
            raise ValidationError(
                message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            )
