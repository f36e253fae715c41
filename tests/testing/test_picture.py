"""Executions as pictures: the route, the counts, the waits, the failing state, and the timeline."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from flowdsl.asl.tree import Tree
from flowdsl.graph.layout import lay_out
from flowdsl.graph.output import draw
from flowdsl.graph.svg import svg
from flowdsl.testing import Runner, fail
from flowdsl.testing.picture import picture_run
from tests.graph.drawing import read

ROOT = Path(__file__).parents[2]
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"
TASK = {"Type": "Task", "Resource": f"{LAMBDA}pay", "Retry": [{"ErrorEquals": ["Down"], "MaxAttempts": 2}]}
POLL = {
    "StartAt": "Pay",
    "States": {
        "Pay": {**TASK, "Catch": [{"ErrorEquals": ["Refused"], "Next": "Sorry"}], "Next": "Done?"},
        "Done?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "Bye"}],
            "Default": "Nap",
        },
        "Nap": {"Type": "Wait", "Seconds": 3600, "Next": "Pay"},
        "Sorry": {"Type": "Fail", "Error": "Sorry", "Cause": "card 4242424242424242 of ada@example.org"},
        "Bye": {"Type": "Succeed"},
    },
}


def run(definition: Any, *script: Any) -> Any:
    runner = Runner.of(definition, root=ROOT)
    runner.mock("Pay", *script)
    done = runner.run({}, check=False)
    return picture_run("poll", definition, done.history, [child.history for child in done.children])


def badge(subject: Any, name: str) -> str:
    return str(subject.marks[("States", name)].badge)


def test_the_route_has_counts_waits_and_retries():
    subject = run(POLL, fail("Down", times=2), {"done": False}, {"done": False}, {"done": True})
    tones = {path[-1]: mark.tone for path, mark in subject.marks.items() if len(path) == 2}
    assert tones == {"Pay": "reached", "Done?": "reached", "Nap": "reached", "Sorry": "quiet", "Bye": "reached"}
    assert badge(subject, "Pay") == "3× · 2 retries"
    assert badge(subject, "Nap") == "2× · 2 hours"
    assert "2× Down" in subject.marks[("States", "Pay")].note
    taken = {path: mark.badge for path, mark in subject.marks.items() if len(path) > 2 and mark.tone == "reached"}
    assert taken == {
        ("States", "Pay", "Next"): "3×",
        ("States", "Pay", "Retry", 0): "2×",
        ("States", "Done?", "Choices", 0, "Next"): "",
        ("States", "Done?", "Default"): "2×",
        ("States", "Nap", "Next"): "2×",
    }
    assert subject.comment.startswith("succeeded after 2 hours")


def test_the_failing_state_has_its_error_and_no_private_data():
    subject = run(POLL, fail("Refused", "no"))
    mark = subject.marks[("States", "Sorry")]
    assert (mark.tone, mark.badge) == ("failed", "Sorry")
    assert "Sorry: card [card number] of [e-mail]" in mark.note
    assert subject.marks[("States", "Pay")].badge == "caught"
    assert subject.marks[("States", "Pay", "Catch", 0, "Next")].tone == "reached"
    text = str(draw(subject, "svg"))
    assert "4242424242424242" not in text
    assert "Refused: no" in text


def test_an_uncaught_failure_marks_its_task():
    subject = run(POLL, fail("Broken", "by itself"))
    mark = subject.marks[("States", "Pay")]
    assert (mark.tone, mark.badge) == ("failed", "Broken")
    assert subject.comment.endswith("Broken: by itself")


def test_the_timeline_has_a_bar_for_each_stay():
    subject = run(POLL, fail("Down", times=2), {"done": False}, {"done": True})
    bars = subject.timeline.bars
    assert [bar.name for bar in bars] == ["Pay", "Done?", "Nap", "Pay", "Done?", "Bye"]
    nap = bars[2]
    assert nap.stop - nap.start == 3600
    first, second = bars[0].faults
    times = subject.timeline.times
    assert [round(times[each.until] - times[each.order]) for each in (first, second)] == [1, 2]
    orders = [order for bar in bars for order in (bar.first, bar.last)]
    assert orders == sorted(orders)
    text = str(draw(subject, "svg"))
    assert len(re.findall('<g class="stay ', text)) == 6
    assert len(re.findall('<g class="fault">', text)) == 2
    assert text.partition('<g class="timeline">')[2].count(">1 hour</text>") == 1
    assert re.search(r"<text [^>]*>\+3 s</text>", text)


def test_branches_and_iterations_overlap_in_the_timeline():
    pause = {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 5, "End": True}}}
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": pause, "Next": "Both"},
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": 9, "End": True}}} for name in "AB"
                ],
                "End": True,
            },
        },
    }
    runner = Runner.of(definition, root=ROOT)
    done = runner.run({"items": [1, 2, 3]})
    subject = picture_run("m", definition, done.history)
    starts = {}
    for bar in subject.timeline.bars:
        starts.setdefault(bar.name, []).append((bar.start, bar.stop))
    assert starts == {"Each": [(0, 5)], "Pause": [(0, 5)] * 3, "Both": [(5, 14)], "A": [(5, 14)], "B": [(5, 14)]}
    inner = ("States", "Each", "ItemProcessor", "States", "Pause")
    assert subject.marks[inner].badge == "3× · 15 s"
    assert {bar.depth for bar in subject.timeline.bars if bar.name in "AB"} == {1}


def test_child_executions_of_a_distributed_map_count():
    inside = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Pay",
        "States": {"Pay": {"Type": "Task", "Resource": f"{LAMBDA}pay", "End": True}},
    }
    definition = {"StartAt": "All", "States": {"All": {"Type": "Map", "ItemProcessor": inside, "End": True}}}
    runner = Runner.of(definition, root=ROOT)
    runner.mock("Pay", returns={})
    done = runner.run([1, 2])
    subject = picture_run("m", definition, done.history, [child.history for child in done.children])
    assert subject.marks[("States", "All", "ItemProcessor", "States", "Pay")].badge == "2×"


def test_a_history_of_aws_gives_the_same_picture():
    runner = Runner.of(POLL, root=ROOT)
    runner.mock("Pay", fail("Down", times=1), {"done": True})
    history = runner.run({}).history
    text = json.dumps(history.render(), default=lambda date: date.isoformat())
    again = type(history).parse(json.loads(text))
    assert draw(picture_run("p", POLL, again), "svg") == draw(picture_run("p", POLL, history), "svg")


def test_a_state_that_still_waits_is_marked():
    runner = Runner.of(POLL, root=ROOT)
    runner.mock("Pay", {"done": False}, {"done": True})
    history = runner.run({}).history
    cut = type(history)(event for event in history.events if event.id <= history.events[-1].id - 8)
    subject = picture_run("p", POLL, cut)
    assert subject.comment.startswith("still running")
    assert [path[-1] for path, mark in subject.marks.items() if mark.tone == "waiting"] != []


def test_marks_do_not_move_anything():
    subject = run(POLL, {"done": True})
    plain, marked = (svg(lay_out(Tree(POLL)), marks=marks) for marks in ({}, subject.marks))
    places = [{name: state.area for name, state in read(text).states.items()} for text in (plain, marked)]
    assert places[0] == places[1]


@pytest.mark.parametrize("shift", [0.1, 0.7, 86400.3, 51_234_567.123, 400_000_000.001])
def test_the_date_of_an_execution_does_not_matter(shift: float) -> None:
    runner = Runner.of(POLL, root=ROOT)
    runner.mock("Pay", fail("Down", times=2), {"done": False}, {"done": True})
    history = runner.run({}).history
    later = type(history)(evolve(event, timestamp=event.timestamp + shift) for event in history.events)
    pictures = [draw(picture_run("p", POLL, each), "svg") for each in (history, later)]
    assert pictures[0] == pictures[1]


def test_of_lambdas_cause_only_the_message_is_shown() -> None:
    trace = {"errorMessage": "it is down", "errorType": "Down", "stackTrace": ["  File /var/task/handler.py, line 3"]}
    text = str(draw(run(POLL, fail("Broken", json.dumps(trace))), "svg"))
    assert "Broken: it is down" in text
    assert "/var/task" not in text
