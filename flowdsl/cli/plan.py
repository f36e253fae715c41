"""`flowdsl plan`."""

from __future__ import annotations

from pathlib import Path

import click

from . import deploying, output


@click.command()
@deploying.target_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show the plan: text for people, json for programs.",
)
@click.pass_context
def plan(ctx: click.Context, file: Path | None, *, env: str | None, instance: str, form: str) -> None:
    """Show what `flowdsl deploy` would change in AWS, in order and why.

    Nothing is changed: AWS is only asked to describe and list. What the last `flowdsl build` wrote is compared with
    what is there, so the plan also shows what somebody changed by hand. Open executions are listed with the state that
    they are in and the function versions that they can still call.

    \b
        flowdsl build && flowdsl plan --env test
        flowdsl plan --env production --format json

    Exit codes: 0 nothing would change, 3 something would, 2 it cannot be deployed.
    """
    target = deploying.find_target(file, env, instance)
    wanted = target.wanted()
    changes = target.session().plan(wanted)
    if form == "json":
        from ..deploy.apply import plan_json

        click.echo(output.json_text(plan_json(changes)))
    else:
        deploying.show_plan(changes)
    deploying.refuse_problems(changes)
    ctx.exit(deploying.EXIT_CHANGES if changes.calls else 0)
