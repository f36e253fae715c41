"""Fields as the author wrote them: keywords of flowdsl's classes in a Python flow, ASL's names elsewhere."""

from __future__ import annotations

from typing import Any

import attrs

from ..author.fields import Spec, by_asl_name
from ..author.places import snake
from ..author.states import STATES
from ..base.words import nearest

_NOT_KEYWORDS = {"extras", "origin"}
JSONATA = 'query_language="JSONata" on the state'


def keywords(cls: type[Any]) -> list[str]:
    """The keywords that an author can give to the class."""
    return [each.alias for each in attrs.fields(cls) if each.name not in _NOT_KEYWORDS]


def keyword(cls: type[Any], field: str) -> str:
    """The keyword with which an author says the ASL field."""
    spec = by_asl_name(cls).get(field)
    return spec.attribute if spec else snake(field)


def unknown(cls: type[Any], key: str, *, python: bool) -> str | None:
    """A hint for a field or keyword that the class does not have: what is nearest, or who has it."""
    name = snake(key) if python else key
    near = nearest(name, keywords(cls) if python else by_asl_name(cls))
    if near:
        return f"did you mean {near}=…?" if python else f"did you mean {near!r}?"
    owners = [state for state, other in STATES.items() if name in (keywords(other) if python else by_asl_name(other))]
    return f"{name}{'=' * python} belongs to {', '.join(owners)}" if owners else None


_OTHERS = {
    "Parameters": "Arguments",
    "Arguments": "Parameters",
    "Items": "ItemsPath",
    "OutputPath": "Output",
    "ResultSelector": "Output",
    "ResultPath": "Output",
    "Result": "Output",
}
_OTHERS_IN_PYTHON = {
    "Items": "write items= with a path, such as items=state_input.lines",
    "Condition": 'write when(state_input.status == "paid", …)',
    "Arguments": "write parameters=… (payload=… for a Function)",
    "Output": "write into=… or parameters=…",
    "InputPath": "write state_input.… where the value is used",
    "Parameters": "write arguments=…",
    "ResultPath": "write into=… or output=…",
    "OutputPath": "write output=…",
    "ResultSelector": "write output=…",
    "Result": "write output=…",
}


def other_language(cls: type[Any], spec: Spec, key: str, *, python: bool) -> str | None:
    """A hint for a field that belongs to the other query language."""
    is_twin = key == spec.path
    if is_twin and not spec.jsonata:
        return None
    if is_twin:
        return f'write {spec.attribute}=jsonata("…")' if python else f'write "{spec.name}": "{{% … %}}"'
    to_jsonata = spec.language == "JSONata"
    if python:
        instead = _OTHERS_IN_PYTHON.get(key)
        return ", or ".join(filter(None, [instead, f"say {JSONATA}" if to_jsonata else None])) or None
    other = _OTHERS.get(key)
    written = f"write {other}" if other in by_asl_name(cls) else None
    return ", or ".join(filter(None, [written, "set the state's QueryLanguage to JSONata" if to_jsonata else None]))


def path_in_python(text: str) -> str:
    """A path as an author writes it where it is one of names: `$.a.b` is `state_input.a.b`."""
    names = text.removeprefix("$.").split(".")
    return ".".join(["state_input", *names]) if all(name.isidentifier() for name in names) else "state_input.…"
