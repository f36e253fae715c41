"""Definitions come back equal, as code that a person would have written."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner

from flowdsl import project
from flowdsl.base.diagnostics import FlowError
from flowdsl.cli import app
from flowdsl.importer.command import find_mistakes
from flowdsl.importer.convert import converted
from flowdsl.importer.source import Imported
from tests.importer.corpus import measured, recorded

TASK = "arn:aws:lambda:eu-west-1:123456789012:function:work"


def imported(states: dict[str, Any], **fields: Any) -> str:
    """The body of the module for a definition that starts with its first state."""
    return converted([Imported("m", {**fields, "StartAt": next(iter(states)), "States": states})]).text


@pytest.mark.slow
def test_every_recorded_definition_comes_back_equal() -> None:
    results = []
    for name, definition in recorded():
        find_mistakes(Imported(name, definition))  # raises if the command would refuse it
        results.append(measured(name, definition))  # raises if it does not come back equal
    assert median(each.ratio for each in results) <= 0.4
    assert sum(each.raw for each in results) < 0.02 * sum(each.states for each in results)


@pytest.mark.slow
def test_the_text_is_as_ruff_formats_it(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for number, (name, definition) in enumerate(recorded()[::3]):
        (tmp_path / f"flow_{number}.py").write_text(measured(name, definition).module.text)
    command = [
        ruff,
        "format",
        "--isolated",
        "--line-length",
        "120",
        "--target-version",
        "py311",
        "--diff",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000]
    command = [ruff, "check", "--isolated", "--line-length", "120", "--select", "F,I", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:3000]


def test_a_loop_that_asks_again_is_repeat() -> None:
    text = imported(
        {
            "Submit": {"Type": "Task", "Resource": TASK, "ResultPath": "$.job", "Next": "Check"},
            "Check": {"Type": "Task", "Resource": TASK, "ResultPath": "$.status", "Next": "Done?"},
            "Done?": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.status.state", "StringEquals": "SUCCEEDED", "Next": "Report"},
                    {"Variable": "$.status.state", "StringEquals": "FAILED", "Next": "Failed"},
                ],
                "Default": "Pause",
            },
            "Pause": {"Type": "Wait", "Seconds": 30, "Next": "Check"},
            "Failed": {"Type": "Fail", "Error": "JobFailed"},
            "Report": {"Type": "Task", "Resource": TASK, "End": True},
        }
    )
    assert "from flowdsl import StateMachine, Task, Wait, chain, fail, repeat, when\n" in text
    assert "repeat(\n" in text
    assert 'until=check.out.state == "SUCCEEDED"' in text
    assert 'failed=when(check.out.state == "FAILED", fail("Failed", error="JobFailed"))' in text
    assert 'between=Wait("Pause", seconds=30)' in text


def test_three_states_with_one_catch_are_guarded() -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Tell"}]
    work = {"Type": "Task", "Resource": TASK, "Catch": caught}
    text = imported(
        {
            "A": {**work, "Next": "B"},
            "B": {**work, "Next": "C"},
            "C": {**work, "Next": "Done"},
            "Tell": {"Type": "Task", "Resource": TASK, "Next": "Failed"},
            "Failed": {"Type": "Fail"},
            "Done": {"Type": "Succeed"},
        }
    )
    assert text.count("catch(") == 1
    assert "guard(" in text
    assert 'tell = chain(Task("Tell"' in text


def test_joins_fall_through() -> None:
    text = imported(
        {
            "Big?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big"}],
                "Default": "Small",
            },
            "Big": {"Type": "Pass", "Next": "After"},
            "Small": {"Type": "Pass", "Next": "After"},
            "After": {"Type": "Pass", "End": True},
        }
    )
    assert 'Choice("Big?", when(state_input.n > 5, Pass("Big")), otherwise=Pass("Small")),' in text
    assert "goto" not in text


def test_a_choice_without_a_way_on_stays_one() -> None:
    text = imported(
        {
            "Ask": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": False, "Next": "A"}]},
            "A": {"Type": "Pass", "End": True},
        }
    )
    assert "when(is_present(state_input.a) == False" in text
    assert "otherwise=None" in text


def test_texts_of_a_definition_never_become_code() -> None:
    evil = '"); __import__("os").system("exit 1"); ("'
    states = {
        evil: {"Type": "Pass", "Comment": 'x"""\n\\', "Result": {evil: "\ud800 {% ' \" %}"}, "Next": "B\n"},
        "B\n": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"Message.$": f"States.Format('{{}} \\'{evil}\\'', $.a)", "TopicArn": "{x}"},
            "ResultPath": "$['it\\'s']",
            "End": True,
        },
    }
    tree = ast.parse(imported(states))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called == {"StateMachine", "chain", "Pass", "Task", "aws.sns.publish"}


def test_the_command_writes_a_file_once(tmp_path: Path) -> None:
    source = tmp_path / "two words.asl.json"
    source.write_text(json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
    target = tmp_path / "flow.py"
    run = CliRunner()
    done = run.invoke(app, ["import", str(source), "-o", str(target)])
    assert (done.exit_code, done.stdout) == (0, "")
    (loaded,) = project.load(target)
    assert (loaded.name, loaded.definition) == ("two-words", json.loads(source.read_text()))
    again = run.invoke(app, ["import", str(source), "-o", str(target)])
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run.invoke(app, ["import", str(source), "-o", str(target), "--force"]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".json"] == ["flow.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        ('{"StartAt": "A"}', "States"),
        ('{"StartAt": "A",\n "States": {"A": {"Type": "Pass", "Next": "B"}}}', ":2:"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "m.asl.json"
    source.write_text(text)
    target = tmp_path / "flow.py"
    done = CliRunner().invoke(app, ["import", str(source), "-o", str(target)])
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not target.exists()


def test_mistakes_that_are_asl_are_imported_and_named() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$unknown", "End": True}}}
    done = CliRunner().invoke(app, ["import", "-"], input=json.dumps(definition))
    assert done.exit_code == 0
    assert 'Pass("A", output=var.unknown)' in done.stdout
    assert "variable 'unknown' is never assigned" in done.stderr


def test_a_wrong_name_is_refused() -> None:
    done = CliRunner().invoke(app, ["import", "-", "--name", "two words"], input='{"StartAt": "A", "States": {}}')
    assert done.exit_code == 2
    assert "invalid state machine name 'two words'" in done.stderr


def test_standard_input_and_yaml() -> None:
    text = "StartAt: A\nStates:\n  A:\n    Type: Succeed\n"
    done = CliRunner().invoke(app, ["import", "-", "--name", "hello"], input=text)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == 'from flowdsl import StateMachine, Succeed\n\nmachine = StateMachine("hello", Succeed("A"))\n'


def test_comments_of_yaml_stand_above_their_states() -> None:
    states = "  A:\n    Type: Pass  # nothing yet\n    Next: B\n  B: {Type: Succeed}\n"
    text = f"# Handles a note.\nStartAt: A\nStates:\n{states}"
    done = CliRunner().invoke(app, ["import", "-"], input=text)
    assert '# nothing yet\na = Pass("A")\n# Handles a note.\nmachine = ' in done.stdout


def test_a_value_that_python_cannot_nest_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(240):
        deep = [deep]
    with pytest.raises(FlowError, match="FD730 the definition is nested too deeply to be imported"):
        imported({"A": {"Type": "Pass", "Result": deep, "End": True}})


def test_what_no_flow_can_say_is_named() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "\ue0f0xY0\ue0f1", "End": True}}}
    with pytest.raises(FlowError, match="'A' cannot be written"):
        converted([Imported("m", definition)])
