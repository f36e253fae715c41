"""Options that several commands have."""

from __future__ import annotations

import click


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
