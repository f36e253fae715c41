"""Mocks of the calls of Task states, by state, function or service, with scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from attrs import define, evolve, field, frozen

from ..asl.resource import constant_function, parse_function, parse_resource
from ..asl.tree import Tree
from ..base.words import did_you_mean
from ..calls.buckets import LocalFiles, is_for_bucket
from ..calls.chain import Callback, Chain
from ..calls.lambdas import Handler, LocalLambdas
from ..calls.services import Services
from ..engine import Call, Invoker, Reply
from .answers import Answer, copy_json, give
from .run import UnmockedCall


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

    @classmethod
    def of(
        cls, functions: Mapping[str, Handler], buckets: LocalFiles | None = None, services: Services | None = None
    ) -> Mocks:
        chain = Chain(LocalLambdas(functions), buckets=buckets or LocalFiles({}), services=services)
        mocks = cls({}, [], chain)
        chain.find_mock, chain.callbacks, chain.otherwise = mocks._find_invoker, mocks.callbacks, mocks._refuse
        return mocks

    def _find(self, call: Call) -> Mock | None:
        return next((self.mocks[name] for name in names(call) if name in self.mocks), None)

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
        raise UnmockedCall(_describe_unmocked(call, self._find(call), self.chain.functions.functions))

    def verify(self, definitions: Iterable[Mapping[str, Any]], machine: str) -> None:
        """Raise LookupError if a mock's target, or a callback's state, is not in the machines."""
        nodes = [node for definition in definitions for node in Tree(definition)]
        states = {node.name: node.fields for node in nodes if any(resources_of(node.fields))}
        resources = {resource for state in states.values() for resource in resources_of(state)}
        functions = {constant_function(state) for state in states.values()} - {""}
        known = [*states, *sorted(functions | set(self.chain.functions.functions))]
        operations = {parse_resource(resource).operation for resource in resources}
        for target in self.mocks:
            if target not in {*known, *resources, *operations} and parse_function(target).name not in known:
                raise LookupError(_no_target(target, known, machine))
        for callback in self.callbacks:
            if callback.state not in states:
                raise LookupError(_no_target(callback.state, list(states), machine))
            resource = str(states[callback.state].get("Resource", ""))
            if not parse_resource(resource).waits:
                raise LookupError(
                    f"flow.answer({callback.state!r}, ...): the state calls {resource}, which does not wait for a "
                    f"callback; use flow.mock({callback.state!r}, returns=...)"
                )


def names(call: Call) -> tuple[str, ...]:
    """The targets that match the call, most specific first: state, function, resource, `service:action`."""
    function = (call.function.text, call.function.name) if call.function else ()
    return tuple(filter(None, (call.state_name, *function, call.resource, parse_resource(call.resource).operation)))


def payload(call: Call) -> Any:
    """A function's event, or a service's arguments."""
    if call.integration == "lambda" and call.action == "invoke" and isinstance(call.arguments, dict):
        return call.arguments.get("Payload", {})
    return call.arguments


def resources_of(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the resources that the state calls: a Task's, and those of a Map's ItemReader and ResultWriter."""
    for part in (state, state.get("ItemReader"), state.get("ResultWriter")):
        if isinstance(part, Mapping) and "Resource" in part:
            yield str(part["Resource"])
            if part.get("ReaderConfig", {}).get("Transformation") == "LOAD_AND_FLATTEN":
                yield f"{str(part['Resource']).rpartition(':')[0]}:getObject"  # of each object that is listed


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
        return Reply.failed(type(error).__name__, str(error))
    return Reply.succeeded(copy_json(answer, f"what the mock of {call.state_name!r} answers"))


def _describe_unmocked(call: Call, mock: Mock | None, functions: Mapping[str, Handler]) -> str:
    what = repr(call.function.text) if call.function else call.resource
    lines = [f"state {call.state_name!r} calls {what}, which is neither mocked nor a function of this project"]
    if mock is not None:
        lines[0] = f"state {call.state_name!r} calls {what}, but the script of its mock is used up"
        lines.append("  add what answers further calls: returns=..., raises=... or effect=...")
    else:
        lines.append(f"  {_suggest_answer(call)}")
    if call.integration == "lambda" and functions:
        lines.append(f"  functions of this project: {', '.join(sorted(functions))}")
    return "\n".join(lines)


def _suggest_answer(call: Call) -> str:
    """Suggest how to answer a call without a mock."""
    mock = f"mock it: flow.mock({call.state_name!r}, returns={{...}})"
    if is_for_bucket(call):
        bucket = call.arguments.get("Bucket") if isinstance(call.arguments, dict) else None
        mock = f"mock it: flow.mock({parse_resource(call.resource).operation!r}, returns={_OF_S3[call.action]})"
        return f"{mock}, or pass a folder for its bucket: Runner.of(buckets={{{bucket!r}: folder}})"
    if call.integration == "activity":
        return f"{mock}, or answer as its worker: flow.answer({call.state_name!r}, {{...}}, after=30)"
    if call.pattern == "waitForTaskToken":
        return f"answer its task token: flow.answer({call.state_name!r}, {{...}}, after=30); for the call alone, {mock}"
    if call.integration == "states" and call.action == "startExecution":
        return f"{mock}, or pass the state machine that it starts: Runner.of(machines=[...])"
    return mock


_OF_S3 = {"getObject": '{"Body": "..."}', "putObject": "{}", "listObjectsV2": '{"Contents": [...]}'}
"""An example result for each action that a folder can answer."""


def _no_target(target: str, known: list[str], machine: str) -> str:
    near = did_you_mean(target, known) or (f"it has: {', '.join(known)}" if known else None)
    hint = f"; {near}" if near else ""
    return f"state machine {machine!r} has no Task or function {target!r}{hint}"


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
