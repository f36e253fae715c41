"""Run one state in the engine until it would go on, be retried or fail.

Source: Step Functions API Reference, TestState.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from ..engine import Call, Failed, Identity, Invoker, Settings, Succeeded, TimedOut
from ..engine.core import Block, Fiber, Invoke, Outcome, PreparedState, Program, Signal, Sleep, Start, Stop, Wake
from ..engine.data.items import Item
from ..engine.errors import Failure
from ..engine.execution import Execution
from ..engine.interpreter import located
from ..engine.prepare import PREPARERS, Source, language_of, prepare_block
from ..engine.states.retry import Retrier, error_output
from ..expr.errors import StatesError
from .definition import Tested, targets
from .inspection import Inspected, Inspection
from .mocks import Configuration, Mock, mocked_map, mocked_parallel

JSON = Any

MAX_SECONDS = 300.0
"""The time limit of a tested state."""


@frozen
class Setting:
    """The surroundings of the state under test."""

    input: JSON
    variables: dict[str, JSON]
    context: dict[str, JSON] | None
    """The context object of the request; None for the engine's own."""
    settings: Settings
    mock: Mock | None
    configuration: Configuration
    invoke: Invoker
    now: float


@frozen
class Tried:
    """How the state ended."""

    status: str
    output: JSON = None
    following: str | None = None
    failure: Failure | None = None
    handled: dict[str, int] = field(factory=dict)
    """errorDetails."""
    variables: dict[str, JSON] = field(factory=dict)


class _Execution(Execution):
    """An execution of a machine with a single state, whose context object a request may replace."""

    context_object: dict[str, JSON] | None = None
    tells_place = False
    """Seen in answers of TestState that were quoted in public."""

    def context(self, fiber: Fiber, state: PreparedState) -> dict[str, JSON]:
        own = super().context(fiber, state)
        if self.context_object is None:
            return own
        # The item of a Map and a task's token are the state's own unless the request has them.
        return {**{part: own[part] for part in ("Map", "Task") if part in own}, **self.context_object}


def run_state(tested: Tested, setting: Setting, inspection: Inspection) -> Tried:
    arrived: list[str | None] = []
    state, query = _prepared(tested, setting, inspection)
    _stop_after(state, arrived.append)
    execution = _execution(tested, setting, state)
    _run(execution, setting, inspection)
    root = execution.root
    if execution.status == "SUCCEEDED":
        return Tried("SUCCEEDED", execution.output, arrived[0], variables=root.variables)
    failure = root.failure or Failure("States.Timeout", None)
    try:
        return _handled(tested, setting, query, failure, root)
    except StatesError as error:
        return Tried("FAILED", failure=located(root, state, error, 0), variables=root.variables)


def _prepared(tested: Tested, setting: Setting, inspection: Inspection) -> tuple[PreparedState, Inspected]:
    """The state without its Retry and Catch: those are looked at when it has failed."""
    body = {key: value for key, value in tested.body.items() if key not in ("Retry", "Catch")}
    states = {name: {"Type": "Succeed"} for name in targets(body)} | {tested.name: body}
    block = prepare_block({"StartAt": tested.name, "States": states}, tested.language, ())
    state = block.states[tested.name]
    language = body.get("QueryLanguage", tested.language)
    query = Inspected(language_of(language), inspection, language == "JSONPath")
    source = Source(body, query, tested.language, ("States", tested.name))
    if setting.mock is not None and body["Type"] == "Map":
        state.run = mocked_map(state, source, query, setting.mock, setting.configuration)
    elif setting.mock is not None and body["Type"] == "Parallel":
        state.run = mocked_parallel(source, query, setting.mock)
    else:
        PREPARERS[body["Type"]](state, source)
    state.reads_context = True  # so that a catcher can
    return state, query


def _stop_after(state: PreparedState, arrive: Callable[[str | None], None]) -> None:
    """End the execution after the state; `arrive` gets the name of the next state."""
    step, run = state.step, state.run

    def ending(outcome: Outcome) -> Outcome:
        following, output, assigned = outcome
        arrive(following)
        return None, output, assigned

    if step is not None:
        original = step
        state.step = lambda fiber, value: ending(original(fiber, value))
    else:

        def run_once(fiber: Fiber, value: JSON) -> Any:
            return ending((yield from run(fiber, value)))

        state.run = run_once


