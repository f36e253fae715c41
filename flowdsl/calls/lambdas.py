"""Calls from Task states to what answers them on the desk: Python functions.

This is the only place where user code is called. An invoker is a function from `Call` to `Reply`; they are put one
before the other with `first_of`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import dropwhile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from attrs import define, field, frozen

from ..base.diagnostics import FlowError
from ..base.source import Span
from ..engine import Call, Invoker, Later, Reply, Started

__all__ = [
    "Call",
    "Hosted",
    "LambdaContext",
    "LocalLambdas",
    "Reply",
    "answered",
    "first_of",
    "function_name",
    "function_of",
    "unmocked",
]

Handler = Callable[[Any, Any], Any]

MAX_RESPONSE = 6_291_556
"""Bytes that a function may answer. Source: Lambda Developer Guide, "Lambda quotas"."""


def function_name(text: str) -> str:
    """The name of a function, without qualifier, from its name, `name:qualifier`, its ARN or a partial ARN.

    >>> function_name("arn:aws:lambda:eu-west-1:123456789012:function:charge:live")
    'charge'
    >>> function_name("123456789012:function:charge"), function_name("charge:3"), function_name("charge")
    ('charge', 'charge', 'charge')
    """
    return text.rpartition("function:")[2].partition(":")[0]


def function_of(call: Call) -> str:
    """The name or ARN of the function that is called, or nothing."""
    if call.action == "function":
        return call.resource
    return str(call.arguments.get("FunctionName", "")) if isinstance(call.arguments, dict) else ""


@frozen
class LambdaContext:
    """The second argument of a handler. Source: Lambda Developer Guide, "Lambda context object in Python"."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float = field(repr=False)
    """In seconds of time.monotonic."""
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@frozen
class Hosted:
    """A Python function with the settings that its Lambda function has."""

    handler: Handler
    timeout_seconds: float
    memory_limit_in_mb: int = 128

    def __call__(self, event: Any, context: Any) -> Any:
        return self.handler(event, context)


@define
class LocalLambdas:
    """Calls Python functions in this process as Lambda would.

    `functions` maps a function's name (or `name:qualifier`) to `handler(event, context)`, or to a `Hosted` one with a
    timeout of its own. During a call the environment variable FLOWDSL_NOW has the execution's time (RFC 3339, UTC).

    Event and answer go through JSON; an exception becomes Lambda's error (its class's name, and a cause with
    errorMessage, errorType, requestId and stackTrace). A function is stopped after its timeout (where this is the main
    thread, the system has SIGALRM and no debugger watches; elsewhere it goes on to its end) and fails as Lambda's
    Sandbox.Timedout: what it did is done, as with a real timeout. One that exits (SystemExit, os._exit) fails as
    Runtime.ExitError; KeyboardInterrupt and other exceptions that are no Exception go through.

    Calls to anything that isn't a function here raise FlowError, so that no test reaches the world unasked; activities
    wait for a worker.
    """

    functions: Mapping[str, Handler]
    timeout_seconds: float = 900.0
    memory_limit_in_mb: int = 128

    def __call__(self, call: Call) -> Reply:
        if call.integration == "activity":
            return Reply.pending()
        if call.integration == "lambda" and call.action == "function":
            return self._invoke(call, call.resource, call.arguments, lambda output, request: output, json.dumps)
        if call.integration == "lambda" and call.action == "invoke":
            arguments = call.arguments if isinstance(call.arguments, dict) else {}
            function = str(arguments.get("FunctionName", ""))
            status = _STATUS.get(str(arguments.get("InvocationType")), 200)
            if status == 204 and self.knows(function):
                return Reply.succeeded(_invoked(status, None, call.request_id))
            try:
                event = _payload(arguments.get("Payload", {}))
            except (ValueError, RecursionError) as error:
                cause = f"Could not parse request body into json: {error} (Service: Lambda, Status Code: 400)"
                return Reply.failed("Lambda.InvalidRequestContentException", cause)
            reply = self._invoke(call, function, event, partial(_invoked, status), _compact)
            if status == 202 and reply.kind == "failed" and self.knows(function):
                # Who invokes asynchronously does not hear of the function's errors.
                return Reply.succeeded(_invoked(status, None, call.request_id))
            return reply
        return unmocked(call)

    def knows(self, text: str) -> bool:
        """Whether there is a handler for a function of this name or ARN."""
        return self._find(text) is not None

    def _find(self, text: str) -> Handler | None:
        qualified = text.rpartition("function:")[2]
        return self.functions.get(text) or self.functions.get(qualified) or self.functions.get(function_name(text))

    def _invoke(
        self,
        call: Call,
        function: str,
        event: Any,
        answer: Callable[[Any, str], Any],
        write: Callable[[Any], str],
    ) -> Reply:
        handler = self._find(function)
        request = call.request_id
        if handler is None:
            arn = function_arn(function, call)
            qualified = arn if arn.count(":") == 7 else f"{arn}:$LATEST"
            cause = (
                f"Function not found: {qualified} (Service: AWSLambda; Status Code: 404; "
                f"Error Code: ResourceNotFoundException; Request ID: {request}; Proxy: null)"
            )
            return Reply.failed("Lambda.ResourceNotFoundException", cause)
        hosted = (
            handler if isinstance(handler, Hosted) else Hosted(handler, self.timeout_seconds, self.memory_limit_in_mb)
        )
        started = time.monotonic()
        context = _context(function, call, request, hosted, started)
        output, failed, overdue, late = None, None, _OverdueError(), False
        try:
            output = _called(hosted, event, context, call.now, overdue)
        except _OverdueError as error:
            if error is not overdue:
                raise  # it is for a function that this one was called by
            late = True
        except FlowError:  # a mistake in what stands around the function
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the function's error
            failed = Reply.failed(type(error).__name__, write(_raised(error, request)))
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
            message = f"RequestId: {request} Error: Runtime exited with error: exit status {status}"
            failed = Reply.failed("Runtime.ExitError", write(_told("Runtime.ExitError", message)))
        if late or time.monotonic() - started > hosted.timeout_seconds:
            message = f"RequestId: {request} Error: Task timed out after {hosted.timeout_seconds:.2f} seconds"
            return Reply.failed("Sandbox.Timedout", write(_told("Sandbox.Timedout", message)))
        if failed is not None:
            return failed
        try:
            written = _response_text(output)
        except Exception as error:  # noqa: BLE001 - as Lambda's runtime does; the answer's own classes may be broken
            message = f"Unable to marshal response: {error}"
            return Reply.failed("Runtime.MarshalError", write(_error("Runtime.MarshalError", message, request, [])))
        if len(written.encode(errors="surrogatepass")) > MAX_RESPONSE:
            message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."
            shown = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
            return Reply.failed("Function.ResponseSizeTooLarge", write(shown))
        return Reply.succeeded(answer(json.loads(written), request))


