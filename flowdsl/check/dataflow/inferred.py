"""What a handler without annotations reads of its event and returns, as far as its text tells for certain.

Read like annotations, without importing. What is computed elsewhere is unknown, and so is all that somebody else may
have changed: a name with another binding, an object that is changed in place or passed on.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from ...base.bindings import children, names_bound_by, own_nodes
from .kinds import kind_of_shape
from .shapes import (
    ANY,
    BOOLEAN,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
    merged,
    of_value,
)

MAX_DEPTH: Final = 12
_CALLS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("str", "repr"), STRING),
    **dict.fromkeys(("len", "int", "float", "round", "abs"), NUMBER),
    **dict.fromkeys(("bool", "any", "all", "isinstance"), BOOLEAN),
    **dict.fromkeys(("list", "sorted"), ArrayShape(ANY)),
}
_READS: Final = Source("what the handler reads")
_TEXT_METHODS: Final = frozenset({"isoformat", "strftime", "hexdigest", "upper", "lower"})
_LOOKING: Final = frozenset({"print", "len", "str", "repr", "dumps"})
"""Functions that look at an argument and leave it as it is."""
_LOOKING_METHODS: Final = frozenset({"dumps", "debug", "info", "warning", "error", "exception"})
_SUPPRESSING: Final = ("suppress", "raises", "catch", "ignor", "swallow", "ExitStack")
"""How the names of context managers start that may end a `with` on an error, and go on after it."""
_LEAVES = (ast.Name, ast.Constant, ast.expr_context)


def is_readable(handler: ast.FunctionDef) -> bool:
    """True if what the function returns is what Lambda gets."""
    return not any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(handler.body))


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class _Names:
    """The names of a function, those of functions inside it included: how they get values, and where they are used."""

    def __init__(self, handler: ast.FunctionDef) -> None:
        self.assigned: dict[str, list[ast.expr]] = {}
        """The values of `name = value`."""
        self.bound: Counter[str] = Counter()
        """How often a name gets a value in another way."""
        self.uses: dict[str, list[ast.Name]] = {}
        self.around: dict[ast.AST, ast.AST] = {}
        self.nodes: list[ast.AST] = [handler]
        for node in self.nodes:  # which grows
            for child in children(node) if not isinstance(node, _LEAVES) else ():
                self.around[child] = node
                self.nodes.append(child)
        self.returns = [node for node in own_nodes(handler.body) if isinstance(node, ast.Return)]
        """Its own, without those of functions inside it."""
        for node in self.nodes[1:]:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.uses.setdefault(node.id, []).append(node)
                continue
            outer = self.around[node]
            if isinstance(node, ast.Name) and isinstance(outer, ast.Assign) and len(outer.targets) == 1:
                self.assigned.setdefault(node.id, []).append(outer.value)
            else:
                self.bound.update(names_bound_by(node))

    def values(self, name: str) -> list[ast.expr]:
        """All values that a name may have; none if they are not known."""
        return [] if name in self.bound else self.assigned.get(name, [])

    def is_returned(self, node: ast.expr) -> bool:
        """True if the value is the function's result, and nobody here has it after that."""
        return self.around[node] in self.returns


@lru_cache(100)  # for its event, and for its result
def _names(handler: ast.FunctionDef) -> _Names:
    return _Names(handler)


# What it returns


def result_of(handler: ast.FunctionDef, module: Collection[str], source: Source) -> Shape:
    """The shape of what the handler returns. `module` are the names that its file defines, `source` is for messages."""
    returns = _names(handler).returns
    if not returns or not _ends(handler.body):
        return ANY  # It may return None.
    values = _Values(handler, module, source)
    return _any_of([ANY if each.value is None else values.of(each.value) for each in returns], source)


def _ends(body: list[ast.stmt]) -> bool:
    """True if these statements certainly return or raise."""
    match body[-1] if body else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=one, orelse=other):
            return _ends(one) and _ends(other)
        case ast.With(body=inside) as statement:
            return not _is_suppressing(statement) and _ends(inside)
        case ast.Try(body=tried, handlers=handlers, orelse=orelse, finalbody=last):
            return _ends(last) or (_ends(orelse or tried) and all(_ends(each.body) for each in handlers))
    return False


