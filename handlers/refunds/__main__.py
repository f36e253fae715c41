"""`python -m handlers.refunds`: request, list and close refunds."""

from __future__ import annotations

import json
import shlex

import click
from attrs import asdict, evolve

from handlers import cards, clock, executions, hints
from handlers.commands import Amount, Group, place
from handlers.money import amount_text
from handlers.reconcile.finding import SETTLING
from handlers.refunds import Refund, RefundConflict, finish, listed, of_donation
from handlers.refunds.checking import NotRefundable, check
from handlers.refunds.record import NOT_MADE, STATUSES
from handlers.terminal import json_text, plain


@click.group(cls=Group)
def main() -> None:
    """Request, list and close refunds of donations.

    They are in the DynamoDB table REFUNDS_TABLE; if that is not set, in a SQLite file in the folder PAYMENTS_DATA
    (.flowdsl by default).
    """


@main.command()
@click.argument("donation")
@click.option("--amount", type=Amount(), help="In the minor unit, 500 for 5.00 GBP. Default: all that is left.")
@click.option("--number", type=click.IntRange(1), help="Repeat this refund instead of requesting another one.")
@click.option("--reason", default="", help="For the record.")
@click.option(
    "--state-machine",
    type=executions.StateMachine("payment-refund"),
    metavar="ARN",
    help="Start the refund there; default: print the execution's input.",
)
def request(donation: str, amount: int | None, number: int | None, reason: str, state_machine: str | None) -> None:
    """Refund the donation with the id DONATION. Requesting the same number again never refunds twice."""
    if not donation:
        raise click.ClickException("the donation's id is empty")
    known = of_donation(donation)
    numbers = [each.number for each in known if each.number]
    if number is not None and number not in numbers:
        there = ", ".join(map(_summary, known)) or "none"
        raise click.ClickException(f"{donation} has no refund {number} to repeat; there is: {there}")
    is_new, number = number is None, number or max(numbers, default=0) + 1
    try:
        check(donation, number, amount)
    except (NotRefundable, RefundConflict) as error:
        raise click.ClickException(str(error)) from error
    for each in known if is_new else ():
        if not each.is_final:
            repeat = f"; repeat it with --number {each.number}" if each.number else ""
            click.echo(plain(f"note: {_summary(each)}: number {number} is a further refund{repeat}"), err=True)
    # Before anything is stored: Step Functions keeps the input.
    event = {"donation": donation, "number": number, "amount": amount, "reason": cards.redact(reason)}
    text = json.dumps(event, ensure_ascii=False)
    if state_machine is None:
        click.echo(text)
        # A new number is not repeated before there is a refund with it.
        options = {"--amount": amount, "--number": None if is_new else number, "--reason": event["reason"]}
        repeated = [word for option, value in options.items() if value for word in (option, str(value))]
        command = hints.to_start("refund", donation, *repeated)
        click.echo(plain(f"nothing was started, and this alone refunds nothing; to refund: {command}"), err=True)
        return
    execution = executions.start(state_machine, f"{donation}-refund-{number}", text)
    click.echo(execution)
    result = shlex.join(["python", "-m", "handlers.refunds", "list", "--donation", donation])
    click.echo(f"started; its result: {result}; its steps: flowdsl executions show {execution}", err=True)


@main.command()
@click.argument("identity", metavar="ID")
@click.option("--note", default="", help="What was done, for the record.")
@click.option("--not-made", is_flag=True, help="The PSP has no such refund, and it is not to be made any more.")
def close(identity: str, note: str, not_made: bool) -> None:
    """Close the failed refund ID, after the donor got the money in another way: it leaves the list of open work.

    With --not-made close one that never reached its PSP, because somebody made another one in the dashboard: it is
    stored as declined. If the PSP made it after all, its webhook stores that.
    """
    refund = next((each for each in listed() if each.id == identity), None)
    if refund is None:
        raise click.ClickException(f"no refund {identity!r}; `python -m handlers.refunds list` lists all")
    closed = evolve(refund, status="closed", reason=cards.redact(note)[:200], stored_at=clock.now())
    if not_made:
        _check_not_made(refund)
        closed = evolve(closed, status="declined", code=NOT_MADE)
    # Not if it was prepared again just now: then the PSP is asked for it.
    stored = finish(closed, of=refund)
    if stored != closed and not_made:
        raise click.ClickException(f"{identity} is {stored.status}, and was changed meanwhile; try again in an hour")
    if stored != closed:
        raise click.ClickException(f"{identity} is {stored.status}; only a failed refund can be closed")
    click.echo(_line(stored))


def _check_not_made(refund: Refund) -> None:
    """Settle the refund if its PSP can say what became of it. Raises ClickException unless it was not made."""
    # The PSPs and the sweep are needed for this alone.
    from handlers.reconcile.refunding import settle_refund
    from handlers.reconcile.sweep import ask_psp
    from handlers.transactions.store import store

    if refund.is_final:
        raise click.ClickException(f"{refund.id} is {refund.status}")
    if clock.seconds_since(refund.stored_at) <= SETTLING:
        raise click.ClickException(f"{refund.id} is {refund.status}, and may still reach its PSP; try again in an hour")
    finding = settle_refund(refund, store(), ask_psp)
    if finding.repaired:
        raise click.ClickException(f"{refund.id} is {finding.repaired}: {finding.reason}")
    if not finding.is_for_the_dashboard:
        raise click.ClickException(f"{refund.id}: {finding.reason}")


@main.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only refunds with this status.")
@click.option("--donation", help="Only refunds of this donation.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_command(status: str | None, donation: str | None, form: str) -> None:
    """List refunds, oldest first."""
    refunds = [each for each in listed(status) if donation in (None, each.donation)]
    if not refunds:
        click.echo(f"no refunds in {place()}", err=True)
    if form == "json":
        click.echo(json_text([asdict(refund) for refund in refunds]))
        return
    for refund in refunds:
        click.echo(_line(refund))


def _summary(refund: Refund) -> str:
    return f"{refund.id} is {refund.status}, {amount_text(refund.amount, refund.currency)}"


def _line(refund: Refund) -> str:
    amount = amount_text(refund.amount, refund.currency)
    return plain(f"{refund.id}  {refund.status}  {amount}  {refund.psp} {refund.reference}  {refund.requested_at}")


if __name__ == "__main__":
    main(prog_name="python -m handlers.refunds")
