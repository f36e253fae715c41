"""`flowdsl new`."""

from __future__ import annotations

from pathlib import Path

import click

from ..base.source import display_path


@click.command()
@click.argument("name")
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to create; by default one with the project's name.",
)
def new(name: str, *, folder: Path | None) -> None:
    """Create a project: a flow with two functions, their tests, a snapshot and a pipeline.

    NAME is the name of the project and of its state machine. What is created works at once, and prints its files to
    stdout:

    \b
        flowdsl new order-flow
        cd order-flow
        flowdsl check
        flowdsl run --input '{"id": "1", "item": "Life jacket", "quantity": 50}'
        pytest
        flowdsl build
    """
    from .. import scaffold

    scaffold.check_name(name)
    target = (folder or Path(name)).absolute()
    contents = scaffold.project_files(name)
    scaffold.create(target, contents)
    for each in sorted(contents):
        click.echo(display_path(target / each))
    click.echo(f"\ncreated; go on with:\n  cd {display_path(target)}\n  flowdsl check\n  flowdsl run --help", err=True)
