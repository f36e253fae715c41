"""Calls of AWS services: `aws.dynamodb.put_item(TableName=…, Item={…})` is what a Task does, and their errors.

`aws` makes these values from attributes; what Step Functions offers for each service is in aws.json, which
scripts/aws_stubs.py writes together with the types of aws.pyi. Source: Step Functions Developer Guide, "Integrating
services" and "Learning to use AWS service SDK integrations".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ..base.arguments import WrongArgument
from ..base.record import Record, field
from ..base.source import Caller, caller
from ..base.words import did_you_mean, exception_class
from .expressions import Value

if TYPE_CHECKING:
    from .functions import Function

Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]
_KEYWORDS = {"sync": "sync", "sync:2": "sync", "waitForTaskToken": "wait_for_task_token"}


@cache
def _table() -> dict[str, Any]:
    """aws.json: the optimised integrations, the prefixes of errors, the names that cannot be guessed."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("aws.json").read_text())
    return table


class Integration(Record, eq=False):
    """A call of a service, for a Task: the Resource and its arguments."""

    service: str
    """As in the Resource: `dynamodb`, `aws-sdk:s3`."""
    action: str
    """As in the Resource: `putItem`."""
    pattern: Pattern
    arguments: Mapping[str, Value | Function]
    origin: Caller | None = field(default=None, repr=False)

    @property
    def resource(self) -> str:
        """The Resource of the Task."""
        pattern = f".{self.pattern}" if self.pattern else ""
        return f"arn:aws:states:::{self.service}:{self.action}{pattern}"


class Action(Record):
    """An action of a service. Calling it, or one of its patterns, makes what a Task takes."""

    service: str
    name: str
    patterns: tuple[Pattern, ...] = ()

    def __call__(self, *values: object, **arguments: Value | Function) -> Integration:
        """Call the service and go on with its answer."""
        if values:
            hint = "write each argument with its name in the API, as in TableName=..."
            raise WrongArgument(f"{self.service}:{self.name} takes arguments by name, not {values[0]!r}", hint, "#0")
        return Integration(self.service, self.name, "", arguments, caller())

    def sync(self, **arguments: Value | Function) -> Integration:
        """Call the service and wait until the job that it starts is done."""
        pattern: Pattern = "sync:2" if "sync:2" in self.patterns else "sync"
        return self._with(pattern, arguments)

    def wait_for_task_token(self, **arguments: Value | Function) -> Integration:
        """Call the service and wait until somebody sends back the task token; the arguments must hold it."""
        return self._with("waitForTaskToken", arguments)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        hint = did_you_mean(name, ["sync", "wait_for_task_token"]) or "write .sync(...) or .wait_for_task_token(...)"
        raise TypeError(f"{self.service}:{self.name} has no .{name}: {hint}")

    def _with(self, pattern: Pattern, arguments: Mapping[str, Value | Function]) -> Integration:
        if pattern not in self.patterns:
            others = " and ".join(dict.fromkeys("." + _KEYWORDS[each] for each in self.patterns))
            offers = f"Step Functions offers {others} for it" if others else "Step Functions only calls it"
            raise TypeError(f"{self.service}:{self.name} has no .{_KEYWORDS[pattern]}: {offers}")
        return Integration(self.service, self.name, pattern, arguments, caller())


class AwsError(Record):
    """An error of a service, for `retry` and `catch`.

    The optimised integrations and those of the SDK write some services differently, DynamoDB and DynamoDb: the Task
    decides which name is meant. Where there is no single Task, both are written.
    """

    name: str
    prefixes: tuple[str, str]
    """For an optimised integration, and for one of the SDK."""

    def names(self, resource: str = "") -> tuple[str, ...]:
        """The names as ErrorEquals has them, for a Task with this Resource or for any."""
        optimised, sdk = f"{self.prefixes[0]}.{self.name}", f"{self.prefixes[1]}.{_sdk_name(self.name)}"
        if resource.startswith("arn:aws:states:::aws-sdk:"):
            return (sdk,)
        if resource.startswith("arn:"):
            return (optimised,)
        return (optimised,) if optimised == sdk else (optimised, sdk)


class Errors:
    """The errors of a service, as attributes, by their names in its API reference."""

    def __init__(self, prefixes: tuple[str, str]) -> None:
        self.prefixes = prefixes

    def __getattr__(self, name: str) -> AwsError:
        if name.startswith("_"):
            raise AttributeError(name)
        return AwsError(_exception(name), self.prefixes)


def _exception(name: str) -> str:
    """The class of an error as all know it: NoSuchKey is NoSuchKeyException, ServiceFault ServiceException."""
    return re.sub("Exceptions?$|Fault$", "", name) + "Exception" if name not in _AS_THEY_ARE else name


def _sdk_name(name: str) -> str:
    return name if name in _AS_THEY_ARE else exception_class(name)


_AS_THEY_ARE = ("Timeout", "Unknown")


class Service:
    """A service of AWS; its actions are attributes in Python's spelling, `put_item`, or as in the API, `putItem`.

    An action that Step Functions has an optimised integration for is that one, every other one is called by the SDK.
    """

    def __init__(self, name: str, only_sdk: bool = False) -> None:
        self.name = name
        """As Python spells it: `dynamodb`, `emr_containers`, `lambda_`."""
        self.only_sdk = only_sdk

    @property
    def errors(self) -> Errors:
        """The errors of the service."""
        own, sdk = self._names()
        prefix = _table()["prefixes"].get(sdk) or sdk[:1].upper() + sdk[1:]
        return Errors((_table()["optimised"].get(own, {}).get("errors", prefix), prefix))

    def _names(self) -> tuple[str, str]:
        """The name of the optimised integration, and the SDK's."""
        plain = self.name.rstrip("_")
        own = plain.replace("_", "-")
        return own, _table()["optimised"].get(own, {}).get("sdk", plain.replace("_", ""))

    def __getattr__(self, name: str) -> Action:
        if name.startswith("_"):
            raise AttributeError(name)
        own, sdk = self._names()
        action = camel_case(name)
        patterns = _table()["optimised"].get(own, {}).get("actions", {}).get(action)
        if patterns is not None and not self.only_sdk:
            return Action(own, action, tuple(patterns))
        return Action(f"aws-sdk:{sdk}", _table()["irregular"].get(sdk, {}).get(name, action), ("waitForTaskToken",))


def camel_case(name: str) -> str:
    """An action as a Resource has it: `put_item` is `putItem`."""
    first, *rest = name.rstrip("_").split("_")
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in rest)


class Sdk:
    """Every service as the AWS SDK integrations call it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Service:
        if name.startswith("_"):
            raise AttributeError(name)
        return Service(name, only_sdk=True)


class Http(str):
    """The error of an HTTP Task whose host answers with this status: `catch(Http(429), …)`."""

    __slots__ = ()

    def __new__(cls, status: int) -> Http:
        if not isinstance(status, int) or not 100 <= status <= 599:
            raise WrongArgument(
                f"Http takes a status from 100 to 599, not {status!r}", "write Http(429)", "#0", "status"
            )
        return super().__new__(cls, f"States.Http.StatusCode.{status}")
