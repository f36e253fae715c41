"""The group of all commands: each is imported when it is run or described."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import click

from ..base.diagnostics import FlowError
from ..base.interrupts import is_interrupt, pass_on_interrupt
from .output import EXIT_INTERRUPTED, EXIT_PIPE_CLOSED, Mistake
from .terminal import escaping

COMMANDS = (
    "new",
    "import",
    "check",
    "explain",
    "run",
    "graph",
    "diff",
    "test-state",
    "build",
    "lock",
    "plan",
    "deploy",
    "rollback",
    "prune",
    "destroy",
    "executions",
    "lsp",
    "mcp",
    "completion",
)
"""In the order of the help text. The module of a command has its name, and so has the command in it."""
_WHOLE = 1000
"""Characters of a help text: more than any first sentence has."""
_MODULES = {"import": ("importing", "import_")}
"""The modules and names of commands whose own name Python does not take."""


class WholeHelp(click.Group):
    """Prints what each command does in whole, on as many lines as it takes; click would cut it off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(limit=_WHOLE)) for name, each in commands if each and not each.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


class CommandGroup(WholeHelp):
    """Imports a command when it is needed; converts the user's mistakes to exit code 2, and ends quietly on Ctrl-C or a
    closed pipe."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        usual = (cmd_name.replace("-", ""), cmd_name.replace("-", "_"))
        module, name = _MODULES.get(cmd_name, usual)
        command = getattr(import_module(f"{__package__}.{module}"), name)
        assert isinstance(command, click.Command)  # noqa: S101 - each module has its command
        return command

    def main(self, *arguments: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and exit; without `standalone_mode` return, and raise errors, as click does it."""
        run: Callable[..., Any] = partial(super().main, *arguments, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            try:
                code = run()
            except click.ClickException as error:
                pass_on_interrupt(error)
                error.show()
                code = error.exit_code
            sys.exit(code)
        except BaseException as error:
            if not is_interrupt(error):
                raise
            sys.exit(EXIT_INTERRUPTED)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with escaping():
                return super().invoke(ctx)
        except FlowError as error:
            raise Mistake(error, color=ctx.color) from error
        except BrokenPipeError:
            # Nothing reads the rest of the buffer; Python would report that when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(EXIT_PIPE_CLOSED)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            message = f"{str(error.filename)[:60]}… is too long for the name of a file"
            raise Mistake(FlowError.of(message, code="FD702"), color=ctx.color) from error
