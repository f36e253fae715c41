"""From the JSON of a state to what runs: one function for each state type.

Source: ASL specification, "State types".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..diagnostics import AslPath
from .dataflow import QueryLanguage
from .jsonpath import JSONPath
from .map import map_run
from .parallel import parallel_run
from .program import State, prepare_block
from .retry import Catcher, Retrier
from .simple import choice_step, fail_step, pass_step, succeed_step, wait_run
from .task import Resource, task_run

Preparer = Callable[[State, dict[str, Any], str, str, AslPath], None]
"""(state to fill, its JSON, its query language, the language around it, where it is)"""


def _language(name: str) -> QueryLanguage:
    if name == "JSONPath":
        return JSONPath()
    from .jsonata import JSONata

    return JSONata()


def _pass(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    flow = _language(language).flow(body, payload="Parameters")
    state.step = pass_step(flow, body.get("Result"), "Result" in body, body.get("Next"))


def _succeed(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    state.step = succeed_step(_language(language).flow(body, merges=False))


def _fail(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    state.step = fail_step(query.text(body, "Error"), query.text(body, "Cause"))


def _choice(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    effective = query.input(body)
    rules = []
    for index, rule in enumerate(body["Choices"]):
        flow = query.rule_flow(body, rule, index)
        rules.append((query.rule(rule, index), rule["Next"], flow))
    default = (body["Default"], query.flow(body, merges=False)) if "Default" in body else None
    state.step = choice_step(effective, rules, default)


def _wait(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    state.run = wait_run(query.flow(body, merges=False), query.until(body), body.get("Next"))


def _task(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    state.run = task_run(
        state,
        Resource.parse(body["Resource"]),
        query.flow(body, payload="Parameters"),
        query.seconds(body, "TimeoutSeconds"),
        query.seconds(body, "HeartbeatSeconds"),
        query.credentials(body),
        _retriers(body),
        _catchers(body, query),
        body.get("Next"),
    )


def _parallel(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    branches = [
        prepare_block(branch, branch.get("QueryLanguage", outer), (*path, "Branches", index))
        for index, branch in enumerate(body["Branches"])
    ]
    flow = query.flow(body, payload="Parameters")
    state.run = parallel_run(state, branches, flow, _retriers(body), _catchers(body, query), body.get("Next"))


def _map(state: State, body: dict[str, Any], language: str, outer: str, path: AslPath) -> None:
    query = _language(language)
    where = "ItemProcessor" if "ItemProcessor" in body else "Iterator"
    processor = prepare_block(body[where], body[where].get("QueryLanguage", outer), (*path, where))
    flow = query.flow(body)
    items = query.items(body)
    retriers, catchers = _retriers(body), _catchers(body, query)
    state.run = map_run(state, processor, flow, items, retriers, catchers, body.get("Next"))


def _retriers(body: dict[str, Any]) -> tuple[Retrier, ...]:
    return tuple(Retrier.of(retrier) for retrier in body.get("Retry", ()))


def _catchers(body: dict[str, Any], query: QueryLanguage) -> tuple[Catcher, ...]:
    return tuple(
        Catcher(tuple(catcher["ErrorEquals"]), catcher["Next"], query.catch(catcher, index))
        for index, catcher in enumerate(body.get("Catch", ()))
    )


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
