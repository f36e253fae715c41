"""The Lambda functions that a Task calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from ..base.record import Record
from .expressions import Expression
from .fields import Element, element, field, in_seconds
from .resources import Access


@element
class Function(Element):
    """An AWS Lambda function: of this project, packaged from a folder, or deployed elsewhere.

    `name` is the Lambda function's name; `source` its folder, relative to the project, and "" for one that is deployed
    elsewhere; `handler` the module in that folder and the function in it. `timeout` is in seconds or a timedelta,
    `memory` in MB; `include` names data files elsewhere; `access` is what it may do with tables,
    queues, topics, event buses, and with the project's own functions and executions.
    Lambda's runtime provides boto3 and what it needs; `bundle_sdk` packages them as requirements.txt locks them.
    """

    name: str = field(kw_only=False)
    source: str = field(default="", kw_only=False)
    handler: str = field(default="handler.handler")
    architecture: Literal["arm64", "x86_64"] = field(default="arm64")
    python: str = field(default="3.14")
    timeout: int | timedelta = field(default=30, convert=in_seconds)
    memory: int = field(default=256)
    environment: Mapping[str, str] = field(factory=dict)
    include: Sequence[str] = field(default=())
    access: Sequence[Access] = field(default=())
    bundle_sdk: bool = field(default=False)

    @property
    def timeout_seconds(self) -> int:
        """The time after which Lambda ends the function."""
        seconds: int = in_seconds(self.timeout)
        return seconds

    @property
    def arn(self) -> str:
        """The ARN in the account and region where the definition is deployed (CloudFormation's pseudo parameters)."""
        return f"arn:aws:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{self.name}"


class Dynamic(Record):
    """A Lambda function that is chosen when the flow runs: its ARN or name comes from `path`."""

    path: Expression
    allowed: tuple[Function, ...]


def dynamic(path: Expression, *, allowed: Sequence[Function]) -> Dynamic:
    """A Lambda function whose ARN comes from a path; `allowed` names all that it may be.

    Permissions, packaging and local runs go by `allowed`.
    """
    return Dynamic(path, tuple(allowed))
