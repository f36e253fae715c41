"""What plan, deploy, rollback, prune and destroy share: options, the session, and how a plan is shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..base.diagnostics import Diagnostic, FlowError
from ..base.record import Record
from ..base.words import counted, one_line
from .output import has_errors

if TYPE_CHECKING:
    from ..deploy.model import AwsCall, Execution, Plan, Stack, Wanted
    from ..deploy.session import Session
    from ..project import Loaded
    from ..project.environments import Environment

EXIT_CHANGES = 3
"""The exit code of `flowdsl plan` if something would change."""
_MARKS = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}
_Command = TypeVar("_Command", bound=Callable[..., Any])


def target_options(command: _Command) -> _Command:
    """FILE, --env and --instance."""
    command = click.option(
        "--instance",
        metavar="NAME",
        default="",
        help="One of several deployments side by side, such as pr-7: its name ends the names of all resources.",
    )(command)
    command = click.option(
        "--env",
        "env",
        metavar="NAME",
        help="The environment of pyproject.toml, [tool.flowdsl.environments.NAME]. Else FLOWDSL_ENV, or the only one.",
    )(command)
    return click.argument("file", required=False, type=click.Path(path_type=Path))(command)


def yes_option(command: _Command) -> _Command:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask before making the changes.")(command)


class Target(Record):
    """The environment that a command works on, and the flow's machines."""

    environment: Environment
    stack: Stack
    machines: list[Loaded]
    build: Path
    project: str
    """The name under `[project]`."""

    def wanted(self) -> Wanted:
        """All that is to be deployed, with warnings as notes. Raises FlowError, also with what is wrong with the
        environment."""
        from attrs import evolve

        from ..deploy.wanted import assemble
        from ..project.configuration import configuration_mistakes, environment_problems

        mistakes = [each for loaded in self.machines for each in configuration_mistakes(loaded, [self.environment])]
        mistakes += environment_problems(self.machines, [self.environment])
        if has_errors(mistakes):
            raise FlowError(*mistakes)
        wanted = assemble(self.stack, self.environment, self.machines, self.build)
        notes = [f"{each.code} {each.message}; {each.hint}" for each in mistakes]
        return evolve(wanted, notes=(*wanted.notes, *notes))

    def session(self) -> Session:
        from ..deploy import aws
        from ..deploy.session import Session

        if not self.project:
            # Two projects with the same file name in one account would change and remove each other's resources.
            hint = 'add it to pyproject.toml, such as: [project] name = "donations"'
            raise FlowError.of("the project has no name, by which deployments are told apart", code="FD980", hint=hint)
        clock = aws.WallClock()
        return Session(aws.connect_paced(self.stack.place, clock), clock, self.stack, show_progress)


def find_target(file: Path | None, env: str | None, instance: str) -> Target:
    """The target of a command. Raises FlowError for settings or a flow that cannot be used."""
    from .. import project
    from ..deploy.wanted import stack_of
    from ..project.environments import choose_environment

    first = file or project.default_flows()[0]
    settings = project.find(first.resolve().parent)
    if file and len(settings.flows) > 1 and file.resolve() in [each.resolve() for each in settings.flows]:
        # One alone would remove the others' state machines, and versions of functions that they still call.
        names = ", ".join(each.name for each in settings.flows)
        message = f"{file.name} is deployed together with the project's other flows, with which it may share functions"
        raise FlowError.of(message, code="FD980", hint=f"leave FILE out, which deploys {names}")
    environment = choose_environment(settings.environments, env)
    stack = stack_of(environment, first, instance, project=settings.name)
    return Target(environment, stack, project.load_flows(file), settings.output, settings.name)


# Showing


def show_plan(plan: Plan) -> None:
    click.echo(click.style(plan.stack.label, bold=True))
    for line in plan.current:
        click.echo(one_line(f"now: {line}"))
    if plan.executions:
        click.echo(f"open executions: {len(plan.executions)}; each keeps what it can reach")
        for execution in plan.executions[:_MOST]:
            click.echo(one_line(f"  {_execution(execution)}"))
        if len(plan.executions) > _MOST:
            click.echo(f"  and {len(plan.executions) - _MOST} more")
    for note in plan.notes:
        click.echo(one_line(f"note: {note}"))
    width = max((len(call.resource) for call in plan.calls), default=0)
    for call in plan.calls:
        mark, colour = _MARKS[call.verb]
        click.echo(f"{click.style(mark, fg=colour)} {one_line(f'{call.resource:<{width}}  {call.reason}')}")
    count = len(plan.calls)
    click.echo(counted(count, "change") if count else "no changes")


_MOST = 20


def _execution(execution: Execution) -> str:
    from ..deploy.apply import reachable

    version = f"version {execution.version.rpartition(':')[2]}" if execution.version else "no version"
    where = f"in {', '.join(execution.at)}" if execution.at else execution.status.lower()
    role = f"role {execution.role.rpartition('/')[2]}"
    return f"{execution.name}: {where}, {version}, {role}, {', '.join(reachable(execution)) or 'no functions'}"


def refuse_problems(plan: Plan) -> None:
    """Raise FlowError with what keeps the plan from being applied."""
    if plan.problems:
        raise FlowError(*(Diagnostic("FD986", each.message, hint=each.hint or None) for each in plan.problems))


def show_progress(number: int, total: int, call: AwsCall, what: str) -> None:
    if what == "starting":
        click.echo(f"[{number}/{total}] {call.resource}: {call.operation}", err=True)
    elif what == "waiting" and sys.stderr.isatty():
        click.echo(f"[{number}/{total}] {call.resource}: waiting", err=True)


def confirm(question: str, *, yes: bool) -> bool:
    """Whether to go on. Raises FlowError if nobody is there to answer."""
    if yes:
        return True
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)  # after the question
        raise FlowError.of(
            "nothing was changed: nobody answered", hint="use --yes to go on without a question"
        ) from None


def apply_or_ask(plan: Plan, question: str, apply: Callable[[], None], *, yes: bool) -> None:
    """Show a plan, ask, and apply it."""
    show_plan(plan)
    refuse_problems(plan)
    if plan.calls and confirm(question, yes=yes):
        apply()
        click.echo(f"done: {counted(len(plan.calls), 'change')}", err=True)


# Kinds of options


class Percent(click.ParamType[int]):
    """`10%` or `10`."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d{1,2})\s*%?", str(value))
        if match is None or not 1 <= int(match[1]) <= 99:
            self.fail(f"{value!r} is not a share of the traffic; use 1% to 99%", param, ctx)
        return int(match[1])


class Duration(click.ParamType[timedelta]):
    """`90s`, `15m` or `2h`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d+)\s*([smh])", str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration; use 90s, 15m or 2h", param, ctx)
        return timedelta(seconds=int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]])
