"""What goes wrong while an author's Python is executed, as diagnostics in the author's words."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import TracebackType

import attrs

from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import _PACKAGE, Caller, Span, display_path


def syntax_error(error: SyntaxError, file: Path) -> Diagnostic:
    """The place where Python could not go on reading."""
    line, column = error.lineno or 1, max(error.offset or 1, 1)
    name = display_path(Path(error.filename)) if error.filename else display_path(file)
    end = max(error.end_offset or 0, column + 1) if error.end_lineno == line else None
    span = Span(name, line, column, error.end_lineno, end)
    return Diagnostic("FD703", f"{type(error).__name__}: {error.msg}", span=span)


def author_error(error: BaseException, file: Path, root: Path) -> list[Diagnostic]:
    """What went wrong while the author's file was executed, at the innermost place that the author wrote."""
    places = _places(error.__traceback__, root) or [Span(display_path(file), 1)]
    span = places[-1]
    if isinstance(error, FlowError):
        return [each if each.span else attrs.evolve(each, span=span) for each in error.diagnostics]
    called = [f"called at {place}" for place in reversed(places[:-1])]
    hint = "\n      = ".join(filter(None, [_hint(error), *called])) or None
    return [Diagnostic("FD703", _message(error), span=span, hint=hint)]


def _places(traceback: TracebackType | None, root: Path) -> list[Span]:
    """Where the calls in the author's own files are, outermost first."""
    found = []
    while traceback:
        code = traceback.tb_frame.f_code
        own = Path(code.co_filename)
        if is_authors(own, root):
            span = Caller(code, traceback.tb_lasti).span()
            found.append(attrs.evolve(span, file=display_path(own)))
        traceback = traceback.tb_next
    return found


def is_authors(file: Path, root: Path) -> bool:
    """Whether the file is the project's own, and nothing that is installed."""
    installed = "site-packages" in file.parts or str(file).startswith(_PACKAGE)
    return file.is_relative_to(root) and not installed


_TOO_MANY = re.compile(r"(\w+)\.__init__\(\) takes (?:from \d+ to )?(\d+) positional arguments? but ")


def _message(error: BaseException) -> str:
    """The exception as Python says it; a mistake in a call of flowdsl in flowdsl's own words alone."""
    from traceback import TracebackException

    if isinstance(error, SystemExit):
        return f"the file ends the program with exit code {error.code}"
    said = "".join(TracebackException.from_exception(error).format_exception_only()).strip()
    innermost = error.__traceback__
    while innermost and innermost.tb_next:
        innermost = innermost.tb_next
    ours = innermost and innermost.tb_frame.f_code.co_filename.startswith((_PACKAGE, "<attrs"))
    if ours and isinstance(error, TypeError | ValueError):
        said = str(error)
    said = said.partition(". Did you mean")[0]  # newer Pythons; `_hint` says it on all
    if isinstance(error, ImportError) and error.path:
        said = said.removesuffix(f" ({error.path})")
    missing = re.fullmatch(r"(?:TypeError: )?(\w+)\.__init__\(\) missing \d+ required .*arguments?: (.*)", said)
    if missing:
        return f"{missing[1]}(...) needs {missing[2].replace(chr(39), '')}"
    too_many = _TOO_MANY.search(said)
    if too_many:
        most = int(too_many[2]) - 1  # Python counts `self`
        return f"{too_many[1]}(...) takes at most {most} argument{'s' * (most > 1)} without a name"
    return said


def _hint(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError):
        return f"install it, or put {(error.name or 'it').replace('.', '/')}.py into the project's folder"
    if isinstance(error, ImportError) and "relative import" in str(error):
        return "a flow file is not part of a package: import from the project's folder"
    too_many = _TOO_MANY.search(str(error)) if isinstance(error, TypeError) else None
    if too_many:
        one = 'put the steps into one flow: StateMachine("payment", chain(...))'
        return one if too_many[1] == "StateMachine" else "name the others, as in items=..."
    return _nearest(error)


def _nearest(error: BaseException) -> str | None:
    """What a name that is not known may stand for."""
    import builtins

    from ..base.words import did_you_mean

    wanted = re.match(r"cannot import name '(\w+)'", str(error)) if isinstance(error, ImportError) else None
    if wanted and isinstance(error, ImportError) and error.name in sys.modules:
        return did_you_mean(wanted[1], vars(sys.modules[error.name]))
    innermost = error.__traceback__
    while innermost and innermost.tb_next:
        innermost = innermost.tb_next
    if isinstance(error, NameError) and innermost:
        frame = innermost.tb_frame
        return did_you_mean(str(error.name), {**vars(builtins), **frame.f_globals, **frame.f_locals})
    return None
