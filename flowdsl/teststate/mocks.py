"""The mock of a TestState request: its validation, and its use by the state under test.

Source: Step Functions API Reference, MockInput and TestStateConfiguration; the messages from recorded calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from ..asl.resource import parse_resource
from ..engine.core import Fiber, PreparedState, Steps
from ..engine.data.flow import DataFlow
from ..engine.data.item_formats import ReaderError
from ..engine.data.item_reader import read_items
from ..engine.data.items import items_of
from ..engine.errors import Failure
from ..engine.history import JSON
from ..engine.prepare import Source, distribution_of
from ..engine.states.distributed import Batch, Distribution, Tolerance, batched, exceeded_tolerance, selections
from .definition import Tested, inner_states, json_value
from .errors import invalid
from .inspection import Inspected
from .schema import check_result

MOCKABLE = ("Task", "Map", "Parallel")
Run = Callable[[Fiber, JSON], Steps]


@frozen
class Mock:
    """Either a result, or an error with its cause."""

    result: JSON = None
    error: str | None = None
    cause: str | None = None

    @property
    def failure(self) -> Failure | None:
        return None if self.error is None else Failure(self.error, self.cause)


def read_mock(value: Mapping[str, Any], tested: Tested) -> Mock:
    """Read a mock. Raises TestStateError if it is invalid or does not fit the state."""
    if tested.body["Type"] not in MOCKABLE:
        raise invalid(f"State type '{tested.body['Type']}' is not supported when a mock is specified")
    if "result" in value and "errorOutput" in value:
        raise invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if "errorOutput" in value:
        error = value["errorOutput"]
        if not isinstance(error, Mapping) or not error.get("error"):
            raise invalid("An error was not specified in the mocked error output.")
        return Mock(error=error["error"], cause=error.get("cause"))
    if "result" not in value:
        raise invalid("A test mock should have one of the following fields: [result, errorOutput].")
    result = json_value(value["result"], "ValidationException", "Mocked result must be valid JSON")
    _check(tested.body, result, value.get("fieldValidationMode", "STRICT"))
    return Mock(result)


def _check(body: Mapping[str, Any], result: JSON, mode: str) -> None:
    if body["Type"] == "Task":
        if mode != "NONE":
            check_result(parse_resource(body["Resource"]), result, strict=mode == "STRICT")
    elif "Resource" in body.get("ResultWriter", {}):
        if not isinstance(result, dict):
            raise invalid("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise invalid("Mocked result must be an array.")
    elif body["Type"] == "Parallel" and len(result) != len(body["Branches"]):
        raise invalid("Mocked result must contain the same number of items as number of Parallel branches.")


@frozen
class Configuration:
    """stateConfiguration."""

    retries: int = 0
    failed_iterations: int = 0
    error_state: str | None = None
    items: str | None = None

    @classmethod
    def of(cls, value: Mapping[str, Any], tested: Tested, mock: Mock | None) -> Configuration:
        """Read a configuration. Raises TestStateError if it does not fit the state."""
        configuration = cls(
            value.get("retrierRetryCount", 0),
            value.get("mapIterationFailureCount", 0),
            value.get("errorCausedByState"),
            value.get("mapItemReaderData"),
        )
        kind = tested.body["Type"]
        if configuration.error_state is not None:
            if mock is None or mock.error is None or kind not in ("Map", "Parallel"):
                raise invalid("ErrorCausedByState requires a mocked error of a Map or Parallel state.")
            if configuration.error_state not in inner_states(tested.body):
                raise invalid("ErrorCausedByState was not found in the Map or Parallel state.")
        if kind != "Map" and (configuration.failed_iterations or configuration.items is not None):
            raise invalid("MapIterationFailureCount and MapItemReaderData can only be specified for a Map state.")
        if "ItemReader" in tested.body and configuration.items is None:
            raise invalid("ItemReader data must be specified when testing a Map state with ItemReader specified.")
        return configuration


def mocked_parallel(source: Source, query: Inspected, mock: Mock) -> Run:
    flow = query.flow(source.body, payload="Parameters")

    def run(fiber: Fiber, value: JSON) -> Steps:
        flow.effective(value, fiber.scope)
        return (yield from _mocked(fiber, value, flow, mock, source.body))

    return run


def mocked_map(state: PreparedState, source: Source, query: Inspected, mock: Mock, configuration: Configuration) -> Run:
    """A Map that reads its items, and then has the mocked result instead of iterations."""
    where = "ItemProcessor" if "ItemProcessor" in source.body else "Iterator"
    mode = {"ProcessorConfig": {}, **source.body[where]}
    body = {**source.body, where: mode}
    distribution = distribution_of(state, body, query, source.block(mode, where), query.items(body))
    flow = query.flow(body)
    note = query.inspection.note

    def run(fiber: Fiber, value: JSON) -> Steps:
        effective = flow.effective(value, fiber.scope)
        note("maxConcurrency", distribution.items.max_concurrency(effective, fiber))
        items, inputs = yield from _inputs(fiber, state, value, effective, distribution, query, configuration)
        if configuration.failed_iterations > len(inputs):
            raise invalid("Map iteration failure count must be less than or equal to the number of Map iterations")
        # Without a threshold, a mocked result is valid whatever failed.
        if _tolerance(fiber, effective, distribution, query).exceeded(configuration.failed_iterations, len(inputs)):
            raise exceeded_tolerance()
        if isinstance(mock.result, list) and len(mock.result) not in (len(inputs), len(items)):
            raise invalid("Input array does not equal the mocked result array's size.")
        return (yield from _mocked(fiber, value, flow, mock, body))

    return run


def _mocked(fiber: Fiber, value: JSON, flow: DataFlow, mock: Mock, body: Mapping[str, Any]) -> Steps:
    yield from ()
    if mock.failure is not None:
        raise mock.failure
    output, assigned = flow.finish(value, mock.result, fiber.scope)
    return body.get("Next"), output, assigned


def _inputs(
    fiber: Fiber,
    state: PreparedState,
    value: JSON,
    effective: JSON,
    distribution: Distribution,
    query: Inspected,
    configuration: Configuration,
) -> Steps:
    """The items, and the inputs of the iterations: the items, or batches of them."""
    note = query.inspection.note
    if distribution.reader is None:
        source = items_of(distribution.items.find(value, effective, fiber))
    else:
        source = yield from _read(fiber, effective, distribution, configuration)
    items = list(selections(fiber, state, value, effective, source, distribution.items))
    if distribution.items.select is not None:
        note("afterItemSelector", items)
    if distribution.batcher is None:
        return items, items
    batch = Batch.of(distribution.batcher, effective, fiber)
    return items, note("afterItemBatcher", [each for each, _ in batched(items, batch)])


def _read(fiber: Fiber, value: JSON, distribution: Distribution, configuration: Configuration) -> Steps:
    """The items in mapItemReaderData, which replaces the file that ItemReader would read."""
    reader = distribution.reader
    assert reader is not None  # noqa: S101 - the caller checked

    def fetch(action: str, arguments: JSON) -> Steps:  # noqa: ARG001 - a Fetch
        yield from ()
        return {"Body": configuration.items}

    try:
        arguments, config = reader.arguments(value, fiber), reader.reader_config(value, fiber)
        return (yield from read_items(fetch, "getObject", arguments, config))
    except ReaderError as error:
        raise Failure("States.ItemReaderFailed", str(error)) from error


def _tolerance(fiber: Fiber, value: JSON, distribution: Distribution, query: Inspected) -> Tolerance:
    tolerance = Tolerance.of(distribution, value, fiber)
    if tolerance.count is not None:
        query.inspection.note("toleratedFailureCount", int(tolerance.count))
    if tolerance.percentage is not None:
        query.inspection.note("toleratedFailurePercentage", float(tolerance.percentage))
    return tolerance
