"""Resource ARNs and function names: one parser for the checker, the engine, the mocks and the command line.

Source: Step Functions Developer Guide, "Integrating services" and "Activities"; Lambda API reference, Invoke,
`FunctionName`; AWS::StepFunctions::StateMachine, "DefinitionSubstitutions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from ..base.patterns import regex
from ..base.record import Record
from .placeholders import PLACEHOLDER

Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]
Kind = Literal["function", "activity", "integration", "sdk", "other", "substituted", "incomplete", "invalid"]
"""`other` is the ARN of something that a Task cannot call, `substituted` a Resource whose kind depends on a
`${Substitution}`, `incomplete` starts like an ARN, `invalid` does not."""

SYNC: Pattern = "sync"
TOKEN: Pattern = "waitForTaskToken"  # noqa: S105 - the name of a pattern
SDK = "aws-sdk:"
ACCOUNT_DIGITS = 12

_ARN = regex(
    r"arn:(?P<partition>[^:]+):(?P<service>[^:]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)", re.DOTALL
)
_INTEGRATION = regex(r"(?P<service>(?:aws-sdk:)?[^:]*)(?::(?P<action>[^.]*)(?:\.(?P<pattern>.*))?)?", re.DOTALL)
_FUNCTION_PART = regex(r"function:[^:\s]+(:[^:\s]+)?")
_FUNCTION = regex(r"(?:(?:(?P<account>[^:]+):|.*:)?function:)?(?P<name>[^:]+)(?::(?P<qualifier>[^:]+))?", re.DOTALL)
_HIDDEN = "\0"
"""Stands for each character of a `${Substitution}`, which may contain colons and dots of its own."""


class Resource(Record):
    """A Task's Resource. `integration`, `action` and `pattern` are those of `engine.Call`; a `${Substitution}` in them
    is kept as written."""

    text: str
    kind: Kind
    integration: str = "lambda"
    """`dynamodb`; `aws-sdk:dynamodb`; `lambda` for a function; `activity`."""
    action: str = "function"
    """`putItem`; `function` for the ARN of a function; `activity`."""
    pattern: str = ""
    """A `Pattern`, unless the definition is wrong."""
    problem: str | None = None
    """What to change in the ARN of a function that cannot be right, such as an account number of four digits."""

    @property
    def service(self) -> str:
        """The service without `aws-sdk:`."""
        return self.integration.removeprefix(SDK)

    @property
    def operation(self) -> str:
        """`dynamodb:putItem` or `aws-sdk:dynamodb:putItem`; "" for functions and activities."""
        return f"{self.integration}:{self.action}" if self.kind in ("integration", "sdk") else ""

    @property
    def full_action(self) -> str:
        """The action with its pattern: `sendMessage.waitForTaskToken`."""
        return f"{self.action}.{self.pattern}" if self.pattern else self.action

    @property
    def waits(self) -> bool:
        """True if the answer to the call is not yet the task's result."""
        return self.pattern != "" or self.kind == "activity"


class FunctionName(Record):
    """A Lambda function as a Task names it: a name, `name:qualifier`, a partial or a full ARN."""

    text: str
    name: str
    qualifier: str = ""
    account: str = ""
    """The account in a partial ARN: `123456789012:function:charge`."""

    @property
    def qualified(self) -> str:
        """The name with its qualifier, if any: `charge:live`."""
        return f"{self.name}:{self.qualifier}" if self.qualifier else self.name

    def arn(self, region: str, account: str) -> str:
        """The full ARN, in this region and account unless the text says otherwise."""
        if self.text.startswith("arn:"):
            return self.text
        return f"arn:aws:lambda:{region}:{self.account or account}:function:{self.qualified}"


@lru_cache(maxsize=4096)
def parse_resource(text: str) -> Resource:
    """Parse a Resource; never raises.

    >>> parse_resource("arn:aws:states:::aws-sdk:s3:getObject").operation
    'aws-sdk:s3:getObject'
    >>> parse_resource("arn:${AWS::Partition}:states:::batch:submitJob.sync").pattern
    'sync'
    """
    hidden = _hide(text)
    arn = _ARN.fullmatch(hidden)
    if _HIDDEN in (hidden if arn is None else arn["service"]):
        return Resource(text, "substituted")
    if arn is None:
        return Resource(text, "incomplete" if text.startswith("arn:") else "invalid")
    service, rest = arn["service"], arn["rest"]
    if service == "lambda":
        return Resource(text, "function", problem=_problem(arn))
    if service != "states":
        return Resource(text, "other")
    if rest.startswith("activity:"):
        return Resource(text, "activity", "activity", "activity")
    if (arn["region"] or arn["account"]) and not rest.startswith(SDK):
        return Resource(text, "substituted" if _HIDDEN in rest else "other")
    return _integration(text, hidden, arn.start("rest"))


