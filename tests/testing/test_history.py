"""Histories of the service, as recorded, and of the embedded engine answer the same questions."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from flowdsl.engine import Event
from flowdsl.testing import History, Runner, StepType, crash, fail
from tests.conformance_data import IS_RECORDED, ROOT


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **fields}


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 7, "MaxAttempts": 2, "BackoffRate": 1}]
MACHINE = {
    "StartAt": "Direct",
    "States": {
        "Direct": task(FUNCTION, Retry=RETRY, Next="Invoked"),
        "Invoked": task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": FUNCTION}, Next="Service"),
        "Service": task("arn:aws:states:::sqs:sendMessage", Parameters={}, Next="Worker"),
        "Worker": task("arn:aws:states:us-east-1:123456789012:activity:hands", Next="Both"),
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Short", "States": {"Short": {"Type": "Wait", "Seconds": 10, "End": True}}},
                {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 25, "End": True}}},
            ],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}},
            "Next": "Which",
        },
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$[0]", "IsPresent": True, "Next": "Done"}]},
        "Done": {"Type": "Succeed"},
    },
}


@pytest.fixture
def flow_machine() -> dict[str, Any]:
    return MACHINE


@pytest.fixture
def history(flow: Runner) -> History:
    flow.mock("work", fail("Busy"), returns={})
    flow.mock("Service", returns={})
    flow.mock("Worker", returns={})
    return flow.run({}).history


def test_counts_by_step_type(history: History) -> None:
    assert history.succeeded(StepType.LAMBDA) == {"Direct": 1, "Invoked": 1}
    assert history.succeeded(StepType.SERVICE) == {"Service": 1}
    assert history.succeeded(StepType.ACTIVITY) == {"Worker": 1}
    assert history.succeeded(StepType.TASK) == {"Direct": 1, "Invoked": 1, "Service": 1, "Worker": 1}
    assert history.attempted(StepType.LAMBDA) == {"Direct": 2, "Invoked": 1}
    assert history.failed() == history.retried() == {"Direct": 1}
    assert history.entered(StepType.WAIT) == {"Short": 1, "Long": 1}
    assert history.succeeded(StepType.PARALLEL, StepType.MAP) == {"Both": 1, "Each": 1}
    assert history.exited(StepType.PASS) == {"Item": 2}
    assert history.entered(StepType.CHOICE) == {"Which": 1}
    assert history.succeeded(StepType.SUCCEED) == {"Done": 1}
    assert history.entered(StepType.FAIL) == {}
    assert history.succeeded(StepType.LAMBDA).total() == 2


def test_times(history: History) -> None:
    assert history.duration == 7 + 25
    assert history.spent("Direct") == 7
    assert history.spent("Both") == 25
    assert history.waits() == [10, 25]
    assert history.waited("Long") == 25
    assert history.waited() == 35
    with pytest.raises(LookupError, match=r"never entered 'Lnog'; it entered Direct, .*, Long, "):
        history.waited("Lnog")
    for question in (history.faults, history.waits, history.spent):
        with pytest.raises(LookupError, match="never entered 'Lnog'"):
            question("Lnog")
    with pytest.raises(LookupError, match="'Direct' is not a Wait state"):
        history.waits("Direct")


def test_what_the_api_returns_is_read_back(history: History) -> None:
    rendered = history.render()
    assert History.parse(rendered) == history
    assert isinstance(rendered[0]["timestamp"], datetime)


def test_what_the_cli_prints_is_read_back(history: History) -> None:
    printed = json.loads(json.dumps(history.render(), default=lambda date: date.isoformat()))
    assert History.parse(printed).succeeded() == history.succeeded()
    assert History.parse(printed).start == history.start == datetime(2025, 1, 1, tzinfo=UTC).timestamp()


def test_truncated_text_stays_text() -> None:
    event = {
        "id": 2,
        "previousEventId": 0,
        "timestamp": 0.0,
        "type": "PassStateEntered",
        "stateEnteredEventDetails": {"name": "A", "input": '{"long": "xxx', "inputDetails": {"truncated": True}},
    }
    [parsed] = History.parse([event])
    assert parsed.details == {"name": "A", "input": '{"long": "xxx'}


def test_failures_of_every_kind() -> None:
    machine = {
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Work", "States": {"Work": task(FUNCTION, End=True)}},
                    {"StartAt": "Idle", "States": {"Idle": {"Type": "Wait", "Seconds": 99, "End": True}}},
                ],
                "Retry": RETRY,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Bad"}],
                "End": True,
            },
            "Bad": {"Type": "Fail", "Error": "Bad"},
        },
    }
    flow = Runner.of(machine)
    flow.mock("Work", crash(times=3))
    history = flow.run({}, check=False).history

    assert history.failed(StepType.TASK) == {"Work": 3}
    assert history.failed(StepType.PARALLEL) == {"Both": 3}
    assert history.retried() == {"Both": 2}
    assert history.caught() == {"Both": 1}
    assert history.failed(StepType.FAIL) == {"Bad": 1}
    assert [fault.error for fault in history.faults("Both")] == ["Runtime.ExitError"] * 3
    assert history.entered(StepType.WAIT) == {"Idle": 3}
    assert history.exited(StepType.WAIT) == {}


def test_a_state_that_fails_by_itself_is_counted() -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "Done"}]}
    history = (
        Runner.of({"StartAt": "Which", "States": {"Which": choice, "Done": {"Type": "Succeed"}}})
        .run({"n": 2}, check=False)
        .history
    )
    assert history.failed() == {"Which": 1}
    assert history.faults()[0].error == "States.Runtime"


def _recorded() -> list[Any]:
    cases = [case for file in sorted(ROOT.glob("executions/*.json")) for case in json.loads(file.read_text())]
    return [case for case in cases if (case["expected"] or {}).get("events")]


def test_recorded_histories_of_the_service_are_attributed_to_their_states() -> None:
    """Each attempt, exit and failure in the recording belongs to a visit, and each state left was entered before."""
    cases = _recorded()
    assert len(cases) > (100 if IS_RECORDED else 10)
    for case in cases:
        events = case["expected"]["events"]
        types = Counter(event["type"] for event in events)
        history = History(
            Event(event["id"], event["previousEventId"], float(index), event["type"], event.get("details"))
            for index, event in enumerate(events)
        )

        def count(*suffixes: str, types: Counter[str] = types) -> int:
            return sum(number for name, number in types.items() if name.endswith(suffixes))

        assert history.entered().total() == count("StateEntered"), case["id"]
        assert history.exited().total() == count("StateExited"), case["id"]
        assert history.attempted().total() == count("Scheduled", "ParallelStateStarted", "MapStateStarted"), case["id"]
        tasks = ("LambdaFunctionSucceeded", "ActivitySucceeded", "TaskSucceeded")
        assert history.succeeded(StepType.TASK).total() == count(*tasks), case["id"]
