"""Findings that the author has reviewed and accepts, each with a reason.

In Python a comment on the line that the finding points to:

    take_payment = Task("TakePayment", ...)  # flowdsl: ignore[FD802] the PSP always answers with a reference

In JSON and YAML the Comment of the state, or of the machine for all of it: "flowdsl: ignore[FD802] the PSP always …".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..asl.tree import Machine, Node
from ..base.diagnostics import AslPath, Diagnostic
from ..base.patterns import regex
from ..base.record import Record
from ..base.source import Span
from ..base.unsaved import read_source
from .findings import Findings
from .registry import Code, Rule
from .subject import Subject

_IGNORE = regex(r"flowdsl:\s*ignore\[([^\]]*)\]([^#]*)")
_CODE = regex(r"FD\d{3}")


class _Ignore(Record, eq=False, frozen=False):
    codes: tuple[str, ...]
    reason: str
    path: AslPath
    span: Span | None = None
    is_used: bool = False


def _parse(text: str, path: AslPath, span: Span | None = None) -> _Ignore | None:
    match = _IGNORE.search(text)
    if match is None:
        return None
    codes = tuple(code.strip() for code in match[1].split(","))
    return _Ignore(codes, match[2].strip(), path, span)


def drop_ignored(subject: Subject, findings: Findings) -> None:
    """Drop the findings that Comments of the definition ignore; report the Comments that are wrong."""
    ignores: list[_Ignore] = []
    parts: list[Machine | Node] = [*subject.tree.machines, *subject.tree]
    for part in parts:
        comment = part.fields.get("Comment")
        if isinstance(comment, str) and "flowdsl:" in comment and (ignore := _parse(comment, part.path)):
            ignores.append(ignore)
    left = [each for each in findings.diagnostics if not _is_ignored(each, ignores)]
    findings.diagnostics = [*left, *_mistakes(ignores, "Comment")]


def _is_ignored(diagnostic: Diagnostic, ignores: list[_Ignore]) -> bool:
    path = diagnostic.path
    matching = [each for each in ignores if diagnostic.code in each.codes and path[: len(each.path)] == each.path]
    for ignore in matching:
        ignore.is_used = True
    return bool(matching)


def without_ignored(diagnostics: Iterable[Diagnostic], *files: str) -> list[Diagnostic]:
    """Drop the findings that comments in Python files ignore; report the comments that are wrong.

    `files` are searched for unused comments, besides the files of the diagnostics.
    """
    diagnostics = list(diagnostics)
    comments = {
        (file, number): ignore
        for file in {*files, *(each.span.file for each in diagnostics if each.span)}
        if file.endswith(".py")
        for number, text in _comments(file)
        if (ignore := _parse(text, (), Span(file, number)))
    }
    if not comments:
        return diagnostics
    left: list[Diagnostic] = []
    for each in diagnostics:
        lines = {each.span.line, each.span.end_line or each.span.line} if each.span else set()
        matching = [
            comments[each.span.file, line] for line in lines if each.span and (each.span.file, line) in comments
        ]
        matching = [ignore for ignore in matching if each.code in ignore.codes]
        for ignore in matching:
            ignore.is_used = True
        if not matching:
            left.append(each)
    return [*left, *_mistakes(comments.values(), "")]


def _comments(file: str) -> Iterator[tuple[int, str]]:
    """Yield the comments for flowdsl in a Python file, with their lines; none if it cannot be read."""
    try:
        content = read_source(Path(file))
    except OSError:
        return
    if b"# flowdsl:" in content:
        for number, line in enumerate(content.splitlines(), 1):
            _, mark, text = line.partition(b"# flowdsl:")
            if mark:
                yield number, (mark + text).decode(errors="replace")


def _mistakes(ignores: Iterable[_Ignore], key: str) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    for ignore in ignores:
        path = (*ignore.path, key) if key else ()
        comment = f"ignore[{', '.join(ignore.codes)}]"
        if not all(_CODE.fullmatch(code) for code in ignore.codes):
            message, hint = f"{comment} does not name a code", "write a code and the reason, such as ignore[FD802] why"
        elif not ignore.is_used:
            message, hint = f"unused {comment}", "remove it"
        elif not ignore.reason:
            message, hint = f"{comment} has no reason", "write the reason after the bracket"
        else:
            continue
        diagnostics.append(Diagnostic("FD002", message, path, "warning", span=ignore.span, hint=hint))
    return diagnostics


RULES = (Rule(drop_ignored, (Code("FD002", "warning", "A comment that ignores a finding is wrong"),)),)
