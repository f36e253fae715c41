"""What TestState answers instead of a result."""

from __future__ import annotations


class TestStateError(Exception):
    """TestState refuses the request.

    `code` is the API's (`ValidationException`, `InvalidDefinition`, `InvalidExecutionInput`), or
    `ParamValidationError` for what the AWS SDK refuses before it calls; `message` is theirs.
    Source: Step Functions API Reference, TestState, "Errors"; recorded calls.
    """

    __test__ = False
    """The name is no test's, whatever pytest thinks."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def invalid(message: str) -> TestStateError:
    return TestStateError("ValidationException", message)
