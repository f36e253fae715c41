"""What the rules of a Choice compare: comparisons that never hold, tests of what is always or never there, and what is
known on the routes out of it.

Source: ASL specification, "Choice State"; docs.jsonata.org, "Comparison Operators".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.words import abbreviate, did_you_mean
from ..conditions import Atom, Formula, Not, parts_of
from ..findings import Findings
from .kinds import NAMES, kind_of_shape
from .narrowing import Keys, Values, is_present, narrow, place_of
from .parts import in_python, needle_of
from .reader import asked_for
from .shapes import ScalarShape, Shape, allow


def split(values: Values, formula: Formula | None, rule: dict[str, Any], language: str) -> tuple[Values, Values]:
    """Return what is known where a rule holds, and where it does not."""
    document = values.document
    for keys in _asked(formula, rule, language):
        document = allow(document, keys)
    here = values._replace(document=document)
    if formula is None:
        return here, values
    return narrow(here, formula, True, language), narrow(values, formula, False, language)


def _asked(formula: Formula | None, rule: dict[str, Any], language: str) -> Iterator[Keys]:
    """Yield the keys of the document that are there where a rule holds, because it asks for them."""
    missing: set[Keys] = set()
    for part in parts_of(formula) if formula is not None else ():
        test = part.part if isinstance(part, Not) else part
        if isinstance(test, Atom) and test.operator == "exists" and (place := place_of(test.subject, language)):
            if isinstance(part, Not):
                missing.add(place[1])
            elif not place[0] and place[1] not in missing:
                yield place[1]
    if language == "JSONata":
        yield from (keys for keys in asked_for(rule.get("Condition")) if keys not in missing)


def check_presence(state: Node, formulas: list[Formula | None], known: Values, findings: Findings | None) -> None:
    """Report tests of what every route has, and of what none has."""
    for index, formula in enumerate(formulas if findings is not None else ()):
        for test in parts_of(formula) if formula is not None else ():
            if not isinstance(test, Atom) or test.operator != "exists" or findings is None:
                continue
            place = place_of(test.subject, state.language)
            if place is None or not (place[0] or place[1]):
                continue
            variable, keys = place
            answer = is_present(known.variables, (variable, *keys)) if variable else is_present(known.document, keys)
            if answer is not None:
                path: AslPath = (*state.path, "Choices", index)
                path = (*path, "Condition") if state.language == "JSONata" else path
                what = "every route sets it" if answer else "no route sets it"
                message = f"{test.subject} is {'always' if answer else 'never'} present: {what}"
                findings.warning("FD803", message, path, needle=(keys or (variable,))[-1])


def check_comparison(
    value: Shape, variable: str, name: str, operand: Any, other: Shape | None, path: AslPath, findings: Findings | None
) -> None:
    """Report a comparison of JSONPath that is never true for the known value; `other` is that at an operand's path."""
    from ...expr.operators import OPERATORS

    operator, equals = OPERATORS.get(name), name.endswith(("StringEquals", "NumericEquals"))
    if findings is None or operator is None:
        return
    kind = kind_of_shape(value)
    if kind in ("array", "object") and operator.kind != "test":
        name = findings.either(name, in_python(variable, name, operand))
        what = "a list" if kind == "array" else "an object"
        message = f"{name} is never true: {variable} is {what}"
        findings.warning("FD803", message, path, needle=needle_of(operand))
    wanted = {"timestamp": "string"}.get(operator.kind, operator.kind)
    other_kind = kind_of_shape(other) if other is not None else None
    if other_kind not in (None, wanted) and operator.is_path:
        message = f"{name} is never true: {operand} is {NAMES[str(other_kind)]}"
        findings.warning("FD803", message, path, needle=needle_of(str(operand).rpartition(".")[2]))
        return
    if not isinstance(value, ScalarShape):
        return
    name = findings.either(name, in_python(variable, name, operand))
    if wanted in ("string", "number", "boolean") and wanted != value.kind:
        message = f"{name} is never true: {variable} is a {value.kind}"
        findings.warning("FD803", message, path, needle=needle_of(operand))
    elif (
        other is None
        and operator.kind in ("string", "number")
        and equals
        and value.values is not None
        and operand not in value.values
    ):
        known = ", ".join(sorted(map(abbreviate, value.values)))
        message = f"{name} is never true: {variable} is never {abbreviate(operand)}, only {known}"
        hint = did_you_mean(operand, map(str, value.values)) if isinstance(operand, str) else None
        findings.warning("FD803", message, path, hint=hint, needle=needle_of(operand))
