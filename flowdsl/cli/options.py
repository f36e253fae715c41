"""Options that several commands have."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..base.interrupts import pass_on_interrupt


def pairs(values: tuple[str, ...], form: str) -> dict[str, str]:
    """The texts before and after the `=` of each value; `form` is the expected form. Raises BadParameter."""
    texts: dict[str, str] = {}
    for value in values:
        name, _, text = value.partition("=")
        if not (name and text):
            raise click.BadParameter(f"{value!r}: write {form}")
        if name in texts:
            raise click.BadParameter(f"{name} is given twice")
        texts[name] = text
    return texts


def complete_states(_ctx: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """The names of the flow's Tasks for a shell, with the `=` that follows them in all options but --state.

    click has no value of FILE where the option at the end still lacks its own, so the line itself is read.
    """
    try:
        from .. import project
        from ..asl.tree import Tree

        words = [Path(word) for word in os.environ.get("COMP_WORDS", "").split()]
        named = [word for word in words if word.suffix in (".py", ".json", ".yaml", ".yml")]
        machines = project.load_flows(named[0] if named else None)
        states = [node for loaded in machines for node in Tree(loaded.definition)]
    except Exception as error:  # noqa: BLE001 - a broken flow has no names, and a shell shows no errors
        pass_on_interrupt(error)
        return []
    is_name = "--state" in option.opts
    names = [node.name if is_name else f"{node.name}=" for node in states if is_name or node.type == "Task"]
    return [name for name in names if name.startswith(incomplete)]


def _substitutions(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Each value is `NAME=VALUE`."""
    return pairs(values, "NAME=VALUE, such as OrdersTable=orders")


substitution_option = click.option(
    "--substitution",
    "substitutions",
    metavar="NAME=VALUE",
    callback=_substitutions,
    multiple=True,
    help="The value of ${NAME} in definitions and templates, as DefinitionSubstitutions gives it. Can be repeated.",
)
