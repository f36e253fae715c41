"""Names: of states, one namespace for the whole definition, and of Maps (Label).

Source: ASL specification, "States"; Step Functions Developer Guide, "Quotas" and "Map state", Label.
"""

from __future__ import annotations

from ...asl.names import FORBIDDEN_IN_WORDS, MAX_LABEL, MAX_NAME, is_label, is_state_name
from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...base.diagnostics import pointer
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject


def check_names(subject: Subject, findings: Findings) -> None:
    seen: dict[str, Node] = {}
    labels: dict[str, Node] = {}
    for machine in subject.tree.machines:  # of two states with one name the inner one is reported, as by the service
        for state in machine.states.values():
            _check_state_name(state, seen, findings)
            if state.type == "Map" and isinstance(state.fields.get("Label"), str):
                _check_label(state, state.fields["Label"], labels, findings)


def _check_state_name(state: Node, seen: dict[str, Node], findings: Findings) -> None:
    name = state.name
    if not is_state_name(name):
        shortened = name[:30] + "…" if name else name
        message = f"state name {shortened!r} has {len(name)} characters; a name has 1 to {MAX_NAME}"
        findings.error("FD202", message, state.path, aws="INVALID_STATE_NAME")
    first = seen.setdefault(name, state)
    if first is not state:
        findings.error(
            "FD201",
            f"duplicate state name {name!r}: {pointer(first.path)} has it too",
            state.path,
            hint="rename one of them: state names must be unique across the definition, including nested branches",
            aws="DUPLICATE_STATE_NAME",
        )


def _check_label(state: Node, label: str, labels: dict[str, Node], findings: Findings) -> None:
    path = (*state.path, "Label")
    if has_placeholder(label):
        return
    if not is_label(label):
        findings.error(
            "FD203",
            f"Label {label[:50]!r} is not allowed: it must have 1 to {MAX_LABEL} characters",
            path,
            hint=f"use letters, digits, - and _; a Label cannot contain {FORBIDDEN_IN_WORDS}",
            aws="INVALID_LABEL_NAME",
        )
    first = labels.setdefault(label, state)
    if first is not state:
        findings.error(
            "FD204", f"duplicate Label {label!r}: state {first.name!r} has it too", path, aws="DUPLICATE_LABEL_NAME"
        )


RULES = (
    Rule(
        check_names,
        (
            Code("FD201", "error", "Duplicate state name"),
            Code("FD202", "error", "A state name that is empty or too long"),
            Code("FD203", "error", "A Label that is not allowed"),
            Code("FD204", "error", "Duplicate Label"),
        ),
    ),
)
