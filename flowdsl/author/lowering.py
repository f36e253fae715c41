"""From what an author writes to ASL fields, in one query language.

Every state that works answers three questions: what it gets (`arguments`, `payload`), what its result is (`output`),
and where that goes (`into`). A lowered state has ASL fields only; it is what `load` makes from the state's JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from ..base.diagnostics import AslPath
from ..base.patterns import regex
from ..base.record import Record, evolve
from . import fn, nodes
from .answers import Answer, holds_expressions, is_expression, read_from, reads_result
from .conflicts import Report, without_conflicts
from .describing import described
from .expressions import DISCARD, Expression, Path, error_output, node_of, result, state_input
from .fields import UNSET, Language
from .invocation import lower_call
from .jsonpath import JSONATA, path_text
from .services import with_services
from .states import (
    Building,
    Calling,
    Catcher,
    Choice,
    Credentials,
    Map,
    Parallel,
    Pass,
    Passing,
    Rule,
    State,
    Task,
    Working,
)
from .tokens import tokens_in
from .writing import written

_KEY = regex(r"[^$.\[\]]+")
T = TypeVar("T")
Placed = TypeVar("Placed", bound=Building | Catcher)


class Lowered(Record):
    """A state in ASL fields, and the Pass that must follow it if one ASL state cannot do it all."""

    state: State
    tail: Pass | None = None


def lower(state: State, language: Language, report: Report) -> Lowered:
    """The state with everything that is not ASL turned into ASL.

    The wiring (`next`, the steps of rules and catchers) and the inner flows are the machine's part.
    """
    state, tail = without_conflicts(with_services(state, language, report), report), None
    answer: Answer = result
    if isinstance(state, Task):
        state = _credentials(state)
        state, answer = lower_call(state, report)
    elif isinstance(state, Parallel):
        state, answer = _named(state)
    elif isinstance(state, Map):
        state = _map(state, language, report)
    if isinstance(state, Calling):
        state = _arguments(state, language, report, ())
    state = _output_by_path(state, language, report)
    if isinstance(state, Building):
        state = _into_checked(state, report, ())
        if language == "JSONata":
            state = _by_jsonata(state, answer, report)
        elif isinstance(state, Pass):
            state = _pass_by_path(state, report)
        else:
            state, tail = _by_path(state, answer, report)
    elif language == "JSONPath" and isinstance(state, Passing) and isinstance(state.output, Path):
        state = _moved(state, "output", "output_path", report)
    if isinstance(state, Working) and isinstance(state.catch, tuple):
        caught = [_caught(each, language, report, ("Catch", index)) for index, each in enumerate(state.catch)]
        state = evolve(state, catch=tuple(caught))
    return Lowered(written(state, language, report, ()), tail and written(tail, language, report, ()))


# What a state gets


def _arguments(element: T, language: Language, report: Report, path: AslPath) -> T:
    """`arguments` under JSONPath: a path is InputPath, anything else Parameters."""
    arguments = getattr(element, "arguments", UNSET)
    if language == "JSONata" or arguments is UNSET:
        return element
    by_path = hasattr(element, "input_path") and isinstance(arguments, Path)
    if is_expression(arguments) and not by_path and not _is_jsonata(arguments):
        takes = "a path or an object" if hasattr(element, "input_path") else "an object"
        node = node_of(arguments)
        what = f"what the state gets is {takes} under JSONPath, not {described(node)}"
        hint = f'put it under a key: {{"name": ...}}, or {JSONATA}'
        report((*path, "Arguments"), what, hint, node.origin)
        return evolve(element, arguments=UNSET)
    return _moved(element, "arguments", "input_path" if by_path else "parameters", report, path)


def _moved(element: T, keyword: str, to: str, report: Report, path: AslPath = ()) -> T:
    """The element with a keyword's value under another one, which must be free."""
    if getattr(element, to) is not UNSET:
        at = (*path, "".join(part.title() for part in to.split("_")))
        report(at, f"{keyword}= and {to}= exclude each other", f"remove {to}=", None)
    return evolve(element, **{keyword: UNSET, to: getattr(element, keyword)})


def _credentials(task: Task) -> Task:
    """The Task with `credentials={"RoleArn": ...}` as Credentials, which takes expressions."""
    if not isinstance(task.credentials, Mapping) or not holds_expressions(task.credentials):
        return task
    others = dict(task.credentials)
    role = others.pop("RoleArn", UNSET)
    return evolve(task, credentials=Credentials(role, extras=others, origin=task.origin))


def _named(parallel: Parallel) -> tuple[Parallel, Answer]:
    if parallel.named is UNSET:
        return parallel, result
    answer = {name: result[index] for index, name in enumerate(parallel.named)}
    return evolve(parallel, named=UNSET, branches=tuple(parallel.named.values())), answer


