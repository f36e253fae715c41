"""serverless.yml with serverless-step-functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.templates import Template, read_template

TEMPLATE = """\
service: payments
frameworkVersion: '3'
plugins: [serverless-step-functions]
custom:
  rates: &rates {Seconds: 5}
  prefix: ${self:service}-${opt:stage, 'dev'}
  wait: ${self:custom.rates.Seconds}
provider:
  name: aws
  runtime: python3.13
  stage: ${opt:stage, 'test'}
  environment: {STAGE: "${sls:stage}"}
functions:
  setup:
    handler: src/setup.handler
    timeout: 10
  charge-card:
    handler: src.charge.handler
    name: ${self:custom.prefix}-charge
stepFunctions:
  validate: true
  activities: [pick]
  stateMachines:
    pay:
      name: ${self:custom.prefix}-pay
      role: !GetAtt PayRole.Arn
      events: [{http: {path: pay, method: POST}}]
      definition:
        Comment: ${file(comment.yml):text.long}
        StartAt: Setup
        States:
          # first of all
          Setup:
            Type: Task
            Resource:
              Fn::GetAtt: [setup, Arn]
            Next: Charge
          Charge:
            Type: Task
            Resource: !GetAtt ChargeDashcardLambdaFunction.Arn
            Next: Rest
          Rest:
            Type: Wait
            <<: *rates
            Next: Old
          Old:
            Type: Task
            Resource: arn:aws:lambda:#{AWS::Region}:#{AWS::AccountId}:function:${self:custom.prefix}-charge
            Next: Secret
          Secret:
            Type: Pass
            Result: ${ssm:/pay/key}
            Next: Env
          Env:
            Type: Pass
            Result: ${env:HOME, 'none'}
            End: true
    other: ${file(other.yml)}
"""
OTHER = """\
type: EXPRESS
definition:
  StartAt: Only
  States:
    Only:
      Type: Wait
      Seconds: ${self:custom.wait}
      End: true
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, text: str) -> Path:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        return Path(name)

    write_file("comment.yml", "text: {long: Pays}\n")
    write_file("other.yml", OTHER)
    write_file("src/setup.py", "def handler(event, context): pass\n")
    write_file("src/charge.py", "def handler(event, context): pass\n")
    return write_file


@pytest.fixture
def template(write) -> Template:
    return read_template(write("serverless.yml", TEMPLATE))


def test_the_machines(template):
    pay, other = template.machines
    assert (pay.id, pay.name, pay.type, pay.role) == ("pay", "payments-dev-pay", "STANDARD", "${PayRole.Arn}")
    assert (other.id, other.name, other.type) == ("other", "other", "EXPRESS")
    states = pay.definition["States"]
    assert pay.definition["Comment"] == "Pays"
    assert states["Setup"]["Resource"] == "${setup.Arn}"
    assert states["Charge"]["Resource"] == "${charge-card.Arn}"
    assert states["Rest"] == {"Type": "Wait", "Seconds": 5, "Next": "Old"}
    arn = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:payments-dev-charge"
    assert states["Old"]["Resource"] == arn
    assert states["Env"]["Result"] == "none"
    assert other.definition["States"]["Only"]["Seconds"] == 5


def test_what_has_no_value_is_named(template):
    pay, other = template.machines
    assert pay.definition["States"]["Secret"]["Result"] == "${ssm:/pay/key}"
    [problem] = pay.problems
    assert problem.text().startswith("serverless.yml:52:21: warning FD722 ${ssm:/pay/key} has no value here; it stays")
    assert problem.hint == "give its value: --substitution 'ssm:/pay/key=…'"
    assert not other.problems


def test_what_is_not_imported_is_named(template):
    assert [each.message for each in template.notes] == ["activities is not imported"]
    assert [(str(each.span), each.message) for each in template.machines[0].notes] == [
        ("serverless.yml:27:7", "events is not imported")
    ]


