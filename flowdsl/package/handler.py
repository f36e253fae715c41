"""What packaging needs to know of a Lambda function, and whether it can be so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span, display_path

GLIBC = {"3.11": "2_17", "3.12": "2_34", "3.13": "2_34", "3.14": "2_34"}
"""Lambda's Python runtimes that are not deprecated, and the newest manylinux level of wheels that each can
load.

Python 3.11 runs on Amazon Linux 2 (glibc 2.26; the next level below it that uv knows is 2.17), the others on
Amazon Linux 2023 (glibc 2.34): docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html.
"""

MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's architectures and what wheels call them."""

RUNTIME_MODULES = frozenset({"boto3", "botocore", "awslambdaric", "snapshot_restore_py"})
"""What Lambda's Python runtimes bring along besides the standard library."""


def handler_string(function: Function) -> str:
    """Lambda's Function, the module from the zip's root and the function: `handlers.setup.handler.handler`."""
    return ".".join([*PurePosixPath(function.source).parts, function.handler])


def platform(function: Function) -> str:
    """uv's name of the function's platform: `aarch64-manylinux_2_34`."""
    return f"{MACHINES[function.architecture]}-manylinux_{GLIBC[function.python]}"


def validate(function: Function, root: Path) -> None:
    """FlowError with all for which the function could not be packaged whatever its code says."""
    wrong: list[Diagnostic] = []

    def refuse(message: str, hint: str) -> None:
        said = f"function {function.name!r}: {message}"
        wrong.append(Diagnostic("FD601", said, span=span(function), hint=hint))

    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function.name):
        refuse("not a name that Lambda takes", "write 1 to 64 letters, digits, '-' and '_'")
    if function.architecture not in MACHINES:
        refuse(f"Lambda has no architecture {function.architecture!r}", f"write one of {', '.join(MACHINES)}")
    if function.python not in GLIBC:
        refuse(f"Lambda has no runtime python{function.python}", f"write one of {', '.join(GLIBC)}")
    parts = function.source.split("/")
    if not all(part.isidentifier() for part in parts):
        refuse(
            f"source {function.source!r} is not a folder below the project whose path can be imported",
            "write it relative to the folder of pyproject.toml with names as in `import`, such as 'handlers/setup'",
        )
    elif not root.joinpath(*parts).is_dir():
        refuse(
            f"there is no folder {display_path(root.joinpath(*parts))}",
            "`source` is relative to the folder of pyproject.toml: correct it, or create the folder",
        )
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", function.handler):
        refuse(f"handler {function.handler!r} is not module.function", "write it as 'handler.handler'")
    if wrong:
        raise FlowError(*wrong)


def distinct(functions: Iterable[Function]) -> list[Function]:
    """By name, in order of names; FlowError for different ones of a name (file systems may fold case)."""
    named: dict[str, Function] = {}
    wrong: list[Diagnostic] = []
    for function in functions:
        other = named.setdefault(function.name.casefold(), function)
        if other is not function and other != function:
            message = f"two different functions are named {function.name!r}"
            hint = "give each a name of its own, or use one object for both"
            wrong.append(Diagnostic("FD601", message, span=span(function), hint=hint))
    if wrong:
        raise FlowError(*wrong)
    return [named[name] for name in sorted(named)]


@contextmanager
def gathered(found: list[Diagnostic]) -> Iterator[None]:
    """Put what a FlowError says with what was found before, to go on and find the rest."""
    try:
        yield
    except FlowError as error:
        found.extend(each for each in error.diagnostics if each not in found)


def span(function: Function) -> Span | None:
    """Where the author wrote the function."""
    return function.origin.span() if function.origin else None
