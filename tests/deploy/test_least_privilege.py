"""Every action of every statement of every role is needed: without it, something that the flow does is refused."""

import copy
import json
from typing import Any

import pytest

from flowdsl.asl.integration_rights import Rights
from flowdsl.asl.integrations import SERVICES, find_action
from flowdsl.base.record import evolve
from flowdsl.deploy import permissions
from flowdsl.deploy.statements import Statement
from flowdsl.project.environments import Allowed, FunctionSettings, Secret
from tests.deploy.memory_common import PLACE
from tests.deploy.permission_cases import CASES, PARTS
from tests.deploy.test_encryption_and_validation import KEY
from tests.deploy.test_permissions import GOLDEN, RIGHTS, check, derived_json, machine, task
from tests.deploy.world import World, with_environment


def smaller(rights: Rights) -> dict[str, Rights]:
    """The record without one of its actions, its rule or one of its roles, in turn."""
    without = {}
    for number, grant in enumerate(rights.grants):
        for action in grant.actions.split():
            rest = " ".join(each for each in grant.actions.split() if each != action)
            grants = [*rights.grants]
            grants[number : number + 1] = [grant._replace(actions=rest)] if rest else []
            without[f"{number}: {action}"] = rights._replace(grants=tuple(grants))
    if rights.rule:
        without["rule"] = rights._replace(rule="")
    for role in rights.roles:
        without[f"role {role}"] = rights._replace(roles={k: v for k, v in rights.roles.items() if k != role})
    return without


@pytest.mark.parametrize("key", RIGHTS)
def test_no_right_of_an_integration_can_be_removed(key, monkeypatch):
    """Each action of each record in turn: what is derived then is not what it has to be."""
    golden = json.loads(GOLDEN.read_text())
    service, _, action = key.partition(":")
    patterns = ["", *(each for each in SERVICES[service].actions[action].patterns if each != "waitForTaskToken")]
    record = find_action(service, action)
    assert record is not None
    for what, rights in smaller(RIGHTS[key]).items():
        changed = evolve(record, rights=rights)
        monkeypatch.setattr(permissions, "find_action", lambda *_, changed=changed: changed)
        same = [derived_json(key, each) == golden[f"{key}.{each}" if each else key] for each in patterns]
        same += [is_as_expected(*case) for case in CASES.values() if case[0].partition(".")[0] == key]
        assert not all(same), what


def is_as_expected(resource: str, parameters: dict[str, Any], statements: list[Statement], gaps: list[str]) -> bool:
    try:
        check(machine(task(resource, parameters)), statements, gaps)
    except AssertionError:
        return False
    return True


def yielded(number: int, monkeypatch: pytest.MonkeyPatch) -> list[Statement]:
    """Leave out the statement of this number of those that are derived; the list has it once that was done."""
    left_out: list[Statement] = []
    count = iter(range(10_000))
    original = permissions._of_state

    def some(*arguments: Any) -> Any:
        for each in original(*arguments):
            if isinstance(each, Statement) and next(count) == number:
                left_out.append(each)
            else:
                yield each

    monkeypatch.setattr(permissions, "_of_state", some)
    return left_out


EVERY = {name: machine(task(case[0], case[1])) for name, case in CASES.items()} | {
    name: machine(case[0]) for name, case in PARTS.items()
}
EXPECTED = {name: case[-2:] for name, case in (CASES | PARTS).items()}


@pytest.mark.parametrize("name", EVERY)
def test_no_statement_of_a_state_can_be_removed(name, monkeypatch):
    statements, gaps = EXPECTED[name]
    number = 0
    while True:
        with monkeypatch.context() as patch:
            left_out = yielded(number, patch)
            failed = False
            try:
                check(EVERY[name], statements, gaps)
            except AssertionError:
                failed = True
        if not left_out:
            break
        assert failed, left_out
        number += 1
    assert number >= len({(each.actions, each.resources) for each in statements}) or not statements


# What the roles of a deployed flow do

Need = tuple[str, str, str, dict[str, str]]
"""A role, an action, a resource, and the values of conditions."""


def everything_on(world: World) -> None:
    settings = FunctionSettings(
        environment={"KEY": Secret("secretsmanager", "pay/key"), "URL": Secret("ssm", "/pay/url")},
        permissions=(Allowed(("states:SendTaskSuccess",), (PLACE.arn("states", "stateMachine:payment"),)),),
    )
    with_environment(
        world,
        logging="ALL",
        tracing=True,
        kms_key=KEY,
        functions={"setup": settings},
        permissions=(Allowed(("sqs:SendMessage",), (PLACE.arn("sqs", "orders"),)),),
    )