def _any_of(shapes: Collection[Shape], source: Source) -> Shape:
    """One of several values. The text does not tell when it is which: a field that only some have may be there, and a
    value of one kind or another is unknown, for what the flow tests may exclude one, such as the null beside an error.
    """
    kinds = {kind_of_shape(each) for each in shapes}
    if len(shapes) == 1 or len(kinds) != 1 or None in kinds:
        return next(iter(shapes)) if len(shapes) == 1 else ANY
    lists = [each for each in shapes if isinstance(each, ArrayShape)]
    if lists:
        return ArrayShape(_any_of([each.item for each in lists if each.items != ()] or [ANY], source))
    objects = [each for each in shapes if isinstance(each, ObjectShape)]
    if not objects:
        return merged(tuple(shapes))
    fields: dict[str, Member] = {}
    for name in dict.fromkeys(name for each in objects for name in each.fields):
        members = [each.fields[name] for each in objects if name in each.fields]
        is_always = len(members) == len(objects) and all(each.always for each in members)
        fields[name] = Member(_any_of([each.shape for each in members], source), is_always)
    return ObjectShape(fields, all(each.closed for each in objects), source)


class _Values:
    """The shapes of expressions in a function."""

    def __init__(self, handler: ast.FunctionDef, module: Collection[str], source: Source) -> None:
        self.source = source
        self.names = _names(handler)
        self.own = {*module, *self.names.bound, *self.names.assigned}
        self.known: dict[str, Shape] = {}

    def of(self, node: ast.expr, depth: int = 0) -> Shape:
        if depth > MAX_DEPTH:
            return ANY
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as value):
                return of_value(value)
            case ast.JoinedStr():
                return STRING
            case ast.Dict():
                return self.dict(node, depth)
            case ast.List() | ast.Tuple():
                if any(isinstance(each, ast.Starred) for each in node.elts):
                    return ArrayShape(ANY)
                items = tuple(self.of(each, depth + 1) for each in node.elts)
                return ArrayShape(_any_of(items or (ANY,), self.source), items)
            case ast.ListComp():
                return ArrayShape(ANY)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return BOOLEAN
            case ast.IfExp():
                return _any_of([self.of(node.body, depth + 1), self.of(node.orelse, depth + 1)], self.source)
            case ast.BinOp():
                sides = [self.of(each, depth + 1) for each in (node.left, node.right)]
                kinds = {each.kind if isinstance(each, ScalarShape) else "" for each in sides}
                return NUMBER if kinds == {"number"} else STRING if kinds == {"string"} else ANY
            case ast.Call(func=ast.Name(id=name)) if not self.own & {name, "*"}:
                is_sum = name == "sum" and len(node.args) == 1 and not node.keywords
                return NUMBER if is_sum else _CALLS.get(name, ANY)
            case ast.Call(func=ast.Attribute(attr=name)) if name in _TEXT_METHODS:
                return STRING
            case ast.Call(func=ast.Attribute(attr="format", value=text)):
                receiver = self.of(text, depth + 1)
                return STRING if isinstance(receiver, ScalarShape) and receiver.kind == "string" else ANY
            case ast.Name(id=name):
                return self.name(name, depth)
        return ANY

    def name(self, name: str, depth: int) -> Shape:
        if name not in self.known:
            self.known[name] = ANY  # while its values are looked at, which may read it
            shapes = [self.of(each, depth + 1) for each in self.names.values(name)]
            shape = _any_of(shapes, self.source) if shapes else ANY
            is_left_alone = all(map(self.names.is_returned, self.names.uses.get(name, [])))
            self.known[name] = shape if isinstance(shape, ScalarShape) or is_left_alone else ANY
        return self.known[name]

    def dict(self, node: ast.Dict, depth: int) -> Shape:
        fields: dict[str, Member] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                return ANY  # `**other`, or a key that is computed
            fields[key.value] = Member(self.of(value, depth + 1))
        return ObjectShape(fields, True, self.source)


# What it reads


def event_of(handler: ast.FunctionDef, module: Collection[str]) -> Shape:
    """The keys that the handler reads of its event in every run that succeeds, as an object that may have others.

    `module` are the names that its file defines.
    """
    arguments = [*handler.args.posonlyargs, *handler.args.args]
    if not arguments:
        return ANY
    reader = _Reader(handler, arguments[0].arg, module)
    if not reader.paths:
        return ANY
    reader.body(handler.body)
    return reader.shape()


