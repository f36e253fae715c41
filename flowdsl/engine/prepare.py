"""A definition made ready to run: everything parsed, once, into closures.

`prepare` reads an ASL definition as a dict. A definition that the checker accepts can be prepared; what it would
refuse raises FlowError here, with the place in the definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from ..asl.resource import parse_resource
from ..author.fields import specs
from ..author.kinds import POSITIVE_SECONDS
from ..author.states import Task
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from .core import Block, PreparedState, Program, Type
from .data.flow import Items, QueryLanguage
from .data.jsonpath import JSONPath
from .shapes import refuse_other_kinds
from .states.distributed import Distribution, PreparedBatcher, PreparedReader, distributed_attempt
from .states.map import map_attempt
from .states.parallel import parallel_attempt
from .states.result_writer import PreparedWriter
from .states.retry import Attempt, Catcher, Retrier, guarded
from .states.simple import choice_step, fail_step, pass_step, succeed_step, wait_run
from .states.task import task_attempt

_CONTEXT = re.compile(r"\$\$|\$states(?!\.(?:input|result|errorOutput)\b)")
"""Where an expression may read the context object."""


def prepare(definition: Mapping[str, Any], *, name: str = "StateMachine", type: Type = "STANDARD") -> Program:
    """Parse a definition for running. Raises FlowError if it could not run."""
    language = definition.get("QueryLanguage", "JSONPath")
    seconds = definition.get("TimeoutSeconds")
    if seconds is not None and not POSITIVE_SECONDS.accepts(seconds):
        raise _refused(f"TimeoutSeconds must be {POSITIVE_SECONDS.what}, not {seconds!r}", ("TimeoutSeconds",))
    return Program(name, type, definition, prepare_block(definition, language, ()), seconds)


def prepare_block(definition: Mapping[str, Any], language: str, path: AslPath) -> Block:
    """The same for a state machine, a branch or an item processor at this place of a definition."""
    bodies = _required(definition, "States", path)
    if not isinstance(bodies, dict) or not all(isinstance(body, dict) for body in bodies.values()):
        raise _refused("States must be an object of objects", (*path, "States"))
    states: dict[str, PreparedState] = {}
    block = Block(_required(definition, "StartAt", path), states, path)
    for name, body in bodies.items():
        at = (*path, "States", name)
        try:
            states[name] = _prepare_state(name, body, language, at)
            targets = _targets(body)
        except FlowError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            problem = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise _refused(f"the state {name!r} cannot be run: {problem}", at) from error
        for target in targets:
            if not isinstance(target, str) or target not in bodies:
                raise _refused(f"no state named {target!r}", at)
    if not isinstance(block.start_at, str) or block.start_at not in states:
        raise _refused(f"no state named {block.start_at!r}", (*path, "StartAt"))
    return block


def _refused(message: str, path: AslPath) -> FlowError:
    return FlowError(Diagnostic("FD900", message, path))


def _required(definition: Mapping[str, Any], key: str, path: AslPath) -> Any:
    try:
        return definition[key]
    except (KeyError, TypeError):
        raise _refused(f"{key} is missing", path) from None


def _targets(body: Mapping[str, Any]) -> list[str]:
    """The names of all states that a state may go to."""
    names = [body[key] for key in ("Next", "Default") if key in body]
    names += [rule["Next"] for key in ("Choices", "Catch") for rule in body.get(key, ()) if "Next" in rule]
    return names


def _prepare_state(name: str, body: dict[str, Any], language: str, path: AslPath) -> PreparedState:
    kind = _required(body, "Type", path)
    if not isinstance(kind, str) or kind not in PREPARERS:
        raise _refused(f"no state type {kind!r}", (*path, "Type"))
    refuse_other_kinds(kind, body, body.get("QueryLanguage", language), path)
    # Branches and items see the context themselves, each in its own scope.
    own = {key: value for key, value in body.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
    written = json.dumps(own)
    state = PreparedState(
        name=name,
        type=kind,
        reads_context=_CONTEXT.search(written) is not None,
        retries=kind in ("Task", "Parallel", "Map"),
        entered=f"{kind}StateEntered",
        exited=f"{kind}StateExited",
    )
    fill(state, body, language, path)
    return state


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


Preparer = Callable[[PreparedState, Source], None]
"""Fills a State from what is written."""


def fill(state: PreparedState, body: dict[str, Any], outer: str, path: AslPath) -> None:
    """Make a state ready to run. Raises FlowError if its type is unknown, ValueError and similar errors if it is
    broken."""
    language = body.get("QueryLanguage", outer)
    PREPARERS[state.type](state, Source(body, language_of(language), outer, path))


def language_of(name: str) -> QueryLanguage:
    if name == "JSONPath":
        return JSONPath()
    if name != "JSONata":
        raise ValueError(f"no query language {name!r}: write JSONPath or JSONata")
    from .data.jsonata import JSONata

    return JSONata()


def _pass(state: PreparedState, source: Source) -> None:
    flow = source.query.flow(source.body, payload="Parameters")
    state.step = pass_step(flow, source.body.get("Result"), "Result" in source.body, source.body.get("Next"))


def _succeed(state: PreparedState, source: Source) -> None:
    state.step = succeed_step(source.query.flow(source.body, merges=False))


def _fail(state: PreparedState, source: Source) -> None:
    body, query = source.body, source.query
    state.step = fail_step(query.text(body, "Error"), query.text(body, "Cause"))


def _choice(state: PreparedState, source: Source) -> None:
    body, query = source.body, source.query
    effective = query.input(body)
    rules = []
    for index, rule in enumerate(body["Choices"]):
        flow = query.rule_flow(body, rule, index)
        rules.append((query.rule(rule, index), rule["Next"], flow))
    default = (body["Default"], query.flow(body, merges=False)) if "Default" in body else None
    state.step = choice_step(effective, rules, default)


def _wait(state: PreparedState, source: Source) -> None:
    body, query = source.body, source.query
    state.run = wait_run(query.flow(body, merges=False), query.until(body), body.get("Next"))


_LIMITS = tuple(spec for spec in specs(Task).values() if spec.path is not None)
"""The fields of a Task that have a `…Path` twin: each of them reaches the call."""


def _task(state: PreparedState, source: Source) -> None:
    body, query = source.body, source.query
    attempt = task_attempt(
        state,
        parse_resource(body["Resource"]),
        query.flow(body, payload="Parameters"),
        {spec.name: query.limit(body, spec) for spec in _LIMITS if spec.name in body or spec.path in body},
        query.credentials(body),
        body.get("Next"),
    )
    state.run = _guarded(state, source, attempt)


def _parallel(state: PreparedState, source: Source) -> None:
    body = source.body
    branches = [source.block(branch, "Branches", index) for index, branch in enumerate(body["Branches"])]
    flow = source.query.flow(body, payload="Parameters")
    attempt = parallel_attempt(state, branches, flow, body.get("Next"))
    state.run = _guarded(state, source, attempt, "ParallelStateFailed")


def _map(state: PreparedState, source: Source) -> None:
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
    state: PreparedState, body: dict[str, Any], query: QueryLanguage, processor: Block, items: Items
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
        else PreparedReader(
            parse_resource(reader["Resource"]),
            query.payload(reader, "ItemReader"),
            reader.get("ReaderConfig", {}),
            query.number(reader.get("ReaderConfig", {}), "MaxItems", "integer", "ItemReader/ReaderConfig/"),
        ),
        batcher=None
        if batcher is None
        else PreparedBatcher(
            query.number(batcher, "MaxItemsPerBatch", "integer", "ItemBatcher/"),
            query.number(batcher, "MaxInputBytesPerBatch", "integer", "ItemBatcher/"),
            query.value(batcher, "BatchInput", "ItemBatcher/"),
        ),
        writer=None
        if writer is None
        else PreparedWriter(
            parse_resource(writer["Resource"]) if "Resource" in writer else None,
            query.payload(writer, "ResultWriter"),
            writer.get("WriterConfig", {}),
        ),
        tolerated_count=query.number(body, "ToleratedFailureCount", "integer"),
        tolerated_percentage=query.number(body, "ToleratedFailurePercentage", "float"),
    )


def _guarded(state: PreparedState, source: Source, attempt: Attempt, given_up: str | None = None) -> Attempt:
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
