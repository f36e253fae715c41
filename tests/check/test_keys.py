"""A mistake in a key is shown at the key, one in a value at the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowdsl import project

YAML = """\
StartAt: Pay
States:
  Pay:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage
    Parameters: {QueueUrl: "https://q", MessageBody: x, DelaySecs: 4}
    TimeoutSecs:   30
    Next: Sort
  Sort:
    Type: Choice
    Choices:
      - And: [{Variable: $.a, NumericEquals: 1, Kept: 5}, {Variable: $.b, IsPresent: true, Next: Done}]
        Next: Done
    Default: Done
  Done: {Type: Succeed, Output: 3}
"""
JSON = """\
{
  "StartAt": "Pay",
  "States": {
    "Pay": {"Type": "Wait", "Seconds": 1,   "Sekonds": "x",
      "SecondsPath": "$.n",   "End": true, "Comment": 1,
      "Comment": "twice"}
  }
}
"""
TEMPLATE = """\
Resources:
  Pay:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::123456789012:role/pay
      DefinitionString: |
        {"StartAt": "Pay", "States": {
          "Pay": {"Type": "Wait", "Seconds": 1, "Sekonds": 1, "End": true}}}
  Other:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: arn:aws:iam::123456789012:role/pay
      Definition: {StartAt: A, States: {A: {Type: Pass, Endd: true, End: true}}}
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.yaml", YAML, ["6 FD661 DelaySecs", "7 FD102 TimeoutSecs", "12 FD102 Kept", "12 FD512 Next", "15 FD105"]),
        ("a.json", JSON, ['4 FD102 "Sekonds"', '5 FD106 "SecondsPath"', '6 FD107 "Comment"']),
        ("template.yaml", TEMPLATE, ['8 FD102 "Sekonds"', "13 FD102 Endd"]),
    ],
)
def test_keys(name: str, text: str, expected: list[str], tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(text)
    lines = text.splitlines()
    spans = [
        (each.span, each.code)
        for loaded in project.load(file)
        for each in project.diagnose(loaded)
        if each.severity == "error" or each.code == "FD107"
    ]
    shown = [f"{span.line} {code} {lines[span.line - 1][span.column - 1 :]}" for span, code in spans if span]
    assert [text[: len(want)] for text, want in zip(shown, expected, strict=True)] == expected


def test_values(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("StartAt: A\nStates:\n  A: {Type: Wait, Seconds:   many, End: true}\n")
    [mistake] = [each for loaded in project.load(file) for each in project.diagnose(loaded)]
    assert mistake.span is not None
    assert (mistake.code, mistake.span.line, mistake.span.column) == ("FD103", 3, 30)