class _Reader:
    def __init__(self, handler: ast.FunctionDef, event: str, module: Collection[str]) -> None:
        self.names = _names(handler)
        self.own = {*module, *self.names.bound, *self.names.assigned}
        self.paths: dict[str, tuple[str, ...]] = {}
        """Names of the event and of parts of it, with the keys that lead there."""
        self.read: dict[tuple[str, ...], None] = {}
        self.asked: set[tuple[str, ...]] = set()
        """What is asked for somewhere, so need not be there."""
        if event not in self.names.assigned and self.names.bound[event] == 1 and self.is_only_read(event, ()):
            self.paths[event] = ()

    def is_only_read(self, name: str, keys: tuple[str, ...]) -> bool:
        """True if nobody may change what the name stands for, at these keys. Notes what is asked for."""
        return all(self.leaves_alone(use, keys) for use in self.names.uses.get(name, []))

    def leaves_alone(self, use: ast.expr, keys: tuple[str, ...]) -> bool:
        outer = self.names.around[use]
        match outer:
            case ast.Subscript(value=value, ctx=ctx) if value is use:
                return isinstance(ctx, ast.Load)
            case ast.Attribute(attr="get"):
                call = self.names.around[outer]
                if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                    self.asked.add((*keys, str(call.args[0].value)))
                    return True
                return False
            case ast.Compare(left=ast.Constant(value=value), ops=[ast.In() | ast.NotIn()]):
                self.asked.add((*keys, str(value)))
                return True
            case ast.Assign(targets=[ast.Name(id=name)]):
                return len(self.names.values(name)) == 1 and self.is_only_read(name, keys)
            case ast.Dict(keys=names, values=values) if use in values and names[values.index(use)] is None:
                return True  # `{**event}` is another object.
            case ast.FormattedValue() | ast.If():
                return True
        return self.is_looked_at(use)

    def is_looked_at(self, use: ast.expr) -> bool:
        """True if a value goes only where it is read, as itself or in a new dict."""
        outer = self.names.around[use]
        if isinstance(outer, ast.keyword):
            outer = self.names.around[outer]
        match outer:
            case ast.Dict():
                return self.is_looked_at(outer)
            case ast.Call(func=ast.Name(id=name)):
                return name == "dumps" or (name in _LOOKING and name not in self.own)
            case ast.Call(func=ast.Attribute(attr=name) as method):
                return method is not use and name in _LOOKING_METHODS
        return self.names.is_returned(use)

    def body(self, statements: list[ast.stmt]) -> bool:
        """Collect what these statements read in any case; False if they may have returned."""
        for statement in statements:
            match statement:
                case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
                    self.expression(test)
                case ast.For(iter=value) | ast.Match(subject=value):
                    self.expression(value)
                case ast.With(items=items):
                    for item in items:
                        self.expression(item.context_expr)
                case ast.Try() | ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                    pass
                case _:
                    for child in children(statement):
                        if isinstance(child, ast.expr):
                            self.expression(child)
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    keys = self.keys(value)
                    if keys and self.leaves_alone(value, keys):
                        self.paths[name] = keys
                case ast.With(body=inside) if not _is_suppressing(statement) and not self.body(inside):
                    return False
            if any(isinstance(each, ast.Return | ast.Break | ast.Continue) for each in own_nodes([statement])):
                return False
        return True

    def keys(self, node: ast.AST) -> tuple[str, ...] | None:
        """The keys of `event["a"]["b"]`; None for anything else."""
        if isinstance(node, ast.Name):
            return self.paths.get(node.id)
        if not isinstance(node, ast.Subscript):
            return None
        before = self.keys(node.value)
        key = node.slice
        if before is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        return (*before, key.value)

    def expression(self, node: ast.expr) -> None:
        keys = self.keys(node)
        if keys and isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            self.read[keys] = None
        match node:
            case ast.Lambda():
                return
            case ast.BoolOp():
                self.expression(node.values[0])
            case ast.IfExp():
                self.expression(node.test)
            case ast.Compare():
                self.expression(node.left)
                self.expression(node.comparators[0])
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self.expression(node.generators[0].iter)
            case _:
                for child in children(node):
                    if isinstance(child, ast.keyword):
                        self.expression(child.value)
                    elif isinstance(child, ast.expr):
                        self.expression(child)

    def shape(self) -> Shape:
        parts = [
            (node, keys) for node in self.names.nodes if isinstance(node, ast.Subscript) and (keys := self.keys(node))
        ]
        changed = {keys for node, keys in parts if not self.leaves_alone(node, keys)}
        reads = {
            keys
            for keys in self.read
            if not any(keys[:count] in self.asked or keys[: count - 1] in changed for count in range(1, len(keys) + 1))
        }
        return _object(reads) if reads else ANY


def _is_suppressing(statement: ast.With) -> bool:
    """True if the block may end on an error with the code after it going on."""
    return any(_last(item.context_expr).startswith(_SUPPRESSING) for item in statement.items)


def _object(reads: set[tuple[str, ...]]) -> Shape:
    fields = {}
    for name in sorted({keys[0] for keys in reads}):
        inside = {keys[1:] for keys in reads if keys[0] == name and len(keys) > 1}
        fields[name] = Member(_object(inside) if inside else ANY)
    return ObjectShape(fields, False, _READS)
