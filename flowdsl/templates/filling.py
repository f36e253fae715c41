"""Fill placeholders of a definition, and find those in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..asl.placeholders import PLACEHOLDER
from ..base.diagnostics import AslPath


def fill(value: Any, values: Mapping[str, Any], bare: frozenset[str] = frozenset()) -> Any:
    """Return the JSON value with these placeholders replaced, in keys too.

    A string that is one placeholder becomes the value itself if that is not text, or if the placeholder was written
    outside quotes (`bare`) and the text is JSON, as for `"Seconds": ${Delay}`.
    """
    if isinstance(value, dict):
        return {fill_text(key, values): fill(item, values, bare) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, values, bare) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    match = PLACEHOLDER.fullmatch(value)
    if match and match[0][2:-1] in values:
        name = match[0][2:-1]
        new = values[name]
        if not isinstance(new, str):
            return new
        if name in bare:
            try:
                return json.loads(new)
            except ValueError:
                return new
    return fill_text(value, values)


def fill_text(text: str, values: Mapping[str, Any]) -> str:
    """Return the text with these placeholders replaced; others stay."""

    def replace(match: Any) -> str:
        name = match[0][2:-1]
        if name not in values:
            return str(match[0])
        new = values[name]
        return new if isinstance(new, str) else json.dumps(new)

    return PLACEHOLDER.sub(replace, text) if "${" in text else text


def placeholders(value: Any, path: AslPath = ()) -> Iterator[tuple[str, AslPath]]:
    """The name of each placeholder in a JSON value, with the ASL path of its string."""
    todo: list[tuple[AslPath, Any]] = [(path, value)]
    while todo:
        at, item = todo.pop()
        if isinstance(item, dict):
            todo.extend(((*at, key), below) for key, below in reversed(item.items()))
        elif isinstance(item, list):
            todo.extend(((*at, index), below) for index, below in reversed([*enumerate(item)]))
        elif isinstance(item, str) and "${" in item:
            for match in PLACEHOLDER.finditer(item):
                yield match[0][2:-1], at
