"""A chain of answerers: the first that can answers a Task's call, in `flowdsl run`, `flowdsl test-state` and tests.

1. `find_mock`: the mock of a state, a function or a service;
2. `config`: a test case of a MockConfigFile;
3. `buckets`: folders in place of S3 buckets;
4. `functions`: Python functions in place of Lambda's;
5. `services`: an endpoint, or a host in place of an HTTP Task's;
6. `callbacks`: if a callback answers the task anyway, the call itself may go nowhere;
7. `otherwise`.

If the task then still waits for an answer from outside, its callback gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from ..engine import Call, Failed, Heartbeat, Invoker, Later, Reply, Succeeded
from .buckets import LocalFiles
from .lambdas import LocalLambdas
from .mockconfig import MockConfig
from .replies import await_answer, refuse_call
from .services import Services

__all__ = ["Answerer", "Callback", "Chain", "first_of"]

Answerer = Callable[[Call], Reply | None]
"""Answers a call, or returns None to leave it to the next one."""


def first_of(*answerers: Answerer, otherwise: Invoker = refuse_call) -> Invoker:
    """Combine answerers: the first reply that is not None, else that of `otherwise`."""

    def invoke(call: Call) -> Reply:
        for answerer in answerers:
            reply = answerer(call)
            if reply is not None:
                return reply
        return otherwise(call)

    return invoke


@define
class Callback:
    """How the task token of a state, or an activity, is answered: `after` seconds from the call."""

    state: str
    outcome: Succeeded | Failed
    after: float = 0.0
    heartbeats: tuple[float, ...] = ()
    """When SendTaskHeartbeat is called: seconds from the call."""
    times: int | None = None
    """The number of calls left to answer; None for all."""

    def signals(self, start: float) -> Iterator[Later]:
        """What happens to the task; `start` is when its call returned, in seconds from the call."""
        for seconds in self.heartbeats:
            yield Later(seconds, Heartbeat())
        yield Later(max(self.after, start), self.outcome)


@define
class Chain:
    """An invoker: see the top of this module."""

    functions: LocalLambdas
    find_mock: Callable[[Call], Invoker | None] = lambda _: None
    """Returns what answers the call in place of the real function or service."""
    config: MockConfig | None = None
    buckets: LocalFiles = field(factory=lambda: LocalFiles({}))
    services: Services | None = None
    callbacks: Sequence[Callback] = ()
    otherwise: Invoker = refuse_call

    def __call__(self, call: Call) -> Reply:
        mock = self.find_mock(call)
        reply = mock(call) if mock else self.call_real(call)
        if call.waits and reply.kind in ("succeeded", "pending") and not reply.later:
            callback = self._take_callback(call)
            if callback is not None:
                return await_answer(call, reply, *callback.signals(reply.seconds))
        return reply

    def call_real(self, call: Call) -> Reply:
        """The reply without mocks of the state, function or service."""
        answerers = (self._from_config, self.buckets, self._from_function, self._from_service, self._from_callback)
        return first_of(*answerers, otherwise=self.otherwise)(call)

    def may_answer(self, call: Call) -> bool:
        """True if a call with these arguments, as written, has an answer; `otherwise` is none."""
        return (
            (self.config is not None and call.state_name in self.config.responses)
            or self.buckets.may_answer(call)
            or self.functions.knows(call.function)
            or bool(self.services and self.services.answers(call))
            or (call.waits and self._has_callback(call))
        )

    def stands_in(self, call: Call) -> bool:
        """True if something answers in place of what the call starts, such as a nested state machine."""
        return (
            self.find_mock(call) is not None
            or (self.config is not None and call.state_name in self.config.responses)
            or (call.pattern == "waitForTaskToken" and self._has_callback(call))
        )

    def _from_config(self, call: Call) -> Reply | None:
        return self.config(call) if self.config else None

    def _from_function(self, call: Call) -> Reply | None:
        return self.functions(call) if self.functions.knows(call.function) else None

    def _from_service(self, call: Call) -> Reply | None:
        return self.services(call) if self.services and self.services.answers(call) else None

    def _from_callback(self, call: Call) -> Reply | None:
        """What gets the task token does not have to exist if a callback uses the token."""
        return Reply.pending({}) if call.waits and self._has_callback(call) else None

    def _has_callback(self, call: Call) -> bool:
        return any(callback.state == call.state_name for callback in self.callbacks)

    def _take_callback(self, call: Call) -> Callback | None:
        for callback in self.callbacks:
            if callback.state == call.state_name and callback.times != 0:
                if callback.times is not None:
                    callback.times -= 1
                return callback
        return None
