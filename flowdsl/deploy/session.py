"""What the commands do: read, plan, apply, and watch a canary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from attrs import define, evolve

from .aliases import move_description, routing
from .apply import Executor, Progress, resolve
from .aws import Aws, AwsError, Clock
from .live import Reader
from .model import Call, Canary, Live, Plan, Stack, Wanted
from .plan import CanaryRequest, make_plan
from .retire import DestroyRequest, plan_destroy, plan_prune, plan_rollback
from .stores import Store
from .wanted import log_group_of

MOVES: Final = ("CreateStateMachineAlias", "UpdateStateMachineAlias")
"""The calls after which new executions start another version."""


@define
class Session:
    """One command's work on a stack."""

    aws: Aws
    clock: Clock
    stack: Stack
    progress: Progress | None = None

    def read(self, wanted: Wanted, *, versions: int = 10) -> Live:
        return Reader(self.aws, self.stack, self.clock, versions=versions).read(
            roles=[each.name for each in wanted.roles],
            functions=[each.name for each in wanted.functions],
            log_groups=[each.name for each in wanted.log_groups],
            machines=[each.name for each in wanted.machines],
            stores=wanted.stores,
        )

    def plan(self, wanted: Wanted, canary: CanaryRequest | None = None) -> Plan:
        return make_plan(wanted, self.read(wanted), now=self.clock.now(), canary=canary)

    def plan_rollback(self, alias: str, machines: Iterable[str], to: int | None = None) -> Plan:
        """`machines` have the names that they have in the flow."""
        reader = Reader(self.aws, self.stack, self.clock, versions=1)
        live = reader.read(machines=map(self.stack.named, machines))
        return plan_rollback(self.stack, live, alias, to=to)

    def plan_prune(self, wanted: Wanted, keep: int) -> Plan:
        return plan_prune(wanted, self.read(wanted, versions=keep), keep=keep, now=self.clock.now())

    def plan_destroy(self, request: DestroyRequest, machines: Iterable[str] = (), stores: Iterable[Store] = ()) -> Plan:
        reader = Reader(self.aws, self.stack, self.clock, versions=1)
        names = [*map(self.stack.named, machines)]
        stores = [*stores]
        live = reader.read(machines=names, log_groups=map(log_group_of, names), stores=stores)
        return plan_destroy(self.stack, live, request, stores)

    def apply(self, plan: Plan) -> None:
        Executor(self.aws, self.clock, self.progress).run(plan)

    def apply_tested(self, plan: Plan, test: Callable[[dict[str, str]], bool]) -> bool:
        """Apply a plan, with a test of the new versions before any alias moves to them.

        `test` gets the ARN of the version by the state machine's name. False if it fails: then no alias has moved.
        """
        moves = [call for call in plan.calls if call.operation in MOVES]
        executor = Executor(self.aws, self.clock, self.progress)
        executor.run(evolve(plan, calls=tuple(call for call in plan.calls if call not in moves)))
        versions = {}
        for call in moves:
            first = resolve(call.arguments["routingConfiguration"], executor.answers)[0]["stateMachineVersionArn"]
            versions[first.split(":")[6]] = first
        if not test(versions):
            return False
        executor.run(evolve(plan, calls=tuple(moves)))
        return True

    # Canaries

    def canaries(self, wanted: Wanted) -> dict[str, Canary]:
        """The gradual moves that go on, by the alias's ARN."""
        return dict(self.plan(wanted).canaries)

    def watch(
        self,
        alias: str,
        canary: Canary,
        *,
        alarms: tuple[str, ...] = (),
        tell: Callable[[str], None] = lambda _: None,
        pause: float = 15.0,
    ) -> bool:
        """Wait for the end of a canary and move the alias; False if an alarm rolled it back.

        Whoever calls this again after a break goes on where it was: the end is kept with the alias.
        """
        until = datetime.fromisoformat(canary.until)
        while True:
            ringing = self.ringing(alarms)
            if ringing:
                tell(f"alarm {', '.join(ringing)}: back to version {canary.old.rpartition(':')[2]}")
                self.move(alias, canary.old, rolled_back=canary.new)
                return False
            left = (until - self.clock.now()).total_seconds()
            if left <= 0:
                break
            tell(f"{canary.percent} % for another {left:.0f} s")
            self.clock.sleep(min(pause, left))
        self.move(alias, canary.new, previous=canary.old)
        tell(f"all to version {canary.new.rpartition(':')[2]}")
        return True

    def ringing(self, alarms: tuple[str, ...]) -> list[str]:
        if not alarms:
            return []
        answer = self.aws.call("cloudwatch", "DescribeAlarms", {"AlarmNames": [*alarms], "StateValue": "ALARM"})
        return [each["AlarmName"] for key in ("MetricAlarms", "CompositeAlarms") for each in answer.get(key, ())]

    def missing_alarms(self, alarms: tuple[str, ...]) -> list[str]:
        if not alarms:
            return []
        try:
            answer = self.aws.call("cloudwatch", "DescribeAlarms", {"AlarmNames": [*alarms]})
        except AwsError:
            return [*alarms]
        known = {each["AlarmName"] for key in ("MetricAlarms", "CompositeAlarms") for each in answer.get(key, ())}
        return [each for each in alarms if each not in known]

    def move(self, alias: str, version: str, *, previous: str | None = None, rolled_back: str | None = None) -> None:
        arguments = {
            "stateMachineAliasArn": alias,
            "description": move_description(previous, rolled_back=rolled_back),
            "routingConfiguration": routing({version: 100}),
        }
        call = Call("states", "UpdateStateMachineAlias", arguments, f"alias {alias}", "the canary has ended")
        Executor(self.aws, self.clock).run(Plan(self.stack, (call,)))
