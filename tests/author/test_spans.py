"""Every ASL path leads to the Python that said it."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any, Literal

import pytest

import flowdsl as f
from flowdsl import project
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
        (("States", "Loop", "Choices", 0, "Variable"), 'task.out.status == "again"'),
        (("States", "Loop", "Choices", 1), 'f.when(task.out.n == 1, f.Pass("Note"), f.goto("Ask"))'),
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


def asking(name: str) -> f.Task:
    message: f.Value = {
        "sixth": f"{f.state_input.sixth}?",
        "seventh": f.state_input.seventh,
    }
    return f.Task(name, f.Function("asking"), payload=message, into=f.DISCARD)


shared = f.retry("Shared")
prefix = {"code": f.state_input.code, "deep": {"inside": 7}}
PLAIN = f.state_input.plain
listed = [1, {"eighth": 8}]
long = f.Task(
    "Long",
    f.Function("long"),
    payload={
        "first": f.state_input.first,
        "text": f"{f.state_input.second}: {f.state_input.third}",
        "more": prefix,
        "listed": listed,
        "plain": PLAIN,
    },
    retry=[
        f.lambda_transient,
        shared,
    ],
    into=f.var.long,
)
joined = f.StateMachine(
    "joined",
    f.chain(
        asking("Asking"),
        long,
        f.Choice(
            "Which",
            f.when(
                (f.state_input.fourth == "a")
                & (f.state_input.fifth != 4),
                f.Pass("Fourth"),
            ),
        ),
    ),
    query_language="JSONata",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "needle", "said"),
    [
        (("States", "Long", "Arguments", "Payload"), "first", "f.state_input.first"),
        (("States", "Long", "Arguments", "Payload", "text"), "third", "f.state_input.third"),
        (("States", "Long", "Arguments", "Payload", "more"), "code", "f.state_input.code"),
        (("States", "Asking", "Arguments", "Payload", "seventh"), "seventh", "f.state_input.seventh"),
        (("States", "Which", "Choices", 0, "Condition"), "fifth", "f.state_input.fifth"),
        (("States", "Which", "Choices", 0, "Condition"), "a", '"a"'),
        (("States", "Which", "Choices", 0, "Condition"), 4, "4"),
    ],
)
def test_a_name_leads_to_its_line_in_a_long_value_or_in_a_helper(path: AslPath, needle: str | int, said: str) -> None:
    span = joined.span(path, needle)
    assert span is not None
    assert linecache.getline(span.file, span.line)[span.column - 1 : (span.end_column or 0) - 1] == said


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (("more", "code"), "f.state_input.code"),
        (("more", "deep"), '{"inside": 7}'),
        (("more", "deep", "inside"), "7"),
        (("more", "nowhere"), "prefix"),
        (("listed", 1, "eighth"), "8"),
        (("listed", 2), "listed"),
        (("plain", "x"), "PLAIN"),
    ],
)
def test_a_path_leads_into_the_value_of_a_name(inside: AslPath, said: str) -> None:
    span = joined.span(("States", "Long", "Arguments", *inside))
    assert span is not None
    assert linecache.getline(span.file, span.line)[span.column - 1 : (span.end_column or 0) - 1] == said


def test_a_name_that_is_not_there_leads_to_the_value() -> None:
    path = ("States", "Which", "Choices", 0, "Condition")
    assert joined.span(path, "sixth") == joined.span(path)


def test_a_shared_retrier_has_the_places_of_its_use_and_of_its_definition() -> None:
    span = joined.span(("States", "Long", "Retry", 1))
    assert span is not None
    assert linecache.getline(span.file, span.line).strip() == "shared,"
    assert span.defined_at is not None
    assert linecache.getline(span.file, span.defined_at.line).startswith("shared = ")


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


SHAPED = f.chain(
    f.Task("Call", f.Function("call"), payload={"id": f.state_input.id}, output={"n": f.result.n}),
    f.Task("Send", "arn:aws:states:::sqs:sendMessage", arguments={"QueueUrl": f.state_input.url}, into=f.DISCARD),
    f.Task("Keep", f.Function("keep"), output=f.result.number, into=f.var.kept),
    f.Pass("Shape", output={"at": f.context.State.EnteredTime}),
)


@pytest.mark.parametrize(
    ("state", "by_path", "by_jsonata", "said"),
    [
        ("Call", ("Parameters", "id.$"), ("Arguments", "id"), "f.state_input.id"),
        ("Call", ("ResultSelector", "n.$"), ("Output", "n"), "f.result.n"),
        ("Send", ("Parameters", "QueueUrl.$"), ("Arguments", "QueueUrl"), "f.state_input.url"),
        ("Keep", ("Assign", "kept.$"), ("Assign", "kept"), "f.result.number"),
        ("Shape", ("Parameters", "at.$"), ("Output", "at"), "f.context.State.EnteredTime"),
    ],
)
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_what_a_state_gets_and_gives_is_found_where_it_was_said(
    state: str, by_path: AslPath, by_jsonata: AslPath, said: str, language: Literal["JSONPath", "JSONata"]
) -> None:
    path = by_path if language == "JSONPath" else by_jsonata
    shaped = f.StateMachine("shaped", SHAPED, query_language=language)
    value: Any = f.dump(shaped)["States"][state]
    for step in path:
        value = value[step]
    span = shaped.span(("States", state, *path))
    assert span is not None
    assert linecache.getline(span.file, span.line)[span.column - 1 : (span.end_column or 0) - 1] == said


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("until=state_input.job.statsu == 'done'", 5),
        ("until=state_input.job.status == 'done', at_most=2,\n    failed=state_input.job.statsu == 'x'", 6),
        ("until=state_input.job.status == 'done',\n    at_most=state_input.job.mots", 6),
    ],
)
def test_a_mistake_in_an_argument_of_a_loop_is_at_that_argument(argument: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        "import flowdsl as f\nfrom flowdsl import state_input\n"
        "first = f.Pass('A', output={'job': {'status': 'a', 'most': 3}})\n"
        f"machine = f.StateMachine('m', f.repeat(first,\n    {argument},\n), query_language='JSONata')\n"
    )
    problems = [each for each in project.review(project.load(file), packaging=False) if each.code == "FD801"]
    assert [each.span and each.span.line for each in problems] == [line]
