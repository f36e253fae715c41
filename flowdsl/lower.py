"""From what an author says to ASL fields: `into`, functions, payloads and expressions, in one query language.

A lowered state has ASL fields only; it is what `load` makes from the state's JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import attrs

from .author import DISCARD, Condition, Dynamic, Expression, Function, Jsonata, Path, result, state_input
from .diagnostics import AslPath
from .fields import UNSET, ByPath, Element, Language, Spec, evolve, given
from .intrinsic import array
from .states import Building, Calling, Catcher, Map, Parallel, Pass, State, Task, Working

Report = Callable[[AslPath, str, str], None]
"""Called with the path inside the state, what is wrong, and what to write instead."""

Placed = TypeVar("Placed", Building, Catcher)

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
    if isinstance(state, Task):
        state, produced = _called(state, language)
        if language == "JSONPath" and produced is not result:
            state, tail = _unwrapped(state)
    elif isinstance(state, Parallel) and state.named is not UNSET:
        state, produced = _named(state, language)
    elif isinstance(state, Pass) and language == "JSONata":
        state, produced = _passed(state)
    elif isinstance(state, Map):
        state = evolve(state, mode=UNSET, execution_type=UNSET)
    if isinstance(state, Building):
        state = _placed(state, language, produced)
    if isinstance(state, Working) and state.catch is not UNSET:
        catchers = tuple(_placed(each, language, Path("error")) for each in state.catch)
        state = evolve(state, catch=catchers)
    return Lowered(_written(state, language, report, ()), tail)


def _called(task: Task, language: Language) -> tuple[Task, Path]:
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
            by_path = "input_path" if isinstance(payload, Path) else "parameters"
            changes["arguments" if language == "JSONata" else by_path] = payload
        return evolve(task, **changes), result
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
        input_path=place.Payload.write("JSONPath"),
        result_path=place.write("JSONPath"),
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


def _placed(element: Placed, language: Language, produced: Any) -> Placed:
    """`into`: the field where the result stands in the output."""
    into = element.into
    element = evolve(element, into=UNSET)
    if language == "JSONPath":
        if into is DISCARD:
            return evolve(element, result_path=None)
        return evolve(element, result_path=state_input[into].write("JSONPath")) if isinstance(into, str) else element
    if into is DISCARD:
        return evolve(element, output=state_input)
    if isinstance(into, str):
        merged = f"$merge([$states.input, {{{json.dumps(into)}: {expression(produced)}}}])"
        return evolve(element, output=Jsonata(merged))
    wrapped = produced is not result and not isinstance(element, Catcher | Pass)
    return evolve(element, output=Jsonata(expression(produced))) if wrapped else element


def expression(value: Any) -> str:
    """A value with expressions in it as one JSONata expression."""
    if isinstance(value, Expression):
        return value.write("JSONata")
    if isinstance(value, Jsonata):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {expression(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(expression(item) for item in value) + "]"
    return json.dumps(value)


# Writing values


def _written(element: Any, language: Language, report: Report, path: AslPath) -> Any:
    """The element with every expression in it written in the query language."""
    changes: dict[str, Any] = {}
    for spec, value in given(element):
        shape = spec.kind.shape
        if shape in ("machine", "machines", "states"):
            continue
        here = (*path, spec.name)
        if shape == "part" and isinstance(value, Element):
            written = _written(value, language, report, here)
        elif shape == "parts" and isinstance(value, list | tuple):
            written = tuple(
                _written(item, language, report, (*here, index)) if isinstance(item, Element) else item
                for index, item in enumerate(value)
            )
        else:
            _wrong_root(element, spec, value, language, report, here)
            written = _value(value, spec, language, report, here)
        if written is not value:
            changes[spec.attribute] = written
    return evolve(element, **changes) if changes else element


def _value(value: Any, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    if isinstance(value, Jsonata):
        if language == "JSONPath":
            report(
                path,
                "a JSONata expression in a JSONPath state",
                'say query_language="JSONata" on the state or machine',
            )
        return f"{{% {value.text} %}}"
    if isinstance(value, Condition):
        if spec.kind.shape != "rule":
            report(path, f"a condition as {spec.name}", "conditions belong into when(...)")
        return f"{{% {value.write(language)} %}}" if language == "JSONata" else value.rule()
    if isinstance(value, Expression):
        return _expression(value, spec, language, report, path)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if spec.kind.shape == "template" and isinstance(value, Mapping | list | tuple):
        return template(value, language, report, path)
    return list(value) if isinstance(value, tuple) else value


def _expression(value: Expression, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    text = value.write(language)
    if language == "JSONata" and (spec.jsonata or spec.kind.shape == "template"):
        return f"{{% {text} %}}"
    if language == "JSONPath" and spec.path:
        return ByPath(text)
    if language == "JSONPath" and spec.kind.shape == "path":
        return text
    hint = 'put it under a key: {"name": path}' if spec.kind.shape == "template" else "write a constant"
    report(path, f"{spec.name} cannot be an expression under {language}", hint)
    return text


def template(value: Any, language: Language, report: Report, path: AslPath = ()) -> Any:
    """A payload template with its expressions written: `"key.$"` under JSONPath, `{% %}` under JSONata."""
    if isinstance(value, Mapping):
        if language == "JSONata":
            return {key: template(item, language, report, (*path, key)) for key, item in value.items()}
        return dict(_pair(key, item, report, path) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [template(item, language, report, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Jsonata):
        return _value(value, _JSONATA, language, report, path)
    if isinstance(value, Expression):
        if language == "JSONata":
            return f"{{% {value.write(language)} %}}"
        report(path, "a path inside a list of objects", "JSONPath templates need it under a key of an object")
        return value.write(language)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _pair(key: str, value: Any, report: Report, path: AslPath) -> tuple[str, Any]:
    """One key of a JSONPath payload template; a list with paths in it becomes States.Array."""
    if isinstance(value, list | tuple) and not any(isinstance(item, Mapping | list | tuple) for item in value):
        value = array(*value) if any(isinstance(item, Expression) for item in value) else value
    if isinstance(value, Expression):
        return key + ".$", value.write("JSONPath")
    return key, template(value, "JSONPath", report, (*path, key))


_JSONATA = next(spec for spec, _ in given(Pass("", output=None)) if spec.name == "Output")


def _wrong_root(element: Any, spec: Spec, value: Any, language: Language, report: Report, path: AslPath) -> None:
    """JSONPath has one `$`: which value it is depends on the field, so the other one cannot be said there."""
    if language == "JSONata" or not isinstance(value, Mapping | list | tuple | Path):
        return
    sees_result = spec.name == "ResultSelector" or (spec.name == "Assign" and isinstance(element, Calling | Map))
    sees_error = isinstance(element, Catcher)
    for root in sorted(_roots(value)):
        if root == "input" and sees_result:
            hint = "use result, or keep the value in a variable beforehand"
            report(path, f"{spec.name} of a JSONPath {element.type} sees the result, not the input", hint)
        elif root == "result" and not sees_result:
            report(path, f"{spec.name} cannot see the state's result under JSONPath", "use .out in a later state")
        elif root == "error" and not sees_error:
            report(path, "error_output is known only in a catch", "use catch(..., into=...) and read it later")


def _roots(value: Any) -> set[str]:
    if isinstance(value, Path):
        return {value._root}
    if isinstance(value, Mapping):
        return set().union(*map(_roots, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_roots, value))
    return set()
