"""Which step's result a path reads: `check.out.status` instead of `state_input.job.status`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import code as c
from .code import Code
from .layout import targets
from .states import field_of

Writers = Mapping[str, str]
"""By the name of a field of the document, the state whose result it holds."""
_READ = re.compile(r"state_input\.([A-Za-z]\w*)((?:\.[A-Za-z]\w*|\[\d+\])*)")


def writers_before(graph: Mapping[str, Any], into: Mapping[str, str]) -> dict[str, Writers]:
    """For each state of a graph, the fields that surely hold the result of one state.

    `into` has the field into which a state puts its result, for those of which the flow says so with `into=`.
    """
    states = graph["States"]
    before: dict[str, dict[str, str]] = {graph["StartAt"]: {}}
    todo = [graph["StartAt"]]
    while todo:
        name = todo.pop()
        for target, after in _after(name, states[name], before[name], into):
            known = before.get(target)
            new = after if known is None else {key: value for key, value in known.items() if after.get(key) == value}
            if known is None or len(new) < len(known):
                before[target] = new
                todo.append(target)
    return dict(before.items())


def _after(
    name: str, state: Mapping[str, Any], before: Mapping[str, str], into: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Where the state leads, and what the fields hold there."""
    after = _fields_after(name, state, before, into)
    edges = [(state["Next"], after)] if "Next" in state else []
    for (kind, index), target in targets(state):
        if kind != "Catch":
            edges.append((target, {} if kind == "Choices" and "Output" in state["Choices"][index] else after))
            continue
        catcher = state["Catch"][index]
        caught = catcher.get("ResultPath", "$") if "Output" not in catcher else "$"
        edges.append((target, _without(before, caught)))
    return edges


def _fields_after(
    name: str, state: Mapping[str, Any], before: Mapping[str, str], into: Mapping[str, str]
) -> dict[str, str]:
    if "OutputPath" in state or "QueryLanguage" in state:
        return {}
    kind = state["Type"]
    if name in into:
        return {**before, into[name]: name}
    if kind in ("Choice", "Wait", "Succeed", "Fail"):
        return {} if "InputPath" in state or "Output" in state else dict(before)
    if kind == "Pass" and not state.keys() & {"Result", "Parameters", "InputPath", "Output", "ResultPath"}:
        return dict(before)
    if "Output" in state:
        return dict(before) if state["Output"] == "{% $states.input %}" else {}
    return _without(before, state.get("ResultPath", "$"))


def _without(before: Mapping[str, str], place: Any) -> dict[str, str]:
    """The fields that are as before after something was put at a path."""
    if place is None:
        return dict(before)
    changed = field_of(place)
    if changed is None:
        return {}
    return {key: value for key, value in before.items() if key != changed}


def with_outs(code: Code, fields: Writers) -> Code:
    """The code with paths below the result of another state written as its `.out`."""

    def change(part: Code) -> Code:
        match = _READ.fullmatch(part.text) if isinstance(part, c.Text) else None
        if match is None or match[1] not in fields:
            return part
        return c.Ref("out", fields[match[1]], (match[1], match[2]))

    return c.changed(code, change) if fields else code
