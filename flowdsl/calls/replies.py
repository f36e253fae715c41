"""What all answerers share: the function that a call is for, and replies."""

from __future__ import annotations

from typing import NoReturn

from ..base.diagnostics import FlowError
from ..base.source import Span
from ..engine import Call, Later, Reply, Started


def function_name(text: str) -> str:
    """The name of a function, without qualifier, from its name, `name:qualifier`, its ARN or a partial ARN.

    >>> function_name("arn:aws:lambda:eu-west-1:123456789012:function:charge:live")
    'charge'
    >>> function_name("123456789012:function:charge"), function_name("charge:3"), function_name("charge")
    ('charge', 'charge', 'charge')
    """
    return text.rpartition("function:")[2].partition(":")[0]


def function_of(call: Call) -> str:
    """The name or ARN of the function that a call is for; empty if it is for none."""
    if call.action == "function":
        return call.resource
    return str(call.arguments.get("FunctionName", "")) if isinstance(call.arguments, dict) else ""


def await_answer(call: Call, reply: Reply, *later: Later) -> Reply:
    """Turn the reply to the call of a waiting task into a pending one that `later` answers.

    An activity counts as started at once.
    """
    started = [Later(reply.seconds, Started())] if call.integration == "activity" else []
    return Reply.pending(reply.output, *started, *later, seconds=reply.seconds)


def refuse_call(call: Call, *, span: Span | None = None, hint: str | None = None) -> NoReturn:
    """Raise FlowError for a call that has no answer here; `hint` says how to give it one."""
    name = function_name(function_of(call)) if call.integration == "lambda" else ""
    raise FlowError.of(
        f"state {call.state_name!r} calls {f'function {name!r}' if name else call.resource}, which has no answer here",
        span=span,
        hint=hint or "add a handler for the function, or a mock for the state",
    )
