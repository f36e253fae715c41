"""State machines of a Python file that are objects of the AWS Step Functions Data Science SDK."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..asl.text import canonical_text
from ..author.places import snake
from ..base.diagnostics import AslPath, FlowError
from ..base.source import Span, display_path
from ..base.unsaved import read_source
from .loaded import Loaded


def load_sdk_objects(names: Mapping[str, Any], file: Path) -> list[Loaded]:
    """The state machines among a module's names: every Workflow and Graph, or the only Chain.

    A Graph has the name of its variable, a Chain that of the file. Raises FlowError if there are several chains, or if
    the SDK cannot write one as JSON.
    """
    if "stepfunctions" not in sys.modules:
        return []
    from ..sdk.objects import kind_of
    from ..sdk.reading import read_sdk

    by_kind: dict[str | None, dict[int, tuple[str, Any]]] = {}
    for name, value in names.items():
        by_kind.setdefault(kind_of(value), {}).setdefault(id(value), (name, value))
    whole = [*by_kind.get("Workflow", {}).values(), *by_kind.get("Graph", {}).values()]
    in_workflow = {id(value.definition) for _, value in whole if kind_of(value) == "Workflow"}
    whole = [each for each in whole if id(each[1]) not in in_workflow]
    chains = [*by_kind.get("Chain", {}).values()]
    if not whole and len(chains) > 1:
        hint = 'make a state machine of one of them: machine = StateMachine("payment", from_sdk(steps))'
        raise FlowError.of(
            f"this file has several chains of the Data Science SDK: {', '.join(name for name, _ in chains)}",
            code="FD705",
            span=Span(display_path(file), 1),
            hint=hint,
        )
    locate = _locator(file)
    loaded = []
    for name, value in whole or [(file.stem, each) for _, each in chains]:
        read = read_sdk(value)
        text = canonical_text(read.definition)
        loaded.append(Loaded(file, read.name or name, read.definition, text, locate=locate, warnings=read.problems))
    return loaded


def _locator(file: Path) -> Callable[..., Span | None]:
    """Finds the call that makes a state by the state's name in it: the SDK does not keep where it was called."""
    calls: dict[str, ast.Call] = {}
    for node in ast.walk(ast.parse(read_source(file))):
        if isinstance(node, ast.Call):
            first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "state_id"), None)
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                calls.setdefault(first.value, node)

    def locate(path: AslPath, _: object = None) -> Span | None:
        inner = len(path)
        while inner > 1 and not (path[inner - 2] == "States" and path[inner - 1] in calls):
            inner -= 1
        if inner < 2:
            return Span(str(file), 1)
        call = calls[str(path[inner - 1])]
        place: ast.expr = call
        if inner < len(path):
            wanted = snake(str(path[inner]))
            place = next((each.value for each in call.keywords if each.arg == wanted), call)
        end = place.end_col_offset
        return Span(str(file), place.lineno, place.col_offset + 1, place.end_lineno, end + 1 if end else None)

    return locate
