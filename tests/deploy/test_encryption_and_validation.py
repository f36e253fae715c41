"""A KMS key for state machines, functions and logs; what AWS says of definitions before anything is changed."""

import pytest

from flowdsl import StateMachine
from flowdsl.base.diagnostics import FlowError
from tests.deploy.memory_common import PLACE
from tests.deploy.test_nested import child, starts
from tests.deploy.world import with_environment

KEY = PLACE.arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")
OWNED = {"type": "AWS_OWNED_KEY"}


def test_a_key_encrypts_everything_and_its_absence_is_said_explicitly(world):
    """A17: what an update of a state machine leaves out keeps its value."""
    world.deploy()
    assert world.live_machine["now"]["encryptionConfiguration"] == OWNED
    with_environment(world, kms_key=KEY)
    plan = world.deploy()
    assert "encryption" in [call.reason for call in plan.calls if call.operation == "AssociateKmsKey"]
    now = world.live_machine["now"]["encryptionConfiguration"]
    assert now == {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY, "kmsDataKeyReusePeriodSeconds": 300}
    assert all(each["settings"]["KMSKeyArn"] == KEY for each in world.aws.functions.values())
    assert all(each["key"] == KEY for each in world.aws.groups.values())
    assert not world.plan().calls
    with_environment(world, kms_key="")
    plan = world.deploy()
    assert any("encryptionConfiguration" in call.reason for call in plan.calls)
    assert world.live_machine["now"]["encryptionConfiguration"] == OWNED
    assert not any(each["settings"]["KMSKeyArn"] for each in world.aws.functions.values())
    assert not any(each["key"] for each in world.aws.groups.values())
    assert not world.plan().calls


def test_roles_may_use_the_key_for_their_own_things_only(world):
    with_environment(world, kms_key=KEY)
    world.deploy()
    role = world.live_machine["now"]["roleArn"]
    own = {"kms:EncryptionContext:aws:states:stateMachineArn": PLACE.arn("states", "stateMachine:payment")}
    assert world.aws.allows(role, "kms:GenerateDataKey", KEY, own)
    assert world.aws.allows(role, "kms:Decrypt", KEY, own)
    assert not world.aws.allows(role, "kms:Decrypt", KEY)
    logs = {"kms:EncryptionContext:SourceArn": PLACE.arn("logs", "*")}
    assert world.aws.allows(role, "kms:GenerateDataKey", KEY, logs)
    # The context itself ends with the asterisk.
    one = {"kms:EncryptionContext:SourceArn": PLACE.arn("logs", "log-group:x")}
    assert not world.aws.allows(role, "kms:GenerateDataKey", KEY, one)
    function = world.aws.functions["setup"]["settings"]["Role"]
    context = {"kms:EncryptionContext:aws:lambda:FunctionArn": PLACE.arn("lambda", "function:setup")}
    assert world.aws.allows(function, "kms:Decrypt", KEY, context)
    assert not world.aws.allows(function, "kms:Decrypt", KEY)


def test_an_execution_in_flight_may_use_the_earlier_key(world):
    with_environment(world, kms_key=KEY)
    world.deploy()
    world.aws.start("e", "payment")
    with_environment(world, kms_key="")
    world.deploy()
    own = {"kms:EncryptionContext:aws:states:stateMachineArn": PLACE.arn("states", "stateMachine:payment")}
    assert world.aws.allows(world.live_machine["now"]["roleArn"], "kms:Decrypt", KEY, own)


# Validation


def test_errors_of_aws_keep_a_plan_from_being_applied(world):
    world.aws.diagnostics = [
        {"severity": "ERROR", "code": "SCHEMA_VALIDATION_FAILED", "message": "bad", "location": "/States/Setup"},
        {"severity": "WARNING", "code": "MISSING_DESCRIPTION", "message": "no comment"},
    ]
    plan = world.plan()
    (problem,) = plan.problems
    assert problem.message == (
        "AWS refuses the definition of state machine payment: SCHEMA_VALIDATION_FAILED at /States/Setup: bad"
    )
    note = "AWS warns of the definition of state machine payment: MISSING_DESCRIPTION: no comment"
    assert note in plan.notes


def test_only_definitions_that_would_be_sent_are_validated(world):
    world.deploy()
    world.aws.log.clear()
    world.plan()
    assert ("states", "ValidateStateMachineDefinition") not in world.aws.log


def test_a_plan_without_the_right_to_validate_says_so(world):
    """terraform-provider-aws#39472."""
    world.aws.denied = frozenset({"states:ValidateStateMachineDefinition"})
    plan = world.deploy()
    assert any("your credentials lack states:ValidateStateMachineDefinition" in note for note in plan.notes)


def test_versions_that_are_not_known_yet_are_numbers_for_the_validation(world):
    asked = []
    call = world.aws.call

    def spy(service, name, arguments):
        if name == "ValidateStateMachineDefinition":
            asked.append(arguments["definition"])
        return call(service, name, arguments)

    session = world.session()
    session.aws = type("Spy", (), {"call": staticmethod(spy)})()
    world.others = [child(), StateMachine("parent", starts("child"))]
    session.plan(world.wanted())
    assert len(asked) == 3
    assert any(":function:setup:1" in each for each in asked)
    assert any(":stateMachine:child:1" in each for each in asked)


# Permissions of whoever deploys


@pytest.mark.parametrize(
    ("denied", "resource"),
    [
        ("iam:PassRole", PLACE.role("psp-a-eu-west-1", "/flowdsl/payment_flow/test/")),
        ("states:PublishStateMachineVersion", "*"),
        ("lambda:CreateFunction", "*"),
    ],
)
def test_the_policy_to_paste_has_the_action_that_aws_names(world, denied, resource):
    """AWS refuses CreateFunction for want of iam:PassRole: lambda:CreateFunction would not help."""
    world.aws.denied = frozenset({denied})
    with pytest.raises(FlowError, match=f"your credentials lack permissions: {denied}") as raised:
        world.deploy()
    assert f'"{denied}"' in str(raised.value)
    assert f'"{resource}"' in str(raised.value)
    world.aws.denied = frozenset()
    world.deploy()
    assert not world.plan().calls
