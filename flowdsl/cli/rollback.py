"""`flowdsl rollback`."""

from __future__ import annotations

from pathlib import Path

import click

from . import deploying


@click.command()
@deploying.target_options
@deploying.yes_option
@click.option("--to", "number", type=click.IntRange(1), metavar="N", help="The version to go back to.")
def rollback(file: Path | None, *, env: str | None, instance: str, yes: bool, number: int | None) -> None:
    """Move the alias back to the version before, and change nothing else.

    Executions that run go on as they began; new ones start the earlier version, with the functions that it had. A
    canary that goes on is ended.

    \b
        flowdsl rollback --env production
        flowdsl rollback --env production --to 41
    """
    target = deploying.find_target(file, env, instance)
    session = target.session()
    plan = session.plan_rollback(target.environment.alias, [each.name for each in target.machines], number)
    deploying.apply_or_ask(plan, "Roll back?", lambda: session.apply(plan), yes=yes)
