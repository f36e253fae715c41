"""`flowdsl run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import evolve

from ..asl.resource import TOKEN, parse_resource
from ..base.diagnostics import FlowError
from . import output

if TYPE_CHECKING:
    from ..engine import Call
    from ..project import Loaded


def _answers(_ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Each value is `STATE=JSON`."""
    pairs = _pairs(values, 'STATE=JSON, such as Charge=\'{"status": "paid"}\'')
    return {state: _json(text, f"{option.opts[0]} {state}") for state, text in pairs.items()}


def _buckets(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Each value is `BUCKET=FOLDER`."""
    pairs = _pairs(values, "BUCKET=FOLDER, such as donations=examples/data")
    for folder in pairs.values():
        if not Path(folder).is_dir():
            raise click.BadParameter(f"there is no folder {folder}")
    return {bucket: Path(folder) for bucket, folder in pairs.items()}


def _handlers(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Each value is `NAME=FOLDER` or `NAME=FOLDER/FILE.py:FUNCTION`."""
    pairs = _pairs(values, "NAME=FOLDER, such as charge=handlers/charge")
    return {name: str(Path.cwd() / place) for name, place in pairs.items()}


def _pairs(values: tuple[str, ...], form: str) -> dict[str, str]:
    """The texts before and behind the `=` of each value; `form` is what to write."""
    pairs: dict[str, str] = {}
    for value in values:
        name, _, text = value.partition("=")
        if not (name and text):
            raise click.BadParameter(f"{value!r}: write {form}")
        if name in pairs:
            raise click.BadParameter(f"{name} is there twice")
        pairs[name] = text
    return pairs


handler_option = click.option(
    "--handler",
    "handlers",
    metavar="NAME=FOLDER",
    callback=_handlers,
    multiple=True,
    help="The Lambda function of this name is `handler` in this folder's handler.py, or is at FOLDER/FILE.py:FUNCTION. "
    "Can be given for several functions, or for all runs in pyproject.toml, under [tool.flowdsl.handlers].",
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
@click.option("--machine", metavar="NAME", help="Which state machine, where the file has several.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="Run it as a machine of this type. Without it a flow in Python is what it says, any other STANDARD.",
)
@handler_option
@click.option(
    "--nested",
    "nested_files",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A file with machines that states:startExecution starts, by their names; those of FILE itself are there too.",
)
@click.option(
    "--mock",
    "mocks",
    metavar="STATE=JSON",
    callback=_answers,
    multiple=True,
    help="Answer a Task with this instead of calling anything. Can be given for several states.",
)
@click.option(
    "--callback",
    "callbacks",
    metavar="STATE=JSON",
    callback=_answers,
    multiple=True,
    help="Answer a Task that waits for a callback (waitForTaskToken) or a worker (an activity). Without it the Task "
    "waits, on the virtual clock, until it times out.",
)
@click.option(
    "--mocks",
    "mock_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Mocked responses in the form of Step Functions Local's MockConfigFile.",
)
@click.option(
    "--bucket",
    "buckets",
    metavar="BUCKET=FOLDER",
    callback=_buckets,
    multiple=True,
    help="Use a folder in place of an S3 bucket, for an ItemReader, a ResultWriter or a Task with S3. Can be given "
    "for several buckets.",
)
@click.option("--case", metavar="NAME", help="Which test case of --mocks, where it has several.")
@click.option("--seed", type=int, default=0, show_default=True, help="What all that is random comes from, as jitter.")
@click.option("--events", is_flag=True, help="Show the events of the history instead of the steps.")
@click.option("--real-time", is_flag=True, help="Let waits, delays and timeouts take their time.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["output", "json"]),
    default="output",
    show_default=True,
    help="What goes to stdout: the execution's output, or an object with its status, output, error, cause and dates, "
    "with --events also its events as GetExecutionHistory returns them, and those of the executions that it started.",
)
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
    nested_files: tuple[Path, ...],
    mocks: dict[str, Any],
    callbacks: dict[str, Any],
    mock_file: Path | None,
    buckets: dict[str, Path],
    case: str | None,
    seed: int,
    events: bool,
    real_time: bool,
    form: str,
    logs: bool,
    quiet: bool,
) -> None:
    """Run a state machine on this machine: a flow in Python, JSON or YAML.

    \b
        flowdsl run payment_flow.py --input examples/donation.json
        flowdsl run payment_flow.py --input donation.json --callback RedirectToPsp='{"status": "returned"}'
        flowdsl run order.asl.json --input '{"amount": 5}' --mock Charge='{"status": "paid"}'

    Without FILE the flow of pyproject.toml is run. The flow and its functions are checked first. Its Lambda functions
    are called in this process. Each step is shown on stderr as it happens, with the time since the start: time is
    virtual, so that a wait of a day passes at once. What a function writes is shown with its failure, or all of it
    with --logs. The output goes to stdout.

    Exit codes: 0 succeeded, 1 failed, timed out or still waiting at the end, 2 a mistake in the flow or the command.
    """
    from .. import project
    from ..asl.tree import Tree
    from ..calls import mockconfig
    from ..calls.replies import refuse_call
    from ..engine import Reply
    from ..run import local
    from ..run.steps import Steps, render

    if case and not mock_file:
        raise click.UsageError("--case is a test case of the file that --mocks names: say both")
    machines = project.load(file or project.default_flow())
    loaded = choose(machines, machine)
    if kind:
        loaded = evolve(loaded, type=kind)
    others = [each for each in machines if each.name != loaded.name]
    others += [each for path in nested_files for each in project.load(path)]
    found = project.review([loaded, *others])
    if output.has_errors(found):
        raise FlowError(*found)
    if found:
        click.echo(output.as_text(found), err=True)
    states = {node.name: node.fields for each in (*others, loaded) for node in Tree(each.definition)}
    config = mockconfig.load(mock_file, loaded.name, case, states=states) if mock_file else None
    answers = local.Answers(mocks, callbacks, config, buckets)
    own = project.find(loaded.file.parent)
    steps = Steps(loaded.definition, root=own.root, real_time=real_time, mocked=mocks)
    _require(states, answers.mocks, answers.callbacks)
    _require_called(states, handlers)
    show = steps.event if events else steps.step
    if quiet or (events and form == "json"):
        show = steps.nothing

    def refuse(call: Call) -> Reply:
        names = [each.name for each in others]
        return refuse_call(call, span=project.locate_state(loaded, call.state_name), hint=_answer(call, loaded, names))

    value = json_argument(source, "--input")
    with output.kept_for_the_result():
        result = local.run(
            loaded,
            value,
            project=own,
            name=name,
            answers=answers,
            named=handlers,
            machines=others,
            seed=seed,
            real_time=real_time,
            on_event=show,
            on_output=None if logs else steps.written,
            otherwise=refuse,
        )
    if not quiet or result.status != "SUCCEEDED":
        steps.ended(result)
    if form == "json":
        click.echo(output.json_text(render(result, events=events)))
    elif result.status == "SUCCEEDED":
        click.echo(output.json_text(result.output))
    ctx.exit(0 if result.status == "SUCCEEDED" else 1)


def _require(states: Mapping[str, Any], mocks: Mapping[str, Any], callbacks: Mapping[str, Any]) -> None:
    """Refuse answers to what never asks."""
    from ..base.words import did_you_mean
    from ..testing.mocks import function_of_state

    for option, name in [*(("--mock", name) for name in mocks), *(("--callback", name) for name in callbacks)]:
        if name not in states:
            calling = [each for each, state in states.items() if function_of_state(state) == name]
            near = did_you_mean(name, states)
            if calling:
                near = f"{_list(calling)} call{'s' * (len(calling) == 1)} the function {name!r}: name the state"
            raise click.UsageError(f"{option} {name}=…: no state is named {name!r}" + (f"; {near}" if near else ""))
        if states[name].get("Type") != "Task":
            raise click.UsageError(f"{option} {name}=…: the state is a {states[name].get('Type')}, not a Task")
        resource = parse_resource(str(states[name].get("Resource")))
        if option == "--callback" and not (resource.pattern == TOKEN or resource.kind == "activity"):
            raise click.UsageError(f"--callback {name}=…: the Task waits for no callback; say --mock {name}=…")


def _require_called(states: Mapping[str, Any], handlers: Mapping[str, str]) -> None:
    """Refuse handlers of functions that no Task calls, where all that are called are known."""
    from ..base.words import did_you_mean
    from ..testing.mocks import function_of_state

    called = {
        function_of_state(state)
        for state in states.values()
        if parse_resource(str(state.get("Resource"))).service == "lambda" and state.get("Type") == "Task"
    }
    if "" in called:
        return  # one is chosen when the flow runs
    for name in handlers:
        if name not in called:
            near = did_you_mean(name, called) or f"they call {_list(sorted(called)) or 'none'}"
            raise click.UsageError(f"--handler {name}=…: no Task calls a function {name!r}; {near}")


def _list(names: list[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _answer(call: Call, loaded: Loaded, machines: list[str]) -> str:
    """How a call could be answered that nothing answers."""
    import shlex

    from ..calls.buckets import in_bucket
    from ..calls.hosts import host_named

    if in_bucket(call) and isinstance(call.arguments, dict):
        bucket = shlex.quote(str(call.arguments.get("Bucket")))
        return f"say --bucket {bucket}=FOLDER, or name an endpoint that answers in AWS_ENDPOINT_URL"
    state = shlex.quote(call.state_name)
    result = '{"Payload": …}' if (call.integration, call.action) == ("lambda", "invoke") else "…"
    say = f"say --mock {state}='{result}'"
    if call.pattern == "waitForTaskToken":
        say = f"say --callback {state}='…', and --mock {state}='{{}}' for what its call gives"
    if (call.integration, call.action) == ("states", "startExecution"):
        wanted = call.arguments.get("StateMachineArn") if isinstance(call.arguments, dict) else None
        here = f"; it starts {wanted}, and what is here is {_list(machines)}" if machines else ""
        return f"say --nested FILE for the file of the machine that it starts{here}\n      = or {say}"
    host = host_named(call)
    if host is not None:
        instead = f'[tool.flowdsl.hosts."{host}"] url = "http://localhost:8000"'
        return f"{say}, or say in pyproject.toml what to call instead: {instead}"
    if call.integration != "lambda":
        return f"{say}, or name an endpoint that answers in AWS_ENDPOINT_URL"
    function = call.function.name if call.function else ""
    if loaded.machine is None:
        name = shlex.quote(function)
        return f"say --handler {name}=FOLDER for the folder of its handler.py\n      = or {say}"
    from ..base.words import did_you_mean

    known = loaded.machine.functions
    near = did_you_mean(function, known)
    has = near or (f"the flow has {', '.join(known)}" if known else "the flow has no Function")
    return f"{has}; a dynamic(..., allowed=[...]) can only call what it allows\n      = or {say}"


def choose(machines: list[Loaded], name: str | None) -> Loaded:
    names = [loaded.name for loaded in machines]
    if name is None and len(machines) == 1:
        return machines[0]
    if name not in names:
        said = f"there is no machine {name!r}" if name else "the file has several machines"
        raise click.UsageError(f"{said}: say --machine with one of {', '.join(names)}")
    return machines[names.index(name)]


def json_argument(source: str, option: str) -> Any:
    """The value of an option that takes a file, JSON, or - for stdin. Raises FlowError where it is none of them."""
    if source == "-":
        try:
            return _json(sys.stdin.read(), f"{option} on stdin")
        except UnicodeDecodeError:
            raise FlowError.of(f"{option} on stdin is not UTF-8 text", code="FD711") from None
    if source.lstrip()[:1] in ("{", "[", '"'):
        return _json(source, option)
    if Path(source).is_file():
        return _read(Path(source))
    try:
        return json.loads(source)
    except ValueError:
        raise FlowError.of(
            f"{option} {source}: there is no such file", code="FD711", hint="name a file, or write JSON, or - for stdin"
        ) from None


def _read(file: Path) -> Any:
    try:
        return _json(file.read_text(encoding="utf-8-sig"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{file} cannot be read: {reason}", code="FD711") from None


def _json(text: str, what: str) -> Any:
    from ..base.document import read_json

    found = read_json(text, what)
    if found.twice:
        path = found.twice[0]
        raise FlowError.of(f"the key {path[-1]!r} is there twice", code="FD711", span=found.span(path))
    return found.value
