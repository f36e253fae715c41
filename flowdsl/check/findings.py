"""What the rules found, collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ..base.diagnostics import AslPath, Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"


@attrs.define
class Findings:
    """The diagnostics found so far. A rule says what is wrong; the place in the file is added later."""

    found: list[Diagnostic] = attrs.field(factory=list)
    python: bool = False
    """Whether the definition comes from a flow in Python: then hints are Python."""

    def either(self, asl: str, python: str) -> str:
        """The hint in the language that the author wrote in."""
        return python if self.python else asl

    def error(
        self,
        code: str,
        message: str,
        path: AslPath,
        *,
        hint: str | None = None,
        aws: str | None = SCHEMA,
        said: str | None = None,
        at: AslPath | str | None = None,
    ) -> None:
        """`aws`, `said` and `at` are the code, message and location that AWS gives for it, where they are known."""
        self.found.append(
            Diagnostic(code, message, path, hint=hint, aws=aws, aws_message=said, aws_at=at),
        )

    def warning(
        self, code: str, message: str, path: AslPath, *, hint: str | None = None, aws: str | None = None
    ) -> None:
        self.found.append(Diagnostic(code, message, path, "warning", hint=hint, aws=aws))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known word, or None where none is near."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that may have been meant."""
    from difflib import get_close_matches  # only a flow with mistakes needs it

    words = [*known]
    same = [each for each in words if each.lower() == word.lower()]
    return next(iter(same or get_close_matches(word, words, 1, 0.7)), None)


def shown(value: Any) -> str:
    """A JSON value for a message, short."""
    import json

    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."
