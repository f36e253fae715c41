"""The fields of every element, by the table in states.py and machine.py: known, of their kind, required, exclusive."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from ...asl.placeholders import has_placeholder, is_placeholder
from ...asl.tree import STATE_TYPES, Machine, Node, Tree
from ...author.fields import Kind, Language, Spec, by_asl_name, specs
from ...author.graphs import Branch, Processor
from ...author.kinds import REFERENCE_PATH
from ...author.machine import StateMachine
from ...author.states import STATES, Rule
from ...base.diagnostics import AslPath
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings

UNVERIFIED_LANGUAGE = {("Pass", "Result")}
"""Fields that the documentation gives to one query language while AWS's answer is not known: a warning."""
_MACHINES = {"machine": StateMachine, "branch": Branch, "processor": Processor}


class Given(NamedTuple):
    """A field of the right kind that the definition has: what the other rules look at."""

    spec: Spec
    kind: Kind
    """The field's, or that of its `…Path` twin."""
    key: str
    value: Any
    path: AslPath
    cls: type[Any]
    state: Node | None
    language: Language


class _Job(NamedTuple):
    cls: Any
    value: dict[str, Any]
    path: AslPath
    state: Node | None
    language: Language


def check_fields(tree: Tree, findings: Findings) -> list[Given]:
    given: list[Given] = []
    default: Language = "JSONata" if tree.root.fields.get("QueryLanguage") == "JSONata" else "JSONPath"
    for machine in tree.machines:
        _element(_Job(_MACHINES[machine.kind], machine.fields, machine.path, None, default), findings, given)
        states = machine.fields.get("States")
        if isinstance(states, dict):
            _states(machine, states, findings)
        for state in machine.states.values():
            _query_language(state, default, findings)
            if state.type:
                _element(_Job(STATES[state.type], state.fields, state.path, state, state.language), findings, given)
    return given


def _states(machine: Machine, states: dict[str, Any], findings: Findings) -> None:
    path = (*machine.path, "States")
    if not states:
        findings.error("FD103", "States is empty: a state machine has at least one state", path)
    for name, value in states.items():
        if not isinstance(value, dict):
            findings.error("FD103", f"state {name!r} must be an object, not {abbreviate(value)}", (*path, name))
        elif "Type" not in value:
            message, hint = f"state {name!r} has no Type", "write one of " + ", ".join(STATE_TYPES)
            said = "These fields are required: [Type]"
            findings.error("FD104", message, (*path, name), hint=hint, said=said, at=(*path, name))
        elif value["Type"] not in STATE_TYPES and not has_placeholder(value["Type"]):
            findings.error(
                "FD109",
                f"there is no state type {abbreviate(value['Type'])}",
                (*path, name, "Type"),
                hint=did_you_mean(str(value["Type"]), STATE_TYPES) or "write one of " + ", ".join(STATE_TYPES),
                said=f"The field 'Type' should have one of these values: [{', '.join(STATE_TYPES)}]",
            )


def _query_language(state: Node, default: Language, findings: Findings) -> None:
    if default == "JSONata" and state.fields.get("QueryLanguage") == "JSONPath":
        findings.error(
            "FD110",
            f"state {state.name!r} cannot use JSONPath in a state machine whose QueryLanguage is JSONata",
            (*state.path, "QueryLanguage"),
            hint=findings.either(
                "leave the machine's QueryLanguage at JSONPath and set JSONata on the states that use it",
                'say query_language="JSONata" on the states that use it, not on the StateMachine',
            ),
            said="'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
            at=state.path,
        )


def _element(job: _Job, findings: Findings, given: list[Given]) -> None:
    """Check an element and the parts inside it."""
    jobs = [job]
    while jobs:
        job = jobs.pop()
        known = by_asl_name(job.cls)
        for key, value in job.value.items():
            spec = known.get(key)
            if spec is None:
                _unknown(job, key, findings)
            elif _language_fits(job, spec, key, findings):
                jobs.extend(_value(job, spec, key, value, findings, given))
        _exclusive(job, findings)
        _required(job, findings)


def _value(job: _Job, spec: Spec, key: str, value: Any, findings: Findings, given: list[Given]) -> Iterator[_Job]:
    kind = spec.kind if key == spec.name else (spec.by or REFERENCE_PATH)
    path = (*job.path, key)
    if job.language == "JSONata" and spec.jsonata and _is_jsonata(value):
        given.append(Given(spec, kind, key, value, path, job.cls, job.state, job.language))
        return
    if not kind.accepts(value) and not (kind.text and has_placeholder(value)):
        if is_placeholder(value):
            return
        what = kind.what
        if job.language == "JSONata" and spec.jsonata:
            what += " or JSONata in {% %}"
        hint = did_you_mean(value, kind.words) if isinstance(value, str) else None
        findings.error(
            "FD103", f"{key} must be {what}, not {abbreviate(value)}", path, hint=hint, said=kind.complaint(value)
        )
        return
    given.append(Given(spec, kind, key, value, path, job.cls, job.state, job.language))
    cls = kind.of
    if kind.shape == "part" and cls is not None and isinstance(value, dict):
        yield _Job(cls, value, path, job.state, job.language)
    elif kind.shape == "parts" and cls is not None:
        for index, each in enumerate(value):
            if isinstance(each, dict):
                yield _Job(cls, each, (*path, index), job.state, job.language)
            else:
                findings.error("FD103", f"{key}[{index}] must be an object, not {abbreviate(each)}", (*path, index))
    elif kind.shape == "machines":
        for index, each in enumerate(value):
            if not isinstance(each, dict):
                findings.error("FD103", f"{key}[{index}] must be an object, not {abbreviate(each)}", (*path, index))


