"""Deployments while AWS lags, throttles, refuses and breaks off: the next one converges."""

import copy

import pytest
from attrs import evolve

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import AwsError, Paced
from flowdsl.deploy.session import Session
from flowdsl.project.environments import FunctionSettings
from tests.deploy.memory_common import READS, ConnectionLostError
from tests.deploy.world import World, flow, no_failure, with_environment


def test_a_new_role_is_waited_for(world):
    """A1."""
    world.deploy()
    assert 8 < world.aws.clock.slept < 60
    world.aws.clock.slept = 0
    world.change("setup")
    world.deploy()
    assert world.aws.clock.slept < 15  # for the function alone


def test_a_role_that_can_never_be_assumed_ends_the_command(world):
    """A2."""
    world.aws.never_assumable = True
    with pytest.raises(FlowError, match="cannot be assumed by Lambda"):
        world.deploy()
    assert world.aws.clock.slept < 300


def test_throttled_calls_are_made_again(world):
    class Throttling:
        made = 0

        def call(self, service, operation, arguments):
            self.made += 1
            if self.made % 3 == 0:
                raise AwsError("ThrottlingException", "Rate exceeded", service, operation)
            return world.aws.call(service, operation, arguments)

    clock = world.aws.clock
    session = Session(Paced(Throttling(), clock), clock, world.stack)
    session.apply(session.plan(world.wanted()))
    assert world.versions() == [1]


def test_somebody_changed_a_function_meanwhile(world):
    world.deploy()
    world.change("setup")
    plan = world.plan()
    world.aws.functions["setup"]["revision"] += 1
    with pytest.raises(FlowError, match="somebody else changed it meanwhile"):
        world.session().apply(plan)
    world.deploy()
    assert not world.plan().calls


def test_two_deploys_at_once_end_the_same(world):
    first, second = world.plan(), world.plan()
    world.session().apply(first)
    with pytest.raises(FlowError, match="somebody else changed it meanwhile"):
        world.session().apply(second)
    assert not world.plan().calls


def test_missing_permissions_to_read_are_told_together(world):
    world.aws.denied = frozenset({"lambda:GetFunction", "iam:GetRole", "tag:GetResources"})
    with pytest.raises(FlowError) as raised:
        world.plan()
    message = str(raised.value)
    assert "iam:GetRole, lambda:GetFunction, tag:GetResources" in message
    assert '"Action": [' in message


def test_a_missing_permission_to_change_is_told_as_a_policy(world):
    world.aws.denied = frozenset({"lambda:CreateFunction"})
    with pytest.raises(FlowError) as raised:
        world.deploy()
    assert "lambda:CreateFunction" in str(raised.value)
    assert '"Effect": "Allow"' in str(raised.value)
    world.aws.denied = frozenset()
    world.deploy()
    assert not world.plan().calls


def test_a_zip_that_changed_after_the_plan_is_not_sent(world):
    plan = world.plan()
    (world.folder / "build" / "setup.zip").write_bytes(b"other")
    with pytest.raises(FlowError, match="has changed since the plan was made"):
        world.session().apply(plan)


# Faults at every position


def first_deploy(_: World) -> None:
    pass


def second_deploy(world: World) -> None:
    world.deploy()
    world.aws.start("in flight", "payment")
    world.change("setup", "psp-a")
    world.machine = flow(wait=90, receipts=False)
    with_environment(world, tags={"team": "others"}, logging="ALL", functions={"setup": FunctionSettings(memory=512)})


FAULTS = [
    (first_deploy, "before"),
    (first_deploy, "after"),
    *((second_deploy, each) for each in ("before", "after", "throttle")),
]


@pytest.mark.parametrize(("start", "fault"), FAULTS)
def test_the_next_deploy_goes_on_after_any_fault(tmp_path, start, fault):
    """Each call that changes something fails once; what is in flight goes on, and the end is the same."""
    prepared = World(tmp_path)
    start(prepared)

    def again() -> World:
        return evolve(prepared, aws=copy.deepcopy(prepared.aws))

    undisturbed = again()
    undisturbed.deploy()
    end, before = undisturbed.state(), len(prepared.aws.log)
    names = [name for _, name in undisturbed.aws.log[before:]]
    changing = [number for number, name in enumerate(names) if not name.startswith(READS)]
    assert len(changing) > 10
    for position in changing:
        world = again()
        runs = [*world.aws.executions]
        world.aws.watch = lambda aws, runs=runs: [no_failure(aws, each) for each in runs]
        world.aws.fail_at, world.aws.fault = before + position, fault
        failed = False
        try:
            world.deploy()
        except (FlowError, ConnectionLostError):
            failed = True
        # What AWS refuses for a while is made again, so a lost answer may be one that nobody waited for.
        assert failed == (fault != "throttle") or fault == "after", names[position]
        world.aws.fail_at = None
        world.deploy()
        assert world.state() == end, names[position]
