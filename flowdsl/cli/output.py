"""What the commands print: diagnostics as text, JSON, GitHub annotations, or as AWS's validation answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..base.diagnostics import Diagnostic, FlowError, as_aws, as_json

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
        click.echo(as_text(self.diagnostics), file=file, err=file is None, color=self.color)


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
    """Each with its severity in colour (click removes it where there is no terminal). What is said of one place for
    several states, because they share what stands there, is said once."""
    same: dict[object, list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        place = diagnostic.span or diagnostic.path
        same.setdefault((diagnostic.code, diagnostic.severity, diagnostic.message, place), []).append(diagnostic)
    return "\n".join(_styled(first, len(others)) for first, *others in same.values())


def _styled(diagnostic: Diagnostic, others: int) -> str:
    plain = f"{diagnostic.severity} {diagnostic.code}"
    said, *below = diagnostic.text().split("\n")
    said = said.replace(plain, click.style(plain, fg=_COLOURS[diagnostic.severity], bold=True), 1)
    return "\n".join([said + f" (and {others} more)" * bool(others), *below])


@contextmanager
def kept_for_the_result() -> Iterator[None]:
    """Have what is written past Python's stdout, as by the child process of a handler, go to stderr."""
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
    """A JSON value as stdout can show it: what its encoding has no bytes for is escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text


FORMATS = {"text": as_text, "json": as_json, "github": as_github, "aws": as_aws}
