"""`flowdsl new`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import click

from ..base.source import display_path
from . import output
from .options import substitution_option


@click.command()
@click.argument("name")
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to create; by default one with the project's name.",
)
@click.option("--asl", metavar="SOURCE", help="Start from a definition, as `flowdsl import` takes it.")
@click.option("--machine", metavar="NAME", help="The state machine of a template, if it has several.")
@substitution_option
def new(name: str, *, folder: Path | None, asl: str | None, machine: str | None, substitutions: dict[str, str]) -> None:
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

    With --asl the flow is an existing definition (a file in JSON or YAML, a template, an ARN, or -), written in Python:

    \b
        flowdsl new order-flow --asl order.asl.json
    """
    from .. import scaffold

    scaffold.check_name(name)
    target = (folder or Path(name)).absolute()
    scaffold.check_folder(target)
    if asl is None:
        for option, value in (("--machine", machine), ("--substitution", substitutions)):
            if value:
                raise click.UsageError(f"{option} is for --asl: add it, or leave {option} out")
        contents: Mapping[str, str | bytes] = scaffold.project_files(name)
        command = scaffold.RUN
        scaffold.create(target, contents)
    else:
        from ..scaffold.existing import existing_files

        existing = existing_files(name, asl, machine=machine, substitutions=substitutions)
        contents = scaffold.files_around(existing, name)
        command = existing.command
        scaffold.create(target, contents)
        for problems in (existing.warnings, existing.mistakes):
            if problems:
                click.echo(output.as_text(problems), err=True)
        if existing.mistakes:
            click.echo("the definition has these mistakes, and so has the flow", err=True)
    for each in sorted(contents):
        click.echo(display_path(target / each))
    steps = (f"cd {quote(display_path(target))}", "flowdsl check", command, "python -m pytest")
    click.echo("".join(["\ncreated; go on with:", *(f"\n  {step}" for step in steps)]), err=True)
    address = scaffold.own_address()
    if address:
        click.echo(
            f"\nThis flowdsl was installed from {address}. If your package index has none, `make setup` needs that "
            "address in the project's pyproject.toml: flowdsl[build,jsonata,test] @ ADDRESS",
            err=True,
        )
