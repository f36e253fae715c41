"""Mistakes in templates, and notes about what they contain."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span
from ..base.words import nearest

CANNOT, CHOOSE, KEPT, UNREPLACED, UNIMPORTED, OVERSIZED = "FD720", "FD721", "FD722", "FD723", "FD724", "FD729"
"""What cannot be brought in, no or several state machines, a value that stays a placeholder, a placeholder that nothing
replaces, properties beside the definition, events that may be too large."""


class LaterError(FlowError):
    """The value is known only when the template is deployed."""


def later(function: str, span: Span | None, hint: str) -> LaterError:
    message = f"the value of {function} is known only when the template is deployed"
    return LaterError(Diagnostic(CANNOT, message, span=span, hint=hint))


def cannot(message: str, span: Span | None, hint: str) -> FlowError:
    return FlowError(Diagnostic(CANNOT, message, span=span, hint=hint))


def too_long(span: Span | None) -> FlowError:
    """For a small template whose functions make a very long text."""
    return cannot("the template makes a longer text than AWS accepts", span, "write the text out")


def note(code: str, message: str, span: Span | None, hint: str) -> Diagnostic:
    return Diagnostic(code, message, (), "warning", span, hint)


def refuse_unknown(values: Iterable[str], known: Collection[str]) -> None:
    """Raise FlowError for the first name of a substitution that no definition contains."""
    for name in values:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"the placeholders are: {', '.join(sorted(known)) or 'none'}"
            message = f"--substitution {name}=…: no definition contains ${{{name}}}"
            raise FlowError.of(message, code="FD725", hint=hint)