def _execution(tested: Tested, setting: Setting, state: PreparedState) -> _Execution:
    """TestState runs a state in an Express execution of a machine of its own."""
    place = f"{setting.settings.region}:{setting.settings.account}"
    machine, name = (str(uuid.uuid5(uuid.NAMESPACE_OID, f"{part}/{setting.now}")) for part in ("machine", "execution"))
    identity = Identity(
        name,
        f"arn:aws:states:{place}:express:{machine}:{name}",
        f"arn:aws:states:{place}:stateMachine:{machine}",
        machine,
    )
    program = Program(machine, "EXPRESS", tested.machine, Block(tested.name, {tested.name: state}))
    execution = _Execution(program, setting.input, identity, setting.settings, setting.now)
    execution.context_object = setting.context
    execution.root.variables = setting.variables
    if tested.in_map and setting.context is None:
        # Source: Developer Guide, "Testing state machines with TestState API", "Automatic Context population".
        execution.root.map_item = Item(setting.input).context(0)
    return execution


def _run(execution: Execution, setting: Setting, inspection: Inspection) -> None:
    effects = execution.deliver(execution.root.id, Start(), setting.now)
    now = setting.now
    signal: Signal
    while effects:
        ((fiber, _, effect),) = effects
        if isinstance(effect, Sleep):
            now, signal = effect.until, Wake()
        else:
            assert isinstance(effect, Invoke)  # noqa: S101 - a single state has no other effects
            seconds, signal = _answer(effect.call, setting, inspection)
            now += seconds
        if now - setting.now > MAX_SECONDS:
            now, signal = setting.now + MAX_SECONDS, Stop("TIMED_OUT", "States.Timeout")
        effects = execution.deliver(fiber, signal, max(now, execution.now))


def _answer(call: Call, setting: Setting, inspection: Inspection) -> tuple[float, Signal]:
    """How the call of a Task ends, and after how many seconds."""
    if setting.mock is not None:
        if setting.mock.error is not None:
            return 0, Failed(setting.mock.error, setting.mock.cause)
        return 0, Succeeded(setting.mock.result)
    reply = setting.invoke(call)
    if reply.exchange is not None:
        inspection.exchanges.append(reply.exchange)
    limit = MAX_SECONDS if call.timeout_seconds is None else call.timeout_seconds
    if reply.kind in ("timed_out", "pending") or reply.seconds > limit:
        return limit, TimedOut()
    if reply.kind == "failed":
        return reply.seconds, Failed(reply.error, reply.cause, reply.refused)
    return reply.seconds, Succeeded(reply.output)


def _handled(tested: Tested, setting: Setting, query: Inspected, failure: Failure, fiber: Fiber) -> Tried:
    """What Retry and Catch make of the failure, after as many retries as the configuration says."""
    details: dict[str, int] = {}
    retriers = () if failure.terminal else tuple(map(Retrier.of, tested.body.get("Retry", ())))
    for index, retrier in enumerate(retriers):
        if failure.matches(retrier.error_equals):
            details["retryIndex"] = index
            if setting.configuration.retries < retrier.max_attempts:
                delay = retrier.delay(setting.configuration.retries, fiber)
                details["retryBackoffIntervalSeconds"] = round(delay)
                return Tried("RETRIABLE", None, None, failure, details, fiber.variables)
            break
    for index, catcher in enumerate(() if failure.terminal else tested.body.get("Catch", ())):
        if failure.matches(tuple(catcher["ErrorEquals"])):
            flow = query.catch(catcher, index)
            output, assigned = flow(setting.input, error_output(failure), fiber.scope)
            variables = {**fiber.variables, **(assigned or {})}
            return Tried("CAUGHT_ERROR", output, catcher["Next"], failure, {**details, "catchIndex": index}, variables)
    return Tried("FAILED", None, None, failure, details, fiber.variables)