def _map(state: Map, language: Language, report: Report) -> Map:
    if state.processor is UNSET:
        for keyword in ("mode", "execution_type"):
            if getattr(state, keyword) is not UNSET:
                report(("ItemProcessor",), f"{keyword}= belongs to processor=", "write processor=", None)
    changes = {"mode": UNSET, "execution_type": UNSET}
    parts = {"item_reader": "ItemReader", "result_writer": "ResultWriter"}
    lowered = {key: _arguments(getattr(state, key), language, report, (name,)) for key, name in parts.items()}
    return evolve(state, **changes, **lowered)


def _output_by_path(state: State, language: Language, report: Report) -> State:
    """The state without an `output` that JSONPath cannot write, in its catchers and rules too."""
    if language == "JSONata":
        return state
    if isinstance(state, Passing) and not isinstance(state, Building) and not _may_stay(state.output):
        what = f"output= of a {state.type} is a path under JSONPath, not an object"
        report(("Output",), what, f'put Pass("Name", output=...) before it, or {JSONATA}', None)
        state = evolve(state, output=UNSET)
    if isinstance(state, Choice) and isinstance(state.choices, tuple):
        rules: list[Any] = []
        for index, rule in enumerate(state.choices):
            if isinstance(rule, Rule) and not (rule.output is UNSET or _is_jsonata(rule.output)):
                hint = f'put Pass("Name", output=...) first among its steps, or {JSONATA}'
                report(("Choices", index, "Output"), "output= of a rule needs JSONata", hint, None)
                rule = evolve(rule, output=UNSET)
            rules.append(rule)
        state = evolve(state, choices=tuple(rules))
    return state


def _may_stay(output: Any) -> bool:
    """True for what is written, or left for the checker to refuse."""
    return output is UNSET or isinstance(output, Path) or _is_jsonata(output)


# What its result is, and where that goes


def _variable(into: Any) -> str | None:
    """The name of the variable that `into` is, if it is one."""
    return into._variable if isinstance(into, Path) else None


def _into_checked(element: Placed, report: Report, path: AslPath) -> Placed:
    """The element without an `into` that is neither a field, a variable nor DISCARD."""
    into = element.into
    if isinstance(into, str) and (tokens := tokens_in(into)):
        hint = 'write into="payment" for a field of the document, or into=var.payment for a variable'
        report((*path, "ResultPath"), "into= is constant text, without an expression", hint, tokens[0].origin)
        return evolve(element, into=UNSET)
    if into is UNSET or into is DISCARD or _variable(into) or (isinstance(into, str) and _KEY.fullmatch(into)):
        return element
    key = re.sub(r"^\$+\.?", "", path_text(into) if isinstance(into, Path) else str(into)).partition(".")[0]
    name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else "payment"
    hint = f"write into={json.dumps(name)} for a field of the document, or into=var.{name} for a variable"
    if into is None:
        hint = "write into=DISCARD to drop the result"
    report((*path, "ResultPath"), f"into= is the name of one field or one variable, not {into!r}", hint, None)
    return evolve(element, into=UNSET)


def _assigning(element: Placed, name: str, value: Any, report: Report, path: AslPath) -> Placed:
    """The element that also assigns the value to the variable."""
    assign = {} if element.assign is UNSET else element.assign
    if not isinstance(assign, Mapping):
        return element
    if name in assign:
        what = f"into= and assign= both set the variable {name}"
        report((*path, "Assign"), what, "remove one of them, or use another name", None)
    return evolve(element, assign={**assign, name: value})


def _value_of(state: Pass) -> Any:
    """What the author gives as the result of a Pass, or UNSET."""
    return next((each for each in (state.output, state.result, state.parameters) if each is not UNSET), UNSET)


def _by_jsonata(state: Building, answer: Answer, report: Report) -> Building:
    """Output and Assign. A Pass has nothing else, its result goes there too."""
    if isinstance(state, Pass):
        value, answer = _value_of(state), state_input
        state = evolve(state, result=UNSET, parameters=UNSET)
    else:
        value = UNSET if state.output is UNSET else read_from(state.output, answer)
        state = evolve(state, assign=read_from(state.assign, answer))
    is_plain = value is UNSET and (answer is result or isinstance(state, Pass))
    return _output(state, answer if value is UNSET else value, is_plain, report, ())


def _output(element: Placed, value: Any, is_plain: bool, report: Report, path: AslPath) -> Placed:
    """The element with `into` as Output and Assign. `is_plain` if the value is the output without any Output."""
    into, element = element.into, evolve(element, into=UNSET)
    name = _variable(into)
    if name:
        element = _assigning(element, name, value, report, path)
        if isinstance(element, Pass):
            return evolve(element, output=UNSET)
    if name or into is DISCARD:
        return evolve(element, output=state_input)
    if isinstance(into, str):
        return evolve(element, output=fn.merge(state_input, {into: value}))
    return element if is_plain else evolve(element, output=value)


