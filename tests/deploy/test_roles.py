"""Roles whose permissions are characters of inline policies, and what becomes of permissions of earlier versions."""

import copy
import json
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.roles import split
from flowdsl.deploy.statements import MANAGED_LIMIT, Statement, merge, size
from flowdsl.project.environments import Allowed
from tests.deploy.memory_common import PLACE, READS, ConnectionLostError
from tests.deploy.world import World, flow, no_failure, with_environment

ROLE = "payment-states-eu-west-1"
ARN = PLACE.role(ROLE, "/flowdsl/payment_flow/test/")


def queues(count: int, name: str = "a-queue-with-a-long-name") -> tuple[str, ...]:
    return tuple(PLACE.arn("sqs", f"{name}-{number}") for number in range(count))


def allow(world: World, count: int, name: str = "a-queue-with-a-long-name") -> tuple[str, ...]:
    resources = queues(count, name)
    with_environment(world, permissions=(Allowed(("sqs:SendMessage",), resources),))
    return resources


def allowed(world: World, resources: tuple[str, ...]) -> bool:
    return all(world.aws.allows(ARN, "sqs:SendMessage", each) for each in resources)


def attached(world: World) -> list[Any]:
    attached: list[Any] = world.aws.roles[ROLE]["attached"]
    return attached


def test_statements_are_split_without_loss():
    statements = [
        Statement.of("sqs:SendMessage sqs:ReceiveMessage", *queues(150)),
        Statement.of("sns:Publish", *queues(80, "t"), condition={"StringEquals": {"a": "b"}}),
        Statement.of("xray:PutTraceSegments", "*"),
    ]
    parts = split(statements)
    assert len(parts) > 2
    assert all(size(part) <= MANAGED_LIMIT for part in parts)
    assert merge(each for part in parts for each in part) == merge(statements)
    assert len(parts) <= size(statements) // MANAGED_LIMIT + 2
    assert split([]) == ()


def test_what_is_too_big_for_an_inline_policy_is_managed_policies(world):
    """A14: all inline policies of a role together may have 10,240 characters, so more of them do not help."""
    resources = allow(world, 200)
    plan = world.deploy()
    assert any("characters of inline policies" in call.reason for call in plan.calls)
    assert len(attached(world)) > 1
    assert world.aws.roles[ROLE]["inline"] == {}
    assert allowed(world, resources)
    assert not world.plan().calls


def test_a_role_that_outgrows_its_inline_policy_never_lacks_anything(world):
    few = allow(world, 5)
    world.deploy()
    execution = world.aws.start("e", "payment")

    def watch(aws: Any) -> None:
        no_failure(aws, execution)
        assert all(aws.allows(ARN, "sqs:SendMessage", each) for each in few)

    world.aws.watch = watch
    many = allow(world, 200)
    world.deploy()
    assert allowed(world, many)
    allow(world, 5)
    world.deploy()  # back to an inline policy; the others stay for what runs
    assert "flowdsl" in world.aws.roles[ROLE]["inline"]
    assert allowed(world, many)
    world.prune()
    world.aws.end(execution)
    world.prune()
    assert attached(world) == []
    assert not world.aws.policies
    assert allowed(world, few)
    assert not allowed(world, many)
    assert not world.plan().calls


def test_prune_never_takes_a_managed_policy_that_is_needed(world):
    many = allow(world, 200)
    world.deploy()
    execution = world.aws.start("e", "payment")
    more = allow(world, 230)
    world.change("setup")
    world.deploy()
    world.prune()
    assert allowed(world, more)
    world.aws.end(execution)
    world.prune()
    assert allowed(world, more)
    before = world.state()
    world.deploy()
    world.prune()
    assert world.state() == before
    assert {*many} < {*more}


def test_a_managed_policy_that_somebody_changed(world):
    resources = allow(world, 200)
    world.deploy()
    arn = attached(world)[0]
    world.aws.policies[arn]["versions"].append({"Version": "2012-10-17", "Statement": []})
    assert not allowed(world, resources)
    world.deploy()
    assert allowed(world, resources)
    assert not world.plan().calls


