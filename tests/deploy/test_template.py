"""`flowdsl build --template`: a CloudFormation template of the same resources, safe for executions in flight."""

import json
import re
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.base.record import evolve
from flowdsl.deploy.exports import files
from flowdsl.deploy.template import anywhere, code_prefix, make_template
from flowdsl.deploy.wanted import assemble
from flowdsl.project.environments import Allowed, FunctionSettings
from tests.deploy.world import ENVIRONMENT, World, flow, with_environment

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
RICH = evolve(
    ENVIRONMENT,
    tracing=True,
    kms_key=KEY,
    alarms=("payments-failing",),
    functions={"setup": FunctionSettings(reserved_concurrency=3, environment={"LITERAL": "${NAME} stays"})},
)


def template_of(world: World) -> dict[str, Any]:
    loaded, build = world.build()
    wanted = assemble(anywhere(world.stack), world.environment, loaded, build)
    template = make_template(wanted, alarms=world.environment.alarms)
    assert json.loads(json.dumps(template)) == template
    return template


def written(world: World) -> dict[str, str]:
    loaded, build = world.build()
    return files(world.stack, world.environment, loaded, build)


def of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}


@pytest.mark.slow
@pytest.mark.parametrize("case", ["plain", "rich", "instance", "express"])
def test_cfn_lint_finds_nothing(world, tmp_path, case):
    import cfnlint.api

    world.environment = RICH if case == "rich" else ENVIRONMENT
    world.instance = "pr-1" if case == "instance" else ""
    world.type = "EXPRESS" if case == "express" else "STANDARD"
    text = written(world)["template.json"]
    found = cfnlint.api.lint(text, config=cfnlint.api.ManualArgs(regions=["eu-west-1"]))
    assert not [f"{each.rule.id} {each.message}" for each in found]


def test_it_has_what_a_deployment_makes(world):
    template = template_of(world)
    kinds = [each["Type"].split("::", 1)[1] for each in template["Resources"].values()]
    world.deploy()
    live = world.aws
    assert {kind: kinds.count(kind) for kind in {*kinds}} == {
        "Lambda::Function": len(live.functions),
        "Lambda::Version": sum(len(each["versions"]) for each in live.functions.values()),
        "Lambda::Alias": sum(len(each["aliases"]) for each in live.functions.values()),
        "IAM::Role": len(live.roles),
        "Logs::LogGroup": len(live.groups),
        "DynamoDB::Table": len(live.tables),
        "SQS::Queue": len(live.queues),
        "SNS::Topic": len(live.topics),
        "Events::EventBus": len(live.buses),
        "StepFunctions::StateMachine": 1,
        "StepFunctions::StateMachineVersion": 1,
        "StepFunctions::StateMachineAlias": 1,
    }


def resolved(value: Any, world: World, template: dict[str, Any]) -> Any:
    """What CloudFormation makes of a value, in the account and region of the tests."""
    values = {"AWS::Region": world.environment.region, "AWS::AccountId": world.environment.account}
    if isinstance(value, list):
        return [resolved(each, world, template) for each in value]
    if not isinstance(value, dict):
        return value
    if {*value} == {"Fn::Sub"}:
        text = re.sub(r"\$\{([^!}]+)\}", lambda match: values[match[1]], value["Fn::Sub"])
        return text.replace("${!", "${")
    return {key: resolved(each, world, template) for key, each in value.items()}


def as_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_roles_have_the_permissions_of_a_deployment(world):
    template = template_of(world)
    policies = [
        resolved(each["Properties"]["Policies"][0]["PolicyDocument"], world, template)
        for each in of_type(template, "AWS::IAM::Role").values()
    ]
    world.deploy()
    live = [as_json(each["inline"]["flowdsl"]) for each in world.aws.roles.values()]
    assert sorted(json.dumps(each, sort_keys=True) for each in policies) == sorted(
        json.dumps(each, sort_keys=True) for each in live
    )


