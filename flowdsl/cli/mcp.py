"""`flowdsl mcp`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

import click


@click.command()
@click.option(
    "--folder",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The project's folder; by default the current one.",
)
def mcp(folder: Path) -> None:
    """Serve tools to a coding agent by the Model Context Protocol, on stdin and stdout.

    The tools are check, explain, run (with mocks), test_state and coverage. The agent's program starts this command;
    docs/agents.md says how to set it up.
    """
    from ..server.mcp import make_server

    with redirect_stdout(sys.__stdout__):  # a program reads it, which needs the bytes as they are
        make_server(folder.absolute()).run("stdio")
