"""Mocks in the form of Step Functions Local's MockConfigFile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls import mockconfig
from flowdsl.calls.chain import first_of
from flowdsl.engine import Result, execute, prepare

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


CONFIG = {
    "StateMachines": {"machine": {"TestCases": {"second": {"S": "Flaky"}}}},
    "MockedResponses": {
        "Flaky": {
            "0-1": {"Throw": {"Error": "Lambda.ServiceException", "Cause": "c"}},
            "2": {"Return": {"Payload": "at last"}},
        }
    },
}


def mocked(case: str, resource: str = "arn:aws:states:::lambda:invoke") -> Result:
    task = {"Type": "Task", "Resource": resource, "Parameters": {}, "Retry": [{"ErrorEquals": ["States.ALL"]}]}
    machine = prepare({"StartAt": "S", "States": {"S": {**task, "End": True}}}, name="machine")
    return execute(machine, {}, invoke=first_of(mockconfig.parse(CONFIG, "machine", case)))


def test_mocks_of_step_functions_local() -> None:
    result = mocked("second")
    assert (result.output, result.duration) == ({"Payload": "at last"}, 3)


def test_mocks_of_tasks_that_wait() -> None:
    result = mocked("second", "arn:aws:states:::sqs:sendMessage.waitForTaskToken")
    assert result.output == {"Payload": "at last"}
    assert [event.type for event in result.history].count("TaskSubmitted") == 3


def test_a_mock_configuration_without_the_case() -> None:
    with pytest.raises(FlowError, match="the mock configuration has no test case 'third'"):
        mocked("third")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (5, "no object at StateMachines"),
        ({"StateMachines": 5}, "no object at StateMachines"),
        ({"StateMachines": {"machine": {"TestCases": {"case": 5}}}}, "no object at .*TestCases/case"),
        ({"StateMachines": {"machine": {"TestCases": {"other": {}}}}}, "no test case 'case'"),
        ({"StateMachines": {"one": {}, "two": {}}}, "no state machine 'machine'"),
        ({"0": 5}, "either Return or Throw"),
        ({"0": {}}, "either Return or Throw"),
        ({"0": {"Return": 1, "Throw": {"Error": "E"}}}, "either Return or Throw"),
        ({"first": {"Return": 1}}, "'first' is not a call number"),
        ({"0": {"Throw": {"error": "E"}}}, "Throw must have an Error"),
        ({"0": {"Throw": {"Error": 5}}}, "Throw must have an Error"),
        ({"0": {"Throw": {"Error": "E", "Cause": [1]}}}, "Throw must have an Error"),
        ({0: {"Return": 1}}, 'write "0"'),
        ({"3-1": {"Return": 1}}, "'3-1' is not a call number"),
        ({"0-2": {"Return": 1}, "2-3": {"Return": 1}}, "'2-3' overlaps an earlier entry"),
        ({"1": {"Return": 1}}, "no entry for call 0 .* of state 'S'"),
    ],
)
def test_a_broken_mock_configuration_says_where(config: Any, said: str) -> None:
    if isinstance(config, dict) and "StateMachines" not in config:
        cases = {"machine": {"TestCases": {"case": {"S": "answer"}}}}
        config = {"StateMachines": cases, "MockedResponses": {"answer": config}}
    elif isinstance(config, dict):
        config = {**config, "MockedResponses": {}}
    definition = {"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": ARN, "End": True}}}
    with pytest.raises(FlowError, match=said):
        execute(prepare(definition), {}, invoke=first_of(mockconfig.parse(config, "machine", "case")))


def test_a_mock_configuration_that_says_something_twice(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text(
        '{"StateMachines": {"m": {"TestCases": {"c": {"S": "R"}}}},\n"MockedResponses": {"R": {"0": 1, "0": 2}}}'
    )
    with pytest.raises(FlowError, match=r"mocks.json:2:.*FD712 duplicate key '0'"):
        mockconfig.load(file, "m", None)
    cases = {"m": {"TestCases": {"c": {"S": ["R"]}}}}
    with pytest.raises(FlowError, match="expected the name of a mocked response"):
        mockconfig.parse({"StateMachines": cases, "MockedResponses": {"R": {}}}, "m")


def test_what_is_misspelt_in_a_mock_configuration_is_found_before_anything_runs() -> None:
    cases = {"some name": {"TestCases": {"good": {"Charge": "paid"}, "bad": {"Chargee": "paid", "Notify": "payd"}}}}
    config = {"StateMachines": cases, "MockedResponses": {"paid": {"0": {"Return": {}}}}}
    with pytest.raises(FlowError) as refused:
        mockconfig.parse(config, "machine", "good", states={"Charge", "Notify"})
    said = [(each.message, each.hint) for each in refused.value.diagnostics]
    assert said == [
        ("the state machine has no state 'Chargee'", "did you mean 'Charge'?"),
        ("unknown mocked response 'payd'", "did you mean 'paid'?"),
    ]


def test_the_calls_of_child_executions_are_counted_together() -> None:
    price = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    processor = {"StartAt": "Price", "States": {"Price": price}}
    each = {"Type": "Map", "MaxConcurrency": 1, "End": True, "ItemProcessor": processor}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    distributed = {**each, "ItemProcessor": {**processor, "ProcessorConfig": config}}
    responses = {"0": {"Return": "zero"}, "1-2": {"Return": "more"}}
    mocks = {
        "StateMachines": {"machine": {"TestCases": {"case": {"Price": "prices"}}}},
        "MockedResponses": {"prices": responses},
    }
    for state in (each, distributed):
        machine = prepare({"StartAt": "Each", "States": {"Each": state}}, name="machine")
        result = execute(machine, [1, 2, 3], invoke=first_of(mockconfig.parse(mocks, "machine")))
        assert result.output == ["zero", "more", "more"]
