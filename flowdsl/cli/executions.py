"""`flowdsl executions`: what runs on a deployed state machine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..base.diagnostics import FlowError
from ..base.files import read_text, write_file
from ..base.record import Record
from ..base.source import Span, display_path
from ..base.words import one_line
from . import deploying, output
from .group import WholeHelp
from .picture import picture_option, write_picture

if TYPE_CHECKING:
    from ..deploy.executions import ExecutionCalls, StatesArn

EXIT_DIFFERS = 1
"""The exit code of `replay` if there are differences."""
_MOST_CHILDREN = 100
"""The child executions of Distributed Maps in a picture: each takes a call at least, and no picture shows more."""
_PAUSE = 2.0
"""Seconds between two looks at a running execution."""
_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPEN = ("RUNNING", "PENDING_REDRIVE")
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")


@click.group(cls=WholeHelp, no_args_is_help=True)
def executions() -> None:
    """List, show, start, stop, redrive and record executions of a deployed state machine.

    An execution is an ARN, or a name together with --env; a state machine is an ARN, or the flow's together with --env.

    \b
        flowdsl executions list --env production --status FAILED
        flowdsl executions show don-0001 --env production
        flowdsl executions pull arn:aws:states:eu-west-1:123456789012:execution:payment:don-0001

    Payloads are not printed, and card numbers and e-mail addresses in causes are masked. Executions of Express state
    machines are listed and shown from the state machine's log group.
    """


def _target_options(command: _Command) -> _Command:
    options = (
        click.option("--env", metavar="NAME", help="The environment of pyproject.toml that the name is in."),
        click.option("--instance", metavar="NAME", default="", help="One of several deployments, such as pr-7."),
        click.option("--machine", metavar="NAME", help="The state machine's name in a flow with several."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)


class _Session(Record):
    """The target of a command, the connection to its region, and the author's places of states."""

    target: StatesArn
    calls: ExecutionCalls

    def locate(self, state: str) -> Span | None:
        from .. import project

        try:
            machines = project.load_flows()
        except FlowError:
            return None  # the command may be used outside of a project
        for loaded in sorted(machines, key=lambda each: each.name != self.target.machine):
            if loaded.name in self.target.machine and (span := project.locate_state(loaded, state)):
                return span
        return None


def _open(
    text: str | None, env: str | None, instance: str, machine: str | None, *, execution: bool, express: bool = False
) -> _Session:
    """`express`: whether the command can do something with an Express execution."""
    from ..deploy import aws
    from ..deploy.executions import ExecutionCalls, no_express, parse_arn

    if text is not None and text.startswith("arn:"):
        target = parse_arn(text)
    else:
        target = parse_arn(_arn(text, env, instance, machine))
    if target.kind == "express" and not express:
        raise no_express(target.machine)
    if (target.kind in ("execution", "express")) is not execution:
        wanted = "an execution" if execution else "a state machine"
        raise FlowError.of(f"{target.arn} is not the ARN of {wanted}", code="FD990", hint=f"pass the ARN of {wanted}")
    return _Session(target, ExecutionCalls(aws.connect_paced(target.place, aws.WallClock(), ["states"])))


def _arn(name: str | None, env: str | None, instance: str, machine: str | None) -> str:
    """The ARN of an execution of this name, or of the alias that callers start."""
    target = deploying.find_target(None, env, instance)
    names = [each.name for each in target.machines]
    if machine is None and len(names) > 1:
        raise FlowError.of(
            one_line(f"the flow has several state machines: {', '.join(names)}"),
            code="FD990",
            hint="choose one with --machine",
        )
    if machine is not None and machine not in names:
        raise FlowError.of(
            f"the flow has no state machine {machine!r}",
            code="FD990",
            hint=one_line(f"choose one of {', '.join(names)}"),
        )
    deployed = target.stack.named(machine or names[0])
    if name is None:
        return target.stack.place.arn("states", f"stateMachine:{deployed}:{target.environment.alias}")
    return target.stack.place.arn("states", f"execution:{deployed}:{name}")


