"""From what an author says to ASL fields: `into`, functions, payloads and expressions, in one query language.

A lowered state has ASL fields only; it is what `load` makes from the state's JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from ..base.diagnostics import AslPath
from . import fn
from .expressions import DISCARD, Expression, Path, result, state_input
from .fields import UNSET, Element, Language, evolve
from .flow import Flow
from .functions import Dynamic, Function
from .jsonpath import path_text
from .states import Building, Catcher, Choice, Map, Parallel, Pass, Rule, State, Task, Working
from .writing import Report, written

Placed = TypeVar("Placed", Building, Catcher)

_KEY = re.compile(r"[^$.\[\]]+")

INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = INVOKE + ".waitForTaskToken"


@attrs.frozen
class Lowered:
    """A state in ASL fields, and the Pass that must follow it where one ASL state cannot say it all."""

    state: State
    tail: Pass | None = None


def lower(state: State, language: Language, report: Report) -> Lowered:
    """The state with everything that is not ASL turned into ASL.

    The wiring (`next`, the steps of rules and catchers) and the inner flows are the machine's part.
    """
    tail = None
    produced: Any = result
    state = _meant(state, report)
    if isinstance(state, Task):
        state, produced = _called(state, language, report)
        if language == "JSONPath" and produced is not result:
            state, tail = _unwrapped(state)
    elif isinstance(state, Parallel) and isinstance(state.named, Mapping):
        state, produced = _named(state, language)
    elif isinstance(state, Parallel) and state.named is not UNSET:
        report(
            ("Branches",), "named is a dict of branches by name", 'write named={"receipt": ..., "totals": ...}', None
        )
    elif isinstance(state, Pass) and language == "JSONata":
        state, produced = _passed(state)
    elif isinstance(state, Map):
        state = evolve(state, mode=UNSET, execution_type=UNSET)
    if isinstance(state, Building):
        state = _placed(state, language, produced, report, ())
    if isinstance(state, Working) and isinstance(state.catch, list | tuple):
        catchers = tuple(
            _placed(each, language, Path("error"), report, ("Catch", index)) if isinstance(each, Catcher) else each
            for index, each in enumerate(state.catch)
        )
        state = evolve(state, catch=catchers)
    return Lowered(written(state, language, report, ()), tail)


def _meant(state: State, report: Report) -> State:
    """The state without what it cannot have beside each other, and without parts of the wrong kind; all reported."""
    if isinstance(state, Building) and state.into is not UNSET and state.result_path is not UNSET:
        report(("ResultPath",), "into and result_path both say where the result goes", "write one of them", None)
    if isinstance(state, Choice) and isinstance(state.choices, list | tuple):
        for rule in state.choices:
            if not isinstance(rule, Element):
                what = f"a Choice takes when(...), not {_kind(rule)}"
                report(("Choices",), what, "write when(condition, steps...)", None)
        return evolve(state, choices=tuple(rule for rule in state.choices if isinstance(rule, Element)))
    if isinstance(state, Parallel):
        if state.named is not UNSET and state.branches is not UNSET:
            report(("Branches",), "branches are given in a row or as named=, not both", "write one of them", None)
        if isinstance(state.branches, list | tuple):
            for index, branch in enumerate(state.branches):
                if not _runs(branch):
                    hint = "write them one after the other; steps in a row are chain(...)"
                    report(("Branches", index), f"a branch is a state or a chain, not {_kind(branch)}", hint, None)
            return evolve(state, branches=tuple(each for each in state.branches if _runs(each)))
    if isinstance(state, Map) and state.processor is not UNSET and not _runs(state.processor):
        hint = 'a function is called by a Task: processor=Task("Each", function)'
        report(("ItemProcessor",), f"a processor is a state or a chain, not {_kind(state.processor)}", hint, None)
        return evolve(state, processor=UNSET)
    return state


def _runs(value: Any) -> bool:
    """Whether a value can be a branch or what a Map does for each item."""
    return isinstance(value, Flow) or (isinstance(value, Element) and not isinstance(value, Function | Rule | Catcher))


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _called(task: Task, language: Language, report: Report) -> tuple[Task, Path]:
    """The fields of a Lambda call, and where its answer stands in the result.

    A function known beforehand is the Resource itself, so that its answer is the result. One that is chosen at run
    time, or gets a task token, needs the `lambda:invoke` integration, which wraps the answer in an object as Payload.
    Source: Step Functions Developer Guide, "Invoke an AWS Lambda function with Step Functions".
    """
    function, payload, waits = task.resource, task.payload, task.wait_for_task_token
    task = evolve(task, payload=UNSET, wait_for_task_token=False)
    if not isinstance(function, Function | Dynamic):
        return task, result
    if isinstance(function, Function) and not waits:
        changes: dict[str, Any] = {"resource": function.arn}
        if payload is not UNSET:
            by_path = "input_path" if isinstance(payload, Expression) else "parameters"
            changes["arguments" if language == "JSONata" else by_path] = payload
        return evolve(task, **changes), result
    if waits and payload is UNSET:
        what = "the function gets no task token, so nothing can answer it"
        report(("Resource",), what, 'write payload={"token": task_token, "document": state_input}', None)
    call = {
        "FunctionName": function.arn if isinstance(function, Function) else function.path,
        "Payload": state_input if payload is UNSET else payload,
    }
    changes = {"resource": INVOKE_AND_WAIT if waits else INVOKE}
    changes["arguments" if language == "JSONata" else "parameters"] = call
    return evolve(task, **changes), result if waits else result.Payload


def _unwrapped(task: Task) -> tuple[Task, Pass | None]:
    """A JSONPath Task whose answer is the Payload of its result.

    ResultPath adds the whole result to the input; that only its Payload stays there takes a second state.
    """
    if not isinstance(task.into, str):
        return (evolve(task, output_path="$.Payload") if task.into is UNSET else task), None
    place = state_input[task.into]
    tail = Pass(
        task.name + ".Payload",
        input_path=path_text(place.Payload),
        result_path=path_text(place),
        origin=task.origin,
    )
    return task, tail


def _named(parallel: Parallel, language: Language) -> tuple[Parallel, Any]:
    named: Mapping[str, Any] = {} if parallel.named is UNSET else parallel.named
    selector = {name: result[index] for index, name in enumerate(named)}
    changes: dict[str, Any] = {"named": UNSET, "branches": tuple(named.values())}
    if language == "JSONPath":
        return evolve(parallel, **changes, result_selector=selector), result
    return evolve(parallel, **changes), selector


def _passed(state: Pass) -> tuple[Pass, Any]:
    """JSONata has neither Result nor Parameters: the value goes into Output."""
    produced = next((value for value in (state.result, state.parameters) if value is not UNSET), UNSET)
    state = evolve(state, result=UNSET, parameters=UNSET)
    if produced is UNSET:
        return state, state_input
    if state.into is UNSET and state.output is UNSET:
        state = evolve(state, output=produced)
    return state, produced


def _placed(element: Placed, language: Language, produced: Any, report: Report, path: AslPath) -> Placed:
    """`into`: the field where the result stands in the output."""
    into = element.into
    if into is not UNSET and into is not DISCARD and not (isinstance(into, str) and _KEY.fullmatch(into)):
        key = re.sub(r"^\$\.?", "", into).partition(".")[0] if isinstance(into, str) else ""
        hint = f'write into={json.dumps(key or "payment")}; for a place deeper down, result_path="$.a.b"'
        report((*path, "ResultPath"), f"into is the name of one field, not {into!r}", hint, None)
    element = evolve(element, into=UNSET)
    if language == "JSONPath":
        if into is DISCARD:
            return evolve(element, result_path=None)
        return evolve(element, result_path=path_text(state_input[into])) if isinstance(into, str) else element
    if into is DISCARD:
        return evolve(element, output=state_input)
    if isinstance(into, str):
        return evolve(element, output=fn.merge(state_input, {into: produced}))
    wrapped = produced is not result and not isinstance(element, Catcher | Pass)
    return evolve(element, output=produced) if wrapped else element
