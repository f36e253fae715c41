"""Mocks of the calls of Task states, by state, function or service, with scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import define, evolve, field, frozen

from ..asl.resource import parse_function
from ..base.interrupts import pass_on_interrupt
from ..calls.buckets import LocalFiles
from ..calls.chain import Callback, Chain
from ..calls.lambdas import Handler, LocalLambdas
from ..calls.services import Services
from ..engine import Call, Invoker, Reply, nested
from ..engine.core import Program
from .answers import Answer, copy_json, give
from .run import UnmockedCall
from .targets import Calls, calls_of, find_target, is_open, suggest_answer


@define
class Mock:
    """The answers to the calls of a state, function or service; `calls` are the payloads, oldest first."""

    target: str
    script: list[Answer]
    otherwise: Callable[[Any], Any] | None = None
    """What answers after the script; None for the real handler."""
    calls: list[Any] = field(factory=list, init=False)

    def next(self) -> Answer | None:
        """Take the script's answer to the next call; None if the script is used up."""
        while self.script and self.script[0].times == 0:
            del self.script[0]
        if not self.script:
            return None
        first = self.script[0]
        if first.times > 1:
            self.script[0] = evolve(first, times=first.times - 1)
        else:
            del self.script[0]
        return first


@define
class Mocks:
    """The mocks and callbacks of a runner, and its chain of answerers."""

    mocks: dict[str, Mock]
    callbacks: list[Callback]
    chain: Chain
    calls: Calls
    """The calls that the machines may make."""
    machines: Mapping[str, Program]
    """The state machines that it may start, by name."""

    @classmethod
    def of(
        cls,
        functions: Mapping[str, Handler],
        definitions: Iterable[Mapping[str, Any]],
        machines: Mapping[str, Program],
        buckets: LocalFiles | None = None,
        services: Services | None = None,
    ) -> Mocks:
        chain = Chain(LocalLambdas(functions), buckets=buckets or LocalFiles({}), services=services)
        handlers = tuple(map(parse_function, functions))
        mocks = cls({}, [], chain, Calls(tuple(calls_of(definitions)), handlers), machines)
        chain.find_mock, chain.callbacks, chain.otherwise = mocks._find_invoker, mocks.callbacks, mocks._refuse
        return mocks

    def _find(self, call: Call) -> Mock | None:
        target = find_target(call, self.mocks) if self.mocks else None
        return None if target is None else self.mocks[target]

    def _find_invoker(self, call: Call) -> Invoker | None:
        mock = self._find(call)
        return partial(self._answer, mock) if mock else None

    def _answer(self, mock: Mock, call: Call) -> Reply:
        mock.calls.append(copy_json(payload(call), "the payload"))
        answer = mock.next()

        def rest(call: Call) -> Reply:
            return _reply_with(call, mock.otherwise) if mock.otherwise else self.chain.call_real(call)

        return answer.respond(call, rest, lambda value: _reply_with(call, lambda _: value)) if answer else rest(call)

    def _refuse(self, call: Call) -> Reply:
        mock = self._find(call)
        others = [] if mock is not None else [each for each in self._unanswered() if each.state_name != call.state_name]
        raise UnmockedCall(_describe_unmocked(call, mock, self.chain.functions.functions, others))

    def _unanswered(self) -> list[Call]:
        """The other calls of the definitions that would end a run, as far as that is known before they are made."""
        return [call for call in self.calls.calls if not (self._find(call) or self._may_answer(call))]

    def _may_answer(self, call: Call) -> bool:
        if call.integration == "lambda" and is_open(call):
            return True
        machine = nested.target(call, self.machines)
        return machine is not None or self.chain.may_answer(call)

    def verify(self, machine: str) -> None:
        """Raise LookupError if a mock's target, or a callback's state, is not in the machines."""
        __tracebackhide__ = True
        calls = self.calls
        for target in self.mocks:
            if not calls.is_selected_by(target):
                raise LookupError(calls.missing(target, machine))
        for callback in self.callbacks:
            of_state = [call for call in calls.calls if call.state_name == callback.state]
            if not of_state:
                raise LookupError(calls.missing(callback.state, machine))
            if not any(call.waits for call in of_state):
                resource = of_state[0].resource
                raise LookupError(
                    f"flow.answer({callback.state!r}, ...): the state calls {resource}, which does not wait for a "
                    f"callback; use flow.mock({callback.state!r}, returns=...)"
                )


def payload(call: Call) -> Any:
    """A function's event, or a service's arguments."""
    if call.integration == "lambda" and call.action == "invoke" and isinstance(call.arguments, dict):
        return call.arguments.get("Payload", {})
    return call.arguments


def _reply_with(call: Call, work: Callable[[Any], Any]) -> Reply:
    """The reply of a function or service that applies `work` to its payload, and fails with what it raises.

    An AssertionError of an `effect` fails the test instead: the flow cannot catch it.
    """
    broken: list[AssertionError] = []

    def worker(event: Any, _: Any = None) -> Any:
        try:
            return work(event)
        except AssertionError as error:
            if not isinstance(work, Raising):
                broken.append(error)
            raise

    reply = _reply(call, worker)
    if broken:
        raise broken[0]
    return reply


def _reply(call: Call, work: Callable[..., Any]) -> Reply:
    if call.integration == "lambda":
        return LocalLambdas({call.function.text if call.function else "": work})(call)
    try:
        answer = work(copy_json(payload(call), "the payload"))
    except Exception as error:  # noqa: BLE001 - whatever a mock raises is the service's error
        pass_on_interrupt(error)
        return Reply.failed(type(error).__name__, str(error))
    return Reply.succeeded(copy_json(answer, f"what the mock of {call.state_name!r} answers"))


def _describe_unmocked(
    call: Call, mock: Mock | None, functions: Mapping[str, Handler], others: Sequence[Call] = ()
) -> str:
    what = repr(call.function.text) if call.function else call.resource
    lines = [f"state {call.state_name!r} calls {what}, which is neither mocked nor a function of this project"]
    if mock is not None:
        lines[0] = f"state {call.state_name!r} calls {what}, but the script of its mock is used up"
        lines.append("  add what answers further calls: returns=..., raises=... or effect=...")
    else:
        lines.append(f"  {suggest_answer(call)}")
    if others:
        lines.append("  calls of other states that have no answer either:")
        lines += [f"    {each.state_name}: {suggest_answer(each)}" for each in others]
    if call.integration == "lambda" and functions:
        lines.append(f"  functions of this project: {', '.join(sorted(functions))}")
    return "\n".join(lines)


def to_answer(entry: Any) -> Answer:
    """An entry of a script: an Answer, or a value to answer one call with."""
    if isinstance(entry, BaseException) or callable(entry):
        raise TypeError(
            f"{entry!r} cannot be in a script: use raises=... or effect=..., which answer the calls after it"
        )
    return entry if isinstance(entry, Answer) else give(copy_json(entry, "an entry of the script"))


@frozen
class Raising:
    """A mock's work that raises an exception."""

    error: BaseException | type[BaseException]

    def __call__(self, _: Any) -> Any:
        raise self.error
