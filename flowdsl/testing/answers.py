"""The answers of mocks: values, and faults as AWS reports them.

A script is a list of answers; each answers `times` calls (0: none). The faults:

- `fail(error, cause)`: the function or service fails;
- `throttle()`: Lambda has no capacity left;
- `crash()`: the function's process dies (with `after_work=True` after its work, so that only its result is lost);
- `timeout()`: no reply before TimeoutSeconds or HeartbeatSeconds (accepts `after_work`);
- `function_timeout()`: Lambda stops the function at its own timeout (accepts `after_work`);
- `oversize(size)`: a result with more bytes than a state (256 KiB) or a function (6 MB) may return;
- `slow(seconds)`: the real result, later on the virtual clock.

`real()` calls the real handler.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from ..engine import Call, Invoker, Reply
from ..engine.limits import MAX_DATA

Respond = Callable[[Call, Invoker, Callable[[Any], Reply]], Reply]
"""Returns the reply to a call; takes the call, the real handler and a function that wraps a result in a reply."""


@frozen
class Answer:
    """One entry of a script."""

    about: str
    respond: Respond = field(repr=False)
    times: int = field(default=1, repr=False)
    failure: tuple[str, str | None] | None = field(default=None, repr=False)
    """The error and cause of `fail`, which can also be a callback."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 0:
            raise ValueError(f"times={self.times!r}: expected the number of calls to answer, 0 or more")


def give(value: Any, *, times: int = 1) -> Answer:
    """Return this value, as the function's or service's result, for `times` calls (0: none)."""
    return Answer("give", lambda call, real, wrap: wrap(value), times)


def real(*, times: int = 1) -> Answer:
    """Call the real handler, for `times` calls."""
    return Answer("real", lambda call, real, answered: real(call), times)


def fail(error: str | type[BaseException], cause: str | None = None, *, times: int = 1) -> Answer:
    """Fail `times` calls with this error: a name, or an exception class, whose name it is; `cause` is its text.

    Raises TypeError for other values.
    """
    if isinstance(error, type) and issubclass(error, BaseException):
        error = error.__name__
    if not isinstance(error, str) or not error:
        raise TypeError(
            f"fail({error!r}): expected an error name or an exception class, such as fail('PspUnavailable')"
        )
    if not isinstance(cause, str | None):
        raise TypeError(f"fail({error!r}, {cause!r}): the cause must be a string")
    name = error
    return evolve(_failing("fail", name, lambda call: cause, times), failure=(name, cause))


def throttle(error: str = "Lambda.TooManyRequestsException", *, times: int = 1) -> Answer:
    """Fail `times` calls with too many requests; for services pass their error: `DynamoDB.ThrottlingException`.

    Source: Lambda API reference, Invoke.
    """
    return _failing("throttle", error, lambda call: "Rate Exceeded. (Service: Lambda, Status Code: 429)", times)


def crash(*, times: int = 1, after_work: bool = False) -> Answer:
    """Let the function's process die in `times` calls, as when it is out of memory or killed: Runtime.ExitError.

    With `after_work` the real handler does its work first, and only its result is lost.
    """
    message = "RequestId: {} Error: Runtime exited with error: signal: killed"
    return _failing("crash", "Runtime.ExitError", _lambda_cause("Runtime.ExitError", message), times, after_work)


def function_timeout(seconds: float = 30, *, times: int = 1, after_work: bool = False) -> Answer:
    """Let Lambda stop the function in `times` calls after its own timeout, in seconds: Sandbox.Timedout.

    With `after_work` the real handler does its work first, and only its result is lost.
    """
    message = f"RequestId: {{}} Error: Task timed out after {seconds:.2f} seconds"
    cause = _lambda_cause("Sandbox.Timedout", message)
    return _failing("function_timeout", "Sandbox.Timedout", cause, times, after_work, seconds)


def timeout(*, times: int = 1, after_work: bool = False) -> Answer:
    """Send no reply to `times` calls before the task's TimeoutSeconds or HeartbeatSeconds: States.Timeout.

    With `after_work` the real handler does its work first, and only its result is lost. A call of a task without either
    raises ValueError.
    """

    def respond(call: Call, real: Invoker, wrap: Callable[[Any], Reply]) -> Reply:  # noqa: ARG001 - a Respond
        if call.timeout_seconds is None and call.heartbeat_seconds is None:
            raise ValueError(
                f"timeout(): the state {call.state_name!r} has neither TimeoutSeconds nor HeartbeatSeconds; "
                "use function_timeout() for Lambda's own limit"
            )
        if after_work:
            real(call)
        return Reply.timed_out()

    return Answer("timeout", respond, times)


def oversize(size: int = MAX_DATA + 1, *, times: int = 1) -> Answer:
    """Return a result of this many bytes of JSON (262,145 by default) to `times` calls: States.DataLimitExceeded.

    Lambda itself refuses results of more than 6,291,556 bytes: Function.ResponseSizeTooLarge.
    """
    return Answer("oversize", lambda call, real, wrap: wrap("x" * (size - 2)), times)


def slow(seconds: float, *, times: int = 1) -> Answer:
    """Return the real result, or the mock's own, to `times` calls, this many seconds later on the virtual clock.

    After TimeoutSeconds the task times out.
    """

    def respond(call: Call, real: Invoker, wrap: Callable[[Any], Reply]) -> Reply:  # noqa: ARG001 - a Respond
        reply = real(call)
        return evolve(reply, seconds=reply.seconds + seconds)

    return Answer("slow", respond, times)


def _failing(
    about: str,
    error: str,
    cause: Callable[[Call], str | None],
    times: int,
    after_work: bool = False,
    seconds: float = 0.0,
) -> Answer:
    def respond(call: Call, real: Invoker, wrap: Callable[[Any], Reply]) -> Reply:  # noqa: ARG001 - a Respond
        if after_work:
            real(call)
        return Reply.failed(error, cause(call), seconds=seconds)

    return Answer(about, respond, times)


def _lambda_cause(error: str, message: str) -> Callable[[Call], str]:
    def cause(call: Call) -> str:
        request = uuid.uuid5(uuid.NAMESPACE_URL, f"{call.execution_arn}/{call.state_name}/{call.now}")
        return json.dumps({"errorType": error, "errorMessage": message.format(request)})

    return cause


def copy_json(value: Any, what: str) -> Any:
    """Copy a JSON value, so that later changes do not affect the execution. Raises TypeError for other values."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} is not a JSON value: {error}") from None
