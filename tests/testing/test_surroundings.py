"""What a runner is given around its machine: nested machines, folders, mock configurations, functions; and answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdsl import StateMachine, Task, chain
from flowdsl.base.diagnostics import FlowError
from flowdsl.project import load
from flowdsl.testing import (
    ExecutionAlreadyExists,
    Runner,
    UnmockedCall,
    fail,
    give,
    real,
    run_to_completion,
    slow,
    timeout,
)
from tests.testing.machines import CHARGE_ARN, TOKEN, error, machine

CHILD = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}}
PARENT = machine(
    "arn:aws:states:::states:startExecution.sync:2",
    Parameters={"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:child", "Input.$": "$"},
    OutputPath="$.Output",
)


def test_a_nested_machine_runs_on_the_same_clock() -> None:
    child = StateMachine("child", chain(Task("Work", CHARGE_ARN)))
    flow = Runner.of(PARENT, machines=[child], handlers={"charge": lambda event, context: {"paid": event["amount"]}})
    flow.mock("Work", slow(30), real())
    run = flow.run({"amount": 5})
    assert (run.output, run.duration) == ({"paid": 5}, 30)
    assert [(each.status, each.history.states()) for each in run.children] == [("SUCCEEDED", ["Work"])]
    flow.mock("Charge", returns={"Output": "mocked"})
    assert flow.run({}).output == "mocked"


def test_machines_of_one_name_are_refused() -> None:
    with pytest.raises(FlowError, match="two state machines are named 'StateMachine'"):
        Runner.of(PARENT, machines=[CHILD])


def test_a_machine_that_is_not_given_is_not_started() -> None:
    with pytest.raises(UnmockedCall, match=r"Runner.of\(machines="):
        Runner.of(PARENT).run({})


def each(**fields: Any) -> dict[str, Any]:
    processor = {**machine(), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}}}


READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
    "Parameters": {"Bucket": "donations", "Key": "all.csv"},
}


def test_the_child_executions_of_a_distributed_map() -> None:
    flow = Runner.of(each(ToleratedFailureCount=1))
    flow.mock("Charge", fail("Declined"), returns="paid")
    run = flow.run([1, 2, 3])
    assert [(child.status, child.error, child.output) for child in run.children] == [
        ("FAILED", "Declined", None),
        ("SUCCEEDED", None, "paid"),
        ("SUCCEEDED", None, "paid"),
    ]
    with pytest.raises(LookupError, match=r"histories of run\.children"):
        run.history.faults("Charge")


def test_folders_in_place_of_buckets(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("id\n7\n")
    with pytest.raises(UnmockedCall, match=r"flow.mock\('s3:getObject', returns=\{\"Body\".*buckets=\{'donations'"):
        Runner.of(each(ItemReader=READER)).run({})
    for buckets in ({"donations": tmp_path}, {"donations": str(tmp_path)}):
        flow = Runner.of(each(ItemReader=READER), buckets=buckets)
        assert flow.mock("Charge", effect=lambda item: item["id"]).calls == []
        assert flow.run({}).output == ["7"]


def test_a_folder_is_hinted_at_where_it_would_answer(tmp_path: Path) -> None:
    put = machine("arn:aws:states:::aws-sdk:s3:putObject", Parameters={"Bucket": "b", "Key": "k"})
    with pytest.raises(UnmockedCall, match=r"flow.mock\('aws-sdk:s3:putObject', .*Runner.of\(buckets=\{'b': folder\}"):
        Runner.of(put).run({})
    delete = machine("arn:aws:states:::aws-sdk:s3:deleteObject", Parameters={"Bucket": "b", "Key": "k"})
    with pytest.raises(UnmockedCall) as unmocked:
        Runner.of(delete, buckets={"b": tmp_path}).run({})
    assert "buckets=" not in str(unmocked.value)


def test_what_a_runner_is_given_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"buckets=.'donations': .*is not a folder"):
        Runner.of(each(ItemReader=READER), buckets={"donations": tmp_path / "nowhere"})
    with pytest.raises(FlowError, match=r"function 'charge': .*charge.py does not exist"):
        Runner.of(machine(), handlers={"charge": "charge.py"})
    with pytest.raises(TypeError, match=r"handlers=.'charge': None.*expected a function"):
        Runner.of(machine(), handlers={"charge": None})  # type: ignore[dict-item]


def test_a_function_of_the_test_stands_for_that_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.flowdsl.handlers]\ncharge = "charge"\n')
    (tmp_path / "charge").mkdir()
    (tmp_path / "charge" / "handler.py").write_text("def handler(event, context):\n    return 'the real one'\n")
    assert Runner.of(machine(), root=tmp_path).run({}).output == "the real one"
    given: dict[str, Any] = {"charge": lambda event, context: "the test's", "other": "charge"}
    assert Runner.of(machine(), root=tmp_path, handlers=given).run({}).output == "the test's"


ACTIVITY = machine(
    "arn:aws:states:us-east-1:123456789012:activity:hands", TimeoutSeconds=60, Retry=[{"ErrorEquals": ["Busy"]}]
)


def test_an_answered_activity_has_a_worker_that_took_it() -> None:
    flow = Runner.of(ACTIVITY)
    flow.answer("Charge", "done", after=30)
    run = flow.run({})
    assert (run.output, run.duration) == ("done", 30)
    assert [event.type for event in run.history.events][2:5] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
    ]


@pytest.mark.parametrize(
    "definition",
    [
        ACTIVITY,
        machine(
            "arn:aws:states:::glue:startJobRun.sync",
            **{k: ACTIVITY["States"]["Charge"][k] for k in ("TimeoutSeconds", "Retry")},
        ),
    ],
)
def test_a_call_beyond_the_answers_waits_in_vain(definition: dict[str, Any]) -> None:
    flow = Runner.of(definition)
    flow.answer("Charge", fail("Busy"), times=1)
    assert error(flow).history.faults("Charge")[-1].error == "States.Timeout"


def test_a_worker_is_hinted_at() -> None:
    with pytest.raises(UnmockedCall, match=r"as its worker: flow.answer\('Charge'"):
        Runner.of(ACTIVITY).run({})


def test_a_mocked_file_without_a_body_is_no_file() -> None:
    flow = Runner.of(each(ItemReader=READER))
    flow.mock("Each", returns=[{"id": "7"}])
    assert "has no Body" in str(error(flow).cause)


def test_the_same_test_on_the_desk_with_mocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_MACHINE_ARN", raising=False)
    flow = Runner.of(TOKEN)
    flow.answer("Charge", "paid", after=60)
    output, history = run_to_completion("paid-1", {}, runner=flow)
    assert (output, history.duration) == ("paid", 60)
    with pytest.raises(ExecutionAlreadyExists):
        run_to_completion("paid-1", {}, runner=flow)
    with pytest.raises(TypeError, match="either machine= or runner=, not both"):
        run_to_completion("paid-2", {}, machine=TOKEN, runner=flow)


MOCKS = {
    "StateMachines": {"StateMachine": {"TestCases": {"paid": {"Charge": "paid"}, "busy": {"Charge": "busy"}}}},
    "MockedResponses": {"paid": {"0-9": {"Return": "paid"}}, "busy": {"0": {"Throw": {"Error": "Busy", "Cause": "c"}}}},
}


def test_a_mock_config_file(tmp_path: Path) -> None:
    file = tmp_path / "mocks.json"
    file.write_text(json.dumps(MOCKS))
    for config in (MOCKS, file, str(file)):
        flow = Runner.of(machine())
        flow.mock_config(config, case="busy")
        assert error(flow).error == "Busy"
        flow.mock_config(config, case="paid")
        assert flow.run({}).output == "paid"
        flow.mock("Charge", returns="mocked")
        assert flow.run({}).output == "mocked"
    with pytest.raises(FlowError, match="choose one of them: paid, busy"):
        flow.mock_config(MOCKS)


def test_a_loaded_machine_can_be_run(tmp_path: Path) -> None:
    file = tmp_path / "child.json"
    file.write_text(json.dumps(CHILD))
    (loaded,) = load(file)
    assert Runner.of(loaded).run({}).duration == 60


def test_an_answer_after_one_for_all_calls_would_never_be_given() -> None:
    flow = Runner.of(TOKEN)
    flow.answer("Charge", {}, times=1)
    flow.answer("Charge", {})
    with pytest.raises(ValueError, match="add times=1 to that one"):
        flow.answer("Charge", {})


def test_an_answer_is_no_larger_than_the_api_takes() -> None:
    with pytest.raises(ValueError, match="at most 262,144 bytes"):
        Runner.of(TOKEN).answer("Charge", "x" * 262_144)


def test_time_spent_in_a_state_that_the_execution_ended_in() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 1, "MaxAttempts": 2}]
    flow = Runner.of(machine(Retry=retry))
    flow.mock("Charge", raises=ValueError)
    assert flow.run({}, check=False).history.spent("Charge") == 20
    history = Runner.of({**CHILD, "TimeoutSeconds": 50}).run({}, check=False).history
    assert (history.waited("Rest"), history.waits()) == (50, [50])
    rest = {**CHILD["States"]["Rest"], "Seconds": 600}
    branches = [CHILD, {"StartAt": "Long", "States": {"Long": rest}}, machine(TimeoutSeconds=300)]
    both = {"Type": "Parallel", "Branches": branches, "Retry": retry, "End": True}
    flow = Runner.of({"StartAt": "Both", "States": {"Both": both}})
    flow.mock("Charge", timeout(times=3))
    history = flow.run({}, check=False).history
    assert (history.spent("Both"), history.spent("Charge"), history.spent("Long"), history.waited("Rest")) == (
        *(920, 900, 900, 180),
    )


def test_a_failure_names_the_child_execution_that_failed() -> None:
    flow = Runner.of(each())
    flow.mock("Charge", give("paid"), fail("Declined", "no funds"), returns="paid")
    said = str(error(flow, [1, 2, 3]))
    assert "of 3 child executions did not succeed; the first: execution" in said
    assert said.endswith("ended FAILED in state 'Charge': Declined: no funds")


def test_the_type_of_a_definition() -> None:
    assert ":express:" in Runner.of(CHILD, type="EXPRESS").run({}).arn


def test_an_answer_stands_for_a_nested_machine_that_gets_a_token() -> None:
    start = machine("arn:aws:states:::states:startExecution.waitForTaskToken", TimeoutSeconds=600)
    start["States"]["Charge"]["Parameters"] = PARENT["States"]["Charge"]["Parameters"]
    flow = Runner.of(start, machines=[StateMachine("child", chain(Task("Work", CHARGE_ARN)))])
    flow.answer("Charge", "done", after=90)
    run = flow.run({})
    assert (run.output, run.duration, run.children) == ("done", 90, ())
