"""The shapes that a definition has in templates of CloudFormation, SAM and CDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.check import check
from flowdsl.templates import Machine, Template, choose_machine, read_template

Write = Callable[[str, Any], Path]

CHARGE = {
    "Comment": "Takes a payment",
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": "${Charge.Arn}", "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}
TEXT = json.dumps(CHARGE)
FUNCTION = {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "app.handler", "Runtime": "python3.13"}}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write_file(name: str, content: Any) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return Path(name)

    return write_file


def template(properties: dict[str, Any], kind: str = "AWS::StepFunctions::StateMachine", **more: Any) -> dict[str, Any]:
    resources = {"Charge": FUNCTION, "Pay": {"Type": kind, "Properties": properties}}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, **more}


def only(read: Template) -> Machine:
    [machine] = read.machines
    return machine


def refused(file: Path, **substitutions: str) -> str:
    with pytest.raises(FlowError) as caught:
        read_template(file, substitutions)
    return str(caught.value)


GET = {"Fn::GetAtt": ["Charge", "Arn"]}
OBJECT = {**CHARGE, "States": {**CHARGE["States"], "Charge": {**CHARGE["States"]["Charge"], "Resource": GET}}}
LINES = [each for line in json.dumps(OBJECT, indent=2).splitlines() for each in [line]]
BEFORE, AFTER = TEXT.split("${Charge.Arn}")
SHAPES: dict[str, Any] = {
    "sub": {"DefinitionString": {"Fn::Sub": TEXT}},
    "sub with a map": {"DefinitionString": {"Fn::Sub": [TEXT.replace("Charge.Arn", "F"), {"F": GET}]}},
    "sub in a list without a map": {"DefinitionString": {"Fn::Sub": [TEXT]}},
    "join": {"DefinitionString": {"Fn::Join": ["", [BEFORE, GET, AFTER]]}},
    "join of lines": {
        "DefinitionString": {
            "Fn::Join": ["\n", [*json.dumps(CHARGE, indent=2).replace("${Charge.Arn}", "${F}").split("\n")]]
        },
        "DefinitionSubstitutions": {"F": GET},
    },
    "object": {"Definition": OBJECT},
    "object as json": {"DefinitionString": {"Fn::ToJsonString": OBJECT}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_give_one_definition(write, shape):
    machine = only(read_template(write("t.json", template(SHAPES[shape]))))
    expected = json.loads(TEXT.replace("Charge.Arn", "F")) if "Substitutions" in str(SHAPES[shape]) else CHARGE
    assert machine.definition == expected
    assert [*machine.definition["States"]] == ["Charge", "Done"]
    assert (machine.name, machine.problems) == ("Pay", ())


def test_a_definition_that_is_plain_text(write):
    machine = only(read_template(write("t.json", template({"DefinitionString": TEXT}))))
    assert machine.definition == CHARGE
    [problem] = machine.problems
    assert problem.text().startswith("t.json:1:")
    assert "warning FD723 nothing replaces ${Charge.Arn} (state 'Charge')" in problem.text()


def test_a_definition_in_s3(write):
    location = {"Bucket": "flows", "Key": "pay.json"}
    for properties in ({"DefinitionS3Location": location}, {"DefinitionUri": "s3://flows/pay.json"}):
        text = refused(write("t.json", template(properties)))
        assert text.startswith("t.json:1:")
        assert "error FD720 the definition of Pay is in S3 (" in text
        assert "import the file itself" in text


def test_an_asset_of_cdk(write):
    key = "f00d.json"
    manifest = {
        "version": "36.0.0",
        "files": {"f00d": {"source": {"path": "asset.f00d.json"}, "destinations": {"x": {"objectKey": key}}}},
    }
    properties = {
        "DefinitionS3Location": {"Bucket": {"Fn::Sub": "cdk-assets-${AWS::AccountId}"}, "Key": key},
        "DefinitionSubstitutions": {"Charge.Arn": GET},
    }
    file = write("cdk.out/Stack.template.json", template(properties))
    assert "is in S3 (f00d.json)" in refused(file)
    write("cdk.out/Stack.assets.json", manifest)
    assert "error FD720 cdk.out/asset.f00d.json does not exist" in refused(file)
    write("cdk.out/asset.f00d.json", TEXT)
    assert only(read_template(file)).definition == CHARGE


def test_what_sam_makes_of_a_template_gives_the_same_machine(write):
    source = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Resources:
  Charge: {Type: AWS::Serverless::Function, Properties: {Handler: app.handler, CodeUri: charge}}
  Pay:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Charge
        States:
          Charge: {Type: Task, Resource: !GetAtt Charge.Arn, Next: Done}
          Done: {Type: Succeed}
"""
    lines = [
        "{",
        '    "StartAt": "Charge",',
        '    "States": {',
        '        "Charge": {',
        '            "Next": "Done",',
        '            "Resource": "${definition_substitution_1}",',
        '            "Type": "Task"',
        "        },",
        '        "Done": {',
        '            "Type": "Succeed"',
        "        }",
        "    }",
        "}",
    ]
    processed = template(
        {
            "DefinitionString": {"Fn::Join": ["\n", lines]},
            "DefinitionSubstitutions": {"definition_substitution_1": GET},
            "Tags": [{"Key": "stateMachine:createdBy", "Value": "SAM"}],
        }
    )
    first = only(read_template(write("template.yaml", source)))
    second = only(read_template(write("processed.json", processed)))
    assert first.definition == second.definition
    assert first.definition["States"]["Charge"]["Resource"] == "${Charge.Arn}"
    assert not second.notes


