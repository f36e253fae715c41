"""Names: of states, one namespace for the whole definition, and of Maps (Label).

Source: ASL specification, "States"; Step Functions Developer Guide, "Quotas" and "Map state", Label.
"""

from __future__ import annotations

import re

from ...asl.tree import Scope, StateAt, has_placeholder
from ...author.kinds import MAX_LABEL, MAX_NAME
from ...base.diagnostics import pointer
from ..findings import Findings

_FORBIDDEN_IN_LABEL = re.compile(r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]""")


def check_names(scopes: list[Scope], findings: Findings) -> None:
    seen: dict[str, StateAt] = {}
    labels: dict[str, StateAt] = {}
    for scope in scopes:
        for state in scope.states.values():
            _state_name(state, seen, findings)
            if state.type == "Map" and isinstance(state.fields.get("Label"), str):
                _label(state, state.fields["Label"], labels, findings)


def _state_name(state: StateAt, seen: dict[str, StateAt], findings: Findings) -> None:
    name = state.name
    if not name or len(name) > MAX_NAME:
        shortened = name[:30] + "…" if name else name
        message = f"a state's name has 1 to {MAX_NAME} characters; {shortened!r} has {len(name)}"
        findings.error("FD202", message, state.path, aws="INVALID_STATE_NAME")
    first = seen.setdefault(name, state)
    if first is not state:
        findings.error(
            "FD201",
            f"two states are named {name!r}: this one and {pointer(first.path)}",
            state.path,
            hint="a state's name is unique in the whole definition, branches and item processors included",
            aws="DUPLICATE_STATE_NAME",
        )


def _label(state: StateAt, label: str, labels: dict[str, StateAt], findings: Findings) -> None:
    path = (*state.path, "Label")
    if has_placeholder(label):
        return
    if not label or len(label) > MAX_LABEL or _FORBIDDEN_IN_LABEL.search(label):
        findings.error(
            "FD203",
            f"a Label has 1 to {MAX_LABEL} characters, without white space, brackets, wildcards and "
            f'any of "#%\\^|~`$&,;:/ ; {label[:50]!r} is none',
            path,
            aws="INVALID_LABEL_NAME",
        )
    first = labels.setdefault(label, state)
    if first is not state:
        findings.error(
            "FD204", f"the Label {label!r} is also that of state {first.name!r}", path, aws="DUPLICATE_LABEL_NAME"
        )
