"""ASL as canonical JSON text: what a build writes, and what snapshots compare."""

from __future__ import annotations

import json
from typing import Any

_encode_scalar = json.JSONEncoder(ensure_ascii=False).encode


def canonical_text(value: Any) -> str:
    """Return JSON text: two spaces of indent, keys in their order, one value a line, a newline at the end.

    The depth of the value has no limit.
    """
    pieces: list[str] = []
    write = pieces.append
    todo: list[Any] = [(value, "\n")]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            write(item)
            continue
        current, indent = item
        if isinstance(current, dict) and current:
            inner = indent + "  "
            write("{")
            todo.append(indent + "}")
            pairs = [*current.items()]
            for index in range(len(pairs) - 1, -1, -1):
                key, below = pairs[index]
                todo.append((below, inner))
                todo.append(f"{',' if index else ''}{inner}{_encode_scalar(str(key))}: ")
        elif isinstance(current, list | tuple) and current:
            inner = indent + "  "
            write("[")
            todo.append(indent + "]")
            for index in range(len(current) - 1, -1, -1):
                todo.append((current[index], inner))
                todo.append((",", "")[index == 0] + inner)
        else:
            write(_encode_scalar(current))
    return "".join(pieces) + "\n"
