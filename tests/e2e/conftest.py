"""Donations on the embedded engine, or on the deployed state machine STATE_MACHINE_ARN: AWS's, or an emulator's."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from attrs import field, frozen

from flowdsl.testing import History, Runner, run_to_completion

Donation = dict[str, Any]
PATIENCE = 900.0
"""Seconds that an execution on AWS may take: retries and the PSP's delays pass in real time."""


@frozen
class Payments:
    """Takes donations, and plays the donor and the web front-end."""

    flow: Runner
    front_end: FrontEnd | None
    """None on the embedded engine, which answers the task token itself."""

    def donation(self, token: str = "tok_paid", **changes: Any) -> Donation:
        """A donation with an id of its own, so that earlier test runs do not matter."""
        return {
            "id": f"e2e-{uuid.uuid4().hex[:16]}",
            "charity": "Lifeboats",
            "amount": 2500,
            "currency": "GBP",
            "payment_method": {"type": "card", "token": token},
            "donor": {"name": "Ada Lovelace", "email": "ada@example.org"},
            **changes,
        }

    def take(self, donation: Donation, *, returns: bool = False, again: str = "") -> tuple[Any, History]:
        """Run an execution; `returns` lets the donor come back from the PSP. Raises ExecutionFailed."""
        with self._donor(donation["id"]) if returns else nullcontext():
            return run_to_completion(f"{donation['id']}{again}", donation, runner=self.flow, timeout=PATIENCE)

    @contextmanager
    def _donor(self, donation: str) -> Iterator[None]:
        if self.front_end is None:
            self.flow.answer("RedirectToPsp", {"status": "returned"}, after=5)
            yield
            return
        ended = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            returned = pool.submit(self.front_end.bring_back, donation, ended)
            try:
                yield
            finally:
                ended.set()
            assert returned.result() == {"status": "done"}

    def sweep(self) -> dict[str, Any]:
        """Run the sweep as its schedule does."""
        if self.front_end is None:
            from handlers.reconcile.handler import handler

            return handler({}, None)
        return self.front_end.invoke("payment-reconcile", {})


@frozen
class FrontEnd:
    """The web front-end of a deployed flow: it receives the event bus's redirects in a queue of its own, and tells the
    flow when the donor is back."""

    machine: str
    queue: str
    tickets: dict[str, str] = field(factory=dict)

    @classmethod
    @contextmanager
    def open(cls, machine: str) -> Iterator[FrontEnd]:
        """A rule on the flow's event bus, and a queue; both are removed at the end."""
        events, sqs = client("events"), client("sqs")
        name, bus = f"e2e-{uuid.uuid4().hex[:12]}", sibling(machine, "payment-events").rpartition(":")[2]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        try:
            pattern = json.dumps({"source": ["payments"], "detail-type": ["payment.redirect"]})
            rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)["RuleArn"]
            allowed = {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
            policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
            events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
            yield cls(machine, queue)
            events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
            events.delete_rule(Name=name, EventBusName=bus)
        finally:
            sqs.delete_queue(QueueUrl=queue)

    def bring_back(self, donation: str, ended: threading.Event | None = None) -> dict[str, Any]:
        """Wait for the donation's redirect, and call the return page's function; its answer."""
        return self.invoke("payment-donor-returned", {"ticket": self.ticket(donation, ended)})

    def ticket(self, donation: str, ended: threading.Event | None = None) -> str:
        """The ticket of a donation's redirect. Raises TimeoutError, also if its execution has ended without one."""
        sqs, end = client("sqs"), time.monotonic() + PATIENCE
        while donation not in self.tickets:
            if time.monotonic() > end or (ended and ended.is_set()):
                raise TimeoutError(f"no redirect of {donation}")
            for message in sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=2).get("Messages", ()):
                detail = json.loads(message["Body"])["detail"]
                self.tickets[detail["donation"]] = detail["ticket"]
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return self.tickets[donation]

    def invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        answer = client("lambda").invoke(FunctionName=sibling(self.machine, function), Payload=json.dumps(event))
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result


def sibling(machine: str, function: str) -> str:
    """The ARN of another function of the deployment: its prefix and instance are those of the machine's name."""
    parts = machine.split(":")
    name = parts[6].replace("payment", function, 1)
    return ":".join([*parts[:2], "lambda", *parts[3:5], "function", name])


def client(service: str) -> Any:
    """A client of AWS; STEPFUNCTIONS_ENDPOINT is where the emulator has its other services too."""
    import boto3

    region = os.environ["STATE_MACHINE_ARN"].split(":")[3]
    endpoint = os.environ.get("STEPFUNCTIONS_ENDPOINT") or None
    return boto3.Session(region_name=region).client(service, endpoint_url=endpoint)


CREDENTIALS = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if name in os.environ}


@pytest.fixture(scope="session")
def front_end() -> Iterator[FrontEnd | None]:
    machine = os.environ.get("STATE_MACHINE_ARN")
    with FrontEnd.open(machine) if machine else nullcontext() as opened:
        yield opened


@pytest.fixture
def payments(flow: Runner, front_end: FrontEnd | None, stores: Any, monkeypatch: pytest.MonkeyPatch) -> Payments:
    if front_end:  # the other tests have no way to any AWS account
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(name, value)
    return Payments(flow, front_end)


def tells_calls(history: History) -> bool:
    """Whether a history tells which state made a call. MiniStack 1.5.33 writes events without previousEventId."""
    return any(event.previous for event in history)
