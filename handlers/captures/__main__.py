"""`python -m handlers.captures`: take or release reserved donations, and list captures."""

from __future__ import annotations

import json

import click
from attrs import asdict

from handlers import executions
from handlers.captures import listed
from handlers.captures.record import STATUSES
from handlers.commands import Group, place
from handlers.money import amount_text
from handlers.terminal import json_text, plain


@click.group(cls=Group)
def main() -> None:
    """Take or release reserved donations, and list captures.

    They are in the DynamoDB table CAPTURES_TABLE; if that is not set, in a SQLite file in the folder PAYMENTS_DATA
    (.flowdsl by default).
    """


@main.command()
@click.argument("donation")
@click.option("--amount", type=click.IntRange(1), help="In the minor unit; the rest is released. Default: all.")
@click.option("--release", is_flag=True, help="Take nothing, and release the reservation.")
@click.option("--state-machine", metavar="ARN", help="Start the capture there; default: print the execution's input.")
def request(donation: str, amount: int | None, release: bool, state_machine: str | None) -> None:
    """Take the reserved donation with the id DONATION. Requesting it again never takes twice."""
    if release and amount:
        raise click.UsageError("--release takes nothing; leave --amount out")
    text = json.dumps({"donation": donation, "amount": 0 if release else amount})
    if state_machine is None:
        click.echo(text)
        return
    click.echo(executions.start(state_machine, f"{donation}-capture", text))


@main.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only captures with this status.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_command(status: str | None, form: str) -> None:
    """List captures, oldest first."""
    captures = [*listed(status)]
    if not captures:
        click.echo(f"no captures in {place()}", err=True)
    if form == "json":
        click.echo(json_text([asdict(capture) for capture in captures]))
        return
    for each in captures:
        amount = f"{amount_text(each.amount, each.currency)} of {amount_text(each.reserved, each.currency)}"
        line = f"{each.donation}  {each.status}  {amount}  {each.psp} {each.reference}  {each.requested_at}"
        click.echo(plain(line))


if __name__ == "__main__":
    main(prog_name="python -m handlers.captures")
