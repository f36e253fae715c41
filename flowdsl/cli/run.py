"""`flowdsl run`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..asl.resource import TOKEN, constant_function, parse_resource
from ..base.diagnostics import FlowError
from ..base.files import read_stdin, read_text
from ..base.record import evolve
from ..base.words import did_you_mean, join_words, one_line
from . import output
from .options import complete_states, pairs, substitution_option
from .picture import picture_option, picture_result, write_picture

if TYPE_CHECKING:
    from ..engine import Call
    from ..project import Loaded
    from ..run.local import Answers, Failure


def _answers(_ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Each value is `STATE=JSON`."""
    texts = pairs(values, 'STATE=JSON, such as Charge=\'{"status": "paid"}\'')
    return {state: _json(text, f"{option.opts[0]} {state}") for state, text in texts.items()}


def _failures(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, Failure]:
    """Each value is `STATE=ERROR` or `STATE=ERROR*TIMES`."""
    from ..run.local import Failure

    texts = pairs(values, "STATE=ERROR, such as Charge=States.Timeout, or Charge=PspUnavailable*2")
    failures = {}
    for state, text in texts.items():
        error, star, times = text.partition("*")
        if not error.strip() or (star and not (times.isdecimal() and len(times) < 10 and int(times))):
            raise click.BadParameter(f"{state}={text}: write the error's name, and after * how many calls fail")
        failures[state] = Failure(error, int(times) if star else None)
    return failures


