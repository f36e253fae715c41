"""What a machine says once: the parts that several states have."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from . import code as c
from .code import Code
from .naming import snake

FEWEST_TASKS = 3
"""The number of Tasks from which on what all of them have becomes `Defaults`."""
_HIGH = 4
"""The lines of a value, besides the first, from which on it is written once."""
_LONG = 60
"""The length of a call of a service from which on it is written once."""


def repeated_parts(codes: Iterable[Code]) -> dict[Code, str]:
    """The retriers, catchers, functions, calls and large values that are written more than once, with names for them.

    What is in such a part counts once, for the part will be written once.
    """
    uses: Counter[Code] = Counter()
    keys: dict[Code, str] = {}
    todo: list[tuple[str, Code]] = [("", code) for code in codes]
    while todo:
        key, code = todo.pop()
        if _is_shareable(code):
            uses[code] += 1
            keys.setdefault(code, key)
            if uses[code] > 1:
                continue
        todo.extend(reversed([*_keyed(key, code)]))
    return {
        part: _part_name(part, keys[part]) for part, count in uses.items() if count > 1 or isinstance(part, c.LongText)
    }


def _keyed(key: str, code: Code) -> Iterator[tuple[str, Code]]:
    """The parts of the code, with their keywords or keys."""
    if isinstance(code, c.PythonCall):
        yield from code.arguments
    elif isinstance(code, c.Dict):
        yield from code.pairs
    else:
        yield from ((key, part) for part in c.children(code))


def _is_shareable(code: Code) -> bool:
    if isinstance(code, c.LongText):
        return True
    if isinstance(code, c.Dict):
        return c.laid_out("", code).count("\n") >= _HIGH
    if not isinstance(code, c.PythonCall):
        return False
    if isinstance(code.function, c.Api):
        return code.function.name in ("retry", "catch", "Function") and len(code.arguments) > 1
    return _is_action(code) and len(c.one_line(code)) > _LONG


def _is_action(code: c.PythonCall) -> bool:
    return isinstance(code.function, c.Text) and code.function.text.startswith("aws.")


def _part_name(part: Code, key: str) -> str:
    """A name for a part that several steps have; a value has that of its keyword or key."""
    if isinstance(part, c.PythonCall) and isinstance(part.function, c.Text):
        words = [word for word in part.function.text.split(".") if word not in ("sync", "wait_for_task_token")]
        return words[-1].rstrip("_") + "_call"
    if not isinstance(part, c.PythonCall) or not isinstance(part.function, c.Api):
        return snake(key) if key else "value"
    first = part.arguments[0][1]
    if any(isinstance(each, c.Api) and each.name == "LAMBDA_SERVICE_ERRORS" for each in c.walk(first)):
        return "lambda_errors"
    texts = [each.text for each in c.walk(first) if isinstance(each, c.Text)]
    name = str(ast.literal_eval(texts[0])) if texts and texts[0][0] in "\"'" else "errors"
    kind = part.function.name
    if kind == "Function":
        return f"{snake(name)}_function"
    is_every = name == "States.ALL"
    if kind == "retry":
        if is_every:
            return "any_error"
        return snake(name.partition(".")[0] if name.startswith("Lambda.") else name.rpartition(".")[2]) + "_errors"
    error = "error" if is_every else re.sub("_exception$", "", snake(name.rpartition(".")[2]))
    return f"on_{error}"


def common_fields(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The Retry and the TimeoutSeconds that all Tasks of a machine have, if there are at least three."""
    tasks: list[Mapping[str, Any]] = []
    todo: list[Any] = [definition]
    while todo:
        graph = todo.pop()
        for state in graph["States"].values():
            if state["Type"] == "Task":
                tasks.append(state)
            todo.extend(state.get("Branches", ()))
            todo.extend(state[key] for key in ("ItemProcessor", "Iterator") if key in state)
    if len(tasks) < FEWEST_TASKS:
        return {}
    common = {}
    for key in ("Retry", "TimeoutSeconds"):
        values = [task.get(key) for task in tasks]
        if values[0] and all(value == values[0] and type(value) is type(values[0]) for value in values):
            common[key] = values[0]
    return common
