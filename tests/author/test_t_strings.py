"""t-strings, which Python has from 3.14 on: they mean what the f-string of the same text means."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import flowdsl as f
from flowdsl.author.fields import Language
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import execute, prepare

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="t-strings need Python 3.14")

NAMES = {"f": f, "state_input": f.state_input, "var": f.var, "fn": f.fn}
INPUT = {"id": "7", "n": 5}


def value(text: str) -> Any:
    """The value of a Python expression; the file of this test has to be read by older Pythons, too."""
    return eval(text, NAMES)


def machine(output: Any, language: Language = "JSONata") -> f.StateMachine:
    return f.StateMachine("m", f.Pass("A", output={"v": output}), query_language=language)


SAME = [
    '"don-{state_input.id}"',
    '"{state_input.n}"',
    '"{state_input.id}{state_input.n}!"',
    '"{{{state_input.n}}} it\'s \\"quoted\\""',
    '"{fn.uppercase(state_input.id)} and {state_input.n + 1}"',
]


@pytest.mark.parametrize("text", SAME)
def test_a_t_string_is_written_as_the_f_string(text: str) -> None:
    template, formatted = machine(value("t" + text)), machine(value("f" + text))
    assert not template.problems
    assert f.dump(template) == f.dump(formatted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('t"don-{state_input.id}/{state_input.n}"', "don-7/5"),
        ("t\"a{t'{state_input.id}b'}{f'{state_input.n}c'}\"", "a7b5c"),
        ("t\"{state_input.id} it's {'const'} {5:03d} {None!r}\"", "7 it's const 005 None"),
        ('t""', ""),
        ('t"plain {1}"', "plain 1"),
    ],
)
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_the_text_when_the_flow_runs(text: str, expected: str, language: Language) -> None:
    made = machine(value(text), language)
    assert not made.problems
    result = execute(prepare(f.dump(made)), INPUT, invoke=LocalLambdas({}))
    assert result.output == {"v": expected}


def test_t_strings_in_conditions_payloads_and_jsonata() -> None:
    assert f.dump(machine(value('f.jsonata(t"1 + {state_input.n}")')))["States"]["A"]["Output"] == {
        "v": "{% 1 + $states.input.n %}"
    }
    assert f.dump(machine(value('state_input.id == t"x{state_input.n}"')))["States"]["A"]["Output"] == {
        "v": "{% $states.input.id = 'x' & $states.input.n %}"
    }


@pytest.mark.parametrize("text", ['t"{state_input.n:.2f}"', 't"{state_input.n!r}"'])
def test_an_expression_is_not_formatted(text: str) -> None:
    (problem,) = machine(value(text)).problems
    assert "formats a value that is known only when the flow runs" in problem.message


@pytest.mark.parametrize(
    "text",
    ['f.Pass(t"A")', 'f.goto(t"A")', 'f.Function(t"x{state_input.n}")'],
)
def test_names_are_constant_text(text: str) -> None:
    with pytest.raises(TypeError):
        value(text)


@pytest.mark.parametrize("text", ['f.Task("B", t"arn:{state_input.n}")', 'f.Pass("A", into=t"x")'])
def test_fields_that_take_constants(text: str) -> None:
    (problem,) = f.StateMachine("m", value(text), query_language="JSONata").problems
    assert "t-string" in problem.message or "Template" in problem.message
