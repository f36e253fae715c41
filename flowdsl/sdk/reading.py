"""The definition of an object of the Data Science SDK, and what the SDK made of its arguments."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..base.diagnostics import AslPath, Diagnostic, FlowError, pointer
from ..base.record import Record
from .objects import installed_sdk, kind_of, sdk_class, states_of


class SdkDefinition(Record):
    """What an object of the SDK stands for."""

    definition: dict[str, Any]
    """The ASL as JSON values, as the SDK writes it."""
    name: str | None
    """The name of a Workflow; None for anything else."""
    sdk: str
    """The SDK's distribution and version: releases differ in the JSON that they make."""
    problems: tuple[Diagnostic, ...] = ()
    """Warnings: arguments that are not in the definition, names that change with each build."""


def is_sdk_object(value: object) -> bool:
    """True for a Workflow, Graph, Chain or State of the SDK, or of a fork."""
    return kind_of(value) is not None


def read_sdk(value: Any) -> SdkDefinition:
    """The definition of a Workflow, Graph, Chain or State (with all that it leads to).

    Raises FlowError if the value is none of them, or if the SDK cannot write it as JSON.
    """
    kind = kind_of(value)
    if kind is None:
        raise _unreadable(
            f"a {type(value).__name__} is no Workflow, Graph, Chain or State of the Data Science SDK",
            "give one of them, such as from_sdk(workflow)",
        )
    graph = value.definition if kind == "Workflow" else value
    try:
        fields = graph.to_dict() if kind_of(graph) == "Graph" else _graph_of(graph).to_dict()
    except RecursionError:
        raise _unreadable("the chain is too long for the SDK, which follows it recursively", "split it") from None
    except (ValueError, AttributeError) as error:
        raise _unreadable(f"the SDK refuses it: {error}", "correct the steps") from error
    definition = _json(fields, ())
    problems = (*_lost_arguments(graph, definition), *_volatile(definition))
    return SdkDefinition(definition, value.name if kind == "Workflow" else None, installed_sdk(), problems)


def _graph_of(value: Any) -> Any:
    """A chain or a state as the SDK's own Graph, which its module has beside it."""
    cls = sdk_class(value)
    make: Callable[[Any], Any] = sys.modules[cls.__module__ if cls else ""].Graph
    return make(value)


def _json(value: Any, path: AslPath) -> Any:
    """The value as JSON does it; dicts with other keys than text, as json.dumps writes them."""
    if isinstance(value, Mapping):
        return {_key(key): _json(item, (*path, _key(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, (*path, index)) for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    where = pointer(path)
    if hasattr(value, "to_jsonpath"):
        text = value.to_jsonpath()
        raise _unreadable(
            f"the SDK leaves the placeholder {text} in {where} as a Python object",
            "placeholders work as values of a dict in parameters; elsewhere write the path: "
            f'{{"names.$": "States.Array({text})"}}',
        )
    raise _unreadable(
        f"the SDK cannot write the {type(value).__name__} at {where} as JSON",
        "use add_retry(...) and add_catch(...)"
        if path and path[-1] in ("Retry", "Catch")
        else "give a value that JSON has",
    )


def _key(key: Any) -> str:
    return key if isinstance(key, str) else {True: "true", False: "false", None: "null"}.get(key, str(key))


def _unreadable(message: str, hint: str) -> FlowError:
    return FlowError.of(message, code="FD726", hint=hint)


def _lost_arguments(graph: Any, definition: Mapping[str, Any]) -> Iterable[Diagnostic]:
    """The retriers and catchers that a step got and its JSON lacks.

    Source: aws-step-functions-data-science-sdk-python issue 115: releases before 2.3.0 did not add what the constructor
    got to what add_retry adds.
    """
    states = {path[-1]: (path, state) for path, state in _states(definition)}
    for state in states_of(graph):
        path, fields = states.get(state.state_id, ((), {}))
        own = vars(state)
        for argument, name, listed in (("retry", "Retry", "retries"), ("catch", "Catch", "catches")):
            arguments = (own.get("fields") or {}).get(argument) or []
            wanted = [*(arguments if isinstance(arguments, list) else [arguments]), *own.get(listed, ())]
            missing = [each for each in wanted if each.to_dict() not in fields.get(name, [])]
            if missing:
                errors = ", ".join(missing[0].fields.get("error_equals") or [])
                message = f"the definition lacks a {name} ({errors}) that the step got"
                yield Diagnostic("FD727", message, path, "warning", None, f"use add_{argument}(...) alone")


def _states(definition: Mapping[str, Any]) -> Iterable[tuple[AslPath, Mapping[str, Any]]]:
    """Every state with its path, inner ones included."""
    todo: list[tuple[AslPath, Any]] = [((), definition)]
    while todo:
        path, graph = todo.pop()
        states = graph.get("States") if isinstance(graph, Mapping) else None
        for name, state in (states if isinstance(states, Mapping) else {}).items():
            here: AslPath = (*path, "States", name)
            if not isinstance(state, Mapping):
                continue
            yield here, state
            todo.extend(((*here, key), state[key]) for key in ("Iterator", "ItemProcessor") if key in state)
            branches = state.get("Branches")
            todo.extend(((*here, "Branches", n), each) for n, each in enumerate(branches or ()))


_TIMESTAMP = re.compile(r"-\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2}(-\d{3})?(?!\d)")
"""How sagemaker ends names that it makes. Source: sagemaker-python-sdk 2, base_serializers and utils.name_from_base."""


def _volatile(definition: Mapping[str, Any]) -> Iterable[Diagnostic]:
    """Text that has the time in it, and so differs in each build."""
    todo: list[tuple[AslPath, Any]] = [((), definition)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, Mapping):
            todo.extend(((*path, key), item) for key, item in reversed([*value.items()]))
        elif isinstance(value, list):
            todo.extend(((*path, index), item) for index, item in reversed([*enumerate(value)]))
        elif isinstance(value, str) and _TIMESTAMP.search(value):
            message = f"{path[-1]} {value!r} has the time in it: each build makes another definition"
            hint = "give the job a name or a placeholder, such as job_name=execution_input['JobName']"
            yield Diagnostic("FD728", message, path, "warning", None, hint)
