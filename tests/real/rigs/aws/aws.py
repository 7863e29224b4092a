"""Asks AWS's APIs, one JSON object a line.

Reads requests from standard input:

    {"account": …, "region": …, "service": "logs", "operation": "put_metric_filter", "parameters": {…}}

and answers each with a line: {"answer": …}, or {"error": {"code": …, "message": …}}.
A parameter that AWS's models don't know is an error before anything is sent.

    python aws.py ENDPOINT
"""

import base64
import datetime
import json
import sys
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody


class Asker:
    """Keeps the clients: making one is slow."""

    def __init__(self, endpoint: str):
        self._endpoint = endpoint
        self._session = boto3.session.Session(aws_access_key_id="rig", aws_secret_access_key="rig")
        self._clients: dict[tuple[str, str], Any] = {}
        self._account = ""

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._account = request["account"]
        client = self._client(request["service"], request["region"])
        if not hasattr(client, request["operation"]):
            return {"error": {"code": "NoOperation", "message": request["operation"]}}
        try:
            return {"answer": self._whole(client, request["operation"], request["parameters"])}
        except ClientError as error:
            fault = error.response["Error"]
            return {"error": {"code": fault.get("Code", ""), "message": fault.get("Message", "")}}
        except BotoCoreError as error:
            return {"error": {"code": type(error).__name__, "message": str(error)}}

    def _whole(self, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        """The answer; of a list that comes in pages, all of them."""
        if client.can_paginate(operation):
            answer = client.get_paginator(operation).paginate(**parameters).build_full_result()
        else:
            answer = getattr(client, operation)(**parameters)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def _client(self, service: str, region: str) -> Any:
        key = (service, region)
        if key not in self._clients:
            config = Config(
                retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
            )
            made = self._session.client(
                service, region_name=region, endpoint_url=self._endpoint, config=config
            )
            made.meta.events.register("before-sign.*.*", self._sign)
            self._clients[key] = made
        return self._clients[key]

    def _sign(self, request: Any, **_: Any) -> None:
        request.headers["x-moto-account-id"] = self._account


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value))


if __name__ == "__main__":
    asker = Asker(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(asker.ask(json.loads(line)), default=_plain), flush=True)
