"""A small flow that is built and deployed into memory: what the tests of deployments start from."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from flowdsl import (
    EventBus,
    Function,
    Parallel,
    Queue,
    StateMachine,
    Table,
    Task,
    Topic,
    Wait,
    chain,
    dynamic,
    state_input,
)
from flowdsl.asl.text import canonical_text
from flowdsl.author.resources import Access
from flowdsl.author.serial import dump
from flowdsl.base.record import evolve
from flowdsl.deploy.aws import Paced
from flowdsl.deploy.model import DROPPED, Plan, Stack, Wanted
from flowdsl.deploy.pinning import functions_in
from flowdsl.deploy.plan import CanaryRequest
from flowdsl.deploy.retire import DestroyRequest
from flowdsl.deploy.session import Session
from flowdsl.deploy.wanted import assemble, stack_of
from flowdsl.package.archive import digests
from flowdsl.package.manifest import FILE, Manifest, Packaged
from flowdsl.project import Loaded
from flowdsl.project.environments import Environment
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE

ENVIRONMENT = Environment("test", PLACE.region, PLACE.account, tags={"team": "payments"})
FUNCTIONS = ("setup", "psp-a", "psp-b", "receipt")


DONATIONS = Table("donations", key="id", indexes={"by-day": ("day", "id")})
LETTERS = Queue("letters")
NEWS = Topic("news")
EVENTS = EventBus("events")
ACCESS = (
    DONATIONS.access("GetItem", "PutItem", variable="DONATIONS"),
    LETTERS.access("SendMessage", variable="LETTERS"),
    NEWS.access("Publish", variable="NEWS"),
    EVENTS.access("PutEvents", variable="EVENTS"),
)


def flow(*, wait: int = 60, receipts: bool = True, access: Sequence[Access] = ACCESS, **more: Any) -> StateMachine:
    """Setup, a function that is chosen at run time, a wait, and a receipt."""
    setup = Task("Setup", Function("setup", "handlers/setup", access=access), into="psp")
    psps = [Function("psp-a", "handlers/psp_a"), Function("psp-b", "handlers/psp_b")]
    take = Task("Take", dynamic(setup.out.arn, allowed=psps), into="payment")
    steps: list[Any] = [setup, take, Wait("Rest", seconds=wait)]
    if receipts:
        receipt = Task("Receipt", Function("receipt", "handlers/receipt"), payload={"document": state_input})
        steps.append(Parallel("Post", receipt, into="post"))
    return StateMachine("payment", chain(*steps), **more)


@define
class World:
    """A project's folder and the AWS that it is deployed to."""

    folder: Path
    aws: Memory = field(factory=Memory)
    environment: Environment = ENVIRONMENT
    code: dict[str, str] = field(factory=lambda: dict.fromkeys(FUNCTIONS, "1"))
    machine: StateMachine = field(factory=flow)
    others: list[StateMachine] = field(factory=list)
    """More state machines of the flow."""
    environment_variables: dict[str, dict[str, str]] = field(factory=dict)
    instance: str = ""
    type: str = "STANDARD"

    @property
    def stack(self) -> Stack:
        return stack_of(self.environment, Path("payment_flow.py"), self.instance)

    def build(self) -> tuple[list[Loaded], Path]:
        """What `flowdsl build` writes, with other bytes in the zips."""
        build = self.folder / "build"
        build.mkdir(exist_ok=True)
        machines = [self.machine, *self.others]
        packaged = {}
        for name in {name: None for each in machines for name in each.functions}:
            data = f"{name} {self.code[name]}".encode()
            (build / f"{name}.zip").write_bytes(data)
            sha, code = digests(data)
            packaged[name] = Packaged(
                file=f"{name}.zip",
                handler=f"handlers.{name}.handler.handler",
                runtime="python3.14",
                architecture="arm64",
                timeout=30,
                memory=256,
                environment=self.environment_variables.get(name, {}),
                sha256=sha,
                code_sha256=code,
                contents=sha,
                inputs=sha,
                size=len(data),
                unzipped=len(data),
            )
        definitions = {each.name: dump(each) for each in machines}
        texts = {name: canonical_text(each) for name, each in definitions.items()}
        digests_ = {f"{name}.asl.json": hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        (build / FILE).write_text(Manifest(digests_, packaged).text())
        flow = self.folder / "payment_flow.py"
        return [
            Loaded(flow, each.name, definitions[each.name], texts[each.name], self.type, each)  # type: ignore[arg-type]
            for each in machines
        ], build

    def wanted(self) -> Wanted:
        loaded, build = self.build()
        return assemble(self.stack, self.environment, loaded, build)

    def session(self) -> Session:
        return Session(Paced(self.aws, self.aws.clock), self.aws.clock, self.stack)

    def plan(self, canary: CanaryRequest | None = None) -> Plan:
        return self.session().plan(self.wanted(), canary)

    def deploy(self, canary: CanaryRequest | None = None) -> Plan:
        plan = self.plan(canary)
        assert not plan.problems, plan.problems
        self.session().apply(plan)
        return plan

    def prune(self, keep: int = 1) -> Plan:
        plan = self.session().plan_prune(self.wanted(), keep)
        self.session().apply_prune(plan, self.wanted(), keep)
        return plan

    def rollback(self, to: int | None = None) -> Plan:
        names = [each.name for each in (self.machine, *self.others)]
        plan = self.session().plan_rollback(self.environment.alias, names, to)
        assert not plan.problems, plan.problems
        self.session().apply(plan)
        return plan

    def destroy(self, *, stop_executions: bool = False) -> Plan:
        plan = self.session().plan_destroy(DestroyRequest(stop_executions), ["payment"], self.wanted().stores)
        assert not plan.problems, plan.problems
        self.session().apply(plan)
        return plan

    def change(self, *names: str) -> None:
        """Change the code of functions."""
        for name in names:
            self.code[name] = str(int(self.code[name]) + 1)

    # What is there

    @property
    def live_machine(self) -> dict[str, Any]:
        return self.aws.machines[self.stack.named("payment")]

    def versions(self) -> list[int]:
        return sorted(self.live_machine["versions"])

    def definition(self, name: str = "payment") -> Any:
        """What the state machine is now."""
        return json.loads(self.aws.machines[self.stack.named(name)]["now"]["definition"])

    def routes(self, name: str = "payment") -> dict[int, int]:
        routes = self.aws.machines[self.stack.named(name)]["aliases"][self.environment.alias]["routes"]
        return {int(arn.rpartition(":")[2]): weight for arn, weight in routes.items()}

    def function_versions(self, name: str) -> list[str]:
        return [each["number"] for each in self.aws.functions[self.stack.named(name)]["versions"]]

    def state(self) -> Any:
        """All that is deployed, without times and numbers that depend on the way there."""
        return json.loads(
            json.dumps(
                {
                    "roles": {
                        name: {**each, "created": "", "tags": {**each["tags"], DROPPED: ""}}
                        for name, each in self.aws.roles.items()
                    },
                    "policies": self.aws.policies,
                    "functions": {
                        name: {key: each[key] for key in ("settings", "aliases", "tags", "concurrency", "versions")}
                        for name, each in self.aws.functions.items()
                    },
                    "groups": self.aws.groups,
                    "tables": {name: {**each, "changed": ""} for name, each in self.aws.tables.items()},
                    "queues": self.aws.queues,
                    "topics": self.aws.topics,
                    "buses": self.aws.buses,
                    "machines": {
                        name: {key: each[key] for key in ("type", "status", "tags")}
                        | {"definition": each["now"], "alias": {k: v["routes"] for k, v in each["aliases"].items()}}
                        for name, each in self.aws.machines.items()
                    },
                },
                default=str,
            )
        )


def can_run(aws: Memory, execution: str) -> list[str]:
    """What an execution would fail at if it called all that its definition names now."""
    run = aws.executions[execution]
    failures = []
    for name, qualifier in functions_in(json.loads(run["definition"])):
        names: Iterable[str] = [name] if name else [each for each in aws.functions if each.startswith(("psp", "t-psp"))]
        for each in names:
            function = aws.functions.get(each)
            versions = [version["number"] for version in function["versions"]] if function else []
            number = function["aliases"].get(qualifier, qualifier) if function else qualifier
            if qualifier and number not in versions:
                failures.append(f"{each}:{qualifier} is gone")
            arn = PLACE.arn("lambda", f"function:{each}" + (f":{qualifier}" if qualifier else ""))
            if not aws.allows(run["roleArn"], "lambda:InvokeFunction", arn):
                failures.append(f"{arn} is not allowed")
    return failures


def called(aws: Memory, execution: str) -> dict[str, Any]:
    """The code and configuration behind each function that an execution names."""
    run = aws.executions[execution]
    found = {}
    for name, qualifier in functions_in(json.loads(run["definition"])):
        for each, function in aws.functions.items():
            if each == name or (not name and qualifier in function["aliases"]):
                number = function["aliases"].get(qualifier, qualifier)
                version = next(v for v in function["versions"] if v["number"] == number)
                found[each] = {"definition": run["definition"], **version["settings"]}
    return found


Change = Callable[[World], None]


def with_environment(world: World, **changes: Any) -> None:
    world.environment = evolve(world.environment, **changes)


def no_failure(aws: Memory, execution: str) -> None:
    assert not can_run(aws, execution)