def test_substitutions(write):
    file = write("serverless.yml", TEMPLATE)
    pay, _ = read_template(file, {"opt:stage": "live", "ssm:/pay/key": "k", "setup.Arn": "arn:x"}).machines
    assert pay.name == "payments-live-pay"
    assert pay.definition["States"]["Secret"]["Result"] == "k"
    assert pay.definition["States"]["Setup"]["Resource"] == "arn:x"
    with pytest.raises(FlowError, match="did you mean 'opt:stage'"):
        read_template(file, {"opt:stagee": "live"})


def test_functions(template, tmp_path):
    setup, charge = template.functions
    assert (setup.id, setup.name, setup.timeout, setup.runtime) == ("setup", "payments-test-setup", 10, "python3.13")
    assert setup.environment == {"STAGE": "test"}
    assert setup.place == f"{tmp_path}/src/setup.py:handler"
    assert (charge.name, charge.timeout) == ("payments-dev-charge", 6)
    assert charge.place == f"{tmp_path}/src/charge.py:handler"
    pay = template.machines[0]
    assert template.function_at(pay, pay.definition["States"]["Old"]["Resource"]) is charge
    assert template.function_at(pay, "${setup.Arn}") is setup


def test_places_and_comments(template):
    pay, other = template.machines
    assert str(pay.locate(("States", "Charge", "Resource"))) == "serverless.yml:40:23"
    assert str(other.locate(("States", "Only", "Type"))) == "other.yml:6:13"
    assert pay.comments == {("States", "Setup"): ("first of all",)}


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("${file(machine.js)}", "${file(machine.js)} has no value here"),
        ("${file(gone.yml)}", "error FD720 gone.yml does not exist"),
        ("${self:stepFunctions}", "the variables stand for too many values, or for one another"),
        ("{StartAt: 'a ${self:custom.prefix} ${self:provider}'}", "is an object or a list, in the middle of text"),
        ("{StartAt: '${AWS::AccountID}'}", "did you mean AWS::AccountId?"),
        ("{StartAt: '#{AWS::Regoin}'}", "did you mean AWS::Region?"),
        ("5", "error FD720 the definition of pay must be a JSON object"),
    ],
)
def test_mistakes(write, definition, text):
    head, _, _ = TEMPLATE.partition("stepFunctions:")
    machines = f"stepFunctions:\n  stateMachines:\n    pay:\n      definition: {definition}\n"
    file = write("serverless.yml", head + machines)
    with pytest.raises(FlowError) as caught:
        read_template(file)
    assert text in str(caught.value)
    assert "serverless.yml:2" in str(caught.value)


def test_a_bomb_of_variables(write):
    custom = "custom:\n  a: [1,1,1,1,1,1,1,1,1]\n"
    for index in range(8):
        mine, below = "bcdefghi"[index], "abcdefgh"[index]
        custom += f"  {mine}:\n" + f"    - ${{self:custom.{below}}}\n" * 9
    machines = "stepFunctions:\n  stateMachines:\n    pay:\n      definition: {a: '${self:custom.i}'}\n"
    with pytest.raises(FlowError, match="the variables stand for too many values"):
        read_template(write("serverless.yml", "service: x\nprovider: {}\n" + custom + machines))


def test_no_state_machine(write):
    with pytest.raises(FlowError, match="error FD721 the template has no state machine"):
        read_template(write("serverless.yml", "service: x\nprovider: {name: aws}\n"))


def test_machines_among_the_resources(write):
    resources = """\
resources:
  Resources:
    Plain:
      Type: AWS::StepFunctions::StateMachine
      Properties:
        DefinitionString: !Sub |
          {"StartAt": "A", "States":
            {"A": {"Type": "Task", "Resource": "${SetupLambdaFunction.Arn}", "End": true}}}
"""
    head, _, _ = TEMPLATE.partition("stepFunctions:")
    [machine] = read_template(write("serverless.yml", head + resources)).machines
    assert machine.definition["States"]["A"]["Resource"] == "${setup.Arn}"