def test_a_managed_policy_that_somebody_detached(world):
    resources = allow(world, 200)
    world.deploy()
    attached(world).pop()
    world.deploy()
    assert allowed(world, resources)


def test_too_many_managed_policies_are_told_before_anything_is_called(world):
    allow(world, 1400)
    problem = world.plan().problems[0]
    assert "managed policies; IAM takes 10" in problem.message
    assert "flowdsl prune" in problem.hint
    with_environment(world, permissions=())
    world.deploy()


def test_what_is_kept_for_earlier_versions_may_be_much_too(world):
    first = allow(world, 120)
    world.deploy()
    execution = world.aws.start("e", "payment")
    world.aws.watch = lambda aws: no_failure(aws, execution)
    second = allow(world, 120, "another-queue-with-a-long-name")
    world.change("setup")
    world.deploy()
    assert allowed(world, first)
    third = allow(world, 120, "a-third-queue-with-a-long-name")
    world.deploy()
    assert allowed(world, (*first, *second, *third))
    world.prune()
    assert allowed(world, first)
    world.aws.watch = lambda _: None
    world.aws.end(execution)
    world.prune()
    assert allowed(world, third)
    assert not allowed(world, second)
    assert not world.plan().calls


def test_destroy_removes_managed_policies_and_those_that_nothing_has(world):
    allow(world, 200)
    world.deploy()
    arn = attached(world).pop()  # as if a deploy had broken off between CreatePolicy and AttachRolePolicy
    world.instance = "pr-7"
    world.deploy()
    world.instance = ""
    world.destroy()
    assert arn not in world.aws.policies
    assert all("/pr-7/" in each for each in world.aws.policies)
    assert all(name.endswith("pr-7-eu-west-1") for name in world.aws.roles)
    world.instance = "pr-7"
    world.destroy()
    assert not world.aws.policies


@pytest.mark.parametrize("fault", ["before", "after"])
def test_the_next_deploy_goes_on_after_any_fault(world, fault):
    resources = allow(world, 200)
    start = copy.deepcopy(world.aws)
    world.deploy()
    end = world.state()
    for position, (_, name) in enumerate(world.aws.log):
        if name.startswith(READS) or "Policy" not in name:
            continue
        world.aws = copy.deepcopy(start)
        world.aws.fail_at, world.aws.fault = position, fault
        with pytest.raises((FlowError, ConnectionLostError)):
            world.deploy()
        world.aws.fail_at = None
        world.deploy()
        assert world.state() == end, name
        assert allowed(world, resources)


def test_a_flow_that_shrinks_and_grows_keeps_one_copy_of_each_permission(world):
    for receipts in (True, False, True, False):
        world.machine = flow(receipts=receipts)
        world.deploy()
    inline = world.aws.roles[ROLE]["inline"]
    receipt = PLACE.arn("lambda", "function:receipt")
    assert receipt not in json.dumps(inline["flowdsl"])
    assert json.dumps(inline["flowdsl-earlier"]).count(f'"{receipt}"') == 1


def test_prune_removes_the_role_of_a_function_that_left_the_flow(world):
    world.deploy()
    world.machine = flow(receipts=False)
    world.deploy()
    assert "receipt-eu-west-1" in world.aws.roles
    world.prune()
    assert "receipt" not in world.aws.functions
    assert "receipt-eu-west-1" not in world.aws.roles
    assert "setup-eu-west-1" in world.aws.roles
    world.machine = flow()
    world.deploy()
    assert not world.plan().calls


def test_a_role_with_a_policy_of_somebody_else_stays(world):
    world.deploy()
    world.aws.roles["receipt-eu-west-1"]["attached"].append("arn:aws:iam::aws:policy/ReadOnlyAccess")
    world.machine = flow(receipts=False)
    world.deploy()
    world.prune()
    assert "receipt" not in world.aws.functions
    assert "receipt-eu-west-1" in world.aws.roles
