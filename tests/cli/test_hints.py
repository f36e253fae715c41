"""Hints in the author's words, at the place that has to change."""

from __future__ import annotations

import json

import pytest

HEAD = """\
from typing import Any

import flowdsl as f

X = f.state_input.x
WORK = f.Function("work", "handlers/greet")
"""
HELPER = """
def step(name: str, **fields: Any) -> f.Task:
    return f.Task(name, WORK, **fields)


machine = f.StateMachine(
    "m",
    f.chain(
        step("A", timeout=0),
        step("B"),
        step("C", into="$.x"),
    ),
)
"""


def test_a_mistake_in_a_helpers_keyword_is_at_the_callers_line(project):
    project.write("flow.py", HEAD + HELPER)
    found = json.loads(project.run("check", "flow.py", "--format", "json").stdout)
    lines = (HEAD + HELPER).splitlines()
    assert [lines[each["line"] - 1].strip()[:9] for each in found] == ['step("A",', 'step("C",']
    assert [each["column"] for each in found] == [27, 24]


def test_the_place_of_the_call_comes_along(project):
    project.write("flow.py", HEAD + HELPER.replace("**fields)", "timeout=0)"))
    found = json.loads(project.run("check", "flow.py", "--format", "json").stdout)
    assert [each["called_at"] for each in found] == ["flow.py:15:9", "flow.py:16:9", "flow.py:17:9"]
    assert project.run("check", "flow.py", "--format", "github").stdout.count("called at flow.py:1") == 3


def test_a_forgotten_query_language_is_one_message(project):
    steps = ", ".join(f'f.Pass("P{n}", output={{"a": f.fn.sum(X)}})' for n in range(5))
    project.write("flow.py", f"{HEAD}\nmachine = f.StateMachine('m', f.chain({steps}))\n")
    found = json.loads(project.run("check", "flow.py", "--format", "json").stdout)
    assert len(found) == 1
    assert "fn.sum needs JSONata, and so do 4 more" in found[0]["message"]
    assert 'query_language="JSONata"' in found[0]["hint"]


@pytest.mark.parametrize(
    ("steps", "code", "message", "hint"),
    [
        ('f.Choice("C")', "FD104", "no rules", "when("),
        ("f.chain()", "FD103", "no steps", "chain(Pass("),
        ('f.Parallel("P", f.chain())', "FD103", "no steps", "chain(Pass("),
        ('f.Choice("C", f.when(X == 1), default=f.goto("C"))', "FD212", "name of a state", 'otherwise=goto("C")'),
        ('f.Task("T", WORK, retry=f.retry(["A"]))', "FD212", "an error is a name", 'retry("A")'),
        ('f.Choice("C", f.when(X == 1, [f.Pass("A")]))', "FD214", "a list is not a step", "one after the other"),
        ('f.Choice("C", f.when(X == 1, f.retry("A")))', "FD214", "retry(...) is not a step", ""),
        ('f.Wait("W", seconds="60")', "FD103", "an integer", "write 60 without quotes"),
        ('f.chain(f.Pass("A"), "A")', "FD703", "'A' is not a step", "goto('A')"),
        ('f.Pass("P"), defaults=f.Defaults(retries=1)', "FD703", "no argument 'retries'", "did you mean 'retry'"),
        ('f.Pass("P", output={"x": 1}) >> f.Choice("C", f.when(X > "3"))', "FD803", '$.x > "3" is never', ""),
    ],
)
def test_a_hint_says_what_to_write(project, steps, code, message, hint):
    project.write("flow.py", f"{HEAD}\nmachine = f.StateMachine('m', {steps})\n")
    (found,) = json.loads(project.run("check", "flow.py", "--format", "json").stdout)
    assert found["code"] == code
    assert message in found["message"]
    assert "Function(" not in found["message"], "no Python repr"
    assert hint in found.get("hint", "")


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("f.Defaults(retries=1)", "Defaults(...) has no argument 'retries'", "retry"),
        ("f.Defaults(xyz=1)", "Defaults(...) has no argument 'xyz'", "its arguments are "),
        ("f.fn.lenght('a')", "module 'flowdsl.fn' has no attribute 'lenght'", "did you mean 'length'?"),
        ("f.fn.substring('a', 1, lenght=2)", "substring(...) has no argument 'lenght'", "did you mean 'length'?"),
    ],
)
def test_a_misspelt_name_is_corrected(project, written, message, hint):
    project.write("flow.py", f"import flowdsl as f\n\n{written}\n")
    (problem,) = json.loads(project.run("check", "flow.py", "--format", "json").stdout)
    assert message in problem["message"]
    assert hint in problem["hint"]
    assert problem["line"] == 3
