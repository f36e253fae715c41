"""A definition as a Mermaid flowchart, which GitHub and many editors draw. Needs no library.

Source: Mermaid documentation, "Flowcharts - Basic Syntax" (shapes, subgraphs, entity codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..asl.tree import Edge, Machine, Node, Tree
from ..base.diagnostics import AslPath
from . import theme, wording
from .fonts import clean
from .layout import branch_title, visible
from .picture import Mark

_SHAPES = {"Choice": ('{{"', '"}}'), "Succeed": ('(["', '"])'), "Fail": ('(["', '"])'), "Wait": ('("', '")')}
_MOST = 120
"""Characters of a label."""
_SPECIAL = re.compile(r"[^\w .,:;=!?()/+*'$%@^~|·→×…↻-]")


def mermaid(
    tree: Tree,
    *,
    fold_catches: bool = False,
    right: bool = False,
    marks: Mapping[AslPath, Mark] | None = None,
    words: Mapping[AslPath, str] | None = None,
) -> str:
    """Return the flowchart; states are `s1`, `s2`, … in the order of the definition. `words` are labels of rules."""
    writer = _Writer(tree, fold_catches, marks or {}, words or {})
    return "".join(f"{line}\n" for line in writer.lines("LR" if right else "TD"))


class _Writer:
    def __init__(self, tree: Tree, folds: bool, marks: Mapping[AslPath, Mark], words: Mapping[AslPath, str]) -> None:
        self.tree = tree
        self.folds = folds
        self.marks = marks
        self.words = words
        self.ids = {node: f"s{number}" for number, node in enumerate(tree, 1)}
        self.machines = {machine: number for number, machine in enumerate(tree.machines)}
        self.missing: dict[tuple[AslPath, str], str] = {}

    def lines(self, direction: str) -> Iterator[str]:
        yield f"flowchart {direction}"
        edges: list[str] = []
        todo: list[tuple[Machine, str] | str] = [(self.tree.root, "  ")]
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                yield item
                continue
            machine, indent = item
            nested: list[tuple[Machine, str] | str] = []
            for node in visible(machine) if self.folds else machine.states.values():
                if node.machines:
                    nested += self._container(node, indent)
                else:
                    yield indent + self._state(node)
                edges += self._edges(node)
            start = next((edge for edge in machine.edges if edge.kind == "start"), None)
            if start is not None:
                number = self.machines[machine]
                yield f'{indent}b{number}(("{" " if number else "Start"}"))'
                edges.append(f"b{number} --> {self._target(start, machine)}")
            todo.extend(reversed(nested))
        for (_, name), id_ in self.missing.items():
            yield f'  {id_}["{_text(name)}<br/>does not exist"]:::missing'
        yield from (f"  {edge}" for edge in edges)
        yield from self._styles()

    def _container(self, node: Node, indent: str) -> Iterator[tuple[Machine, str] | str]:
        yield f'{indent}subgraph {self.ids[node]}["{self._label(node)}"]'
        titled = node.type == "Parallel" and len(node.machines) > 1
        for number, machine in enumerate(node.machines):
            if titled:
                yield f'{indent}  subgraph m{self.machines[machine]}["{_text(branch_title(node, number))}"]'
                yield machine, indent + "    "
                yield f"{indent}  end"
            else:
                yield machine, indent + "  "
        yield f"{indent}end"

    def _state(self, node: Node) -> str:
        left, right = _SHAPES.get(node.type, ('["', '"]'))
        return f"{self.ids[node]}{left}{self._label(node)}{right}"

    def _label(self, node: Node) -> str:
        parts = [_text(node.name), _text(wording.summary(node))]
        retries = [edge for edge in node.edges if edge.kind == "retry"]
        if retries:
            parts.append("↻ " + ", ".join(_text(wording.attempts(edge.fields)) for edge in retries))
        mark = self.marks.get(node.path)
        parts.append(_text(mark.badge) if mark else "")
        return "<br/>".join(filter(None, parts))

    def _edges(self, node: Node) -> Iterator[str]:
        for edge in node.transitions:
            if self.folds and edge.kind == "catch":
                continue
            text = _text(wording.label(edge, self.words))
            arrow = ("-.->", "-. ", " .->") if edge.kind == "catch" else ("-->", "-- ", " -->")
            way = f'{arrow[1]}"{text}"{arrow[2]}' if text else arrow[0]
            yield f"{self.ids[node]} {way} {self._target(edge, node.machine)}"
        if node.machine.owner is None and node.is_terminal and node.type not in ("Succeed", "Fail"):
            yield f'{self.ids[node]} --> e{self.ids[node]}((("End")))'

    def _target(self, edge: Edge, machine: Machine) -> str:
        if edge.target is not None:
            return self.ids[edge.target]
        name = edge.name if isinstance(edge.name, str) else wording.short(edge.name)
        return self.missing.setdefault((machine.path, name), f"x{len(self.missing) + 1}")

    def _styles(self) -> Iterator[str]:
        states = [*self.ids]
        if self.folds:
            states = [node for machine in self.tree.machines for node in visible(machine)]
        for kind in theme.TYPES:
            ids = [self.ids[node] for node in states if node.type == kind and node.path not in self.marks]
            if ids and kind in ("Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"):
                yield f"  classDef {kind} stroke:{theme.LIGHT[kind]}"
                yield f"  class {','.join(ids)} {kind}"
        for tone in (*theme.TONES, *theme.FAINT):
            ids = [self.ids[node] for node in states if (mark := self.marks.get(node.path)) and mark.tone == tone]
            if ids:
                faint = ",opacity:0.4" if tone in theme.FAINT else ",stroke-width:3px"
                yield f"  classDef {tone} stroke:{theme.LIGHT[tone]}{faint}"
                yield f"  class {','.join(ids)} {tone}"
        if self.missing:
            yield f"  classDef missing stroke:{theme.LIGHT['none']},stroke-dasharray:5 4"


def _text(text: str) -> str:
    """A text inside quotes: all that Mermaid, Markdown or HTML could understand as something else is a code."""
    text = clean(text)
    if len(text) > _MOST:
        text = text[: _MOST - 1] + "…"
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", text)
