"""SAM templates: properties, files, functions, YAML."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from flowdsl.templates import Machine, read_template

TEMPLATE = """\
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: python3.13, Timeout: 20}
Parameters:
  Table: {Type: String}
  Account: {Type: String, Default: 012345678901}
Resources:
  Score:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/score
      Handler: app.main
      MemorySize: 512
      Architectures: [arm64]
      Environment: {Variables: {TABLE: !Ref Table, MODE: fast}}
  Pay:
    Type: AWS::Serverless::StateMachine
    Connectors: {}
    Properties:
      Name: payments
      Type: EXPRESS
      Role: !GetAtt PayRole.Arn
      DefinitionUri: statemachine/pay.asl.yaml
      DefinitionSubstitutions:
        ScoreArn: !GetAtt Score.Arn
        Mode: fast
        Later: !If [A, b, c]
      Policies: [AWSLambdaRole]
      Events: {}
      Logging: {Level: ALL}
      Tags: {team: payments}
"""
ASL = """\
# What a payment goes through
StartAt: Score
States:
  # ask the model first
  Score:
    Type: Task
    Resource: ${ScoreArn}
    Comment: ${Mode} ${Later} ${Missing}
    Next: On
  On: # done
    Type: Choice
    Choices:
      - Variable: $.at
        TimestampEquals: 2026-01-01T00:00:00Z
        Next: No
    Default: yes
  No: {Type: Succeed}
  yes: {Type: Succeed}
"""


@pytest.fixture
def sam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"template.yaml": TEMPLATE, "statemachine/pay.asl.yaml": ASL}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return Path("template.yaml")


def read(file: Path, **substitutions: str) -> Machine:
    [machine] = read_template(file, substitutions).machines
    return machine


def texts(diagnostics: Any) -> list[str]:
    return [each.text().splitlines()[0] for each in diagnostics]


def test_the_properties_of_a_machine(sam):
    machine = read(sam)
    assert (machine.id, machine.name, machine.type, machine.role) == ("Pay", "payments", "EXPRESS", "${PayRole.Arn}")
    assert texts(machine.notes) == [
        "template.yaml:29:7: warning FD724 Policies is not imported",
        "template.yaml:30:7: warning FD724 Events is not imported",
        "template.yaml:31:7: warning FD724 Logging is not imported",
        "template.yaml:32:7: warning FD724 Tags is not imported",
        "template.yaml:19:5: warning FD724 Connectors is not imported",
    ]


def test_substitutions(sam):
    machine = read(sam)
    score = machine.definition["States"]["Score"]
    assert score["Resource"] == "${ScoreArn}"
    assert score["Comment"] == "fast ${Later} ${Missing}"
    assert machine.substitutions == {"ScoreArn": "${Score.Arn}"}
    assert texts(machine.problems) == [
        "statemachine/pay.asl.yaml:8:14: warning FD723 nothing replaces ${Missing} (state 'Score')"
    ]
    given = read(sam, Missing="x", Mode="slow", Later="then")
    assert given.definition["States"]["Score"]["Comment"] == "slow then x"
    assert not given.problems


def test_text_that_yaml_would_change(sam):
    machine = read(sam)
    assert [*machine.definition["States"]] == ["Score", "On", "No", "yes"]
    choice = machine.definition["States"]["On"]
    assert choice["Default"] == "yes"
    assert choice["Choices"] == [{"Variable": "$.at", "TimestampEquals": "2026-01-01T00:00:00Z", "Next": "No"}]


def test_places_and_comments(sam):
    machine = read(sam)
    assert str(machine.locate(("States", "Score", "Resource"))) == "statemachine/pay.asl.yaml:7:15"
    assert machine.comments == {
        (): ("What a payment goes through",),
        ("States", "Score"): ("ask the model first",),
        ("States", "On"): ("done",),
    }


def test_functions_and_their_handlers(sam, tmp_path):
    template = read_template(sam)
    [function] = template.functions
    assert (function.id, function.name, function.handler, function.runtime) == (
        "Score",
        "Score",
        "app.main",
        "python3.13",
    )
    assert (function.timeout, function.memory, function.architecture) == (20, 512, "arm64")
    assert function.environment == {"TABLE": "${Table}", "MODE": "fast"}
    assert function.code == tmp_path / "functions/score"
    assert function.place is None
    (tmp_path / "functions/score").mkdir(parents=True)
    (tmp_path / "functions/score/app.py").write_text("def main(event, context): pass\n")
    place = f"{tmp_path}/functions/score/app.py:main"
    assert template.handlers(template.machines[0]) == {"Score": place, "Score.Arn": place, "ScoreArn": place}
    machine = template.machines[0]
    for resource in (
        "${ScoreArn}",
        "${Score.Arn}",
        "${ScoreArn}:live",
        "arn:aws:lambda:x:1:function:${Score}",
        "Score",
    ):
        assert template.function_at(machine, resource) is function
    assert template.function_at(machine, "${Other.Arn}") is None


@pytest.mark.parametrize("block", ["|", "|-", "|2"])
def test_places_in_a_block_of_json(tmp_path, monkeypatch, block):
    monkeypatch.chdir(tmp_path)
    text = f"""\
