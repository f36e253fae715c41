"""`check`, `run`, `test-state` and `build` on templates and on objects of the Data Science SDK."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Score:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/score, Handler: app.main, Runtime: python3.13}
  Pay:
    Type: AWS::Serverless::StateMachine
    Properties:
      Tags: {team: payments}
      DefinitionSubstitutions:
        ScoreArn: !GetAtt Score.Arn
        Delay: !Ref "AWS::NoValue"
      Definition:
        StartAt: Score
        States:
          Score: {Type: Task, Resource: "${ScoreArn}", ResultPath: $.score, Next: Store}
          Store:
            Type: Task
            Resource: arn:aws:states:::dynamodb:putItem
            Parameters: {TableName: "${Table}", Item: {id: {S: "1"}}}
            End: true
"""
HANDLER = "def main(event, context):\n    return {'scored': event['amount'], 'name': context.function_name}\n"
STORED = ("--mock", "Store={}")
AMOUNT = ("--input", '{"amount": 5}')


@pytest.fixture
def sam(project) -> Any:
    project.write("template.yaml", TEMPLATE)
    project.write("functions/score/app.py", HANDLER)
    return project


def test_check(sam):
    done = sam.run("check", "template.yaml")
    assert done.exit_code == 0
    assert "template.yaml:20:37: warning FD723 nothing replaces ${Table} (state 'Store')" in done.stdout
    assert "not imported" not in done.stdout
    assert sam.run("check", "template.yaml", "--substitution", "Table=payments").stderr == "Pay: no mistakes found\n"
    sam.write("template.yaml", TEMPLATE.replace("Next: Store", "Next: Stroe"))
    done = sam.run("check", "template.yaml", "--substitution", "Table=payments")
    assert done.exit_code == 2
    assert "template.yaml:16:83: error FD401" in done.stdout
    done = sam.run("check", "template.yaml", "--substitution", "Tabel=x")
    assert (done.exit_code, done.stdout.count("FD725")) == (2, 1)
    assert "= did you mean 'Table'?" in done.stdout


@pytest.mark.slow
def test_run_calls_the_functions_of_the_template(sam):
    done = sam.run("run", "template.yaml", *AMOUNT, *STORED)
    assert json.loads(done.stdout) == {}, done.stderr
    done = sam.run("test-state", "template.yaml", "--state", "Score", *AMOUNT)
    assert json.loads(json.loads(done.stdout)["output"])["score"]["scored"] == 5
    sam.write("other/handler.py", "def handler(event, context): return 'other'\n")
    for name in ("ScoreArn", "Score", "Score.Arn"):
        done = sam.run("test-state", "template.yaml", "--state", "Score", *AMOUNT, "--handler", f"{name}=other")
        expected = "other" if name == "ScoreArn" else 5
        output = json.loads(json.loads(done.stdout)["output"])["score"]
        assert (output if name == "ScoreArn" else output["scored"]) == expected


def test_build(sam):
    done = sam.run("build", "template.yaml", "--asl-only", "--substitution", "Table=payments")
    assert (done.exit_code, done.stdout) == (0, "build/Pay.asl.json\nbuild/manifest.json\n")
    built = json.loads((sam.root / "build/Pay.asl.json").read_text())
    assert built["States"]["Store"]["Parameters"]["TableName"] == "payments"
    assert built["States"]["Score"]["Resource"] == "${ScoreArn}"


def test_several_machines(sam):
    both = TEMPLATE + TEMPLATE[TEMPLATE.index("  Pay:") :].replace("Pay:", "Refund:")
    sam.write("template.yaml", both)
    done = sam.run("run", "template.yaml", "--substitution", "Table=t")
    assert done.exit_code == 2
    assert "choose one with --machine: Pay, Refund" in done.stderr
    done = sam.run("build", "template.yaml", "--asl-only", "--substitution", "Table=t")
    assert done.stdout == "build/Pay.asl.json\nbuild/Refund.asl.json\nbuild/manifest.json\n"


def test_a_json_template_and_serverless_yml(project):
    asl = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"Definition": asl}}
    project.write("stack.template.json", {"Resources": {"Pay": machine}})
    definition = "{StartAt: A, States: {A: {Type: Succeed}}}"
    text = f"service: s\nprovider: {{}}\nstepFunctions: {{stateMachines: {{pay: {{definition: {definition}}}}}}}\n"
    project.write("serverless.yml", text)
    assert project.run("check", "stack.template.json", "serverless.yml").stderr == "Pay, pay: no mistakes found\n"


PLAIN = '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${Delay}, "Next": "B"}, "B": {"Type": "Task", '
PLAIN += '"Resource": "${ScoreArn}", "End": true}}}'


