"""Findings that the author has looked at and lets stand, each with its reason.

In Python a comment on the line that a finding points to:

    take_payment = Task("TakePayment", ...)  # flowdsl: ignore[FD802] the PSP always answers with a reference

In JSON and YAML the Comment of the state, or of the machine for all of it: "flowdsl: ignore[FD802] the PSP always …".
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterable

import attrs

from ..asl.tree import Machine, Node, Tree
from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Span

_IGNORE = re.compile(r"flowdsl:\s*ignore\[([^\]]*)\]([^#]*)")
_CODE = re.compile(r"FD\d{3}")


@attrs.define(eq=False)
class _Ignore:
    codes: tuple[str, ...]
    reason: str
    path: AslPath
    span: Span | None = None
    is_used: bool = False


def _read(text: str, path: AslPath, span: Span | None = None) -> _Ignore | None:
    found = _IGNORE.search(text)
    if found is None:
        return None
    codes = tuple(code.strip() for code in found[1].split(","))
    return _Ignore(codes, found[2].strip(), path, span)


def without_commented(found: list[Diagnostic], tree: Tree) -> list[Diagnostic]:
    """What is left when the definition's own Comments have been asked."""
    ignores: list[_Ignore] = []
    parts: list[Machine | Node] = [*tree.machines, *tree]
    for part in parts:
        comment = part.fields.get("Comment")
        if isinstance(comment, str) and "flowdsl:" in comment and (ignore := _read(comment, part.path)):
            ignores.append(ignore)
    if not ignores:
        return found
    left = [each for each in found if not _any(ignores, each, each.path)]
    return [*left, *_complaints(ignores, "Comment")]


def _any(ignores: list[_Ignore], diagnostic: Diagnostic, path: AslPath) -> bool:
    hit = [each for each in ignores if diagnostic.code in each.codes and path[: len(each.path)] == each.path]
    for ignore in hit:
        ignore.is_used = True
    return bool(hit)


def without_marked(found: Iterable[Diagnostic], *files: str) -> list[Diagnostic]:
    """What is left when the comments on the lines have been asked. `files` are searched for comments without effect."""
    found = list(found)
    marks = {
        (file, number): ignore
        for file in {*files, *(each.span.file for each in found if each.span)}
        if file.endswith(".py")
        for number, line in enumerate(linecache.getlines(file), 1)
        if "# flowdsl:" in line and (ignore := _read(line[line.index("# flowdsl:") :], (), Span(file, number)))
    }
    if not marks:
        return found
    left: list[Diagnostic] = []
    for each in found:
        lines = {each.span.line, each.span.end_line or each.span.line} if each.span else set()
        hit = [marks[each.span.file, line] for line in lines if each.span and (each.span.file, line) in marks]
        hit = [ignore for ignore in hit if each.code in ignore.codes]
        for ignore in hit:
            ignore.is_used = True
        if not hit:
            left.append(each)
    return [*left, *_complaints(marks.values(), "")]


def _complaints(ignores: Iterable[_Ignore], key: str) -> list[Diagnostic]:
    complaints: list[Diagnostic] = []
    for ignore in ignores:
        path = (*ignore.path, key) if key else ()
        said = ", ".join(ignore.codes)
        if not all(_CODE.fullmatch(code) for code in ignore.codes):
            message, hint = f"ignore[{said}] names no code", "write ignore[FD802] and why"
        elif not ignore.is_used:
            message, hint = f"ignore[{said}] has nothing to ignore here", "remove it"
        elif not ignore.reason:
            message, hint = f"ignore[{said}] gives no reason", "write why after the bracket"
        else:
            continue
        complaints.append(Diagnostic("FD002", message, path, "warning", span=ignore.span, hint=hint))
    return complaints
