"""The policy in docs/ for whoever deploys: just the actions that the commands call, on AWS's own names."""

import json
from datetime import timedelta
from pathlib import Path

from flowdsl import Alarm, Function, Metric, Schedule, Table
from flowdsl.deploy.executions import ExecutionCalls
from flowdsl.deploy.plan import CanaryRequest
from flowdsl.project.environments import FunctionSettings
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE, needed_by_caller
from tests.deploy.test_encryption_and_validation import KEY
from tests.deploy.test_roles import allow
from tests.deploy.world import World, flow, with_environment

POLICY = Path(__file__).parents[2] / "docs" / "workflows" / "deployer-policy.json"


def everything(world: World) -> None:
    """All that the commands do."""
    world.instance = "pr-7"
    with_environment(world, kms_key=KEY, functions={"setup": FunctionSettings(reserved_concurrency=5)})
    world.deploy()
    running = world.aws.start("e", "payment-pr-7")
    world.aws.start("of no version", "payment-pr-7", alias=None)
    world.change("setup", "psp-a")
    world.deploy(CanaryRequest(10, timedelta(minutes=1)))
    world.aws.alarms = {"failing": "OK"}
    for alias, canary in world.plan().canaries.items():
        world.session().watch(alias, canary, alarms=("failing",))
    world.rollback()
    allow(world, 200)
    world.deploy()
    for policy in world.aws.policies.values():
        policy["versions"].append({"Version": "2012-10-17", "Statement": []})
    world.deploy()
    more = Table("donations", key="id", indexes={"by-day": ("day", "id"), "by-state": "state"})
    world.machine = flow(access=[more.access("Query", variable="DONATIONS")], receipts=False)
    world.deploy()
    world.machine = flow(receipts=False)
    with_environment(world, kms_key="", tags={}, functions={}, permissions=())
    for aws_queue in world.aws.queues.values():
        aws_queue["attributes"]["VisibilityTimeout"] = "1"
    for role in world.aws.roles.values():
        role["trust"] = {"Version": "2012-10-17", "Statement": []}
    for function in world.aws.functions.values():
        function["aliases"] = dict.fromkeys(function["aliases"], "9")
    world.deploy()
    allow(world, 200)
    world.deploy()
    world.live_machine["now"]["loggingConfiguration"]["level"] = "ALL"
    world.deploy()
    calls = ExecutionCalls(world.session().aws)
    calls.start(PLACE.arn("states", "stateMachine:payment-pr-7:live"), "{}", None)
    calls.stop(running, None, None)
    with_environment(world, permissions=(), kms_key=KEY)
    world.deploy()
    world.change("psp-b")
    world.deploy()
    watch_and_stop(world)
    for execution in [*world.aws.executions]:
        world.aws.end(execution)
    world.prune()
    world.destroy()


def watch_and_stop(world: World) -> None:
    """Schedules, alarms and expiry: made, changed, removed."""
    world.code["sweep"] = "1"
    sweep = Function("sweep", "handlers/sweep")
    table = Table("donations", key="id", indexes={"by-day": ("day", "id"), "by-state": "state"}, expires="until")
    watched = {
        "alarms": [Alarm("failing", Metric("payments", "OpenWork", sweep))],
        "access": [table.access("Query", variable="DONATIONS")],
        "receipts": False,
    }
    every = timedelta(hours=1)
    world.machine = flow(schedules=[Schedule(name, sweep, every=every) for name in ("sweep", "tidy")], **watched)
    with_environment(world, permissions=(), kms_key=KEY, tags={"team": "payments"})
    world.deploy()
    world.machine = flow(schedules=[Schedule("sweep", sweep, every=2 * every)], **watched)
    with_environment(world, permissions=(), kms_key=KEY, tags={"owner": "me"})
    world.deploy()
    world.aws.clock.sleep(60)
    world.machine = flow(receipts=False)
    world.deploy()


BESIDE = {"states:DescribeExecution", "states:RedriveExecution", "logs:FilterLogEvents"}
"""Of `flowdsl executions`, which the AWS in memory lacks."""


def test_the_policy_has_just_what_is_called(world, monkeypatch):
    calls: set[str] = set()
    original = Memory.call

    def call(self, service, name, arguments):
        calls.update(action for action, _ in needed_by_caller(service, name, arguments))
        return original(self, service, name, arguments)

    monkeypatch.setattr(Memory, "call", call)
    everything(world)
    lists = [each["Action"] for each in json.loads(POLICY.read_text())["Statement"]]
    allowed = [action for each in lists for action in ([each] if isinstance(each, str) else each)]
    assert len(allowed) == len({*allowed})
    assert calls - {*allowed} == set()
    assert {*allowed} - calls - BESIDE == set()
