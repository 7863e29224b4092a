"""Makes moto's process ready: what it lacks is added before the first request."""

from moto.core.config import default_user_config
from moto.core.models import botocore_stubber

import change_sets
import missing
import stacks
import tagging


def prepare() -> None:
    """Adds what moto lacks, and puts the strict CloudFormation in the place of moto's."""
    # A function is only described here, never run: that would need containers.
    default_user_config["lambda"]["use_docker"] = False
    missing.add()
    stacks.replace()
    change_sets.add()
    tagging.add()
    # A boto3 client of this process asks moto directly, without HTTP.
    botocore_stubber.enabled = True
