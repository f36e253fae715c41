"""`flowdsl import`."""

from __future__ import annotations

from pathlib import Path

import click

from . import output
from .options import substitution_option


@click.command("import")
@click.argument("source")
@click.option("-o", "--output", "target", metavar="FILE", help="The Python file to write, instead of stdout.")
@click.option("--name", help="The name of the state machine, instead of the file's.")
@click.option(
    "--type",
    "type_",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="The type of the state machine, instead of the source's.",
)
@click.option("--machine", metavar="NAME", help="The state machine of a template, if it has several.")
@substitution_option
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def import_(
    source: str,
    target: str | None,
    name: str | None,
    type_: str | None,
    *,
    machine: str | None,
    substitutions: dict[str, str],
    force: bool,
) -> None:
    """Write a flow in Python from an existing definition.

    SOURCE is a definition in JSON or YAML, a template (CloudFormation, SAM, what CDK synthesises, serverless.yml), the
    ARN of a deployed state machine, or - for standard input. The flow compiles to the same definition: it is compiled
    and compared before it is written.

    \b
        flowdsl import order.asl.json                  to stdout
        flowdsl import order.asl.json -o order.py      to a file
        flowdsl import template.yaml --machine Order   one of a template, with the functions that it calls

    Exit codes: 0 done, 2 a mistake in the definition or the command.
    """
    from ..importer.command import import_source

    file = None if target in (None, "-") else Path(str(target))
    module = import_source(
        source, name=name, type=type_, machine=machine, substitutions=substitutions, target=file, force=force
    )
    if module.warnings:
        click.echo(output.as_text(module.warnings), err=True)
    if file is None:
        click.echo(module.text, nl=False)
    else:
        click.echo(module.summary(file), err=True)
    if module.mistakes:
        click.echo(output.as_text(module.mistakes), err=True)
        click.echo("the definition has these mistakes, and so has the flow", err=True)
