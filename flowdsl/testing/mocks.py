"""Mocks of what Task states call: chosen by state or function, scripted, and answering callbacks."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from attrs import define, evolve, field, frozen

from ..asl.resource import called_function, parse_function, parse_resource
from ..asl.tree import Tree
from ..calls.buckets import LocalFiles, in_bucket
from ..calls.chain import Callback, Chain
from ..calls.lambdas import Handler, LocalLambdas
from ..calls.services import Services
from ..engine import Call, Invoker, Reply
from .answers import Answer, copied, give
from .run import UnmockedCall


@define
class Mock:
    """What stands for a state's or a function's real work; `calls` are the payloads that it got, oldest first."""

    target: str
    script: list[Answer]
    otherwise: Callable[[Any], Any] | None = None
    """What answers when the script is at its end; None is the real handler."""
    calls: list[Any] = field(factory=list, init=False)

    def next(self) -> Answer | None:
        """The answer of the script to the next call, or None where it is at its end."""
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
    """The mocks of a runner, and the chain of answerers that they belong to. Nothing else is called."""

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
        mock.calls.append(copied(payload(call), "the payload"))
        answer = mock.next()

        def rest(call: Call) -> Reply:
            return _work(call, mock.otherwise) if mock.otherwise else self.chain.call_real(call)

        return answer.respond(call, rest, lambda value: _work(call, lambda _: value)) if answer else rest(call)

    def _refuse(self, call: Call) -> Reply:
        raise UnmockedCall(_unmocked(call, self._find(call), self.chain.functions.functions))

    def verify(self, definitions: Iterable[Mapping[str, Any]], machine: str) -> None:
        """Raise LookupError if a mock's target, or a callback's state, is not in the machines."""
        nodes = [node for definition in definitions for node in Tree(definition)]
        states = {node.name: node.fields for node in nodes if any(resources_of(node.fields))}
        resources = {resource for state in states.values() for resource in resources_of(state)}
        functions = {function_of_state(state) for state in states.values()} - {""}
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
    """What a mock may call the call by, the closest first: state, function, resource, `service:action`."""
    function = (call.function.text, call.function.name) if call.function else ()
    return tuple(filter(None, (call.state_name, *function, call.resource, parse_resource(call.resource).operation)))


def payload(call: Call) -> Any:
    """What a function gets as its event, a service as its arguments."""
    if call.integration == "lambda" and call.action == "invoke" and isinstance(call.arguments, dict):
        return call.arguments.get("Payload", {})
    return call.arguments


def resources_of(state: Mapping[str, Any]) -> Iterator[str]:
    """What the state calls: a Task's Resource, and those of a Map's ItemReader and ResultWriter."""
    for part in (state, state.get("ItemReader"), state.get("ResultWriter")):
        if isinstance(part, Mapping) and "Resource" in part:
            yield str(part["Resource"])
            if part.get("ReaderConfig", {}).get("Transformation") == "LOAD_AND_FLATTEN":
                yield f"{str(part['Resource']).rpartition(':')[0]}:getObject"  # of each object that is listed


def function_of_state(state: Mapping[str, Any]) -> str:
    """The name of the function that a Task state always calls; "" if it calls none or chooses one at run time."""
    resource = parse_resource(str(state.get("Resource", "")))
    function = called_function(resource, state.get("Parameters") or state.get("Arguments"))
    if function is None or resource.kind not in ("function", "integration") or function.text.startswith("{%"):
        return ""
    return function.name


def _work(call: Call, work: Callable[[Any], Any]) -> Reply:
    """The reply of a function, or service, that does this with its payload; it fails with what is raised.

    But an assertion in an `effect` is the test's, and never an error that the flow could catch.
    """
    broken: list[AssertionError] = []

    def worker(event: Any, _: Any = None) -> Any:
        try:
            return work(event)
        except AssertionError as error:
            if not isinstance(work, Raising):
                broken.append(error)
            raise

    reply = _replied(call, worker)
    if broken:
        raise broken[0]
    return reply


def _replied(call: Call, work: Callable[..., Any]) -> Reply:
    if call.integration == "lambda":
        return LocalLambdas({call.function.text if call.function else "": work})(call)
    try:
        answer = work(copied(payload(call), "the payload"))
    except Exception as error:  # noqa: BLE001 - whatever a mock raises is the service's error
        return Reply.failed(type(error).__name__, str(error))
    return Reply.succeeded(copied(answer, f"what the mock of {call.state_name!r} answers"))


def _unmocked(call: Call, mock: Mock | None, functions: Mapping[str, Handler]) -> str:
    what = repr(call.function.text) if call.function else call.resource
    lines = [f"the state {call.state_name!r} calls {what}, which is neither mocked nor a function of this project"]
    if mock is not None:
        lines[0] = f"the state {call.state_name!r} calls {what}, and the script of its mock is at its end"
        lines.append("  give the mock something to go on with: returns=..., raises=... or effect=...")
    else:
        lines.append(f"  {_how(call)}")
    if call.integration == "lambda" and functions:
        lines.append(f"  functions of this project: {', '.join(sorted(functions))}")
    return "\n".join(lines)


def _how(call: Call) -> str:
    """How to answer a call that has no mock."""
    mock = f"mock it: flow.mock({call.state_name!r}, returns={{...}})"
    if in_bucket(call):
        bucket = call.arguments.get("Bucket") if isinstance(call.arguments, dict) else None
        mock = f"mock it: flow.mock({parse_resource(call.resource).operation!r}, returns={_OF_S3[call.action]})"
        return f"{mock}, or give its bucket: Runner.of(buckets={{{bucket!r}: folder}})"
    if call.integration == "activity":
        return f"{mock}, or answer it later, as its worker: flow.answer({call.state_name!r}, {{...}}, after=30)"
    if call.pattern == "waitForTaskToken":
        return f"answer its task token: flow.answer({call.state_name!r}, {{...}}, after=30); the call alone: {mock}"
    if call.integration == "states" and call.action == "startExecution":
        return f"{mock}, or give the machine that it starts: Runner.of(machines=[...])"
    return mock


_OF_S3 = {"getObject": '{"Body": "..."}', "putObject": "{}", "listObjectsV2": '{"Contents": [...]}'}
"""An answer to what a folder in place of a bucket answers."""


def _no_target(target: str, known: list[str], machine: str) -> str:
    close = difflib.get_close_matches(target, known, 1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; it has {', '.join(known)}" if known else ""
    return f"the machine {machine!r} has no task or function {target!r}{hint}"


def scripted(entry: Any) -> Answer:
    """An entry of a script: an Answer, or a value to answer one call with."""
    if isinstance(entry, BaseException) or callable(entry):
        raise TypeError(f"{entry!r} in a script: use raises=... or effect=... for what comes after the script")
    return entry if isinstance(entry, Answer) else give(copied(entry, "an entry of the script"))


@frozen
class Raising:
    """Does a mock's work by raising."""

    error: BaseException | type[BaseException]

    def __call__(self, _: Any) -> Any:
        raise self.error