@executions.command(name="list")
@click.argument("machine_arn", required=False)
@_target_options
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only executions with this status.")
@click.option("-n", "most", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@_format_option
def list_(
    machine_arn: str | None,
    *,
    env: str | None,
    instance: str,
    machine: str | None,
    status: str | None,
    most: int,
    form: str,
) -> None:
    """List the latest executions of a state machine."""
    session = _open(machine_arn, env, instance, machine, execution=False)
    listed = session.calls.latest(session.target.machine_arn, status=status, most=most)
    if form == "json":
        keys = ("name", "status", "executionArn", "stateMachineVersionArn", "startDate", "stopDate")
        rows = [{key: _plain(each[key]) for key in keys if key in each} for each in listed]
        click.echo(output.json_text(rows))
        return
    for each in listed:
        started = each["startDate"].isoformat(timespec="seconds")
        click.echo(f"{started}  {each['status']:<9}  {each['name']}")
    if not listed:
        click.echo("no executions", err=True)


@executions.command()
@click.argument("execution")
@_target_options
@_format_option
@picture_option
def show(
    execution: str, *, env: str | None, instance: str, machine: str | None, form: str, picture: Path | None
) -> None:
    """Show the route of an execution: states, attempts, waits, where the time went, and the line of the failure."""
    from ..run.route import describe_route, route_as_json
    from ..testing.history import History

    session = _open(execution, env, instance, machine, execution=True, express=True)
    described = session.calls.describe(session.target.arn)
    events = session.calls.history(session.target.arn)
    history = History.parse(events)
    if form == "json":
        keys = ("name", "status", "stateMachineVersionArn", "startDate", "stopDate")
        head = {key: _plain(described[key]) for key in keys if key in described}
        route = route_as_json(history.events, session.locate)
        click.echo(output.json_text({**head, "executionArn": session.target.arn, **route}))
    else:
        started = described["startDate"].isoformat(timespec="seconds")
        click.echo(f"{described['name']}  {described['status']}  {started}")
        if version := described.get("stateMachineVersionArn"):
            click.echo(f"version {version.rpartition(':')[2]} of {session.target.machine}")
        for line in describe_route(history.events, session.locate):
            click.echo(line)
    if picture is not None:
        from ..base.document import read_json
        from ..testing.picture import picture_run

        definition = read_json(session.calls.definition(session.target.arn), "the definition").value
        histories, without = session.calls.children(events, _MOST_CHILDREN)
        children = [History.parse(each) for each in histories]
        write_picture(picture_run(described["name"], definition, history, children), picture)
        if without:
            what = (
                "1 execution of a Distributed Map is"
                if without == 1
                else f"{without} executions of Distributed Maps are"
            )
            click.echo(f"{what} not in the picture", err=True)


@executions.command()
@click.argument("execution")
@_target_options
@_format_option
def tail(execution: str, *, env: str | None, instance: str, machine: str | None, form: str) -> None:
    """Print the events of an execution as they happen, until it ends; as JSON one a line."""
    from ..run.route import describe_event, event_as_json
    from ..testing.history import History

    session = _open(execution, env, instance, machine, execution=True, express=True)
    last, start = 0, 0.0
    while True:
        events = History.parse(session.calls.history(session.target.arn, after=last)).events
        if events and not last:
            start = events[0].timestamp
        for event in events:
            click.echo(json.dumps(event_as_json(event)) if form == "json" else describe_event(event, start))
            last = event.id
        if events and re.fullmatch("Execution(Succeeded|Failed|TimedOut|Aborted)", events[-1].type):
            return
        if not events and session.calls.describe(session.target.arn)["status"] not in _OPEN:
            return  # the history lacks its end, as that of an emulator may
        time.sleep(_PAUSE)


@executions.command()
@click.argument("machine_arn", required=False)
@_target_options
@click.option("--input", "source", metavar="JSON|FILE", default="{}", help="The execution's input; by default {}.")
@click.option("--name", metavar="NAME", help="The execution's name; by default AWS chooses one.")
def start(
    machine_arn: str | None, *, env: str | None, instance: str, machine: str | None, source: str, name: str | None
) -> None:
    """Start an execution and print its ARN. With --env the alias is started, as callers do."""
    from ..asl.names import FORBIDDEN_IN_WORDS, is_execution_name
    from ..base.document import read_json

    if name is not None and not is_execution_name(name):
        hint = f"use 1 to 80 characters, without {FORBIDDEN_IN_WORDS}"
        raise FlowError.of(f"{name!r} cannot be the name of an execution", code="FD990", hint=hint)
    text = source if source.lstrip().startswith(("{", "[", '"')) else read_text(Path(source), code="FD711")
    read_json(text, "--input" if text is source else source)
    session = _open(machine_arn, env, instance, machine, execution=False)
    click.echo(session.calls.start(session.target.arn, text, name))


@executions.command()
@click.argument("execution")
@_target_options
@deploying.yes_option
@click.option("--error", metavar="NAME", help="The error name to end it with.")
@click.option("--cause", metavar="TEXT", help="Why it is stopped.")
def stop(
    execution: str,
    *,
    env: str | None,
    instance: str,
    machine: str | None,
    yes: bool,
    error: str | None,
    cause: str | None,
) -> None:
    """Stop an execution: it ends as ABORTED, and no Catch handles that."""
    session = _open(execution, env, instance, machine, execution=True)
    if deploying.confirm(f"Stop {session.target.arn}?", yes=yes):
        session.calls.stop(session.target.arn, error, cause)


@executions.command()
@click.argument("execution")
@_target_options
def redrive(execution: str, *, env: str | None, instance: str, machine: str | None) -> None:
    """Continue a failed execution from the state in which it failed, with the definition that it began with."""
    session = _open(execution, env, instance, machine, execution=True)
    session.calls.redrive(session.target.arn)


@executions.command()
@click.argument("execution")
@_target_options
@click.option("-o", "--output", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--unmasked", is_flag=True, help="Keep card data and personal data.")
def pull(
    execution: str, *, env: str | None, instance: str, machine: str | None, file: Path | None, unmasked: bool
) -> None:
    """Record an execution as mocks and a test that replays it on the embedded engine.

    Writes tests/recorded/NAME.json, or the file of -o, and test_NAME.py beside it if there is none. Card data and
    personal data are masked, equal values by equal ones; look through the file before you commit it.
    """
    from ..testing.recording import record

    session = _open(execution, env, instance, machine, execution=True)
    target = session.target
    events = session.calls.history(target.arn)
    recording = record(events, machine=target.machine, name=target.rest, masked=not unmasked)
    file = file or Path("tests/recorded", f"{target.rest}.json")
    test = file.with_name(f"test_{re.sub(r'[^0-9A-Za-z_]', '_', file.stem)}.py")
    write_file(file, recording.text(), code="FD991")
    click.echo(display_path(file.absolute()))
    if file.is_file() and not test.exists():
        write_file(test, _TEST.format(name=test.stem, file=file.name), code="FD991")
        click.echo(display_path(test.absolute()))


_TEST = '''\
"""An execution that was recorded with `flowdsl executions pull`, again on the embedded engine."""

from pathlib import Path

from flowdsl.testing import replay


def {name}(flow_machine):
    assert replay(Path(__file__).with_name("{file}"), flow_machine) == []
'''


@executions.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--flow", metavar="FILE", type=click.Path(path_type=Path), help="Another flow or definition to run.")
@click.pass_context
def replay(ctx: click.Context, file: Path, *, flow: Path | None) -> None:
    """Run a recorded execution on the embedded engine and list the differences, event by event.

    The exit code is 1 if there are any.
    """
    from ..testing import replay as run_again

    differences = run_again(file, flow)
    for each in differences:
        click.echo(each)
    click.echo(f"{len(differences)} difference{'s' * (len(differences) != 1)}", err=True)
    if differences:
        ctx.exit(EXIT_DIFFERS)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else value.isoformat()
