"""Recordings of executions: made from histories, masked, and replayed on the embedded engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.testing import Runner, fail, replay, timeout
from flowdsl.testing.recording import differences, read, record

ROOT = Path(__file__).parents[2]
CALL = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:pay", "TimeoutSeconds": 5}
MACHINE: dict[str, Any] = {
    "StartAt": "Pay",
    "States": {
        "Pay": {
            **CALL,
            "ResultPath": "$.payment",
            "Retry": [{"ErrorEquals": ["Busy", "States.Timeout"], "MaxAttempts": 3}],
            "Catch": [{"ErrorEquals": ["Refused"], "Next": "Sorry"}],
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "Item", "States": {"Item": {**CALL, "End": True}}},
            "ResultPath": "$.each",
            "Next": "Ask",
        },
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token", "to.$": "$.donor.email"}},
            "ResultPath": "$.asked",
            "Next": "Which",
        },
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.donor.name", "StringEqualsPath": "$.payment.holder_name", "Next": "Both"}],
            "Default": "Sorry",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 3600, "End": True}}},
                {"StartAt": "Side", "States": {"Side": {**CALL, "End": True}}},
            ],
            "End": True,
        },
        "Sorry": {"Type": "Fail", "Error": "Sorry", "Cause": "no"},
    },
}
INPUT = {
    "donor": {"name": "Ada Lovelace", "email": "ada@example.com"},
    "card_number": "4242 4242 4242 4242",
    "note": "card 4242424242424242 of Ada Lovelace, ask ada@example.com",
    "items": [3, 1, 2],
    "amount": 2500,
}
PRIVATE = ("Lovelace", "ada@", "4242")


def run(*answers: Any, holder: str = "Ada Lovelace") -> list[dict[str, Any]]:
    """The history of an execution, as boto3 gives it."""
    runner = Runner.of(MACHINE)
    runner.mock("Pay", *answers, returns={"status": "paid", "holder_name": holder})
    runner.mock("Item", effect=lambda item: item * 10)
    runner.mock("Side", returns={"side": True})
    runner.answer("Ask", {"status": "returned"}, after=90)
    return runner.run(INPUT, name="don-1", check=False).history.render()


RUNS = {
    "a success": (run(), "ExecutionSucceeded"),
    "retries": (run(fail("Busy", "later", times=2), timeout()), "ExecutionSucceeded"),
    "a caught error": (run(fail("Refused", "card 4242424242424242 refused")), "ExecutionFailed"),
    "an error that is not caught": (run(fail("Odd", "?")), "ExecutionFailed"),
    "another branch": (run(holder="Somebody Else"), "ExecutionFailed"),
}


@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize(("events", "end"), RUNS.values(), ids=RUNS)
def test_a_replay_is_the_same(events: list[dict[str, Any]], end: str, masked: bool, tmp_path: Path) -> None:
    assert events[-1]["type"] == end
    recording = record(events, machine="payment", name="don-1", masked=masked)
    file = tmp_path / "don-1.json"
    file.write_text(recording.text())
    assert read(file) == recording
    assert any(private in file.read_text() for private in PRIVATE) is not masked
    assert replay(file, MACHINE) == []


def change(path: str, value: Any) -> dict[str, Any]:
    machine = json.loads(json.dumps(MACHINE))
    *parents, last = path.split("/")
    target = machine["States"]
    for parent in parents:
        target = target[parent]
    target[last] = value
    return machine


CHANGES = {
    "a shorter route": (change("Ask/Next", "Both"), "route: recorded Pay → Each → Ask → Which → Both; replayed Pay → "),
    "another payload": (
        change("Ask/Parameters/QueueUrl", "other"),
        'Ask: event 33, TaskScheduled: parameters.QueueUrl: recorded "q", replayed "other"',
    ),
    "another result": (change("Each/ResultPath", "$.all"), "Each: event"),
    "another state": (change("Which/Default", "Pay"), None),
}


@pytest.mark.parametrize(("machine", "text"), CHANGES.values(), ids=CHANGES)
def test_what_a_change_changes(machine: dict[str, Any], text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "don-1.json"
    file.write_text(record(RUNS["a success"][0], machine="payment", name="don-1").text())
    lines = replay(file, machine)
    assert bool(lines) is (text is not None)
    assert text is None or any(line.startswith(text) for line in lines), lines


def test_a_call_that_was_not_recorded(tmp_path: Path) -> None:
    file = tmp_path / "don-1.json"
    recording = record(RUNS["a success"][0], machine="payment", name="don-1")
    recording.calls[:] = [each for each in recording.calls if each.state != "Side"]
    file.write_text(recording.text())
    assert replay(file, MACHINE)[0] == "Side: called once more than recorded"


def test_a_replay_of_the_payment_flow(tmp_path: Path) -> None:
    """With the project's own functions answered by the recording: they are not called."""
    runner = Runner.of(ROOT / "payment_flow.py", root=ROOT)
    runner.mock("payment-setup", fail("Broken", "of ada@example.com"))
    done = runner.run(json.loads((ROOT / "examples/donation.json").read_text()), name="one", check=False)
    file = tmp_path / "one.json"
    file.write_text(record(done.history.render(), machine="payment", name="one").text())
    assert "ada@" not in file.read_text()
    assert replay(file, ROOT / "payment_flow.py", root=ROOT) == []


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (RUNS["a success"][0][:-1], "it has not ended"),
        ([], "it has not ended"),
        (
            [*RUNS["a success"][0][:-1], {**RUNS["a success"][0][-1], "type": "ExecutionAborted"}],
            "stopped from outside",
        ),
    ],
    ids=["running", "empty", "aborted"],
)
def test_what_cannot_be_recorded(events: list[dict[str, Any]], text: str) -> None:
    with pytest.raises(FlowError, match=text):
        record(events, machine="payment", name="don-1")


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', '{"format": 1, "calls": [{"a": 1}]}'])
def test_what_is_not_a_recording(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FlowError, match="is not a recording"):
        replay(tmp_path / "a.json", MACHINE)


def test_equal_histories_do_not_differ() -> None:
    events = record(RUNS["retries"][0], machine="m", name="n").events
    assert differences(events, events) == []
    assert differences(events, events[:-1]) == [f"the execution: event {events[-1].id}, ExecutionSucceeded, is missing"]


def test_a_text_of_the_definition_may_be_masked_in_the_recording() -> None:
    """Such as the address of a sender: a replay has it as it is."""
    from flowdsl.testing.recording import _first_difference

    assert _first_difference("from masked-1@example.org", "from shop@example.com") is None
    assert _first_difference("masked-2", "card 4242") is None
    assert _first_difference("to masked-1@example.org", "from shop@example.com") is not None
    assert _first_difference("masked-1", "masked-2") is not None
    assert _first_difference("paid", "masked-2") is not None