def _context(function: str, call: Call, request: str, hosted: Hosted, started: float) -> LambdaContext:
    name = function_name(function)
    return LambdaContext(
        function_name=name,
        function_version="$LATEST",
        invoked_function_arn=function_arn(function, call),
        memory_limit_in_mb=hosted.memory_limit_in_mb,
        aws_request_id=request,
        log_group_name=f"/aws/lambda/{name}",
        log_stream_name="local",
        deadline=started + hosted.timeout_seconds,
    )


def _payload(value: Any) -> Any:
    """What the function gets: a string is the text of the request's body, which has to be JSON."""
    return json.loads(value) if isinstance(value, str) else value


def _called(function: Hosted, event: Any, context: LambdaContext, now: float, overdue: _OverdueError) -> Any:
    """What the handler returns. While it is called FLOWDSL_NOW tells it what time it is for its execution; environment
    variable and working directory are back as they were for whoever is called next."""
    folder = os.getcwd()  # noqa: PTH109 - Path.cwd() takes six times as long
    told = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    try:
        with _in_process(told), _alarm(function.timeout_seconds, overdue):
            return function(json.loads(json.dumps(event)), context)
    finally:
        os.chdir(folder)


_HERE = Path(__file__).parent.parent


class _OverdueError(BaseException):
    """The function's time is up; no Exception, so that the function's own `except Exception` does not see it."""


@define(eq=False)
class _Underway:
    """A call that is underway: its process and thread, and FLOWDSL_NOW outside it."""

    process: int
    thread: int
    now: str
    before: str | None = None


_leave = os._exit
_underway: list[_Underway] = []
_underway_lock = threading.Lock()


def _exit(status: int) -> NoReturn:
    here = (os.getpid(), threading.get_ident())
    if any((call.process, call.thread) == here for call in _underway):
        raise SystemExit(status)
    _leave(status)  # a process that the function forked, or somebody's thread, such as that of a test's timeout


