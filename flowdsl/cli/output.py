"""Output of the commands: diagnostics as text, JSON, GitHub annotations, or in the form of AWS's validation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..base.diagnostics import Diagnostic, FlowError, as_aws, as_json
from .terminal import escape

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
"""The exit codes that a shell reports for programs ended by SIGINT and SIGPIPE."""

OWN_PROCESS = "own process"
"""The object of the context of a command that has the process for itself, and so may end it."""

_COLOURS = {"error": "red", "warning": "yellow"}


class Mistake(click.ClickException):
    """A FlowError as click shows it."""

    exit_code = EXIT_MISTAKE

    def __init__(self, error: FlowError, *, color: bool | None) -> None:
        super().__init__(str(error))
        self.diagnostics = error.diagnostics
        self.color = color

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(escape(as_text(self.diagnostics)), file=file, err=file is None, color=self.color)


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
    properties = ",".join(f"{key}={_escape(str(value), ',:')}" for key, value in fields.items())
    called_at = f"called at {span.called_at}" if span and span.called_at else None
    defined_at = f"defined at {span.defined_at}" if span and span.defined_at else None
    message = "\n".join(filter(None, [diagnostic.message, diagnostic.hint, called_at, defined_at]))
    return f"::{diagnostic.severity} {properties}::{_escape(message)}"


def _escape(text: str, also: str = "") -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Diagnostics with their severity in colour (click removes it if the output is not a terminal). The same diagnostic
    of one place, for several states that share it, is printed once."""
    same: dict[object, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        place = diagnostic.span or diagnostic.path
        same.setdefault((diagnostic.code, diagnostic.severity, diagnostic.message, place), []).append(diagnostic)
    return "\n".join(_style(first, len(others)) for first, *others in same.values())


def _style(diagnostic: Diagnostic, others: int) -> str:
    plain = f"{diagnostic.severity} {diagnostic.code}"
    first_line, *below = diagnostic.text().split("\n")
    first_line = first_line.replace(plain, click.style(plain, fg=_COLOURS[diagnostic.severity], bold=True), 1)
    return "\n".join([first_line + f" (and {others} more)" * bool(others), *below])


@contextmanager
def reserve_stdout() -> Iterator[None]:
    """Redirect what bypasses Python's stdout, such as the output of a handler's child process, to stderr."""
    try:
        kept = os.dup(1)
    except OSError:  # it is closed
        yield
        return
    sys.stdout.flush()
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def json_text(value: Any) -> str:
    """A JSON value as text; characters that stdout's encoding lacks are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text


def as_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """The format that code scanning reads, SARIF 2.1.0."""
    from .sarif import log

    return json.dumps(log(diagnostics), indent=2, ensure_ascii=False)


FORMATS = {"text": as_text, "json": as_json, "github": as_github, "sarif": as_sarif, "aws": as_aws}
