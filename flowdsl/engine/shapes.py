"""Check that the values of a state's fields have the kinds that ASL defines, before it runs.

The kinds are those of the table in flowdsl.states; which fields there must be, and which exclude each other, is the
checker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..author.fields import by_asl_name
from ..author.kinds import REFERENCE_PATH
from ..author.states import STATES
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..expr.delimiters import is_expression


def refuse_other_kinds(kind: str, body: Mapping[str, Any], language: str, path: AslPath) -> None:
    """Raise FlowError at a field of a state, or of a part of it, whose value is of another kind."""
    todo: list[tuple[type[Any], Any, AslPath]] = [(STATES[kind], body, path)]
    while todo:
        cls, value, at = todo.pop()
        if not isinstance(value, dict):
            raise FlowError(Diagnostic("FD900", f"must be an object, not {value!r}", at))
        known = by_asl_name(cls)
        for key, item in value.items():
            spec = known.get(key)
            if spec is None or (spec.jsonata and language == "JSONata" and is_expression(item)):
                continue
            accepted = spec.kind if key == spec.name else (spec.by or REFERENCE_PATH)
            if not accepted.accepts(item):
                raise FlowError(Diagnostic("FD900", f"{key} must be {accepted.what}, not {item!r}", (*at, key)))
            inner = accepted.of
            if inner is not None and accepted.shape == "part":
                todo.append((inner, item, (*at, key)))
            elif inner is not None and accepted.shape == "parts":
                todo.extend((inner, each, (*at, key, index)) for index, each in enumerate(item))
