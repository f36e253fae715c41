"""The kinds of value that ASL fields take, with the limits that AWS sets.

Source: ASL specification; AWS Step Functions Developer Guide, "Quotas" and the pages of the states.
"""

from __future__ import annotations

from typing import Any

from ..base.patterns import regex
from ..base.record import evolve
from .fields import Kind

MAX_SECONDS = 99_999_999
MAX_DELAY_SECONDS = 31_622_400
MAX_ATTEMPTS = 99_999_999

# RFC 3339 with the restrictions of the ASL specification, "Timestamps": capital T, and Z or an offset.
TIMESTAMP_PATTERN = regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_template(value: Any) -> bool:
    return isinstance(value, dict)


def is_timestamp(value: Any) -> bool:
    if not isinstance(value, str) or TIMESTAMP_PATTERN.fullmatch(value) is None:
        return False
    from ..expr.timestamps import parse_timestamp  # only a few definitions have one

    return parse_timestamp(value) is not None


def is_path_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def is_string(value: Any) -> bool:
    return isinstance(value, str)


def integer(minimum: int, maximum: int) -> Kind:
    what = f"an integer from {minimum:,} to {maximum:,}"
    return Kind(what, lambda value: is_integer(value) and minimum <= value <= maximum, least=minimum, most=maximum)


def seconds(minimum: int, maximum: int) -> Kind:
    return evolve(integer(minimum, maximum), is_duration=True)


def filled(cls: type[Any]) -> Kind:
    return Kind("an object with at least one field", lambda value: isinstance(value, dict) and bool(value), "part", cls)


def filled_parts(cls: type[Any]) -> Kind:
    return Kind("a list of at least one object", lambda value: isinstance(value, list) and bool(value), "parts", cls)


def number(minimum: float, maximum: float | None = None) -> Kind:
    what = f"a number of at least {minimum}" if maximum is None else f"a number from {minimum} to {maximum}"

    def accepts(value: Any) -> bool:
        return is_number(value) and minimum <= value and (maximum is None or value <= maximum)

    return Kind(what, accepts, least=float(minimum), most=None if maximum is None else float(maximum))


def one_of(*words: str) -> Kind:
    return Kind("one of " + ", ".join(words), lambda value: is_string(value) and value in words, text=True, words=words)


def part(cls: type[Any]) -> Kind:
    return Kind("an object", lambda value: isinstance(value, dict), "part", cls)


def parts(cls: type[Any]) -> Kind:
    return Kind("a list of objects", lambda value: isinstance(value, list), "parts", cls)


STRING = Kind("a string", is_string)
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
JSON = Kind("a JSON value", lambda value: True)
TEMPLATE = Kind("an object", is_template, "template")
ANY_TEMPLATE = Kind("a JSON value", lambda value: True, "template")
VARIABLES = Kind("an object of variable names and values", is_template, "template")
PATH = Kind("a JSONPath string or null", is_path_text, "path")
RESULT_PATH = Kind("a Reference Path or null", is_path_text, "path")
REFERENCE_PATH = Kind("a Reference Path", is_string, "path")
ITEMS_PATH = Kind("a path", is_string, "path")
TEXT_PATH = Kind("a Reference Path or an intrinsic function that returns a string", is_string, "path")
EXPRESSION = Kind("a path or an intrinsic function", is_string, "path")
RULE = Kind("a choice rule", lambda value: True, "rule")
ERROR_NAMES = Kind(
    "a list of at least one error name",
    lambda value: isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value),
)
STRINGS = Kind(
    "a list of strings",
    lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
)
TIMESTAMP = Kind(
    "an RFC 3339 timestamp such as 2030-01-31T12:00:00Z",
    is_timestamp,
    text=True,
    aws_message="String does not match RFC3339 timestamp",
)
SECONDS = seconds(0, MAX_SECONDS)
POSITIVE_SECONDS = seconds(1, MAX_SECONDS)
DELAY_SECONDS = seconds(1, MAX_DELAY_SECONDS)
COUNT = Kind("an integer of at least 0", lambda value: is_integer(value) and value >= 0, least=0)
STATE_NAME = Kind("the name of a state", lambda value: isinstance(value, str))
ITEMS = Kind("a list, or JSONata that returns one", lambda value: isinstance(value, list | dict))
MACHINE = Kind("an object with StartAt and States", lambda value: isinstance(value, dict), "machine")
MACHINES = Kind(
    "a list of at least one object with StartAt and States",
    lambda value: isinstance(value, list) and bool(value),
    "machines",
    aws_message="Value cannot be empty",
)
STATES = Kind("an object of states", lambda value: isinstance(value, dict), "states")
LANGUAGE = one_of("JSONPath", "JSONata")
