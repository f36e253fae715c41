"""Play a scenario from its plan to its end: what is left is what the checks judge."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from datetime import datetime, timedelta
from pathlib import Path
from threading import Condition
from typing import Any
from unittest.mock import patch

from attrs import field, frozen

from benchmarks.campaign.banks import bank, environment
from benchmarks.campaign.faults import Faults
from benchmarks.campaign.operators import Operators, clear
from benchmarks.campaign.plan import Plan
from benchmarks.campaign.stand_ins import psps
from benchmarks.campaign.transport import FURTHER
from benchmarks.campaign.world import ENDED, START, Ended, World, as_text, disturbed
from flowdsl.project import Loaded
from handlers import refunds
from handlers.outbox.sending import sent
from handlers.reconcile.sweep import Finding, ask_psp, sweep
from handlers.transactions.store import store

_SKEW = timedelta(minutes=10)
"""Clocks differ by less."""


@frozen
class Outcome:
    """What is left after a scenario, besides the stores in its folder."""

    executions: tuple[Ended, ...]
    first: tuple[Finding, ...]
    """What the sweep lists when all executions have ended, before it repairs anything."""
    last: tuple[Finding, ...]
    """What the sweep still lists after it has repaired what it can."""
    final: tuple[Finding, ...]
    """What it lists ten days later, when all that people may close is closed."""
    log: str
    faults: Faults
    forged: tuple[str, ...] = ()
    """Forged events that the webhook took."""
    operators: Operators = field(factory=Operators)
    not_erased: tuple[str, ...] = ()
    """What is stored of donors after they were erased."""
    unsettled: tuple[str, ...] = ()
    """What the PSP took or gave back and is not stored after all its events and the sweep, before anybody repeats a
    request."""


def play(plan: Plan, flow: Loaded, others: tuple[Loaded, ...], folder: Path, tables: Any = None) -> Outcome:
    """Run the scenario with its stores in the folder, or in DynamoDB's tables: first the plan, after kill -9 all
    donations again; then sweep, deliver, close and erase."""
    faults, log = Faults(plan), io.StringIO()
    with (
        patch.dict(os.environ, environment(plan.psp, folder)),
        psps(folder),
        redirect_stderr(log),
        ExitStack() as calm,
    ):
        start = START
        if plan.kill_at is not None:
            _run_and_kill(World(plan, flow, others, faults, kill_at=plan.kill_at))
            faults.counts["kill -9"] += 1
            start = datetime.fromisoformat((folder / ENDED).read_text(encoding="utf-8")) + timedelta(hours=1)
        suffix = "" if plan.kill_at is None else "-again"
        world = World(plan, flow, others, faults, start, suffix=suffix, tables=tables)
        with disturbed(world):
            world.run()
        calm.enter_context(patch("boto3.client", world.client))
        with _after(world, days=10):
            first = _sweep(world, repair=False)
            _sweep(world)
        with _after(world, hours=1):
            world.deliver_all()
        with _after(world, hours=2):
            _sweep(world)
            unsettled = tuple(_unsettled(plan.psp, folder))
        with _after(world, hours=1):
            world.run_again()
        with _after(world, hours=1):
            world.deliver_all()
        with _after(world, hours=2):
            last = _sweep(world)
        not_erased = [*_not_erased(world)]
        with _after(world, days=9):
            clear(world)
            world.deliver_all(always=True)
        with _after(world, days=1):
            final = _sweep(world)
        not_erased += _not_erased(world)
    ended, forged = tuple(world.ended), tuple(world.forged)
    return Outcome(
        ended, first, last, final, log.getvalue(), faults, forged, world.operators, tuple(not_erased), unsettled
    )


def _unsettled(psp: str, folder: Path) -> Iterator[str]:
    for payment in bank(psp, folder).payments():
        record = store().get(payment.order_id)
        if payment.code == FURTHER:
            continue  # people give it back where they took it
        if payment.captured and record is not None and record.status == "authorised":
            yield f"{payment.order_id}: {payment.captured} was taken, and it is still stored as authorised"
        stored = [each for each in refunds.of_donation(payment.order_id) if each.reference == payment.reference]
        given_back = sum(each.amount for each in stored if each.status == "refunded")
        if payment.refunded != given_back:
            yield f"{payment.order_id}: {payment.refunded} was refunded; stored is {given_back} before it is repeated"


def _not_erased(world: World) -> Iterator[str]:
    """Nothing of a donor is left after an erasure, unless the donation was open work again, or submitted again."""
    for donation, erased_at in world.operators.erased.items():
        record, history = store().get(donation), store().history(donation)
        conflicts = any(each.status == "conflict" for each in history)
        if record is None or record.is_open_work or conflicts:
            continue
        submitted = [each.donation for each in world.plan.submissions if each.donation["id"] == donation]
        donors = {text for each in submitted for text in each["donor"].values()}
        for each in (*history, record):
            began = datetime.fromisoformat(each.started_at)
            if began < erased_at - _SKEW and any(text in each.document for text in donors):
                yield f"{donation}: {each.status} since {each.stored_at} with its donor, erased at {erased_at}"


def _run_and_kill(world: World) -> None:
    """Run the plan in a process that is killed on its way, or lives if it has fewer transactions."""
    child = os.fork()
    if not child:
        status = 1
        try:
            with disturbed(world):
                world.run()
            world.note_end()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if status not in (0, signal.SIGKILL):
        raise RuntimeError(f"the killed process ended with status {status}")


def _sweep(world: World, *, repair: bool = True) -> tuple[Finding, ...]:
    return tuple(sweep(store(), ask_psp, world.has_settled, repair=repair))


@contextmanager
def _after(world: World, **passed: float) -> Iterator[None]:
    """Let this time pass, for executions and for whatever else looks at the clock."""
    world.runner.scheduler.clock.wait((world.now + timedelta(**passed)).timestamp(), Condition())
    with patch.dict(os.environ, {"FLOWDSL_NOW": as_text(world.now)}):
        yield


def messages() -> list[tuple[str, str]]:
    """Return kind and donation of each message, oldest first."""
    return [(message.kind, str(message.detail.get("donation", message.key))) for message in sent()]
