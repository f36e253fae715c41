"""What counts as a change, and what does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from flowdsl.diff.compare import compare, compare_all
from flowdsl.diff.model import Comparison, Side

FN = "arn:aws:lambda:eu-west-1:123456789012:function:"
TASK = {"Type": "Task", "Resource": f"{FN}pay"}


def chain(**states: dict[str, Any]) -> dict[str, Any]:
    """A machine of states in a row; a state that has its own way out keeps it."""
    names = [*states]
    written = {}
    for name, following in zip(names, [*names[1:], None], strict=True):
        state = copy.deepcopy(states[name])
        if not {"Next", "End", "Default"} & state.keys() and state["Type"] not in ("Succeed", "Fail", "Choice"):
            state |= {"Next": following} if following else {"End": True}
        written[name] = state
    return {"StartAt": names[0], "States": written}


def compared(old: Any, new: Any) -> Comparison:
    return compare(Side(name="m", definition=old), Side(name="m", definition=new))


def changes_between(old: Any, new: Any) -> list[tuple[str, str, str]]:
    return [(change.kind, change.state, change.text) for change in compared(old, new).changes]


def kinds(old: Any, new: Any) -> list[tuple[str, str]]:
    return [(kind, state) for kind, state, _ in changes_between(old, new)]


def choice(*rules: dict[str, Any], default: str = "Z") -> dict[str, Any]:
    states = {name: {"Type": "Succeed"} for name in ("X", "Y", "Z")}
    return {"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices": [*rules], "Default": default}, **states}}


def rule(target: str, **test: Any) -> dict[str, Any]:
    return {**test, "Next": target}


NEUTRAL: dict[str, tuple[Any, Any, str]] = {
    "a retrier's defaults": (
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"]}]}),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 3, "IntervalSeconds": 1, "BackoffRate": 2}]}),
        "defaults written out",
    ),
    "intervals of a retrier that never repeats": (
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0}]}),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0, "IntervalSeconds": 9}]}),
        "defaults written out",
    ),
    "paths in brackets": (
        chain(A={**TASK, "InputPath": "$.a.b"}),
        chain(A={**TASK, "InputPath": "$['a'].b"}),
        "spelling",
    ),
    "white space of an intrinsic function": (
        chain(A={"Type": "Pass", "Parameters": {"x.$": "States.Format('{}',$.a)"}}),
        chain(A={"Type": "Pass", "Parameters": {"x.$": "States.Format('{}', $['a'])"}}),
        "spelling",
    ),
    "white space and quotes in JSONata": (
        {"QueryLanguage": "JSONata", **chain(A={"Type": "Pass", "Output": "{% $states.input.a & 'x y' %}"})},
        {"QueryLanguage": "JSONata", **chain(A={"Type": "Pass", "Output": '{%  $states.input.a&"x y"  /* why */ %}'})},
        "spelling",
    ),
    "the default output of JSONata": (
        {"QueryLanguage": "JSONata", **chain(A=TASK)},
        {"QueryLanguage": "JSONata", **chain(A={**TASK, "Output": "{% $states.result %}"})},
        "defaults",
    ),
    "a double negation": (
        choice(rule("X", Variable="$.a", BooleanEquals=True)),
        choice(rule("X", Not={"Not": {"Variable": "$.a", "BooleanEquals": True}})),
        "spelling of conditions",
    ),
    "operands that compare one path": (
        choice(rule("X", Or=[{"Variable": "$.a", "NumericEquals": n} for n in (1, 2)])),
        choice(rule("X", Or=[{"Variable": "$.a", "NumericEquals": n} for n in (2, 1)])),
        "spelling of conditions",
    ),
    "rules that exclude each other": (
        choice(rule("X", Variable="$.a", StringEquals="x"), rule("Y", Variable="$.a", StringEquals="y")),
        choice(rule("Y", Variable="$.a", StringEquals="y"), rule("X", Variable="$.a", StringEquals="x")),
        "order of rules",
    ),
    "retriers for different errors": (
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"]}, {"ErrorEquals": ["F"]}]}),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["F"]}, {"ErrorEquals": ["E"]}]}),
        "order of retriers",
    ),
    "names of errors": (
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E", "F"]}]}),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["F", "E"]}]}),
        "order of error names",
    ),
    "the older name of a Map's processor": (
        chain(A={"Type": "Map", "Iterator": chain(B=TASK), "Parameters": {"x": 1}}),
        chain(A={"Type": "Map", "ItemProcessor": chain(B=TASK), "ItemSelector": {"x": 1}}),
        "Iterator or ItemProcessor",
    ),
    "comments": (chain(A={**TASK, "Comment": "old"}), {"Comment": "new", **chain(A=TASK)}, "comments"),
    "order of states": (
        chain(A=TASK, B=TASK),
        {"StartAt": "A", "States": dict(reversed(chain(A=TASK, B=TASK)["States"].items()))},
        "order of states",
    ),
    "order of fields": (chain(A=TASK), {"States": chain(A=TASK)["States"], "StartAt": "A"}, "order of fields"),
    "the version and language that are the default": (
        chain(A=TASK),
        {"Version": "1.0", "QueryLanguage": "JSONPath", **chain(A=TASK)},
        "defaults written out",
    ),
}


@pytest.mark.parametrize(("old", "new", "word"), NEUTRAL.values(), ids=NEUTRAL)
def test_neutral_changes_are_said_to_be_neutral(old, new, word):
    for one, other in ((old, new), (new, old)):
        comparison = compared(one, other)
        assert comparison.changes == ()
        assert any(word in each.text for each in comparison.neutral), comparison.neutral


NOT_NEUTRAL: dict[str, tuple[Any, Any, tuple[str, str]]] = {
    "rules of which both may hold": (
        choice(rule("X", Variable="$.a", NumericGreaterThan=1), rule("Y", Variable="$.a", NumericGreaterThan=2)),
        choice(rule("Y", Variable="$.a", NumericGreaterThan=2), rule("X", Variable="$.a", NumericGreaterThan=1)),
        ("condition", "C"),
    ),
    "a guard behind what it guards": (
        choice(rule("X", And=[{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "NumericEquals": 1}])),
        choice(rule("X", And=[{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.a", "IsPresent": True}])),
        ("condition", "C"),
    ),
    "a retrier for all errors before another": (
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]}),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"], "MaxAttempts": 0}]}),
        ("retry", "A"),
    ),
    "the order of branches": (
        chain(P={"Type": "Parallel", "Branches": [chain(A=TASK), chain(B={"Type": "Pass"})]}),
        chain(P={"Type": "Parallel", "Branches": [chain(B={"Type": "Pass"}), chain(A=TASK)]}),
        ("data", "P"),
    ),
    "true and 1": (
        chain(A={"Type": "Pass", "Result": {"x": 1}}),
        chain(A={"Type": "Pass", "Result": {"x": True}}),
        ("data", "A"),
    ),
    "white space inside a text": (
        {"QueryLanguage": "JSONata", **chain(A={"Type": "Pass", "Output": "{% 'x y' %}"})},
        {"QueryLanguage": "JSONata", **chain(A={"Type": "Pass", "Output": "{% 'x  y' %}"})},
        ("data", "A"),
    ),
    "a text that only looks like an expression": (
        chain(A={"Type": "Pass", "Result": {"x": "{% 1 %}"}}),
        chain(A={"Type": "Pass", "Result": {"x": "{%1%}"}}),
        ("data", "A"),
    ),
    "a comment in data": (
        chain(A={"Type": "Pass", "Result": {"Comment": "x"}}),
        chain(A={"Type": "Pass", "Result": {"Comment": "y"}}),
        ("data", "A"),
    ),
    "a threshold of 0 beside another": (
        chain(A={"Type": "Map", "ItemProcessor": chain(B=TASK), "ToleratedFailurePercentage": 5}),
        chain(
            A={
                "Type": "Map",
                "ItemProcessor": chain(B=TASK),
                "ToleratedFailurePercentage": 5,
                "ToleratedFailureCount": 0,
            }
        ),
        ("map", "A"),
    ),
    "the machine's timeout": (chain(A=TASK), {"TimeoutSeconds": 9, **chain(A=TASK)}, ("machine", "")),
    "a catcher's path": (
        chain(A={**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "B"}]}, B={"Type": "Pass"}),
        chain(A={**TASK, "Catch": [{"ErrorEquals": ["E"], "Next": "B", "ResultPath": "$.e"}]}, B={"Type": "Pass"}),
        ("catch", "A"),
    ),
    "another function": (chain(A=TASK), chain(A={**TASK, "Resource": f"{FN}other"}), ("call", "A")),
    "another type": (chain(A={"Type": "Pass"}), chain(A={"Type": "Succeed"}), ("type", "A")),
    "the start": (
        chain(A={"Type": "Pass"}, B={"Type": "Pass", "Result": 1}),
        {**chain(A={"Type": "Pass"}, B={"Type": "Pass", "Result": 1}), "StartAt": "B"},
        ("route", ""),
    ),
}


@pytest.mark.parametrize(("old", "new", "label"), NOT_NEUTRAL.values(), ids=NOT_NEUTRAL)
def test_changes_in_meaning_are_told(old, new, label):
    assert kinds(old, new) == [label]


def test_a_renamed_state_is_not_one_that_went_and_another_that_came():
    old = chain(A={"Type": "Pass"}, Pay=TASK, Z={"Type": "Wait", "Seconds": 1})
    new = chain(A={"Type": "Pass"}, Charge={**TASK, "TimeoutSeconds": 9}, Z={"Type": "Wait", "Seconds": 1})
    assert changes_between(old, new) == [
        ("renamed", "Charge", "was Pay"),
        ("timeout", "Charge", "TimeoutSeconds: none → 9 s"),
    ]


def test_another_call_at_the_same_place_is_another_state():
    old = chain(A={"Type": "Pass"}, Pay=TASK, Z={"Type": "Wait", "Seconds": 1})
    new = chain(A={"Type": "Pass"}, Ship={"Type": "Task", "Resource": f"{FN}ship"}, Z={"Type": "Wait", "Seconds": 1})
    assert kinds(old, new) == [("removed", "Pay"), ("added", "Ship")]


def test_a_name_that_another_state_has_now():
    old = chain(A={"Type": "Pass"}, Pay=TASK)
    new = chain(A={"Type": "Pass"}, Pay={"Type": "Wait", "Seconds": 5}, Charge=TASK)
    assert kinds(old, new) == [("added", "Pay"), ("renamed", "Charge")]


def test_a_state_that_is_put_between_two_others_changes_no_route():
    old = chain(A={"Type": "Pass"}, Z={"Type": "Wait", "Seconds": 1})
    assert kinds(old, chain(A={"Type": "Pass"}, Pay=TASK, Z={"Type": "Wait", "Seconds": 1})) == [("added", "Pay")]


def test_a_state_inside_a_map_now_has_moved():
    old = chain(A={"Type": "Pass"}, Pay=TASK)
    new = chain(A={"Type": "Pass"}, Each={"Type": "Map", "ItemProcessor": chain(Pay=TASK)})
    assert changes_between(old, new)[1] == ("moved", "Pay", "from the top level to the items of Each")
    assert kinds(old, new) == [("added", "Each"), ("moved", "Pay")]


def test_two_states_that_changed_places_are_one_move():
    wait, last = {"Type": "Wait", "Seconds": 1}, {"Type": "Pass"}
    old = chain(A={"Type": "Pass", "Result": 1}, Pay=TASK, Rest=wait, Z=last)
    new = chain(A={"Type": "Pass", "Result": 1}, Rest=wait, Pay=TASK, Z=last)
    assert changes_between(old, new) == [("moved", "Rest", "now before Pay")]


def test_conditions_are_told_in_the_words_of_their_author():
    old = choice(rule("X", Variable="$.a", NumericGreaterThan=1))
    new = choice(rule("X", Variable="$.a", NumericGreaterThan=5), rule("Y", Variable="$.b", IsPresent=True))
    assert [text for _, _, text in changes_between(old, new)] == [
        "rule 1: a > 5, not a > 1",
        "rule added: if b is present → Y",
    ]


def test_what_is_read_is_told_by_value():
    old = chain(A={**TASK, "Parameters": {"id.$": "$.id", "sum": 1, "gone": 2}})
    new = chain(A={**TASK, "Parameters": {"id.$": "$.order.id", "sum": 1, "new": [3]}})
    (change,) = compared(old, new).changes
    assert change.details == ("Parameters.id.$: $.id → $.order.id", "- Parameters.gone: 2", "+ Parameters.new[0]: 3")


def test_a_whole_change_of_language_is_not_told_by_its_defaults():
    old, new = chain(A={"Type": "Pass"}), {"QueryLanguage": "JSONata", **chain(A={"Type": "Pass"})}
    assert kinds(old, new) == [("language", "A")]


@pytest.mark.parametrize(
    "value", [None, 1, [], {}, {"States": 1}, {"StartAt": 1, "States": {"A": 1, "B": {"Next": {}, "Retry": 1}}}]
)
def test_broken_definitions_are_compared_as_far_as_they_can_be_read(value):
    whole = chain(A=TASK, B={"Type": "Pass"})
    assert compared(value, value).changes == ()
    assert ("added", "A") in kinds(value, whole)
    assert ("removed", "A") in kinds(whole, value)


def test_machines_are_compared_by_name_or_one_with_one():
    one, other = chain(A=TASK), chain(A={**TASK, "TimeoutSeconds": 5})
    alone = compare_all([Side(name="old", definition=one)], [Side(name="new", definition=other)])
    assert [[change.kind for change in each.changes] for each in alone] == [["timeout"]]
    two = [Side(name="a", definition=one), Side(name="b", definition=one)]
    result = compare_all(two, [*two[1:], Side(name="c", definition=one)])
    assert [(each.name, [change.kind for change in each.changes]) for each in result] == [
        ("a", ["removed"]),
        ("b", []),
        ("c", ["added"]),
    ]
