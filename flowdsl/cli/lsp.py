"""`flowdsl lsp`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import click

from ..base.diagnostics import FlowError


@click.command()
@click.option("--stdio", is_flag=True, help="Talk on stdin and stdout, which it always does; some editors add this.")
def lsp(stdio: bool) -> None:  # noqa: ARG001 - accepted, not needed
    """Serve an editor by the Language Server Protocol, on stdin and stdout.

    For flows in Python and *.asl.json and *.asl.yaml files: diagnostics while typing, a state's ASL and types, go to
    definition, completion of .out. The editor starts this command; docs/editors.md says how to set it up.
    """
    from importlib.metadata import version

    try:
        from ..server.lsp import make_server
    except ImportError:
        raise FlowError.of(
            "flowdsl lsp needs the package pygls", code="FD711", hint="pip install 'flowdsl[lsp]'"
        ) from None
    with redirect_stdout(sys.__stdout__):  # the editor reads it, which needs the bytes as they are
        make_server(version("flowdsl")).start_io()
