"""JSONata expressions: delimiters, syntax, what Step Functions does not support, where `$states` has what.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions"; what the service answers.
jsonata-python parses; without it the expressions stay unread, and one warning says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from ..diagnostics import AslPath
from ..fields import Language
from ..states import Catcher
from .definition import StateAt, has_placeholder
from .fields import Given
from .findings import Findings, did_you_mean, shown

INVALID, UNSUPPORTED = "INVALID_JSONATA_EXPRESSION", "UNSUPPORTED_JSONATA_EXPRESSION"
STATES_FIELDS = ("input", "result", "errorOutput", "context")


class VariableRead(NamedTuple):
    """A variable that an expression reads."""

    name: str
    state: StateAt
    path: AslPath
    language: Language
    catcher: bool
    """Whether it is read after an error, by a Catch."""


class _Place(NamedTuple):
    state: StateAt
    path: AslPath
    key: str
    cls: type[Any]
    offset: int


def has_jsonata(given: list[Given]) -> bool:
    return any(each.language == "JSONata" and _reads(each) for each in given)


def _reads(each: Given) -> bool:
    return each.spec.jsonata or each.kind.shape == "template"


def check_jsonata(given: list[Given], findings: Findings) -> list[VariableRead]:
    """Check every expression; returns the variables that they read."""
    reads: list[VariableRead] = []
    missing = False
    for each in given:
        if each.language != "JSONata" or each.state is None or not _reads(each):
            continue
        for text, path in _strings(each.value, each.path, findings):
            found = _delimited(text, path, findings)
            if found is None:
                continue
            expression, offset = found
            parsed = _parse(expression)
            place = _Place(each.state, path, each.key, each.cls, offset)
            if parsed is None:
                missing = missing or _warn_missing(path, findings)
            elif isinstance(parsed, _Wrong):
                at = offset + min(max(parsed.offset, 0), len(expression))
                message = f"not JSONata: {parsed.message} (at offset {at} of the string)"
                findings.error("FD751", message, path, aws=INVALID)
            else:
                _examine(parsed, place, reads, findings)
    return reads


def _warn_missing(path: AslPath, findings: Findings) -> bool:
    if not any(found.code == "FD750" for found in findings.found):
        hint = 'install it with: pip install "flowdsl[jsonata]"'
        findings.warning("FD750", "jsonata-python is not installed, so JSONata is not checked", path, hint=hint)
    return True


def _strings(value: Any, path: AslPath, findings: Findings) -> Iterator[tuple[str, AslPath]]:
    todo = [(value, path)]
    while todo:
        value, at = todo.pop()
        if isinstance(value, str):
            yield value, at
        elif isinstance(value, list):
            todo.extend((item, (*at, index)) for index, item in enumerate(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                todo.append((item, (*at, key)))
                if key.endswith(".$"):
                    message = f"{key!r} means nothing in JSONata: the key keeps its .$ and the value stays text"
                    hint = f'write "{key[:-2]}": "{{% … %}}"'
                    findings.warning("FD759", message, (*at, key), hint=hint)


def _delimited(text: str, path: AslPath, findings: Findings) -> tuple[str, int] | None:
    """The expression between `{%` and `%}` and its offset; None where the string is plain text."""
    starts, ends = text.startswith("{%"), text.endswith("%}")
    if starts and ends and len(text) >= 4:
        inner = text[2:-2]
        return inner.strip(), 2 + len(inner) - len(inner.lstrip())
    if starts or ends:
        what = "an expression ends with %}" if starts else "an expression starts with {%"
        message = f"{what}, without anything around it: {shown(text)}"
        findings.error("FD752", message, path, aws=INVALID)
    elif text.strip().startswith("{%") and text.strip().endswith("%}"):
        # The service takes it as text (recorded), which nobody means.
        message = f"the white space around it makes this plain text: {shown(text)}"
        findings.warning("FD752", message, path, hint="remove the white space before {% and after %}")
    return None


class _Wrong(NamedTuple):
    message: str
    offset: int


@cache
def _parser() -> Any:
    """jsonata-python's parser, or None where it is not installed. Imported only when there is an expression."""
    try:
        from jsonata.parser import Parser
    except ImportError:
        return None
    return Parser


@cache
def _functions() -> frozenset[str]:
    from jsonata.jsonata import Jsonata

    from ..expr.jsonata_functions import FUNCTIONS

    return frozenset(Jsonata.static_frame.bindings) | frozenset(FUNCTIONS) - {"eval"}


@cache
def _parse(expression: str) -> Any:
    """The tree, what is wrong, or None where nothing can parse it."""
    parser = _parser()
    if parser is None:
        return None
    if has_placeholder(expression):
        return _Empty()
    try:
        return parser().parse(expression)
    except RecursionError:
        return _Wrong("nested too deeply", 0)
    except Exception as error:  # noqa: BLE001 - the library raises whatever its own slips raise on wrong text
        location = getattr(error, "location", 0)
        return _Wrong(str(error) or type(error).__name__, location if isinstance(location, int) else 0)


class _Empty:
    """Stands for an expression that is known only when it is deployed."""


