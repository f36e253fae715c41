"""Intrinsic functions with mistakes that show without running them.

Source: Developer Guide, "Intrinsic functions".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ...base.diagnostics import AslPath
from ...base.patterns import regex
from ...base.words import abbreviate, did_you_mean
from ...expr.intrinsic_parser import Argument, ConstantArgument, IntrinsicCall
from ...expr.intrinsics import FUNCTIONS, MAX_STRING, IntrinsicSyntaxError, parse_intrinsic
from ..findings import Findings

_OPEN_ESCAPE = regex(r"(?<!\\)(?:\\\\)*\\[^'{}\\]")
_SLOT = regex(r"\\.|\{\}", re.DOTALL)
_DOUBLED = regex(r"(?<!\\)(?:\\\\)+(?:\{(?!\})|\})")


parsed_intrinsic = lru_cache(maxsize=4096)(parse_intrinsic)


def check_intrinsic(text: str, path: AslPath, findings: Findings, aws_message: str | None = None) -> bool:
    """Report what is wrong with a call; return True if it is right."""
    problems = _problems(text)
    for code, severity, message, hint, is_refused in problems:
        if severity == "warning":
            findings.warning(code, message, path, hint=hint)
        elif is_refused and aws_message:
            findings.error(code, message, path, hint=hint, aws_message=aws_message, aws_at=path[:-1])
        else:
            findings.error(code, message, path, hint=hint)
    return not problems


@lru_cache(maxsize=4096)
def _problems(text: str) -> tuple[tuple[str, str, str, str | None, bool], ...]:
    """Return what is wrong with a call: code, severity, message, hint, and whether AWS refuses it with its message."""
    findings = Findings([])
    refused: list[bool] = []
    try:
        call = parsed_intrinsic(text)
    except (IntrinsicSyntaxError, RecursionError) as error:
        reason = getattr(error, "message", "nested too deeply")
        return (("FD304", "error", f"{abbreviate(text)}: {reason}", None, True),)
    todo: list[Argument] = [call]
    while todo:
        each = todo.pop()
        if (
            isinstance(each, ConstantArgument)
            and isinstance(each.value, str)
            and (wrong := _OPEN_ESCAPE.search(each.raw))
        ):
            message = f"invalid escape {wrong[0]}: a backslash can only precede ', {{, }} or another backslash"
            findings.error("FD304", message, (), hint="write two backslashes for a backslash")
            refused.append(True)
        if isinstance(each, IntrinsicCall):
            todo.extend(each.arguments)
            if each.name in FUNCTIONS:
                _check_call(each, (), findings)
            else:
                hint = did_you_mean(each.name, FUNCTIONS)
                findings.error("FD304", f"unknown intrinsic function {each.name}", (), hint=hint)
                refused.append(True)
        refused.extend([False] * (len(findings.diagnostics) - len(refused)))
    return tuple(
        (each.code, each.severity, each.message, each.hint, is_refused)
        for each, is_refused in zip(findings.diagnostics, refused, strict=True)
    )


def names_error(text: str) -> bool:
    """True if the function may stand in ErrorPath and CausePath."""
    return FUNCTIONS[parsed_intrinsic(text).name].names_error


def call_of(text: str) -> IntrinsicCall | None:
    """The parsed call; None if the text is not a valid one."""
    try:
        return parsed_intrinsic(text)
    except (IntrinsicSyntaxError, RecursionError):
        return None


def _check_call(call: IntrinsicCall, path: AslPath, findings: Findings) -> None:
    function = FUNCTIONS[call.name]
    if not function.takes(len(call.arguments)):
        least, most = function.least, function.most
        takes = f"at least {least}" if most is None else f"{least}" if least == most else f"{least} or {most}"
        message = f"{call.name} takes {takes} argument{'s' * (takes != '1')}, not {len(call.arguments)}"
        findings.error("FD304", message, path)
        return
    for index, (argument, wanted) in enumerate(zip(call.arguments, function.arguments, strict=False)):
        if not isinstance(argument, ConstantArgument):
            continue
        if wanted != "any" and not _is(argument.value, wanted):
            message = (
                f"argument {index + 1} of {call.name} must be {_article(wanted)}, not {abbreviate(argument.value)}"
            )
            findings.error("FD304", message, path)
        elif function.is_limited and isinstance(argument.value, str) and len(argument.value) > MAX_STRING:
            message = f"{call.name} accepts at most {MAX_STRING:,} characters, not {len(argument.value):,}"
            findings.error("FD304", message, path)
    if call.name == "States.Format" and call.arguments and isinstance(call.arguments[0], ConstantArgument):
        slots = sum(each == "{}" for each in _SLOT.findall(call.arguments[0].raw))
        if slots != len(call.arguments) - 1:
            message = f"States.Format has {slots} placeholders {{}} but {len(call.arguments) - 1} values"
            findings.warning("FD309", message, path)
        if _DOUBLED.search(call.arguments[0].raw):
            # It deploys and fails when it runs: "matching '}' not found" (aws/aws-cdk issue 29261).
            message = "States.Format has two backslashes before a brace, which then begins a placeholder"
            findings.failure(
                "FD309", message, path, hint="escape a brace with one backslash in ASL, which is two in JSON"
            )


def _is(value: Any, wanted: str) -> bool:
    if wanted == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict}[wanted])


def _article(word: str) -> str:
    return {"array": "an array", "object": "an object", "boolean": "true or false"}.get(word, f"a {word}")
