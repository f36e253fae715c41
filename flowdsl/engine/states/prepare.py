"""From the JSON of a state to what runs: one function for each state type.

Source: ASL specification, "State types".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from ...base.diagnostics import AslPath
from ..data.flow import Items, QueryLanguage
from ..data.jsonpath import JSONPath
from ..data.result_writer import ResultWriter
from ..prepare import Block, State, prepare_block
from .distributed import Distribution, ItemBatcher, ItemReader, distributed_attempt
from .map import map_attempt
from .parallel import parallel_attempt
from .retry import Attempt, Catcher, Retrier, guarded
from .simple import choice_step, fail_step, pass_step, succeed_step, wait_run
from .task import Resource, task_attempt


@frozen
class Source:
    """A state as it is written: its JSON, its query language, the language around it, and where it is."""

    body: dict[str, Any]
    query: QueryLanguage
    outer: str
    path: AslPath

    def block(self, definition: dict[str, Any], *where: str | int) -> Block:
        """A block of states inside this one."""
        return prepare_block(definition, definition.get("QueryLanguage", self.outer), (*self.path, *where))


Preparer = Callable[[State, Source], None]
"""Fills a State from what is written."""


def fill(state: State, body: dict[str, Any], outer: str, path: AslPath) -> None:
    """Make a state ready to run. Raises FlowError where its type is unknown, ValueError and its like where it is
    broken."""
    language = body.get("QueryLanguage", outer)
    PREPARERS[state.type](state, Source(body, language_of(language), outer, path))


def language_of(name: str) -> QueryLanguage:
    if name == "JSONPath":
        return JSONPath()
    if name != "JSONata":
        raise ValueError(f"no query language {name!r}: write JSONPath or JSONata")
    from ..data.jsonata import JSONata

    return JSONata()


def _pass(state: State, source: Source) -> None:
    flow = source.query.flow(source.body, payload="Parameters")
    state.step = pass_step(flow, source.body.get("Result"), "Result" in source.body, source.body.get("Next"))


def _succeed(state: State, source: Source) -> None:
    state.step = succeed_step(source.query.flow(source.body, merges=False))


def _fail(state: State, source: Source) -> None:
    body, query = source.body, source.query
    state.step = fail_step(query.text(body, "Error"), query.text(body, "Cause"))


def _choice(state: State, source: Source) -> None:
    body, query = source.body, source.query
    effective = query.input(body)
    rules = []
    for index, rule in enumerate(body["Choices"]):
        flow = query.rule_flow(body, rule, index)
        rules.append((query.rule(rule, index), rule["Next"], flow))
    default = (body["Default"], query.flow(body, merges=False)) if "Default" in body else None
    state.step = choice_step(effective, rules, default)


def _wait(state: State, source: Source) -> None:
    body, query = source.body, source.query
    state.run = wait_run(query.flow(body, merges=False), query.until(body), body.get("Next"))


def _task(state: State, source: Source) -> None:
    body, query = source.body, source.query
    attempt = task_attempt(
        state,
        Resource.parse(body["Resource"]),
        query.flow(body, payload="Parameters"),
        query.seconds(body, "TimeoutSeconds"),
        query.seconds(body, "HeartbeatSeconds"),
        query.credentials(body),
        body.get("Next"),
    )
    state.run = _guarded(state, source, attempt)


def _parallel(state: State, source: Source) -> None:
    body = source.body
    branches = [source.block(branch, "Branches", index) for index, branch in enumerate(body["Branches"])]
    flow = source.query.flow(body, payload="Parameters")
    attempt = parallel_attempt(state, branches, flow, body.get("Next"))
    state.run = _guarded(state, source, attempt, "ParallelStateFailed")


def _map(state: State, source: Source) -> None:
    body, query = source.body, source.query
    where = "ItemProcessor" if "ItemProcessor" in body else "Iterator"
    processor = source.block(body[where], where)
    flow = query.flow(body)
    items = query.items(body)
    if body[where].get("ProcessorConfig", {}).get("Mode", "INLINE") == "DISTRIBUTED":
        distribution = distribution_of(state, body, query, processor, items)
        attempt = distributed_attempt(state, distribution, flow, body.get("Next"))
    else:
        attempt = map_attempt(state, processor, flow, items, body.get("Next"))
    state.run = _guarded(state, source, attempt, "MapStateFailed")


def distribution_of(
    state: State, body: dict[str, Any], query: QueryLanguage, processor: Block, items: Items
) -> Distribution:
    reader, batcher, writer = body.get("ItemReader"), body.get("ItemBatcher"), body.get("ResultWriter")
    where = "ItemProcessor" if "ItemProcessor" in body else "Iterator"
    return Distribution(
        processor=processor,
        child_type=body[where]["ProcessorConfig"].get("ExecutionType", "STANDARD"),
        label=body.get("Label", state.name),
        items=items,
        reader=None
        if reader is None
        else ItemReader(
            Resource.parse(reader["Resource"]),
            query.payload(reader, "ItemReader"),
            reader.get("ReaderConfig", {}),
            query.number(reader.get("ReaderConfig", {}), "MaxItems", "integer", "ItemReader/ReaderConfig/"),
        ),
        batcher=None
        if batcher is None
        else ItemBatcher(
            query.number(batcher, "MaxItemsPerBatch", "integer", "ItemBatcher/"),
            query.number(batcher, "MaxInputBytesPerBatch", "integer", "ItemBatcher/"),
            query.value(batcher, "BatchInput", "ItemBatcher/"),
        ),
        writer=None
        if writer is None
        else ResultWriter(
            Resource.parse(writer["Resource"]) if "Resource" in writer else None,
            query.payload(writer, "ResultWriter"),
            writer.get("WriterConfig", {}),
        ),
        tolerated_count=query.number(body, "ToleratedFailureCount", "integer"),
        tolerated_percentage=query.number(body, "ToleratedFailurePercentage", "float"),
    )


def _guarded(state: State, source: Source, attempt: Attempt, given_up: str | None = None) -> Attempt:
    """With the state's Retry and Catch."""
    retriers = tuple(Retrier.of(retrier) for retrier in source.body.get("Retry", ()))
    catchers = tuple(
        Catcher(tuple(catcher["ErrorEquals"]), catcher["Next"], source.query.catch(catcher, index))
        for index, catcher in enumerate(source.body.get("Catch", ()))
    )
    return guarded(state, attempt, retriers, catchers, given_up)


PREPARERS: dict[str, Preparer] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