def test_references_in_the_middle_of_text(write):
    pieces = [
        '{"StartAt":"S","States":{"S":{"Type":"Task","Resource":"arn:',
        {"Ref": "AWS::Partition"},
        ':states:::sqs:sendMessage","Parameters":{"QueueUrl":"',
        {"Ref": "Q1A2B3C4"},
        '"},"End":true}}}',
    ]
    resources = {
        "Q1A2B3C4": {"Type": "AWS::SQS::Queue"},
        "PayFlow0A1B2C3D": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"DefinitionString": {"Fn::Join": ["", pieces]}},
        },
    }
    machine = only(read_template(write("t.json", {"Resources": resources})))
    state = machine.definition["States"]["S"]
    assert state["Resource"] == "arn:${AWS::Partition}:states:::sqs:sendMessage"
    assert state["Parameters"] == {"QueueUrl": "${Q}"}
    assert machine.substitutions == {"Q": "${Q1A2B3C4}"}
    assert machine.name == "PayFlow"


def test_two_resources_that_differ_by_their_hash_keep_it(write):
    names = ["Pay0A1B2C3D", "Pay1A1B2C3D"]
    properties = {"DefinitionString": TEXT.replace("${Charge.Arn}", "arn:aws:lambda:eu-west-1:1:function:f")}
    resources = {each: {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties} for each in names}
    read = read_template(write("t.json", {"Resources": resources}))
    assert [each.name for each in read.machines] == names
    with pytest.raises(FlowError, match="choose one with --machine: Pay0A1B2C3D, Pay1A1B2C3D"):
        choose_machine(read, None)
    with pytest.raises(FlowError, match="did you mean 'Pay0A1B2C3D'"):
        choose_machine(read, "Pay0A1B2C3E")
    assert choose_machine(read, names[1]).id == names[1]


def test_backslashes_stay(write):
    value = r"States.Format('\{ "
    value += '"id": {} \\}\', $.n)'
    asl = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"text.$": value}, "End": True}}}
    for properties in (
        {"DefinitionString": json.dumps(asl)},
        {"DefinitionString": {"Fn::Join": ["", [json.dumps(asl)]]}},
    ):
        assert only(read_template(write("t.json", template(properties)))).definition == asl


def test_doubled_backslashes_are_reported():
    for backslashes, codes in ((1, []), (2, ["FD309"])):
        brace = "\\" * backslashes
        value = f"States.Format('{brace}{{ {{}} {brace}}}', $.n)"
        states = {"A": {"Type": "Pass", "Parameters": {"text.$": value}, "End": True}}
        found = [each for each in check({"StartAt": "A", "States": states}) if "two backslashes" in each.message]
        assert [each.code for each in found] == codes
    states = {"A": {"Type": "Pass", "Parameters": {"p.$": "States.Format('C:\\\\{}', $.n)"}, "End": True}}
    assert not check({"StartAt": "A", "States": states})


def test_an_exclamation_mark_makes_text_literal(write):
    text = '{"Comment": "${!keep} ${AWS::Region}", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    machine = only(read_template(write("t.json", template({"DefinitionString": {"Fn::Sub": text}}))))
    assert machine.definition["Comment"] == "${keep} ${AWS::Region}"
    assert machine.literals == {"keep"}
    assert not machine.problems
    plain = only(read_template(write("t.json", template({"DefinitionString": text}))))
    assert plain.definition["Comment"] == "${!keep} ${AWS::Region}"


