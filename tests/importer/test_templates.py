"""`flowdsl import` of templates: SAM, CloudFormation, serverless.yml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowdsl import project
from flowdsl.cli import app

SAM = """\
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20}}
Resources:
  Score:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/score
      Handler: app.main
      Runtime: python3.13
      Environment: {Variables: {MODE: fast, TABLE: !Ref Table}}
  Notify: {Type: AWS::Serverless::Function, Properties: {CodeUri: notify, Handler: index.handler, Runtime: nodejs22.x}}
  Pay:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: payments
      Tags: {team: payments}
      Definition:
        Comment: Takes a payment
        StartAt: Score
        States:
          # ask the model first
          Score: {Type: Task, Resource: !GetAtt Score.Arn, Next: Notify}
          Notify: {Type: Task, Resource: !GetAtt Notify.Arn, Next: Store}
          Store:
            Type: Task
            Resource: !Sub arn:${AWS::Partition}:states:::sqs:sendMessage
            Parameters: {QueueUrl: !Ref Queue, MessageBody: paid}
            End: true
  Queue: {Type: AWS::SQS::Queue}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "pyproject.toml": "",
        "template.yaml": SAM,
        "functions/score/app.py": "def main(event, context):\n    return event\n",
        "src/setup.py": "def handler(event, context):\n    return event\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["import", *arguments])


def test_a_template_becomes_a_flow_with_its_functions(folder):
    done = run("template.yaml", "-o", "flow.py")
    assert done.exit_code == 0, done.stderr
    text = (folder / "flow.py").read_text()
    assert 'StateMachine("payments"' in text or 'StateMachine(\n    "payments"' in text
    assert "# ask the model first" in text
    [loaded] = project.load(folder / "flow.py")
    function = loaded.machine.functions["Score"]
    assert (function.source, function.handler, function.python) == ("functions/score", "app.main", "3.13")
    assert (function.timeout_seconds, function.memory, function.architecture) == (20, 128, "x86_64")
    assert function.environment == {"MODE": "fast"}
    states = loaded.definition["States"]
    assert states["Score"]["Resource"] == "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:Score"
    assert states["Notify"]["Resource"] == "${Notify.Arn}"
    assert states["Store"]["Resource"] == "arn:aws:states:::sqs:sendMessage"  # deploy writes the partition
    assert states["Store"]["Parameters"]["QueueUrl"] == "${Queue}"
    assert not [each for each in project.review([loaded], packaging=False) if each.severity == "error"]


def test_what_is_not_imported_is_named_twice(folder):
    done = run("template.yaml", "-o", "flow.py")
    for text in (done.stderr, (folder / "flow.py").read_text()):
        assert "template.yaml:16" in text
        assert "Tags is not imported" in text
        assert "function Notify stays a reference to the template: its code is nodejs22.x" in text
    assert "template.yaml:11:3: warning FD724 function Notify" in done.stderr


def test_several_machines(folder):
    (folder / "template.yaml").write_text(
        SAM
        + SAM[SAM.index("  Pay:") : SAM.index("  Queue:")].replace("Pay:", "Refund:").replace("payments\n", "refunds\n")
    )
    done = run("template.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "error FD721 template.yaml has several state machines\n      = choose one with --machine: payments, refunds"
        in done.stderr
    )
    assert '"refunds"' in run("template.yaml", "--machine", "Refund").stdout


def test_serverless_yml(folder):
    (folder / "serverless.yml").write_text("""\
service: shop
provider: {name: aws, runtime: python3.12, stage: "${opt:stage, 'dev'}"}
functions:
  setup: {handler: src/setup.handler}
stepFunctions:
  stateMachines:
    pay:
      name: pay-${sls:stage}
      definition:
        StartAt: Setup
        States:
          Setup:
            Type: Task
            Resource:
              Fn::GetAtt: [setup, Arn]
            End: true
""")
    done = run("serverless.yml", "-o", "flow.py", "--substitution", "opt:stage=live")
    assert done.exit_code == 0, done.stderr
    [loaded] = project.load(folder / "flow.py")
    assert loaded.name == "pay-live"
    function = loaded.machine.functions["shop-live-setup"]
    assert (function.source, function.handler, function.python) == ("src", "setup.handler", "3.12")
    assert (function.timeout_seconds, function.memory) == (6, 1024)
    assert not project.review([loaded], packaging=False)


def test_substitutions(folder):
    text = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${Table}", "End": True}}})
    (folder / "m.asl.json").write_text(text)
    assert '"orders"' in run("m.asl.json", "--substitution", "Table=orders").stdout
    done = run("m.asl.json", "--substitution", "Tabel=orders")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean 'Table'?" in done.stderr


@pytest.mark.parametrize("key", ["Parameters", "Arguments"])
@pytest.mark.parametrize("partition", ["aws", "${AWS::Partition}"])
def test_a_function_that_lambda_invoke_calls_is_packaged(folder, key, partition):
    (folder / "charge").mkdir()
    (folder / "charge" / "app.py").write_text("def handler(event, context):\n    return {'paid': event['amount']}\n")
    payload = {"Payload.$": "$"} if key == "Parameters" else {"Payload": "{% $states.input %}"}
    call = {
        "Type": "Task",
        "Resource": f"arn:{partition}:states:::lambda:invoke",
        key: {"FunctionName": "${ChargeArn}", **payload},
        "End": True,
    }
    language = {"QueryLanguage": "JSONata"} if key == "Arguments" else {}
    resources = {
        "Charge": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "charge", "Handler": "app.handler", "Runtime": "python3.13"},
        },
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": {"StartAt": "Charge", "States": {"Charge": call}} | language,
                "DefinitionSubstitutions": {"ChargeArn": {"Fn::GetAtt": ["Charge", "Arn"]}},
            },
        },
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (folder / "template.json").write_text(json.dumps(template))
    done = run("template.json", "-o", "flow.py")
    assert done.exit_code == 0, done.stderr
    assert "aws.lambda_.invoke(" in (folder / "flow.py").read_text()
    [loaded] = project.load(folder / "flow.py")
    assert loaded.machine.functions["Charge"].source == "charge"
    name = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:Charge"
    assert loaded.definition["States"]["Charge"][key]["FunctionName"] == name
    done = CliRunner().invoke(app, ["run", "flow.py", "--input", '{"amount": 5}'])
    assert json.loads(done.stdout)["Payload"] == {"paid": 5}


@pytest.mark.parametrize("indent", [None, 2])
def test_what_cdk_synthesises(folder, indent):
    definition = {
        "Fn::Join": [
            "",
            [
                '{"StartAt":"Charge","States":{"Charge":{"End":true,"Type":"Task","Resource":"arn:',
                {"Ref": "AWS::Partition"},
                ':states:::lambda:invoke","Parameters":{"FunctionName":"',
                {"Fn::GetAtt": ["Charge1A2B3C4D", "Arn"]},
                '","Payload.$":"$"}}}}',
            ],
        ]
    }
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": definition}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Key": "x.zip"}, "Handler": "a.b"}}
    resources = {"Charge1A2B3C4D": function, "Pay0A1B2C3D": machine}
    (folder / "Stack.template.json").write_text(json.dumps({"Resources": resources}, indent=indent))
    done = run("Stack.template.json", "-o", "flow.py")
    assert done.exit_code == 0, done.stderr
    [loaded] = project.load(folder / "flow.py")
    assert loaded.name == "Pay"
    assert loaded.definition["States"]["Charge"]["Parameters"]["FunctionName"] == "${Charge.Arn}"
