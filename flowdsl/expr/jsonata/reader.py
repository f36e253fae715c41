"""What a JSONata expression reads and calls, told without running it: for the checker and the data-flow analysis.

Source of what is refused: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions", and
ValidateStateMachineDefinition's answers ("Reference to 'phone' at the top level is not supported").
"""

from __future__ import annotations

from ...base.record import Record
from .plain import plain_tree
from .tree import Node, steps


class Read(Record):
    """A variable and the names after it: `$order.id` is (`order`, (`id`,)). `offset` counts characters of the text."""

    name: str
    fields: tuple[str, ...]
    offset: int


class Expression(Record):
    """What an expression refers to, in the order of its text.

    `reads`: variables that it does not bind itself, `$states` among them. `calls`: functions that it calls and does not
    bind. `top_level`: fields of the expression's own input, which does not exist. `roots`: offsets of `$$`, which is
    refused for the same reason. `tree`: the whole expression.
    """

    reads: tuple[Read, ...]
    calls: tuple[Read, ...]
    top_level: tuple[Read, ...]
    roots: tuple[int, ...]
    tree: Node


def read_expression(text: str) -> Expression:
    """Read an expression (without its `{% %}`). Raises JsonataSyntaxError."""
    root = plain_tree(text)
    if root is None:
        from .engine import parse_expression  # more to import

        root = parse_expression(text)
    return describe(root)


def describe(root: Node) -> Expression:
    """What the tree of an expression refers to."""
    reader = _Reader()
    reader.visit(root, True)

    def free(references: list[Read]) -> tuple[Read, ...]:
        unbound = (each for each in references if each.name not in reader.bound)
        return tuple(sorted(unbound, key=lambda each: each.offset))

    return Expression(
        free(reader.reads),
        free(reader.calls),
        tuple(sorted(reader.top_level, key=lambda each: each.offset)),
        tuple(sorted(reader.roots)),
        root,
    )


_STEP_SUFFIXES = ("filter", "keep", "focus", "index")
"""What can follow a step of a path and leaves it a step: `[…]`, `[]`, `@$v`, `#$i`."""


class _Reader:
    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.calls: list[Read] = []
        self.top_level: list[Read] = []
        self.roots: list[int] = []
        self.bound: set[str] = set()

    def visit(self, node: Node, top: bool) -> None:
        """`top`: whether the node is evaluated on the expression's own input."""
        kind = node.kind
        if kind == "path" or kind in _STEP_SUFFIXES:
            self._path(node, top)
        elif kind == "variable":
            self._variable(node, (), top)
        elif kind == "name":
            if top:
                self.top_level.append(Read(node.value, (), node.start))
        elif kind in ("call", "partial"):
            self._call(node, top)
        elif kind == "lambda":
            self.bound.update(node.parameters)
            self.visit(node.parts[0], False)
        elif kind == "transform":
            self._visit_all(node.parts, False)
        elif kind in ("sort", "group"):
            self.visit(node.parts[0], top)
            self._visit_all(node.parts[1:], False)
        else:
            if kind == "bind":
                self.bound.add(node.value)
            self._visit_all(node.parts, top)

    def _visit_all(self, nodes: tuple[Node, ...], top: bool) -> None:
        for node in nodes:
            self.visit(node, top)

    def _path(self, node: Node, top: bool) -> None:
        first, *rest = (self._bare(step) for step in steps(node))
        if first.kind == "variable":
            names: list[str] = []
            for step in rest:
                if step.kind not in ("name", "string"):
                    break
                names.append(step.value)
            self._variable(first, tuple(names), top)
        elif first.kind == "string" and rest:  # quotes make a name of the first step
            if top:
                self.top_level.append(Read(first.value, (), first.start))
        else:
            self.visit(first, top)
        for step in rest:
            self.visit(step, False)

    def _bare(self, step: Node) -> Node:
        """The step without what follows it; a predicate is evaluated on what it filters."""
        while step.kind in _STEP_SUFFIXES:
            if step.kind in ("focus", "index"):
                self.bound.add(step.value)
            self._visit_all(step.parts[1:], False)
            step = step.parts[0]
        return step

    def _variable(self, node: Node, fields: tuple[str, ...], top: bool) -> None:
        if node.value == "$":
            self.roots.append(node.start)
        elif node.value:
            self.reads.append(Read(node.value, fields, node.start))
        elif top:  # A bare $ is the context of a predicate or a function.
            self.top_level.append(Read("$", (), node.start))

    def _call(self, node: Node, top: bool) -> None:
        procedure, *arguments = node.parts
        if procedure.kind == "variable":
            self.calls.append(Read(procedure.value, (), procedure.start))
        else:
            self.visit(procedure, top)
        self._visit_all(tuple(arguments), top)
