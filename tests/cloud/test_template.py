"""The CloudFormation template, deployed to MiniStack's CloudFormation: `make test-cloud`.

MiniStack 1.5.33 does not know versions and aliases of state machines, nor alarms on an expression of metrics: they are
left out of what is deployed.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import MACHINE, Project, copy_project

pytestmark = pytest.mark.slow


def is_known(resource: dict[str, Any]) -> bool:
    if resource["Type"] == "AWS::CloudWatch::Alarm":
        return "Metrics" not in resource["Properties"]
    return resource["Type"] not in (
        "AWS::StepFunctions::StateMachineVersion",
        "AWS::StepFunctions::StateMachineAlias",
    )


def test_a_stack_of_the_template_takes_donations(emulator: str, build: Path, tmp_path: Path) -> None:
    built = copy_project(tmp_path, emulator)
    build = Path(shutil.copytree(build, built.folder / "build"))
    built.flowdsl("build", "--template", "--instance", "cfn")
    template = json.loads((build / "template.json").read_text())
    known = {name: each for name, each in template["Resources"].items() if is_known(each)}
    kinds = {each["Type"] for each in known.values()}
    assert kinds >= {f"AWS::{kind}" for kind in ("Lambda::Function", "Lambda::Version", "IAM::Role", "DynamoDB::Table")}
    del template["Outputs"]
    upload(built, build, json.dumps({**template, "Resources": known}))
    cloudformation = built.client("cloudformation")
    cloudformation.create_stack(
        StackName="payment",
        TemplateURL=f"{built.endpoint}/code/template.json",  # more than a TemplateBody may have
        Parameters=[{"ParameterKey": "CodeBucket", "ParameterValue": "code"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    assert settled(cloudformation)["StackStatus"] == "CREATE_COMPLETE"
    resources = cloudformation.describe_stack_resources(StackName="payment")["StackResources"]
    assert {each["LogicalResourceId"] for each in resources} == {*known}

    machine = f"{MACHINE}-cfn"
    states = built.client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    assert "${" not in definition
    assert ":function:payment-receipt-cfn:1" in definition
    functions = {each["FunctionName"] for each in built.client("lambda").list_functions()["Functions"]}
    wanted = [each for each in known.values() if each["Type"] == "AWS::Lambda::Function"]
    assert {each["Properties"]["FunctionName"] for each in wanted} <= functions
    built.end_to_end(machine)


def upload(project: Project, build: Path, template: str) -> None:
    """What docs/templates.md does with `aws s3 sync`."""
    prefix = json.loads((build / "payment.substitutions.json").read_text())["code_prefix"]
    bucket = project.client("s3")
    bucket.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bucket.put_object(Bucket="code", Key="template.json", Body=template.encode())
    for file in build.glob("*.zip"):
        bucket.put_object(Bucket="code", Key=prefix + file.name, Body=file.read_bytes())


def settled(cloudformation: Any) -> Any:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        stack = cloudformation.describe_stacks(StackName="payment")["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            if stack["StackStatus"] != "CREATE_COMPLETE":
                events = cloudformation.describe_stack_events(StackName="payment")["StackEvents"]
                failed = [each for each in events if "FAILED" in each["ResourceStatus"]]
                pytest.fail(f"{stack['StackStatus']}: {failed[:3]}")
            return stack
        time.sleep(0.5)
    return pytest.fail("the stack does not settle")
