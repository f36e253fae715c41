"""Carry out a plan: executions on the embedded engine, donors, outages and sweeps on one virtual clock."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition
from typing import Any
from unittest.mock import patch

from attrs import define, field, frozen

from benchmarks.campaign.banks import FILED, SECRET, bank, filed, signed
from benchmarks.campaign.faults import Faults
from benchmarks.campaign.operators import Operators, operate
from benchmarks.campaign.plan import HOUR, Plan, Submission
from benchmarks.campaign.stand_ins import WEBHOOKS, LambdaFunctions, StepFunctions, psps, refusal_of
from benchmarks.campaign.stripe_books import StripeBooks
from benchmarks.campaign.tables import Disturbed, refusal
from flowdsl.engine import Call, Invoker, Reply, Result, UnknownTaskError
from flowdsl.project import Loaded
from flowdsl.testing import Answer, ExecutionAlreadyExists, Runner
from handlers import captures, clock, disputes, psp_webhook, refunds, sqlite
from handlers.document import MalformedEvent
from handlers.reconcile.sweep import ask_psp, sweep
from handlers.refunds.record import identity as refund_id
from handlers.transactions.store import store

START = datetime(2025, 1, 1, tzinfo=UTC)
_ALWAYS = 10**9
ENDED = "ended"
"""The file with the time at which a process was killed."""
_TIMEOUT = 50
"""Seconds, of the PSPs' functions."""
_ACTOR = "actor"
_LATER = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Act"},
        "Act": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": _ACTOR, "Payload.$": "$"},
            "End": True,
        },
    },
}
_original = sqlite.transaction


@frozen
class Ended:
    """An execution that has ended, or hangs."""

    name: str
    donation: dict[str, Any]
    status: str
    error: str | None
    output: Any


