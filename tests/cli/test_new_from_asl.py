"""`flowdsl new --asl`: a project around an existing definition, which works at once."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flowdsl.project import Loaded
from flowdsl.scaffold.sample import find_sample
from tests.cli.conftest import ROOT
from tests.conformance_data import definitions

OWN = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:charge-card"
ELSEWHERE = "arn:aws:lambda:eu-west-1:123456789012:function:ship"
PAID = {
    "And": [{"Variable": "$.payment.status", "StringEquals": "paid"}, {"Variable": "$.amount", "NumericGreaterThan": 9}]
}
ORDER = {
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": OWN, "ResultPath": "$.payment", "TimeoutSeconds": 9, "Next": "Paid?"},
        "Paid?": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.payment.status", "StringEquals": "retry", "Next": "Pause"},
                {**PAID, "Next": "Each"},
            ],
            "Default": "No",
        },
        "Pause": {"Type": "Wait", "SecondsPath": "$.payment.delay", "Next": "Charge"},
        "No": {"Type": "Fail", "Error": "Declined"},
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ResultPath": None,
            "ItemProcessor": {
                "StartAt": "Ship",
                "States": {"Ship": {"Type": "Task", "Resource": ELSEWHERE, "TimeoutSeconds": 9, "End": True}},
            },
            "Next": "Approve",
        },
        "Approve": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "${Queue}", "MessageBody": {"token.$": "$$.Task.Token", "order.$": "$.id"}},
            "TimeoutSeconds": 60,
            "End": True,
        },
    },
}
INVOKE = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": ELSEWHERE, "Payload.$": "$"},
    "ResultPath": "$.price",
    "TimeoutSeconds": 9,
    "Next": "Known?",
}
KNOWN = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.price.Payload.currency", "StringEquals": "EUR", "Next": "Charge"}],
    "Default": "No",
}
PRICED = {"StartAt": "Price", "States": {"Price": INVOKE, "Known?": KNOWN, **ORDER["States"]}}


def run(folder, *command):
    env = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder.parent)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("as_yaml", [False, True])
def test_check_run_tests_and_build_work_at_once(project, as_yaml):
    text = yaml.safe_dump(PRICED, sort_keys=False) if as_yaml else json.dumps(PRICED)
    file = project.write("order.asl.yaml" if as_yaml else "order.asl.json", text)
    done = project.run("new", "order-flow", "--asl", str(file))
    assert done.exit_code == 0, done.stderr
    created = project.root / "order-flow"
    files = {str(each.relative_to(project.root)) for each in created.rglob("*") if each.is_file()}
    assert files == {*done.stdout.split()}
    done = run(created, sys.executable, "-m", "flowdsl", "check", "--strict")
    assert done.returncode == 0, done.stdout
    [line] = [line for line in (created / "README.md").read_text().splitlines() if "flowdsl run" in line]
    done = run(created, sys.executable, "-m", *shlex.split(line))
    assert done.returncode == 0, done.stderr
    done = run(created, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "1 snapshot passed" in done.stdout
    done = run(created, sys.executable, "-m", "flowdsl", "build")
    assert done.returncode == 0, done.stderr
    assert json.loads((created / "build/order-flow.asl.json").read_text()) == PRICED
    assert (created / "build/charge-card.zip").is_file()
    for command in (["check"], ["format", "--check"]):
        done = run(created, sys.executable, "-m", "ruff", *command, "--isolated", "--line-length=120")
        assert done.returncode == 0, done.stdout


def test_own_functions_become_stubs_and_others_stay_where_they_are(project):
    project.write("order.asl.json", ORDER)
    assert project.run("new", "order", "--asl", "order.asl.json").exit_code == 0
    folders = [each.name for each in (project.root / "order/handlers").iterdir() if each.is_dir()]
    assert folders == ["charge_card"]
    stub = (project.root / "order/handlers/charge_card/handler.py").read_text()
    assert "a mock of Charge stands in" in stub
    assert ELSEWHERE in (project.root / "order/flow.py").read_text()
    done = project.run("run", "order/flow.py", "--input", "{}", "--mock", "Ship={}")
    assert "charge-card is not written yet" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("template", ["template.yaml", "serverless.yml"])
def test_functions_of_a_template_are_copied(project, template):
    shutil.copytree(ROOT / "examples/migrating", project.root / "shop")
    (project.root / "pyproject.toml").unlink()
    project.write("shop/score/requirements.txt", "attrs==26.1.0\n")
    done = project.run("new", "scores", "--asl", f"shop/{template}")
    assert done.exit_code == 0, done.stderr
    [folder] = [each for each in (project.root / "scores/handlers").iterdir() if each.is_dir()]
    assert {each.name for each in folder.iterdir()} == {"__init__.py", "app.py", "requirements.in"}
    assert (folder / "app.py").read_bytes() == (project.root / "shop/score/app.py").read_bytes()
    done = run(project.root / "scores", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "2 passed" in done.stdout, done.stdout
    done = run(project.root / "scores", sys.executable, "-m", "flowdsl", "run", "--input", '{"amount": 1}')
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("gone.json", "FD702"),
        ("broken.json", "FD70"),
        ("other.json", "FD1"),
        ("two.yaml", "FD72"),
        ("hello.py", "FD702 hello.py is Python already"),
    ],
)
def test_a_bad_source_is_one_error_and_leaves_nothing(project, source, code):
    project.write("broken.json", '{"StartAt": "A", ')
    project.write("other.json", {"name": "package", "version": "1.0.0"})
    machine = (
        "{Type: AWS::StepFunctions::StateMachine, Properties: {Definition: {StartAt: A, States: {A: {Type: Pass}}}}}"
    )
    project.write("two.yaml", f"Resources:\n  One: {machine}\n  Two: {machine}\n")
    before = {*project.root.iterdir()}
    done = project.run("new", "order", "--asl", source)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"error {code}" in done.stderr
    assert "Traceback" not in done.stderr
    assert {*project.root.iterdir()} == before


def test_options_that_do_not_go_together(project):
    project.write("order.asl.json", ORDER)
    done = project.run("new", "order", "--machine", "One")
    assert (done.exit_code, "--machine is for --asl" in done.stderr) == (2, True)
    done = project.run("new", "order", "--asl", "order.asl.json", "--substitution", "Quue=x")
    assert (done.exit_code, "Queue" in done.stderr) == (2, True)
    assert not (project.root / "order").exists()
    project.write("order/mine.txt", "mine")
    done = project.run("new", "order", "--asl", "gone.json")
    assert "FD708 order already exists" in done.stderr


def sample(definition):
    return find_sample(Loaded(Path("flow.py"), "m", definition, ""))


def test_the_sample_takes_the_values_that_are_compared_and_no_more():
    found = sample(ORDER)
    assert found.states == ("Charge", "Paid?", "Each", "Ship", "Approve")
    assert found.results["Charge"]["status"] == "paid"
    assert found.input["amount"] > 9
    assert found.input.keys() == {"amount", "items", "id"}, "the payment is Charge's own result"
    assert found.callbacks.keys() == {"Approve"}


def test_the_sample_of_a_jsonata_definition():
    task = {"Type": "Task", "Resource": OWN, "Output": "{% $merge([$states.input, {'paid': $states.result}]) %}"}
    rule = {"Condition": "{% $states.input.paid.ok = true and $states.input.n > 3 %}", "Next": "Good"}
    states = {
        "A": {**task, "Assign": {"who": "{% $states.result.by %}"}, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [rule], "Default": "Bad"},
        "Good": {"Type": "Pass", "Output": "{% $who.name & '!' %}", "End": True},
        "Bad": {"Type": "Fail", "Error": "Bad"},
    }
    found = sample({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    assert found.results == {"A": {"ok": True, "by": {"name": "text"}}}
    assert found.input == {"n": 4}


def test_a_definition_that_only_fails_or_never_ends_has_no_sample():
    assert sample({"StartAt": "F", "States": {"F": {"Type": "Fail"}}}) is None
    loop = {"W": {"Type": "Wait", "Seconds": 1, "Next": "P"}, "P": {"Type": "Pass", "Next": "W"}}
    assert sample({"StartAt": "W", "States": loop}) is None


def test_most_definitions_of_others_have_a_sample():
    """No recording breaks the search; what has no sample gets a project without that test."""
    every = [case["definition"] for case in definitions() if isinstance(case["definition"], dict)]
    machines = [each for each in every if isinstance(each.get("States"), dict)][::9]
    results = [sample(each) for each in machines if _is_sound(each)]
    assert sum(each is not None for each in results) > len(results) / 3


def _is_sound(definition):
    from flowdsl.check import check

    return not [each for each in check(definition) if each.severity == "error"]
