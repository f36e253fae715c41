"""The fields of every element: known, of the right kind and query language, required, exclusive.

The classes in author/states.py and author/graph.py declare the fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ...asl.placeholders import has_placeholder, is_placeholder
from ...asl.tree import STATE_TYPES, Machine, Node
from ...author.fields import Language, Spec, by_asl_name, specs
from ...author.graphs import Branch, Processor
from ...author.kinds import REFERENCE_PATH
from ...author.machine import StateMachine
from ...author.states import STATES, Credentials, Rule
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings
from ..registry import Code
from ..registry import Rule as CheckRule
from ..subject import FieldUse, Subject

UNVERIFIED_LANGUAGE = {("Pass", "Result")}
"""Fields that the documentation gives to one query language only; AWS's answer is unknown, so a warning."""
_MACHINES = {"machine": StateMachine, "branch": Branch, "processor": Processor}


class _Element(NamedTuple):
    cls: Any
    value: dict[str, Any]
    path: AslPath
    state: Node | None
    language: Language


def check_fields(subject: Subject, findings: Findings) -> None:
    """Check all fields, and list those that are right in `subject.fields`."""
    tree, uses = subject.tree, subject.fields
    default: Language = "JSONata" if tree.root.fields.get("QueryLanguage") == "JSONata" else "JSONPath"
    for machine in tree.machines:
        _check_element(_Element(_MACHINES[machine.kind], machine.fields, machine.path, None, default), findings, uses)
        states = machine.fields.get("States")
        if isinstance(states, dict):
            _check_states(machine, states, findings)
        for state in machine.states.values():
            _check_query_language(state, default, findings)
            if state.type:
                _check_element(
                    _Element(STATES[state.type], state.fields, state.path, state, state.language), findings, uses
                )


def _check_states(machine: Machine, states: dict[str, Any], findings: Findings) -> None:
    path = (*machine.path, "States")
    if not states:
        findings.error("FD103", "States is empty: add at least one state", path)
    for name, value in states.items():
        if not isinstance(value, dict):
            findings.error("FD103", f"state {name!r} must be an object, not {abbreviate(value)}", (*path, name))
        elif "Type" not in value:
            message, hint = f"state {name!r} has no Type", "add one of " + ", ".join(STATE_TYPES)
            aws_message = "These fields are required: [Type]"
            meant = next((key for key, word in value.items() if word in STATE_TYPES), None)
            at = (*path, name, meant) if meant else (*path, name)
            hint = f"rename {meant!r} to 'Type'" if meant else hint
            at_state = (*path, name)
            findings.error("FD104", message, at, hint=hint, aws_message=aws_message, aws_at=at_state, needle=meant)
        elif value["Type"] not in STATE_TYPES and not has_placeholder(value["Type"]):
            findings.error(
                "FD109",
                f"unknown state type {abbreviate(value['Type'])}",
                (*path, name, "Type"),
                hint=did_you_mean(str(value["Type"]), STATE_TYPES) or "use one of " + ", ".join(STATE_TYPES),
                aws_message=f"The field 'Type' should have one of these values: [{', '.join(STATE_TYPES)}]",
            )


def _check_query_language(state: Node, default: Language, findings: Findings) -> None:
    if default == "JSONata" and state.fields.get("QueryLanguage") == "JSONPath":
        findings.error(
            "FD110",
            f"state {state.name!r} cannot use JSONPath: the QueryLanguage of the state machine is JSONata",
            (*state.path, "QueryLanguage"),
            hint=findings.either(
                "remove the state machine's QueryLanguage, and set JSONata on the states that use it",
                'set query_language="JSONata" on the states that use it instead of on the StateMachine',
            ),
            aws_message="'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
            aws_at=state.path,
        )


def _check_element(element: _Element, findings: Findings, uses: list[FieldUse]) -> None:
    """Check an element and the parts inside it."""
    elements = [element]
    while elements:
        element = elements.pop()
        known = by_asl_name(element.cls)
        unknown = [key for key in element.value if key not in known and not _is_elsewhere(element, key)]
        _report_unknown_fields(element, unknown, findings)
        for key, value in element.value.items():
            spec = known.get(key)
            if spec is None:
                continue
            if _check_language(element, spec, key, findings):
                elements.extend(_check_value(element, spec, key, value, findings, uses))
        _check_exclusive(element, findings)
        _check_required(element, findings)


