"""`python -m handlers.captures`: take or release reserved donations, and list captures."""

from __future__ import annotations

import json

import click
from attrs import asdict

from handlers import executions, hints
from handlers.captures import CaptureConflict, listed
from handlers.captures.checking import NotCapturable, check
from handlers.captures.record import STATUSES
from handlers.commands import Amount, Group, place
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
@click.option("--amount", type=Amount(), help="In the minor unit; the rest is released. Default: all.")
@click.option("--release", is_flag=True, help="Take nothing, and release the reservation.")
@click.option(
    "--state-machine",
    type=executions.StateMachine("payment-capture"),
    metavar="ARN",
    help="Start the capture there; default: print the execution's input.",
)
def request(donation: str, amount: int | None, release: bool, state_machine: str | None) -> None:
    """Take the reserved donation with the id DONATION. Requesting it again never takes twice."""
    if release and amount:
        raise click.UsageError("--release takes nothing; leave --amount out")
    if not donation:
        raise click.ClickException("the donation's id is empty")
    asked = 0 if release else amount
    try:
        _, known, _ = check(donation, asked)
    except (NotCapturable, CaptureConflict) as error:
        raise click.ClickException(str(error)) from error
    if known and known.is_final:
        click.echo(plain(f"note: {donation} is {known.status} already; this changes nothing"), err=True)
    text = json.dumps({"donation": donation, "amount": asked})
    if state_machine is None:
        click.echo(text)
        options = ["--release"] if release else ["--amount", str(amount)] if amount else []
        command = hints.to_start("capture", donation, *options)
        click.echo(plain(f"nothing was started, and this alone takes nothing; to do it: {command}"), err=True)
        return
    execution = executions.start(state_machine, f"{donation}-capture", text)
    click.echo(execution)
    result = "python -m handlers.captures list"
    click.echo(f"started; its result: {result}; its steps: flowdsl executions show {execution}", err=True)


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