@pytest.mark.slow
def test_a_definition_with_placeholders(project):
    project.write("pay.asl.json", PLAIN)
    project.write("score/handler.py", "def handler(event, context): return 7\n")
    assert project.run("check", "pay.asl.json").stderr == "pay: no mistakes found\n"
    done = project.run("run", "pay.asl.json", "--handler", "ScoreArn=score", "--substitution", "Delay=5")
    assert done.stdout == "7\n", done.stderr
    assert "waited 0:00:05" in done.stderr
    done = project.run("run", "pay.asl.json", "--substitution", "Delay=5")
    assert "use --handler ScoreArn=FOLDER" in done.stderr
    done = project.run("build", "pay.asl.json", "--asl-only", "--substitution", "Delay=5")
    assert json.loads((project.root / "build/pay.asl.json").read_text())["States"]["A"]["Seconds"] == 5
    done = project.run("check", "pay.asl.json", "--substitution", "Delay")
    assert done.exit_code == 2
    assert "write NAME=VALUE" in done.stderr


def test_placeholders_of_a_flow_in_python(project):
    project.write(
        "flow.py", 'from flowdsl import Pass, StateMachine\nmachine = StateMachine("m", Pass("A", result="${Table}"))\n'
    )
    done = project.run("build", "flow.py", "--asl-only", "--substitution", "Table=payments")
    assert done.exit_code == 0
    assert json.loads((project.root / "build/m.asl.json").read_text())["States"]["A"]["Result"] == "payments"


SDK = """\
from stepfunctions.steps import Chain, Graph, Pass, Task
from stepfunctions.steps.states import Graph

charge = Task(
    "Charge",
    resource="arn:aws:lambda:eu-west-1:123456789012:function:charge",
    result_path="$.charge",
    parameters={"name": "x-2026-11-28-13-51-12-123"},
)
steps = Chain([charge, Pass("Done")])
payment = Graph(steps, comment="Takes a payment")
"""


def test_a_file_with_a_graph_of_the_sdk(project):
    project.write("sdk.py", SDK)
    done = project.run("build", "sdk.py", "--asl-only")
    assert (done.exit_code, done.stdout) == (0, "build/payment.asl.json\nbuild/manifest.json\n")
    assert "sdk.py:8:" in done.stderr
    assert "warning FD728 name 'x-2026-11-28-13-51-12-123' has the time in it" in done.stderr
    built = json.loads((project.root / "build/payment.asl.json").read_text())
    assert built["Comment"] == "Takes a payment"
    assert [*built["States"]] == ["Charge", "Done"]
    project.write("sdk.py", SDK.replace('"$.charge"', '"charge"'))
    done = project.run("check", "sdk.py")
    assert done.exit_code == 2
    assert "sdk.py:7:17: error FD" in done.stdout


def test_a_file_with_a_chain_of_the_sdk(project):
    project.write("pay.py", SDK.partition("payment = ")[0].replace("-2026-11-28-13-51-12-123", ""))
    assert project.run("check", "pay.py").stderr == "pay: no mistakes found\n"
    project.write(
        "pay.py", 'from stepfunctions.steps import Chain, Pass\na = Chain([Pass("A")])\nb = Chain([Pass("B")])\n'
    )
    done = project.run("check", "pay.py")
    assert "pay.py:1:1: error FD705 this file has several chains of the Data Science SDK: a, b" in done.stdout


def test_a_bridged_flow_is_one_machine(project):
    flow = "from flowdsl import StateMachine\nfrom flowdsl.sdk import from_sdk\n" + SDK.replace(
        "-2026-11-28-13-51-12-123", ""
    )
    project.write("flow.py", flow + 'machine = StateMachine("bridged", from_sdk(payment))\n')
    assert project.run("check", "flow.py").stderr == "bridged: no mistakes found\n"


def test_the_sdk_is_not_installed(project, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "stepfunctions"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stepfunctions", None)
    project.write("sdk.py", SDK)
    done = project.run("check", "sdk.py")
    assert done.exit_code == 2
    assert 'the Data Science SDK needs older packages: pip install "flowdsl[stepfunctions]"' in done.stdout


def test_what_starts_a_state_machine_with_too_much(sam):
    rule = "Events: {Placed: {Type: EventBridgeRule, Properties: {Pattern: {source: [shop]}}}}"
    text = TEMPLATE.replace("Tags: {team: payments}", rule)
    sam.write("template.yaml", text)
    done = sam.run("check", "template.yaml", "--substitution", "Table=payments")
    assert (done.exit_code, done.stdout.count("warning")) == (0, 1)
    assert "template.yaml:9:16: warning FD729 event 'Placed' may send events of up to 1 MB" in done.stdout
    assert sam.run("check", "--strict", "template.yaml", "--substitution", "Table=payments").exit_code == 2
    comment = "Comment: 'flowdsl: ignore[FD729] an order has ten lines at most'"
    sam.write("template.yaml", text.replace("StartAt: Score", f"StartAt: Score\n        {comment}"))
    assert sam.run("check", "--strict", "template.yaml", "--substitution", "Table=payments").exit_code == 0
