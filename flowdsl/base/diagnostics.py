"""Diagnostics: what is wrong, where, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

from .record import Record, field
from .source import Span
from .words import one_line

AslPath = tuple[str | int, ...]
Severity = Literal["error", "warning"]


class Diagnostic(Record):
    """One finding.

    `code` is stable (`FD401`); `path` addresses the value in the definition; `span` is the place in the file that the
    author wrote, where known; `hint` says what to write instead.
    """

    code: str
    message: str
    path: AslPath = ()
    severity: Severity = "error"
    span: Span | None = None
    hint: str | None = None
    aws: str | None = field(default=None, repr=False)
    """The code of ValidateStateMachineDefinition for it, if known."""
    aws_message: str | None = field(default=None, repr=False)
    """The service's message, if it is known and differs from `message`."""
    aws_at: AslPath | str | None = field(default=None, repr=False)
    """The service's location, if it differs from `path`; "" for none."""
    needle: str | float | None = field(default=None, repr=False)
    """A name or a constant inside the value at the path that the finding is about."""

    def text(self) -> str:
        where = str(self.span) if self.span else one_line(pointer(self.path))
        lines = [f"{where + ': ' if where else ''}{self.severity} {self.code} {self.message}{self._in_state()}"]
        excerpt = self.span.excerpt() if self.span else None
        if excerpt:
            lines.append(excerpt)
        if self.hint:
            lines.append(f"      = {self.hint}")
        if self.span and self.span.called_at:
            lines.append(f"      = called at {self.span.called_at}")
        if self.span and self.span.defined_at:
            lines.append(f"      = defined at {self.span.defined_at}")
        return "\n".join(lines)

    def _in_state(self) -> str:
        """The innermost state on the path, unless the message names it."""
        name = next((str(name) for name, above in pairwise(reversed(self.path)) if above == "States"), "")
        is_readable = name.isprintable()  # A name that an f-string with an expression made is not.
        return f" (state {name!r})" if name and is_readable and repr(name) not in self.message else ""

    def answer(self) -> dict[str, Any]:
        """As a diagnostic of ValidateStateMachineDefinition. Source: Step Functions API Reference."""
        at = self.path if self.aws_at is None else self.aws_at
        location = at if isinstance(at, str) else pointer(at) or "/"
        fields = {"severity": self.severity.upper(), "code": self.aws or self.code}
        fields["message"] = self.aws_message or self.message
        return {**fields, "location": location} if location else fields

    def json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"code": self.code, "severity": self.severity, "message": self.message}
        fields["path"] = pointer(self.path)
        if self.span:
            fields["file"], fields["line"], fields["column"] = self.span.file, self.span.line, self.span.column
            if self.span.called_at:
                fields["called_at"] = str(self.span.called_at)
            if self.span.defined_at:
                fields["defined_at"] = str(self.span.defined_at)
        if self.hint:
            fields["hint"] = self.hint
        return fields


def pointer(path: AslPath) -> str:
    """The path in the form of ValidateStateMachineDefinition's `location`: `/States/A/Choices[0]/Next`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in path)


def as_text(diagnostics: Iterable[Diagnostic]) -> str:
    return "\n".join(diagnostic.text() for diagnostic in diagnostics)


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    return json.dumps([diagnostic.json() for diagnostic in diagnostics], indent=2, ensure_ascii=False)


AWS_MOST = 100
"""How many diagnostics ValidateStateMachineDefinition returns at most."""


def as_aws(diagnostics: Sequence[Diagnostic]) -> str:
    """The answer of ValidateStateMachineDefinition. Source: Step Functions API Reference.

    A missing end comes after the missing targets, as the service has it.
    """
    failed = any(diagnostic.severity == "error" for diagnostic in diagnostics)
    ordered = sorted(diagnostics, key=lambda diagnostic: diagnostic.aws == "MISSING_END_STATE")
    answers = [diagnostic.answer() for diagnostic in ordered]
    answer = {
        "result": "FAIL" if failed else "OK",
        "diagnostics": answers[:AWS_MOST],
        "truncated": len(answers) > AWS_MOST,
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)


class FlowError(Exception):
    """The author's or the user's mistake: one or more diagnostics, for people to read."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics: Sequence[Diagnostic] = diagnostics

    def __str__(self) -> str:
        return as_text(self.diagnostics)

    @classmethod
    def of(cls, message: str, *, code: str = "FD001", span: Span | None = None, hint: str | None = None) -> FlowError:
        """A single mistake outside any definition, such as a file that is not there."""
        return cls(Diagnostic(code, message, span=span, hint=hint))
