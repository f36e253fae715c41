"""`flowdsl build`."""

from __future__ import annotations

from pathlib import Path

import click

from ..base.diagnostics import FlowError
from ..base.source import display_path
from . import output
from .options import substitution_option


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--asl-only", is_flag=True, help="Write only the definitions; keep the functions' zips.")
@click.option("--verify", is_flag=True, help="Run each zip as Lambda does, with its test events.")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many functions' requirements are installed at a time, at most one for each processor.",
)
@click.option("--strict", is_flag=True, help="Build nothing if there are warnings.")
@click.option(
    "--template",
    is_flag=True,
    help="Write a CloudFormation template of what `flowdsl deploy` makes, and definitions for SAM, CDK and Terraform.",
)
@click.option("--env", metavar="NAME", help="The environment of the template, as for `flowdsl deploy`.")
@click.option("--instance", metavar="NAME", default="", help="The instance of the template, such as pr-7.")
@click.option(
    "--output",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder to write to; by default the one of pyproject.toml, or build/.",
)
@click.option(
    "--no-cache",
    is_flag=True,
    envvar="FLOWDSL_NO_CACHE",
    help="Check in full, even if a check of exactly the same has found nothing before.",
)
@substitution_option
def build(
    file: Path | None,
    *,
    asl_only: bool,
    verify: bool,
    jobs: int,
    strict: bool,
    template: bool,
    env: str | None,
    instance: str,
    folder: Path | None,
    no_cache: bool,
    substitutions: dict[str, str],
) -> None:
    """Write the definitions of flows and a zip for each of its Lambda functions.

    \b
        flowdsl build                               the flows of pyproject.toml
        flowdsl build payment_flow.py --asl-only    the definitions alone; needs no network
        flowdsl build --verify                      run each zip with handlers/<name>/test_event*.json
        flowdsl build --template --env test         build/template.json for CloudFormation

    Checks the flow first, and builds it only if there are no errors. What a check found nothing wrong with is noted in
    ~/.cache/flowdsl, and not checked again as long as nothing changes that the check depends on; `flowdsl check` always
    checks in full. A build that fails leaves the earlier one as it was. A build of unchanged files is byte for byte the
    same. Prints the names of the written files to stdout.
    """
    from .. import project
    from ..package import assembly, manifest

    if verify and asl_only:
        raise click.UsageError("--verify runs the zips, which --asl-only does not build: use one of them")
    if template and asl_only:
        raise click.UsageError("--template needs the zips, which --asl-only does not build: use one of them")
    if (env or instance) and not template:
        raise click.UsageError("--env and --instance are for --template: add it, or leave them out")
    machines = project.load_flows(file, substitutions)
    diagnostics = project.review(machines, packaging=not asl_only, remember=not no_cache)
    if output.has_errors(diagnostics) or (strict and diagnostics):
        raise FlowError(*diagnostics)
    if diagnostics:
        click.echo(output.as_text(diagnostics), err=True)
    settings = project.find(machines[0].file.parent)
    target = Path(folder).absolute() if folder else settings.output
    functions = None if asl_only else project.functions(machines)

    def tell(name: str, what: str) -> None:
        click.echo(f"{name}: {what}" if name else what, err=True)

    def examine(built: manifest.Manifest, zips: Path) -> None:
        from ..package.verify import verify as run_zips

        warnings = run_zips(functions or (), built, zips=zips, root=settings.root, on_progress=tell)
        if warnings:
            click.echo(output.as_text(warnings), err=True)

    def describe(_built: manifest.Manifest, zips: Path) -> dict[str, str]:
        from ..deploy.exports import files
        from ..deploy.wanted import stack_of
        from ..project.environments import choose_environment

        environment = choose_environment(settings.environments, env)
        stack = stack_of(environment, file or settings.flows[0], instance, project=settings.name)
        return files(stack, environment, machines, zips)

    if template:  # before anything is built
        from ..project.environments import choose_environment

        choose_environment(settings.environments, env)
    result = assembly.build(
        functions,
        project.definitions(machines),
        root=settings.root,
        output=target,
        hashed=settings.hashes,
        on_progress=tell,
        examine=examine if verify else assembly.accept,
        describe=describe if template else assembly.nothing_more,
        jobs=jobs,
    )
    zips = [] if asl_only else [each.file for each in result.functions.values()]
    for name in [*result.definitions, *zips, *result.others, manifest.FILE]:
        click.echo(display_path(target / name))
