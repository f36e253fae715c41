"""A Lambda function's settings as packaging uses them, and their validation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span, display_path
from .provided import SDK

GLIBC = {"3.11": "2_17", "3.12": "2_34", "3.13": "2_34", "3.14": "2_34"}
"""Lambda's Python runtimes that are not deprecated, and the newest manylinux level of wheels that each can
load.

Python 3.11 runs on Amazon Linux 2 (glibc 2.26; the next level below it that uv knows is 2.17), the others on
Amazon Linux 2023 (glibc 2.34): docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html.
"""

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's architectures, and their names in wheels."""

RUNTIME_MODULES = SDK | {"awslambdaric", "snapshot_restore_py"}
"""The modules that Lambda's Python runtimes contain besides the standard library."""


def handler_string(function: Function) -> str:
    """Lambda's Function, the module from the zip's root and the function: `handlers.setup.handler.handler`."""
    return ".".join([*PurePosixPath(function.source).parts, function.handler])


def platform(function: Function) -> str:
    """uv's name of the function's platform: `aarch64-manylinux_2_34`."""
    return f"{MACHINES[function.architecture]}-manylinux_{GLIBC[function.python]}"


def markers(function: Function) -> dict[str, str]:
    """The function's platform as environment markers. Source: PyPA specifications, "Dependency specifiers"."""
    return {
        "python_version": function.python,
        "python_full_version": f"{function.python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": MACHINES[function.architecture],
        "platform_system": "Linux",
        "sys_platform": "linux",
        "os_name": "posix",
    }


def normalized(name: str) -> str:
    """The name of a package without its spelling. Source: PyPA specifications, "Names and normalization"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def validate(function: Function, root: Path) -> None:
    """Raise FlowError with all invalid settings of the function."""
    wrong: list[Diagnostic] = []

    def refuse(message: str, hint: str) -> None:
        text = f"function {function.name!r}: {message}"
        wrong.append(Diagnostic("FD601", text, span=span(function), hint=hint))

    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function.name):
        refuse("invalid name for a Lambda function", "use 1 to 64 letters, digits, '-' and '_'")
    if function.architecture not in MACHINES:
        refuse(f"Lambda has no architecture {function.architecture!r}", f"use one of {', '.join(MACHINES)}")
    if function.python not in GLIBC:
        refuse(f"Lambda has no runtime python{function.python}", f"use one of {', '.join(GLIBC)}")
    limits: list[tuple[str, Any, range, str]] = [
        ("timeout", function.timeout_seconds, range(1, 901), "seconds"),
        ("memory", function.memory, range(128, 10_241), "MB"),
    ]
    for key, value, limit, unit in limits:
        if not isinstance(value, int) or isinstance(value, bool) or value not in limit:
            refuse(f"{key} {value!r} is not possible in Lambda", f"write {limit[0]} to {limit[-1]:,} {unit}")
    parts = function.source.split("/")
    if not all(part.isidentifier() for part in parts):
        refuse(
            f"source {function.source!r} is not a folder of the project that Python can import",
            "write a path relative to the folder of pyproject.toml, of Python identifiers, such as 'handlers/setup'",
        )
    elif not root.joinpath(*parts).is_dir():
        refuse(
            f"folder {display_path(root.joinpath(*parts))} does not exist",
            "`source` is relative to the folder of pyproject.toml: correct it, or create the folder",
        )
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", function.handler):
        refuse(f"handler {function.handler!r} is not of the form module.function", "write it like 'handler.handler'")
    if wrong:
        raise FlowError(*wrong)


def distinct(functions: Iterable[Function]) -> list[Function]:
    """The functions sorted by name. Raises FlowError for different functions of the same name, ignoring case."""
    by_name: dict[str, Function] = {}
    wrong: list[Diagnostic] = []
    for function in functions:
        other = by_name.setdefault(function.name.casefold(), function)
        if other is not function and other != function:
            message = f"two different functions are named {function.name!r}"
            hint = "rename one, or use the same Function object for both"
            wrong.append(Diagnostic("FD601", message, span=span(function), hint=hint))
    if wrong:
        raise FlowError(*wrong)
    return [by_name[name] for name in sorted(by_name)]


@contextmanager
def collect_errors(problems: list[Diagnostic]) -> Iterator[None]:
    """Add the diagnostics of a FlowError to `problems`, and continue."""
    try:
        yield
    except FlowError as error:
        problems.extend(each for each in error.diagnostics if each not in problems)


def span(function: Function) -> Span | None:
    """The place of the function in the author's file."""
    return function.origin.span() if function.origin else None
