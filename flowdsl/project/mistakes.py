"""Convert exceptions of an author's Python file to diagnostics."""

from __future__ import annotations

import builtins
import re
import sys
from pathlib import Path
from types import FrameType, ModuleType, TracebackType

from ..base.arguments import Mistake, WrongArgument
from ..base.diagnostics import Diagnostic, FlowError
from ..base.record import evolve
from ..base.source import _PACKAGE, Caller, Span, display_path
from ..base.words import did_you_mean


def syntax_error(error: SyntaxError, file: Path) -> Diagnostic:
    """The syntax error as a diagnostic."""
    line, column = error.lineno or 1, max(error.offset or 1, 1)
    name = display_path(Path(error.filename)) if error.filename else display_path(file)
    end = max(error.end_offset or 0, column + 1) if error.end_lineno == line else None
    span = Span(name, line, column, error.end_lineno, end)
    return Diagnostic("FD703", f"{type(error).__name__}: {error.msg}", span=span)


def author_error(error: BaseException, file: Path, root: Path) -> list[Diagnostic]:
    """The exception as diagnostics, at the innermost line of the author's own code."""
    argument = error if isinstance(error, WrongArgument) else None
    places = _places(error.__traceback__, root, argument) or [Span(display_path(file), 1)]
    span = places[-1]
    if isinstance(error, FlowError):
        return [each if each.span else evolve(each, span=span) for each in error.diagnostics]
    if at := split_place(str(error), root):
        span, message = at
        called = [f"called at {place}" for place in reversed(places)]
        return [Diagnostic("FD703", f"{type(error).__name__}: {message}", span=span, hint="\n      = ".join(called))]
    called = [f"called at {place}" for place in reversed(places[:-1])]
    hint = "\n      = ".join(filter(None, [_hint(error), *called])) or None
    return [Diagnostic("FD703", _message(error), span=span, hint=hint)]


def split_place(message: str, root: Path) -> tuple[Span, str] | None:
    """The place and the rest of a message that begins with one, as those of compilers do: `routing.toml:3: …`; None if
    there is no such file in the project."""
    match = re.match(r"(?s)([^\n]+?):(\d+): (.*)", message)
    if match is None:
        return None
    file = root / match[1]
    return (Span(display_path(file), int(match[2])), match[3]) if _is_file(file) else None


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # no name of a file, but a long text
        return False


def noted_mistakes(mistakes: list[Mistake]) -> list[Diagnostic]:
    """The mistakes after which the file was read on, each place once."""
    diagnostics: dict[Span | None, Diagnostic] = {}
    for each in mistakes:
        span = each.origin.span(each.error.names, each.error.inside) if each.origin else None
        span = evolve(span, file=display_path(Path(span.file))) if span else None
        problem = Diagnostic(each.error.code, each.error.message, span=span, hint=each.error.hint)
        diagnostics.setdefault(span, problem)
    return [*diagnostics.values()]


def _places(traceback: TracebackType | None, root: Path, argument: WrongArgument | None) -> list[Span]:
    """The places of the calls in the author's own files, outermost first; in the innermost, that of the argument."""
    calls = []
    while traceback:
        code = traceback.tb_frame.f_code
        if is_authors(Path(code.co_filename), root):
            calls.append(Caller(code, traceback.tb_lasti))
        traceback = traceback.tb_next
    spans = [call.span() for call in calls]
    if argument and calls:
        spans[-1] = calls[-1].span(argument.names, argument.inside)
    return [evolve(span, file=display_path(Path(span.file))) for span in spans]


def is_authors(file: Path, root: Path) -> bool:
    """True if the file belongs to the project and is not installed."""
    installed = "site-packages" in file.parts or str(file).startswith(_PACKAGE)
    return file.is_relative_to(root) and not installed


_TOO_MANY = r"(\w+)(?:\.__init__\(\) takes (?:from \d+ to )?(\d+) positional arguments? but |\(\.\.\.\) takes at most )"
_UNEXPECTED = r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'"


_FIRST = {"Map": "processor", "Task": "into", "Pass": "output", "Wait": "seconds", "Succeed": "output"}
"""The keyword that a value without a name was most likely meant for."""