@contextmanager
def _in_process(now: str) -> Iterator[None]:
    """Tell a function what time it is, and keep it from ending this process with os._exit.

    Both belong to the whole process, so calls in several threads see the time of the one that began last; when the
    last has ended everything is as it was.
    """
    call = _Underway(os.getpid(), threading.get_ident(), now)
    with _underway_lock:
        call.before = _underway[0].before if _underway else os.environ.get("FLOWDSL_NOW")
        _underway.append(call)
        os.environ["FLOWDSL_NOW"] = now
        os._exit = _exit
    try:
        yield
    finally:
        with _underway_lock:
            _underway.remove(call)
            if _underway:
                os.environ["FLOWDSL_NOW"] = _underway[-1].now
            else:
                os._exit = _leave
                if call.before is None:
                    os.environ.pop("FLOWDSL_NOW", None)
                else:
                    os.environ["FLOWDSL_NOW"] = call.before


@contextmanager
def _alarm(seconds: float, overdue: _OverdueError) -> Iterator[None]:
    """Raise `overdue` in this, the main thread, after so many seconds, and each second from then on, for a function
    may catch it. An alarm of somebody else's, such as a test's timeout, that is due before goes off instead; one that
    is due afterwards goes on."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer") or _debugged():
        yield
        return
    started = time.monotonic()
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining <= seconds:
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if not _debugged():
            raise overdue

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the alarm may go off on the line above
            signal.signal(signal.SIGALRM, before)
            if remaining:
                signal.setitimer(signal.ITIMER_REAL, max(remaining - (time.monotonic() - started), 0.001), interval)


def _debugged() -> bool:
    """Whether somebody steps through this process, who needs the time that it takes; coverage traces it too."""
    trace = sys.gettrace()
    if trace is not None:
        return not (getattr(trace, "__module__", None) or type(trace).__module__).startswith("coverage")
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None


def function_arn(text: str, call: Call) -> str:
    """The full ARN of a function that a call names in any form."""
    if text.startswith("arn:"):
        return text
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{text.rpartition('function:')[2]}"


def answered(call: Call, reply: Reply, *later: Later) -> Reply:
    """The reply to a call whose task waits for an answer from outside, with that answer; an activity's worker takes the
    task at once."""
    taken = [Later(reply.seconds, Started())] if call.integration == "activity" else []
    return Reply.pending(reply.output, *taken, *later, seconds=reply.seconds)


def unmocked(call: Call, *, span: Span | None = None, hint: str | None = None) -> Reply:
    """Refuse a call that nothing here answers; `hint` says how it could be answered."""
    name = function_name(function_of(call)) if call.integration == "lambda" else ""
    raise FlowError.of(
        f"the state {call.state_name!r} calls {f'the function {name!r}' if name else call.resource}, "
        "and nothing here answers that",
        span=span,
        hint=hint or "give a handler for the function, or a mock for the state",
    )


def first_of(*invokers: Callable[[Call], Reply | None]) -> Invoker:
    """The invoker that takes the first answer that is not None."""

    def invoke(call: Call) -> Reply:
        for invoker in invokers:
            reply = invoker(call)
            if reply is not None:
                return reply
        return unmocked(call)

    return invoke


_STATUS = {"RequestResponse": 200, "Event": 202, "DryRun": 204}
"""Lambda's answer by InvocationType. Source: Lambda API reference, Invoke."""


def _invoked(status: int, output: Any, request: str) -> dict[str, Any]:
    """The answer of lambda:invoke around what the function returned, which only 200 shows."""
    payload = output if status == 200 else ""
    length = str(len(_compact(payload)))
    headers = {
        "Connection": "keep-alive",
        "Content-Length": length,
        "Content-Type": "application/json",
        "X-Amz-Executed-Version": "$LATEST",
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request,
    }
    answer: dict[str, Any] = {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {key: [value] for key, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": status,
    }
    if status != 200:
        del answer["ExecutedVersion"]
    return answer


def _raised(error: Exception, request: str) -> dict[str, Any]:
    # As Lambda's runtime has them: without flowdsl's own frames, and without the marks of Python 3.11.
    frames = dropwhile(
        lambda each: Path(each.filename).is_relative_to(_HERE), traceback.extract_tb(error.__traceback__)
    )
    trace = traceback.format_list([(each.filename, each.lineno or 0, each.name, each.line) for each in frames])
    try:
        message = str(error)
    except Exception as second:  # noqa: BLE001 - the handler's own class may be broken
        message = f"<no message: {type(second).__name__}>"
    return _error(type(error).__name__, message, request, trace)


def _told(kind: str, message: str) -> dict[str, Any]:
    """What Lambda itself tells, where the runtime cannot."""
    return {"errorType": kind, "errorMessage": message}


def _error(kind: str, message: str, request: str, trace: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": request, "stackTrace": trace}


def _plain(value: object) -> Any:
    """What Lambda's runtime makes of values that JSON has not."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_response_text = json.JSONEncoder(default=_plain, ensure_ascii=False, allow_nan=False).encode


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
