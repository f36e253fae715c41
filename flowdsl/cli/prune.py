"""`flowdsl prune`."""

from __future__ import annotations

from pathlib import Path

import click

from . import deploying


@click.command()
@deploying.target_options
@deploying.yes_option
@click.option(
    "--keep",
    type=click.IntRange(1, 900),
    metavar="N",
    help="How many versions of the state machine to leave for a rollback, where the settings' keep_versions is not "
    "meant.",
)
def prune(file: Path | None, *, env: str | None, instance: str, yes: bool, keep: int | None) -> None:
    """Remove versions, functions and permissions that nothing needs any more.

    What an alias, an open execution, one that can still be redriven (14 days after it failed) or a version that is kept
    for a rollback needs stays. Deploying never removes anything; this does.

    \b
        flowdsl prune --env test --keep 3
    """
    target = deploying.find_target(file, env, instance)
    session = target.session()
    wanted, keep = target.wanted(), keep or target.environment.keep_versions
    plan = session.plan_prune(wanted, keep)
    deploying.apply_or_ask(plan, "Remove these?", lambda: session.apply_prune(plan, wanted, keep), yes=yes)
