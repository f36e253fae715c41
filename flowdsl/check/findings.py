"""What the rules found, collected."""

from __future__ import annotations

import attrs

from ..base.diagnostics import AslPath, Diagnostic

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
