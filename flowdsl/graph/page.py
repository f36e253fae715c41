"""One page of HTML: the picture with an outline, a search, and what is known of each state. It needs no network.

Everything from the definition reaches the page as escaped SVG, or as JSON that the script puts into the page as text.
A content security policy allows the page's own script and style by their digests, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..asl.text import canonical_text
from ..asl.tree import Node, Tree
from ..base.diagnostics import AslPath
from . import theme, timeline, wording
from .fonts import clean
from .layout import Direction, lay_out
from .picture import Mark, Picture, key
from .subject import Subject
from .svg import svg
from .symbols import SYMBOLS

_HERE = Path(__file__).parent
_INNER = ("ItemProcessor", "Iterator", "Branches")


def page(subject: Subject, tree: Tree, *, direction: Direction = "down", fold_catches: bool = False) -> str:
    """Return the page. With `fold_catches` it opens with the catches folded away."""
    whole = lay_out(tree, direction=direction, words=subject.words, like=subject.like)
    has_catches = any(link.edge.kind == "catch" for link in whole.links)
    pictures = [("whole", whole)]
    if has_catches:
        folded = lay_out(tree, fold_catches=True, direction=direction, words=subject.words)
        pictures.append(("folded", folded))
    drawings = "".join(
        f'<div class="drawing" data-drawing="{name}" hidden>{_drawing(picture, subject)}</div>'
        for name, picture in pictures
    )
    data = {
        "name": clean(subject.name),
        "comment": clean(subject.explanation),
        "folded": fold_catches and has_catches,
        "states": [_state(node, subject.details) for node in tree],
        "marks": _marks(subject.marks),
        "views": {clean(name): _marks(marks) for name, marks in subject.views.items()},
        "symbols": SYMBOLS,
    }
    bars = ""
    if subject.timeline:
        drawn, width, height = timeline.draw(subject.timeline)
        size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        bars = f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" {size}>{drawn}</svg>'
    style = theme.page_style() + (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    values = {
        "POLICY": f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}",
        "TITLE": escape(clean(subject.name)),
        "STYLE": style,
        "DRAWINGS": drawings,
        "TIMELINE": bars,
        "DATA": _json(data),
        "SCRIPT": script,
    }
    text = (_HERE / "page.html").read_text(encoding="utf-8")
    pieces = text.split("@@")  # names are at the odd places, so no value is looked at for names
    return "".join(values[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _drawing(picture: Picture, subject: Subject) -> str:
    return svg(picture, marks=subject.marks, styled=False, outlined=False)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON inside a script element: `<` must not end it. Source: HTML Standard, "Restrictions for contents of script
    elements"."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return text.encode("utf-8", "backslashreplace").decode()


def _state(node: Node, details: Mapping[AslPath, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "key": key(node.path),
        "name": clean(node.name),
        "type": node.type,
        "summary": wording.summary(node),
        "depth": len(node.ancestors),
        "asl": clean_lines(canonical_text(_without_inner_states(node))),
        "edges": [*_edges(node)],
        "details": {heading: clean_lines(str(text)) for heading, text in details.get(node.path, {}).items()},
    }


def clean_lines(text: str) -> str:
    """A text of several lines, each cleaned."""
    return "\n".join(clean(line) for line in text.rstrip("\n").split("\n"))


def _without_inner_states(node: Node) -> dict[str, Any]:
    """The fields of a state; the states inside a Parallel or Map, which are states of the page themselves, by name."""
    if not node.machines:
        return node.fields
    short = {machine.path: {**machine.fields, "States": [*machine.states]} for machine in node.machines}
    fields = dict(node.fields)
    for name in _INNER:
        value = fields.get(name)
        if isinstance(value, list):
            fields[name] = [short.get((*node.path, name, index), each) for index, each in enumerate(value)]
        elif (*node.path, name) in short:
            fields[name] = short[*node.path, name]
    return fields


def _edges(node: Node) -> Iterator[dict[str, Any]]:
    for edge in node.edges:
        target = None if edge.target is None or edge.kind == "retry" else key(edge.target.path)
        yield {"kind": edge.kind, "key": key(edge.path), "text": wording.explain(edge), "to": target}


def _marks(marks: Mapping[AslPath, Mark]) -> dict[str, list[str]]:
    return {key(path): [mark.tone, clean(mark.badge), clean(mark.note)] for path, mark in marks.items()}
