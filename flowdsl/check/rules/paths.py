"""Paths and payload templates of JSONPath states: syntax, Reference Paths, intrinsic functions.

Source: ASL specification, "Paths", "Reference Paths", "Payload Template"; Developer Guide, "Intrinsic functions".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...author import kinds
from ...base.diagnostics import AslPath
from ...base.words import abbreviate
from ...expr.path.parser import parse_path
from ...expr.path.tree import Path, PathSyntaxError, Root
from ..findings import Findings
from .fields import Given

_parsed = lru_cache(maxsize=4096)(parse_path)


def check_paths(given: list[Given], compared: list[tuple[str, AslPath, Node]], findings: Findings) -> None:
    for each in given:
        if each.language == "JSONata" and each.kind.shape != "path":
            continue
        if each.kind.shape == "path":
            _check_field(each, findings)
        elif each.kind.shape == "template":
            _check_template(each.value, each.path, findings)
        elif each.key == "Result":
            _check_result(each.value, each.path, findings)
    for text, path, _ in compared:
        _check_syntax(text, path, findings)


def parsed(text: Any) -> Path | None:
    """The path, or None where the text is none."""
    if not isinstance(text, str):
        return None
    try:
        return _parsed(text)
    except (PathSyntaxError, RecursionError):
        return None


def is_intrinsic(text: str) -> bool:
    return text.startswith("States.")


def _check_field(each: Given, findings: Findings) -> None:
    text, kind, path = each.value, each.kind, each.path
    if text is None or has_placeholder(text):
        return
    if kind in (kinds.TEXT_PATH, kinds.EXPRESSION) and is_intrinsic(text):
        from .intrinsics import check_intrinsic, names_error

        if check_intrinsic(text, path, findings) and kind is kinds.TEXT_PATH and not names_error(text):
            findings.error("FD304", f"{each.key} needs a string, which {text.partition('(')[0]} does not return", path)
        return
    if each.key == "TimestampPath" and is_intrinsic(text):  # Samples have it, the documentation has not.
        from .intrinsics import check_intrinsic

        check_intrinsic(text, path, findings)
        findings.warning(
            "FD302", f"{each.key} takes a Reference Path, not the intrinsic function {abbreviate(text)}", path
        )
        return
    found = _check_syntax(text, path, findings)
    if found is None or kind in (kinds.PATH, kinds.EXPRESSION):
        return
    roots = {Root.INPUT} if kind is kinds.RESULT_PATH else {Root.INPUT, Root.VARIABLE}
    if kind in (kinds.ITEMS_PATH, kinds.TEXT_PATH):
        roots.add(Root.CONTEXT)
    if found.root not in roots:
        other = "the context object" if found.root is Root.CONTEXT else "a variable"
        hint = 'start it with "$."' + ("; Assign sets a variable" if found.root is Root.VARIABLE else "")
        findings.error(
            "FD302", f"{each.key} cannot lead into {other}: {abbreviate(text)}", path, hint=hint,
            said="Value is not a Reference Path",
        )  # fmt: skip
    elif not found.is_reference or "(@" in text:
        findings.error(
            "FD302",
            f"{each.key} must be a Reference Path, which leads to one place: {abbreviate(text)}",
            path,
            hint="use names and indexes only, without *, .., slices and filters",
            said="Value is not a Reference Path",
        )


def _check_syntax(text: str, path: AslPath, findings: Findings) -> Path | None:
    if has_placeholder(text):
        return None
    try:
        return _parsed(text)
    except PathSyntaxError as error:
        message = f"{abbreviate(text)} is not a path: {error.message} at offset {error.offset}"
        findings.error("FD301", message, path, said="Value must be a valid JSONPath.")
    except RecursionError:
        findings.error(
            "FD301", f"{abbreviate(text)} is nested too deeply", path, said="Value must be a valid JSONPath."
        )
    return None


def expressions(template: Any, path: AslPath) -> Iterator[tuple[str, Any, AslPath]]:
    """The fields of a payload template, at every depth: (key, value, path)."""
    todo = [(template, path)]
    while todo:
        value, at = todo.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, dict | list):
                    if isinstance(key, str) and key.endswith(".$"):
                        yield key, item, (*at, key)
                    else:
                        todo.append((item, (*at, key)))
                else:
                    yield key, item, (*at, key)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict | list):
                    todo.append((item, (*at, index)))


def _check_template(template: Any, path: AslPath, findings: Findings) -> None:
    for key, value, at in expressions(template, path):
        if key.endswith(".$"):
            _check_expression(key, value, at, findings)
        elif isinstance(value, str) and looks_dynamic(value):
            findings.warning(
                "FD305",
                f"{key!r} holds the text {abbreviate(value)} itself",
                at,
                hint=_dynamic(key, value, findings),
                aws="NO_DOLLAR",
            )
    _check_clashes(template, path, findings)


def _dynamic(key: str, value: str, findings: Findings) -> str:
    if not findings.python:
        return f'write "{key}.$" for what the path or function gives'
    if value.startswith("States."):
        return "write one of flowdsl.intrinsic's functions for what it gives"
    if value.startswith("$$"):
        return "write context.… for what the path finds"
    from ..wording import path_in_python

    return f"write {path_in_python(value)} without quotes for what the path finds"


def _check_clashes(template: Any, path: AslPath, findings: Findings) -> None:
    todo = [(template, path)]
    while todo:
        value, at = todo.pop()
        if isinstance(value, list):
            todo.extend((item, (*at, index)) for index, item in enumerate(value) if isinstance(item, dict | list))
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, dict | list):
                    todo.append((item, (*at, key)))
                if key.endswith(".$") and key[:-2] in value:
                    message = f"{key!r} and {key[:-2]!r} are the same field: which one counts is not said"
                    findings.warning("FD308", message, (*at, key), hint="remove one of them")


def _check_expression(key: str, value: Any, path: AslPath, findings: Findings) -> None:
    said = f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
    if not isinstance(value, str):
        message = f"{key!r} must be a path or an intrinsic function, not {abbreviate(value)}"
        hint = f'write "{key[:-2]}" for a constant'
        findings.error("FD303", message, path, hint=hint, said=said, at=path[:-1])
    elif has_placeholder(value):
        return
    elif is_intrinsic(value):
        from .intrinsics import check_intrinsic

        check_intrinsic(value, path, findings, said=said)
    else:
        try:
            _parsed(value)
        except (PathSyntaxError, RecursionError) as error:
            reason = getattr(error, "message", "nested too deeply")
            message = f"{key!r} holds {abbreviate(value)}, which is neither a path nor an intrinsic function: {reason}"
            constant = None if value.startswith("$") else f'write "{key[:-2]}" for a constant'
            findings.error("FD303", message, path, hint=constant, said=said, at=path[:-1])


def looks_dynamic(text: str) -> bool:
    """Whether the text would be read as a path or an intrinsic function where one is expected."""
    if text.startswith(("$.", "$$.", "$[")):
        return parsed(text) is not None
    return text.startswith("States.") and text.endswith(")")


def _check_result(value: Any, path: AslPath, findings: Findings) -> None:
    for key, item, at in expressions(value, path):
        if isinstance(item, str) and (key.endswith(".$") or looks_dynamic(item)):
            findings.warning(
                "FD307",
                f"Result is a constant: {key!r} stays the text {abbreviate(item)}",
                at,
                hint=findings.either("write Parameters instead of Result", "write parameters=… instead of result=…"),
                aws="PASS_RESULT_IS_STATIC",
            )
