"""What CloudFormation does for each type of resource, by the public operations of its service."""

from resource_types import (  # noqa: F401  Each import adds its types.
    events,
    groups,
    iam,
    lambda_,
    logs,
    monitoring,
    network,
    storage,
    systems,
)
from resource_types.base import Refused, ResourceType, of

__all__ = ["Refused", "ResourceType", "of"]