def needs(world: World) -> list[Need]:
    """What the flow and AWS on its behalf do with the roles: see the pages that `permissions` and `wanted` cite."""
    calls: list[Need] = []
    for name, function in world.aws.functions.items():
        role = function["settings"]["Role"]
        stream = PLACE.arn("logs", f"log-group:/aws/lambda/{name}:log-stream:x")
        calls += [(role, f"logs:{each}", stream, {}) for each in ("CreateLogStream", "PutLogEvents")]
        calls += [(role, f"xray:{each}", "*", {}) for each in ("PutTraceSegments", "PutTelemetryRecords")]
        context = {"kms:EncryptionContext:aws:lambda:FunctionArn": PLACE.arn("lambda", f"function:{name}")}
        calls.append((role, "kms:Decrypt", KEY, context))
    setup = world.aws.functions["setup"]["settings"]["Role"]
    table = PLACE.arn("dynamodb", "table/donations")
    calls += [(setup, f"dynamodb:{each}", table, {}) for each in ("GetItem", "PutItem")]
    calls += [
        (setup, "dynamodb:GetItem", f"{table}/index/by-day", {}),
        (setup, "dynamodb:PutItem", f"{table}/index/by-day", {}),
        (setup, "sqs:SendMessage", PLACE.arn("sqs", "letters"), {}),
        (setup, "sns:Publish", PLACE.arn("sns", "news"), {}),
        (setup, "secretsmanager:GetSecretValue", PLACE.arn("secretsmanager", "secret:pay/key-AbCdEf"), {}),
        (setup, "ssm:GetParameter", PLACE.arn("ssm", "parameter/pay/url"), {}),
        (setup, "events:PutEvents", PLACE.arn("events", "event-bus/events"), {}),
        (setup, "states:SendTaskSuccess", PLACE.arn("states", "stateMachine:payment"), {}),
    ]
    role = world.live_machine["now"]["roleArn"]
    for name in ("setup", "psp-a", "psp-b", "receipt"):
        arn = PLACE.arn("lambda", f"function:{name}")
        calls += [(role, "lambda:InvokeFunction", each, {}) for each in (arn, f"{arn}:1")]
    calls += [(role, action, "*", {}) for action in permissions.LOGGING.actions]
    calls += [(role, action, "*", {}) for action in permissions.TRACING.actions]
    own = {"kms:EncryptionContext:aws:states:stateMachineArn": PLACE.arn("states", "stateMachine:payment")}
    delivery = {"kms:EncryptionContext:SourceArn": PLACE.arn("logs", "*")}
    calls += [(role, f"kms:{each}", KEY, own) for each in ("Decrypt", "GenerateDataKey")]
    calls.append((role, "kms:GenerateDataKey", KEY, delivery))
    calls.append((role, "sqs:SendMessage", PLACE.arn("sqs", "orders"), {}))
    return calls


def test_each_action_on_each_resource_of_each_role_is_needed(world):
    everything_on(world)
    world.deploy()
    calls = needs(world)
    assert [each for each in calls if not world.aws.allows(*each)] == []
    checked = 0
    for name, role in world.aws.roles.items():
        of_role = [each for each in calls if each[0].endswith(f"/{name}")]
        for policy, document in copy.deepcopy(role["inline"]).items():
            for number, statement in enumerate(document["Statement"]):
                for key in ("Action", "Resource"):
                    for each in statement[key]:
                        changed = copy.deepcopy(document)
                        changed["Statement"][number][key].remove(each)
                        role["inline"][policy] = changed
                        assert any(not world.aws.allows(*call) for call in of_role), (name, statement, each)
                        role["inline"][policy] = document
                        checked += 1
    assert checked > 50


def test_no_action_and_no_resource_of_a_role_is_a_wildcard_without_need(world):
    everything_on(world)
    world.deploy()
    free = {*permissions.LOGGING.actions, *permissions.TRACING.actions}
    for role in world.aws.roles.values():
        for document in role["inline"].values():
            for statement in document["Statement"]:
                assert not any("*" in action for action in statement["Action"])
                if "*" in statement["Resource"]:
                    assert {*statement["Action"]} <= free