def _by_path(state: Building, answer: Answer, report: Report) -> tuple[Building, Pass | None]:
    """ResultSelector, Assign, ResultPath and OutputPath, for a state with a result of its own."""
    selector = getattr(state, "result_selector", UNSET)
    if selector is not UNSET:
        state, answer = evolve(state, result_selector=read_from(selector, answer)), result
    shape, into = state.output, state.into
    value = answer if shape is UNSET else read_from(shape, answer)
    name = _variable(into)
    if name:
        state = evolve(state, into=UNSET, output=UNSET, result_path=None, assign=read_from(state.assign, answer))
        return _assigning(state, name, value, report, ()), None
    if isinstance(value, Mapping):
        if shape is not UNSET and reads_result(state.assign):
            what = "assign= cannot read the result beside output= under JSONPath"
            report(("Assign",), what, "write into=var.name instead of output=, or read .out in a later state", None)
        return _put(evolve(state, output=UNSET, result_selector=value)), None
    state = evolve(state, assign=read_from(state.assign, answer))
    if value is result:
        return _put(evolve(state, output=UNSET)), None
    if not isinstance(value, Path) or value._node.root != "result":
        if _is_jsonata(value):
            return _put(state), None  # as it is: for the checker to refuse
        hint = f'write output={{"name": ...}} with parts of result, or {JSONATA}'
        report(("Output",), f"output= cannot be {shape!r} under JSONPath", hint, None)
        return _put(evolve(state, output=UNSET)), None
    return _unwrapped(evolve(state, output=UNSET), value, report)


def _unwrapped(state: Building, value: Path, report: Report) -> tuple[Building, Pass | None]:
    """A JSONPath state whose output is one part of its result.

    ResultPath adds the whole result to the input; that only a part of it stays there takes a second state.
    """
    below = path_text(value)
    state = _put(state)
    place = path_text(state.result_path) if isinstance(state.result_path, Path) else state.result_path
    if place is UNSET or place == "$":
        if state.output_path is not UNSET:
            hint = "remove output_path=; output= with a path below result means the same"
            report(("OutputPath",), f"output_path= would replace {below}, where the answer is", hint, None)
        return evolve(state, output_path=below), None
    if not isinstance(place, str):
        return state, None
    tail = Pass(
        state.name + "".join(f".{step}" for step in value._node.steps),
        input_path=place + below.removeprefix("$"),
        result_path=place,
        output_path=state.output_path,
        origin=state.origin,
    )
    return evolve(state, output_path=UNSET), tail


def _put(element: Placed) -> Placed:
    """The element with `into` as ResultPath."""
    into, element = element.into, evolve(element, into=UNSET)
    if into is DISCARD:
        return evolve(element, result_path=None)
    return evolve(element, result_path=path_text(state_input[into])) if isinstance(into, str) else element


def _pass_by_path(state: Pass, report: Report) -> Pass:
    """InputPath, Parameters or Result of a Pass."""
    name = _variable(state.into)
    value = _value_of(state)
    if name:
        state = evolve(state, into=UNSET, output=UNSET, result=UNSET, parameters=UNSET)
        return _assigning(state, name, state_input if value is UNSET else value, report, ())
    state = _put(state)
    if state.output is UNSET or _is_jsonata(value):
        return state  # as it is: JSONata, which the checker refuses
    if isinstance(value, Path):
        return _moved(state, "output", "input_path", report)
    if is_expression(value):
        node = node_of(value)
        hint = f'put it under a key: output={{"name": ...}}, or {JSONATA}'
        what = f"output= of a Pass is a path or an object under JSONPath, not {described(node)}"
        report(("Parameters",), what, hint, node.origin)
        return evolve(state, output=UNSET)
    if not holds_expressions(value):
        return evolve(state, output=UNSET, result=value)
    return evolve(state, output=UNSET, parameters=value)


def _is_jsonata(value: Any) -> bool:
    """True for JSONata as the author wrote it."""
    if isinstance(value, Expression):
        return isinstance(value._node, nodes.Raw)
    return isinstance(value, str) and value.startswith("{%")


def _caught(catcher: Any, language: Language, report: Report, path: AslPath) -> Any:
    """The catcher with `into` in ASL fields."""
    if not isinstance(catcher, Catcher):
        return catcher
    catcher = _into_checked(catcher, report, path)
    value = error_output if catcher.output is UNSET else catcher.output
    if language == "JSONata":
        return _output(catcher, value, catcher.output is UNSET, report, path)
    name = _variable(catcher.into)
    if name:
        catcher = evolve(catcher, into=UNSET, output=UNSET, result_path=None)
        return _assigning(catcher, name, value, report, path)
    if not (catcher.output is UNSET or _is_jsonata(catcher.output)):
        hint = f'write into="error", or into=var.error beside output=, or {JSONATA}'
        report((*path, "Output"), "output= of a catch needs JSONata", hint, None)
        catcher = evolve(catcher, output=UNSET)
    return _put(catcher)