def test_functions_are_configured_as_in_a_deployment(world):
    world.environment = RICH
    template = template_of(world)
    (setup,) = (
        each["Properties"]
        for each in of_type(template, "AWS::Lambda::Function").values()
        if each["Properties"]["FunctionName"] == "setup"
    )
    assert setup["Environment"]["Variables"] == {
        "DONATIONS": {"Ref": "DonationsTable"},
        "LETTERS": {"Ref": "LettersQueue"},
        "NEWS": {"Ref": "NewsTopic"},
        "EVENTS": {"Ref": "EventsEventBus"},
        "LITERAL": "${NAME} stays",
    }
    assert (setup["Timeout"], setup["MemorySize"], setup["ReservedConcurrentExecutions"]) == (30, 256, 3)
    assert setup["TracingConfig"] == {"Mode": "Active"}
    assert setup["KmsKeyArn"] == KEY
    assert re.fullmatch(r"payment_flow/[0-9a-f]{16}/setup\.zip", setup["Code"]["S3Key"])


def digests_gone(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The kinds of resources that leave the template."""
    gone = before["Resources"].keys() - after["Resources"].keys()
    assert all(before["Resources"][name]["DeletionPolicy"] == "Retain" for name in gone), "and stay where they are"
    return {before["Resources"][name]["Type"].split("::", 1)[1] for name in gone}


def test_an_unchanged_flow_has_an_unchanged_template(world):
    assert template_of(world) == template_of(world)


def test_new_code_is_a_new_version_beside_the_old_one(world):
    before = template_of(world)
    world.change("receipt")
    after = template_of(world)
    assert digests_gone(before, after) == {"Lambda::Version", "StepFunctions::StateMachineVersion"}
    (old,) = of_type(before, "AWS::Lambda::Version").keys() - after["Resources"].keys()
    assert old.startswith("ReceiptVersion")
    functions = [of_type(each, "AWS::Lambda::Function")["ReceiptFunction"]["Properties"] for each in (before, after)]
    keys = [each["Code"]["S3Key"] for each in functions]
    assert keys[0] != keys[1], "no zip in the bucket is ever replaced"
    machine = of_type(after, "AWS::StepFunctions::StateMachine")["PaymentMachine"]["Properties"]
    (new,) = (name for name in of_type(after, "AWS::Lambda::Version") if name.startswith("ReceiptVersion"))
    assert machine["DefinitionSubstitutions"]["Receipt"] == {"Ref": new}
    assert '"Resource": "${Receipt}"' in machine["DefinitionString"]


def test_code_of_a_function_that_is_chosen_at_run_time_is_pinned_by_another_alias(world):
    before = template_of(world)
    world.change("psp-a")
    after = template_of(world)
    assert digests_gone(before, after) == {"Lambda::Version", "Lambda::Alias", "StepFunctions::StateMachineVersion"}


def test_a_role_is_never_changed(world):
    """An execution keeps the ARN of its role, and the role's policies are live."""
    before = template_of(world)
    world.machine = flow(receipts=False)
    after = template_of(world)
    assert "IAM::Role" in digests_gone(before, after)
    kept = before["Resources"].keys() & after["Resources"].keys()
    for name in kept & of_type(before, "AWS::IAM::Role").keys():
        assert before["Resources"][name] == after["Resources"][name]


def test_another_role_is_another_version_of_the_function(world):
    before = template_of(world)
    world.machine = flow(access=())
    after = template_of(world)
    assert {"IAM::Role", "Lambda::Version"} <= digests_gone(before, after)


def test_the_alias_moves_gradually_if_asked_and_watches_the_alarms(world):
    with_environment(world, alarms=("payments-failing",))
    template = template_of(world)
    (alias,) = of_type(template, "AWS::StepFunctions::StateMachineAlias").values()
    preference = alias["Properties"]["DeploymentPreference"]
    (version,) = of_type(template, "AWS::StepFunctions::StateMachineVersion")
    assert alias["Properties"]["Name"] == "live"
    assert preference["StateMachineVersionArn"] == {"Ref": version}
    assert preference["Type"] == {"Ref": "DeploymentType"}
    assert preference["Alarms"] == ["payments-failing"]
    assert preference["Percentage"]["Fn::If"][0] == "IsGradual"


def test_data_outlives_the_stack_but_for_an_instance(world):
    (table,) = of_type(template_of(world), "AWS::DynamoDB::Table").values()
    assert (table["DeletionPolicy"], table["Properties"]["DeletionProtectionEnabled"]) == ("Retain", True)
    world.instance = "pr-1"
    (table,) = of_type(template_of(world), "AWS::DynamoDB::Table").values()
    assert (table["DeletionPolicy"], table["Properties"]["DeletionProtectionEnabled"]) == ("Delete", False)
    assert table["Properties"]["TableName"] == "donations-pr-1"


def test_flowdsl_deploy_does_not_take_its_resources_for_its_own(world):
    for each in template_of(world)["Resources"].values():
        tags = {tag["Key"]: tag["Value"] for tag in each["Properties"].get("Tags", ())}
        assert "flowdsl:stack" not in tags
        assert not tags or tags["team"] == "payments"


def test_the_definition_for_other_tools(world):
    """Filled in with the values beside it and the functions' versions, it is the one that is deployed."""
    texts = written(world)
    values = json.loads(texts["payment.substitutions.json"])
    text = texts["payment.template.asl.json"]
    assert {*re.findall(r"\$\{(\w+)\}", text)} == {*values["substitutions"]}
    for name, value in values["substitutions"].items():
        version = ":1" if name in values["functions"] else ""
        text = text.replace(f"${{{name}}}", f"{value}{version}")
    world.deploy()
    deployed = world.live_machine["now"]["definition"]
    for name, alias in values["pins"].items():
        assert name in ("psp-a", "psp-b")
        text = text.replace(alias, next(iter(world.aws.functions[name]["aliases"])))
    assert json.loads(text) == as_json(deployed)
    assert values["policy"]["Statement"]
    loaded, build = world.build()
    wanted = assemble(world.stack, world.environment, loaded, build)
    assert values["code_prefix"] == code_prefix(wanted)


def test_more_resources_than_cloudformation_takes(world, monkeypatch):
    monkeypatch.setattr("flowdsl.deploy.template._MOST", 10)
    with pytest.raises(FlowError, match="resources, and CloudFormation takes 10"):
        template_of(world)


def test_a_name_in_another_partition(world):
    """Service integrations are named by the partition too."""
    with_environment(world, region="cn-north-1")
    (machine,) = of_type(template_of(world), "AWS::StepFunctions::StateMachine").values()
    assert "arn:aws-cn:states:::lambda:invoke" in machine["Properties"]["DefinitionString"]
    assert "arn:aws:" not in machine["Properties"]["DefinitionString"]


def test_more_permissions_than_an_inline_policy_takes_are_managed_policies(world):
    resources = tuple(f"arn:aws:sqs:eu-west-1:123456789012:a-queue-with-a-long-name-{number}" for number in range(200))
    with_environment(world, permissions=(Allowed(("sqs:SendMessage",), resources),))
    template = template_of(world)
    policies = of_type(template, "AWS::IAM::ManagedPolicy")
    (role,) = (each for name, each in of_type(template, "AWS::IAM::Role").items() if name.startswith("PaymentStates"))
    assert role["Properties"]["ManagedPolicyArns"] == [{"Ref": name} for name in policies]
    allowed = [
        resource
        for each in policies.values()
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        for resource in statement["Resource"]
        if "sqs:SendMessage" in statement["Action"]
    ]
    assert sorted(allowed) == sorted(resources)
    more = tuple(f"{each}-{number}" for each in resources for number in range(8))
    with_environment(world, permissions=(Allowed(("sqs:SendMessage",), more),))
    with pytest.raises(FlowError, match="and IAM takes 10"):
        template_of(world)
