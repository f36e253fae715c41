"""Call Python functions as Lambda's Python runtime does.

This is the only place where user code is called.
Source: Lambda Developer Guide, "Lambda context object in Python", "Lambda quotas"; API reference, Invoke.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Any

from attrs import define, frozen

from ..asl.resource import FunctionName, names_function, parse_function
from ..base.alarm import OverdueError
from ..base.diagnostics import FlowError
from ..base.interrupts import pass_on_interrupt
from ..engine import Call, Reply
from .process import call_in_time, handler_process
from .replies import refuse_call
from .runtime import (
    LOG_STREAM,
    VERSION,
    HandlerOutput,
    LambdaContext,
    MarshalError,
    environment_of,
    log_group,
    read_answer,
)

__all__ = ["Handler", "Hosted", "LambdaContext", "LocalLambdas"]

Handler = Callable[[Any, Any], Any]
"""A function of an event and a context."""

_MAX_RESPONSE = 6_291_556
"""The largest response of a function, in bytes. Source: Lambda Developer Guide, "Lambda quotas"."""


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
    timeout of its own. During a call the environment variable FLOWDSL_NOW has the execution's time (RFC 3339, UTC), and
    the variables of Lambda's runtime have the region, the function's name, its memory and its log.

    Event and response are converted to JSON and back. An exception becomes Lambda's error: the name of its class, and a
    cause with errorMessage, errorType, requestId and stackTrace. A function fails at its timeout with Sandbox.Timedout,
    unless a debugger is attached. In the main thread it is stopped (if the system has SIGALRM); in others it runs on,
    unheard; its side effects remain, as in Lambda. A function that exits (SystemExit, os._exit) fails with
    Runtime.ExitError. KeyboardInterrupt and other exceptions not derived from Exception propagate.

    Other calls raise FlowError, so that no test calls a service by accident; activities stay pending, as without a
    worker.
    """

    functions: Mapping[str, Handler]
    timeout_seconds: float = 900.0
    memory_limit_in_mb: int = 128

    def __call__(self, call: Call) -> Reply:
        if call.integration == "activity":
            return Reply.pending()
        function = call.function or parse_function("")
        if call.integration == "lambda" and call.action == "function":
            return self._invoke(call, function, call.arguments, lambda output, request: output, json.dumps)
        if call.integration == "lambda" and call.action == "invoke":
            arguments = call.arguments if isinstance(call.arguments, dict) else {}
            status = _STATUS.get(str(arguments.get("InvocationType")), 200)
            if status == 204 and self.knows(function):
                return Reply.succeeded(_invoke_response(status, None, call.request_id))
            try:
                event = _payload(arguments.get("Payload", {}))
            except (ValueError, RecursionError) as error:
                cause = f"Could not parse request body into json: {error} (Service: Lambda, Status Code: 400)"
                return Reply.failed("Lambda.InvalidRequestContentException", cause)
            reply = self._invoke(call, function, event, partial(_invoke_response, status), _compact)
            if status == 202 and reply.kind == "failed" and self.knows(function):
                # An asynchronous caller is not told of the function's errors.
                return Reply.succeeded(_invoke_response(status, None, call.request_id))
            return reply
        return refuse_call(call)

    def knows(self, function: FunctionName | None) -> bool:
        """True if there is a handler for this function."""
        return function is not None and self._find(function) is not None

    def _find(self, function: FunctionName) -> Handler | None:
        for name in (function.text, function.qualified, function.name):
            if name in self.functions:
                return self.functions[name]
        # An ARN, or the name of a placeholder: `${ScoreArn}` and `${Score.Arn}:live` of a template.
        matches = [name for name in self.functions if names_function(name, function)]
        return self.functions[max(matches, key=len)] if matches else None

    def _invoke(
        self,
        call: Call,
        function: FunctionName,
        event: Any,
        answer: Callable[[Any, str], Any],
        write: Callable[[Any], str],
    ) -> Reply:
        handler = self._find(function)
        request = call.request_id
        if handler is None:
            arn = function.arn(call.region, call.account)
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
        result: HandlerOutput | _Raised = HandlerOutput(0, None)
        failed, overdue, late = None, OverdueError(), False
        try:
            work = partial(_run_handler, hosted, event, context, call, overdue)
            result = call_in_time(work, hosted.timeout_seconds, overdue)
        except OverdueError as error:
            if error is not overdue:
                raise  # the time limit of a function that called this one
            late = True
        except MarshalError as error:
            message = f"Unable to marshal response: {error}"
            failed = Reply.failed("Runtime.MarshalError", write(_error("Runtime.MarshalError", message, request, [])))
        except SystemExit as error:
            pass_on_interrupt(error)
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
            message = f"RequestId: {request} Error: Runtime exited with error: exit status {status}"
            failed = Reply.failed("Runtime.ExitError", write(_service_error("Runtime.ExitError", message)))
        if late or time.monotonic() - started > hosted.timeout_seconds:
            message = f"RequestId: {request} Error: Task timed out after {hosted.timeout_seconds:.2f} seconds"
            return Reply.failed("Sandbox.Timedout", write(_service_error("Sandbox.Timedout", message)))
        if isinstance(result, _Raised):
            failed = Reply.failed(result.error, write(result.cause))
        if failed is not None:
            return failed
        assert isinstance(result, HandlerOutput)  # noqa: S101 - nothing failed
        if result.size > _MAX_RESPONSE:
            message = f"Response payload size exceeded maximum allowed payload size ({_MAX_RESPONSE} bytes)."
            cause = write({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"})
            return Reply.failed("Function.ResponseSizeTooLarge", cause)
        return Reply.succeeded(answer(result.value, request))


def _context(function: FunctionName, call: Call, request: str, hosted: Hosted, started: float) -> LambdaContext:
    return LambdaContext(
        function_name=function.name,
        function_version=VERSION,
        invoked_function_arn=function.arn(call.region, call.account),
        memory_limit_in_mb=str(hosted.memory_limit_in_mb),
        aws_request_id=request,
        log_group_name=log_group(function.name),
        log_stream_name=LOG_STREAM,
        deadline=started + hosted.timeout_seconds,
    )


@frozen
class _Raised:
    """The error of a handler, and its cause as JSON values."""

    error: str
    cause: dict[str, Any]


def _run_handler(
    hosted: Hosted, event: Any, context: LambdaContext, call: Call, overdue: OverdueError
) -> HandlerOutput | _Raised:
    """Call the handler and read its answer or its exception, whose own classes may do what a handler may."""
    variables = environment_of(context.function_name, hosted.memory_limit_in_mb, call.region)
    with handler_process(call.now, variables, hosted.timeout_seconds, overdue) as contained:
        try:
            output = contained(hosted, json.loads(json.dumps(event)), context)
        except FlowError:  # a handler that cannot be imported is not an error that the flow should catch
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is the function's error
            pass_on_interrupt(error)
            cause: dict[str, Any] = contained(_exception_cause, error, call.request_id)
            return _Raised(type(error).__name__, cause)
        answer: HandlerOutput = contained(read_answer, output)
        return answer


def _payload(value: Any) -> Any:
    """The function's event: a string is the text of the request's body, which must be JSON."""
    return json.loads(value) if isinstance(value, str) else value


_HERE = Path(__file__).parent.parent


_STATUS = {"RequestResponse": 200, "Event": 202, "DryRun": 204}
"""The HTTP status by InvocationType. Source: Lambda API reference, Invoke."""


def _invoke_response(status: int, output: Any, request: str) -> dict[str, Any]:
    """The response of lambda:invoke; it contains the function's output only if the status is 200."""
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


def _exception_cause(error: Exception, request: str) -> dict[str, Any]:
    # As in Lambda's runtime: without flowdsl's own frames, and without the markers that Python 3.11 adds.
    frames = dropwhile(
        lambda each: Path(each.filename).is_relative_to(_HERE), traceback.extract_tb(error.__traceback__)
    )
    trace = traceback.format_list([(each.filename, each.lineno or 0, each.name, each.line) for each in frames])
    try:
        message = str(error)
    except Exception as second:  # noqa: BLE001 - the handler's own class may be broken
        pass_on_interrupt(second)
        message = f"<no message: {type(second).__name__}>"
    return _error(type(error).__name__, message, request, trace)


def _service_error(kind: str, message: str) -> dict[str, Any]:
    """The cause of an error that Lambda itself reports, not the function's runtime."""
    return {"errorType": kind, "errorMessage": message}


def _error(kind: str, message: str, request: str, trace: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": request, "stackTrace": trace}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
