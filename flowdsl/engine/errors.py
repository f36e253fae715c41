"""How a state fails."""

from __future__ import annotations

from ..base.diagnostics import FlowError
from ..expr.errors import StatesError


class Failure(Exception):  # noqa: N818 - the failure of a state, not a mistake
    """A state failed with this error: Retry and Catch look at it, the execution ends with it.

    Both `error` and `cause` may be None, as for a Fail state that has neither. `terminal` failures (States.Runtime,
    an output beyond the size limit) end the execution at once, whatever Retry and Catch say. `alias` is a second name
    that ErrorEquals may use. Source: Step Functions Developer Guide, "Handling errors".
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None = None,
        *,
        terminal: bool = False,
        alias: str | None = None,
    ) -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause
        self.terminal = terminal
        self.alias = alias

    def without_trace(self) -> Failure:
        """Return the failure without its traceback, whose frames would keep all data of the execution."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)

    def matches(self, names: tuple[str, ...]) -> bool:
        """Return True if an ErrorEquals with these names matches; States.TaskFailed is a wildcard for all but
        timeouts."""
        for name in names:
            if name == "States.ALL" or (self.error is not None and name == self.error) or name == self.alias:
                return True
            if name == "States.TaskFailed" and self.error != "States.Timeout":
                return True
        return False


class HistoryFull(Exception):  # noqa: N818 - a limit reached, not a mistake
    """The next event would be number 25,000, and it isn't the one that ends the execution."""


class UnknownTaskError(Exception):
    """The task token belongs to no task that is waiting: TaskDoesNotExist or TaskTimedOut of the API."""


class InputTooLargeError(FlowError):
    """StartExecution takes no input beyond 256 KiB."""


class InvalidNameError(FlowError):
    """StartExecution does not take this name."""


class ExecutionAlreadyExistsError(FlowError):
    """A Standard execution of this name was started before, and has ended or got another input."""


class WaitError(StatesError):
    """A Wait got an invalid time. It is detected when the waiting begins, after the state was entered."""

    def __init__(self, error: str, cause: str, location: str) -> None:
        super().__init__(error, cause)
        self.location = location
