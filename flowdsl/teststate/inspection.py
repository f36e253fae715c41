"""The data of a state after each step of its data flow: the inspectionData of TestState.

Source: Step Functions API Reference, InspectionData; which steps are shown for which state, from recorded calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from ..author.fields import Spec
from ..base.json import json_text
from ..engine.calls import Exchange
from ..engine.core import Fiber
from ..engine.data.flow import (
    Body,
    CatchFlow,
    DataFlow,
    Evaluated,
    Finish,
    Items,
    Limit,
    Number,
    QueryLanguage,
    Transform,
)
from ..expr.errors import StatesError
from ..expr.scope import Evaluate, Scope

JSON = Any

_RESULT = ("afterResultSelector", "afterResultPath")
_MAP = ("afterInputPath", "afterItemsPath", "afterItemsPointer", "afterItemSelector", "afterItemBatcher")
_THRESHOLDS = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")
_SHOWN = {
    "Pass": ("afterInputPath", "afterParameters", *_RESULT),
    "Task": ("afterInputPath", "afterParameters", "afterArguments", "result", *_RESULT),
    "Parallel": _RESULT,
    "Map": (*_MAP, *_THRESHOLDS, *_RESULT),
}
"""The steps that are shown besides the input; the other states show afterInputPath."""
_FIXED_RESULT = ("result", *_RESULT)
"""The steps of a Pass with Result, which ignores its input."""


@frozen
class Inspection:
    """The data after each step, by its name in InspectionData."""

    seen: dict[str, JSON] = field(factory=dict)
    exchanges: list[Exchange] = field(factory=list)
    """The HTTP requests and responses of a Task's call."""

    def traced(self, *, reveal_secrets: bool) -> dict[str, JSON]:
        """`request` and `response` of an HTTP Task."""
        trace = {}
        for exchange in self.exchanges:
            trace["request"] = exchange.revealed if reveal_secrets else exchange.request
            trace["response"] = exchange.response
        return trace

    def note(self, step: str, value: JSON) -> JSON:
        self.seen[step] = value
        return value

    def steps(self, body: Body, input: JSON) -> dict[str, JSON]:
        """The steps that TestState shows for this state: JSON values as text, numbers as numbers."""
        steps = _SHOWN.get(body["Type"], ("afterInputPath",))
        if body["Type"] == "Pass" and "Result" in body:
            steps = _FIXED_RESULT
        values = {step: self.seen[step] for step in steps if step in self.seen}
        texts = {key: value if key in _THRESHOLDS else json_text(value) for key, value in values.items()}
        return {"input": json_text(input), **texts}


@frozen
class Inspected:
    """A query language that records in an Inspection the data after each step of a state's data flow."""

    language: QueryLanguage
    inspection: Inspection
    is_jsonpath: bool

    def flow(self, state: Body, *, merges: bool = True, payload: str | None = None) -> DataFlow:
        if not self.is_jsonpath:
            return self._jsonata_flow(self.language.flow(state, merges=merges, payload=payload), payload)
        enter = self.input(state)
        parameters = self._after(state, payload, payload) if payload is not None else None
        return DataFlow(_in_turn(enter, parameters), self._finish(state, merges))

    def _after(self, state: Body, key: str, payload: str) -> Transform:
        make = self.language.flow(_only(state, key), payload=payload).effective
        return lambda value, scope: self.inspection.note("afterParameters", make(value, scope))

    def _finish(self, state: Body, merges: bool) -> Finish:
        """The end of a JSONPath flow in its steps: ResultSelector, Assign, ResultPath, OutputPath."""
        select, assign, leave = (
            self.language.flow(_only(state, key), merges=False).finish
            for key in ("ResultSelector", "Assign", "OutputPath")
        )
        put = self.language.flow(_only(state, "ResultPath"), merges=merges).finish
        note = self.inspection.note

        def finish(raw: JSON, result: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:
            selected = note("afterResultSelector", select(raw, note("result", result), scope)[0])
            assigned = assign(raw, selected, scope)[1]
            merged = note("afterResultPath", put(raw, selected, scope)[0])
            return leave(raw, merged, scope)[0], assigned

        return finish

    def _jsonata_flow(self, flow: DataFlow, payload: str | None) -> DataFlow:
        note = self.inspection.note

        def effective(value: JSON, scope: Scope) -> JSON:
            arguments = flow.effective(value, scope)
            return arguments if payload is None else note("afterArguments", arguments)

        def finish(raw: JSON, result: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:
            return flow.finish(raw, note("result", result), scope)

        return DataFlow(effective, finish)

    def input(self, state: Body) -> Transform:
        enter = self.language.input(state)
        if not self.is_jsonpath:
            return enter
        return lambda value, scope: self.inspection.note("afterInputPath", enter(value, scope))

    def catch(self, catcher: Body, index: int) -> CatchFlow:
        return self.language.catch(catcher, index)

    def rule(self, rule: Body, index: int) -> Callable[[JSON, Scope], bool]:
        return self.language.rule(rule, index)

    def rule_flow(self, state: Body, rule: Body, index: int) -> DataFlow:
        return self.language.rule_flow(state, rule, index)

    def text(self, state: Body, field: str) -> Evaluate:
        """Error and Cause of a Fail, which has no InputPath."""
        text = self.language.text(state, field)
        if not self.is_jsonpath:
            return text

        def noted(value: JSON, scope: Scope) -> JSON:
            return text(self.inspection.note("afterInputPath", value), scope)

        return noted

    def limit(self, state: Body, spec: Spec) -> Limit:
        return self.language.limit(state, spec)

    def until(self, state: Body) -> Callable[[JSON, Fiber], float]:
        return self.language.until(state)

    def credentials(self, state: Body) -> Callable[[JSON, Fiber], JSON] | None:
        return self.language.credentials(state)

    def items(self, state: Body) -> Items:
        """A Map without ItemsPath shows no items (AWS News Blog, 19 November 2025, on local testing). With one,
        TestState takes an array alone, although executions go over objects too."""
        items = self.language.items(state)
        if "ItemsPath" not in state:
            return items

        def find(raw: JSON, seen: JSON, fiber: Fiber) -> JSON:
            values = items.find(raw, seen, fiber)
            if isinstance(values, dict):
                raise StatesError("States.Runtime", f'Reference path "{state["ItemsPath"]}" must point to array.')
            return self.inspection.note("afterItemsPath", values)

        return evolve(items, find=find)

    def value(self, part: Body, field: str, path: str) -> Evaluated | None:
        return self.language.value(part, field, path)

    def number(self, part: Body, field: str, kind: str, path: str = "") -> Number:
        return self.language.number(part, field, kind, path)

    def payload(self, part: Body, path: str) -> Evaluated:
        return self.language.payload(part, path)


def _only(state: Body, key: str) -> Body:
    return {key: state[key]} if key in state else {}


def _in_turn(first: Transform, second: Transform | None) -> Transform:
    if second is None:
        return first
    then = second
    return lambda value, scope: then(first(value, scope), scope)
