"""The definition as a whole: an object, of limited size, without duplicate keys.

Source: Step Functions API Reference, CreateStateMachine, `definition`.
"""

from __future__ import annotations

from ...base.diagnostics import AslPath
from ...base.words import abbreviate
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

_MAX_CHARACTERS = 1_048_576
"""The greatest length of a definition."""


def check_object(subject: Subject, findings: Findings) -> None:
    if not isinstance(subject.definition, dict):
        message = f"a definition must be a JSON object, not {abbreviate(subject.definition)}"
        hint = 'write {"StartAt": …, "States": {…}}'
        aws_message = "Definition must be a valid JSON object"
        findings.error("FD101", message, (), hint=hint, aws_message=aws_message, aws_at="")


def check_duplicate_keys(subject: Subject, findings: Findings) -> None:
    keys = {*subject.duplicates}
    for path in keys:
        if not any(path[:length] in keys for length in range(1, len(path))):
            _report_duplicate(path, findings)


def _report_duplicate(path: AslPath, findings: Findings) -> None:
    name = path[-1]
    if path[-2:-1] == ("States",) and (len(path) == 2 or path[-3] in ("ItemProcessor", "Iterator") or len(path) > 3):
        hint = "rename one of them: state names must be unique across the definition, including nested branches"
        findings.error("FD201", f"duplicate state name {name!r}", path, hint=hint, aws="DUPLICATE_STATE_NAME")
    else:
        message = f"duplicate key {name!r}: only the last value is used"
        findings.warning("FD107", message, path, hint="remove one of them", needle=name)


def check_size(subject: Subject, findings: Findings) -> None:
    if len(subject.text) > _MAX_CHARACTERS:
        message = f"the definition has {len(subject.text):,} characters; AWS accepts at most {_MAX_CHARACTERS:,}"
        findings.error("FD108", message, (), hint="move a part of it into a state machine of its own")


RULES = (
    Rule(check_object, (Code("FD101", "error", "The definition is not a JSON object"),)),
    Rule(check_duplicate_keys, (Code("FD107", "warning", "Duplicate key"),), also=("FD201",)),
    Rule(check_size, (Code("FD108", "error", "The definition is too long"),)),
)
