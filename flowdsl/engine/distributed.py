"""Distributed Map: a child execution for each item or batch, gathered in a Map Run.

Source: Step Functions Developer Guide, "Using Map state in Distributed mode"; the events from recorded executions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from ..expr.errors import StatesError
from .calls import Call
from .children import gather
from .dataflow import Evaluated, Flow, Items, parse_number
from .effects import Failed, Invoke, Run, Succeeded, TimedOut
from .errors import Failure
from .execution import Fiber, Steps
from .history import JSON
from .item_reader import ReaderError, read_items
from .limits import size
from .map import selected
from .program import Program
from .result_writer import ResultWriter, write_results
from .retry import Attempt
from .task import Resource

if TYPE_CHECKING:
    from .program import Block, State

MAX_CONCURRENCY = 10_000
"""Child executions at once, where MaxConcurrency says nothing or more."""
NEW_ANCESTRY = date(2024, 11, 1)
"""Recordings to June 2024 have MapStateExited follow from MapRunSucceeded; those since November from MapRunStarted."""


@frozen
class ItemReader:
    resource: Resource
    arguments: Evaluated
    config: Evaluated
    """ReaderConfig with its paths resolved: MaxItems and so on."""


@frozen
class ItemBatcher:
    config: Evaluated


@frozen
class Distribution:
    """What a Distributed Map says beyond an inline one."""

    processor: Block
    child_type: Literal["STANDARD", "EXPRESS"]
    label: str
    items: Items
    reader: ItemReader | None
    batcher: ItemBatcher | None
    writer: ResultWriter | None
    tolerated_count: Evaluated
    tolerated_percentage: Evaluated


@frozen
class MapRun:
    """One run: `arn` is its name in events, `key` its own part of it."""

    arn: str
    key: str
    program: Program


def distributed_attempt(state: State, distribution: Distribution, flow: Flow, following: str | None) -> Attempt:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = flow.effective(value, fiber.scope)
        limit = min(distribution.items.max_concurrency(value, fiber) or MAX_CONCURRENCY, MAX_CONCURRENCY)
        found = None if distribution.reader else distribution.items.find(value, effective, fiber)
        fiber.record("MapStateStarted", {"length": len(found or ())})
        count = _count(distribution.tolerated_count(value, fiber))
        percentage = _percentage(distribution.tolerated_percentage(value, fiber))
        run = _map_run(fiber, distribution)
        started = fiber.record("MapRunStarted", {"mapRunArn": run.arn})
        try:
            if found is None:
                found = yield from _read(fiber, state, value, distribution)
            inputs = list(child_inputs(fiber, state, value, effective, found, distribution))
            children = yield from _run_all(fiber, run, inputs, limit, _Tolerance(count, percentage, len(inputs)))
            result = _result(children)
            if distribution.writer is not None:
                result = yield from write_results(fiber, state, value, distribution.writer, run, children)
        except Failure as failure:
            fiber.record("MapRunFailed", {"error": failure.error, "cause": failure.cause or ""})
            raise
        succeeded = fiber.record("MapRunSucceeded")
        fiber.note("MapStateSucceeded")
        fiber.source = started if fiber.execution.settings.since(NEW_ANCESTRY) else succeeded
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    return attempt


@frozen
class _Tolerance:
    count: float
    percentage: float
    total: int

    def exceeded(self, failures: int) -> bool:
        """Either threshold may be given; the run fails when one that is given is passed. Both default to none
        tolerated."""
        if failures == 0:
            return False
        if self.count == 0 and self.percentage == 0:
            return True
        by_count = self.count > 0 and failures > self.count
        return by_count or (self.percentage > 0 and failures * 100 > self.percentage * self.total)


def _count(value: JSON) -> float:
    if value is not None and value < 0:
        raise StatesError("States.Runtime", "ToleratedFailureCount cannot be negative.")
    return value or 0


def _percentage(value: JSON) -> float:
    if value is not None and not 0 <= value <= 100:
        raise StatesError("States.Runtime", "ToleratedFailurePercentage must be between 0 and 100.")
    return value or 0


def _map_run(fiber: Fiber, distribution: Distribution) -> MapRun:
    execution = fiber.execution
    identity, settings = execution.identity, execution.settings
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{identity.arn}/{len(execution.history)}"))
    name = f"{identity.state_machine_name}/{distribution.label}"
    program = Program(name, distribution.child_type, {}, distribution.processor)
    return MapRun(f"arn:aws:states:{settings.region}:{settings.account}:mapRun:{name}:{key}", key, program)


def _read(fiber: Fiber, state: State, value: JSON, distribution: Distribution) -> Steps:
    """Fetch what ItemReader names and take its items apart."""
    reader = distribution.reader
    assert reader is not None  # noqa: S101 - the caller looked
    config = reader.config(value, fiber) or {}
    arguments = reader.arguments(value, fiber)

    def fetch(action: str, wanted: JSON) -> Steps:
        return (yield from served(fiber, state, reader.resource, action, wanted, "States.ItemReaderFailed"))

    try:
        return (yield from read_items(fetch, reader.resource.action, arguments, config))
    except ReaderError as error:
        raise Failure("States.ItemReaderFailed", str(error)) from error


def served(fiber: Fiber, state: State, resource: Resource, action: str, arguments: JSON, error: str) -> Steps:
    """The answer to a call that the service itself makes for a state, to read its items or write its results.

    Raises Failure with this error where there is none.
    """
    execution = fiber.execution
    call = Call(
        resource=f"arn:aws:states:::{resource.integration}:{action}",
        integration=resource.integration,
        action=action,
        arguments=arguments,
        state_name=state.name,
        execution_arn=execution.identity.arn,
        state_machine_arn=execution.identity.state_machine_arn,
        now=fiber.now,
        region=execution.settings.region,
        account=execution.settings.account,
    )
    signal = yield Invoke(call)
    if isinstance(signal, Succeeded):
        return signal.output
    raise Failure(error, signal.cause if isinstance(signal, (Failed, TimedOut)) else None)


def child_inputs(
    fiber: Fiber, state: State, value: JSON, effective: JSON, found: list[JSON], distribution: Distribution
) -> Iterator[JSON]:
    """The inputs of the child executions."""
    choose = distribution.items.select
    select = None if choose is None else partial(choose, value, effective)
    chosen = (selected(fiber, state, {"Index": index, "Value": item}, select) for index, item in enumerate(found))
    batcher = distribution.batcher
    if batcher is None:
        yield from chosen
        return
    config = batcher.config(value, fiber)
    most, most_bytes = (_whole(config, field) for field in ("MaxItemsPerBatch", "MaxInputBytesPerBatch"))
    around: dict[str, JSON] = {"BatchInput": config["BatchInput"]} if "BatchInput" in config else {}
    batch: list[JSON] = []
    used = 0
    for item in chosen:
        needed = size(item) + 1 if most_bytes else 0
        if batch and ((most and len(batch) >= most) or (most_bytes and used + needed > most_bytes)):
            yield {**around, "Items": batch}
            batch, used = [], 0
        batch.append(item)
        used += needed
    if batch:
        yield {**around, "Items": batch}


def _whole(config: dict[str, JSON], field: str) -> float | None:
    if field not in config:
        return None
    number = parse_number(config[field], "integer")
    if number is None:
        cause = f'The {field}Path field refers to value "{config[field]}" which is not a valid integer'
        raise StatesError("States.Runtime", cause)
    return number


@frozen
class Child:
    """A child execution that has ended."""

    name: str
    input: JSON
    signal: Succeeded | Failed
    start: float
    """Seconds since 1970."""
    stop: float


def _run_all(fiber: Fiber, run: MapRun, inputs: list[JSON], limit: int, tolerance: _Tolerance) -> Steps:
    """Run a child execution for each input, at most `limit` at a time; returns them in the order of the inputs."""
    children: list[Child | None] = [None] * len(inputs)
    failures = 0

    def start(index: int) -> None:
        fiber.spawn(partial(_child, run=run, value=inputs[index], index=index), index)

    def ended(waiting: Fiber) -> None:
        nonlocal failures
        child: Child = waiting.output
        children[waiting.index] = child
        failures += isinstance(child.signal, Failed)
        if tolerance.exceeded(failures):
            cause = "The specified tolerated failure threshold was exceeded"
            raise Failure("States.ExceedToleratedFailureThreshold", cause)

    yield from gather(fiber, len(inputs), limit, start, ended)
    return children


def _child(fiber: Fiber, run: MapRun, value: JSON, index: int) -> Steps:
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run.arn}/{index}"))
    start = fiber.now
    signal = yield Run(run.program, value, name)
    return Child(name, value, signal, start, fiber.now)


def _result(children: list[Child]) -> list[JSON]:
    return [child.signal.output for child in children if isinstance(child.signal, Succeeded)]
