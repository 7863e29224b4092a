"""The AWS API of moto in the same process, as its public operations.

A resource type of CloudFormation does its work by these, as AWS's own types
do: botocore checks the parameters against AWS's models, and moto's back end
says no where AWS would.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

_session = boto3.session.Session(aws_access_key_id="rig", aws_secret_access_key="rig")
_clients: dict[tuple[str, str], Any] = {}
_making = threading.Lock()
_caller = threading.local()


@contextmanager
def account(number: str) -> Iterator[None]:
    """Requests of this thread are those of an account."""
    before = getattr(_caller, "account", None)
    _caller.account = number
    try:
        yield
    finally:
        _caller.account = before


def _sign(request: Any, **_: Any) -> None:
    request.headers["x-moto-account-id"] = _caller.account


def client(service: str, region: str) -> Any:
    """The client of a service in a Region; making one is slow, so they are kept."""
    key = (service, region)
    with _making:
        if key not in _clients:
            made = _session.client(
                service, region_name=region, config=Config(retries={"total_max_attempts": 1})
            )
            made.meta.events.register("before-sign.*.*", _sign)
            _clients[key] = made
        return _clients[key]
