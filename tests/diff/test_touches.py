"""What a change may do to executions in flight, at-most-once and stored data."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.diff.compare import compare
from flowdsl.diff.model import FunctionFacts, Permission, Side
from tests.diff.test_meaning import FN, TASK, chain

READ = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "Parameters": {"TableName": "t", "Key": {}}}
PUT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:putItem",
    "Parameters": {"TableName": "t", "Item": {"id": {"S.$": "$.id"}, "sum": {"N": "1"}}},
}


def risks(old: Any, new: Any, **sides: Any) -> list[tuple[str, str]]:
    """The risks of all changes, with their texts."""
    one, other = (
        Side(name="m", definition=definition, **{key: pair[index] for key, pair in sides.items()})
        for index, definition in enumerate((old, new))
    )
    return [(touch.risk, touch.text) for change in compare(one, other).changes for touch in change.touches]


def retrying(task: dict[str, Any], **retrier: Any) -> dict[str, Any]:
    return chain(A={**task, "Retry": [{"ErrorEquals": ["States.ALL"], **retrier}]})


def test_a_retry_of_a_task_with_effects_may_carry_it_out_twice():
    ((risk, text),) = risks(chain(A=TASK), retrying(TASK))
    assert risk == "at most once"
    assert text.startswith("A may be carried out again after States.ALL")


NO_RISK = {
    "a call that only reads": (chain(A=READ), retrying(READ)),
    "fewer attempts": (retrying(TASK, MaxAttempts=5), retrying(TASK, MaxAttempts=2)),
    "a retry that is gone": (retrying(TASK), chain(A=TASK)),
    "an error of calls that were not carried out": (
        chain(A=TASK),
        chain(A={**TASK, "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"]}]}),
    ),
    "a longer timeout": (
        chain(A={**TASK, "TimeoutSeconds": 5, "Retry": [{"ErrorEquals": ["States.Timeout"]}]}),
        chain(A={**TASK, "TimeoutSeconds": 9, "Retry": [{"ErrorEquals": ["States.Timeout"]}]}),
    ),
    "a comment": (chain(A=TASK), chain(A={**TASK, "Comment": "x"})),
    "a state without effects": (chain(A=TASK, B={"Type": "Pass"}), chain(A=TASK)),
    "what a reading call reads": (chain(A=READ), chain(A={**READ, "Parameters": {"TableName": "u", "Key": {}}})),
}


@pytest.mark.parametrize(("old", "new"), NO_RISK.values(), ids=NO_RISK)
def test_no_risk_where_there_is_none(old, new):
    assert [text for risk, text in risks(old, new) if risk == "at most once"] == []


def test_a_shorter_timeout_with_a_retry_repeats_a_call_that_is_at_work():
    old, new = (chain(A={**TASK, "TimeoutSeconds": n, "Retry": [{"ErrorEquals": ["States.Timeout"]}]}) for n in (9, 5))
    ((risk, text),) = risks(old, new)
    assert risk == "at most once"
    assert "given up earlier" in text


@pytest.mark.parametrize("field", ["ClientRequestToken", "idempotency_key", "donationId", "Name", "TrainingJobName"])
def test_arguments_that_identify_a_call(field):
    old, new = (chain(A={**TASK, "Parameters": {field: value, "sum": 1}}) for value in ("a", "b"))
    ((risk, text),) = risks(old, new)
    assert (risk, text.split(" ")[0]) == ("at most once", field)


def test_arguments_that_identify_nothing():
    old, new = (chain(A={**TASK, "Parameters": {"note": value, "GroupName": value}}) for value in ("a", "b"))
    assert risks(old, new) == []


def test_a_key_made_of_the_execution():
    old, new = (chain(A={**TASK, "Parameters": {"x.$": value}}) for value in ("$$.Execution.Id", "$.order"))
    assert [risk for risk, _ in risks(old, new)] == ["at most once"]


def test_a_removed_call_is_still_needed_by_executions_in_flight():
    found = risks(chain(A=TASK, B={"Type": "Task", "Resource": f"{FN}other"}), chain(A=TASK))
    assert [risk for risk, _ in found] == ["in flight"]
    assert "need other" in found[0][1]
    # The function is called elsewhere, too.
    assert risks(chain(A=TASK, B={**TASK, "TimeoutSeconds": 3}), chain(A=TASK)) == []


def test_items_that_are_written_in_another_form():
    changed = {**PUT, "Parameters": {"TableName": "t", "Item": {"id": {"S.$": "$.id"}, "amount": {"N": "1"}}}}
    assert ("stored data", "items of the table that A writes: changed") in risks(chain(A=PUT), chain(A=changed))


def test_a_field_that_a_whole_document_loses():
    store = {"Type": "Task", "Resource": f"{FN}store"}
    old, new = (
        chain(A={"Type": "Pass", "Result": 1, "ResultPath": f"$.{name}"}, Store=store) for name in ("payment", "pay")
    )
    ((risk, text),) = risks(old, new)
    assert risk == "stored data"
    assert text.startswith("Store gets the whole document, with pay and without payment now")


def test_a_loop_around_a_call_that_was_in_none():
    pick = {"Type": "Choice", "Choices": [{"Variable": "$.a", "BooleanEquals": True, "Next": "Z"}], "Default": "Z"}
    last = {"Type": "Wait", "Seconds": 1}
    old = chain(A=TASK, C=pick, Z=last)
    new = chain(A=TASK, C={**pick, "Default": "A"}, Z=last)
    assert risks(old, new) == [("at most once", "A can run again in the same execution now")]


def test_a_call_for_each_item_instead_of_one():
    old = chain(A={"Type": "Pass"}, Pay=TASK)
    new = chain(A={"Type": "Pass"}, Each={"Type": "Map", "ItemProcessor": chain(Pay=TASK)})
    assert ("at most once", "Pay: called once for each item now") in risks(old, new)


def test_express_executions_may_run_twice():
    found = risks(chain(A=TASK), chain(A=TASK), type=("STANDARD", "EXPRESS"))
    assert {risk for risk, _ in found} == {"at most once", "in flight"}


def test_a_right_that_executions_in_flight_may_need():
    right = Permission("", "lambda:InvokeFunction", "arn:aws:lambda:REGION:ACCOUNT:function:pay")
    sides = (frozenset({right}), frozenset())
    assert [risk for risk, _ in risks(chain(A=TASK), chain(A=TASK), derived=sides)] == ["in flight"]
    assert risks(chain(A=TASK), chain(A=TASK), derived=sides[::-1]) == []


def test_new_code_of_a_function_that_writes():
    right = Permission("pay", "dynamodb:PutItem", "arn:aws:dynamodb:REGION:ACCOUNT:table/orders")
    code = [{"pay": FunctionFacts({"inputs": digest})} for digest in ("a" * 64, "b" * 64)]
    found = risks(chain(A=TASK), chain(A=TASK), functions=code, declared=[frozenset({right})] * 2)
    assert found[0][0] == "in flight"
    assert found[1] == ("stored data", "pay may write")


def test_a_function_that_outlives_the_task_that_calls_it():
    task = {**TASK, "TimeoutSeconds": 20, "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    settings = [{"pay": FunctionFacts({}, {"timeout": seconds})} for seconds in (10, 30)]
    found = risks(chain(A=task), chain(A=task), functions=settings)
    assert found == [("at most once", "pay may still be at work when A gives it up and calls it again")]
    assert risks(chain(A=task), chain(A=task), functions=settings[::-1]) == []