def _integration(text: str, hidden: str, start: int) -> Resource:
    match = _INTEGRATION.fullmatch(hidden, start)
    if match is None:
        return Resource(text, "other")
    service, action, pattern = (text[slice(*match.span(part))] for part in ("service", "action", "pattern"))
    return Resource(text, "sdk" if service.startswith(SDK) else "integration", service, action, pattern)


def _problem(arn: re.Match[str]) -> str | None:
    """What to change in a function's ARN. Names in capitals stand for what a reader is to fill in."""
    rest, account = arn["rest"], arn["account"]
    if _HIDDEN not in rest and _FUNCTION_PART.fullmatch(rest) is None:
        return "end it with function:NAME or function:NAME:VERSION"
    if account.isdigit() and len(account) != ACCOUNT_DIGITS:
        return f"use an account number of {ACCOUNT_DIGITS} digits"
    return None


@lru_cache(maxsize=4096)
def parse_function(text: str) -> FunctionName:
    """Parse the name of a function in any form that Lambda's Invoke takes; never raises.

    >>> parse_function("arn:aws:lambda:eu-west-1:123456789012:function:charge:live").qualified
    'charge:live'
    >>> [parse_function(text).name for text in ("123456789012:function:charge", "charge:3", "my-function:3")]
    ['charge', 'charge', 'my-function']
    """
    match = _FUNCTION.fullmatch(_hide(text))
    if match is None:
        return FunctionName(text, text)
    name, qualifier, account = (text[slice(*match.span(part))] for part in ("name", "qualifier", "account"))
    return FunctionName(text, name, qualifier, account)


def names_function(target: str, function: FunctionName) -> bool:
    """True if a name, `name:qualifier`, or a partial or full ARN can mean this function.

    What either leaves open fits: region and account that only one has, a `${Substitution}` instead of them; and a
    target without a qualifier means all versions and aliases.

    >>> charge = parse_function("arn:aws:lambda:eu-west-1:123456789012:function:charge:live")
    >>> [names_function(text, charge) for text in ("charge", "charge:live", "123456789012:function:charge")]
    [True, True, True]
    >>> [names_function(text, charge) for text in ("charge:2", "999999999999:function:charge", "chrage")]
    [False, False, False]
    """
    wanted = parse_function(target)
    if wanted.name not in (function.name, function.name.strip("${}")):
        return False
    if wanted.qualifier and wanted.qualifier != function.qualifier:
        return False
    return all(_fits(*pair) for pair in zip(_place(wanted), _place(function), strict=True))


def _place(function: FunctionName) -> tuple[str, str]:
    """Region and account; "" where the name does not say."""
    arn = _ARN.fullmatch(_hide(function.text))
    if arn is None:
        return "", function.account
    return function.text[slice(*arn.span("region"))], function.text[slice(*arn.span("account"))]


def _fits(one: str, other: str) -> bool:
    return one == other or not one or not other or "${" in one + other


def called_function(resource: Resource, arguments: Any) -> FunctionName | None:
    """The function that a call of this resource with these arguments invokes, or None if it is not a Lambda function
    or the arguments do not name it."""
    if resource.integration != "lambda":
        return None
    if resource.action == "function":
        return parse_function(resource.text)
    name = arguments.get("FunctionName") if isinstance(arguments, Mapping) else None
    return parse_function(name) if isinstance(name, str) else None


def constant_function(state: Mapping[str, Any]) -> str:
    """The name of the function that a Task state calls; empty if it calls none or chooses one when it runs."""
    resource = parse_resource(str(state.get("Resource", "")))
    function = called_function(resource, state.get("Parameters") or state.get("Arguments"))
    if function is None or resource.kind not in ("function", "integration") or function.text.startswith("{%"):
        return ""
    return function.name


def _hide(text: str) -> str:
    """The text with substitutions blanked out, of the same length."""
    if "${" not in text:
        return text
    return PLACEHOLDER.sub(lambda match: _HIDDEN * len(match[0]), text)
