"""`flowdsl lock`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from ..base.source import display_path
from . import output
from .options import complete_functions


@click.command()
@click.argument("names", nargs=-1, metavar="[FUNCTION]...", shell_complete=complete_functions)
@click.option("--upgrade", is_flag=True, help="Take the newest versions, instead of keeping locked ones that fit.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 if a requirements.txt is out of date.")
@click.pass_context
def lock(ctx: click.Context, *, names: tuple[str, ...], upgrade: bool, check: bool) -> None:
    """Lock the requirements of functions for Lambda's platform.

    Reads the requirements.in of each folder and writes its requirements.txt: every package that it needs, in one
    version, with hashes, for the Python and processor of the Function. FUNCTION is the name of a function of the flow,
    or a folder; without one, all folders with a requirements.in are locked. Prints the files that changed to stdout.

    \b
        flowdsl lock                         all functions
        flowdsl lock payment-psp-stripe      one
        flowdsl lock --upgrade               to the newest versions
    """
    from .. import project
    from ..package import locking, requirements

    settings = project.find(Path.cwd())
    functions = project.functions(project.load_flows()) if settings.flows else []
    places = locking.folders(settings.root, functions, names)
    requirements.uv_path()  # it reads sysconfig, which threads must not set up at the same time

    def lock_one(place: Path) -> locking.Locked:
        return locking.lock(place, settings.root, functions, upgrade=upgrade, write=not check)

    click.echo(f"locking {len(places)} folder{'s' * (len(places) > 1)} ...", err=True)
    changed: list[Path] = []
    with ThreadPoolExecutor() as pool:  # most of the time is spent waiting for the index
        for number, (place, locked) in enumerate(zip(places, pool.map(lock_one, places), strict=True), 1):
            click.echo(f"{display_path(place)}: {locked.what} ({number} of {len(places)})", err=True)
            if locked.is_changed:
                changed.append(place)
    for place in changed:
        click.echo(display_path(place / locking.LOCKED))
    ctx.exit(output.EXIT_MISTAKE if check and changed else 0)
