"""The diagnostics that the rules report."""

from __future__ import annotations

from ..base.diagnostics import AslPath, Diagnostic
from ..base.record import Record, field
from ..base.words import one_line

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TARGET = "MISSING_TRANSITION_TARGET"


class Findings(Record, frozen=False):
    """Collects diagnostics. A rule reports an ASL path; the place in the author's file is added afterwards."""

    diagnostics: list[Diagnostic] = field(factory=list)
    python: bool = False
    """True if the definition comes from a flow in Python: hints then show Python."""

    def either(self, asl: str, python: str) -> str:
        """Choose the hint in the language of the author."""
        return python if self.python else asl

    def error(
        self,
        code: str,
        message: str,
        path: AslPath,
        *,
        hint: str | None = None,
        aws: str | None = SCHEMA,
        aws_message: str | None = None,
        aws_at: AslPath | str | None = None,
        needle: str | float | None = None,
    ) -> None:
        """Report an error. `aws`, `aws_message` and `aws_at` are AWS's code, message and location, if known."""
        self.diagnostics.append(
            Diagnostic(
                code,
                one_line(message),
                path,
                hint=hint and one_line(hint),
                aws=aws,
                aws_message=aws_message,
                aws_at=aws_at,
                needle=needle,
            ),
        )

    def failure(
        self,
        code: str,
        message: str,
        path: AslPath,
        *,
        hint: str | None = None,
        needle: str | float | None = None,
    ) -> None:
        """Report an error that surely fails, although AWS may save the definition."""
        self.error(code, message, path, hint=hint, aws=None, needle=needle)

    def warning(
        self,
        code: str,
        message: str,
        path: AslPath,
        *,
        hint: str | None = None,
        aws: str | None = None,
        needle: str | float | None = None,
    ) -> None:
        """Report something that AWS accepts, or of which its answer is unknown.

        `needle` is a name or a constant in the value at the path: it leads to the line of a long one.
        """
        self.diagnostics.append(
            Diagnostic(code, one_line(message), path, "warning", hint=hint and one_line(hint), aws=aws, needle=needle)
        )

    def has(self, *codes: str) -> bool:
        """Return True if one of these codes was reported."""
        return any(each.code in codes for each in self.diagnostics)

    def is_wrong(self, path: AslPath, state: AslPath) -> bool:
        """Return True if an error was reported of a value in a state, or of what is around it there: what would follow
        from the value is then not reported, too."""
        return any(
            each.severity == "error" and len(state) < len(each.path) and each.path == path[: len(each.path)]
            for each in self.diagnostics
        )

    @property
    def has_broken_routes(self) -> bool:
        """True if it is unknown where some states lead: no such target, no end, or two states with one name."""
        return self.has("FD201", "FD401", "FD403")