def _is_ours(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename.startswith((_PACKAGE, "<attrs"))


def _message(error: BaseException) -> str:
    """Python's message; only flowdsl's own message for a mistake in a call of flowdsl."""
    from traceback import TracebackException

    if isinstance(error, WrongArgument):
        return error.message
    if isinstance(error, SystemExit):
        return f"the flow file exits with code {error.code}"
    message = "".join(TracebackException.from_exception(error).format_exception_only()).strip()
    innermost = error.__traceback__
    while innermost and innermost.tb_next:
        innermost = innermost.tb_next
    if innermost and _is_ours(innermost) and isinstance(error, TypeError | ValueError):
        message = str(error)
    message = message.partition(". Did you mean")[0]  # newer Pythons; `_hint` says it on all
    message = message.replace("module 'flowdsl.author.", "module 'flowdsl.")  # what authors import it from
    if isinstance(error, ImportError) and error.path:
        message = message.removesuffix(f" ({error.path})")
    missing = re.fullmatch(r"(?:TypeError: )?(\w+)(?:\.__init__)?\(\) missing \d+ required .*arguments?: (.*)", message)
    if missing:
        return f"{missing[1]}(...) needs {missing[2].replace(chr(39), '')}"
    unexpected = re.search(_UNEXPECTED, message)
    if unexpected:
        return f"{unexpected[1]}(...) has no argument {unexpected[2]!r}"
    too_many = re.search(_TOO_MANY, message)
    if too_many and too_many[2]:
        most = int(too_many[2]) - 1  # Python counts `self`
        return f"{too_many[1]}(...) takes at most {most} positional argument{'s' * (most > 1)}"
    return message


def _hint(error: BaseException) -> str | None:
    if _is_of_sdk(error):
        return 'the Data Science SDK needs older packages: pip install "flowdsl[stepfunctions]"'
    if isinstance(error, WrongArgument):
        return error.hint
    if isinstance(error, ModuleNotFoundError):
        return _elsewhere(error.name or "") or (
            f"install it, or put {(error.name or 'it').replace('.', '/')}.py into the project's folder"
        )
    if isinstance(error, ImportError) and "relative import" in str(error):
        return "a flow file is not part of a package: import from the project's folder"
    too_many = re.search(_TOO_MANY, str(error)) if isinstance(error, TypeError) else None
    if too_many:
        one = 'put the steps into one flow: StateMachine("payment", chain(...))'
        named = _FIRST.get(too_many[1], "comment")
        return one if too_many[1] == "StateMachine" else f"pass the others by name, such as {named}=..."
    return _nearest(error)


def _elsewhere(name: str) -> str | None:
    """What to do if Python looked for a module of the project in another package of the same name."""
    package = name.partition(".")[0]
    file = getattr(sys.modules.get(package), "__file__", None)
    if package == name or file is None or Path(file).is_relative_to(Path.cwd()):
        return None
    folder = display_path(Path(file).parent)
    return f"{package} is the package in {folder}: if yours is meant, put an empty __init__.py into its folder"


def _is_of_sdk(error: BaseException) -> bool:
    """True if the Data Science SDK is missing, or fails as it is imported: it needs sagemaker<3 and setuptools<81.

    Source: aws-step-functions-data-science-sdk-python issues 69, 108, 150 and 188.
    """
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in (
        "stepfunctions",
        "sagemaker",
    ):
        return True
    innermost = error.__traceback__
    while innermost and innermost.tb_next:
        if innermost.tb_frame.f_globals.get("__name__") == "stepfunctions":
            return True
        innermost = innermost.tb_next
    return False


def _nearest(error: BaseException) -> str | None:
    """Suggest known names similar to an unknown one."""
    wanted = re.match(r"cannot import name '(\w+)'", str(error)) if isinstance(error, ImportError) else None
    if wanted and isinstance(error, ImportError) and error.name in sys.modules:
        return did_you_mean(wanted[1], dir(sys.modules[error.name]))
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return did_you_mean(str(error.name), [name for name in dir(error.obj) if not name.startswith("_")])
    calls, innermost = error.__traceback__, None
    while calls:
        innermost, calls = innermost if _is_ours(calls) else calls, calls.tb_next
    unexpected = re.search(_UNEXPECTED, str(error)) if isinstance(error, TypeError) else None
    if unexpected and innermost:
        return _arguments_of(unexpected[1], unexpected[2], innermost.tb_frame)
    if isinstance(error, NameError) and innermost:
        frame = innermost.tb_frame
        return did_you_mean(str(error.name), {**vars(builtins), **frame.f_globals, **frame.f_locals})
    return None


def _arguments_of(function: str, wanted: str, frame: FrameType) -> str | None:
    """Suggest an argument of the function, called by its name or as an attribute of a module or of `fn`."""
    scope = {**frame.f_globals, **frame.f_locals}
    modules = [each for each in scope.values() if isinstance(each, ModuleType)]
    inside = [getattr(each, "fn", None) for each in modules]
    called = scope.get(function) or next(
        (getattr(each, function) for each in (*modules, *inside) if hasattr(each, function)), None
    )
    if not callable(called):
        return None
    from inspect import signature

    known = [name for name in signature(called).parameters if name != "origin"]
    return did_you_mean(wanted, known) or f"its arguments are {', '.join(known)}"