def _is_jsonata(value: Any) -> bool:
    return isinstance(value, str) and ("{%" in value or "%}" in value)


def _unknown(job: _Job, key: str, findings: Findings) -> None:
    if key == "Type" and job.state is not None and job.path == job.state.path:
        return
    if job.cls is Rule and _is_rule_word(key):
        return  # choices.py looks at it
    what = f"a {job.cls.type} state" if job.state and job.path == job.state.path else _NAMES.get(job.cls.__name__, "")
    from ..wording import keyword, unknown

    word = f"keyword {keyword(job.cls, key)!r}" if findings.python else f"field {key!r}"
    hint = unknown(job.cls, key, python=findings.python)
    findings.error(
        "FD102",
        f"{what or 'this object'} has no {word}",
        (*job.path, key),
        hint=hint,
        said=f"Field '{key}' is not supported",
        at=job.path,
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


def _language_fits(job: _Job, spec: Spec, key: str, findings: Findings) -> bool:
    needs = spec.language if key == spec.name else "JSONPath"
    if needs is None or needs == job.language:
        return True
    message = f"{key} belongs to {needs}, and the query language here is {job.language}"
    path = (*job.path, key)
    from ..wording import other_language

    hint = other_language(job.cls, spec, key, python=findings.python)
    if (getattr(job.cls, "type", ""), key) in UNVERIFIED_LANGUAGE:
        findings.warning("FD105", message, path, hint=hint)
        return True
    said = (
        f"The QueryLanguage is set to '{job.language}', but field '{key}' is only supported for the '{needs}' "
        "QueryLanguage"
    )
    findings.error("FD105", message, path, hint=hint, said=said, at=job.path)
    return False


@cache
def _groups(cls: Any) -> tuple[tuple[str, ...], ...]:
    """The groups of fields of which only one may stand there."""
    twins = tuple((spec.name, spec.path) for spec in specs(cls).values() if spec.path)
    return (*twins, *getattr(cls, "at_most_one", ()), *getattr(cls, "exactly_one", ()))


@cache
def _needed(cls: Any) -> tuple[Spec, ...]:
    return tuple(spec for spec in specs(cls).values() if spec.required)


def _exclusive(job: _Job, findings: Findings) -> None:
    wanted = getattr(job.cls, "exactly_one", ())
    for group in _groups(job.cls):
        there = [name for name in group if name in job.value and _fits(job, name)]
        if len(there) > 1 and not any(set(there) <= set(other) for other in wanted if other is not group):
            if {"Next", "End"} == set(there) and job.value["End"] is False:
                continue
            findings.error(
                "FD106",
                f"only one of {' and '.join(there)} can stand here",
                (*job.path, there[1]),
                said=f"There should only be one of the following fields: [{', '.join(group)}]",
                at=job.path,
            )
    for group in wanted:
        there = [name for name in group if name in job.value]
        if not there or (there == ["End"] and job.value["End"] is False):
            names = ", ".join(group[:-1]) + " or " + group[-1]
            hint = _missing(job, group, findings)
            findings.error("FD104", f"{_owner(job)} needs {names}", job.path, hint=hint)


def _fits(job: _Job, key: str) -> bool:
    """Whether the field belongs to the query language; if not, that alone is said of it."""
    spec = by_asl_name(job.cls)[key]
    needs = spec.language if key == spec.name else "JSONPath"
    return needs is None or needs == job.language or (getattr(job.cls, "type", ""), key) in UNVERIFIED_LANGUAGE


def _owner(job: _Job) -> str:
    if job.state and job.path == job.state.path:
        return f"state {job.state.name!r}"
    return _NAMES.get(job.cls.__name__, "this object")


def _missing(job: _Job, group: tuple[str, ...], findings: Findings) -> str | None:
    """What to write where none of a group is there."""
    if "End" in group:
        return findings.either('write "Next": "…" or "End": true', "put it into a chain(...), or write end=True")
    if not findings.python:
        return None
    from ..wording import keyword

    words = dict.fromkeys(keyword(job.cls, name) for name in group)
    return "write " + " or ".join(f"{word}=…" for word in words)


def _required(job: _Job, findings: Findings) -> None:
    missing = [
        spec.name
        for spec in _needed(job.cls)
        if spec.name not in job.value and (not spec.path or spec.path not in job.value)
    ]
    if not missing or (job.cls is Rule and not any(map(_is_rule_word, job.value)) and "Condition" not in job.value):
        return  # choices.py says that it is no rule
    said = f"These fields are required: [{', '.join(reversed(missing))}]"
    if job.cls.__name__ == "Credentials":
        said = f"The field '{missing[0]}' is required but was missing"
    hint = None
    if findings.python:
        from ..wording import keyword

        hint = "write " + ", ".join(f"{keyword(job.cls, name)}=…" for name in missing)
    message = f"{_owner(job)} needs {' and '.join(missing)}"
    findings.error("FD104", message, job.path, hint=hint, said=said, at=job.path)
