"""Distributed Map: a child execution for each item or batch, gathered in a Map Run.

Source: Step Functions Developer Guide, "Using Map state in Distributed mode"; the events from recorded executions.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from attrs import frozen

from ...asl.resource import Resource
from ...expr.errors import StatesError
from ..core import Block, Fiber, PreparedState, Program, RunChild, Steps, Succeeded
from ..data.flow import DataFlow, Evaluated, Items, Number
from ..data.item_formats import ReaderError
from ..data.item_reader import read_items
from ..data.items import Item, items_of
from ..errors import Failure, HistoryFull
from ..history import JSON
from ..limits import MAX_DATA, size
from .children import gather
from .map import selected
from .result_writer import Child, MapRun, PreparedWriter, Writing, write_results
from .retry import Attempt
from .task import served

MAX_CONCURRENCY = 10_000
"""The maximum number of concurrent child executions, unless MaxConcurrency is lower."""


@frozen
class PreparedReader:
    resource: Resource
    arguments: Evaluated
    config: Mapping[str, Any]
    max_items: Number

    def reader_config(self, value: JSON, fiber: Fiber) -> dict[str, Any]:
        """ReaderConfig with MaxItems as a number."""
        return {**self.config, "MaxItems": self.max_items(value, fiber)}


@frozen
class PreparedBatcher:
    max_items: Number
    max_bytes: Number
    input: Evaluated | None
    """BatchInput."""


@frozen
class Distribution:
    """The fields of a Distributed Map that an inline Map does not have."""

    processor: Block
    child_type: Literal["EXPRESS", "STANDARD"]
    label: str
    items: Items
    reader: PreparedReader | None
    batcher: PreparedBatcher | None
    writer: PreparedWriter | None
    tolerated_count: Number
    tolerated_percentage: Number


def distributed_attempt(
    state: PreparedState, distribution: Distribution, flow: DataFlow, following: str | None
) -> Attempt:
    def attempt(fiber: Fiber, value: JSON) -> Steps:
        effective = flow.effective(value, fiber.scope)
        limit = min(distribution.items.max_concurrency(effective, fiber) or MAX_CONCURRENCY, MAX_CONCURRENCY)
        elements = None if distribution.reader else items_of(distribution.items.find(value, effective, fiber))
        fiber.record("MapStateStarted", {"length": len(elements or ())})
        tolerance = Tolerance.of(distribution, effective, fiber)
        reader, batcher, writer = distribution.reader, distribution.batcher, distribution.writer
        reading = None if reader is None else _reading(fiber, state, effective, reader)
        batch = None if batcher is None else Batch.of(batcher, effective, fiber)
        writing = None if writer is None else writer.prepared(effective, fiber)
        run = _map_run(fiber, distribution)
        started = fiber.record("MapRunStarted", {"mapRunArn": run.arn})
        children: list[Child] = []
        try:
            if reading is not None:
                elements = yield from reading
            chosen = selections(fiber, state, value, effective, elements or [], distribution.items)
            children += [Child(run, child_input, count) for child_input, count in batched(chosen, batch)]
            result: JSON = yield from _run_all(fiber, children, limit, tolerance)
            if writing is not None:
                result = yield from write_results(fiber, state, writing, run, children)
        except Failure as failure:
            if writing is not None and failure.error == EXCEEDED:
                yield from _write_what_there_is(fiber, state, writing, run, children)
            fiber.record("MapRunFailed", {"error": failure.error, "cause": failure.cause or ""})
            raise
        except StatesError as error:  # ItemSelector could not be evaluated
            fiber.record("MapRunFailed", {"error": error.error, "cause": error.cause or ""})
            raise
        except GeneratorExit:
            # The execution, or what the Map stands in, ends before the run does.
            fiber.source = started
            with suppress(HistoryFull):
                fiber.record("MapRunAborted")
            raise
        fiber.record("MapRunSucceeded")
        fiber.note("MapStateSucceeded")
        fiber.source = started
        output, assigned = flow.finish(value, result, fiber.scope)
        return following, output, assigned

    return attempt


EXCEEDED = "States.ExceedToleratedFailureThreshold"


def exceeded_tolerance() -> Failure:
    return Failure(EXCEEDED, "The specified tolerated failure threshold was exceeded")


def _write_what_there_is(
    fiber: Fiber, state: PreparedState, writing: Writing, run: MapRun, children: list[Child]
) -> Steps:
    """Write the results of a run that failed; if that fails too, the first failure is reported."""
    with suppress(Failure):
        yield from write_results(fiber, state, writing, run, children)


@frozen
class Tolerance:
    """How many items may fail; None and zero mean that the state sets no threshold."""

    count: float | None
    percentage: float | None

    @classmethod
    def of(cls, distribution: Distribution, value: JSON, fiber: Fiber) -> Tolerance:
        count = distribution.tolerated_count(value, fiber)
        percentage = distribution.tolerated_percentage(value, fiber)
        if count is not None and count < 0:
            raise StatesError("States.Runtime", "ToleratedFailureCount cannot be negative.")
        if percentage is not None and not 0 <= percentage <= 100:
            raise StatesError("States.Runtime", "ToleratedFailurePercentage must be between 0 and 100.")
        return cls(count, percentage)

    @property
    def is_none(self) -> bool:
        return not self.count and not self.percentage

    def exceeded(self, failures: int, total: int) -> bool:
        """Return True if more items failed than either threshold allows."""
        count, percentage = self.count or math.inf, self.percentage or math.inf
        return failures > count or failures * 100 > percentage * total


def _map_run(fiber: Fiber, distribution: Distribution) -> MapRun:
    execution = fiber.execution
    identity, settings = execution.identity, execution.settings
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{identity.arn}/{len(execution.history)}"))
    name = f"{identity.state_machine_name}/{distribution.label}"
    program = Program(name, distribution.child_type, {}, distribution.processor)
    return MapRun(f"arn:aws:states:{settings.region}:{settings.account}:mapRun:{name}:{key}", key, program)


def _reading(fiber: Fiber, state: PreparedState, value: JSON, reader: PreparedReader) -> Steps:
    """The steps that fetch what ItemReader names and take its items apart; its fields are evaluated now."""
    config = reader.reader_config(value, fiber)
    arguments = reader.arguments(value, fiber)

    def fetch(action: str, wanted: JSON) -> Steps:
        return (yield from served(fiber, state, reader.resource, action, wanted, "States.ItemReaderFailed"))

    def read() -> Steps:
        try:
            return (yield from read_items(fetch, reader.resource.action, arguments, config))
        except ReaderError as error:
            raise Failure("States.ItemReaderFailed", str(error)) from error

    return read()


def selections(
    fiber: Fiber, state: PreparedState, value: JSON, effective: JSON, elements: list[Item], items: Items
) -> Iterator[JSON]:
    """Apply ItemSelector to each item."""
    select = None if items.select is None else partial(items.select, value, effective)
    for index, item in enumerate(elements):
        yield selected(fiber, state, item, item.context(index), select)


@frozen
class Batch:
    """How large a batch may be, and what else is in each."""

    max_items: float | None
    max_bytes: float
    """Of the whole input of a child execution, as JSON."""
    around: dict[str, JSON]

    @classmethod
    def of(cls, batcher: PreparedBatcher, value: JSON, fiber: Fiber) -> Batch:
        most, most_bytes = batcher.max_items(value, fiber), batcher.max_bytes(value, fiber)
        for field, number in (("MaxItemsPerBatch", most), ("MaxInputBytesPerBatch", most_bytes)):
            if number is not None and number < 0:
                raise StatesError("States.Runtime", f"{field} cannot be negative.")
        around = {} if batcher.input is None else {"BatchInput": batcher.input(value, fiber)}
        return cls(most, min(most_bytes or MAX_DATA, MAX_DATA), around)


def batched(chosen: Iterable[JSON], batch: Batch | None) -> Iterator[tuple[JSON, int]]:
    """The inputs of the child executions, each with the number of items in it.

    A batch has at least one item, however large. Source: Developer Guide, "ItemBatcher (Map)": where no size is given,
    as many items as make 256 KiB.
    """
    if batch is None:
        yield from ((item, 1) for item in chosen)
        return
    empty = size({**batch.around, "Items": []})
    items: list[JSON] = []
    used = empty
    for item in chosen:
        needed = size(item) + (1 if items else 0)
        if items and (len(items) == batch.max_items or used + needed > batch.max_bytes):
            yield {**batch.around, "Items": items}, len(items)
            items, used, needed = [], empty, needed - 1
        items.append(item)
        used += needed
    if items:
        yield {**batch.around, "Items": items}, len(items)


def _run_all(fiber: Fiber, children: list[Child], limit: int, tolerance: Tolerance) -> Steps:
    """Run the child executions, at most `limit` at a time; returns the outputs of those that succeed, in order."""
    total = sum(child.items for child in children)
    failures = 0

    def start(index: int) -> None:
        fiber.spawn(partial(_run_child, child=children[index], index=index), index)

    def ended(waiting: Fiber) -> None:
        nonlocal failures
        child = children[waiting.index]
        if not isinstance(child.signal, Succeeded):
            failures += child.items
        if failures and (tolerance.is_none or tolerance.exceeded(failures, total)):
            raise exceeded_tolerance()

    yield from gather(fiber, len(children), limit, start, ended)
    return [child.signal.output for child in children if isinstance(child.signal, Succeeded)]


def _run_child(fiber: Fiber, child: Child, index: int) -> Steps:
    child.name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{child.run.arn}/{index}"))
    child.start = fiber.now
    child.signal = yield RunChild(child.run.program, child.input, child.name)
    child.stop = fiber.now
    return None
