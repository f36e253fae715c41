"""`python -m handlers.transactions`: list, show, erase and close transactions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import click
from attrs import asdict

from handlers.commands import Group, place
from handlers.money import amount_text
from handlers.terminal import json_text, plain
from handlers.transactions import closing, retention, returns
from handlers.transactions.erasing import erase as erase_all
from handlers.transactions.record import STATUSES, Transaction
from handlers.transactions.store import NotErasable, Query, store

_FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


class Day(click.ParamType[str]):
    """A day in UTC, such as 2026-01-31."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            self.fail(f"{value!r} is not a date; write it as 2026-01-31", param, ctx)


def _with_words(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("say what you saw and did", ctx, param)
    return value


@click.group(cls=Group)
def main() -> None:
    """Inspect the transactions stored by the payment flow.

    They are in the DynamoDB table TRANSACTIONS_TABLE; if that is not set, in a SQLite file in the folder PAYMENTS_DATA
    (.flowdsl by default).
    """


@main.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only transactions with this status.")
@click.option("--charity", help="Only donations to this charity.")
@click.option("--date", "day", type=Day(), help="Only executions started on this day (UTC).")
@click.option("--since", type=Day(), help="Only executions started on this day or later.")
@click.option("--until", type=Day(), help="Only executions started on this day or before.")
@_FORMAT
def list_command(
    status: str | None, charity: str | None, day: str | None, since: str | None, until: str | None, form: str
) -> None:
    """List transactions, oldest first. In JSON, amounts are in the currency's minor unit."""
    if day and (since or until):
        raise click.UsageError("--date cannot be combined with --since or --until; use one of them")
    query = Query(status, charity, day or since, day or until)
    transactions = list(store().list(query))
    if not transactions:
        click.echo(f"no transactions in {place()}", err=True)
    by_payment = returns.by_payment() if transactions else {}
    gone = [by_payment.get((each.id, each.reference), returns.Returns()) for each in transactions]
    if form == "json":
        amounts = ({"refunded": each.refunded, "disputed": each.disputed} for each in gone)
        rows_of_json = [{**_columns(each), **more} for each, more in zip(transactions, amounts, strict=True)]
        click.echo(json_text(rows_of_json))
        return
    rows = [("ID", "STATUS", "AMOUNT", "CHARITY", "PSP", "STARTED"), *map(_row, transactions, gone)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@main.command()
@click.argument("identity", metavar="ID")
@_FORMAT
def show(identity: str, form: str) -> None:
    """Show the transaction of the donation ID: its attempts and history, or in JSON the whole document."""
    history = store().history(identity)
    transaction = store().get(identity) or (history[-1] if history else None)
    if transaction is None:
        raise click.ClickException(
            f"no transaction {identity!r}; `python -m handlers.transactions list` lists all transactions"
        )
    document = json.loads(transaction.document)
    gone = returns.of_one(identity)
    if form == "json":
        entries = [{**_columns(each), "closed": _closed(each)} for each in history]
        columns = {**_columns(transaction), **returns.as_json(transaction, gone), "history": entries}
        click.echo(json_text({**columns, "document": document}))
        return
    for line in _describe(transaction, document, gone):
        click.echo(plain(line))
    for line in returns.describe(transaction, gone):
        click.echo(plain(f"  {line}"))
    for each in history:
        where = f"{each.psp} {each.reference}" if each.reference else each.psp or "-"
        click.echo(plain(f"  stored     {each.stored_at}  {each.status}  {_amount(each)}  {where}"))
        if closed := _closed(each):
            click.echo(plain(f"  closed     {closed['at']}  {closed['note']}"))


@main.command()
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--before", type=Day(), help="All donations started before this day (UTC).")
def erase(identities: tuple[str, ...], before: str | None) -> None:
    """Remove the donors' data from the records and histories of the donations ID.

    Amount, charity, payment and times remain. Donations that are open work, also because of a refund (REFUNDS_TABLE)
    or a dispute (DISPUTES_TABLE), are not erased: exit status 1.
    """
    if bool(identities) == bool(before):
        raise click.UsageError("name donations, or use --before")
    failed = False
    kept = store()
    old = () if before is None else sorted(set(retention.due(kept, until=_day_before(before))))
    for identity, entries in erase_all(kept, identities or old):
        if isinstance(entries, NotErasable) or (not entries and identities):
            click.echo(str(entries or f"no transaction {identity!r}"), err=True)
            failed = True
        else:
            click.echo(f"{identity}  erased, {entries} {'entry' if entries == 1 else 'entries'}")
    if failed:
        raise SystemExit(1)


@main.command()
@click.argument("identities", metavar="ID...", nargs=-1, required=True)
@click.option("--note", required=True, callback=_with_words, help="What you saw and did, for the record.")
@click.option("--not-taken", is_flag=True, help="The PSP's dashboard shows that nothing was taken: store as declined.")
@click.option("--payment", metavar="REFERENCE", help="Close only the conflict of this payment.")
@click.option("--all", "every", is_flag=True, help="Close the conflicts of all payments with this note.")
def close(identities: tuple[str, ...], note: str, not_taken: bool, payment: str | None, every: bool) -> None:
    """Close conflicts of the donations ID, and those for which no PSP could be selected: they leave the list of open
    work, and stay in the history with the note. Conflicts of several payments need --payment or --all.

    What a PSP may have taken cannot be closed: `python -m handlers.reconcile` settles it. If that still lists it, as
    Adyen cannot be asked, look for it in the PSP's dashboard, and use --not-taken.
    """
    if payment and (every or not_taken or len(identities) > 1):
        raise click.UsageError("--payment closes one conflict of one donation; leave --all and --not-taken out")
    failed = False
    for identity in identities:
        try:
            if not (payment or every):
                closing.check_single(store(), identity)
            check = _check_not_taken if not_taken else None
            entries = closing.close(store(), identity, note, payment=payment or "", check_not_taken=check)
        except closing.NotClosable as error:
            click.echo(str(error), err=True)
            failed = True
            continue
        click.echo(f"{identity}  closed, {len(entries)} {'entry' if len(entries) == 1 else 'entries'}")
    if failed:
        raise SystemExit(1)


def _check_not_taken(identity: str) -> None:
    """Settle the donation if its PSP knows its state. Raises NotClosable unless an operator has to look at the PSP."""
    # Imported here: other commands need neither the PSPs nor the sweep.
    from handlers.reconcile.settling import settle
    from handlers.reconcile.sweep import ask_psp, execution_has_settled

    record = store().get(identity)
    if record is None or record.status not in ("open", "broken"):
        return
    finding = settle(record, store(), ask_psp, execution_has_settled)
    if finding.repaired:
        raise closing.NotClosable(f"{identity}: is {finding.repaired}: {finding.reason}")
    if not finding.is_for_the_dashboard:
        raise closing.NotClosable(f"{identity}: {finding.reason}")


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _closed(entry: Transaction) -> dict[str, Any] | None:
    """Return the time and the note with which an operator closed the entry, or None."""
    closed: dict[str, Any] | None = json.loads(entry.document).get("closed")
    return closed


def _describe(transaction: Transaction, document: dict[str, Any], gone: returns.Returns) -> Iterator[str]:
    rest = "" if transaction.complete else ", post-processing incomplete"
    yield f"{transaction.id}: {transaction.status}{rest}{gone.words(str(transaction.currency))}"
    yield f"  amount     {_amount(transaction)}"
    yield f"  charity    {transaction.charity or '-'}"
    yield f"  psp        {transaction.psp or '-'}  {transaction.reference or ''}".rstrip()
    yield f"  started    {transaction.started_at}"
    for attempt in (document.get("payment") or {}).get("attempts", []):
        delay = f", again in {attempt['delay_seconds']} s" if attempt["delay_seconds"] else ""
        message = f" {attempt['message']}" if attempt.get("message") else ""  # not of an erased donor
        what = f"{attempt['status']} ({attempt['code']}{message}){delay}"
        if "redirected_at" in attempt:
            yield f"  attempt {attempt['number']}  {attempt['redirected_at']}  {attempt['psp']}  redirect"
        yield f"  attempt {attempt['number']}  {attempt['at']}  {attempt['psp']}  {what}"
    for name, result in (document.get("post_processing") or {}).items():
        why = f" ({result.get('error')}{_cause(result.get('cause'))})" if result.get("status") != "done" else ""
        yield f"  {name:<9}  {result.get('status')}{why}"
    if "error" in document:
        yield f"  error      {document['error'].get('Error')}{_cause(document['error'].get('Cause'))}"


def _cause(cause: Any) -> str:
    """Return an error's cause for people, without Lambda's JSON and stack trace; empty if it was erased."""
    with suppress(TypeError, ValueError, KeyError):
        cause = json.loads(cause)["errorMessage"]
    return f": {cause}" if cause else ""


def _columns(transaction: Transaction) -> dict[str, Any]:
    columns = asdict(transaction)
    del columns["document"]
    return columns


def _row(transaction: Transaction, gone: returns.Returns) -> tuple[str, ...]:
    status = transaction.status if transaction.complete else f"{transaction.status}, incomplete"
    status += gone.words(str(transaction.currency))
    charity, psp = transaction.charity or "-", transaction.psp or "-"
    cells = (transaction.id, status, _amount(transaction), charity, psp, transaction.started_at)
    return tuple(map(plain, cells))


def _amount(transaction: Transaction) -> str:
    if transaction.amount is None or transaction.currency is None:
        return "-"
    return amount_text(transaction.amount, transaction.currency)


if __name__ == "__main__":
    main(prog_name="python -m handlers.transactions")
