"""Paths and payload templates of JSONPath states: syntax, Reference Paths, intrinsic functions, variables.

Source: ASL specification, "Paths", "Reference Paths", "Payload Template"; Developer Guide, "Intrinsic functions".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ...asl.placeholders import has_placeholder
from ...author import kinds
from ...author.states import Catcher
from ...base.diagnostics import AslPath
from ...base.words import abbreviate
from ...expr.path.parser import parse_path
from ...expr.path.tree import Path, PathSyntaxError, Root
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import FieldUse, Subject, VariableRead

_parsed = lru_cache(maxsize=4096)(parse_path)


def check_paths(subject: Subject, findings: Findings) -> None:
    """Check every path and payload template, and list the variables that they read in `subject.reads`."""
    for each in subject.fields:
        if each.language == "JSONata" and each.kind.shape != "path":
            continue
        if each.kind.shape == "path":
            _check_field(each, findings)
        elif each.kind.shape == "template":
            _check_template(each.value, each.path, subject, findings)
        elif each.key == "Result":
            _check_result(each.value, each.path, findings)
    for compared in subject.compared:
        _check_syntax(compared.text, compared.path, findings)
    subject.reads.extend(_variable_reads(subject))


def as_path(text: Any) -> Path | None:
    """Return the parsed path, or None if the value is not a path."""
    if not isinstance(text, str):
        return None
    try:
        return _parsed(text)
    except (PathSyntaxError, RecursionError):
        return None


def is_intrinsic(text: str) -> bool:
    return text.startswith("States.")


def _check_field(each: FieldUse, findings: Findings) -> None:
    text, kind, path = each.value, each.kind, each.path
    if text is None or has_placeholder(text):
        return
    if (kind is kinds.TEXT_PATH or kind is kinds.EXPRESSION) and is_intrinsic(text):
        from .intrinsics import check_intrinsic, names_error

        if check_intrinsic(text, path, findings) and kind is kinds.TEXT_PATH and not names_error(text):
            findings.error(
                "FD304", f"{each.key} needs a string, but {text.partition('(')[0]} does not return one", path
            )
        return
    if each.key == "TimestampPath" and is_intrinsic(text):  # AWS's samples do it; its documentation does not allow it.
        from .intrinsics import check_intrinsic

        check_intrinsic(text, path, findings)
        findings.warning(
            "FD302", f"{each.key} must be a Reference Path, not the intrinsic function {abbreviate(text)}", path
        )
        return
    parsed = _check_syntax(text, path, findings)
    if parsed is None or kind is kinds.PATH or kind is kinds.EXPRESSION:
        return
    roots = {Root.INPUT} if kind is kinds.RESULT_PATH else {Root.INPUT, Root.VARIABLE}
    if kind is kinds.ITEMS_PATH or kind is kinds.TEXT_PATH:
        roots.add(Root.CONTEXT)
    if parsed.root not in roots:
        other = "the context object" if parsed.root is Root.CONTEXT else "a variable"
        hint = 'start it with "$."' + (", or use Assign to set a variable" if parsed.root is Root.VARIABLE else "")
        findings.error(
            "FD302", f"{each.key} cannot point into {other}: {abbreviate(text)}", path, hint=hint,
            aws_message="Value is not a Reference Path",
        )  # fmt: skip
    elif not parsed.is_reference or "(@" in text:
        findings.error(
            "FD302",
            f"{each.key} must be a Reference Path, which selects one value: {abbreviate(text)}",
            path,
            hint="use names and indexes only; remove *, .., slices and filters",
            aws_message="Value is not a Reference Path",
        )


def _check_syntax(text: str, path: AslPath, findings: Findings) -> Path | None:
    if has_placeholder(text):
        return None
    try:
        return _parsed(text)
    except PathSyntaxError as error:
        message = f"{abbreviate(text)} is not a valid path: {error.message} at offset {error.offset}"
        findings.error("FD301", message, path, aws_message="Value must be a valid JSONPath.")
    except RecursionError:
        findings.error(
            "FD301", f"{abbreviate(text)} is nested too deeply", path, aws_message="Value must be a valid JSONPath."
        )
    return None


def expressions(template: Any, path: AslPath) -> Iterator[tuple[str, Any, AslPath]]:
    """Yield the fields of a payload template at every depth: (key, value, path)."""
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


def _check_template(template: Any, path: AslPath, subject: Subject, findings: Findings) -> None:
    for key, value, at in expressions(template, path):
        if key.endswith(".$"):
            _check_expression(key, value, at, findings)
        elif isinstance(value, str) and (looks_dynamic(value) or _names_variable(value, subject)):
            findings.warning(
                "FD305",
                f"{key!r} is the text {abbreviate(value)}, not the value at that path",
                at,
                hint=_hint_for_path(key, value, findings),
                aws="NO_DOLLAR",
            )
        elif isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
            message = f"{key!r} is the text {abbreviate(value)}: the query language here is JSONPath"
            hint = findings.either(
                "set the state's QueryLanguage to JSONata", 'set query_language="JSONata" on the state'
            )
            findings.warning("FD305", message, at, hint=hint)
    _check_clashes(template, path, findings)


def _names_variable(text: str, subject: Subject) -> bool:
    """True for `$total`, if that is a variable."""
    if not text.startswith("$") or not text[1:2].isalpha():
        return False
    path = as_path(text)
    return path is not None and path.root is Root.VARIABLE and path.variable in subject.variable_names


def _hint_for_path(key: str, value: str, findings: Findings) -> str:
    if not findings.python:
        return f'to insert the value of a path or function, name the field "{key}.$"'
    if value.startswith("States."):
        return "to insert the result of a function, use flowdsl.intrinsic"
    if value.startswith("$$"):
        return "to insert a value of the context object, write context.…"
    from ..wording import path_in_python

    return f"to insert the value at a path, write {path_in_python(value)} without quotes"


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
                    message = f"{key!r} and {key[:-2]!r} set the same field: which value is used is undefined"
                    findings.warning("FD308", message, (*at, key), hint="remove one of them")


def _check_expression(key: str, value: Any, path: AslPath, findings: Findings) -> None:
    aws_message = f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
    if not isinstance(value, str):
        message = f"{key!r} must be a path or an intrinsic function, not {abbreviate(value)}"
        hint = f'for a constant, name the field "{key[:-2]}"'
        findings.error("FD303", message, path, hint=hint, aws_message=aws_message, aws_at=path[:-1])
    elif has_placeholder(value):
        return
    elif is_intrinsic(value):
        from .intrinsics import check_intrinsic

        check_intrinsic(value, path, findings, aws_message)
    else:
        try:
            _parsed(value)
        except (PathSyntaxError, RecursionError) as error:
            reason = getattr(error, "message", "nested too deeply")
            message = f"{key!r} must be a path or an intrinsic function, but {abbreviate(value)} is neither: {reason}"
            constant = None if value.startswith("$") else f'for a constant, name the field "{key[:-2]}"'
            findings.error("FD303", message, path, hint=constant, aws_message=aws_message, aws_at=path[:-1])


def looks_dynamic(text: str) -> bool:
    """Return True for a text that looks like a path or an intrinsic function."""
    if text.startswith(("$.", "$$.", "$[")):
        return as_path(text) is not None
    return text.startswith("States.") and text.endswith(")")


def _check_result(value: Any, path: AslPath, findings: Findings) -> None:
    if isinstance(value, str) and looks_dynamic(value):
        message = f"Result is a constant: it remains the text {abbreviate(value)}"
        hint = _hint_for_path("Result", value, findings) if findings.python else "use InputPath instead of Result"
        findings.warning("FD307", message, path, hint=hint, aws="PASS_RESULT_IS_STATIC")
    for key, item, at in expressions(value, path):
        if isinstance(item, str) and (key.endswith(".$") or looks_dynamic(item)):
            findings.warning(
                "FD307",
                f"Result is a constant: {key!r} remains the text {abbreviate(item)}",
                at,
                hint=findings.either("use Parameters instead of Result", "use parameters=… instead of result=…"),
                aws="PASS_RESULT_IS_STATIC",
            )


def _variable_reads(subject: Subject) -> Iterator[VariableRead]:
    """Yield the variables that paths, payload templates and choice rules read."""
    for each in subject.fields:
        if each.state is None or each.language == "JSONata":
            continue
        if each.kind.shape == "path":
            texts = [(each.value, each.path)]
        elif each.kind.shape == "template":
            texts = [(value, at) for key, value, at in expressions(each.value, each.path) if key.endswith(".$")]
        else:
            continue
        for text, at in texts:
            for name in _variables_of(text):
                yield VariableRead(name, each.state, at, "JSONPath", each.cls is Catcher)
    for text, at, state in subject.compared:
        for name in _variables_of(text):
            yield VariableRead(name, state, at, "JSONPath", False)


def _variables_of(text: Any) -> Iterator[str]:
    if not isinstance(text, str) or "$" not in text or len(text) < 2:
        return
    for path in paths_of(text):
        if path.root is Root.VARIABLE and path.variable is not None:
            yield path.variable


def paths_of(text: str) -> list[Path]:
    """Return the paths in a path or an intrinsic function; [] if the text is neither."""
    if not is_intrinsic(text):
        path = as_path(text)
        return [] if path is None else [path]
    from ...expr.intrinsic_parser import IntrinsicCall, IntrinsicSyntaxError, PathArgument
    from .intrinsics import parsed_intrinsic

    try:
        todo: list[Any] = [parsed_intrinsic(text)]
    except (IntrinsicSyntaxError, RecursionError):
        return []
    paths: list[Path] = []
    while todo:
        each = todo.pop()
        if isinstance(each, PathArgument):
            paths.append(each.path)
        elif isinstance(each, IntrinsicCall):
            todo.extend(each.arguments)
    return paths


RULES = (
    Rule(
        check_paths,
        (
            Code("FD301", "error", "A path that cannot be parsed"),
            Code("FD302", "error or warning", "A path that is not a Reference Path"),
            Code("FD303", "error", "A `.$` field that is not a path or function"),
            Code("FD304", "error", "A wrong intrinsic function"),
            Code("FD305", "warning", "A text that looks like a path"),
            Code("FD307", "warning", "A path in the Result of a Pass"),
            Code("FD308", "warning", "A field with and without `.$`"),
            Code("FD309", "error or warning", "States.Format with the wrong number of values"),
        ),
    ),
)
