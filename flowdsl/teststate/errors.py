"""The errors of TestState."""

from __future__ import annotations


class TestStateError(Exception):
    """TestState rejects the request.

    `code` is the API's (`ValidationException`, `InvalidDefinition`, `InvalidExecutionInput`), or
    `ParamValidationError` if the AWS SDK rejects it before it calls; `message` is theirs.
    Source: Step Functions API Reference, TestState, "Errors"; recorded calls.
    """

    __test__ = False
    """Keeps pytest from collecting the class as a test."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def invalid(message: str) -> TestStateError:
    return TestStateError("ValidationException", message)
