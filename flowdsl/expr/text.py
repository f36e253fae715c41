"""Text of JSON values as Step Functions writes it: Jackson's JSON and Java's own `toString`."""

from __future__ import annotations

import json
from typing import Any


def json_text(value: Any) -> str:
    """Compact JSON, numbers as Java writes them (`1.0E10`), other characters as they are."""
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return _quoted(value)


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
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
