"""`python -m handlers.reconcile`: run the sweep and list what it repaired and what needs people."""

from __future__ import annotations

import sys

import click

from handlers.reconcile.sweep import ask_psp, execution_has_ended, sweep
from handlers.transactions.store import store


@click.command()
@click.option("--dry-run", is_flag=True, help="Only list; store nothing.")
def main(dry_run: bool) -> None:
    """Compare unfinished transactions with the PSPs, store what is certain, and list the rest.

    Exits with status 1 if anything is left that somebody has to look at.
    """
    is_open = False
    for finding in sweep(store(), ask_psp, execution_has_ended, repair=not dry_run):
        is_open = is_open or finding.repaired is None
        change = f"{finding.status} -> {finding.repaired}" if finding.repaired else finding.status
        click.echo(f"{finding.id}  {change}  {finding.reason}")
    sys.exit(1 if is_open else 0)


if __name__ == "__main__":
    main(prog_name="python -m handlers.reconcile")
