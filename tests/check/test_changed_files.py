"""A process that loads a flow again after its files have changed, as a watcher or a notebook does."""

from pathlib import Path

import pytest

from flowdsl.base.diagnostics import Diagnostic
from flowdsl.project import diagnose, load

FLOW = """from flowdsl import Function, StateMachine, Task, Wait, chain
charge = Task("Charge", Function("charge", "charge"), into="charge")
machine = StateMachine("pay", chain(charge, Wait("Rest", seconds=charge.out.pause)))
"""
HANDLER = """from typing import TypedDict
class Result(TypedDict):
    {field}: int
def handler(event: dict, context: object) -> Result:
    return {{"{field}": 5}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "pay"\nversion = "1"\n')
    return tmp_path


def problems(folder: Path, text: str) -> list[Diagnostic]:
    """Of the flow, once it has this text."""
    file = folder / "pay_flow.py"
    file.write_text(text)
    return [each for loaded in load(file) for each in diagnose(loaded)]


def flow(*lines: str) -> str:
    return "\n".join(("from flowdsl import StateMachine, Wait", *lines, ""))


@pytest.mark.parametrize(
    "changed",
    [
        flow("# a line", "machine = StateMachine('pay', Wait('A',", "    comment='é', seconds=-5))"),
        flow("pause = -5", "machine = StateMachine('Größe', Wait('A', seconds=pause))"),
    ],
    ids=["other lines", "a name"],
)
def test_a_mistake_is_shown_where_it_is_now(folder, changed):
    before = flow("machine = StateMachine('pay', Wait('A', seconds=-5))")
    for text in (before, changed, before):
        (problem,) = problems(folder, text)
        assert problem.span is not None
        line = text.splitlines()[problem.span.line - 1]
        assert line[problem.span.column - 1 :].startswith(("-5", "pause"))


def test_a_comment_ignores_what_is_there_now(folder):
    plain = flow("machine = StateMachine('pay', Wait('A', seconds=-5))")
    (code,) = {each.code for each in problems(folder, plain)}
    assert not problems(folder, plain.replace("-5))", f"-5))  # flowdsl: ignore[{code}] a test"))
    assert problems(folder, plain)


def test_a_handler_answers_what_it_answers_now(folder):
    handler = folder / "charge" / "handler.py"
    handler.parent.mkdir()
    for field, codes in (("pause", []), ("paused_for", ["FD801"]), ("pause", [])):
        handler.write_text(HANDLER.format(field=field))
        assert [each.code for each in problems(folder, FLOW)] == codes
