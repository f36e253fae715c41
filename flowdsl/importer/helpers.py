"""Functions for states that differ in a few values: `invoke("Check", "check-order")` instead of the same Task again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import attrs

from . import code as c
from .code import Code
from .naming import Names, snake

FEWEST = 2
"""The number of states from which on a function makes them."""
_LEAST_SAVED = 8
"""The lines that a function for two states must save; for more states it is half of that."""
MOST_PARAMETERS = 6
_KINDS = ("Task", "Pass")
_FIXED = ("retry", "catch", "extras", "credentials")
"""Keywords that have one value in all calls of a function."""
Route: TypeAlias = tuple[str, ...]
"""The keywords and keys on the way to a value."""


@attrs.frozen
class Helper:
    """`def name(parameters) -> kind: return body`."""

    name: str
    kind: str
    parameters: tuple[tuple[str, str], ...]
    """Names and types."""
    body: Code


def helpers(codes: Iterable[Code], names: Names) -> tuple[list[Helper], dict[Code, Code]]:
    """The functions that make a module shorter, and what replaces each call that one of them makes."""
    groups: dict[Any, dict[c.PythonCall, None]] = {}
    for whole in codes:
        for part in c.walk(whole):
            if isinstance(part, c.PythonCall) and _is_simple(part):
                groups.setdefault(_outline(part), {})[part] = None
    functions: list[Helper] = []
    replaced: dict[Code, Code] = {}
    todo = [(*calls,) for calls in groups.values()][::-1]
    while todo:
        calls = todo.pop()
        if len(calls) < FEWEST:
            continue
        helper = _helper(calls, names)
        if helper is not None:
            functions.append(helper[0])
            replaced |= helper[1]
        else:
            todo.extend(_closer(calls))
    return functions, replaced


def _closer(calls: tuple[c.PythonCall, ...]) -> list[tuple[c.PythonCall, ...]]:
    """The calls in groups that differ in their texts only, if they are not one such group."""
    groups: dict[str, list[c.PythonCall]] = {}
    for call in calls:
        groups.setdefault(re.sub(r"\"[^\"]*\"", "", c.one_line(call)), []).append(call)
    return [(*group,) for group in reversed(groups.values())] if len(groups) > 1 else []


def _is_simple(code: c.PythonCall) -> bool:
    """True for a state without other states in it."""
    if not isinstance(code.function, c.Api) or code.function.name not in _KINDS:
        return False
    return not any(
        (isinstance(part, c.Ref) and part.kind == "state") or (isinstance(part, c.Api) and part.name in _STATES)
        for part in c.walk(code)
        if part is not code.function
    )


_STATES = frozenset({"Task", "Pass", "Wait", "Choice", "Map", "Parallel", "Succeed", "Fail", "fail", "raw", "chain"})


def _outline(call: c.PythonCall) -> Any:
    """What all calls of one function have in common."""
    action = call.arguments[1][1] if len(call.arguments) > 1 else None
    called = (action.function, tuple(key for key, _ in action.arguments)) if isinstance(action, c.PythonCall) else None
    fixed = tuple(value if key in _FIXED or isinstance(value, c.Api) else key for key, value in call.arguments)
    return call.function, called, fixed


class _Holes:
    """The places where calls differ, and the parameters for them; equal rows of values have one parameter."""

    def __init__(self) -> None:
        self.names = Names()
        self.parameters: dict[tuple[Code, ...], str] = {}
        self.types: dict[str, str] = {}

    def merged(self, codes: tuple[Code, ...], route: Route) -> Code:
        """The code that all have, with parameters where they differ."""
        first = codes[0]
        if all(code == first for code in codes):
            return first
        match first:
            case c.PythonCall(function=function, arguments=arguments) if _alike(
                codes, c.PythonCall, lambda each: each.function
            ):
                keys = [key for key, _ in arguments]
                if all([key for key, _ in code.arguments] == keys for code in codes):  # type: ignore[union-attr]
                    rows = zip(*([value for _, value in code.arguments] for code in codes), strict=True)  # type: ignore[union-attr]
                    named = [key or str(index) for index, key in enumerate(keys)]
                    values = [self.merged(row, (*route, name)) for name, row in zip(named, rows, strict=True)]
                    return c.PythonCall(function, tuple(zip(keys, values, strict=True)))
            case c.Dict(pairs=pairs) if _alike(codes, c.Dict, lambda each: [key for key, _ in each.pairs]):
                keys = [key for key, _ in pairs]
                rows = zip(*([value for _, value in code.pairs] for code in codes), strict=True)  # type: ignore[union-attr]
                return c.Dict(
                    tuple((key, self.merged(row, (*route, key))) for key, row in zip(keys, rows, strict=True))
                )
            case c.Items(brackets=brackets) if _alike(codes, c.Items, lambda each: len(each.items)):
                rows = zip(*(code.items for code in codes), strict=True)  # type: ignore[union-attr]
                return c.Items(tuple(self.merged(row, route) for row in rows), brackets)
        return c.Text(self.parameter(codes, route))

    def parameter(self, codes: tuple[Code, ...], route: Route) -> str:
        if codes not in self.parameters:
            name = "name" if route == ("0",) else self.names.give(_parameter_name(route), "value")
            self.parameters[codes] = name
            kinds = {_type(code) for code in codes}
            self.types[name] = kinds.pop() if len(kinds) == 1 else "Value"
        return self.parameters[codes]


def _alike(codes: tuple[Code, ...], cls: type[Any], outline: Callable[[Any], Any]) -> bool:
    return all(isinstance(code, cls) and outline(code) == outline(codes[0]) for code in codes)


def _type(code: Code) -> str:
    """The type of a parameter that gets the code."""
    if isinstance(code, c.FString | c.LongText):
        return "str"
    if isinstance(code, c.Ref):
        return "Path"
    if not isinstance(code, c.Text):
        return "Value"
    if code.text[:1] in "\"'":
        return "str"
    if code.text.lstrip("-").replace(".", "", 1).isdigit():
        return "float" if "." in code.text else "int"
    if code.text in ("True", "False"):
        return "bool"
    return "Path" if code.text.startswith(("state_input", "context.", "var.", "result")) else "Value"


def _helper(calls: tuple[c.PythonCall, ...], names: Names) -> tuple[Helper, Mapping[Code, Code]] | None:
    holes = _Holes()
    body = holes.merged(calls, ())
    types = holes.types
    if not 1 <= len(types) <= MOST_PARAMETERS or next(iter(types)) != "name":
        return None
    first = calls[0]
    own = names.peek(_helper_name(first))
    rows = zip(*holes.parameters, strict=True)
    replaced: dict[Code, Code] = {
        call: _call(own, types, dict(zip(holes.parameters.values(), row, strict=True)))
        for call, row in zip(calls, rows, strict=True)
    }
    kind = first.function.name if isinstance(first.function, c.Api) else "Task"
    before = sum(map(_height, calls))
    after = _height(body) + 5 + sum(map(_height, replaced.values()))
    least = _LEAST_SAVED if len(calls) == FEWEST else _LEAST_SAVED // 2
    if before - after < max(least, before // 5):
        return None
    names.give(own)
    return Helper(own, kind, tuple(types.items()), body), replaced


def _call(name: str, types: dict[str, str], values: dict[str, Code]) -> Code:
    """The call: a few short values by position, otherwise by name."""
    few = len(types) < 4 and not any(isinstance(value, c.Dict | c.Items) for value in values.values())
    arguments = [("" if few or key == "name" else key, values[key]) for key in types]
    return c.PythonCall(c.Ref("helper", name), tuple(arguments))


def _parameter_name(route: Route) -> str:
    """From the nearest keyword or key that says something; the types of DynamoDB do not."""
    words = [word for word in route if not word.isdigit()]
    for word in reversed(words):
        if len(word) > 2:
            return snake(word)
    if words:
        return snake(words[-1])
    return {("1",): "resource", ("1", "0"): "function"}.get(route, "value")


def _helper_name(call: c.PythonCall) -> str:
    """The action of the service that the Task calls, or what the state is."""
    kind = call.function.name if isinstance(call.function, c.Api) else "Task"
    action = call.arguments[1][1] if len(call.arguments) > 1 else None
    if isinstance(action, c.PythonCall) and isinstance(action.function, c.Text):
        parts = action.function.text.split(".")
        last = [part for part in parts if part not in ("sync", "wait_for_task_token")][-1]
        return last.rstrip("_")
    return "call" if kind == "Task" else "shape"


def _height(code: Code) -> int:
    return c.laid_out("variable_name = ", code).count("\n") + 1


def signature(helper: Helper, spell: c.Spell) -> str:
    """The line with `def`, without its end."""
    own = {"str", "int", "float", "bool"}
    parameters = ", ".join(f"{name}: {kind if kind in own else spell(kind)}" for name, kind in helper.parameters)
    return f"def {helper.name}({parameters}) -> {spell(helper.kind)}:"
