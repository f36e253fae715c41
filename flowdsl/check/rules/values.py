"""Constant values in the arguments of services against botocore's shapes: words, numbers, ARNs, DynamoDB's attributes.

What an expression or a substitution gives is known only later. Source: botocore's models; DynamoDB API reference,
"AttributeValue"; Service Authorization Reference for the services in ARNs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...asl.placeholders import has_placeholder
from ...base.named import NamedTuple
from ...base.patterns import regex
from ...base.words import abbreviate, did_you_mean

NUMBERS = frozenset({"integer", "long", "float", "double"})
"""The types of numbers in botocore's models."""
_NUMBER = regex(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_ARN_OF = {
    "EventBusArn": ("events",),
    "ExecutionRoleArn": ("iam",),
    "FunctionName": ("lambda",),
    "KmsKeyArn": ("kms",),
    "Role": ("iam",),
    "RoleArn": ("iam",),
    "SecretArn": ("secretsmanager",),
    "StateMachineArn": ("states",),
    "TableName": ("dynamodb",),
    "TaskRoleArn": ("iam",),
    "TopicArn": ("sns", "kafka"),
}
"""The services whose ARN a parameter of this name takes, the likeliest first. Longer names, such as MqttTopicArn, may
be of other services."""
_ATTRIBUTES = {"S": "text", "N": "text", "B": "text", "BOOL": "boolean", "NULL": "boolean", "NUL": "boolean"}


class Problem(NamedTuple):
    """What is wrong with a value, and what to write instead."""

    message: str
    hint: str | None = None
    is_sure: bool = False
    """True of an ARN that is surely another service's."""


def problem_with(name: str, value: Any, shape: Mapping[str, Any]) -> Problem | None:
    """What is wrong with the constant value of a parameter that is neither an object nor a list."""
    if value is None or (isinstance(value, str) and is_open(value)):
        return None
    kind = shape.get("type")
    if isinstance(value, str) and (words := shape.get("enum")):
        return None if value in words else _not_a_word(name, value, words)
    if kind in NUMBERS:
        return _number(name, value, shape)
    if kind == "boolean" and not (isinstance(value, bool) or value in ("true", "false")):
        return Problem(f"{name} must be true or false, not {abbreviate(value)}")
    return None


def is_number(text: str) -> bool:
    """True if a text is a number, such as `0.25` or `1e3`."""
    return _NUMBER.fullmatch(text) is not None


def is_open(text: str) -> bool:
    """True if the text is an expression, or holds a `${Substitution}`."""
    return text.startswith("{%") or has_placeholder(text)


def _not_a_word(name: str, value: str, words: list[str]) -> Problem:
    few = ", ".join(words[:8]) + (" …" if len(words) > 8 else "")
    return Problem(f"{name} must be one of {few}, not {value!r}", did_you_mean(value, words))


def _number(name: str, value: Any, shape: Mapping[str, Any]) -> Problem | None:
    if isinstance(value, bool) or not (isinstance(value, int | float) or is_number(str(value))):
        return Problem(f"{name} must be a number, not {abbreviate(value)}")
    number, least, most = float(value), shape.get("min"), shape.get("max")
    if least is not None and number < least:
        return Problem(f"{name} must be at least {least}, not {value}")
    if most is not None and number > most:
        return Problem(f"{name} must be at most {most}, not {value}")
    return None


def arn_problem(name: str, value: Any, pattern: str | None = None) -> Problem | None:
    """What is wrong with the constant value of a parameter that takes an ARN, by its name.

    A value that fits botocore's `pattern` is right: a ModelArn may be the name of a model.
    """
    if not isinstance(value, str) or is_open(value):
        return None
    if name == "QueueUrl" and value.startswith("arn:"):
        return Problem("QueueUrl must be the URL of a queue, not its ARN", is_sure=True)
    services = _ARN_OF.get(name, ())
    if not name.endswith("Arn") and not (value.startswith("arn:") and services):
        return None
    if pattern and not value.startswith("arn:") and _fits(pattern, value):
        return None
    service = services[0] if services else None
    if not value.startswith("arn:"):
        return Problem(
            f"{name} must be an ARN, not {value!r}", f"write arn:aws:{service or 'SERVICE'}:REGION:ACCOUNT:NAME"
        )
    own = (value.split(":")[2:3] or ["nothing"])[0]
    if service and own not in services:
        message = f"{name} must be the ARN of {service}, not one of {own}"
        return Problem(message, is_sure=True)
    return None


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # written for Java
        return True


def attribute_problem(
    name: str, value: Mapping[str, Any], path_keys: bool, takes_text: bool
) -> tuple[str | None, Problem] | None:
    """What is wrong with a DynamoDB attribute value, and the key in it that is wrong, if it is one.

    `path_keys` if a key may end in `.$`, whose value is a path; `takes_text` if text may stand for true and false.
    """
    plain = {key.removesuffix(".$") if path_keys else key: key for key in value}
    if len(plain) != 1:
        types = " or ".join(f'{{"{kind}": …}}' for kind in ("S", "N", "BOOL"))
        what = "no type" if not plain else " and ".join(plain)
        return None, Problem(f"{name} must have one type of value, not {what}", f"write {types}")
    (kind, key), *_ = plain.items()
    inner = value[key]
    if key != kind or (isinstance(inner, str) and is_open(inner)):
        return None
    if _ATTRIBUTES.get(kind.upper()) == "text" and not isinstance(inner, str):
        hint = f'write {{"{kind}": "{inner}"}}' if isinstance(inner, int | float) else None
        return key, Problem(f"{kind} must be text in DynamoDB's JSON, not {abbreviate(inner)}", hint)
    if kind == "N" and not is_number(inner):
        return key, Problem(f"N must be a number as text, not {inner!r}")
    if _ATTRIBUTES.get(kind.upper()) == "boolean" and not (
        isinstance(inner, bool) or (takes_text and inner in ("true", "false"))
    ):
        return key, Problem(f"{kind} must be true or false, not {abbreviate(inner)}")
    return None
