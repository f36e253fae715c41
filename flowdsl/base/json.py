"""How Java sees JSON values: Jackson's JSON text, `toString`, and the order of a `HashSet`.

Step Functions is written in Java, and shows these in outputs and causes.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from .patterns import regex


def json_text(value: Any) -> str:
    """Compact JSON, numbers as Java writes them (`1.0E10`), other characters as they are."""
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return _quoted(value)


MAX_NESTING: Final = 250
"""How deep arrays and objects may stand in one another. AWS documents no limit (its JSON parser's own is 1,000); deeper
ones are refused, so that what walks a value never meets the limit of Python's stack."""


def is_too_deep(value: Any) -> bool:
    """Return True if the value is nested deeper than MAX_NESTING."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        containers = [part for part in level if isinstance(part, (dict, list))]
        level = [inner for part in containers for inner in (part.values() if isinstance(part, dict) else part)]
        if not level:
            return False
    return True


def parse_json(
    text: str | bytes,
    *,
    integer: Callable[[str], Any] | None = None,
    fraction: Callable[[str], Any] | None = None,
    members: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Parse JSON text. Raises ValueError for invalid JSON, NaN, a number beyond a double, or
    arrays and objects nested deeper than MAX_NESTING, too.

    `integer`, `fraction` and `members` make something else of numbers and objects.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse,
            parse_int=integer,
            parse_float=fraction or _finite,
            object_pairs_hook=members,
        )
    except RecursionError:
        value = None
    else:
        if not is_too_deep(value):
            return value
    raise ValueError("nested too deeply")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


def is_json_number(value: float) -> bool:
    """Return True for an integer or float that a double can hold.

    >>> is_json_number(10**308), is_json_number(10**400), is_json_number(float("nan"))
    (True, False, False)
    """
    return value.bit_length() <= 1024 if isinstance(value, int) else math.isfinite(value)


def java_text(value: Any) -> str:
    """`String.valueOf`: `{a=1, b=[x, null]}` for objects and arrays, strings without quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return json_text(value)


def double_text(value: float) -> str:
    """`Double.toString`: plain from 10^-3 up to 10^7, scientific outside."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = format(value, f".{_digits(value)}e").partition("e")
    return f"{mantissa}E{int(exponent)}"


def _digits(value: float) -> int:
    """Decimal places of the shortest mantissa that reads back as the same number; Java shows at least one."""
    shortest = repr(value).lstrip("-").partition("e")[0].replace(".", "").strip("0")
    return max(1, len(shortest) - 1)


def _quoted(value: Any) -> str:
    """As Jackson writes it: `\\u001F` where Python writes `\\u001f`."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPE.sub(lambda match: match[0].upper().replace("U", "u"), written) if "\\u" in written else written


_ESCAPE = regex(r"(?<!\\)(?:\\\\)*\\u[0-9a-f]{4}")


def class_name(value: Any, *, plain: bool) -> str:
    """The name of the class of a value: Jackson's node, or, of values that are `plain`, Java's own."""
    if plain and value is None:
        return "null"
    if plain and isinstance(value, str | bool | float):
        return f"java.lang.{_PLAIN[type(value)]}"
    if type(value) is int:
        kind = "Int" if -(2**31) <= value < 2**31 else "Long" if -(2**63) <= value < 2**63 else "BigInteger"
        if plain and kind != "BigInteger":
            return "java.lang.Integer" if kind == "Int" else "java.lang.Long"
    else:
        kind = _NODES[type(value)]
    return f"com.fasterxml.jackson.databind.node.{kind}Node"


_PLAIN: Final = {str: "String", float: "Double", bool: "Boolean"}
_NODES: Final = {str: "Text", float: "Double", bool: "Boolean", list: "Array", dict: "Object", type(None): "Null"}


def hash_set(values: list[Any]) -> list[Any]:
    """The distinct values in the order in which `new HashSet<>(values)` gives them back."""
    buckets = 16
    while buckets < len(values) / 0.75 + 1:
        buckets *= 2
    placed: dict[str, tuple[int, Any]] = {}
    for value in values:
        spread = hash_code(value)
        spread ^= spread >> 16
        # Equal as Java has it: 1 is not 1.0, and the order of an object's keys doesn't count.
        placed.setdefault(json.dumps(value, sort_keys=True), (spread & (buckets - 1), value))
    return [value for _, value in sorted(placed.values(), key=lambda item: item[0])]


def hash_code(value: Any) -> int:
    """`hashCode` of the Java value, as an unsigned 32-bit number."""
    if value is None:
        return 0
    if isinstance(value, bool):
        return 1231 if value else 1237
    if isinstance(value, int):
        low = value & 0xFFFFFFFF
        return low if -(2**31) <= value < 2**31 else low ^ ((value >> 32) & 0xFFFFFFFF)
    if isinstance(value, float):
        bits: int = struct.unpack(">Q", struct.pack(">d", value))[0]
        return (bits ^ (bits >> 32)) & 0xFFFFFFFF
    if isinstance(value, str):
        units = value.encode("utf-16-be", "surrogatepass")
        code = 0
        for at in range(0, len(units), 2):
            code = (31 * code + units[at] * 256 + units[at + 1]) & 0xFFFFFFFF
        return code
    if isinstance(value, list):
        code = 1
        for item in value:
            code = (31 * code + hash_code(item)) & 0xFFFFFFFF
        return code
    return sum(hash_code(key) ^ hash_code(item) for key, item in value.items()) & 0xFFFFFFFF


def texts_in(value: Any) -> Iterator[str]:
    """The texts in a JSON value, without the names of its fields, in no particular order."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            todo.extend(each.values() if isinstance(each, dict) else each)
