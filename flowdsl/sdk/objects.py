"""Tell the Data Science SDK's objects by their classes, without importing the SDK.

Source: aws-step-functions-data-science-sdk-python 2.3.0, steps/states.py and workflow/stepfunctions.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

Kind = Literal["Workflow", "Graph", "Chain", "State"]
_KINDS: dict[str, Kind] = {"Workflow": "Workflow", "Graph": "Graph", "Chain": "Chain", "State": "State"}
DISTRIBUTIONS = ("stepfunctions", "stepfunctions-asl", "stepfunctions-without-sagemaker")
"""The SDK and its forks, which all have the package `stepfunctions`."""


def sdk_class(value: object) -> type | None:
    """The class of the SDK that makes a value a workflow, graph, chain or state; None for anything else."""
    if "stepfunctions" not in sys.modules:
        return None
    for cls in type(value).__mro__:
        if cls.__name__ in _KINDS and cls.__module__.partition(".")[0] == "stepfunctions":
            return cls
    return None


def kind_of(value: object) -> Kind | None:
    """What the SDK calls a value; None for anything else."""
    cls = sdk_class(value)
    return _KINDS[cls.__name__] if cls else None


def installed_sdk() -> str:
    """The SDK's distribution and version, such as `stepfunctions 2.3.0`; `stepfunctions` if it is not known."""
    for name in DISTRIBUTIONS:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
    return "stepfunctions"


def states_of(value: Any) -> Iterator[Any]:
    """Every state that a graph, chain or state leads to, and those inside them, each once."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        kind = kind_of(each)
        if kind == "Chain":
            todo.extend(reversed(each.steps))
        elif kind == "Graph":
            todo.append(vars(each).get("branch"))
        elif kind == "State":
            yield each
            own = vars(each)
            ways = [own.get("next_step"), own.get("default"), own.get("iterator"), *own.get("branches", ())]
            ways += [catch.next_step for catch in own.get("catches", ())]
            ways += [step for _, step in own.get("choices", ())]
            ways.append((own.get("fields") or {}).get("iterator"))
            todo.extend(reversed(ways))
