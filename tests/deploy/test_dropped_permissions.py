"""Permissions that the definition does not explain: prune takes them once nothing is in use that began with them."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.project.environments import Allowed, FunctionSettings
from tests.deploy.memory_common import PLACE, ConnectionLostError
from tests.deploy.world import World, flow, with_environment

PATH = "/flowdsl/payment_flow/test/"
STATES = PLACE.role("payment-states-eu-west-1", PATH)
SETUP = PLACE.role("setup-eu-west-1", PATH)
QUEUE = PLACE.arn("sqs", "orders")
OTHER = PLACE.arn("lambda", "function:of-somebody-else")


def stated(world: World, *allowed: Allowed) -> None:
    with_environment(world, permissions=allowed)


def of_function(world: World, *allowed: Allowed) -> None:
    with_environment(world, functions={"setup": FunctionSettings(permissions=allowed)})


def logged(world: World, *allowed: Allowed) -> None:
    with_environment(world, logging="ALL" if allowed else "OFF")


def traced(world: World, *allowed: Allowed) -> None:
    with_environment(world, tracing=bool(allowed))


Setting = Callable[..., None]
KINDS: dict[str, tuple[Setting, str, str, str]] = {
    "stated": (stated, STATES, "sqs:SendMessage", QUEUE),
    # An action that the definition needs too, on something else.
    "stated for another function": (stated, STATES, "lambda:InvokeFunction", OTHER),
    "stated for a function": (of_function, SETUP, "sqs:SendMessage", QUEUE),
    "logging": (logged, STATES, "logs:CreateLogDelivery", "*"),
    "tracing": (traced, STATES, "xray:PutTraceSegments", "*"),
    "tracing of a function": (traced, SETUP, "xray:PutTraceSegments", "*"),
}
every_kind = pytest.mark.parametrize(("change", "role", "action", "resource"), KINDS.values(), ids=KINDS)


def begun(world: World, change: Setting, action: str, resource: str) -> None:
    """Deployed with the permission."""
    change(world, Allowed((action,), (resource,)))
    world.deploy()


def later(world: World, **duration: Any) -> None:
    world.aws.clock.sleep(timedelta(**duration).total_seconds())


@every_kind
@pytest.mark.parametrize("code", [True, False], ids=["with code", "settings alone"])
def test_what_runs_keeps_what_it_began_with(world, change, role, action, resource, code):
    begun(world, change, action, resource)
    execution = world.aws.start("e", "payment")
    later(world, hours=1)
    change(world)
    if code:
        world.change("setup", "receipt")
    world.deploy()
    later(world, hours=1)
    world.aws.start("younger", "payment")
    world.prune()
    assert world.aws.allows(role, action, resource)

    world.aws.end(execution)
    world.prune()
    assert not world.aws.allows(role, action, resource)
    assert not world.plan().calls


@every_kind
def test_what_can_be_redriven_keeps_it_for_14_days(world, change, role, action, resource):
    begun(world, change, action, resource)
    world.aws.end(world.aws.start("e", "payment"), "FAILED")
    later(world, hours=1)
    change(world)
    world.deploy()
    world.prune()
    assert world.aws.allows(role, action, resource)
    later(world, days=14, seconds=1)
    world.prune()
    assert not world.aws.allows(role, action, resource)


@every_kind
def test_a_version_that_is_kept_for_a_rollback_keeps_it(world, change, role, action, resource):
    begun(world, change, action, resource)
    later(world, hours=1)
    change(world)
    world.machine = flow(wait=61)
    world.deploy()
    world.prune(keep=2)
    assert world.aws.allows(role, action, resource)
    world.rollback()
    world.aws.start("e", "payment")
    world.prune(keep=1)
    assert world.aws.allows(role, action, resource)
    world.aws.end(next(iter(world.aws.executions)))
    world.deploy()
    world.prune(keep=1)
    assert not world.aws.allows(role, action, resource)


@every_kind
def test_executions_that_start_the_old_version_after_the_drop_keep_it(world, change, role, action, resource):
    begun(world, change, action, resource)
    later(world, hours=1)
    change(world)
    world.machine = flow(wait=61)
    world.deploy()
    later(world, hours=1)
    arn = PLACE.arn("states", "stateMachine:payment:1")
    world.aws.call("states", "StartExecution", {"stateMachineArn": arn, "name": "e"})
    world.prune(keep=1)
    assert world.aws.allows(role, action, resource)


@every_kind
def test_a_deploy_that_broke_off_loses_nothing(world, change, role, action, resource):
    begun(world, change, action, resource)
    execution = world.aws.start("e", "payment")
    later(world, hours=1)
    change(world)
    plan, before = world.plan(), world.aws
    positions = [number for number, call in enumerate(plan.calls) if call.service == "iam"]
    assert len(positions) >= 3
    for position in positions:
        world.aws = copy.deepcopy(before)
        world.aws.fail_at, world.aws.fault = len(world.aws.log) + position, "before"
        with pytest.raises((FlowError, ConnectionLostError)):
            world.session().apply(plan)
        world.aws.fail_at = None
        assert world.aws.allows(role, action, resource)
        later(world, hours=1)
        world.deploy()
        world.prune()
        assert world.aws.allows(role, action, resource)
        world.aws.end(execution)
        world.prune()
        assert not world.aws.allows(role, action, resource)


def test_a_permission_that_came_later_is_nobodys_past(world):
    """Only what is in use and older than the drop counts."""
    world.deploy()
    begun(world, stated, "sqs:SendMessage", QUEUE)
    later(world, hours=1)
    stated(world)
    world.deploy()
    later(world, hours=1)
    world.aws.start("e", "payment")
    world.prune()
    assert not world.aws.allows(STATES, "sqs:SendMessage", QUEUE)


def test_express_executions_last_five_minutes(world):
    world.type = "EXPRESS"
    begun(world, stated, "sqs:SendMessage", QUEUE)
    later(world, hours=1)
    stated(world)
    world.deploy()
    world.prune()
    assert world.aws.allows(STATES, "sqs:SendMessage", QUEUE)
    later(world, minutes=11)
    world.prune()
    assert not world.aws.allows(STATES, "sqs:SendMessage", QUEUE)


def test_managed_policies_stay_too(world):
    many = tuple(PLACE.arn("sqs", f"a-queue-with-a-long-name-{number}") for number in range(200))
    stated(world, Allowed(("sqs:SendMessage",), many))
    world.deploy()
    execution = world.aws.start("e", "payment")
    later(world, hours=1)
    stated(world, Allowed(("sqs:SendMessage",), many[:3]))
    world.deploy()
    world.prune()
    assert all(world.aws.allows(STATES, "sqs:SendMessage", each) for each in many)
    world.aws.end(execution)
    world.prune()
    assert world.aws.roles["payment-states-eu-west-1"]["attached"] == []
    assert world.aws.allows(STATES, "sqs:SendMessage", many[0])