def _check_value(
    element: _Element, spec: Spec, key: str, value: Any, findings: Findings, uses: list[FieldUse]
) -> Iterator[_Element]:
    kind = spec.kind if key == spec.name else (spec.by or REFERENCE_PATH)
    path = (*element.path, key)
    if element.language == "JSONata" and spec.jsonata and _is_jsonata(value):
        uses.append(FieldUse(spec, kind, key, value, path, element.cls, element.state, element.language))
        return
    if not kind.accepts(value) and not (kind.text and has_placeholder(value)):
        if is_placeholder(value):
            return
        what = kind.what
        if element.language == "JSONata" and spec.jsonata:
            what += " or JSONata in {% %}"
        hint = did_you_mean(value, kind.words) if isinstance(value, str) else None
        if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,15}", value) and kind.accepts(int(value)):
            hint = f"write {value} without quotes"
        findings.error(
            "FD103",
            f"{key} must be {what}, not {abbreviate(value)}",
            path,
            hint=hint,
            aws_message=kind.complaint(value),
        )
        return
    uses.append(FieldUse(spec, kind, key, value, path, element.cls, element.state, element.language))
    cls = kind.of
    if kind.shape == "part" and cls is not None and isinstance(value, dict):
        yield _Element(cls, value, path, element.state, element.language)
    elif kind.shape == "parts" and cls is not None:
        for index, each in enumerate(value):
            if isinstance(each, dict):
                yield _Element(cls, each, (*path, index), element.state, element.language)
            else:
                findings.error("FD103", f"{key}[{index}] must be an object, not {abbreviate(each)}", (*path, index))
    elif kind.shape == "machines":
        for index, each in enumerate(value):
            if not isinstance(each, dict):
                findings.error("FD103", f"{key}[{index}] must be an object, not {abbreviate(each)}", (*path, index))


def _is_jsonata(value: Any) -> bool:
    return isinstance(value, str) and ("{%" in value or "%}" in value)


_MOST_UNKNOWN = 100
"""How many unknown fields of one object are reported each: more are data that is in a wrong place."""


def _report_unknown_fields(element: _Element, keys: list[str], findings: Findings) -> None:
    for key in keys[:_MOST_UNKNOWN]:
        _report_unknown(element, key, findings)
    if more := keys[_MOST_UNKNOWN:]:
        message = f"{_name(element)} has {len(more):,} more unknown fields"
        findings.error("FD102", message, (*element.path, more[0]), aws_at=element.path, needle=more[0])


def _is_elsewhere(element: _Element, key: str) -> bool:
    """True if the field is no field of its class, but known or reported elsewhere."""
    if element.cls is Rule:
        return _is_rule_word(key)  # choices.py checks it
    if element.cls is Credentials:
        return "RoleArn" not in element.value  # AWS reports the missing RoleArn only, which explains the other, too.
    return key == "Type" and element.state is not None and element.path == element.state.path


def _name(element: _Element) -> str:
    if element.state and element.path == element.state.path:
        return f"a {element.cls.type} state"
    return _NAMES.get(element.cls.__name__) or "this object"


def _report_unknown(element: _Element, key: str, findings: Findings) -> None:
    from ..wording import hint_for_unknown, keyword

    word = f"keyword {keyword(element.cls, key)!r}" if findings.python else f"field {key!r}"
    hint = hint_for_unknown(element.cls, key, python=findings.python)
    findings.error(
        "FD102",
        f"{_name(element)} has no {word}",
        (*element.path, key),
        hint=hint,
        aws_message=f"Field '{key}' is not supported",
        aws_at=element.path,
        needle=key,
    )


def _is_rule_word(key: str) -> bool:
    from .choices import WORDS

    return key in WORDS


_NAMES = {
    "StateMachine": "a state machine",
    "Branch": "a branch",
    "Processor": "an item processor",
    "Retrier": "a retrier",
    "Catcher": "a catcher",
    "Rule": "a choice rule",
    "ProcessorConfig": "ProcessorConfig",
    "ItemReader": "an ItemReader",
    "ReaderConfig": "a ReaderConfig",
    "ItemBatcher": "an ItemBatcher",
    "ResultWriter": "a ResultWriter",
    "WriterConfig": "a WriterConfig",
    "Credentials": "Credentials",
}