Resources:
  Score: {{Type: AWS::Lambda::Function}}
  Pay:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: !Sub
        - {block}
          {{
            "StartAt": "A",
            "States": {{"A": {{"Type": "Task",
              "Resource": "${{Score.Arn}}", "Wrong": 5, "End": true}}}}
          }}
        - {{}}
"""
    if block == "|2":
        text = text.replace("|2", "|").replace('"Wrong": 5,', '"Wrong": ,')
    (tmp_path / "t.yaml").write_text(text)
    if block == "|2":
        with pytest.raises(Exception, match=r"t.yaml:11:52: error FD704 not JSON"):
            read(Path("t.yaml"))
        return
    machine = read(Path("t.yaml"))
    assert str(machine.locate(("States", "A", "Resource"))) == "t.yaml:11:27"
    assert str(machine.locate(("States", "A", "Wrong"))).startswith("t.yaml:11:")


def test_a_bomb_of_aliases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["a: &a [1,1,1,1,1,1,1,1,1]"]
    lines += [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]" for i in range(9)]
    (tmp_path / "t.yaml").write_text("\n".join([*lines, "Resources: {}"]))
    with pytest.raises(Exception, match=r"t.yaml:\d+:\d+: error FD704 the aliases stand for too many values"):
        read(Path("t.yaml"))
    (tmp_path / "t.yaml").write_text("a: &a\n  b: *a\nResources: {}")
    with pytest.raises(Exception, match="error FD704 an alias within its own anchor"):
        read(Path("t.yaml"))


def test_merges_of_merges_are_refused_before_they_take_gigabytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keys = ", ".join(f"k{number}: 1" for number in range(1000))
    text = f"Resources:\n  a: &a {{{keys}}}\n" + "".join(f"  b{number}: {{<<: *a}}\n" for number in range(5000))
    (tmp_path / "t.yaml").write_text(text)
    tracemalloc.start()
    try:
        with pytest.raises(Exception, match=r"t.yaml:2:\d+: error FD704 the aliases stand for too many values"):
            read(Path("t.yaml"))
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


def doubled(times: int) -> Any:
    value: Any = "x"
    for _ in range(times):
        value = {"Fn::Sub": ["${A}${A}", {"A": value}]}
    return value


PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${X}" * 1000, "End": True}}}


@pytest.mark.parametrize(
    "properties",
    [
        {"DefinitionString": doubled(60)},
        {"DefinitionString": {"Fn::Join": ["j" * 10_000, ["a"] * 10_000]}},
        {"Definition": PASS, "DefinitionSubstitutions": {"X": "y" * 100_000}},
    ],
)
def test_a_small_template_makes_no_gigabytes(tmp_path, monkeypatch, properties):
    monkeypatch.chdir(tmp_path)
    template = {"Resources": {"P": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    (tmp_path / "t.json").write_text(json.dumps(template))
    tracemalloc.start()
    try:
        with pytest.raises(Exception, match=r"t\.json:1:\d+: error FD720 the template makes a longer text than AWS"):
            read(Path("t.json"))
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()
