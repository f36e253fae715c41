"""`flowdsl destroy`."""

from __future__ import annotations

from pathlib import Path

import click

from . import deploying


@click.command()
@deploying.target_options
@deploying.yes_option
@click.option("--stop-executions", is_flag=True, help="Stop what still runs: a payment may be left half done.")
def destroy(file: Path | None, *, env: str | None, instance: str, yes: bool, stop_executions: bool) -> None:
    """Remove an instance, or a whole environment, with all that carries its tags.

    State machines go first and until they are really gone, then functions, log groups and roles. Tables, queues and
    topics of an instance go too; those of an environment stay with their data. It can be run again after a failure; a
    second run finds nothing to do.

    \b
        flowdsl destroy --env test --instance pr-7 --yes
    """
    from ..deploy.retire import DestroyRequest
    from ..deploy.wanted import stores_of, watching_of

    target = deploying.find_target(file, env, instance)
    session = target.session()
    machines = [each.name for each in target.machines]
    stores = [
        *stores_of(target.stack, target.machines),
        *watching_of(target.stack, target.environment, target.machines),
    ]
    plan = session.plan_destroy(DestroyRequest(stop_executions), machines, stores)
    deploying.apply_or_ask(plan, f"Destroy {target.stack.label}?", lambda: session.apply(plan), yes=yes)
