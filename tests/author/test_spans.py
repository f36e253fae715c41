"""Every ASL path leads to the Python that said it."""

from __future__ import annotations

import linecache

import pytest

import flowdsl as f
from flowdsl.base.diagnostics import AslPath

task = f.Task("Ask", "arn:aws:states:::sqs:sendMessage", timeout=60, retry=[f.retry("E", interval=5)], into="ask")
machine = f.StateMachine(
    "m",
    f.chain(
        task,
        f.Choice(
            "Loop",
            f.when(task.out.status == "again", f.goto(task)),
            f.when(task.out.n == 1, f.Pass("Note"), f.goto("Ask")),
        ),
        f.Parallel("Both", f.Wait("Pause", seconds=7)),
    ),
    timeout=99,
)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("States", "Ask", "TimeoutSeconds"), "60"),
        (("States", "Ask", "Resource"), '"arn:aws:states:::sqs:sendMessage"'),
        (("States", "Ask", "Retry", 0, "ErrorEquals"), '"E"'),
        (("States", "Loop", "Choices", 0, "Variable"), 'f.when(task.out.status == "again", f.goto(task))'),
        (("States", "Ask", "Retry"), '[f.retry("E", interval=5)]'),
        (("States", "Ask", "Retry", 0), 'f.retry("E", interval=5)'),
        (("States", "Ask", "Retry", 0, "IntervalSeconds"), "5"),
        (("States", "Ask", "ResultPath"), '"ask"'),
        (("States", "Loop", "Choices", 0, "Next"), "f.goto(task)"),
        (("States", "Note", "Next"), 'f.goto("Ask")'),
        (("States", "Both", "Branches", 0, "States", "Pause", "Seconds"), "7"),
        (("TimeoutSeconds",), "99"),
    ],
)
def test_span(path: AslPath, said: str) -> None:
    span = machine.span(path)
    assert span is not None
    assert span.file == __file__
    assert span.line == span.end_line
    assert linecache.getline(span.file, span.line)[span.column - 1 : (span.end_column or 0) - 1] == said


def test_an_excerpt_has_carets_under_the_piece() -> None:
    span = machine.span(("States", "Both", "Branches", 0, "States", "Pause", "Seconds"))
    assert span is not None
    first, second = (span.excerpt() or "").splitlines()
    assert first[second.index("^")] == "7"


def test_columns_count_characters() -> None:
    wait = f.Pass("é", comment="ü"), f.Wait("W", seconds=3)  # fmt: skip
    span = f.StateMachine("m", wait[1]).span(("States", "W", "Seconds"))
    assert span is not None
    assert linecache.getline(span.file, span.line)[span.column - 1] == "3"
