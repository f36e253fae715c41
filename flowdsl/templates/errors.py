"""Mistakes in templates, and notes about what they contain."""

from __future__ import annotations

from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span

CANNOT, CHOOSE, KEPT, UNREPLACED, UNIMPORTED = "FD720", "FD721", "FD722", "FD723", "FD724"
"""What cannot be brought in, no or several state machines, a value that stays a placeholder, a placeholder that nothing
replaces, properties beside the definition."""


class LaterError(FlowError):
    """The value is known only when the template is deployed."""


def later(function: str, span: Span | None, hint: str) -> LaterError:
    message = f"the value of {function} is known only when the template is deployed"
    return LaterError(Diagnostic(CANNOT, message, span=span, hint=hint))


def cannot(message: str, span: Span | None, hint: str) -> FlowError:
    return FlowError(Diagnostic(CANNOT, message, span=span, hint=hint))


def note(code: str, message: str, span: Span | None, hint: str) -> Diagnostic:
    return Diagnostic(code, message, (), "warning", span, hint)
