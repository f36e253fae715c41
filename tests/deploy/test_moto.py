"""The real boto3 against moto's server, which takes any definition and no RevisionId (see `moto_server`)."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy.aws import WallClock, connect
from flowdsl.deploy.retire import DestroyRequest, plan_destroy
from flowdsl.deploy.session import Session
from flowdsl.deploy.statements import Place
from flowdsl.project.environments import FunctionSettings, Secret
from tests.deploy.memory_common import PLACE
from tests.deploy.project import Project
from tests.deploy.world import World, with_environment
from tests.moto_server import moto_server

pytestmark = pytest.mark.slow

WAITING = """
from flowdsl import Function, StateMachine, Task, Wait, chain
machine = StateMachine("hello", chain(Wait("Later", seconds=3600), Task("Greet", Function("greet", "greet"))))
"""
"""Its executions stay open: moto would call the function with Docker, and fail."""


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
    """Without the pace that AWS asks for."""
    return Session(connect(world.stack.place), WallClock(), world.stack)


def test_what_is_deployed_is_changed_and_destroyed(world):
    session = session_of(world)
    wanted = world.wanted()
    session.apply(session.plan(wanted))
    assert not session.plan(wanted).calls

    world.change("setup")
    settings = FunctionSettings(memory=512, environment={"KEY": Secret("ssm", "/key")}, reserved_concurrency=2)
    with_environment(world, tags={"team": "others"}, functions={"receipt": settings})
    wanted = world.wanted()
    changes = session.plan(wanted)
    assert {call.operation for call in changes.calls} >= {
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "PublishVersion",
        "PutRolePolicy",
        "PutFunctionConcurrency",
        "TagResource",
        "TagRole",
        "UpdateStateMachine",
        "UpdateStateMachineAlias",
    }
    session.apply(changes)
    assert not session.plan(wanted).calls

    live = session.read(wanted)
    assert [each.number for each in live.functions["setup"].versions] == ["1", "2"]
    assert [each.number for each in live.machines["payment"].versions] == [1, 2]
    session.apply(plan_destroy(world.stack, live, DestroyRequest(), wanted.stores))
    left = session.read(wanted)
    assert not any((left.functions, left.roles, left.machines, left.log_groups))


def test_the_commands_from_the_first_deploy_to_the_end(emulator, world, tmp_path, monkeypatch):
    """What a user types, with an execution that is open while a second version comes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOWDSL_ENV", raising=False)
    project = Project(tmp_path, None)
    (tmp_path / "hello.py").write_text(WAITING)
    project.code("1")
    states = boto3.client("stepfunctions", region_name=PLACE.region, endpoint_url=emulator)
    machine = PLACE.arn("states", "stateMachine:hello")

    def flowdsl(*arguments: str, code: int = 0) -> str:
        done = project.run(*arguments)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done.output

    def routes() -> list[str]:
        alias = states.describe_state_machine_alias(stateMachineAliasArn=f"{machine}:live")
        return [each["stateMachineVersionArn"].rpartition(":")[2] for each in alias["routingConfiguration"]]

    def greeting(version: str = "") -> str:
        return states.describe_state_machine(stateMachineArn=f"{machine}{version}")["definition"]

    assert "state machine hello" in flowdsl("plan", code=3)
    flowdsl("deploy", "--yes")
    assert "no changes" in flowdsl("plan")
    assert ":function:greet:1" in greeting()
    open_one = states.start_execution(stateMachineArn=machine, name="don-1")["executionArn"]

    project.code("2")
    assert "don-1" in flowdsl("plan", code=3)
    flowdsl("deploy", "--yes")
    assert "no changes" in flowdsl("plan")
    assert routes() == ["2"]
    assert ":function:greet:2" in greeting()
    assert ":function:greet:1" in greeting(":1")

    flowdsl("rollback", "--yes")
    assert routes() == ["1"]
    assert "1 change" in flowdsl("deploy", "--yes"), "the alias alone: nothing is published again"
    assert routes() == ["2"]
    assert "wait for their end, or stop them with --stop-executions" in flowdsl("destroy", "--yes", code=2)
    states.stop_execution(executionArn=open_one)
    # moto tells the newest definition of an execution, so that nothing seems to need the first version.
    assert "version 1 of function greet" in flowdsl("prune", "--yes", "--keep", "1")
    assert "no changes" in flowdsl("plan")
    flowdsl("destroy", "--yes")
    assert "nothing is left" in flowdsl("destroy", "--yes")
    assert "state machine hello" in flowdsl("plan", code=3)


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
from tests.deploy.test_moto import session_of
from tests.deploy.memory_common import PLACE
from tests.deploy.project import Project
from tests.deploy.world import World

folder, instance, position, when = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
world = World(folder, instance=instance)
session = session_of(world)
wanted = world.wanted()
plan = session.plan(wanted)
inner, made = session.aws, 0

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

session.aws = Killing()
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
        session, wanted = session_of(again), again.wanted()
        plan = session.plan(wanted)
        assert plan.calls or position == calls
        session.apply(plan)
        assert not session.plan(wanted).calls, position
        session.apply(plan_destroy(again.stack, session.read(wanted), DestroyRequest(), wanted.stores))
        assert not session.read(wanted).roles
