"""A picture of a definition in one of the formats."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ..asl.tree import Tree
from ..base.diagnostics import FlowError
from .layout import Direction, lay_out
from .mermaid import mermaid
from .subject import Subject
from .svg import svg
from .theme import Theme
from .timeline import draw as draw_timeline

Format = Literal["svg", "html", "png", "mermaid"]
FORMATS: tuple[Format, ...] = ("svg", "html", "png", "mermaid")
_SUFFIXES: Mapping[str, Format] = {
    ".svg": "svg",
    ".html": "html",
    ".htm": "html",
    ".png": "png",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
}
CANNOT_WRITE = "FD971"


def draw(
    subject: Subject,
    form: Format,
    *,
    fold_catches: bool = False,
    direction: Direction = "down",
    theme: Theme = "auto",
    outline: bool | None = None,
) -> str | bytes:
    """Return the picture: text, or bytes for PNG. `theme` and `outline` are for SVG and PNG, where `auto` is light.

    Raises FlowError if the format needs a library that is missing.
    """
    tree = Tree(subject.definition)
    if form == "mermaid":
        return mermaid(
            tree, fold_catches=fold_catches, right=direction == "right", marks=subject.marks, words=subject.words
        )
    if form == "html":
        from .page import page

        return page(subject, tree, direction=direction, fold_catches=fold_catches)
    text = svg(
        lay_out(tree, fold_catches=fold_catches, direction=direction, words=subject.words, like=subject.like),
        title=subject.name,
        comment=subject.explanation,
        marks=subject.marks,
        below=[draw_timeline(subject.timeline)] if subject.timeline else (),
        colours=theme,
        outlined=outline,
    )
    if form == "svg":
        return text
    from .png import png

    return png(text)


def format_of(file: Path) -> Format:
    """The format that a file's name ends with. Raises FlowError if it is none."""
    form = _SUFFIXES.get(file.suffix.lower())
    if form is None:
        raise FlowError.of(
            f"cannot tell the format of {file.name}",
            code=CANNOT_WRITE,
            hint=f"end the name with {', '.join(_SUFFIXES)}",
        )
    return form