def _buckets(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Each value is `BUCKET=FOLDER`."""
    folders = pairs(values, "BUCKET=FOLDER, such as donations=examples/data")
    for folder in folders.values():
        if not Path(folder).is_dir():
            raise click.BadParameter(f"{folder} is not a folder")
    return {bucket: Path(folder) for bucket, folder in folders.items()}


def _handlers(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Each value is `NAME=FOLDER` or `NAME=FOLDER/FILE.py:FUNCTION`."""
    places = pairs(values, "NAME=FOLDER, such as charge=handlers/charge")
    return {name: str(Path.cwd() / place) for name, place in places.items()}


handler_option = click.option(
    "--handler",
    "handlers",
    metavar="NAME=FOLDER",
    callback=_handlers,
    multiple=True,
    help="The handler of a Lambda function: `handler` in this folder's handler.py, or FOLDER/FILE.py:FUNCTION. Can be "
    "repeated, or set for all runs in pyproject.toml, under [tool.flowdsl.handlers].",
)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--input",
    "-i",
    "source",
    metavar="FILE|-|JSON",
    default="{}",
    help="The execution's input: a file, - for stdin, or the JSON itself. {} if not given.",
)
@click.option("--name", default="local", show_default=True, help="The execution's name.")
@click.option("--machine", metavar="NAME", help="The state machine to run, if the file has several.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="Run it as a state machine of this type; by default the type set in Python, or STANDARD.",
)
@handler_option
@substitution_option
@click.option(
    "--nested",
    "nested_files",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file with state machines that states:startExecution may start, in addition to those of FILE.",
)
@click.option(
    "--mock",
    "mocks",
    metavar="STATE=JSON",
    shell_complete=complete_states,
    callback=_answers,
    multiple=True,
    help="The result of a Task, which then calls nothing. Can be repeated.",
)
@click.option(
    "--fail",
    "failures",
    metavar="STATE=ERROR",
    shell_complete=complete_states,
    callback=_failures,
    multiple=True,
    help="Let the calls of a Task fail with this error, such as States.Timeout; with ERROR*2 only the first two. "
    "Can be repeated.",
)
@click.option(
    "--callback",
    "callbacks",
    metavar="STATE=JSON",
    shell_complete=complete_states,
    callback=_answers,
    multiple=True,
    help="The answer to a Task that waits for a callback (waitForTaskToken) or a worker (an activity). Without it the "
    "Task waits, on the virtual clock, until it times out. Can be repeated.",
)
@click.option(
    "--mocks",
    "mock_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Mocked responses: a MockConfigFile of Step Functions Local.",
)
@click.option(
    "--bucket",
    "buckets",
    metavar="BUCKET=FOLDER",
    callback=_buckets,
    multiple=True,
    help="Use a folder in place of an S3 bucket, for an ItemReader, a ResultWriter or a Task with S3. Can be repeated.",
)
@click.option("--case", metavar="NAME", help="The test case of --mocks, if it has several.")
@click.option("--seed", type=int, default=0, show_default=True, help="Determines everything random, such as jitter.")
@click.option("--events", is_flag=True, help="Show the events of the history instead of the steps.")
@click.option("--real-time", is_flag=True, help="Wait in real time instead of on the virtual clock.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["output", "json"]),
    default="output",
    show_default=True,
    help="Print to stdout the output, or an object with the execution's status, output, error, cause and dates; "
    "with --events also its events as GetExecutionHistory returns them, and its child executions.",
)
@picture_option
@click.option("--logs", is_flag=True, help="Show what the handlers write, as they write it.")
@click.option("--quiet", "-q", is_flag=True, help="Do not show the steps.")
@click.pass_context
def run(
    ctx: click.Context,
    file: Path | None,
    *,
    source: str,
    name: str,
    machine: str | None,
    kind: Literal["STANDARD", "EXPRESS"] | None,
    handlers: dict[str, str],
    substitutions: dict[str, str],
    nested_files: tuple[Path, ...],
    mocks: dict[str, Any],
    failures: dict[str, Failure],
    callbacks: dict[str, Any],
    mock_file: Path | None,
    buckets: dict[str, Path],
    case: str | None,
    seed: int,
    events: bool,
    real_time: bool,
    form: str,
    picture: Path | None,
    logs: bool,
    quiet: bool,
) -> None:
    """Run a flow in Python, a definition in JSON or YAML, or a state machine of a template, on this computer.

    \b
        flowdsl run payment_flow.py --input examples/donation.json
        flowdsl run payment_flow.py --input donation.json --callback RedirectToPsp='{"status": "returned"}'
        flowdsl run order.asl.json --input '{"amount": 5}' --mock Charge='{"status": "paid"}'
        flowdsl run payment_flow.py --input donation.json --fail TakePayment=PspUnavailable*2

    Without FILE it runs the flow of pyproject.toml. It first checks the flow and its functions, then calls their
    handlers in this process. It prints each step to stderr as it happens, with the time since the start. Time is
    virtual: a wait of a day passes at once. What a handler writes is printed if it fails, or always with --logs. The
    execution's output goes to stdout.

    Exit codes: 0 succeeded, 1 failed, timed out or still waiting at the end, 2 a mistake in the flow or the command.
    """
    from .. import project
    from ..asl.tree import Tree
    from ..base.alarm import end_when_stuck
    from ..calls import mockconfig
    from ..calls.replies import refuse_call
    from ..engine import Reply
    from ..run import local
    from ..run.steps import Steps, render
    from .ending import end_in_time

    if case and not mock_file:
        raise click.UsageError("--case needs --mocks: it chooses a test case of that file")
    machines = project.load_flows(file, substitutions)
    loaded = choose(machines, machine)
    if kind:
        loaded = evolve(loaded, type=kind)
    others = [each for each in machines if each.name != loaded.name]
    others += [each for path in nested_files for each in project.load(path)]
    diagnostics = project.review([loaded, *others])
    if output.has_errors(diagnostics):
        raise FlowError(*diagnostics)
    if diagnostics:
        click.echo(output.as_text(diagnostics), err=True)
    states = {node.name: node.fields for each in (*others, loaded) for node in Tree(each.definition)}
    config = mockconfig.load(mock_file, loaded.name, case, states=states) if mock_file else None
    answers = local.Answers(mocks, failures, callbacks, config, buckets)
    own = project.find(loaded.file.parent)
    steps = Steps(loaded.definition, root=own.root, real_time=real_time, mocked=mocks)
    _check_answers(states, answers)
    _check_handlers(states, handlers)
    show = steps.event if events else steps.step
    if quiet or (events and form == "json"):
        show = steps.nothing

    def refuse(call: Call) -> Reply:
        names = [each.name for each in others]
        return refuse_call(
            call, span=project.locate_state(loaded, call.state_name), hint=_suggest_answer(call, loaded, names)
        )

    value = json_argument(source, "--input")
    if ctx.obj == output.OWN_PROCESS:
        end_when_stuck()
    with output.reserve_stdout():
        result = local.run(
            loaded,
            value,
            project=own,
            name=name,
            answers=answers,
            handlers=handlers,
            machines=others,
            seed=seed,
            real_time=real_time,
            on_event=show,
            on_output=None if logs else steps.keep_output,
            otherwise=refuse,
        )
    if not quiet or result.status != "SUCCEEDED":
        steps.show_end(result)
    if picture is not None:
        write_picture(picture_result(loaded, result), picture)
    if form == "json":
        click.echo(output.json_text(render(result, events=events)))
    elif result.status == "SUCCEEDED":
        click.echo(output.json_text(result.output))
    code = 0 if result.status == "SUCCEEDED" else 1
    if ctx.obj == output.OWN_PROCESS:
        end_in_time(code)
    ctx.exit(code)