@define
class World:
    """One process: an engine with its executions, and what disturbs them."""

    plan: Plan
    flow: Loaded
    others: tuple[Loaded, ...]
    """The flows of refunds and of captures."""
    faults: Faults
    start: datetime = START
    suffix: str = ""
    """Of the executions' names."""
    tables: Any = None
    """DynamoDB's client, or None if the stores are SQLite files."""
    strikes: bool = False
    """True while faults strike."""
    depth: int = 0
    """1 in an execution that runs between two transactions of another."""
    kill_at: int | None = None
    results: dict[str, tuple[Submission, Result]] = field(factory=dict)
    inside: list[Ended] = field(factory=list)
    runner: Runner = field(init=False)
    _where: list[str] = field(factory=list)
    """The calls in progress, the innermost last; empty while no faults strike."""
    _transactions: int = 0
    _redirects: int = 0
    _races: int = 0
    _events: int = 0
    _decisions: set[str] = field(factory=set)
    """What banks, or the PSP, have been given to decide."""
    forged: list[str] = field(factory=list)
    requests: dict[str, tuple[int, dict[str, Any]]] = field(factory=dict)
    """The executions of refunds (0) and captures (1), by name, with their inputs."""
    operators: Operators = field(factory=Operators)

    def __attrs_post_init__(self) -> None:
        self.runner = Runner.of(
            self.flow,
            handlers={_ACTOR: self._act},
            machines=[_LATER, *self.others],
            start=self.start,
            seed=self.plan.index,
        )
        states = [each for flow in (self.flow, *self.others) for each in _tasks(flow.definition)]
        for state in [name for name, node in states if node.get("Type") == "Task"]:
            self.runner.mock(state, Answer("disturbed", self._respond, _ALWAYS))

    # -- the script

    def run(self) -> None:
        """Carry out the whole plan."""
        for submission in self.plan.submissions:
            self._later(submission.at, "submit", name=submission.name)
        for at, number in self.plan.stops:
            self._later(at, "stop", name=self.plan.submissions[number].name)
        for at in self.plan.sweeps:
            self._later(at, "sweep")
        for at, donation, number, amount in self.plan.refunds:
            self._later(at, "refund", donation=donation, number=number, amount=amount)
        for at, command, donation in self.plan.operators:
            self._later(at, "operator", command=command, donation=donation)
        for at, hand, donation, amount in self.plan.by_hand:
            self._later(at, "by hand", hand=hand, donation=donation, amount=amount)
        for at, donation, amount in self.plan.captures:
            self._later(at, "capture", donation=donation, amount=amount)
        self.runner.scheduler.run()

    def run_request(self, flow: int, request: dict[str, Any]) -> None:
        """Run one refund or capture, without anything beside it."""
        self._start(flow, request)
        self.runner.scheduler.run()

    def run_one(self, submission: Submission) -> None:
        """Run one execution, without anything beside it."""
        self._submit(submission)
        self.runner.scheduler.run()

    @property
    def ended(self) -> list[Ended]:
        own = [_ended(submission, result) for submission, result in self.results.values()]
        return [*own, *self.inside]

    def _later(self, seconds: int, act: str, **details: Any) -> None:
        scheduler = self.runner.scheduler
        scheduler.start(scheduler.machines["StateMachine"], {"seconds": seconds, "act": act, **details})

    def _act(self, event: dict[str, Any], _context: Any) -> None:
        act = event["act"]
        if act == "submit":
            self._submit(next(each for each in self.plan.submissions if each.name == event["name"]))
        elif act == "stop":
            if event["name"] in self.results:
                self.faults.counts["StopExecution"] += 1
                self.runner.scheduler.stop_execution(self.results[event["name"]][1])
        elif act == "refund":
            self._refund(event["donation"], event["number"], event["amount"])
        elif act == "operator":
            operate(self, event["command"], event["donation"])
        elif act == "capture":
            self._capture(event["donation"], event["amount"])
        elif act == "by hand":
            self.faults.counts[f"by hand: {event['hand']}"] += 1
            books = bank(self.plan.psp, sqlite.database("any").parent)
            is_taken = any(each.captured for each in books.payments() if each.order_id == event["donation"])
            if event["hand"] != "capture" or not is_taken:
                books.by_hand(event["hand"], event["donation"], event["amount"])
        elif act == "webhook":
            self._webhook(event)
        elif act == "decide":
            self._decisions.discard(event["what"])
            filed(self.plan.psp, sqlite.database("any").parent).decide(event["what"])
        elif act == "sweep":
            with self.at(f"sweep {event['seconds']}"), suppress(Exception, SystemExit):
                list(sweep(store(), ask_psp, self.has_settled))
        else:
            self._donor(event)
        self._deliver_events()

    def _deliver_events(self) -> None:
        """Let banks decide, and the PSP's new events arrive, as the plan says."""
        folder = sqlite.database("any").parent
        if self.plan.psp in FILED:
            for what in filed(self.plan.psp, folder).waiting():
                if what not in self._decisions:
                    self._decisions.add(what)
                    self._later(self.faults.decision(what), "decide", what=what)
        for number, kind, item in self._new_events(folder):
            self._events = number
            for seconds, form in self.faults.deliveries(kind):
                self._later(seconds, "webhook", kind=kind, item=item, form=form, tries=0)

    def _new_events(self, folder: Path) -> list[tuple[int, str, Any]]:
        """Return the PSP's events that have not been looked at."""
        if self.plan.psp in FILED:
            return filed(self.plan.psp, folder).events(self._events)
        if self.plan.psp == "sandbox":
            return []
        return StripeBooks(folder / "stripe.sqlite").events(self._events)

    def deliver_all(self, *, always: bool = False) -> None:
        """Deliver all events again, the newest first: PSPs send them for days, and what Adyen and GoCardless decided
        later, or what somebody did by hand, cannot be known otherwise."""
        folder = sqlite.database("any").parent
        if self.plan.psp in FILED:
            books = filed(self.plan.psp, folder)
            while waiting := books.waiting():
                books.decide(waiting[0])
        elif not self.plan.by_hand and not always:
            return
        self._events = 0
        for number, kind, item in reversed(self._new_events(folder)):
            self._events = max(self._events, number)
            self._call_webhook({"kind": kind, "item": item, "form": "event", "tries": 0})
        self.runner.scheduler.run()

    def _webhook(self, event: dict[str, Any]) -> None:
        """Stripe, or somebody else, calls the webhook; Stripe calls again unless it gets an answer."""
        self.faults.counts[f"webhook: {event['form']}"] += 1
        with self.at(f"webhook-{event['kind']}-{event['tries']} {self.plan.psp}"):
            status = self._call_webhook(event)
        if status == 200 and event["form"] == "forged":
            self.forged.append(f"the webhook took a forged {event['kind']}")
        if status >= 500 and event["tries"] < 8:
            self._later(HOUR << event["tries"], "webhook", **{**event, "tries": event["tries"] + 1})

    def _call_webhook(self, event: dict[str, Any]) -> int:
        """Return the status of the answer, 500 without one."""
        request = self._request(event)
        with patch.object(psp_webhook, "execution_has_ended", self.has_ended):
            try:
                return int(WEBHOOKS[self.plan.psp](request, None)["statusCode"])
            except (Exception, SystemExit):  # noqa: BLE001 - what fails here is what the scenario injected, and is sent again
                return 500

    def _request(self, event: dict[str, Any]) -> dict[str, Any]:
        forged = event["form"] == "forged"
        if self.plan.psp in FILED:
            return filed(self.plan.psp, sqlite.database("any").parent).request(event["item"], forged=forged)
        return signed(event["kind"], event["item"], secret="whsec_guessed" if forged else SECRET)

    def _submit(self, submission: Submission) -> None:
        name = f"{submission.name}{self.suffix}"
        with suppress(ExecutionAlreadyExists):
            self.results[name] = (submission, self.runner.start(submission.donation, name=name))

    def _refund(self, donation: str, number: int, amount: int | None) -> None:
        self.faults.counts["refund requested"] += 1
        disputed = sum(each.amount for each in disputes.listed() if each.donation == donation and each.takes_back)
        if disputed and number not in {each.number for each in refunds.of_donation(donation)}:
            self.operators.disputed[refund_id(donation, number)] = disputed
        self._start(0, {"donation": donation, "number": number, "amount": amount})

    def _capture(self, donation: str, amount: int | None) -> None:
        self.faults.counts["capture requested"] += 1
        self._start(1, {"donation": donation, "amount": amount})

    def _start(self, flow: int, request: dict[str, Any]) -> None:
        """Start the flow of refunds (0) or of captures (1)."""
        scheduler = self.runner.scheduler
        name = f"{'capture' if flow else 'refund'}-{len(self.requests)}{self.suffix}"
        self.requests[name] = flow, request
        scheduler.start(scheduler.machines[self.others[flow].name], request, name=name)

    def run_again(self) -> None:
        """Run each refund and each capture that was requested once more, as the list of open work says."""
        for capture in [*captures.listed()]:
            self._capture(capture.donation, None)
        self.runner.scheduler.run()
        for donation, number in sorted({(each.donation, each.number) for each in refunds.listed()}):
            self._refund(donation, number, None)
        self.runner.scheduler.run()

    def has_ended(self, execution: str) -> bool | None:
        """Return True for executions of a killed process, as for those that DescribeExecution calls ABORTED."""
        _, result = self.results.get(execution.rpartition(":")[2], (None, None))
        return result is None or result.status != "RUNNING"

    def has_settled(self, execution: str) -> bool | None:
        """Return True if the execution ended more than an hour ago."""
        _, result = self.results.get(execution.rpartition(":")[2], (None, None))
        if result is None or result.status == "RUNNING":
            return result is None
        return datetime.fromisoformat(clock.now()).timestamp() - result.history[-1].timestamp > HOUR

    # -- the donor

    def _redirected(self, call: Call) -> None:
        """Let the donor act; the first redirect, the second … of the scenario have their own acts."""
        acts = self.plan.visits[self._redirects % len(self.plan.visits)] if self.plan.visits else ()
        self._redirects += 1
        event = call.arguments["Payload"]
        reference = event["document"]["payment"].get("reference")
        for seconds, act in acts:
            self._later(seconds, act, reference=reference, token=call.task_token, number=self._redirects)

    def _donor(self, event: dict[str, Any]) -> None:
        act = event["act"]
        self.faults.counts[f"donor: {act}"] += 1
        if act in ("pay", "fail"):
            folder = sqlite.database("any").parent
            with suppress(LookupError):
                bank(self.plan.psp, folder).authenticate(event["reference"], passed=act == "pay")
            return
        if act == "garbage":
            with suppress(UnknownTaskError):
                self.runner.scheduler.send_task_success(event["token"], ["paid", {"payment": {"status": "paid"}}])
            return
        from handlers.donor_returned.handler import handler

        ticket = hashlib.sha256(event["token"].encode()).hexdigest()
        request: dict[str, Any] = {"ticket": "nobody-issued-this" if act == "stale" else ticket}
        if self.plan.psp in FILED:
            books = filed(self.plan.psp, sqlite.database("any").parent)
            request["details"] = books.returned(str(event["reference"]))
        if act == "spoof":
            request["outcome"] = "paid"
        with suppress(MalformedEvent):
            handler(request, None)
            if act == "return again":
                handler(request, None)

    # -- disturbances

    def _respond(self, call: Call, real: Invoker, wrap: Callable[[Any], Reply]) -> Reply:
        execution = call.execution_arn.rpartition(":")[2]

        def really(call: Call) -> Reply:
            with self.at(f"{execution} {call.state_name}"):
                reply = real(call)
            if call.state_name == "RedirectToPsp" and reply.kind == "succeeded":
                self._redirected(call)
            return reply

        if self._is_down(call.state_name):
            return Reply.failed("Lambda.TooManyRequestsException", "injected")
        reply = self.faults.call(call, execution, really, wrap)
        self._deliver_events()
        if call.waits and reply.kind == "succeeded":
            return Reply.pending(reply.output, seconds=reply.seconds)
        return reply

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        self._where.append(where)
        try:
            yield
        finally:
            self._where.pop()

    @contextmanager
    def transaction(self, path: Path, schema: str) -> Iterator[sqlite3.Connection]:
        """handlers.sqlite.transaction, disturbed: refused, rolled back, answer lost, or another execution before it."""
        fault = self._fault(path.stem)
        killed = self._where and self._transactions == self.kill_at
        if killed:
            self.note_end()
        if fault == "refused":
            raise refusal_of(path.stem)
        with _original(path, schema) as db:
            yield db
            if killed and self.plan.index % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "crash before the commit":
                raise SystemExit(137)
        if killed:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "crash after the commit":
            raise SystemExit(137)
        if fault == "answer lost":
            raise refusal_of(path.stem)

    def _fault(self, store: str) -> str | None:
        """Return what happens to a transaction of a store or the sandbox, after what runs before it."""
        if not self._where or not self.strikes:
            return None
        where = self._where[-1]
        self._transactions += 1
        fault = "refused" if self._is_down(store) else self.faults.transaction(where, store)
        if not self.depth and where.count(" ") and self.faults.race(where):
            self._race(where)
        return fault

    def _struck(self, table: str, call: Callable[[], Any]) -> Any:
        """A call to DynamoDB, disturbed."""
        fault = self._fault(table)
        if fault == "refused":
            raise refusal()
        if fault == "crash before the commit":
            raise SystemExit(137)
        answer = call()
        if fault == "crash after the commit":
            raise SystemExit(137)
        if fault == "answer lost":
            raise refusal()
        return answer

    def client(self, service: str) -> Any:
        """The clients of boto3 that the handlers open."""
        if service == "dynamodb":
            return Disturbed(self.tables, self._struck)
        return LambdaFunctions() if service == "lambda" else StepFunctions(self.runner)

    def request(self, _what: str) -> str | None:
        """Return the fault of a request to the PSP."""
        if not self._where:
            return None
        self._transactions += 1
        where = self._where[-1]
        if not self.depth and where.count(" ") and self.faults.race(where):
            self._race(where)
        if self._transactions == self.kill_at:
            self.note_end()
            return "kill"
        return "refused" if self._is_down("psp-sandbox") else self.faults.request(self._where[-1])

    def note_end(self) -> None:
        """Keep the time at which this process ends: no clock of the next one is behind it."""
        (sqlite.database("any").parent / ENDED).write_text(as_text(self.now), encoding="utf-8")

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.runner.scheduler.clock.now(), UTC)

    def _is_down(self, name: str) -> bool:
        now = self.runner.scheduler.clock.now() - START.timestamp()
        down = [each for each in self.plan.outages if name == _DATABASES.get(each.store, each.store)]
        is_down = any(each.start <= now < each.end for each in down)
        self.faults.counts["outage"] += is_down
        return is_down

    def _race(self, where: str) -> None:
        """Run another execution of the same donation, or of the same refund or capture, from its start to its end;
        beside a sweep, a webhook or an operator one of the first donation.

        That takes its time, for everybody: nothing may be stored as of the future. The call in progress does not
        survive its timeout meanwhile.
        """
        execution = where.partition(" ")[0]
        number = self._races
        self._races += 1
        now = self.now
        other = World(
            self.plan,
            self.flow,
            self.others,
            self.faults,
            now,
            suffix=f"{self.suffix}-inside{number}",
            tables=self.tables,
            depth=1,
            operators=self.operators,
        )
        with disturbed(other):
            if execution in self.requests:
                other.run_request(*self.requests[execution])
            else:
                submission = self.results[execution][0] if execution in self.results else self.plan.submissions[0]
                identity = submission.donation["id"]
                others = [each for each in self.plan.submissions if each.donation["id"] == identity]
                other.run_one(others[number % len(others)])
        self.inside += other.ended
        began, ended = now.timestamp(), other.runner.scheduler.clock.now()
        self.runner.scheduler.clock.wait(ended, Condition())
        if ended - began > _TIMEOUT:
            raise SystemExit(137)
        os.environ["FLOWDSL_NOW"] = as_text(datetime.fromtimestamp(ended, UTC))


_DATABASES = {"psp": "psp-sandbox"}


@contextmanager
def disturbed(world: World) -> Iterator[None]:
    """Let the world's faults strike the stores, the PSP and the clocks."""
    with (
        patch.object(world, "strikes", True),
        patch("boto3.client", world.client),
        patch.object(sqlite, "transaction", world.transaction),
        patch.object(clock, "now", lambda: world.faults.clock(_NOW())),
        psps(sqlite.database("any").parent, world.request),
    ):
        yield


_NOW = clock.now


def _tasks(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        for branch in state.get("Branches", []):
            yield from _tasks(branch)


def _ended(submission: Submission, result: Result) -> Ended:
    return Ended(result.name, submission.donation, result.status, result.error, result.output)


def as_text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
