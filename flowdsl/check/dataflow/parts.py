"""Parts of states as the data flow reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.json import texts_in
from ...base.patterns import regex
from ...base.words import abbreviate
from ...expr.path.tree import Index, Name, Path
from .shapes import STRING, Member, ObjectShape, Shape, Source


def in_order(first: Node) -> dict[str, int]:
    """Number the states so that each comes after those that lead to it, except in loops: then it is visited once."""
    seen, finished = {first}, []
    todo = [(first, iter(first.following))]
    while todo:
        node, following = todo[-1]
        target = next((each for each in following if each not in seen), None)
        if target is None:
            finished.append(node.name)
            todo.pop()
        else:
            seen.add(target)
            todo.append((target, iter(target.following)))
    return {name: index for index, name in enumerate(reversed(finished))}


_ANSWER = regex(r"\$states\.result\b|\$\.")


def reads_answer(state: Node, text: str) -> bool:
    """True if the state or, by the definition's text, a later one reads fields of its result: only then the model of
    the API is worth reading."""
    keys = ("Output", "Assign") if state.language == "JSONata" else ("ResultSelector", "Assign")
    if any(_ANSWER.search(each) for key in keys for each in texts_in(state.fields.get(key))):
        return True
    if "ResultSelector" in state.fields or "Output" in state.fields or state.is_terminal:
        return False
    place = state.fields.get("ResultPath", "$") if state.language == "JSONPath" else "$"
    if not isinstance(place, str):
        return False
    last = place.rpartition(".")[2]
    return any(f".{last}{after}" in text for after in ".[") if last != "$" else '"$.' in text or "$states.input" in text


def is_expression(value: Any) -> bool:
    """True for JSONata in its delimiters."""
    return isinstance(value, str) and value.startswith("{%")


_ERROR: Final = dict.fromkeys(("Error", "Cause"), Member(STRING))


def caught_error(state: Node) -> Shape:
    """Return the shape of the error that a Catch of the state gets."""
    return ObjectShape(_ERROR, True, Source(f"the error that {state.name!r} caught", "caught"))


def with_assigned(variables: Shape, assigned: Shape) -> Shape:
    """Add the assigned variables."""
    if not isinstance(assigned, ObjectShape) or not isinstance(variables, ObjectShape):
        return variables
    return ObjectShape({**variables.fields, **assigned.fields}, False)


def tests_of(state: Node) -> Iterator[tuple[dict[str, Any], AslPath]]:
    """Yield the comparisons of a Choice, including those inside And, Or and Not."""
    rules = state.fields.get("Choices")
    todo: list[tuple[Any, AslPath]] = [
        (rule, (*state.path, "Choices", index)) for index, rule in enumerate(rules if isinstance(rules, list) else [])
    ]
    while todo:
        rule, path = todo.pop()
        if not isinstance(rule, dict):
            continue
        if "Variable" in rule:
            yield rule, path
        for word in ("And", "Or"):
            inner = rule.get(word)
            todo.extend((each, (*path, word, at)) for at, each in enumerate(inner if isinstance(inner, list) else []))
        if "Not" in rule:
            todo.append((rule["Not"], (*path, "Not")))


_SIGNS = {"Equals": "==", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">="}


def in_python(variable: str, operator: str, operand: Any) -> str:
    """The comparison as authors write it in Python."""
    sign = _SIGNS.get(re.sub("String|Numeric|Boolean|Timestamp", "", operator))
    if sign:
        return f"{variable} {sign} {abbreviate(operand)}"
    return f"matches({variable}, {abbreviate(operand)})" if operator == "StringMatches" else operator


def needle_of(operand: Any) -> str | float | None:
    return operand if isinstance(operand, str | int | float) else None


def dicts(value: Any) -> list[dict[str, Any]]:
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else []


def keys_of(path: Path | None) -> tuple[str | int, ...] | None:
    """Return a path of single names and indexes as keys, or None if it has other steps."""
    if path is None:
        return None
    keys = first_keys(path)
    return keys if len(keys) == len(path.steps) else None


@lru_cache(maxsize=4096)  # a path is parsed once, too
def first_keys(path: Path) -> tuple[str | int, ...]:
    """Return the single names and indexes with which a path begins."""
    keys: list[str | int] = []
    for step in path.steps:
        if isinstance(step, Name) and len(step.names) == 1:
            keys.append(step.names[0])
        elif isinstance(step, Index) and len(step.indexes) == 1:
            keys.append(step.indexes[0])
        else:
            break
    return tuple(keys)
