"""`python -m handlers.psp_sandbox`: play the donor at the sandbox, and list its payments."""

from __future__ import annotations

import click

from handlers.commands import Group
from handlers.money import amount_text
from handlers.psp_sandbox.codes import CODES
from handlers.psp_sandbox.ledger import Payment, UnknownCard, UnknownPayment
from handlers.psp_sandbox.table import open_ledger
from handlers.psp_sandbox.testcards import CARDS


@click.group(cls=Group)
def main() -> None:
    """A payment service provider for tests.

    Its payments are stored in the folder PAYMENTS_DATA (.flowdsl by default), or in the DynamoDB table SANDBOX_TABLE.
    """


@main.command()
def cards() -> None:
    """List the test cards with their tokens and outcomes."""
    for card in CARDS:
        click.echo(f"{card.number}  {card.token:<24}{card.about}")


@main.command()
@click.argument("number")
def tokenise(number: str) -> None:
    """Exchange a test card's NUMBER for a token, as the PSP's form in the donor's browser does."""
    try:
        click.echo(open_ledger().tokenise(number))
    except UnknownCard as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("reference")
@click.option("--fail", is_flag=True, help="The donor fails the authentication.")
def authenticate(reference: str, fail: bool) -> None:
    """Play the donor's part of 3-D Secure for the payment REFERENCE."""
    try:
        _show(open_ledger().authenticate(reference, passed=not fail))
    except UnknownPayment as error:
        raise click.ClickException(f"{error}; `python -m handlers.psp_sandbox payments` lists them") from error


@main.command()
@click.option("--order", help="List only this order (a donation's id).")
def payments(order: str | None) -> None:
    """List the payments."""
    for payment in open_ledger().payments(order):
        _show(payment)


def _show(payment: Payment) -> None:
    amount = amount_text(payment.amount, payment.currency)
    why = f"{payment.code} {CODES[payment.code][1]}"
    click.echo(f"{payment.created_at}  {payment.reference}  {payment.order_id}  {amount}  {payment.status}  ({why})")


if __name__ == "__main__":
    main(prog_name="python -m handlers.psp_sandbox")
