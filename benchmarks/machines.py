"""The state machines that are run: as ASL for everyone's engine, and authored flows in either query language."""

from __future__ import annotations

from typing import Any, Literal

from flowdsl import Choice, Function, Pass, StateMachine, Task, Wait, chain, goto, state_input, when

Language = Literal["JSONPath", "JSONata"]


def passes(count: int, language: Language = "JSONPath") -> StateMachine:
    """A chain of Pass states, each of which writes into the document."""
    steps = (Pass(f"P{number}", result=number, into="x") for number in range(count))
    return StateMachine("passes", chain(*steps), query_language=language)


def loop(language: Language = "JSONPath") -> StateMachine:
    """A Task, a Wait and a Choice, a thousand times around; the function `count` adds one to `n`."""
    count = Task("Count", Function("count", "."))
    more = Choice("More", when(state_input.n < 1000, goto(count)))
    return StateMachine("loop", chain(count, Wait("Wait", seconds=60), more), query_language=language)


COUNT: dict[str, Any] = {
    "StartAt": "More",
    "States": {
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Subtract"}],
            "Default": "Done",
        },
        "Subtract": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, -1)"}, "Next": "More"},
        "Done": {"Type": "Succeed"},
    },
}
"""A Choice and a Pass, as often around as `n` says; 4 events a time, 6 besides."""

MAP: dict[str, Any] = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    },
}


def wait(seconds: int) -> dict[str, Any]:
    return {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}}
