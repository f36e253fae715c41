"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..base.interrupts import pass_on_interrupt

if TYPE_CHECKING:
    from ..project import Loaded


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


def _completing(find: Callable[[click.Parameter], Iterable[str]], *, files: bool = False) -> Callable[..., list[Any]]:
    """Let a shell complete the names that are found; with `files`, those of files if none of them fits."""

    def complete(_ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem  # only a shell needs it

        try:
            names = [name for name in find(parameter) if name.startswith(incomplete)]
        except Exception as error:  # noqa: BLE001 - a broken flow has no names, and a shell shows no errors
            pass_on_interrupt(error)
            names = []
        return [*names] if names or not files else [CompletionItem(incomplete, type="file")]

    return complete


def _flows() -> list[Loaded]:
    """The flows of the line that a shell completes.

    click has no value of FILE where the option at the end still lacks its own, so the line itself is read.
    """
    from .. import project

    words = [Path(word) for word in os.environ.get("COMP_WORDS", "").split()]
    named = [word for word in words if word.suffix in (".py", ".json", ".yaml", ".yml")]
    return project.load_flows(named[0] if named else None)


def _states(option: click.Parameter) -> Iterable[str]:
    """The names of the flow's Tasks, with the `=` that follows them in all options but --state."""
    from ..asl.tree import Tree

    states = [node for loaded in _flows() for node in Tree(loaded.definition)]
    is_name = "--state" in option.opts
    return [node.name if is_name else f"{node.name}=" for node in states if is_name or node.type == "Task"]


def _functions(_parameter: click.Parameter) -> Iterable[str]:
    from .. import project

    return [each.name for each in project.functions(_flows()) if each.source]


def _codes(_parameter: click.Parameter) -> Iterable[str]:
    from ..server.explain import codes

    return codes()


complete_states = _completing(_states)
complete_functions = _completing(_functions, files=True)
complete_codes = _completing(_codes, files=True)


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
