"""What a handler gets and what becomes of its answer in Lambda's Python runtime.

Source: awslabs/aws-lambda-python-runtime-interface-client, `lambda_context.py` and `lambda_runtime_marshaller.py`;
Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information" and "Defined runtime
environment variables".
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn

from attrs import field, frozen

from ..base.interrupts import pass_on_interrupt

JSON = Any

VERSION = "$LATEST"
LOG_STREAM = "local"


@frozen
class CognitoIdentity:
    """Who called through Cognito. Step Functions never does, so both are None."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


@frozen
class LambdaContext:
    """The second argument of a handler, with the attributes and types that the runtime gives it."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    """Text, for the runtime takes it from an environment variable."""
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float = field(repr=False)
    """In seconds of time.monotonic."""
    identity: CognitoIdentity = field(factory=CognitoIdentity)
    client_context: None = None
    tenant_id: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))

    def log(self, msg: object) -> None:
        """Write to the function's log, which is stdout here, without a line break at the end."""
        sys.stdout.write(str(msg))

    def w3c(self) -> dict[str, str]:
        """The caller's trace context; empty, because only a client context carries one."""
        return {}


def log_group(function: str) -> str:
    return f"/aws/lambda/{function}"


def environment_of(function: str, memory: int, region: str) -> dict[str, str]:
    """The environment variables that the runtime sets for a function."""
    return {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_VERSION": VERSION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": log_group(function),
        "AWS_LAMBDA_LOG_STREAM_NAME": LOG_STREAM,
    }


@frozen
class HandlerOutput:
    """What a handler returned: the body of the function's response in bytes, and the JSON value that it is."""

    size: int
    value: JSON


class MarshalError(Exception):
    """The runtime cannot write what a handler returned; the text says why."""


def read_answer(output: Any) -> HandlerOutput:
    """The answer that the runtime makes of what a handler returned. Raises MarshalError if it makes none.

    Bytes are the body as they are; a body that is not JSON is a text. The runtime writes all else with simplejson,
    which knows named tuples, bytes and Decimals. It writes NaN and infinities too, which are not JSON: here they fail,
    in AWS (no recording) at the latest in Step Functions.
    """
    try:
        body = output.decode() if isinstance(output, bytes) else _encode()(output)
        size = len(body.encode(errors="surrogatepass"))
        try:
            return HandlerOutput(size, _decode(body))
        except ValueError:
            if isinstance(output, bytes):
                return HandlerOutput(size, body)
            raise
    except Exception as error:  # the answer's own classes may be broken
        pass_on_interrupt(error)
        raise MarshalError(_message(error)) from error


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - so may be its errors
        pass_on_interrupt(second)
        return f"<no message: {type(second).__name__}>"


@cache
def _encode() -> Callable[[Any], str]:
    import simplejson  # only handlers that answer need it

    def default(value: object) -> Any:
        if not isinstance(value, Decimal):
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
        return math.nan if value.is_nan() else simplejson.RawJSON(str(value))

    encoder = simplejson.JSONEncoder(use_decimal=False, ensure_ascii=False, allow_nan=False, default=default)
    encode: Callable[[Any], str] = encoder.encode
    return encode


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {text}")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse(digits)


_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite).decode
