"""Files of requirements that Python would import in place of the project's modules, or of its own.

The zip's root comes before the standard library in Lambda; in a folder, a package comes before an extension module, and
that before a source file. A folder without __init__.py comes after all of these, wherever they are. Sources: Lambda
Developer Guide, "Building Lambda functions with Python", "Runtime search path"; Python Library Reference,
importlib.machinery, `FileFinder`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator

from ..author.functions import Function
from ..base.diagnostics import FlowError
from .handler import span

_REMOVED = frozenset(
    {"aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr", "imp"}
    | {"lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau"}
    | {"telnetlib", "uu", "xdrlib"}
)
"""What newer versions of Python lack and packages bring back. Source: What's New In Python 3.12 and 3.13, "Removed"."""
_STANDARD = sys.stdlib_module_names - _REMOVED


def refuse_shadows(function: Function, own: Collection[str], installed: Collection[str]) -> None:
    """Raise FlowError for an installed file that is one of the project's (`own`), too, or that shadows one of these or
    of the standard library. All are paths in the zip."""
    modules = {above: path for path in own if (module := _module(path)) for above in _with_packages(module)}
    for path in sorted(installed):
        module = _module(path)
        shadowed = modules.get(module) if module else None
        if path in own:
            problem = "is both in the project and in a requirement"
        elif shadowed or (module and len(module) == 1 and module[0] in _STANDARD):
            problem = f"of a requirement would be imported in place of {shadowed or 'a module of Python'}"
        else:
            continue
        raise FlowError.of(
            f"function {function.name!r}: {path} {problem}",
            code="FD606",
            span=span(function),
            hint="take another package, or rename the file in the project",
        )


def _module(path: str) -> tuple[str, ...] | None:
    """The module that a file is; None for other files."""
    *folders, file = path.split("/")
    name, _, suffix = file.partition(".")
    if suffix not in ("py", "so") and not suffix.endswith(".so"):
        return None
    return (*folders,) if name == "__init__" else (*folders, name)


def _with_packages(module: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (module[:length] for length in range(1, len(module) + 1))
