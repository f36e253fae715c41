"""`flowdsl check`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from ..base.diagnostics import Diagnostic, FlowError
from ..base.words import one_line
from . import output
from .options import substitution_option


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice([*output.FORMATS]),
    default="text",
    show_default=True,
    help="text for people, json for programs, github for annotations on a pull request, sarif for code scanning, "
    "aws for the response of ValidateStateMachineDefinition.",
)
@click.option(
    "--type",
    "type_",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="The type of the state machines, instead of the file's.",
)
@substitution_option
@click.option("--strict", is_flag=True, help="Exit with 2 for warnings, too.")
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[Path, ...],
    form: str,
    type_: Literal["STANDARD", "EXPRESS"] | None,
    strict: bool,
    substitutions: dict[str, str],
) -> None:
    """Check flows in Python, definitions in JSON or YAML, and the state machines of templates.

    Prints all mistakes of all files to stdout, each with its place and what to write instead: those of definitions, and
    of functions that cannot be packaged. FILE may be a folder, whose flows are checked, or - for a definition on stdin.
    Without FILE it checks the flows of pyproject.toml.

    \b
        flowdsl check payment_flow.py
        flowdsl check . --strict
        flowdsl check flows/*.asl.json --format github
        flowdsl check template.yaml --substitution OrdersTable=orders
        aws stepfunctions describe-state-machine … --query definition --output text | flowdsl check -

    Exit codes: 0 no errors (there may be warnings), 2 errors, or warnings with --strict.
    """
    from .. import project

    diagnostics: list[Diagnostic] = []
    names: list[str] = []
    todo = [*files]
    if not todo:
        # Together: their names must differ, and what they share must be declared alike.
        todo = [*project.default_flows()]
        try:
            machines = project.load_flows(substitutions=substitutions)
        except FlowError:
            pass  # by file, below, for all mistakes of all
        else:
            todo, names = [], [loaded.name for loaded in machines]
            diagnostics.extend(project.review(machines, type=type_, environments=True))
    while todo:
        file = todo.pop(0)
        try:
            if file.is_dir():
                todo[:0] = project.flow_files(file)
                continue
            machines = project.load(file, substitutions)
            names.extend(loaded.name for loaded in machines)
            diagnostics.extend(project.review(machines, type=type_, environments=True))
        except FlowError as error:
            diagnostics.extend(error.diagnostics)
    # Several flows may import the same mistake.
    diagnostics = [
        *{(id(each) if each.path else 0, each.code, each.message, each.span): each for each in diagnostics}.values()
    ]
    if form == "aws" and len(names) > 1:
        raise click.UsageError(f"--format aws takes one state machine, not {', '.join(names)}")
    if diagnostics or form in ("json", "sarif", "aws"):
        click.echo(output.FORMATS[form](diagnostics))
    if form == "text":
        click.echo(_summary(names, diagnostics), err=True)
    failed = diagnostics if strict else output.has_errors(diagnostics)
    ctx.exit(output.EXIT_MISTAKE if failed else 0)


def _summary(names: list[str], diagnostics: list[Diagnostic]) -> str:
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    counts = {"error": errors, "warning": len(diagnostics) - errors}
    parts = [f"{count} {what}{'s' * (count > 1)}" for what, count in counts.items() if count]
    return " and ".join(parts) or one_line(f"{', '.join(names)}: no mistakes found")