_CONTEXT_CHANGES = frozenset({"stages", "predicate", "group", "terms", "update", "delete", "body"})
"""The parts of a node that are evaluated for each item rather than at the top level."""


def _examine(tree: Any, place: _Place, reads: list[VariableRead], findings: Findings) -> None:
    parser = _parser()
    bound: set[str] = set()
    variables: list[tuple[str, int]] = []
    calls: set[int] = set()
    todo: list[tuple[Any, bool]] = [(tree, True)]
    seen: set[int] = set()
    while todo:
        node, top = todo.pop()
        if isinstance(node, list | tuple):
            todo.extend((item, top) for item in node)
            continue
        if not isinstance(node, parser.Symbol) or id(node) in seen:
            continue
        seen.add(id(node))
        kind, position = node.type, getattr(node, "position", 0) or 0
        for name in (getattr(node, "focus", None), getattr(node, "index", None)):
            if isinstance(name, str):
                bound.add(name)
        if kind == "path":
            _path(node, place, top, findings, todo)
            todo.extend((value, False) for key, value in vars(node).items() if key not in ("steps", "position"))
            continue
        if kind == "bind" and getattr(node.lhs, "type", None) == "variable":
            bound.add(str(node.lhs.value))
        elif kind == "lambda":
            bound.update(str(argument.value) for argument in node.arguments or ())
        elif kind in ("function", "partial") and getattr(node.procedure, "type", None) == "variable":
            calls.add(id(node.procedure))
        if kind == "variable":
            _variable(node, place, top, position, variables, id(node) in calls, findings)
        todo.extend((value, top and key not in _CONTEXT_CHANGES) for key, value in vars(node).items())
    _report(variables, bound, place, reads, findings)


def _path(node: Any, place: _Place, top: bool, findings: Findings, todo: list[tuple[Any, bool]]) -> None:
    first, *rest = node.steps
    if top and first.type == "name":
        findings.error(
            "FD753",
            f"{first.value!r} at the top level refers to nothing: an expression has no input of its own",
            place.path,
            hint=f"write $states.input.{first.value}",
            aws=UNSUPPORTED,
            said=f"Reference to '{first.value}' at the top level is not supported.",
        )
    if first.type == "variable" and first.value == "states" and rest and rest[0].type == "name":
        _states_field(str(rest[0].value), place, findings)
    todo.append((first, top))
    todo.append((rest, False))


def _variable(
    node: Any,
    place: _Place,
    top: bool,
    position: int,
    variables: list[tuple[str, int]],
    called: bool,
    findings: Findings,
) -> None:
    name = node.value
    if name == "$":
        message = "$$ refers to nothing: an expression has no input of its own"
        hint = "write $states.input"
        findings.error("FD753", message, place.path, hint=hint, aws=UNSUPPORTED, said="JSONata '$$' not allowed")
    elif not name:
        if top:
            message = "$ at the top level refers to nothing: an expression has no input of its own"
            hint = "write $states.input"
            said = "Reference to '$' at the top level is not supported."
            findings.error("FD753", message, place.path, hint=hint, aws=UNSUPPORTED, said=said)
    elif name == "eval":
        hint = "write $parse(…) to read JSON from text"
        findings.error("FD753", "$eval is not supported", place.path, hint=hint, aws=UNSUPPORTED)
    elif isinstance(name, str) and name != "states":
        variables.append((name + "(" if called else name, position))


def _report(
    variables: list[tuple[str, int]], bound: set[str], place: _Place, reads: list[VariableRead], findings: Findings
) -> None:
    known = _functions()
    for name, position in variables:
        plain = name.removesuffix("(")
        if plain in bound or plain in known:
            continue
        if name.endswith("("):
            at = place.offset + position - len(plain) - 1
            message = f"there is no function ${plain} (at offset {max(at, 0)} of the string)"
            findings.warning("FD755", message, place.path, hint=did_you_mean(plain, known))
        else:
            reads.append(VariableRead(plain, place.state, place.path, "JSONata", place.cls is Catcher))


def _states_field(name: str, place: _Place, findings: Findings) -> None:
    """What `$states` has where. Source: Developer Guide, "Transforming data", "Reserved variable: $states"."""
    if name not in STATES_FIELDS:
        hint = did_you_mean(name, STATES_FIELDS) or "it has input, result, errorOutput and context"
        findings.error("FD754", f"$states has no {name!r}", place.path, hint=hint, aws=INVALID)
        return
    after = place.key in ("Output", "Assign")
    in_catch = place.cls is Catcher
    if name == "errorOutput" and not in_catch:
        message = "$states.errorOutput exists only in the Output and Assign of a Catch"
        findings.error("FD754", message, place.path, aws=INVALID)
    elif name == "result" and not after:
        message = f"$states.result does not exist yet in {place.key}"
        hint = "it can be read in Output and Assign; the state's input is $states.input"
        findings.error("FD754", message, place.path, hint=hint, aws=INVALID)
    elif name == "result" and (in_catch or place.state.type in ("Wait", "Choice", "Succeed")):
        where = "a Catch" if in_catch else f"a {place.state.type} state"
        findings.warning("FD754", f"{where} has no $states.result", place.path)
