"""JSONata's functions of regular expressions, which jsonata-python has as Python's, as the reference implementation has
them.

Source: docs.jsonata.org, "Using Regular Expressions" and "String functions".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from .jsonata_signatures import FunctionError

Value = Any
Function = Callable[..., Value]


def matched(found: re.Match[str]) -> dict[str, Value]:
    """What a regular expression, called as a function, gives for a match."""
    return {"match": found[0], "start": found.start(), "end": found.end(), "groups": list(found.groups())}


def matches(pattern: Value, text: str) -> Iterator[re.Match[str]]:
    """The matches of a regular expression, which must not be empty."""
    for found in pattern.finditer(text):
        if found.end() == found.start():
            if found.start() == len(text) and text:
                return
            raise FunctionError("D1004: Regular expression matches zero length string")
        yield found


def match(original: Function, text: Value, pattern: Value, limit: Value) -> Value:
    if text and isinstance(pattern, re.Pattern):
        list(matches(pattern, text))
    return original(text, pattern, limit)


def split(original: Function, text: Value, pattern: Value, limit: Value) -> Value:
    """What a group of a regular expression captures is no part."""
    if not text or not isinstance(pattern, re.Pattern) or limit is not None:
        return original(text, pattern, limit)
    parts, start = [], 0
    for found in matches(pattern, text):
        parts.append(text[start : found.start()])
        start = found.end()
    return [*parts, text[start:]]


def replace(
    call: Callable[[Value, list[Value]], Value],
    text: Value,
    pattern: Value,
    replacement: Value,
    limit: Value,
) -> Value:
    """A replacement that is text refers to what a regular expression captured; a function is given the match."""
    if text is None:
        return None
    if pattern == "":
        raise FunctionError("D3010: Second argument of replace function cannot be an empty string")
    if limit is not None and limit < 0:
        raise FunctionError("D3011: Fourth argument of replace function must evaluate to a positive number")
    most = math.inf if limit is None else math.ceil(limit)
    if isinstance(pattern, str):
        return text.replace(pattern, str(replacement), -1 if most == math.inf else int(most))
    parts, start = [], 0
    for number, found in enumerate(matches(pattern, text)):
        if number >= most:
            break
        if isinstance(replacement, str):
            new = _filled(replacement, found)
        elif not isinstance(new := call(replacement, [matched(found)]), str):
            raise FunctionError("D3012: Attempted to replace a matched string with a non-string value")
        parts += [text[start : found.start()], new]
        start = found.end()
    return "".join([*parts, text[start:]])


def _filled(replacement: str, found: re.Match[str]) -> str:
    """`$0` is the match, `$1` what the first group captured, `$$` a dollar sign; other dollar signs are themselves.

    A number has as many digits as that of the last group, one less where there is no such group.
    """
    groups = found.groups()
    digits = len(str(len(groups)))

    def fill(reference: re.Match[str]) -> str:
        written = reference[1]
        if written in ("$", "0"):
            return "$" if written == "$" else found[0]
        number, rest = written[:digits], written[digits:]
        if digits > 1 and int(number) > len(groups):
            number, rest = written[: digits - 1], written[digits - 1 :]
        captured = groups[int(number) - 1] if 0 < int(number) <= len(groups) else None
        return (captured or "") + rest

    return re.sub(rf"\$(\$|0|[0-9]{{1,{digits}}})", fill, replacement)
