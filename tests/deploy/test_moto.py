"""The real boto3 against moto's server, for the calls that moto has: it cannot list versions of state machines."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from attrs import evolve

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import Paced, WallClock, connect
from flowdsl.deploy.retire import DestroyRequest, plan_destroy
from flowdsl.deploy.session import Session
from flowdsl.deploy.statements import Place
from flowdsl.project.environments import FunctionSettings, Secret
from tests.deploy.world import World, with_environment
from tests.moto_server import moto_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def world(tmp_path, emulator, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return World(tmp_path)


def session_of(world: World) -> Session:
    clock = WallClock()
    return Session(Paced(connect(world.stack.place), clock), clock, world.stack)


def test_functions_roles_and_log_groups(world):
    session = session_of(world)
    wanted = evolve(world.wanted(), machines=())
    session.apply(session.plan(wanted))
    assert not session.plan(wanted).calls

    world.change("setup")
    settings = FunctionSettings(memory=512, environment={"KEY": Secret("ssm", "/key")}, reserved_concurrency=2)
    with_environment(world, tags={"team": "others"}, functions={"receipt": settings})
    wanted = evolve(world.wanted(), machines=())
    changes = session.plan(wanted)
    assert {call.operation for call in changes.calls} >= {
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "PublishVersion",
        "PutRolePolicy",
        "PutFunctionConcurrency",
        "TagResource",
        "TagRole",
    }
    session.apply(changes)
    assert not session.plan(wanted).calls

    live = session.read(wanted)
    assert [each.number for each in live.functions["setup"].versions] == ["1", "2"]
    session.apply(plan_destroy(world.stack, live, DestroyRequest()))
    assert not session.read(wanted).functions
    assert not session.read(wanted).roles


def test_a_state_machine_with_a_version(world):
    session = session_of(world)
    wanted = world.wanted()
    plan = session.plan(wanted)
    session.apply(plan)
    arn = world.stack.place.arn("states", "stateMachine:payment")
    machine = session.aws.call("states", "DescribeStateMachine", {"stateMachineArn": arn})
    assert ":function:setup:1" in machine["definition"]
    assert machine["loggingConfiguration"]["level"] == "ERROR"


def test_an_emulator_of_one_service_is_not_asked_for_the_account(emulator, monkeypatch):
    """AWS would refuse the credentials that an emulator takes; it is not reached here."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", emulator)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    asked = []
    monkeypatch.setattr("flowdsl.deploy.aws.check_account", lambda aws, place: asked.append(place))
    elsewhere = Place("eu-west-1", "999999999999")
    aws = connect(elsewhere, ["states"])
    direct = boto3.client("stepfunctions", region_name=elsewhere.region, endpoint_url=emulator)
    there = direct.list_state_machines()["stateMachines"]
    assert aws.call("states", "ListStateMachines", {})["stateMachines"] == there
    assert not asked
    connect(elsewhere)
    connect(elsewhere, ["states", "lambda"])
    assert asked == [elsewhere, elsewhere]
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator)
    connect(elsewhere, ["states"])
    assert len(asked) == 3


def test_credentials_of_another_account(world):
    with pytest.raises(FlowError, match="wrong account"):
        connect(Place("eu-west-1", "999999999999"))


DEPLOY = """
import os, signal, sys
from pathlib import Path
from attrs import evolve
from tests.deploy.test_moto import session_of
from tests.deploy.world import World

folder, instance, position, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
world = World(folder, instance=instance)
session = session_of(world)
wanted = evolve(world.wanted(), machines=())
plan = session.plan(wanted)
inner, made = session.aws.aws, 0

class Killing:
    def call(self, service, operation, arguments):
        global made
        made += 1
        if made == position and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = inner.call(service, operation, arguments)
        if made == position:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

session.aws.aws = Killing()
session.apply(plan)
print(made)
"""


def test_a_killed_deploy_is_finished_by_the_next(world, emulator, tmp_path):
    """kill -9 of the process at random calls, before and after AWS carried them out."""

    def deploy(instance: str, position: int, when: str = "before") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", DEPLOY, str(tmp_path), instance, str(position), when]
        variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)

    whole = deploy("whole", 0)
    assert whole.returncode == 0, whole.stderr
    calls = int(whole.stdout.splitlines()[-1])
    assert calls > 20
    for number, position in enumerate(random.Random(7).sample(range(1, calls + 1), 3)):
        instance = f"killed-{number}"
        killed = deploy(instance, position, "before" if number % 2 else "after")
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        again = World(tmp_path, instance=instance)
        session, wanted = session_of(again), evolve(again.wanted(), machines=())
        plan = session.plan(wanted)
        assert plan.calls or position == calls
        session.apply(plan)
        assert not session.plan(wanted).calls, position
        session.apply(plan_destroy(again.stack, session.read(wanted), DestroyRequest()))
        assert not session.read(wanted).roles
