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

ORDER: dict[str, Any] = {
    "n": 0,
    "name": "ada",
    "currency": "eur",
    "lines": [{"sku": f"item-{number}", "quantity": number + 1, "price": 9.5} for number in range(10)],
}
"""The input of the machines below."""
_ROUNDS = 1_000
EVERYDAY: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "Add",
    "States": {
        "Add": {
            "Type": "Pass",
            "Output": "{% $merge([$states.input, {'n': $states.input.n + 1, 'name': $uppercase($states.input.name), "
            "'total': $sum($states.input.lines.(quantity * price))}]) %}",
            "Next": "More",
        },
        "More": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": f"{{% $states.input.n < {_ROUNDS} and $states.input.currency = 'eur' %}}",
                    "Next": "Add",
                }
            ],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
"""Everyday JSONata: a Pass that totals ten lines, and a Choice with `and`, a thousand times around."""
READS: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "R0",
    "States": {
        f"R{number}": {
            "Type": "Pass",
            "Output": "{% $states.context.Execution.Input.name %}",
            **({"Next": f"R{number + 1}"} if number < _ROUNDS - 1 else {"End": True}),
        }
        for number in range(_ROUNDS)
    },
}
"""A chain of Pass states, each of which reads a field of the execution's input."""


def wait(seconds: int) -> dict[str, Any]:
    return {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}}
