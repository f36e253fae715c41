"""What is wrong, where, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

from attrs import field, frozen

from .source import Span

AslPath = tuple[str | int, ...]
Severity = Literal["error", "warning"]


@frozen
class Diagnostic:
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
    """The code that ValidateStateMachineDefinition gives for it, where known."""
    aws_message: str | None = field(default=None, repr=False)
    """What it says, where that is known and differs from ours."""
    aws_at: AslPath | str | None = field(default=None, repr=False)
    """The location it gives, where it differs from `path`; "" for none."""

    def text(self) -> str:
        where = str(self.span) if self.span else pointer(self.path)
        lines = [f"{where + ': ' if where else ''}{self.severity} {self.code} {self.message}{self._in_state()}"]
        excerpt = self.span.excerpt() if self.span else None
        if excerpt:
            lines.append(excerpt)
        if self.hint:
            lines.append(f"      = {self.hint}")
        if self.span and self.span.called_at:
            lines.append(f"      = called at {self.span.called_at}")
        return "\n".join(lines)

    def _in_state(self) -> str:
        """The innermost state that the path leads through, where the message does not name it."""
        names = [name for above, name in pairwise(self.path) if above == "States"]
        return f" (state {names[-1]!r})" if names and repr(names[-1]) not in self.message else ""

    def answer(self) -> dict[str, Any]:
        """As a diagnostic of ValidateStateMachineDefinition. Source: Step Functions API Reference."""
        at = self.path if self.aws_at is None else self.aws_at
        location = at if isinstance(at, str) else pointer(at) or "/"
        found = {"severity": self.severity.upper(), "code": self.aws or self.code}
        found["message"] = self.aws_message or self.message
        return {**found, "location": location} if location else found

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"code": self.code, "severity": self.severity, "message": self.message}
        found["path"] = pointer(self.path)
        if self.span:
            found["file"], found["line"], found["column"] = self.span.file, self.span.line, self.span.column
        if self.hint:
            found["hint"] = self.hint
        return found


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
    found = [diagnostic.answer() for diagnostic in ordered]
    answer = {"result": "FAIL" if failed else "OK", "diagnostics": found[:AWS_MOST], "truncated": len(found) > AWS_MOST}
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
