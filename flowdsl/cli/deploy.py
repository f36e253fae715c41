"""`flowdsl deploy`."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ..base.diagnostics import FlowError
from ..base.words import counted
from . import deploying

if TYPE_CHECKING:
    from ..deploy.session import Test

TEST_PAUSE = 60.0
"""Seconds between two runs of the test while a canary lasts."""


@click.command()
@deploying.target_options
@deploying.yes_option
@click.option(
    "--canary",
    type=deploying.Percent(),
    metavar="PERCENT",
    help="Let the new version have this share of the new executions first, such as 10%.",
)
@click.option(
    "--for",
    "duration",
    type=deploying.Duration(),
    metavar="TIME",
    default="15m",
    show_default=True,
    help="How long the canary lasts, such as 90s, 15m or 2h.",
)
@click.option(
    "--test",
    "command",
    metavar="COMMAND",
    help="A command that tests the new version, such as 'pytest tests/e2e': STATE_MACHINE_ARN names the version. The "
    "alias moves only if it succeeds, and moves back if it fails while a canary lasts.",
)
@click.option("--no-wait", is_flag=True, help="Start the canary and leave; the next deploy takes it up again.")
@click.pass_context
def deploy(
    ctx: click.Context,
    file: Path | None,
    *,
    env: str | None,
    instance: str,
    yes: bool,
    canary: int | None,
    duration: timedelta,
    command: str | None,
    no_wait: bool,
) -> None:
    """Bring an environment to what `flowdsl build` made.

    The plan is shown, then a question, then the calls. Executions that run meanwhile end as they began: with their
    definition, functions' code and configuration, and permissions. After a failure run it again: it goes on from what
    is there.

    \b
        flowdsl build && flowdsl deploy --env test
        flowdsl deploy --env production --canary 10% --for 15m
        flowdsl deploy --env test --instance pr-7 --yes --test "pytest tests/e2e"

    While a canary runs, the alarms of the environment's settings (`alarms`) are watched; one that rings moves the alias
    back. If this terminal is closed, run `flowdsl deploy` again.

    Exit codes: 0 deployed, 1 rolled back by an alarm or a failed test, 2 a mistake.
    """
    from ..deploy.plan import CanaryRequest

    for name, option in (("duration", "--for"), ("no_wait", "--no-wait")):
        if canary is None and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} is of a canary: use it with --canary")
    target = deploying.find_target(file, env, instance)
    wanted, session = target.wanted(), target.session()
    alarms = target.environment.alarms
    if missing := session.missing_alarms(alarms):
        hint = f"correct `alarms` of [tool.flowdsl.environments.{target.environment.name}]"
        raise FlowError.of(f"no such alarm: {', '.join(missing)}", code="FD988", hint=hint)
    plan = session.plan(wanted, CanaryRequest(canary, duration) if canary else None)
    deploying.show_plan(plan)
    deploying.refuse_problems(plan)
    test = _tester(command) if command else None
    if plan.calls:
        if not deploying.confirm("Make these changes?", yes=yes):
            return
        if test is None:
            session.apply(plan)
        elif not session.apply_tested(plan, test):
            click.echo("no alias moved; the new version stays unused", err=True)
            ctx.exit(1)
        click.echo(f"deployed: {counted(len(plan.calls), 'change')}", err=True)
    running = session.canaries(wanted) if canary or plan.canaries else {}
    for alias, moving in running.items():
        if no_wait:
            click.echo(f"{moving.percent} % until {moving.until}: run flowdsl deploy again after that", err=True)
            continue
        again = _every(TEST_PAUSE, test) if test else None
        if not session.watch(
            alias, moving, alarms=alarms, test=again, tell=lambda what: click.echo(f"canary: {what}", err=True)
        ):
            ctx.exit(1)


def _tester(command: str) -> Test:
    """What runs the command with the ARN of the new version."""

    def test(versions: dict[str, str]) -> bool:
        for name, arn in versions.items():
            click.echo(f"testing version {arn.rpartition(':')[2]} of {name}: {command}", err=True)
            try:
                done = subprocess.run(  # noqa: S603 - the command is the user's own
                    shlex.split(command), env={**os.environ, "STATE_MACHINE_ARN": arn}, check=False
                )
            except OSError as error:
                click.echo(f"the test cannot be run: {error.strerror}", err=True)
                return False
            if done.returncode:
                click.echo(f"the test failed: exit code {done.returncode}", err=True)
                return False
        return True

    return test


def _every(pause: float, test: Test) -> Test:
    """The test, but at most once in `pause` seconds."""
    last: float | None = None

    def paced(versions: dict[str, str]) -> bool:
        nonlocal last
        if last is not None and time.monotonic() - last < pause:
            return True
        passed = test(versions)
        last = time.monotonic()
        return passed

    return paced
