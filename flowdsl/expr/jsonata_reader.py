"""What a JSONata expression reads, found without running it: for the checker and the data-flow analysis.

Source of what is refused: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions", and
ValidateStateMachineDefinition's answers ("Reference to 'phone' at the top level is not supported").
"""

from __future__ import annotations

from typing import Any

import attrs

from .jsonata import parse_expression


@attrs.frozen
class Read:
    """A variable and the names that follow it: `$order.id` is (`order`, (`id`,)). `offset` is where it stands."""

    name: str
    fields: tuple[str, ...]
    offset: int


@attrs.frozen
class Expression:
    """What an expression refers to, in the order in which it stands there.

    `reads`: variables that it does not bind itself, `$states` among them. `calls`: names of functions that it calls and
    does not bind. `top_level`: fields read from the input of the expression itself, which there is none of. `roots`:
    offsets of `$$`, which is refused for the same reason.
    """

    reads: tuple[Read, ...]
    calls: tuple[Read, ...]
    top_level: tuple[Read, ...]
    roots: tuple[int, ...]


def read_expression(text: str) -> Expression:
    """Read an expression (without its `{% %}`). Raises JsonataSyntaxError."""
    reader = _Reader()
    reader.visit(parse_expression(text), True)

    def free(found: list[Read]) -> tuple[Read, ...]:
        return tuple(sorted((each for each in found if each.name not in reader.bound), key=lambda each: each.offset))

    return Expression(
        free(reader.reads),
        free(reader.calls),
        tuple(sorted(reader.top_level, key=lambda each: each.offset)),
        tuple(sorted(reader.roots)),
    )


class _Reader:
    def __init__(self) -> None:
        self.reads: list[Read] = []
        self.calls: list[Read] = []
        self.top_level: list[Read] = []
        self.roots: list[int] = []
        self.bound: set[str] = set()

    def visit(self, node: Any, top: bool) -> None:
        """`top`: whether the node is evaluated on the expression's own input."""
        if isinstance(node, list | tuple):
            for item in node:
                self.visit(item, top)
            return
        kind = getattr(node, "type", None)
        if kind is None:
            return
        if kind == "path":
            self._path(node, top)
        elif kind == "variable":
            self._variable(node, (), top)
        elif kind == "name":
            if top:
                self.top_level.append(Read(str(node.value), (), _offset(node)))
        elif kind in ("function", "partial"):
            self._call(node, top)
        elif kind == "lambda":
            self.bound.update(str(argument.value) for argument in node.arguments or ())
            self.visit(node.body, False)
        else:
            if kind == "bind":
                self.bound.add(str(node.lhs.value))
            for name in ("lhs", "rhs", "expression", "expressions", "condition", "then", "_else", "lhs_object"):
                if kind != "bind" or name != "lhs":
                    self.visit(getattr(node, name, None), top)
            for name in ("pattern", "update", "delete", "terms"):
                self.visit(getattr(node, name, None), False)
        self._decorations(node)

    def _path(self, node: Any, top: bool) -> None:
        first, *rest = node.steps
        if first.type == "variable":
            names: list[str] = []
            for step in rest:
                if step.type != "name":
                    break
                names.append(str(step.value))
            self._variable(first, tuple(names), top)
            self._decorations(first)
        else:
            self.visit(first, top)
        for step in rest:
            self.visit(step, False)

    def _variable(self, node: Any, fields: tuple[str, ...], top: bool) -> None:
        if node.value == "$":
            self.roots.append(_offset(node))
        elif not node.value:  # A bare $ is the context of a predicate or a function.
            if top:
                self.top_level.append(Read("$", (), _offset(node)))
        else:
            self.reads.append(Read(str(node.value), fields, _offset(node)))

    def _call(self, node: Any, top: bool) -> None:
        if getattr(node.procedure, "type", None) == "variable":
            self.calls.append(Read(str(node.procedure.value), (), _offset(node.procedure)))
        else:
            self.visit(node.procedure, top)
        self.visit(node.arguments, top)

    def _decorations(self, node: Any) -> None:
        """Predicates, groups and bindings on a step; a predicate is evaluated on what it filters."""
        for name in ("predicate", "stages"):
            for each in getattr(node, name, None) or ():
                self.visit(getattr(each, "expr", None), False)
        group = getattr(node, "group", None)
        self.visit(getattr(group, "lhs_object", None), False)
        for name in ("focus", "index"):
            if isinstance(bound := getattr(node, name, None), str):
                self.bound.add(bound)


def _offset(node: Any) -> int:
    """jsonata-python keeps where a token ends."""
    end = int(getattr(node, "position", 0) or 0)
    return max(0, end - len(str(node.value or "")) - int(node.type == "variable"))
