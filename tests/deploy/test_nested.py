"""Flows with several state machines: those that are started by others are pinned to versions, and stay."""

import copy
import json

import pytest

from flowdsl import Function, StateMachine, Task
from flowdsl.base.diagnostics import FlowError
from tests.deploy.memory_common import PLACE, READS, ConnectionLostError
from tests.deploy.world import World

START = "arn:aws:states:::states:startExecution.sync:2"


def starts(child: str, name: str = "Start") -> Task:
    arn = f"arn:aws:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{child}"
    return Task(name, START, parameters={"StateMachineArn": arn, "Input": {}})


def child() -> StateMachine:
    return StateMachine("child", Task("Receipt", Function("receipt", "handlers/receipt")))


@pytest.fixture
def world(tmp_path):
    """The parent is declared before the state machine that it starts."""
    return World(tmp_path, machine=StateMachine("payment", starts("child")), others=[child()])


def child_arn(world: World, name: str = "payment") -> str:
    arn: str = world.definition(name)["States"]["Start"]["Parameters"]["StateMachineArn"]
    return arn


def test_a_nested_state_machine_is_started_by_its_version(world):
    plan = world.deploy()
    created = [call.resource for call in plan.calls if call.operation == "CreateStateMachine"]
    assert created == ["state machine child", "state machine payment"]
    assert child_arn(world) == PLACE.arn("states", "stateMachine:child:1")
    assert not world.plan().calls
    role = world.live_machine["now"]["roleArn"]
    # IAM knows state machines without versions: "Authorization for versions and aliases".
    assert world.aws.allows(role, "states:StartExecution", PLACE.arn("states", "stateMachine:child"))
    assert world.aws.allows(role, "states:DescribeExecution", PLACE.arn("states", "execution:child:x"))


def test_a_payment_in_flight_starts_the_version_that_it_began_with(world):
    world.deploy()
    execution = world.aws.start("e", "payment")
    world.change("receipt")
    world.deploy()
    assert child_arn(world) == PLACE.arn("states", "stateMachine:child:2")
    started = json.loads(world.aws.executions[execution]["definition"])["States"]["Start"]["Parameters"]
    arn = started["StateMachineArn"]
    nested = world.aws.states_StartExecution(arn, name="nested")["executionArn"]
    assert ":function:receipt:1" in world.aws.executions[nested]["definition"]
    world.prune()
    assert {1, 2} == {*world.aws.machines["child"]["versions"]}
    assert world.function_versions("receipt") == ["1", "2"]
    world.aws.end(execution)
    world.prune()
    assert {1, 2} == {*world.aws.machines["child"]["versions"]}  # the nested one runs on
    world.aws.end(nested)
    world.prune()
    assert {2} == {*world.aws.machines["child"]["versions"]}
    assert world.function_versions("receipt") == ["2"]


def test_a_version_that_an_older_version_starts_stays_for_a_rollback(world):
    for _ in range(4):
        world.change("receipt")
        world.deploy()
    world.prune(keep=2)
    assert [*world.aws.machines["payment"]["versions"]] == [3, 4]
    assert [*world.aws.machines["child"]["versions"]] == [3, 4]
    world.rollback()
    assert world.routes() == {3: 100}
    assert world.routes("child") == {3: 100}


def test_three_levels_and_a_name_in_an_instance(world):
    world.machine = StateMachine("payment", starts("middle"))
    world.others = [child(), StateMachine("middle", starts("child"))]
    world.instance = "pr-7"
    world.deploy()
    assert child_arn(world) == PLACE.arn("states", "stateMachine:middle-pr-7:1")
    assert child_arn(world, "middle") == PLACE.arn("states", "stateMachine:child-pr-7:1")
    world.change("receipt")
    world.deploy()
    assert child_arn(world) == PLACE.arn("states", "stateMachine:middle-pr-7:2")
    world.destroy()
    assert not world.aws.machines


def test_state_machines_that_start_each_other(world):
    """Neither can name a version of the other before it exists: what is started then is what is there."""
    world.machine = StateMachine("payment", starts("child"))
    world.others = [StateMachine("child", starts("payment"))]
    world.deploy()
    arns = {child_arn(world), child_arn(world, "child")}
    assert PLACE.arn("states", "stateMachine:payment") in arns
    assert not world.plan().calls


def test_a_state_machine_that_starts_itself(world):
    world.machine = StateMachine("payment", starts("payment"))
    world.others = []
    world.deploy()
    assert child_arn(world) == PLACE.arn("states", "stateMachine:payment")
    assert not world.plan().calls


def test_prune_removes_a_state_machine_that_left_the_flow(world):
    world.deploy()
    execution = world.aws.start("e", "payment")
    world.machine, world.others = StateMachine("payment", Task("Other", Function("setup", "handlers/setup"))), []
    plan = world.deploy()
    assert any("no longer part of the flow: function receipt, state machine child" in note for note in plan.notes)
    world.prune()
    assert "child" in world.aws.machines  # the open execution may still start it
    world.aws.end(execution, "FAILED")
    world.prune()
    assert "child" in world.aws.machines  # and may be redriven
    world.aws.clock.sleep(15 * 86400)
    world.prune()
    assert "child" not in world.aws.machines
    assert "receipt" not in world.aws.functions
    assert not [name for name in world.aws.roles if name.startswith(("child", "receipt"))]
    assert not world.plan().calls


@pytest.mark.parametrize("fault", ["before", "after"])
def test_the_next_deploy_goes_on_after_any_fault(world, fault):
    world.deploy()
    world.change("receipt")
    start = copy.deepcopy(world.aws)
    world.deploy()
    end = world.state()
    for position, (_, name) in enumerate(world.aws.log[len(start.log) :], len(start.log)):
        if name.startswith(READS):
            continue
        world.aws = copy.deepcopy(start)
        world.aws.fail_at, world.aws.fault = position, fault
        with pytest.raises((FlowError, ConnectionLostError)):
            world.deploy()
        world.aws.fail_at = None
        world.deploy()
        assert world.state() == end, name
