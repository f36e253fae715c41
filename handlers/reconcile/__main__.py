"""`python -m handlers.reconcile`: run the sweep; list what it repaired, and what an operator has to do."""

from __future__ import annotations

import sys

import click

from handlers.commands import Command, place
from handlers.reconcile.sweep import ask_psp, execution_has_settled, sweep
from handlers.terminal import plain
from handlers.transactions.store import store


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True, help="Only list; store nothing.")
def main(dry_run: bool) -> None:
    """Compare unfinished transactions with the PSPs, store what is certain, and list the rest.

    Exits with status 1 if an operator has something to do. Donations for which an execution, a donor or a bank still
    has time are only counted.
    """
    is_open, waiting = False, 0
    for finding in sweep(store(), ask_psp, execution_has_settled, repair=not dry_run):
        if finding.is_waiting:
            waiting += 1
            continue
        is_open = is_open or finding.is_open_work
        change = f"{finding.status} -> {finding.repaired}" if finding.repaired else finding.status
        click.echo(plain(f"{finding.id}  {change}  {finding.reason}"))
    if waiting:
        click.echo(f"{waiting} {'donation is' if waiting == 1 else 'donations are'} waiting", err=True)
    if not is_open:
        click.echo(f"no open work in {place()}", err=True)
    sys.exit(1 if is_open else 0)


if __name__ == "__main__":
    main(prog_name="python -m handlers.reconcile")
