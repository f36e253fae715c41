"""`[tool.flowdsl.environments.NAME]`: where a flow is deployed, and what differs there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..base.diagnostics import FlowError
from ..base.record import Record, field

VARIABLE: Final = "FLOWDSL_ENV"
"""The environment variable that names the environment to use."""


class Secret(Record):
    """A reference to a secret, which the function reads when it runs; its value is never known here."""

    store: str
    """`secretsmanager` or `ssm`."""
    name: str

    def __str__(self) -> str:
        """What the function finds in its environment: `secretsmanager:payments/stripe`."""
        return f"{self.store}:{self.name}"


class Allowed(Record):
    """Permissions that the user states."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


class FunctionSettings(Record):
    """What an environment changes of a Lambda function. None leaves what the flow says."""

    memory: int | None = None
    timeout: int | None = None
    reserved_concurrency: int | None = None
    environment: Mapping[str, str | Secret] = field(factory=dict)
    permissions: tuple[Allowed, ...] = ()


class Environment(Record):
    """One environment. Nothing is ever deployed to another region or account."""

    name: str
    region: str
    account: str
    alias: str = "live"
    """The state machine's alias that callers start."""
    prefix: str = ""
    """What the names of all resources begin with."""
    log_retention: int = 30
    """In days."""
    logging: str = "ERROR"
    """Of the state machine: ALL, ERROR, FATAL or OFF. Inputs and outputs of states are never logged."""
    tracing: bool = False
    kms_key: str = ""
    """The ARN of the KMS key that encrypts state machines, functions and their logs; without one AWS's own keys do."""
    keep_versions: int = 10
    """How many versions of the state machine `flowdsl prune` leaves for a rollback."""
    tags: Mapping[str, str] = field(factory=dict)
    substitutions: Mapping[str, str] = field(factory=dict)
    """Values of the `${Names}` in a definition."""
    permissions: tuple[Allowed, ...] = ()
    """Of the state machine's role, besides those that are derived."""
    alarms: tuple[str, ...] = ()
    """CloudWatch alarms that roll a canary back."""
    notify: tuple[str, ...] | None = None
    """The SNS topics that the flow's own alarms tell, by their ARNs; None if that is not decided."""
    functions: Mapping[str, FunctionSettings] = field(factory=dict)


RETENTIONS: Final = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
"""Days that CloudWatch Logs takes. Source: CloudWatch Logs API Reference, PutRetentionPolicy."""


class _Key(Record):
    accepts: Callable[[Any], bool]
    words: str
    convert: Callable[[Any], Any] = lambda value: value


def _text(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _number(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _is_variables(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) or _is_secret(each) for each in value.values())


def _is_secret(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and value.keys() <= {"secret", "parameter"}
        and all(isinstance(name, str) and re.fullmatch(r"[\w/+=.@-]+", name) for name in value.values())
    )


def _variables(value: dict[str, Any]) -> dict[str, str | Secret]:
    return {name: each if isinstance(each, str) else _secret(each) for name, each in value.items()}


def _secret(value: dict[str, str]) -> Secret:
    return Secret("secretsmanager", value["secret"]) if "secret" in value else Secret("ssm", value["parameter"])


def _is_permissions(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict)
        and each.keys() == {"actions", "resources"}
        and _is_list(each["actions"])
        and _is_list(each["resources"])
        and all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action) for action in each["actions"])
        for each in value
    )


def _permissions(value: list[dict[str, Any]]) -> tuple[Allowed, ...]:
    return tuple(Allowed(tuple(each["actions"]), tuple(each["resources"])) for each in value)


