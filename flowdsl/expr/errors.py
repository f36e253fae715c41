"""The error that a flow itself can see: a name that Retry and Catch match, and a cause for people."""

from __future__ import annotations


class StatesError(Exception):
    """An error inside the language, as Retry and Catch see it.

    `error` is the error name, predefined (`States.TaskFailed`) or the handler's own; `cause` is text for people, often
    JSON. Source: ASL specification, "Errors".
    """

    def __init__(self, error: str, cause: str | None = None) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause

    def __str__(self) -> str:
        return self.error if self.cause is None else f"{self.error}: {self.cause}"
