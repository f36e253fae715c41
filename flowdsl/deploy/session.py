"""What the commands do: read, plan, apply, and watch a canary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from attrs import define, evolve

from ..base.diagnostics import Diagnostic, FlowError
from .aliases import move_description, routing
from .apply import Executor, Progress, resolve
from .aws import CREDENTIALS, Aws, CallError, Clock
from .errors import PERMISSIONS, refused
from .kinds import Store
from .live import Reader
from .model import AwsCall, Canary, Live, Plan, Stack, Wanted, log_group_of
from .plan import CanaryRequest, make_plan
from .retire import DestroyRequest, is_version_removal, plan_destroy, plan_prune, plan_rollback
from .validation import validate

Test = Callable[[dict[str, str]], bool]
"""Tests new versions, whose ARNs it gets by the state machine's name; False if they fail."""
MOVES: Final = ("CreateStateMachineAlias", "UpdateStateMachineAlias")
"""The calls after which new executions start another version."""


LISTED_AFTER: Final = 5.0
"""Seconds after which a new execution is listed: "eventually consistent" is all that the API reference says."""
PATIENCE: Final = 4
"""How often in a row the alarms may not be readable before the watch of a canary gives up."""


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
        plan = make_plan(wanted, self.read(wanted), now=self.clock.now(), canary=canary)
        return validate(plan, {each.name: each.type for each in wanted.machines}, self.aws)

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

    def apply_prune(self, plan: Plan, wanted: Wanted, keep: int) -> None:
        """Apply a prune: versions first, then what they needed, if nobody started one of them meanwhile."""
        first = tuple(call for call in plan.calls if is_version_removal(call))
        rest = tuple(call for call in plan.calls if call not in first)
        self.apply(evolve(plan, calls=first))
        if first and rest:
            self.clock.sleep(LISTED_AFTER)
            again = self.plan_prune(wanted, keep).calls
            rest = tuple(call for call in rest if call in again)
        self.apply(evolve(plan, calls=rest))

    def apply_tested(self, plan: Plan, test: Test) -> bool:
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
        test: Test | None = None,
        tell: Callable[[str], None] = lambda _: None,
        pause: float = 15.0,
    ) -> bool:
        """Wait for the end of a canary and move the alias; False if an alarm or the test rolled it back.

        The test is run again and again. Whoever calls this again after a break goes on where it was: the end is kept
        with the alias. Nothing is moved if somebody else moves the alias meanwhile.
        """
        until, unread = datetime.fromisoformat(canary.until), 0
        old, new = (arn.rpartition(":")[2] for arn in (canary.old, canary.new))
        while True:
            try:
                now = self._routes(alias)
                ringing = self.ringing(alarms)
                unread = 0
            except (CallError, FlowError) as error:
                unread += 1
                if unread == PATIENCE or _diagnostic(error).code == CREDENTIALS:
                    raise _unwatched(error, canary) from error
                tell(f"cannot be watched at the moment: {_diagnostic(error).message}")
                self.clock.sleep(pause)
                continue
            if now.keys() != {canary.old, canary.new}:
                tell("somebody else moved the alias")
                return now.keys() == {canary.new}
            failed = f"alarm {', '.join(ringing)}" if ringing else ""
            if not failed and test and not test({canary.new.split(":")[6]: canary.new}):
                failed = "the test failed"
            if failed:
                tell(f"{failed}: back to version {old}")
                self.move(alias, canary.old, rolled_back=canary.new)
                return False
            left = (until - self.clock.now()).total_seconds()
            if left <= 0:
                break
            tell(f"{canary.percent} % for another {left:.0f} s")
            self.clock.sleep(min(pause, left))
        self.move(alias, canary.new, previous=canary.old)
        tell(f"all to version {new}")
        return True

    def _routes(self, alias: str) -> dict[str, int]:
        answer = self.aws.call("states", "DescribeStateMachineAlias", {"stateMachineAliasArn": alias})
        routes = {each["stateMachineVersionArn"]: each["weight"] for each in answer["routingConfiguration"]}
        return {arn: weight for arn, weight in routes.items() if weight}

    def ringing(self, alarms: tuple[str, ...]) -> list[str]:
        """Those of the alarms that are in the state ALARM. Raises CallError."""
        return [each["AlarmName"] for each in self._alarms(alarms) if each.get("StateValue") == "ALARM"]

    def missing_alarms(self, alarms: tuple[str, ...]) -> list[str]:
        """Those of the names that no alarm has. Raises FlowError if they cannot be read."""
        try:
            known = {each["AlarmName"] for each in self._alarms(alarms)}
        except CallError as error:
            raise refused(error) from error
        return [each for each in alarms if each not in known]

    def _alarms(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Without AlarmTypes AWS leaves composite alarms out. Source: CloudWatch API Reference, DescribeAlarms."""
        if not names:
            return []
        types = ["MetricAlarm", "CompositeAlarm"]
        arguments = {"AlarmNames": [*names], "AlarmTypes": types, "MaxRecords": 100}
        answer = self.aws.call("cloudwatch", "DescribeAlarms", arguments)
        return [each for key in ("MetricAlarms", "CompositeAlarms") for each in answer.get(key, ())]

    def move(self, alias: str, version: str, *, previous: str | None = None, rolled_back: str | None = None) -> None:
        arguments = {
            "stateMachineAliasArn": alias,
            "description": move_description(previous, rolled_back=rolled_back),
            "routingConfiguration": routing({version: 100}),
        }
        call = AwsCall("states", "UpdateStateMachineAlias", arguments, f"alias {alias}", "the canary has ended")
        Executor(self.aws, self.clock).run(Plan(self.stack, (call,)))


def _diagnostic(error: CallError | FlowError) -> Diagnostic:
    return (error if isinstance(error, FlowError) else refused(error)).diagnostics[0]


def _unwatched(error: CallError | FlowError, canary: Canary) -> FlowError:
    cause, hint = _diagnostic(error), "run flowdsl deploy again to go on, or flowdsl rollback to end the canary"
    if cause.code in (CREDENTIALS, PERMISSIONS):
        hint = f"{cause.hint}\nthen {hint}"
    return FlowError.of(f"the canary stays at {canary.percent} %: {cause.message}", code="FD984", hint=hint)
