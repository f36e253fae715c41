"""The Lambda functions that a Task calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from ..base.arguments import WrongArgument
from ..base.record import Record
from .expressions import Expression
from .fields import Element, element, field, in_seconds
from .resources import Access
from .tokens import tokens_in


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

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            what = f"a Function takes its name first, not {self.name!r}"
            raise WrongArgument(what, 'write Function("payment-receipt", "handlers/receipt")', "#0", "name")
        if tokens_in(self.name):
            hint = "to choose one when the flow runs, write dynamic(path, allowed=[...])"
            raise WrongArgument("the name of a Function must be constant text", hint, "#0", "name")
        if tokens_in(str(self.source)):
            hint = "write the folder, such as 'handlers/setup'"
            raise WrongArgument("the source of a Function must be constant text", hint, "#1", "source")

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
    if not isinstance(path, Expression):
        what = f"dynamic takes the path to a function's ARN, not {path!r}"
        raise WrongArgument(what, 'for a function that is known now, write Task("Name", function)', "#0", "path")
    functions = allowed if isinstance(allowed, list | tuple) else ()
    if not functions or not all(isinstance(each, Function) for each in functions):
        hint = "write allowed=[function, ...] with every function that it may be"
        raise WrongArgument("allowed= is a list of at least one Function", hint, "allowed")
    return Dynamic(path, tuple(functions))
