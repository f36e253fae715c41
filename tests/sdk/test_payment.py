"""The payment flow, written with the Data Science SDK, through the bridge: the same definition, as far as it can be."""

from __future__ import annotations

from typing import Any

import flowdsl as f
from flowdsl.check import check
from flowdsl.sdk import from_sdk
from payment_flow import machine
from tests.sdk.payment_with_sdk import payment

UNSAYABLE = {
    # The SDK knows JSONPath only.
    "/QueryLanguage",
    "/Arguments",
    "/Output",
    "/Choices/Condition",
    "/Catch/Output",
    # Its Retry has no longest delay and no jitter.
    "/Retry/MaxDelaySeconds",
    "/Retry/JitterStrategy",
}
"""The fields of the payment flow that the SDK has no words for."""
INSTEAD = {
    "/Parameters",
    "/ResultPath",
    "/SecondsPath",
    "/TimeoutSecondsPath",
    "/Catch/ResultPath",
    "/Choices/Variable",
    "/Choices/StringEquals",
}
"""What the flow written with the SDK has in their place: the same in JSONPath."""
EXPRESSIONS = {"/Seconds", "/TimeoutSeconds"}
"""Fields whose value is an expression in the payment flow, and a path of their own in the SDK's."""


def without(value: Any, fields: set[str], dropped: set[str], at: str = "") -> Any:
    """The definition without these fields; `dropped` gets those that it had. A path names fields, not states."""
    if isinstance(value, list):
        return [without(item, fields, dropped, at) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key == "States":
            kept[key] = {name: without(state, fields, dropped) for name, state in item.items()}
            continue
        inner = "" if key == "Branches" else f"{at}/{key}"
        if inner in fields or (inner in EXPRESSIONS and isinstance(item, str)):
            dropped.add(inner)
        else:
            kept[key] = without(item, fields, dropped, inner)
    return kept


def bridged() -> dict[str, Any]:
    return f.dump(f.StateMachine("payment", from_sdk(payment())))


def test_the_same_states_in_the_same_order_with_the_same_calls_and_retriers() -> None:
    dropped: set[str] = set()
    ours, theirs = without(f.dump(machine), UNSAYABLE, dropped), without(bridged(), INSTEAD, dropped)
    assert theirs == ours


def test_what_the_sdk_cannot_say_is_what_the_list_names() -> None:
    from stepfunctions.steps import Retry, states

    ours: set[str] = set()
    theirs: set[str] = set()
    without(f.dump(machine), UNSAYABLE, ours)
    without(bridged(), INSTEAD, theirs)
    assert ours == UNSAYABLE | EXPRESSIONS
    assert theirs == INSTEAD
    fields = {each.value for each in Retry(error_equals=[]).allowed_fields()}
    assert not fields & {"max_delay_seconds", "jitter_strategy"}
    known = {each.value for each in states.Field}
    assert not known & {"query_language", "arguments", "output", "condition", "result_selector", "assign"}


def test_the_checker_accepts_it() -> None:
    assert [each for each in check(bridged()) if each.severity == "error"] == []
