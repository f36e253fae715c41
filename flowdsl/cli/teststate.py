"""`flowdsl test-state`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..base.diagnostics import FlowError
from ..base.words import did_you_mean, one_line
from . import output
from .options import complete_states, substitution_option
from .run import choose, handler_option, json_argument

if TYPE_CHECKING:
    from ..engine import Call, Reply


def _object(_ctx: click.Context, option: click.Parameter, value: str | None) -> Any:
    """The JSON object that an option gives."""
    if value is None:
        return None
    parsed = json_argument(value, option.opts[0])
    if not isinstance(parsed, dict):
        raise click.BadParameter("give a JSON object, or a file that holds one")
    return parsed


def _mock_hint(message: str, mock: dict[str, Any] | None) -> str | None:
    """Suggest a mock, if the mock is missing or wrong."""
    if mock is None:
        return "add its result with --mock '{\"result\": …}'" if "TestState API does not support" in message else None
    known = ("result", "errorOutput", "fieldValidationMode")
    if "Unknown parameter in mock:" in message and not any(key in mock for key in known):
        return f"write {json.dumps({'result': mock}, ensure_ascii=False)}"
    if message.endswith("'Payload' must be a string"):
        return (
            'AWS wants its JSON as text, such as "Payload": "{\\"paid\\": true}"; or add "fieldValidationMode": "NONE"'
        )
    return None


@click.command("test-state")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--state",
    "name",
    metavar="NAME",
    shell_complete=complete_states,
    help="The state to run, if the file contains a state machine.",
)
@click.option(
    "--input",
    "-i",
    "source",
    metavar="FILE|-|JSON",
    default="{}",
    help="The state's input: a file, - for stdin, or the JSON itself. {} if not given.",
)
@click.option(
    "--mock",
    metavar="FILE|JSON",
    callback=_object,
    help='The result of a Task, Map or Parallel: {"result": …} or {"errorOutput": {"error": …, "cause": '
    '…}}; "fieldValidationMode" (STRICT, PRESENT, NONE) sets how closely the result must match the API.',
)
@click.option(
    "--inspection-level",
    "level",
    type=click.Choice(["INFO", "DEBUG", "TRACE"], case_sensitive=False),
    default="INFO",
    show_default=True,
    help="DEBUG adds the result of each step of the data flow, TRACE the request and response of an HTTP Task.",
)
@click.option("--context", metavar="FILE|JSON", callback=_object, help="The context object ($$); needs a mock.")
@click.option("--variables", metavar="FILE|JSON", callback=_object, help="The variables before the state.")
@click.option(
    "--state-configuration",
    "configuration",
    metavar="FILE|JSON",
    callback=_object,
    help='Such as {"retrierRetryCount": 2}, the number of earlier retries; also mapIterationFailureCount, '
    "mapItemReaderData, errorCausedByState.",
)
@click.option("--reveal-secrets", is_flag=True, help="With TRACE, show what the connection adds to a request.")
@click.option("--machine", metavar="NAME", help="The state machine, if the file has several.")
@click.option("--logs", is_flag=True, help="Show what the handler writes.")
@handler_option
@substitution_option
@click.pass_context
def test_state(
    ctx: click.Context,
    file: Path | None,
    *,
    name: str | None,
    source: str,
    mock: dict[str, Any] | None,
    level: Literal["INFO", "DEBUG", "TRACE"],
    context: dict[str, Any] | None,
    variables: dict[str, Any] | None,
    configuration: dict[str, Any] | None,
    reveal_secrets: bool,
    machine: str | None,
    logs: bool,
    handlers: dict[str, str],
    substitutions: dict[str, str],
) -> None:
    """Run one state on this computer, and respond like AWS's TestState.

    FILE is a flow in Python, a definition in JSON or YAML, or a single state; without it, the flow of pyproject.toml is
    taken. Prints the response to stdout as JSON: status, output, error, cause, nextState and inspectionData, which
    contain data as JSON text, like the API. Without --mock a Task calls the flow's own function, or the endpoint in
    AWS_ENDPOINT_URL. What a handler writes is printed if it fails, or always with --logs.

    \b
        flowdsl test-state payment_flow.py --state Setup --input examples/donation.json
        flowdsl test-state order.asl.json --state Notify --mock '{"result": {"MessageId": "1"}}'
        flowdsl test-state order.asl.json --state Notify --mock '{"errorOutput": {"error": "Busy"}}'

    Exit codes: 0 succeeded, caught or to be retried, 1 the state failed, 2 a mistake in the flow or the command.
    """
    from .. import project, teststate
    from ..asl.placeholders import fill_placeholders
    from ..asl.tree import Tree
    from ..calls.replies import refuse_call
    from ..run import local
    from ..run.output import capture_output

    loaded = choose(project.load_flows(file, substitutions), machine)
    names = [*Tree(loaded.definition).names]
    if name is None and "States" in loaded.definition:
        raise click.UsageError(
            one_line(f"choose one with --state: {', '.join(names)}") if names else "the state machine has no states"
        )
    own = project.find(loaded.file.parent)
    settings = local.local_settings(own)
    functions = local.project_handlers([loaded], own, handlers, region=settings.region)
    value = json_argument(source, "--input")
    invoke = local.chain(functions, own, otherwise=lambda call: refuse_call(call, hint="add --mock '{\"result\": …}'"))

    def show_output(_call: Call, reply: Reply, text: str) -> None:
        if logs or reply.kind == "failed":
            click.echo(text, err=True, nl=False)

    try:
        with output.reserve_stdout(), capture_output(invoke, show_output) as captured:
            answer = teststate.test_state(
                fill_placeholders(loaded.definition, region=settings.region, account=settings.account),
                input=json.dumps(value),
                inspection_level=level,
                context=context,
                variables=variables,
                mock=mock,
                state_name=name,
                state_configuration=configuration,
                reveal_secrets=reveal_secrets,
                invoke=captured,
                settings=settings,
            )
    except teststate.TestStateError as error:
        near = None
        if name is not None and name not in names:
            near = did_you_mean(name, names) or one_line(f"the states are {', '.join(names)}")
        raise FlowError.of(one_line(str(error)), code="FD940", hint=near or _mock_hint(str(error), mock)) from error
    click.echo(output.json_text(answer))
    ctx.exit(1 if answer["status"] == "FAILED" else 0)
