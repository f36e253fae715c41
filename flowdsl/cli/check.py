"""`flowdsl check`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ..base.diagnostics import Diagnostic, FlowError
from . import output


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice([*output.FORMATS]),
    default="text",
    show_default=True,
    help="How to say what was found: text for people, json for programs, github for annotations on a pull request, "
    "aws as ValidateStateMachineDefinition answers.",
)
@click.option(
    "--type",
    "type_",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="The type of the state machines, where it is not the one that the file says.",
)
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], form: str, type_: Literal["STANDARD", "EXPRESS"] | None) -> None:
    """Check flows in Python, JSON or YAML.

    What is found goes to stdout, with the place in the file and what to write instead; all mistakes of all files come
    in one run: those of the definitions, and functions that could not be packaged. Without FILE the flow of
    pyproject.toml is checked.

    \b
        flowdsl check payment_flow.py
        flowdsl check flows/*.asl.json --format github

    Exit codes: 0 no errors (there may be warnings), 2 errors.
    """
    from .. import project

    found: list[Diagnostic] = []
    names: list[str] = []
    for file in files or (project.default_flow(),):
        try:
            machines = project.load(file)
            names.extend(loaded.name for loaded in machines)
            found.extend(project.review(machines, type=type_))
        except FlowError as error:
            found.extend(error.diagnostics)
    if form == "aws" and len(names) > 1:
        raise click.UsageError(f"--format aws is about one state machine, not {', '.join(names)}")
    if found or form in ("json", "aws"):
        click.echo(output.FORMATS[form](found))
    if form == "text":
        click.echo(_summary(names, found), err=True)
    ctx.exit(output.EXIT_MISTAKE if output.has_errors(found) else 0)


def _summary(names: list[str], found: list[Diagnostic]) -> str:
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    counts = {"error": errors, "warning": len(found) - errors}
    said = [f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items() if count]
    return " and ".join(said) or f"{', '.join(names)}: no mistakes found"
