"""Flows of one project that share functions: one stack, in which a function is there once, as long as one needs it."""

from typing import Any

import pytest

from flowdsl import Function, StateMachine, Task, Wait, chain, dynamic
from flowdsl.deploy.aws import Paced
from flowdsl.deploy.session import Session
from flowdsl.deploy.wanted import assemble, stack_of
from tests.deploy.world import World


def refunds() -> StateMachine:
    """A flow that calls two functions of the first one, and one of its own."""
    psps = [Function("psp-a", "handlers/psp_a"), Function("psp-b", "handlers/psp_b")]
    prepare = Task("Prepare", Function("prepare", "handlers/prepare"), into="psp")
    take = Task("Refund", dynamic(prepare.out.arn, allowed=psps), into="refund")
    return StateMachine("refund", chain(prepare, Wait("Rest", seconds=60), take))


@pytest.fixture
def both(world: World) -> World:
    world.code["prepare"] = "1"
    world.others = [refunds()]
    world.deploy()
    return world


def versions(world: World) -> set[str]:
    return {str(each["number"]) for each in world.aws.functions["psp-a"]["versions"]}


def test_a_shared_function_is_there_once(both: World) -> None:
    assert set(both.aws.functions) == {"setup", "psp-a", "psp-b", "receipt", "prepare"}
    assert set(both.aws.machines) == {"payment", "refund"}
    assert not both.plan().calls


def test_a_flow_that_goes_takes_only_what_is_its_own(both: World) -> None:
    both.others = []
    both.deploy()
    both.aws.clock.sleep(15 * 86400)
    both.prune()

    assert set(both.aws.machines) == {"payment"}
    assert set(both.aws.functions) == {"setup", "psp-a", "psp-b", "receipt"}
    assert not both.plan().calls, "what the payment calls is as it was, the alias of its functions included"


def test_an_open_execution_of_one_flow_keeps_the_version_of_a_shared_function(both: World) -> None:
    """This is why they are one stack: alone, neither flow's deployment would know of the other one's executions."""
    execution = both.aws.start("e", "refund")
    before = versions(both)
    both.code["psp-a"] = "2"
    both.deploy()
    both.aws.clock.sleep(15 * 86400)
    both.prune()
    assert before <= versions(both)
    both.aws.end(execution, "SUCCEEDED")
    both.aws.clock.sleep(15 * 86400)
    both.prune()
    assert not before <= versions(both)


def test_two_stacks_do_not_take_a_function_from_each_other(both: World, tmp_path: Any) -> None:
    """Two projects, or a file that is not in `flows`: the name is taken, and nothing is changed."""
    before = both.state()
    other = World(tmp_path / "other", aws=both.aws, machine=refunds(), code=both.code)
    other.folder.mkdir()
    loaded, build = other.build()
    stack = stack_of(other.environment, tmp_path / "refund_flow.py")
    plan = Session(Paced(both.aws, both.aws.clock), both.aws.clock, stack).plan(
        assemble(stack, other.environment, loaded, build)
    )

    assert {problem.message for problem in plan.problems} >= {
        f"the name is taken: {what} exists and belongs to payment_flow / test"
        for what in ("function psp-a", "function psp-b", "function prepare", "state machine refund")
    }
    assert both.state() == before
