"""What a result replaces, fields that only some routes write, and loops that wait for what nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.describe import describe_documents
from flowdsl.check.dataflow.shapes import NUMBER, STRING, ArrayShape, Member, ObjectShape, ScalarShape, Source

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:get"
INPUT = ObjectShape(
    {
        "id": Member(STRING),
        "n": Member(NUMBER),
        "list": Member(ArrayShape(STRING)),
        "word": Member(ScalarShape("string", frozenset({"new", "paid"}))),
    },
    True,
    Source("it"),
)
OWN = Source("the input").field("order")
PAID = ObjectShape({"status": Member(STRING)}, True, Source("paid"))


def codes(states: dict[str, Any], language: str = "JSONPath", **results: Any) -> list[str]:
    data = Data(INPUT, {("States", name): shape for name, shape in results.items()})
    found = check({"QueryLanguage": language, "StartAt": next(iter(states)), "States": states}, data=data)
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("place", "expected"),
    [("$.paid", []), ("$.id", []), ("$.word", ["FD807"]), ("$.list", ["FD807"]), ("$.n.paid", [])],
)
def test_a_result_over_a_value_of_another_kind(place: str, expected: list[str]) -> None:
    state = {"Type": "Task", "Resource": FUNCTION, "ResultPath": place, "End": True}
    assert [each for each in codes({"T": state}, T=PAID) if each == "FD807"] == expected


def test_a_result_over_a_variable() -> None:
    pytest.importorskip("jlens")

    def assigning(first: Any) -> list[str]:
        task = {"Type": "Task", "Resource": FUNCTION, "Assign": {"v": "{% $states.result %}"}, "End": True}
        return codes({"A": {"Type": "Pass", "Assign": {"v": first}, "Next": "T"}, "T": task}, "JSONata", T=PAID)

    assert assigning(5) == ["FD807"]
    assert assigning({"status": "x"}) == []
    assert assigning("") == []
    assert assigning(None) == []


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"Parameters": {"n.$": "$.n"}}, "$.paid.status", ["FD808"]),
        ({"Parameters": {"paid.$": "$.paid.status"}}, "$.paid.status", []),
        ({"Parameters": {"n.$": "$.n"}}, "$.id", []),
        ({"Parameters": {"n.$": "$.n"}}, "$.n", []),
        ({"Parameters": {"n.$": "$.n"}}, "$.other", []),
        ({"Parameters": {"n.$": "$.n"}, "ResultPath": "$.r"}, "$.paid.status", []),
        ({"Parameters": {"all.$": "$"}}, "$.paid.status", []),
        ({}, "$.paid.status", []),
    ],
)
def test_an_unknown_result_in_place_of_the_document(fields: dict[str, Any], path: str, expected: list[str]) -> None:
    states = {
        "Pay": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.paid", "Next": "T"},
        "T": {"Type": "Task", "Resource": FUNCTION, **fields, "Next": "Use"},
        "Use": {"Type": "Pass", "InputPath": path, "End": True},
    }
    assert codes(states, Pay=PAID) == expected


def test_an_unknown_result_in_place_of_a_merged_document() -> None:
    pytest.importorskip("jlens")
    states = {
        "Pay": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Output": "{% $merge([$states.input, {'paid': $states.result}]) %}",
            "Next": "T",
        },
        "T": {"Type": "Task", "Resource": FUNCTION, "Arguments": {"n": "{% $states.input.n %}"}, "Next": "Use"},
        "Use": {"Type": "Pass", "Output": "{% $states.input.paid.status %}", "End": True},
    }
    assert codes(states, "JSONata", Pay=PAID) == ["FD808"]
    states["Use"]["Output"] = "{% $states.input.id %}"
    assert codes(states, "JSONata", Pay=PAID) == []


def test_fields_of_one_route_stay_known() -> None:
    states = {
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "A"}], "Default": "B"},
        "A": {"Type": "Pass", "Result": "x", "ResultPath": "$.redirect", "Next": "B"},
        "B": {"Type": "Pass", "Result": 1, "ResultPath": "$.n", "Next": "C"},
        "C": {"Type": "Succeed"},
    }
    documents = describe_documents({"StartAt": "Which", "States": states})
    assert 'redirect?: "x"' in documents["States", "C"].document
    assert codes({**states, "C": {"Type": "Pass", "InputPath": "$.redirect", "End": True}}) == ["FD803", "FD802"]


def looping(back: str, count: str = "{% $tries + 1 %}", condition: str = "$found = 'no' and $tries < 5") -> list[str]:
    states = {
        "Begin": {"Type": "Pass", "Assign": {"tries": 0, "reminders": "{% $states.input.id %}"}, "Next": "Look"},
        "Look": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Assign": {"found": "{% $states.result.status %}"},
            "Next": "Is",
        },
        "Is": {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% {condition} %}}", "Next": "Count"}],
            "Default": "End",
        },
        "Count": {"Type": "Pass", "Assign": {"tries": count}, "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 5, "Next": back},
        "End": {"Type": "Succeed"},
    }
    return codes(states, "JSONata", Look=PAID)


def test_a_loop_that_waits_for_what_it_never_looks_at() -> None:
    pytest.importorskip("jlens")
    assert looping("Look") == []
    assert looping("Is") == ["FD952"]
    assert looping("Is", condition="$tries < 7 and $reminders = 'slow'") == []


@pytest.mark.parametrize("fields", [{"ResultPath": "$.done"}, {}])
def test_the_input_or_a_result_may_have_what_a_catch_writes(fields: dict[str, Any]) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}]
    states = {
        "T": {"Type": "Task", "Resource": FUNCTION, **fields, "Catch": catch, "Next": "Use"},
        "Use": {"Type": "Pass", "InputPath": "$.error", "End": True},
        "Failed": {"Type": "Fail", "CausePath": "$.error.Cause"},
    }
    assert list(check({"StartAt": "T", "States": states})) == []


def test_a_counter_in_the_document_that_nothing_changes() -> None:
    def counting(place: str) -> list[str]:
        states = {
            "Begin": {"Type": "Pass", "Parameters": {"polls": 0, "id.$": "$.id"}, "Next": "Look"},
            "Look": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.job", "Next": "Count"},
            "Count": {
                "Type": "Pass",
                "Parameters": {"value.$": "States.MathAdd($.polls, 1)"},
                "ResultPath": "$.counted",
                "Next": "Keep",
            },
            "Keep": {"Type": "Pass", "InputPath": "$.counted.value", "ResultPath": place, "Next": "Is"},
            "Is": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.polls", "NumericGreaterThan": 9, "Next": "End"}],
                "Default": "Rest",
            },
            "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Look"},
            "End": {"Type": "Succeed"},
        }
        return [each.code for each in check({"StartAt": "Begin", "States": states})]

    assert counting("$.polls") == []
    assert counting("$.poll") == ["FD958"]


def counting_to(condition: str, count: str, *, leads_out: bool = False, seconds: int = 5) -> list[str]:
    back, out = ("Count", "End") if not leads_out else ("End", "Count")
    states = {
        "Begin": {"Type": "Pass", "Assign": {"n": 3}, "Next": "Look"},
        "Look": {"Type": "Task", "Resource": FUNCTION, "Arguments": {"a": 1}, "Output": {}, "Next": "Is"},
        "Is": {"Type": "Choice", "Choices": [{"Condition": f"{{% {condition} %}}", "Next": back}], "Default": out},
        "Count": {"Type": "Pass", "Assign": {"n": f"{{% {count} %}}"}, "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": seconds, "Next": "Look"},
        "End": {"Type": "Succeed"},
    }
    return codes(states, "JSONata")


@pytest.mark.parametrize(
    ("condition", "count", "leads_out", "expected"),
    [
        ("$n < 5", "$n + 1", False, []),
        ("$n < 5", "$n - 1", False, ["FD958"]),
        ("$n > 0", "$n - 1", False, []),
        ("$n > 0", "$n + 1", False, ["FD958"]),
        ("$n >= 5", "$n + 1", True, []),
        ("$n >= 5", "$n - 1", True, ["FD958"]),
        ("$n < 5", "$n * 2", False, []),
    ],
)
def test_a_counter_that_moves_away(condition: str, count: str, leads_out: bool, expected: list[str]) -> None:
    pytest.importorskip("jlens")
    assert counting_to(condition, count, leads_out=leads_out) == expected


@pytest.mark.parametrize(("place", "expected"), [("$.count", []), ("$.count.n", []), ("$.other", ["FD958"])])
def test_a_counter_inside_an_object_that_the_loop_writes(place: str, expected: list[str]) -> None:
    states = {
        "Begin": {"Type": "Pass", "Result": 0, "ResultPath": "$.count.n", "Next": "Is"},
        "Is": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.count.n", "NumericLessThan": 5, "Next": "Work"}],
            "Default": "End",
        },
        "Work": {"Type": "Task", "Resource": FUNCTION, "ResultPath": place, "Next": "Is"},
        "End": {"Type": "Succeed"},
    }
    found = [each.code for each in check({"StartAt": "Begin", "States": states})]
    assert [each for each in found if each == "FD958"] == expected


def test_waiting_for_no_time_is_no_waiting() -> None:
    pytest.importorskip("jlens")
    assert counting_to("$n < 5", "$n + 1", seconds=0) == ["FD957"]


def paying(notify: dict[str, Any], next: str = "Is") -> list[str]:
    states = {
        "Pay": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.paid", "Next": "Is"},
        "Is": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.paid.status", "StringEquals": "retry", "Next": "Notify"}],
            "Default": "End",
        },
        "Notify": {"Type": "Task", "Resource": FUNCTION, **notify, "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 600, "Next": next},
        "End": {"Type": "Succeed"},
    }
    return codes(states, Pay=PAID, Notify=PAID)


RETRY = {"Variable": "$.paid.status", "StringEquals": "retry"}
LATE = {"Variable": "$.until", "TimestampLessThanPath": "$$.State.EnteredTime"}
COUNTED = {"Variable": "$.limit", "NumericGreaterThanPath": "$.notified.count"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], ["FD952"]),
        ([{"Variable": "$.id", "StringEquals": "x", "Next": "End"}], ["FD952"]),
        ([{"Variable": "$.notified.stop", "IsPresent": True, "Next": "End"}], []),
        ([{"Variable": "$.notified.ok", "BooleanEquals": True, "Next": "End"}], []),
        ([{"Not": {"Variable": "$.notified.ok", "BooleanEquals": False}, "Next": "End"}], []),
        ([{**COUNTED, "Next": "End"}], []),
        ([{**LATE, "Next": "End"}], []),
        ([{"And": [RETRY, COUNTED], "Next": "Notify"}], []),
        ([{"And": [RETRY, LATE], "Next": "Notify"}], []),
    ],
)
def test_earlier_rules_and_values_at_paths_end_a_loop(rules: list[dict[str, Any]], expected: list[str]) -> None:
    states = {
        "Is": {"Type": "Choice", "Choices": [*rules, {**RETRY, "Next": "Notify"}], "Default": "End"},
        "Notify": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.notified", "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": 600, "Next": "Is"},
        "End": {"Type": "Succeed"},
    }
    found = check({"StartAt": "Is", "States": states})
    assert [each.code for each in found] == expected


ERRORS = [
    *(("QueueEmpty", []), ("com.shop.QueueEmpty", []), ("S3.NoSuchKeyException", [])),
    *(("States.ALL", ["FD952"]), ("Lambda.TooManyRequestsException", ["FD952"])),
]


@pytest.mark.parametrize(("error", "expected"), ERRORS)
def test_an_error_of_the_authors_own_may_end_a_loop(error: str, expected: list[str]) -> None:
    assert paying({"ResultPath": None, "Catch": [{"ErrorEquals": [error], "Next": "End"}]}) == expected


@pytest.mark.parametrize(("limit", "expected"), [("$.paid.other", ["FD952"]), ("$.notified.count", [])])
def test_a_waiting_loop_may_change_what_it_compares_with(limit: str, expected: list[str]) -> None:
    states = {
        "Pay": {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.paid", "Next": "Is"},
        "Is": {
            "Type": "Choice",
            "Choices": [
                {
                    "And": [
                        {"Variable": "$.paid.total", "NumericGreaterThanPath": limit},
                        {"Variable": "$.n", "NumericLessThan": 5},
                    ],
                    "Next": "Rest",
                }
            ],
            "Default": "End",
        },
        "Rest": {"Type": "Wait", "Seconds": 600, "Next": "Count"},
        "Count": {"Type": "Pass", "Result": 1, "ResultPath": "$.notified", "Next": "Again"},
        "Again": {
            "Type": "Pass",
            "Parameters": {"sum.$": "States.MathAdd($.n, 1)"},
            "ResultPath": "$.n",
            "Next": "Is",
        },
        "End": {"Type": "Succeed"},
    }
    assert [each.code for each in check({"StartAt": "Pay", "States": states}) if each.code == "FD952"] == expected


def test_a_rule_that_leads_back_to_its_choice() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Rest"}]
    assert paying({"ResultPath": None}) == ["FD952"]
    assert paying({"ResultPath": "$.notified", "Catch": catch}) == ["FD952"]
    assert paying({"ResultPath": "$.paid"}) == []
    assert paying({"ResultPath": None}, "Pay") == []


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (
            ObjectShape({"id": Member(STRING), "cents": Member(NUMBER)}, True, OWN),
            ["FD807"],
        ),
        (
            ObjectShape({"status": Member(STRING), "cents": Member(NUMBER)}, True, OWN),
            [],
        ),
        (ObjectShape({}, False, OWN), ["FD807"]),
        (ObjectShape({"id": Member(STRING)}, True, Source("the result of 'A'")), []),
    ],
)
def test_a_result_over_another_object_of_the_document(old: ObjectShape, expected: list[str]) -> None:
    state = {"Type": "Task", "Resource": FUNCTION, "ResultPath": "$.order", "End": True}
    data = Data(ObjectShape({"order": Member(old)}, True, Source("the input")), {("States", "T"): PAID})
    found = check({"StartAt": "T", "States": {"T": state}}, data=data)
    assert [each.code for each in found] == expected


def test_a_merged_result_over_another_object() -> None:
    pytest.importorskip("jlens")
    old = ObjectShape({"id": Member(STRING), "cents": Member(NUMBER)}, True, OWN)
    for name, expected in (("order", ["FD807"]), ("paid", [])):
        output = f"{{% $merge([$states.input, {{'{name}': $states.result}}]) %}}"
        state = {"Type": "Task", "Resource": FUNCTION, "Output": output, "End": True}
        data = Data(ObjectShape({"order": Member(old)}, True, Source("the input")), {("States", "T"): PAID})
        found = check({"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": state}}, data=data)
        assert [each.code for each in found] == expected


@pytest.mark.parametrize("parameters", [["$.n"], "text", 5, None])
def test_parameters_of_any_kind_are_read(parameters: Any) -> None:
    task = {"Type": "Task", "Resource": FUNCTION, "Parameters": parameters, "Next": "Use"}
    assert "FD801" not in codes({"T": task, "Use": {"Type": "Pass", "InputPath": "$.n", "End": True}})
