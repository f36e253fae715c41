"""What the commands print: diagnostics as text, JSON, GitHub annotations, or as AWS's validation answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import click

from ..diagnostics import Diagnostic, FlowError, as_aws, as_json

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
"""These two are what a shell reports of programs that SIGINT and SIGPIPE end."""

_COLOURS = {"error": "red", "warning": "yellow"}


class Mistake(click.ClickException):
    """A FlowError as click shows it."""

    exit_code = EXIT_MISTAKE

    def __init__(self, error: FlowError, *, color: bool | None) -> None:
        super().__init__(str(error))
        self.diagnostics = error.diagnostics
        self.color = color

    def show(self, file: IO[Any] | None = None) -> None:
        for diagnostic in self.diagnostics:
            click.echo(styled(diagnostic), file=file, err=file is None, color=self.color)


def styled(diagnostic: Diagnostic) -> str:
    """The diagnostic's text with its severity in colour; click removes the colour where there is no terminal."""
    plain = f"{diagnostic.severity} {diagnostic.code}"
    return diagnostic.text().replace(plain, click.style(plain, fg=_COLOURS[diagnostic.severity], bold=True), 1)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Workflow commands that annotate a pull request.

    Source: GitHub Docs, "Workflow commands for GitHub Actions", "Setting an error message".
    """
    return "\n".join(map(_annotation, diagnostics))


def _annotation(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    fields: dict[str, Any] = {"title": diagnostic.code}
    if span:
        fields |= {"file": span.file, "line": span.line, "col": span.column}
        if span.end_line == span.line and span.end_column:
            fields |= {"endLine": span.end_line, "endColumn": span.end_column}
    said = ",".join(f"{key}={_escaped(str(value), ',:')}" for key, value in fields.items())
    message = diagnostic.message + (f"\n{diagnostic.hint}" if diagnostic.hint else "")
    return f"::{diagnostic.severity} {said}::{_escaped(message)}"


def _escaped(text: str, also: str = "") -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_text(diagnostics: Iterable[Diagnostic]) -> str:
    return "\n".join(map(styled, diagnostics))


FORMATS = {"text": as_text, "json": as_json, "github": as_github, "aws": as_aws}