def test_a_function_with_further_keys_is_refused(write):
    states = {"A": {"Type": "Task", "Resource": "x", "Parameters": {"P": {**GET, "Input.$": "$.x"}}, "End": True}}
    text = refused(write("t.json", template({"Definition": {"StartAt": "A", "States": states}})))
    assert "error FD720 Fn::GetAtt is not the only key of its object: Input.$ beside it" in text


def test_a_key_ref_or_condition_may_be_data(write):
    result = {"Ref": "booking 5", "Seats": 2}
    choices = [{"Condition": "{% $states.input.ok %}", "Next": "B"}]
    states = {
        "A": {"Type": "Pass", "Result": result, "Next": "C"},
        "C": {"Type": "Choice", "QueryLanguage": "JSONata", "Choices": choices},
        "B": {"Type": "Succeed"},
    }
    machine = only(read_template(write("t.json", template({"Definition": {"StartAt": "A", "States": states}}))))
    assert machine.definition["States"] == states


def test_placeholders_outside_quotes(write):
    text = '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${Delay}, "Next": "${B}"}, "${B}": ${B2}}}'
    substitutions = {"Delay": 5, "B": "Done"}
    write("pay.asl.json", text.replace("${B2}", '{"Type": "Succeed"}'))
    properties = {"DefinitionUri": "pay.asl.json", "DefinitionSubstitutions": substitutions}
    file = write("t.json", template(properties, "AWS::Serverless::StateMachine"))
    states = only(read_template(file)).definition["States"]
    assert states == {"A": {"Type": "Wait", "Seconds": 5, "Next": "Done"}, "Done": {"Type": "Succeed"}}
    assert only(read_template(file, {"Delay": "7"})).definition["States"]["A"]["Seconds"] == 7
    parameters = {"Delay": {"Type": "Number"}}
    sub = {"DefinitionString": {"Fn::Sub": text.replace("${B2}", '{"Type": "Succeed"}').replace("${B}", "B")}}
    machine = only(read_template(write("t.json", template(sub, Parameters=parameters))))
    assert machine.definition["States"]["A"]["Seconds"] == "${Delay}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Fn::Sub": "arn:${AWS::AccountID}"}, "error FD720 there is no pseudo parameter AWS::AccountID"),
        ({"Ref": "AWS::AccountID"}, "= did you mean AWS::AccountId?"),
        ({"Fn::Transform": {"Name": "x"}}, "error FD720 Fn::Transform changes the template on AWS"),
        ({"Fn::If": ["A", "b", "c"]}, "error FD720 the value of Fn::If is known only when the template is deployed"),
        ({"Fn::Magic": "x"}, "error FD720 unknown function Fn::Magic"),
        ({"Fn::GettAtt": ["A", "b"]}, "did you mean 'Fn::GetAtt'?"),
        ({"Fn::Join": "x"}, "error FD720 Fn::Join takes a delimiter and a list"),
        ({"Fn::GetAtt": 5}, "error FD720 Fn::GetAtt takes the name of a resource"),
        ({"Fn::Sub": 5}, "error FD720 Fn::Sub takes text"),
        ({"Fn::Select": [5, ["a"]]}, "the value of Fn::Select is known only when"),
    ],
)
def test_what_cannot_be_brought_in(write, value, text):
    states = {"A": {"Type": "Task", "Resource": value, "End": True}}
    yaml = f"Resources:\n  M:\n    Type: {'AWS::StepFunctions::StateMachine'}\n    Properties:\n      Definition:\n"
    yaml += f"        StartAt: A\n        States:\n          {json.dumps(states)[1:-1]}\n"
    yaml = yaml.replace('"A": ', "A:\n            ", 1)
    said = refused(write("t.yaml", yaml))
    assert text in said
    assert said.startswith("t.yaml:9:")


def test_what_stays_a_placeholder(write):
    states = {"A": {"Type": "Task", "Resource": {"Fn::ImportValue": "other:charge"}, "End": True}}
    file = write("t.json", template({"Definition": {"StartAt": "A", "States": states}}))
    machine = only(read_template(file))
    assert machine.definition["States"]["A"]["Resource"] == "${other:charge}"
    [problem] = machine.problems
    assert problem.code == "FD722"
    assert problem.hint == "give its value: --substitution other:charge=…"
    given = only(read_template(file, {"other:charge": "arn:aws:lambda:eu-west-1:1:function:f"}))
    assert given.definition["States"]["A"]["Resource"].endswith(":f")


