"""What is said to authors of Python, and what is left out because something else explains it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, as_aws
from flowdsl.check import check

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:pay"


def found_in(tmp_path: Path, steps: str) -> list[Diagnostic]:
    """What is found in a machine whose steps are this text."""
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(f"from flowdsl import *\nFUNCTION = {FUNCTION!r}\nmachine = StateMachine('m', {steps})\n")
    return [each for loaded in project.load(file) for each in project.diagnose(loaded)]


HINTS = {
    "Task('A', FUNCTION, tiemout=60)": "did you mean timeout=…?",
    "Wait('A', seconds=1, second=3)": "did you mean seconds=…?",
    "Pass('A', seconds=3)": "only Wait states have seconds=",
    "Wait('A')": "add seconds=… or timestamp=…",
    "Map('A', items=[1], processor=Pass('B'))": (
        'use a path, such as items=state_input.lines, or set query_language="JSONata" on the state'
    ),
    "Choice('A', when('x == 1', Pass('B')), otherwise=end())": (
        'compare a value of the flow, as in state_input.status == "paid"'
    ),
    "chain(Pass('A'), goto('A'))": "add a way out: end(), a Succeed state or a Fail state",
    "Pass('A', parameters={'a': '$.b.c'})": "to insert the value at a path, write state_input.b.c without quotes",
    "Pass('A', parameters={'a': '$$.State.Name'})": "to insert a value of the context object, write context.…",
    "Choice('A', when(state_input.a == '$.b', end()))": (
        "to compare with the value at a path, write state_input.b without quotes"
    ),
    "Pass('A', input_path='$.a'), query_language='JSONata'": "write state_input.… where you use the value",
    "Map('A', items_path='$.a', processor=Pass('B')), query_language='JSONata'": 'use items=jsonata("…")',
}


@pytest.mark.parametrize("steps", HINTS)
def test_hints_for_authors_of_python(steps: str, tmp_path: Path) -> None:
    assert [each.hint for each in found_in(tmp_path, steps)] == [HINTS[steps]]


@pytest.mark.parametrize(
    ("steps", "codes"),
    [
        ("chain(Choice('A', when(state_input.a == 1, goto('Refusd')), otherwise=end()), Pass('Refused'))", ["FD401"]),
        ("chain(Pass('A'), Pass('A'), Pass('B'))", ["FD201"]),
        ("chain(Pass('A'), end(), Pass('B'))", ["FD210"]),
    ],
)
def test_what_follows_from_another_mistake_is_left_out(steps: str, codes: list[str], tmp_path: Path) -> None:
    assert [each.code for each in found_in(tmp_path, steps)] == codes


def test_a_state_that_nothing_explains_is_unreachable() -> None:
    states: dict[str, Any] = {"A": {"Type": "Pass", "Next": "Refusd"}, "Refused": {"Type": "Pass", "Next": "Then"}}
    states |= {name: {"Type": "Pass", "End": True} for name in ("Then", "Elsewhere")}
    found = check({"StartAt": "A", "States": states})
    assert [(each.code, each.path[2]) for each in found if each.path[-1] != "Elsewhere"] == [("FD401", "Next")]
    assert [each.code for each in found if each.path[-1] == "Elsewhere"] == ["FD402"]


@pytest.mark.parametrize("field", ["ItemsPath", "MaxConcurrencyPath"])
def test_a_twin_of_the_other_language_is_said_once(field: str) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "Items": [1], "MaxConcurrency": 1, field: "$.a", "ItemProcessor": inner, "End": True}
    found = check({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": state}})
    assert [each.code for each in found] == ["FD105"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("MaxConcurrency", -1, "Minimum value is 0"),
        ("ToleratedFailureCount", -1, "Minimum value is 0"),
        ("ToleratedFailurePercentage", -1, "Minimum value is 0.0"),
        ("ToleratedFailurePercentage", 101, "Maximum value is 100.0"),
        ("ItemBatcher", {"MaxItemsPerBatch": -1}, "Minimum value is 0"),
        ("ToleratedFailureCount", "1", None),
    ],
)
def test_what_aws_says_of_numbers_out_of_bounds(field: str, value: Any, said: str | None) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    mode = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    state = {"Type": "Map", field: value, "ItemProcessor": {**mode, **inner}, "End": True}
    (found,) = check({"StartAt": "M", "States": {"M": state}})
    assert (found.code, found.aws_message) == ("FD103", said)


@pytest.mark.parametrize("language", ["JSON", 1, None])
def test_a_misspelt_query_language_is_taken_for_jsonata(language: Any) -> None:
    state = {"Type": "Pass", "QueryLanguage": language, "Output": {}, "End": True}
    assert [each.code for each in check({"StartAt": "A", "States": {"A": state}})] == ["FD103"]


def test_a_missing_end_comes_after_a_missing_target_for_aws() -> None:
    found = check({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "NOPE"}}})
    assert json.loads(as_aws(found))["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "MISSING_TRANSITION_TARGET",
            "message": "Missing 'Next' target: NOPE",
            "location": "/States/A/Next",
        },
        {"severity": "ERROR", "code": "MISSING_END_STATE", "message": "Workflow has no terminal state"},
    ]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("a[1,2)", 'Expected "]", got ","'),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("1 +", "Unexpected end of expression"),
    ],
)
def test_what_aws_says_of_what_is_no_jsonata(expression: str, said: str) -> None:
    pytest.importorskip("jlens")
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}", "End": True}
    (found,) = check({"StartAt": "A", "States": {"A": state}})
    assert (found.aws, found.aws_message) == ("INVALID_JSONATA_EXPRESSION", said)


ARNS = {
    "arn:aws:lambda:eu-west-1:1234:functio:foo": ["FD651"],
    "arn:aws:lambda:eu-west-1:1234:function:foo": ["FD651"],
    "arn:aws:lambda:eu-west-1:123456789012:function:": ["FD651"],
    "arn:aws:lambda:eu-west-1:123456789012:function:foo:bar:baz": ["FD651"],
    "arn:aws:lambda:eu-west-1:123456789012:function:foo": [],
    "arn:aws:lambda:eu-west-1:123456789012:function:foo:$LATEST": [],
    "arn:aws:lambda:REGION:ACCOUNT_ID:function:FUNCTION_NAME": [],
    "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:foo": [],
    "arn:aws:lambda:us-east-1:123456789012:${Function}": [],
}


@pytest.mark.parametrize("arn", ARNS)
def test_arns_of_functions(arn: str) -> None:
    found = check({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": arn, "End": True}}})
    assert [each.code for each in found] == ARNS[arn]
    assert {each.aws for each in found} <= {None}, "AWS saves them"