def _check_answers(states: Mapping[str, Any], answers: Answers) -> None:
    """Refuse mocks, failures and callbacks of states that do not exist or never use them."""
    by_option = {"--mock": answers.mocks, "--fail": answers.failures, "--callback": answers.callbacks}
    for option, name in [(option, name) for option, names in by_option.items() for name in names]:
        if name not in states:
            calling = [each for each, state in states.items() if constant_function(state) == name]
            near = did_you_mean(name, states)
            if calling:
                near = f"{join_words(calling)} call{'s' * (len(calling) == 1)} function {name!r}: use the state's name"
            raise click.UsageError(f"{option} {name}=…: there is no state {name!r}" + (f"; {near}" if near else ""))
        if states[name].get("Type") != "Task":
            raise click.UsageError(f"{option} {name}=…: the state is a {states[name].get('Type')}, not a Task")
        resource = parse_resource(str(states[name].get("Resource")))
        if option == "--callback" and not (resource.pattern == TOKEN or resource.kind == "activity"):
            raise click.UsageError(f"--callback {name}=…: the Task does not wait for a callback; use --mock {name}=…")


def _check_handlers(states: Mapping[str, Any], handlers: Mapping[str, str]) -> None:
    """Refuse handlers of functions that no Task calls, if the definition names all functions that it calls."""
    called = {
        constant_function(state)
        for state in states.values()
        if parse_resource(str(state.get("Resource"))).service == "lambda" and state.get("Type") == "Task"
    }
    if "" in called:
        return  # the flow chooses one when it runs
    for name in handlers:
        if name not in called:
            near = did_you_mean(name, called) or f"the Tasks call {join_words(sorted(called)) or 'none'}"
            raise click.UsageError(f"--handler {name}=…: no Task calls function {name!r}; {near}")


def _suggest_answer(call: Call, loaded: Loaded, machines: list[str]) -> str:
    """Suggest how to answer a call that has no answer."""
    from ..calls.buckets import is_for_bucket
    from ..calls.hosts import host_named

    if is_for_bucket(call) and isinstance(call.arguments, dict):
        bucket = shlex.quote(str(call.arguments.get("Bucket")))
        return f"use --bucket {bucket}=FOLDER, or set AWS_ENDPOINT_URL to an endpoint of S3"
    state = shlex.quote(call.state_name)
    result = '{"Payload": …}' if (call.integration, call.action) == ("lambda", "invoke") else "…"
    say = f"use --mock {state}='{result}'"
    if call.pattern == "waitForTaskToken":
        say = f"use --callback {state}='…', and --mock {state}='{{}}' for the call itself"
    if (call.integration, call.action) == ("states", "startExecution"):
        wanted = call.arguments.get("StateMachineArn") if isinstance(call.arguments, dict) else None
        here = f"; it starts {wanted}, but the files have only {join_words(machines)}" if machines else ""
        return f"use --nested FILE with the file of the state machine that it starts{here}\n      = or {say}"
    host = host_named(call)
    if host is not None:
        instead = f'[tool.flowdsl.hosts."{host}"] url = "http://localhost:8000"'
        return f"{say}, or add to pyproject.toml what to call instead: {instead}"
    if call.integration != "lambda":
        return f"{say}, or set AWS_ENDPOINT_URL to an endpoint of the service"
    function = call.function.name.strip("${}") if call.function else ""
    elsewhere = f"use --handler {shlex.quote(function)}=FOLDER with the folder of its handler.py\n      = or {say}"
    known = loaded.machine.functions if loaded.machine else {}
    if not known:
        return elsewhere
    has = did_you_mean(function, known) or f"the flow's functions: {', '.join(known)}"
    return f"{has}; dynamic(..., allowed=[...]) calls only functions that it allows\n      = or {elsewhere}"


def choose(machines: list[Loaded], name: str | None) -> Loaded:
    names = [loaded.name for loaded in machines]
    if name is None and len(machines) == 1:
        return machines[0]
    if name not in names:
        problem = f"there is no state machine {name!r}" if name else "there are several state machines"
        raise click.UsageError(one_line(f"{problem}: choose one with --machine: {', '.join(names)}"))
    return machines[names.index(name)]


def json_argument(source: str, option: str) -> Any:
    """The value of an option that takes a file, JSON, or - for stdin. Raises FlowError if it is none of them."""
    if source == "-":
        return _json(read_stdin(f"{option} on stdin", code="FD711"), f"{option} on stdin")
    if source.lstrip()[:1] in ("{", "[", '"'):
        return _json(source, option)
    file = Path(source)
    if file.is_file() or file.is_fifo():  # a pipe is what a shell makes of <(command)
        return _json(read_text(file, code="FD711"), str(file))
    try:
        return json.loads(source)
    except ValueError:
        what = f"{source} is not a file" if file.exists() else f"file {source} does not exist"
        raise FlowError.of(f"{option}: {what}", code="FD711", hint="give a file, JSON text, or - for stdin") from None


def _json(text: str, what: str) -> Any:
    from ..base.document import read_json

    document = read_json(text, what)
    if document.twice:
        path = document.twice[0]
        raise FlowError.of(f"duplicate key {path[-1]!r}", code="FD711", span=document.span(path))
    return document.value