_PERMISSIONS: Final = _Key(
    _is_permissions,
    'a list such as [{actions = ["dynamodb:GetItem"], resources = ["arn:…"]}]; an action has no wildcard',
    _permissions,
)
_KEYS: Final[Mapping[str, _Key]] = {
    "region": _Key(_text(r"[a-z]{2}(-[a-z]+)+-\d"), 'a region, such as "eu-west-1"'),
    "account": _Key(_text(r"\d{12}"), 'an account number of 12 digits in quotes, such as "123456789012"'),
    "alias": _Key(
        _text(r"(?!\d+$)[0-9A-Za-z_-]{1,80}"), 'letters, digits, "-" and "_", not digits alone, such as "live"'
    ),
    "prefix": _Key(_text(r"[A-Za-z0-9_-]{0,20}"), 'at most 20 letters, digits, "-" and "_", such as "test-"'),
    "log_retention": _Key(
        lambda value: type(value) is int and value in RETENTIONS, "days that CloudWatch Logs takes, such as 30"
    ),
    "logging": _Key(lambda value: value in ("ALL", "ERROR", "FATAL", "OFF"), '"ALL", "ERROR", "FATAL" or "OFF"'),
    "tracing": _Key(lambda value: isinstance(value, bool), "true or false"),
    "kms_key": _Key(
        _text(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+"),
        "the ARN of a key, such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…",
    ),
    "keep_versions": _Key(_number(1, 900), "a number from 1 to 900"),
    "tags": _Key(
        lambda value: _texts(value) and not any(key.startswith(("aws:", "flowdsl:")) for key in value),
        'a table of texts, such as {team = "payments"}; names that begin with aws: or flowdsl: are taken',
        dict,
    ),
    "substitutions": _Key(_texts, 'a table of texts, such as {ORDERS = "orders-test"}', dict),
    "permissions": _PERMISSIONS,
    "notify": _Key(
        lambda value: (
            _is_list(value) and all(re.fullmatch(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]+", one) for one in value)
        ),
        'a list of SNS topics\' ARNs, such as ["arn:aws:sns:eu-west-1:123456789012:on-call"]',
        tuple,
    ),
    "alarms": _Key(_is_list, 'a list of alarm names, such as ["payments-failing"]', tuple),
}
_FUNCTION_KEYS: Final[Mapping[str, _Key]] = {
    "memory": _Key(_number(128, 10_240), "megabytes from 128 to 10240"),
    "timeout": _Key(_number(1, 900), "seconds from 1 to 900"),
    "reserved_concurrency": _Key(_number(0, 100_000), "a number, 0 or more"),
    "environment": _Key(
        _is_variables,
        'a table of texts and references, such as {KEY = {secret = "pay/key"}, URL = {parameter = "/pay/url"}}',
        _variables,
    ),
    "permissions": _PERMISSIONS,
}
REQUIRED: Final = ("region", "account")


def mistakes_in_environments(value: Any) -> Iterator[str]:
    """What is wrong with the `environments` table, each as the end of a sentence about `[tool.flowdsl]`."""
    if not isinstance(value, dict):
        yield "environments must be a table of tables: [tool.flowdsl.environments.production]"
        return
    for name, table in value.items():
        where = f"environments.{name}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,30}", name):
            yield f'{where}: a name has at most 30 letters, digits, "-" and "_"'
        elif not isinstance(table, dict):
            yield f"{where} must be a table: [tool.flowdsl.{where}]"
        else:
            yield from _mistakes(where, table, _KEYS, ("functions",))
            yield from (f"{where} lacks {key}" for key in REQUIRED if key not in table)
            functions = table.get("functions", {})
            for function, settings in functions.items() if isinstance(functions, dict) else ():
                if isinstance(settings, dict):
                    yield from _mistakes(f"{where}.functions.{function}", settings, _FUNCTION_KEYS, ())
                else:
                    yield f"{where}.functions.{function} must be a table"
            if not isinstance(functions, dict):
                yield f"{where}.functions must be a table of tables, by the functions' names"


def _mistakes(where: str, table: dict[str, Any], keys: Mapping[str, _Key], more: tuple[str, ...]) -> Iterator[str]:
    for key, value in table.items():
        if key in more:
            continue
        if key not in keys:
            yield f"{where}: unknown key {key!r}; valid keys: {', '.join([*keys, *more])}"
        elif not keys[key].accepts(value):
            yield f"{where}.{key} must be {keys[key].words}"


def environments_in(value: Mapping[str, Any]) -> dict[str, Environment]:
    """The environments of a table without mistakes, by name."""
    environments = {}
    for name, table in value.items():
        functions = {
            function: FunctionSettings(**{key: _FUNCTION_KEYS[key].convert(each) for key, each in settings.items()})
            for function, settings in table.get("functions", {}).items()
        }
        values = {key: _KEYS[key].convert(each) for key, each in table.items() if key != "functions"}
        environments[name] = Environment(name, functions=functions, **values)
    return environments


def choose_environment(environments: Mapping[str, Environment], name: str | None) -> Environment:
    """The environment of that name, else of FLOWDSL_ENV, else the only one. Raises FlowError."""
    name = name or os.environ.get(VARIABLE) or None
    if not environments:
        raise FlowError.of(
            "no environment to deploy to",
            code="FD980",
            hint='add it to pyproject.toml: [tool.flowdsl.environments.test] region = "eu-west-1", account = "…"',
        )
    if name is None and len(environments) == 1:
        return next(iter(environments.values()))
    if name is None:
        raise FlowError.of(
            f"several environments: {', '.join(environments)}",
            code="FD980",
            hint=f"choose one with --env NAME or {VARIABLE}=NAME",
        )
    if name not in environments:
        raise FlowError.of(
            f"unknown environment {name!r}", code="FD980", hint=f"choose one of {', '.join(environments)}"
        )
    return environments[name]
