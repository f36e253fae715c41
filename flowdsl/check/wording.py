"""Hints about fields, in the author's language: keywords of classes for a flow in Python, ASL's names otherwise."""

from __future__ import annotations

from typing import Any

from ..author.fields import Spec, by_asl_name, fields_of
from ..author.places import snake
from ..author.states import STATES
from ..base.words import join_words, nearest

_NOT_KEYWORDS = {"extras", "origin"}
JSONATA = 'query_language="JSONata" on the state'


def keywords(cls: type[Any]) -> list[str]:
    """Return the keywords of the class's constructor."""
    return [name for name, each in fields_of(cls).items() if each.init and name not in _NOT_KEYWORDS]


def keyword(cls: type[Any], field: str) -> str:
    """Return the keyword for an ASL field."""
    spec = by_asl_name(cls).get(field)
    return spec.attribute if spec else snake(field)


def hint_for_unknown(cls: type[Any], key: str, *, python: bool) -> str | None:
    """Return a hint for an unknown field or keyword: a similar one, or the states that have it."""
    name = snake(key) if python else key
    near = nearest(name, keywords(cls) if python else by_asl_name(cls))
    if near:
        return f"did you mean {near}=…?" if python else f"did you mean {near!r}?"
    owners = [state for state, other in STATES.items() if name in (keywords(other) if python else by_asl_name(other))]
    return f"only {join_words(owners)} states have {name}{'=' * python}" if owners else None


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
    "Items": "use a path, such as items=state_input.lines",
    "Condition": 'use when(state_input.status == "paid", …)',
    "Arguments": "use parameters=… (payload=… for a Function)",
    "Output": "use into=… or parameters=…",
    "InputPath": "write state_input.… where you use the value",
    "Parameters": "use arguments=…",
    "ResultPath": "use into=… or output=…",
    "OutputPath": "use output=…",
    "ResultSelector": "use output=…",
    "Result": "use output=…",
}


def hint_for_other_language(cls: type[Any], spec: Spec, key: str, *, python: bool) -> str | None:
    """Return a hint for a field of the other query language."""
    is_twin = key == spec.path
    if is_twin and not spec.jsonata:
        return None
    if is_twin:
        return f'use {spec.attribute}=jsonata("…")' if python else f'use "{spec.name}": "{{% … %}}"'
    to_jsonata = spec.language == "JSONata"
    if python:
        instead = _OTHERS_IN_PYTHON.get(key)
        return ", or ".join(filter(None, [instead, f"set {JSONATA}" if to_jsonata else None])) or None
    other = _OTHERS.get(key)
    instead = f"use {other}" if other in by_asl_name(cls) else None
    return ", or ".join(filter(None, [instead, "set the state's QueryLanguage to JSONata" if to_jsonata else None]))


def path_in_python(text: str) -> str:
    """Return a path as Python, if it consists of names: `$.a.b` is `state_input.a.b`."""
    names = text.removeprefix("$.").split(".")
    return ".".join(["state_input", *names]) if all(name.isidentifier() for name in names) else "state_input.…"
