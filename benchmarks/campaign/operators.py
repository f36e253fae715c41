"""Operators of a scenario: the commands that they run, and what became of that."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from datetime import datetime
from typing import TYPE_CHECKING
from unittest.mock import patch

import click
from attrs import define, field

from benchmarks.campaign.banks import bank
from handlers import refunds, sqlite
from handlers.psp_sandbox.ledger import Payment
from handlers.reconcile import sweep as sweeping
from handlers.refunds.__main__ import main as refunds_command
from handlers.transactions.__main__ import main as transactions_command
from handlers.transactions.store import store

if TYPE_CHECKING:
    from benchmarks.campaign.world import World

_MAY_BE_TAKEN = ("captured", "action_required", "authorised", "processing")


@define
class Operators:
    """What operators' commands have done."""

    closed: set[str] = field(factory=set)
    """Donations whose conflicts were closed while the scenario ran."""
    erased: dict[str, datetime] = field(factory=dict)
    """When the donor's data of a donation was erased."""
    not_made: set[str] = field(factory=set)
    """The ids of refunds that were closed as not made."""
    disputed: dict[str, int] = field(factory=dict)
    """By the ids of refunds that were requested: what the bank had taken back, as is stored, before the request."""
    mistakes: list[str] = field(factory=list)
    """What was closed, and should have been refused."""


def operate(world: World, command: str, donation: str) -> None:
    """Run the command; whoever runs it has looked at the PSP's dashboard."""
    books = bank(world.plan.psp, sqlite.database("any").parent)
    if command == "close refunds":
        for refund in refunds.of_donation(donation):
            _close_refund(world, refund, refund.id in books.refund_keys())
    elif command == "erase":
        if _succeeds(world, "erase", transactions_command, "erase", donation):
            world.operators.erased[donation] = world.now
    elif command == "close":
        # Even if it fails: its answer may be lost.
        world.operators.closed.add(donation)
        _succeeds(world, "close", transactions_command, "close", donation, "--note", "seen to")
    else:
        _close_not_taken(world, donation, [each for each in books.payments() if each.order_id == donation])


def _close_not_taken(world: World, donation: str, payments: list[Payment]) -> None:
    unsafe = [each for each in payments if each.status in _MAY_BE_TAKEN]
    if any(each.status == "processing" for each in unsafe) or (unsafe and _must_look(world)):
        return
    if not _succeeds(world, "close not taken", transactions_command, "close", donation, "--note", "-", "--not-taken"):
        return
    record, history = store().get(donation), store().history(donation)
    conflicts = {each.reference for each in history if each.status in ("conflict", "closed")}
    missed = [each.reference for each in unsafe if each.reference not in conflicts]
    if missed and record is not None and record.status == "declined":
        world.operators.mistakes.append(f"{donation}: closed as not taken; the PSP has {', '.join(missed)}")


def _close_refund(world: World, refund: refunds.Refund, is_made: bool) -> None:
    if refund.status == "failed":
        _succeeds(world, "close refund", refunds_command, "close", refund.id)
    elif refund.is_final or (is_made and _must_look(world)):
        return
    elif _succeeds(world, "close refund as not made", refunds_command, "close", refund.id, "--not-made"):
        world.operators.not_made.add(refund.id)
        if is_made:
            world.operators.mistakes.append(f"{refund.id}: closed as not made; the PSP made it")


def _must_look(world: World) -> bool:
    """Return true if the command may be unable to ask the PSP: the operator then goes by the dashboard alone."""
    is_down = any(each.store == "psp" for each in world.plan.outages)
    return world.plan.psp == "adyen" or world.plan.psp_faults > 0 or is_down


def _succeeds(world: World, name: str, command: click.Command, *arguments: str) -> bool:
    """Run a command as on the command line; return true unless it refuses or fails."""
    with (
        world.at(f"operator {name}"),
        patch.object(sweeping, "execution_has_settled", world.has_settled),
        redirect_stdout(io.StringIO()),
    ):
        try:
            command.main([*arguments], standalone_mode=False)
        except click.UsageError:
            raise  # a mistake of the campaign
        except (Exception, SystemExit):  # noqa: BLE001 - it refuses, or the scenario has injected a fault
            world.faults.counts[f"operator: {name}, refused"] += 1
            return False
    world.faults.counts[f"operator: {name}"] += 1
    return True


def clear(world: World) -> None:
    """Close all that an operator has to look at, and erase all donors' data that may be erased."""
    for donation in sorted({each.donation["id"] for each in world.plan.submissions}):
        _succeeds(world, "close", transactions_command, "close", donation, "--all", "--note", "seen to")
        operate(world, "close refunds", donation)
        operate(world, "erase", donation)