def test_known_values_are_filled_in(write):
    mappings = {"Names": {"eu": {"Table": "donations"}}}
    states = {
        "A": {"Type": "Pass", "Result": {"Fn::FindInMap": ["Names", "eu", "Table"]}, "Next": "B"},
        "B": {"Type": "Pass", "Result": {"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "End": True},
    }
    machine = only(
        read_template(write("t.json", template({"Definition": {"StartAt": "A", "States": states}}, Mappings=mappings)))
    )
    assert [each["Result"] for each in machine.definition["States"].values()] == ["donations", "b"]


@pytest.mark.parametrize(
    "transform",
    [{}, {"Transform": "AWS::Serverless-2016-10-31"}, {"Transform": ["AWS::Serverless-2016-10-31"]}],
)
def test_a_reference_to_nothing(write, transform):
    [problem] = only(read_template(write("t.json", template(referring("Chrage"), **transform)))).problems
    assert "there is no resource or parameter 'Chrage'" in problem.message
    assert problem.hint == "did you mean 'Charge'?"


@pytest.mark.parametrize("name", ["ChargeRole", "ChargeAliaslive", "ServerlessRestApi", "Charge"])
def test_a_reference_to_what_sam_makes(write, name):
    assert not only(read_template(write("t.json", template(referring(name), Transform=SAM)))).problems


@pytest.mark.parametrize("transform", [["Mine", "AWS::Serverless-2016-10-31"], "AWS::LanguageExtensions"])
def test_other_transforms_may_add_anything(write, transform):
    assert not only(read_template(write("t.json", template(referring("Chrage"), Transform=transform)))).problems


SAM = "AWS::Serverless-2016-10-31"


def referring(name: str) -> dict[str, Any]:
    states = {"A": {"Type": "Task", "Resource": {"Fn::GetAtt": [name, "Arn"]}, "End": True}}
    return {"Definition": {"StartAt": "A", "States": states}}


def test_substitutions_that_do_not_exist(write):
    file = write("t.json", template(SHAPES["join of lines"]))
    assert "error FD725 --substitution G=…: no definition contains ${G}" in refused(file, G="x")
    states = only(read_template(file, {"F": "arn:aws:lambda:eu-west-1:1:function:g"})).definition["States"]
    assert states["Charge"]["Resource"].endswith(":g")


def test_a_parameter_within_a_substitution(write):
    states = {"A": {"Type": "Pass", "Result": "${Table} in ${Place}", "End": True}}
    values = {"Table": {"Fn::Sub": "orders-${Stage}-${Part}"}, "Place": {"Ref": "AWS::Region"}}
    properties = {"Definition": {"StartAt": "A", "States": states}, "DefinitionSubstitutions": values}
    parameters = {"Stage": {"Type": "String", "Default": "dev"}, "Part": {"Type": "String"}}
    file = write("t.json", template(properties, Parameters=parameters))

    def result(**substitutions: str) -> str:
        return only(read_template(file, substitutions)).definition["States"]["A"]["Result"]

    assert result() == "${Table} in ${Place}"
    assert result(Stage="prod", Part="1") == "orders-prod-1 in ${Place}"
    assert result(Stage="prod") == "${Table} in ${Place}"
    assert only(read_template(file, {"Stage": "prod"})).substitutions["Table"] == "orders-prod-${Part}"
    assert result(Stage="prod", Part="1", Table="mine") == "mine in ${Place}"


def test_templates_without_a_machine(write):
    assert "error FD721 the template has no state machine" in refused(write("t.json", {"Resources": {}}))
    assert "error FD720 t.json is not a template" in refused(write("t.json", CHARGE))
    assert "error FD702 nowhere.yaml does not exist" in refused(Path("nowhere.yaml"))
    assert "has no definition" in refused(write("t.json", template({})))
    assert "must be a JSON object" in refused(write("t.json", template({"DefinitionString": "[]"})))


def test_nothing_but_regular_files_is_read(write, tmp_path):
    kind = "AWS::Serverless::StateMachine"
    (tmp_path / "folder").mkdir()
    assert "error FD720 folder is not a file" in refused(write("t.json", template({"DefinitionUri": "folder"}, kind)))
    assert "is not a file" in refused(write("t.json", template({"DefinitionUri": "/dev/zero"}, kind)))
    assert "error FD720 gone.json does not exist" in refused(
        write("t.json", template({"DefinitionUri": "gone.json"}, kind))
    )


def test_deep_values(write):
    nested = "[" * 5000 + "]" * 5000
    assert "nested too deeply" in refused(write("t.json", f'{{"Resources": {{"A": {nested}}}}}'))
    deep = '{"a":' * 700 + "5" + "}" * 700
    states = {"A": {"Type": "Pass", "Result": "deep", "End": True}}
    text = json.dumps(template({"Definition": {"StartAt": "A", "States": states}})).replace('"deep"', deep)
    assert "nested too deeply" in refused(write("t.json", text))