def _check_language(element: _Element, spec: Spec, key: str, findings: Findings) -> bool:
    needs = spec.language if key == spec.name else "JSONPath"
    if needs is None or needs == element.language:
        return True
    message = f"{key} is a {needs} field, but the query language here is {element.language}"
    path = (*element.path, key)
    from ..wording import hint_for_other_language

    hint = hint_for_other_language(element.cls, spec, key, python=findings.python)
    if (getattr(element.cls, "type", ""), key) in UNVERIFIED_LANGUAGE:
        findings.warning("FD105", message, path, hint=hint, needle=key)
        return True
    aws_message = (
        f"The QueryLanguage is set to '{element.language}', but field '{key}' is only supported for the '{needs}' "
        "QueryLanguage"
    )
    findings.error("FD105", message, path, hint=hint, aws_message=aws_message, aws_at=element.path, needle=key)
    return False


@cache
def _exclusive_groups(cls: Any) -> tuple[tuple[str, ...], ...]:
    """The groups of fields of which at most one is allowed."""
    twins = tuple((spec.name, spec.path) for spec in specs(cls).values() if spec.path)
    return (*twins, *getattr(cls, "at_most_one", ()), *getattr(cls, "exactly_one", ()))


@cache
def _needed(cls: Any) -> tuple[Spec, ...]:
    return tuple(spec for spec in specs(cls).values() if spec.required)


def _check_exclusive(element: _Element, findings: Findings) -> None:
    wanted = getattr(element.cls, "exactly_one", ())
    for group in _exclusive_groups(element.cls):
        present = [name for name in group if name in element.value and _has_right_language(element, name)]
        if len(present) > 1 and not any(set(present) <= set(other) for other in wanted if other is not group):
            if {"Next", "End"} == set(present) and element.value["End"] is False:
                continue
            findings.error(
                "FD106",
                f"{' and '.join(present)} exclude each other: use one of them",
                (*element.path, present[1]),
                aws_message=f"There should only be one of the following fields: [{', '.join(group)}]",
                aws_at=element.path,
                needle=present[1],
            )
    for group in wanted:
        present = [name for name in group if name in element.value]
        if not present or (present == ["End"] and element.value["End"] is False):
            names = ", ".join(group[:-1]) + " or " + group[-1]
            hint = _hint_for_missing(element, group, findings)
            findings.error("FD104", f"{_describe(element)} needs {names}", element.path, hint=hint)


def _has_right_language(element: _Element, key: str) -> bool:
    """Return True if the field belongs to the query language; otherwise FD105 reports it."""
    spec = by_asl_name(element.cls)[key]
    needs = spec.language if key == spec.name else "JSONPath"
    return needs is None or needs == element.language or (getattr(element.cls, "type", ""), key) in UNVERIFIED_LANGUAGE


def _describe(element: _Element) -> str:
    if element.state and element.path == element.state.path:
        return f"state {element.state.name!r}"
    return _NAMES.get(element.cls.__name__, "this object")


def _hint_for_missing(element: _Element, group: tuple[str, ...], findings: Findings) -> str | None:
    """The hint if no field of a group is present."""
    if "End" in group:
        return findings.either('add "Next": "…" or "End": true', "put it into a chain(...), or add end=True")
    if not findings.python:
        return None
    from ..wording import keyword

    words = dict.fromkeys(keyword(element.cls, name) for name in group)
    return "add " + " or ".join(f"{word}=…" for word in words)


def _check_required(element: _Element, findings: Findings) -> None:
    missing = [
        spec.name
        for spec in _needed(element.cls)
        if spec.name not in element.value and (not spec.path or spec.path not in element.value)
    ]
    if not missing or (
        element.cls is Rule and not any(map(_is_rule_word, element.value)) and "Condition" not in element.value
    ):
        return  # choices.py reports it
    aws_message = f"These fields are required: [{', '.join(reversed(missing))}]"
    if element.cls.__name__ == "Credentials":
        aws_message = f"The field '{missing[0]}' is required but was missing"
    hint = None
    if findings.python:
        from ..wording import keyword

        hint = "add " + ", ".join(f"{keyword(element.cls, name)}=…" for name in missing)
    message = f"{_describe(element)} needs {' and '.join(missing)}"
    findings.error("FD104", message, element.path, hint=hint, aws_message=aws_message, aws_at=element.path)


RULES = (
    CheckRule(
        check_fields,
        (
            Code("FD102", "error", "Unknown field"),
            Code("FD103", "error", "Wrong value for a field"),
            Code("FD104", "error", "Missing field"),
            Code("FD105", "error or warning", "A field of the other query language"),
            Code("FD106", "error", "Fields that exclude each other"),
            Code("FD109", "error", "Unknown state type"),
            Code("FD110", "error", "A JSONPath state in a JSONata state machine"),
        ),
    ),
)
