"""Messages of the checker: what is wrong, and hints that can be followed."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check

DONE = {"Type": "Succeed"}
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:pay"


def wait(**fields: Any) -> dict[str, Any]:
    return {"A": {"Type": "Wait", "Seconds": 1, "End": True, **fields}}


def task(**fields: Any) -> dict[str, Any]:
    return {"A": {"Type": "Task", "Resource": FUNCTION, "End": True, **fields}}


def choice(rule: Any, **states: Any) -> dict[str, Any]:
    return {"A": {"Type": "Choice", "Choices": [rule], "Default": "Done"}, "Done": DONE, **states}


RETRY = {"ErrorEquals": ["X"]}
MESSAGES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "FD102": (wait(Second=1), "a Wait state has no field 'Second'", "did you mean 'Seconds'?"),
    "FD103": (
        {"A": {"Type": "Parallel", "Branches": [], "End": True}},
        "Branches must be a list of at least one object with StartAt and States, not an empty list",
        None,
    ),
    "FD104": (
        {"A": {"Type": "Wait", "End": True}},
        "state 'A' needs Seconds, SecondsPath, Timestamp or TimestampPath",
        None,
    ),
    "FD105": (
        {"A": {"Type": "Pass", "Output": {}, "End": True}},
        "Output is a JSONata field, but the query language here is JSONPath",
        "set the state's QueryLanguage to JSONata",
    ),
    "FD106": (
        wait(Timestamp="2030-01-31T12:00:00Z"),
        "Seconds and Timestamp exclude each other: use one of them",
        None,
    ),
    "FD109": ({"A": {"Type": "Success"}}, 'unknown state type "Success"', "did you mean 'Succeed'?"),
    "FD401": (
        {"A": {"Type": "Pass", "Next": "Dnoe"}, "Done": DONE},
        "no state named 'Dnoe'",
        "did you mean 'Done'?",
    ),
    "FD402": ({"A": DONE, "B": DONE}, "state 'B' is unreachable", "lead to it from another state, or remove it"),
    "FD403": (
        {"A": {"Type": "Pass", "Next": "A"}},
        "the state machine never ends: no state is terminal",
        'add a way out: "End": true on a state, or a Succeed or Fail state',
    ),
    "FD501": (
        task(Retry=[{"ErrorEquals": ["States.ALL", "X"]}]),
        "States.ALL must be the only name in its ErrorEquals",
        "remove the other names: States.ALL matches every error",
    ),
    "FD503": (
        task(Retry=[RETRY, RETRY]),
        "Retry[0] already handles 'X', so Retry[1] is never used for it",
        "remove it here, or reorder them",
    ),
    "FD505": (
        task(Catch=[{"ErrorEquals": ["States.Runtime"], "Next": "Done"}]) | {"Done": DONE},
        "States.Runtime cannot be caught: it ends the execution immediately",
        "remove it",
    ),
    "FD306": (
        choice({"Variable": "$.a", "StringEquals": "$.b", "Next": "Done"}),
        'StringEquals compares with the text "$.b", not with the value at that path',
        "to compare with the value at a path, use StringEqualsPath",
    ),
    "FD757": (
        {"A": {"Type": "Pass", "InputPath": "$total", "End": True}},
        "variable 'total' is never assigned",
        None,
    ),
    "FD801": (
        {
            "A": {"Type": "Pass", "Result": {"status": 1}, "Next": "B"},
            "B": {"Type": "Pass", "InputPath": "$.state", "End": True},
        },
        "$.state: 'state' does not exist on any route; the Result of 'A' has status",
        "did you mean 'status'?",
    ),
    "FD803": (
        {"First": {"Type": "Pass", "Result": {"a": "x"}, "Next": "A"}}
        | choice({"Variable": "$.a", "StringEquals": "y", "Next": "Done"}),
        'StringEquals is never true: $.a is never "y", only "x"',
        None,
    ),
}


@pytest.mark.parametrize("code", MESSAGES)
def test_messages(code: str) -> None:
    states, message, hint = MESSAGES[code]
    diagnostics = [each for each in check({"StartAt": next(iter(states)), "States": states}) if each.code == code]
    assert [(each.message, each.hint) for each in diagnostics] == [(message, hint)]


def test_a_loop_is_named_by_states_that_lead_to_each_other() -> None:
    """The states of both loops lead to each other, but not each to the next."""
    rule = {"Variable": "$.a", "IsPresent": True}
    states: dict[str, Any] = {
        "B": {"Type": "Pass", "Next": "A"},
        "A": {"Type": "Choice", "Choices": [{**rule, "Next": "B"}, {**rule, "Next": "Done"}], "Default": "C"},
        "C": {"Type": "Pass", "Next": "A"},
        "Done": DONE,
    }
    (diagnostic,) = [each for each in check({"StartAt": "B", "States": states}) if each.code == "FD952"]
    assert "the loop A → B → A never changes" in diagnostic.message
