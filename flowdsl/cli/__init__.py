"""The command line: parse, call, render, exit code; one module a command."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import click

from .group import CommandGroup
from .output import EXIT_MISTAKE, OWN_PROCESS
from .terminal import OutputError, drop_stdout, escape_from_now_on, open_streams

__all__ = ["app", "main"]


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(package_name="flowdsl", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Write, check, build and run AWS Step Functions workflows in Python.

    A flow is a Python file with a StateMachine at its top level:

    \b
        from flowdsl import Function, StateMachine, Task, Wait, chain

    \b
        greet = Task("Greet", Function("greet", "handlers/greet"), into="greeting")
        machine = StateMachine("hello", chain(greet, Wait("Rest", seconds=3600)))

    From there:

    \b
        flowdsl check hello.py                     find mistakes, and what to write instead
        flowdsl run hello.py --input '{}'          run it here; a virtual clock skips waits
        flowdsl build hello.py                     build/hello.asl.json and a zip for each function
        flowdsl build hello.py --asl-only          only the definition

    Any Amazon States Language file works too, in JSON or YAML:

    \b
        flowdsl run order.asl.json --input order.json --events
        flowdsl test-state order.asl.json --state Charge --input order.json --inspection-level DEBUG

    And from a build to AWS:

    \b
        flowdsl plan --env test                    what would change, in order and why
        flowdsl deploy --env test                  make the changes; running executions end as they began
        flowdsl rollback --env test                move the alias back
        flowdsl prune --env test                   remove unused versions, functions and permissions

    Settings are in pyproject.toml:

    \b
        [tool.flowdsl]
        flow = "hello.py"      # used by check, run and build when no file is given
        output = "build"       # the folder that build writes

    \b
        [tool.flowdsl.environments.test]
        region = "eu-west-1"
        account = "123456789012"

    Exit codes: 0 done; 1 the execution failed, timed out or was aborted; 2 a mistake in the flow or the command;
    3 `flowdsl plan` found something to change.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    elif os.environ.get("FORCE_COLOR"):
        ctx.color = True


def main() -> None:
    """The entry point of the `flowdsl` script."""
    open_streams()
    try:
        escape_from_now_on()
        app(prog_name="flowdsl", obj=OWN_PROCESS)
    except OutputError as error:
        drop_stdout()
        with suppress(OSError):
            os.write(2, f"Error: {error}\n".encode())
        sys.exit(EXIT_MISTAKE)
