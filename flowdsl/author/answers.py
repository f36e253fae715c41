"""What `result` means in a state whose answer is only a part of ASL's result.

A Lambda that is chosen when the flow runs answers inside an object, as Payload; the branches of a Parallel answer as
a list although the author gave them names. The author's `result` is the answer in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.record import evolve
from . import nodes
from .expressions import Expression, Path, Template, node_of, result
from .tokens import has_tokens

Answer = Path | Mapping[str, Path]
"""The path to the answer in ASL's result, or a path for each of its fields."""


def read_from(value: Any, answer: Answer) -> Any:
    """The value with each path below `result` leading to the answer instead."""
    if answer is result:
        return value
    if isinstance(value, Mapping):
        return {key: read_from(part, answer) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(read_from(part, answer) for part in value)
    if not is_expression(value):
        return value
    node = nodes.replaced(node_of(value), lambda node: _below(node, answer) if isinstance(node, nodes.Path) else node)
    return Path(node.root, node.steps, node.mark) if isinstance(node, nodes.Path) else Expression(node)


def _below(path: nodes.Path, answer: Answer) -> nodes.Node:
    if path.root != "result":
        return path
    if isinstance(answer, Path):
        return evolve(path, steps=(*answer._node.steps, *path.steps))
    if not path.steps:
        return node_of(answer)
    first, *rest = path.steps
    if not isinstance(first, str) or first not in answer:
        return path
    return evolve(path, steps=(*answer[first]._node.steps, *rest))


def is_expression(value: Any) -> bool:
    """True if the value itself is known only when the flow runs; so is an f-string with expressions in it."""
    return isinstance(value, Expression | Template) or (isinstance(value, str) and has_tokens(value))


def holds_expressions(value: Any) -> bool:
    """True if some part of the value is known only when the flow runs."""
    if isinstance(value, Mapping):
        return any(map(holds_expressions, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_expressions, value))
    return is_expression(value)


def reads_result(value: Any) -> bool:
    """True if the value has a path below `result` in it."""
    if isinstance(value, Mapping):
        return any(map(reads_result, value.values()))
    if isinstance(value, list | tuple):
        return any(map(reads_result, value))
    if not is_expression(value):
        return False
    return any(isinstance(node, nodes.Path) and node.root == "result" for node in nodes.walk(node_of(value)))
