"""Replies that all answerers share."""

from __future__ import annotations

from typing import NoReturn

from ..base.diagnostics import FlowError
from ..base.source import Span
from ..engine import Call, Later, Reply, Started


def await_answer(call: Call, reply: Reply, *later: Later) -> Reply:
    """Turn the reply to the call of a waiting task into a pending one that `later` answers.

    An activity counts as started at once.
    """
    started = [Later(reply.seconds, Started())] if call.integration == "activity" else []
    return Reply.pending(reply.output, *started, *later, seconds=reply.seconds)


def refuse_call(call: Call, *, span: Span | None = None, hint: str | None = None) -> NoReturn:
    """Raise FlowError for a call that has no answer here; `hint` says how to give it one."""
    called = f"function {call.function.name!r}" if call.function else call.resource
    raise FlowError.of(
        f"state {call.state_name!r} calls {called}, which has no answer here",
        span=span,
        hint=hint or "add a handler for the function, or a mock for the state",
    )
