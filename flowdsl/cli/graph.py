"""`flowdsl graph`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import output
from .options import substitution_option

if TYPE_CHECKING:
    from ..graph.layout import Direction
    from ..graph.output import Format
    from ..graph.theme import Theme


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--machine", metavar="NAME", help="The state machine to draw, if the file has several.")
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write the picture to this file, in the format that its name ends with; by default, and for -, to stdout.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "html", "png", "mermaid"]),
    help="svg (default), one self-contained page of html, png or mermaid.",
)
@click.option(
    "--fold-catches",
    is_flag=True,
    help="Draw catchers as badges instead of lines, and leave out states to which only catchers lead.",
)
@click.option(
    "--direction", type=click.Choice(["down", "right"]), default="down", show_default=True, help="Where the flow goes."
)
@click.option(
    "--theme",
    type=click.Choice(["auto", "light", "dark"]),
    default="auto",
    show_default=True,
    help="The colours of svg and png: auto follows the reader's system in svg, and is light in png.",
)
@click.option(
    "--outline/--no-outline",
    default=None,
    help="List the states beside the picture, for svg and png; by default if they are 60 or more.",
)
@substitution_option
@click.option(
    "--history",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw an execution: the JSON that GetExecutionHistory returned.",
)
@click.option(
    "--like",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the states where they are in this picture, an .svg or .html file, as far as possible.",
)
@click.pass_context
def graph(
    ctx: click.Context,
    file: Path | None,
    *,
    machine: str | None,
    target: Path | None,
    form: Format | None,
    fold_catches: bool,
    direction: Direction,
    theme: Theme,
    outline: bool | None,
    substitutions: dict[str, str],
    history: Path | None,
    like: Path | None,
) -> None:
    """Draw a flow in Python, or a definition in JSON or YAML.

    \b
        flowdsl graph payment_flow.py > payment.svg
        flowdsl graph payment_flow.py -o payment.html
        flowdsl graph order.asl.json --format mermaid
        flowdsl graph order.asl.json --history history.json -o order.html

    Without FILE it draws the flow of pyproject.toml. The page of HTML works without a network: zoom, search, and click
    a state for its ASL, its document and its line in Python. Definitions with mistakes are drawn as far as they can be
    read.

    Exit codes: 0 drawn, 1 drawn, but a transition leads to a state that does not exist, 2 a mistake in the file or the
    command.
    """
    from attrs import evolve

    from .. import project
    from ..graph.earlier import read_positions
    from ..graph.output import CANNOT_WRITE, draw, format_of
    from .picture import describe, missing_states, picture_history
    from .run import choose
    from .terminal import write_bytes

    target = None if target == Path("-") else target
    form = form or (format_of(target) if target else "svg")
    if theme != "auto" and form not in ("svg", "png"):
        raise click.UsageError("--theme is for svg and png; a page of html has a button for it")
    if outline is not None and form not in ("svg", "png"):
        raise click.UsageError("--outline is for svg and png; a page of html has one")
    loaded = choose(project.load_flows(file, substitutions), machine)
    if form == "png" and target is None and sys.stdout.isatty():
        raise click.UsageError("a PNG file cannot be shown in a terminal: write it to a file with -o")
    subject = picture_history(loaded, history) if history else describe(loaded, details=form == "html")
    if like is not None:
        subject = evolve(subject, like=read_positions(like))
    content = draw(subject, form, fold_catches=fold_catches, direction=direction, theme=theme, outline=outline)
    if target is not None:
        from ..base.files import write_file
        from ..base.source import display_path

        write_file(target, content, code=CANNOT_WRITE)
        click.echo(display_path(target.absolute()))
    elif isinstance(content, bytes):
        write_bytes(content)
    else:
        click.echo(content, nl=False)
    problems = missing_states(loaded)
    if problems:
        click.echo(output.as_text(problems), err=True)
        ctx.exit(1)
