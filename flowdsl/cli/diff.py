"""`flowdsl diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.words import one_line
from . import output
from .options import substitution_option

if TYPE_CHECKING:
    from ..diff.model import Comparison
    from ..diff.text import Line

_COLOURS = {"added": "green", "removed": "red", "changed": "yellow", "risk": "magenta"}


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", required=False)
@click.option("--machine", metavar="NAME", help="Compare this state machine only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="markdown is for a pull request, with a picture that GitHub draws.",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw both in one picture: added green, removed red, changed amber. The name ends with .svg, .html, .png or "
    ".mmd.",
)
@substitution_option
@click.option("--describe", is_flag=True, hidden=True)
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str | None,
    *,
    machine: str | None,
    form: str,
    picture: Path | None,
    substitutions: dict[str, str],
    describe: bool,
) -> None:
    """Say what changed in meaning between two flows or definitions.

    \b
        flowdsl diff main                               the flow of pyproject.toml: at main, and as it is here
        flowdsl diff main HEAD
        flowdsl diff main:flows/old.py flows/new.py     a file that had another name
        flowdsl diff order.asl.json template.yaml
        flowdsl diff ../deployed/build build            with the functions' code, by digest
        flowdsl diff main --machine payment --picture changes.html

    OLD and NEW are files as other commands read them, folders of flowdsl build, or git revisions. Without NEW, the file
    in the work tree is compared. A flow at a revision is compiled with all files of that revision.

    Lines with + - ~ are changes, lines with = change nothing in meaning, lines with ! say what a change may touch:
    executions in flight, at-most-once, stored data.

    Exit codes: 0 same in meaning, 1 different, 2 a mistake in a file or the command.
    """
    from ..deploy.comparable import rights_of
    from ..diff.compare import compare_all
    from ..diff.sources import read_both

    if describe:
        _describe(Path(old), substitutions)
        return
    if picture is not None:
        from ..graph.output import format_of

        format_of(picture)
    both = read_both(old, new, substitutions, rights_of)
    comparisons = _chosen(compare_all(both.old, both.new), machine)
    if picture is not None:
        _draw(comparisons, picture)
    if form == "json":
        click.echo(output.json_text({"old": both.labels[0], "new": both.labels[1], "machines": _as_json(comparisons)}))
    elif form == "markdown":
        from ..diff.markdown import code, markdown

        title = f"{code(both.labels[0])} → {code(both.labels[1])}"
        click.echo(markdown(comparisons, title=title), nl=False)
    else:
        from ..diff.text import lines

        click.echo(click.style(one_line(f"{both.labels[0]} → {both.labels[1]}"), dim=True))
        for line in lines(comparisons):
            click.echo(_styled(line))
    if any(comparison.changes for comparison in comparisons):
        ctx.exit(1)


def _chosen(comparisons: list[Comparison], machine: str | None) -> list[Comparison]:
    if machine is None:
        return comparisons
    chosen = [each for each in comparisons if each.name == machine]
    if not chosen:
        names = ", ".join(each.name for each in comparisons)
        raise click.UsageError(f"no state machine {machine!r} on either side; there are: {names}")
    return chosen


def _as_json(comparisons: list[Comparison]) -> list[object]:
    return [comparison.as_json() for comparison in comparisons]


def _styled(line: Line) -> str:
    text = one_line(line.text)
    if line.tone == "title":
        return click.style(text, bold=True)
    if line.tone == "quiet":
        return click.style(text, dim=True)
    return click.style(text, fg=_COLOURS[line.tone]) if line.tone in _COLOURS else text


def _draw(comparisons: list[Comparison], file: Path) -> None:
    from ..diff.picture import picture
    from ..graph.output import format_of
    from .picture import write_picture

    if len(comparisons) != 1:
        names = ", ".join(each.name for each in comparisons)
        raise click.UsageError(f"--picture draws one state machine: choose with --machine: {names}")
    write_picture(picture(comparisons[0], keeps_places=format_of(file) != "mermaid"), file)


def _describe(file: Path, substitutions: dict[str, str]) -> None:
    """The sides of a file as JSON, or its problems: for the process that compares it."""
    import json

    from .. import project
    from ..base.diagnostics import FlowError
    from ..deploy.comparable import rights_of
    from ..diff.sides import as_text, side_of

    try:
        sides = [side_of(loaded, rights_of) for loaded in project.load(file, substitutions)]
    except FlowError as error:
        click.echo(json.dumps({"problems": [each.json() for each in error.diagnostics]}))
    else:
        click.echo(f'{{"sides": {as_text(sides)}}}')
